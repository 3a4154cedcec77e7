package script

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"workerd.local/internal/limits"
)

// RegExpExtra is what a rewritten regular expression means beyond the pattern
// and flags that the engine gets.
type RegExpExtra struct {
	Flags       string // the flags as written, in canonical order
	HasIndices  bool   // flag d
	UnicodeSets bool   // flag v
	// Groups are the names of the capturing groups, from the first; unnamed groups
	// have an empty name.
	Groups []string
}

// regexpNeedsHelp reports whether a pattern uses anything that the engine
// rejects or misreads.
func regexpNeedsHelp(pattern, flags string) bool {
	if strings.ContainsAny(flags, "dv") {
		return true
	}
	if endsLines(pattern, flags) {
		return true
	}
	if strings.Contains(flags, "u") && (strings.Contains(pattern, `\p`) || strings.Contains(pattern, `\P`)) {
		return true
	}
	for rest := pattern; ; {
		i := strings.Index(rest, "(?")
		if i < 0 {
			return false
		}
		rest = rest[i+2:]
		if rest != "" && strings.IndexByte("ims-", rest[0]) >= 0 {
			return true
		}
	}
}

// endsLines reports whether an expression asks for the beginnings or ends of lines, which for
// the engine \n alone makes.
func endsLines(pattern, flags string) bool {
	return strings.Contains(flags, "m") && strings.ContainsAny(pattern, "^$")
}

// rewriteRegExp translates a regular expression into one that the engine
// understands: property escapes, set notation and modifiers are written as plain
// classes and assertions, and the flags d and v are taken out. The pattern is in
// UTF-8; unpaired surrogates must be written as escapes. The result needs no
// further rewriting.
//
// # Errors
//
// The message says what is wrong with the pattern; it becomes the text of a
// SyntaxError. A back reference inside a group that changes case sensitivity is
// an error, because it cannot be expressed.
func rewriteRegExp(pattern, flags string, bounds *limits.Set) (string, string, RegExpExtra, error) {
	w, err := rewrite(pattern, flags, false, bounds)
	if err != nil {
		return "", "", RegExpExtra{}, err
	}
	out := ""
	for _, f := range "gimsuy" {
		switch {
		case f == 'i' && w.explicit.i, f == 'm' && w.explicit.m, f == 's' && w.explicit.s:
		case f == 'u' && w.unicode, strings.ContainsRune(flags, f):
			out += string(f)
		}
	}
	return w.out.String(), out, w.extra, nil
}

// modifiers are the flags that a group can change.
type modifiers struct{ i, m, s bool }

func (m *modifiers) set(c byte, on bool) {
	switch c {
	case 'i':
		m.i = on
	case 'm':
		m.m = on
	case 's':
		m.s = on
	}
}

// rewriter reads a pattern once and prints its translation.
type rewriter struct {
	in            string
	pos           int
	out           strings.Builder
	unicode, sets bool
	named         bool // \k is a back reference
	numbered      bool // print named groups as plain ones, for a matcher of our own
	now           modifiers
	explicit      modifiers // what is spelled out because some group changes it
	depth         int
	maxDepth      int // limits.RegExpNesting
	// maxOut bounds the translation of a pattern, and an eighth of it the pattern,
	// because a few characters can stand for a large class.
	maxOut  int
	extra   RegExpExtra
	numbers map[string][]int // group numbers by name
}

type regexpError string

func (e regexpError) Error() string { return string(e) }

func (w *rewriter) fail(format string, args ...any) {
	panic(regexpError(fmt.Sprintf(format, args...)))
}

func rewrite(pattern, flags string, numbered bool, bounds *limits.Set) (w *rewriter, err error) {
	w = &rewriter{in: pattern, numbered: numbered, numbers: map[string][]int{}, maxDepth: limits.RegExpNesting.In(bounds), maxOut: limits.RegExpRewritten.In(bounds)}
	if err := w.attempt(func() { w.all(flags) }); err != nil {
		return nil, err
	}
	return w, nil
}

// attempt runs a step of the rewriter and returns what it failed with.
func (w *rewriter) attempt(step func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(regexpError)
			if !ok {
				panic(p)
			}
			err = e
		}
	}()
	step()
	return nil
}

func (w *rewriter) all(flags string) {
	pattern := w.in
	if len(pattern) > w.maxOut/8 {
		w.fail("Regular expression too large")
	}
	if !utf8.ValidString(pattern) {
		w.fail("Invalid UTF-8")
	}
	seen := map[rune]bool{}
	for _, f := range flags {
		if !strings.ContainsRune("dgimsuvy", f) || seen[f] {
			w.fail("Invalid flags supplied to RegExp constructor '%s'", flags)
		}
		seen[f] = true
	}
	if seen['u'] && seen['v'] {
		w.fail("Invalid flags supplied to RegExp constructor '%s'", flags)
	}
	for _, f := range "dgimsuvy" {
		if seen[f] {
			w.extra.Flags += string(f)
		}
	}
	w.explicit.m = endsLines(pattern, flags)
	w.sets = seen['v']
	w.unicode = seen['u'] || w.sets
	w.extra.HasIndices, w.extra.UnicodeSets = seen['d'], w.sets
	w.now = modifiers{i: seen['i'], m: seen['m'], s: seen['s']}
	w.survey()
	w.disjunction()
	if w.pos < len(w.in) {
		w.fail("Unmatched ')'")
	}
}

// survey finds the groups' names and the flags that modifiers change.
func (w *rewriter) survey() {
	class := false
	for i := 0; i < len(w.in); i++ {
		switch w.in[i] {
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		case '(':
			if class {
				continue
			}
			rest := w.in[i+1:]
			if !strings.HasPrefix(rest, "?") {
				w.extra.Groups = append(w.extra.Groups, "")
				continue
			}
			rest = rest[1:]
			if strings.HasPrefix(rest, "<") && !strings.HasPrefix(rest, "<=") && !strings.HasPrefix(rest, "<!") {
				name, _, ok := strings.Cut(rest[1:], ">")
				if !ok || name == "" {
					w.fail("Invalid capture group name")
				}
				w.extra.Groups = append(w.extra.Groups, name)
				w.numbers[name] = append(w.numbers[name], len(w.extra.Groups))
				w.named = true
				continue
			}
			for j := 0; j < len(rest) && strings.IndexByte("ims-", rest[j]) >= 0; j++ {
				w.explicit.set(rest[j], true)
			}
		}
	}
	w.named = w.named || w.unicode
}

func (w *rewriter) peek() byte {
	if w.pos < len(w.in) {
		return w.in[w.pos]
	}
	return 0
}

func (w *rewriter) has(s string) bool { return strings.HasPrefix(w.in[w.pos:], s) }

func (w *rewriter) eat(s string) bool {
	if w.has(s) {
		w.pos += len(s)
		return true
	}
	return false
}

func (w *rewriter) rune() rune {
	if w.pos >= len(w.in) {
		w.fail("Unexpected end of pattern")
	}
	r, n := utf8.DecodeRuneInString(w.in[w.pos:])
	w.pos += n
	return r
}

// enter counts nesting; the result undoes it.
func (w *rewriter) enter() func() {
	if w.depth++; w.depth > w.maxDepth {
		w.fail("Regular expression too large")
	}
	return func() { w.depth-- }
}

func (w *rewriter) disjunction() {
	defer w.enter()()
	for w.pos < len(w.in) && w.peek() != ')' {
		w.term()
		if w.out.Len() > w.maxOut {
			w.fail("Regular expression too large")
		}
	}
}

func (w *rewriter) term() {
	switch c := w.peek(); c {
	case '(':
		w.group()
	case '[':
		w.class()
	case '\\':
		w.escape()
	case '.':
		w.pos++
		switch {
		case !w.explicit.s:
			w.out.WriteByte('.')
		case w.now.s:
			w.out.WriteString(`[\s\S]`)
		default:
			w.out.WriteString(`[^` + lineEnds + `]`)
		}
	case '^':
		w.pos++
		if w.explicit.m && w.now.m {
			w.out.WriteString(`(?:^|(?<=[` + lineEnds + `]))`)
		} else {
			w.out.WriteByte('^')
		}
	case '$':
		w.pos++
		if w.explicit.m && w.now.m {
			w.out.WriteString(`(?:$|(?=[` + lineEnds + `]))`)
		} else {
			w.out.WriteByte('$')
		}
	case '|', '*', '+', '?':
		w.pos++
		w.out.WriteByte(c)
	case '{':
		w.quantifier()
	default:
		w.char(w.rune())
	}
}

// quantifier copies {n,m}; without Unicode mode a lone brace is a character.
func (w *rewriter) quantifier() {
	end := strings.IndexByte(w.in[w.pos:], '}')
	if end > 1 {
		body := w.in[w.pos+1 : w.pos+end]
		if strings.Trim(body, "0123456789,") == "" && body[0] != ',' && strings.Count(body, ",") < 2 {
			w.out.WriteString("{" + body + "}")
			w.pos += end + 1
			return
		}
	}
	if w.unicode {
		w.fail("Incomplete quantifier")
	}
	w.pos++
	w.out.WriteString(`\{`)
}

// char prints a literal character.
func (w *rewriter) char(c rune) { w.out.WriteString(w.character(c)) }

// character is what matches a character.
func (w *rewriter) character(c rune) string {
	if w.explicit.i && w.now.i {
		if set := setOf(runeRange{c, c}).folded(w.unicode); len(set) > 1 || set[0].lo != set[0].hi {
			return set.class(false, w.unicode)
		}
	}
	switch {
	case c > 0xFFFF && !w.unicode:
		hi, lo := utf16.EncodeRune(c)
		return fmt.Sprintf(`\u%04x\u%04x`, hi, lo)
	case c < 128 && strings.ContainsRune(`^$\.*+?()[]{}|/`, c):
		return `\` + string(c)
	case c >= 0xD800 && c <= 0xDFFF || c < ' ':
		return fmt.Sprintf(`\u%04x`, c)
	}
	return string(c)
}

func (w *rewriter) group() {
	w.pos++ // (
	saved := w.now
	switch {
	case !w.has("?"):
		w.out.WriteByte('(')
	case w.eat("?:"):
		w.out.WriteString("(?:")
	case w.eat("?="):
		w.out.WriteString("(?=")
	case w.eat("?!"):
		w.out.WriteString("(?!")
	case w.eat("?<="):
		w.out.WriteString("(?<=")
	case w.eat("?<!"):
		w.out.WriteString("(?<!")
	case w.eat("?<"):
		name, _, _ := strings.Cut(w.in[w.pos:], ">")
		w.pos += len(name) + 1
		if w.numbered {
			w.out.WriteByte('(')
		} else {
			w.out.WriteString("(?<" + name + ">")
		}
	default:
		w.modifiers()
		w.out.WriteString("(?:")
	}
	w.disjunction()
	if w.peek() != ')' {
		w.fail("Unterminated group")
	}
	w.pos++
	w.out.WriteByte(')')
	w.now = saved
}

func (w *rewriter) modifiers() {
	w.pos++ // ?
	seen, on := "", true
	for {
		switch c := w.peek(); {
		case c == ':':
			if seen == "" || seen == "-" {
				w.fail("Invalid group")
			}
			w.pos++
			return
		case c == '-' && on:
			on = false
			w.pos++
		case c != 0 && strings.IndexByte("ims", c) >= 0 && strings.IndexByte(seen, c) < 0:
			w.now.set(c, on)
			seen += string(c)
			w.pos++
		default:
			w.fail("Invalid group")
		}
	}
}

// escape handles a backslash outside classes.
func (w *rewriter) escape() {
	start := w.pos
	w.pos++
	switch c := w.peek(); {
	case c == 0:
		w.fail(`\ at end of pattern`)
	case c == 'k' && w.named:
		w.pos++
		if !w.eat("<") {
			w.fail("Invalid named reference")
		}
		name, _, ok := strings.Cut(w.in[w.pos:], ">")
		if !ok || len(w.numbers[name]) == 0 {
			w.fail("Invalid named capture referenced")
		}
		w.pos += len(name) + 1
		w.reference(`\k<`+name+`>`, w.numbers[name])
	case c >= '1' && c <= '9':
		for w.peek() >= '0' && w.peek() <= '9' {
			w.pos++
		}
		n, err := strconv.Atoi(w.in[start+1 : w.pos])
		if err != nil || n > len(w.extra.Groups) {
			if w.unicode {
				w.fail("Invalid escape")
			}
			w.out.WriteString(w.in[start:w.pos])
			return
		}
		w.reference(w.in[start:w.pos], []int{n})
	case c == 'b' || c == 'B':
		w.pos++
		w.out.WriteString(w.in[start:w.pos])
	case w.sets && (c == 'p' || c == 'P'):
		w.pos = start
		if !w.writeStringProperty() {
			w.writeOperand(w.setAtom())
		}
	default:
		w.pos = start
		set, c, isSet := w.atomEscape(false)
		if isSet {
			w.out.WriteString(w.matching(set).class(false, w.unicode))
			return
		}
		if c < 0 { // an escape for a class that the engine knows
			w.out.WriteString(w.in[start:w.pos])
			return
		}
		w.char(c)
	}
}

func (w *rewriter) reference(text string, numbers []int) {
	if w.explicit.i {
		w.fail("a back reference cannot be used together with a modifier for case")
	}
	if !w.numbered {
		w.out.WriteString(text)
		return
	}
	// A group that took no part matches the empty string, so all of a name's
	// groups can stand in a row.
	w.out.WriteString("(?:")
	for _, n := range numbers {
		w.out.WriteString(`\` + strconv.Itoa(n))
	}
	w.out.WriteString(")")
}

// matching closes a set under case folding where the flag i is spelled out.
func (w *rewriter) matching(s runeSet) runeSet {
	if w.explicit.i && w.now.i {
		return s.folded(w.unicode)
	}
	return s
}

// atomEscape reads an escape that stands for a character or a set. isSet is
// true for sets; c is -1 for \d \D \s \S \w \W outside classes, which are left
// to the engine.
func (w *rewriter) atomEscape(inClass bool) (set runeSet, c rune, isSet bool) {
	w.pos++ // backslash
	r := w.rune()
	switch r {
	case 'd', 'D', 's', 'S', 'w', 'W':
		spelled := inClass || w.explicit.i && w.now.i
		if !spelled {
			return nil, -1, false
		}
		set = map[rune]runeSet{'d': digitSet, 's': spaceSet, 'w': wordSet}[unicode.ToLower(r)]
		if unicode.ToLower(r) == 'w' && w.unicode && w.now.i {
			set = set.folded(true)
		}
		if unicode.IsUpper(r) {
			set = set.complement()
		}
		return set, 0, true
	case 'p', 'P':
		if !w.unicode {
			return nil, r, false
		}
		return w.property(r == 'P'), 0, true
	case 'n':
		return nil, '\n', false
	case 'r':
		return nil, '\r', false
	case 't':
		return nil, '\t', false
	case 'v':
		return nil, '\v', false
	case 'f':
		return nil, '\f', false
	case 'b':
		return nil, '\b', false // in a class only
	case 'c':
		if l := w.peek(); l >= 'a' && l <= 'z' || l >= 'A' && l <= 'Z' {
			w.pos++
			return nil, rune(l % 32), false
		}
		if w.unicode {
			w.fail("Invalid unicode escape")
		}
		w.pos--
		return nil, '\\', false
	case 'x':
		if v, ok := w.hex(2); ok {
			return nil, v, false
		}
		if w.unicode {
			w.fail("Invalid escape")
		}
		return nil, 'x', false
	case 'u':
		return nil, w.unicodeEscape(), false
	case '0', '1', '2', '3', '4', '5', '6', '7':
		if w.unicode {
			if next := w.peek(); r == '0' && (next < '0' || next > '9') {
				return nil, 0, false
			}
			w.fail("Invalid decimal escape")
		}
		v := r - '0'
		for i := 0; i < 2 && w.peek() >= '0' && w.peek() <= '7' && v*8+rune(w.peek()-'0') < 256; i++ {
			v = v*8 + rune(w.peek()-'0')
			w.pos++
		}
		return nil, v, false
	}
	if w.unicode && !(r < 128 && strings.ContainsRune(`^$\.*+?()[]{}|/`, r)) &&
		!(inClass && r == '-') && !(inClass && w.sets && r < 128 && strings.ContainsRune("&-!#%,:;<=>@`~", r)) {
		w.fail("Invalid escape")
	}
	return nil, r, false
}

func (w *rewriter) hex(digits int) (rune, bool) {
	if w.pos+digits > len(w.in) {
		return 0, false
	}
	v, err := strconv.ParseUint(w.in[w.pos:w.pos+digits], 16, 32)
	if err != nil {
		return 0, false
	}
	w.pos += digits
	return rune(v), true
}

// unicodeEscape reads what follows \u.
func (w *rewriter) unicodeEscape() rune {
	if w.unicode && w.eat("{") {
		digits, _, ok := strings.Cut(w.in[w.pos:], "}")
		v, err := strconv.ParseUint(digits, 16, 32)
		if !ok || err != nil || v > unicode.MaxRune {
			w.fail("Invalid Unicode escape")
		}
		w.pos += len(digits) + 1
		return rune(v)
	}
	v, ok := w.hex(4)
	if !ok {
		if w.unicode {
			w.fail("Invalid Unicode escape")
		}
		return 'u'
	}
	if w.unicode && utf16.IsSurrogate(v) && v < 0xDC00 && w.has(`\u`) {
		mark := w.pos
		w.pos += 2
		if low, ok := w.hex(4); ok && low >= 0xDC00 && low <= 0xDFFF {
			return utf16.DecodeRune(v, low)
		}
		w.pos = mark
	}
	return v
}

// property reads {name} after \p or \P.
func (w *rewriter) property(negate bool) runeSet {
	if !w.eat("{") {
		w.fail("Invalid property name")
	}
	name, _, ok := strings.Cut(w.in[w.pos:], "}")
	if !ok {
		w.fail("Invalid property name")
	}
	w.pos += len(name) + 1
	set, err := propertySet(name)
	if err != nil {
		w.fail("%s", err.Error())
	}
	if w.sets && w.now.i {
		set = foldedProperty(name, set)
	}
	if negate {
		set = set.complement()
	}
	return set
}
