package napa

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// Codes of outcomes, as Napa.js numbers them.
const (
	codeSuccess       = 0
	codeInternal      = 2
	codeTimedOut      = 3
	codeExecuteFailed = 6
)

const (
	// functionModule is the module of a call whose function is named by its hash.
	functionModule = "__function"
	globalModule   = "global"
	timeoutText    = "Terminated due to timeout"
)

var errTimeout = exception.Errorf(timeoutText)

// call is one function to run on one worker.
type call struct {
	module, function string
	args             []string // payloads
	context          *Context // nil where the payloads name nothing
	noContext        bool     // it is a broadcast: nothing may need a context
	news             *news    // what it is of the zone's told; nil where it is nothing
	timeout          time.Duration
	// done is told the outcome, once, on any goroutine.
	done func(outcome)

	finished atomic.Bool
}

// outcome is what became of a call.
type outcome struct {
	code    int
	message string // why it failed
	payload string
	context *Context
}

func (c *call) finish(o outcome) {
	if c.finished.CompareAndSwap(false, true) {
		c.done(o)
	}
}

func (c *call) reject(code int, message string) { c.finish(outcome{code: code, message: message}) }

// rejectWith rejects with what was thrown, as a string.
func (c *call) rejectWith(js *isolate.JS, err error) {
	c.reject(codeExecuteFailed, textOf(js, js.Error(err)))
}

// textOf is String(v); what has no text of its own says so.
func textOf(js *isolate.JS, v goja.Value) (s string) {
	if sym, ok := v.(*goja.Symbol); ok {
		return "Symbol(" + sym.String() + ")"
	}
	if err := js.Try(func() { s = v.String() }); err != nil {
		return "an error that cannot be converted to a string"
	}
	return s
}

// perform runs the call's function, on the thread of its worker. settled is told when
// nothing of it is left to wait for.
func (c *call) perform(js *isolate.JS, p *Place, settled func()) {
	k := &carrier{system: p.System, context: c.context, none: c.noContext}
	result, err := c.run(js, p, k)
	if err != nil {
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		c.rejectWith(js, err)
		settled()
		return
	}
	obj, ok := result.(*goja.Object)
	if !ok {
		c.resolve(js, result, k)
		settled()
		return
	}
	js.OnSettled(obj, func(js *isolate.JS, v goja.Value, err error) {
		defer settled()
		if err != nil {
			c.rejectWith(js, err)
			return
		}
		c.resolve(js, v, k)
	})
}

func (c *call) resolve(js *isolate.JS, v goja.Value, k *carrier) {
	if c.noContext { // the result of a broadcast goes nowhere
		c.finish(outcome{})
		return
	}
	payload, err := marshal(js, v, k)
	if err != nil {
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		c.rejectWith(js, err)
		return
	}
	c.finish(outcome{payload: payload, context: k.context})
}

func (c *call) run(js *isolate.JS, p *Place, k *carrier) (goja.Value, error) {
	fn, err := c.find(js, p)
	if err != nil {
		return nil, err
	}
	var args []goja.Value
	for _, payload := range c.args {
		v, err := unmarshal(js, payload, k)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	return js.Call(fn, nil, args...)
}

// find is the function to call.
func (c *call) find(js *isolate.JS, p *Place) (fn goja.Value, err error) {
	switch c.module {
	case functionModule:
		return loadFunction(js, c.function)
	case "", globalModule:
		fn = js.Runtime().GlobalObject()
	default:
		if fn, err = p.Loader.Require(js, c.module, p.file()); err != nil {
			return nil, err
		}
		if goja.IsNull(fn) || goja.IsUndefined(fn) {
			return nil, exception.Errorf("Cannot load module %s.", quoted(c.module))
		}
	}
	if c.function != "" {
		for name := range strings.SplitSeq(c.function, ".") {
			of := fn
			if err := js.Try(func() { fn = of.ToObject(js.Runtime()).Get(name) }); err != nil {
				return nil, err
			}
			if fn == nil || goja.IsUndefined(fn) {
				return nil, exception.Errorf("Cannot find function '%s' in module '%s'", c.function, c.module)
			}
		}
	}
	if _, ok := goja.AssertFunction(fn); !ok {
		return nil, exception.Errorf("'%s' in module '%s' is not a function", c.function, c.module)
	}
	return fn, nil
}
