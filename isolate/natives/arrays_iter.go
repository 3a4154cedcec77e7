package natives

import (
	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// The methods that call back. goja's own run for small plain arrays; these are
// for array-likes, proxies and long arrays, where a run of holes calls nobody.

// each calls f for the elements that exist, in order, until it returns false.
func (e *env) each(o *goja.Object, call goja.FunctionCall, f func(i int64, v, result goja.Value) bool) {
	n := e.lengthOf(o)
	fn := e.needCallable(call.Argument(0))
	e.eachOf(o, n, fn, call.Argument(1), f)
}

func (e *env) eachOf(o *goja.Object, n int64, fn raw, this goja.Value, f func(i int64, v, result goja.Value) bool) {
	plain := isPlainArray(o)
	for i := int64(0); i < n; i++ {
		e.poll()
		v, ok := e.elem(o, i, plain)
		if !ok {
			continue
		}
		if !f(i, v, orUndefined(fn(goja.FunctionCall{This: this, Arguments: []goja.Value{v, e.key(i), o}}))) {
			return
		}
	}
}

func arrayForEach(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	e.each(o, call, func(int64, goja.Value, goja.Value) bool { return true })
	return undefined
}

func arraySome(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	res := valFalse
	e.each(o, call, func(_ int64, _, r goja.Value) bool {
		if r.ToBoolean() {
			res = valTrue
		}
		return res == valFalse
	})
	return res
}

func arrayEvery(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	res := valTrue
	e.each(o, call, func(_ int64, _, r goja.Value) bool {
		if !r.ToBoolean() {
			res = valFalse
		}
		return res == valTrue
	})
	return res
}

func arrayMap(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	fn := e.needCallable(call.Argument(0))
	a, _ := e.species(o, n)
	stored := int64(0)
	e.eachOf(o, n, fn, call.Argument(1), func(i int64, _, r goja.Value) bool {
		if stored++; stored > int64(e.lim.MaxArrayLength) {
			e.throwArrayLength()
		}
		e.createIdx(a, i, r)
		return true
	})
	return a
}

func arrayFilter(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	fn := e.needCallable(call.Argument(0))
	a, _ := e.species(o, 0)
	to := int64(0)
	e.eachOf(o, n, fn, call.Argument(1), func(_ int64, v, r goja.Value) bool {
		if r.ToBoolean() {
			e.put(a, to, v)
			to++
		}
		return true
	})
	return a
}

func arrayReduce(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	return e.fold(o, call, 1)
}

func arrayReduceRight(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	return e.fold(o, call, -1)
}

func (e *env) fold(o *goja.Object, call goja.FunctionCall, step int64) goja.Value {
	n := e.lengthOf(o)
	fn := e.needCallable(call.Argument(0))
	var acc goja.Value
	if len(call.Arguments) > 1 {
		acc = call.Arguments[1]
	}
	plain := isPlainArray(o)
	i := int64(0)
	if step < 0 {
		i = n - 1
	}
	for ; i >= 0 && i < n; i += step {
		e.poll()
		v, ok := e.elem(o, i, plain)
		switch {
		case !ok:
		case acc == nil:
			acc = v
		default:
			acc = orUndefined(fn(goja.FunctionCall{This: undefined, Arguments: []goja.Value{acc, v, e.key(i), o}}))
		}
	}
	if acc == nil {
		e.throwType("Reduce of empty array with no initial value")
	}
	return acc
}

func arrayFlat(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	depth := int64(1)
	if d := call.Argument(0); d != undefined {
		depth = toInteger(d)
	}
	f := flattener{e: e}
	f.to, f.plain = e.species(o, 0)
	f.walk(o, n, depth, 0)
	return f.done()
}

func arrayFlatMap(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	fn, ok := e.callable(call.Argument(0))
	if !ok {
		e.throwType("flatMap mapper function is not callable")
	}
	f := flattener{e: e}
	f.to, f.plain = e.species(o, 0)
	e.eachOf(o, n, fn, call.Argument(1), func(_ int64, _, r goja.Value) bool {
		f.element(r, 1, 0)
		return true
	})
	return f.done()
}

// flattener collects what flat and flatMap produce.
type flattener struct {
	e     *env
	to    *goja.Object
	plain bool
	next  int64
	out   collect
}

func (f *flattener) walk(o *goja.Object, n, depth int64, level int) {
	if level > limits.FlatDepth.In(f.e.lim.Bounds) { // nested or cyclic arrays
		f.e.throwStack()
	}
	plain := isPlainArray(o)
	for i := int64(0); i < n; i++ {
		f.e.poll()
		if v, ok := f.e.elem(o, i, plain); ok {
			f.element(v, depth, level)
		}
	}
}

func (f *flattener) element(v goja.Value, depth int64, level int) {
	if o, ok := v.(*goja.Object); ok && depth > 0 && f.e.isArrayValue(o) {
		f.walk(o, f.e.lengthOf(o), depth-1, level+1)
		return
	}
	if f.plain {
		f.out.e = f.e
		f.out.add(v)
		return
	}
	f.e.put(f.to, f.next, v)
	f.next++
}

func (f *flattener) done() goja.Value {
	if f.plain {
		return f.e.rt.NewArray(f.out.vals...)
	}
	return f.to
}

// arrayConcat hands small plain arrays to goja; a proxy or array-like argument,
// or too much in all, comes here.
func arrayConcat(e *env, prev raw) raw {
	return func(call goja.FunctionCall) goja.Value {
		small := true
		total := int64(0)
		check := func(v goja.Value) {
			if o, ok := v.(*goja.Object); ok {
				if isPlainArray(o) {
					total += e.lengthOf(o)
				} else {
					small = false
				}
			}
		}
		check(call.This)
		for _, a := range call.Arguments {
			check(a)
		}
		if small && total <= e.small() {
			return prev(call)
		}
		o := e.toObject(call.This, "Array.prototype.concat")
		a, _ := e.species(o, 0)
		next := int64(0)
		next = e.concatOne(a, next, o)
		for _, item := range call.Arguments {
			next = e.concatOne(a, next, item)
		}
		e.setLength(a, next)
		return a
	}
}

func (e *env) concatOne(a *goja.Object, next int64, item goja.Value) int64 {
	o, ok := item.(*goja.Object)
	if !ok || !e.spreadable(o) {
		e.createIdx(a, next, item)
		return next + 1
	}
	n := e.lengthOf(o)
	if next+n > maxSafe {
		e.throwType("Invalid array length")
	}
	plain := isPlainArray(o)
	for i := int64(0); i < n; i++ {
		e.poll()
		if v, ok := e.elem(o, i, plain); ok {
			e.put(a, next+i, v)
		}
	}
	return next + n
}

func (e *env) spreadable(o *goja.Object) bool {
	if s := o.GetSymbol(goja.SymIsConcatSpreadable); s != nil && s != undefined {
		return s.ToBoolean()
	}
	return e.isArrayValue(o)
}
