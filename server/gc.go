package server

import (
	"runtime"

	"github.com/dop251/goja"

	"workerd.local/webapi/bind"
)

// v8Flags reads the flags of V8 that mean something here; the others are told once, as
// they change nothing.
func (w *world) v8Flags() (exposeGC bool) {
	for _, f := range w.cfg.V8Flags {
		switch f.Value {
		case "--expose-gc", "--expose_gc":
			exposeGC = true
		default:
			w.s.log.Warn("a flag of V8 has no effect here", "flag", f.Value)
		}
	}
	return exposeGC
}

// gcModule is the global gc() of --expose-gc: it collects garbage before it returns.
var gcModule = bind.Module{Name: "gc", Globals: []bind.Global{bind.Own(bind.Func{Name: "gc", Call: func(c *bind.Call) (any, error) {
	execution := ""
	if _, ok := c.Arg(0).(*goja.Object); ok {
		if err := c.Options(1, "GCOptions", "execution", &execution); err != nil {
			return nil, err
		}
	}
	runtime.GC()
	if execution == "async" {
		return c.JS().Resolved(goja.Undefined()), nil
	}
	return nil, nil
}}, false)}}
