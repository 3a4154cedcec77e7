package hop

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// workerObject is a Worker as its parent has it.
type workerObject struct {
	events.Target
	obj    *goja.Object
	file   string
	thread *threads.Thread
	ioc    *iocontext.Context // the parent's
	ended  bool
	// release lets the parent end; nil while nobody listens, and when the worker has ended.
	release func()
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
	workerClass.Methods = map[string]bind.Method[workerObject]{
		"postMessage": (*workerObject).jsPost,
		"terminate":   func(w *workerObject, c *bind.Call) (any, error) { w.terminate(c.JS()); return nil, nil },
	}
}

// newWorker is new Worker(path). The path is resolved as require resolves it in the
// module that makes the worker; a file that cannot be found, as one that cannot be
// loaded, is an error event.
func newWorker(c *bind.Call) (*goja.Object, error) {
	js := c.JS()
	path, ok := c.Arg(0).(goja.String)
	if !ok {
		return nil, exception.TypeErrorf("A Worker is made of the path of its file, which is a string.")
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	sys := realms.Get(js).sys
	program := sys.o.Program
	w := &workerObject{ioc: ioc, file: path.String()}
	file, err := program.Resolve(js, w.file, caller(js))
	b := &body{Body: program.Body(file)}
	if err != nil {
		b.failed = js.Exception(err)
	} else {
		w.file = file
	}
	w.obj = workerClass.Wrap(js, w)
	w.Watch(w.obj, func(*isolate.JS, string, bool) { w.hold() })
	w.thread, err = program.Root().Start(threads.Spec{
		Name: w.file, Body: b, Parent: threads.Of(js), Unref: true, DieOnFailure: true,
		Owner: threads.Owner{Context: ioc, Message: w.message, Failure: w.failure, Exit: w.exit},
	})
	if err != nil {
		return nil, err
	}
	return w.obj, nil
}

// hold keeps the parent alive while somebody listens to a worker that lives.
func (w *workerObject) hold() {
	wanted := !w.ended && (w.Has("message") || w.Has("error") || w.Has("exit"))
	switch {
	case wanted && w.release == nil:
		w.release = w.ioc.AddPending()
	case !wanted && w.release != nil:
		w.release()
		w.release = nil
	}
}

// message, failure and exit are tasks of the parent's loop.
func (w *workerObject) message(m threads.Message) {
	w.ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		if !w.Has("message") {
			return
		}
		v, err := m.Value(js)
		if err != nil {
			events.Report(js, err)
			return
		}
		events.Dispatch(js, &w.Target, events.MessageEventClass, &events.MessageEvent{Event: events.New("message", false), Data: v})
	}, nil)
}

func (w *workerObject) failure(f *threads.Failure) {
	w.ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		v := thrown(js, f)
		e := &errorEvent{events.ErrorEvent{Event: events.New("error", true), Message: f.Error(), Error: v}}
		e.Filename, e.Line, e.Column = place(f.Stack, w.file)
		events.Dispatch(js, &w.Target, errorEventClass, e)
		if e.Prevented() {
			return
		}
		if _, err := answer(js, "complain", js.Runtime().ToValue("Uncaught in the worker "+w.file+":"), v); err != nil {
			events.Report(js, err)
		}
	}, nil)
}

// thrown is what the worker threw, in the parent's realm.
func thrown(js *isolate.JS, f *threads.Failure) goja.Value {
	if f.Thrown != nil {
		if v, err := f.Thrown.Value(js); err == nil {
			return v
		}
	}
	return js.Error(exception.New(f.Name, f.Message))
}

var stackFrame = regexp.MustCompile(`(?m)^\s+at (?:.*\()?((?:/|file:).*?):(\d+):(\d+)\)?$`)

// place is where an error was thrown, as its stack says; the file where it says nothing.
func place(stack, file string) (name string, line, column int) {
	m := stackFrame.FindStringSubmatch(stack)
	if m == nil {
		return file, 0, 0
	}
	line, _ = strconv.Atoi(m[2])
	column, _ = strconv.Atoi(m[3])
	return m[1], line, column
}

func (w *workerObject) exit(code int) {
	w.ended = true
	if w.killer != nil {
		w.killer.Stop()
	}
	w.ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		events.Dispatch(js, &w.Target, exitEventClass, &exitEvent{events.New("exit", false), code})
	}, nil)
	w.hold()
}

func (w *workerObject) jsPost(c *bind.Call) (any, error) {
	m, err := Donate.Encode(c.JS(), c.Arg(0), nil)
	if err != nil {
		return nil, err
	}
	return nil, posted(w.thread.Post(m))
}

// posted is the outcome of a post as scripts see it: the dead are told nothing.
func posted(err error) error {
	switch {
	case errors.Is(err, threads.ErrDead):
		return nil
	case errors.Is(err, threads.ErrFull):
		return exception.RangeErrorf("The message cannot be posted: %v.", err)
	}
	return err
}

// terminate lets the worker do what it was sent, and ends it where that takes too long.
func (w *workerObject) terminate(js *isolate.JS) {
	if w.ended || w.killer != nil {
		return
	}
	w.thread.Stop()
	w.killer = time.AfterFunc(limits.HopGrace.In(js.Bounds()), w.thread.Kill)
}

// body is a program's, for a thread that a Worker runs.
type body struct {
	threads.Body
	failed *exception.Exception // why there is nothing to run
}

// Prepare is threads.Body's.
func (b *body) Prepare(i *isolate.Isolate, t *threads.Thread) (*isolate.Realm, error) {
	*isolate.Local(i, portKey{}, func() **port { return new(*port) }) = &port{thread: t}
	return b.Body.Prepare(i, t)
}

// Start is threads.Body's.
func (b *body) Start(js *isolate.JS, t *threads.Thread) (goja.Value, error) {
	if b.failed != nil {
		return nil, b.failed
	}
	return b.Body.Start(js, t)
}

// End is threads.Ender's.
func (b *body) End(js *isolate.JS, t *threads.Thread, code int) int {
	if e, ok := b.Body.(threads.Ender); ok {
		return e.End(js, t, code)
	}
	return code
}

// Caught is threads.Catcher's.
func (b *body) Caught(js *isolate.JS, t *threads.Thread, v goja.Value) bool {
	c, ok := b.Body.(threads.Catcher)
	return ok && c.Caught(js, t, v)
}

// port is a worker's end of the channel to its parent.
type port struct {
	thread    *threads.Thread
	onmessage goja.Value
	release   func() // lets the worker end; nil where nobody listens
}

type portKey struct{}

// portOf is the port of a worker's isolate; nil elsewhere.
func portOf(i *isolate.Isolate) *port {
	return *isolate.Local(i, portKey{}, func() **port { return new(*port) })
}

// setUpWorker gives the realm of a worker its channel: postMessage, onmessage and close.
func setUpWorker(js *isolate.JS) error {
	p := portOf(js.Isolate())
	if p == nil {
		return nil
	}
	p.thread.Receive(p.receive)
	rt := js.Runtime()
	g := rt.GlobalObject()
	for name, fn := range map[string]bind.Static{
		"postMessage": func(c *bind.Call) (any, error) {
			m, err := Donate.Encode(c.JS(), c.Arg(0), nil)
			if err != nil {
				return nil, err
			}
			return nil, posted(p.thread.Send(m))
		},
		"close": func(*bind.Call) (any, error) { p.thread.Stop(); return nil, nil },
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
		p.release = p.thread.Hold()
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
