package natives

import (
	"math"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
	"golang.org/x/text/unicode/norm"
)

var stringTable = table{path: "String.prototype", funcs: []entry{
	{name: "repeat", length: 1, make: func(e *env, _ raw) raw { return e.stringRepeat }},
	{name: "padStart", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.stringPad(c, true) }
	}},
	{name: "padEnd", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.stringPad(c, false) }
	}},
	{name: "concat", length: 1, make: func(e *env, _ raw) raw { return e.stringConcat }},
	{name: "replace", length: 2, make: stringReplace("replace", false)},
	{name: "replaceAll", length: 2, make: stringReplace("replaceAll", true)},
	{name: "split", length: 2, make: stringSplit},
	{name: "match", length: 1, make: stringMatch},
	{name: "normalize", length: 0, make: stringNormalize},
	{name: "isWellFormed", length: 0, make: func(e *env, _ raw) raw { return e.stringIsWellFormed }},
	{name: "toWellFormed", length: 0, make: func(e *env, _ raw) raw { return e.stringToWellFormed }},
}}

var stringStaticTable = table{path: "String", funcs: []entry{
	{name: "raw", length: 1, make: func(e *env, _ raw) raw { return e.stringRaw }},
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

func (e *env) stringConcat(call goja.FunctionCall) goja.Value {
	s := e.thisString(call.This, "concat")
	parts := make([]goja.String, 0, len(call.Arguments)+1)
	parts = append(parts, s)
	total := int64(s.Length())
	for _, a := range call.Arguments {
		p := e.toStr(a)
		if total += int64(p.Length()); total > int64(e.lim.MaxStringBytes) {
			e.throwStringLength()
		}
		parts = append(parts, p)
	}
	e.needString(total)
	var b goja.StringBuilder
	for _, p := range parts {
		b.WriteString(p)
	}
	return b.String()
}

// shortText is how many units of text are normalized on the stack.
const shortText = 64

// stringNormalize gives short strings that are normal already back as they are,
// without a copy. A normal form can be 18 times as long as its source, so a long
// one is made piece by piece.
func stringNormalize(e *env, _ raw) raw {
	forms := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}
	return func(call goja.FunctionCall) goja.Value {
		s := e.thisString(call.This, "normalize")
		name := "NFC"
		if a := call.Argument(0); a != undefined {
			name = e.toStr(a).String()
		}
		form, ok := forms[name]
		if !ok {
			e.throwRange("The normalization form should be one of NFC, NFD, NFKC, NFKD.")
		}
		if isASCII(s) {
			return s
		}
		if s.Length() <= min(shortText, e.lim.MaxStringBytes/18) && reflect.TypeOf(s) == typeUnicode {
			var room [3 * shortText]byte
			if text := appendWTF8(room[:0], unitsOf(s)); utf8.Valid(text) { // no lone surrogate
				if form.IsNormal(text) {
					return s
				}
				return fromWTF8(string(form.Append(nil, text...)))
			}
		}
		text := wtf8(s)
		if !hasSurrogate(text) && len(text) <= min(smallArray, e.lim.MaxStringBytes/6) {
			return fromWTF8(form.String(text))
		}
		var b strings.Builder
		for len(text) > 0 {
			n := strings.IndexByte(text, 0xED) // no form maps anything onto a lone surrogate
			for n >= 0 && !(n+1 < len(text) && text[n+1] >= 0xA0) {
				k := strings.IndexByte(text[n+1:], 0xED)
				if k < 0 {
					n = -1
				} else {
					n += 1 + k
				}
			}
			plain := text
			if n >= 0 {
				plain = text[:n]
			}
			e.normalizeTo(&b, plain, form)
			text = text[len(plain):]
			if len(text) >= 3 {
				b.WriteString(text[:3])
				text = text[3:]
			}
		}
		e.needString(int64(unitCount(b.String())))
		return fromWTF8(b.String())
	}
}

func (e *env) normalizeTo(b *strings.Builder, s string, form norm.Form) {
	var it norm.Iter
	it.InitString(form, s)
	for !it.Done() {
		b.Write(it.Next())
		e.poll()
		if b.Len() > 3*e.lim.MaxStringBytes {
			e.throwStringLength()
		}
	}
}

func (e *env) stringIsWellFormed(call goja.FunctionCall) goja.Value {
	s := e.thisString(call.This, "isWellFormed")
	if !isASCII(s) && hasSurrogate(wtf8(s)) {
		return valFalse
	}
	return valTrue
}

func (e *env) stringToWellFormed(call goja.FunctionCall) goja.Value {
	s := e.thisString(call.This, "toWellFormed")
	if isASCII(s) {
		return s
	}
	text := wtf8(s)
	if !hasSurrogate(text) {
		return s
	}
	u := append([]uint16(nil), unitsOf(s)...)
	for i := 0; i < len(u); i++ {
		switch {
		case isLead(u[i]) && i+1 < len(u) && isTrail(u[i+1]):
			i++
		case isLead(u[i]) || isTrail(u[i]):
			u[i] = 0xFFFD
		}
	}
	return fromUnits(u)
}

func (e *env) stringRaw(call goja.FunctionCall) goja.Value {
	cooked := e.toObject(call.Argument(0), "")
	lit := e.toObject(orUndefined(cooked.Get("raw")), "")
	n := e.lengthOf(lit)
	j := joiner{e: e}
	for i := int64(0); i < n; i++ {
		e.poll()
		j.write(e.toStr(orUndefined(e.getIdx(lit, i))))
		if i+1 < n && i+1 < int64(len(call.Arguments)) {
			j.write(e.toStr(call.Arguments[i+1]))
		}
	}
	return j.b.String()
}
