package natives

import (
	"math"

	"github.com/dop251/goja"
)

// SymShared marks an ArrayBuffer of the engine that scripts know as a
// SharedArrayBuffer. Scripts never see it.
var SymShared = goja.NewSymbol("workerd.shared")

// IsShared reports whether a buffer is a SharedArrayBuffer.
func IsShared(o *goja.Object) bool {
	return o.ExportType() == typeBuffer && o.GetSymbol(SymShared) != nil
}

// memoryOf is what a SharedArrayBuffer stands on; nil where o is none.
func memoryOf(o *goja.Object) *Memory {
	if o.ExportType() != typeBuffer {
		return nil
	}
	if mark, ok := o.GetSymbol(SymShared).(*goja.Object); ok {
		if m, ok := mark.Export().(*Memory); ok {
			return m
		}
	}
	return nil
}

// MemoryOf is the *Memory that o stands on, nil where it is no SharedArrayBuffer. The memory may be handed to any other
// runtime of the process, for AttachMemory.
func (l *Library) MemoryOf(o *goja.Object) any {
	if m := memoryOf(o); m != nil {
		return m
	}
	return nil
}

// AttachMemory makes a SharedArrayBuffer on what MemoryOf gave, in this runtime or another; nil where memory is
// something else.
func (l *Library) AttachMemory(memory any) *goja.Object {
	m, ok := memory.(*Memory)
	if !ok {
		return nil
	}
	if l.e.shareMemory == nil {
		l.e.rt.GlobalObject().Get("SharedArrayBuffer")
	}
	if l.e.shareMemory == nil { // a script has put something else there
		l.e.makeSharedArrayBuffer()
	}
	return l.e.shareMemory(m)
}

// Share makes another SharedArrayBuffer on the memory of o; nil where o is none.
func (l *Library) Share(o *goja.Object) *goja.Object {
	if m := memoryOf(o); m != nil {
		return l.AttachMemory(m)
	}
	return nil
}

// makeSharedArrayBuffer builds the global SharedArrayBuffer. Its objects are buffers of
// the engine with another prototype, so views work on them; nothing detaches them.
func (e *env) makeSharedArrayBuffer() goja.Value {
	const class = "SharedArrayBuffer"
	e.hidden[SymShared], e.hidden[SymPinned] = true, true
	share := func(m *Memory, proto *goja.Object) *goja.Object {
		o := e.rt.ToValue(e.rt.NewArrayBuffer(m.Bytes())).(*goja.Object)
		err := o.SetPrototype(proto)
		if err == nil {
			err = o.DefineDataPropertySymbol(SymShared, e.rt.ToValue(m), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		}
		if err == nil {
			err = o.DefineDataPropertySymbol(SymPinned, null, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		}
		if err != nil {
			panic(err)
		}
		return o
	}
	ctor, proto := e.strictClass(class, 1, func(proto *goja.Object, args []goja.Value) *goja.Object {
		n := int64(0)
		if len(args) > 0 {
			n = e.toIndex(args[0], "Array buffer allocation failed")
		}
		if n > int64(e.lim.MaxBufferBytes) {
			e.throwRange("Array buffer allocation failed")
		}
		e.charge(n)
		return share(NewMemory(int(n)), proto)
	})
	of := func(v goja.Value, method string) []byte {
		if o, ok := v.(*goja.Object); ok && IsShared(o) {
			return o.Export().(goja.ArrayBuffer).Bytes()
		}
		e.throwType("Method %s.prototype.%s called on incompatible receiver %s", class, method, e.describe(v))
		return nil
	}
	e.shareMemory = func(m *Memory) *goja.Object { return share(m, proto) }
	err := proto.DefineDataPropertySymbol(goja.SymToStringTag, asciiValue(class), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if err == nil {
		err = ctor.DefineAccessorPropertySymbol(goja.SymSpecies, e.helper(func(c goja.FunctionCall) goja.Value { return c.This }), nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	for _, name := range []string{"byteLength", "maxByteLength"} {
		if err == nil {
			err = e.getter(proto, name, func(c goja.FunctionCall) goja.Value { return e.rt.ToValue(len(of(c.This, name))) })
		}
	}
	if err == nil {
		err = e.getter(proto, "growable", func(c goja.FunctionCall) goja.Value {
			of(c.This, "growable")
			return valFalse
		})
	}
	if err == nil {
		err = e.defineMethods(proto, class,
			entry{name: "slice", length: 2, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					mem := of(c.This, "slice")
					n := float64(len(mem))
					at := func(v goja.Value, missing float64) float64 {
						if v == undefined {
							return missing
						}
						i := float64(toInteger(v))
						if i < 0 {
							i += n
						}
						return math.Min(math.Max(i, 0), n)
					}
					from, to := at(c.Argument(0), 0), at(c.Argument(1), n)
					part := mem[int(from):int(max(from, to))]
					e.charge(int64(len(part)))
					copied := NewMemory(len(part))
					copy(copied.Bytes(), part)
					return share(copied, proto)
				}
			}},
			entry{name: "grow", length: 1, make: func(e *env, _ raw) raw {
				return func(c goja.FunctionCall) goja.Value {
					of(c.This, "grow")
					e.throwType("Method SharedArrayBuffer.prototype.grow called on incompatible receiver #<SharedArrayBuffer>")
					return undefined
				}
			}})
	}
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	return ctor
}

// getter defines an accessor as the language's own are.
func (e *env) getter(o *goja.Object, name string, f raw) error {
	fn, err := e.newFunc("get "+name, 0, f)
	if err != nil {
		return err
	}
	return o.DefineAccessorProperty(name, fn, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
