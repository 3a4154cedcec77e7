// The mocks of node:test: functions that note their calls.
const { codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE } } = require("internal/errors");
const A = primordials("Array"), M = primordials("Map");
const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { apply, construct } = Reflect;

const isObject = (v) => v !== null && (typeof v === "object" || typeof v === "function");

const checkFunction = (value, name) => {
	if (typeof value !== "function") throw new ERR_INVALID_ARG_TYPE(name, "function", value);
};

const checkObject = (value, name) => {
	if (value === null || typeof value !== "object") throw new ERR_INVALID_ARG_TYPE(name, "object", value);
};

const checkCount = (value, name, least) => {
	if (typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
	if (value % 1 !== 0 || value < least || value > Number.MAX_SAFE_INTEGER) {
		throw new ERR_OUT_OF_RANGE(name, value % 1 !== 0 ? "an integer" : `>= ${least} && <= ${Number.MAX_SAFE_INTEGER}`, value);
	}
};

const checkBoolean = (value, name) => {
	if (typeof value !== "boolean") throw new ERR_INVALID_ARG_TYPE(name, "boolean", value);
};

// MockFunctionContext is the mock property of a mock: what it does, and its calls.
class MockFunctionContext {
	#calls = [];
	#mocks = new Map(); // implementations for one call, by its number
	#implementation;
	#undo; // { original, object, name, descriptor } where a property was replaced
	#times;
	constructor(implementation, undo, times) {
		this.#implementation = implementation;
		this.#undo = undo;
		this.#times = times;
	}
	get calls() { return A.slice(this.#calls, 0); }
	callCount() { return this.#calls.length; }
	mockImplementation(implementation) {
		checkFunction(implementation, "implementation");
		this.#implementation = implementation;
	}
	mockImplementationOnce(implementation, onCall) {
		checkFunction(implementation, "implementation");
		const next = this.#calls.length;
		const call = onCall ?? next;
		checkCount(call, "onCall", next);
		M.set(this.#mocks, call, implementation);
	}
	restore() {
		const { original, object, name, descriptor } = this.#undo;
		if (descriptor !== undefined) defineProperty(object, name, descriptor);
		this.#implementation = original;
		M.clear(this.#mocks);
	}
	resetCalls() { this.#calls = []; }

	// next is what the call that begins now does.
	static next(ctx) {
		const number = ctx.#calls.length;
		const fn = M.get(ctx.#mocks, number) ?? ctx.#implementation;
		if (number + 1 === ctx.#times) ctx.restore();
		M.delete(ctx.#mocks, number);
		return fn;
	}
	static note(ctx, call) { A.push(ctx.#calls, call); }
}

const { next, note } = MockFunctionContext;
delete MockFunctionContext.next;
delete MockFunctionContext.note;

// mocked is original with its calls noted in ctx.
function mocked(original, implementation, undo, times) {
	const ctx = new MockFunctionContext(implementation, undo, times);
	return new Proxy(original, {
		__proto__: null,
		apply(_fn, self, args) {
			const fn = next(ctx);
			let result, error;
			try {
				result = apply(fn, self, args);
			} catch (e) {
				error = e;
				throw e;
			} finally {
				note(ctx, { arguments: args, error, result, stack: new Error(), target: undefined, this: self });
			}
			return result;
		},
		construct(target, args, newTarget) {
			const fn = next(ctx);
			let result, error;
			try {
				result = construct(fn, args, newTarget);
			} catch (e) {
				error = e;
				throw e;
			} finally {
				note(ctx, { arguments: args, error, result, stack: new Error(), target, this: result });
			}
			return result;
		},
		get(target, name, receiver) {
			return name === "mock" ? ctx : Reflect.get(target, name, receiver);
		},
	});
}

// propertyOf finds a property along the prototypes.
function propertyOf(object, name) {
	for (let o = object; o !== null && o !== undefined; o = getPrototypeOf(o)) {
		const d = getOwnPropertyDescriptor(o, name);
		if (d !== undefined) return d;
	}
	return undefined;
}

class MockTracker {
	#contexts = [];
	fn(original = function () {}, implementation = original, options = {}) {
		if (original !== null && typeof original === "object") {
			options = original;
			original = function () {};
			implementation = original;
		} else if (implementation !== null && typeof implementation === "object") {
			options = implementation;
			implementation = original;
		}
		checkFunction(original, "original");
		checkFunction(implementation, "implementation");
		checkObject(options, "options");
		const { times = Infinity } = options;
		if (times !== Infinity) checkCount(times, "options.times", 1);
		return this.#keep(mocked(original, implementation, { original }, times));
	}
	method(object, name, implementation = undefined, options = {}) {
		if (!isObject(object)) throw new ERR_INVALID_ARG_TYPE("object", "object", object);
		if (typeof name !== "string" && typeof name !== "symbol") throw new ERR_INVALID_ARG_TYPE("methodName", ["string", "symbol"], name);
		if (implementation !== null && typeof implementation === "object") {
			options = implementation;
			implementation = undefined;
		}
		checkObject(options, "options");
		const { getter = false, setter = false, times = Infinity } = options;
		checkBoolean(getter, "options.getter");
		checkBoolean(setter, "options.setter");
		if (times !== Infinity) checkCount(times, "options.times", 1);
		if (setter && getter) throw new ERR_INVALID_ARG_VALUE("options.setter", setter, "cannot be used with 'options.getter'");
		const found = propertyOf(object, name);
		const original = getter ? found?.get : setter ? found?.set : found?.value;
		if (typeof original !== "function") throw new ERR_INVALID_ARG_VALUE("methodName", original, "must be a method");
		if (implementation !== undefined) checkFunction(implementation, "implementation");
		const fn = mocked(original, implementation ?? original, { original, object, name, descriptor: found }, times);
		const d = { configurable: found.configurable, enumerable: found.enumerable };
		if (getter || setter) {
			d.get = getter ? fn : found.get;
			d.set = setter ? fn : found.set;
		} else {
			d.writable = found.writable;
			d.value = fn;
		}
		defineProperty(object, name, d);
		return this.#keep(fn);
	}
	getter(object, name, implementation = undefined, options = {}) {
		return this.#accessor("getter", object, name, implementation, options);
	}
	setter(object, name, implementation = undefined, options = {}) {
		return this.#accessor("setter", object, name, implementation, options);
	}
	reset() {
		this.restoreAll();
		this.#contexts = [];
	}
	restoreAll() {
		for (let i = 0; i < this.#contexts.length; i++) this.#contexts[i].restore();
	}
	#accessor(kind, object, name, implementation, options) {
		if (implementation !== null && typeof implementation === "object") {
			options = implementation;
			implementation = undefined;
		}
		checkObject(options, "options");
		if (options[kind] === false) throw new ERR_INVALID_ARG_VALUE(`options.${kind}`, false, "cannot be false");
		return this.method(object, name, implementation, { ...options, [kind]: true });
	}
	#keep(fn) {
		A.push(this.#contexts, fn.mock);
		return fn;
	}
}

module.exports = { mock: new MockTracker(), MockFunctionContext, MockTracker };
