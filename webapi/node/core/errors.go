package core

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Error makes an error of node with that code, as lib/internal/errors.js words it;
// returned from a native, it is thrown.
func Error(js *isolate.JS, code string, args ...any) error {
	v, err := Require(js, "internal/errors")
	if err != nil {
		return err
	}
	list := make([]goja.Value, len(args))
	for i, a := range args {
		list[i] = bind.Value(js, a)
	}
	e, err := js.Construct(v.(*goja.Object).Get(code), list...)
	if err != nil {
		return err
	}
	return js.Thrown(e)
}
