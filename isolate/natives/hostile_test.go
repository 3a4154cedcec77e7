package natives

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dop251/goja"
)

// attack runs src with a watchdog that interrupts it. It fails when the engine
// does not come back within the patience of a broken machine.
func attack(t *testing.T, l Limits, hook bool, src string) (goja.Value, error) {
	t.Helper()
	const patience = 30 * time.Second
	var stop atomic.Bool
	if hook {
		l.Interrupted = stop.Load
	}
	rt := newRuntime(t, l)
	if _, err := rt.RunString(showJS); err != nil {
		t.Fatal(err)
	}
	type result struct {
		v   goja.Value
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := rt.RunString(src)
		done <- result{v, err}
	}()
	watchdog := time.NewTimer(100 * time.Millisecond)
	defer watchdog.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case r := <-done:
			return r.v, r.err
		case <-watchdog.C:
			stop.Store(true)
			rt.Interrupt("time is up")
		case <-late.C:
			t.Fatalf("still running after %v: %s", patience, src)
		}
	}
}

// endless attacks walk further than a machine can: only the interrupt ends them.
var endless = []string{
	`[].indexOf.call({length: 2**53-1}, 1)`,
	`[].lastIndexOf.call({length: 2**53-1}, 1)`,
	`[].includes.call({length: 2**53-1}, 1)`,
	`[].fill.call({length: 2**53-1}, 1, 2**52)`,
	`[].reverse.call({length: 2**53-1})`,
	`[].copyWithin.call({length: 2**53-1}, 0, 10)`,
	`[].shift.call({length: 2**53-1})`,
	`[].unshift.call({length: 2**53-5}, 1)`,
	`[].splice.call({length: 2**53-1}, 0, 1)`,
	`[].forEach.call({length: 2**53-1}, x => x)`,
	`[].some.call({length: 2**53-1}, x => x)`,
	`[].every.call({length: 2**53-1}, x => x)`,
	`[].filter.call({length: 2**53-1}, x => x)`,
	`[].reduce.call({length: 2**53-1}, x => x)`,
	`[].reduceRight.call({length: 2**53-1}, x => x)`,
	`[].flat.call({length: 2**53-1})`,
	`[].flatMap.call({length: 2**53-1}, x => x)`,
	`[].sort.call({length: 2**53-1})`,
	`[].join.call({length: 2**53-1}, "")`,
	`[].concat({length: 2**52, [Symbol.isConcatSpreadable]: true})`,
	`[[]].flat.call([{__proto__: null}, new Array(4294967295)])`,
	`new Array(4294967295).forEach(x => x)`,
	`new Array(4294967295).map(x => x)`,
	`new Array(4294967295).indexOf(1)`,
	`new Array(4294967295).reverse()`,
	`new Array(4294967295).flat()`,
	`new Array(4294967295).flatMap(x => x)`,
	`new Array(4294967295).concat([1])`,
	`new Array(4294967295).sort()`,
	`[1].concat(new Array(4294967295))`,
	`var a = []; a[4294967290] = 1; a.sort()`,
	`JSON.stringify({a: new Array(4294967295), toJSON() { return this.a }}, (k, v) => v)`,
	`JSON.stringify(new Proxy([], {get(t, k) { return k === "length" ? 2**40 : undefined }}))`,
	`JSON.parse("[1,2,3]", function (k, v) { if (k === "0") this[1] = new Array(4294967295); return v })`,
	`String.raw({raw: {length: 2**53-1, get 0() { return "" }}}, "")`,
	`Array.from(new Array(4294967295).keys(), () => 0)`,
	`Array.from({length: 2**53-1, __proto__: null}, x => x)`,
	`"x".repeat(1e4).replace(/x/g, () => { for (;;); })`,
	`[1,2,3].sort(() => { for (;;); })`,
	`[2,1].sort((a, b) => [].indexOf.call({length: 2**53-1}, 1))`,
	`[{toString() { return [].join.call({length: 2**53-1}, "") }}, 1].sort()`,
	`[1].map(() => [].indexOf.call({length: 2**53-1}, 1))`,
	`try { [].indexOf.call({length: 2**53-1}, 1) } catch (e) { for (;;); } finally { for (;;); }`,
	`new Uint8Array({[Symbol.iterator]: () => ({next: () => ({done: false, get value() { for (;;); }})})})`,
	`var p = Object.create({}); for (var i = 0; i < 1e9; i++) [].indexOf.call({length: 1e5}, 1)`,
	`Object.groupBy({[Symbol.iterator]: () => ({next: () => ({done: false, value: 1})})}, x => { for (;;); })`,
	`"x".repeat(1e6).replaceAll(/.*?y|x/g, "")`,
	`"x".repeat(1e6).replace(/.*?y|x/g, () => "")`,
	`"x".repeat(1e6).replace(/\b.*?y|x/g, "")`,
	`"\u{1f600}".repeat(3e5).replace(/.*?y|./gu, "")`,
	`"é".repeat(1e5).replace(/.*?y|./g, "")`,
	`"x".repeat(1e5).replace(/(?=.*?y)|x/g, "")`,
	`"x".repeat(1e6).match(/.*?y|x/g)`,
	`"x".repeat(1e6).split(/.*?y|x/)`,
	`for (const m of "x".repeat(1e6).matchAll(/.*?y|x/g)) ;`,
	`[..."x".repeat(1e6).matchAll(/.*?y|x/g)]`,
	`RegExp.prototype[Symbol.replace].call(/.*?y|x/g, "x".repeat(1e6), "")`,
	`RegExp.prototype[Symbol.match].call(/.*?y|x/g, "x".repeat(1e6))`,
	`RegExp.prototype[Symbol.split].call(/.*?y|x/g, "x".repeat(1e6))`,
	`r = /x/; r.exec = () => ({ length: 2 ** 53 - 1, index: 0, 0: "x", get 1() { for (;;); } }); r[Symbol.replace]("x", "")`,
	`r = /x/; r.exec = () => ({ length: 2 ** 40, index: 0, 0: "x" }); r[Symbol.replace]("x", "")`,
	`r = /x/g; r.exec = () => ({ length: 2 ** 20, index: 0, 0: "x" }); r[Symbol.replace]("x", "")`,
	`r = /x/g; r.exec = () => ({ 0: "" }); r[Symbol.match]("x")`,
	`r = /x/; r.constructor = { [Symbol.species]: function () { return { lastIndex: 1, exec() { this.lastIndex = 1; return { length: 2 ** 40 } } } } }; r[Symbol.split]("xy")`,
	`[...new Array(4294967295).keys()]`,
	`[...new Array(4294967295)]`,
	`var [...a] = new Array(4294967295).entries()`,
	`Promise.resolve().then(() => [].indexOf.call({length: 2**53-1}, 1))`,
}

func TestEndlessNativesAreInterrupted(t *testing.T) {
	for _, src := range endless {
		for _, hook := range []bool{true, false} {
			name := "engine flag: " + src
			if hook {
				name = "hook: " + src
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				v, err := attack(t, Limits{}, hook, src)
				var intr *goja.InterruptedError
				if errors.As(err, &intr) {
					return
				}
				var ex *goja.Exception
				if errors.As(err, &ex) && strings.HasPrefix(ex.Value().String(), "RangeError") {
					return // a limit was met before the time was up
				}
				t.Fatalf("came back with value %v, error %v", v, err)
			})
		}
	}
}

// Attacks on memory and on the Go stack must meet a limit: the value is the name
// of the error that the script caught.
var greedy = []struct{ src, want string }{
	{`"x".repeat(2**40)`, "RangeError: Invalid string length"},
	{`"x".repeat(2**29)`, "RangeError: Invalid string length"},
	{`"é".repeat(2**22)`, "RangeError: Invalid string length"},
	{`"x".padEnd(2**30)`, "RangeError: Invalid string length"},
	{`"x".padStart(2**40, "ab")`, "RangeError: Invalid string length"},
	{`"x".repeat(500000).concat("x".repeat(500000), "x".repeat(500000))`, "RangeError: Invalid string length"},
	{`"x".repeat(9000).replace(/x/g, "$'")`, "RangeError: Invalid string length"},
	{"`${'x'.repeat(9000)}`.replaceAll('x', '$`')", "RangeError: Invalid string length"},
	{`"x".repeat(9000).replaceAll("", "$&".repeat(200) + "abc".repeat(200))`, "RangeError: Invalid string length"},
	{`"x".repeat(9000).replace(/x/g, () => "y".repeat(10000))`, "RangeError: Invalid string length"},
	{`"x".repeat(9000).replaceAll("x", () => "y".repeat(10000))`, "RangeError: Invalid string length"},
	{`"ab".repeat(9000).replace(/(?=(.*))a/g, "$1")`, "RangeError: Invalid string length"},
	{`"x".repeat(1000000).split("").length`, "RangeError: Invalid array length"},
	{`new Array(1000).fill("x".repeat(10000)).join("")`, "RangeError: Invalid string length"},
	{`new Array(60000).join("x".repeat(1000))`, "RangeError: Invalid string length"},
	{`[].join.call({length: 2**53-1}, "abc")`, "RangeError: Invalid string length"},
	{`[].toLocaleString.call({length: 2**53-1})`, "RangeError: Invalid string length"},
	{`new Uint8Array(900000).join("abc")`, "RangeError: Invalid string length"},
	{`new Uint8Array(1000000).join("x".repeat(1000000))`, "RangeError: Invalid string length"},
	{`String.raw({raw: {length: 1e9, get 0() { return "x".repeat(1e6) }}}, "y".repeat(1e6))`, "RangeError: Invalid string length"},
	{`"\ufdfa".repeat(100000).normalize("NFKD")`, "RangeError: Invalid string length"},
	{`new Array(1e9).fill(0)`, "RangeError: Invalid array length"},
	{`var a = []; a.length = 1e9; a.fill(0)`, "RangeError: Invalid array length"},
	{`Array.from({length: 1e8})`, "RangeError: Invalid array length"},
	{`Array.from({length: 1e8}, (v, i) => i)`, "RangeError: Invalid array length"},
	{`Array.from("x".repeat(1048576))`, "RangeError: Invalid array length"},
	{`Array.from((function* () { for (;;) yield 1 })())`, "RangeError: Invalid array length"},
	{`new Array(4294967295).with(0, 1)`, "RangeError: Invalid array length"},
	{`new Array(4294967295).toReversed()`, "RangeError: Invalid array length"},
	{`new Array(4294967295).toSorted()`, "RangeError: Invalid array length"},
	{`new Array(4294967295).toSpliced(0, 1)`, "RangeError: Invalid array length"},
	{`[].toSorted.call({length: 4294967295})`, "RangeError: Invalid array length"},
	{`[].map.call({length: 2**33}, x => x)`, "RangeError: Invalid array length"},
	{`[].slice.call({length: 2**33, [Symbol.toStringTag]: 1})`, "RangeError: Invalid array length"},
	{`[].slice.call(new Proxy({}, {get: (t, k) => k === "length" ? 1e9 : 1, has: () => true}))`, "RangeError: Invalid array length"},
	{`[].filter.call(new Proxy({}, {get: (t, k) => k === "length" ? 1e9 : 1, has: () => true}), () => true)`, "RangeError: Invalid array length"},
	{`var a = []; a.push(a); a.flat(Infinity)`, "RangeError: Maximum call stack size exceeded"},
	{`var a = []; for (var i = 0; i < 2e4; i++) a = [a]; a.flat(Infinity)`, "RangeError: Maximum call stack size exceeded"},
	{`var a = []; for (var i = 0; i < 5e4; i++) a = [a]; String(a)`, "RangeError: Maximum call stack size exceeded"},
	{`var a = []; for (var i = 0; i < 2e4; i++) a = [a]; a.join()`, "RangeError: Maximum call stack size exceeded"},
	{`var a = []; for (var i = 0; i < 2e4; i++) a = [a]; a + ""`, "RangeError: Maximum call stack size exceeded"},
	{`var a = []; for (var i = 0; i < 2e4; i++) a = [a]; a.toLocaleString()`, "RangeError: Maximum call stack size exceeded"},
	{`var a = []; for (var i = 0; i < 2e4; i++) a = [a]; [a, a].sort()`, "RangeError: Maximum call stack size exceeded"},
	{`var a = {}; for (var i = 0; i < 2e4; i++) a = {a}; JSON.stringify(a)`, "RangeError: Maximum call stack size exceeded"},
	{`var a = []; for (var i = 0; i < 2e4; i++) a = [a]; JSON.stringify(a)`, "RangeError: Maximum call stack size exceeded"},
	{`var n = 0; JSON.stringify({}, () => ({n: n++}))`, "RangeError: Maximum call stack size exceeded"},
	{`JSON.parse("{\"a\":0,\"b\":0}", function (k, v) { if (k === "a") { let o = this.b = []; for (let i = 0; i < 2e4; i++) o = o[0] = []; } return v })`, "RangeError: Maximum call stack size exceeded"},
	{`JSON.parse(big("[", 3e6))`, "RangeError: Maximum call stack size exceeded"},
	{`JSON.parse(big("{\"a\":", 1e6))`, "RangeError: Maximum call stack size exceeded"},
	{`JSON.stringify(new Array(65000).fill("x".repeat(1000)))`, "RangeError: Invalid string length"},
	{`JSON.stringify("\u0000".repeat(400000))`, "RangeError: Invalid string length"},
	{`JSON.stringify(new Uint8Array(1000000))`, "RangeError: Invalid string length"},
	{`new ArrayBuffer(2**40)`, "RangeError: Array buffer allocation failed"},
	{`new Uint8Array(2**40)`, "RangeError: Invalid typed array length: 1099511627776"},
	{`new Float64Array(200000)`, "RangeError: Invalid typed array length: 200000"},
	{`new Uint8Array({length: 2**33})`, "RangeError: Invalid typed array length: 8589934592"},
	{`new Uint8Array(new Array(4294967295))`, "RangeError: Invalid typed array length: 4294967295"},
	{`new Float64Array(new Uint8Array(1000000))`, "RangeError: Invalid typed array length: 1000000"},
	{`new Uint8Array((function* () { for (;;) yield 1 })())`, "RangeError: Invalid array length"},
	{`Uint8Array.from({length: 2**33})`, "RangeError: Invalid typed array length: 8589934592"},
	{`Uint8Array.from("x".repeat(1000000))`, "RangeError: Invalid array length"},
	{`class A extends Uint8Array {}; new A(2**40)`, "RangeError: Invalid typed array length: 1099511627776"},
	{`new (new Uint8Array(1).constructor)(2**40)`, "RangeError: Invalid typed array length: 1099511627776"},
	{`new (Object.getPrototypeOf(new ArrayBuffer(1)).constructor)(2**40)`, "RangeError: Array buffer allocation failed"},
	{`Reflect.construct(ArrayBuffer, [2**40])`, "RangeError: Array buffer allocation failed"},
	{`Object.keys("x".repeat(1000000))`, "RangeError: Invalid array length"},
	{`Object.assign({}, "x".repeat(1000000))`, "RangeError: Invalid array length"},
	{`Object.getOwnPropertyNames(new String("x".repeat(1000000)))`, "RangeError: Invalid array length"},
	{`Reflect.ownKeys(new Uint8Array(1000000))`, "RangeError: Invalid array length"},
	{`Math.max.apply(null, {length: 2**32})`, "RangeError: Maximum call stack size exceeded"},
	{`Math.max.apply(null, new Array(4294967295))`, "RangeError: Maximum call stack size exceeded"},
	{`Reflect.apply(Math.max, null, {length: 2**40})`, "RangeError: Maximum call stack size exceeded"},
	{`Reflect.construct(Array, {length: 2**40})`, "RangeError: Maximum call stack size exceeded"},
	{`var o = {}; o[Symbol.iterator] = Array.from.bind(null, o); [...o]`, "RangeError: Maximum call stack size exceeded"},
	{`var o = []; o.toString = o.join.bind([o]); o.join(); o + ""`, "no error"},
	{`var o = {}; Object.defineProperty(o, "length", {get: [].indexOf}); [].indexOf.call(o)`, "RangeError: Maximum call stack size exceeded"},
	{`var o = {}; o.toString = "".repeat; "".repeat.call(o)`, "RangeError: Maximum call stack size exceeded"},
	{`var o = {}; o.toJSON = JSON.stringify.bind(null, o); JSON.stringify(o)`, "RangeError: Maximum call stack size exceeded"},
	{`BigInt.asUintN(2**53 - 1, -1n)`, "RangeError: Maximum BigInt size exceeded"},
	{`BigInt("9".repeat(900000) + "9".repeat(900000))`, "RangeError: Maximum BigInt size exceeded"},
	{`BigInt("0x" + "f".repeat(1000000)).toString()`, "no error"},
	{`(BigInt("0x" + "f".repeat(1000000)) << 4000000n).toString()`, "RangeError: Maximum BigInt size exceeded"},
	{`(BigInt("0x" + "f".repeat(1000000)) << 4000000n).toLocaleString()`, "RangeError: Maximum BigInt size exceeded"},
}

func TestGreedyNativesMeetALimit(t *testing.T) {
	l := Limits{MaxStringBytes: 1 << 20, MaxArrayLength: 1 << 16, MaxBufferBytes: 1 << 20}
	for _, a := range greedy {
		t.Run(a.src, func(t *testing.T) {
			rt := newRuntime(t, l)
			if err := rt.Set("big", func(c goja.FunctionCall) goja.Value {
				return rt.ToValue(strings.Repeat(c.Argument(0).String(), int(c.Argument(1).ToInteger())))
			}); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			v, err := rt.RunString(`let res = "no error"; try { ` + a.src + ` } catch (e) { res = String(e) }; res`)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			if v.String() != a.want {
				t.Errorf("got %s, want %s", v, a.want)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 1500<<20 {
				t.Errorf("allocated %d MiB", got>>20)
			}
		})
	}
}

// A native that goes wrong in Go must look like any other exception.
func TestGoPanicsBecomeExceptions(t *testing.T) {
	rt := newRuntime(t, Limits{})
	v, err := rt.RunString(`
		const got = [];
		for (const f of [
			() => Object.keys(new Proxy({}, { ownKeys() { return [,] } })),
			() => Reflect.ownKeys(new Proxy({}, { ownKeys() { return { length: 1 } } })),
		]) try { f(); got.push("no error") } catch (e) { got.push(e instanceof TypeError) }
		got.join()`)
	if err != nil {
		t.Fatal(err)
	}
	if v.String() != "true,true" {
		t.Fatalf("got %s", v)
	}
	e := newEnv(rt, Limits{})
	for _, f := range []raw{
		//lint:ignore SA5000 the panic is the point
		func(goja.FunctionCall) goja.Value { var m map[string]int; m["x"] = 1; return nil },
		func(goja.FunctionCall) goja.Value { panic("text") },
		func(c goja.FunctionCall) goja.Value { return c.Arguments[3] },
	} {
		fn, err := e.newFunc("broken", 0, f)
		if err != nil {
			t.Fatal(err)
		}
		if err := rt.Set("broken", fn); err != nil {
			t.Fatal(err)
		}
		v, err := rt.RunString(`(() => { try { broken() } catch (e) { return e.name } })()`)
		if err != nil || v.String() != "TypeError" {
			t.Fatalf("got %v, %v", v, err)
		}
	}
}

// Thrown values and interrupts are the engine's business and pass unchanged.
func TestGuardKeepsEnginePanics(t *testing.T) {
	rt := newRuntime(t, Limits{})
	v, err := rt.RunString(`const o = {}; let same; try { [1].map(() => { throw o }) } catch (e) { same = e === o } same`)
	if err != nil || !v.ToBoolean() {
		t.Fatalf("got %v, %v", v, err)
	}
	rt.SetMaxCallStackSize(50)
	_, err = rt.RunString(`function f() { return [1].map(f) } f()`)
	var so *goja.StackOverflowError
	if !errors.As(err, &so) {
		t.Fatalf("got %v", err)
	}
}

func TestInterruptDirectCall(t *testing.T) {
	var stop atomic.Bool
	rt := newRuntime(t, Limits{Interrupted: stop.Load})
	f, ok := goja.AssertFunction(rt.GlobalObject().Get("Array").ToObject(rt).Get("prototype").ToObject(rt).Get("indexOf"))
	if !ok {
		t.Fatal("indexOf is no function")
	}
	o := rt.NewObject()
	if err := o.Set("length", 1<<52); err != nil {
		t.Fatal(err)
	}
	stop.Store(true)
	rt.Interrupt("stop")
	_, err := f(o, rt.ToValue(1))
	var intr *goja.InterruptedError
	if !errors.As(err, &intr) || intr.Value() != "stop" {
		t.Fatalf("got %v", err)
	}
	// The flag may be up before Interrupt is called.
	_, err = f(o, rt.ToValue(1))
	if !errors.As(err, &intr) || !errors.Is(err, ErrInterrupted) {
		t.Fatalf("got %v", err)
	}
	stop.Store(false)
	if v, err := rt.RunString("1+1"); err != nil || v.ToInteger() != 2 {
		t.Fatalf("the runtime did not recover: %v, %v", v, err)
	}
}

func TestChargeIsAskedAndHeard(t *testing.T) {
	full := errors.New("the isolate is out of memory")
	var asked int
	rt := newRuntime(t, Limits{Charge: func(n int) error {
		asked += n
		if n > 1<<20 {
			return full
		}
		return nil
	}})
	for _, src := range []string{
		`"x".repeat(2e6)`, `"x".padEnd(2e6)`, `new Uint8Array(2e6)`, `new ArrayBuffer(2e6)`, `Array.from({length: 2e5})`,
		`JSON.parse("[" + "1,".repeat(5e5) + "1]")`, `Object.keys("x".repeat(1e5))`,
	} {
		v, err := rt.RunString(`(() => { try { ` + src + `; return "no error" } catch (e) { return String(e) } })()`)
		if err != nil {
			t.Fatal(err)
		}
		if want := "RangeError: " + full.Error(); v.String() != want {
			t.Errorf("%s: got %s, want %s", src, v, want)
		}
	}
	if asked == 0 {
		t.Error("Charge was never called")
	}
}
