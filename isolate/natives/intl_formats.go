package natives

import (
	"math"
	"strings"
	"time"
	_ "time/tzdata" // time zones where the system has none

	"github.com/dop251/goja"
)

// numberState is an Intl.NumberFormat.
type numberState struct {
	f   numberFormat
	tag string
}

var numberFormatClass = intlClass{
	name: "NumberFormat", length: 0, bound: "format",
	make: func(e *env, c goja.FunctionCall) any {
		return &numberState{e.numberFormat(c, "Intl.NumberFormat"), e.resolvedTag(c.Argument(0))}
	},
	methods: []intlMethod{
		{"format", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			return e.rt.ToValue(e.formatNumeric(s.(*numberState).f, c.Argument(0)))
		}},
		{"formatToParts", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			f := s.(*numberState).f
			return e.parts(f.split(e.formatNumeric(f, c.Argument(0))))
		}},
		{"formatRange", 2, func(e *env, s any, c goja.FunctionCall) goja.Value {
			f := s.(*numberState).f
			a, b := e.formatNumeric(f, c.Argument(0)), e.formatNumeric(f, c.Argument(1))
			if a == b {
				return e.rt.ToValue("~" + a)
			}
			return e.rt.ToValue(a + "–" + b)
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			f := s.(*numberState).f
			o := e.record("locale", s.(*numberState).tag, "numberingSystem", "latn", "style", f.style)
			add := func(name string, v any) { e.createData(o, asciiValue(name), e.rt.ToValue(v)) }
			if f.style == "unit" {
				add("unit", f.unit)
				add("unitDisplay", f.unitDisplay)
			}
			if f.style == "currency" {
				add("currency", f.currency)
				add("currencyDisplay", f.display)
				sign := "standard"
				if f.accounting {
					sign = "accounting"
				}
				add("currencySign", sign)
			}
			add("minimumIntegerDigits", f.minInt)
			if f.maxSig > 0 {
				add("minimumSignificantDigits", f.minSig)
				add("maximumSignificantDigits", f.maxSig)
			} else {
				add("minimumFractionDigits", f.minFrac)
				add("maximumFractionDigits", f.maxFrac)
			}
			switch {
			case !f.group:
				add("useGrouping", false)
			case f.compact:
				add("useGrouping", "min2")
			default:
				add("useGrouping", "auto")
			}
			notation := "standard"
			if f.compact {
				notation = "compact"
			}
			add("notation", notation)
			if f.compact {
				display := "short"
				if f.compactLong {
					display = "long"
				}
				add("compactDisplay", display)
			}
			add("signDisplay", f.sign)
			add("roundingMode", "halfExpand")
			return o
		}},
	},
}

// formatNumeric formats a number or a BigInt.
func (e *env) formatNumeric(f numberFormat, v goja.Value) string {
	if n, ok := e.bigOf(v); ok {
		if n.BitLen() > e.maxBigIntBits() {
			e.throwBigInt()
		}
		digits := strings.TrimPrefix(n.String(), "-")
		d := decimal{neg: n.Sign() < 0}
		if digits != "0" {
			d.exp, d.digits = len(digits), strings.TrimRight(digits, "0")
		}
		return f.formatDecimal(d)
	}
	return f.format(v.ToNumber().ToFloat())
}

// split names the pieces of a formatted number.
func (f numberFormat) split(s string) (list []part) {
	add := func(kind, text string) {
		if n := len(list); n > 0 && list[n-1].kind == kind && (kind == "integer" || kind == "fraction" || kind == "literal" || kind == "compact" || kind == "currency") {
			list[n-1].text += text
			return
		}
		list = append(list, part{kind, text})
	}
	whole := "integer"
	for i := 0; i < len(s); {
		rest := s[i:]
		digit := rest[0] >= '0' && rest[0] <= '9'
		next := len(rest) > 1
		switch {
		case digit:
			add(whole, rest[:1])
			i++
			continue
		case whole == "integer" && len(list) > 0 && strings.HasPrefix(rest, f.loc.group) && next && isDigitAt(rest, len(f.loc.group)):
			add("group", f.loc.group)
			i += len(f.loc.group)
			continue
		case whole == "integer" && strings.HasPrefix(rest, f.loc.decimal) && isDigitAt(rest, len(f.loc.decimal)):
			add("decimal", f.loc.decimal)
			whole = "fraction"
			i += len(f.loc.decimal)
			continue
		}
		r := []rune(rest)[0]
		text := string(r)
		switch {
		case r == '-':
			add("minusSign", text)
		case r == '+':
			add("plusSign", text)
		case r == '%':
			add("percentSign", text)
		case r == '∞':
			add("infinity", text)
		case strings.HasPrefix(rest, "NaN"):
			text = "NaN"
			add("nan", text)
		case r == ' ' || r == '\u00a0' || r == '\u202f' || r == '(' || r == ')':
			add("literal", text)
		case f.style == "unit":
			add("unit", text)
		case f.style == "currency" && !(f.compact && len(list) > 0 && (list[len(list)-1].kind == "integer" || list[len(list)-1].kind == "fraction")):
			add("currency", text)
		default:
			add("compact", text)
		}
		i += len(text)
	}
	return list
}

func isDigitAt(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

// dateState is an Intl.DateTimeFormat.
type dateState struct {
	f   dateFormat
	tag string
}

var dateTimeFormatClass = intlClass{
	name: "DateTimeFormat", length: 0, bound: "format",
	make: func(e *env, c goja.FunctionCall) any {
		f := e.dateFormat(c, "Intl.DateTimeFormat", true, true, false)
		return &dateState{f, e.resolvedTag(c.Argument(0))}
	},
	methods: []intlMethod{
		{"format", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			return e.rt.ToValue((&s.(*dateState).f).format(e.timeOf(c.Argument(0))))
		}},
		{"formatToParts", 1, func(e *env, s any, c goja.FunctionCall) goja.Value {
			return e.parts(s.(*dateState).f.split(e.timeOf(c.Argument(0))))
		}},
		{"formatRange", 2, func(e *env, s any, c goja.FunctionCall) goja.Value {
			f := s.(*dateState).f
			a, b := f.format(e.timeOf(c.Argument(0))), f.format(e.timeOf(c.Argument(1)))
			if a == b {
				return e.rt.ToValue(a)
			}
			return e.rt.ToValue(a + " – " + b)
		}},
		{"resolvedOptions", 0, func(e *env, s any, _ goja.FunctionCall) goja.Value {
			f := s.(*dateState).f
			cycle := ""
			if f.hour != "" || f.timeStyle != "" {
				cycle = f.hours
			}
			o := e.record("locale", s.(*dateState).tag, "calendar", "gregory", "numberingSystem", "latn", "timeZone", zoneName(f.zone), "hourCycle", cycle)
			if cycle != "" {
				e.createData(o, asciiValue("hour12"), e.rt.ToValue(cycle == "h12" || cycle == "h11"))
			}
			fields := f.shown()
			if f.dateStyle != "" || f.timeStyle != "" {
				fields = []string{"dateStyle", f.dateStyle, "timeStyle", f.timeStyle}
			}
			for i := 0; i < len(fields); i += 2 {
				if fields[i+1] != "" {
					e.createData(o, asciiValue(fields[i]), e.rt.ToValue(fields[i+1]))
				}
				if fields[i] == "second" && f.fraction > 0 {
					e.createData(o, asciiValue("fractionalSecondDigits"), e.rt.ToValue(f.fraction))
				}
			}
			return o
		}},
	},
}

func zoneName(z *time.Location) string {
	if z == time.Local {
		// The name of the system's zone, where it has one.
		if name := z.String(); name != "Local" {
			return name
		}
		if _, offset := time.Unix(0, 0).In(z).Zone(); offset == 0 {
			return "UTC"
		}
	}
	return z.String()
}

// timeOf reads a date argument; undefined is now.
func (e *env) timeOf(v goja.Value) time.Time {
	if v == undefined {
		v = e.needCallable(e.rt.Get("Date").ToObject(e.rt).Get("now"))(goja.FunctionCall{This: undefined})
	}
	ms := v.ToNumber().ToFloat()
	if ms != ms || math.Abs(ms) > 8.64e15 {
		e.throwRange("Invalid time value")
	}
	return time.UnixMilli(int64(ms))
}

// Marks around the fields of a date that is formatted into parts. They are not
// characters that a format can have of itself.
const (
	markKind = "\x00"
	markText = "\x01"
	markEnd  = "\x02"
)

// mark puts marks around a field, where parts are wanted.
func (f *dateFormat) mark(kind, text string) string {
	if !f.marks || text == "" {
		return text
	}
	return markKind + kind + markText + text + markEnd
}

func (f dateFormat) split(t time.Time) (list []part) {
	f.marks = true
	s := f.format(t)
	for s != "" {
		literal, rest, found := strings.Cut(s, markKind)
		if literal != "" {
			list = append(list, part{"literal", literal})
		}
		if !found {
			break
		}
		kind, rest, _ := strings.Cut(rest, markText)
		text, rest, _ := strings.Cut(rest, markEnd)
		list = append(list, part{kind, text})
		s = rest
	}
	return list
}
