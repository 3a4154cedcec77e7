package natives

import (
	"strings"

	"github.com/dop251/goja"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// localeCompare orders by the root collation. Without options goja's own serves;
// numeric and sensitivity take a collator made for them.
func localeCompare(e *env, prev raw) raw {
	collators := map[string]*collate.Collator{}
	return func(call goja.FunctionCall) goja.Value {
		s := e.thisString(call.This, "localeCompare")
		that := e.toStr(call.Argument(0))
		e.findLocale(call.Argument(1)) // for its errors: one collation serves all locales
		p := e.options(call.Argument(2), "String.prototype.localeCompare")
		sensitivity := p.choice("sensitivity", "variant", "base", "accent", "case", "variant")
		numeric := p.get("numeric")
		if a, ok := asciiOf(s); ok {
			if b, ok := asciiOf(that); ok && a == b {
				return e.rt.ToValue(0)
			}
		}
		var opts []collate.Option
		if numeric != undefined && numeric.ToBoolean() {
			opts = append(opts, collate.Numeric)
		}
		switch sensitivity {
		case "base":
			opts = append(opts, collate.IgnoreCase, collate.IgnoreDiacritics)
		case "accent":
			opts = append(opts, collate.IgnoreCase)
		case "case":
			opts = append(opts, collate.IgnoreDiacritics)
		}
		if len(opts) == 0 {
			return e.rt.ToValue(e.compareParts(s, that, func(s, that goja.String) int {
				return int(prev(goja.FunctionCall{This: s, Arguments: []goja.Value{that}}).ToInteger())
			}))
		}
		key := sensitivity + strings.Repeat("#", len(opts))
		c := collators[key]
		if c == nil {
			c = collate.New(language.Und, opts...)
			collators[key] = c
		}
		return e.rt.ToValue(e.compareParts(s, that, func(s, that goja.String) int { return c.CompareString(s.String(), that.String()) }))
	}
}

// collatedPart is how many code units are compared at a time.
const collatedPart = 1 << 18

// compareParts compares long strings part by part: the collator keeps what it has seen of a
// string, and cannot be interrupted. This is an order of all strings, and of those that are
// not long the collation's.
func (e *env) compareParts(a, b goja.String, compare func(a, b goja.String) int) int {
	for {
		n, m := partOf(a), partOf(b)
		if n == a.Length() && m == b.Length() {
			return compare(a, b)
		}
		if order := compare(a.Substring(0, n), b.Substring(0, m)); order != 0 {
			return order
		}
		a, b = a.Substring(n, a.Length()), b.Substring(m, b.Length())
		e.checkInterrupt()
	}
}

// partOf is the length of the first part of s, which does not end within a pair of surrogates.
func partOf(s goja.String) int {
	if s.Length() <= collatedPart {
		return s.Length()
	}
	if c := s.CharAt(collatedPart - 1); c >= 0xd800 && c < 0xdc00 {
		return collatedPart - 1
	}
	return collatedPart
}
