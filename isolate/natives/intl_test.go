package natives

import "testing"

func TestIntl(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(1234.5)`, `"$1,234.50"`},
		{`[Intl.NumberFormat("en").format(12345678901234567890n), [1, 2].map(new Intl.NumberFormat("en", { minimumFractionDigits: 1 }).format), new Intl.NumberFormat() instanceof Intl.NumberFormat, Intl.NumberFormat() instanceof Intl.NumberFormat]`, `["12,345,678,901,234,567,890" ["1.0" "2.0"] true true]`},
		{`new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).formatToParts(-1234.5).map(p => p.type + p.value).join("|")`, `"minusSign-|currency$|integer1|group,|integer234|decimal.|fraction50"`},
		{`new Intl.NumberFormat("de", { style: "currency", currency: "EUR" }).formatToParts(1234.5).map(p => p.type).join()`, `"integer,group,integer,decimal,fraction,literal,currency"`},
		{`new Intl.NumberFormat("en", { notation: "compact" }).formatToParts(12345).map(p => p.type + p.value).join()`, `"integer12,compactK"`},
		{`[16, 1].map(new Intl.NumberFormat("en", { style: "unit", unit: "kilometer-per-hour" }).format).concat([1, 2].map(new Intl.NumberFormat("en", { style: "unit", unit: "day", unitDisplay: "long" }).format), new Intl.NumberFormat("en", { style: "unit", unit: "celsius" }).format(21))`, `["16 km/h" "1 km/h" "1 day" "2 days" "21°C"]`},
		{`new Intl.NumberFormat("en", { style: "unit" })`, `throws TypeError: Unit is required with unit style.`},
		{`new Intl.NumberFormat("en", { style: "unit", unit: "parsec" })`, `throws RangeError: Invalid unit argument for Intl.NumberFormat() 'parsec'`},
		{`Object.values(new Intl.NumberFormat("de-DE").resolvedOptions()).slice(0, 3)`, `["de-DE" "latn" "decimal"]`},
		{`[new Intl.DateTimeFormat("en-US", { timeZone: "UTC" }).format(0), new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York", dateStyle: "medium", timeStyle: "short" }).format(0), new Intl.DateTimeFormat("en-US", { timeZone: "Asia/Kolkata", hour: "numeric", minute: "2-digit", timeZoneName: "short" }).format(0)]`, `["1/1/1970" "Dec 31, 1969, 7:00 PM" "5:30 AM GMT+5:30"]`},
		{`new Intl.DateTimeFormat("en-US", { timeZone: "Europe/Berlin", weekday: "long", year: "numeric", month: "long", day: "numeric", hour: "numeric" }).formatToParts(1e12).map(p => p.type + ":" + p.value).join("|")`, `"weekday:Sunday|literal:, |month:September|literal: |day:9|literal:, |year:2001|literal: at |hour:3|literal: |dayPeriod:AM"`},
		{`new Intl.DateTimeFormat("en-GB", { timeZone: "UTC" }).formatToParts(1e12).map(p => p.value).join("")`, `"09/09/2001"`},
		{`[Object.keys(new Intl.DateTimeFormat("en-US", { timeZone: "Asia/Tokyo", hour: "numeric" }).resolvedOptions()), new Intl.DateTimeFormat("en-US", { timeZone: "Asia/Tokyo" }).resolvedOptions().timeZone]`, `[["locale" "calendar" "numberingSystem" "timeZone" "hourCycle" "hour12" "hour"] "Asia/Tokyo"]`},
		{`["EUROPE/BERLIN", "asia/tokyo", "america/port_of_spain", "us/pacific", "etc/gmt+5", "utc"].map(timeZone => new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone)`, `["Europe/Berlin" "Asia/Tokyo" "America/Port_of_Spain" "US/Pacific" "Etc/GMT+5" "UTC"]`},
		{`["Europe/Berlin", "America/New_York", "Asia/Shanghai", "America/Chicago", "Asia/Singapore", "UTC", "Asia/Kathmandu"].map(timeZone => new Intl.DateTimeFormat("en", { timeZone, hour: "numeric", timeZoneName: "long" }).format(17e11))`, `["11 PM Central European Standard Time" "5 PM Eastern Standard Time" "6 AM China Standard Time" "4 PM Central Standard Time" "6 AM Singapore Standard Time" "10 PM Coordinated Universal Time" "3 AM GMT+05:45"]`},
		{`[new Intl.DateTimeFormat("en-u-hc-h23", { timeZone: "UTC", hour: "numeric", minute: "numeric" }).format(0), new Intl.DateTimeFormat(["de-u-ca-gregory-hc-h12"], { timeZone: "UTC", hour: "numeric" }).resolvedOptions().hourCycle, new Intl.DateTimeFormat("en-u-hc-h23", { hour: "numeric", hourCycle: "h12" }).resolvedOptions().hourCycle]`, `["00:00" "h12" "h12"]`},
		{`[/^Thu Jan 01 1970 .*GMT\+0000 \(Coordinated Universal Time\)$/.test(String(new Date(0))) || new Date(0).getTimezoneOffset() !== 0, String(new Date(NaN)), new Date(NaN).toTimeString(), Date.prototype.toTimeString.length]`, `[true "Invalid Date" "Invalid Date" 0]`},
		{`new Intl.DateTimeFormat("en", { timeZone: "Nope/X" })`, `throws RangeError: Invalid time zone specified: Nope/X`},
		{`new Intl.DateTimeFormat("en").format(NaN)`, `throws RangeError: Invalid time value`},
		{`new Intl.DateTimeFormat("en-US", { timeZone: "UTC" }).formatRange(0, 3 * 864e5)`, `"1/1/1970 – 1/4/1970"`},
		{`[["ä", "z", "a", "B"].sort(new Intl.Collator("en").compare), ["a10", "a2"].sort(new Intl.Collator(undefined, { numeric: true }).compare), new Intl.Collator("en", { sensitivity: "base" }).compare("a", "Á")]`, `[["a" "ä" "B" "z"] ["a2" "a10"] 0]`},
		{`[[1, 2, 3, 4, 11, 21, 112].map(n => new Intl.PluralRules("en", { type: "ordinal" }).select(n)), [0, 1, 2, 5, 21].map(n => new Intl.PluralRules("ru").select(n)), new Intl.PluralRules("en", { minimumFractionDigits: 1 }).select(1), new Intl.PluralRules("ar").resolvedOptions().pluralCategories]`, `[["one" "two" "few" "other" "other" "one" "other"] ["many" "one" "few" "many" "one"] "other" ["zero" "one" "two" "few" "many" "other"]]`},
		{`[-1, 0, 1, 2].map(n => new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(n, "day")).concat([-1, 1.5].map(n => new Intl.RelativeTimeFormat("en").format(n, "months")), new Intl.RelativeTimeFormat("en", { style: "short" }).format(-2, "hour"), new Intl.RelativeTimeFormat("en", { style: "narrow" }).format(3, "minute"))`, `["yesterday" "today" "tomorrow" "in 2 days" "1 month ago" "in 1.5 months" "2 hr. ago" "in 3m"]`},
		{`new Intl.RelativeTimeFormat("en").format(1, "fortnight")`, `throws RangeError: Invalid unit argument for format() 'fortnight'`},
		{`[new Intl.ListFormat("en").format(["a", "b", "c"]), new Intl.ListFormat("en", { type: "disjunction" }).format(new Set(["a", "b"])), new Intl.ListFormat("en").format([]), new Intl.ListFormat("en").formatToParts(["x", "y"]).length]`, `["a, b, and c" "a or b" "" 3]`},
		{`new Intl.ListFormat("en").format([1])`, `throws TypeError: Iterable yielded 1 which is not a string`},
		{`[[...new Intl.Segmenter("en").segment("e\u0301👨‍👩‍👧x")].map(s => s.segment.length + ":" + s.index), [...new Intl.Segmenter("en", { granularity: "word" }).segment("Hello, big world 42!")].filter(s => s.isWordLike).map(s => s.segment), [...new Intl.Segmenter("en", { granularity: "sentence" }).segment("One. Two? Three")].length, new Intl.Segmenter("en").segment("abc").containing(1).segment, new Intl.Segmenter("en").segment("abc").containing(9)]`, `[["2:0" "8:2" "1:10"] ["Hello" "big" "world" "42"] 3 "b" undefined]`},
		{`[new Intl.DisplayNames("en", { type: "region" }).of("US"), new Intl.DisplayNames(["de"], { type: "language" }).of("fr"), new Intl.DisplayNames("en", { type: "currency" }).of("USD"), new Intl.DisplayNames("en", { type: "script" }).of("Latn")]`, `["United States" "Französisch" "US Dollar" "Latin"]`},
		{`[Intl.getCanonicalLocales(["EN-us", "zh-hant-tw", "en-US"]), String(Intl), Intl.DateTimeFormat.supportedLocalesOf(["de-AT", "tlh"])]`, `[["en-US" "zh-Hant-TW"] "[object Intl]" ["de-AT"]]`},
		{`Intl.getCanonicalLocales("x")`, `throws RangeError: Incorrect locale information provided`},
		{`Intl.NumberFormat.prototype.resolvedOptions.call(new Intl.Collator())`, `throws TypeError: Method Intl.NumberFormat.prototype.resolvedOptions called on incompatible receiver #<Object>`},
		{`(() => { class Own extends Intl.NumberFormat { twice(n) { return this.format(n * 2) } } const o = new Own("en"); return [o.twice(700), o instanceof Own, Object.getOwnPropertySymbols(o)] })()`, `["1,400" true []]`},
	} {
		if got := run(t, newRuntime(t, Limits{}), c.src); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}
