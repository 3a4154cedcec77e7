package natives

import (
	"math"
	"strings"

	"github.com/dop251/goja"
)

// Members that the language keeps for the programs of old browsers.

// htmlTable has the methods of strings that make HTML.
var htmlTable = func() table {
	var funcs []entry
	for _, m := range []struct{ name, tag, attribute string }{
		{"anchor", "a", "name"}, {"big", "big", ""}, {"blink", "blink", ""}, {"bold", "b", ""}, {"fixed", "tt", ""},
		{"fontcolor", "font", "color"}, {"fontsize", "font", "size"}, {"italics", "i", ""}, {"link", "a", "href"},
		{"small", "small", ""}, {"strike", "strike", ""}, {"sub", "sub", ""}, {"sup", "sup", ""},
	} {
		length := 0
		if m.attribute != "" {
			length = 1
		}
		funcs = append(funcs, entry{name: m.name, length: length, make: func(e *env, _ raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				s := wtf8(e.thisString(c.This, m.name))
				open := "<" + m.tag
				if m.attribute != "" {
					open += " " + m.attribute + `="` + strings.ReplaceAll(wtf8(e.toStr(c.Argument(0))), `"`, "&quot;") + `"`
				}
				e.needString(int64(len(s) + len(open) + len(m.tag) + 4))
				return fromWTF8(open + ">" + s + "</" + m.tag + ">")
			}
		}})
	}
	return table{path: "String.prototype", funcs: funcs}
}()

// yearTable has the methods of dates that are kept for old programs.
var yearTable = table{path: "Date.prototype", funcs: []entry{
	{name: "getYear", make: func(e *env, _ raw) raw {
		fullYear := e.method("Date.prototype", "getFullYear")
		return func(c goja.FunctionCall) goja.Value {
			return e.rt.ToValue(fullYear(goja.FunctionCall{This: c.This}).ToFloat() - 1900)
		}
	}},
	{name: "setYear", length: 1, make: func(e *env, _ raw) raw {
		setFullYear := e.method("Date.prototype", "setFullYear")
		return func(c goja.FunctionCall) goja.Value {
			y := c.Argument(0).ToNumber().ToFloat()
			if t := math.Trunc(y); t >= 0 && t <= 99 {
				y = t + 1900
			}
			return setFullYear(goja.FunctionCall{This: c.This, Arguments: []goja.Value{e.rt.ToValue(y)}})
		}
	}},
	{name: "toGMTString", make: func(e *env, _ raw) raw { return e.method("Date.prototype", "toUTCString") }},
}}
