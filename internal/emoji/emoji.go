// Package emoji has the properties of strings that Unicode defines for emoji: which
// sequences of code points are one emoji.
//
// The lists are kept folded, see table.go: a few kilobytes for thousands of sequences. They are
// unfolded for each call and not kept. Everything here may be called from any goroutine.
package emoji

import "slices"

// The version of Unicode is that of node 20 and of workerd in the middle of 2026. The
// argument is a folder with emoji-sequences.txt and emoji-zwj-sequences.txt of
// https://www.unicode.org/Public/17.0.0/emoji.
//
//go:generate go run ./table $EMOJI_DATA table.go

// All is the property that is all others together.
const All = "RGI_Emoji"

// Sequences lists the members of a property of strings, in no order, among them those of
// one code point; nil where Unicode has no property of that name.
func Sequences(property string) []string {
	var list []string
	for _, p := range folded {
		if p.name == property || property == All {
			list = unfold(list, p.text)
		}
	}
	return list
}

const (
	firstTone = 0x1F3FB // skin tones
	lastTone  = 0x1F3FF
)

// unfold adds the sequences of a folded text, which are separated by spaces: a-c is a, b
// or c; t is each of the skin tones, T each or none, and u each other than that of the
// first t.
func unfold(list []string, text string) []string {
	var parts []part
	flush := func() {
		if len(parts) > 0 {
			list = spell(list, parts, nil, 0)
			parts = parts[:0]
		}
	}
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case ' ':
			flush()
		case 't', 'T', 'u':
			parts = append(parts, part{firstTone, lastTone, c})
		case '-':
			i++
			parts[len(parts)-1].hi = runes[i]
		default:
			parts = append(parts, part{c, c, 0})
		}
	}
	flush()
	return list
}

// part is one place of a folded sequence: a range of code points.
type part struct {
	lo, hi rune
	tone   rune // the letter
}

// spell adds the sequences that begin with what was chosen so far. It goes no deeper than
// the longest sequence is.
func spell(list []string, rest []part, chosen []rune, first rune) []string {
	if len(rest) == 0 {
		return append(list, string(chosen))
	}
	p := rest[0]
	if p.tone == 'T' {
		list = spell(list, rest[1:], chosen, first)
	}
	for c := p.lo; c <= p.hi; c++ {
		if p.tone == 'u' && c == first {
			continue
		}
		tone := first
		if p.tone != 0 && first == 0 {
			tone = c
		}
		list = spell(list, rest[1:], append(slices.Clip(chosen), c), tone)
	}
	return list
}
