package console

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Sizes of node's defaults.
const (
	breakLength   = 80 // no line of several entries is longer
	compactLevels = 3  // so many innermost levels may share a line
	groupFrom     = 6  // longer arrays are laid out in columns
)

// textLen is the length in UTF-16 code units, which is what node counts.
func textLen(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// columns is the number of terminal columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r < 0x20 || r == 0x7f || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r < 0x7f:
			n++
		default:
			n++
			if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
				n++
			}
		}
	}
	return n
}

// quote writes a string literal with the quotes that need the fewest escapes.
func quote(s string) string {
	q := byte('\'')
	if strings.Contains(s, "'") {
		if !strings.Contains(s, `"`) {
			q = '"'
		} else if !strings.Contains(s, "`") && !strings.Contains(s, "${") {
			q = '`'
		}
	}
	var out strings.Builder
	out.Grow(len(s) + 2)
	out.WriteByte(q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\b':
			out.WriteString(`\b`)
		case r == '\f':
			out.WriteString(`\f`)
		case r == '\r':
			out.WriteString(`\r`)
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&out, `\x%02X`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte(q)
	return out.String()
}

// propertyName writes a name as it stands in an object literal.
func propertyName(name string) string {
	if name == "__proto__" {
		return "['__proto__']"
	}
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return quote(name)
		}
	}
	if name == "" {
		return "''"
	}
	return name
}

// combine puts the entries of one object between its braces, on one line where
// they fit: entries of the innermost levels only. base is text before the brace;
// levels is the depth of nesting that was printed inside.
func (p *printer) combine(entries []string, base, open, shut string, levels int, array, numbers bool) string {
	newline := "\n" + strings.Repeat(" ", p.indent)
	if p.o.Tight {
		if p.fits(entries, 0, base) {
			if base != "" {
				base = " " + base
			}
			return open + base + " " + strings.Join(entries, ", ") + " " + shut
		}
		first := " "
		if base != "" {
			first = " " + base + newline + "  "
		} else if len(open) > 1 {
			first = newline + "  "
		}
		return open + first + strings.Join(entries, ","+newline+"  ") + " " + shut
	}
	base = spaced(base)
	if compact := p.compact(); compact > 0 {
		count := len(entries)
		if array && count > groupFrom {
			entries = p.group(entries, numbers)
		}
		if levels < compact && len(entries) == count && p.fits(entries, len(entries)+p.indent+textLen(uncoloured(open))+textLen(uncoloured(base))+10, base) {
			if joined := strings.Join(entries, ", "); !strings.Contains(joined, "\n") {
				return base + open + " " + joined + " " + shut
			}
		}
	}
	return base + open + newline + "  " + strings.Join(entries, ","+newline+"  ") + newline + shut
}

// compact is how many innermost levels may share a line.
func (p *printer) compact() int {
	switch {
	case p.o.Expanded:
		return 0
	case p.o.Compact > 0:
		return p.o.Compact
	}
	return compactLevels
}

// fits reports whether entries fit in a line behind so many characters.
func (p *printer) fits(entries []string, start int, base string) bool {
	total, most := len(entries)+start, p.lineLength()
	for _, e := range entries {
		if total > most {
			return false
		}
		total += textLen(uncoloured(e))
	}
	return total <= most && !strings.Contains(base, "\n")
}

// colour matches what Style puts around texts.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// uncoloured is a text without its colours.
func uncoloured(s string) string {
	if !strings.Contains(s, "\x1b") {
		return s
	}
	return colour.ReplaceAllString(s, "")
}

// group lays out the entries of a long array in columns of equal width where that
// is not too ragged. What follows the first most entries, "... n more items", stays
// alone.
func (p *printer) group(entries []string, numbers bool) []string {
	n, indent, lineLength := min(len(entries), p.mostEntries()), p.indent, p.lineLength()
	const gap = 2
	widths := make([]int, n)
	total, widest := 0, 0
	for i, e := range entries[:n] {
		widths[i] = columns(uncoloured(e))
		total += widths[i] + gap
		widest = max(widest, widths[i])
	}
	cell := widest + gap
	if cell*3+indent >= lineLength || float64(total)/float64(cell) <= 5 && widest > 6 {
		return entries
	}
	// A cell is about 2.5 times as high as wide; aim at a square, and count a cell
	// for narrower where the widths differ.
	biased := math.Max(float64(cell)-3-math.Sqrt(float64(cell)-float64(total)/float64(len(entries))), 1)
	cols := min(
		int(math.Round(math.Sqrt(2.5*biased*float64(n))/biased)),
		(lineLength-indent)/cell,
		p.compact()*4,
		15,
	)
	if cols <= 1 {
		return entries
	}
	colWidth := make([]int, cols)
	for i, w := range widths {
		colWidth[i%cols] = max(colWidth[i%cols], w+gap)
	}
	var lines []string
	for i := 0; i < n; i += cols {
		var line strings.Builder
		last := min(i+cols, n) - 1
		for j := i; j <= last; j++ {
			cell, pad := entries[j], colWidth[j-i]-widths[j]
			if j < last {
				cell += ", "
			}
			pad -= gap
			if numbers {
				line.WriteString(strings.Repeat(" ", max(pad, 0)) + cell)
			} else if j < last {
				line.WriteString(cell + strings.Repeat(" ", max(pad, 0)))
			} else {
				line.WriteString(cell)
			}
		}
		lines = append(lines, line.String())
	}
	return append(lines, entries[n:]...)
}

// clip cuts s to at most n bytes, at a character.
func clip(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
