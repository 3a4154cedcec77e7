package natives

import (
	"strings"
	"time"

	"github.com/dop251/goja"
)

var dateTable = table{path: "Date.prototype", funcs: []entry{
	{name: "toLocaleString", length: 0, make: dateMethod("toLocaleString", true, true)},
	{name: "toLocaleDateString", length: 0, make: dateMethod("toLocaleDateString", true, false)},
	{name: "toLocaleTimeString", length: 0, make: dateMethod("toLocaleTimeString", false, true)},
}}

// dateFormat is the resolved options of a date's toLocaleString. An empty field
// is not shown.
type dateFormat struct {
	loc                       *locale
	zone                      *time.Location
	weekday, year, month, day string
	hour, minute, second      string
	fraction                  int
	zoneName                  string
	hours                     string // h11 h12 h23 h24
	dateStyle, timeStyle      string
	era, period               string
	pattern                   string // of all that is shown, see locale_pattern.go
	marks                     bool   // fields have marks around them, see dateFormat.split
}

func dateMethod(name string, date, clock bool) func(e *env, prev raw) raw {
	method := "Date.prototype." + name
	return func(e *env, _ raw) raw {
		return func(call goja.FunctionCall) goja.Value {
			o, ok := call.This.(*goja.Object)
			if !ok || o.ExportType() == typeProxy || o.ClassName() != "Date" {
				e.throwType("this is not a Date object.")
			}
			f := e.dateFormat(call, method, date, clock, true)
			t, ok := o.Export().(time.Time)
			if ms := o.ToFloat(); !ok || ms != ms {
				return asciiValue("Invalid Date")
			}
			return e.rt.ToValue(f.format(t))
		}
	}
}

// dateFormat reads the options of a method that shows dates, times or both. both says that the
// time of day is shown beside the date where nothing is asked for.
func (e *env) dateFormat(call goja.FunctionCall, method string, date, clock, both bool) dateFormat {
	f := dateFormat{loc: e.findLocale(call.Argument(0)), zone: time.Local}
	p := e.options(call.Argument(1), method)
	f.weekday = p.choice("weekday", "", "narrow", "short", "long")
	f.era = p.choice("era", "", "narrow", "short", "long")
	f.year = p.choice("year", "", "2-digit", "numeric")
	f.month = p.choice("month", "", "2-digit", "numeric", "narrow", "short", "long")
	f.day = p.choice("day", "", "2-digit", "numeric")
	f.period = p.choice("dayPeriod", "", "narrow", "short", "long")
	f.hour = p.choice("hour", "", "2-digit", "numeric")
	f.minute = p.choice("minute", "", "2-digit", "numeric")
	f.second = p.choice("second", "", "2-digit", "numeric")
	f.fraction = max(0, p.number("fractionalSecondDigits", 1, 3))
	f.zoneName = p.choice("timeZoneName", "", "short", "long", "shortOffset", "longOffset", "shortGeneric", "longGeneric")
	f.clock(e, p, hourCycleOf(call.Argument(0)))
	if z := p.get("timeZone"); z != undefined {
		f.zone = e.zone(e.toStr(z).String())
	}
	f.dateStyle = p.choice("dateStyle", "", "full", "long", "medium", "short")
	f.timeStyle = p.choice("timeStyle", "", "full", "long", "medium", "short")
	if f.dateStyle != "" || f.timeStyle != "" {
		f.checkStyles(e, date, clock)
	} else {
		f.defaults(date, clock, both)
	}
	f.pattern = f.wholePattern()
	return f
}

// clock takes the hour cycle of the options, or that of the tag.
func (f *dateFormat) clock(e *env, p options, tagged string) {
	f.hours = "h23"
	if f.loc.words.clock12 {
		f.hours = "h12"
	}
	if tagged != "" {
		f.hours = tagged
	}
	if c := p.choice("hourCycle", "", "h11", "h12", "h23", "h24"); c != "" {
		f.hours = c
	}
	if v := p.get("hour12"); v != undefined {
		f.hours = "h23"
		if v.ToBoolean() {
			f.hours = "h12"
		}
	}
}

func (f *dateFormat) checkStyles(e *env, date, clock bool) {
	for _, field := range []string{f.weekday, f.era, f.year, f.month, f.day, f.period, f.hour, f.minute, f.second, f.zoneName} {
		if field != "" {
			e.throwType("Invalid option : option")
		}
	}
	switch {
	case f.fraction > 0:
		e.throwType("Invalid option : option")
	case !clock && f.timeStyle != "":
		e.throwType("Invalid option : timeStyle")
	case !date && f.dateStyle != "":
		e.throwType("Invalid option : dateStyle")
	}
	switch f.timeStyle {
	case "full":
		f.zoneName = "long"
	case "long":
		f.zoneName = "short"
	}
}

// defaults is ToDateTimeOptions: what is shown when nothing is asked for.
func (f *dateFormat) defaults(date, clock, both bool) {
	hasDate := f.weekday != "" || f.year != "" || f.month != "" || f.day != ""
	hasClock := f.hour != "" || f.minute != "" || f.second != "" || f.period != "" || f.fraction > 0
	switch {
	case date && clock:
		if hasDate || hasClock {
			return
		}
	case date && hasDate, clock && hasClock:
		return
	}
	if date {
		f.year, f.month, f.day = "numeric", "numeric", "numeric"
	}
	if clock && (both || !date) {
		f.hour, f.minute, f.second = "numeric", "numeric", "numeric"
	}
}

// zone finds a time zone. Only UTC is certain to be there: the others need the
// time zone data of the system.
func (e *env) zone(name string) *time.Location {
	switch strings.ToUpper(name) {
	case "UTC", "GMT", "ETC/UTC", "ETC/GMT", "ETC/UCT", "UCT", "ZULU":
		return time.UTC
	}
	if name != "" && !strings.EqualFold(name, "local") && !strings.Contains(name, "..") {
		if z, err := loadZone(name); err == nil {
			return z
		}
	}
	e.throwRange("Invalid time zone specified: %s", name)
	return nil
}
