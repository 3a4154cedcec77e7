package natives

import (
	"math"
	"strconv"
	"strings"

	"github.com/dop251/goja"
	"github.com/rivo/uniseg"
	"golang.org/x/text/collate"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// collatorState is an Intl.Collator.
type collatorState struct {
	c                  *collate.Collator
	tag                string
	sensitivity, usage string
	numeric            bool
}

var collatorClass = intlClass{
	name: "Collator", length: 0, bound: "compare",
	make: func(e *env, c goja.FunctionCall) any {
		p := e.options(c.Argument(1), "Intl.Collator")
		s := &collatorState{tag: e.resolvedTag(c.Argument(0)), usage: p.choice("usage", "sort", "sort", "search"),
			sensitivity: p.choice("sensitivity", "variant", "base", "accent", "case", "variant")}
		n := p.get("numeric")
		s.numeric = n != undefined && n.ToBoolean()
		s.c = newCollator(s.sensitivity, s.numeric)
		return s
	},
	methods: []intlMethod{
		{"compare", 2, func(e *env, s any, c goja.FunctionCall) goja.Value {
			a, b := e.toStr(c.Argument(0)), e.toStr(c.Argument(1))
			return e.rt.ToValue(s.(*collatorState).c.CompareString(a.String(), b.String()))
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			st := s.(*collatorState)
			return e.record("locale", st.tag, "usage", st.usage, "sensitivity", st.sensitivity, "ignorePunctuation", false,
				"collation", "default", "numeric", st.numeric, "caseFirst", "false")
		}},
	},
}

func newCollator(sensitivity string, numeric bool) *collate.Collator {
	var o []collate.Option
	if numeric {
		o = append(o, collate.Numeric)
	}
	switch sensitivity {
	case "base":
		o = append(o, collate.IgnoreCase, collate.IgnoreDiacritics)
	case "accent":
		o = append(o, collate.IgnoreCase)
	case "case":
		o = append(o, collate.IgnoreDiacritics)
	}
	return collate.New(language.Und, o...)
}

// pluralState is an Intl.PluralRules. The rules are those of every language.
type pluralState struct {
	tag   language.Tag
	rules *plural.Rules
	kind  string
	f     numberFormat
}

var pluralRulesClass = intlClass{
	name: "PluralRules", length: 0,
	make: func(e *env, c goja.FunctionCall) any {
		s := &pluralState{tag: e.languageOf(c.Argument(0)), rules: plural.Cardinal}
		if s.kind = e.options(c.Argument(1), "Intl.PluralRules").choice("type", "cardinal", "cardinal", "ordinal"); s.kind == "ordinal" {
			s.rules = plural.Ordinal
		}
		s.f = numberFormat{loc: enUS, style: "decimal", sign: "auto"}
		s.f.digits(e, e.options(c.Argument(1), "Intl.PluralRules"))
		return s
	},
	methods: []intlMethod{
		{"select", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			return asciiValue(s.(*pluralState).choose(c.Argument(0).ToNumber().ToFloat()))
		}},
		{"selectRange", 2, func(e *env, s any, c goja.FunctionCall) goja.Value {
			return asciiValue(s.(*pluralState).choose(c.Argument(1).ToNumber().ToFloat()))
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			st := s.(*pluralState)
			o := e.record("locale", st.tag.String(), "type", st.kind)
			e.createData(o, asciiValue("pluralCategories"), e.strings(st.categories()))
			return o
		}},
	},
}

var pluralNames = map[plural.Form]string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}

// choose is the category of a number as it would be written.
func (s *pluralState) choose(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "other"
	}
	whole, frac, _ := strings.Cut(s.f.format(math.Abs(x)), ".")
	trimmed := strings.TrimRight(frac, "0")
	number := func(s string) int {
		n, _ := strconv.Atoi(s[max(0, len(s)-9):]) // digits only; rules look at the last ones
		return n
	}
	return pluralNames[s.rules.MatchPlural(s.tag, number(strings.ReplaceAll(whole, ",", "")), len(frac), len(trimmed), number(frac), number(trimmed))]
}

// categories are those that the language has, found with numbers that show them.
func (s *pluralState) categories() (list []string) {
	for _, name := range []string{"zero", "one", "two", "few", "many", "other"} {
		found := name == "other"
		for n := 0; n < 200 && !found; n++ {
			found = pluralNames[s.rules.MatchPlural(s.tag, n, 0, 0, 0, 0)] == name
		}
		if found {
			list = append(list, name)
		}
	}
	return list
}

// languageOf is the language that a locales argument asks for.
func (e *env) languageOf(v goja.Value) language.Tag {
	for _, t := range e.canonicalTags(v) {
		if tag, err := language.Parse(t); err == nil {
			return tag
		}
	}
	return language.AmericanEnglish
}

// relativeState is an Intl.RelativeTimeFormat, in English.
type relativeState struct {
	f       numberFormat
	tag     string
	numeric bool
	style   string
}

var relativeTimeClass = intlClass{
	name: "RelativeTimeFormat", length: 0,
	make: func(e *env, c goja.FunctionCall) any {
		p := e.options(c.Argument(1), "Intl.RelativeTimeFormat")
		return &relativeState{
			f:   e.numberFormat(goja.FunctionCall{Arguments: []goja.Value{c.Argument(0)}}, "Intl.RelativeTimeFormat"),
			tag: e.resolvedTag(c.Argument(0)), numeric: p.choice("numeric", "always", "always", "auto") == "always", style: p.choice("style", "long", "long", "short", "narrow"),
		}
	},
	methods: []intlMethod{
		{"format", 2, func(e *env, s any, c goja.FunctionCall) goja.Value {
			text, _ := s.(*relativeState).format(e, c)
			return e.rt.ToValue(text)
		}},
		{"formatToParts", 2, func(e *env, s any, c goja.FunctionCall) goja.Value {
			st := s.(*relativeState)
			text, number := st.format(e, c)
			before, after, found := strings.Cut(text, number)
			if number == "" || !found {
				return e.parts([]part{{"literal", text}})
			}
			var list []part
			if before != "" {
				list = append(list, part{"literal", before})
			}
			list = append(append(list, st.f.split(number)...), part{"literal", after})
			return e.parts(list)
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			st := s.(*relativeState)
			numeric := "auto"
			if st.numeric {
				numeric = "always"
			}
			return e.record("locale", st.tag, "style", st.style, "numeric", numeric, "numberingSystem", "latn")
		}},
	},
}

var relativeUnits = map[string]string{"second": "sec.", "minute": "min.", "hour": "hr.", "day": "day", "week": "wk.", "month": "mo.", "quarter": "qtr.", "year": "yr."}

var relativeNarrow = map[string]string{"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "quarter": "q", "year": "y"}

var relativeWords = map[string]map[float64]string{
	"second": {0: "now"}, "minute": {0: "this minute"}, "hour": {0: "this hour"},
	"day":  {-1: "yesterday", 0: "today", 1: "tomorrow"},
	"week": {-1: "last week", 0: "this week", 1: "next week"}, "month": {-1: "last month", 0: "this month", 1: "next month"},
	"quarter": {-1: "last quarter", 0: "this quarter", 1: "next quarter"}, "year": {-1: "last year", 0: "this year", 1: "next year"},
}

func (s *relativeState) format(e *env, c goja.FunctionCall) (text, number string) {
	x := c.Argument(0).ToNumber().ToFloat()
	given := e.toStr(c.Argument(1)).String()
	unit := strings.TrimSuffix(given, "s")
	short := relativeUnits[unit]
	switch {
	case short == "":
		e.throwRange("Invalid unit argument for format() '%s'", given)
	case math.IsNaN(x) || math.IsInf(x, 0):
		e.throwRange("Invalid time value")
	}
	if !s.numeric {
		if word := relativeWords[unit][x]; word != "" {
			if s.style == "long" {
				return word, ""
			}
			return strings.Replace(word, unit, short, 1), ""
		}
	}
	number = s.f.format(math.Abs(x))
	if s.style == "narrow" {
		number += relativeNarrow[unit]
		if x < 0 || math.Signbit(x) {
			return number + " ago", ""
		}
		return "in " + number, ""
	}
	name := unit
	if s.style != "long" {
		name = short
	}
	if number != "1" && (s.style == "long" || unit == "day") {
		name += "s"
	}
	if s.style == "short" && unit == "quarter" && number != "1" {
		name = "qtrs."
	}
	if x < 0 || math.Signbit(x) {
		return number + " " + name + " ago", number
	}
	return "in " + number + " " + name, number
}

// listState is an Intl.ListFormat, in English.
type listState struct {
	tag         string
	kind, style string
}

var listFormatClass = intlClass{
	name: "ListFormat", length: 0,
	make: func(e *env, c goja.FunctionCall) any {
		p := e.options(c.Argument(1), "Intl.ListFormat")
		return &listState{e.resolvedTag(c.Argument(0)), p.choice("type", "conjunction", "conjunction", "disjunction", "unit"), p.choice("style", "long", "long", "short", "narrow")}
	},
	methods: []intlMethod{
		{"format", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			var b strings.Builder
			for _, p := range s.(*listState).split(e, c.Argument(0)) {
				b.WriteString(p.text)
				e.needString(int64(b.Len()))
			}
			return fromWTF8(b.String())
		}},
		{"formatToParts", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			return e.parts(s.(*listState).split(e, c.Argument(0)))
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			st := s.(*listState)
			return e.record("locale", st.tag, "type", st.kind, "style", st.style)
		}},
	},
}

func (s *listState) split(e *env, list goja.Value) (parts []part) {
	var items []string
	if list != undefined {
		method, ok := e.iteratorMethod(list)
		if !ok || method == nil {
			e.throwType("%s is not iterable", e.describe(list))
		}
		e.iterate(list, method, func(v goja.Value) {
			t, ok := v.(goja.String)
			if !ok {
				e.throwType("Iterable yielded %s which is not a string", e.describe(v))
			}
			e.poll()
			items = append(items, wtf8(t))
		})
	}
	between, last, two := ", ", ", and ", " and "
	switch {
	case s.kind == "disjunction":
		last, two = ", or ", " or "
	case s.kind == "unit" && s.style == "narrow":
		between, last, two = " ", " ", " "
	case s.kind == "unit":
		last, two = ", ", ", "
	case s.style == "short":
		last, two = ", & ", " & "
	case s.style == "narrow":
		last, two = ", ", ", "
	}
	for i, item := range items {
		switch {
		case i == 0:
		case len(items) == 2:
			parts = append(parts, part{"literal", two})
		case i == len(items)-1:
			parts = append(parts, part{"literal", last})
		default:
			parts = append(parts, part{"literal", between})
		}
		parts = append(parts, part{"element", item})
	}
	return parts
}

// segmenterState is an Intl.Segmenter, by the rules of Unicode for all languages.
type segmenterState struct {
	tag         string
	granularity string
}

var segmenterClass = intlClass{
	name: "Segmenter", length: 0,
	make: func(e *env, c goja.FunctionCall) any {
		return &segmenterState{e.resolvedTag(c.Argument(0)), e.options(c.Argument(1), "Intl.Segmenter").choice("granularity", "grapheme", "grapheme", "word", "sentence")}
	},
	methods: []intlMethod{
		{"segment", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			return e.segments(s.(*segmenterState).granularity, e.toStr(c.Argument(0)))
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			st := s.(*segmenterState)
			return e.record("locale", st.tag, "granularity", st.granularity)
		}},
	},
}

// segments is the iterable of segments of a text. They are found one by one.
func (e *env) segments(granularity string, text goja.String) goja.Value {
	next := func(rest string, state int) (string, string, int) {
		switch granularity {
		case "word":
			return uniseg.FirstWordInString(rest, state)
		case "sentence":
			return uniseg.FirstSentenceInString(rest, state)
		}
		cluster, rest, _, state := uniseg.FirstGraphemeClusterInString(rest, state)
		return cluster, rest, state
	}
	all := text.String()
	data := func(segment string, index int) *goja.Object {
		o := e.rt.NewObject()
		e.createData(o, asciiValue("segment"), e.rt.ToValue(segment))
		e.createData(o, asciiValue("index"), e.rt.ToValue(index))
		e.createData(o, asciiValue("input"), text)
		if granularity == "word" {
			e.createData(o, asciiValue("isWordLike"), e.rt.ToValue(strings.ContainsFunc(segment, wordLike)))
		}
		return o
	}
	o := e.rt.NewObject()
	iterator, err := e.newFunc("[Symbol.iterator]", 0, func(goja.FunctionCall) goja.Value {
		rest, state, index := all, -1, 0
		it := e.rt.CreateObject(e.kit().proto)
		e.mustDefine(e.defineMethods(it, "Segments", entry{name: "next", length: 0, make: func(e *env, _ raw) raw {
			return func(goja.FunctionCall) goja.Value {
				result := e.rt.NewObject()
				v, done := undefined, rest == ""
				if !done {
					var segment string
					segment, rest, state = next(rest, state)
					v = data(segment, index)
					index += unitCount(segment)
				}
				e.createData(result, asciiValue("value"), v)
				e.createData(result, asciiValue("done"), e.rt.ToValue(done))
				return result
			}
		}}))
		return it
	})
	e.mustDefine(err)
	e.mustDefine(o.DefineDataPropertySymbol(goja.SymIterator, iterator, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	e.mustDefine(e.defineMethods(o, "Segments", entry{name: "containing", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			want := toInteger(c.Argument(0))
			rest, state, index := all, -1, 0
			for rest != "" {
				e.poll()
				var segment string
				segment, rest, state = next(rest, state)
				end := index + unitCount(segment)
				if want >= int64(index) && want < int64(end) {
					return data(segment, index)
				}
				index = end
			}
			return undefined
		}
	}}))
	return o
}

func wordLike(r rune) bool {
	return r == '_' || r > 0x7f && r != '\u2019' && !strings.ContainsRune("–—…“”«»、。", r) || r < 0x80 && isWord(byte(r))
}

// displayState is an Intl.DisplayNames.
type displayState struct {
	tag            language.Tag
	kind, fallback string
}

var displayNamesClass = intlClass{
	name: "DisplayNames", length: 2,
	make: func(e *env, c goja.FunctionCall) any {
		if _, ok := c.Argument(1).(*goja.Object); !ok {
			e.throwType("Cannot convert undefined or null to object")
		}
		p := e.options(c.Argument(1), "Intl.DisplayNames")
		s := &displayState{e.languageOf(c.Argument(0)), p.choice("type", "", "language", "region", "script", "currency"), p.choice("fallback", "code", "code", "none")}
		if s.kind == "" {
			e.throwType("Required option \"type\" must not be undefined")
		}
		return s
	},
	methods: []intlMethod{
		{"of", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			st := s.(*displayState)
			code := e.toStr(c.Argument(0)).String()
			name, ok := st.name(code)
			switch {
			case !ok:
				e.throwRange("Invalid argument to Intl.DisplayNames.prototype.of")
			case name != "":
				return e.rt.ToValue(name)
			case st.fallback == "none":
				return undefined
			}
			return e.rt.ToValue(code)
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			st := s.(*displayState)
			return e.record("locale", st.tag.String(), "style", "long", "type", st.kind, "fallback", st.fallback)
		}},
	},
}

// name is what a code means; ok is false for what is no code.
func (s *displayState) name(code string) (name string, ok bool) {
	switch s.kind {
	case "currency":
		code = strings.ToUpper(code)
		return currencyTitle(code), isCurrency(code)
	case "region":
		r, err := language.ParseRegion(code)
		if err != nil {
			return "", len(code) == 2 || len(code) == 3
		}
		return display.Regions(s.tag).Name(r), true
	case "script":
		x, err := language.ParseScript(code)
		if err != nil {
			return "", len(code) == 4
		}
		return display.Scripts(s.tag).Name(x), true
	}
	tag, err := language.Parse(code)
	if err != nil {
		return "", validTag(code)
	}
	return display.Tags(s.tag).Name(tag), true
}

// currencyTitle is the name of one unit of a currency, as a title.
func currencyTitle(code string) string {
	words := strings.Fields(strings.TrimSuffix(currencyNames[code], "s"))
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
