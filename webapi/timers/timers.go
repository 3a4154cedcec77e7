// Package timers is setTimeout and its relatives, queueMicrotask and
// scheduler.wait (HTML timers, as workerd has them).
//
// A timer belongs to the I/O context that set it, runs in the critical section
// that was current then, and dies with the context; see iocontext.Context.SetTimer
// for limits and rounding. What a callback throws is reported (events.Report) and
// becomes the outcome of the event, but the context goes on.
//
// Everything belongs to the isolate's goroutine.
package timers

import (
	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Module is the timer functions, queueMicrotask and scheduler.
var Module = bind.Module{Name: "timers", Globals: []bind.Global{
	bind.Func{Name: "setTimeout", Length: 1, Call: func(c *bind.Call) (any, error) { return set(c, 2, c.Arg(1), false) }},
	bind.Func{Name: "setInterval", Length: 1, Call: func(c *bind.Call) (any, error) { return set(c, 2, c.Arg(1), true) }},
	bind.Func{Name: "clearTimeout", Length: 1, Call: jsClear},
	bind.Func{Name: "clearInterval", Length: 1, Call: jsClear},
	bind.Func{Name: "setImmediate", Length: 1, Call: jsSetImmediate},
	bind.Func{Name: "clearImmediate", Length: 1, Call: jsClearImmediate},
	bind.Func{Name: "queueMicrotask", Length: 1, Call: jsQueueMicrotask},
	bind.Own(bind.Var{Name: "scheduler", Make: func(js *isolate.JS) (goja.Value, error) {
		return schedulerClass.Wrap(js, &scheduler{}), nil
	}}, true),
}}

// set starts a timer for the callback in the first argument; the arguments from
// rest on are the callback's.
func set(c *bind.Call, rest int, delay goja.Value, repeat bool) (int, error) {
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return 0, err
	}
	ms := 0.0
	if err := c.JS().Try(func() { ms = delay.ToNumber().ToFloat() }); err != nil {
		return 0, err
	}
	ioc, err := c.Context()
	if err != nil {
		return 0, err
	}
	var args []goja.Value
	if c.Len() > rest {
		args = append(args, c.Args()[rest:]...)
	}
	return ioc.SetTimer(c.JS(), ms, repeat, func(js *isolate.JS) {
		if _, err := js.Call(fn.Value, js.Runtime().GlobalObject(), args...); err != nil {
			failed(js, ioc, err)
		}
	})
}

// failed reports what a callback threw and makes it the outcome of the event.
func failed(js *isolate.JS, ioc *iocontext.Context, err error) {
	events.Report(js, err)
	ioc.StartTask()(js.Exception(err))
}

func jsClear(c *bind.Call) (any, error) {
	var id int
	if err := c.Unpack("timeoutId:Number", &id); err != nil {
		return nil, err
	}
	clearTimer(c, id)
	return nil, nil
}

// clearTimer ignores unknown ids; without a context there are no timers.
func clearTimer(c *bind.Call, id int) {
	if ioc, err := c.Context(); err == nil {
		ioc.ClearTimer(id)
	}
}

// immediate is what setImmediate returns.
type immediate struct {
	id      iocontext.Own[int]
	unrefed bool // what unref asked for; it changes nothing
}

var immediateClass = &bind.Class[immediate]{
	Name: "Immediate",
	Methods: map[string]bind.Method[immediate]{
		"ref":    func(i *immediate, c *bind.Call) (any, error) { i.unrefed = false; return c.This(), nil },
		"unref":  func(i *immediate, c *bind.Call) (any, error) { i.unrefed = true; return c.This(), nil },
		"hasRef": func(i *immediate, _ *bind.Call) (any, error) { return !i.unrefed, nil },
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		dispose := bind.NewFunction(js, "[Symbol.dispose]", 0, func(c *bind.Call) (any, error) {
			i, ok := immediateClassOf(c)
			if !ok {
				return nil, nil
			}
			id, err := i.id.Get(c.JS())
			if err == nil {
				clearTimer(c, id)
			}
			return nil, err
		})
		return proto.DefineDataPropertySymbol(natives.SymDispose, dispose, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	},
}

// immediateClassOf is the receiver as an Immediate.
func immediateClassOf(c *bind.Call) (*immediate, bool) {
	obj, ok := c.This().(*goja.Object)
	if !ok {
		return nil, false
	}
	v, _, _ := bind.ValueOf(c.JS(), obj)
	i, ok := v.(*immediate)
	return i, ok
}

func jsSetImmediate(c *bind.Call) (any, error) {
	id, err := set(c, 1, goja.Undefined(), false)
	if err != nil {
		return nil, err
	}
	own, err := iocontext.Owned(c.JS(), "Immediate", id)
	if err != nil {
		return nil, err
	}
	return immediateClass.Wrap(c.JS(), &immediate{id: own}), nil
}

func jsClearImmediate(c *bind.Call) (any, error) {
	if i, ok := immediateClass.Unwrap(c.JS(), c.Arg(0)); ok {
		if id, err := i.id.Get(c.JS()); err == nil {
			clearTimer(c, id)
		}
	}
	return nil, nil
}

func jsQueueMicrotask(c *bind.Call) (any, error) {
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return nil, err
	}
	js := c.JS()
	job := bind.NewFunction(js, "", 0, func(c *bind.Call) (any, error) {
		if _, err := c.JS().Call(fn.Value, nil); err != nil {
			events.Report(c.JS(), err)
		}
		return nil, nil
	})
	_, err := js.Call(*promiseThen.Get(js), js.Resolved(nil), job)
	return nil, err
}

// promiseThen is Promise.prototype.then as it was at the first use.
var promiseThen = isolate.NewSlot(func(js *isolate.JS) *goja.Value {
	then := js.Runtime().GlobalObject().Get("Promise").(*goja.Object).Get("prototype").(*goja.Object).Get("then")
	return &then
})
