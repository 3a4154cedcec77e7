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
	out := console.InspectOptions{
		Depth: count("depth", 2), Sorted: flag("sorted"), Plain: !flag("customInspect"), Getters: flag("getters"),
	}
	out.Expanded = o.Get("compact") != nil && o.Get("compact").StrictEquals(js.Runtime().ToValue(false))
	return out
}
