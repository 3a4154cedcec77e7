package bind

import (
	"reflect"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/isolate/natives"
)

var (
	bufferType = reflect.TypeFor[goja.ArrayBuffer]()
	bytesType  = reflect.TypeFor[[]byte]()
)

// Bytes returns the memory of an ArrayBuffer, a typed array or a DataView, not a
// copy; where that was detached there are none. ok is false for anything else. No
// code of a script runs.
func Bytes(js *isolate.JS, v goja.Value) (b []byte, ok bool) {
	obj, isObj := v.(*goja.Object)
	if !isObj {
		return nil, false
	}
	switch obj.ExportType() {
	case bufferType:
		ab, _ := obj.Export().(goja.ArrayBuffer)
		return ab.Bytes(), true
	case bytesType:
		return byteArray(obj)
	}
	return viewBytes(js, obj)
}

// IsResizable reports whether v is a resizable ArrayBuffer or a view of one.
func IsResizable(js *isolate.JS, v goja.Value) bool {
	obj, ok := v.(*goja.Object)
	if !ok {
		return false
	}
	if obj.ExportType() != bufferType {
		p := views.Get(js)
		get := p.ofArray[0]
		if ViewName(js, v) == "DataView" {
			get = p.ofView[0]
		}
		buffer, err := js.Call(get, obj)
		if err != nil {
			return false
		}
		if obj, ok = buffer.(*goja.Object); !ok {
			return false
		}
	}
	_, ok = natives.IsResizable(obj)
	return ok
}

// byteArray returns what a Uint8Array or Uint8ClampedArray exports, which is its
// memory. Exporting one whose memory was detached ends the process, so the first
// element is looked at before: no script can put anything in its place.
func byteArray(obj *goja.Object) (b []byte, ok bool) {
	if first := obj.Get("0"); first == nil || goja.IsUndefined(first) {
		return []byte{}, true
	}
	b, ok = obj.Export().([]byte)
	return b, ok
}

// ViewName returns "ArrayBuffer", "DataView" or the name of the kind of typed
// array that v is, and "" for anything else.
func ViewName(js *isolate.JS, v goja.Value) string {
	obj, ok := v.(*goja.Object)
	if !ok {
		return ""
	}
	if obj.ExportType() == bufferType {
		return "ArrayBuffer"
	}
	if natives.Float16Bits(obj) != nil {
		return "Float16Array"
	}
	p := views.Get(js)
	if is, err := js.Call(p.isView, nil, obj); err != nil || !is.ToBoolean() {
		return ""
	}
	name, err := js.Call(p.arrayName, obj)
	if err != nil || goja.IsUndefined(name) {
		return "DataView"
	}
	return name.String()
}

// NewUint8Array makes a Uint8Array that owns b.
func NewUint8Array(js *isolate.JS, b []byte) *goja.Object {
	rt := js.Runtime()
	obj, err := js.Construct(views.Get(js).uint8Array, rt.ToValue(rt.NewArrayBuffer(b)))
	must(err) // an intrinsic on a buffer of ours
	return obj
}

func viewBytes(js *isolate.JS, obj *goja.Object) (b []byte, ok bool) {
	if bits := natives.Float16Bits(obj); bits != nil {
		obj = bits
	}
	p := views.Get(js)
	is, err := js.Call(p.isView, nil, obj)
	if err != nil || !is.ToBoolean() {
		return nil, false
	}
	get := p.ofArray
	if name, err := js.Call(p.arrayName, obj); err != nil || goja.IsUndefined(name) {
		get = p.ofView
	}
	var vals [3]goja.Value
	for i, g := range get {
		if vals[i], err = js.Call(g, obj); err != nil {
			return []byte{}, true // a view that was detached
		}
	}
	buf, isBuf := vals[0].(*goja.Object)
	if !isBuf {
		return nil, false
	}
	ab, isAB := buf.Export().(goja.ArrayBuffer)
	if !isAB {
		return nil, false
	}
	off, n, mem := vals[1].ToInteger(), vals[2].ToInteger(), ab.Bytes()
	if off < 0 || n < 0 || off+n > int64(len(mem)) {
		return nil, false
	}
	return mem[off : off+n : off+n], true
}

// viewIntrinsics are functions of the engine as they were when they were first
// needed, so that a script that replaces them is not asked.
type viewIntrinsics struct {
	isView, arrayName, uint8Array goja.Value
	// buffer, byteOffset and byteLength
	ofArray, ofView [3]goja.Value
}

var views = isolate.NewSlot(func(js *isolate.JS) *viewIntrinsics {
	global := js.Runtime().GlobalObject()
	object := func(name string) *goja.Object { return global.Get(name).(*goja.Object) }
	u8 := object("Uint8Array")
	arrayProto := u8.Prototype().Get("prototype").(*goja.Object)
	viewProto := object("DataView").Get("prototype").(*goja.Object)
	describe := object("Object").Get("getOwnPropertyDescriptor")
	getter := func(proto *goja.Object, key goja.Value) goja.Value {
		d, err := js.Call(describe, nil, proto, key)
		must(err)
		return d.(*goja.Object).Get("get")
	}
	p := &viewIntrinsics{isView: object("ArrayBuffer").Get("isView"), uint8Array: u8, arrayName: getter(arrayProto, goja.SymToStringTag)}
	for i, name := range []string{"buffer", "byteOffset", "byteLength"} {
		key := js.Runtime().ToValue(name)
		p.ofArray[i], p.ofView[i] = getter(arrayProto, key), getter(viewProto, key)
	}
	return p
})

// Detach takes the memory of a typed array or a DataView away from the script. It
// reports false for what is no view, and where the memory must stay.
func Detach(js *isolate.JS, v goja.Value) bool {
	obj, ok := v.(*goja.Object)
	if !ok {
		return false
	}
	if bits := natives.Float16Bits(obj); bits != nil {
		obj = bits
	}
	p := views.Get(js)
	for _, get := range []goja.Value{p.ofArray[0], p.ofView[0]} {
		buf, err := js.Call(get, obj)
		if err != nil {
			continue
		}
		if o, ok := buf.(*goja.Object); ok && o.ExportType() == bufferType {
			ab, _ := o.Export().(goja.ArrayBuffer)
			return ab.Detach()
		}
	}
	return false
}

// BufferOf returns the buffer of a typed array or a DataView, and where in it the view
// is, in bytes. ok is false for anything else. No code of a script runs, and no element is
// read: threads may write to memory that they share.
func BufferOf(js *isolate.JS, v goja.Value) (buffer *goja.Object, offset, length int, ok bool) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, 0, 0, false
	}
	if bits := natives.Float16Bits(obj); bits != nil {
		obj = bits
	}
	p := views.Get(js)
	for _, get := range [][3]goja.Value{p.ofArray, p.ofView} {
		var vals [3]goja.Value
		var err error
		for i, g := range get {
			if vals[i], err = js.Call(g, obj); err != nil {
				break
			}
		}
		if err != nil {
			continue
		}
		if o, ok := vals[0].(*goja.Object); ok {
			return o, int(vals[1].ToInteger()), int(vals[2].ToInteger()), true
		}
	}
	return nil, 0, 0, false
}
