package isolate_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// mortal is an owner whose code a test can stop.
type mortal struct {
	name   string
	reason error
}

func (m *mortal) Stopped() error { return m.reason }
func (m *mortal) String() string { return m.name }

var errEnough = errors.New("enough")

// stops installs die(), which stops the code of the current owner, and returns
// frames of two owners.
func stops(k *kit) (victim, bystander *isolate.Frame) {
	victim, bystander = &isolate.Frame{Owner: &mortal{name: "victim"}}, &isolate.Frame{Owner: &mortal{name: "bystander"}}
	k.loop(func() {
		err := k.realm.Run(nil, func(js *isolate.JS) {
			define(js, "die", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
				js.Frame().Owner.(*mortal).reason = errEnough
				js.Stop()
				return goja.Undefined()
			})
			// as(f) calls f in a frame of its own, as an event that is delivered inside a turn is.
			define(js, "inner", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
				err := k.realm.Run(&isolate.Frame{Owner: &mortal{name: "inner"}}, func(js *isolate.JS) {
					// What Go code does with the error must not matter.
					_, _ = js.Call(c.Argument(0), nil)
					k.out = append(k.out, "swallowed")
				})
				k.out = append(k.out, fmt.Sprint("inner: ", err))
				return goja.Undefined()
			})
			define(js, "swallow", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
				_, _ = js.Call(c.Argument(0), nil)
				return goja.Undefined()
			})
		})
		if err != nil {
			k.Error(err)
		}
	})
	return victim, bystander
}

// deaths are bodies that call die() in every kind of frame that the engine has. They
// log "leak" wherever code would run that must not.
var deaths = []struct{ name, body string }{
	{"plain", `die(); log("leak")`},
	{"catch", `try { die() } catch { log("leak") } log("leak")`},
	{"finally", `try { die() } finally { log("leak") }`},
	{"catch and finally, nested", `try { try { die() } finally { log("leak") } } catch { log("leak") } finally { log("leak") }`},
	{"inside catch", `try { throw 1 } catch { die(); log("leak") } finally { log("leak") }`},
	{"inside finally", `try { throw 1 } finally { die(); log("leak") }`},
	{"swallowed by Go code", `swallow(() => die()); log("leak")`},
	{"swallowed by Go code, in try", `try { swallow(() => { try { die() } finally { log("leak") } }); log("leak") } finally { log("leak") }`},
	{"deep recursion", `(function f(n) { try { n ? f(n - 1) : die() } finally { log("leak") } })(300)`},
	{"arrow and bind", `((...a) => (function () { die(); log("leak") }).bind(1, ...a)())(1, 2); log("leak")`},
	{"constructor", `class A { constructor() { die(); log("leak") } } new A(); log("leak")`},
	{"super", `class A { constructor() { die() } } class B extends A { x = log("leak"); constructor() { try { super() } finally { log("leak") } } } new B()`},
	{"field", `class A { x = die(); y = log("leak") } new A()`},
	{"static block", `class A { static x = die(); static { log("leak") } }`},
	{"accessors", `({ get a() { try { die() } finally { log("leak") } } }).a; log("leak")`},
	{"setter", `({ set a(v) { die() } }).a = 1; log("leak")`},
	{"conversion", `"" + { toString() { die() }, valueOf: () => ({}) }; log("leak")`},
	{"toPrimitive", "`${{ [Symbol.toPrimitive]() { die() } }}`; log('leak')"},
	{"toString of an array", `var a = [1, { toString() { die() } }]; String(a); log("leak")`},
	{"instanceof", `1 instanceof { [Symbol.hasInstance]() { die() } }; log("leak")`},
	{"tagged template", "(() => die())`x`; log('leak')"},
	{"default parameter", `(function (a = die()) { log("leak") })()`},
	{"destructuring", `var [a] = { [Symbol.iterator]: () => ({ next() { die() }, return() { log("leak"); return {} } }) }; log("leak")`},
	{"destructuring of an open iterator", `var [a, b = die()] = { [Symbol.iterator]: () => ({ next: () => ({ value: undefined }), return() { log("leak"); return {} } }) }`},
	{"for of", `for (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return() { log("leak"); return {} } }) }) die()`},
	{"for of a generator", `for (const x of (function* () { try { yield 1; yield 2 } finally { log("leak") } })()) { try { die() } finally { log("leak") } }`},
	{"for of an array, a map and a set", `for (const a of [1]) for (const b of new Map([[1, 2]])) for (const c of new Set([1])) die(); log("leak")`},
	{"for in", `for (const k in { a: 1, b: 2 }) { die(); log("leak") }`},
	{"spread", `[...(function* () { yield 1; die(); yield log("leak") })()]; log("leak")`},
	{"label and switch", `x: for (;;) switch (1) { case 1: try { continue x } finally { die() } }`},
	{"generator", `var g = (function* () { try { die() } finally { log("leak") } })(); g.next(); log("leak")`},
	{"generator, later step", `var g = (function* () { try { yield 1; die() } finally { log("leak") } })(); g.next(); g.next(); log("leak")`},
	{"generator return", `var g = (function* () { try { yield 1 } finally { die(); log("leak") } })(); g.next(); g.return(2); log("leak")`},
	{"generator throw", `var g = (function* () { try { yield 1 } catch { die() } finally { log("leak") } })(); g.next(); g.throw(2); log("leak")`},
	{"delegated generator", `function* a() { try { yield 1; die() } finally { log("leak") } } function* b() { try { yield* a() } finally { log("leak") } } function* c() { try { yield* b() } finally { log("leak") } } [...c()]`},
	{"generators within generators", `function* f(n) { try { if (n) { for (const x of f(n - 1)) yield x } else { yield 1; die() } } finally { log("leak") } } for (const x of f(20)) ;`},
	{"generator parameter", `(function* (a = die()) { log("leak") })(); log("leak")`},
	{"async", `(async () => { try { die() } finally { log("leak") } })().finally(() => log("leak")); log("leak")`},
	{"async within async", `var f = async n => { try { n ? await f(n - 1) : die() } finally { log("leak") } }; f(30); log("leak")`},
	{"async method of a class", `class A { async m() { await this.n() } async n() { die() } } new A().m().then(() => log("leak"), () => log("leak"))`},
	{"after await", `(async () => { try { await 1; die(); log("leak") } finally { log("leak") } })().then(() => log("leak"), () => log("leak"))`},
	{"after await, with others waiting", `var p = (async () => { await 1; die() })(); for (let i = 0; i < 5; i++) (async () => { try { await 1; await 1; await p; log("leak") } finally { log("leak") } })()`},
	{"await of a rejection", `(async () => { try { await Promise.reject(1) } catch { die() } finally { log("leak") } })()`},
	{"async iteration", `(async () => { for await (const x of (async function* () { try { yield 1; die() } finally { log("leak") } })()) ; log("leak") })().finally(() => log("leak"))`},
	{"async iteration, in the loop", `(async () => { for await (const x of (async function* () { try { yield 1; yield 2 } finally { log("leak") } })()) { await 1; die() } })().finally(() => log("leak"))`},
	{"promise executor", `new Promise(() => { die() }).then(null, () => log("leak")); log("leak")`},
	{"then", `Promise.resolve().then(() => { die(); log("leak") }).then(() => log("leak"), () => log("leak"))`},
	{"finally of a promise", `Promise.reject(1).finally(() => die()).then(() => log("leak"), () => log("leak"))`},
	{"thenable", `Promise.resolve({ then(f) { die(); f() } }).then(() => log("leak"), () => log("leak"))`},
	{"getter of then", `Promise.resolve({ get then() { die() } }); log("leak")`},
	{"async thenable", `(async () => { await { then() { try { die() } finally { log("leak") } } } })()`},
	{"Promise.all", `Promise.all({ *[Symbol.iterator]() { yield Promise.resolve(1); die() } }).then(() => log("leak"), () => log("leak")); log("leak")`},
	{"resolve of a subclass", `class P extends Promise { constructor(f) { super((a, b) => f(v => { die(); a(v) }, b)) } } P.resolve(1).then(() => 1).then(() => log("leak"))`},
	{"many microtasks", `for (let i = 0; i < 1000; i++) Promise.resolve().then(() => { if (i === 500) die(); if (i > 500) log("leak") })`},
	{"sort", `[3, 1, 2].sort((a, b) => { die(); return a - b }); log("leak")`},
	{"toSorted, toSpliced, with", `[3, 1, 2].toSorted(() => die()); log("leak")`},
	{"map", `[1, 2, 3].map(x => { if (x === 2) die(); return x }); log("leak")`},
	{"forEach, filter, reduce, find, some, every, flatMap", `[1].forEach(() => [1].filter(() => [1].reduce(() => [1].find(() => [1].some(() => [1].every(() => [1].flatMap(() => die())))), 0))); log("leak")`},
	{"Array.from", `Array.from([1, 2], () => die()); log("leak")`},
	{"species", `class A extends Array { static get [Symbol.species]() { die() } } new A(1, 2).map(x => x); log("leak")`},
	{"typed arrays", `new Uint8Array([3, 1, 2]).sort(() => die()); log("leak")`},
	{"typed array map", `new Float64Array(4).map(() => die()); log("leak")`},
	{"replace", `"abc".replace(/b/g, () => { die(); return "x" }); log("leak")`},
	{"replaceAll", `"abcb".replaceAll("b", () => die()); log("leak")`},
	{"regular expression of one's own", `"a".match({ [Symbol.match]() { die() } }); class R extends RegExp { exec() { die() } } "a".replace(new R("a"), "b"); log("leak")`},
	{"Map and Set", `new Map([[1, 1], [2, 2]]).forEach(() => new Set([1]).forEach(() => die())); log("leak")`},
	{"Map of an iterator", `new Map({ *[Symbol.iterator]() { try { yield [1, 1]; die() } finally { log("leak") } } }); log("leak")`},
	{"groupBy", `Object.groupBy([1], () => die()); log("leak")`},
	{"Object.entries of a getter", `Object.entries({ get a() { die() } }); Object.assign({}, { get a() { die() } }); log("leak")`},
	{"fromEntries", `Object.fromEntries({ *[Symbol.iterator]() { yield ["a", 1]; die() } }); log("leak")`},
	{"defineProperty", `Object.defineProperty({}, "a", { get value() { die() } }); log("leak")`},
	{"JSON.parse", `JSON.parse('{"a":[1,2,{"b":3}]}', (k, v) => { if (k === "b") die(); return v }); log("leak")`},
	{"JSON.stringify", `JSON.stringify({ a: [{ toJSON() { die() } }] }); log("leak")`},
	{"JSON.stringify with a function", `JSON.stringify({ a: [1] }, (k, v) => { if (k === "0") die(); return v }); log("leak")`},
	{"Proxy get", `new Proxy({}, { get() { die() } }).x; log("leak")`},
	{"Proxy set", `new Proxy({}, { set() { die() } }).x = 1; log("leak")`},
	{"Proxy has, ownKeys, getOwnPropertyDescriptor", `"x" in new Proxy({}, { has() { Object.keys(new Proxy({}, { ownKeys() { Object.getOwnPropertyDescriptor(new Proxy({}, { getOwnPropertyDescriptor() { die() } }), "a") } })) } }); log("leak")`},
	{"Proxy apply and construct", `new Proxy(function () {}, { apply() { new (new Proxy(class {}, { construct() { die() } }))() } })(); log("leak")`},
	{"Reflect", `Reflect.apply(() => Reflect.construct(class { constructor() { die() } }, []), null, []); log("leak")`},
	{"call and apply", `(function () { die() }).call(1); Function.prototype.apply.call(() => die(), null, []); log("leak")`},
	{"queueMicrotask of one's own", `for (let i = 0; i < 3; i++) Promise.resolve().then(() => Promise.resolve().then(() => log("leak"))); Promise.resolve().then(() => die())`},
	{"settled by Go code", `later("x").then(() => log("leak")); die()`},
	{"with everything", `(async () => { for (const x of [1]) { await null; [2, 1].sort(() => { for (const y of (function* () { yield* (function* () { try { yield JSON.parse("[1]", () => "a".replace("a", () => new Proxy({}, { get() { try { die() } finally { log("leak") } } }).x)) } finally { log("leak") } })() })()) log("leak") }) } })()`},
}

// exercise uses all of the engine that deaths have stopped in, and logs one line.
const exercise = `
	const out = [];
	function* gen(n) { try { for (let i = 0; i < n; i++) yield i } finally { out.push("f") } }
	function* outer() { yield* gen(2); yield 9 }
	for (const x of outer()) out.push(x);
	for (const x of gen(5)) { if (x === 1) break }
	const [a] = gen(3); out.push(a);
	try { try { throw new Error("e") } finally { out.push("fin") } } catch (e) { out.push(e.message) }
	out.push([3, 1, 2].sort((a, b) => a - b).map(x => x * 2).join("-"));
	out.push("abc".replace(/b/, m => m.toUpperCase()), String([1, [2, 3]]));
	out.push(JSON.stringify(JSON.parse('{"a":[1,2]}', (k, v) => v === 2 ? 3 : v)));
	out.push(new Proxy({}, { get: (t, k) => k }).name);
	class A { x = 1; constructor() { this.y = 2 } } class B extends A { z = this.x + this.y } out.push(new B().z);
	let depth = 0; const down = n => { depth++; if (n) down(n - 1) }; down(1500); out.push(depth);
	(async () => {
		const w = async n => { await null; if (n) await w(n - 1); return n };
		out.push(await w(3));
		try { await Promise.reject(new Error("r")) } catch (e) { out.push(e.message) }
		for await (const x of (async function* () { yield 1; yield 2 })()) out.push(x);
		out.push((await Promise.all([1, Promise.resolve(2), { then: f => f(3) }])).join());
		out.push(owner());
		log(out.join(" "));
	})();`

const exercised = `0 1 f 9 f f 0 fin e 2-4-6 aBc 1,2,3 {"a":[1,3]} name 3 1501 3 r 1 2 1,2,3 bystander`

func TestStoppedCodeDoesNotRunOn(t *testing.T) {
	for _, d := range deaths {
		t.Run(d.name, func(t *testing.T) {
			k := newKit(t, isolate.Options{})
			for range 3 {
				victim, bystander := stops(k)
				// The bystander waits for something that a stopped turn settles, and has queued
				// microtasks in that turn too.
				k.ok(bystander, `later("x").then(v => log("x " + v)); globalThis.shared = new Promise(r => globalThis.settle = r);
					shared.then(v => log(v + " " + owner())).then(() => log("and then " + owner()))`)
				k.loop(func() {
					err := k.realm.Run(victim, func(js *isolate.JS) {
						if err := k.realm.Run(bystander, func(js *isolate.JS) {
							if _, err := js.Call(function(js, `Promise.resolve().then(() => log("queued " + owner()))`), nil); err != nil {
								t.Error(err)
							}
						}); err != nil {
							t.Error(err)
						}
						k.resolvers["x"](js.Runtime().ToValue("settled"))
						if _, err := js.Call(function(js, `settle("shared");`+d.body), nil); err != nil && !isolate.Uncatchable(err) {
							t.Error(err)
						}
					})
					if err != nil && err != errEnough {
						t.Errorf("turn: %v", err)
					}
				})
				if victim.Owner.(*mortal).reason == nil {
					t.Fatal("die() was not reached")
				}
				k.want("queued bystander", "x settled", "shared bystander", "and then bystander")
				// Nothing of the victim runs later, whoever settles what it waited for.
				k.settle(bystander, "x", "again")
				if err := k.run(victim, `log("leak")`); err != errEnough {
					t.Errorf("a turn of the stopped owner: %v", err)
				}
				k.ok(bystander, exercise)
				k.want(exercised)
			}
			k.wantCondemned(nil, nil)
			k.wantRejected()
		})
	}
}

// A stop in an event that is delivered inside a turn of somebody else ends there.
func TestStopEndsWhereTheOwnerWasEntered(t *testing.T) {
	k := newKit(t, isolate.Options{})
	victim, bystander := stops(k)
	t.Run("an inner owner", func(t *testing.T) {
		k.ok(bystander, `try { inner(() => { try { die() } finally { log("leak") } }) } finally { log("finally") } log("on"); `+exercise)
		k.want("swallowed", "inner: enough", "finally", "on", exercised)
	})
	t.Run("an outer owner", func(t *testing.T) {
		k.loop(func() {
			err := k.realm.Run(victim, func(js *isolate.JS) {
				define(js, "back", func(js *isolate.JS, c goja.FunctionCall) goja.Value {
					err := k.realm.Run(victim, func(js *isolate.JS) { _, _ = js.Call(c.Argument(0), nil) })
					k.out = append(k.out, fmt.Sprint("back: ", err))
					return goja.Undefined()
				})
				_, err := js.Call(function(js, `try { inner(() => { try { back(() => die()); log("inner goes on") } finally { log("finally") } }); log("leak") } finally { log("leak") }`), nil)
				if !isolate.Uncatchable(err) {
					t.Errorf("the outer call: %v", err)
				}
				if e := js.Exception(err); e.Message == "" || !errors.Is(e, errEnough) {
					t.Errorf("the reason: %v", e)
				}
			})
			if err != errEnough {
				t.Errorf("turn: %v", err)
			}
		})
		k.want("back: enough", "inner goes on", "finally", "swallowed", "inner: <nil>")
	})
	k.ok(bystander, exercise)
	k.want(exercised)
	k.wantCondemned(nil, nil)
}

// An unhandled rejection of code that was stopped meanwhile has nobody left to hear it.
func TestStoppedOwnersHearNoRejections(t *testing.T) {
	k := newKit(t, isolate.Options{})
	victim, bystander := stops(k)
	_ = k.run(victim, `Promise.reject("x"); die()`)
	k.wantRejected()
	k.ok(bystander, `Promise.reject("y")`)
	k.wantRejected("unhandled y of bystander")
	if strings.Contains(k.logs.String(), "rejection") {
		t.Error(k.logs)
	}
}

// The limit of a turn holds while code is stopped, and its interrupt is not lost.
func TestStopKeepsTheInterruptOfTheTurn(t *testing.T) {
	k := newKit(t, isolate.Options{Limits: isolate.Limits{Turn: time.Second}})
	victim, bystander := stops(k)
	k.loop(func() {
		err := k.realm.Run(victim, func(js *isolate.JS) {
			if err := k.realm.Run(bystander, func(js *isolate.JS) {
				if _, err := js.Call(function(js, `Promise.resolve().then(() => { for (;;) ; }); for (let i = 0; i < 3; i++) Promise.resolve().then(() => log("leak"))`), nil); err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Error(err)
			}
			_, _ = js.Call(function(js, "die()"), nil)
		})
		if !errors.Is(err, isolate.ErrCPULimit) {
			t.Errorf("turn: %v", err)
		}
	})
	k.want()
	k.wantCondemned(isolate.ErrCPULimit, victim)
}

func TestStopWithoutAReasonDoesNothing(t *testing.T) {
	k := newKit(t, isolate.Options{})
	_, bystander := stops(k)
	k.loop(func() {
		if err := k.realm.Run(bystander, func(js *isolate.JS) { js.Stop(); k.out = append(k.out, "on") }); err != nil {
			t.Error(err)
		}
	})
	k.want("on")
}

// Another goja is told apart from the one that this package knows.
func TestUnknownEnginesAreTold(t *testing.T) {
	if !isolate.KnowsEngine(reflect.TypeFor[goja.Runtime]()) {
		t.Error("the layout of this goja is not known: code that is stopped condemns its realm")
	}
	//lint:ignore U1000 only its layout counts
	type vm struct{ r *int }
	for _, other := range []reflect.Type{
		reflect.TypeFor[struct{}](),
		reflect.TypeFor[struct {
			vm            *vm
			jobQueue      []func()
			toStringStack []*goja.Object
		}](),
		reflect.TypeFor[struct {
			vm            vm
			jobQueue      []func()
			toStringStack []*goja.Object
		}](),
	} {
		if isolate.KnowsEngine(other) {
			t.Errorf("%v passes for the engine", other)
		}
	}
}
