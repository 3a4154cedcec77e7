package natives

import (
	"math/big"
	"math/bits"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// maxBigIntBits bounds the BigInts that go through decimal text, and the width
// given to asUintN for a negative number. Converting one of 2^22 bits takes about
// half a second; V8's own limit is 2^30 bits.
func (e *env) maxBigIntBits() int { return limits.BigIntText.In(e.lim.Bounds) }

func (e *env) throwBigInt() { e.throwRange("Maximum BigInt size exceeded") }

var bigIntProtoTable = table{path: "BigInt.prototype", funcs: []entry{
	{name: "toString", length: 0, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			n, ok := e.bigOf(c.This)
			if !ok {
				return prev(c)
			}
			if r := c.Argument(0); r != undefined {
				radix := toInteger(r)
				c.Arguments = []goja.Value{e.rt.ToValue(radix)}
				if radix > 0 && bits.OnesCount64(uint64(radix)) == 1 {
					e.needString(int64(n.BitLen()) + 1)
					return prev(c)
				}
			}
			if n.BitLen() > e.maxBigIntBits() {
				e.throwBigInt()
			}
			return prev(c)
		}
	}},
	{name: "toLocaleString", length: 0, make: func(e *env, _ raw) raw { return e.bigIntToLocaleString }},
}}

// bigOf returns the integer of a BigInt or a BigInt object.
func (e *env) bigOf(v goja.Value) (*big.Int, bool) {
	if o, ok := v.(*goja.Object); ok && o.ExportType() != typeBigInt || v == nil || !ok && !goja.IsBigInt(v) {
		return nil, false
	}
	n, ok := v.Export().(*big.Int)
	return n, ok
}

var bigIntTable = table{path: "BigInt", funcs: []entry{
	{name: "asUintN", length: 2, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.bigIntAsN(c, prev, false) }
	}},
	{name: "asIntN", length: 2, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.bigIntAsN(c, prev, true) }
	}},
}}

func (e *env) bigIntAsN(c goja.FunctionCall, prev raw, signed bool) goja.Value {
	width := toInteger(c.Argument(0))
	if width < 0 || width > maxSafe {
		e.throwRange("Invalid value: not (convertible to) a safe integer")
	}
	v := c.Argument(1)
	if !goja.IsBigInt(v) {
		v = e.toBigInt(v)
	}
	n, _ := e.bigOf(v)
	if int64(n.BitLen()) < width && (signed || n.Sign() >= 0) {
		return v
	}
	if width > int64(e.maxBigIntBits()) {
		if width > 1<<30 || n.Sign() < 0 {
			e.throwBigInt()
		}
	}
	return prev(goja.FunctionCall{This: c.This, Arguments: []goja.Value{e.rt.ToValue(width), v}})
}

// toBigInt is ToBigInt.
func (e *env) toBigInt(v goja.Value) goja.Value {
	if o, ok := v.(*goja.Object); ok {
		v = e.toPrimitive(o, "number")
	}
	switch {
	case goja.IsBigInt(v):
		return v
	case v == valTrue:
		return e.rt.ToValue(big.NewInt(1))
	case v == valFalse:
		return e.rt.ToValue(new(big.Int))
	}
	if s, ok := v.(goja.String); ok {
		return e.rt.ToValue(e.parseBigInt(s))
	}
	e.throwType("Cannot convert %s to a BigInt", v.String())
	return nil
}

// toPrimitive is ToPrimitive with a hint of number or string.
func (e *env) toPrimitive(o *goja.Object, hint string) goja.Value {
	if f := o.GetSymbol(goja.SymToPrimitive); !isNullish(f) {
		v := orUndefined(e.needCallable(f)(goja.FunctionCall{This: o, Arguments: []goja.Value{asciiValue(hint)}}))
		if _, ok := v.(*goja.Object); ok {
			e.throwType("Cannot convert object to primitive value")
		}
		return v
	}
	order := [2]string{"valueOf", "toString"}
	if hint == "string" {
		order = [2]string{"toString", "valueOf"}
	}
	for _, name := range order {
		if f, ok := e.callable(o.Get(name)); ok {
			v := orUndefined(f(goja.FunctionCall{This: o}))
			if _, ok := v.(*goja.Object); !ok {
				return v
			}
		}
	}
	e.throwType("Cannot convert object to primitive value")
	return nil
}

// parseBigInt is StringToBigInt. Long decimal text is halved, because big.Int
// reads n digits in n^2 steps.
func (e *env) parseBigInt(s goja.String) *big.Int {
	text := strings.Trim(s.String(), "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff")
	if text == "" {
		return new(big.Int)
	}
	base, digits, neg := 10, text, false
	if len(text) > 2 && text[0] == '0' {
		switch text[1] | 0x20 {
		case 'x':
			base, digits = 16, text[2:]
		case 'o':
			base, digits = 8, text[2:]
		case 'b':
			base, digits = 2, text[2:]
		}
	}
	if base == 10 && len(text) > 1 && (text[0] == '-' || text[0] == '+') {
		neg, digits = text[0] == '-', text[1:]
	}
	bad := func() {
		shown := text
		if len(shown) > 100 {
			shown = shown[:100] + "..."
		}
		panic(e.newError("SyntaxError", "Cannot convert "+shown+" to a BigInt"))
	}
	for i := 0; i < len(digits); i++ {
		d := 99
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			d = int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			d = int(c|0x20-'a') + 10
		}
		if d >= base {
			bad()
		}
	}
	n := new(big.Int)
	if base != 10 {
		if len(digits) > limits.BigIntBits.In(e.lim.Bounds)/bits.Len(uint(base-1)) {
			e.throwBigInt()
		}
		if _, ok := n.SetString(digits, base); !ok {
			bad()
		}
		return n
	}
	if len(digits) > e.maxBigIntBits()*3/10 {
		e.throwBigInt()
	}
	n = e.parseDecimal(digits)
	if neg {
		n.Neg(n)
	}
	return n
}

func (e *env) parseDecimal(digits string) *big.Int {
	const direct = 4096
	if len(digits) <= direct {
		e.pollN(pollEvery / 4)
		n, _ := new(big.Int).SetString(digits, 10)
		return n
	}
	low := len(digits) / 2
	hi := e.parseDecimal(digits[:len(digits)-low])
	lo := e.parseDecimal(digits[len(digits)-low:])
	e.pollN(pollEvery)
	pow := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(low)), nil)
	return hi.Add(hi.Mul(hi, pow), lo)
}

// installBigInt puts a guard before the function BigInt, which is no table entry
// because it has properties of its own.
func (e *env) installBigInt() error {
	return e.wrapClass("BigInt", &goja.ProxyTrapConfig{
		GetSym: e.classSymbol,
		Apply: func(target *goja.Object, this goja.Value, args []goja.Value) (v goja.Value) {
			return e.guarded(func() goja.Value {
				if len(args) > 0 {
					arg := args[0]
					if o, ok := arg.(*goja.Object); ok {
						arg = e.toPrimitive(o, "number")
					}
					if arg.ExportType() == typeFloat {
						e.throwRange("The number %s cannot be converted to a BigInt because it is not an integer", arg)
					}
					if s, ok := arg.(goja.String); ok && s.Length() > 256 {
						return e.rt.ToValue(e.parseBigInt(s))
					}
					args = []goja.Value{arg}
				}
				return e.apply(goja.FunctionCall{Arguments: []goja.Value{target, undefined, e.list(args)}})
			})
		},
	})
}
