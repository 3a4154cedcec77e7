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
	p, err := copierOf(js, s.lenient).Pack(v, transfer)
	if err != nil {
		return nil, global.CloneError(err)
	}
	return packed{p}, nil
}

// Plain is what Structured makes of a value that consists of primitives and few small ordinary objects without getters, and
// of no arrays; nil for everything else.
func Plain(js *isolate.JS, v goja.Value) Message {
	if p := copierOf(js, false).PackPlain(v); p != nil {
		return packed{p}
	}
	return nil
}

// movables are what of a realm moves in messages between threads only.
var movables = isolate.NewSlot(func(*isolate.JS) *clone.Movables { return new(clone.Movables) })

// SetMovables says what of a realm can be transferred in messages between threads, and in no other clone.
func SetMovables(js *isolate.JS, m clone.Movables) { *movables.Get(js) = m }

// Movables is what of the realm can be transferred in messages beside buffers; nil where that is nothing.
func Movables(js *isolate.JS) clone.Movables {
	if m := *movables.Get(js); m != nil {
		return m
	}
	return global.Movables(js)
}

// hosts are the host objects of a realm that has movables of its own.
type hosts struct {
	clone.HostObjects
	m clone.Movables
}

// WriteHost is clone.HostObjects's.
func (h hosts) WriteHost(w *clone.Writer, o *goja.Object) (bool, error) {
	if movable, err := h.m.Movable(o); movable || err != nil {
		return true, &clone.DataCloneError{Message: global.NeedsTransfer}
	}
	return h.HostObjects.WriteHost(w, o)
}

func hostsOf(js *isolate.JS) clone.HostObjects {
	if m := *movables.Get(js); m != nil {
		return hosts{global.HostObjects(js), m}
	}
	return global.HostObjects(js)
}

type packed struct{ *clone.Packed }

// Value is Message's.
func (p packed) Value(js *isolate.JS) (goja.Value, error) {
	v, err := copierOf(js, false).Unpack(p.Packed)
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

// realmCopiers are the copiers of one realm.
type realmCopiers struct{ strict, lenient *clone.Copier }

var copiers = isolate.NewSlot(func(js *isolate.JS) *realmCopiers {
	o := clone.Options{
		Bounds:       js.Bounds(),
		MaxBytes:     js.Isolate().Limits().BufferBytes,
		Host:         hostsOf(js),
		HostBySymbol: true,
		Half:         natives.Float16Bits,
		Memory:       js.Library().MemoryOf,
		Attach:       js.Library().AttachMemory,
		Resizable:    js.Library(),
		ErrorsAsHost: js.Compat().Has("enhanced_error_serialization"),
	}
	strict, err := clone.NewCopier(js.Runtime(), o)
	if err != nil {
		js.Panic(err)
	}
	o.Lenient = true
	lenient, err := clone.NewCopier(js.Runtime(), o)
	if err != nil {
		js.Panic(err)
	}
	return &realmCopiers{strict, lenient}
})

func copierOf(js *isolate.JS, lenient bool) *clone.Copier {
	c := copiers.Get(js)
	of := c.strict
	if lenient {
		of = c.lenient
	}
	of.SetMovable(Movables(js)) // a module sets them when it is made
	return of
}
