package face

import (
	"fmt"
	"math"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

// Options are what all faces understand.
type Options struct {
	Flavor string
	// KeepAlive keeps a worker that has nothing to do.
	KeepAlive bool
	// Eval says that the entry is a source text.
	Eval bool
	// Data is what the worker is given along, and Transfer what of it moves.
	Data     goja.Value
	Transfer []goja.Value
	// Extra, which may be nil, is what the face itself gives along; Transfer is of both.
	Extra goja.Value
	Codec threads.Codec
	// Structured is the codec that this word stands for.
	Structured threads.Codec
	// Module resolves the entry against the file of the caller.
	Module bool
	// Die ends the worker at an exception that nothing caught.
	Die bool
	// Late lets the worker begin when the turn of the call is over.
	Late     bool
	KillCode int
	// Port, which may be nil, gives the worker's realm its end of the connection, before the entry runs; the worker's
	// goroutine.
	Port   func(js *isolate.JS, p *Port) error
	Name   string
	Limits isolate.Limits
}

// Codecs are the codecs that scripts know by name, beside structured.
var Codecs = map[string]threads.Codec{"json": threads.JSON, "donate": Donate}

// Read takes from the bag of options what is there. o has the defaults.
func (o *Options) Read(c *bind.Call, bag *goja.Object) error {
	data := func(_ *bind.Call, v goja.Value) error { o.Data = v; return nil }
	word := func(words map[string]func()) func(c *bind.Call, v goja.Value) error {
		return func(c *bind.Call, v goja.Value) error {
			s, err := c.String(0, v)
			if err != nil {
				return err
			}
			set := words[s]
			if set == nil {
				return exception.TypeErrorf("The option '%s' cannot be '%s'.", c.Field(), s)
			}
			set()
			return nil
		}
	}
	codecs := map[string]func(){"structured": func() { o.Codec = o.Structured }}
	for name, codec := range Codecs {
		codecs[name] = func() { o.Codec = codec }
	}
	return c.Dictionary(bag, "WorkerOptions",
		"keepAlive", &o.KeepAlive,
		"eval", &o.Eval,
		"data", data,
		"workerData", data,
		"codec", word(codecs),
		"resolve", word(map[string]func(){"module": func() { o.Module = true }, "cwd": func() { o.Module = false }}),
		"onUncaught", word(map[string]func(){"continue": func() { o.Die = false }, "exit": func() { o.Die = true }}),
		"name", &o.Name,
		"limits", func(c *bind.Call, v goja.Value) error {
			bag, ok := v.(*goja.Object)
			if !ok {
				return c.BadArg(0, "Object")
			}
			return o.readLimits(c, bag)
		},
	)
}

// readLimits takes limits that are lower than those of the program; one that is not changes nothing.
func (o *Options) readLimits(c *bind.Call, bag *goja.Object) error {
	have := c.JS().Isolate().Limits()
	var pairs []any
	number := func(name string, have int, set func(n int)) {
		pairs = append(pairs, name, func(c *bind.Call, v goja.Value) error {
			f := math.NaN()
			if err := c.JS().Try(func() { f = v.ToNumber().ToFloat() }); err != nil {
				return err
			}
			if !(f >= 1) {
				return exception.RangeErrorf("The limit '%s' must be at least 1. Received %s", name, fmt.Sprint(f))
			}
			if f < float64(have) {
				set(int(f))
			}
			return nil
		})
	}
	number("turn", int(have.Turn/time.Millisecond), func(n int) { o.Limits.Turn = time.Duration(n) * time.Millisecond })
	number("stack", have.CallStack, func(n int) { o.Limits.CallStack = n })
	number("string", have.StringBytes, func(n int) { o.Limits.StringBytes = n })
	number("array", have.ArrayLength, func(n int) { o.Limits.ArrayLength = n })
	number("buffer", have.BufferBytes, func(n int) { o.Limits.BufferBytes = n })
	number("jsonDepth", have.JSONDepth, func(n int) { o.Limits.JSONDepth = n })
	number("timers", have.Timers, func(n int) { o.Limits.Timers = n })
	return c.Dictionary(bag, "WorkerLimits", pairs...)
}

// Transfers reads a transfer list: any iterable, or an object whose transfer is one. Nothing, and null, is the empty one.
func Transfers(c *bind.Call, v goja.Value) (all []goja.Value, err error) {
	list, ok := v.(*goja.Object)
	if !ok {
		if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
			return nil, nil
		}
		return nil, exception.TypeErrorf("The transfer list is not iterable.")
	}
	js := c.JS()
	err = js.Try(func() {
		if it := list.GetSymbol(goja.SymIterator); it != nil && !goja.IsUndefined(it) {
			return
		}
		inner := list.Get("transfer")
		if list = nil; inner != nil && !goja.IsUndefined(inner) {
			list = inner.ToObject(js.Runtime())
		}
	})
	if err != nil || list == nil {
		return nil, err
	}
	return global.TransferList(js, list)
}
