package memorycache_test

import (
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
	"workerd.local/webapi/memorycache"
	"workerd.local/webapi/timers"
)

func newEnv(t *testing.T, flags ...string) *jstest.Env {
	t.Helper()
	use := memorycache.NewCaches().Use("", memorycache.Limits{MaxKeys: 3, MaxValueBytes: 100, MaxTotalBytes: 200})
	vars := bind.Module{Name: "test", Globals: []bind.Global{bind.Var{Name: "CACHE", Make: func(js *isolate.JS) (goja.Value, error) {
		return memorycache.Class.Wrap(js, &memorycache.Binding{Use: use}), nil
	}}}}
	flagged, errs := compat.Parse("2026-01-01", flags, compat.Options{Experimental: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return jstest.NewWith(t, jstest.Options{
		Modules: []bind.Module{encoding.Module, events.Module, timers.Module, global.Module, vars},
		Compat:  flagged,
	})
}

func TestMemoryCacheReads(t *testing.T) {
	e := newEnv(t, "memory_cache_delete")
	for source, want := range map[string]string{
		`const seen = []; const p = CACHE.read("order", (...a) => { seen.push(...a, a.length); return { value: 1 } }); seen.push("after"); await p; return seen.join()`:               "after,order,1",
		`const o = new Map([[1, 2]]); const a = await CACHE.read("copy", async () => ({ value: o })); const b = await CACHE.read("copy"); return [a === o, b === o, b.get(1)].join()`: "true,false,2",
		`return String(await CACHE.read("nobody"))`: "undefined",
		`await CACHE.read("x", () => ({ value: 1, expiration: Date.now() - 5 })); return String(await CACHE.read("x"))`:     "undefined",
		`await CACHE.read("x2", () => ({ value: 1, expiration: Date.now() + 6e5 })); return String(await CACHE.read("x2"))`: "1",
		`await CACHE.read("d", () => ({ value: 1 })); CACHE.delete("d"); return String(await CACHE.read("d"))`:              "undefined",
		`await CACHE.read("large", () => ({ value: "x".repeat(101) })); return String(await CACHE.read("large"))`:           "undefined",
		`const r = await Promise.allSettled([CACHE.read("q", async () => { await scheduler.wait(1); throw new RangeError("first") }), CACHE.read("q", async () => ({ value: "second" })), CACHE.read("q", () => { throw new Error("never") })]); return r.map((x) => x.value ?? String(x.reason)).join()`: "RangeError: first,second,second",
		`const r = await Promise.race([CACHE.read("slow", () => scheduler.wait(500)).catch(() => {}), CACHE.read("fast", () => ({ value: "fast" }))]); return r`:                                                                                                                                          "fast",
	} {
		e.Want(source, want)
	}
	newEnv(t).Want(`return typeof CACHE.delete`, "undefined")
}

func TestMemoryCacheWrongInput(t *testing.T) {
	e := newEnv(t, "memory_cache_delete")
	for source, want := range map[string]string{
		`await CACHE.read()`:                                                             "TypeError: Failed to execute 'read' on 'MemoryCache': parameter 1 is not of type 'string'.",
		`await CACHE.read(5)`:                                                            "TypeError: Failed to execute 'read' on 'MemoryCache': parameter 1 is not of type 'string'.",
		`await CACHE.read(new String("a"))`:                                              "TypeError: Failed to execute 'read' on 'MemoryCache': parameter 1 is not of type 'string'.",
		`await CACHE.read(Symbol("a"))`:                                                  "TypeError: Failed to execute 'read' on 'MemoryCache': parameter 1 is not of type 'string'.",
		`await CACHE.read("a", 5)`:                                                       "TypeError: Failed to execute 'read' on 'MemoryCache': parameter 2 is not of type 'function'.",
		`await CACHE.read("é".repeat(1025))`:                                             "RangeError: Key too large.",
		`CACHE.delete("x".repeat(2049))`:                                                 "RangeError: Key too large.",
		`await CACHE.read("a", () => 5)`:                                                 "TypeError: Callback returned incorrect type; expected 'Promise'",
		`await CACHE.read("a", () => null)`:                                              "TypeError: Cannot initialize CacheValueProduceResult with required members from an undefined or null value.",
		`await CACHE.read("a", async () => 5)`:                                           "TypeError: Incorrect type for Promise: the Promise did not resolve to 'CacheValueProduceResult'.",
		`await CACHE.read("a", () => ({ value: 1, expiration: "soon" }))`:                "TypeError: Expiration time must not be NaN.",
		`await CACHE.read("a", () => ({ value: Symbol("a") }))`:                          "DataCloneError: failed to serialize symbol",
		`await CACHE.read("a", () => ({ value: () => 1 }))`:                              "DataCloneError: failed to serialize function",
		`await CACHE.read("a", () => ({ value: [() => 1] }))`:                            "DataCloneError: failed to serialize object",
		`await CACHE.read("a", () => ({ get value() { throw new RangeError("get") } }))`: "RangeError: get",
		`await CACHE.read("a", () => { throw new RangeError("made") })`:                  "RangeError: made",
	} {
		e.WantError(source, want)
	}
	// None of them left a value, or somebody who makes one.
	e.Want(`return await CACHE.read("a", () => ({ value: "there" }))`, "there")
}
