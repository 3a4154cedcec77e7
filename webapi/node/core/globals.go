package core

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Loader gives the exports of a module, such as "node:buffer".
type Loader func(js *isolate.JS, name string) (goja.Value, error)

// member is a global that is a property of a module's exports.
func member(load Loader, name, module, key string) bind.Var {
	return bind.Var{Name: name, Make: func(js *isolate.JS) (goja.Value, error) {
		v, err := load(js, module)
		if err != nil || key == "" {
			return v, err
		}
		return v.(*goja.Object).Get(key), nil
	}}
}

// Globals are what scripts with nodejs_compat_v2 have without an import.
func Globals(load Loader) bind.Module {
	return bind.Module{
		Name: "node globals",
		When: func(has func(string) bool) bool { return has("nodejs_compat_v2") },
		Globals: []bind.Global{
			bind.Own(member(load, "process", "node:process", ""), true),
			bind.Own(member(load, "Buffer", "node:buffer", "Buffer"), true),
			bind.Own(bind.Var{Name: "global", Make: func(js *isolate.JS) (goja.Value, error) {
				return js.Runtime().GlobalObject(), nil
			}}, true),
		},
	}
}

// Timers are the timers of node in place of those of the web.
func Timers(load Loader) bind.Module {
	m := bind.Module{
		Name: "node timers",
		When: func(has func(string) bool) bool {
			return has("enable_nodejs_global_timers") && (has("nodejs_compat") || has("nodejs_compat_v2"))
		},
	}
	for _, name := range []string{"setTimeout", "setInterval", "clearTimeout", "clearInterval"} {
		m.Globals = append(m.Globals, bind.Replace(member(load, name, "node:timers", name)))
	}
	return m
}
