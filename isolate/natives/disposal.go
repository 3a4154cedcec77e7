package natives

import "github.com/dop251/goja"

// DisposableStack, AsyncDisposableStack and SuppressedError. They are script, made when
// one of the globals is first read.

var disposalProgram = lateProgram("native:DisposableStack", `(function (apply, dispose, asyncDispose, tag, Error, ReferenceError, TypeError, define, isCallable, show) {
"use strict";
const isObject = (v) => v !== null && (typeof v === "object" || typeof v === "function");
const method = (v, sync) => {
	let f;
	if (!sync) f = v[asyncDispose];
	let own = f !== undefined && f !== null;
	if (!own) f = v[dispose];
	if (f === undefined || f === null) throw new TypeError(show(v) + " is not disposable");
	if (!isCallable(f)) throw new TypeError(show(f) + " is not a function");
	return own || sync ? f : function () { apply(f, this, []) };
};
const suppressed = (error, before) => new SuppressedError(error, before, "An error was suppressed during disposal.");
function SuppressedError(error, before, message) {
	const e = message === undefined ? new Error() : new Error(message);
	define(e, new.target === undefined ? SuppressedError : new.target, error, before);
	return e;
}
class DisposableStack {
	#list = []; #disposed = false;
	get disposed() { return this.#disposed }
	#open() { if (this.#disposed) throw new ReferenceError("Cannot add values to a disposed stack!") }
	use(value) {
		this.#open();
		if (value !== null && value !== undefined) {
			if (!isObject(value)) throw new TypeError(show(value) + " is not disposable");
			const f = method(value, true);
			this.#list[this.#list.length] = () => apply(f, value, []);
		}
		return value;
	}
	adopt(value, onDispose) {
		this.#open();
		if (!isCallable(onDispose)) throw new TypeError(show(onDispose) + " is not a function");
		this.#list[this.#list.length] = () => apply(onDispose, undefined, [value]);
		return value;
	}
	defer(onDispose) {
		this.#open();
		if (!isCallable(onDispose)) throw new TypeError(show(onDispose) + " is not a function");
		this.#list[this.#list.length] = () => apply(onDispose, undefined, []);
	}
	move() {
		this.#open();
		const next = new DisposableStack();
		next.#list = this.#list;
		this.#list = []; this.#disposed = true;
		return next;
	}
	dispose() {
		if (this.#disposed) return;
		this.#disposed = true;
		const list = this.#list;
		this.#list = [];
		let failed = false, error;
		for (let i = list.length - 1; i >= 0; i--) {
			try { list[i]() } catch (e) { error = failed ? suppressed(e, error) : e; failed = true }
		}
		if (failed) throw error;
	}
}
class AsyncDisposableStack {
	#list = []; #disposed = false;
	get disposed() { return this.#disposed }
	#open() { if (this.#disposed) throw new ReferenceError("Cannot add values to a disposed stack!") }
	use(value) {
		this.#open();
		if (value === null || value === undefined) this.#list[this.#list.length] = () => undefined;
		else {
			if (!isObject(value)) throw new TypeError(show(value) + " is not disposable");
			const f = method(value, false);
			this.#list[this.#list.length] = () => apply(f, value, []);
		}
		return value;
	}
	adopt(value, onDispose) {
		this.#open();
		if (!isCallable(onDispose)) throw new TypeError(show(onDispose) + " is not a function");
		this.#list[this.#list.length] = () => apply(onDispose, undefined, [value]);
		return value;
	}
	defer(onDispose) {
		this.#open();
		if (!isCallable(onDispose)) throw new TypeError(show(onDispose) + " is not a function");
		this.#list[this.#list.length] = () => apply(onDispose, undefined, []);
	}
	move() {
		this.#open();
		const next = new AsyncDisposableStack();
		next.#list = this.#list;
		this.#list = []; this.#disposed = true;
		return next;
	}
	async disposeAsync() {
		if (this.#disposed) return;
		this.#disposed = true;
		const list = this.#list;
		this.#list = [];
		let failed = false, error;
		for (let i = list.length - 1; i >= 0; i--) {
			try { await list[i]() } catch (e) { error = failed ? suppressed(e, error) : e; failed = true }
		}
		if (failed) throw error;
	}
}
tag(DisposableStack.prototype, dispose, "dispose", "DisposableStack");
tag(AsyncDisposableStack.prototype, asyncDispose, "disposeAsync", "AsyncDisposableStack");
return { SuppressedError, DisposableStack, AsyncDisposableStack };
})`, true)

func (e *env) makeDisposal() *goja.Object {
	must := func(err error) {
		if err != nil {
			panic(e.rt.NewGoError(err))
		}
	}
	class := func(path string) *goja.Object {
		o, err := e.object(path)
		must(err)
		return o
	}
	helper := func(f raw) goja.Value { return e.rt.ToValue(e.guard(f)) }
	v, err := e.rt.RunProgram(disposalProgram())
	must(err)
	base := class("Error")
	no, yes := goja.FLAG_FALSE, goja.FLAG_TRUE
	o := e.needCallable(v)(goja.FunctionCall{This: undefined, Arguments: []goja.Value{
		helper(func(c goja.FunctionCall) goja.Value {
			return orUndefined(e.needCallable(c.Argument(0))(goja.FunctionCall{This: c.Argument(1), Arguments: e.view(c.Argument(2).(*goja.Object))}))
		}),
		SymDispose, SymAsyncDispose,
		helper(func(c goja.FunctionCall) goja.Value {
			p := c.Argument(0).(*goja.Object)
			must(p.DefineDataPropertySymbol(c.Argument(1).(*goja.Symbol), p.Get(c.Argument(2).String()), yes, yes, no))
			must(p.DefineDataPropertySymbol(goja.SymToStringTag, c.Argument(3), no, yes, no))
			return undefined
		}),
		base, class("ReferenceError"), class("TypeError"),
		helper(func(c goja.FunctionCall) goja.Value { // what a SuppressedError is beyond an Error
			err := c.Argument(0).(*goja.Object)
			if p, ok := c.Argument(1).(*goja.Object).Get("prototype").(*goja.Object); ok {
				must(err.SetPrototype(p))
			}
			must(err.DefineDataProperty("error", c.Argument(2), yes, yes, no))
			must(err.DefineDataProperty("suppressed", c.Argument(3), yes, yes, no))
			return undefined
		}),
		helper(func(c goja.FunctionCall) goja.Value {
			_, ok := goja.AssertFunction(c.Argument(0))
			return e.rt.ToValue(ok)
		}),
		helper(func(c goja.FunctionCall) goja.Value { return e.rt.ToValue(e.describe(c.Argument(0))) }),
	}}).(*goja.Object)
	suppressed := o.Get("SuppressedError").(*goja.Object)
	proto := suppressed.Get("prototype").(*goja.Object)
	must(suppressed.SetPrototype(base))
	must(proto.SetPrototype(base.Get("prototype").(*goja.Object)))
	must(proto.DefineDataProperty("name", asciiValue("SuppressedError"), yes, yes, no))
	must(proto.DefineDataProperty("message", emptyStr, yes, yes, no))
	return o
}
