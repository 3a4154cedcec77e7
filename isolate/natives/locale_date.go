package natives

import (
	"fmt"
	"strconv"
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
	textMonth                 bool
	marks                     bool // fields have marks around them, see dateFormat.split
}

func dateMethod(name string, date, clock bool) func(e *env, prev raw) raw {
	method := "Date.prototype." + name
	return func(e *env, _ raw) raw {
		return func(call goja.FunctionCall) goja.Value {
			o, ok := call.This.(*goja.Object)
			if !ok || o.ExportType() == typeProxy || o.ClassName() != "Date" {
				e.throwType("this is not a Date object.")
			}
			f := e.dateFormat(call, method, date, clock)
			t, ok := o.Export().(time.Time)
			if ms := o.ToFloat(); !ok || ms != ms {
				return asciiValue("Invalid Date")
			}
			return e.rt.ToValue(f.format(t))
		}
	}
}

func (e *env) dateFormat(call goja.FunctionCall, method string, date, clock bool) dateFormat {
	f := dateFormat{loc: e.findLocale(call.Argument(0)), zone: time.Local}
	p := e.options(call.Argument(1), method)
	f.weekday = p.choice("weekday", "", "narrow", "short", "long")
	f.year = p.choice("year", "", "2-digit", "numeric")
	f.month = p.choice("month", "", "2-digit", "numeric", "narrow", "short", "long")
	f.day = p.choice("day", "", "2-digit", "numeric")
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
		return f
	}
	f.defaults(date, clock)
	return f
}

// clock takes the hour cycle of the options, or that of the tag.
func (f *dateFormat) clock(e *env, p options, tagged string) {
	f.hours = "h23"
	if f.loc.clock12 {
		f.hours = "h12"
	}
	if tagged != "" {
		f.hours = tagged
	}
	if c := p.choice("hourCycle", "", "h11", "h12", "h23", "h24"); c != "" {
		f.hours = c
	}
	if v := p.get("hour12"); v != undefined {
		switch {
		case v.ToBoolean():
			f.hours = "h12"
		case f.loc.clock12:
			f.hours = "h24" // what V8 makes of it in a twelve-hour locale
		default:
			f.hours = "h23"
		}
	}
}

func (f *dateFormat) checkStyles(e *env, date, clock bool) {
	for _, field := range []struct{ name, v string }{{"weekday", f.weekday}, {"year", f.year}, {"month", f.month}, {"day", f.day},
		{"hour", f.hour}, {"minute", f.minute}, {"second", f.second}, {"timeZoneName", f.zoneName}} {
		if field.v != "" {
			style := "dateStyle"
			if f.dateStyle == "" {
				style = "timeStyle"
			}
			e.throwType("Can't set option %s when %s is used", field.name, style)
		}
	}
	if !clock && f.timeStyle != "" {
		e.throwType("Invalid option : timeStyle")
	}
	if !date && f.dateStyle != "" {
		e.throwType("Invalid option : dateStyle")
	}
	f.textMonth = true
	switch f.dateStyle {
	case "full":
		f.weekday, f.year, f.month, f.day = "long", "numeric", "long", "numeric"
	case "long":
		f.year, f.month, f.day = "numeric", "long", "numeric"
	case "medium":
		f.year, f.month, f.day = "numeric", "short", "numeric"
	case "short":
		f.year, f.month, f.day = "2-digit", "numeric", "numeric"
	}
	switch f.timeStyle {
	case "full", "long", "medium":
		f.hour, f.minute, f.second = "numeric", "2-digit", "2-digit"
	case "short":
		f.hour, f.minute = "numeric", "2-digit"
	}
	switch f.timeStyle {
	case "full":
		f.zoneName = "long"
	case "long":
		f.zoneName = "short"
	}
}

// defaults is ToDateTimeOptions: what is shown when nothing is asked for.
func (f *dateFormat) defaults(date, clock bool) {
	hasDate := f.weekday != "" || f.year != "" || f.month != "" || f.day != ""
	hasClock := f.hour != "" || f.minute != "" || f.second != "" || f.fraction > 0
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
	if clock {
		f.hour, f.minute, f.second = "numeric", "2-digit", "2-digit"
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

func (f dateFormat) format(t time.Time) string {
	t = t.In(f.zone)
	date, clock := f.formatDate(t), f.formatClock(t)
	switch {
	case clock == "":
		return date
	case date == "":
		return clock
	}
	return date + f.joiner() + clock
}

// joiner stands between date and time.
func (f dateFormat) joiner() string {
	onlyWeekday := f.weekday != "" && f.year == "" && f.month == "" && f.day == ""
	switch {
	case onlyWeekday:
		return " "
	case f.dateStyle == "full" || f.dateStyle == "long" || f.month == "long":
		return " at "
	case f.dateStyle == "medium" || f.isText():
		return ", "
	}
	return f.loc.join
}

func (f dateFormat) isText() bool {
	return f.month == "long" || f.month == "short" || f.month == "narrow"
}

func (f dateFormat) formatDate(t time.Time) string {
	weekday := f.mark("weekday", name(t.Weekday().String(), f.weekday, 3))
	date := ""
	if f.isText() {
		date = f.textDate(t)
	} else {
		date = f.numericDate(t)
	}
	switch {
	case date == "":
		return weekday
	case weekday == "":
		return date
	case f.month != "" && f.day != "":
		return weekday + ", " + date
	}
	return date + " " + weekday
}

// name cuts an English name to a style.
func name(full, style string, short int) string {
	switch style {
	case "long":
		return full
	case "short":
		return full[:short]
	case "narrow":
		return full[:1]
	}
	return ""
}

func (f dateFormat) textDate(t time.Time) string {
	s := f.mark("month", name(t.Month().String(), f.month, 3))
	if f.day != "" {
		s += " " + f.mark("day", pad(t.Day(), f.day == "2-digit"))
	}
	if f.year != "" {
		if f.day != "" {
			s += ","
		}
		s += " " + f.yearText(t)
	}
	return s
}

func (f dateFormat) yearText(t time.Time) string {
	y := t.Year()
	if y <= 0 {
		y = 1 - y // years before 1 count back from 1 BC
	}
	if f.year == "2-digit" {
		return f.mark("year", pad(y%100, true))
	}
	return f.mark("year", strconv.Itoa(y))
}

func (f dateFormat) numericDate(t time.Time) string {
	if f.month == "" && f.day != "" && f.year != "" {
		return fmt.Sprintf("%s (day: %s)", f.yearText(t), pad(t.Day(), f.day == "2-digit"))
	}
	var b strings.Builder
	sep := ""
	pattern := f.loc.date
	for i := 0; i < len(pattern); {
		j := i
		for j < len(pattern) && pattern[j] == pattern[i] {
			j++
		}
		field := ""
		wide := j-i == 2
		switch pattern[i] {
		case 'y':
			if f.year != "" {
				field = f.yearText(t)
			}
		case 'm':
			if f.month != "" {
				field = f.mark("month", pad(int(t.Month()), wide || f.month == "2-digit"))
			}
		case 'd':
			if f.day != "" {
				field = f.mark("day", pad(t.Day(), wide || f.day == "2-digit"))
			}
		}
		if field != "" {
			if b.Len() > 0 {
				b.WriteString(sep)
			}
			b.WriteString(field)
		}
		if j < len(pattern) {
			sep = pattern[j : j+1]
			j++
		}
		i = j
	}
	return b.String()
}

func pad(n int, wide bool) string {
	if wide && n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func (f dateFormat) formatClock(t time.Time) string {
	var parts []string
	half := ""
	if f.hour != "" {
		h := t.Hour()
		wide := f.hour == "2-digit" || f.loc.padHour
		switch f.hours {
		case "h12", "h11":
			half = f.loc.am
			if h >= 12 {
				half = f.loc.pm
			}
			if h %= 12; h == 0 && f.hours == "h12" {
				h = 12
			}
			wide = f.hour == "2-digit"
		case "h24":
			if h == 0 {
				h = 24
			}
			wide = true
		default:
			wide = wide || f.loc.clock12
		}
		parts = append(parts, f.mark("hour", pad(h, wide)))
	}
	if f.minute != "" {
		parts = append(parts, f.mark("minute", pad(t.Minute(), f.hour != "" || f.second != "")))
	}
	if f.second != "" {
		parts = append(parts, f.mark("second", pad(t.Second(), f.minute != "")))
	}
	s := strings.Join(parts, ":")
	if f.fraction > 0 {
		frac := fmt.Sprintf("%03d", t.Nanosecond()/1e6)[:f.fraction]
		if f.second != "" {
			s += "."
		}
		s += f.mark("fractionalSecond", frac)
	}
	if half != "" {
		s += " " + f.mark("dayPeriod", half)
	}
	if zone := f.zoneText(t); zone != "" {
		if s != "" {
			s += " "
		}
		s += f.mark("timeZoneName", zone)
	}
	return s
}

// americanZones are the abbreviations that en-US has; all other zones show their offset.
var americanZones = map[string]bool{
	"EST": true, "EDT": true, "CST": true, "CDT": true, "MST": true, "MDT": true, "PST": true, "PDT": true, "AKST": true, "AKDT": true, "HST": true,
}

func (f dateFormat) zoneText(t time.Time) string {
	if f.zoneName == "" {
		return ""
	}
	abbr, offset := t.Zone()
	if f.zone == time.UTC || abbr == "UTC" {
		switch f.zoneName {
		case "long":
			return longZone(t.In(time.UTC))
		case "short":
			return "UTC"
		}
	}
	if f.zoneName == "short" && americanZones[abbr] && (strings.HasPrefix(f.zone.String(), "America/") || strings.HasPrefix(f.zone.String(), "US/") || f.zone.String() == "Pacific/Honolulu" || f.zone == time.Local) {
		return abbr
	}
	if f.zoneName == "long" {
		if name, ok := knownZone(t); ok {
			return name
		}
	}
	if f.zoneName == "longOffset" || offset == 0 {
		return longOffset(offset)
	}
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	h, m := offset/3600, offset/60%60
	if m == 0 {
		return fmt.Sprintf("GMT%c%d", sign, h)
	}
	return fmt.Sprintf("GMT%c%d:%02d", sign, h, m)
}
