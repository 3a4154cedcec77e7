package worker

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/rpc"
	"workerd.local/webapi/tail"
)

// executionContext is ctx, the last argument of handlers.
type executionContext struct {
	w        *Worker
	ioc      *iocontext.Context
	failOpen bool
	props    goja.Value
	tracing  *goja.Object
}

var executionContextClass = &bind.Class[executionContext]{
	Name: "ExecutionContext",
	Methods: map[string]bind.Method[executionContext]{
		"waitUntil":              (*executionContext).waitUntil,
		"passThroughOnException": (*executionContext).passThroughOnException,
		"abort":                  (*executionContext).abort,
	},
	Async: map[string]bind.Method[executionContext]{
		"restore": func(_ *executionContext, c *bind.Call) (any, error) { return rpc.Restore(c) },
	},
	Captured: true,
	Getters: map[string]bind.Getter[executionContext]{
		"props":   (*executionContext).getProps,
		"tracing": (*executionContext).getTracing,
		"exports": func(x *executionContext, c *bind.Call) (any, error) { return x.w.Exports(c.JS()), nil },
		// Who signed in, and the cache of the zone: there is neither here.
		"access": func(*executionContext, *bind.Call) (any, error) { return nil, nil },
		"cache":  func(*executionContext, *bind.Call) (any, error) { return nil, nil },
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		if js.Compat().Has("experimental") {
			f := bind.NewFunction(js, "mapVirtualHost", 2, mapVirtualHost)
			if err := proto.Set("mapVirtualHost", f); err != nil {
				return err
			}
		}
		if !js.Compat().Has(storableStubs) {
			if err := proto.Delete("restore"); err != nil {
				return err
			}
		}
		if !js.Compat().Has("enable_ctx_exports") {
			return proto.Delete("exports")
		}
		return nil
	},
}

func (x *executionContext) waitUntil(c *bind.Call) (any, error) {
	if c.Len() == 0 {
		return nil, c.TypeError("1 argument required, but only 0 present.")
	}
	cur, err := c.Context()
	if err != nil {
		return nil, err
	}
	if x.ioc != nil && cur != x.ioc {
		// The context of a request that is over must not come back to life.
		return nil, exception.TypeErrorf("Illegal invocation: waitUntil() belongs to another request")
	}
	x.w.waitUntil(c.JS(), cur, c.Arg(0))
	return nil, nil
}

func (x *executionContext) passThroughOnException(*bind.Call) (any, error) {
	x.failOpen = true
	return nil, nil
}

func (x *executionContext) abort(c *bind.Call) (any, error) {
	reason := exception.Errorf("Worker execution was aborted due to call to ctx.abort().")
	if v := c.Arg(0); !goja.IsUndefined(v) {
		reason = c.JS().Thrown(v)
	}
	return nil, iocontext.Terminate(c.JS(), reason)
}

func (x *executionContext) getProps(c *bind.Call) (any, error) {
	if x.props == nil {
		x.props = c.JS().Runtime().NewObject()
	}
	return x.props, nil
}

func (x *executionContext) getTracing(c *bind.Call) (any, error) {
	if x.tracing == nil {
		x.tracing = tail.NewTracing(c.JS())
	}
	return x.tracing, nil
}

// modules are the worker's web APIs with those of this package.
func (w *Worker) modules() []bind.Module {
	return append(append([]bind.Module(nil), w.o.Modules...), bind.Module{
		Name:    "worker",
		Globals: []bind.Global{executionContextClass, fetchEventClass, scheduledEventClass, tailEventClass, traceEvent},
	})
}

// newExecutionContext makes the ctx of an event at an entrypoint. props is ctx.props,
// nil for none.
func (w *Worker) newExecutionContext(js *isolate.JS, ioc *iocontext.Context, entrypoint string, props *event.Props) (*goja.Object, error) {
	if w.o.Compat.Has("nonclass_entrypoint_reuses_ctx_across_invocations") && w.exports.stateless[orDefault(entrypoint)] == nil {
		if w.shared == nil {
			w.shared = executionContextClass.Wrap(js, &executionContext{w: w})
		}
		return w.shared, nil
	}
	x := &executionContext{w: w, ioc: ioc}
	if props != nil {
		v, err := propsValue(js, props)
		if err != nil {
			return nil, err
		}
		x.props = v
	}
	return executionContextClass.Wrap(js, x), nil
}

// propsValue is ctx.props as a value of the realm.
func propsValue(js *isolate.JS, p *event.Props) (goja.Value, error) {
	if p.Value != nil {
		return rpc.ReadProps(js, p.Value)
	}
	json, ok := js.Runtime().GlobalObject().Get("JSON").(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("JSON has been replaced")
	}
	return js.Call(json.Get("parse"), json, js.Runtime().ToValue(string(p.JSON)))
}

// mapVirtualHost is ctx.mapVirtualHost(binding, port): a name for connect().
func mapVirtualHost(c *bind.Call) (any, error) {
	f, ok := fetch.Fetcher.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "Fetcher")
	}
	port := c.Arg(1).ToInteger()
	if port < 0 || port > 65535 {
		return nil, exception.TypeErrorf("The port %d is not one.", port)
	}
	return f.VirtualHost(c.JS(), int(port))
}
