package core_test

import (
	"encoding/json"
	"os"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/internal/machinetest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// wantPrinted compares a text, and shows control characters where it is another one.
func wantPrinted(t *testing.T, e *jstest.Env, call, want string) {
	t.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	e.Want(`const util = (await import("node:util")).default, text = `+call+`; return text === `+string(text)+` ? "as node" : JSON.stringify(text) + "\n" + `+"JSON.stringify("+string(text)+")", "as node")
}

// testdata/inspect.json is what node 20 printed with options.
func TestOptionsOfInspectAreNodes(t *testing.T) {
	data, err := os.ReadFile("testdata/inspect.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples []struct {
		Source, Options, Want string
		Format                bool
	}
	if err := json.Unmarshal(data, &samples); err != nil {
		t.Fatal(err)
	}
	if len(samples) < 100 {
		t.Fatalf("only %d samples", len(samples))
	}
	e := machinetest.NewWorker(t)
	for _, s := range samples {
		call := "util.inspect(" + s.Source + ", " + s.Options + ")"
		if s.Format {
			call = "util.formatWithOptions(" + s.Options + ", ..." + s.Source + ")"
		}
		wantPrinted(t, e, call, s.Want)
	}
}

// Workers show that something is a proxy, as workerd does; no trap runs.
func TestWorkersShowThatItIsAProxy(t *testing.T) {
	e := machinetest.NewWorker(t)
	const trapped = `new Proxy([new Proxy({ a: 1 }, {})], new Proxy({}, { get() { throw new Error("a trap ran") } }))`
	wantPrinted(t, e, `util.inspect(`+trapped+`)`, "[ { a: 1 } ]")
	e.In(func(js *isolate.JS, _ *iocontext.Context) { bind.ProgramOf(js).Worker = true })
	wantPrinted(t, e, `util.inspect(`+trapped+`)`, "Proxy([ Proxy({ a: 1 }) ])")
	wantPrinted(t, e, `(() => { const o = { [util.inspect.custom]() { return this === p ? ["mine"] : "not called on the proxy" } }, p = new Proxy(o, {}); return util.inspect(p) + util.inspect([p]) })()`, "[ 'mine' ][ [ 'mine' ] ]")
	wantPrinted(t, e, `util.format("%i %i %i", -0.5, " -0", 0)`, "-0 -0 0")
	wantPrinted(t, e, `util.format("%s %O", `+trapped+`, new Proxy(function f() {}, {}))`, "Proxy([ Proxy([Object]) ]) Proxy([Function: f])")
	wantPrinted(t, e, `util.inspect([Headers, Uint8Array, new Proxy(Headers, {})]) + util.inspect([Headers, ArrayBuffer, Proxy], { showProxy: true })`, "[\n  [Function: Headers],\n  [Function: Uint8Array],\n  Proxy([Function: Headers])\n][ [Function: Headers], [Function: ArrayBuffer], [Function: Proxy] ]")
	wantPrinted(t, e, `(() => { let p = {}; for (let i = 0; i < 200; i++) p = new Proxy(p, {}); return String(util.inspect(p, { showProxy: true }).length + util.inspect(p).length < 1e7) })()`, "true")
}

func TestStylesOfInspect(t *testing.T) {
	e := machinetest.NewWorker(t)
	wantPrinted(t, e, `(() => { const { styles, colors } = util.inspect; const old = styles.number; styles.number = "odd"; colors.odd = [1, 2]; const out = util.inspect(1, { colors: true }); styles.number = "gone"; try { return out + util.inspect(1, { colors: true }) } finally { styles.number = old } })()`, "\x1b[1m1\x1b[2m1")
	wantPrinted(t, e, `util.inspect([1, 2], { breakLength: NaN, compact: -1, maxArrayLength: -5, depth: -3, maxStringLength: "x" })`, "[Array]")
}
