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

// Share makes another SharedArrayBuffer on the memory of o; nil where o is none.
func (l *Library) Share(o *goja.Object) *goja.Object {
	if !IsShared(o) || l.e.shareMemory == nil {
		return nil
	}
	b, ok := o.Export().(goja.ArrayBuffer)
	if !ok {
		return nil
	}
	return l.e.shareMemory(b.Bytes())
}

// makeSharedArrayBuffer builds the global SharedArrayBuffer. Its objects are buffers of
// the engine with another prototype, so views work on them; nothing detaches them.
func (e *env) makeSharedArrayBuffer() goja.Value {
	const class = "SharedArrayBuffer"
	e.hidden[SymShared], e.hidden[SymPinned] = true, true
	share := func(mem []byte, proto *goja.Object) *goja.Object {
		o := e.rt.ToValue(e.rt.NewArrayBuffer(mem)).(*goja.Object)
		err := o.SetPrototype(proto)
		for _, s := range []*goja.Symbol{SymShared, SymPinned} {
			if err == nil {
				err = o.DefineDataPropertySymbol(s, null, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
			}
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
		return share(make([]byte, n), proto)
	})
	of := func(v goja.Value, method string) []byte {
		if o, ok := v.(*goja.Object); ok && IsShared(o) {
			return o.Export().(goja.ArrayBuffer).Bytes()
		}
		e.throwType("Method %s.prototype.%s called on incompatible receiver %s", class, method, e.describe(v))
		return nil
	}
	e.shareMemory = func(mem []byte) *goja.Object { return share(mem, proto) }
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
					return share(append([]byte(nil), part...), proto)
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
