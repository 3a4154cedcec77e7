// Package nodeworkers is node:worker_threads for programs, on packages face and ports: what a Worker and its owner say to
// each other goes through a MessagePort, as in node, and so does what it writes for its owner and reads of it.
//
// Everything belongs to the isolate's goroutine.
package nodeworkers

import (
	_ "embed"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/threads/ports"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Module is the module that scripts import.
var Module = bind.Module{
	Name:     "nodeworkers",
	Builtins: map[string]func(js *isolate.JS) (goja.Value, error){"worker_threads": load, "node:worker_threads": load},
}

//go:embed worker_threads.js
var source string

var program = sync.OnceValues(func() (*goja.Program, error) {
	return goja.Compile("node-internal:worker_threads", "(function(EventEmitter, native) { "+source+"\n})", true)
})

// exports are the module in one realm, and what its JavaScript gives to the worker that it runs in.
type exports struct {
	value *goja.Object // what scripts import; nil before it is loaded
	// What is known without the JavaScript.
	data, port, limits goja.Value
	extra              goja.Value

	inner *goja.Object // what the JavaScript exports; nil before it has run
	stdin goja.Value
}

var loaded = isolate.NewSlot(func(*isolate.JS) *exports { return &exports{} })

// shape is what scripts import: the JavaScript runs when one asks for more than the thread is and was given.
var shape = natives.NewLate(natives.LateProperty{Enumerable: true}.Named("Worker", "parentPort", "SHARE_ENV", "isMainThread", "threadId", "workerData", "resourceLimits", "MessageChannel", "MessagePort",
	"BroadcastChannel", "receiveMessageOnPort", "moveMessagePortToContext", "postMessageToThread", "getEnvironmentData", "setEnvironmentData",
	"markAsUntransferable", "isMarkedAsUntransferable")...)

func load(js *isolate.JS) (goja.Value, error) {
	l := loaded.Get(js)
	if l.value != nil {
		return l.value, nil
	}
	l.data, l.extra, l.port, l.limits = goja.Null(), goja.Undefined(), goja.Null(), js.Runtime().NewObject()
	if p := face.PortOf(js); p != nil {
		var err error
		if l.data, err = p.Value(js); err != nil {
			return nil, err
		}
		if p.Flavor == flavor {
			if v, _ := p.Extra(js); v != nil {
				l.extra = v
			}
		}
	}
	if o, ok := l.extra.(*goja.Object); ok {
		for name, to := range map[string]*goja.Value{"port": &l.port, "limits": &l.limits} {
			if v := o.Get(name); v != nil && !goja.IsUndefined(v) {
				*to = v
			}
		}
	}
	late := bind.NewLate(js)
	l.value = late.Object(shape, js.Runtime().NewObject().Prototype(), func(name string) natives.LateValue {
		v, err := l.member(js, name)
		if err != nil {
			js.Panic(err)
		}
		return natives.LateValue{Value: v}
	})
	return l.value, late.Fill()
}

// member is a property of the module.
func (l *exports) member(js *isolate.JS, name string) (goja.Value, error) {
	rt := js.Runtime()
	switch name {
	case "parentPort":
		return l.port, nil
	case "isMainThread":
		return rt.ToValue(face.PortOf(js) == nil), nil
	case "threadId":
		if t := threads.Of(js); t != nil {
			return rt.ToValue(t.ID()), nil
		}
		return rt.ToValue(0), nil
	case "workerData":
		return l.data, nil
	case "resourceLimits":
		return l.limits, nil
	}
	if err := l.run(js); err != nil {
		return nil, err
	}
	return l.inner.Get(name), nil
}

// run runs the JavaScript, once.
func (l *exports) run(js *isolate.JS) error {
	if l.inner != nil {
		return nil
	}
	native := bind.Object{Name: "native", Methods: functions()}.New(js)
	for name, v := range map[string]any{"extra": l.extra, "postMessage": bind.NewFunction(js, "postMessage", 2, postMessage)} {
		if err := native.Set(name, v); err != nil {
			return err
		}
	}
	v, err := face.Run(js, program, native)
	if err != nil {
		return err
	}
	both := v.ToObject(js.Runtime())
	l.inner, l.stdin = both.Get("exports").ToObject(js.Runtime()), both.Get("stdin")
	return nil
}

// loadAll is the module with its JavaScript.
func loadAll(js *isolate.JS) (*exports, error) {
	l := loaded.Get(js)
	if _, err := load(js); err != nil {
		return l, err
	}
	return l, l.run(js)
}

// flavor is that of the workers that this face starts.
const flavor = "node"

// functions are what worker_threads.js gets.
func functions() map[string]bind.Static {
	return map[string]bind.Static{
		// method(f) calls f with its first argument as the receiver.
		"method": func(c *bind.Call) (any, error) {
			fn := c.Arg(0)
			return bind.NewFunction(c.JS(), "", 0, func(c *bind.Call) (any, error) {
				return c.JS().Call(fn, c.Arg(0), c.Args()[min(1, c.Len()):]...)
			}), nil
		},
		"start":      start,
		"isAbsolute": func(c *bind.Call) (any, error) { return filepath.IsAbs(c.Arg(0).String()), nil },
		"pathOf": func(c *bind.Call) (any, error) {
			u, err := url.Parse(c.Arg(0).String())
			if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
				return nil, exception.TypeErrorf("The URL must be of scheme file")
			}
			return filepath.FromSlash(u.Path), nil
		},
		"channel": func(c *bind.Call) (any, error) {
			list, err := ports.Channel(c.JS())
			return []any{list[0], list[1]}, err
		},
		// builtin is a module of node.
		"builtin": func(c *bind.Call) (any, error) {
			if mk := bind.ProgramOf(c.JS()).Builtin; mk != nil {
				return mk(c.Arg(0).String())
			}
			return nil, face.ErrUnavailable
		},
		// receive is what waits at a port: null for what is no port.
		"receive": func(c *bind.Call) (any, error) {
			v, ok, isPort, err := ports.Receive(c.JS(), c.Arg(0))
			if err != nil || !isPort {
				return bind.Null, err
			}
			if !ok {
				return nil, nil
			}
			o := c.JS().Runtime().NewObject()
			return o, o.Set("message", v)
		},
		// pin keeps a buffer from being transferred.
		"pin": func(c *bind.Call) (any, error) {
			c.JS().Library().Hide(clone.Pinned)
			if o, ok := c.Arg(0).(*goja.Object); ok {
				return nil, o.DefineDataPropertySymbol(clone.Pinned, goja.Null(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
			}
			return nil, nil
		},
	}
}

// handle is what a Worker has of its thread: an object that a constructor of JavaScript makes.
type handle struct {
	worker *face.Worker
	obj    *goja.Object // the Worker
	end    *ports.End   // at its parentPort
	out    output
}

// Told is ports.Listener's: the Worker emits what its thread posts.
func (h *handle) Told(js *isolate.JS, typ string, v goja.Value, _ []any) {
	if typ == "close" {
		return
	}
	if err := events.Emit(js, h.obj, typ, v); err != nil {
		events.Report(js, err)
	}
}

// abandon closes what was opened for a thread that has not started.
func (h *handle) abandon() {
	if h.end != nil {
		h.end.Close()
	}
	for fd := range h.out.to {
		if to := h.out.to[fd].Load(); to != nil {
			to.End()
		}
	}
}

// drain is Told for all that has come. What a listener throws is reported.
func (h *handle) drain(js *isolate.JS) {
	for {
		v, ok, err := h.end.Take(js)
		switch {
		case err != nil:
			h.Told(js, "messageerror", js.Error(err), nil)
		case !ok:
			return
		default:
			h.Told(js, "message", v, nil)
		}
	}
}

var handleClass = &bind.Class[handle]{
	Name: "WorkerHandle",
	Getters: map[string]bind.Getter[handle]{
		"id": func(h *handle, _ *bind.Call) (any, error) { return h.worker.ID(), nil },
	},
	Methods: map[string]bind.Method[handle]{
		"terminate": func(h *handle, _ *bind.Call) (any, error) { h.worker.Kill(); return nil, nil },
		"ref":       func(h *handle, _ *bind.Call) (any, error) { h.worker.Ref(); return nil, nil },
		"unref":     func(h *handle, _ *bind.Call) (any, error) { h.worker.Unref(); return nil, nil },
		// output is the port at which arrives what the worker writes to stdout (1) or stderr (2) from now on.
		"output": func(h *handle, c *bind.Call) (any, error) {
			return h.out.port(c.JS(), int(c.Arg(0).ToInteger()))
		},
	},
}

// handles finds the handle of a Worker.
var handles = bind.NewMark[handle]("worker.handle")

// postMessage is Worker.prototype.postMessage.
func postMessage(c *bind.Call) (any, error) {
	h := handles.Get(c.This())
	switch {
	case h == nil:
		return nil, exception.TypeErrorf("Illegal invocation")
	case h.worker.Over():
		return nil, nil
	}
	return nil, h.end.Post(c)
}

// output is what a worker writes, for its owner. Write is for the worker's goroutine, and port for the owner's.
type output struct {
	alone [3]bool // the owner has it alone: by the number of the stream
	to    [3]atomic.Pointer[threads.Port]
	ports [3]*goja.Object // the owner's ends
}

func (o *output) port(js *isolate.JS, fd int) (*goja.Object, error) {
	if p := o.ports[fd]; p != nil {
		return p, nil
	}
	a, b := threads.NewChannel(js.Bounds())
	p, err := ports.Attach(js, a)
	if err == nil {
		o.ports[fd] = p
		o.to[fd].Store(b)
	}
	return p, err
}

func (o *output) write(fd int, b []byte) (alone bool, err error) {
	if to := o.to[fd].Load(); to != nil {
		err = to.Post(ports.Bytes(slices.Clone(b)))
	}
	return o.alone[fd], err
}

// start is start(worker, path, options, transfer, own, deliver): own is what goes along beside workerData and transfer. The
// options are those of a Worker, read already. deliver is told of everything but messages.
func start(c *bind.Call) (_ any, err error) {
	js := c.JS()
	h := &handle{}
	defer func() {
		if err != nil {
			h.abandon()
		}
	}()
	if err := c.Unpack("worker", &h.obj); err != nil {
		return nil, err
	}
	e, o, err := h.options(c)
	if err != nil {
		return nil, err
	}
	if err := h.connect(c, &o); err != nil {
		return nil, err
	}
	if h.worker, err = face.Start(js, e, o, h.handlers(c.Arg(5))); err != nil {
		return nil, err
	}
	handles.Put(js, h.obj, h)
	return handleClass.Wrap(js, h), nil
}

// options reads the arguments of start.
func (h *handle) options(c *bind.Call) (e face.Entry, o face.Options, err error) {
	o = face.Options{Flavor: flavor, Codec: threads.Structured, Die: true, KillCode: 1, Data: goja.Undefined()}
	e = face.Entry{Path: c.Arg(1).String(), Thread: true, CopyEnv: true, Output: h.out.write, Stdin: func(js *isolate.JS) (goja.Value, error) {
		l, err := loadAll(js)
		if err != nil {
			return nil, err
		}
		return js.Call(l.stdin, nil)
	}}
	texts := func(into *[]string) func(c *bind.Call, v goja.Value) error {
		return func(c *bind.Call, v goja.Value) (err error) {
			list, _, err := c.Texts(v, func(v goja.Value) (string, error) { return c.String(0, v) })
			*into = append([]string{}, list...)
			return err
		}
	}
	bag := c.Arg(2).ToObject(c.JS().Runtime())
	err = c.Dictionary(bag, "WorkerOptions",
		"eval", &e.Eval, "name", &o.Name, "argv", texts(&e.Argv), "execArgv", texts(&e.ExecArgv), "env", texts(&e.Env), "stdout", &h.out.alone[1], "stderr", &h.out.alone[2],
		"shareEnv", func(_ *bind.Call, v goja.Value) error { e.CopyEnv = !v.ToBoolean(); return nil },
		"workerData", func(_ *bind.Call, v goja.Value) error { o.Data = v; return nil },
		"stackSizeMb", func(c *bind.Call, v goja.Value) error {
			if t := threads.Of(c.JS()); t != nil {
				o.Limits.CallStack = callStack(t.Root().CallStack(), v.ToFloat())
			}
			return nil
		},
		"extra", func(_ *bind.Call, v goja.Value) error { o.Extra = v; return nil },
	)
	if err != nil {
		return e, o, err
	}
	if _, ok := o.Extra.(*goja.Object); !ok {
		return e, o, c.BadArg(3, "Object")
	}
	for _, list := range []goja.Value{c.Arg(3), c.Arg(4)} {
		all, err := face.Transfers(c, list)
		if err != nil {
			return e, o, err
		}
		o.Transfer = append(o.Transfer, all...)
	}
	return e, o, nil
}

// usualStackMb is what node has where nothing is said: it stands for all calls that a program allows.
const usualStackMb = 4

// callStack is how deep calls may nest on a stack of that many megabytes: as part of what the program allows, and never more.
func callStack(most int, stackMb float64) int {
	return max(1, int(float64(most)*min(1, stackMb/usualStackMb)))
}

// connect makes the port that the worker gets along, and those of its streams that are read alone.
func (h *handle) connect(c *bind.Call, o *face.Options) (err error) {
	js := c.JS()
	near, far := threads.NewChannel(js.Bounds())
	if h.end, err = ports.NewEnd(js, near, h); err != nil {
		return err
	}
	port, err := ports.Attach(js, far)
	if err != nil {
		return err
	}
	if err := o.Extra.(*goja.Object).Set("port", port); err != nil {
		return err
	}
	o.Transfer = append(o.Transfer, port)
	for fd, alone := range h.out.alone {
		if !alone {
			continue
		}
		if _, err := h.out.port(js, fd); err != nil {
			return err
		}
	}
	return nil
}

// handlers hand on to deliver what the worker says.
func (h *handle) handlers(deliver goja.Value) face.Handlers {
	say := func(js *isolate.JS, kind string, v goja.Value) error {
		_, err := js.Call(deliver, nil, js.Runtime().ToValue(kind), v)
		return err
	}
	failed := func(js *isolate.JS, f *threads.Failure) error {
		// What was thrown itself, where it can be copied.
		if f.Thrown != nil {
			if v, err := f.Thrown.Value(js); err == nil {
				return say(js, "error", v)
			}
		}
		v, err := face.Copy(js, f)
		if err != nil {
			return err
		}
		return say(js, "error", v)
	}
	var failures []*threads.Failure
	return face.Handlers{
		Online: func(js *isolate.JS) error { return say(js, "online", goja.Undefined()) },
		// Nothing else comes this way: messages go through the port.
		Message:      func(*isolate.JS, goja.Value) error { return nil },
		MessageError: func(*isolate.JS, error) error { return nil },
		// The worker ends after it, and what it says until then comes first, as in node.
		Failure: func(_ *isolate.JS, f *threads.Failure) error {
			failures = append(failures, f)
			return nil
		},
		Exit: func(js *isolate.JS, code int) error {
			h.drain(js)
			h.end.Close()
			for _, f := range failures {
				if err := failed(js, f); err != nil {
					events.Report(js, err)
				}
			}
			return say(js, "exit", js.Runtime().ToValue(code))
		},
	}
}
