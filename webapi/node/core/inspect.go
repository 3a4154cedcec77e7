package core

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
)

// unlimited is a depth or a number of elements without a bound of the caller's;
// the printer has bounds of its own.
const unlimited = 1 << 30

// inspectNatives are what js/internal/inspect.js gets.
func inspectNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"inspect": func(c *bind.Call) (any, error) {
			return console.InspectWith(c.JS(), c.Arg(0), inspectOptions(c.JS(), c.Arg(1), c.Arg(2))), nil
		},
		"format": func(c *bind.Call) (any, error) {
			var args []goja.Value
			list := c.Arg(2).(*goja.Object)
			for i := range int(list.Get("length").ToInteger()) {
				args = append(args, list.Get(c.JS().Runtime().ToValue(i).String()))
			}
			return console.FormatWith(c.JS(), args, inspectOptions(c.JS(), c.Arg(0), c.Arg(1))), nil
		},
	}
}

// inspectOptions reads the options of util.inspect, which js/internal/inspect.js
// has completed with the defaults.
func inspectOptions(js *isolate.JS, v, inspect goja.Value) console.InspectOptions {
	o, ok := v.(*goja.Object)
	if !ok {
		return console.InspectOptions{Depth: 2}
	}
	flag := func(name string) bool { return o.Get(name) != nil && o.Get(name).ToBoolean() }
	count := func(name string, fallback int) int {
		switch v := o.Get(name); {
		case v == nil || goja.IsUndefined(v):
			return fallback
		case goja.IsNull(v):
			return unlimited
		default:
			return clamp(v, -1, unlimited)
		}
	}
	// most is a bound of the caller's; the usual one is the printer's own.
	most := func(name string, usual int) *int {
		n := max(0, count(name, usual))
		if n == usual {
			return nil
		}
		return &n
	}
	out := console.InspectOptions{
		Depth: count("depth", 2), Sorted: flag("sorted"), Plain: !flag("customInspect"), Getters: flag("getters"), Separated: flag("numericSeparator"),
		Hidden: flag("showHidden"), Proxies: flag("showProxy"), Entries: most("maxArrayLength", 100), Characters: most("maxStringLength", 10000),
		Break: max(1, count("breakLength", 80)),
	}
	switch compact := o.Get("compact"); {
	case compact == nil || goja.IsUndefined(compact):
	case goja.IsNumber(compact):
		out.Compact = clamp(compact, 0, unlimited)
		out.Expanded = out.Compact == 0
	default:
		out.Tight, out.Expanded = compact.ToBoolean(), !compact.ToBoolean()
	}
	stylize := func(_, text string) string { return text }
	if fn, ok := inspect.(*goja.Object); ok && flag("colors") {
		stylize = func(kind, text string) string { return coloured(fn, kind, text) }
		out.Style = stylize
	}
	out.Custom = func(depth int) (*goja.Object, goja.Value) {
		options := js.Runtime().NewObject()
		for _, name := range o.Keys() {
			must(options.Set(name, o.Get(name)))
		}
		must(options.Set("stylize", bind.NewFunction(js, "stylize", 2, func(c *bind.Call) (any, error) {
			return stylize(c.Arg(1).String(), c.Arg(0).String()), nil
		})))
		return options, inspect
	}
	return out
}

// coloured puts around a text what inspect.styles and inspect.colors say of its kind.
func coloured(inspect *goja.Object, kind, text string) string {
	if kind == "inherited" {
		return "\x1b[2m" + text + "\x1b[22m"
	}
	of := func(table, name string) goja.Value {
		if t, ok := inspect.Get(table).(*goja.Object); ok {
			return t.Get(name)
		}
		return nil
	}
	style := of("styles", kind)
	if style == nil || goja.IsUndefined(style) {
		return text
	}
	codes, ok := of("colors", style.String()).(*goja.Object)
	if !ok {
		return text
	}
	code := func(i string) string {
		if v := codes.Get(i); v != nil {
			return v.String()
		}
		return ""
	}
	return "\x1b[" + code("0") + "m" + text + "\x1b[" + code("1") + "m"
}

// must is for objects that were just made.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
