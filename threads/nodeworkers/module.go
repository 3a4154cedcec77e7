// Package nodeworkers is node:worker_threads for programs, on package face: a thin one. Workers, the port to the owner
// and data are node's; MessagePorts are those of package ports.
//
// Everything belongs to the isolate's goroutine.
package nodeworkers

import (
	_ "embed"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
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

// exports is the module in one realm.
type exports struct {
	value  goja.Value
	closed bool // parentPort
}

var loaded = isolate.NewSlot(func(*isolate.JS) *exports { return &exports{} })

func load(js *isolate.JS) (goja.Value, error) {
	l := loaded.Get(js)
	if l.value != nil {
		return l.value, nil
	}
	native := bind.Object{Name: "native", Methods: natives}.New(js)
	id := 0
	if t := threads.Of(js); t != nil {
		id = t.ID()
	}
	for name, v := range map[string]any{
		"isWorker": face.PortOf(js) != nil, "id": id,
		"postMessage": bind.NewFunction(js, "postMessage", 2, postMessage),
		"postToOwner": bind.NewFunction(js, "postMessage", 2, postToOwner),
	} {
		if err := native.Set(name, v); err != nil {
			return nil, err
		}
	}
	v, err := face.Run(js, program, native)
	if err != nil {
		return nil, err
	}
	l.value = v
	return l.value, nil
}

// natives are what worker_threads.js gets.
var natives = map[string]bind.Static{
	"start":      start,
	"isAbsolute": func(c *bind.Call) (any, error) { return filepath.IsAbs(c.Arg(0).String()), nil },
	"pathOf": func(c *bind.Call) (any, error) {
		u, err := url.Parse(c.Arg(0).String())
		if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
			return nil, exception.TypeErrorf("The URL must be of scheme file")
		}
		return filepath.FromSlash(u.Path), nil
	},
	"listen": listen,
	"close":  func(c *bind.Call) (any, error) { loaded.Get(c.JS()).closed = true; return nil, nil },
	"pause": func(c *bind.Call) (any, error) {
		face.PortOf(c.JS()).Pause(c.Arg(0).ToBoolean())
		return nil, nil
	},
	// hold keeps the thread alive until its result is called.
	"hold": func(c *bind.Call) (any, error) {
		release := face.PortOf(c.JS()).Hold()
		return bind.NewFunction(c.JS(), "release", 0, func(*bind.Call) (any, error) { release(); return nil, nil }), nil
	},
	"take": func(c *bind.Call) (any, error) {
		m := face.PortOf(c.JS()).Take()
		if m == nil {
			return nil, nil
		}
		v, err := m.Value(c.JS())
		if err != nil {
			return nil, err
		}
		o := c.JS().Runtime().NewObject()
		return o, o.Set("message", v)
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
	"data": func(c *bind.Call) (any, error) { return face.PortOf(c.JS()).Value(c.JS()) },
	// pin keeps a buffer from being transferred.
	"pin": func(c *bind.Call) (any, error) {
		c.JS().Library().Hide(clone.Pinned)
		if o, ok := c.Arg(0).(*goja.Object); ok {
			return nil, o.DefineDataPropertySymbol(clone.Pinned, goja.Null(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		}
		return nil, nil
	},
}

// handle is what a Worker has of its thread.
type handle struct{ worker *face.Worker }

var handleClass = &bind.Class[handle]{
	Name: "WorkerHandle",
	Getters: map[string]bind.Getter[handle]{
		"id": func(h *handle, _ *bind.Call) (any, error) { return h.worker.ID(), nil },
	},
	Methods: map[string]bind.Method[handle]{
		"terminate": func(h *handle, _ *bind.Call) (any, error) { h.worker.Kill(); return nil, nil },
		"ref":       func(h *handle, _ *bind.Call) (any, error) { h.worker.Ref(); return nil, nil },
		"unref":     func(h *handle, _ *bind.Call) (any, error) { h.worker.Unref(); return nil, nil },
	},
}

// handles finds the handle of a Worker, which is an object that a constructor of JavaScript makes.
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
	list, err := face.Transfers(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	err = h.worker.Post(c.JS(), c.Arg(0), list)
	if h.worker.State() >= threads.Closing {
		return nil, nil // nobody is left who could hear it
	}
	return nil, err
}

// postToOwner is postMessage of parentPort.
func postToOwner(c *bind.Call) (any, error) {
	if loaded.Get(c.JS()).closed {
		return nil, nil
	}
	list, err := face.Transfers(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	return nil, face.PortOf(c.JS()).Post(c.JS(), c.Arg(0), list)
}

// listen is listen(port): the port emits what the owner says until it is closed.
func listen(c *bind.Call) (any, error) {
	var port *goja.Object
	if err := c.Unpack("port", &port); err != nil {
		return nil, err
	}
	l := loaded.Get(c.JS())
	face.PortOf(c.JS()).Receive(func(js *isolate.JS, m threads.Message) bool {
		if l.closed {
			threads.Drop(m)
			return true
		}
		v, err := m.Value(js)
		if err == nil {
			err = events.Emit(js, port, "message", v)
		}
		if err != nil {
			js.Panic(err)
		}
		return true
	})
	return nil, nil
}

// start is start(path, eval, data, transfer, argv, name, worker, deliver): the worker emits what its thread posts, and deliver
// is told of everything else.
func start(c *bind.Call) (any, error) {
	js := c.JS()
	list, err := face.Transfers(c, c.Arg(3))
	if err != nil {
		return nil, err
	}
	o := face.Options{
		Flavor: "node", Codec: threads.Structured, Data: c.Arg(2), HasData: !goja.IsUndefined(c.Arg(2)), Transfer: list, Paused: true,
		Die: true, KillCode: 1, Name: c.Arg(5).String(),
	}
	if !o.HasData {
		o.Data = goja.Null()
	}
	argv, _, err := c.Texts(c.Arg(4), func(v goja.Value) (string, error) { return c.String(0, v) })
	if err != nil {
		return nil, err
	}
	worker, ok := c.Arg(6).(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("Illegal invocation")
	}
	deliver := c.Arg(7)
	say := func(js *isolate.JS, kind string, v goja.Value) error {
		_, err := js.Call(deliver, nil, js.Runtime().ToValue(kind), v)
		return err
	}
	w, err := face.Start(js, face.Entry{Path: c.Arg(0).String(), Eval: c.Arg(1).ToBoolean(), Argv: argv}, o, face.Handlers{
		Online:       func(js *isolate.JS) error { return say(js, "online", goja.Undefined()) },
		Message:      func(js *isolate.JS, v goja.Value) error { return events.Emit(js, worker, "message", v) },
		MessageError: func(js *isolate.JS, err error) error { return say(js, "messageerror", js.Error(err)) },
		Failure: func(js *isolate.JS, f *threads.Failure) error {
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
		},
		Exit: func(js *isolate.JS, code int) error { return say(js, "exit", js.Runtime().ToValue(code)) },
	})
	if err != nil {
		return nil, err
	}
	h := &handle{worker: w}
	handles.Put(js, worker, h)
	return handleClass.Wrap(js, h), nil
}
