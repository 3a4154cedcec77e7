package script

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"workerd.local/internal/emoji"
)

// stringProperty reads a property of strings.
func (w *rewriter) stringProperty() (operand, bool) {
	name, _, ok := strings.Cut(w.in[min(w.pos+3, len(w.in)):], "}")
	if !ok {
		return operand{}, false
	}
	list := emoji.Sequences(name)
	if list == nil {
		return operand{}, false
	}
	if w.in[w.pos+1] == 'P' {
		w.fail("Invalid property name")
	}
	w.pos += 3 + len(name) + 1
	var v operand
	var single []runeRange
	for _, s := range list {
		if c, n := utf8.DecodeRuneInString(s); n == len(s) {
			single = append(single, runeRange{c, c})
		} else {
			v.strings = append(v.strings, s)
		}
	}
	v.set = w.foldSet(setOf(single...))
	return v, true
}

// writtenProperties are the expressions of properties of strings that are written outside
// of classes, by name: as many as Unicode has.
var writtenProperties sync.Map // string -> string

// writeStringProperty writes a property of strings outside of a class, if there is one.
func (w *rewriter) writeStringProperty() bool {
	name, _, _ := strings.Cut(w.in[min(w.pos+3, len(w.in)):], "}")
	if text, ok := writtenProperties.Load(name); ok && !w.now.i && w.in[w.pos+1] == 'p' {
		w.pos += 3 + len(name) + 1
		w.out.WriteString(text.(string))
		return true
	}
	v, ok := w.stringProperty()
	if !ok {
		return false
	}
	start := w.out.Len()
	w.writeOperand(v)
	if !w.now.i {
		writtenProperties.Store(name, w.out.String()[start:])
	}
	return true
}

// writeOperand writes what matches the members, the longest first.
func (w *rewriter) writeOperand(v operand) {
	if len(v.strings) == 0 {
		w.out.WriteString(w.matching(v.set).class(false, true))
		return
	}
	list := make([][]rune, 0, len(v.strings))
	for _, s := range v.strings {
		list = append(list, []rune(w.fold(s)))
	}
	slices.SortFunc(list, slices.Compare)
	w.out.WriteString("(?:" + w.tree(slices.CompactFunc(list, slices.Equal), v.set, 0) + ")")
}

// treeDepth is how many groups one within the other a tree of strings has: an emoji of
// Unicode branches less often, and what a script writes in \q{} may branch at each character.
const treeDepth = 24

// tree writes what matches the strings and the characters of a set, the longest first: of
// those that begin with the same character the rest, as a tree, and characters with the
// same rest in one class. The strings that match a text at one place begin with each other,
// so it is enough that each branch comes before its own end. The strings are sorted.
func (w *rewriter) tree(list [][]rune, set runeSet, depth int) string {
	empty := len(list) > 0 && len(list[0]) == 0
	if empty {
		list = list[1:]
	}
	var branches []string // in the order in which they came
	first := map[string]runeSet{}
	add := func(rest string, c runeSet) {
		if _, there := first[rest]; !there {
			branches = append(branches, rest)
		}
		first[rest] = append(first[rest], c...)
	}
	for i := 0; i < len(list); {
		c, j := list[i][0], i
		for j < len(list) && list[j][0] == c {
			j++
		}
		switch {
		case j == i+1 || depth == treeDepth:
			for k := j - 1; k >= i; k-- { // those that others begin with come last
				add(w.literal(list[k][1:]), runeSet{{c, c}})
			}
		default:
			rest := make([][]rune, 0, j-i)
			for _, s := range list[i:j] {
				rest = append(rest, s[1:])
			}
			add(w.tree(rest, nil, depth+1), runeSet{{c, c}})
		}
		i = j
	}
	if len(set) > 0 {
		add("", set)
	}
	// A set beside the strings holds one character each: the strings that begin with it are
	// longer, and come before.
	if i := slices.Index(branches, ""); i >= 0 {
		branches = append(slices.Delete(branches, i, i+1), "")
	}
	var b strings.Builder
	for i, rest := range branches {
		if i > 0 {
			b.WriteByte('|')
		}
		if chars := setOf(first[rest]...); len(chars) == 1 && chars[0].lo == chars[0].hi {
			b.WriteString(w.character(chars[0].lo))
		} else {
			b.WriteString(w.matching(chars).class(false, true))
		}
		b.WriteString(rest)
	}
	switch {
	case empty && len(branches) > 0:
		return "(?:" + b.String() + ")?"
	case len(branches) > 1 && depth > 0:
		return "(?:" + b.String() + ")"
	}
	return b.String()
}

// literal is what matches these characters.
func (w *rewriter) literal(s []rune) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(w.character(c))
	}
	return b.String()
}
