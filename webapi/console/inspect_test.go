package console

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/events"
	"workerd.local/webapi/url"
)

// inRealm runs fn in a turn of a realm with a few classes of the host.
func inRealm(t *testing.T, fn func(js *isolate.JS)) {
	t.Helper()
	e := jstest.New(t, events.Module, url.Module, Module)
	e.In(func(js *isolate.JS, _ *iocontext.Context) { fn(js) })
}

func evaluate(t *testing.T, js *isolate.JS, source string) goja.Value {
	t.Helper()
	v, err := js.Runtime().RunScript("sample.js", "("+source+")")
	if err != nil {
		t.Errorf("%s: %v", source, err)
		return goja.Undefined()
	}
	return v
}

// testdata/node.json is what node 20 printed for each source.
func TestPrintsWhatNodePrints(t *testing.T) {
	data, err := os.ReadFile("testdata/node.json")
	if err != nil {
		t.Fatal(err)
	}
	type sample struct{ Source, Want string }
	var samples struct{ Inspect, Format []sample }
	if err := json.Unmarshal(data, &samples); err != nil {
		t.Fatal(err)
	}
	if len(samples.Inspect) < 100 || len(samples.Format) < 40 {
		t.Fatalf("only %d and %d samples", len(samples.Inspect), len(samples.Format))
	}
	inRealm(t, func(js *isolate.JS) {
		for _, s := range samples.Inspect {
			if got := Inspect(js, evaluate(t, js, s.Source), defaultDepth); got != s.Want {
				t.Errorf("%s\n got %s\nwant %s", s.Source, got, s.Want)
			}
		}
		for _, s := range samples.Format {
			var args []goja.Value
			js.Runtime().ForOf(evaluate(t, js, s.Source), func(v goja.Value) bool {
				args = append(args, v)
				return true
			})
			if got := Format(js, args); got != s.Want {
				t.Errorf("%s\n got %s\nwant %s", s.Source, got, s.Want)
			}
		}
	})
}

var place = regexp.MustCompile(`sample\.js:\d+:\d+`)

func TestErrors(t *testing.T) {
	inRealm(t, func(js *isolate.JS) {
		for source, want := range map[string]string{
			`new Error('x')`:                                                          "Error: x\n    at sample.js:L:C",
			`({ e: new TypeError('x') })`:                                             "{\n  e: TypeError: x\n      at sample.js:L:C\n}",
			`new (class MyError extends Error {})('x')`:                               "MyError: x\n    at sample.js:L:C",
			`Object.assign(new Error('x'), { code: 'E1' })`:                           "Error: x\n    at sample.js:L:C {\n  code: 'E1'\n}",
			`new Error('x', { cause: 'c' })`:                                          "Error: x\n    at sample.js:L:C {\n  [cause]: 'c'\n}",
			`Object.assign(new Error('x'), { stack: undefined })`:                     "[Error: x]",
			`Object.assign(new Error('gone'), { stack: 'just text' })`:                "[just text]",
			`new DOMException('m', 'AbortError')`:                                     "AbortError: m\n    at sample.js:L:C",
			`(() => { const e = new Error('x'); e.self = e; return e.self === e })()`: "true",
		} {
			if got := place.ReplaceAllString(Inspect(js, evaluate(t, js, source), defaultDepth), "sample.js:L:C"); got != want {
				t.Errorf("%s\n got %s\nwant %s", source, got, want)
			}
		}
		got := Inspect(js, evaluate(t, js, `(() => { const e = new Error('x'); e.self = e; return e })()`), defaultDepth)
		if !strings.HasPrefix(got, "<ref *1> Error: x\n") || !strings.Contains(got, "self: [Circular *1]") {
			t.Errorf("an error that holds itself: %s", got)
		}
	})
}

func TestHostObjects(t *testing.T) {
	inRealm(t, func(js *isolate.JS) {
		for source, want := range map[string]string{
			`new AbortController().signal`:       "AbortSignal { aborted: false, reason: undefined, onabort: null }",
			`new EventTarget()`:                  "EventTarget {}",
			`new URLSearchParams('a=1&a=2&b=3')`: "URLSearchParams(3) { 'a' => '1', 'a' => '2', 'b' => '3' }",
			`new URLSearchParams()`:              "URLSearchParams(0) {}",
			`Object.getOwnPropertyNames(URL.prototype).indexOf('origin') < Object.getOwnPropertyNames(URL.prototype).indexOf('hash')`: "true",
			`new (class Room extends EventTarget { x = 1 })()`:                                                                        "Room [EventTarget] { x: 1 }",
			`[[[new EventTarget()]]]`:                             "[ [ [ [EventTarget] ] ] ]",
			`new URL('http://a/').searchParams instanceof Object`: "true",
			`URL`: "[Function: URL] {\n  canParse: [Function: canParse],\n  parse: [Function: parse]\n}",
		} {
			if got := Inspect(js, evaluate(t, js, source), defaultDepth); got != want {
				t.Errorf("%s\n got %s\nwant %s", source, got, want)
			}
		}
		if got := Inspect(js, evaluate(t, js, `new URL('http://a/b')`), defaultDepth); !strings.HasPrefix(got, "URL {\n") || !strings.Contains(got, "href: 'http://a/b'") {
			t.Errorf("URL: %s", got)
		}
	})
}

func TestCustomInspect(t *testing.T) {
	const custom = `Symbol.for('nodejs.util.inspect.custom')`
	inRealm(t, func(js *isolate.JS) {
		for source, want := range map[string]string{
			`({ [` + custom + `]() { return 'mine' } })`:                                           "mine",
			`({ a: { [` + custom + `](depth, options, inspect) { return inspect({ depth }) } } })`: "{ a: { depth: 1 } }",
			`({ [` + custom + `]() { return { b: 1 } } })`:                                         "{ b: 1 }",
			`({ b: 1, [` + custom + `]() { throw new Error('no') } }).b`:                           "1",
			`({ [` + custom + `]() { return { [` + custom + `]: 1 } } })`:                          "{ [Symbol(nodejs.util.inspect.custom)]: 1 }",
			`(() => { const f = () => ({ [` + custom + `]: f }); return typeof f() })()`:           "'object'",
		} {
			if got := Inspect(js, evaluate(t, js, source), defaultDepth); got != want {
				t.Errorf("%s\n got %s\nwant %s", source, got, want)
			}
		}
		endless := evaluate(t, js, `(() => { const f = () => ({ [`+custom+`]: f }); return f() })()`)
		if got := Inspect(js, endless, defaultDepth); got == "" || len(got) > 1000 {
			t.Errorf("endless: %s", got)
		}
	})
}

func TestNothingOfAHostileObjectRuns(t *testing.T) {
	inRealm(t, func(js *isolate.JS) {
		for _, source := range []string{
			`new Proxy({}, { get() { ran() }, ownKeys() { ran() }, getPrototypeOf() { ran() }, getOwnPropertyDescriptor() { ran() }, has() { ran() } })`,
			`Object.create(new Proxy({ a: 1 }, { get() { ran() }, getPrototypeOf() { ran() }, getOwnPropertyDescriptor() { ran() } }))`,
			`({ get a() { ran() }, get constructor() { ran() }, get name() { ran() } })`,
			`Object.defineProperty(new Error('x'), 'stack', { get() { ran() } })`,
			`Object.defineProperty([], 'constructor', { get() { ran() } })`,
			`Object.defineProperty(new Map(), 'size', { get() { ran() } })`,
			`Object.assign(new Map([[1, 2]]), { entries() { ran() }, [Symbol.iterator]() { ran() } })`,
			`Object.defineProperty(new Date(0), 'toISOString', { value() { ran() } })`,
			`Object.defineProperty(function () {}, 'name', { get() { ran() } })`,
			`Object.defineProperty(function () {}, 'toString', { value() { ran() } })`,
			`Object.setPrototypeOf(new Uint8Array(2), { get length() { ran() } })`,
			`(() => { const a = [1]; Object.defineProperty(a, 0, { get() { ran() } }); return a })()`,
			`Object.assign(Object.create(Promise.prototype), { then() { ran() } })`,
		} {
			_ = js.Runtime().Set("ran", func(goja.FunctionCall) goja.Value {
				t.Errorf("%s: user code ran", source)
				return nil
			})
			if got := Inspect(js, evaluate(t, js, source), defaultDepth); got == "" {
				t.Errorf("%s: nothing", source)
			}
		}
	})
}

func TestHostileTextIsSurvived(t *testing.T) {
	inRealm(t, func(js *isolate.JS) {
		for _, source := range []string{
			`['%s', { toString() { throw 1 } }]`,
			`['%s', { toString() { return {} } }]`,
			`['%d', { valueOf() { throw 1 }, toString() { throw 2 } }]`,
			`['%j', { toJSON() { throw 1 } }]`,
			`['%j', 10n]`,
			`['%i', Symbol()]`,
			`[{ get [Symbol.toStringTag]() { throw 1 } }]`,
			`[Object.setPrototypeOf(() => 1, null)]`,
			`['%s%d%j', new Proxy({}, { get() { throw 1 } }), new Proxy({}, { get() { throw 1 } }), new Proxy({}, { get() { throw 1 } })]`,
		} {
			var args []goja.Value
			js.Runtime().ForOf(evaluate(t, js, source), func(v goja.Value) bool { args = append(args, v); return true })
			if got := Format(js, args); got == "" {
				t.Errorf("%s: nothing", source)
			}
		}
	})
}

func TestSizesAreBounded(t *testing.T) {
	inRealm(t, func(js *isolate.JS) {
		for _, source := range []string{
			`Array.from({ length: 60 }, () => Array.from({ length: 60 }, () => Array.from({ length: 60 }, (_, i) => 'some text ' + i)))`,
			`Object.fromEntries(Array.from({ length: 100000 }, (_, i) => ['k' + i, i]))`,
			`new Array(30000000)`,
			`new Map(Array.from({ length: 5000 }, (_, i) => [i, i]))`,
			`'x'.repeat(1e6)`,
			`['x'.repeat(1e6)]`,
			`(() => { let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return o })()`,
		} {
			if got := Format(js, []goja.Value{evaluate(t, js, source)}); len(got) > limits.ConsoleText.In(nil)+100 {
				t.Errorf("%s: %d bytes", source, len(got))
			}
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	e := jstest.New(b, Module)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		v, err := js.Runtime().RunString(`({ name: 'users', rows: [{ id: 1, name: 'Ann', tags: ['a', 'b'] }, { id: 2, name: 'Bob', tags: [] }], total: 2, next: null })`)
		if err != nil {
			b.Error(err)
			return
		}
		b.ReportAllocs()
		for b.Loop() {
			Inspect(js, v, defaultDepth)
		}
	})
}
