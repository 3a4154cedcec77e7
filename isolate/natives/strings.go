package natives

import (
	"math"

	"github.com/dop251/goja"
)

var stringTable = table{path: "String.prototype", funcs: []entry{
	{name: "repeat", length: 1, make: func(e *env, _ raw) raw { return e.stringRepeat }},
	{name: "padStart", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.stringPad(c, true) }
	}},
	{name: "padEnd", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.stringPad(c, false) }
	}},
}}

// thisString is RequireObjectCoercible and ToString of the receiver.
func (e *env) thisString(v goja.Value, method string) goja.String {
	if s, ok := v.(goja.String); ok {
		return s
	}
	if isNullish(v) {
		e.throwType("String.prototype.%s called on null or undefined", method)
	}
	return e.toStr(v)
}

func (e *env) stringRepeat(call goja.FunctionCall) goja.Value {
	s := e.thisString(call.This, "repeat")
	count := call.Argument(0).ToNumber()
	n := toInteger(count)
	if n < 0 || math.IsInf(count.ToFloat(), 0) {
		e.throwRange("Invalid count value: %s", e.toStr(call.Argument(0)).String())
	}
	length := int64(s.Length())
	if n == 0 || length == 0 {
		return emptyStr
	}
	if n == 1 {
		return s
	}
	e.needProduct(length, n)
	var b goja.StringBuilder
	e.writeRepeated(&b, s, length*n)
	return b.String()
}

// needProduct checks the length of n copies of a string.
func (e *env) needProduct(length, n int64) {
	if n > int64(e.lim.MaxStringBytes)/length {
		e.throwStringLength()
	}
	e.needString(length * n)
}

// writeRepeated writes the first total characters of s repeated without end. It
// doubles what it has, so that there are few and large steps.
func (e *env) writeRepeated(b *goja.StringBuilder, s goja.String, total int64) {
	if isASCII(s) {
		b.Grow(int(total))
	} else {
		b.LikelyUnicode(int(total))
	}
	const block = 64 << 10
	unit := s
	for int64(unit.Length())*2 <= min(total, block) {
		unit = unit.Concat(unit)
	}
	step := int64(unit.Length())
	for total > 0 {
		if step > total {
			b.WriteSubstring(unit, 0, int(total))
			return
		}
		b.WriteString(unit)
		total -= step
		e.pollN(int(step) >> 4)
	}
}

func (e *env) stringPad(call goja.FunctionCall, start bool) goja.Value {
	name := "padEnd"
	if start {
		name = "padStart"
	}
	s := e.thisString(call.This, name)
	want, have := toLength(call.Argument(0)), int64(s.Length())
	if want <= have {
		return s
	}
	var fill goja.String
	if f := call.Argument(1); f != undefined {
		fill = e.toStr(f)
		if fill.Length() == 0 {
			return s
		}
	} else {
		fill = spaceStr
	}
	e.needString(want)
	var b goja.StringBuilder
	if !start {
		b.WriteString(s)
	}
	e.writeRepeated(&b, fill, want-have)
	if start {
		b.WriteString(s)
	}
	return b.String()
}

var spaceStr = asciiValue(" ")
