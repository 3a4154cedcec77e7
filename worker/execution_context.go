package worker

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// executionContext is ctx, the last argument of handlers.
type executionContext struct {
	w        *Worker
	ioc      *iocontext.Context
	failOpen bool
	props    *goja.Object
}

var executionContextClass = &bind.Class[executionContext]{
	Name: "ExecutionContext",
	Methods: map[string]bind.Method[executionContext]{
		"waitUntil":              (*executionContext).waitUntil,
		"passThroughOnException": (*executionContext).passThroughOnException,
		"abort":                  (*executionContext).abort,
	},
	Getters: map[string]bind.Getter[executionContext]{"props": (*executionContext).getProps},
}

func (x *executionContext) waitUntil(c *bind.Call) (any, error) {
	if c.Len() == 0 {
		return nil, c.TypeError("1 argument required, but only 0 present.")
	}
	cur, err := c.Context()
	if err != nil {
		return nil, err
	}
	if cur != x.ioc {
		// The context of a request that is over must not come back to life.
		return nil, exception.TypeErrorf("Illegal invocation: waitUntil() belongs to another request")
	}
	x.w.waitUntil(c.JS(), x.ioc, c.Arg(0))
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

// modules are the worker's web APIs with those of this package.
func (w *Worker) modules() []bind.Module {
	return append(append([]bind.Module(nil), w.o.Modules...), bind.Module{
		Name:    "worker",
		Globals: []bind.Global{executionContextClass, fetchEventClass, scheduledEventClass},
	})
}

func (w *Worker) newExecutionContext(js *isolate.JS, ioc *iocontext.Context) (*executionContext, *goja.Object) {
	x := &executionContext{w: w, ioc: ioc}
	return x, executionContextClass.Wrap(js, x)
}
