package url

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// Params is a list of names and values: URLSearchParams. Changes go to the URL it
// belongs to, if any.
type Params struct {
	pairs []Pair
	url   *URL

	// object is the JavaScript object of a list that belongs to a URL, which is
	// the same at each reading of searchParams.
	object *goja.Object
}

// NewParams returns a list of its own.
func NewParams(pairs []Pair) *Params { return &Params{pairs: pairs} }

// ParseParams parses a query, with or without a question mark.
func ParseParams(s string) *Params { return &Params{pairs: ParseForm(strings.TrimPrefix(s, "?"))} }

// Len is the number of pairs.
func (p *Params) Len() int { return len(p.pairs) }

// Pairs is a copy of the list.
func (p *Params) Pairs() []Pair { return slices.Clone(p.pairs) }

// String is the list as application/x-www-form-urlencoded text.
func (p *Params) String() string { return FormatForm(p.pairs) }

// Append adds a pair at the end.
func (p *Params) Append(name, value string) {
	p.pairs = append(p.pairs, Pair{name, value})
	p.update()
}

// Delete removes the pairs with the name, and with the value where that is set.
func (p *Params) Delete(name string, value *string) {
	p.pairs = slices.DeleteFunc(p.pairs, func(q Pair) bool { return q.is(name, value) })
	p.update()
}

// Get returns the first value of the name.
func (p *Params) Get(name string) (value string, ok bool) {
	for _, q := range p.pairs {
		if q.Name == name {
			return q.Value, true
		}
	}
	return "", false
}

// All returns the values of the name, in order.
func (p *Params) All(name string) []string {
	values := []string{}
	for _, q := range p.pairs {
		if q.Name == name {
			values = append(values, q.Value)
		}
	}
	return values
}

// Has reports whether there is a pair with the name, and with the value where
// that is set.
func (p *Params) Has(name string, value *string) bool {
	return slices.ContainsFunc(p.pairs, func(q Pair) bool { return q.is(name, value) })
}

// Set gives the first pair of the name the value and removes the others, or
// appends.
func (p *Params) Set(name, value string) {
	first := slices.IndexFunc(p.pairs, func(q Pair) bool { return q.Name == name })
	if first < 0 {
		p.Append(name, value)
		return
	}
	p.pairs[first].Value = value
	rest := slices.DeleteFunc(p.pairs[first+1:], func(q Pair) bool { return q.Name == name })
	p.pairs = p.pairs[:first+1+len(rest)]
	p.update()
}

// Sort sorts by name in UTF-16 code units; equal names keep their order.
func (p *Params) Sort() {
	slices.SortStableFunc(p.pairs, func(a, b Pair) int { return compareUTF16(a.Name, b.Name) })
	p.update()
}

func (q Pair) is(name string, value *string) bool {
	return q.Name == name && (value == nil || q.Value == *value)
}

func (p *Params) update() {
	if p.url != nil {
		p.url.setQuery(p.String())
	}
}

// compareUTF16 orders well-formed UTF-8 strings as their UTF-16 forms are ordered:
// a character beyond the BMP is there a pair of units below U+E000.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		if a[0] == b[0] && a[0] < utf8.RuneSelf {
			a, b = a[1:], b[1:]
			continue
		}
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			return int(sortKey(ra) - sortKey(rb))
		}
		a, b = a[na:], b[nb:]
	}
	return len(a) - len(b)
}

func sortKey(r rune) rune {
	if r >= 0xE000 && r <= 0xFFFF {
		return r + 0x110000
	}
	return r
}
