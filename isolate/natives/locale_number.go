package natives

import (
	"math"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

var numberTable = table{path: "Number.prototype", funcs: []entry{
	{name: "toLocaleString", length: 0, make: func(e *env, _ raw) raw { return e.numberToLocaleString }},
}}

// numberFormat is the resolved options of a number's toLocaleString.
type numberFormat struct {
	loc             *locale
	style           string
	currency        string
	display         string
	minInt          int
	minFrac         int
	maxFrac         int
	minSig, maxSig  int // 0: round by fraction digits
	group           bool
	sign            string
	compact         bool
	compactLong     bool
	accounting      bool
	unit            string
	unitDisplay     string
	compactDefaults bool // the digits were left to compact notation
}

func (e *env) numberFormat(call goja.FunctionCall, method string) numberFormat {
	f := numberFormat{loc: e.findLocale(call.Argument(0))}
	p := e.options(call.Argument(1), method)
	f.style = p.choice("style", "decimal", "decimal", "percent", "currency", "unit")
	f.currency = strings.ToUpper(p.choice("currency", ""))
	if f.currency != "" && !isCurrency(f.currency) {
		e.throwRange("Invalid currency code : %s", p.get("currency"))
	}
	if f.style == "currency" && f.currency == "" {
		e.throwType("Currency code is required with currency style.")
	}
	if f.unit = p.choice("unit", ""); f.unit != "" && !isUnit(f.unit) {
		e.throwRange("Invalid unit argument for Intl.NumberFormat() '%s'", f.unit)
	}
	if f.style == "unit" && f.unit == "" {
		e.throwType("Unit is required with unit style.")
	}
	f.unitDisplay = p.choice("unitDisplay", "short", "short", "narrow", "long")
	f.display = p.choice("currencyDisplay", "symbol", "code", "symbol", "narrowSymbol", "name")
	f.accounting = p.choice("currencySign", "standard", "standard", "accounting") == "accounting"
	f.compact = p.choice("notation", "standard", "standard", "scientific", "engineering", "compact") == "compact"
	f.digits(e, p)
	f.compactLong = p.choice("compactDisplay", "short", "short", "long") == "long"
	switch g := p.get("useGrouping"); {
	case g == undefined:
		f.group = true
	case g.ToBoolean():
		f.group = g.String() != "false"
	}
	f.sign = p.choice("signDisplay", "auto", "auto", "never", "always", "exceptZero", "negative")
	return f
}

func isCurrency(code string) bool {
	if len(code) != 3 {
		return false
	}
	for i := range 3 {
		if code[i] < 'A' || code[i] > 'Z' {
			return false
		}
	}
	return true
}

// digits is SetNumberFormatDigitOptions.
func (f *numberFormat) digits(e *env, p options) {
	defMin, defMax := 0, 3
	switch f.style {
	case "percent":
		defMax = 0
	case "currency":
		defMin, defMax = currencyDigits(f.currency), currencyDigits(f.currency)
	}
	if f.minInt = p.number("minimumIntegerDigits", 1, 21); f.minInt < 0 {
		f.minInt = 1
	}
	lo, hi := p.number("minimumFractionDigits", 0, 100), p.number("maximumFractionDigits", 0, 100)
	minSig, maxSig := p.number("minimumSignificantDigits", 1, 21), p.number("maximumSignificantDigits", 1, 21)
	if minSig >= 0 || maxSig >= 0 {
		f.minSig, f.maxSig = max(minSig, 1), maxSig
		if maxSig < 0 {
			f.maxSig = 21
		}
		if f.minSig > f.maxSig {
			e.throwRange("maximumSignificantDigits value is out of range.")
		}
		return
	}
	f.compactDefaults = f.compact && lo < 0 && hi < 0
	switch {
	case lo < 0 && hi < 0:
		lo, hi = defMin, defMax
	case lo < 0:
		lo = min(defMin, hi)
	case hi < 0:
		hi = max(defMax, lo)
	case lo > hi:
		e.throwRange("maximumFractionDigits value is out of range.")
	}
	f.minFrac, f.maxFrac = lo, hi
}

func currencyDigits(code string) int {
	switch code {
	case "JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XAF", "XOF", "XPF", "PYG", "RWF", "KMF", "GNF", "DJF", "BIF", "VUV":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// currencySymbols of en-US; a code without one is written out.
var currencySymbols = map[string]string{
	"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "CNY": "CN¥", "KRW": "₩", "CAD": "CA$", "AUD": "A$",
	"NZD": "NZ$", "MXN": "MX$", "BRL": "R$", "ILS": "₪", "VND": "₫", "HKD": "HK$", "TWD": "NT$", "PHP": "₱",
}

var currencyNames = map[string]string{
	"USD": "US dollars", "EUR": "euros", "GBP": "British pounds", "JPY": "Japanese yen", "CHF": "Swiss francs",
	"CAD": "Canadian dollars", "AUD": "Australian dollars", "CNY": "Chinese yuan", "INR": "Indian rupees",
}

// decimal is a finite number as digits: 0.d1d2d3... times 10^exp.
type decimal struct {
	neg    bool
	digits string // no leading or trailing zeros; empty for zero
	exp    int
}

func newDecimal(x float64) decimal {
	d := decimal{neg: math.Signbit(x)}
	if x == 0 {
		return d
	}
	s := strconv.FormatFloat(math.Abs(x), 'e', -1, 64)
	mant, exp, _ := strings.Cut(s, "e")
	n, _ := strconv.Atoi(exp)
	d.digits = strings.TrimRight(strings.Replace(mant, ".", "", 1), "0")
	d.exp = n + 1
	return d
}

// round keeps n digits after the first one's place was counted: half away from zero.
func (d decimal) round(n int) decimal {
	if n >= len(d.digits) {
		return d
	}
	if n < 0 {
		return decimal{neg: d.neg}
	}
	up := d.digits[n] >= '5'
	b := []byte(d.digits[:n])
	if up {
		i := n - 1
		for ; i >= 0 && b[i] == '9'; i-- {
			b[i] = '0'
		}
		if i >= 0 {
			b[i]++
		} else {
			b = append([]byte{'1'}, b...)
			d.exp++
		}
	}
	d.digits = strings.TrimRight(string(b), "0")
	return d
}

// split returns the integer digits, without leading zeros, and the fraction.
func (d decimal) split() (whole, frac string) {
	switch {
	case d.digits == "":
		return "", ""
	case d.exp <= 0:
		return "", strings.Repeat("0", -d.exp) + d.digits
	case d.exp >= len(d.digits):
		return d.digits + strings.Repeat("0", d.exp-len(d.digits)), ""
	}
	return d.digits[:d.exp], d.digits[d.exp:]
}

func (e *env) numberToLocaleString(call goja.FunctionCall) goja.Value {
	v := call.This
	if o, ok := v.(*goja.Object); ok && o.ExportType() != typeProxy && o.ClassName() == "Number" {
		v = e.rt.ToValue(o.Export())
	}
	if !goja.IsNumber(v) {
		e.throwType("Number.prototype.toLocaleString requires that 'this' be a Number")
	}
	f := e.numberFormat(call, "Number.prototype.toLocaleString")
	return e.rt.ToValue(f.format(v.ToFloat()))
}

func (e *env) bigIntToLocaleString(call goja.FunctionCall) goja.Value {
	n, ok := e.bigOf(call.This)
	if !ok {
		e.throwType("BigInt.prototype.toLocaleString requires that 'this' be a BigInt")
	}
	if n.BitLen() > e.maxBigIntBits() {
		e.throwBigInt()
	}
	f := e.numberFormat(call, "BigInt.prototype.toLocaleString")
	digits := n.String()
	d := decimal{neg: n.Sign() < 0}
	digits = strings.TrimPrefix(digits, "-")
	if digits != "0" {
		d.exp = len(digits)
		d.digits = strings.TrimRight(digits, "0")
	}
	return e.rt.ToValue(f.formatDecimal(d))
}

func (f numberFormat) format(x float64) string {
	switch {
	case math.IsNaN(x):
		return f.decorate("NaN", false, false, "")
	case math.IsInf(x, 0):
		return f.decorate("∞", x < 0, false, "")
	}
	return f.formatDecimal(newDecimal(x))
}

var compactUnits = []struct {
	exp         int
	short, long string
}{{13, "T", " trillion"}, {10, "B", " billion"}, {7, "M", " million"}, {4, "K", " thousand"}}

func (f numberFormat) formatDecimal(d decimal) string {
	if f.style == "percent" && d.digits != "" {
		d.exp += 2
	}
	suffix := ""
	if f.compact {
		d, suffix = f.compacted(d)
	}
	d = f.rounded(d)
	whole, frac := d.split()
	lo := f.minFrac
	if f.maxSig > 0 {
		lo = max(0, f.minSig-max(len(whole), 0))
		if d.digits == "" {
			lo = f.minSig - 1
		} else if whole == "" {
			lo = f.minSig - d.exp
		}
	}
	for len(frac) < lo {
		frac += "0"
	}
	for len(whole) < f.minInt {
		whole = "0" + whole
	}
	if f.group && (!f.compact || len(whole) > 4) {
		whole = f.grouped(whole)
	}
	text := whole
	if frac != "" {
		text += f.loc.decimal + frac
	}
	return f.decorate(text, d.neg, d.digits == "", suffix)
}

func (f numberFormat) rounded(d decimal) decimal {
	switch {
	case f.maxSig > 0:
		return d.round(f.maxSig)
	case f.compactDefaults:
		// Two digits, but never less than the whole number.
		return d.round(max(2, d.exp))
	}
	return d.round(d.exp + f.maxFrac)
}

func (f numberFormat) compacted(d decimal) (decimal, string) {
	// Rounding may carry into the next unit: 999 999 is 1M.
	for range 2 {
		for _, u := range compactUnits {
			if d.exp < u.exp {
				continue
			}
			c := d
			c.exp -= u.exp - 1
			if r := f.rounded(c); r.exp > 3 && u.exp < compactUnits[0].exp {
				d = r
				d.exp += u.exp - 1
				break
			}
			if f.compactLong {
				return c, u.long
			}
			return c, u.short
		}
	}
	return d, ""
}

func (f numberFormat) grouped(whole string) string {
	if len(whole) < 3+f.loc.minGroup {
		return whole
	}
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(f.loc.group)
		}
		b.WriteByte(whole[i])
	}
	return b.String()
}

// decorate adds sign, unit and pattern to the digits.
func (f numberFormat) decorate(text string, neg, zero bool, suffix string) string {
	text += suffix
	sign := ""
	switch f.sign {
	case "auto":
		if neg {
			sign = "-"
		}
	case "always":
		sign = "+"
		if neg {
			sign = "-"
		}
	case "exceptZero":
		if !zero {
			sign = "+"
			if neg {
				sign = "-"
			}
		}
	case "negative":
		if neg && !zero {
			sign = "-"
		}
	}
	switch f.style {
	case "percent":
		return sign + strings.Replace(f.loc.percent, "#", text, 1)
	case "unit":
		return sign + f.withUnit(text)
	case "currency":
		if f.display == "name" {
			name := currencyNames[f.currency]
			if name == "" {
				name = f.currency
			}
			return sign + text + " " + name
		}
		symbol := currencySymbols[f.currency]
		if symbol == "" || f.display == "code" {
			symbol = f.currency
		}
		if f.display == "narrowSymbol" && len(symbol) > 1 {
			symbol = strings.TrimLeft(symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
			if symbol == "" {
				symbol = f.currency
			}
		}
		pattern := f.loc.currency
		if symbol == f.currency && pattern == "¤#" {
			pattern = "¤" + nbsp + "#"
		}
		out := strings.Replace(strings.Replace(pattern, "¤", symbol, 1), "#", text, 1)
		if f.accounting && sign == "-" {
			return "(" + out + ")"
		}
		return sign + out
	}
	return sign + text
}
