package natives

import (
	"github.com/dop251/goja"
)

var promiseTable = table{path: "Promise", funcs: []entry{
	{name: "withResolvers", length: 0, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			p, resolve, reject := e.capability(c.This)
			o := e.rt.NewObject()
			e.createData(o, asciiValue("promise"), p)
			e.createData(o, asciiValue("resolve"), resolve)
			e.createData(o, asciiValue("reject"), reject)
			return o
		}
	}},
	{name: "try", length: 1, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			p, resolve, reject := e.capability(c.This)
			var v goja.Value
			settle := resolve
			if ex := e.rt.Try(func() {
				f := e.needCallable(c.Argument(0))
				v = orUndefined(f(goja.FunctionCall{This: undefined, Arguments: c.Arguments[min(1, len(c.Arguments)):]}))
			}); ex != nil {
				v, settle = ex.Value(), reject
			}
			e.needCallable(settle)(goja.FunctionCall{This: undefined, Arguments: []goja.Value{v}})
			return p
		}
	}},
}}

// capability is NewPromiseCapability.
func (e *env) capability(this goja.Value) (p *goja.Object, resolve, reject goja.Value) {
	ctor, ok := this.(*goja.Object)
	if !ok {
		e.throwType("PromiseCapability constructor called on non-object")
	}
	executor := e.rt.ToValue(e.guard(func(c goja.FunctionCall) goja.Value {
		if resolve != nil && resolve != undefined || reject != nil && reject != undefined {
			e.throwType("Promise executor has already been invoked with non-undefined arguments")
		}
		resolve, reject = c.Argument(0), c.Argument(1)
		return undefined
	}))
	p = e.new(ctor, executor)
	e.needCallable(resolve)
	e.needCallable(reject)
	return p, resolve, reject
}

var mapTable = table{path: "Map", funcs: []entry{
	{name: "groupBy", length: 2, make: func(e *env, _ raw) raw { return e.mapGroupBy }},
}}

func (e *env) mapGroupBy(call goja.FunctionCall) goja.Value {
	e.prepare(partMap)
	m := e.new(e.mapCtor)
	e.groupBy(call, func(k, v goja.Value) {
		if goja.IsNumber(k) && k.ToFloat() == 0 {
			k = e.rt.ToValue(0)
		}
		list, ok := e.mapGet(goja.FunctionCall{This: m, Arguments: []goja.Value{k}}).(*goja.Object)
		if !ok {
			list = e.rt.NewArray()
			e.mapSet(goja.FunctionCall{This: m, Arguments: []goja.Value{k, list}})
		}
		e.createIdx(list, e.lengthOf(list), v)
	})
	return m
}

// fromAsyncProgram is Array.fromAsync: a function that makes it from the helpers
// it needs. Its algorithm is all awaits, which only script can write plainly.
var fromAsyncProgram = lateProgram("native:Array.fromAsync", `(function (asyncIterator, isConstructor, define, apply, TypeError) {
"use strict";
const isObject = v => v !== null && (typeof v === "object" || typeof v === "function");
return async function (C, items, mapper, thisArg) {
	const mapping = mapper !== undefined;
	if (mapping && typeof mapper !== "function") throw TypeError(mapper, "is not a function");
	let method = items[asyncIterator], sync = false;
	if (method === undefined || method === null) {
		method = items[Symbol.iterator];
		sync = true;
	}
	if (method !== undefined && method !== null) {
		if (typeof method !== "function") throw TypeError(items, "is not iterable");
		const a = isConstructor(C) ? new C() : [];
		const it = apply(method, items);
		if (!isObject(it)) throw TypeError(it, "is not an object");
		const next = it.next;
		for (let k = 0; ; k++) {
			let r = apply(next, it);
			if (!sync) r = await r;
			if (!isObject(r)) throw TypeError(r, "is not an object");
			if (r.done) {
				a.length = k;
				return a;
			}
			let v = r.value;
			try {
				if (sync) v = await v;
				if (mapping) v = await apply(mapper, thisArg, v, k);
				define(a, k, v);
			} catch (e) {
				try {
					const ret = it.return;
					if (ret !== undefined && ret !== null) await apply(ret, it);
				} catch {}
				throw e;
			}
		}
	}
	const o = Object(items);
	let n = Math.trunc(Number(o.length));
	n = n > 0 ? Math.min(n, 9007199254740991) : 0;
	const a = isConstructor(C) ? new C(n) : new Array(n);
	for (let k = 0; k < n; k++) {
		let v = await o[k];
		if (mapping) v = await apply(mapper, thisArg, v, k);
		define(a, k, v);
	}
	a.length = n;
	return a;
};
})`, true)

var arrayAsyncTable = table{path: "Array", funcs: []entry{
	{name: "fromAsync", length: 1, make: func(e *env, _ raw) raw {
		var impl raw
		return func(c goja.FunctionCall) goja.Value {
			if impl == nil {
				impl = e.makeFromAsync()
			}
			return impl(goja.FunctionCall{This: undefined, Arguments: []goja.Value{c.This, c.Argument(0), c.Argument(1), c.Argument(2)}})
		}
	}},
}}

func (e *env) makeFromAsync() raw {
	v, err := e.rt.RunProgram(fromAsyncProgram())
	if err != nil {
		panic(err)
	}
	helper := func(f raw) goja.Value { return e.rt.ToValue(e.guard(f)) }
	made := e.needCallable(v)(goja.FunctionCall{This: undefined, Arguments: []goja.Value{
		SymAsyncIterator,
		helper(func(c goja.FunctionCall) goja.Value {
			_, ok := goja.AssertConstructor(c.Argument(0))
			return e.rt.ToValue(ok)
		}),
		helper(func(c goja.FunctionCall) goja.Value {
			e.put(c.Argument(0).(*goja.Object), c.Argument(1).ToInteger(), c.Argument(2))
			return undefined
		}),
		helper(func(c goja.FunctionCall) goja.Value {
			return e.needCallable(c.Argument(0))(goja.FunctionCall{This: c.Argument(1), Arguments: c.Arguments[2:]})
		}),
		helper(func(c goja.FunctionCall) goja.Value {
			return e.rt.NewTypeError("%s %s", e.describe(c.Argument(0)), c.Argument(1).String())
		}),
	}})
	return e.needCallable(made)
}
