package script

import (
	"slices"
	"strings"
	"unicode"
)

// class translates a character class.
func (w *rewriter) class() {
	if w.sets {
		v := w.setClass()
		w.writeOperand(v)
		return
	}
	w.pos++ // [
	negate := w.eat("^")
	var set []runeRange // in the order written
	for {
		if w.pos >= len(w.in) {
			w.fail("Unterminated character class")
		}
		if w.eat("]") {
			break
		}
		low, lowSet, isSet := w.classAtom()
		if !w.has("-") || w.has("-]") {
			if isSet {
				set = append(set, lowSet...)
			} else {
				set = append(set, runeRange{low, low})
			}
			continue
		}
		w.pos++ // -
		high, highSet, highIsSet := w.classAtom()
		if isSet || highIsSet {
			if w.unicode {
				w.fail("Invalid character class")
			}
			if !isSet {
				lowSet = runeSet{{low, low}}
			}
			if !highIsSet {
				highSet = runeSet{{high, high}}
			}
			set = append(append(append(set, lowSet...), highSet...), runeRange{'-', '-'})
			continue
		}
		if low > high {
			w.fail("Range out of order in character class")
		}
		set = append(set, runeRange{low, high})
	}
	w.out.WriteString(w.matching(setOf(set...)).class(negate, w.unicode))
}

func (w *rewriter) classAtom() (rune, runeSet, bool) {
	if w.peek() == '\\' {
		set, c, isSet := w.atomEscape(true)
		return c, set, isSet
	}
	return w.rune(), nil, false
}

// operand is the value of a class in set notation: code points, and strings of
// other lengths than one.
type operand struct {
	set     runeSet
	strings []string
}

// setClass reads a class in set notation, starting at its bracket.
func (w *rewriter) setClass() operand {
	defer w.enter()()
	w.pos++ // [
	negate := w.eat("^")
	var v operand
	if !w.has("]") {
		v = w.setOperand()
		switch {
		case w.has("--"):
			for w.eat("--") {
				v = w.minus(v, w.setAtom())
			}
		case w.has("&&"):
			for w.eat("&&") {
				v = w.and(v, w.setAtom())
			}
		default:
			ranges := []runeRange(v.set)
			for w.pos < len(w.in) && !w.has("]") {
				if w.has("--") || w.has("&&") {
					w.fail("Invalid set operation in character class")
				}
				u := w.setOperand()
				ranges = append(ranges, u.set...)
				v.strings = append(v.strings, u.strings...)
			}
			v.set = setOf(ranges...)
		}
	}
	if !w.eat("]") {
		if w.pos >= len(w.in) {
			w.fail("Unterminated character class")
		}
		w.fail("Invalid set operation in character class")
	}
	if negate {
		if len(v.strings) > 0 {
			w.fail("Negated character class may contain strings")
		}
		v.set = v.set.complement()
	}
	return v
}

func (w *rewriter) fold(s string) string {
	if !w.now.i {
		return s
	}
	return strings.Map(func(c rune) rune {
		least := c
		for d := unicode.SimpleFold(c); d != c; d = unicode.SimpleFold(d) {
			least = min(least, d)
		}
		return least
	}, s)
}

func (w *rewriter) minus(a, b operand) operand {
	in := w.folds(b.strings)
	return operand{
		set:     a.set.subtract(b.set),
		strings: slices.DeleteFunc(slices.Clone(a.strings), func(s string) bool { return in[w.fold(s)] }),
	}
}

func (w *rewriter) and(a, b operand) operand {
	in := w.folds(b.strings)
	return operand{
		set:     a.set.intersect(b.set),
		strings: slices.DeleteFunc(slices.Clone(a.strings), func(s string) bool { return !in[w.fold(s)] }),
	}
}

func (w *rewriter) folds(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[w.fold(s)] = true
	}
	return set
}

// setOperand reads an operand of a union: an atom or a range.
func (w *rewriter) setOperand() operand {
	start := w.pos
	v := w.setAtom()
	if !w.has("-") || w.has("--") {
		return v
	}
	single := w.in[start] != '[' && len(v.strings) == 0 && !strings.HasPrefix(w.in[start:], `\q`)
	low, ok := w.single(start, v)
	if !single || !ok {
		w.fail("Invalid character class")
	}
	w.pos++ // -
	next := w.pos
	high, ok := w.single(next, w.setAtom())
	if !ok {
		w.fail("Invalid character class")
	}
	if low > high {
		w.fail("Range out of order in character class")
	}
	return operand{set: w.foldSet(setOf(runeRange{low, high}))}
}

// single returns the character an atom was written as, before folding.
func (w *rewriter) single(start int, v operand) (rune, bool) {
	end := w.pos
	defer func() { w.pos = end }()
	if w.in[start] == '[' || len(v.strings) > 0 {
		return 0, false
	}
	w.pos = start
	if w.in[start] != '\\' {
		return w.rune(), true
	}
	if strings.HasPrefix(w.in[start:], `\q`) {
		return 0, false
	}
	_, c, isSet := w.atomEscape(true)
	return c, !isSet
}

func (w *rewriter) foldSet(s runeSet) runeSet {
	if w.now.i {
		return s.folded(true)
	}
	return s
}

// setAtom reads a nested class, an escape, \q{...} or one character.
func (w *rewriter) setAtom() operand {
	switch {
	case w.pos >= len(w.in):
		w.fail("Unterminated character class")
	case w.has("["):
		return w.setClass()
	case w.eat(`\q{`):
		return w.stringLiterals()
	case w.has(`\p{`), w.has(`\P{`):
		if list, ok := w.stringProperty(); ok {
			return list
		}
	}
	if w.has(`\`) {
		set, c, isSet := w.atomEscape(true)
		if isSet {
			return operand{set: set}
		}
		return operand{set: w.foldSet(setOf(runeRange{c, c}))}
	}
	if w.pos+1 < len(w.in) && w.in[w.pos] == w.in[w.pos+1] && strings.IndexByte("&!#$%*+,.:;<=>?@^`~", w.in[w.pos]) >= 0 {
		w.fail("Invalid set operation in character class")
	}
	c := w.rune()
	if strings.ContainsRune("()[]{}/-|", c) {
		w.fail("Invalid character in character class")
	}
	return operand{set: w.foldSet(setOf(runeRange{c, c}))}
}

// stringLiterals reads the alternatives of \q{a|bc}.
func (w *rewriter) stringLiterals() operand {
	var v operand
	var single []runeRange
	var s []rune
	flush := func() {
		if len(s) == 1 {
			single = append(single, runeRange{s[0], s[0]})
		} else {
			v.strings = append(v.strings, string(s))
		}
		s = nil
	}
	for {
		switch {
		case w.pos >= len(w.in):
			w.fail("Invalid escape")
		case w.eat("}"):
			flush()
			v.set = w.foldSet(setOf(single...))
			return v
		case w.eat("|"):
			flush()
		case w.has(`\`):
			_, c, isSet := w.atomEscape(true)
			if isSet {
				w.fail("Invalid escape")
			}
			s = append(s, c)
		default:
			s = append(s, w.rune())
		}
	}
}
