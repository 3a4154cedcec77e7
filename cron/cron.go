// Package cron reads the expressions of cron triggers and says when they fire, in UTC.
//
// An expression has five fields: minute, hour, day of the month, month, day of the week.
// Each is a list of values, ranges and steps, of which ranges may go past the end of the
// field ("FRI-MON"). Months and days of the week have names of three letters; days of
// the week are numbered from 1, which is Sunday. The days of the month may be L (the last
// one), L-3 (three before it), 15W (the working day next to the 15th, in the same month)
// or LW; those of the week 6L (the last Friday of the month) or 6#2 (the second one). As
// in cron, a time fires when one of the two fields matches where both are restricted.
//
// Expressions are values that do not change; any goroutine.
package cron

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Expression is a parsed cron expression.
type Expression struct {
	minutes, hours, months uint64 // bits of the values
	days                   days
	weekdays               weekdays
}

// days are the days of the month.
type days struct {
	any  bool
	bits uint64 // where neither last nor weekday is set
	// last counts from the end of the month, before it by offset; otherwise day is meant.
	last, weekday bool
	offset, day   int
}

// weekdays are the days of the week, from 0 for Sunday.
type weekdays struct {
	any  bool
	bits uint64
	day  time.Weekday // for last and nth
	last bool
	nth  int // 0 for none
}

// field is what a field may hold.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on
}

var (
	minuteField  = field{name: "minute", max: 59}
	hourField    = field{name: "hour", max: 23}
	dayField     = field{name: "day of the month", min: 1, max: 31}
	monthField   = field{name: "month", min: 1, max: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}}
	weekdayField = field{name: "day of the week", min: 1, max: 7, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
)

// Parse reads an expression. The error says which field is wrong.
func Parse(text string) (*Expression, error) {
	f := strings.Fields(text)
	if len(f) != 5 {
		return nil, fmt.Errorf("it has %d fields instead of 5: minute, hour, day of the month, month, day of the week", len(f))
	}
	e := &Expression{}
	var err error
	if e.minutes, err = minuteField.parse(f[0]); err != nil {
		return nil, err
	}
	if e.hours, err = hourField.parse(f[1]); err != nil {
		return nil, err
	}
	if e.days, err = parseDays(f[2]); err != nil {
		return nil, err
	}
	if e.months, err = monthField.parse(f[3]); err != nil {
		return nil, err
	}
	if e.weekdays, err = parseWeekdays(f[4]); err != nil {
		return nil, err
	}
	if !e.possible() {
		return nil, fmt.Errorf("it never fires: no such month has such a day")
	}
	return e, nil
}

func (f *field) wrong(text string) error { return fmt.Errorf("%q is not a %s", text, f.name) }

// parse reads a list.
func (f *field) parse(text string) (uint64, error) {
	if text == "*" {
		return f.span(f.min, f.max, 1), nil
	}
	var set uint64
	for item := range strings.SplitSeq(text, ",") {
		values, step, stepped := strings.Cut(item, "/")
		from, to, err := f.rangeOf(values)
		if err != nil {
			return 0, err
		}
		by := 1
		if stepped {
			if by, err = strconv.Atoi(step); err != nil || by < 1 || by > f.max-f.min || step[0] == '+' {
				return 0, f.wrong(item)
			}
			if !strings.Contains(values, "-") {
				to = f.max
			}
		}
		set |= f.span(from, to, by)
	}
	return set, nil
}

// rangeOf reads *, a value or a range.
func (f *field) rangeOf(text string) (from, to int, err error) {
	if text == "*" {
		return f.min, f.max, nil
	}
	a, b, isRange := strings.Cut(text, "-")
	if from, err = f.value(a); err != nil || !isRange {
		return from, from, err
	}
	to, err = f.value(b)
	return from, to, err
}

func (f *field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(name, text) {
			return f.min + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max || text[0] == '+' || text[0] == '-' {
		return 0, f.wrong(text)
	}
	return n, nil
}

// span is every step-th value of a range, which may go past the end.
func (f *field) span(from, to, step int) (set uint64) {
	if to < from {
		to += f.max - f.min + 1
	}
	for v := from; v <= to; v += step {
		set |= 1 << (f.min + (v-f.min)%(f.max-f.min+1))
	}
	return set
}

func parseDays(text string) (d days, err error) {
	upper := strings.ToUpper(text)
	if upper == "*" {
		d.any = true
		return d, nil
	}
	rest, working := strings.CutSuffix(upper, "W")
	if after, ok := strings.CutPrefix(rest, "L"); ok {
		d.last, d.weekday = true, working
		if after == "" {
			return d, nil
		}
		n, isOffset := strings.CutPrefix(after, "-")
		if d.offset, err = dayField.value(n); err != nil || !isOffset || d.offset > 30 {
			return d, dayField.wrong(text)
		}
		return d, nil
	}
	if working {
		d.weekday = true
		if d.day, err = dayField.value(rest); err != nil {
			return d, dayField.wrong(text)
		}
		return d, nil
	}
	d.bits, err = dayField.parse(upper)
	return d, err
}

func parseWeekdays(text string) (w weekdays, err error) {
	upper := strings.ToUpper(text)
	if upper == "*" {
		w.any = true
		return w, nil
	}
	if upper == "L" { // the last day of a week
		upper = "SAT"
	}
	day, isLast := strings.CutSuffix(upper, "L")
	day, nth, isNth := strings.Cut(day, "#")
	if isLast || isNth {
		n, err := weekdayField.value(day)
		if err != nil || isLast && isNth {
			return w, weekdayField.wrong(text)
		}
		w.day, w.last = time.Weekday(n-1), isLast
		if isNth {
			if len(nth) != 1 || nth[0] < '1' || nth[0] > '5' {
				return w, weekdayField.wrong(text)
			}
			w.nth = int(nth[0] - '0')
		}
		return w, nil
	}
	set, err := weekdayField.parse(upper)
	w.bits = set >> 1
	return w, err
}

// possible reports whether any month has such a day.
func (e *Expression) possible() bool {
	if e.days.any || !e.weekdays.any {
		return true
	}
	first := 1
	switch {
	case e.days.last:
		first = e.days.offset + 1
	case e.days.weekday:
		first = e.days.day
	default:
		first = bits.TrailingZeros64(e.days.bits)
	}
	for m := time.January; m <= time.December; m++ {
		if e.months&(1<<m) != 0 && first <= daysIn(2000, m) { // a leap year
			return true
		}
	}
	return false
}

func daysIn(year int, m time.Month) int { return time.Date(year, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// matches reports whether the expression fires on a day.
func (e *Expression) matches(day time.Time) bool {
	switch {
	case e.months&(1<<day.Month()) == 0:
		return false
	case e.days.any:
		return e.weekdays.matches(day)
	case e.weekdays.any:
		return e.days.matches(day)
	}
	return e.days.matches(day) || e.weekdays.matches(day)
}

func (d *days) matches(t time.Time) bool {
	if d.any {
		return true
	}
	length := daysIn(t.Year(), t.Month())
	want := d.day
	switch {
	case d.last:
		want = length - d.offset
	case !d.weekday:
		return d.bits&(1<<t.Day()) != 0
	}
	if want < 1 || want > length {
		return false
	}
	if d.weekday {
		want = workingDay(t.Year(), t.Month(), want, length)
	}
	return t.Day() == want
}

// workingDay is the day from Monday to Friday next to a day, in the same month.
func workingDay(year int, m time.Month, day, length int) int {
	switch time.Date(year, m, day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == length {
			return day - 2
		}
		return day + 1
	}
	return day
}

func (w *weekdays) matches(t time.Time) bool {
	switch {
	case w.any:
		return true
	case w.last:
		return t.Weekday() == w.day && t.Day()+7 > daysIn(t.Year(), t.Month())
	case w.nth > 0:
		return t.Weekday() == w.day && (t.Day()-1)/7+1 == w.nth
	}
	return w.bits&(1<<t.Weekday()) != 0
}

// Next is the first minute after t at which the expression fires. ok is false where that
// is not within the next 50 years.
func (e *Expression) Next(t time.Time) (next time.Time, ok bool) {
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	end := t.AddDate(50, 0, 0)
	for day := t; day.Before(end); {
		if e.months&(1<<day.Month()) == 0 {
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if e.matches(day) {
			for h := day.Hour(); h < 24; h++ {
				if e.hours&(1<<h) == 0 {
					continue
				}
				first := 0
				if h == day.Hour() {
					first = day.Minute()
				}
				if left := e.minutes >> first; left != 0 {
					return time.Date(day.Year(), day.Month(), day.Day(), h, first+bits.TrailingZeros64(left), 0, 0, time.UTC), true
				}
			}
		}
		day = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}, false
}
