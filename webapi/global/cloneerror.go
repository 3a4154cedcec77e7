package global

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
)

// ErrorTag is what an Error is known by in serialized data, where it is written with all
// that it has (the flag enhanced_error_serialization).
const ErrorTag = 10

// errorNames are the classes in the order of workerd's tags; 0 is any other name.
var errorNames = []string{
	1: "Error", 2: "TypeError", 3: "RangeError", 4: "ReferenceError", 5: "SyntaxError", 6: "CompileError", 7: "LinkError",
	8: "RuntimeError", 9: "SuspendError", 10: "EvalError", 11: "URIError", 12: "AggregateError", 13: "SuppressedError",
}

// IsError reports whether an object is an Error of the engine's.
func IsError(o *goja.Object) bool { return o.ClassName() == "Error" }

// WriteError writes an Error with all its properties. Getters of it run.
func WriteError(js *isolate.JS, w *clone.Writer, o *goja.Object) error {
	var name, message goja.Value
	var keys []string
	err := js.Try(func() {
		name, message = o.Get("name"), o.Get("message")
		if name == nil {
			name = goja.Undefined()
		}
		name = name.ToString()
		if message == nil {
			message = goja.Undefined()
		}
		keys = o.GetOwnPropertyNames()
	})
	if err != nil {
		return err
	}
	tag := max(0, slices.Index(errorNames, name.String()))
	w.Uint32(ErrorTag)
	w.Uint32(uint32(tag))
	if tag == 0 {
		if err := w.Value(name); err != nil {
			return err
		}
	}
	if err := w.Value(message); err != nil {
		return err
	}
	rest := js.Runtime().NewObject()
	for _, key := range keys {
		if key == "name" || key == "message" {
			continue
		}
		var v goja.Value
		if err := js.Try(func() { v = o.Get(key) }); err != nil {
			return err
		}
		// As workerd does it: a setter that a script has put into the way runs.
		if err := js.Try(func() {
			if err := rest.Set(key, v); err != nil {
				js.Panic(err)
			}
		}); err != nil {
			return err
		}
	}
	return w.Value(rest)
}

// ReadError reads what WriteError wrote behind the tag. The stack is that of the original
// where stack says so.
func ReadError(js *isolate.JS, r *clone.Reader, stack bool) (*goja.Object, error) {
	tag, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	var name goja.Value
	if tag == 0 {
		if name, err = r.Value(); err != nil {
			return nil, err
		}
	}
	message, err := r.Value()
	if err != nil {
		return nil, err
	}
	if _, ok := message.(goja.String); !ok {
		return nil, &clone.DataCloneError{Message: "Deserialization failed: error message is not a string"}
	}
	class := "Error"
	if int(tag) < len(errorNames) && tag > 0 {
		class = errorNames[tag]
	}
	o, ok := js.Error(exception.New(class, message.String())).(*goja.Object)
	if !ok {
		return nil, &clone.DataCloneError{Message: "Deserialization failed: the error could not be made"}
	}
	if name != nil {
		if err := o.DefineDataProperty("name", name, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	v, err := r.Value()
	if err != nil {
		return nil, err
	}
	rest, ok := v.(*goja.Object)
	if !ok {
		return o, nil
	}
	for _, key := range rest.Keys() {
		if key == "stack" && !stack {
			continue
		}
		flag := goja.FLAG_TRUE
		if key == "stack" {
			flag = goja.FLAG_FALSE
		}
		if err := o.DefineDataProperty(key, rest.Get(key), goja.FLAG_TRUE, goja.FLAG_TRUE, flag); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// packError is the bytes of a value that was thrown, for copies of it; nil where it cannot be
// copied.
func packError(js *isolate.JS, v goja.Value) []byte {
	data, err := clone.Serialize(js.Runtime(), v, clone.Options{
		Bounds:       js.Bounds(),
		MaxBytes:     limits.RPCMessage.In(js.Bounds()),
		Host:         HostObjects(js),
		Half:         natives.Float16Bits,
		Resizable:    js.Library(),
		ErrorsAsHost: enhancedErrors(js),
	})
	if err != nil {
		return nil // what cannot be cloned goes without its properties
	}
	return data
}

// unpackError makes a copy of an object that was thrown elsewhere.
func unpackError(js *isolate.JS, data []byte) *goja.Object {
	if !enhancedErrors(js) {
		return nil
	}
	v, err := clone.Deserialize(js.Runtime(), data, clone.Options{Bounds: js.Bounds(), Host: errorReader{js}})
	if err != nil {
		return nil
	}
	o, _ := v.(*goja.Object)
	return o
}

func enhancedErrors(js *isolate.JS) bool {
	return js.Compat() != nil && js.Compat().Has("enhanced_error_serialization")
}

// errorReader reads the objects of an error that was thrown elsewhere: its stack stays there.
type errorReader struct{ js *isolate.JS }

// WriteHost is clone.HostObjects's; a reader writes nothing.
func (errorReader) WriteHost(*clone.Writer, *goja.Object) (bool, error) { return false, nil }

// ReadHost is clone.HostObjects's.
func (d errorReader) ReadHost(r *clone.Reader) (*goja.Object, error) {
	tag, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	if tag == ErrorTag {
		return ReadError(d.js, r, false)
	}
	return ReadHost(d.js, tag, r)
}
