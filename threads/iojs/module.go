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
	"github.com/dop251/goja"

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

// start starts the thread of a worker, the receiver, which emits what it says.
func start(c *bind.Call, path string, bag *goja.Object) error {
	js, worker := c.JS(), c.This().(*goja.Object)
	o := face.Options{Flavor: "iojs", KeepAlive: true, Codec: threads.Lenient, Structured: threads.Lenient, Data: goja.Null()}
	if env := face.ProgramOf(js).Env; env != nil {
		if v, ok := env(jsonVariable); ok && v == "1" {
			o.Codec = threads.JSON
		}
	}
	if bag != nil {
		if err := o.Read(c, bag); err != nil {
			return err
		}
	}
	e := face.Entry{Path: path, Eval: o.Eval, ReadOnly: true}
	if o.Module {
		e.From = face.Caller(js)
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
		return err
	}
	h.worker = w
	handles.Put(js, worker, h)
	return nil
}
