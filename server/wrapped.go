package server

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/config"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/worker"
)

// extend adds the modules of the configuration's extensions to a worker's source. What
// wraps a binding must be loadable though no module imports it.
func (w *world) extend(src *script.Source, svc *config.Service) {
	for _, x := range w.cfg.Extensions {
		for _, m := range x.Modules {
			src.Extensions = append(src.Extensions, script.Extension{
				Module: script.Module{Name: m.Name, Kind: script.ESModule, Content: m.Content, Path: m.Path}, Internal: m.Internal,
			})
		}
	}
	seen := map[string]bool{}
	var roots func(list []config.Binding)
	roots = func(list []config.Binding) {
		for i := range list {
			x := list[i].Wrapped
			if x == nil {
				continue
			}
			if !seen[x.ModuleName] {
				seen[x.ModuleName] = true
				src.Roots = append(src.Roots, x.ModuleName)
			}
			roots(x.Inner)
		}
	}
	roots(svc.Worker.Bindings)
}

// wrap makes the property of a wrapped binding: what a function of an internal module
// makes of other bindings. The module is evaluated at the first use of the property,
// or with the rest of the script, whatever comes first.
func (w *world) wrap(js *isolate.JS, wk *worker.Worker, svc *service, target *goja.Object, b *config.Binding) error {
	if svc.cfg.Worker.Script != nil {
		return at(b.Pos, "service %s: binding %q: a wrapped binding needs a worker made of modules", svc.cfg.Name, b.Name)
	}
	inner := js.Runtime().NewObject()
	if err := w.bindings(js, wk, svc, inner, b.Wrapped.Inner); err != nil {
		return err
	}
	get := js.Runtime().ToValue(func(goja.FunctionCall) goja.Value {
		v, err := makeWrapped(js, wk, b.Wrapped, inner)
		if err == nil {
			err = target.DefineDataProperty(b.Name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
		if err != nil {
			js.Panic(err)
		}
		return v
	})
	if err := target.DefineAccessorProperty(b.Name, get, nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		return fmt.Errorf("binding %s: %w", b.Name, err)
	}
	return nil
}

func makeWrapped(js *isolate.JS, wk *worker.Worker, x *config.WrappedBinding, inner *goja.Object) (goja.Value, error) {
	ns, err := wk.Module(x.ModuleName)
	if err != nil {
		return nil, err
	}
	name := x.Entrypoint
	if name == "" {
		name = "default"
	}
	var fn goja.Value
	if o, ok := ns.(*goja.Object); ok {
		fn = o.Get(name)
	}
	if _, ok := goja.AssertFunction(fn); !ok {
		return nil, exception.TypeErrorf("%s: the module %q exports no function %q to wrap bindings with", x.Pos, x.ModuleName, name)
	}
	return js.Call(fn, goja.Undefined(), inner)
}

// wrappedBindings makes the wrapped bindings that the script's top level did not ask
// for; nil where there are none.
func (w *world) wrappedBindings(svc *service) func(js *isolate.JS, wk *worker.Worker) error {
	var names []string
	for i := range svc.cfg.Worker.Bindings {
		if b := &svc.cfg.Worker.Bindings[i]; b.Kind == config.BindingWrapped {
			names = append(names, b.Name)
		}
	}
	if names == nil {
		return nil
	}
	return func(js *isolate.JS, wk *worker.Worker) error {
		return js.Try(func() {
			for _, name := range names {
				wk.Env().Get(name)
			}
		})
	}
}
