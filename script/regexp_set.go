package script

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/dlclark/regexp2/v2"
	"github.com/dlclark/regexp2/v2/syntax"
)

// runeSet is a set of code points: sorted ranges that neither overlap nor touch.
// The operations return new sets and never modify their operands.
type runeSet []runeRange

type runeRange struct{ lo, hi rune }

func setOf(ranges ...runeRange) runeSet {
	s := slices.Clone(ranges)
	slices.SortFunc(s, func(a, b runeRange) int { return int(a.lo) - int(b.lo) })
	out := s[:0]
	for _, r := range s {
		if n := len(out); n > 0 && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	return runeSet(out)
}

func (s runeSet) union(t runeSet) runeSet {
	return setOf(append(slices.Clone([]runeRange(s)), t...)...)
}

func (s runeSet) complement() runeSet {
	var out runeSet
	next := rune(0)
	for _, r := range s {
		if r.lo > next {
			out = append(out, runeRange{next, r.lo - 1})
		}
		next = r.hi + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, runeRange{next, unicode.MaxRune})
	}
	return out
}

func (s runeSet) intersect(t runeSet) runeSet {
	return s.complement().union(t.complement()).complement()
}

func (s runeSet) subtract(t runeSet) runeSet { return s.intersect(t.complement()) }

func (s runeSet) contains(c rune) bool {
	_, ok := slices.BinarySearchFunc(s, c, func(r runeRange, c rune) int {
		switch {
		case r.hi < c:
			return -1
		case r.lo > c:
			return 1
		}
		return 0
	})
	return ok
}

// folded adds every code point that differs from a member in case only.
// Without Unicode mode a character outside ASCII never folds to one inside.
func (s runeSet) folded(unicodeMode bool) runeSet {
	members := 0
	for _, r := range s {
		members += int(r.hi-r.lo) + 1
	}
	var more []runeRange
	if members < 256 {
		for _, r := range s {
			for c := r.lo; c <= r.hi; c++ {
				for d := unicode.SimpleFold(c); d != c; d = unicode.SimpleFold(d) {
					if unicodeMode || (c < 128) == (d < 128) {
						more = append(more, runeRange{d, d})
					}
				}
			}
		}
		return s.union(more)
	}
	for _, f := range foldOrbits() {
		for _, c := range f {
			if !s.contains(c) {
				continue
			}
			for _, d := range f {
				if d != c && (unicodeMode || (c < 128) == (d < 128)) {
					more = append(more, runeRange{d, d})
				}
			}
		}
	}
	return s.union(more)
}

// foldOrbits lists the classes of characters that are equal but for case.
var foldOrbits = sync.OnceValue(func() [][]rune {
	var orbits [][]rune
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if unicode.SimpleFold(c) == c {
			continue
		}
		orbit := []rune{c}
		first := true
		for d := unicode.SimpleFold(c); d != c; d = unicode.SimpleFold(d) {
			if d < c {
				first = false
				break
			}
			orbit = append(orbit, d)
		}
		if first {
			orbits = append(orbits, orbit)
		}
	}
	return orbits
})

// write prints the set as the inside of a character class.
func (s runeSet) write(b *strings.Builder, unicodeMode bool) {
	one := func(c rune) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == ' ':
			b.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			fmt.Fprintf(b, `\u{%x}`, c)
		}
	}
	for _, r := range s {
		if !unicodeMode {
			if r.lo > 0xFFFF {
				break
			}
			r.hi = min(r.hi, 0xFFFF)
		}
		one(r.lo)
		if r.hi > r.lo {
			if r.hi > r.lo+1 {
				b.WriteByte('-')
			}
			one(r.hi)
		}
	}
}

// class prints the set as a character class.
func (s runeSet) class(negate, unicodeMode bool) string {
	if len(s) == 0 {
		s, negate = setOf(runeRange{0, unicode.MaxRune}), !negate
	}
	var b strings.Builder
	if negate {
		b.WriteString("[^")
	} else {
		b.WriteByte('[')
	}
	s.write(&b, unicodeMode)
	b.WriteByte(']')
	return b.String()
}

// Sets behind \d, \w, \s and the line ends.
var (
	digitSet = setOf(runeRange{'0', '9'})
	wordSet  = setOf(runeRange{'0', '9'}, runeRange{'A', 'Z'}, runeRange{'_', '_'}, runeRange{'a', 'z'})
	spaceSet = setOf(runeRange{'\t', '\r'}, runeRange{' ', ' '}, runeRange{0xA0, 0xA0}, runeRange{0x1680, 0x1680},
		runeRange{0x2000, 0x200A}, runeRange{0x2028, 0x2029}, runeRange{0x202F, 0x202F}, runeRange{0x205F, 0x205F},
		runeRange{0x3000, 0x3000}, runeRange{0xFEFF, 0xFEFF})
)

// lineEnds is the inside of a class with the line terminators of JavaScript.
const lineEnds = `\n\r\u2028\u2029`

// properties caches the sets of Unicode properties by their written name. It is
// bounded by the number of names that Unicode defines: unknown ones are not kept.
var properties sync.Map // string -> runeSet

// propertySet returns the set behind \p{name}. The tables are the Unicode
// tables of the Go toolchain, completed by those of the engine's own
// backtracking matcher, so that both kinds of expressions agree.
func propertySet(name string) (runeSet, error) {
	if s, ok := properties.Load(name); ok {
		return s.(runeSet), nil
	}
	switch name {
	case "Any":
		return setOf(runeRange{0, unicode.MaxRune}), nil
	case "ASCII":
		return setOf(runeRange{0, 0x7F}), nil
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '=') {
			return nil, fmt.Errorf("Invalid property name")
		}
	}
	tree, err := syntax.Parse(`\p{`+name+`}`, syntax.ParseOptions{RegexOptions: syntax.RegexOptions(regexp2.ECMAScript | regexp2.Unicode)})
	if err != nil {
		return nil, fmt.Errorf("Invalid property name")
	}
	set := findSet(tree.Root)
	if set == nil {
		return nil, fmt.Errorf("Invalid property name")
	}
	var s runeSet
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if !set.Contains(c) {
			continue
		}
		lo := c
		for c < unicode.MaxRune && set.Contains(c+1) {
			c++
		}
		s = append(s, runeRange{lo, c})
	}
	properties.Store(name, s)
	return s, nil
}

// foldedProperty is set.folded, remembered under the property's name.
func foldedProperty(name string, set runeSet) runeSet {
	key := name + "/i" // no property has a slash in its name
	if s, ok := properties.Load(key); ok {
		return s.(runeSet)
	}
	s := set.folded(true)
	properties.Store(key, s)
	return s
}

func findSet(n *syntax.RegexNode) *syntax.CharSet {
	if n == nil {
		return nil
	}
	if n.Set != nil {
		return n.Set
	}
	for _, c := range n.Children {
		if s := findSet(c); s != nil {
			return s
		}
	}
	return nil
}
