package events

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// emitter is what the realm's module node:events made: its emit, and what becomes of the result of a listener.
type emitter struct {
	emit    *goja.Object
	watch   goja.Value   // (emitter, result, type, args)
	capture *goja.Symbol // of emitters for which watch does anything
}

var emitterSlot = isolate.NewSlot(func(*isolate.JS) *emitter { return &emitter{} })

// SetEmitter is for the module that makes EventEmitter.
func SetEmitter(js *isolate.JS, emit *goja.Object, watch goja.Value, capture *goja.Symbol) {
	*emitterSlot.Get(js) = emitter{emit, watch, capture}
}

// Emit is target.emit(name, v) for an object that is, or may be, an EventEmitter of node. Where its emit is still node's, one
// listener is called without it, which is most of the cost of an event.
func Emit(js *isolate.JS, target *goja.Object, name string, v goja.Value) error {
	e := emitterSlot.Get(js)
	var emit, listener goja.Value
	if err := js.Try(func() {
		if emit = target.Get("emit"); emit == nil || emit != goja.Value(e.emit) || name == "error" {
			return
		}
		if listeners, ok := target.Get("_events").(*goja.Object); ok {
			if listener = listeners.Get(name); listener == nil {
				listener = goja.Undefined()
			}
		}
	}); err != nil {
		return err
	}
	if listener != nil {
		if goja.IsUndefined(listener) {
			return nil
		}
		if call, one := goja.AssertFunction(listener); one {
			result, err := js.Invoke(call, target, v)
			if err != nil || goja.IsUndefined(result) || goja.IsNull(result) {
				return err
			}
			return e.returned(js, target, name, v, result)
		}
	}
	_, err := js.Call(emit, target, js.Runtime().ToValue(name), v)
	return err
}

// returned hands on what a listener gave where the emitter looks at that.
func (e *emitter) returned(js *isolate.JS, target *goja.Object, name string, v, result goja.Value) error {
	looks := false
	if err := js.Try(func() {
		if c := target.GetSymbol(e.capture); c != nil {
			looks = c.ToBoolean()
		}
	}); err != nil || !looks {
		return err
	}
	rt := js.Runtime()
	_, err := js.Call(e.watch, nil, target, result, rt.ToValue(name), rt.NewArray(v))
	return err
}

// Listens reports whether target._events has a listener.
func Listens(js *isolate.JS, target *goja.Object, name string) (yes bool, err error) {
	err = js.Try(func() {
		listeners, ok := target.Get("_events").(*goja.Object)
		if ok {
			v := listeners.Get(name)
			yes = v != nil && !goja.IsUndefined(v)
		}
	})
	return yes, err
}
