package natives

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/dop251/goja"
)

// Small functions of newer editions of ECMA-262 that goja lacks.

var mathTable = table{path: "Math", funcs: []entry{
	{name: "sumPrecise", length: 1, make: func(e *env, _ raw) raw { return e.sumPrecise }},
	{name: "f16round", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			return e.rt.ToValue(halfFloat(halfBits(c.Argument(0).ToNumber().ToFloat())))
		}
	}},
}}

// sumBits holds any sum of as many doubles as an iterable can give: from the smallest
// to 2^1024, and the carries.
const sumBits = 1074 + 1024 + 64

// sumPrecise is the sum of numbers, rounded once.
func (e *env) sumPrecise(c goja.FunctionCall) goja.Value {
	method, ok := e.iteratorMethod(c.Argument(0))
	if !ok || method == nil {
		e.throwType("%s is not iterable", e.describe(c.Argument(0)))
	}
	sum := new(big.Float).SetPrec(sumBits)
	var x big.Float
	special, zeros := 0.0, true // -0 unless something else came
	e.iterate(c.Argument(0), method, func(v goja.Value) {
		if !goja.IsNumber(v) {
			e.throwType("%s is not a number", e.describe(v))
		}
		f := v.ToFloat()
		switch {
		case math.IsNaN(f) || math.IsInf(f, 0):
			special += f
		case f != 0 || !math.Signbit(f):
			zeros = false
			sum.Add(sum, x.SetFloat64(f))
		}
	})
	switch {
	case special != 0:
		return e.rt.ToValue(special)
	case zeros:
		return e.rt.ToValue(math.Copysign(0, -1))
	}
	f, _ := sum.Float64()
	return e.rt.ToValue(f)
}

// halfBits rounds to the nearest number of 16 bits, ties to even.
func halfBits(f float64) uint16 {
	b := math.Float64bits(f)
	sign := uint16(b >> 48 & 0x8000)
	f = math.Abs(f)
	switch {
	case f != f:
		return 0x7e00
	case f >= 65520:
		return sign | 0x7c00
	case f < 1.0/(1<<14): // subnormal: a multiple of 2^-24
		return sign | uint16(math.RoundToEven(f*(1<<24)))
	}
	frac, exp := math.Frexp(f) // in [0.5, 1)
	m := math.RoundToEven(frac * (1 << 11))
	if m == 1<<11 {
		m, exp = 1<<10, exp+1
	}
	return sign | uint16(exp+14)<<10 + uint16(m) - 1<<10
}

func halfFloat(b uint16) float64 {
	exp, frac := int(b>>10&0x1f), float64(b&0x3ff)
	f := math.Ldexp(frac, -24)
	switch {
	case exp == 0x1f && frac != 0:
		return math.NaN()
	case exp == 0x1f:
		f = math.Inf(1)
	case exp > 0:
		f = math.Ldexp(1024+frac, exp-25)
	}
	if b&0x8000 != 0 {
		return -f
	}
	return f
}

// dataViewTable has the members for numbers of 16 bits, made of those for integers.
var dataViewTable = table{path: "DataView.prototype", funcs: []entry{
	{name: "getFloat16", length: 1, make: func(e *env, _ raw) raw {
		get := e.method("DataView.prototype", "getUint16")
		return func(c goja.FunctionCall) goja.Value {
			return e.rt.ToValue(halfFloat(uint16(get(c).ToInteger())))
		}
	}},
	{name: "setFloat16", length: 2, make: func(e *env, _ raw) raw {
		set := e.method("DataView.prototype", "setUint16")
		return func(c goja.FunctionCall) goja.Value {
			bits := e.rt.ToValue(int(halfBits(c.Argument(1).ToNumber().ToFloat())))
			return set(goja.FunctionCall{This: c.This, Arguments: []goja.Value{c.Argument(0), bits, c.Argument(2)}})
		}
	}},
}}

// method is the engine's own method of an object.
func (e *env) method(path, name string) raw {
	if v, ok := e.own(path, name); ok {
		if f, ok := e.callable(v); ok {
			return f
		}
	}
	if o, err := e.object(path); err == nil {
		if f, ok := e.callable(o.Get(name)); ok {
			return f
		}
	}
	return func(goja.FunctionCall) goja.Value {
		e.throwType("%s.%s is not a function", path, name)
		return nil
	}
}

var bufferProtoTable = table{path: "ArrayBuffer.prototype", funcs: []entry{
	{name: "resize", length: 1, make: func(e *env, _ raw) raw { return e.resize }},
	{name: "transfer", length: 0, make: func(e *env, _ raw) raw { return e.transfer("transfer") }},
	{name: "transferToFixedLength", length: 0, make: func(e *env, _ raw) raw { return e.transfer("transferToFixedLength") }},
}}

// bufferOf is the memory of an ArrayBuffer.
func (e *env) bufferOf(v goja.Value, method string) (*goja.Object, goja.ArrayBuffer) {
	if o, ok := v.(*goja.Object); ok && o.ExportType() == typeBuffer && !IsShared(o) {
		if b, ok := o.Export().(goja.ArrayBuffer); ok {
			return o, b
		}
	}
	e.throwType("Method ArrayBuffer.prototype.%s called on incompatible receiver %s", method, e.describe(v))
	return nil, goja.ArrayBuffer{}
}

// transfer moves the bytes into a new buffer, which may be longer or shorter.
func (e *env) transfer(method string) raw {
	return func(c goja.FunctionCall) goja.Value {
		o, b := e.bufferOf(c.This, method)
		n := int64(len(b.Bytes()))
		if v := c.Argument(0); v != undefined {
			f := v.ToNumber().ToFloat()
			if !(f > -1 && f < 1<<53) && f == f {
				e.throwRange("Invalid array buffer length")
			}
			n = 0
			if f == f {
				n = int64(f)
			}
		}
		switch {
		case b.Detached():
			e.throwType("Cannot perform ArrayBuffer.prototype.%s on a detached ArrayBuffer", method)
		case o.GetSymbol(SymPinned) != nil:
			e.throwType("ArrayBuffer is not detachable and could not be cloned.")
		case n > int64(e.lim.MaxBufferBytes):
			e.throwRange("Array buffer allocation failed")
		}
		r := resizableOf(o)
		if method != "transfer" {
			r = nil
		}
		if r != nil && n > int64(r.max) {
			e.throwRange("Invalid array buffer length")
		}
		bytes := b.Bytes()
		if n != int64(len(bytes)) {
			moved := make([]byte, n)
			copy(moved, bytes)
			bytes = moved
		}
		b.Detach()
		made := e.rt.ToValue(e.rt.NewArrayBuffer(bytes)).(*goja.Object)
		if r != nil {
			e.makeResizable(made, r.max)
		}
		return made
	}
}

// installDetached defines the accessors of ArrayBuffer.prototype that goja lacks.
func (e *env) installDetached() error {
	proto, err := e.object("ArrayBuffer.prototype")
	if err != nil {
		return err
	}
	get, err := e.newFunc("get detached", 0, func(c goja.FunctionCall) goja.Value {
		_, b := e.bufferOf(c.This, "detached")
		return e.rt.ToValue(b.Detached())
	})
	if err == nil {
		err = proto.DefineAccessorProperty("detached", get, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	if err == nil {
		err = e.resizableGetters(proto)
	}
	if err != nil {
		return fmt.Errorf("install natives: ArrayBuffer.prototype.detached: %w", err)
	}
	return nil
}

var mapInsertTable = getOrInsert("Map.prototype")

// getOrInsert are the members of a kind of map that give a value and make one where
// there is none.
func getOrInsert(path string) table {
	of := func(e *env) (has, get, set raw) {
		return e.method(path, "has"), e.method(path, "get"), e.method(path, "set")
	}
	return table{path: path, funcs: []entry{
		{name: "getOrInsert", length: 2, make: func(e *env, _ raw) raw {
			has, get, set := of(e)
			return func(c goja.FunctionCall) goja.Value {
				key := goja.FunctionCall{This: c.This, Arguments: []goja.Value{c.Argument(0)}}
				if has(key).ToBoolean() {
					return get(key)
				}
				set(goja.FunctionCall{This: c.This, Arguments: []goja.Value{c.Argument(0), c.Argument(1)}})
				return c.Argument(1)
			}
		}},
		{name: "getOrInsertComputed", length: 2, make: func(e *env, _ raw) raw {
			has, get, set := of(e)
			return func(c goja.FunctionCall) goja.Value {
				key := goja.FunctionCall{This: c.This, Arguments: []goja.Value{c.Argument(0)}}
				found := has(key).ToBoolean() // and that the receiver is a map
				f := e.needCallable(c.Argument(1))
				if found {
					return get(key)
				}
				v := orUndefined(f(goja.FunctionCall{This: undefined, Arguments: key.Arguments}))
				set(goja.FunctionCall{This: c.This, Arguments: []goja.Value{c.Argument(0), v}})
				return v
			}
		}},
	}}
}

// regexpEscape is RegExp.escape: the pattern that matches the text, wherever in an
// expression it is put.
func (e *env) regexpEscape(c goja.FunctionCall) goja.Value {
	s, ok := c.Argument(0).(goja.String)
	if !ok {
		e.throwType("input argument must be a string")
	}
	units := decodeWTF8(wtf8(s))
	e.needString(int64(len(units)) * 6)
	var b strings.Builder
	for i, u := range units {
		e.poll()
		c := byte(u)
		switch {
		case u < 0x80 && i == 0 && isWord(c) && c != '_':
			fmt.Fprintf(&b, `\x%02x`, c)
		case u < 0x80 && strings.IndexByte(`^$\.*+?()[]{}|/`, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case u >= '\t' && u <= '\r':
			b.WriteByte('\\')
			b.WriteByte("tnvfr"[u-'\t'])
		case u == ' ' || u < 0x80 && strings.IndexByte(",-=<>#&!%:;@~'`\"", c) >= 0 || u == 0xa0:
			fmt.Fprintf(&b, `\x%02x`, u)
		case u == 0xfeff || u == 0x2028 || u == 0x2029 || isSpaceUnit(u) || isLead(u) && !(i+1 < len(units) && isTrail(units[i+1])) || isTrail(u) && !(i > 0 && isLead(units[i-1])):
			fmt.Fprintf(&b, `\u%04x`, u)
		default:
			b.Write(appendWTF8(nil, pairAt(units, i)))
		}
	}
	return fromWTF8(b.String())
}

// pairAt is the character that begins at i: nothing for the second half of a pair.
func pairAt(units []uint16, i int) []uint16 {
	switch {
	case isLead(units[i]):
		return units[i : i+2]
	case isTrail(units[i]):
		return nil
	}
	return units[i : i+1]
}

func isWord(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_'
}

// isSpaceUnit reports whether u is a space of category Zs beyond ASCII.
func isSpaceUnit(u uint16) bool {
	switch {
	case u == 0x1680, u >= 0x2000 && u <= 0x200a, u == 0x202f, u == 0x205f, u == 0x3000:
		return true
	}
	return false
}
