package rpc

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/global"
)

// WriteProps writes ctx.props for a binding that a script makes. Unlike what a call
// carries it outlives the context, so that of stubs only service bindings, classes and those
// that can be made again may be in it.
func WriteProps(js *isolate.JS, v goja.Value) (*event.Payload, error) {
	e := &encoder{js: js, lasting: true}
	data, err := clone.Serialize(js.Runtime(), v, clone.Options{
		Bounds: js.Bounds(), MaxBytes: js.Isolate().Limits().BufferBytes, Host: e, Half: natives.Float16Bits, RefuseClassInstances: true,
	})
	if err != nil {
		return nil, global.CloneError(err)
	}
	for _, c := range e.caps {
		switch c.(type) {
		case event.ServiceRef, event.ClassRef, event.TokenRef:
		default:
			c.Release()
			return nil, exception.DOM("DataCloneError", errNotPersistent.Message)
		}
	}
	return &event.Payload{Data: data, Caps: e.caps}, nil
}

// ReadProps makes the value that WriteProps wrote; many times.
func ReadProps(js *isolate.JS, p *event.Payload) (goja.Value, error) {
	d := &decoder{js: js, p: p, keep: true}
	return d.value()
}
