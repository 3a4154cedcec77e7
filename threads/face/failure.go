package face

import (
	"encoding/json"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/threads"
)

// Copy makes an Error of what a worker threw: of the built-in class of its name, else an Error, with its message, its
// stack, and its properties where these are JSON.
func Copy(js *isolate.JS, f *threads.Failure) (*goja.Object, error) {
	rt := js.Runtime()
	name := "Error"
	switch f.Name {
	case "SyntaxError", "RangeError", "URIError", "TypeError", "EvalError", "ReferenceError":
		name = f.Name
	}
	e, err := js.Construct(js.ErrorClass(name), rt.ToValue(f.Message))
	if err != nil {
		return nil, err
	}
	hidden := func(name string, v goja.Value) {
		if err == nil {
			err = e.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	stack := goja.Null()
	if f.Stack != "" {
		stack = rt.ToValue(f.Stack)
	}
	hidden("stack", stack)
	if f.IsError && f.Name != name && f.Name != "" {
		hidden("name", rt.ToValue(f.Name))
	}
	if f.Properties == nil || err != nil {
		return e, err
	}
	v, err := threads.Text{RawMessage: json.RawMessage(f.Properties)}.Value(js)
	if err != nil {
		return nil, err
	}
	all, ok := v.(*goja.Object)
	if !ok {
		return e, nil
	}
	for _, name := range all.Keys() {
		if err := e.DefineDataProperty(name, all.Get(name), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Caller is the file of the innermost script of the user's that runs; empty where there is none.
func Caller(js *isolate.JS) string {
	for _, frame := range js.Runtime().CaptureCallStack(32, nil) {
		_, file, ok := script.ShowFrame(frame.FuncName(), frame.SrcName())
		if ok && file != "" && !strings.HasPrefix(file, "<") && !strings.HasPrefix(file, "node-internal:") {
			return file
		}
	}
	return ""
}
