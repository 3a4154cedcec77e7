package natives

import (
	_ "embed"

	"github.com/dop251/goja"
)

// A Float16Array is a Proxy over an ordinary object that holds, under a symbol no
// script has, a Uint16Array with the bits. Its methods are its own and not those of
// %TypedArray%.prototype, which ask for an object of the engine.

var symHalves = goja.NewSymbol("workerd.float16")

//go:embed float16.js
var float16Text string

var float16Program = lateProgram("native:Float16Array", float16Text, true)

// Float16Bits returns the Uint16Array that holds the bits of a Float16Array, nil for any
// other value. It runs no script.
func Float16Bits(v goja.Value) *goja.Object {
	o, ok := v.(*goja.Object)
	if !ok || o.ExportType() != typeProxy {
		return nil
	}
	p, ok := o.Export().(goja.Proxy)
	if !ok {
		return nil
	}
	t := p.Target()
	if t == nil || t.ExportType() == typeProxy {
		return nil
	}
	bits, _ := t.GetSymbol(symHalves).(*goja.Object)
	return bits
}

func (e *env) bitsOfTarget(target *goja.Object) *goja.Object {
	return target.GetSymbol(symHalves).(*goja.Object)
}

// halfTraps serve all Float16Arrays of a runtime.
func (e *env) halfTraps() *goja.ProxyTrapConfig {
	inside := func(t *goja.Object, i int) bool { return i >= 0 && int64(i) < e.typedLength(e.bitsOfTarget(t)) }
	read := func(t *goja.Object, i int) goja.Value {
		return e.rt.ToValue(halfFloat(uint16(e.getIdx(e.bitsOfTarget(t), int64(i)).ToInteger())))
	}
	write := func(t *goja.Object, i int, v goja.Value) {
		f := v.ToNumber().ToFloat()
		if inside(t, i) { // script may have detached the buffer
			e.storeElement(atomicTarget{array: e.bitsOfTarget(t), index: int64(i)}, e.rt.ToValue(halfBits(f)))
		}
	}
	return &goja.ProxyTrapConfig{
		GetIdx: func(t *goja.Object, i int, _ goja.Value) goja.Value {
			if !inside(t, i) {
				return undefined
			}
			return read(t, i)
		},
		HasIdx: inside,
		SetIdx: func(t *goja.Object, i int, v, _ goja.Value) bool {
			write(t, i, v)
			return true
		},
		DeletePropertyIdx: func(t *goja.Object, i int) bool { return !inside(t, i) },
		GetOwnPropertyDescriptorIdx: func(t *goja.Object, i int) (d goja.PropertyDescriptor) {
			if inside(t, i) {
				d = goja.PropertyDescriptor{Value: read(t, i), Writable: goja.FLAG_TRUE, Enumerable: goja.FLAG_TRUE, Configurable: goja.FLAG_TRUE}
			}
			return d
		},
		DefinePropertyIdx: func(t *goja.Object, i int, d goja.PropertyDescriptor) bool {
			if !inside(t, i) || d.Getter != nil || d.Setter != nil || d.Writable == goja.FLAG_FALSE ||
				d.Enumerable == goja.FLAG_FALSE || d.Configurable == goja.FLAG_FALSE {
				return false
			}
			if d.Value != nil {
				write(t, i, d.Value)
			}
			return true
		},
		PreventExtensions: func(*goja.Object) bool { return false }, // its elements are no properties of the target
		OwnKeys: func(t *goja.Object) *goja.Object {
			n := e.typedLength(e.bitsOfTarget(t))
			e.needArray(n)
			keys := make([]goja.Value, 0, n)
			for i := range n {
				keys = append(keys, e.rt.ToValue(e.rt.ToValue(i).String()))
			}
			own := e.ownKeys(goja.FunctionCall{Arguments: []goja.Value{t}}).(*goja.Object)
			for _, k := range e.view(own) {
				if k != symHalves {
					keys = append(keys, k)
				}
			}
			return e.list(keys)
		},
	}
}

// makeFloat16Array builds the global Float16Array.
func (e *env) makeFloat16Array() goja.Value {
	e.hidden[symHalves] = true
	var bitsFor raw
	traps := e.halfTraps()
	ctor, proto := e.strictClass("Float16Array", 3, func(proto *goja.Object, args []goja.Value) *goja.Object {
		bits := bitsFor(goja.FunctionCall{This: undefined, Arguments: args})
		target := e.rt.CreateObject(proto)
		if err := target.DefineDataPropertySymbol(symHalves, bits, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			panic(err)
		}
		return e.rt.ToValue(e.rt.NewProxy(target, traps)).(*goja.Object)
	})
	u16, err := e.object("Uint16Array")
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	bitsFor, _ = e.callable(e.runGlue(float16Program(), ctor, proto, u16, e.rt.NewArray().Prototype(),
		e.callHelper(),
		e.helper(func(c goja.FunctionCall) goja.Value {
			if b := Float16Bits(c.Argument(0)); b != nil {
				return b
			}
			return undefined
		}),
		e.helper(func(c goja.FunctionCall) goja.Value {
			return e.rt.ToValue(halfBits(c.Argument(0).ToNumber().ToFloat()))
		}),
		e.helper(func(c goja.FunctionCall) goja.Value {
			return e.rt.ToValue(halfFloat(uint16(c.Argument(0).ToInteger())))
		}),
		e.helper(func(c goja.FunctionCall) goja.Value { // what the argument of the constructor is
			o, ok := c.Argument(0).(*goja.Object)
			switch {
			case !ok:
				return asciiValue("length")
			case o.ExportType() == typeBuffer:
				return asciiValue("buffer")
			case isTyped(o), Float16Bits(o) != nil:
				return asciiValue("array")
			}
			return asciiValue("list")
		}),
		e.helper(func(c goja.FunctionCall) goja.Value { // elements of an iterable or array-like
			return e.snapshot(e.toObject(c.Argument(0), "Float16Array"))
		}),
	))
	return ctor
}
