package urlpattern

import (
	"strconv"
	"strings"
)

type partKind uint8

const (
	partText partKind = iota
	partRegExp
	partSegment // all but the delimiter
	partAny     // all
)

// part is a piece of a component's pattern; modifier is 0, '?', '*' or '+'.
type part struct {
	kind           partKind
	value          string
	modifier       byte
	name           string
	prefix, suffix string
}

// options are how a component is parsed; 0 stands for none.
type options struct {
	delimiter, prefix byte
	ignoreCase        bool
}

func (o options) segment() string {
	if o.delimiter == 0 {
		return "[^]+?"
	}
	return "[^" + escapeRegExp(string(o.delimiter)) + "]+?"
}

const anything = ".*"

type partParser struct {
	tokens  []token
	at      int
	o       options
	encode  func(string) (string, error)
	pending string
	parts   []part
	names   map[string]bool
	next    int
}

// parseParts parses a component ("parse a pattern string"); encode makes text canonical.
func parseParts(in string, o options, encode func(string) (string, error)) ([]part, error) {
	tokens, err := tokenize([]rune(in), false)
	if err != nil {
		return nil, err
	}
	p := &partParser{tokens: tokens, o: o, encode: encode, names: map[string]bool{}}
	for p.at < len(tokens) {
		if done, err := p.step(); err != nil || done {
			return p.parts, err
		}
	}
	return p.parts, nil
}

func (p *partParser) take(k tokenKind) *token {
	if p.at < len(p.tokens) && p.tokens[p.at].kind == k {
		p.at++
		return &p.tokens[p.at-1]
	}
	return nil
}

// takeMatcher takes an expression, or a wildcard where no name came before.
func (p *partParser) takeMatcher(name *token) *token {
	t := p.take(tokRegExp)
	if t == nil && name == nil {
		t = p.take(tokAsterisk)
	}
	return t
}

func (p *partParser) takeModifier() byte {
	t := p.take(tokModifier)
	if t == nil {
		t = p.take(tokAsterisk)
	}
	if t == nil {
		return 0
	}
	return t.value[0]
}

func (p *partParser) takeText() string {
	var b strings.Builder
	for {
		t := p.take(tokChar)
		if t == nil {
			t = p.take(tokEscaped)
		}
		if t == nil {
			return b.String()
		}
		b.WriteString(t.value)
	}
}

func (p *partParser) step() (done bool, err error) {
	char := p.take(tokChar)
	name := p.take(tokName)
	matcher := p.takeMatcher(name)
	if name != nil || matcher != nil {
		prefix := ""
		if char != nil {
			prefix = char.value
		}
		if prefix != "" && prefix != string(p.o.prefix) {
			p.pending += prefix
			prefix = ""
		}
		if err := p.flush(); err != nil {
			return false, err
		}
		return false, p.add(prefix, name, matcher, "", p.takeModifier())
	}
	if char == nil {
		char = p.take(tokEscaped)
	}
	if char != nil {
		p.pending += char.value
		return false, nil
	}
	if p.take(tokOpen) != nil {
		prefix := p.takeText()
		name := p.take(tokName)
		matcher := p.takeMatcher(name)
		suffix := p.takeText()
		if p.take(tokClose) == nil {
			return false, errPattern
		}
		return false, p.add(prefix, name, matcher, suffix, p.takeModifier())
	}
	if err := p.flush(); err != nil {
		return false, err
	}
	if p.take(tokEnd) == nil {
		return false, errPattern
	}
	return true, nil
}

// flush makes a part of the text so far.
func (p *partParser) flush() error {
	if p.pending == "" {
		return nil
	}
	s, err := p.encode(p.pending)
	p.pending = ""
	p.parts = append(p.parts, part{kind: partText, value: s})
	return err
}

func (p *partParser) add(prefix string, name, matcher *token, suffix string, modifier byte) error {
	if name == nil && matcher == nil && modifier == 0 {
		p.pending += prefix
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	if name == nil && matcher == nil {
		if prefix == "" {
			return nil
		}
		s, err := p.encode(prefix)
		p.parts = append(p.parts, part{kind: partText, value: s, modifier: modifier})
		return err
	}
	x := part{kind: partSegment, modifier: modifier}
	switch {
	case matcher == nil:
	case matcher.kind == tokAsterisk, matcher.value == anything:
		x.kind = partAny
	case matcher.value != p.o.segment():
		x.kind, x.value = partRegExp, matcher.value
	}
	if name != nil {
		x.name = name.value
	} else {
		x.name = strconv.Itoa(p.next)
		p.next++
	}
	if p.names[x.name] {
		return errPattern
	}
	p.names[x.name] = true
	var err error
	if x.prefix, err = p.encode(prefix); err != nil {
		return err
	}
	if x.suffix, err = p.encode(suffix); err != nil {
		return err
	}
	p.parts = append(p.parts, x)
	return nil
}

// expression is the parts as a regular expression, and the names of its groups.
func expression(parts []part, o options) (string, []string) {
	var b strings.Builder
	var names []string
	b.WriteByte('^')
	for _, x := range parts {
		mod := ""
		if x.modifier != 0 {
			mod = string(x.modifier)
		}
		if x.kind == partText {
			if mod == "" {
				b.WriteString(escapeRegExp(x.value))
			} else {
				b.WriteString("(?:" + escapeRegExp(x.value) + ")" + mod)
			}
			continue
		}
		names = append(names, x.name)
		re := x.value
		switch x.kind {
		case partSegment:
			re = o.segment()
		case partAny:
			re = anything
		}
		pre, suf := escapeRegExp(x.prefix), escapeRegExp(x.suffix)
		once := x.modifier == 0 || x.modifier == '?'
		switch {
		case pre == "" && suf == "" && once:
			b.WriteString("(" + re + ")" + mod)
		case pre == "" && suf == "":
			b.WriteString("((?:" + re + ")" + mod + ")")
		case once:
			b.WriteString("(?:" + pre + "(" + re + ")" + suf + ")" + mod)
		default:
			b.WriteString("(?:" + pre + "((?:" + re + ")(?:" + suf + pre + "(?:" + re + "))*)" + suf + ")")
			if x.modifier == '*' {
				b.WriteByte('?')
			}
		}
	}
	b.WriteByte('$')
	return b.String(), names
}

// patternString is the parts as a pattern ("generate a pattern string").
func patternString(parts []part, o options) string {
	var b strings.Builder
	for i, x := range parts {
		mod := ""
		if x.modifier != 0 {
			mod = string(x.modifier)
		}
		if x.kind == partText {
			if mod == "" {
				b.WriteString(escapePattern(x.value))
			} else {
				b.WriteString("{" + escapePattern(x.value) + "}" + mod)
			}
			continue
		}
		var prev, next *part
		if i > 0 {
			prev = &parts[i-1]
		}
		if i+1 < len(parts) {
			next = &parts[i+1]
		}
		custom := !isDigit(x.name[0])
		group := x.suffix != "" || x.prefix != "" && x.prefix != string(o.prefix)
		if !group && custom && x.kind == partSegment && x.modifier == 0 && next != nil && next.prefix == "" && next.suffix == "" {
			if next.kind == partText {
				group = isNameRune(firstRune(next.value), false)
			} else {
				group = isDigit(next.name[0])
			}
		}
		if !group && x.prefix == "" && prev != nil && prev.kind == partText && o.prefix != 0 && lastRune(prev.value) == rune(o.prefix) {
			group = true
		}
		if group {
			b.WriteByte('{')
		}
		b.WriteString(escapePattern(x.prefix))
		if custom {
			b.WriteString(":" + x.name)
		}
		switch {
		case x.kind == partRegExp:
			b.WriteString("(" + x.value + ")")
		case x.kind == partSegment && !custom:
			b.WriteString("(" + o.segment() + ")")
		case x.kind == partAny && !custom && (prev == nil || prev.kind == partText || prev.modifier != 0 || group || x.prefix != ""):
			b.WriteByte('*')
		case x.kind == partAny:
			b.WriteString("(" + anything + ")")
		}
		if x.kind == partSegment && custom && x.suffix != "" && isNameRune(firstRune(x.suffix), false) {
			b.WriteByte('\\')
		}
		b.WriteString(escapePattern(x.suffix))
		if group {
			b.WriteByte('}')
		}
		b.WriteString(mod)
	}
	return b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func escapeRegExp(s string) string { return escape(s, ".+*?^${}()[]|/\\") }

func escapePattern(s string) string { return escape(s, "+*?:{}()\\") }

func escape(s, special string) string {
	if !strings.ContainsAny(s, special) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(special, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
