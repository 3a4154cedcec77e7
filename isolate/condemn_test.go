package isolate_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// A panic of Go code that nothing recovers leaves the engine in an unknown state.
func TestPanicInsideTheEngineCondemnsTheRealmOnce(t *testing.T) {
	k := newKit(t, isolate.Options{})
	second := k.newRealm("second")
	guilty := frameOf("guilty")
	k.loop(func() {
		_ = k.realm.Run(nil, func(js *isolate.JS) {
			define(js, "bug", func(*isolate.JS, goja.FunctionCall) goja.Value {
				var m map[string]int
				//lint:ignore SA5000 the panic is the point
				m["x"] = 1
				return nil
			})
		})
	})
	if err := k.run(guilty, "try { bug() } catch { log('caught') } finally { log('finally') }"); !errors.Is(err, isolate.ErrPanic) {
		t.Errorf("turn gave %v", err)
	}
	for range 2 {
		if err := k.run(frameOf("innocent"), "log('ran')"); !errors.Is(err, isolate.ErrPanic) {
			t.Errorf("later turn gave %v", err)
		}
	}
	k.want()
	k.wantCondemned(isolate.ErrPanic, guilty)
	k.loop(func() {
		if !errors.Is(k.realm.Condemned(), isolate.ErrPanic) || second.Condemned() != nil {
			t.Errorf("condemned %v and %v", k.realm.Condemned(), second.Condemned())
		}
	})
	if err := k.runIn(second, nil, "log('other realm')"); err != nil {
		t.Error(err)
	}
	k.want("other realm")
	if log := k.logs.String(); !strings.Contains(log, "assignment to entry in nil map") || !strings.Contains(log, "condemn_test.go") {
		t.Errorf("the log does not say what and where:\n%s", log)
	}
}

func TestTurnOverItsCPULimitCondemnsTheRealm(t *testing.T) {
	for name, body := range map[string]string{
		"loop":          `for (;;);`,
		"try":           `for (;;) { try { for (;;); } catch { log('caught') } finally { for (;;); } }`,
		"microtasks":    `(function again() { Promise.resolve().then(again) })()`,
		"async":         `(async () => { for (;;) await 0 })()`,
		"generator":     `function* g() { for (;;) yield 1 } for (const x of g());`,
		"sort":          `[3, 2, 1].sort(() => { for (;;); })`,
		"getter":        `({ get x() { for (;;); } }).x`,
		"proxy":         `new Proxy({}, { get() { for (;;); } }).x`,
		"toString":      `"" + { toString() { for (;;); } }`,
		"native":        `new Array(30_000_000).fill(0).map(() => { for (;;); })`,
		"native search": `const a = []; a.length = 30_000_000; for (;;) a.indexOf(1)`,
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, isolate.Options{Limits: isolate.Limits{Turn: 100 * time.Millisecond}})
			guilty := frameOf("guilty")
			err := k.run(guilty, body+"\n;log('went on')")
			var stopped *goja.InterruptedError
			if !errors.Is(err, isolate.ErrCPULimit) && !errors.As(err, &stopped) {
				t.Errorf("turn gave %v", err)
			}
			if err := k.run(nil, "log('later')"); !errors.Is(err, isolate.ErrCPULimit) {
				t.Errorf("later turn gave %v", err)
			}
			k.wantCondemned(isolate.ErrCPULimit, guilty)
			if name != "microtasks" && name != "async" { // their first call returns
				k.want()
			}
		})
	}
}

func TestRealmsHaveLimitsOfTheirOwn(t *testing.T) {
	iso := isolate.New(isolate.Options{Limits: isolate.Limits{Turn: time.Hour, Startup: 100 * time.Millisecond}})
	spin := func(js *isolate.JS) { _, _ = js.Call(function(js, "for (;;);"), nil) }
	short, err := iso.NewRealm(isolate.RealmOptions{Name: "short", TurnLimit: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := short.Run(nil, spin); !errors.Is(err, isolate.ErrCPULimit) {
		t.Errorf("TurnLimit: %v", err)
	}
	start, err := iso.NewRealm(isolate.RealmOptions{Name: "startup"})
	if err != nil {
		t.Fatal(err)
	}
	if err := start.RunStartup(nil, spin); !errors.Is(err, isolate.ErrCPULimit) {
		t.Errorf("startup limit: %v", err)
	}
}

// A turn of one realm may run a turn of another: both keep their limit.
func TestTurnGoesOnBeingWatchedAfterATurnOfAnotherRealm(t *testing.T) {
	k := newKit(t, isolate.Options{Limits: isolate.Limits{Turn: 200 * time.Millisecond}})
	second := k.newRealm("second")
	k.loop(func() {
		err := k.realm.Run(nil, func(js *isolate.JS) {
			if err := second.Run(nil, func(js *isolate.JS) {
				if _, err := js.Call(function(js, "log('inner')"), nil); err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Error(err)
			}
			_, _ = js.Call(function(js, "for (;;);"), nil)
		})
		if !errors.Is(err, isolate.ErrCPULimit) {
			t.Errorf("outer turn gave %v", err)
		}
		if second.Condemned() != nil {
			t.Error("the inner realm was condemned")
		}
	})
	k.want("inner")
}

// The limit is one turn's. Many short turns, of which one now and then is stopped
// at its very end, never hand their interrupt on to a healthy one.
func TestInterruptAtTheEndOfATurnDoesNotHitALaterOne(t *testing.T) {
	iso := isolate.New(isolate.Options{Limits: isolate.Limits{Turn: time.Nanosecond}})
	healthy, err := iso.NewRealm(isolate.RealmOptions{Name: "healthy", TurnLimit: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	hit := 0
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		// Its set-up already is a turn that may be stopped.
		victim, err := iso.NewRealm(isolate.RealmOptions{Name: "victim", TurnLimit: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			if err := victim.Run(nil, func(js *isolate.JS) {
				_, _ = js.Call(function(js, "for (let i = 0; i < 50; i++);"), nil)
			}); err != nil {
				hit++
				break
			}
		}
		var got goja.Value
		err = healthy.Run(nil, func(js *isolate.JS) {
			got, err = js.Call(function(js, "let n = 0; for (let i = 0; i < 50; i++) n++; return n"), nil)
		})
		if err != nil || got.ToInteger() != 50 {
			t.Fatalf("a healthy turn was hit: %v, %v", got, err)
		}
	}
	t.Logf("%d turns were stopped", hit)
	if healthy.Condemned() != nil {
		t.Error("the healthy realm is condemned")
	}
}

// recursions are ways to call without end. What each gives is what the script sees
// where it catches.
var recursions = map[string]string{
	"function":            `(function f() { f() })()`,
	"arrow function":      `const f = () => f(); f()`,
	"finally":             `(function f() { try { f() } finally { count++ } })()`,
	"async function":      `await (async function f() { await f() })()`,
	"async, odd":          `await (function g() { return (async function f() { await f() })() })()`,
	"async arrow":         `const f = async () => { await f() }; await f()`,
	"async method":        `const o = { async f() { return this.f() } }; await o.f()`,
	"async catch":         `await (async function f() { try { await f() } catch (e) { count++; throw e } })()`,
	"async arguments":     `await (async function f(x = f()) { await x })()`,
	"microtask":           `await Promise.resolve().then(function f() { f() })`,
	"async microtask":     `await Promise.resolve().then(async function f() { try { await f() } finally { count++ } })`,
	"yield*":              `function* g() { yield* g() } g().next()`,
	"generator next":      `function* g() { g().next() } g().next()`,
	"generator, odd":      `function* g() { g().next() } (() => g().next())()`,
	"generator arguments": `function* g(x = g()) { } g()`,
	"generator method":    `const o = { *g() { this.g().next() } }; o.g().next()`,
	"generator spread":    `function* g() { [...g()] } g().next()`,
	"generator return":    `function* g() { try { yield 1 } finally { const x = g(); x.next(); x.return() } } const x = g(); x.next(); x.return()`,
	"generator throw":     `function* g() { try { yield 1 } catch { const x = g(); x.next(); x.throw(1) } } const x = g(); x.next(); x.throw(1)`,
	"generator in async":  `function* g() { yield* g() } await (async () => { await 0; g().next() })()`,
	"getter":              `const o = { get x() { return this.x } }; o.x`,
	"setter":              `const o = { set x(v) { this.x = v } }; o.x = 1`,
	"sort":                `(function f() { [2, 1].sort(() => { f(); return 0 }) })()`,
	"map":                 `(function f() { [1].map(f) })()`,
	"toString":            `const o = { toString() { return "" + o } }; "" + o`,
	"template":            "const o = { toString() { return `${o}` } }; `${o}`",
	"valueOf":             `const o = { valueOf() { return +o } }; +o`,
	"replace":             `(function f() { "a".replace("a", f) })()`,
	"regexp replace":      `(function f() { "a".replace(/a/, f) })()`,
	"proxy":               `const p = new Proxy({}, { get(t, k, r) { return r[k] } }); p.x`,
	"callable proxy":      `const p = new Proxy(function () {}, { apply(t) { return p() } }); p()`,
	"constructor":         `class A { constructor() { new A() } } new A()`,
	"derived constructor": `class A { } class B extends A { constructor() { super(); new B() } } new B()`,
	"toJSON":              `const o = { toJSON() { return JSON.stringify(o) } }; JSON.stringify(o)`,
	"reviver":             `(function f() { JSON.parse("[1]", f) })()`,
	"iterator":            `const o = { *[Symbol.iterator]() { yield* o } }; [...o]`,
	"loop":                `const o = { [Symbol.iterator]() { return { next() { for (const x of o) ; }, return() { return {} } } } }; for (const x of o) ;`,
	"Reflect":             `(function f() { Reflect.apply(f, null, []) })()`,
	"Reflect.construct":   `(function f() { Reflect.construct(f, []) })()`,
	"bind":                `(function f() { f.bind(null)() })()`,
	"call":                `(function f() { f.call(null) })()`,
	"destructuring":       `const o = { get x() { const { x } = o; return x } }; const { x } = o`,
	"Promise executor":    `let n = 0; (function f() { n++; new Promise(f) })(); if (n > 20) throw new RangeError("Maximum call stack size exceeded")`,
	"instanceof":          `class A { static [Symbol.hasInstance](x) { return x instanceof A } } ({}) instanceof A`,
	"Array.from":          `(function f() { Array.from([1], f) })()`,
	"defineProperty":      `const o = {}; (function f() { Object.defineProperty(o, "x", { get value() { f() } }) })()`,
	"forEach of Map":      `(function f() { new Map([[1, 1]]).forEach(f) })()`,
	"class field":         `class A { x = new A() } new A()`,
	"tagged template":     "(function f() { f`x` })()",
	"default argument":    `(function f(x = f()) {})()`,
	"async generator":     `function g() { return g() } for await (const x of [0]) g()`,
	"async generators":    `async function* g() { for await (const x of g()) yield x } for await (const x of g()) ;`,
	"Promise.all":         `await (async function f() { await Promise.all([f()]) })()`,
	"finally handler":     `await Promise.resolve().finally(function f() { f() })`,
	"program":             `globalThis.again = () => { runAgain() }; again()`,
	"program, tried":      `globalThis.again = () => { const e = tryAgain(); if (e) throw e }; again()`,
}

// Whatever the shape of the recursion, and however deep the call stack is where it begins,
// a script catches the RangeError, and the engine is in order afterwards.
func TestScriptsCatchTheOverflowOfTheCallStack(t *testing.T) {
	for name, body := range recursions {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, isolate.Options{Limits: isolate.Limits{CallStack: 100}})
			again := goja.MustCompile("again.js", "again()", true)
			k.loop(func() {
				_ = k.realm.Run(nil, func(js *isolate.JS) {
					run := func(js *isolate.JS) {
						if _, err := js.Runtime().RunProgram(again); err != nil {
							js.Panic(err)
						}
					}
					define(js, "runAgain", func(js *isolate.JS, _ goja.FunctionCall) goja.Value { run(js); return nil })
					define(js, "tryAgain", func(js *isolate.JS, _ goja.FunctionCall) goja.Value {
						if err := js.Try(func() { run(js) }); err != nil {
							return js.Error(err)
						}
						return nil
					})
				})
			})
			k.ok(nil, `globalThis.count = 0; globalThis.deeper = (n, f) => n ? deeper(n - 1, f) : f()`)
			// The stack is full at each of the calls of a round.
			for depth := range 8 {
				k.ok(nil, `deeper(`+strconv.Itoa(depth)+`, async () => {
						const local = [1, 2, 3];
						try { `+body+`; log('no error') } catch (e) { if (String(e) !== 'RangeError: Maximum call stack size exceeded' || !(e instanceof RangeError)) log(String(e)) }
						return local.join('')
					}).then(log, (e) => log('outside: ' + e));
					Promise.resolve().then(() => 'later').then(log);
					function* steps() { try { yield 1; yield 2 } finally { yield 3 } }
					log([...steps()].join('') + (() => { try { throw 4 } catch (e) { return e } })())`)
				k.wantInAnyOrder("1234", "later", "123")
			}
			k.wantCondemned(nil, nil)
		})
	}
}

// Go code that called what overflowed has its RangeError, and goes on.
func TestGoCodeSeesTheOverflowAsARangeError(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.loop(func() {
		err := k.realm.Run(nil, func(js *isolate.JS) {
			_, err := js.Call(function(js, "(function f() { f() })()"), nil)
			if e := js.Exception(err); e.Error() != "RangeError: Maximum call stack size exceeded" {
				t.Errorf("exception %v", e)
			}
			if _, err = js.Call(function(js, "log('second call')"), nil); err != nil {
				t.Errorf("second call: %v", err)
			}
		})
		if err != nil {
			t.Errorf("turn gave %v", err)
		}
	})
	k.want("second call")
	k.wantCondemned(nil, nil)
}

// The error shows the last calls, as V8's does.
func TestOverflowHasAStack(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.ok(nil, `function deep() { deep() } try { deep() } catch (e) { log(e.stack.replace(/:\d+:\d+/g, '')) }`)
	k.want("RangeError: Maximum call stack size exceeded" + strings.Repeat("\n    at deep (test.js)", 10))
	k.ok(nil, `Error.prepareStackTrace = (e, sites) => { const f = () => f(); try { f() } catch (x) { return sites.length + String(x) } };
		try { deep() } catch (e) { log(e.stack) } function deep() { deep() }`)
	k.want("10RangeError: Maximum call stack size exceeded")
}

// Code that catches the error at the end of the stack and calls again is stopped like any
// other that runs for too long.
func TestScriptsThatOverflowForeverAreStopped(t *testing.T) {
	k := newKit(t, isolate.Options{Limits: isolate.Limits{Turn: 200 * time.Millisecond}})
	if err := k.run(nil, `(function f() { try { f() } catch { f() } })()`); err == nil {
		t.Error("it ended")
	}
	k.wantCondemned(isolate.ErrCPULimit, nil)
}

// A realm whose engine is not known overflows with the engine's own error. goja unwinds
// past generators and async functions that are in the middle of a step: nothing of
// the script runs afterwards.
func TestOverflowOfAnUnknownEngineEndsTheRealm(t *testing.T) {
	for name, body := range map[string]string{
		"function":       `(function f() { f() })()`,
		"try finally":    `(function f() { try { f() } catch { log('caught') } finally { log('finally') } })()`,
		"async function": `(async function f() { try { await f() } catch { log('caught') } finally { log('finally') } })()`,
		"microtask":      `Promise.resolve().then(function f() { f() }).catch(() => log('caught'))`,
		"yield*":         `function* g() { try { yield* g() } catch { log('caught') } } try { g().next() } catch { log('outer') }`,
		"map":            `(function f() { [1].map(f); log('resumed') })()`,
		"Promise.all":    `(async function f() { await Promise.all([f()]); log('resumed') })()`,
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, isolate.Options{Limits: isolate.Limits{CallStack: 300}})
			k.loop(func() { k.realm.ForgetEngine() })
			guilty := frameOf("guilty")
			err := k.run(guilty, body+";\nlog('went on'); Promise.resolve().then(() => log('later microtask'))")
			var ran []string
			k.loop(func() { ran, k.out = k.out, nil })
			// Where a microtask overflows, the call and what was queued before have run.
			before := map[string]string{"microtask": "went on"}[name]
			if got := strings.Join(ran, " "); got != before {
				t.Errorf("ran %q, want %q", got, before)
			}
			var overflow *goja.StackOverflowError
			if !errors.As(err, &overflow) && !errors.Is(err, isolate.ErrCallStack) {
				t.Errorf("error %v", err)
			}
			if err := k.run(nil, "log('later turn')"); !errors.Is(err, isolate.ErrCallStack) {
				t.Errorf("later turn gave %v", err)
			}
			k.wantCondemned(isolate.ErrCallStack, guilty)
			k.want()
		})
	}
}

// A promise that is settled from Go asks a thenable for its then.
func TestOverflowWhileSettlingAPromise(t *testing.T) {
	for _, known := range []bool{true, false} {
		k := newKit(t, isolate.Options{})
		k.loop(func() {
			if !known {
				k.realm.ForgetEngine()
			}
			err := k.realm.Run(nil, func(js *isolate.JS) {
				obj, err := js.Call(function(js, "return { get then() { (function f() { f() })() } }"), nil)
				if err != nil {
					t.Fatal(err)
				}
				p, resolve, _ := js.NewPromise()
				resolve(obj)
				if f, err := js.Call(function(js, "log('went on'); return (p) => { p.catch((e) => log(String(e))) }"), nil); err == nil {
					_, _ = js.Call(f, nil, p)
				}
			})
			if errors.Is(err, isolate.ErrCallStack) == known {
				t.Errorf("turn gave %v", err)
			}
		})
		if known {
			k.want("went on", "RangeError: Maximum call stack size exceeded")
			k.wantCondemned(nil, nil)
		} else {
			k.want()
			k.wantCondemned(isolate.ErrCallStack, nil)
		}
	}
}

// Generators within generators end before the engine's own count does, with an
// error that the script may catch.
func TestDeepGeneratorsAreAnOrdinaryRangeError(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.ok(nil, "function* g() { try { yield* g() } finally { } } try { g().next() } catch (e) { log(String(e)) } log([...(function* h(n) { if (n) yield* h(n - 1); yield n })(300)].length)")
	k.want("RangeError: Maximum call stack size exceeded", "301")
	k.wantCondemned(nil, nil)
}

func TestDeepRecursionWithinTheLimitIsFine(t *testing.T) {
	k := newKit(t, isolate.Options{})
	k.ok(nil, "log((function f(n) { return n ? 1 + f(n - 1) : 0 })(1500))")
	k.ok(nil, "(async function f(n) { return n ? 1 + await f(n - 1) : 0 })(400).then(log)")
	k.want("1500", "400")
	k.wantCondemned(nil, nil)
}

func TestCallStackLimitIsTheIsolates(t *testing.T) {
	k := newKit(t, isolate.Options{Limits: isolate.Limits{CallStack: 50}})
	k.ok(nil, "log((function f(n) { return n ? 1 + f(n - 1) : 0 })(20))")
	k.want("20")
	if err := k.run(nil, "(function f(n) { return n ? 1 + f(n - 1) : 0 })("+strconv.Itoa(100)+")"); err == nil {
		t.Error("the limit does not hold")
	}
}

func TestStoppedNamesTheReason(t *testing.T) {
	for cause, want := range map[error]struct {
		text   string
		broken exception.Broken
	}{
		isolate.ErrCPULimit:    {"Error: Worker exceeded CPU time limit.", exception.ExceededCPU},
		isolate.ErrMemoryLimit: {"Error: Worker exceeded memory limit.", exception.ExceededMemory},
		isolate.ErrPanic:       {"Error: The script engine failed; the worker was reset.", exception.Dropped},
		isolate.ErrCallStack:   {"RangeError: Maximum call stack size exceeded", exception.Dropped},
	} {
		e := isolate.Stopped(cause)
		if e.Error() != want.text || e.Broken != want.broken || !errors.Is(e, cause) {
			t.Errorf("%v: %v, %q", cause, e, e.Broken)
		}
	}
}

// Code that ends its realm gets no further: no handler and no microtask of anybody runs.
func TestCondemnEndsTheTurnAtItsLine(t *testing.T) {
	k := newKit(t, isolate.Options{})
	second := k.newRealm("second")
	guilty := frameOf("guilty")
	cause := fmt.Errorf("%w; reason = tired", isolate.ErrAborted)
	k.loop(func() {
		_ = k.realm.Run(nil, func(js *isolate.JS) {
			define(js, "end", func(js *isolate.JS, _ goja.FunctionCall) goja.Value {
				js.Condemn(cause)
				return nil
			})
		})
	})
	err := k.run(guilty, `Promise.resolve().then(() => log('microtask'));
		for (;;) try { [1].map(() => { try { log('once'); end() } finally { log('inner') } }); log('on') } catch { log('caught') } finally { log('finally') }`)
	if !isolate.Uncatchable(err) {
		t.Errorf("turn gave %v", err)
	}
	if err := k.run(frameOf("innocent"), "log('later')"); !errors.Is(err, isolate.ErrAborted) {
		t.Errorf("later turn gave %v", err)
	}
	k.want("once")
	k.wantCondemned(cause, guilty)
	if err := k.runIn(second, nil, "log('other realm')"); err != nil {
		t.Error(err)
	}
	k.want("other realm")
	if log := k.logs.String(); !strings.Contains(log, "abortIsolate() called; reason = tired") {
		t.Errorf("the log does not say why:\n%s", log)
	}
	if e := isolate.Stopped(cause); !strings.HasPrefix(e.Message, "internal error; reference = ") {
		t.Errorf("callers are told %q", e.Message)
	}
}
