package natives

import (
	"errors"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/dop251/goja"
)

// ParseJSON is JSON.parse(text) without a reviver. text must be UTF-8; other
// bytes read as U+FFFD, as a body's text() would. The error is a
// *goja.Exception holding a SyntaxError or RangeError of rt, or an error that
// wraps ErrInterrupted; without l.Interrupted it reads to the end. It runs no script. Call it on the runtime's goroutine.
func ParseJSON[T string | []byte](rt *goja.Runtime, text T, l Limits) (goja.Value, error) {
	e := newEnv(rt, l)
	var v goja.Value
	err := e.try(func() { v = e.parseJSON(viewText(text)) })
	if err != nil {
		return nil, err
	}
	return v, nil
}

// viewText reads bytes as a string without a copy: the parser keeps no part of
// its input, and the caller's bytes do not change while it runs.
func viewText[T string | []byte](text T) string {
	s := viewBytes(text)
	if !utf8.ValidString(s) {
		return string([]rune(s))
	}
	return s
}

func viewBytes[T string | []byte](text T) string {
	switch t := any(text).(type) {
	case string:
		return t
	case []byte:
		return unsafe.String(unsafe.SliceData(t), len(t))
	}
	return ""
}

// jsonParser reads one text. Errors are panics of goja values.
type jsonParser struct {
	e     *env
	s     string // WTF-8
	pos   int
	depth int
	proto *goja.Object
	keys  map[string]string // one copy of each property name
	stack []any             // elements of the arrays being read
}

const maxInternedKey = 64

func (e *env) parseJSON(text string) goja.Value {
	p := jsonParser{e: e, s: text, proto: e.objectProto}
	if p.proto == nil {
		p.proto = e.rt.NewObject().Prototype()
	}
	e.charge(int64(len(text)) * 4)
	p.space()
	v := p.value()
	p.space()
	if p.pos < len(p.s) {
		p.fail("Unexpected non-whitespace character after JSON", p.pos)
	}
	return v
}

func (p *jsonParser) space() {
	for p.pos < len(p.s) {
		switch p.s[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// value reads the value at pos, which is not white space.
func (p *jsonParser) value() goja.Value {
	p.e.poll()
	if p.pos >= len(p.s) {
		p.unexpected(p.pos)
	}
	switch c := p.s[p.pos]; c {
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '"':
		return p.text()
	case 't':
		return p.literal("true", valTrue)
	case 'f':
		return p.literal("false", valFalse)
	case 'n':
		return p.literal("null", null)
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return p.number()
		}
	}
	p.unexpected(p.pos)
	return nil
}

func (p *jsonParser) literal(word string, v goja.Value) goja.Value {
	for i := 0; i < len(word); i++ {
		if p.pos+i >= len(p.s) || p.s[p.pos+i] != word[i] {
			p.unexpected(p.pos + i)
		}
	}
	p.pos += len(word)
	return v
}

func (p *jsonParser) enter() {
	if p.depth++; p.depth > p.e.lim.JSONDepth {
		p.e.throwStack()
	}
}

func (p *jsonParser) array() goja.Value {
	p.enter()
	p.pos++
	base := len(p.stack)
	p.space()
	if p.pos < len(p.s) && p.s[p.pos] == ']' {
		p.pos++
		p.depth--
		return p.e.rt.NewArray()
	}
	for {
		p.stack = append(p.stack, p.value())
		if len(p.stack)-base > p.e.lim.MaxArrayLength {
			p.e.throwArrayLength()
		}
		p.space()
		if p.pos < len(p.s) {
			if c := p.s[p.pos]; c == ',' {
				p.pos++
				p.space()
				continue
			} else if c == ']' {
				break
			}
		}
		p.fail("Expected ',' or ']' after array element", p.pos)
	}
	p.pos++
	p.depth--
	a := p.e.rt.NewArray(p.stack[base:]...)
	clear(p.stack[base:])
	p.stack = p.stack[:base]
	return a
}

// object builds without a prototype, so that storing a property can meet no
// setter and __proto__ is a name like any other.
func (p *jsonParser) object() goja.Value {
	p.enter()
	p.pos++
	o := p.e.rt.CreateObject(nil)
	p.space()
	if p.pos < len(p.s) && p.s[p.pos] == '}' {
		p.pos++
	} else {
		p.members(o)
	}
	p.depth--
	if err := o.SetPrototype(p.proto); err != nil {
		panic(err)
	}
	return o
}

func (p *jsonParser) members(o *goja.Object) {
	want := "Expected property name or '}'"
	for {
		if p.pos >= len(p.s) || p.s[p.pos] != '"' {
			p.fail(want, p.pos)
		}
		key, lossy := p.key()
		p.space()
		if p.pos >= len(p.s) || p.s[p.pos] != ':' {
			p.fail("Expected ':' after property name", p.pos)
		}
		p.pos++
		p.space()
		v := p.value()
		if lossy {
			p.e.setOwnValue(o, fromWTF8(key), v)
		} else if err := o.Set(key, v); err != nil {
			panic(err)
		}
		p.space()
		if p.pos < len(p.s) {
			if c := p.s[p.pos]; c == ',' {
				p.pos++
				p.space()
				want = "Expected double-quoted property name"
				continue
			} else if c == '}' {
				p.pos++
				return
			}
		}
		p.fail("Expected ',' or '}' after property value", p.pos)
	}
}

// setOwnValue stores a property whose name no Go string can hold.
func (e *env) setOwnValue(o *goja.Object, key, v goja.Value) {
	set := e.set
	if set == nil {
		r, _ := e.rt.GlobalObject().Get("Reflect").(*goja.Object)
		if r == nil {
			e.throwType("Reflect is not available")
		}
		set = e.needCallable(r.Get("set"))
	}
	set(goja.FunctionCall{Arguments: []goja.Value{o, key, v}})
}

// key reads a property name. lossy means that it holds lone surrogates.
func (p *jsonParser) key() (key string, lossy bool) {
	s, plain := p.chars()
	if plain && len(s) <= maxInternedKey {
		if k, ok := p.keys[s]; ok {
			return k, false
		}
		if p.keys == nil {
			p.keys = make(map[string]string)
		}
		k := string([]byte(s))
		if len(p.keys) < 4096 {
			p.keys[k] = k
		}
		return k, false
	}
	if hasSurrogate(s) {
		return s, true
	}
	return string([]byte(s)), false
}

func (p *jsonParser) text() goja.Value {
	s, plain := p.chars()
	if len(s) == 0 {
		return emptyStr
	}
	if plain {
		return asciiValue(s)
	}
	return fromWTF8(s)
}

// chars reads a string literal. plain means ASCII without escapes; then the
// result is a part of the input, otherwise it is a fresh WTF-8 string or a part
// of the input.
func (p *jsonParser) chars() (s string, plain bool) {
	start := p.pos + 1
	i := start
	plain = true
	for i < len(p.s) {
		c := p.s[i]
		if c == '"' {
			p.pos = i + 1
			return p.s[start:i], plain
		}
		if c == '\\' {
			return p.escaped(start, i), false
		}
		if c < 0x20 {
			p.fail("Bad control character in string literal", i)
		}
		if c >= utf8.RuneSelf {
			plain = false
		}
		i++
	}
	p.fail("Unterminated string", len(p.s))
	return "", false
}

// escaped goes on with a literal that holds an escape at i.
func (p *jsonParser) escaped(start, i int) string {
	b := make([]byte, 0, i-start+32)
	b = append(b, p.s[start:i]...)
	for i < len(p.s) {
		c := p.s[i]
		switch {
		case c == '"':
			p.pos = i + 1
			return string(b)
		case c < 0x20:
			p.fail("Bad control character in string literal", i)
		case c != '\\':
			b = append(b, c)
			i++
			continue
		}
		i++
		if i >= len(p.s) {
			p.unexpected(i)
		}
		switch c = p.s[i]; c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			u := p.hex4(i + 1)
			i += 4
			b = appendUnit(b, u)
		default:
			p.fail("Bad escaped character", i)
		}
		i++
	}
	p.fail("Unterminated string", len(p.s))
	return ""
}

// appendUnit adds a UTF-16 unit; a trail unit completes an encoded lead unit.
func appendUnit(b []byte, u uint16) []byte {
	if n := len(b); isTrail(u) && n >= 3 && b[n-3] == 0xED && b[n-2] >= 0xA0 && b[n-2] < 0xB0 {
		lead := 0xD000 | uint16(b[n-2]&0x3F)<<6 | uint16(b[n-1]&0x3F)
		return utf8.AppendRune(b[:n-3], utf16.DecodeRune(rune(lead), rune(u)))
	}
	return appendWTF8(b, []uint16{u})
}

func (p *jsonParser) hex4(at int) uint16 {
	var u uint16
	for i := at; i < at+4; i++ {
		var d byte
		if i < len(p.s) {
			switch c := p.s[i]; {
			case c >= '0' && c <= '9':
				d = c - '0'
			case c|0x20 >= 'a' && c|0x20 <= 'f':
				d = c | 0x20 - 'a' + 10
			default:
				p.fail("Bad Unicode escape", i)
			}
		} else {
			p.fail("Bad Unicode escape", len(p.s))
		}
		u = u<<4 | uint16(d)
	}
	return u
}

func (p *jsonParser) digit() bool {
	return p.pos < len(p.s) && p.s[p.pos] >= '0' && p.s[p.pos] <= '9'
}

func (p *jsonParser) number() goja.Value {
	start := p.pos
	neg := p.s[p.pos] == '-'
	if neg {
		p.pos++
		if !p.digit() {
			p.fail("No number after minus sign", p.pos)
		}
	}
	var n int64
	intStart := p.pos
	if p.s[p.pos] == '0' {
		p.pos++
		if p.digit() {
			p.unexpected(p.pos)
		}
	} else {
		for p.digit() {
			n = n*10 + int64(p.s[p.pos]-'0') // may wrap; long ones are read below
			p.pos++
		}
	}
	short := p.pos-intStart <= 15
	isInt := true
	if p.pos < len(p.s) && p.s[p.pos] == '.' {
		isInt = false
		p.pos++
		if !p.digit() {
			p.fail("Unterminated fractional number", p.pos)
		}
		for p.digit() {
			p.pos++
		}
	}
	if p.pos < len(p.s) && p.s[p.pos]|0x20 == 'e' {
		isInt = false
		p.pos++
		if p.pos < len(p.s) && (p.s[p.pos] == '+' || p.s[p.pos] == '-') {
			p.pos++
		}
		if !p.digit() {
			p.fail("Exponent part is missing a number", p.pos)
		}
		for p.digit() {
			p.pos++
		}
	}
	if isInt && short {
		if !neg {
			return p.e.rt.ToValue(n)
		}
		if n != 0 {
			return p.e.rt.ToValue(-n)
		}
		return p.e.rt.ToValue(math.Copysign(0, -1))
	}
	f, err := strconv.ParseFloat(p.s[start:p.pos], 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		p.fail("Unexpected number", start)
	}
	return p.e.rt.ToValue(f)
}
