package wasm

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// errorClasses are the namespace's own.
var errorClasses = []string{"CompileError", "LinkError", "RuntimeError"}

func linkError(format string, args ...any) error {
	return exception.New("LinkError", fmt.Sprintf(format, args...))
}

func compileError(where string, err error) error {
	return exception.New("CompileError", fmt.Sprintf("%s: %s", where, err))
}

// thrown is err as a script sees it: an error of one of the namespace's classes where
// it names one. It is what functions of this package return and throw.
func (rs *realmState) thrown(js *isolate.JS, err error) error {
	e, ok := err.(*exception.Exception)
	if !ok {
		return err
	}
	for _, name := range errorClasses {
		if e.Class == name {
			o, nerr := js.Construct(rs.errorClass(js, name), js.Runtime().ToValue(e.Message))
			if nerr != nil {
				return nerr
			}
			return js.Runtime().Try(func() { panic(o) })
		}
	}
	return err
}

// errorClass makes a subclass of Error, which can be called without new as those of
// the language can.
func (rs *realmState) errorClass(js *isolate.JS, name string) *goja.Object {
	if c := rs.errors[name]; c != nil {
		return c
	}
	rt := js.Runtime()
	base := js.ErrorClass("Error").(*goja.Object)
	var proto *goja.Object
	ctor := rt.ToValue(func(c goja.ConstructorCall) *goja.Object {
		o, err := js.Construct(base, c.Arguments...)
		if err != nil {
			js.Panic(err)
		}
		to := proto
		if c.NewTarget != nil {
			if p, ok := c.NewTarget.Get("prototype").(*goja.Object); ok {
				to = p
			}
		}
		// The object is new and extensible.
		_ = o.SetPrototype(to)
		return o
	}).(*goja.Object)
	proto = ctor.Get("prototype").(*goja.Object)
	no, yes := goja.FLAG_FALSE, goja.FLAG_TRUE
	for _, err := range []error{
		ctor.SetPrototype(base), proto.SetPrototype(base.Get("prototype").(*goja.Object)),
		ctor.DefineDataProperty("name", rt.ToValue(name), no, yes, no),
		ctor.DefineDataProperty("length", rt.ToValue(1), no, yes, no),
		proto.DefineDataProperty("name", rt.ToValue(name), yes, yes, no),
		proto.DefineDataProperty("message", rt.ToValue(""), yes, yes, no),
	} {
		if err != nil {
			js.Panic(fmt.Errorf("wasm: make %s: %w", name, err))
		}
	}
	rs.errors[name] = ctor
	return ctor
}
