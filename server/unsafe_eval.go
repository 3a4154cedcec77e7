package server

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/wasm"
)

// unsafeEval is what an unsafeEval binding gives: code from strings, where it is
// denied to everybody else.
type unsafeEval struct{}

var unsafeEvalClass = &bind.Class[unsafeEval]{
	Name: "UnsafeEval",
	Methods: map[string]bind.Method[unsafeEval]{
		"eval": func(_ *unsafeEval, c *bind.Call) (any, error) {
			text, name := "", "<script>"
			if err := c.Unpack("script", &text, "name?", &name); err != nil {
				return nil, err
			}
			var v goja.Value
			var failure error
			if err := c.JS().Try(func() { v, failure = script.RunText(c.JS().Runtime(), name, text) }); err != nil {
				return nil, err
			}
			return v, failure
		},
		"newFunction":      func(_ *unsafeEval, c *bind.Call) (any, error) { return functionFromText(c, false) },
		"newAsyncFunction": func(_ *unsafeEval, c *bind.Call) (any, error) { return functionFromText(c, true) },
		"newWasmModule": func(_ *unsafeEval, c *bind.Call) (any, error) {
			var source []byte
			if err := c.Unpack("src", &source); err != nil {
				return nil, err
			}
			return wasm.FromBytes(c.JS(), source)
		},
	},
}

// functionFromText reads (script, name, ...parameters).
func functionFromText(c *bind.Call, async bool) (any, error) {
	body, name := "", "anonymous"
	if err := c.Unpack("script", &body, "name?", &name); err != nil {
		return nil, err
	}
	var params []string
	for i := 2; i < c.Len(); i++ {
		if _, ok := c.Arg(i).(goja.String); !ok {
			return nil, c.BadArg(i+1, "string")
		}
		params = append(params, c.Arg(i).String())
	}
	return script.NewFunction(c.JS().Runtime(), async, name, params, body)
}

// newUnsafeEval makes the binding, and what the modules workerd:unsafe-eval and
// internal:unsafe-eval export.
func newUnsafeEval(js *isolate.JS) (goja.Value, error) {
	return unsafeEvalClass.Wrap(js, &unsafeEval{}), nil
}
