package server

import (
	"context"
	"errors"

	"github.com/dop251/goja"

	"workerd.local/actor"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// unsafeModule is workerd:unsafe: what tests do to the actors that the worker of svc
// implements or is bound to. It needs the experimental flag unsafe_module.
func (w *world) unsafeModule(svc *service) bind.Module {
	return bind.Module{
		Name: "unsafe",
		Builtins: map[string]func(js *isolate.JS) (goja.Value, error){
			"workerd:unsafe": func(js *isolate.JS) (goja.Value, error) {
				return bind.Object{Name: "UnsafeModule", Methods: w.unsafeMethods(svc)}.New(js), nil
			},
			"workerd:unsafe-eval": newUnsafeEval,
		},
		Available: func(_ string, has func(string) bool) bool { return has("unsafe_module") },
	}
}

func (w *world) unsafeMethods(svc *service) map[string]bind.Static {
	return map[string]bind.Static{
		"abortAllDurableObjects": func(c *bind.Call) (any, error) {
			reason := exception.Errorf("Application called abortAllDurableObjects().")
			return eachNamespace(c, w.addressable(svc), func(ctx context.Context, n *actor.Namespace) error { return n.AbortAll(ctx, reason) })
		},
		"deleteAllDurableObjects": func(c *bind.Call) (any, error) {
			reason := exception.Errorf("Application called deleteAllDurableObjects().")
			return eachNamespace(c, w.addressable(svc), func(ctx context.Context, n *actor.Namespace) error { return n.DeleteAll(ctx, reason) })
		},
		"evictAllDurableObjects": func(c *bind.Call) (any, error) {
			closeSockets, err := evictOptions(c, 1)
			if err != nil {
				return c.JS().Rejected(err), nil
			}
			return eachNamespace(c, w.addressable(svc), func(ctx context.Context, n *actor.Namespace) error { return n.EvictAll(ctx, closeSockets) })
		},
		"evict": func(c *bind.Call) (any, error) {
			f, ok := fetch.Fetcher.Unwrap(c.JS(), c.Arg(0))
			if !ok {
				return c.JS().Rejected(c.BadArg(1, "Fetcher")), nil
			}
			closeSockets, err := evictOptions(c, 2)
			if err != nil {
				return c.JS().Rejected(err), nil
			}
			stub, ok := f.Service.(*actor.Stub)
			if !ok {
				return c.JS().Rejected(exception.Errorf("evict() can only be used on a Durable Object stub.")), nil
			}
			asked := stub.EvictionAsked()
			return background(c, func(ctx context.Context) error { return stub.Evict(ctx, asked, closeSockets) })
		},
		"isTestAutogateEnabled": func(*bind.Call) (any, error) {
			for _, g := range w.cfg.Autogates {
				if g.Value == "workerd-autogate-test-workerd" {
					return true, nil
				}
			}
			return false, nil
		},
	}
}

// evictOptions reads what is to become of WebSockets that hibernate.
func evictOptions(c *bind.Call, n int) (closeSockets bool, err error) {
	mode := "hibernate"
	if err := c.Options(n, "EvictOptions", "webSockets", &mode); err != nil {
		return false, err
	}
	if mode != "hibernate" && mode != "close" {
		return false, exception.TypeErrorf("options.webSockets must be \"hibernate\" or \"close\".")
	}
	return mode == "close", nil
}

// addressable are the namespaces that the worker implements or is bound to.
func (w *world) addressable(svc *service) []*actor.Namespace {
	var list []*actor.Namespace
	seen := map[*actor.Namespace]bool{}
	add := func(n *actor.Namespace) {
		if n != nil && !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	for _, n := range svc.cfg.Worker.Namespaces {
		add(svc.namespaces[n.ClassName])
	}
	for i := range svc.cfg.Worker.Bindings {
		if d := svc.cfg.Worker.Bindings[i].Namespace; d != nil && w.services[d.ServiceName] != nil {
			add(w.services[d.ServiceName].namespaces[d.ClassName])
		}
	}
	return list
}

func eachNamespace(c *bind.Call, list []*actor.Namespace, do func(ctx context.Context, n *actor.Namespace) error) (any, error) {
	return background(c, func(ctx context.Context) error {
		var errs []error
		for _, n := range list {
			errs = append(errs, do(ctx, n))
		}
		return errors.Join(errs...)
	})
}

// background is a promise for work that waits for isolates.
func background(c *bind.Call, work func(ctx context.Context) error) (any, error) {
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	r := iocontext.Background(ioc, func(ctx context.Context) (struct{}, error) { return struct{}{}, work(ctx) })
	return bind.Promise(c, r, func(*isolate.JS, struct{}) (goja.Value, error) { return goja.Undefined(), nil })
}
