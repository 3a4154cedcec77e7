package natives

import (
	"strings"
	"testing"
	"time"
)

// What workerd shows; conformance/differential asks it for much more.
func TestDatesOfLanguages(t *testing.T) {
	const d = "new Date(Date.UTC(2026, 0, 5, 3, 4, 9, 7)).toLocaleString"
	for _, c := range []struct{ src, want string }{
		{d + `("en-GB", { timeZoneName: "long" })`, "05/01/2026, 3:04:09 Coordinated Universal Time"},
		{d + `("en-GB", { timeZone: "Europe/London", timeZoneName: "short" })`, "05/01/2026, 3:04:09 GMT"},
		{d + `("en-GB", { timeZone: "Europe/Berlin", timeZoneName: "long", hour: "numeric" })`, "04 Central European Standard Time"},
		{d + `("en-GB", { timeZone: "Europe/Berlin", timeZoneName: "short", hour: "numeric", minute: "2-digit" })`, "04:04 CET"},
		{d + `("en-GB", { timeZone: "America/New_York", timeZoneName: "short", year: "numeric" })`, "2026, GMT-5"},
		{d + `("en-US", { timeZone: "America/New_York", timeZoneName: "longGeneric", year: "numeric" })`, "2026, Eastern Time"},
		{d + `("en-US", { timeZone: "America/New_York", timeZoneName: "shortGeneric", hour: "numeric" })`, "10 PM ET"},
		{d + `("en-US", { timeZone: "Asia/Kolkata", timeZoneName: "longGeneric", hour: "numeric" })`, "8 AM India Standard Time"},
		{d + `("en-GB", { year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" })`, "5 January 2026 at 03:04"},
		{d + `("en-GB", { hour: "numeric", minute: "2-digit", hour12: true })`, "3:04 am"},
		{d + `("en-GB", { weekday: "short", month: "short", day: "2-digit" })`, "Mon 05 Jan"},
		{d + `("en-US", { weekday: "short", month: "long" })`, "Mon (month: January)"},
		{d + `("en-US", { year: "2-digit", day: "numeric" })`, "5 26"},
		{d + `("en-US", { hour: "numeric", second: "numeric" })`, "3 AM (second: 9)"},
		{d + `("en-US", { hour: "numeric", dayPeriod: "long" })`, "3 in the morning"},
		{d + `("en-US", { dayPeriod: "narrow" })`, "in the morning"},
		{d + `("en-US", { era: "short" })`, "1/5/2026 AD, 3:04:09 AM"},
		{d + `("en-US", { minute: "2-digit", second: "2-digit", fractionalSecondDigits: 2 })`, "04:09.00"},
		{d + `("de", { dateStyle: "full", timeStyle: "full" })`, "Montag, 5. Januar 2026 um 03:04:09 Koordinierte Weltzeit"},
		{d + `("de", { month: "short", year: "numeric" })`, "Jan. 2026"},
		{d + `("de", { month: "short" })`, "Jan"},
		{d + `("de", { timeZone: "Europe/Berlin", timeZoneName: "short", hour: "numeric" })`, "04 Uhr MEZ"},
		{d + `("fr", { dateStyle: "long", timeStyle: "short" })`, "5 janvier 2026 à 03:04"},
		{d + `("fr", { timeZone: "America/New_York", timeZoneName: "shortOffset", hour: "numeric" })`, "22 h UTC−5"},
		{d + `("es", { weekday: "long", year: "numeric", month: "long", day: "numeric" })`, "lunes, 5 de enero de 2026"},
		{d + `("ja", { dateStyle: "full", timeStyle: "short" })`, "2026年1月5日月曜日 3:04"},
		{`new Date(1704067200000).toLocaleString("en-US", { hour12: false })`, "1/1/2024, 00:00:00"},
		{`(() => { let r; try { new Date(0).toLocaleString("en-US", { dateStyle: "short", year: "numeric" }) } catch (e) { r = String(e) } return r })()`, "TypeError: Invalid option : option"},
		{`JSON.stringify(new Intl.DateTimeFormat("en-GB", { timeZone: "UTC" }).resolvedOptions())`, `{"locale":"en-GB","calendar":"gregory","numberingSystem":"latn","timeZone":"UTC","year":"numeric","month":"2-digit","day":"2-digit"}`},
		{`JSON.stringify(new Intl.DateTimeFormat("en-US", { timeZone: "UTC", timeStyle: "short", hour12: false }).resolvedOptions())`, `{"locale":"en-US","calendar":"gregory","numberingSystem":"latn","timeZone":"UTC","hourCycle":"h23","hour12":false,"timeStyle":"short"}`},
	} {
		rt := newRuntime(t, Limits{})
		if !strings.Contains(c.src, "timeZone:") {
			c.src = strings.Replace(c.src, `", { `, `", { timeZone: "UTC", `, 1)
		}
		v, err := rt.RunString(c.src)
		if err != nil || v.String() != c.want {
			t.Errorf("%s: %v %v, want %s", c.src, v, err, c.want)
		}
	}
}

// Every choice of fields has a pattern, and every pattern is one that the code can read.
func TestPatternsOfAllLanguages(t *testing.T) {
	for tag, w := range dateWordsOf {
		if len(w.index) != 2*4*3*6*3 {
			t.Errorf("%s has %d choices", tag, len(w.index))
		}
		for _, i := range []byte(w.index) {
			if int(i) >= len(w.patterns) {
				t.Fatalf("%s has no pattern %d", tag, i)
			}
		}
		f := dateFormat{loc: &locale{tag: tag, words: w, decimal: "."}, zone: time.UTC, hours: "h12", era: "long", weekday: "long", month: "long", period: "long"}
		all := append(append(append(append([]string{}, w.patterns...), w.clocks[0][:]...), w.clocks[1][:]...), w.periodClocks[:]...)
		for _, list := range [][]string{all, w.dateStyles[:], w.timeStyles[:], w.styleJoins[:], w.joins[:]} {
			for _, p := range list {
				fields(p, func(string) {}, func(letter byte, n int) {
					if kind, text := f.field(time.Date(2026, 1, 5, 3, 4, 9, 0, time.UTC), letter, n); kind == "timeZoneName" && letter != 'z' || letter != 'z' && text == "" {
						t.Errorf("%s: the letter %c of %q", tag, letter, p)
					}
				})
			}
		}
	}
}
