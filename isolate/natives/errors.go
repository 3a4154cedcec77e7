package natives

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// defaultStackLimit is V8's Error.stackTraceLimit.
const defaultStackLimit = 10

var errorTable = table{path: "Error", funcs: []entry{
	{name: "captureStackTrace", length: 2, make: func(e *env, _ raw) raw { return e.captureStackTrace }},
}}

func (e *env) installStackLimit() error {
	ctor, err := e.object("Error")
	if err != nil {
		return err
	}
	err = ctor.DefineDataProperty("stackTraceLimit", e.rt.ToValue(defaultStackLimit), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	if err != nil {
		return fmt.Errorf("install natives: Error.stackTraceLimit: %w", err)
	}
	return nil
}

// captureStackTrace stores the call stack as object.stack, as V8 shows it or as
// Error.prepareStackTrace makes it. The frames above and including the function
// given second are left out; it is recognized by its name.
func (e *env) captureStackTrace(call goja.FunctionCall) goja.Value {
	o, ok := call.Argument(0).(*goja.Object)
	if !ok {
		e.throwType("Invalid argument")
	}
	frames := e.rt.CaptureCallStack(limits.ErrorFrames.In(e.lim.Bounds), nil)
	if len(frames) > 0 && frames[0].SrcName() == "<native>" {
		frames = frames[1:]
	}
	if f, ok := call.Argument(1).(*goja.Object); ok {
		if name, ok := f.Get("name").(goja.String); ok && name.Length() > 0 {
			for i := range frames {
				if frames[i].FuncName() == name.String() {
					frames = frames[i+1:]
					break
				}
			}
		}
	}
	e.define(o, e.stackText(o, frames))
	return undefined
}

// errorHeader is Error.prototype.toString of o.
func (e *env) errorHeader(o *goja.Object) string {
	name, msg := "Error", ""
	if v := o.Get("name"); v != nil && v != undefined {
		name = e.toStr(v).String()
	}
	if v := o.Get("message"); v != nil && v != undefined {
		msg = e.toStr(v).String()
	}
	switch {
	case name == "":
		return msg
	case msg == "":
		return name
	}
	return name + ": " + msg
}
