package core

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// asyncNatives are what js/async_hooks.js gets.
func asyncNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"classes": func(c *bind.Call) (any, error) {
			return []any{storageClass.Constructor(c.JS()), resourceClass.Constructor(c.JS())}, nil
		},
	}
}

// storage is an AsyncLocalStorage: the key of a value in frames.
type storage struct {
	name     string
	fallback goja.Value
}

var storageClass = &bind.Class[storage]{
	Name: "AsyncLocalStorage",
	New: func(c *bind.Call) (*storage, error) {
		s := &storage{fallback: goja.Undefined()}
		return s, c.Options(1, "AsyncLocalStorageOptions", "name", &s.name, "defaultValue", &s.fallback)
	},
	Getters: map[string]bind.Getter[storage]{
		"name": func(s *storage, _ *bind.Call) (any, error) { return s.name, nil },
	},
	Methods: map[string]bind.Method[storage]{
		"run": func(s *storage, c *bind.Call) (any, error) {
			var value goja.Value
			var fn bind.Function
			if err := c.Unpack("store", &value, "callback", &fn); err != nil {
				return nil, err
			}
			return s.run(c.JS(), value, fn.Value, c.Args()[2:])
		},
		"exit": func(s *storage, c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("callback", &fn); err != nil {
				return nil, err
			}
			return s.run(c.JS(), goja.Undefined(), fn.Value, c.Args()[1:])
		},
		"getStore": func(s *storage, c *bind.Call) (any, error) {
			if f := c.JS().Frame(); f != nil {
				if v, ok := f.Vars.Lookup(s); ok {
					return v.(goja.Value), nil
				}
			}
			return s.fallback, nil
		},
		"enterWith": unimplementedStorage("enterWith"),
		"disable":   unimplementedStorage("disable"),
	},
	Statics: map[string]bind.Static{
		"bind": func(c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("fn", &fn); err != nil {
				return nil, err
			}
			from, check := takeVars(c.JS()), validator(c.JS())
			return bind.NewFunction(c.JS(), "", 0, func(c *bind.Call) (any, error) {
				if err := check(c.JS()); err != nil {
					return nil, err
				}
				return callIn(c.JS(), from, fn.Value, c.This(), c.Args())
			}), nil
		},
		"snapshot": func(c *bind.Call) (any, error) {
			from, check := takeVars(c.JS()), validator(c.JS())
			return bind.NewFunction(c.JS(), "", 0, func(c *bind.Call) (any, error) {
				var fn bind.Function
				if err := c.Unpack("fn", &fn); err != nil {
					return nil, err
				}
				if err := check(c.JS()); err != nil {
					return nil, err
				}
				return callIn(c.JS(), from, fn.Value, c.This(), c.Args()[1:])
			}), nil
		},
	},
}

func unimplementedStorage(name string) bind.Method[storage] {
	return func(*storage, *bind.Call) (any, error) {
		return nil, exception.Errorf("asyncLocalStorage.%s() is not implemented", name)
	}
}

func takeVars(js *isolate.JS) *isolate.Var {
	if f := js.Frame(); f != nil {
		return f.Vars
	}
	return nil
}

// callIn calls fn with the values of vars, for whom the running code works.
func callIn(js *isolate.JS, vars *isolate.Var, fn, this goja.Value, args []goja.Value) (v goja.Value, err error) {
	frame := &isolate.Frame{Vars: vars}
	if f := js.Frame(); f != nil {
		frame.Owner = f.Owner
	}
	js.In(frame, func() { v, err = js.Call(fn, this, args...) })
	return v, err
}

func (s *storage) run(js *isolate.JS, value, fn goja.Value, args []goja.Value) (goja.Value, error) {
	return callIn(js, takeVars(js).Bind(s, value), fn, js.Runtime().GlobalObject(), args)
}

// validator refuses calls for another request than the one that runs now.
func validator(js *isolate.JS) func(js *isolate.JS) error {
	var origin *iocontext.Context
	if js.Compat().Has("bind_asynclocalstorage_snapshot_to_request") {
		// No context: the function was made in the global scope and belongs to nobody.
		origin, _ = iocontext.Current(js)
	}
	return func(js *isolate.JS) error {
		if origin == nil {
			return nil
		}
		if now, err := iocontext.Current(js); err != nil || now != origin {
			return exception.Errorf("Cannot call this AsyncLocalStorage bound function outside of the request in which it was created.")
		}
		return nil
	}
}

// resource is an AsyncResource: the values that were current when it was made.
type resource struct{ vars *isolate.Var }

var resourceClass = &bind.Class[resource]{
	Name: "AsyncResource",
	New: func(c *bind.Call) (*resource, error) {
		return &resource{takeVars(c.JS())}, nil
	},
	Methods: map[string]bind.Method[resource]{
		"asyncId":        func(*resource, *bind.Call) (any, error) { return 0, nil },
		"triggerAsyncId": func(*resource, *bind.Call) (any, error) { return 0, nil },
		"emitDestroy":    func(*resource, *bind.Call) (any, error) { return nil, nil },
		"bind": func(r *resource, c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("fn", &fn); err != nil {
				return nil, err
			}
			return r.bind(c.JS(), c.This(), fn.Value, c.Arg(1)), nil
		},
		"runInAsyncScope": func(r *resource, c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("fn", &fn); err != nil {
				return nil, err
			}
			return callIn(c.JS(), r.vars, fn.Value, c.Arg(1), c.Args()[min(2, c.Len()):])
		},
	},
	Statics: map[string]bind.Static{
		"bind": func(c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("fn", &fn); err != nil {
				return nil, err
			}
			r := &resource{takeVars(c.JS())}
			self, err := c.JS().Construct(resourceConstructor.Get(c.JS()).ctor)
			if err != nil {
				return nil, err
			}
			return r.bind(c.JS(), self, fn.Value, c.Arg(2)), nil
		},
	},
	Init: func(js *isolate.JS, ctor, _ *goja.Object) error {
		resourceConstructor.Get(js).ctor = ctor
		return nil
	},
}

type constructor struct{ ctor *goja.Object }

var resourceConstructor = isolate.NewSlot(func(*isolate.JS) *constructor { return &constructor{} })

// bind makes fn run with the values of the resource.
func (r *resource) bind(js *isolate.JS, self, fn, this goja.Value) *goja.Object {
	f := bind.NewFunction(js, "", 0, func(c *bind.Call) (any, error) {
		receiver := this
		if goja.IsUndefined(receiver) {
			receiver = c.This()
		}
		return callIn(c.JS(), r.vars, fn, receiver, c.Args())
	})
	// A new function takes any property.
	_ = f.DefineDataProperty("asyncResource", self, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	return f
}
