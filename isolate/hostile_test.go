package isolate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/script"
)

// hostileEnv tells a copy of the test binary which script to begin with.
const hostileEnv = "ISOLATE_HOSTILE_SCRIPT"

// hostile are scripts that have no end, or need more stack than there is. Each
// runs in a process of its own, because the engine cannot recover from a full Go
// stack: the script must meet a RangeError (or the error given) or be stopped.
var hostile = []string{
	// natives that call themselves through what a script put into their way
	`a = []; a.join = a.toString; a.toString()`,
	`o = {}; o.toString = "".trim; o + ""`,
	`o = {}; o.toString = Object.prototype.toLocaleString; o.toLocaleString()`,
	`o = {}; Object.defineProperty(o, Symbol.toStringTag, { get: Object.prototype.toString }); String(o)`,
	`e = new Error; e.name = e; e.toString()`,
	`e = new Error; e.message = e; String(e)`,
	`r = /x/; Object.defineProperty(r, "source", { value: r }); String(r)`,
	`r = /x/; Object.defineProperty(r, "flags", { value: r }); r + ""`,
	`r = /x/; Object.defineProperty(r, "global", { get: Object.getOwnPropertyDescriptor(RegExp.prototype, "flags").get }); r.flags`,
	`r = /x/; r.exec = r[Symbol.match]; r.exec("x")`,
	`r = /x/; r.exec = r[Symbol.search]; r[Symbol.search]("x")`,
	`r = /x/g; r.exec = r[Symbol.replace]; r[Symbol.replace]("x", "y")`,
	`r = /x/; r.constructor = { [Symbol.species]: function () { return r } }; r.exec = r[Symbol.split]; r[Symbol.split]("x")`,
	`d = new Date; d.toISOString = d.toJSON; d.toJSON()`,
	`o = {}; o[Symbol.toPrimitive] = Date.prototype[Symbol.toPrimitive]; o.toString = "".big ?? "".trim; o + ""`,
	`o = {}; o.then = Promise.prototype.catch; o.then()`,
	`o = {}; o.then = Promise.prototype.finally; o.then()`,
	`s = new Set; s.add(s); s.has = s.isSubsetOf ?? s.has.call; s.isSubsetOf(s)`,
	`m = new Map; m.set(m, m.forEach); m.forEach(m.forEach, m)`,
	`f = "".trim; Object.defineProperty(f, "name", { get: Function.prototype.toString }); f.toString()`,
	`f = Math.max; Object.defineProperty(f, "name", { value: f }); f.toString()`,
	`f = "".trim; Object.defineProperty(f, "prototype", { get: Function.prototype[Symbol.hasInstance].bind(f, {}) }); ({}) instanceof f`,
	`t = { enumerable: 1 }; p = new Proxy(t, { get: Object.defineProperty }); p.x`,
	`t = { x: 1 }; p = new Proxy(t, { get: Object.assign }); p.x`,
	`t = { enumerable: 1 }; p = new Proxy(t, { get: Reflect.defineProperty }); p.x`,
	`t = []; t.cause = 1; p = new Proxy(t, { get: AggregateError }); p.x`,
	`o = {}; p = new Proxy(function () {}, { apply: Math.max }); o.valueOf = p; +o`,
	`o = {}; o.toString = String.bind(null, o); o + ""`,
	`o = {}; o.valueOf = Number.bind(null, o); +o`,
	`o = {}; o.valueOf = Math.abs.bind(null, o); +o`,
	`o = {}; o.toString = parseInt.bind(null, o); o + ""`,
	`o = {}; o.toString = encodeURIComponent.bind(null, o); o + ""`,
	`o = {}; o.toString = Symbol.for.bind(null, o); o + ""`,
	`o = {}; o.toString = Error.bind(null, o); o + ""`,
	`o = {}; o.toString = RegExp.bind(null, o); o + ""`,
	`o = {}; o.toString = Date.UTC.bind(null, o); o + ""`,
	`o = {}; o.valueOf = BigInt.bind(null, o); +o`,
	`o = {}; o.toString = Object.prototype.hasOwnProperty.bind({}, o); o + ""`,
	`o = {}; o.toString = Reflect.get.bind(null, {}, o); o + ""`,
	`o = {}; Object.defineProperty(o, "x", { get: Reflect.get.bind(null, o, "x") }); o.x`,
	`o = {}; Object.defineProperty(o, "x", { set: Reflect.set.bind(null, o, "x") }); o.x = 1`,
	`o = {}; Object.defineProperty(o, "x", { enumerable: true, get: Object.values.bind(null, o) }); o.x`,
	`o = {}; Object.defineProperty(o, "x", { enumerable: true, get: Object.entries.bind(null, o) }); o.x`,
	`o = {}; Object.defineProperty(o, "x", { enumerable: true, get: Object.assign.bind(null, {}, o) }); o.x`,
	`o = {}; Object.defineProperty(o, "x", { get: JSON.stringify.bind(null, o), enumerable: true }); o.x`,
	`o = {}; o[Symbol.iterator] = Object.fromEntries.bind(null, o); Object.fromEntries(o)`,
	`F = function () {}; Object.defineProperty(F, Symbol.hasInstance, { value: Function.prototype[Symbol.hasInstance].bind(F.bind()) }); ({}) instanceof F.bind()`,
	`f = Function.prototype.call; f.call.apply(f, Array(500000).fill(f))`,
	`f = Function.prototype.call; f.call(...Array(5e6).fill(f))`,
	`a = [Reflect.apply, null]; a[2] = a; Reflect.apply(...a)`,
	`f = () => 1; for (i = 0; i < 3e5; i++) { f = f.bind(); Object.defineProperty(f, "name", { value: "" }) } f()`,
	`f = class {}; for (i = 0; i < 3e5; i++) { f = f.bind(); Object.defineProperty(f, "name", { value: "" }) } new f`,
	`f = class {}; for (i = 0; i < 3e5; i++) { f = f.bind(); Object.defineProperty(f, "name", { value: "" }) } ({}) instanceof f`,
	// names of natives, which the engine asks for where the call stack is full
	`try { Object.defineProperty([].map, "name", { get() {} }) } catch { } (function f() { [1].map(f) })()`,
	`try { Object.defineProperties(new Proxy([].map, {}), { name: { value: { toString() { } } } }) } catch { } (function f() { [1].map(f) })()`,
	`Reflect.defineProperty([].map, { toString: () => "name" }, { get: [].map.bind([1], () => 1) }); (function f() { [1].map(f) })()`,
	`Object.defineProperty([].map, "name", { writable: true }); try { [].map.name = { toString() { } } } catch { } (function f() { [1].map(f) })()`,
	`delete [].map.name; Object.setPrototypeOf([].map, { get name() { } }); (function f() { [1].map(f) })()`,
	`delete [].map.name; try { delete Function.prototype.name } catch { } Object.setPrototypeOf(Function.prototype, { get name() { } }); (function f() { [1].map(f) })()`,
	`Promise.__proto__ = { get name() { } }; try { delete Promise.name } catch { } (function f() { new Promise(f); f() })()`,
	`b = Function.prototype.bind.call(Object.setPrototypeOf(() => b(), { get name() { } })); try { delete b.name } catch { } b()`,
	`f = async () => b(); f.__proto__.__proto__ = { __proto__: Function.prototype, get name() { } }; b = f.bind(); delete b.name; b(); await 1`,
	// proxies
	`t = {}; p = new Proxy(t, {}); Object.setPrototypeOf(t, p); p.x`,
	`t = {}; p = new Proxy(t, {}); t.__proto__ = p; p.x`,
	`t = {}; p = new Proxy(t, {}); Reflect.setPrototypeOf(t, p); "x" in p`,
	`h = {}; p = new Proxy({}, h); Object.setPrototypeOf(h, p); p.x`,
	`t = {}; p = Proxy.revocable(t, {}).proxy; Object.setPrototypeOf(t, p); p.x = 1`,
	`t = {}; p = new Proxy(t, {}); Object.setPrototypeOf(p, p); p.x`,
	`t = {}; p = new Proxy(t, {}); o = Object.create(p); Object.setPrototypeOf(t, o); o.x`,
	`t = Object.create(null); Object.defineProperty(t, "__proto__", Object.getOwnPropertyDescriptor(Object.prototype, "__proto__")); p = new Proxy(t, {}); t.__proto__ = p; p.x`,
	`p = {}; for (i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x`,
	`p = {}; for (i = 0; i < 1e6; i++) p = Proxy.revocable(p, {}).proxy; p.x`,
	`p = {}; for (i = 0; i < 1e6; i++) p = new Proxy({}, p); p.x`,
	`p = {}; for (i = 0; i < 1e6; i++) p = new Proxy(Object.create(p), {}); p.x`,
	`p = function () {}; for (i = 0; i < 1e6; i++) p = new Proxy(p, {}); p()`,
	`p = []; for (i = 0; i < 1e6; i++) p = new Proxy(p, {}); Array.isArray(p)`,
	`p = {}; for (i = 0; i < 3e6; i++) p = Object.create(p); p.x`,
	`p = {}; for (i = 0; i < 3e6; i++) p = { __proto__: p }; "x" in p`,
	`C = class {}; for (i = 0; i < 3e5; i++) C = class extends C {}; C.x`,
	`C = class {}; for (i = 0; i < 1e5; i++) C = class extends C {}; new C`,
	// generators
	`function* g() { yield* g() } g().next()`,
	`function* g() { for (const x of g()) yield x } g().next()`,
	`function* g() { yield* [g()][0] } [...g()]`,
	`async function* g() { yield* g() } g().next(); await 1`,
	`o = { *[Symbol.iterator]() { yield* o } }; [...o]`,
	`function* g() { try { yield* g() } finally { yield* g() } } for (const x of g()) ;`,
	`function* g() { const it = g(); it.next() } g().next()`,
	// numbers
	`1n << 2n ** 40n`,
	`x = 1n; x <<= 2n ** 40n`,
	`x = 2n; x **= 2n ** 40n`,
	`-1n >> -(2n ** 40n)`,
	`x = 1n; x >>= -(2n ** 40n)`,
	`b = globalThis["Big" + "Int"]; b(1) << b(2) ** b(40)`,
	`b = new globalThis["Big" + "Int64Array"]([]); b = globalThis["Big" + "Int"]; x = b(1); y = b(99999999999); x <<= y`,
	`x = 3n; for (;;) x = x * x`,
	`x = 3n; for (;;) x *= x`,
	// regular expressions
	`s = "x".repeat(1e6); s.replace(/x*?y|(?:x)+z/g, ""); s.match(/x+y/g)`,
	`"x".repeat(1e6).replaceAll(/.*?y|x/g, "")`,
	`"x".repeat(1e6).replace(/(?<n>.*?y)|x/g, () => "")`,
	`"x".repeat(1e6).match(/.*?y|x/g)`,
	`"x".repeat(1e6).split(/.*?y|x/)`,
	`[..."x".repeat(1e6).matchAll(/.*?y|x/g)]`,
	`/.*?y|x/g[Symbol.replace]("x".repeat(1e6), "")`,
	`/.*?y|x/g[Symbol.match]("x".repeat(1e6))`,
	`/.*?y|x/g[Symbol.split]("x".repeat(1e6))`,
	`"x".repeat(2e3).replace(/x/g, "y".repeat(1e8))`,
	`r = /x/; r.exec = () => ({ length: 2 ** 40, index: 0, 0: "x" }); r[Symbol.replace]("x", "")`,
	`r = /x/g; r.exec = () => ({ 0: "" }); r[Symbol.match]("x")`,
	`[...new Array(1e9).keys()]`,
	`[a, ...b] = new Array(1e9).entries()`,
	`Math.max(...new Array(1e9).keys())`,
	`s = "\u0344".repeat(1e7); for (;;) s.localeCompare(s + "a")`,
	`s = "9".repeat(3e7); for (;;) s.localeCompare(s + "a", "en", { numeric: true })`,
	`b = BigInt("0x" + "f".repeat(3e7)); b * b`,
	`s = "x".repeat(1e6); s.match(/x*y/g); s.split(/x*y/); s.search(/x*y/)`,
}

// The process of a child that runs the scripts from one on; a child that dies says
// by its last line which script it was.
func TestHostileScriptsLeaveTheProcessAlive(t *testing.T) {
	if first, ok := os.LookupEnv(hostileEnv); ok {
		runHostile(t, first)
		return
	}
	if testing.Short() {
		t.Skip("takes a minute")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for next := 0; next < len(hostile); {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		cmd := exec.CommandContext(ctx, self, "-test.run=^TestHostileScriptsLeaveTheProcessAlive$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", hostileEnv, next))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		cancel()
		for line := range strings.Lines(stdout.String()) {
			outcome, ok := strings.CutPrefix(strings.TrimSpace(line), "outcome: ")
			if !ok || next == len(hostile) {
				continue
			}
			switch {
			case outcome == "stopped", strings.HasPrefix(outcome, "RangeError: "):
			case outcome == "TypeError: Cyclic __proto__ value", outcome == "TypeError: Cannot convert a BigInt value to a number",
				outcome == "TypeError: Cannot redefine property: name":
			case outcome == isolate.ErrCallStack.Error():
			case strings.HasPrefix(outcome, isolate.ErrPanic.Error()): // the realm is thrown away
			case outcome == "no error": // a fast machine is through before the limit
			default:
				t.Errorf("%s\nended with %s", hostile[next], outcome)
			}
			next++
		}
		if err != nil && next < len(hostile) {
			reason, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
			t.Errorf("%s\nended the process: %v: %s", hostile[next], err, reason)
			next++
		} else if next < len(hostile) {
			t.Fatalf("the child ended after %d scripts:\n%s", next, stdout.String())
		}
	}
}

// runHostile runs the scripts from the one of that number on, each in a realm of its
// own, and prints what became of them.
func runHostile(t *testing.T, first string) {
	start, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	debug.SetMaxStack(256 << 20)
	iso := isolate.New(isolate.Options{Name: "hostile", Log: slog.New(slog.DiscardHandler), Limits: isolate.Limits{Turn: 300 * time.Millisecond}})
	iso.Start()
	for _, source := range hostile[start:] {
		outcome := make(chan string, 1)
		err := iso.Loop().Post(func() { outcome <- runOneHostile(iso, source) })
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("outcome:", strings.ReplaceAll(<-outcome, "\n", " "))
	}
}

func runOneHostile(iso *isolate.Isolate, source string) string {
	r, err := iso.NewRealm(isolate.RealmOptions{Name: "hostile"})
	if err != nil {
		return err.Error()
	}
	said := "no error"
	err = r.Run(nil, func(js *isolate.JS) {
		p, err := script.CompileText("hostile.js", "(async () => { "+source+" })().catch((e) => caught(String(e)))")
		if err != nil {
			said = err.Error()
			return
		}
		caught := func(c goja.FunctionCall) goja.Value { said = c.Argument(0).String(); return goja.Undefined() }
		if err := js.Runtime().Set("caught", caught); err != nil {
			said = err.Error()
			return
		}
		if _, err := js.Runtime().RunProgram(p); err != nil {
			said = err.Error()
			var overflow *goja.StackOverflowError
			if errors.As(err, &overflow) {
				said = isolate.ErrCallStack.Error()
			}
		}
	})
	switch {
	case errors.Is(err, isolate.ErrCPULimit):
		return "stopped"
	case err != nil:
		return err.Error()
	}
	return said
}
