package worker

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// cloudflare:workers exports env and exports of the worker itself. Both are views of an
// object that depends on who asks: code below withEnv sees another one.

// envKey and exportsKey name the overrides among the values of a frame.
type (
	envKey     struct{}
	exportsKey struct{}
)

// viewProgram makes a view of what current() is: an object of which every property is
// that object's. Where it is not writable, changes fail.
var viewProgram = goja.MustCompile("cloudflare:workers", `((current, writable) => {
	const { get, set, has, ownKeys, getOwnPropertyDescriptor, defineProperty, deleteProperty } = Reflect;
	return new Proxy({}, {
		__proto__: null,
		get(_, key) { return get(current(), key); },
		set(_, key, value) { return writable && set(current(), key, value); },
		has(_, key) { return has(current(), key); },
		ownKeys() { return ownKeys(current()); },
		deleteProperty(_, key) { return writable && deleteProperty(current(), key); },
		defineProperty(_, key, d) { return writable && defineProperty(current(), key, d); },
		getOwnPropertyDescriptor(_, key) {
			const d = getOwnPropertyDescriptor(current(), key);
			if (d !== undefined) d.configurable = true; // the proxy's target has no properties
			return d;
		},
	});
})`, true)

// views puts env, exports and the functions that override them into the module.
func (w *Worker) views(js *isolate.JS, module *goja.Object) error {
	make, err := js.Runtime().RunProgram(viewProgram)
	if err != nil {
		return err
	}
	disallowed := w.o.Compat.Has("disallow_importable_env")
	nullable := w.o.Compat.Has("env_module_nullable_support")
	none := js.Runtime().NewObject()
	view := func(key any, own func() *goja.Object, writable bool) (goja.Value, error) {
		current := bind.NewFunction(js, "current", 0, func(c *bind.Call) (any, error) {
			if f := c.JS().Frame(); f != nil {
				if v, ok := f.Vars.Lookup(key); ok {
					switch v := v.(goja.Value).(type) {
					case *goja.Object:
						return v, nil
					default:
						if nullable && (goja.IsNull(v) || goja.IsUndefined(v)) {
							return none, nil
						}
					}
				}
			}
			if o := own(); o != nil && !disallowed {
				return o, nil
			}
			return none, nil
		})
		return js.Call(make, goja.Undefined(), current, js.Runtime().ToValue(writable))
	}
	env, err := view(envKey{}, func() *goja.Object { return w.env }, true)
	if err != nil {
		return err
	}
	exports, err := view(exportsKey{}, func() *goja.Object { return w.Exports(js) }, false)
	if err != nil {
		return err
	}
	with := func(name string, keys ...any) *goja.Object {
		return bind.NewFunction(js, name, len(keys)+1, func(c *bind.Call) (any, error) {
			fn := c.Arg(len(keys))
			if _, ok := goja.AssertFunction(fn); !ok {
				return nil, c.BadArg(len(keys)+1, "function")
			}
			frame := &isolate.Frame{}
			if f := c.JS().Frame(); f != nil {
				*frame = *f
			}
			for i, key := range keys {
				frame.Vars = frame.Vars.Bind(key, c.Arg(i))
			}
			var v goja.Value
			var err error
			c.JS().In(frame, func() { v, err = c.JS().Call(fn, goja.Undefined()) })
			return v, err
		})
	}
	for name, v := range map[string]goja.Value{
		"env": env, "exports": exports,
		"withEnv": with("withEnv", envKey{}), "withExports": with("withExports", exportsKey{}),
		"withEnvAndExports": with("withEnvAndExports", envKey{}, exportsKey{}),
	} {
		if err := module.Set(name, v); err != nil {
			return err
		}
	}
	return nil
}

// Exports is ctx.exports: a binding for each export of the script that takes events.
// It is nil while the script's top level runs.
func (w *Worker) Exports(js *isolate.JS) *goja.Object {
	if w.loopback != nil || w.exports.names == nil {
		return w.loopback
	}
	o := js.Runtime().NewObject()
	for _, name := range w.exports.names {
		kind := ExportHandler
		switch {
		case w.exports.actors[name] != nil:
			kind = ExportActor
		case w.exports.stateless[name] != nil:
			kind = ExportEntrypoint
		}
		if w.o.Loopback == nil {
			continue
		}
		v, err := w.o.Loopback(js, name, kind)
		if err == nil && v != nil {
			err = o.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
		if err != nil {
			js.Panic(exception.Errorf("ctx.exports.%s: %s", name, err))
		}
	}
	w.loopback = o
	return o
}

// ExportKind is what an export of a script is.
type ExportKind uint8

// The kinds of exports.
const (
	ExportHandler    ExportKind = iota // an object with handlers
	ExportEntrypoint                   // a class that extends WorkerEntrypoint
	ExportActor                        // a class of actors
)
