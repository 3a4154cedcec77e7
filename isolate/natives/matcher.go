package natives

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"workerd.local/internal/limits"
)

// A matcher is an expression of the engine, compiled once more so that the loop
// over its matches is ours. It is made the way the engine makes its own: RE2
// where the pattern allows it, a backtracking one where it does not. Immutable
// but for what is compiled when it is first needed.
type matcher struct {
	source                  string
	flags                   string // of the engine, in the order of the alphabet
	global, sticky, unicode bool

	re2      *regexp.Regexp // nil for a pattern that RE2 cannot run
	groups   []string       // names of re2's groups, the whole match included
	lookBack bool           // re2 looks at what precedes a match: ^, \b, \B
	empty    bool           // re2 may match the empty string
	within   *regexp.Regexp // re2 behind one character of context, see at

	backtracking *regexp2.Regexp
}

type matcherKey struct{ flags, source string }

// batchWork is how many characters the matches of one call into RE2 may look at
// together, each at the rest of the string.
const batchWork = 1 << 20

var flagLetters = [...]struct {
	name   string
	letter byte
}{{"global", 'g'}, {"ignoreCase", 'i'}, {"multiline", 'm'}, {"dotAll", 's'}, {"unicode", 'u'}, {"sticky", 'y'}}

// matcherOf returns the matcher of a RegExp object.
func (e *env) matcherOf(rx *goja.Object) *matcher {
	if rx == e.lastRegExp {
		return e.lastMatcher
	}
	this := goja.FunctionCall{This: rx}
	flags := make([]byte, 0, len(flagLetters))
	for i, get := range e.regexpFlags {
		if get(this).ToBoolean() {
			flags = append(flags, flagLetters[i].letter)
		}
	}
	source := patternText(e.regexpSource(this).(goja.String))
	m := e.matchers[matcherKey{string(flags), source}]
	if m == nil {
		var err error
		if m, err = newMatcher(source, string(flags)); err != nil {
			panic(e.newError("SyntaxError", err.Error()))
		}
		if len(e.matchers) >= limits.RegExpKept.In(e.lim.Bounds) {
			clear(e.matchers)
		}
		e.matchers[matcherKey{m.flags, source}] = m
	}
	e.lastRegExp, e.lastMatcher = rx, m
	return m
}

// patternText is a pattern with unpaired surrogates written as escapes.
func patternText(s goja.String) string {
	if isASCII(s) || !hasSurrogate(wtf8(s)) {
		return s.String()
	}
	var b strings.Builder
	u := unitsOf(s)
	for i := 0; i < len(u); i++ {
		switch {
		case isLead(u[i]) && i+1 < len(u) && isTrail(u[i+1]):
			b.WriteRune(utf16.DecodeRune(rune(u[i]), rune(u[i+1])))
			i++
		case isLead(u[i]) || isTrail(u[i]):
			fmt.Fprintf(&b, `\u%04x`, u[i])
		default:
			b.WriteRune(rune(u[i]))
		}
	}
	return b.String()
}

func newMatcher(source, flags string) (*matcher, error) {
	has := func(f string) bool { return strings.Contains(flags, f) }
	m := &matcher{source: source, flags: flags, global: has("g"), sticky: has("y"), unicode: has("u")}
	m.source = pairs(source, m.unicode)
	text, err := parser.TransformRegExp(m.source, has("s"), m.unicode)
	if err != nil {
		return m, m.compileBacktracking()
	}
	inline := ""
	for _, f := range []string{"m", "s", "i"} {
		if has(f) {
			inline += f
		}
	}
	if inline != "" {
		text = "(?" + inline + ":" + text + ")"
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return m, m.compileBacktracking() // a counted repetition beyond RE2's bound
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	m.re2, m.groups, m.lookBack, m.empty = re, re.SubexpNames(), looksBack(tree), mayBeEmpty(tree)
	return m, nil
}

// pairs writes the surrogate pairs of a pattern as the engine's two modes want
// them: as one character with flag u, as two escapes without.
func pairs(source string, unicodeMode bool) string {
	var b strings.Builder
	if unicodeMode {
		if !strings.Contains(source, `\u`) {
			return source
		}
		for i := 0; i < len(source); {
			if source[i] != '\\' || i+1 == len(source) {
				b.WriteByte(source[i])
				i++
				continue
			}
			if lead, ok := unitEscape(source[i:]); ok && isLead(lead) {
				if trail, ok := unitEscape(source[i+6:]); ok && isTrail(trail) {
					b.WriteRune(utf16.DecodeRune(rune(lead), rune(trail)))
					i += 12
					continue
				}
			}
			b.WriteString(source[i : i+2])
			i += 2
		}
		return b.String()
	}
	escaped := false
	for _, c := range source {
		if c > 0xFFFF {
			lead, trail := utf16.EncodeRune(c)
			if escaped {
				b.WriteByte('\\')
			}
			fmt.Fprintf(&b, `\u%04x\u%04x`, lead, trail)
		} else {
			b.WriteRune(c)
		}
		escaped = c == '\\' && !escaped
	}
	return b.String()
}

// unitEscape reads \uXXXX at the start of s.
func unitEscape(s string) (uint16, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var u uint16
	for _, c := range []byte(s[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		u = u<<4 | uint16(c)
	}
	return u, true
}

func (m *matcher) compileBacktracking() error {
	if m.backtracking != nil {
		return nil
	}
	options := regexp2.ECMAScript
	for f, o := range map[string]regexp2.RegexOptions{"i": regexp2.IgnoreCase, "m": regexp2.Multiline, "s": regexp2.Singleline, "u": regexp2.Unicode} {
		if strings.Contains(m.flags, f) {
			options |= o
		}
	}
	re, err := regexp2.Compile(m.source, options)
	if err != nil {
		return fmt.Errorf("Invalid regular expression: /%s/%s: %w", m.source, m.flags, err)
	}
	m.backtracking = re
	return nil
}

// looksBack reports whether a match depends on the character before it.
func looksBack(r *syntax.Regexp) bool {
	switch r.Op {
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range r.Sub {
		if looksBack(sub) {
			return true
		}
	}
	return false
}

func mayBeEmpty(r *syntax.Regexp) bool {
	switch r.Op {
	case syntax.OpNoMatch, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpLiteral:
		return len(r.Rune) == 0
	case syntax.OpCapture, syntax.OpPlus:
		return mayBeEmpty(r.Sub[0])
	case syntax.OpRepeat:
		return r.Min == 0 || mayBeEmpty(r.Sub[0])
	case syntax.OpConcat:
		for _, sub := range r.Sub {
			if !mayBeEmpty(sub) {
				return false
			}
		}
		return true
	case syntax.OpAlternate:
		for _, sub := range r.Sub {
			if mayBeEmpty(sub) {
				return true
			}
		}
		return false
	}
	return true // Empty, Star, Quest and the assertions
}

// A finder looks for the matches of one expression in one string. Positions are
// in UTF-16 units.
type finder struct {
	e      *env
	m      *matcher
	s      goja.String
	length int

	text  string  // for RE2
	units []int32 // of each byte of text; nil when they are the same

	runes  []rune // for the backtracking matcher, when text is not used
	starts []int  // of each rune and the end; nil when they are the same

	names []string // of the groups, the whole match included

	batch [][]int // found, not yet asked for
	from  int     // where in text the batch was looked for
}

func (e *env) newFinder(m *matcher, s goja.String) *finder {
	f := e.spareFinder
	if e.spareFinder = nil; f == nil {
		f = &finder{}
	}
	*f = finder{e: e, m: m, s: s, length: s.Length(), names: m.groups}
	if f.length > e.maxSearch() {
		e.throwStringLength()
	}
	if m.re2 != nil && isASCII(s) {
		f.text = s.String()
		return f
	}
	e.charge(int64(f.length) * 8)
	if m.re2 != nil && m.unicode {
		if text := wtf8(s); !hasSurrogate(text) {
			f.text = text
			f.units = make([]int32, len(text)+1)
			unit := int32(0)
			for i, c := range text {
				e.poll()
				for k := range utf8.RuneLen(c) {
					f.units[i+k] = unit
				}
				unit += int32(utf16.RuneLen(c))
			}
			f.units[len(text)] = unit
			return f
		}
	}
	if err := m.compileBacktracking(); err != nil {
		panic(e.newError("SyntaxError", err.Error()))
	}
	f.runes = make([]rune, 0, f.length)
	for i := 0; i < f.length; i++ {
		e.poll()
		c := rune(s.CharAt(i))
		if m.unicode {
			f.starts = append(f.starts, i)
			if isLead(uint16(c)) && i+1 < f.length && isTrail(s.CharAt(i+1)) {
				c = utf16.DecodeRune(c, rune(s.CharAt(i+1)))
				i++
			}
		}
		f.runes = append(f.runes, c)
	}
	if m.unicode {
		f.starts = append(f.starts, f.length)
	}
	return f
}

// doneWith lets the next search have the memory of this one. A search within another one,
// by a function that replaces, has its own.
func (e *env) doneWith(f *finder) {
	*f = finder{}
	e.spareFinder = f
}

// find returns the first match at or after unit pos: the bounds of the whole and
// of each group, -1 for a group that took no part; nil when there is none. Each
// call looks for an interrupt. Calls come in the order of their positions; pos is
// never within a pair when the expression has flag u.
func (f *finder) find(pos int) []int {
	f.e.checkInterrupt()
	if f.m.re2 == nil || f.text == "" && f.length > 0 {
		return f.backtrack(pos)
	}
	at := pos
	if f.units != nil {
		at = sort.Search(len(f.units), func(i int) bool { return int(f.units[i]) >= pos })
	}
	var found []int
	switch {
	case !f.m.empty && !f.m.lookBack:
		found = f.batched(at)
	case at == 0:
		found = f.m.re2.FindStringSubmatchIndex(f.text)
	case !f.m.lookBack:
		found = shift(f.m.re2.FindStringSubmatchIndex(f.text[at:]), at)
	default:
		_, w := utf8.DecodeLastRuneInString(f.text[:at])
		if f.m.within == nil {
			f.m.within = regexp.MustCompile(`\A(?s:.)(?s:.*?)(` + f.m.re2.String() + `)`)
		}
		if found = shift(f.m.within.FindStringSubmatchIndex(f.text[at-w:]), at-w); found != nil {
			found = found[2:]
		}
	}
	if f.units != nil {
		for i, b := range found {
			if b >= 0 {
				found[i] = int(f.units[b])
			}
		}
	}
	return found
}

// batched asks RE2 for several matches at once, as many as may look at batchWork
// characters if each reads to the end.
func (f *finder) batched(at int) []int {
	for len(f.batch) > 0 && f.batch[0][0]+f.from < at {
		f.batch = f.batch[1:]
	}
	if len(f.batch) == 0 {
		f.from = at
		f.batch = f.m.re2.FindAllStringSubmatchIndex(f.text[at:], max(1, batchWork/(len(f.text)-at+1)))
	}
	if len(f.batch) == 0 {
		return nil
	}
	found := shift(f.batch[0], f.from)
	f.batch = f.batch[1:]
	return found
}

func shift(found []int, by int) []int {
	for i := range found {
		if found[i] >= 0 {
			found[i] += by
		}
	}
	return found
}

func (f *finder) backtrack(pos int) []int {
	at := pos
	if f.starts != nil {
		at = sort.SearchInts(f.starts, pos)
	}
	match, err := f.m.backtracking.FindRunesMatchStartingAt(f.runes, at)
	if err != nil || match == nil { // what takes too long counts as no match
		return nil
	}
	groups := match.Groups()
	found := make([]int, 0, 2*len(groups))
	if f.names == nil {
		for _, g := range groups {
			f.names = append(f.names, g.Name)
		}
	}
	for _, g := range groups {
		if len(g.Captures) == 0 {
			found = append(found, -1, -1)
			continue
		}
		from, to := g.RuneIndex, g.RuneIndex+g.RuneLength
		if f.starts != nil {
			from, to = f.starts[from], f.starts[to]
		}
		found = append(found, from, to)
	}
	return found
}

// all calls step for every match that a global expression finds, from the start,
// until it returns false.
func (f *finder) all(step func(found []int) bool) {
	for pos := 0; pos <= f.length; {
		found := f.find(pos)
		if found == nil || f.m.sticky && found[0] != pos || !step(found) {
			return
		}
		if pos = found[1]; found[0] == found[1] {
			pos = advance(f.s, pos, f.m.unicode)
		}
	}
}

// advance is AdvanceStringIndex.
func advance(s goja.String, i int, unicodeMode bool) int {
	if unicodeMode && i+1 < s.Length() && isLead(s.CharAt(i)) && isTrail(s.CharAt(i+1)) {
		return i + 2
	}
	return i + 1
}

// group is the text of a group, undefined when it took no part.
func (f *finder) group(found []int, n int) goja.Value {
	if found[2*n] < 0 {
		return undefined
	}
	return f.s.Substring(found[2*n], found[2*n+1])
}

// named makes the object with the named groups of a match, nil when none has a name.
func (f *finder) named(found []int) *goja.Object {
	var o *goja.Object
	for n := 1; n < len(f.names) && 2*n < len(found); n++ {
		name := f.names[n]
		if name == "" {
			continue
		}
		if o == nil {
			o = f.e.rt.CreateObject(nil)
		}
		v := f.group(found, n)
		if old := o.Get(name); old != nil && old != undefined && v == undefined {
			continue
		}
		if err := o.Set(name, v); err != nil {
			panic(err)
		}
	}
	return o
}
