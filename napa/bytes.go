package napa

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// memory is the value of an object that is a buffer or a view of one.
type memory struct {
	class string // of the view, or of the buffer itself
	// shared is the memory of a SharedArrayBuffer, which is the sender's own.
	shared any
	// bytes are a copy of any other memory, which nobody writes.
	bytes          []byte
	offset, length int
}

// saveBytes makes an object of a buffer or of a view.
func saveBytes(js *isolate.JS, obj *goja.Object, class string) (*object, error) {
	p, err := placeOf(js)
	if err != nil {
		return nil, err
	}
	m := &memory{class: class}
	if m.shared = js.Library().MemoryOf(obj); m.shared != nil {
		return p.System.newObject(kindMemory, m), nil
	}
	refused := exception.Errorf("Failed to serialize object with type of %s.", quoted(class))
	if bind.ViewName(js, obj) != class {
		return nil, refused
	}
	if buffer, offset, length, ok := bind.BufferOf(js, obj); ok {
		if m.shared = js.Library().MemoryOf(buffer); m.shared != nil {
			m.offset, m.length = offset, length
			return p.System.newObject(kindMemory, m), nil
		}
	}
	b, ok := bind.Bytes(js, obj)
	if !ok {
		return nil, refused
	}
	m.length = len(b)
	m.bytes = append([]byte(nil), b...)
	return p.System.newObject(kindMemory, m), nil
}

// elementSizes are the sizes of the elements of the views that are transportable.
var elementSizes = map[string]int{
	"Int8Array": 1, "Uint8Array": 1, "Int16Array": 2, "Uint16Array": 2, "Int32Array": 4, "Uint32Array": 4, "Float32Array": 4, "Float64Array": 8,
}

// loadBytes makes the realm's buffer or view of an object.
func loadBytes(js *isolate.JS, o *object) (goja.Value, error) {
	m, ok := o.value.(*memory)
	if !ok {
		return nil, exception.TypeErrorf("Failed to deserialize: the payload's memory is not in the transport context.")
	}
	rt := js.Runtime()
	var buffer *goja.Object
	if m.shared != nil {
		if buffer = js.Library().AttachMemory(m.shared); buffer == nil {
			return nil, exception.Errorf("This script has no SharedArrayBuffer.")
		}
	} else {
		buffer = rt.ToValue(rt.NewArrayBuffer(append([]byte(nil), m.bytes...))).(*goja.Object)
	}
	size := elementSizes[m.class]
	if size == 0 {
		return buffer, nil
	}
	return js.Construct(js.Library().Pristine(m.class), buffer, rt.ToValue(m.offset), rt.ToValue(m.length/size))
}
