package hop

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// workerObject is a Worker as its parent has it.
type workerObject struct {
	events.Target
	obj    *goja.Object
	file   string
	worker *face.Worker
	// killer ends a worker that does not come to its end by itself; nil before terminate.
	killer *time.Timer
}

// errorEvent is what onerror is told.
type errorEvent struct{ events.ErrorEvent }

// exitEvent is what onexit is told.
type exitEvent struct {
	events.Event
	code int
}

var (
	workerClass     = &bind.Class[workerObject]{Name: "Worker"}
	errorEventClass = &bind.Class[errorEvent]{
		Name:   "WorkerErrorEvent",
		Parent: bind.Extends(events.ErrorEventClass, func(e *errorEvent) *events.ErrorEvent { return &e.ErrorEvent }),
		Getters: map[string]bind.Getter[errorEvent]{
			"data": func(e *errorEvent, _ *bind.Call) (any, error) { return e.Error, nil },
		},
	}
	exitEventClass = &bind.Class[exitEvent]{
		Name:   "WorkerExitEvent",
		Parent: bind.Extends(events.EventClass, func(e *exitEvent) *events.Event { return &e.Event }),
		Getters: map[string]bind.Getter[exitEvent]{
			"data": func(*exitEvent, *bind.Call) (any, error) { return nil, nil },
			"code": func(e *exitEvent, _ *bind.Call) (any, error) { return e.code, nil },
		},
	}
)

func defineWorker() {
	target := func(w *workerObject) *events.Target { return &w.Target }
	workerClass.Parent = bind.Extends(events.TargetClass, target)
	workerClass.Length = 1
	workerClass.Make = newWorker
	workerClass.Getters = map[string]bind.Getter[workerObject]{}
	workerClass.Setters = map[string]bind.Setter[workerObject]{}
	for _, typ := range []string{"message", "error", "exit"} {
		workerClass.Getters["on"+typ], workerClass.Setters["on"+typ] = events.Handler(typ, target)
	}
	workerClass.Init = func(_ *isolate.JS, _, proto *goja.Object) error {
		return proto.DefineDataProperty("terminate", proto.Get("terminate"), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	}
	workerClass.Methods = map[string]bind.Method[workerObject]{
		"postMessage": (*workerObject).jsPost,
		"terminate":   func(w *workerObject, c *bind.Call) (any, error) { w.terminate(c.JS()); return nil, nil },
	}
}

// newWorker is new Worker(path[, options]). The path is resolved as require resolves it
// in the module that makes the worker; a file that cannot be found, as one that cannot be
// loaded, is an error event.
func newWorker(c *bind.Call) (*goja.Object, error) {
	js := c.JS()
	path, ok := c.Arg(0).(goja.String)
	if !ok {
		return nil, exception.TypeErrorf("A Worker is made of the path of its file, which is a string.")
	}
	o := face.Options{Flavor: "hop", Module: true, Codec: face.Donate, Structured: threads.Structured, Data: goja.Undefined(), Die: true, Late: true, Port: connect}
	if bag, ok := c.Arg(1).(*goja.Object); ok {
		if err := o.Read(c, bag); err != nil {
			return nil, err
		}
	}
	w := &workerObject{file: path.String()}
	e := face.Entry{Path: w.file, Eval: o.Eval}
	if o.Eval {
		w.file = face.EvalName
	}
	if o.Module {
		e.From = face.Caller(js)
	}
	var err error
	if w.worker, err = face.Start(js, e, o, face.Handlers{Message: w.message, MessageError: w.unreadable, Failure: w.failure, Exit: w.exit}); err != nil {
		return nil, err
	}
	w.worker.Unref() // until somebody listens
	w.obj = workerClass.Wrap(js, w)
	w.Watch(w.obj, func(*isolate.JS, string, bool) { w.hold() })
	return w.obj, nil
}

// hold keeps the parent alive while somebody listens to a worker that lives.
func (w *workerObject) hold() {
	if w.Has("message") || w.Has("error") || w.Has("exit") {
		w.worker.Ref()
	} else {
		w.worker.Unref()
	}
}

func (w *workerObject) message(js *isolate.JS, v goja.Value) error {
	events.Dispatch(js, &w.Target, events.MessageEventClass, &events.MessageEvent{Event: events.New("message", false), Data: v})
	return nil
}

// unreadable is told of a message that cannot be made in this realm.
func (w *workerObject) unreadable(js *isolate.JS, err error) error {
	v := js.Error(err)
	return w.fail(js, &errorEvent{events.ErrorEvent{Event: events.New("error", true), Message: err.Error(), Filename: w.file, Error: v}})
}

func (w *workerObject) failure(js *isolate.JS, f *threads.Failure) error {
	e := &errorEvent{events.ErrorEvent{Event: events.New("error", true), Message: f.Error(), Error: thrown(js, f)}}
	e.Filename, e.Line, e.Column = place(f.Stack, w.file)
	return w.fail(js, e)
}

// fail tells of an error, and prints it where nobody prevents that.
func (w *workerObject) fail(js *isolate.JS, e *errorEvent) error {
	events.Dispatch(js, &w.Target, errorEventClass, e)
	if e.Prevented() {
		return nil
	}
	_, err := answer(js, "complain", js.Runtime().ToValue("Uncaught in the worker "+w.file+":"), e.Error)
	return err
}

// thrown is what the worker threw, in the parent's realm.
func thrown(js *isolate.JS, f *threads.Failure) goja.Value {
	if !f.IsError && f.Thrown != nil {
		if v, err := f.Thrown.Value(js); err == nil {
			return v
		}
	}
	if e, err := face.Copy(js, f); err == nil {
		return e
	}
	return js.Error(exception.New(f.Name, f.Message))
}

var (
	stackFrame = regexp.MustCompile(`(?m)^\s+at (?:.*\()?((?:/|file:|\[worker eval\]).*?):(\d+):(\d+)\)?$`)
	// stackMistake is the place of a mistake of syntax, which stands before the stack: its line, and carets below.
	stackMistake = regexp.MustCompile(`^(\S.*):(\d+)\n.*\n(\s*)\^+\n`)
)

// place is where an error was thrown, as its stack says; the file where it says nothing.
func place(stack, file string) (name string, line, column int) {
	if m := stackMistake.FindStringSubmatch(stack); m != nil {
		line, _ = strconv.Atoi(m[2])
		return m[1], line, len(m[3]) + 1
	}
	m := stackFrame.FindStringSubmatch(stack)
	if m == nil {
		return file, 0, 0
	}
	line, _ = strconv.Atoi(m[2])
	column, _ = strconv.Atoi(m[3])
	return m[1], line, column
}

func (w *workerObject) exit(js *isolate.JS, code int) error {
	if w.killer != nil {
		w.killer.Stop()
	}
	events.Dispatch(js, &w.Target, exitEventClass, &exitEvent{events.New("exit", false), code})
	return nil
}

func (w *workerObject) jsPost(c *bind.Call) (any, error) {
	return nil, posted(w.worker.Post(c.JS(), c.Arg(0), nil))
}

// posted is the outcome of a post as scripts see it: the dead are told nothing.
func posted(err error) error {
	if errors.Is(err, threads.ErrDead) {
		return nil
	}
	return err
}

// terminate lets the worker do what it was sent, and ends it where that takes too long.
func (w *workerObject) terminate(js *isolate.JS) {
	if w.worker.Over() || w.killer != nil {
		return
	}
	w.worker.Stop()
	w.killer = time.AfterFunc(limits.HopGrace.In(js.Bounds()), w.worker.Kill)
}

// port is a worker's end of the channel to its parent.
type port struct {
	*face.Port
	onmessage goja.Value
	release   func() // lets the worker end; nil where nobody listens
}

// connect gives the realm of a worker its channel: postMessage, onmessage and close.
func connect(js *isolate.JS, to *face.Port) error {
	p := &port{Port: to}
	p.Receive(p.receive)
	g := js.Runtime().GlobalObject()
	for name, fn := range map[string]bind.Static{
		"postMessage": func(c *bind.Call) (any, error) { return nil, posted(p.Post(c.JS(), c.Arg(0), nil)) },
		"close":       func(*bind.Call) (any, error) { p.Stop(); return nil, nil },
	} {
		if err := g.DefineDataProperty(name, bind.NewFunction(js, name, 0, fn), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
			return err
		}
	}
	get := bind.NewFunction(js, "get onmessage", 0, func(*bind.Call) (any, error) {
		if p.onmessage == nil {
			return bind.Null, nil
		}
		return p.onmessage, nil
	})
	set := bind.NewFunction(js, "set onmessage", 1, func(c *bind.Call) (any, error) { p.listen(c.Arg(0)); return nil, nil })
	return g.DefineAccessorProperty("onmessage", get, set, goja.FLAG_FALSE, goja.FLAG_TRUE)
}

// listen sets the handler. A worker that has one lives until it is ended.
func (p *port) listen(v goja.Value) {
	p.onmessage = nil
	if _, ok := goja.AssertFunction(v); ok {
		p.onmessage = v
	}
	switch {
	case p.onmessage != nil && p.release == nil:
		p.release = p.Hold()
	case p.onmessage == nil && p.release != nil:
		p.release()
		p.release = nil
	}
}

// receive takes a message where the worker has a handler.
func (p *port) receive(js *isolate.JS, m threads.Message) bool {
	if p.onmessage == nil {
		return false
	}
	v, err := m.Value(js)
	if err == nil {
		e := events.MessageEventClass.Wrap(js, &events.MessageEvent{Event: events.New("message", false), Data: v})
		_, err = js.Call(p.onmessage, js.Runtime().GlobalObject(), e)
	}
	if err != nil {
		js.Panic(err)
	}
	return true
}
