package natives

import (
	"errors"
	"strings"
	"testing"

	"github.com/dop251/goja"
)

// The first thing that a script does with an object must be done to what the object is
// from then on.
func TestFirstTouch(t *testing.T) {
	const proto = `const P = (o) => Object.getPrototypeOf(o);`
	for src, want := range map[string]string{
		// Made of syntax, and by name: the same.
		`(() => { const r = /x/; return [P(r) === RegExp.prototype, r instanceof RegExp, P(new RegExp("x")) === P(r), r.constructor === RegExp, P(P(r)) === Object.prototype] })()`:                                                     `[true true true true true]`,
		`(() => { const p = (async () => {})(); return [P(p) === Promise.prototype, p instanceof Promise, P(new Promise(() => {})) === P(p), P(Promise.resolve()) === P(p), p.constructor === Promise] })()`:                            `[true true true true true]`,
		`(() => { try { null.x } catch (e) { return [e instanceof Error, P(P(e)) === Error.prototype, P(e.constructor) === Error, P(new Error) === Error.prototype, (e + "").startsWith("TypeError: Cannot read")] } })()`:              `[true true true true true]`,
		`(() => { const f = function* () {}, g = f(); return [P(f).prototype === P(P(g)), P(P(P(g))) === P(P([].keys())), P(f).constructor.prototype === P(f), f.constructor.name] })()`:                                                `[true true true "GeneratorFunction"]`,
		`(() => { const f = async () => {}; return [P(f).constructor.prototype === P(f), f.constructor.name, P(P(f)) === Function.prototype] })()`:                                                                                      `[true "AsyncFunction" true]`,
		`(() => { const s = Object(Symbol.iterator); return [P(s) === Symbol.prototype, s instanceof Symbol, s.constructor === Symbol, s.description] })()`:                                                                             `[true true true "Symbol.iterator"]`,
		`(() => { const i = [].keys(); return [P(i).next === P([1].values()).next, Object.hasOwn(P(i), "next"), P(P(i)) === P(P("".matchAll(/x/g))), P(P(new Map().keys())) === P(P(i)), P(P(""[Symbol.iterator]())) === P(P(i))] })()`: `[true true true true true]`,
		// The first touch changes the object.
		`(() => { delete P(/x/).test; return [/x/.test, Reflect.ownKeys(RegExp.prototype).includes("test"), "test" in /x/] })()`:                                 `[undefined false false]`,
		`(() => { /x/.__proto__.extra = 1; return [/y/.extra, Object.keys(RegExp.prototype), Reflect.ownKeys(RegExp.prototype).includes("exec")] })()`:           `[1 ["extra"] true]`,
		`(() => { P((async () => {})()).then = 5; return [Promise.prototype.then, Promise.resolve().then] })()`:                                                  `[5 5]`,
		`(() => { Object.defineProperty(P(/x/), "exec", { enumerable: true }); return [/x/.test("x"), Object.keys(RegExp.prototype)] })()`:                       `[true ["exec"]]`,
		`(() => { P(/x/)[Symbol.match] = () => 7; return ["x".match(/x/), RegExp.prototype[Symbol.match].name, typeof RegExp.prototype[Symbol.split]] })()`:      `[7 "" "function"]`,
		`(() => { Object.freeze(P(/x/)); return [Object.isFrozen(RegExp.prototype), /x/.test("x")] })()`:                                                         `[true true]`,
		`(() => { Object.setPrototypeOf(P((async () => {})()), null); return [P(Promise.prototype), typeof Promise.prototype.then] })()`:                         `[null "function"]`,
		`(() => { P([].keys()).next = () => ({ done: true }); return [...[1, 2]].length })()`:                                                                    `0`,
		`(() => { const n = []; for (const k in /x/) n.push(k); return n })()`:                                                                                   `[]`,
		`Object.getOwnPropertyDescriptor(P((async () => {})()), Symbol.toStringTag).writable`:                                                                    `false`,
		`(() => { globalThis.Map = 5; const m = Object.groupBy([1], String); return [Map, m[1][0]] })()`:                                                         `[5 1]`,
		`(() => { delete globalThis.BigInt; return [typeof BigInt, "BigInt" in globalThis, Reflect.ownKeys(globalThis).includes("BigInt")] })()`:                 `["undefined" false false]`,
		`(() => { const d = Object.getOwnPropertyDescriptor(globalThis, "WeakRef"); return [d.writable, d.enumerable, d.configurable, d.value === WeakRef] })()`: `[true false true true]`,
		// What the natives use is the engine's own, whatever came before.
		`(() => { Reflect.apply = Reflect.construct = Function.prototype.call = () => { throw 1 }; return new Uint8Array([1, 2]).length })()`:                                                              `2`,
		`(() => { Object.getPrototypeOf = Reflect.getPrototypeOf = () => null; Array.prototype[Symbol.iterator] = 5; return (function* () { yield 1 })().next().value })()`:                                `1`,
		`(() => { const a = Array.prototype; a.keys = a[Symbol.iterator] = () => { throw 1 }; return a.values.call([5]).map((x) => x + 1).next().value })()`:                                               `6`,
		`(() => { Map.prototype.set = Map.prototype.get = () => { throw 1 }; return Map.groupBy([1], (x) => x).size })()`:                                                                                  `1`,
		`(() => { Promise.prototype.then = () => { throw 1 }; return typeof new WeakRef({}).deref() })()`:                                                                                                  `"object"`,
		`(() => { Object.prototype.get = Object.prototype.value = 5; try { return ["b".replace(/b/, "c"), [..."ab"].length] } finally { delete Object.prototype.get; delete Object.prototype.value } })()`: `["c" 2]`,
	} {
		rt := newRuntime(t, Limits{})
		if _, err := rt.RunString(proto); err != nil {
			t.Fatal(err)
		}
		if got := run(t, rt, src); got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
}

// What counts and what looks for interrupts does so on every way to an object.
func TestPartsKeepTheirGuards(t *testing.T) {
	for _, src := range []string{
		`function* g(n) { if (n) yield* g(n - 1) } [...g(100000)]`,
		`Object.getPrototypeOf = 0; function* g(n) { if (n) yield* g(n - 1) } [...g(100000)]`,
	} {
		rt := newRuntime(t, Limits{})
		_, err := rt.RunString(src)
		var overflow *goja.StackOverflowError
		if err == nil || !errors.As(err, &overflow) && !strings.Contains(err.Error(), "call stack") {
			t.Errorf("%s: error %v", src, err)
		}
	}
	stopped := false
	rt := newRuntime(t, Limits{Interrupted: func() bool { return stopped }})
	stop := func(goja.FunctionCall) goja.Value {
		stopped = true
		rt.Interrupt("stop")
		return nil
	}
	if err := rt.Set("stop", stop); err != nil {
		t.Fatal(err)
	}
	_, err := rt.RunString(`const endless = [].keys(); endless.next = () => { stop(); return { done: false } }; endless[Symbol.iterator] = () => endless; new Set(endless)`)
	var i *goja.InterruptedError
	if !errors.As(err, &i) {
		t.Errorf("error %v", err)
	}
}

// A part is prepared whole, and an interrupt that comes meanwhile is not lost.
func TestInterruptWhileAPartIsPrepared(t *testing.T) {
	rt := goja.New()
	l, err := Install(rt, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rt.Interrupt("stop")
	l.e.prepare(partGenerator)
	var i *goja.InterruptedError
	if _, err := rt.RunString(`1`); !errors.As(err, &i) || i.Value() != "stop" {
		t.Fatalf("error %v", err)
	}
	rt.ClearInterrupt()
	if got := run(t, rt, `(function* () { yield 3 })().next().value`); got != `3` {
		t.Error(got)
	}
}

// A part that cannot be prepared throws, and is prepared when it can.
func TestPartThatFails(t *testing.T) {
	rt := goja.New()
	l, err := Install(rt, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	fails := true
	if err := l.OnRegExp(func() (*goja.Object, error) {
		if fails {
			return nil, errors.New("not yet")
		}
		return l.Own("RegExp").(*goja.Object), nil
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := rt.RunString(`/x/.test("x")`); err == nil || !strings.Contains(err.Error(), "not yet") {
			t.Fatalf("error %v", err)
		}
		if _, err := rt.RunString(`RegExp`); err == nil || !strings.Contains(err.Error(), "not yet") {
			t.Fatalf("error %v", err)
		}
	}
	fails = false
	if got := run(t, rt, `[/x/.test("x"), RegExp.prototype.test === /y/.test, /x/ instanceof RegExp, typeof RegExp.escape]`); got != `[true true true "function"]` {
		t.Error(got)
	}
}
