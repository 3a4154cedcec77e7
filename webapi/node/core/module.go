package core

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// served are the modules, each with the flag beside nodejs_compat that it needs.
var served = map[string]string{
	"buffer": "",
}

// Module is the modules; nothing is made before an import.
var Module = bind.Module{Name: "node", Builtins: builtins(), Provides: Provides}

func builtins() map[string]func(js *isolate.JS) (goja.Value, error) {
	m := map[string]func(js *isolate.JS) (goja.Value, error){}
	for name := range served {
		m["node:"+name] = func(js *isolate.JS) (goja.Value, error) { return Require(js, name) }
	}
	return m
}

// Enabled reports whether the flags ask for Node.js at all.
func Enabled(flags *compat.Flags) bool {
	return flags.Has("nodejs_compat") || flags.Has("nodejs_compat_v2")
}

// Provides says which modules scripts with these flags may import.
func Provides(flags *compat.Flags, specifier string) bool {
	name := strings.TrimPrefix(specifier, "node:")
	if !Enabled(flags) {
		return name == "async_hooks" && flags.Has("nodejs_als")
	}
	flag := served[name]
	return flag == "" || flags.Has(flag)
}
