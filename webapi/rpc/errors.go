package rpc

import (
	"errors"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/global"
)

// failure is what a receiver threw, as it travels: with all properties where they can be
// cloned.
func failure(js *isolate.JS, err error) *exception.Exception {
	e := js.Exception(err)
	if e.Value == nil {
		return e
	}
	enc := &encoder{js: js}
	p, err := enc.encode(js.Error(e))
	if err != nil {
		return e // what cannot be cloned goes without its properties
	}
	c := *e
	c.Serialized = p.Data
	if name := nameOf(js, js.Error(e)); c.ClassName() == "Error" && name != "" && name != "Error" {
		// Whoever does not read all of it sees the name all the same.
		c.Message = name + ": " + c.Message
	}
	return &c
}

// nameOf is the name of an Error.
func nameOf(js *isolate.JS, v goja.Value) (name string) {
	o, ok := v.(*goja.Object)
	if !ok || !global.IsError(o) {
		return ""
	}
	// A getter that throws has no name to tell.
	_ = js.Try(func() {
		if s, ok := o.Get("name").(goja.String); ok {
			name = s.String()
		}
	})
	return name
}

// rejectWith gives the script what a call threw.
func (p *promise) rejectWith(js *isolate.JS, err error) {
	var e *exception.Exception
	if !errors.As(err, &e) || e.Serialized == nil || !js.Compat().Has("enhanced_error_serialization") {
		p.reject(err)
		return
	}
	if _, isDOM := e.DOMName(); isDOM {
		p.reject(err)
		return
	}
	d := &errorReader{js: js}
	v, derr := clone.Deserialize(js.Runtime(), e.Serialized, clone.Options{Bounds: js.Bounds(), Host: d})
	o, ok := v.(*goja.Object)
	if derr != nil || !ok {
		p.reject(err)
		return
	}
	js.MarkError(o, e)
	p.reject(js.Thrown(o))
}

// errorReader reads the objects of an error that was thrown.
type errorReader struct{ js *isolate.JS }

// WriteHost is clone.HostObjects's; a reader writes nothing.
func (*errorReader) WriteHost(*clone.Writer, *goja.Object) (bool, error) { return false, nil }

// ReadHost is clone.HostObjects's.
func (d *errorReader) ReadHost(r *clone.Reader) (*goja.Object, error) {
	tag, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	if tag == global.ErrorTag {
		return global.ReadError(d.js, r, false)
	}
	return global.ReadHost(d.js, tag, r)
}
