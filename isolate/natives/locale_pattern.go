package natives

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dates are written by patterns in which letters stand for fields, more or less those of
// CLDR: G an era, y a year, M a month's number, N and L its name in a date and alone, d a
// day, E and c a weekday's name in a date and alone, H an hour, a its half of the day, B a period
// of the day, m a minute, s a second, S a part of it, z a zone. Two letters are two digits; four letters
// of a name are the long one, three the short one, and one the width that was asked for.
// Text that has letters is in quotes.

// dateWords are the words and patterns of a locale; tables/dates.js writes those of
// locale_words.go.
type dateWords struct {
	clock12                 bool
	months, monthsAlone     [3]string // by width: long, short, narrow
	weekdays, weekdaysAlone [3]string
	eras                    [3]string
	halves                  string
	secondItem, hourItem    string    // before what other fields do not go with: "(second: "
	utc                     string    // the long name of the zone UTC
	periods                 [3]string // by width, of each hour, then midnight and noon
	periodClocks            [5]string // clocks of 12 hours with periods
	dateStyles, timeStyles  [4]string
	styleJoins              [4]string    // between date and time, by dateStyle
	joins                   [5]string    // the same without styles: weekday and long month, long month, short month, number, weekday alone
	clocks                  [2][5]string // of 24 and 12 hours: hour, hour and zone, with minutes, and seconds, with minutes and zone
	patterns                []string     // of dates
	index                   string       // the pattern of each choice of fields, see datePattern
}

var (
	nameWidths = []string{"long", "short", "narrow"}
	styleNames = []string{"full", "long", "medium", "short"}
)

// datePattern is the pattern of the date that was asked for.
func (f *dateFormat) datePattern() string {
	w := f.loc.words
	if f.dateStyle != "" {
		return w.dateStyles[slices.Index(styleNames, f.dateStyle)]
	}
	at := func(field string, choices ...string) int { return 1 + slices.Index(choices, field) }
	n := min(at(f.era, nameWidths...), 1)
	n = n*4 + at(f.weekday, nameWidths...)
	n = n*3 + at(f.year, "numeric", "2-digit")
	n = n*6 + at(f.month, "numeric", "2-digit", "long", "short", "narrow")
	n = n*3 + at(f.day, "numeric", "2-digit")
	return w.patterns[w.index[n]]
}

// clockPattern is the pattern of the time of day that was asked for.
func (f *dateFormat) clockPattern() string {
	w := f.loc.words
	half := f.hours == "h12" || f.hours == "h11"
	c := w.clocks[0]
	if half {
		c = w.clocks[1]
		if f.period != "" {
			c = w.periodClocks
		}
	}
	if f.timeStyle != "" {
		p := w.timeStyles[slices.Index(styleNames, f.timeStyle)]
		if half == w.clock12 {
			return p
		}
		switch f.timeStyle {
		case "full", "long":
			return strings.Replace(c[4], c[2], c[3], 1)
		case "medium":
			return c[3]
		}
		return c[2]
	}
	p := ""
	switch {
	case f.hour != "" && f.minute != "" && f.second != "":
		p = c[3]
		switch {
		case f.zoneName == "long" && half == w.clock12 && f.period == "":
			p = w.timeStyles[0]
		case f.zoneName != "":
			p = strings.Replace(c[4], c[2], p, 1)
		}
	case f.hour != "" && f.minute != "":
		p = c[2]
		if f.zoneName != "" {
			p = c[4]
		}
	case f.hour != "":
		p = c[0]
		if f.zoneName != "" {
			p = c[1]
		}
		switch {
		case f.second == "":
		case !half && f.zoneName == "" && (f.hours == "h24" || f.hour == "2-digit" && f.second == "numeric"):
			p = "s '" + w.hourItem + "'" + p + "')'"
		default:
			p += " '" + w.secondItem + "'s')'"
		}
	case f.minute != "" && f.second != "":
		p = "mm:ss"
	case f.minute != "":
		p = "m"
	case f.second != "":
		p = "s"
	case f.period != "":
		p = "B"
	}
	if f.hour == "" && f.zoneName != "" {
		p = strings.TrimSpace(p + " z")
	}
	if f.hour != "" {
		p = f.hourWidth(p, half)
	}
	if f.fraction > 0 {
		digits := strings.Repeat("S", f.fraction)
		switch at := strings.LastIndexByte(p, 's'); {
		case f.second != "":
			p = p[:at+1] + f.loc.decimal + digits + p[at+1:]
		case p == "":
			p = digits
		default:
			p += " " + digits
		}
	}
	return p
}

// hourWidth gives the hour of a pattern the digits that V8 shows: those of the pattern where it is
// the one of the fields as they were asked for, else as many as were asked for.
func (f *dateFormat) hourWidth(p string, half bool) string {
	padded := strings.Contains(p, "HH")
	switch {
	case f.hour == "2-digit":
		padded = true
	case half || !padded || f.loc.words.clock12:
	case f.minute != "" && f.second != "":
		wideMinutes, wideSeconds := f.minute == "2-digit", f.second == "2-digit"
		switch f.zoneName {
		case "", "shortOffset", "longOffset":
			padded = !(wideMinutes && wideSeconds) && !(f.hours == "h24" && (wideMinutes || wideSeconds))
		case "short", "long":
			padded = false
		}
	case f.minute != "" && f.zoneName == "":
		padded = f.minute == "numeric" && f.hours != "h24"
	}
	p = strings.Replace(p, "HH", "H", 1)
	if padded {
		p = strings.Replace(p, "H", "HH", 1)
	}
	return p
}

// wholePattern is the pattern of all that was asked for.
func (f *dateFormat) wholePattern() string {
	date, clock := f.datePattern(), f.clockPattern()
	switch {
	case date == "" && f.era != "":
		date = "G"
	case f.dateStyle == "" && f.timeStyle != "":
		date = ""
	}
	switch {
	case clock == "":
		return date
	case date == "":
		return clock
	}
	return date + f.joiner() + clock
}

// joiner stands between date and time.
func (f *dateFormat) joiner() string {
	w := f.loc.words
	switch {
	case f.dateStyle != "":
		return w.styleJoins[slices.Index(styleNames, f.dateStyle)]
	case f.month == "long" && f.weekday != "":
		return w.joins[0]
	case f.month == "long":
		return w.joins[1]
	case f.month == "short":
		return w.joins[2]
	case f.weekday != "" && f.year == "" && f.month == "" && f.day == "" && f.era == "":
		return w.joins[4]
	}
	return w.joins[3]
}

// fields calls field for each run of letters of a pattern and text for what is between them.
func fields(pattern string, text func(s string), field func(letter byte, n int)) {
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			end := i + 1 + strings.IndexByte(pattern[i+1:], '\'')
			if end == i+1 {
				text("'")
			} else {
				text(pattern[i+1 : end])
			}
			i = end + 1
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			field(c, n)
			i += n
		default:
			n := 1
			for i+n < len(pattern) && pattern[i+n] >= 0x80 {
				n++
			}
			text(pattern[i : i+n])
			i += n
		}
	}
}

// format writes a time.
func (f *dateFormat) format(t time.Time) string {
	t = t.In(f.zone)
	var b strings.Builder
	fields(f.pattern, func(s string) { b.WriteString(s) }, func(letter byte, n int) {
		kind, text := f.field(t, letter, n)
		b.WriteString(f.mark(kind, text))
	})
	return b.String()
}

// word is one of the words of a width, which the number of letters gives, or the options.
func word(lists [3]string, asked string, letters, i int) string {
	width := slices.Index(nameWidths, asked)
	switch letters {
	case 3:
		width = 1
	case 4:
		width = 0
	}
	return strings.Split(lists[max(width, 0)], "|")[i]
}

func (f *dateFormat) field(t time.Time, letter byte, n int) (kind, text string) {
	w := f.loc.words
	digits := func(v int) string {
		if n == 2 {
			return fmt.Sprintf("%02d", v%100)
		}
		return strconv.Itoa(v)
	}
	switch letter {
	case 'G':
		i := 1
		if t.Year() <= 0 {
			i = 0
		}
		return "era", word(w.eras, f.era, 1, i)
	case 'y':
		y := t.Year()
		if y <= 0 {
			y = 1 - y // years before 1 count back from 1 BC
		}
		return "year", digits(y)
	case 'M':
		return "month", digits(int(t.Month()))
	case 'N':
		return "month", word(w.months, f.month, n, int(t.Month())-1)
	case 'L':
		return "month", word(w.monthsAlone, f.month, n, int(t.Month())-1)
	case 'd':
		return "day", digits(t.Day())
	case 'E':
		return "weekday", word(w.weekdays, f.weekday, n, int(t.Weekday()))
	case 'c':
		return "weekday", word(w.weekdaysAlone, f.weekday, n, int(t.Weekday()))
	case 'H':
		return "hour", digits(f.hourOf(t.Hour()))
	case 'a':
		am, pm, _ := strings.Cut(w.halves, "|")
		if t.Hour() < 12 {
			return "dayPeriod", am
		}
		return "dayPeriod", pm
	case 'B':
		return "dayPeriod", word(w.periods, f.period, 1, f.periodOf(t))
	case 'm':
		return "minute", digits(t.Minute())
	case 's':
		return "second", digits(t.Second())
	case 'S':
		return "fractionalSecond", fmt.Sprintf("%03d", t.Nanosecond()/1e6)[:n]
	default:
		return "timeZoneName", f.zoneText(t)
	}
}

// periodOf is the place of a time in a list of periods. Noon and midnight are those only
// as exactly as the pattern shows.
func (f *dateFormat) periodOf(t time.Time) int {
	exact := (f.minute == "" || t.Minute() == 0) && (f.second == "" || t.Second() == 0)
	switch {
	case exact && t.Hour() == 0:
		return 24
	case exact && t.Hour() == 12:
		return 25
	}
	return t.Hour()
}

// hourOf is an hour in the hour cycle.
func (f *dateFormat) hourOf(h int) int {
	switch {
	case f.hours == "h11":
		return h % 12
	case f.hours == "h12" && h%12 == 0:
		return 12
	case f.hours == "h12":
		return h % 12
	case f.hours == "h24" && h == 0:
		return 24
	}
	return h
}

// shown is what the pattern shows, as options: names and values in turn.
func (f *dateFormat) shown() []string {
	value := map[string]string{}
	fields(f.pattern, func(string) {}, func(letter byte, n int) {
		number := "numeric"
		if n == 2 {
			number = "2-digit"
		}
		switch letter {
		case 'G':
			value["era"] = f.era
		case 'y':
			value["year"] = number
		case 'M':
			value["month"] = number
		case 'N', 'L':
			value["month"] = f.month
		case 'd':
			value["day"] = number
		case 'E', 'c':
			value["weekday"] = f.weekday
		case 'B':
			value["dayPeriod"] = f.period
		case 'H':
			value["hour"] = number
		case 'm':
			value["minute"] = number
		case 's':
			value["second"] = number
		case 'z':
			value["timeZoneName"] = f.zoneName
		}
	})
	var list []string
	for _, name := range []string{"weekday", "era", "year", "month", "day", "dayPeriod", "hour", "minute", "second", "timeZoneName"} {
		list = append(list, name, value[name])
	}
	return list
}
