package natives

import (
	"testing"

	"github.com/dop251/goja"
)

// run is what an expression gives, or throws, as text.
func run(t *testing.T, rt *goja.Runtime, src string) string {
	t.Helper()
	if _, err := rt.RunString(showJS); err != nil {
		t.Fatal(err)
	}
	v, err := rt.RunString("show(() => (" + src + "\n))")
	if err != nil {
		return "error " + err.Error()
	}
	return v.String()
}

func TestIteratorHelpers(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`[...[1, 2, 3].values().map((x, i) => x * 10 + i)]`, `[10 21 32]`},
		{`[1, 2, 3, 4].values().filter(x => x % 2).toArray()`, `[1 3]`},
		{`[[1, 2, 3].values().take(2).toArray(), [1, 2, 3].values().drop(2).toArray(), [1].values().take(Infinity).toArray(), [1].values().drop(Infinity).toArray()]`, `[[1 2] [3] [1] []]`},
		{`[1, 2].values().flatMap(x => [x, x]).toArray()`, `[1 1 2 2]`},
		{`[new Set([1, 2, 3]).values().reduce((a, b) => a + b), [1].values().reduce((a, b) => a + b, 5), [].values().reduce(() => 0, undefined)]`, `[6 6 undefined]`},
		{`[[1, 2].values().some(x => x > 1), [1, 2].values().every(x => x > 1), [1, 2].values().find(x => x > 1), [].values().find(() => 1)]`, `[true false 2 undefined]`},
		{`(() => { const seen = []; const r = [5, 6].values().forEach((x, i) => seen.push(x + i)); return [seen, r] })()`, `[[5 7] undefined]`},
		{`(function* () { yield 1; yield 2 })().map(x => x + 1).filter(x => x > 2).toArray()`, `[3]`},
		{`[Iterator.from({ next() { return { done: this.n > 1, value: this.n++ } }, n: 0 }).toArray(), Iterator.from("ab").toArray(), Iterator.concat([1], new Set([2])).toArray()]`, `[[0 1] ["a" "b"] [1 2]]`},
		{`(() => { const it = [1].values(); return [Iterator.from(it) === it, Iterator.from({ next() {} }) instanceof Iterator, it instanceof Iterator, Object.prototype.toString.call(it.map(x => x)), typeof Iterator.prototype.map] })()`, `[true true true "[object Iterator Helper]" "function"]`},
		// Whoever stops early closes what is below.
		{`(() => { let closed = 0; const mk = () => ({ __proto__: Iterator.prototype, next: () => ({ done: false, value: 1 }), return() { closed++; return {} } });
			mk().some(() => true); mk().find(() => true); mk().every(() => false); try { mk().map(5) } catch {} try { mk().forEach(() => { throw 1 }) } catch {} try { mk().take(NaN) } catch {}
			mk().take(0).next(); const m = mk().map(x => x); m.next(); m.return(); m.return(); return [closed, m.next().done] })()`, `[8 true]`},
		{`(() => { class Own extends Iterator { next() { return { done: true } } } return [new Own().toArray(), new Own() instanceof Iterator, Iterator.name, Iterator.length] })()`, `[[] true "Iterator" 0]`},
		{`[].values().map.call(5, x => x)`, `throws TypeError: Iterator.prototype.map called on non-object`},
		{`[].values().map(5)`, `throws TypeError: 5 is not a function`},
		{`[].values().take(-1)`, `throws RangeError: -1 must be positive`},
		{`[].values().reduce((a, b) => a)`, `throws TypeError: Reduce of a done iterator with no initial value`},
		{`new Iterator()`, `throws TypeError: Abstract class Iterator not directly constructable`},
		{`Iterator.from(5)`, `throws TypeError: 5 is not an object`},
		{`[1].values().map(x => x).next.call({})`, `throws TypeError: Method Iterator Helper.prototype.next called on incompatible receiver #<Object>`},
		{`(() => { const it = (function* () { yield 1 })().map(() => it.next()); return it.next() })()`, `throws TypeError: Generator is already running`},
		{`(() => { const [c, p] = [Function.prototype.call, Array.prototype.push]; Function.prototype.call = Reflect.apply = WeakMap.prototype.get = Array.prototype.push = () => { throw 1 }; try { return [1, 2].values().map(x => x).take(1).toArray() } finally { Function.prototype.call = c; Array.prototype.push = p } })()`, `[1]`},
	} {
		if got := run(t, newRuntime(t, Limits{}), c.src); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

func TestSmallGaps(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`[Math.sumPrecise([1e20, 0.1, -1e20]), Math.sumPrecise([1e308, 1e308, -1e308]), Math.sumPrecise([0.1, 0.2, 0.3]), Object.is(Math.sumPrecise([]), -0), Math.sumPrecise([Infinity, -Infinity]), Object.is(Math.sumPrecise([-0, 0]), 0)]`, `[0.1 1e+308 0.6 true NaN true]`},
		{`Math.sumPrecise([1, "2"])`, `throws TypeError: "2" is not a number`},
		{`Math.sumPrecise(5)`, `throws TypeError: 5 is not iterable`},
		{`[Math.f16round(1.337), Math.f16round(65519), Math.f16round(65520), Math.f16round(5e-8), Math.f16round(2.98e-8), Object.is(Math.f16round(-1e-9), -0), Math.f16round(NaN), Math.f16round(2049), Math.f16round(6.103e-5)]`, `[1.3369140625 65504 Infinity 5.960464477539063e-8 0 true NaN 2048 0.00006103515625]`},
		{`(() => { const v = new DataView(new ArrayBuffer(4)); v.setFloat16(0, -1.5); v.setFloat16(2, Infinity, true); return [v.getFloat16(0), v.getUint16(0), v.getFloat16(2, true), v.getUint16(2)] })()`, `[-1.5 48640 Infinity 124]`},
		{`(() => { const b = new Uint8Array([1, 2, 3]).buffer, c = b.transfer(), d = c.transfer(5), e = d.transferToFixedLength(2); return [b.detached, b.byteLength, c.detached, d.byteLength, e.byteLength, new Uint8Array(e)[1], e.detached] })()`, `[true 0 true 0 2 2 false]`},
		{`(() => { const b = new ArrayBuffer(1); b.transfer(); b.transfer() })()`, `throws TypeError: Cannot perform ArrayBuffer.prototype.transfer on a detached ArrayBuffer`},
		{`new ArrayBuffer(1).transfer(-1)`, `throws RangeError: Invalid array buffer length`},
		{`new ArrayBuffer(1).transfer(2 ** 40)`, `throws RangeError: Array buffer allocation failed`},
		{`ArrayBuffer.prototype.transfer.call({})`, `throws TypeError: Method ArrayBuffer.prototype.transfer called on incompatible receiver #<Object>`},
		{`(() => { const m = new Map([["a", 1]]); return [m.getOrInsert("a", 5), m.getOrInsert("b", 6), m.getOrInsertComputed("c", k => k + "!"), m.size] })()`, `[1 6 "c!" 3]`},
		{`Map.prototype.getOrInsertComputed.call(new Map(), 1, 2)`, `throws TypeError: 2 is not a function`},
		{`[typeof DisposableStack, typeof AsyncDisposableStack, typeof SuppressedError]`, `["function" "function" "function"]`},
		{`(() => { const log = []; const s = new DisposableStack(); s.use({ [Symbol.dispose]() { log.push("used") } }); s.adopt(5, (v) => log.push(v)); s.defer(() => log.push("deferred")); const m = s.move(); s.dispose(); m.dispose(); m.dispose(); return [log, s.disposed, m.disposed, DisposableStack.prototype[Symbol.dispose] === DisposableStack.prototype.dispose, String(m)] })()`, `[["deferred" 5 "used"] true true true "[object DisposableStack]"]`},
		{`(() => { const s = new DisposableStack(); s.defer(() => { throw 1 }); s.defer(() => { throw 2 }); try { s.dispose() } catch (e) { return [e instanceof SuppressedError, e instanceof Error, e.error, e.suppressed, e.name, e.message] } })()`, `[true true 1 2 "SuppressedError" "An error was suppressed during disposal."]`},
		{`(() => { const s = new DisposableStack(); s.dispose(); s.use(null) })()`, `throws ReferenceError: Cannot add values to a disposed stack!`},
		{`new DisposableStack().use({})`, `throws TypeError: #<Object> is not disposable`},
		{`(() => { const e = SuppressedError(1, 2, "m"); return [e.error, e.suppressed, e.message, SuppressedError.name, Object.keys(e)] })()`, `[1 2 "m" "SuppressedError" []]`},
	} {
		if got := run(t, newRuntime(t, Limits{}), c.src); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
	if got := settle(t, newRuntime(t, Limits{}), `(async () => { const log = []; const s = new AsyncDisposableStack(); s.use({ async [Symbol.asyncDispose]() { await 0; log.push(1) } }); s.use({ [Symbol.dispose]() { log.push(2) } }); s.defer(async () => log.push(3)); await s.disposeAsync(); return [log, s.disposed] })()`); got != `[[3 2 1] true]` {
		t.Errorf("AsyncDisposableStack: %s", got)
	}
}

func TestRegExpEscape(t *testing.T) {
	rt := goja.New()
	l, err := Install(rt, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.OnRegExp(func() (*goja.Object, error) { return l.Own("RegExp").(*goja.Object), nil }); err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		`RegExp.escape("foo.bar (1)")`:                                     `"\\x66oo\\.bar\\x20\\(1\\)"`,
		`RegExp.escape("_a-b\n\u2028\ud83d\ude00")`:                        `"_a\\x2db\\n\\u2028😀"`,
		`new RegExp(RegExp.escape("^$[]{}/\\|*+?")).test("^$[]{}/\\|*+?")`: `true`,
		`RegExp.escape("\ud800")`:                                          `"\\ud800"`,
		`[Atomics.pause(), Atomics.pause(-1), Atomics.pause.length]`:       `[undefined undefined 0]`,
		`Atomics.pause(1.5)`:                                               `throws TypeError: Atomics.pause argument must be undefined or an integer`,
		`Atomics.pause("1")`:                                               `throws TypeError: Atomics.pause argument must be undefined or an integer`,
		`Atomics.pause(NaN)`:                                               `throws TypeError: Atomics.pause argument must be undefined or an integer`,
		`new Set().union([1])`:                                             `throws TypeError: The .size property is NaN`,
		`Uint8Array.fromHex("0")`:                                          `throws SyntaxError: Input string must contain hex characters in even length`,
		`Uint8Array.fromBase64("A")`:                                       `throws SyntaxError: The base64 input terminates with a single character, excluding padding (=).`,
		`RegExp.escape(5)`:                                                 `throws TypeError: input argument must be a string`,
	} {
		if got := run(t, rt, src); got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
}

// The engine's templates are as this package expects them, so that what it adds to them
// costs a realm nothing.
func TestTemplatesAreWhatWeThink(t *testing.T) {
	for _, path := range []string{"Math", "DataView.prototype", "Number.prototype", "Date.prototype", "String.prototype", "Array.prototype", "Function.prototype",
		"Object", "Object.prototype", "BigInt", "BigInt.prototype", "Uint8Array.prototype.__proto__"} {
		if templates[path] == nil {
			t.Errorf("the template of %s is not laid out as templates.go says", path)
		}
	}
	if got := run(t, newRuntime(t, Limits{}), `(() => { const d = Object.getOwnPropertyDescriptor(Math, "sumPrecise"); return [d.writable, d.enumerable, d.configurable, d.value === Math.sumPrecise, d.value.name, d.value.length, Object.keys(Math), Reflect.ownKeys(globalThis).filter((k) => String(k).includes("workerd"))] })()`); got != `[true false true true "sumPrecise" 1 [] []]` {
		t.Errorf("Math.sumPrecise: %s", got)
	}
}
