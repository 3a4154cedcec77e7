package natives

import "strings"

// unit is how English writes a unit: short, and long for one and for several.
type unit struct{ short, one, more string }

// units are the simple ones that ECMA-402 sanctions.
var units = map[string]unit{
	"acre": {"ac", "", ""}, "bit": {"bit", "", ""}, "byte": {"byte", "", ""}, "celsius": {"°C", "degree Celsius", "degrees Celsius"},
	"centimeter": {"cm", "", ""}, "day": {"day", "", ""}, "degree": {"deg", "", ""}, "fahrenheit": {"°F", "degree Fahrenheit", "degrees Fahrenheit"},
	"fluid-ounce": {"fl oz", "fluid ounce", "fluid ounces"}, "foot": {"ft", "foot", "feet"}, "gallon": {"gal", "", ""}, "gigabit": {"Gb", "", ""},
	"gigabyte": {"GB", "", ""}, "gram": {"g", "", ""}, "hectare": {"ha", "", ""}, "hour": {"hr", "", ""}, "inch": {"in", "inch", "inches"},
	"kilobit": {"kb", "", ""}, "kilobyte": {"kB", "", ""}, "kilogram": {"kg", "", ""}, "kilometer": {"km", "", ""}, "liter": {"L", "", ""},
	"megabit": {"Mb", "", ""}, "megabyte": {"MB", "", ""}, "meter": {"m", "", ""}, "microsecond": {"μs", "", ""}, "mile": {"mi", "", ""},
	"mile-scandinavian": {"smi", "mile-scandinavian", "miles-scandinavian"}, "milliliter": {"mL", "", ""}, "millimeter": {"mm", "", ""},
	"millisecond": {"ms", "", ""}, "minute": {"min", "", ""}, "month": {"mth", "", ""}, "nanosecond": {"ns", "", ""}, "ounce": {"oz", "", ""},
	"percent": {"%", "percent", "percent"}, "petabyte": {"PB", "", ""}, "pound": {"lb", "", ""}, "second": {"sec", "", ""},
	"stone": {"st", "stone", "stones"}, "terabit": {"Tb", "", ""}, "terabyte": {"TB", "", ""}, "week": {"wk", "", ""}, "yard": {"yd", "", ""}, "year": {"yr", "", ""},
}

// perUnits are the short forms behind a stroke that differ.
var perUnits = map[string]string{"second": "s", "hour": "h", "day": "d", "week": "w", "month": "m", "year": "y"}

// isUnit reports whether a unit is one of those, or one per another.
func isUnit(name string) bool {
	a, b, per := strings.Cut(name, "-per-")
	_, ok := units[a]
	if per && ok {
		_, ok = units[b]
	}
	return ok
}

// withUnit writes the unit behind a number's text.
func (f numberFormat) withUnit(text string) string {
	name, per, isPer := strings.Cut(f.unit, "-per-")
	u := units[name]
	if f.unitDisplay == "long" {
		word := u.more
		if text == "1" {
			word = u.one
		}
		if word == "" {
			word = name
			if text != "1" {
				word += "s"
			}
		}
		if isPer {
			one := units[per].one
			if one == "" {
				one = per
			}
			word += " per " + one
		}
		return text + " " + word
	}
	if f.unit == "mile-per-hour" {
		u.short, isPer = "mph", false
	}
	short, space := u.short, " "
	switch {
	case name == "celsius" || name == "fahrenheit" || name == "percent" || f.unitDisplay == "narrow":
		space = ""
	case !isPer && text != "1" && (name == "day" || name == "week" || name == "month" || name == "year"):
		short += "s"
	}
	if isPer {
		p := perUnits[per]
		if p == "" {
			p = units[per].short
		}
		short += "/" + p
	}
	return text + space + short
}
