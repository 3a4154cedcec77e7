import { DurableObject } from "cloudflare:workers";
import { actors, attempt, describe, serve, show, tries, within } from "probe.js";

const keys = (n, from = 0) => Array.from({ length: n }, (_, i) => "k" + String(i + from).padStart(4, "0"));
const trip = async (s, v) => { await s.put("v", v); return s.get("v"); };

// Each is run in an actor of its own, with what it keeps in memory and on disk.
const table = {
  "members": async (s) => describe(Object.getPrototypeOf(s)),
  "detached methods": (s) => tries(() => (0, s.get)("a"), () => s.get.call({}, "a"), () => s.put.call(null, "a", 1)),
  "lengths": (s) => ["get", "put", "delete", "list", "deleteAll", "transaction", "getAlarm", "setAlarm", "deleteAlarm", "sync"].map((n) => `${n} ${s[n].name} ${s[n].length}`).join(),

  "own properties": (s) => [Reflect.ownKeys(s).map(String), Object.prototype.toString.call(s)],
  "get: none": (s) => s.get("none"),
  "get: wrong keys": (s) => tries(() => s.get(), () => s.get(undefined), () => s.get(null), () => s.get(1), () => s.get(true), () => s.get({}), () => s.get(Symbol("x")), () => s.get(1n)),
  "get: converted keys": async (s) => {
    await s.put("undefined", "u"); await s.put("null", "n"); await s.put("1", "one"); await s.put("[object Object]", "o"); await s.put("true", "t");
    return tries(() => s.get(undefined), () => s.get(null), () => s.get(1), () => s.get({}), () => s.get(true), () => s.get({ toString: () => "1" }), () => s.get({ toString() { throw new RangeError("no text"); } }));
  },
  "get: empty key": (s) => tries(() => s.get(""), () => s.put("", 1), () => s.get(""), () => s.delete("")),
  "get: several": async (s) => {
    await s.put({ b: 2, a: 1, c: 3 });
    return tries(() => s.get(["c", "a", "a", "zz", "b", "c"]), () => s.get([]), () => s.get([1, null]), () => s.get(["a", Symbol("x")]), () => s.get([["a"]]), () => s.get(["a", { toString() { throw new Error("k"); } }]));
  },
  "get: array-likes": async (s) => { await s.put("a", 1); return tries(() => s.get(new Set(["a"])), () => s.get({ length: 1, 0: "a" }), () => s.get(new String("a")), () => s.get(function f() {}), () => s.get([, "a"])); },
  "get: 128 and 129 keys": (s) => tries(() => s.get(keys(128)), () => s.get(keys(129))),
  "get: options": async (s) => {
    await s.put("a", 1);
    return tries(() => s.get("a", null), () => s.get("a", undefined), () => s.get("a", 1), () => s.get("a", "x"), () => s.get("a", {}), () => s.get("a", []),
      () => s.get("a", { noCache: 1, allowConcurrency: "yes", other: 5 }), () => s.get("a", { noCache: null }), () => s.get("a", () => 1), () => s.get("a", Symbol("x")),
      () => s.get("a", { get noCache() { throw new RangeError("getter"); } }), () => s.get("a", true));
  },
  "get: fresh copies": async (s) => { const o = { x: [1] }; await s.put("o", o); o.x.push(2); const a = await s.get("o"), b = await s.get("o"); return [a, b, a === b, a.x === b.x]; },

  "put: undefined": (s) => tries(() => s.put("a", undefined), () => s.put("a"), () => s.put(), () => s.put(undefined, 1), () => s.get("undefined"), () => s.put(null, 1), () => s.get("null")),
  "put: many, odd": (s) => tries(() => s.put({}), () => s.put([]), () => s.put(["x", "y"]), () => s.list(), () => s.put({ a: undefined, b: 1 }), () => s.list(), () => s.put(new Map([["m", 1]])), () => s.put(new Date(0)), () => s.list()),
  "put: many, second argument": (s) => tries(() => s.put({ a: 1 }, null), () => s.put({ a: 1 }, undefined), () => s.put({ a: 1 }, 5), () => s.put({ a: 1 }, "x"), () => s.put({ a: 1 }, {}), () => s.put({ a: 1 }, []), () => s.put({ a: 1 }, true), () => s.put({ a: 1 }, { allowUnconfirmed: true })),
  "put: third argument": (s) => tries(() => s.put("a", 1, null), () => s.put("a", 1, undefined), () => s.put("a", 1, 5), () => s.put("a", 1, "x"), () => s.put("a", 1, {}), () => s.put("a", 1, { allowUnconfirmed: true, noCache: true, allowConcurrency: true }), () => s.get("a")),
  "put: odd objects": (s) => tries(() => s.put(new Proxy({ p: 1, q: 2 }, {}), {}), () => s.put(Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } })), () => s.put({ [Symbol("s")]: 1, t: 2 }), () => s.put(new String("text"), 1), () => s.list()),
  "put: getters that throw": async (s) => tries(() => s.put({ a: 1, get b() { throw new RangeError("b"); } }), () => s.list(), () => s.put("v", { get x() { throw new RangeError("x"); } }), () => s.list(), () => s.put({ get z() { return 7; } }), () => s.list()),
  "put: getters that write": async (s) => { const p = s.put({ a: 1, get b() { s.put("from getter", 1); return 2; } }); await p; return s.list(); },
  "put: many, one uncloneable": (s) => tries(() => s.put({ a: 1, b: () => 1, c: 2 }), () => s.list()),
  "put: 128 and 129 pairs": (s) => tries(() => s.put(Object.fromEntries(keys(128).map((k) => [k, 1]))), () => s.put(Object.fromEntries(keys(129).map((k) => [k, 2]))), async () => (await s.list()).size),
  "get: several, one too long": (s) => s.get(["a", "x".repeat(2049)]),
  "put: key size": (s) => tries(() => s.put("x".repeat(2048), 1), () => s.put("x".repeat(2049), 1), () => s.put("\u20ac".repeat(683), 1), () => s.get("x".repeat(2049)), () => s.delete("x".repeat(2049)), async () => (await s.list()).size),
  "put: value size": (s) => tries(() => s.put("a", "x".repeat(100 * 1024)), () => s.put("b", new Uint8Array(131072)), () => s.put("c", new Uint8Array(131073)), () => s.put("d", new Uint8Array(200000)), async () => [...(await s.list()).keys()]),
  "put: order of integer names": async (s) => { await s.put({ b: 1, 2: 2, 10: 3, 1: 4 }); return s.list(); },
  "put: twice": async (s) => { s.put("a", 1); s.put("a", 2); s.delete("a"); s.put("a", 3); return [await s.get("a"), await s.list()]; },

  "delete: results": async (s) => { await s.put({ a: 1, b: 2, c: 3 }); return tries(() => s.delete("a"), () => s.delete("a"), () => s.delete(["b", "b", "zz", "c"]), () => s.delete([]), () => s.delete(), () => s.delete(null), () => s.delete([null]), () => s.delete(Symbol("x")), () => s.delete("x", null), () => s.delete("x", 1)); },
  "delete: 129 keys": (s) => tries(() => s.delete(keys(128)), () => s.delete(keys(129))),
  "delete: several at once": async (s) => { await s.put({ a: 1, b: 2 }); return Promise.all([s.delete("a"), s.delete("a"), s.delete(["a", "b"]), s.delete("b")]); },

  "list: order": async (s) => { for (const k of ["b", "a", "B", "\u00e9", "e\u0301", "\uffff", "\u{10000}", "a\0", "a!", "1", "10", "2", ""]) if (k) await s.put(k, 1); return [...(await s.list()).keys()].map((k) => JSON.stringify(k)).join(); },
  "list: lone surrogates": async (s) => { await s.put("x\ud800", 1); await s.put("x\udc00y", 2); return [await s.list(), await s.get("x\ufffd"), await s.get("x\ud800")]; },
  "list: bounds": async (s) => {
    await s.put(Object.fromEntries(["a", "ab", "abc", "ac", "b", "ba", "c"].map((k) => [k, k])));
    const l = (o) => async () => [...(await s.list(o)).keys()].join();
    return tries(...[{ start: "ab" }, { end: "b" }, { start: "ab", end: "b" }, { start: "b", end: "ab" }, { start: "b", end: "b" }, { startAfter: "ab" }, { startAfter: "abb" }, { prefix: "a" }, { prefix: "ab", reverse: true }, { prefix: "a", start: "b" },
      { prefix: "a", start: "ab" }, { prefix: "a", end: "ab" }, { prefix: "b", end: "a" }, { prefix: "a", startAfter: "ac" }, { prefix: "b", startAfter: "a" }, { prefix: "", limit: 2 }, { reverse: true, limit: 2 }, { reverse: true, start: "ab", end: "b", limit: 1 },
      { start: "", end: "" }, { end: "" }, { startAfter: "" }, { limit: 100 }, { reverse: true, startAfter: "b" }, { prefix: "\u{10ffff}" }, { prefix: "zz" }, { start: "z" }, { limit: 1, start: "abc", prefix: "a" }].map(l));
  },
  "list: wrong options": async (s) => {
    await s.put({ a: 1, b: 2 });
    return tries(...[null, undefined, 1, "x", true, [], () => 1, Symbol("x"), { limit: 0 }, { limit: -1 }, { limit: "1" }, { limit: "x" }, { limit: 1.9 }, { limit: 0.5 }, { limit: NaN }, { limit: Infinity }, { limit: 2 ** 31 }, { limit: 2 ** 32 + 1 }, { limit: null }, { limit: undefined }, { limit: 1n },
      { limit: {} }, { start: null }, { start: undefined }, { start: 1 }, { start: {} }, { start: Symbol("x") }, { prefix: null }, { end: null }, { reverse: "false" }, { reverse: 0 }, { reverse: null }, { start: "a", startAfter: "a" }, { start: undefined, startAfter: "a" }, { unknown: 1 },
      { get limit() { throw new RangeError("limit"); } }].map((o) => () => s.list(o)));
  },
  "list: order of reading options": async (s) => {
    const log = [];
    const o = new Proxy({}, { get: (_, k) => { log.push(String(k)); return undefined; } });
    await s.list(o); log.push("|"); await s.get("a", o); log.push("|"); await s.put("a", 1, o); log.push("|"); await s.delete("a", o); log.push("|"); await s.deleteAll(o); log.push("|"); await s.getAlarm(o); log.push("|"); await s.deleteAlarm(o);
    return log.join(" ");
  },
  "list: uncommitted": async (s) => { s.put("a", 1); s.put("b", 2); s.delete("a"); const l = s.list(); s.put("c", 3); s.delete("b"); return [await l, await s.list()]; },

  "deleteAll": async (s) => { await s.put({ a: 1, b: 2 }); return tries(() => s.deleteAll(), () => s.list(), () => s.deleteAll(null), () => s.deleteAll(1), () => s.deleteAll({ allowUnconfirmed: true }), () => s.put("c", 1), () => s.list()); },
  "deleteAll and the alarm": async (s) => { const t = Date.now() + 1e6; await s.setAlarm(t); await s.deleteAll(); return (await s.getAlarm()) === null ? "deleted" : "kept"; },
  "deleteAll within": (s) => tries(() => s.transaction(async (t) => t.deleteAll()), () => s.transaction(async () => s.deleteAll()), () => s.transaction(async (t) => { t.deleteAll(); })),

  "transaction: value": (s) => tries(() => s.transaction(async () => 5), () => s.transaction(() => 6), () => s.transaction(async () => undefined), () => s.transaction(() => { throw new RangeError("sync"); }), () => s.transaction(async () => { throw new RangeError("async"); }), () => s.transaction(async () => { throw "text"; }), () => s.transaction(async () => { throw undefined; })),
  "transaction: wrong": (s) => tries(() => s.transaction(), () => s.transaction(null), () => s.transaction(5), () => s.transaction({}), () => s.transaction(async () => 1, null), () => s.transaction(async () => 1, 5), () => s.transaction(async () => 1, { lowPriority: true, asOfTime: 5 })),
  "transaction: members": (s) => s.transaction(async (t) => [describe(Object.getPrototypeOf(t)), t.constructor.name, Object.prototype.toString.call(t)]),
  "transaction: commit": async (s) => { await s.put("a", 1); const r = await s.transaction(async (t) => { await t.put("a", 2); await t.put({ b: 3, c: 4 }); const d = await t.delete("c"); return [await t.get("a"), await t.list(), d]; }); return [r, await s.list()]; },
  "transaction: throw": async (s) => { await s.put("a", 1); return tries(() => s.transaction(async (t) => { await t.put("a", 2); await t.put("b", 1); throw new TypeError("back"); }), () => s.list(), () => s.put("c", 1), () => s.list()); },
  "transaction: rollback": async (s) => { await s.put("a", 1); return tries(() => s.transaction(async (t) => { await t.put("a", 2); t.rollback(); t.rollback(); return "value"; }), () => s.list()); },
  "transaction: after rollback": (s) => s.transaction(async (t) => { t.rollback(); return tries(() => t.get("a"), () => t.put("a", 1), () => t.delete("a"), () => t.list(), () => t.getAlarm(), () => t.setAlarm(Date.now() + 1e6), () => t.deleteAlarm(), () => t.deleteAll(), () => t.rollback()); }),
  "transaction: after commit": async (s) => { let t; await s.transaction(async (x) => { t = x; }); return tries(() => t.get("a"), () => t.put("a", 1), () => t.put({ a: 1 }), () => t.delete("a"), () => t.list(), () => t.getAlarm(), () => t.setAlarm(Date.now() + 1e6), () => t.deleteAlarm(), () => t.rollback(), () => t.deleteAll()); },
  "transaction: after throw": async (s) => { let t; await s.transaction(async (x) => { t = x; throw 1; }).catch(() => {}); return tries(() => t.get("a"), () => t.put("a", 1), () => t.rollback()); },
  "transaction: nested": async (s) => { const r = await s.transaction(async (t) => { await t.put("a", 1); await s.transaction(async (u) => { await u.put("b", 2); }); await s.transaction(async (u) => { await u.put("c", 3); u.rollback(); }); return [await t.get("a"), await t.get("b"), await t.get("c")]; }); return [r, await s.list()]; },
  "transaction: nested, outer throws": async (s) => tries(() => s.transaction(async (t) => { await t.put("a", 1); await s.transaction(async (u) => { await u.put("b", 2); }); throw new Error("outer"); }), () => s.list()),
  "transaction: nested, inner throws": async (s) => tries(() => s.transaction(async (t) => { await t.put("a", 1); await s.transaction(async (u) => { await u.put("b", 2); throw new Error("inner"); }); }), () => s.list()),
  "transaction: direct calls inside": async (s) => tries(() => s.transaction(async (t) => { await s.put("direct", 1); await t.put("inner", 2); t.rollback(); }), () => s.list()),
  "transaction: direct calls inside, read": (s) => s.transaction(async (t) => { await t.put("a", 1); return [await s.get("a"), await s.list()]; }),
  "transaction: limits": (s) => s.transaction(async (t) => tries(() => t.get(keys(129)), () => t.put("a", undefined), () => t.put({ a: () => 1 }), () => t.get(), () => t.list({ limit: 0 }))),
  "transaction: key size": (s) => s.transaction(async (t) => t.put("x".repeat(2049), 1)),
  "transaction: two at once": async (s) => { const log = []; const tx = (n) => s.transaction(async (t) => { log.push("begin " + n); const v = (await t.get("n")) ?? 0; await scheduler.wait(5); await t.put("n", v + 1); log.push("end " + n); }); await Promise.all([tx(1), tx(2), tx(3)]); return [log, await s.get("n")]; },
  "transaction: unawaited put": async (s) => { await s.transaction(async (t) => { t.put("a", 1); }); return s.list(); },

  "alarm: none": (s) => s.getAlarm(),
  "alarm: wrong times": (s) => tries(...[undefined, null, 0, -1, NaN, "", "x", {}, [], new Date(NaN), new Date(0), -0, -Infinity, Symbol("x"), 1n, true].map((t) => () => s.setAlarm(t))),
  "alarm: no time": (s) => s.setAlarm(),
  "alarm: odd times": async (s) => { const out = []; for (const t of [new Date(4e12), 4e12 + 0.75, "4000000000000", { valueOf: () => 4e12 }, [4e12]]) { out.push(await attempt(() => s.setAlarm(t)), show(await s.getAlarm())); await s.deleteAlarm(); } return out.join("\n"); },
  "alarm: far": async (s) => tries(() => s.setAlarm(8.64e15), () => s.getAlarm(), () => s.deleteAlarm(), () => s.getAlarm()),
  "alarm: set and clear": async (s) => { await s.setAlarm(4e12); const a = await s.getAlarm(); await s.setAlarm(5e12); const b = await s.getAlarm(); return [a, b, await s.deleteAlarm(), await s.getAlarm(), await s.deleteAlarm()]; },
  "alarm: past is now": async (s) => { const before = Date.now(); await s.setAlarm(1); const t = await s.getAlarm(); await s.deleteAlarm(); return t === null || t >= before ? "now" : t - before; },
  "alarm: options": (s) => tries(() => s.setAlarm(4e12, null), () => s.setAlarm(4e12, 5), () => s.setAlarm(4e12, { allowUnconfirmed: true, allowConcurrency: true }), () => s.getAlarm(null), () => s.getAlarm(5), () => s.deleteAlarm(null), () => s.deleteAlarm("x")),
  "alarm: transaction": async (s) => { const r = await s.transaction(async (t) => { await t.setAlarm(4e12); const a = await t.getAlarm(); t.rollback(); return a; }); const b = await s.getAlarm(); await s.transaction(async (t) => { await t.setAlarm(5e12); }); const c = await s.getAlarm(); await s.transaction(async (t) => { await t.deleteAlarm(); throw 1; }).catch(() => {}); const d = await s.getAlarm(); await s.deleteAlarm(); return [r, b, c, d]; },
  "alarm: not a key": async (s) => { await s.setAlarm(4e12); const l = await s.list(); await s.deleteAlarm(); return l; },

  "sync": (s) => tries(() => s.sync(), () => s.sync(1), async () => { s.put("a", 1); await s.sync(); return s.get("a"); }),

  "values: primitives": async (s) => { const out = []; for (const v of [null, true, false, 0, -0, 1.5, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, "", "text", "\u20ac", "\ud800", "\ud83d\ude00", 0n, -1n, 2n ** 64n, -(2n ** 70n)]) out.push(show(await trip(s, v), 1)); return out.join(); },
  "values: wrappers": async (s) => { const out = []; for (const v of [Object(1), Object("x"), Object(true), Object(1n)]) out.push(await attempt(() => trip(s, v))); return out.join(); },
  "values: objects": async (s) => trip(s, { a: 1, nested: { list: [1, , 3], u: undefined, n: null }, date: new Date(5), bad: new Date(NaN), re: /x\/y/giu, map: new Map([[{ k: 1 }, "v"], [NaN, -0]]), set: new Set([1, "1", [1]]), 10: "ten", 2: "two" }),
  "values: arrays": async (s) => { const a = [1, 2, 3]; a.length = 5; a.extra = "x"; a[-1] = "neg"; const r = await trip(s, a); return [r, r.length, Object.keys(r), 3 in r]; },
  "values: sparse": async (s) => { const a = []; a[1000] = 1; const r = await trip(s, a); return [r.length, Object.keys(r)]; },
  "values: cycles": async (s) => { const o = { self: null, list: [] }; o.self = o; o.list.push(o, o.list); const r = await trip(s, o); return [r.self === r, r.list[0] === r, r.list[1] === r.list]; },
  "values: shared": async (s) => { const x = { x: 1 }; const r = await trip(s, [x, x, { x }]); return [r[0] === r[1], r[2].x === r[0]]; },
  "values: buffers": async (s) => { const b = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer; return trip(s, [b, new Uint8Array(b, 2, 3), new Uint16Array(b, 2, 2), new Float64Array([1.5, NaN]), new DataView(b, 1, 2), new BigInt64Array([1n, -1n]), new Uint8ClampedArray([300]), new Int32Array(0)]); },
  "values: views share": async (s) => { const b = new ArrayBuffer(4); const r = await trip(s, [new Uint8Array(b), new Uint8Array(b, 1)]); r[0][1] = 9; return [r[1][0], r[0].buffer === r[1].buffer]; },
  "values: errors": async (s) => { const out = []; class My extends Error {} const plain = new Error("plain"); plain.extra = 1; const named = new Error("named"); named.name = "Custom"; for (const e of [plain, new TypeError("t"), new RangeError("r", { cause: 5 }), new My("my"), named, new EvalError(""), new URIError("u"), new SyntaxError("s"), new ReferenceError("x"), new AggregateError([1], "agg")]) { const r = await trip(s, e).catch((x) => x); out.push(show(r), r instanceof Error, Object.keys(r).join()); } return out.join("|"); },
  "values: instances": async (s) => { class P { constructor() { this.a = 1; } get b() { return 2; } m() {} static s = 1; } const o = Object.create(null); o.n = 1; return trip(s, [new P(), o, Object.freeze({ f: 1 }), (function () { return arguments; })(1, 2), Object.defineProperty({ v: 1 }, "hidden", { value: 2 }), { get g() { return 3; } }]); },
  "values: Headers": async (s) => [...(await trip(s, new Headers([["a", "b"], ["a", "c"], ["set-cookie", "1"], ["set-cookie", "2"]])))],
  "values: Request": async (s) => { const r = await trip(s, new Request("http://x/y?z", { method: "PUT", headers: { a: "b" }, redirect: "manual" })); return [r.url, r.method, [...r.headers], r.redirect, r.body]; },
  "values: Response": (s) => trip(s, new Response("x")),
  "values: Blob": async (s) => { const b = await trip(s, new Blob(["x"], { type: "a/b" })); return [b.constructor.name, b.type, b.size, await b.text()]; },
  "values: File": async (s) => { const b = await trip(s, new File(["xy"], "n", { type: "a/b", lastModified: 5 })); return [b.constructor.name, b.type, b.size, await b.text(), b.name, b.lastModified]; },
  "values: streams": (s) => tries(() => trip(s, new ReadableStream()), () => trip(s, new WritableStream()), () => trip(s, new AbortController().signal)),
  "values: host objects": async (s) => { const out = []; for (const make of [() => new URL("http://x/"), () => new URLSearchParams("a=b"), () => new FormData(), () => new TransformStream(), () => new DOMException("m", "AbortError"), () => new TextEncoder(), () => new Event("x"), () => new EventTarget()]) out.push(await attempt(async () => { const r = await trip(s, make()); return [r?.constructor?.name, r]; })); return out.join("\n"); },
  "values: uncloneable functions": (s) => tries(() => trip(s, function named() {}), () => trip(s, class C {}), () => trip(s, { f() {} })),
  "values: uncloneable": async (s) => { const out = []; for (const v of [() => 1, Symbol("x"), Symbol.iterator, [() => 1], new WeakMap(), new WeakSet(), new WeakRef({}), Promise.resolve(), new Proxy({}, {}), new Proxy([], {}), new Proxy(() => 1, {}), globalThis, (function* () {})(), new Map([[() => 1, 1]]), async () => 1, new Map().entries(), Math, JSON, Reflect]) out.push(await attempt(() => trip(s, v))); return out.join("\n"); },
  "values: deep": async (s) => { let o = 0; for (let i = 0; i < 500; i++) o = [o]; let r = await trip(s, o), n = 0; while (Array.isArray(r)) { r = r[0]; n++; } return n; },
  "values: shared buffer": (s) => tries(() => trip(s, new SharedArrayBuffer(4)), () => trip(s, new Uint8Array(new SharedArrayBuffer(4)))),
  "values: resizable": async (s) => { const b = new ArrayBuffer(4, { maxByteLength: 8 }); const r = await trip(s, [b, new Uint8Array(b), new Uint8Array(b, 1)]); return [r[0].resizable, r[0].maxByteLength, r[0].byteLength, r[1].length, r[2].length]; },
  "values: stub and namespace": (s, ctx) => tries(() => trip(s, ctx.id), () => trip(s, s), () => trip(s, ctx)),
  "values: structuredClone agrees": (s) => tries(() => structuredClone(() => 1), () => structuredClone(Symbol("q")), () => structuredClone({ a: new WeakMap() }), () => structuredClone()),

  "interleaving": async (s) => { const log = []; const a = (async () => { for (let i = 0; i < 3; i++) { await s.put("a", i); log.push("a" + i); } })(); const b = (async () => { for (let i = 0; i < 3; i++) { await s.get("a"); log.push("b" + i); } })(); await Promise.all([a, b]); return log; },
  "microtasks": async (s) => { const log = []; await s.put("a", 1); const p = [s.get("a").then(() => log.push("get")), Promise.resolve().then(() => log.push("micro")), s.put("b", 1).then(() => log.push("put")), s.list().then(() => log.push("list"))]; queueMicrotask(() => log.push("queued")); log.push("sync"); await Promise.all(p); return log; },
  "promise class": (s) => [s.get("a") instanceof Promise, s.put("a", 1) instanceof Promise, s.list() instanceof Promise, s.transaction(async () => 1) instanceof Promise, s.sync() instanceof Promise],
  "errors do not break": async (s) => { await s.put("a", () => 1).catch(() => {}); await s.get(keys(129)).catch(() => {}); await s.setAlarm(-1).catch(() => {}); await s.put("b", 2); return s.list(); },
};

export class Actor extends DurableObject {
  fetch(request) { return within(this, table, request); }
  alarm() {}
}

export default serve(actors(table));
