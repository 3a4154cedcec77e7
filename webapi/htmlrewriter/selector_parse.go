package htmlrewriter

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The errors of selectors, as workerd words them.
var (
	errEmptySelector = parserError("The selector is empty.")
	errSelectorEnd   = parserError("Unexpected end of selector.")
	errSelectorToken = parserError("Unexpected token in selector.")
	errDangling      = parserError("Dangling combinator in selector.")
	errNamespaced    = parserError("Selectors with explicit namespaces are not supported.")
	errPseudo        = parserError("Unsupported pseudo-class or pseudo-element in selector.")
	errClassName     = parserError("Invalid or unescaped class name in selector.")
	errNesting       = parserError("Nested negation in selector.")
	errSelectorSize  = parserError("The selector is too long.")
)

const (
	// maxNot is how deep negations nest.
	maxNot = 16
	// maxSelector is the longest selector, in bytes.
	maxSelector = 64 << 10
)

// parseSelector parses a list of selectors (W3C Selectors 4, what lol-html knows of
// it).
func parseSelector(s string) (selector, error) {
	if len(s) > maxSelector {
		return nil, errSelectorSize
	}
	p := &selectorParser{in: s}
	var list selector
	for {
		c, err := p.complex()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		if p.done() {
			return list, nil
		}
		p.at++ // the comma
	}
}

type selectorParser struct {
	in    string
	at    int
	depth int
}

func (p *selectorParser) done() bool { return p.at >= len(p.in) }

// peek is the next byte, 0 at the end.
func (p *selectorParser) peek() byte {
	if p.done() {
		return 0
	}
	return p.in[p.at]
}

// space skips white space and comments; it reports whether there was white space.
func (p *selectorParser) space() (any bool) {
	for !p.done() {
		switch {
		case isSpace(p.peek()):
			any = true
			p.at++
		case strings.HasPrefix(p.in[p.at:], "/*"):
			end := strings.Index(p.in[p.at+2:], "*/")
			if end < 0 {
				p.at = len(p.in)
				return any
			}
			p.at += 2 + end + 2
		default:
			return any
		}
	}
	return any
}

// complex parses until a comma or the end.
func (p *selectorParser) complex() (complexSelector, error) {
	var out complexSelector
	p.space()
	for {
		c, err := p.compound()
		if err != nil {
			return nil, err
		}
		if len(c.conditions) == 0 {
			if len(out) > 0 && p.done() {
				return nil, errDangling
			}
			return nil, errEmptySelector
		}
		space := p.space()
		switch next := p.peek(); {
		case p.done(), next == ',':
			return append(out, c), nil
		case next == '>':
			c.child = true
			p.at++
			p.space()
		case next == '+', next == '~':
			return nil, parserError("Unsupported combinator `%c` in selector.", next)
		case !space:
			return nil, errSelectorToken
		}
		out = append(out, c)
	}
}

// anyTag is the condition of "*", which every element meets.
var anyTag = condition{kind: isNot}

// compound parses what stands together; it has no conditions where nothing does.
func (p *selectorParser) compound() (c compound, err error) {
	add := func(x condition) { c.conditions = append(c.conditions, x) }
	switch b := p.peek(); {
	case b == '*':
		p.at++
		add(anyTag)
		if p.peek() != '|' {
			break
		}
		p.at++
		if p.peek() == '*' {
			p.at++
		} else if name, ok := p.ident(); ok {
			add(condition{kind: isTag, name: lowerASCII(name)})
		} else {
			return c, errSelectorToken
		}
	case b == '|':
		return c, errNamespaced
	default:
		start := p.at
		if name, ok := p.ident(); ok {
			if p.peek() == '|' {
				return c, errNamespaced
			}
			if p.peek() == '(' { // a function is no name
				p.at = start
				return c, nil
			}
			add(condition{kind: isTag, name: lowerASCII(name)})
		}
	}
	for {
		switch p.peek() {
		case '#':
			start := p.at
			p.at++
			name, ok := p.ident()
			if !ok {
				p.at = start
				if len(c.conditions) > 0 {
					return c, errSelectorToken
				}
				return c, nil
			}
			add(condition{kind: hasID, name: name})
		case '.':
			start := p.at
			p.at++
			if p.done() {
				return c, errSelectorEnd
			}
			if b := p.peek(); b >= '0' && b <= '9' { // ".1" is a number
				p.at = start
				if len(c.conditions) > 0 {
					return c, errSelectorToken
				}
				return c, nil
			}
			name, ok := p.ident()
			if !ok {
				return c, errClassName
			}
			add(condition{kind: hasClass, name: name})
		case '[':
			p.at++
			x, err := p.attribute()
			if err != nil {
				return c, err
			}
			add(x)
		case ':':
			p.at++
			x, err := p.pseudo()
			if err != nil {
				return c, err
			}
			add(x)
		default:
			return c, nil
		}
	}
}

// attribute is behind the bracket.
func (p *selectorParser) attribute() (c condition, err error) {
	p.space()
	if p.peek() == '*' || p.peek() == '|' {
		return c, errNamespaced
	}
	name, ok := p.ident()
	if !ok {
		if p.done() || p.peek() == ']' {
			return c, errSelectorEnd
		}
		return c, errSelectorToken
	}
	c = condition{kind: hasAttr, name: lowerASCII(name)}
	p.space()
	switch op := p.peek(); op {
	case '=':
		c.op = op
		p.at++
	case '~', '|', '^', '$', '*':
		p.at++
		if p.peek() != '=' {
			if op == '|' {
				return c, errNamespaced
			}
			return c, errSelectorToken
		}
		c.op = op
		p.at++
	case ']':
		p.at++
		return c, nil
	default:
		if p.done() {
			return c, nil // what is not closed is closed by the end
		}
		return c, errSelectorToken
	}
	p.space()
	switch q := p.peek(); {
	case q == '"' || q == '\'':
		if c.value, ok = p.quoted(q); !ok {
			return c, errSelectorToken
		}
	case p.done() || q == ']':
		return c, errSelectorEnd
	default:
		if c.value, ok = p.ident(); !ok {
			return c, errSelectorToken
		}
	}
	p.space()
	if flag, ok := p.ident(); ok {
		switch lowerASCII(flag) {
		case "i":
			c.fold = foldAlways
		case "s":
			c.fold = foldNever
		default:
			return c, errSelectorToken
		}
		p.space()
	}
	if p.done() {
		return c, nil
	}
	if p.peek() != ']' {
		return c, errSelectorToken
	}
	p.at++
	return c, nil
}

// pseudo is behind the colon.
func (p *selectorParser) pseudo() (c condition, err error) {
	name, ok := p.ident()
	if !ok {
		if p.done() {
			return c, errSelectorEnd
		}
		return c, errPseudo
	}
	name = lowerASCII(name)
	if p.peek() != '(' {
		switch name {
		case "first-child":
			return condition{kind: isNthChild, b: 1}, nil
		case "first-of-type":
			return condition{kind: isNthOfType, b: 1}, nil
		}
		return c, errPseudo
	}
	p.at++
	switch name {
	case "nth-child", "nth-of-type":
		c.kind = isNthChild
		if name == "nth-of-type" {
			c.kind = isNthOfType
		}
		inner := strings.Trim(p.until(')'), " \t\n\r\f")
		if inner == "" {
			return c, errSelectorEnd
		}
		if c.a, c.b, ok = parseNth(lowerASCII(inner)); !ok {
			return c, errSelectorToken
		}
		return c, nil
	case "not":
		return p.negation()
	}
	return c, errPseudo
}

func (p *selectorParser) negation() (c condition, err error) {
	if p.depth++; p.depth > maxNot {
		return c, errNesting
	}
	defer func() { p.depth-- }()
	c.kind = isNot
	for {
		p.space()
		inner, err := p.compound()
		if err != nil {
			return c, err
		}
		if len(inner.conditions) == 0 {
			return c, errEmptySelector
		}
		c.not = append(c.not, inner)
		space := p.space()
		switch next := p.peek(); {
		case p.done():
			return c, nil
		case next == ')':
			p.at++
			return c, nil
		case next == ',':
			p.at++
		case space, next == '>', next == '+', next == '~':
			return c, errPseudo
		default:
			return c, errSelectorToken
		}
	}
}

// until is what stands before the byte, which is skipped, or before the end.
func (p *selectorParser) until(b byte) string {
	rest := p.in[p.at:]
	i := strings.IndexByte(rest, b)
	if i < 0 {
		p.at = len(p.in)
		return rest
	}
	p.at += i + 1
	return rest[:i]
}

// parseNth parses an+b (CSS Syntax, 6).
func parseNth(s string) (a, b int, ok bool) {
	switch s {
	case "odd":
		return 2, 1, true
	case "even":
		return 2, 0, true
	}
	n := strings.IndexByte(s, 'n')
	if n < 0 {
		b, ok = parseInt(s)
		return 0, b, ok
	}
	switch coef := s[:n]; coef {
	case "", "+":
		a = 1
	case "-":
		a = -1
	default:
		if a, ok = parseInt(coef); !ok {
			return 0, 0, false
		}
	}
	rest := strings.TrimLeft(s[n+1:], " \t\n\r\f")
	if rest == "" {
		return a, 0, true
	}
	if rest[0] != '+' && rest[0] != '-' {
		return 0, 0, false
	}
	digits := strings.TrimLeft(rest[1:], " \t\n\r\f")
	if digits == "" || digits[0] < '0' || digits[0] > '9' {
		return 0, 0, false
	}
	b, ok = parseInt(rest[:1] + digits)
	return a, b, ok
}

// parseInt takes numbers that are too large for the nearest one that is not.
func parseInt(s string) (int, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil && n == 0 {
		return 0, false
	}
	return int(n), true
}

// ident is a name (CSS Syntax, 4.3.11).
func (p *selectorParser) ident() (string, bool) {
	start := p.at
	var b strings.Builder
	first := true
	for !p.done() {
		c := p.in[p.at]
		switch {
		case isLetter(c), c == '_', c >= utf8.RuneSelf, c == '-', !first && '0' <= c && c <= '9':
			b.WriteByte(c)
			p.at++
		case c == '\\' && p.at+1 < len(p.in) && p.in[p.at+1] != '\n':
			p.at++
			b.WriteRune(p.escape())
		default:
			return p.named(start, b.String())
		}
		first = false
	}
	return p.named(start, b.String())
}

// named refuses what begins like a number.
func (p *selectorParser) named(start int, s string) (string, bool) {
	raw := p.in[start:p.at]
	if s == "" || raw == "-" || len(raw) > 1 && raw[0] == '-' && '0' <= raw[1] && raw[1] <= '9' {
		p.at = start
		return "", false
	}
	return s, true
}

// escape is behind a backslash.
func (p *selectorParser) escape() rune {
	n := 0
	for n < 6 && p.at+n < len(p.in) && isHex(p.in[p.at+n]) {
		n++
	}
	if n == 0 {
		r, size := utf8.DecodeRuneInString(p.in[p.at:])
		p.at += size
		return r
	}
	// Six hexadecimal digits always fit.
	v, _ := strconv.ParseUint(p.in[p.at:p.at+n], 16, 32)
	p.at += n
	if !p.done() && isSpace(p.peek()) {
		p.at++
	}
	if v == 0 || !utf8.ValidRune(rune(v)) {
		return utf8.RuneError
	}
	return rune(v)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= lower(c) && lower(c) <= 'f'
}

// quoted is a string in quotes; one that is not closed ends with the selector.
func (p *selectorParser) quoted(q byte) (string, bool) {
	var b strings.Builder
	for p.at++; !p.done(); {
		c := p.in[p.at]
		switch {
		case c == q:
			p.at++
			return b.String(), true
		case c == '\n':
			return "", false
		case c == '\\' && p.at+1 < len(p.in):
			p.at++
			if p.in[p.at] == '\n' {
				p.at++
				continue
			}
			b.WriteRune(p.escape())
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return b.String(), true
}
