package threads

import (
	"encoding/json"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Failure is what a thread threw and nothing caught, as text: the thrown value stays where it is.
type Failure struct {
	// Name, Message and Stack are those of the error; a value that is no Error has its own text as Message, and no stack.
	Name, Message, Stack string
	IsError              bool
	// Properties are the enumerable properties of the error, inherited ones too, as one object of JSON; nil where they
	// have no such form.
	Properties json.RawMessage
	// Thrown is a structured clone of the value; nil where there is none.
	Thrown Message
	// Cause is set where the thread ended for a reason of the host: out of memory, a broken body.
	Cause error
}

// Error is error's.
func (f *Failure) Error() string {
	switch {
	case !f.IsError || f.Name == "":
		return f.Message
	case f.Message == "":
		return f.Name
	}
	return f.Name + ": " + f.Message
}

// Unwrap is Cause.
func (f *Failure) Unwrap() error { return f.Cause }

func (f *Failure) size() int {
	n := overhead + len(f.Name) + len(f.Message) + len(f.Stack) + len(f.Properties)
	if f.Thrown != nil {
		n += f.Thrown.Size()
	}
	return n
}

// noText stands for what cannot be made a text.
const noText = "[toString() conversion failed]"

// Describe makes the failure of a thrown value. Getters and toString of the value run; what they throw changes nothing
// but what is left out.
func Describe(js *isolate.JS, v goja.Value) *Failure {
	f := &Failure{Message: noText}
	if m, err := Structured.Encode(js, v, nil); err == nil {
		f.Thrown = m
	}
	obj, isObject := v.(*goja.Object)
	class, _ := js.ErrorClass("Error").(*goja.Object)
	if !isObject || class == nil || !isError(js, obj) {
		_ = js.Try(func() { f.Message = text(v) })
		return f
	}
	f.IsError = true
	read := func(name, otherwise string) (s string) {
		err := js.Try(func() {
			if p := obj.Get(name); p != nil && !goja.IsUndefined(p) {
				s = text(p)
			}
		})
		if err != nil {
			return otherwise
		}
		return s
	}
	f.Name = read("name", "")
	f.Message = read("message", noText)
	f.Stack = read("stack", "")
	f.Properties = properties(js, obj)
	return f
}

func isError(js *isolate.JS, obj *goja.Object) (is bool) {
	_ = js.Try(func() {
		is = obj.ClassName() == "Error" || js.Runtime().InstanceOf(obj, js.ErrorClass("Error").(*goja.Object))
	})
	return is
}

// maxPrototypes keeps a proxy from being a chain without end.
const maxPrototypes = 100

// properties are all enumerable properties of an error, or nothing where they are not JSON as a whole.
func properties(js *isolate.JS, obj *goja.Object) json.RawMessage {
	rt := js.Runtime()
	all := rt.CreateObject(nil)
	seen := map[string]bool{}
	err := js.Try(func() {
		for at, depth := obj, 0; at != nil && depth < maxPrototypes; at, depth = at.Prototype(), depth+1 {
			for _, name := range at.Keys() {
				if seen[name] {
					continue
				}
				seen[name] = true
				// What cannot be defined on a fresh object is no property.
				_ = all.DefineDataProperty(name, obj.Get(name), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			}
		}
	})
	if err != nil || len(seen) == 0 {
		return nil
	}
	m, err := JSON.Encode(js, all, nil)
	if err != nil {
		return nil
	}
	return m.(Text).RawMessage
}

func text(v goja.Value) string {
	if s, ok := v.(*goja.Symbol); ok {
		return "Symbol(" + s.String() + ")"
	}
	return v.String()
}
