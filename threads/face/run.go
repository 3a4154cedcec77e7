package face

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Run runs the part of a face that is JavaScript, a function of (EventEmitter, native), and returns what it returns.
func Run(js *isolate.JS, program func() (*goja.Program, error), native *goja.Object) (goja.Value, error) {
	events, err := Emitter(js)
	if err != nil {
		return nil, err
	}
	p, err := program()
	if err != nil {
		return nil, err
	}
	fn, err := js.Runtime().RunProgram(p)
	if err != nil {
		return nil, err
	}
	return js.Call(fn, nil, events, native)
}

// Emitter is the module node:events.
func Emitter(js *isolate.JS) (goja.Value, error) {
	if events := ProgramOf(js).Events; events != nil {
		return events(js)
	}
	builtin := bind.ProgramOf(js).Builtin
	if builtin == nil {
		return nil, ErrUnavailable
	}
	return builtin("node:events")
}
