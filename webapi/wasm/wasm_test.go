package wasm

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	globals "workerd.local/webapi/global"
	"workerd.local/webapi/streams"
)

const (
	opUnreachable = 0x00
	opDrop        = 0x1a
	opI32Load     = 0x28
	opI32Store    = 0x36
	opI32DivS     = 0x6d
	opI64Add      = 0x7c
	opI32TruncF64 = 0xaa
)

// get is local.get.
func get(locals ...byte) (code []byte) {
	for _, l := range locals {
		code = append(code, opLocalGet, l)
	}
	return code
}

func cat(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// samples are modules that tests ask for by name.
var samples = map[string]*asm{
	"empty": {},
	"calc": new(asm).
		importFunc("env", "f", "iI:I").
		importing("env", "k", kindGlobal, byte(i32), 0).
		memory(1, 10).table(funcref, 4).
		global(i64, true, 0x42, 5).global(f64, false, 0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f).
		fn("add", "ii:i", cat(get(0, 1), []byte{opI32Add})...).                                  // 1
		fn("callf", "iI:I", cat(get(0, 1), []byte{opCall, 0})...).                               // 2
		fn("trap", "", opUnreachable).                                                           // 3
		fn("div", "ii:i", cat(get(0, 1), []byte{opI32DivS})...).                                 // 4
		fn("oob", ":i", opI32Const, 0x7f, opI32Load, 2, 0).                                      // 5
		fn("grow", "i:i", cat(get(0), []byte{opMemoryGrow, 0})...).                              // 6
		fn("rec", "i:i", cat(get(0), []byte{opI32Const, 1, opI32Add, opCall, 7})...).            // 7
		fn("two", ":iI", opI32Const, 1, 0x42, 2).                                                // 8
		fn("conv", "F:i", cat(get(0), []byte{opI32TruncF64})...).                                // 9
		fn("indirect", "iii:i", cat(get(0, 1, 2), []byte{opCallIndirect, 1, 0})...).             // 10
		fn("store", "ii:", cat(get(0, 1), []byte{opI32Store, 2, 0})...).                         // 11
		fn("load", "i:i", cat(get(0), []byte{opI32Load, 2, 0})...).                              // 12
		fn("early", "i:i", cat(get(0), []byte{opIf, blockEmpty, opI32Const, 7, opReturn, opEnd}, // 13
																get(0), get(0), []byte{opCall, 1})...).
		fn("pick", "i:iI", cat([]byte{opI32Const, 9, 0x42, 3}, get(0), []byte{0x0d, 0, opDrop, opDrop, opCall, 8})...). // 14
		elems(0, 1, 4).data(32, "data").
		export("mem", kindMemory, 0).export("tab", kindTable, 0).export("cnt", kindGlobal, 1).export("half", kindGlobal, 2).export("again", kindFunction, 1).
		custom("note", "hi").custom("note", "ho"),
	"loop": new(asm).fn("forever", "", opLoop, blockEmpty, opBr, 0, opEnd).
		fn("fib", "i:i", cat(get(0), []byte{opI32Const, 2, opI32LtS, opIf, byte(i32)}, get(0), []byte{0x05},
			get(0), []byte{opI32Const, 1, opI32Sub, opCall, 1}, get(0), []byte{opI32Const, 2, opI32Sub, opCall, 1, opI32Add, opEnd})...).
		fnLocals("count", "i:i", []byte{1, 1, byte(i32)}, cat([]byte{opLoop, blockEmpty}, get(1), []byte{opI32Const, 1, opI32Add, opLocalTee, 1}, get(0),
			[]byte{opI32LtS, 0x0d, 0, opEnd}, get(1))...),
	"fill": new(asm).memory(16, 16).fn("forever", "", opLoop, blockEmpty, opI32Const, 0, opI32Const, 1, opI32Const, 0x80, 0x80, 0x3c, opMisc, 11, 0, opBr, 0, opEnd),
	"user": new(asm).importing("m", "mem", kindMemory, 1, 1, 20).importing("m", "tab", kindTable, byte(funcref), 0, 1).importing("m", "g", kindGlobal, byte(i32), 1).
		importFunc("m", "f", "ii:i").
		fn("peek", "i:i", cat(get(0), []byte{opI32Load, 2, 0})...).
		fn("poke", "ii:", cat(get(0, 1), []byte{opI32Store, 2, 0})...).
		fn("bump", ":i", opGlobalGet, 0, opI32Const, 1, opI32Add, opGlobalSet, 0, opGlobalGet, 0).
		fn("via", "ii:i", cat(get(0, 1), []byte{opI32Const, 0, opCallIndirect, 0, 0})...).
		fn("f2", "ii:i", cat(get(0, 1), []byte{opCall, 0})...).
		fn("grow", "i:i", cat(get(0), []byte{opMemoryGrow, 0})...).
		export("f", kindFunction, 0).export("mem", kindMemory, 0).export("tab", kindTable, 0),
	"refs": new(asm).table(externref, 2).table(funcref, 1).global(externref, true, 0xd0, byte(externref)).importFunc("e", "seen", "x:").
		fn("keep", "ix:", cat(get(0, 1), []byte{opTableGet + 1, 0})...).
		fn("back", "i:x", cat(get(0), []byte{opTableGet, 0})...).
		fn("same", "x:x", get(0)...).
		fn("tell", "x:", cat(get(0), []byte{opCall, 0})...).
		fn("fun", "r:r", get(0)...).
		fn("self", ":r", opRefFunc, 3).
		export("tab", kindTable, 0).export("g", kindGlobal, 0),
	"needsRef": new(asm).importing("e", "x", kindGlobal, byte(externref), 0).importing("e", "r", kindGlobal, byte(funcref), 0).
		fn("x", ":x", opGlobalGet, 0).fn("r", ":r", opGlobalGet, 1),
	"start": func() *asm {
		a := new(asm).importFunc("e", "hello", "").fn("", "", opCall, 0)
		a.start = []byte{1}
		return a
	}(),
	"bad":  new(asm).fn("bad", ":i"),
	"huge": {memories: [][]byte{{0, 0x80, 0x80, 0x04}}},
}

// newEnv is a realm with the function mod(name), which gives a module.
func newEnv(t testing.TB, bounds ...string) *jstest.Env {
	t.Helper()
	set, err := limits.Parse(bounds...)
	if err != nil {
		t.Fatal(err)
	}
	return newEnvLimits(t, isolate.Limits{Bounds: set})
}

func newEnvLimits(t testing.TB, l isolate.Limits) *jstest.Env {
	t.Helper()
	return jstest.NewWith(t, jstest.Options{Limits: l, Modules: []bind.Module{Module, globals.Module, encoding.Module, events.Module, streams.Module, {Name: "samples", Globals: []bind.Global{
		bind.Func{Name: "mod", Call: func(c *bind.Call) (any, error) { return FromBytes(c.JS(), samples[c.Arg(0).String()].bytes()) }},
		bind.Func{Name: "text", Call: func(c *bind.Call) (any, error) { return samples[c.Arg(0).String()].bytes(), nil }},
		bind.Func{Name: "gc", Call: func(c *bind.Call) (any, error) {
			runtime.GC()
			time.Sleep(time.Millisecond)
			runtime.GC()
			return nil, nil
		}},
	}}}})
}

const calc = `
	const seen = [];
	const calc = new WebAssembly.Instance(mod("calc"), { env: { k: 3, f(a, b) {
		seen.push(a, b);
		if (a === 1) throw new TypeError("mine");
		if (a === 2) return 3;
		if (a === 3) return { valueOf: () => 9n };
		if (a === 4) return calc.exports.callf(a + 1, b * 2n);
		return b + 1n;
	} } });
	const x = calc.exports;
	const big = (k, v) => typeof v === "bigint" ? v + "n" : v;
	const show = (v) => JSON.stringify(v, big);
	const fails = (f) => { try { return show(f()) } catch (e) { return e.name + ": " + e.message } };
`

func TestCalls(t *testing.T) {
	e := newEnv(t)
	for source, want := range map[string]string{
		`return [x.add(1, 2), x.add("3", 2), x.add(), x.add(2 ** 31 - 1, 1), x.add(1.9, -1.9), x.add(2 ** 32 + 5, NaN), x.add(-(2 ** 40) - 3, 0)]`: `[3,5,0,-2147483648,0,5,-3]`,
		`return show([x.callf(7, 41n), seen])`: `["42n",[7,"41n"]]`,
		`return show([x.callf(7, 2n ** 64n + 5n), x.callf(7, -5n), x.callf(7, true), x.callf(7, "10"), x.callf(7, 2n ** 63n - 1n)])`: `["6n","-4n","2n","11n","-9223372036854775808n"]`,
		`return show([x.callf(3, 0n), x.callf(4, 5n), seen])`:                                                                        `["9n","11n",[3,"0n",4,"5n",5,"10n"]]`,
		`return show(x.two())`:                              `[1,"2n"]`,
		`return show([x.pick(1), x.pick(0)])`:               `[[9,"3n"],[1,"2n"]]`,
		`return [x.early(1), x.early(0)]`:                   `[7,0]`,
		`return [x.indirect(6, 3, 0), x.indirect(6, 3, 1)]`: `[9,2]`,
		`return [x.add.name, x.callf.name, x.add.length, x.add === x.again, typeof x.add, "prototype" in x.add]`:                                  `["1","2",2,true,"function",false]`,
		`return [Object.getPrototypeOf(x), Object.isFrozen(x), Object.keys(x).length, String(calc), Object.prototype.toString.call(WebAssembly)]`: `[null,true,19,"[object WebAssembly.Instance]","[object WebAssembly]"]`,
		`x.store(8, 0x01020304); return [x.load(8), new Uint8Array(x.mem.buffer)[8]]`:                                                             `[16909060,4]`,
		`return new TextDecoder().decode(new Uint8Array(x.mem.buffer, 32, 4))`:                                                                    `data`,
		`return x.conv(-3.99)`: `-3`,
	} {
		e.Want(calc+source, want)
	}
}

func TestTraps(t *testing.T) {
	e := newEnv(t)
	for call, want := range map[string]string{
		`x.trap()`:             "RuntimeError: unreachable",
		`x.oob()`:              "RuntimeError: memory access out of bounds",
		`x.div(1, 0)`:          "RuntimeError: divide by zero",
		`x.conv(NaN)`:          "RuntimeError: float unrepresentable in integer range",
		`x.indirect(1, 1, 2)`:  "RuntimeError: null function or table index is out of bounds",
		`x.indirect(1, 1, 99)`: "RuntimeError: null function or table index is out of bounds",
		`x.rec(0)`:             "RangeError: Maximum call stack size exceeded",
		`x.callf(1, 0n)`:       "TypeError: mine",
		`x.callf(2, 0n)`:       "TypeError: Cannot convert 3 to a BigInt",
		`x.callf(7, 41)`:       "TypeError: Cannot convert 41 to a BigInt",
		`x.add(1n, 2)`:         "TypeError: Cannot convert a BigInt value to a number",
		`x.add(Symbol(), 2)`:   "TypeError: Cannot convert a Symbol value to a number",
	} {
		e.Want(calc+"return fails(() => "+call+")", want)
		// What trapped can be called again.
		e.Want(calc+"fails(() => "+call+"); fails(() => "+call+"); return x.add(1, 2) + x.early(0)", "3")
	}
	e.Want(calc+`try { x.trap() } catch (e) { return [e instanceof WebAssembly.RuntimeError, e instanceof Error, e.constructor === WebAssembly.RuntimeError, e.stack.includes("RuntimeError: unreachable")] }`, `[true,true,true,true]`)
	e.Want(`const e = new WebAssembly.LinkError("m", { cause: 1 }); class Own extends WebAssembly.CompileError {} const o = new Own("o"); return [e.name, e.message, e.cause, WebAssembly.LinkError("x") instanceof WebAssembly.LinkError, o instanceof Own, o.name, String(o), Object.getOwnPropertyNames(WebAssembly.LinkError.prototype)]`,
		`["LinkError","m",1,true,true,"CompileError","CompileError: o",["constructor","name","message"]]`)
}

func TestMemories(t *testing.T) {
	e := newEnv(t)
	for source, want := range map[string]string{
		`const b = x.mem.buffer; return [b.byteLength, x.mem.buffer === b, String(x.mem), x.mem === calc.exports.mem]`:                                                      `[65536,true,"[object WebAssembly.Memory]",true]`,
		`const b = x.mem.buffer, u = new Uint8Array(b); u[5] = 9; return [x.mem.grow(1), b.byteLength, u.length, x.mem.buffer.byteLength, new Uint8Array(x.mem.buffer)[5]]`: `[1,0,0,131072,9]`,
		// A program that grows its memory takes the buffer away before the script goes on.
		`const b = x.mem.buffer; return [x.grow(1), b.byteLength, x.mem.buffer.byteLength]`: `[1,0,131072]`,
		`return [x.grow(100), x.grow(9), x.grow(1)]`:                                        `[-1,1,-1]`,
		`return fails(() => x.mem.grow(100))`:                                               `RangeError: WebAssembly.Memory.grow(): Maximum memory size exceeded`,
		`return fails(() => x.mem.grow(-1))`:                                                `TypeError: WebAssembly.Memory.grow(): Argument 0 must be non-negative`,
		`return fails(() => x.mem.grow())`:                                                  `TypeError: WebAssembly.Memory.grow(): Argument 0 must be convertible to a valid number`,
		`return fails(() => new WebAssembly.Memory())`:                                      `TypeError: WebAssembly.Memory(): Argument 0 must be a memory descriptor`,
		`return fails(() => new WebAssembly.Memory({}))`:                                    `TypeError: WebAssembly.Memory(): Property 'initial' is required`,
		`return fails(() => new WebAssembly.Memory({ initial: 2, maximum: 1 }))`:            `RangeError: WebAssembly.Memory(): Property 'maximum': value 1 is below the lower bound 2`,
		`return fails(() => new WebAssembly.Memory({ initial: 65537 }))`:                    `RangeError: WebAssembly.Memory(): Property 'initial': value 65537 is above the upper bound 65536`,
		`return fails(() => new WebAssembly.Memory({ initial: 5000 }))`:                     `RangeError: WebAssembly.Memory(): could not allocate memory`,
		`const m = new WebAssembly.Memory({ initial: 1 }); return [m.buffer.byteLength, m.grow(2), m.buffer.byteLength, fails(() => m.grow(3000))]`: `[65536,1,196608,"RangeError: WebAssembly.Memory.grow(): Unable to grow instance memory"]`,
		`return fails(() => WebAssembly.Memory.prototype.grow.call({}, 1)).split(":")[0]`:                                                           `TypeError`,
		`return [Object.getOwnPropertySymbols(x.mem.buffer), Reflect.ownKeys(x.mem.buffer)]`:                                                        `[[],[]]`,
	} {
		e.Want(calc+source, want)
	}
}

func TestTables(t *testing.T) {
	e := newEnv(t)
	for source, want := range map[string]string{
		`return [x.tab.length, x.tab.get(0) === x.add, x.tab.get(1) === x.div, x.tab.get(3), String(x.tab)]`: `[4,true,true,null,"[object WebAssembly.Table]"]`,
		`x.tab.set(2, x.div); return [x.tab.get(2)(8, 2), x.indirect(9, 3, 2), x.tab.get(2) === x.div]`:      `[4,3,true]`,
		`x.tab.set(0, null); return [x.tab.get(0), fails(() => x.indirect(1, 1, 0))]`:                        `[null,"RuntimeError: null function or table index is out of bounds"]`,
		`return [x.tab.grow(2), x.tab.length, x.tab.grow(1, x.add), x.tab.get(6) === x.add, x.tab.get(5)]`:   `[4,6,6,true,null]`,
		`return fails(() => x.tab.get(4))`:                                          `RangeError: WebAssembly.Table.get(): invalid address 4 in funcref table of size 4`,
		`return fails(() => x.tab.set(0, () => 1))`:                                 `TypeError: WebAssembly.Table.set(): Argument 1 is invalid for table: function-typed object must be null (if nullable) or a Wasm function object`,
		`return fails(() => new WebAssembly.Table({ element: "foo", initial: 1 }))`: `TypeError: WebAssembly.Table(): Descriptor property 'element' must be a WebAssembly reference type`,
		`const t = new WebAssembly.Table({ element: "anyfunc", initial: 2, maximum: 3 }); return [t.length, t.get(0), fails(() => t.grow(2)), t.grow(1)]`:  `[2,null,"RangeError: WebAssembly.Table.grow(): failed to grow table by 2",2]`,
		`const t = new WebAssembly.Table({ element: "externref", initial: 2 }, "hi"); t.set(1, x); return [t.get(0), t.get(1) === x, t.grow(1), t.get(2)]`: `["hi",true,2,null]`,
	} {
		e.Want(calc+source, want)
	}
}

func TestGlobals(t *testing.T) {
	e := newEnv(t)
	for source, want := range map[string]string{
		`return show([x.cnt.value, x.half.value, String(x.cnt), x.cnt.valueOf()])`: `["5n",1.5,"[object WebAssembly.Global]","5n"]`,
		`x.cnt.value = 2n ** 64n + 9n; return show(x.cnt.value)`:                   `"9n"`,
		`return fails(() => { x.cnt.value = 9 })`:                                  `TypeError: Cannot convert 9 to a BigInt`,
		`return fails(() => { x.half.value = 2 })`:                                 `TypeError: set WebAssembly.Global.value: Can't set the value of an immutable global.`,
		`const G = WebAssembly.Global; return show([new G({ value: "i32" }, 7.9).value, new G({ value: "i64" }, -(2n ** 63n)).value, new G({ value: "f32" }, 1.1).value, new G({ value: "f64" }, -0.1).value, new G({ value: "i64" }).value, new G({ value: "i32" }, -129).value, new G({ value: "i64" }, 300n).value])`: `[7,"-9223372036854775808n",1.100000023841858,-0.1,"0n",-129,"300n"]`,
		`const G = WebAssembly.Global; return [new G({ value: "externref" }, "s").value, typeof new G({ value: "externref" }).value, new G({ value: "anyfunc" }, x.add).value === x.add, new G({ value: "anyfunc" }).value]`:                                                                                             `["s","undefined",true,null]`,
		`return fails(() => new WebAssembly.Global({ value: "v128" }))`: `TypeError: WebAssembly.Global(): A global of type 'v128' cannot be created in JavaScript`,
		`return fails(() => new WebAssembly.Global({ value: "?" }))`:    `TypeError: WebAssembly.Global(): Descriptor property 'value' must be a WebAssembly type`,
	} {
		e.Want(calc+source, want)
	}
}

// An instance takes its memory, table, global and function from different places.
func TestSharedBetweenInstances(t *testing.T) {
	e := newEnv(t)
	const user = `
		const mem = new WebAssembly.Memory({ initial: 1, maximum: 20 }), tab = new WebAssembly.Table({ element: "anyfunc", initial: 1 }), g = new WebAssembly.Global({ value: "i32", mutable: true }, 41);
		const make = (f) => new WebAssembly.Instance(mod("user"), { m: { mem, tab, g, f } }).exports;
		const a = make(x.add), b = make((p, q) => p * q);
	`
	for source, want := range map[string]string{
		`a.poke(12, 77); return [b.peek(12), new Uint8Array(mem.buffer)[12], a.mem === mem, b.tab === tab]`: `[77,77,true,true]`,
		`const buf = mem.buffer; return [a.grow(2), buf.byteLength, mem.buffer.byteLength, b.grow(0)]`:      `[1,0,196608,3]`,
		`return [a.bump(), b.bump(), g.value, (g.value = 7, a.bump())]`:                                     `[42,43,43,8]`,
		`return [a.f2(3, 4), b.f2(3, 4), a.f === x.add, b.f(5, 6), b.f === b.f]`:                            `[7,12,true,30,true]`,
		`tab.set(0, b.f); return [a.via(3, 5), tab.get(0) === b.f, (tab.set(0, x.div), b.via(9, 3))]`:       `[15,true,3]`,
		`tab.set(0, x.trap); return fails(() => a.via(1, 2))`:                                               `RuntimeError: function signature mismatch`,
		// The instance of the table's function lives as long as the table.
		`(() => tab.set(0, make((p, q) => p - q).f2))(); gc(); gc(); return a.via(9, 4)`: `5`,
	} {
		e.Want(calc+user+source, want)
	}
}

func TestLinking(t *testing.T) {
	e := newEnv(t)
	const inst = `return fails(() => new WebAssembly.Instance(`
	for call, want := range map[string]string{
		`{}))`:                                      "TypeError: WebAssembly.Instance(): Argument 0 must be a WebAssembly.Module",
		`mod("calc")))`:                             "TypeError: WebAssembly.Instance(): Imports argument must be present and must be an object",
		`mod("calc"), 5))`:                          "TypeError: WebAssembly.Instance(): Argument 1 must be an object",
		`mod("calc"), {}))`:                         `TypeError: WebAssembly.Instance(): Import #0 "env": module is not an object or function`,
		`mod("calc"), { env: {} }))`:                `LinkError: WebAssembly.Instance(): Import #0 "env" "f": function import requires a callable`,
		`mod("calc"), { env: { f: x.add } }))`:      `LinkError: WebAssembly.Instance(): Import #0 "env" "f": imported function does not match the expected type`,
		`mod("calc"), { env: { f() {}, k: 5n } }))`: `LinkError: WebAssembly.Instance(): Import #1 "env" "k": global import must be a number, valid Wasm reference, or WebAssembly.Global object`,
		`mod("user"), { m: { mem: {} } }))`:         `LinkError: WebAssembly.Instance(): Import #0 "m" "mem": memory import must be a WebAssembly.Memory object`,
		`mod("user"), { m: { mem: new WebAssembly.Memory({ initial: 1 }) } }))`:             `LinkError: WebAssembly.Instance(): Import #0 "m" "mem": memory import has no maximum limit or a larger maximum size than the declared maximum 20`,
		`mod("user"), { m: { mem: new WebAssembly.Memory({ initial: 0, maximum: 2 }) } }))`: `LinkError: WebAssembly.Instance(): Import #0 "m" "mem": memory import has 0 pages which is smaller than the declared initial of 1`,
		`mod("user"), { get m() { throw new RangeError("got") } }))`:                        `RangeError: got`,
		`mod("start"), { e: { hello() { throw new RangeError("at start") } } }))`:           `RangeError: at start`,
	} {
		e.Want(calc+inst+call, want)
	}
	e.Want(`let n = 0; new WebAssembly.Instance(mod("start"), { e: { hello() { n++ } } }); return n`, "1")
}

func TestReferences(t *testing.T) {
	e := newEnv(t, "wasm.references=2000")
	const refs = `
		let last;
		const r = new WebAssembly.Instance(mod("refs"), { e: { seen(v) { last = v } } }).exports;
	`
	for source, want := range map[string]string{
		`const o = {}; r.keep(0, o); r.keep(1, "s"); return [r.back(0) === o, r.back(1), r.same(undefined), r.same(null), r.tab.get(0) === o]`: `[true,"s",null,null,true]`,
		`r.tell(5n); const b = last === 5n; r.tell(undefined); return [b, typeof last, (r.tell(null), last)]`:                                  `[true,"undefined",null]`,
		`return [r.fun(r.same) === r.same, r.fun(null), r.self() === r.same, fails(() => r.fun(() => 1)).split(":")[0]]`:                       `[true,null,true,"TypeError"]`,
		// What programs keep no longer is forgotten: far more values pass than may be held.
		`r.g.value = "kept"; r.keep(0, { a: 1 }); for (let i = 0; i < 9000; i++) r.same({ i }); return [r.g.value, r.back(0).a]`:        `["kept",1]`,
		`const n = new WebAssembly.Instance(mod("needsRef"), { e: { x: "own", r: r.same } }).exports; return [n.x(), n.r() === r.same]`: `["own",true]`,
	} {
		e.Want(calc+refs+source, want)
	}
}

// A reference of the engine is followed to its function as functionValue does it.
func TestReferencesAreWhatWeThink(t *testing.T) {
	newEnv(t).Want(calc+`return [x.tab.get(0) === x.add, x.tab.get(1) === x.div]`, `[true,true]`)
}

func TestDescriptions(t *testing.T) {
	e := newEnv(t)
	e.Want(`return WebAssembly.Module.imports(mod("calc"))`, `[{"module":"env","name":"f","kind":"function"},{"module":"env","name":"k","kind":"global"}]`)
	e.Want(`return WebAssembly.Module.exports(mod("refs")).slice(-2)`, `[{"name":"tab","kind":"table"},{"name":"g","kind":"global"}]`)
	e.Want(`return WebAssembly.Module.customSections(mod("calc"), "note").map((b) => new Uint8Array(b)[1])`, `[105,111]`)
	e.Want(`return WebAssembly.Module.customSections(mod("calc"), "none").length`, `0`)
	e.WantError(`WebAssembly.Module.customSections(mod("calc"))`, "TypeError: WebAssembly.Module.customSections(): Argument 1 is required")
	e.WantError(`WebAssembly.Module.imports({})`, "TypeError: WebAssembly.Module.imports(): Argument 0 must be a WebAssembly.Module")
	e.Want(`return Object.getOwnPropertyNames(WebAssembly).sort()`, `["CompileError","Global","Instance","LinkError","Memory","Module","RuntimeError","Table","compile","instantiate","validate"]`)
}

func TestCompiling(t *testing.T) {
	e := newEnv(t)
	e.Want(`return [WebAssembly.validate(text("calc")), WebAssembly.validate(text("bad")), WebAssembly.validate(new Uint8Array([1])), WebAssembly.validate(text("huge"))]`, `[true,false,false,false]`)
	e.Want(`const { module, instance } = await WebAssembly.instantiate(text("loop")); return [module instanceof WebAssembly.Module, instance.exports.count(10)]`, `[true,10]`)
	e.Want(`return (await WebAssembly.instantiate(await WebAssembly.compile(text("loop")))).exports.count(5)`, `5`)
	e.WantError(`new WebAssembly.Module(new Uint8Array([1, 2]))`, "Error: WebAssembly.Module(): expected magic word 00 61 73 6d, found 01 02 @+0")
	e.WantError(`new WebAssembly.Module(5)`, "TypeError: WebAssembly.Module(): Argument 0 must be a buffer source")
	e.Want(`return WebAssembly.instantiate().catch((e) => String(e))`, "TypeError: WebAssembly.instantiate(): Argument 0 must be a buffer source or a WebAssembly.Module object")
	e.WantError(`WebAssembly.Instance(mod("empty"))`, "TypeError: Failed to construct 'Instance': Please use the 'new' operator, this object constructor cannot be called as a function.")
	if p, err := compile(samples["calc"].bytes(), capsOf(nil)); err != nil {
		t.Error(err)
	} else if again, _ := compile(samples["calc"].bytes(), capsOf(nil)); again != p {
		t.Error("the same bytes were compiled twice")
	}
}

// Nobody can take the buffer of a memory away.
func TestBuffersOfMemoriesStay(t *testing.T) {
	e := newEnv(t)
	e.Want(calc+`return [fails(() => structuredClone(x.mem.buffer, { transfer: [x.mem.buffer] })), structuredClone(x.mem.buffer).byteLength, x.mem.buffer.byteLength]`,
		`["TypeError: Object is not transferable",65536,65536]`)
	e.Want(calc+`const s = new ReadableStream({ type: "bytes" }); return s.getReader({ mode: "byob" }).read(new Uint8Array(x.mem.buffer)).catch((e) => e.message + x.mem.buffer.byteLength)`,
		`Unable to use non-detachable ArrayBuffer.65536`)
}

// Loops, deep calls and bulk operations of programs stop when the turn has to.
func TestProgramsAreStopped(t *testing.T) {
	for _, call := range []string{
		`new WebAssembly.Instance(mod("loop")).exports.forever()`,
		`new WebAssembly.Instance(mod("loop")).exports.fib(80)`,
		`new WebAssembly.Instance(mod("fill")).exports.forever()`,
	} {
		e := newEnvLimits(t, isolate.Limits{Turn: 100 * time.Millisecond})
		start := time.Now()
		_, err := e.Eval(`try { ` + call + ` } catch {} return "went on"`)
		if err == nil || !strings.Contains(err.Error(), "CPU") {
			t.Errorf("%s: %v", call, err)
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("%s: stopped after %v", call, d)
		}
	}
}

func TestBoundsOfPrograms(t *testing.T) {
	e := newEnv(t, "wasm.memory=131072", "wasm.stack=65536", "wasm.table=5", "wasm.depth=3")
	e.Want(calc+`return [x.grow(1), x.grow(1), x.tab.grow(1), fails(() => x.tab.grow(1))]`,
		`[1,-1,4,"RangeError: WebAssembly.Table.grow(): failed to grow table by 1"]`)
	e.Want(`let x, n = 0; x = new WebAssembly.Instance(mod("calc"), { env: { k: 1, f() { n++; return x.exports.callf(0, 0n) } } }); try { x.exports.callf(0, 0n) } catch (e) { return [String(e), n] }`,
		`["RangeError: Maximum call stack size exceeded",3]`)
	e.WantError(`mod("fill")`, "Error: WebAssembly.Module(): it needs more memory at its start than the limit allows")
	e.Want(calc+`return fails(() => x.rec(0))`, "RangeError: Maximum call stack size exceeded")
}

// Instances that nobody can reach are closed, although the engine lists them and their
// imports refer back to them.
func TestInstancesAreGivenBack(t *testing.T) {
	e := newEnv(t)
	before := engineMemory()
	for range 20 {
		e.Want(`for (let i = 0; i < 20; i++) { let x; x = new WebAssembly.Instance(mod("start"), { e: { hello() { return x } } }); new WebAssembly.Memory({ initial: 10 }).buffer } gc(); return 1`, "1")
	}
	// What closes them runs on a goroutine of the runtime, after a collection.
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		after := engineMemory()
		if after <= before+64<<20 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the heap grew from %d to %d bytes", before, after)
		}
	}
}

// A program is made again while the one before is being collected.
func TestProgramsAreForgottenWhileTheyAreMade(t *testing.T) {
	source := samples["loop"].bytes()
	c := capsOf(nil)
	for range 30 {
		p, err := compile(source, c)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := compile(source, c); err != nil || again != p {
			t.Fatalf("not the same program: %v", err)
		}
		p = nil
		runtime.GC()
	}
}

func engineMemory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkPrograms(b *testing.B) {
	for name, source := range map[string]string{
		"call":        `const f = new WebAssembly.Instance(mod("loop")).exports.count; return () => { for (let i = 0; i < 1000; i++) f(1) }`,
		"import":      `const f = new WebAssembly.Instance(mod("calc"), { env: { k: 1, f: (a, b) => b } }).exports.callf; return () => { for (let i = 0; i < 1000; i++) f(1, 1n) }`,
		"loop of 1M":  `const f = new WebAssembly.Instance(mod("loop")).exports.count; return () => { f(1_000_000) }`,
		"fib of 25":   `const f = new WebAssembly.Instance(mod("loop")).exports.fib; return () => { f(25) }`,
		"instantiate": `const m = mod("calc"), imports = { env: { k: 1, f() {} } }; return () => { new WebAssembly.Instance(m, imports) }`,
	} {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			e := newEnv(b)
			if _, err := e.Eval("globalThis.run = (() => {" + source + "})()"); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for range b.N {
				e.OnLoop(func() {
					if err := e.Realm.Run(nil, func(js *isolate.JS) {
						if _, err := js.Call(js.Runtime().Get("run"), nil); err != nil {
							b.Error(err)
						}
					}); err != nil {
						b.Error(err)
					}
				})
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, a := range samples {
		f.Add(a.bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			return
		}
		if _, _, err := m.rewrite(caps{pages: 16, elements: 16, stack: 1 << 10}); err != nil {
			return
		}
	})
}
