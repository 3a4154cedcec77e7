package vm_test

import (
	"testing"

	"workerd.local/internal/machinetest"
)

const begin = `const vm = (await import("node:vm")).default, out = [];
	const caught = (fn) => { try { return fn() } catch (e) { return [e.name, e.code ?? "", e.message].join("|") } };
`

func TestScriptsRunInThisContext(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`return [vm.runInThisContext("var shared = 5; shared * 2"), globalThis.shared, vm.runInThisContext("typeof require + typeof out"), vm.runInThisContext("let kept = 1; kept"), vm.runInThisContext("kept + 1")]`, `[10,5,"undefinedundefined",1,2]`)
	want(`const s = new vm.Script("globalThis.n = (globalThis.n ?? 0) + 1", { filename: "count.js" }); return [s.runInThisContext(), s.runInThisContext(), s instanceof vm.Script]`, `[1,2,true]`)
	want(`let line; try { vm.runInThisContext("\nthrow new Error('x')", { filename: "here.js", lineOffset: 10 }) } catch (e) { line = /here\.js:(\d+)/.exec(e.stack)[1] } return line`, "12")
	want(`return [caught(() => vm.runInThisContext("a b")).split("|")[0], caught(() => new vm.Script("(")).split("|")[0], caught(() => vm.runInThisContext("nowhere"))]`, `["SyntaxError","SyntaxError","ReferenceError||nowhere is not defined"]`)
	want(`const f = vm.compileFunction("return a + b + typeof arguments", ["a", "b"], { filename: "f.js" }); return [f(1, 2), f.length, caught(() => vm.compileFunction("} function x() {")).split("|")[0], vm.compileFunction("return x + y", [], { contextExtensions: [{ x: 1 }, { y: 2 }] })()]`, `["3object",2,"SyntaxError",3]`)
}

func TestScriptsRunInContexts(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const c = vm.createContext({ x: 2, console: 1 }); return [vm.isContext(c), vm.isContext({}), vm.runInContext("x = x * 21; var y = 1; function f() { return x } z = f() + y; z", c), c.x, c.y, typeof c.f, c.z, globalThis.z === undefined, globalThis.y === undefined]`, `[true,false,43,42,1,"function",43,true,true]`)
	want(`const c = vm.createContext({}); vm.runInContext("let a = 1; const b = 2; class K { m() { return a } }; var { p, q: [r] } = { p: 1, q: [2] }", c); return [vm.runInContext("a += 1; [a, b, new K().m(), p, r]", c), Object.keys(c), caught(() => vm.runInContext("b = 3", c)), caught(() => vm.runInContext("let a", c)), vm.runInContext("typeof a + typeof none", c), caught(() => vm.runInContext("none", c)), caught(() => vm.runInContext("early; let early = 1", c))]`,
		`[[2,2,2,1,2],["p","r"],"TypeError||Assignment to constant variable.","SyntaxError||Identifier 'a' has already been declared","numberundefined","ReferenceError||none is not defined","ReferenceError||Cannot access 'early' before initialization"]`)
	want(`return [vm.runInNewContext("typeof require + typeof process + typeof console + typeof setTimeout"), vm.runInNewContext("Array.from([1, 2]).map(x => x * k)", { k: 3 }), vm.runInNewContext("globalThis.q = 1; this.w = 2; [q, w, 'q' in globalThis, 'nope' in globalThis, this === globalThis]"), vm.runInNewContext("JSON.stringify({ a: Math.max(1, 2) })")]`,
		`["undefinedundefinedundefinedundefined",[3,6],[1,2,true,false,true],"{\"a\":2}"]`)
	want(`const c = vm.createContext({ n: 0, add(x) { this.n += x; return this.n } }); vm.runInContext("add(2); function later() { return ++n }", c); return [c.later(), c.n, vm.runInContext("eval('var viaEval = 7; n'); viaEval", c), vm.runInContext("for (i = 0; i < 3; i++); i", c), c.i, vm.runInContext("delete n; typeof n", c), vm.runInContext("(() => this.i)()", c), vm.runInContext("(function () { 'use strict'; try { undeclared = 1; return 'set' } catch (e) { return e.name } })()", c)]`,
		`[3,3,7,3,3,"undefined",3,"ReferenceError"]`)
	want(`return [vm.runInNewContext("if (true) { 'yes' } else { 'no' }"), vm.runInNewContext("[1, 2, 3].length"), vm.runInNewContext("var a = 1"), vm.runInNewContext("Promise.resolve(4)") instanceof Promise, await vm.runInNewContext("(async () => { await 0; return v })()", { v: 9 })]`, `["yes",3,null,true,9]`)
	want(`const s = new vm.Script("v = (typeof v === 'number' ? v : 0) + 1"); const a = vm.createContext({}), b = vm.createContext({ v: 10 }); return [s.runInContext(a), s.runInContext(a), s.runInContext(b), s.runInNewContext({ v: 5 }), vm.compileFunction("return v + p", ["p"], { parsingContext: b })(1)]`, `[1,2,11,6,12]`)
	want(`return [caught(() => vm.runInContext("1", {})), caught(() => vm.createContext(5)).split("|").slice(0, 2), caught(() => vm.runInNewContext("throw new TypeError('t')")), caught(() => vm.runInNewContext("a b")).split("|")[0], caught(() => new vm.Script("1", { filename: 5 })), caught(() => vm.runInThisContext("1", { timeout: 0 })), caught(() => vm.isContext(1)).split("|")[1]]`,
		`["TypeError|ERR_INVALID_ARG_TYPE|The \"contextifiedObject\" argument must be an vm.Context. Received an instance of Object",["TypeError","ERR_INVALID_ARG_TYPE"],"TypeError||t","SyntaxError","TypeError|ERR_INVALID_ARG_TYPE|The \"options.filename\" property must be of type string. Received type number (5)","RangeError|ERR_OUT_OF_RANGE|The value of \"options.timeout\" is out of range. It must be >= 1 && < 4294967296. Received 0","ERR_INVALID_ARG_TYPE"]`)
}

func TestScriptsThatRunForTooLong(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const r = [caught(() => vm.runInThisContext("for (;;);", { timeout: 20 })), caught(() => vm.runInNewContext("try { for (;;); } catch { caught = 1 } finally { fin = 1 }", { out }, { timeout: 20 })), out.length]; await 0; return [...r, vm.runInThisContext("6 * 7", { timeout: 1000 }), caught(() => vm.runInNewContext("f()", { f() { for (;;); } }, { timeout: 20 }))]`,
		`["Error|ERR_SCRIPT_EXECUTION_TIMEOUT|Script execution timed out after 20ms","Error|ERR_SCRIPT_EXECUTION_TIMEOUT|Script execution timed out after 20ms",0,42,"Error|ERR_SCRIPT_EXECUTION_TIMEOUT|Script execution timed out after 20ms"]`)
}
