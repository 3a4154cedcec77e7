package natives

import (
	"strings"
	"time"

	"github.com/dop251/goja"
)

// Time zones have names of the zone data of the system, in one spelling; scripts may
// write them in any. Their long names are those of English.

// dateTextTable has what shows the name of the zone. The engine shows its abbreviation.
var dateTextTable = table{path: "Date.prototype", funcs: []entry{
	{name: "toString", length: 0, make: dateText},
	{name: "toTimeString", length: 0, make: dateText},
}}

func dateText(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		v := prev(c)
		o, ok := c.This.(*goja.Object)
		if !ok {
			return v
		}
		t, ok := o.Export().(time.Time)
		text := v.String()
		open := strings.LastIndexByte(text, '(')
		if !ok || open < 0 {
			return v
		}
		return e.rt.ToValue(text[:open] + "(" + longZone(t.In(time.Local)) + ")")
	}
}

// shortNames are the abbreviations that a locale has; all other zones show their offset.
var shortNames = map[string]map[string]bool{
	"America": {"EST": true, "EDT": true, "CST": true, "CDT": true, "MST": true, "MDT": true, "PST": true, "PDT": true, "AKST": true, "AKDT": true, "HST": true},
	"Europe":  {"GMT": true, "BST": true, "CET": true, "CEST": true, "EET": true, "EEST": true, "WET": true, "WEST": true},
}

var germanNames = map[string]string{"CET": "MEZ", "CEST": "MESZ", "EET": "OEZ", "EEST": "OESZ", "WET": "WEZ", "WEST": "WESZ"}

// shortName is the abbreviation of the zone of a time, where the locale has one.
func (f *dateFormat) shortName(t time.Time) string {
	abbr, _ := t.Zone()
	zone := f.zone.String()
	region, _, _ := strings.Cut(zone, "/")
	if region == "US" || zone == "Pacific/Honolulu" {
		region = "America"
	}
	of := "America"
	if f.loc.tag == "en-GB" || f.loc.tag == "de" {
		of = "Europe"
	}
	local := f.zone == time.Local // the system does not say which one it is
	switch {
	case !shortNames[of][abbr] || region != of && !local:
		return ""
	case f.loc.tag == "de":
		return germanNames[abbr]
	case !strings.HasPrefix(f.loc.tag, "en-"):
		return ""
	}
	return abbr
}

// genericName is the name of a zone that does not say whether its clocks are forward.
func (f *dateFormat) genericName(t time.Time) string {
	year := t.In(f.zone).Year()
	_, winter := time.Date(year, 1, 1, 0, 0, 0, 0, f.zone).Zone()
	_, summer := time.Date(year, 7, 1, 0, 0, 0, 0, f.zone).Zone()
	if f.zoneName == "shortGeneric" {
		if short := f.shortName(t); len(short) > 2 && short != "GMT" && short != "BST" && winter != summer {
			switch f.loc.tag {
			case "en-GB": // CEST and CET are CET
				return strings.TrimSuffix(short[:len(short)-1], "S") + "T"
			case "de":
				return strings.TrimSuffix(short[:len(short)-1], "S") + "Z"
			}
			return short[:len(short)-2] + "T"
		}
		return ""
	}
	name, ok := knownZone(t)
	switch {
	case !ok || f.zone == time.UTC || name == "Greenwich Mean Time" || name == "British Summer Time":
		return ""
	case winter == summer:
		return name
	}
	for _, season := range []string{" Standard ", " Daylight ", " Summer "} {
		name = strings.Replace(name, season, " ", 1)
	}
	return name
}

// zoneText is what stands for the zone of a time.
func (f *dateFormat) zoneText(t time.Time) string {
	_, offset := t.Zone()
	switch f.zoneName {
	case "short", "long":
		if f.zone == time.UTC && f.zoneName == "short" {
			return "UTC"
		}
		name, ok := f.shortName(t), true
		if f.zoneName == "long" {
			name, ok = knownZone(t)
			if f.zone == time.UTC {
				name = f.loc.words.utc
			}
		}
		if ok && name != "" {
			return name
		}
		if offset == 0 && strings.HasPrefix(f.loc.tag, "en-") {
			return f.loc.gmt()
		}
	case "shortGeneric", "longGeneric":
		if name := f.genericName(t); name != "" {
			return name
		}
	}
	sign := "+"
	if offset < 0 {
		sign, offset = f.loc.minus(), -offset
	}
	h, m := offset/3600, offset/60%60
	if strings.HasPrefix(f.zoneName, "long") {
		return f.loc.gmt() + sign + twoDigits(h) + ":" + twoDigits(m)
	}
	text := f.loc.gmt() + sign + itoa(int64(h))
	if m != 0 {
		text += ":" + twoDigits(m)
	}
	return text
}

// longZone is the English name of the zone of a time, or its offset where it is not
// among those that are known.
func longZone(t time.Time) string {
	if name, ok := knownZone(t); ok {
		return name
	}
	_, offset := t.Zone()
	return longOffset(offset)
}

// knownZone is the English name of the zone of a time, where it is among those that are
// known.
func knownZone(t time.Time) (name string, ok bool) {
	abbr, _ := t.Zone()
	zone := t.Location().String()
	if name, ok := zoneNames[zone]; ok {
		return name, true
	}
	region, _, _ := strings.Cut(zone, "/")
	if t.Location() == time.Local {
		region = "" // the system does not say which one it is
	}
	for _, names := range []map[string]string{regionNames[region], abbreviatedNames} {
		if name, ok := names[abbr]; ok {
			return name, true
		}
	}
	return "", false
}

// longOffset is an offset in seconds as GMT+05:30.
func longOffset(offset int) string {
	if offset == 0 {
		return "GMT"
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	return "GMT" + sign + twoDigits(offset/3600) + ":" + twoDigits(offset/60%60)
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// abbreviatedNames are those that an abbreviation has anywhere.
var abbreviatedNames = map[string]string{
	"UTC": "Coordinated Universal Time", "GMT": "Greenwich Mean Time", "BST": "British Summer Time",
	"CET": "Central European Standard Time", "CEST": "Central European Summer Time", "EET": "Eastern European Standard Time",
	"EEST": "Eastern European Summer Time", "WET": "Western European Standard Time", "WEST": "Western European Summer Time", "MSK": "Moscow Standard Time",
	"EST": "Eastern Standard Time", "EDT": "Eastern Daylight Time", "CST": "Central Standard Time", "CDT": "Central Daylight Time",
	"MST": "Mountain Standard Time", "MDT": "Mountain Daylight Time", "PST": "Pacific Standard Time", "PDT": "Pacific Daylight Time",
	"AKST": "Alaska Standard Time", "AKDT": "Alaska Daylight Time", "HST": "Hawaii-Aleutian Standard Time", "HDT": "Hawaii-Aleutian Daylight Time",
	"AST": "Atlantic Standard Time", "ADT": "Atlantic Daylight Time", "NST": "Newfoundland Standard Time", "NDT": "Newfoundland Daylight Time",
	"JST": "Japan Standard Time", "KST": "Korean Standard Time", "HKT": "Hong Kong Standard Time", "PKT": "Pakistan Standard Time",
	"WIB": "Western Indonesia Time", "WITA": "Central Indonesia Time", "WIT": "Eastern Indonesia Time",
	"AEST": "Australian Eastern Standard Time", "AEDT": "Australian Eastern Daylight Time", "ACST": "Australian Central Standard Time",
	"ACDT": "Australian Central Daylight Time", "AWST": "Australian Western Standard Time", "NZST": "New Zealand Standard Time", "NZDT": "New Zealand Daylight Time",
	"SAST": "South Africa Standard Time", "EAT": "East Africa Time", "CAT": "Central Africa Time", "WAT": "West Africa Standard Time",
}

// regionNames are those that an abbreviation has in one part of the world.
var regionNames = map[string]map[string]string{
	"Europe": {"IST": "Irish Standard Time"},
	"Asia":   {"CST": "China Standard Time", "IST": "India Standard Time", "PST": "Philippine Standard Time"},
}

// zoneNames are those of zones whose abbreviation is a number, or another zone's.
var zoneNames = map[string]string{
	"Asia/Singapore": "Singapore Standard Time", "Asia/Dubai": "Gulf Standard Time", "Asia/Taipei": "Taipei Standard Time", "Asia/Bangkok": "Indochina Time",
	"America/Sao_Paulo": "Brasilia Standard Time", "America/Argentina/Buenos_Aires": "Argentina Standard Time", "America/Buenos_Aires": "Argentina Standard Time",
	"America/Bogota": "Colombia Standard Time", "America/Lima": "Peru Standard Time",
}

// hourCycleOf is the hour cycle that a tag asks for, "en-u-hc-h23"; of a list it is the
// first one's.
func hourCycleOf(v goja.Value) string {
	if o, ok := v.(*goja.Object); ok && o.ClassName() == "Array" {
		v = o.Get("0")
	}
	tag, ok := v.(goja.String)
	if !ok {
		return ""
	}
	_, extension, _ := strings.Cut(strings.ToLower(tag.String()), "-u-")
	_, c, _ := strings.Cut("-"+extension, "-hc-")
	c, _, _ = strings.Cut(c, "-")
	switch c {
	case "h11", "h12", "h23", "h24":
		return c
	}
	return ""
}

// loadZone finds a zone by its name in any spelling.
func loadZone(name string) (*time.Location, error) {
	z, err := time.LoadLocation(name)
	if err == nil {
		return z, nil
	}
	for _, spelled := range []string{spellZone(name), strings.ToUpper(name)} {
		if spelled != name {
			if z, err := time.LoadLocation(spelled); err == nil {
				return z, nil
			}
		}
	}
	return nil, err
}

// oddZones are the names whose parts are no capitalised words.
var oddZones = func() map[string]string {
	names := map[string]string{}
	for _, name := range []string{"Africa/Dar_es_Salaam", "Africa/El_Aaiun", "America/Argentina/ComodRivadavia", "America/Port_of_Spain", "America/Port-au-Prince",
		"Antarctica/DumontDUrville", "Antarctica/McMurdo", "Asia/Ust-Nera", "Europe/Isle_of_Man", "GB-Eire", "Mexico/BajaNorte", "Mexico/BajaSur", "NZ-CHAT"} {
		names[strings.ToLower(name)] = name
	}
	return names
}()

// spellZone writes a name as the zone data do: each word with a capital, and GMT and US
// in capitals.
func spellZone(name string) string {
	lower := strings.ToLower(name)
	if odd, ok := oddZones[lower]; ok {
		return odd
	}
	b := []byte(lower)
	start := true
	for i, c := range b {
		if start && 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
		start = c == '/' || c == '_' || c == '-'
	}
	spelled := string(b)
	if rest, ok := strings.CutPrefix(spelled, "Us/"); ok {
		return "US/" + rest
	}
	if rest, ok := strings.CutPrefix(spelled, "Etc/Gmt"); ok {
		return "Etc/GMT" + rest
	}
	return spelled
}
