package script

import (
	"testing"

	"github.com/dop251/goja"
)

// syntaxProbes evaluate an ES module and compare String(await result) with want.
// "result" is the module's export.
var syntaxProbes = []struct{ name, text, want string }{
	{"export star as", `import * as m from "./m.js"; export const result = m.inner.a + m.inner.b;`, "3"},
	{"string export name", `import { "odd name" as x } from "./m.js"; export const result = x;`, "odd"},
	{"import attributes", `import j from "./j.json" with { type: "json" }; export const result = j.n;`, "7"},
	{"dynamic import", `export const result = (await import("./m.js")).default;`, "def"},
	{"dynamic import computed", `const n = "m"; export const result = (await import("./" + n + ".js")).default;`, "def"},
	{"dynamic import unknown", `const n = "q"; export const result = await import("./" + n).catch(e => e.message);`, `No such module "./q".`},
	{"dynamic import literal unknown", `export const result = await import("./nope.js").catch(e => e.message);`, `No such module "./nope.js".`},
	{"dynamic import builtin computed", `const n = "node:"; export const result = (await import(n + "fs")).name;`, "builtin node:fs"},
	{"dynamic import throws synchronously never", `const n = { toString() { throw new Error("t") } }; export const result = await import(n).catch(e => e.message);`, "t"},
	{"import.meta url", `export const result = import.meta.url + " " + import.meta.main;`, "file:///bundle/worker.js true"},
	{"import.meta of import", `import { url } from "./lib/meta.js"; export const result = url;`, "file:///bundle/lib/meta.js false"},
	{"import.meta resolve", `export const result = import.meta.resolve("./m.js");`, "file:///bundle/m.js"},
	{"top-level await", `const v = await Promise.resolve(5); export const result = v + await 1;`, "6"},
	{"top-level await in import", `import { later } from "./tla.js"; export const result = later;`, "later"},
	{"top-level for await", `let s = ""; for await (const x of [1, Promise.resolve(2)]) s += x; export const result = s;`, "12"},
	{"cyclic imports", `import { a } from "./a.js"; export const result = a();`, "a b"},
	{"live binding", `import { n, inc } from "./live.js"; inc(); inc(); export const result = n;`, "2"},
	{"default class", `import C from "./cls.js"; export const result = new C().v;`, "42"},
	{"commonjs", `import cjs, { named } from "./c.cjs"; export const result = cjs.named + named + cjs.other;`, "nnother"},
	{"commonjs computed require", `import { load } from "./req.cjs"; export const result = load("c.cjs").named + load("./lib/meta.js").url;`, "nfile:///bundle/lib/meta.js false"},
	{"text and data", `import t from "./t.txt"; import d from "./d.bin"; export const result = t + new Uint8Array(d)[1] + (d instanceof ArrayBuffer);`, "text2true"},
	{"wasm", `import w from "./x.wasm"; export const result = w;`, "wasm x.wasm 3"},
	{"builtin import", `import { name } from "node:fs"; import def from "cloudflare:workers"; import * as all from "workerd:unsafe"; export const result = name + def.name + all.name;`, "builtin node:fsbuiltin cloudflare:workersbuiltin workerd:unsafe"},
	{"async generator", `async function* g() { try { yield 1; const x = yield 2; yield x } finally { await null } } const i = g(); export const result = JSON.stringify([await i.next(), await i.next(), await i.next("x"), await i.return(9), await i.next()]);`,
		`[{"value":1,"done":false},{"value":2,"done":false},{"value":"x","done":false},{"value":9,"done":true},{"done":true}]`},
	{"async generator queue", `async function* g() { yield 1; yield 2; } const i = g(); export const result = JSON.stringify(await Promise.all([i.next(), i.next(), i.next()]));`,
		`[{"value":1,"done":false},{"value":2,"done":false},{"done":true}]`},
	{"async generator delegate", `async function* a() { const r = yield* b(); yield r } async function* b() { yield 1; return 2 } let s = []; for await (const x of a()) s.push(x); export const result = s;`, "1,2"},
	{"async generator delegate return", `let log = []; async function* b() { try { yield 1 } finally { log.push("fin"); await 0; log.push("fin2") } } async function* a() { yield* b() } const i = a(); await i.next(); const r = await i.return("r"); export const result = log + JSON.stringify(r);`, `fin,fin2{"value":"r","done":true}`},
	{"async generator throw", `async function* g() { try { yield 1 } catch (e) { yield "c" + e } } const i = g(); await i.next(); export const result = (await i.throw("E")).value;`, "cE"},
	{"async generator return before start", `let ran = false; async function* g() { ran = true; yield 1 } const i = g(); const r = await i.return(3); export const result = ran + JSON.stringify(r);`, `false{"value":3,"done":true}`},
	{"async generator yields rejection", `async function* g() { try { yield Promise.reject("x") } catch (e) { yield "got " + e } } export const result = (await g().next()).value;`, "got x"},
	{"async generator method", `class A { async *m() { yield this.v } v = 4 } export const result = (await new A().m().next()).value;`, "4"},
	{"async generator this and arguments", `const o = { v: 1, async *g() { yield this.v + arguments.length } }; export const result = (await o.g(1, 2).next()).value;`, "3"},
	{"async generator finally await after return", `let log = []; async function* g() { try { yield 1 } finally { await null; log.push("done") } } const i = g(); await i.next(); await i.return(); export const result = log;`, "done"},
	{"async iterator prototype", `const AIP = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype); export const result = typeof AIP[Symbol.asyncIterator] + (AIP[Symbol.asyncIterator].call(5) === 5);`, "functiontrue"},
	{"async iterator prototype of prototype", `const p = Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype)); export const result = typeof p[Symbol.asyncIterator];`, "function"},
	{"async generator to string tag", `async function* g() {} export const result = Object.prototype.toString.call(g());`, "[object AsyncGenerator]"},
	{"async generator is its own iterator", `async function* g() {} const i = g(); export const result = i[Symbol.asyncIterator]() === i;`, "true"},
	{"async generator incompatible receiver", `const p = Object.getPrototypeOf(async function* () {}).prototype; export const result = await p.next.call({}).catch(e => e.name);`, "TypeError"},
	{"for await closes", `let log = []; const it = { [Symbol.asyncIterator]() { return { next: async () => ({ value: 1, done: false }), return: async () => { log.push("ret"); return {} } } } }; for await (const x of it) break; export const result = log;`, "ret"},
	{"using", `let log = []; { using a = { [Symbol.dispose]() { log.push("a") } }; using b = { [Symbol.dispose]() { log.push("b") } }; log.push("body") } export const result = log;`, "body,b,a"},
	{"await using", `let log = []; { await using a = { async [Symbol.asyncDispose]() { log.push("a") } }; log.push("body") } export const result = log;`, "body,a"},
	{"decorators", `function twice(f) { return function (...a) { return 2 * f.apply(this, a) } } class A { @twice m(x) { return x } } export const result = new A().m(4);`, "8"},
	{"class decorator", `const seen = []; function reg(c, ctx) { seen.push(ctx.kind + ctx.name) } @reg class A {} export const result = seen;`, "classA"},
	{"accessor", `class A { accessor x = 1; static accessor y = 2 } const a = new A(); a.x++; export const result = a.x + A.y + Object.keys(a).length;`, "4"},
	{"field named get", `class A { get = 1; set = (x) => x; async = 2; static get = 3; static = 4; accessor = 5; get a() { return 6 } static async = 7 } const a = new A(); export const result = [a.get, a.set(8), a.async, A.get, a.static, a.accessor, a.a, A.async];`, "1,8,2,3,4,5,6,7"},
	{"field named get without value", `class A { get; set; async; x = 1 } export const result = Object.keys(new A());`, "get,set,async,x"},
	{"assignment named get is no field", `let get = 0, set = 1; get = 2; function f() {
		get = 3;
		set = 4;
	} f(); export const result = get + set;`, "7"},
	{"static block", `class A { static x; static { this.x = 5 } } export const result = A.x;`, "5"},
	{"private names", `class A { #x = 1; #m() { return this.#x } static has(o) { return #x in o } v() { return this.#m() } } export const result = new A().v() + String(A.has({}));`, "1false"},
	{"arguments in an arrow function", `function f(x) { return (() => arguments.length)(); } export const result = [f(1, 2), (function () { const g = () => arguments; return [...g()]; })(3, 4), (function (a = () => arguments[1]) { return a(); })(undefined, 5)];`, "2,3,4,5"},
	{"arguments through apply in an arrow function", `const wrap = (body) => function () { return (() => () => body.apply(this, arguments))()(); }; export const result = [wrap(function (a, b) { return this.v + a + b })
		.call({ v: 1 }, 2, 3), wrap(function* (a, b) { yield a; yield b })(4, 5).next().value];`, "6,4"},
	{"arguments in arrow functions of other kinds", `class A { m() { return async () => (await null, arguments[0]); } get g() { return (() => ({ arguments }))().arguments.length } static s(x = 1, ...r) { return ((y = arguments.length) => y)(); } }
		export const result = [await new A().m(7)(), new A().g, A.s(1, 2, 3), typeof (function () { return (() => typeof arguments)(); })()];`, "7,0,3,string"},
	{"arguments that an arrow function shares and changes", `function f(a) { const set = () => { arguments[0] = 9; }; set(); return [a, arguments[0], (() => { const arguments_ = arguments; return arguments_ === arguments; })()]; } export const result = f(1);`, "1,9,true"},
	{"regexp p", `export const result = [/^\p{L}+$/u.test("Яx"), /\p{Script=Greek}/u.test("α"), /\P{L}/u.test("a"), /[\p{Lu}\d]+/u.exec("abCD1")[0], /\p{Emoji_Presentation}/u.test("😀"), /\p{ID_Start}/u.test("é"), /^\p{scx=Grek}$/u.test("α")];`, "true,true,false,CD1,true,true,true"},
	{"regexp p source", `const r = /\p{L}/gu; export const result = r.source + " " + r.flags + " " + r;`, `\p{L} gu /\p{L}/gu`},
	{"regexp p replace", `export const result = "aЯ-1".replace(/\p{L}/gu, "x") + "a1b2".split(/\p{Nd}/u) + [..."a1b".matchAll(/\p{L}/gu)].map(m => m.index);`, "xx-1a,b,0,2"},
	{"regexp d", `const m = /a(?<n>b)?(c)/d.exec("xxac"); export const result = JSON.stringify([m.indices, m.indices.groups, m.index, m.groups.n === undefined]);`, `[[[2,4],null,[3,4]],{},2,true]`},
	{"regexp d global", `const r = /(?<y>\d)/dg; export const result = [..."a1b2".matchAll(r)].map(m => m.indices.groups.y.join("-")).join() + r.hasIndices + r.flags;`, "1-2,3-4truedg"},
	{"regexp d unicode", `const m = /(.)(x)/du.exec("😀x"); export const result = JSON.stringify(m.indices);`, "[[0,3],[0,2],[2,3]]"},
	{"regexp d without", `export const result = /a/.hasIndices + "" + /a/.exec("a").indices;`, "falseundefined"},
	{"regexp d of a class", `class R extends RegExp { calls = 0; exec(s) { this.calls++; return super.exec(s) } } const r = new R("(?<n>\\p{L})b", "dgu"); const m = r.exec("xab"); class Plain extends RegExp {}
		export const result = JSON.stringify([m.indices, m.indices.groups.n, r.calls, r instanceof R, Object.hasOwn(r, "exec"), new Plain("b", "d").exec("ab").indices[0], /b/.exec("ab").index, RegExp.prototype.exec.name, RegExp.prototype.exec.length, /b/d.exec("ab").indices[0]]);`,
		`[[[1,3],[1,2]],[1,2],1,true,false,[1,2],1,"exec",1,[1,2]]`},
	{"regexp v difference", `export const result = "a1b2".replace(/[\w--\d]/gv, "_");`, "_1_2"},
	{"regexp v intersection", `export const result = [/^[\p{L}&&\p{ASCII}]+$/v.test("ab"), /[\p{L}&&\p{ASCII}]/v.test("я")];`, "true,false"},
	{"regexp v nested and strings", `const r = /^[[a-c]\q{xyz|q}]$/v; export const result = [r.test("b"), r.test("xyz"), r.test("q"), r.test("x"), r.unicodeSets, r.flags];`, "true,true,true,false,true,v"},
	{"regexp v ignore case", `export const result = [/[^\P{Lu}]/iv.test("a"), /[a-z--b]/iv.test("B")];`, "true,false"},
	{"regexp v astral", `export const result = "x😀y".match(/[\p{Emoji}--\p{ASCII}]/v)[0];`, "😀"},
	{"regexp modifiers", `export const result = [/a(?i:b)c/.test("aBc"), /a(?i:b)c/.test("ABc"), /a(?-i:b)c/i.test("Abc"), /a(?-i:b)c/i.test("aBc"), /(?s:.)/.test("\n"), /(?m:^b)/.test("a\nb"), /(?m:a$)/.test("a\nb"), /(?-s:.)/s.test("\n")];`, "true,false,true,false,true,true,true,false"},
	{"regexp lines", `export const result = [JSON.stringify("a\r\nb\rc\u2028d".match(/^.*$/gm)), "a\r\nb".replace(/$/gm, "!").length, /^b/m.test("a\rb"), /^b/.test("a\nb"), /[$^]/m.test("a\nb"), /a\$/m.test("a\n"), /^b$/m.flags, /^b$/im.multiline, String(/^b$/m), /^(?-m:^a)$/m.test("b\na")];`, `["a","","b","c","d"],7,true,false,false,false,m,true,/^b$/m,false`},
	{"regexp modifiers flags", `const r = /a(?-i:b)c/i; export const result = r.flags + r.ignoreCase + r.source;`, "itruea(?-i:b)c"},
	{"regexp constructor", `const r = new RegExp("\\p{L}(?<x>.)", "dgu"); export const result = [r instanceof RegExp, r.constructor === RegExp, RegExp(r) === r, new RegExp(r) === r, new RegExp(r).flags, new RegExp(r, "u").flags, RegExp.length, RegExp.name, RegExp[Symbol.species] === RegExp];`, "true,true,true,false,dgu,u,2,RegExp,true"},
	{"regexp subclass", `class R extends RegExp { hi() { return this.source } } const r = new R("\\p{L}", "u"); export const result = [r instanceof R, r.hi(), r.test("я"), new R("a").test("a")];`, `true,\p{L},true,true`},
	{"regexp invalid", `const f = (p, g) => { try { new RegExp(p, g); return "ok" } catch (e) { return e.name } }; export const result = [f("\\p{Nope}", "u"), f("a", "uv"), f("a", "dd"), f("(?ii:a)"), f("[a&&&b]", "v"), f("\\p{Nope}", "")];`, "SyntaxError,SyntaxError,SyntaxError,SyntaxError,SyntaxError,ok"},
	{"regexp too deep", `try { new RegExp("(".repeat(1e5) + ")".repeat(1e5)) } catch (e) { var result = e.name } export { result };`, "SyntaxError"},
	{"regexp string methods", `export const result = ["aXb".search(/\p{Lu}/u), "aXb".split(/\p{Lu}/u), "ЯБ".match(/\p{L}/gu), "Я".replace(/(?<l>\p{L})/u, "[$<l>]")];`, "1,a,b,Я,Б,[Я]"},
	{"regexp replacement template", "export const result = \"xЯbz\".replace(/(?<l>\\p{L})(b)(?<n>q)?/u, \"[$<l>$2$1$03$&$`$'$$$9$<n>$<none>]\") + \"aЯ\".replace(/(a)/, \"$<l>\") + \"ЯЯ\".replace(/(?<l>Я)/g, \"<$<l>>\");", "x[ЯbЯЯbxz$$9]z$<l>Я<Я><Я>"},
	{"regexp sticky d", `const r = /b/dy; r.lastIndex = 1; const m = r.exec("ab"); export const result = JSON.stringify(m.indices) + r.lastIndex + r.test("ab") + r.lastIndex;`, "[[1,2]]2false0"},
	{"duplicate named groups", `const r = /(?<y>\d{4})-|-(?<y>\d{2})/d; export const result = r.exec("x-42").groups.y;`, "42"},
	{"html-like comments do not break", `export const result = 1 <!--2`, ""},
	{"hashbang", "#!/usr/bin/env node\nexport const result = 1;", "1"},
	{"bigint power", `const a = 2n; let b = 3n; b **= 2n; b <<= 3n; export const result = [a ** 10n, 1n << 70n, b, -8n << -1n, 2 ** 3, 1 << 4, (-1n) ** 5n, (-2) ** 2];`, "1024,1180591620717411303424,72,-4,8,16,-1,4"},
	{"bigint too large", `const f = g => { try { g(); return "ok" } catch (e) { return e.name } }; export const result = [f(() => 3n ** 20000000000n), f(() => 1n << (1n << 60n)), f(() => 2n ** -1n), f(() => 2n ** 2), f(() => 1n ** (2n ** 100n)), f(() => Symbol() ** 1n)];`, "RangeError,RangeError,RangeError,TypeError,ok,TypeError"},
	{"bigint shifts", `let x = { v: 8n }, a = [1n, 2n]; const f = g => { try { return g() } catch (e) { return e.name } }; x.v >>= 1n; a[0] <<= 4n; export const result = [x.v, a[0], -9n >> 1n, 1n >> -3n, 9 >> 1, f(() => 1n >> -(2n ** 40n)), f(() => a[1] **= 2n ** 40n), f(() => a[1] <<= 2n ** 40n), f(() => 5n >> 2n ** 90n)];`, "4,16,-5,8,4,RangeError,RangeError,RangeError,0"},
	{"shifts of numbers", `let x = 5, a = ["3"], o = { valueOf() { return 2 } }; x <<= o; a[0] <<= "2"; a[0] **= o; export const result = [x, a[0], 1 << o, o << o, "7" >> o, x ** o, -(2 ** o), x >>> o];`, "20,144,4,8,1,400,-4,5"},
	{"object numbers with bigint present", `const n = 1n; export const result = [{ valueOf() { return 3 } } ** 2, "5" ** 1, { valueOf() { return 2n } } ** 3n, "2" << 1];`, "9,5,8,4"},
	{"optional chaining and friends", `const o = { a: { b: 1 } }; let u; u ??= 3; u ||= 4; u &&= 5; export const result = [o?.a?.b, o.x?.y, u, 1_000];`, "1,,5,1000"},
	{"user's own names", `const require = 1, exports = 2, module = 3, __workerd = 4; export const result = require + exports + module + __workerd;`, "10"},
	{"this at top level", `export const result = String(this);`, "undefined"},
	{"strict mode", `try { undeclared = 1; var result = "sloppy" } catch (e) { var result = e.name } export { result };`, "ReferenceError"},
	{"typescript", `import { ts } from "./t.ts"; export const result = ts;`, "B1ok"},
	{"jsx", `import { v } from "./j.jsx"; export const result = v;`, "div,a,hi"},
	{"namespace object", `import * as m from "./live.js"; m.inc(); export const result = Object.keys(m) + m.n;`, "inc,n1"},
}

func probeModules(text string) Source {
	src := modules(text,
		esm("m.js", `export * as inner from "./inner.js"; const o = "odd"; export { o as "odd name" }; export default "def";`),
		esm("inner.js", `export const a = 1, b = 2;`),
		Module{Name: "j.json", Kind: JSON, Content: []byte(`{"n": 7}`)},
		esm("lib/meta.js", `export const url = import.meta.url + " " + import.meta.main;`),
		esm("tla.js", `export const later = await Promise.resolve("later");`),
		esm("a.js", `import { b } from "./b.js"; export function a() { return "a " + b() }`),
		esm("b.js", `import { a } from "./a.js"; export function b() { return typeof a === "function" ? "b" : "?" }`),
		esm("live.js", `export let n = 0; export function inc() { n++ }`),
		esm("cls.js", `export default class { v = 42 }`),
		Module{Name: "c.cjs", Kind: CommonJS, Content: []byte(`exports.named = "n"; exports.other = require("./d.cjs");`)},
		Module{Name: "d.cjs", Kind: CommonJS, Content: []byte(`module.exports = "other";`)},
		Module{Name: "req.cjs", Kind: CommonJS, Content: []byte(`exports.load = (n) => require(n);`)},
		Module{Name: "t.txt", Kind: Text, Content: []byte("text")},
		Module{Name: "d.bin", Kind: Data, Content: []byte{1, 2, 3}},
		Module{Name: "x.wasm", Kind: Wasm, Content: []byte{0, 0x61, 0x73}},
		esm("t.ts", `enum E { A, B = "B" } namespace N { export const x: number = 1 } type T = string; export const ts = (E.B + N.x) as T + <string>"ok";`),
		esm("j.jsx", `/** @jsx h */ const h = (t, p, ...c) => [t, p.k, ...c]; export const v = <div k="a">hi</div>;`),
	)
	return src
}

func probeHost(rt **goja.Runtime) Host {
	return Host{
		Builtin: func(specifier string) (goja.Value, error) {
			o := (*rt).NewObject()
			return o, o.Set("name", "builtin "+specifier)
		},
		Wasm: func(name string, wasm []byte) (goja.Value, error) {
			return (*rt).ToValue("wasm " + name + " " + itoa(len(wasm))), nil
		},
	}
}

func TestSyntax(t *testing.T) {
	for _, p := range syntaxProbes {
		t.Run(p.name, func(t *testing.T) {
			s, err := Compile(t.Context(), probeModules(p.text))
			if p.want == "" {
				if err == nil {
					t.Fatal("compiled")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			rt := goja.New()
			e, err := s.Evaluate(rt, probeHost(&rt))
			if err != nil {
				t.Fatal(err)
			}
			ns := fulfilled(t, e)
			result := ns.Get("result")
			if result == nil {
				t.Fatal("no result")
			}
			if got := result.String(); got != p.want {
				t.Errorf("got  %s\nwant %s", got, p.want)
			}
		})
	}
}
