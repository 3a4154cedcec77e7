package config

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"workerd.local/internal/limits"
)

type tokenKind uint8

const (
	tokenName tokenKind = iota
	tokenString
	tokenBinary
	tokenInt
	tokenFloat
	tokenOp      // one punctuation character
	tokenParen   // ( items )
	tokenBracket // [ items ]
	tokenBad     // already reported
)

// token is a word of the text, or a bracketed list of comma-separated items. Nesting the brackets in the
// lexer means one broken item never disturbs its neighbours.
type token struct {
	kind  tokenKind
	off   int // of the first byte
	text  string
	num   uint64
	float float64
	big   bool // an integer too large for num
	items [][]token
}

func (t token) isOp(op string) bool     { return t.kind == tokenOp && t.text == op }
func (t token) isName(name string) bool { return t.kind == tokenName && t.text == name }

// describe names a token in an error message.
func (t token) describe() string {
	switch t.kind {
	case tokenName, tokenOp:
		return strconv.Quote(t.text)
	case tokenString:
		return "a string"
	case tokenBinary:
		return "a byte string"
	case tokenInt, tokenFloat:
		return "a number"
	case tokenParen:
		return `"("`
	case tokenBracket:
		return `"["`
	}
	return "this"
}

// statement is a run of tokens ended by ";" or by a block of statements.
type statement struct {
	tokens   []token
	block    []statement
	hasBlock bool
	end      int // offset of the ";" or "{"
}

// lexer turns the text of one file into statements.
type lexer struct {
	src   []byte
	off   int
	table *posTable
	sink  *sink
	open  []byte // the closers still owed, innermost last
	depth int

	stopped bool
}

func (l *lexer) errorf(off int, format string, args ...any) {
	l.sink.errorf(l.table.pos(off), format, args...)
}

// stop ends reading at once, after an error that makes the rest meaningless.
func (l *lexer) stop() {
	l.off = len(l.src)
	l.stopped = true
}

// statements reads up to the end of the file, or up to the "}" of the enclosing block.
func (l *lexer) statements(inBlock bool) []statement {
	var out []statement
	var current []token
	for {
		l.skipSpace()
		if l.sink.full() {
			l.stop()
		}
		if l.stopped {
			return out
		}
		if l.off >= len(l.src) {
			if len(current) > 0 {
				l.sink.hintf(l.table.pos(current[0].off), `end the declaration with ";"`,
					"This declaration is not finished.")
				out = append(out, statement{tokens: current, end: l.off})
			}
			if inBlock {
				l.errorf(l.off, `The file ends inside a block; a "}" is missing.`)
			}
			return out
		}
		switch l.src[l.off] {
		case ';':
			out = append(out, statement{tokens: current, end: l.off})
			current = nil
			l.off++
		case '{':
			at := l.off
			l.off++
			if !l.enter(at) {
				return out
			}
			block := l.statements(true)
			l.depth--
			out = append(out, statement{tokens: current, block: block, hasBlock: true, end: at})
			current = nil
		case '}':
			if len(current) > 0 {
				l.sink.hintf(l.table.pos(current[0].off), `end the declaration with ";"`,
					"This declaration is not finished.")
				current = nil
			}
			if inBlock {
				l.off++
				return out
			}
			l.errorf(l.off, `There is no "{" that this "}" closes.`)
			l.off++
		case ')', ']', ',':
			l.errorf(l.off, "%q does not belong here.", l.src[l.off:l.off+1])
			l.off++
		default:
			current = append(current, l.token())
		}
	}
}

func (l *lexer) enter(at int) bool {
	if maxDepth := limits.ConfigDepth.In(l.sink.bounds); l.depth >= maxDepth {
		l.errorf(at, "Brackets are nested more than %d levels deep.", maxDepth)
		l.stop()
		return false
	}
	l.depth++
	return true
}

// skipSpace skips blanks, comments and a byte order mark.
func (l *lexer) skipSpace() {
	for l.off < len(l.src) {
		switch c := l.src[l.off]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			l.off++
		case c == '#':
			for l.off < len(l.src) && l.src[l.off] != '\n' {
				l.off++
			}
		case l.off == 0 && strings.HasPrefix(string(l.src[:min(3, len(l.src))]), "\uFEFF"):
			l.off += 3
		default:
			return
		}
	}
}

// token reads one token; the caller made sure one starts here.
func (l *lexer) token() token {
	at := l.off
	c := l.src[at]
	switch {
	case isLetter(c):
		for l.off < len(l.src) && (isLetter(l.src[l.off]) || isDigit(l.src[l.off])) {
			l.off++
		}
		return token{kind: tokenName, off: at, text: string(l.src[at:l.off])}
	case isDigit(c):
		return l.number()
	case c == '"':
		return token{kind: tokenString, off: at, text: l.quoted()}
	case c == '`':
		return token{kind: tokenString, off: at, text: l.blockLine()}
	case c == '\'':
		l.sink.hintf(l.table.pos(at), "write strings in double quotes", "The character ' does not belong here.")
		for l.off++; l.off < len(l.src) && l.src[l.off] != '\'' && l.src[l.off] != '\n'; l.off++ {
		}
		l.off = min(l.off+1, len(l.src))
		return token{kind: tokenBad, off: at}
	case c == '(':
		return l.list(tokenParen, ')')
	case c == '[':
		return l.list(tokenBracket, ']')
	case strings.IndexByte("!$%&*+-./:<=>?@^|~", c) >= 0:
		l.off++
		return token{kind: tokenOp, off: at, text: string(c)}
	}
	r, size := utf8.DecodeRune(l.src[at:])
	l.off += size
	if r == utf8.RuneError && size == 1 {
		l.errorf(at, "The file contains a byte that is not UTF-8 text (0x%02x).", c)
		l.stop()
	} else {
		l.errorf(at, "The character %q does not belong here.", r)
	}
	return token{kind: tokenBad, off: at}
}

// list reads "( item, item )" or "[ item, item ]". A comma after the last item is fine.
func (l *lexer) list(kind tokenKind, closer byte) token {
	out := token{kind: kind, off: l.off}
	opener := l.src[l.off]
	if !l.enter(l.off) {
		return token{kind: tokenBad, off: out.off}
	}
	l.off++
	l.open = append(l.open, closer)
	defer func() {
		l.depth--
		l.open = l.open[:len(l.open)-1]
	}()
	var item []token
	for {
		l.skipSpace()
		if l.sink.full() {
			l.stop()
		}
		end := l.off >= len(l.src)
		if end || l.src[l.off] == ';' || l.src[l.off] == '{' || l.src[l.off] == '}' {
			if !l.stopped {
				l.errorf(out.off, "This %q is never closed; a %q is missing.", opener, closer)
			}
			break
		}
		c := l.src[l.off]
		if c == ',' {
			if len(item) == 0 {
				l.errorf(l.off, "There is nothing before this comma.")
			} else {
				out.items = append(out.items, item)
				item = nil
			}
			l.off++
			continue
		}
		if c == ')' || c == ']' {
			if c == closer {
				l.off++
				break
			}
			l.errorf(l.off, "Expected %q to close the %q of line %d, found %q.",
				closer, opener, l.table.pos(out.off).Line, c)
			if len(l.open) < 2 || l.open[len(l.open)-2] != c {
				l.off++ // a slip of the finger for our own closer
			}
			break
		}
		item = append(item, l.token())
	}
	if len(item) > 0 {
		out.items = append(out.items, item)
	}
	return out
}

// number reads an integer (decimal, 0x hexadecimal, 0 octal), a float, or a 0x"…" byte string.
func (l *lexer) number() token {
	at := l.off
	if l.src[at] == '0' && at+2 < len(l.src) && l.src[at+1] == 'x' && l.src[at+2] == '"' {
		l.off += 2
		return l.binary(at)
	}
	isFloat := false
	for l.off < len(l.src) {
		c := l.src[l.off]
		hex := l.off-at >= 2 && l.src[at] == '0' && (l.src[at+1] == 'x' || l.src[at+1] == 'X')
		switch {
		case isDigit(c) || isLetter(c):
			if !hex && (c == 'e' || c == 'E') && l.off+1 < len(l.src) &&
				(l.src[l.off+1] == '-' || l.src[l.off+1] == '+') {
				l.off++
			}
			if !hex && (c == 'e' || c == 'E') {
				isFloat = true
			}
		case c == '.' && l.off+1 < len(l.src) && isDigit(l.src[l.off+1]):
			isFloat = true
		default:
			return l.numberToken(at, isFloat)
		}
		l.off++
	}
	return l.numberToken(at, isFloat)
}

func (l *lexer) numberToken(at int, isFloat bool) token {
	l.off = min(l.off, len(l.src))
	text := string(l.src[at:l.off])
	if isFloat {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			l.errorf(at, "%q is not a number.", text)
			return token{kind: tokenBad, off: at}
		}
		return token{kind: tokenFloat, off: at, float: f, text: text}
	}
	digits, base := text, 10
	switch {
	case len(text) > 2 && text[1]|0x20 == 'x':
		digits, base = text[2:], 16
	case len(text) > 1 && text[0] == '0':
		digits, base = text[1:], 8
	}
	for i := range len(digits) {
		if !isDigitOf(digits[i], base) {
			l.errorf(at, "%q is not a number.", abbreviate(text))
			return token{kind: tokenBad, off: at}
		}
	}
	n, err := strconv.ParseUint(digits, base, 64)
	return token{kind: tokenInt, off: at, num: n, big: err != nil, text: text} // only the range can be wrong
}

// blockLine reads a backquote and the rest of its line, without escapes; the line's end is part of the
// text. Such lines one after the other make one string, like any adjacent string literals.
func (l *lexer) blockLine() string {
	at := l.off
	for l.off < len(l.src) && l.src[l.off] != '\n' {
		l.off++
	}
	text := string(l.src[at+1 : l.off])
	if !utf8.ValidString(text) {
		l.errorf(at, "This string is not UTF-8 text.")
	}
	return strings.TrimSuffix(text, "\r") + "\n"
}

// quoted reads a string literal, starting at its quote.
func (l *lexer) quoted() string {
	at := l.off
	l.off++
	var b strings.Builder
	for l.off < len(l.src) {
		c := l.src[l.off]
		switch c {
		case '"':
			l.off++
			text := b.String()
			if !utf8.ValidString(text) {
				l.errorf(at, "This string is not UTF-8 text.")
			}
			return text
		case '\n':
			l.sink.hintf(l.table.pos(at), `write \n for a line break, or several strings one after the other`,
				"This string is not closed before the end of its line.")
			return b.String()
		case '\\':
			l.escape(&b)
		default:
			b.WriteByte(c)
			l.off++
		}
	}
	l.errorf(at, "This string is not closed before the end of the file.")
	return b.String()
}

// escape reads one backslash sequence into b.
func (l *lexer) escape(b *strings.Builder) {
	at := l.off
	l.off++
	if l.off >= len(l.src) {
		return // the caller reports the string as not closed
	}
	c := l.src[l.off]
	l.off++
	if i := strings.IndexByte(`abfnrtv'"\?`, c); i >= 0 {
		b.WriteByte("\a\b\f\n\r\t\v'\"\\?"[i])
		return
	}
	base, digits, start := 16, 2, l.off
	switch {
	case c == 'x':
	case c >= '0' && c <= '7':
		base, digits, start = 8, 3, l.off-1
	default:
		if c == '\n' {
			l.off--
		}
		l.sink.hintf(l.table.pos(at), `use \n, \t, \", \\ or \x and two hexadecimal digits`,
			"A string has no escape sequence \\%s.", strings.Trim(strconv.QuoteRune(rune(c)), "'"))
		return
	}
	end := start
	for end < len(l.src) && end-start < digits && isDigitOf(l.src[end], base) {
		end++
	}
	l.off = end
	n, err := strconv.ParseUint(string(l.src[start:end]), base, 16)
	if err != nil || base == 16 && end-start != digits || n > 0xFF {
		l.errorf(at, "This escape sequence needs %d base-%d digits of at most 255.", digits, base)
		return
	}
	b.WriteByte(byte(n))
}

// binary reads 0x"…" from its quote on: hexadecimal digits with optional spaces.
func (l *lexer) binary(at int) token {
	l.off++
	var out []byte
	high, half := byte(0), false
	for l.off < len(l.src) {
		c := l.src[l.off]
		l.off++
		switch {
		case c == '"':
			if half {
				l.errorf(at, "A byte string needs two hexadecimal digits for each byte.")
			}
			return token{kind: tokenBinary, off: at, text: string(out)}
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		case isDigitOf(c, 16):
			n, _ := strconv.ParseUint(string(c), 16, 8) // cannot fail: c is a hexadecimal digit
			if half {
				out = append(out, high<<4|byte(n))
			}
			high, half = byte(n), !half
		default:
			l.errorf(l.off-1, "A byte string holds hexadecimal digits and spaces only.")
			for l.off < len(l.src) && l.src[l.off-1] != '"' && l.src[l.off-1] != '\n' {
				l.off++
			}
			return token{kind: tokenBad, off: at}
		}
	}
	l.errorf(at, "This byte string is not closed before the end of the file.")
	return token{kind: tokenBad, off: at}
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func isDigitOf(c byte, base int) bool {
	switch base {
	case 8:
		return c >= '0' && c <= '7'
	case 10:
		return isDigit(c)
	}
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// abbreviate keeps error messages short when they quote the file.
func abbreviate(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
