package natives

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The texts and positions are V8's (json-parser.cc's messages as programs see
// them); positions count UTF-16 units.

const (
	errorContext     = 10 // units shown on either side of the token
	minSourceContext = 21 // shorter sources are shown whole
)

// fail throws a SyntaxError about the byte position at.
func (p *jsonParser) fail(what string, at int) {
	if !strings.HasSuffix(what, " JSON") {
		what += " in JSON"
	}
	line := 1
	before := p.s[:at]
	if n := strings.Count(strings.ReplaceAll(before, "\r\n", "\n"), "\r"); n > 0 {
		line += n
	}
	line += strings.Count(before, "\n")
	column := unitCount(before[strings.LastIndexAny(before, "\r\n")+1:]) + 1
	msg := fmt.Sprintf("%s at position %d (line %d column %d)", what, unitCount(before), line, column)
	panic(p.e.newError("SyntaxError", msg))
}

// unexpected throws the SyntaxError for the token at the byte position at.
func (p *jsonParser) unexpected(at int) {
	if at >= len(p.s) {
		panic(p.e.newError("SyntaxError", "Unexpected end of JSON input"))
	}
	switch c := p.s[at]; {
	case c == '"':
		p.fail("Unexpected string", at)
	case c == '-' || c >= '0' && c <= '9':
		p.fail("Unexpected number", at)
	}
	switch p.s {
	case "NaN", "Infinity", "undefined", "[object Object]":
		panic(p.e.newError("SyntaxError", `"`+p.s+`" is not valid JSON`))
	}

	// Cut the context by bytes first: the whole text may be very long.
	pos, length := unitCount(p.s[:at]), unitCount(p.s)
	from, to := max(0, at-4*errorContext), min(len(p.s), at+4*errorContext)
	for from > 0 && !utf8.RuneStart(p.s[from]) {
		from--
	}
	for to < len(p.s) && !utf8.RuneStart(p.s[to]) {
		to++
	}
	off := unitCount(p.s[:from])
	units := decodeWTF8(p.s[from:to])
	cut := func(a, b int) []uint16 { return units[max(0, a-off):min(len(units), b-off)] }
	var msg []uint16
	add := func(s string) { msg = append(msg, utf16.Encode([]rune(s))...) }
	add("Unexpected token '")
	msg = append(msg, cut(pos, pos+1)...)
	add("', ")
	switch {
	case length < minSourceContext:
		add(`"`)
		msg = append(msg, cut(0, length)...)
		add(`"`)
	case pos < errorContext:
		add(`"`)
		msg = append(msg, cut(0, pos+errorContext)...)
		add(`"...`)
	case pos < length-errorContext:
		add(`..."`)
		msg = append(msg, cut(pos-errorContext, pos+errorContext)...)
		add(`"...`)
	default:
		add(`..."`)
		msg = append(msg, cut(pos-errorContext, length)...)
		add(`"`)
	}
	add(" is not valid JSON")
	panic(p.e.newErrorValue("SyntaxError", fromUnits(msg)))
}
