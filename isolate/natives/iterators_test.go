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
