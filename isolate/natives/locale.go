package natives

import (
	"strings"

	"github.com/dop251/goja"
)

// There is no ICU here. Numbers follow en-US for the options below; other locales get
// their separators. Dates are those of the locales in locale_words.go, but for the names
// of time zones. An unknown locale reads as en-US.

// locale is what differs between languages.
type locale struct {
	tag            string
	group, decimal string
	minGroup       int    // digits that must stand before the first separator
	currency       string // pattern: ¤ and #
	percent        string // pattern: #
	words          *dateWords
}

const nbsp = "\u00a0"

var enUS = &locale{tag: "en-US", group: ",", decimal: ".", minGroup: 1, currency: "¤#", percent: "#%", words: dateWordsOf["en"]}

func europe(tag, group, decimal string) *locale {
	return &locale{tag: tag, group: group, decimal: decimal, minGroup: 1, currency: "#" + nbsp + "¤", percent: "#" + nbsp + "%", words: dateWordsOf[tag]}
}

func english(tag string) *locale {
	return enUS.with(func(l *locale) { l.tag, l.words = tag, dateWordsOf[strings.ToLower(tag)] })
}

func (l locale) with(f func(*locale)) *locale { f(&l); return &l }

// gmt is what offsets begin with.
func (l *locale) gmt() string {
	if l.tag == "fr" {
		return "UTC"
	}
	return "GMT"
}

// minus is the sign of offsets.
func (l *locale) minus() string {
	if l.tag == "fr" || l.tag == "sv" {
		return "−"
	}
	return "-"
}

// locales by language, and by language and region where they differ.
var locales = map[string]*locale{
	"en":    enUS,
	"en-gb": english("en-GB"),
	"en-ca": english("en-CA"),
	"en-au": english("en-AU"),
	"de":    europe("de", ".", ","),
	"fr":    europe("fr", "\u202f", ",").with(func(l *locale) { l.percent = "#\u202f%" }),
	"es":    europe("es", ".", ",").with(func(l *locale) { l.minGroup = 2 }),
	"it":    europe("it", ".", ",").with(func(l *locale) { l.minGroup, l.percent = 2, "#%" }),
	"pt":    europe("pt", ".", ",").with(func(l *locale) { l.currency, l.percent = "¤"+nbsp+"#", "#%" }),
	"nl":    europe("nl", ".", ",").with(func(l *locale) { l.currency, l.percent = "¤"+nbsp+"#", "#%" }),
	"sv":    europe("sv", nbsp, ","),
	"ja":    english("ja"),
	"zh":    english("zh"),
}

// findLocale reads a locales argument: a tag, or an array of tags.
func (e *env) findLocale(v goja.Value) *locale {
	if v == undefined {
		return enUS
	}
	tags := []goja.Value{v}
	if o, ok := v.(*goja.Object); ok && o.ClassName() != "String" {
		n := e.lengthOf(o)
		if n > 1000 {
			e.throwArrayLength()
		}
		tags = e.values(o, n)
	} else if isNullish(v) {
		e.throwType("Cannot convert undefined or null to object")
	} else if _, ok := v.(goja.String); !ok {
		return enUS // a primitive without tags in it
	}
	var found *locale
	for _, t := range tags {
		switch t.(type) {
		case goja.String, *goja.Object:
		default:
			e.throwType("Incorrect locale information provided")
		}
		tag := e.toStr(t).String()
		if !validTag(tag) {
			e.throwRange("Incorrect locale information provided")
		}
		if found == nil {
			found = matchLocale(strings.ToLower(tag))
		}
	}
	if found == nil {
		return enUS
	}
	return found
}

func matchLocale(tag string) *locale {
	for tag != "" {
		if l := locales[tag]; l != nil {
			return l
		}
		i := strings.LastIndexByte(tag, '-')
		if i < 0 {
			return nil
		}
		tag = tag[:i]
	}
	return nil
}

// validTag checks the shape of a language tag: a language of 2, 3 or 5 to 8
// letters and subtags of 1 to 8 letters or digits.
func validTag(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		if len(part) < 1 || len(part) > 8 {
			return false
		}
		if i == 0 && (len(part) < 2 || len(part) == 4) {
			return false
		}
		for _, c := range []byte(part) {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// options reads the members of an options argument.
type options struct {
	e      *env
	o      *goja.Object // nil for undefined
	method string
}

func (e *env) options(v goja.Value, method string) options {
	if v == undefined {
		return options{e: e, method: method}
	}
	return options{e, e.toObject(v, method), method}
}

func (p options) get(name string) goja.Value {
	if p.o == nil {
		return undefined
	}
	return orUndefined(p.o.Get(name))
}

// choice reads a string option; allowed may be empty for any value.
func (p options) choice(name, missing string, allowed ...string) string {
	v := p.get(name)
	if v == undefined {
		return missing
	}
	s := p.e.toStr(v).String()
	for _, a := range allowed {
		if s == a {
			return s
		}
	}
	if len(allowed) > 0 {
		p.e.throwRange("Value %s out of range for %s options property %s", s, p.method, name)
	}
	return s
}

// number reads an integer option; -1 when it is missing.
func (p options) number(name string, lo, hi int) int {
	v := p.get(name)
	if v == undefined {
		return -1
	}
	f := v.ToFloat()
	if !(f >= float64(lo) && f <= float64(hi)) {
		p.e.throwRange("%s value is out of range.", name)
	}
	return int(f)
}

var stringLocaleTable = table{path: "String.prototype", funcs: []entry{
	{name: "localeCompare", length: 1, make: localeCompare},
}}
