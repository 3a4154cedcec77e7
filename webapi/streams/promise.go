package streams

import (
	"reflect"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// deferred is a promise and the right to settle it. The first settlement counts.
type deferred struct {
	promise  *goja.Object
	res, rej func(any) error
	settled  bool
}

func newDeferred(js *isolate.JS) *deferred {
	p, res, rej := js.Runtime().NewPromise()
	return &deferred{promise: js.Runtime().ToValue(p).(*goja.Object), res: res, rej: rej}
}

func (d *deferred) resolve(js *isolate.JS, v goja.Value) {
	if !d.settled {
		d.settled = true
		if v == nil {
			v = goja.Undefined()
		}
		check(js, d.res(v))
	}
}

// reject settles with a JavaScript value as it is.
func (d *deferred) reject(js *isolate.JS, reason goja.Value) {
	if !d.settled {
		d.settled = true
		check(js, d.rej(reason))
	}
}

// follow settles d as the promise p does.
func (d *deferred) follow(js *isolate.JS, p *goja.Object) {
	then(js, p, d.resolve, d.reject)
}

func check(js *isolate.JS, err error) {
	if err != nil && isolate.Uncatchable(err) {
		js.Panic(err)
	}
}

// intrinsics are the engine's own functions as they were when the realm's first
// stream was made, so that a script that replaces them does not change streams.
type intrinsics struct {
	then       goja.Value
	react      goja.Value
	noop       goja.Value
	uint8Array goja.Value
	resolved   *goja.Object // a promise fulfilled with undefined
}

// reactGlue makes react(promise, f), which calls f(true, value) or f(false, reason)
// in a microtask once the promise has settled. It is JavaScript because one Go
// function and two arrows are cheaper than two Go functions, and because Go code in
// a microtask needs a JavaScript frame below it (isolate.JS.Job).
var reactGlue = goja.MustCompile("workerd:streams", `(apply, then) => (promise, f) => {
	apply(then, promise, [(v) => { f(true, v) }, (v) => { f(false, v) }]);
}`, true)

var intrinsicsOf = isolate.NewSlot(func(js *isolate.JS) *intrinsics {
	rt := js.Runtime()
	global := rt.GlobalObject()
	then := global.Get("Promise").(*goja.Object).Get("prototype").(*goja.Object).Get("then")
	glue, err := rt.RunProgram(reactGlue)
	if err != nil {
		js.Panic(err)
	}
	react, err := js.Call(glue, nil, global.Get("Reflect").(*goja.Object).Get("apply"), then)
	if err != nil {
		js.Panic(err)
	}
	return &intrinsics{
		then:       then,
		react:      react,
		noop:       rt.ToValue(func(goja.FunctionCall) goja.Value { return goja.Undefined() }),
		uint8Array: global.Get("Uint8Array"),
		resolved:   js.Resolved(nil),
	}
})

// then calls one of the functions in a microtask once p has settled; that counts
// as handling a rejection. Either function may be nil.
func then(js *isolate.JS, p *goja.Object, ok, bad func(js *isolate.JS, v goja.Value)) {
	f := js.Runtime().ToValue(func(c goja.FunctionCall) goja.Value {
		fn := bad
		if c.Argument(0).ToBoolean() {
			fn = ok
		}
		if fn != nil {
			fn(js, c.Argument(1))
		}
		return goja.Undefined()
	})
	if _, err := js.Call(intrinsicsOf.Get(js).react, nil, p, f); err != nil {
		js.Panic(err)
	}
}

// after is then for a promise, and calls ok at once where there is none.
func after(js *isolate.JS, p *goja.Object, ok, bad func(js *isolate.JS, v goja.Value)) {
	if p != nil {
		then(js, p, ok, bad)
	} else if ok != nil {
		ok(js, goja.Undefined())
	}
}

// handled keeps a rejection of p from being reported.
func handled(js *isolate.JS, p *goja.Object) {
	in := intrinsicsOf.Get(js)
	if _, err := js.Call(in.then, p, goja.Undefined(), in.noop); err != nil {
		js.Panic(err)
	}
}

// resolved is a promise fulfilled with undefined; it is shared.
func resolved(js *isolate.JS) *goja.Object { return intrinsicsOf.Get(js).resolved }

// rejected is a promise rejected with a JavaScript value as it is.
func rejected(js *isolate.JS, reason goja.Value) *goja.Object {
	d := newDeferred(js)
	d.reject(js, reason)
	return d.promise
}

var promiseType = reflect.TypeFor[*goja.Promise]()

// promiseOf is v itself where it is a promise of the engine, else a promise
// resolved with v; in the standard it is always the latter, which takes longer.
func promiseOf(js *isolate.JS, v goja.Value) *goja.Object {
	if obj, ok := v.(*goja.Object); ok && !FlagsOf(js).Standard {
		// Export would read all properties of an ordinary object.
		if obj.ExportType() == promiseType {
			return obj
		}
	}
	if v == nil || goja.IsUndefined(v) {
		return resolved(js)
	}
	d := newDeferred(js)
	d.resolve(js, v)
	return d.promise
}

// callPromise calls a function of the script; a throw becomes a rejection.
func callPromise(js *isolate.JS, fn, this goja.Value, args ...goja.Value) *goja.Object {
	v, err := js.Call(fn, this, args...)
	if err != nil {
		check(js, err)
		return rejected(js, js.Error(err))
	}
	return promiseOf(js, v)
}

func typeError(js *isolate.JS, text string) goja.Value {
	return js.Error(exception.TypeErrorf("%s", text))
}

// answer resolves d with an iterator result object. The object gets its prototype
// once d is resolved, so that no "then" that a script has put on that is looked at.
func (d *deferred) answer(js *isolate.JS, v goja.Value, done bool) {
	obj := result(js, v, done)
	proto := obj.Prototype()
	// A new object takes any prototype.
	_ = obj.SetPrototype(nil)
	d.resolve(js, obj)
	_ = obj.SetPrototype(proto)
}

// result is an iterator result object.
func result(js *isolate.JS, v goja.Value, done bool) *goja.Object {
	obj := js.Runtime().NewObject()
	// A new ordinary object takes any property.
	_ = obj.DefineDataProperty("value", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	_ = obj.DefineDataProperty("done", js.Runtime().ToValue(done), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	return obj
}
