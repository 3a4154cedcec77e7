package threads

import (
	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/global"
)

// Structured is the structured clone of HTML: buffers can move, and a SharedArrayBuffer is the same memory at both
// ends. Errors are exceptions: a DataCloneError, or what a getter threw.
var Structured Codec = structured{}

// Lenient is Structured, but leaves functions and symbols out, as JSON does.
var Lenient Codec = structured{lenient: true}

type structured struct{ lenient bool }

// Encode is Codec's.
func (s structured) Encode(js *isolate.JS, v goja.Value, transfer []goja.Value) (Message, error) {
	o := cloneOptions(js)
	o.Lenient = s.lenient
	p, err := clone.Pack(js.Runtime(), v, transfer, o)
	if err != nil {
		return nil, global.CloneError(err)
	}
	return packed{p}, nil
}

type packed struct{ *clone.Packed }

// Value is Message's.
func (p packed) Value(js *isolate.JS) (goja.Value, error) {
	v, err := p.Unpack(js.Runtime(), cloneOptions(js))
	if err != nil {
		Drop(p)
		return nil, global.CloneError(err)
	}
	return v, nil
}

// Ports is Holder's.
func (p packed) Ports() (list []*Port) {
	for _, m := range p.Moved {
		if port, ok := m.What.(*Port); ok {
			list = append(list, port)
		}
	}
	return list
}

func cloneOptions(js *isolate.JS) clone.Options {
	return clone.Options{
		Bounds:       js.Bounds(),
		MaxBytes:     js.Isolate().Limits().BufferBytes,
		Host:         global.HostObjects(js),
		Half:         natives.Float16Bits,
		Memory:       js.Library().MemoryOf,
		Attach:       js.Library().AttachMemory,
		Movable:      global.Movables(js),
		Resizable:    js.Library(),
		ErrorsAsHost: js.Compat().Has("enhanced_error_serialization"),
	}
}
