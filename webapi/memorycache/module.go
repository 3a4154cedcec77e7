// Package memorycache is memory caches: what a memoryCache binding is.
//
// A cache keeps values in the memory of the process, for all isolates that name it. A
// script that reads a key may bring a function that makes the value where there is none;
// of those who ask for one key at a time, one makes the value and the others wait for it,
// and where it fails the next one tries.
//
// Caches, Use and Turn may be used from any goroutine; what takes a *bind.Call belongs to
// the isolate's.
package memorycache

import (
	"errors"
	"math"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

// maxKey is the longest key, in bytes (workerd).
const maxKey = 2 << 10

var errKey = exception.RangeErrorf("Key too large.")

// Binding is a memory cache as a script has it.
type Binding struct{ Use *Use }

// Class is the class of bindings; scripts do not see its name.
var Class = &bind.Class[Binding]{
	Name:    "MemoryCache",
	Async:   map[string]bind.Method[Binding]{"read": (*Binding).read},
	Methods: map[string]bind.Method[Binding]{"delete": (*Binding).remove},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		if !js.Compat().Has("memory_cache_delete") {
			return proto.Delete("delete")
		}
		return nil
	},
}

// keyOf reads the first argument, which is not converted to a string.
func keyOf(c *bind.Call) (string, error) {
	v := c.Arg(0)
	if t := v.ExportType(); t == nil || t.Kind().String() != "string" {
		return "", c.BadArg(1, "string")
	}
	if _, isObj := v.(*goja.Object); isObj {
		return "", c.BadArg(1, "string")
	}
	if _, isSymbol := v.(*goja.Symbol); isSymbol {
		return "", c.BadArg(1, "string")
	}
	return c.String(1, v)
}

// read is read().
func (b *Binding) read(c *bind.Call) (any, error) {
	js := c.JS()
	key, err := keyOf(c)
	if err != nil {
		return nil, err
	}
	fallback := c.Arg(1)
	if _, ok := goja.AssertFunction(fallback); !ok && !goja.IsUndefined(fallback) {
		return nil, c.BadArg(2, "function")
	}
	if len(key) > maxKey {
		return nil, errKey
	}
	ioc, err := c.Context()
	if err == nil {
		err = event.Refusal(ioc.Context())
	}
	if err != nil {
		return nil, err
	}
	if goja.IsUndefined(fallback) {
		value, ok := b.Use.Get(key, now(js))
		if !ok {
			return js.Resolved(goja.Undefined()), nil
		}
		return resolved(js, value)
	}
	answer := loop.NewFuture[result](ioc.Loop())
	value, ok, turn := b.Use.Read(key, now(js), waiter(ioc, answer))
	switch {
	case ok:
		return resolved(js, value)
	case turn != nil:
		return produce(js, key, fallback, turn, ioc.OnEnd(turn.Fail)), nil
	}
	return iocontext.Await(js, ioc, loop.Later(answer), func(js *isolate.JS, o result) (goja.Value, error) {
		if o.turn == nil {
			return deserialize(js, o.value)
		}
		return produce(js, key, fallback, o.turn, o.kept), nil
	}), nil
}

func now(js *isolate.JS) float64 { return float64(js.Host().Now().UnixMilli()) }

func resolved(js *isolate.JS, value []byte) (any, error) {
	v, err := deserialize(js, value)
	if err != nil {
		return nil, err
	}
	return js.Resolved(v), nil
}

func deserialize(js *isolate.JS, value []byte) (goja.Value, error) {
	v, err := clone.Deserialize(js.Runtime(), value, clone.Options{Bounds: js.Bounds(), Host: global.HostObjects(js)})
	return v, global.CloneError(err)
}

// serialize is a value as it is kept; the error for what cannot be kept is workerd's.
func serialize(js *isolate.JS, v goja.Value) ([]byte, error) {
	b, err := clone.Serialize(js.Runtime(), v, clone.Options{Bounds: js.Bounds(), Host: global.HostObjects(js)})
	var refused *clone.DataCloneError
	if errors.As(err, &refused) {
		return nil, exception.DOM("DataCloneError", "failed to serialize "+typeOf(v))
	}
	return b, global.CloneError(err)
}

// typeOf is typeof, for what can be refused.
func typeOf(v goja.Value) string {
	if _, ok := v.(*goja.Symbol); ok {
		return "symbol"
	}
	if _, ok := goja.AssertFunction(v); ok {
		return "function"
	}
	return "object"
}

// result is what a waiting read gets: a value, or the turn to make it. kept takes back
// that the end of the context gives the turn to the next.
type result struct {
	value []byte
	turn  *Turn
	kept  func()
}

// waiter brings a result to the loop of a context.
func waiter(ioc *iocontext.Context, answer *loop.Future[result]) Waiter {
	l := ioc.Loop()
	return func(value []byte, turn *Turn) bool {
		return l.Post(func() {
			r := result{value: value, turn: turn}
			if turn != nil {
				r.kept = ioc.OnEnd(turn.Fail)
			}
			answer.Resolve(r)
		}) == nil
	}
}

// produce has the script make the value of a key. forget takes back that the end of the
// context gives the turn to the next.
func produce(js *isolate.JS, key string, fallback goja.Value, turn *Turn, forget func()) *goja.Object {
	promise, resolve, reject := js.NewPromise()
	fail := func(err error) {
		forget()
		turn.Fail()
		reject(err)
	}
	js.Later(func(js *isolate.JS) {
		v, err := js.Call(fallback, goja.Undefined(), js.Runtime().ToValue(key))
		if err != nil {
			if isolate.Uncatchable(err) {
				js.Panic(err)
			}
			fail(err)
			return
		}
		if obj, ok := v.(*goja.Object); !ok && !goja.IsUndefined(v) && !goja.IsNull(v) || ok && obj == nil {
			fail(exception.TypeErrorf("Callback returned incorrect type; expected 'Promise'"))
			return
		}
		js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
			if err != nil {
				fail(err)
				return
			}
			value, bytes, expiry, err := made(js, v)
			if err != nil {
				fail(err)
				return
			}
			forget()
			turn.Done(bytes, expiry, now(js))
			resolve(value)
		})
	})
	return promise
}

// made reads what the script made: a value and when it expires.
func made(js *isolate.JS, v goja.Value) (value goja.Value, bytes []byte, expiry *float64, err error) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil, nil, exception.TypeErrorf("Cannot initialize CacheValueProduceResult with required members from an undefined or null value.")
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, nil, nil, exception.TypeErrorf("Incorrect type for Promise: the Promise did not resolve to 'CacheValueProduceResult'.")
	}
	value = goja.Undefined()
	err = js.Try(func() {
		if x := obj.Get("value"); x != nil {
			value = x
		}
		if x := obj.Get("expiration"); x != nil && !goja.IsUndefined(x) {
			f := x.ToNumber().ToFloat()
			expiry = &f
		}
	})
	if err != nil {
		return nil, nil, nil, err
	}
	if bytes, err = serialize(js, value); err != nil {
		return nil, nil, nil, err
	}
	if expiry != nil && math.IsNaN(*expiry) {
		return nil, nil, nil, exception.TypeErrorf("Expiration time must not be NaN.")
	}
	return value, bytes, expiry, nil
}

// remove is delete().
func (b *Binding) remove(c *bind.Call) (any, error) {
	key, err := keyOf(c)
	if err != nil {
		return nil, err
	}
	if len(key) > maxKey {
		return nil, errKey
	}
	b.Use.Delete(key)
	return nil, nil
}
