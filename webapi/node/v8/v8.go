// Package v8 is node:v8 of programs: values as bytes in V8's format, as node writes and reads them, at once or piece by
// piece, and the numbers of the heap, which are those of the process. What needs V8 itself is as in workers.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine.
package v8

import (
	"embed"
	"errors"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var sources embed.FS

// Modules are node:v8 of programs.
func Modules() []glue.Module {
	return glue.Files(sources, func(string) map[string]bind.Static {
		return map[string]bind.Static{"serialize": jsSerialize, "deserialize": jsDeserialize, "classes": jsClasses, "kind": jsKind, "heap": jsHeap}
	}, nil)
}

// kinds are the views by node's number; 10 is a Buffer.
var kinds = []string{
	"Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float32Array", "Float64Array", "DataView", "Buffer",
	"BigInt64Array", "BigUint64Array",
}

// views are the typed arrays and DataViews of a value, which node writes itself, each with the bytes that it shows: a
// function of js/machine/v8.js knows a Buffer, or makes the view of a number.
type views struct {
	js *isolate.JS
	fn goja.Value
}

// WriteHost is clone.HostObjects's.
func (v views) WriteHost(w *clone.Writer, obj *goja.Object) (bool, error) {
	kind := slices.Index(kinds, bind.ViewName(v.js, obj))
	if kind < 0 {
		return false, nil
	}
	b, _ := bind.Bytes(v.js, obj)
	number, err := v.js.Call(v.fn, nil, obj, v.js.Runtime().ToValue(kind))
	if err != nil {
		return false, err
	}
	w.Uint32(uint32(number.ToInteger()))
	w.Bytes(b)
	return true, nil
}

// ReadHost is clone.HostObjects's.
func (v views) ReadHost(r *clone.Reader) (*goja.Object, error) {
	number, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	b, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	rt := v.js.Runtime()
	view, err := v.js.Call(v.fn, nil, rt.ToValue(number), rt.ToValue(rt.NewArrayBuffer(b)))
	if err != nil {
		return nil, err
	}
	obj, ok := view.(*goja.Object)
	if !ok {
		return nil, errDeserialize
	}
	return obj, nil
}

func options(js *isolate.JS, fn goja.Value) clone.Options {
	o := optionsOf(js, views{js, fn})
	o.HostBySymbol, o.ViewsAsHost = false, true
	return o
}

// jsSerialize is serialize(value, numberOf): an ArrayBuffer.
func jsSerialize(c *bind.Call) (any, error) {
	js := c.JS()
	b, err := clone.Serialize(js.Runtime(), c.Arg(0), options(js, c.Arg(1)))
	var refused *clone.DataCloneError
	switch {
	case errors.As(err, &refused):
		return nil, exception.Errorf("%s", refused.Message)
	case err != nil:
		return nil, global.CloneError(err)
	}
	return js.Runtime().ToValue(js.Runtime().NewArrayBuffer(b)), nil
}

var (
	errDeserialize = exception.Errorf("Unable to deserialize cloned data.")
	errVersion     = exception.Errorf("Unable to deserialize cloned data due to invalid or unsupported version.")
)

// jsDeserialize is deserialize(view, viewOf).
func jsDeserialize(c *bind.Call) (any, error) {
	js := c.JS()
	b, _ := bind.Bytes(js, c.Arg(0))
	// Data without a header are of no version.
	if len(b) < 2 || b[0] != 0xFF || b[1] > clone.Version {
		return nil, errVersion
	}
	v, err := clone.Deserialize(js.Runtime(), b, options(js, c.Arg(1)))
	return v, decodeError(err)
}

// jsHeap is heap(): the numbers of the process's heap, which all threads share.
func jsHeap(c *bind.Call) (any, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	limit := debug.SetMemoryLimit(-1)
	return c.JS().Runtime().NewArray(m.HeapSys-m.HeapReleased, m.HeapInuse, max(0, limit-int64(m.HeapAlloc)), m.HeapAlloc, limit, m.TotalAlloc), nil
}
