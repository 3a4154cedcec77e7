package natives

// The helpers of iterators. Their algorithms call back and forth between iterators,
// which script writes plainly; each realm runs the program when a helper is first
// called. Nothing in it can be reached through a prototype that a script may change.

// iteratorHelpers are the methods of Iterator.prototype, in the order of the program's
// list.
var iteratorHelpers = []struct {
	name   string
	length int
}{
	{"map", 1}, {"filter", 1}, {"take", 1}, {"drop", 1}, {"flatMap", 1}, {"reduce", 1},
	{"toArray", 0}, {"forEach", 1}, {"some", 1}, {"every", 1}, {"find", 1},
}

var iteratorProgram = lateProgram("native:Iterator", `(function (apply, create, define, symIterator, IteratorPrototype, TypeError, RangeError, isCallable, push, show, protoOf) {
"use strict";
const isObject = (v) => v !== null && (typeof v === "object" || typeof v === "function");
const call = (f, that, a, b) => apply(f, that, [a, b]);
const receiver = (o, name) => { if (!isObject(o)) throw new TypeError("Iterator.prototype." + name + " called on non-object"); return o };
const direct = (it) => ({ it, next: it.next });
const step = (r) => {
	const v = apply(r.next, r.it, []);
	if (!isObject(v)) throw new TypeError("Iterator result " + show(v) + " is not an object");
	return v;
};
const close = (it) => {
	const f = it.return;
	if (f === undefined || f === null) return;
	const v = apply(f, it, []);
	if (!isObject(v)) throw new TypeError(show(v) + " is not an object");
};
const quiet = (it) => { try { const f = it.return; if (f !== undefined && f !== null) apply(f, it, []) } catch {} };
const callable = (o, f) => { if (!isCallable(f)) { quiet(o); throw new TypeError(show(f) + " is not a function") } return f };
const guarded = (it, f) => { try { return f() } catch (e) { quiet(it); throw e } };
const DONE = {};
// A private field of an object that some other constructor made.
class Given { constructor(o) { return o } }
class Cell extends Given {
	#state;
	constructor(o, state) { super(o); this.#state = state }
	static get(o) { return isObject(o) && #state in o ? o.#state : undefined }
}
const get = Cell.get;
const result = (value, done) => ({ value, done });
const HelperPrototype = create(IteratorPrototype), WrapPrototype = create(IteratorPrototype);
const helper = (pull, end) => {
	const o = create(HelperPrototype);
	new Cell(o, { kind: 1, pull, end, running: false, done: false });
	return o;
};
const helperOf = (o, name) => {
	const s = get(o);
	if (s === undefined || s.kind !== 1) throw new TypeError("Method Iterator Helper.prototype." + name + " called on incompatible receiver " + show(o));
	if (s.running) throw new TypeError("Generator is already running");
	return s;
};
const helperMethods = {
	next() {
		const s = helperOf(this, "next");
		if (s.done) return result(undefined, true);
		s.running = true;
		try {
			const v = s.pull();
			if (v === DONE) { s.done = true; return result(undefined, true) }
			return result(v.value, false);
		} catch (e) { s.done = true; throw e } finally { s.running = false }
	},
	return() {
		const s = helperOf(this, "return");
		if (!s.done) { s.done = true; s.running = true; try { s.end() } finally { s.running = false } }
		return result(undefined, true);
	},
};
define(HelperPrototype, "next", helperMethods.next); define(HelperPrototype, "return", helperMethods.return);
define(HelperPrototype, undefined, "Iterator Helper");
const wrapMethods = {
	next() { const s = get(this); if (s === undefined || s.kind !== 2) throw new TypeError("not a wrapped iterator"); return apply(s.r.next, s.r.it, []) },
	return() {
		const s = get(this);
		if (s === undefined || s.kind !== 2) throw new TypeError("not a wrapped iterator");
		const f = s.r.it.return;
		return f === undefined || f === null ? result(undefined, true) : apply(f, s.r.it, []);
	},
};
define(WrapPrototype, "next", wrapMethods.next); define(WrapPrototype, "return", wrapMethods.return);
const flattenable = (v, strings) => {
	if (!isObject(v) && !(strings && typeof v === "string")) throw new TypeError(show(v) + " is not an object");
	const f = v[symIterator];
	if (f === undefined || f === null) return direct(v);
	const it = apply(f, v, []);
	if (!isObject(it)) throw new TypeError(show(it) + " is not an object");
	return direct(it);
};
const limitOf = (o, n) => guarded(o, () => {
	const x = +n;
	if (x !== x) throw new RangeError(show(n) + " must be positive");
	const whole = x - (x % 1 || 0);
	if (whole < 0) throw new RangeError(show(n) + " must be positive");
	return whole;
});
const each = (o, name, f, visit) => {
	receiver(o, name); callable(o, f);
	const r = direct(o);
	for (let i = 0; ; i++) {
		const v = step(r);
		if (v.done) return visit(undefined, true, undefined);
		const x = v.value;
		const y = guarded(r.it, () => call(f, undefined, x, i));
		const out = visit(y, false, x);
		if (out !== DONE) { close(r.it); return out.value }
	}
};
const map = (o, f) => {
	receiver(o, "map"); callable(o, f);
	const r = direct(o); let i = 0;
	return helper(() => { const v = step(r); if (v.done) return DONE; const x = v.value; return { value: guarded(r.it, () => call(f, undefined, x, i++)) } }, () => close(r.it));
};
const filter = (o, f) => {
	receiver(o, "filter"); callable(o, f);
	const r = direct(o); let i = 0;
	return helper(() => { for (;;) { const v = step(r); if (v.done) return DONE; const x = v.value; if (guarded(r.it, () => call(f, undefined, x, i++))) return { value: x } } }, () => close(r.it));
};
const take = (o, n) => {
	receiver(o, "take");
	let left = limitOf(o, n);
	const r = direct(o);
	return helper(() => { if (left === 0) { close(r.it); return DONE } left--; const v = step(r); return v.done ? DONE : { value: v.value } }, () => close(r.it));
};
const drop = (o, n) => {
	receiver(o, "drop");
	let left = limitOf(o, n);
	const r = direct(o);
	return helper(() => { for (; left > 0; left--) if (step(r).done) return DONE; const v = step(r); return v.done ? DONE : { value: v.value } }, () => close(r.it));
};
const flatMap = (o, f) => {
	receiver(o, "flatMap"); callable(o, f);
	const r = direct(o); let i = 0, inner;
	return helper(() => {
		for (;;) {
			if (inner === undefined) {
				const v = step(r);
				if (v.done) return DONE;
				const x = v.value;
				inner = guarded(r.it, () => flattenable(call(f, undefined, x, i++), false));
			}
			const w = guarded(r.it, () => { const w = step(inner); return { done: w.done, w } });
			if (w.done) { inner = undefined; continue }
			return { value: guarded(r.it, () => w.w.value) };
		}
	}, () => { if (inner !== undefined) guarded(r.it, () => close(inner.it)); close(r.it) });
};
const reduce = (o, args) => {
	receiver(o, "reduce");
	const f = callable(o, args[0]), r = direct(o);
	let acc, i = 0;
	if (args.length > 1) acc = args[1];
	else { const v = step(r); if (v.done) throw new TypeError("Reduce of a done iterator with no initial value"); acc = v.value; i = 1 }
	for (; ; i++) {
		const v = step(r);
		if (v.done) return acc;
		const x = v.value, before = acc;
		acc = guarded(r.it, () => apply(f, undefined, [before, x, i]));
	}
};
const methods = [
	(o, a) => map(o, a[0]), (o, a) => filter(o, a[0]), (o, a) => take(o, a[0]), (o, a) => drop(o, a[0]), (o, a) => flatMap(o, a[0]), reduce,
	(o) => { receiver(o, "toArray"); const r = direct(o), list = []; for (let i = 0; ; i++) { const v = step(r); if (v.done) return list; push(list, i, v.value) } },
	(o, a) => each(o, "forEach", a[0], (y, end) => end ? undefined : DONE),
	(o, a) => each(o, "some", a[0], (y, end) => end ? false : y ? { value: true } : DONE),
	(o, a) => each(o, "every", a[0], (y, end) => end ? true : y ? DONE : { value: false }),
	(o, a) => each(o, "find", a[0], (y, end, x) => end ? undefined : y ? { value: x } : DONE),
];
const from = (v) => {
	const r = flattenable(v, true);
	let p = r.it;
	while (p !== null && p !== IteratorPrototype) p = protoOf(p);
	if (p !== null) return r.it;
	const o = create(WrapPrototype);
	new Cell(o, { kind: 2, r });
	return o;
};
const concat = (items) => {
	const list = [];
	for (let i = 0; i < items.length; i++) {
		const v = items[i];
		if (!isObject(v)) throw new TypeError(show(v) + " is not an object");
		const f = v[symIterator];
		if (!isCallable(f)) throw new TypeError(show(v) + " is not iterable");
		push(list, i, { v, f });
	}
	let n = 0, inner;
	return helper(() => {
		for (;;) {
			if (inner === undefined) {
				if (n >= list.length) return DONE;
				const { v, f } = list[n++], it = apply(f, v, []);
				if (!isObject(it)) throw new TypeError(show(it) + " is not an object");
				inner = direct(it);
			}
			const w = step(inner);
			if (!w.done) return { value: w.value };
			inner = undefined;
		}
	}, () => { if (inner !== undefined) close(inner.it) });
};
return { methods, from, concat };
})`, true)
