// Package iojs is the module `worker` of io.js: its Worker is an EventEmitter that runs a file, or a source text, in
// a thread of its own.
//
//	const Worker = require('worker')
//	const w = new Worker('job.js')
//	w.on('message', m => w.terminate()); w.postMessage(1)
//
// In a worker the same Worker is the port to the owner: Worker.on('message'), Worker.postMessage. README says what
// differs from io.js.
//
// Everything belongs to the isolate's goroutine.
package iojs

import (
	_ "embed"
	"errors"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Module is the module that scripts import.
var Module = bind.Module{
	Name:     "iojs",
	Builtins: map[string]func(js *isolate.JS) (goja.Value, error){"worker": load},
}

//go:embed worker.js
var source string

var program = sync.OnceValues(func() (*goja.Program, error) {
	return goja.Compile("node-internal:worker", "(function(EventEmitter, native) { "+source+"\n})", true)
})

// exports is the module in one realm.
type exports struct{ worker *goja.Object }

var loaded = isolate.NewSlot(func(*isolate.JS) *exports { return &exports{} })

func load(js *isolate.JS) (goja.Value, error) {
	l := loaded.Get(js)
	if l.worker != nil {
		return l.worker, nil
	}
	native := bind.Object{Name: "native", Methods: map[string]bind.Static{"start": start, "listen": listen}}.New(js)
	for name, v := range map[string]any{
		"isWorker":    face.PortOf(js) != nil,
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
	worker, ok := v.(*goja.Object)
	if !ok {
		return nil, errors.New("the module worker gives no object")
	}
	l.worker = worker
	return worker, nil
}

// handle is what a Worker has of its thread.
type handle struct {
	worker     *face.Worker
	terminated bool
}

func (h *handle) over() bool { return h.terminated || h.worker.Over() }

// handles finds the handle of a Worker, which is an object that a constructor of JavaScript makes.
var handles = bind.NewMark[handle]("worker.handle")

var handleClass = &bind.Class[handle]{
	Name: "WorkerHandle",
	Getters: map[string]bind.Getter[handle]{
		"over": func(h *handle, _ *bind.Call) (any, error) { return h.over(), nil },
		"id":   func(h *handle, _ *bind.Call) (any, error) { return h.worker.ID(), nil },
	},
	Methods: map[string]bind.Method[handle]{
		"terminate": func(h *handle, _ *bind.Call) (any, error) {
			h.terminated = true
			h.worker.Kill()
			return nil, nil
		},
		"ref":   func(h *handle, _ *bind.Call) (any, error) { h.worker.Ref(); return nil, nil },
		"unref": func(h *handle, _ *bind.Call) (any, error) { h.worker.Unref(); return nil, nil },
	},
}

var errTerminated = exception.RangeErrorf("this worker has been terminated")

// postMessage is Worker.prototype.postMessage.
func postMessage(c *bind.Call) (any, error) {
	h := handles.Get(c.This())
	switch {
	case h == nil:
		return nil, exception.TypeErrorf("Illegal invocation")
	case h.over():
		return nil, errTerminated
	}
	transfer, err := face.Transfers(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	err = h.worker.Post(c.JS(), argument(c), transfer)
	if errors.Is(err, threads.ErrDead) { // a getter of the value has terminated it
		return nil, errTerminated
	}
	return nil, err
}

// postToOwner is postMessage of a worker's own Worker.
func postToOwner(c *bind.Call) (any, error) {
	transfer, err := face.Transfers(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	return nil, face.PortOf(c.JS()).Post(c.JS(), argument(c), transfer)
}

// argument is the value to post: null where nothing was given.
func argument(c *bind.Call) goja.Value {
	if c.Len() == 0 {
		return goja.Null()
	}
	return c.Arg(0)
}

// jsonVariable makes JSON the codec of all workers of a program, as io.js had it.
const jsonVariable = "IOJS_WORKER_JSON"

// start is start(entry, options, worker): the worker emits what its thread says.
func start(c *bind.Call) (any, error) {
	js := c.JS()
	o := face.Options{Flavor: "iojs", KeepAlive: true, Codec: threads.Lenient, Structured: threads.Lenient, Data: goja.Null()}
	if env := face.ProgramOf(js).Env; env != nil {
		if v, ok := env(jsonVariable); ok && v == "1" {
			o.Codec = threads.JSON
		}
	}
	if bag, ok := c.Arg(1).(*goja.Object); ok {
		if err := o.Read(c, bag); err != nil {
			return nil, err
		}
	}
	e := face.Entry{Path: c.Arg(0).String(), Eval: o.Eval, ReadOnly: true}
	if o.Module {
		e.From = face.Caller(js)
	}
	worker, ok := c.Arg(2).(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("Illegal invocation")
	}
	say := func(js *isolate.JS, kind string, v goja.Value) error { return events.Emit(js, worker, kind, v) }
	h := &handle{}
	w, err := face.Start(js, e, o, face.Handlers{
		Message:      func(js *isolate.JS, v goja.Value) error { return say(js, "message", v) },
		MessageError: func(js *isolate.JS, err error) error { return say(js, "error", js.Error(err)) },
		Failure: func(js *isolate.JS, f *threads.Failure) error {
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
	h.worker = w
	handles.Put(js, worker, h)
	return handleClass.Wrap(js, h), nil
}

// listen is listen(emitter); see face.Port.ListenFor.
func listen(c *bind.Call) (any, error) {
	var target *goja.Object
	if err := c.Unpack("emitter", &target); err != nil {
		return nil, err
	}
	face.PortOf(c.JS()).ListenFor(target)
	return nil, nil
}
