package natives

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
)

// settle runs an expression that gives a promise and returns what it settles to.
func settle(t *testing.T, rt *goja.Runtime, src string) string {
	t.Helper()
	if _, err := rt.RunString(showJS + `
		var out = "pending";
		Promise.resolve().then(() => (` + src + `)).then(v => { out = fmt(v) }, e => { out = "rejected " + fmt(e) })`); err != nil {
		t.Fatal(err)
	}
	return rt.Get("out").String()
}

func TestAsyncGaps(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`Array.fromAsync([1, Promise.resolve(2), 3])`, `[1 2 3]`},
		{`Array.fromAsync({length: 2, 0: Promise.resolve("a"), 1: "b"})`, `["a" "b"]`},
		{`Array.fromAsync(new Set([1, 2]), async x => x * 10)`, `[10 20]`},
		{`Array.fromAsync([1, 2], function (x, i) { return this.m + x + i }, {m: 5})`, `[6 8]`},
		{`Array.fromAsync({[Symbol.asyncIterator]() { let i = 0; return { async next() { return { done: i > 2, value: i++ } } } }})`, `[0 1 2]`},
		{`Array.fromAsync(null)`, `rejected TypeError`},
		{`Array.fromAsync([1], 5)`, `rejected TypeError: 5 is not a function`},
		{`Array.fromAsync([Promise.reject(new Error("no"))])`, `rejected Error: no`},
		{`(async () => { let closed = false; const it = { [Symbol.asyncIterator]() { return { async next() { return { done: false, value: 1 } }, async return() { closed = true; return {} } } } };
			try { await Array.fromAsync(it, () => { throw "x" }) } catch (e) { return [e, closed] } })()`, `["x" true]`},
		{`(async () => { class A extends Array {}; const a = await Array.fromAsync.call(A, [1]); return [a instanceof A, a.length] })()`, `[true 1]`},
		{`Array.fromAsync({[Symbol.asyncIterator]() { return { next: () => ({ done: false, value: 1 }) } }})`, `rejected RangeError: Invalid array length`},
		{`Promise.try(() => 7)`, `7`},
		{`Promise.try((a, b) => a + b, 3, 4)`, `7`},
		{`Promise.try(() => { throw new Error("sync") })`, `rejected Error: sync`},
		{`Promise.try(async () => { throw new Error("async") })`, `rejected Error: async`},
		{`Promise.try(5)`, `rejected TypeError: 5 is not a function`},
		{`(() => { const { promise, resolve } = Promise.withResolvers(); resolve(1); return promise })()`, `1`},
		{`(() => { const { promise, reject } = Promise.withResolvers(); reject(new Error("r")); return promise })()`, `rejected Error: r`},
	} {
		rt := newRuntime(t, Limits{MaxArrayLength: 1000})
		got := settle(t, rt, c.src)
		if got != c.want && !(c.want == "rejected TypeError" && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

func TestWeakRefKeepsDuringJob(t *testing.T) {
	rt := newRuntime(t, Limits{})
	if err := rt.Set("gc", func(goja.FunctionCall) goja.Value {
		runtime.GC()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	v, err := rt.RunString(`var ref = (() => new WeakRef({ x: 1 }))(); gc(); ref.deref()?.x`)
	if err != nil || v.ToInteger() != 1 {
		t.Fatalf("the target went within the job: %v, %v", v, err)
	}
	// Between jobs nothing holds it.
	for range 200 {
		if _, err := rt.RunString(`for (let i = 0; i < 100; i++) ({ i })`); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		v, err = rt.RunString(`typeof ref.deref()`)
		if err != nil {
			t.Fatal(err)
		}
		if v.String() == "undefined" {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the target of a WeakRef is never collected")
}

func TestSymbolsAreShared(t *testing.T) {
	a, b := newRuntime(t, Limits{}), newRuntime(t, Limits{})
	for _, s := range []struct {
		name string
		sym  *goja.Symbol
	}{{"asyncIterator", SymAsyncIterator}, {"dispose", SymDispose}, {"asyncDispose", SymAsyncDispose}} {
		for _, rt := range []*goja.Runtime{a, b} {
			if v := rt.Get("Symbol").ToObject(rt).Get(s.name); v != s.sym {
				t.Errorf("Symbol.%s is %v", s.name, v)
			}
		}
	}
}

func TestTimeZones(t *testing.T) {
	rt := newRuntime(t, Limits{})
	zone := "America/New_York"
	if _, err := time.LoadLocation(zone); err != nil {
		t.Skipf("no time zone data: %v", err)
	}
	v, err := rt.RunString(`new Date(0).toLocaleString("en-US", { timeZone: "` + zone + `", timeZoneName: "short" })`)
	if err != nil || v.String() != "12/31/1969, 7:00:00 PM EST" {
		t.Fatalf("got %v, %v", v, err)
	}
}

// Every native that was replaced keeps its place: the same own keys in the same
// order as in a runtime without Install, and only known ones on top.
func TestInstallKeepsTheShapeOfIntrinsics(t *testing.T) {
	const script = `(p) => { let o = globalThis; for (const k of p.split(".").filter(Boolean)) o = k === "__proto__" ? Object.getPrototypeOf(o) : o[k];
		return Object.getOwnPropertyNames(o).filter(k => Object.getOwnPropertyDescriptor(o, k)).map(k => { const d = Object.getOwnPropertyDescriptor(o, k);
			return k + " " + [d.writable, d.enumerable, d.configurable, typeof d.value] + (typeof d.value === "function" && k !== "constructor" ? d.value.name + d.value.length : "") }).join("\n") }`
	added := map[string]bool{}
	for _, s := range strings.Fields(`isWellFormed toWellFormed groupBy __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__
		toLocaleString captureStackTrace stackTraceLimit withResolvers try fromAsync asyncIterator dispose asyncDispose WeakRef FinalizationRegistry
		GoError Iterator Intl DisposableStack AsyncDisposableStack SuppressedError Float16Array SharedArrayBuffer Atomics transfer transferToFixedLength detached resize resizable maxByteLength getOrInsert getOrInsertComputed
		anchor big blink bold fixed fontcolor fontsize italics link small strike sub sup getYear setYear toGMTString`) {
		added[s] = true
	}
	bare, ours := goja.New(), newRuntime(t, Limits{})
	shape := func(rt *goja.Runtime, path string) []string {
		f, err := rt.RunString(script)
		if err != nil {
			t.Fatal(err)
		}
		call, _ := goja.AssertFunction(f)
		v, err := call(goja.Undefined(), rt.ToValue(path))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(v.String(), "\n")
	}
	paths := []string{"Symbol", "Uint8Array", "ArrayBuffer", "Float64Array.prototype", "BigInt", ""}
	for _, tb := range tables {
		paths = append(paths, tb.path)
	}
	// Nobody can delete it: see names.go.
	fixed := strings.NewReplacer("name false,false,true,string", "name false,false,false,string")
	for _, path := range paths {
		var kept []string
		for _, line := range shape(ours, path) {
			name, _, _ := strings.Cut(line, " ")
			if !added[name] {
				kept = append(kept, line)
			}
		}
		var want []string
		for _, line := range shape(bare, path) {
			name, _, _ := strings.Cut(line, " ")
			if path == "Function.prototype" {
				line = fixed.Replace(line)
			}
			if !added[name] {
				want = append(want, line)
			}
		}
		if got, want := fmt.Sprint(kept), fmt.Sprint(want); got != want {
			t.Errorf("%s:\n got %s\nwant %s", path, got, want)
		}
	}
}

// Where the engine is laid out as nobody has seen, a realm has all from the beginning.
func TestRealmsDoNotNeedTheLayout(t *testing.T) {
	intrinsicsOff = true
	defer func() { intrinsicsOff = false }()
	if envOf(newRuntime(t, Limits{})).inParts {
		t.Fatal("the layout is still used")
	}
	t.Run("shape", TestInstallKeepsTheShapeOfIntrinsics)
	t.Run("conformance", TestConformance)
	for _, src := range []string{`delete globalThis.JSON`, `delete Reflect.apply`, `Object.freeze(Array)`, `Object.freeze(globalThis)`} {
		rt := goja.New()
		if _, err := rt.RunString(src); err != nil {
			t.Fatal(err)
		}
		_, err := Install(rt, Limits{})
		if err == nil || !strings.HasPrefix(err.Error(), "install natives: ") && !strings.HasPrefix(err.Error(), "define the global") {
			t.Errorf("%s: error %v", src, err)
		}
	}
}

// An engine with another layout would have its own texts and stacks, and only this test
// would say so.
func TestErrorsAreLaidOutAsExpected(t *testing.T) {
	if _, err := layoutOfErrors(); err != nil {
		t.Error(err)
	}
}
