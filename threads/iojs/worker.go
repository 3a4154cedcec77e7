package iojs

import (
	"errors"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/webapi/bind"
)

// exports is the module in one realm: the class Worker, which makes its members when they are first needed. What it
// has of EventEmitter it takes then, too.
type exports struct {
	worker    *goja.Object // nil before the module is loaded
	prototype *goja.Object
	emitter   *goja.Object // EventEmitter
	init      goja.Value   // of it; nil until it is needed
}

var loaded = isolate.NewSlot(func(*isolate.JS) *exports { return &exports{} })

// emitting are the methods of an EventEmitter, in its order.
var emitting = []string{"setMaxListeners", "getMaxListeners", "emit", "addListener", "on", "prependListener", "once", "prependOnceListener", "removeListener",
	"off", "removeAllListeners", "listeners", "rawListeners", "listenerCount", "eventNames"}

// keeping are the properties of one, in its order.
var keeping = []string{"_events", "_eventsCount", "_maxListeners"}

var (
	plain        = natives.LateProperty{}
	classMembers = slices.Concat(
		natives.LateProperty{ReadOnly: true}.Named("length", "name"),
		natives.LateProperty{Fixed: true}.Named("prototype"),
		plain.Named("Worker"),
	)
	ownerShape     = natives.NewLate(classMembers...)
	workerShape    = natives.NewLate(slices.Concat(classMembers, plain.Named(emitting...), plain.Named(keeping...), plain.Named("postMessage"))...)
	prototypeShape = natives.NewLate(plain.Named("constructor", "postMessage", "terminate", "ref", "unref")...)
)

func load(js *isolate.JS) (goja.Value, error) {
	l := loaded.Get(js)
	if l.worker != nil {
		return l.worker, nil
	}
	v, err := face.Emitter(js)
	if err != nil {
		return nil, err
	}
	emitter, ok := v.(*goja.Object)
	if !ok {
		return nil, errors.New("node:events gives no object")
	}
	parent, _ := emitter.Get("prototype").(*goja.Object)
	l.emitter = emitter
	late, shape := bind.NewLate(js), ownerShape
	if face.PortOf(js) != nil {
		shape = workerShape
	}
	l.prototype = late.Object(prototypeShape, parent, func(name string) natives.LateValue { return natives.LateValue{Value: l.method(js, name)} })
	worker := late.Function(shape, "Worker", illegal, l.construct, func(name string) natives.LateValue { return natives.LateValue{Value: l.member(js, name)} })
	l.worker = worker
	if err := late.Fill(); err != nil {
		return nil, err
	}
	if face.PortOf(js) == nil {
		return worker, nil
	}
	// The constructor is an emitter itself: the port to the owner.
	if err := l.initialize(js, worker); err != nil {
		return nil, err
	}
	face.PortOf(js).ListenFor(worker)
	return worker, nil
}

// initialize makes an object an emitter.
func (l *exports) initialize(js *isolate.JS, o goja.Value) error {
	if l.init == nil {
		l.init = l.emitter.Get("init")
	}
	_, err := js.Call(l.init, o)
	return err
}

// member is a property of Worker.
func (l *exports) member(js *isolate.JS, name string) goja.Value {
	rt := js.Runtime()
	switch name {
	case "length":
		return rt.ToValue(2)
	case "name":
		return rt.ToValue("Worker")
	case "prototype":
		return l.prototype
	case "Worker":
		return l.worker
	case "postMessage":
		return bind.NewFunction(js, name, 2, postToOwner)
	case "_events", "_eventsCount", "_maxListeners":
		return goja.Undefined()
	}
	if v := l.prototype.Prototype().Get(name); v != nil {
		return v
	}
	return goja.Undefined()
}

// method is a property of Worker.prototype.
func (l *exports) method(js *isolate.JS, name string) goja.Value {
	switch name {
	case "constructor":
		return l.worker
	case "postMessage":
		return bind.NewFunction(js, name, 2, postMessage)
	case "terminate":
		return bind.NewFunction(js, name, 1, l.terminate)
	case "ref":
		return bind.NewFunction(js, name, 0, func(c *bind.Call) (any, error) { return change(c, (*face.Worker).Ref) })
	}
	return bind.NewFunction(js, name, 0, func(c *bind.Call) (any, error) { return change(c, (*face.Worker).Unref) })
}

// illegal is Worker without new.
func illegal(*bind.Call) error { return exception.Errorf("Illegal invocation") }

// construct is new Worker(entryModulePath, options).
func (l *exports) construct(c *bind.Call) error {
	entry, options := c.Arg(0), c.Arg(1)
	if goja.IsUndefined(entry) {
		return exception.Errorf("entryModulePath is required")
	}
	if _, ok := entry.(goja.String); !ok {
		return exception.TypeErrorf("entryModulePath must be a string")
	}
	bag, ok := options.(*goja.Object)
	if _, callable := goja.AssertFunction(options); callable || !ok && !goja.IsUndefined(options) && !goja.IsNull(options) {
		return exception.TypeErrorf("options must be an object")
	}
	if err := l.initialize(c.JS(), c.This()); err != nil {
		return err
	}
	return start(c, entry.String(), bag)
}

// handle is what a Worker has of its thread.
type handle struct {
	worker     *face.Worker
	terminated bool
}

func (h *handle) over() bool { return h.terminated || h.worker.Over() }

// handles finds the handle of a Worker, which is an object without a class of ours.
var handles = bind.NewMark[handle]("worker.handle")

var errTerminated = exception.RangeErrorf("this worker has been terminated")

// handleOf is the handle of the receiver, whose thread has not ended.
func handleOf(c *bind.Call) (*handle, error) {
	h := handles.Get(c.This())
	switch {
	case h == nil:
		return nil, exception.TypeErrorf("Illegal invocation")
	case h.over():
		return nil, errTerminated
	}
	return h, nil
}

// postMessage is Worker.prototype.postMessage.
func postMessage(c *bind.Call) (any, error) {
	h, err := handleOf(c)
	if err != nil {
		return nil, err
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

// terminate is Worker.prototype.terminate.
func (l *exports) terminate(c *bind.Call) (any, error) {
	h, err := handleOf(c)
	if err != nil {
		return nil, err
	}
	callback := c.Arg(0)
	if !goja.IsUndefined(callback) {
		if _, ok := goja.AssertFunction(callback); !ok {
			return nil, exception.TypeErrorf("callback must be a function")
		}
		listener := bind.NewFunction(c.JS(), "", 1, func(c *bind.Call) (any, error) {
			_, err := c.JS().Call(callback, nil, goja.Null(), c.Arg(0))
			return nil, err
		})
		if _, err := c.JS().Call(l.prototype.Prototype().Get("once"), c.This(), c.JS().Runtime().ToValue("exit"), listener); err != nil {
			return nil, err
		}
	}
	h.terminated = true
	h.worker.Kill()
	return nil, nil
}

// change is ref or unref.
func change(c *bind.Call, do func(*face.Worker)) (any, error) {
	h, err := handleOf(c)
	if err != nil {
		return nil, err
	}
	do(h.worker)
	return c.This(), nil
}
