package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// jsFrom is ReadableStream.from.
func jsFrom(c *bind.Call) (any, error) {
	js := c.JS()
	obj, ok := c.Arg(0).(*goja.Object)
	if s, isString := c.Arg(0).(goja.String); isString {
		obj, ok = s.ToObject(js.Runtime()), true
	}
	if !ok {
		return nil, c.BadArg(1, "AsyncGenerator")
	}
	method, _, err := Iteration(js, obj)
	if err != nil {
		return nil, err
	}
	if _, ok := goja.AssertFunction(method); !ok {
		return nil, c.BadArg(1, "AsyncGenerator")
	}
	r, err := From(js, obj, method)
	if err != nil {
		return nil, err
	}
	return r.Object(js), nil
}

// Iteration is the method that iterates over an object, and whether it does so
// asynchronously; undefined where there is none.
func Iteration(js *isolate.JS, obj *goja.Object) (method goja.Value, async bool, err error) {
	err = js.Try(func() {
		if sym, ok := js.Runtime().GlobalObject().Get("Symbol").(*goja.Object).Get("asyncIterator").(*goja.Symbol); ok {
			method = obj.GetSymbol(sym)
		}
		if async = method != nil && !goja.IsUndefined(method) && !goja.IsNull(method); !async {
			method = obj.GetSymbol(goja.SymIterator)
		}
	})
	return method, async, err
}

// From is a stream of what the iterator gives that method makes for obj.
func From(js *isolate.JS, obj *goja.Object, method goja.Value) (*Readable, error) {
	it, err := js.Call(method, obj)
	if err != nil {
		return nil, err
	}
	iter, ok := it.(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("The iterator is not an object.")
	}
	var next goja.Value
	if err := js.Try(func() { next = iter.Get("next") }); err != nil {
		return nil, err
	}
	s := &Readable{}
	ctrl := newDefault(js, s, strategy{}, algorithms{})
	ctrl.alg = algorithms{
		pull: func(js *isolate.JS) *goja.Object {
			d := newDeferred(js)
			then(js, callPromise(js, next, iter), func(js *isolate.JS, v goja.Value) { took(js, ctrl, d, v) }, d.reject)
			return d.promise
		},
		cancel: func(js *isolate.JS, reason goja.Value) *goja.Object {
			var fn goja.Value
			if err := js.Try(func() { fn = iter.Get("return") }); err != nil {
				return rejected(js, js.Error(err))
			}
			if fn == nil || goja.IsUndefined(fn) || goja.IsNull(fn) {
				return resolved(js)
			}
			if _, ok := goja.AssertFunction(fn); !ok {
				return rejected(js, typeError(js, "The iterator's return property is not a function."))
			}
			d := newDeferred(js)
			then(js, callPromise(js, fn, iter, reason), func(js *isolate.JS, v goja.Value) {
				if _, ok := v.(*goja.Object); !ok {
					d.reject(js, typeError(js, "The result of the iterator's return() is not an object."))
					return
				}
				d.resolve(js, nil)
			}, d.reject)
			return d.promise
		},
	}
	ctrl.start(js, resolved(js))
	return s, nil
}

// took handles an iterator result; d settles when its value is in the stream.
func took(js *isolate.JS, ctrl *defaultController, d *deferred, v goja.Value) {
	res, ok := v.(*goja.Object)
	if !ok {
		d.reject(js, typeError(js, "The result of the iterator's next() is not an object."))
		return
	}
	var done bool
	var value goja.Value
	err := js.Try(func() {
		if x := res.Get("done"); x != nil {
			done = x.ToBoolean()
		}
		if value = res.Get("value"); value == nil {
			value = goja.Undefined()
		}
	})
	if err != nil {
		d.reject(js, js.Error(err))
		return
	}
	if done {
		if ctrl.canEnqueue() {
			ctrl.close(js)
		}
		d.resolve(js, nil)
		return
	}
	// A sync iterator may give promises.
	then(js, promiseOf(js, value), func(js *isolate.JS, v goja.Value) {
		if ctrl.canEnqueue() {
			_ = ctrl.enqueue(js, v) // there is no size function
		}
		d.resolve(js, nil)
	}, d.reject)
}
