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
			return prev(goja.FunctionCall{This: s, Arguments: []goja.Value{that}})
		}
		key := sensitivity + strings.Repeat("#", len(opts))
		c := collators[key]
		if c == nil {
			c = collate.New(language.Und, opts...)
			collators[key] = c
		}
		return e.rt.ToValue(c.CompareString(s.String(), that.String()))
	}
}
