import { DurableObject } from "cloudflare:workers";
import { actors, attempt, deferred, describe, failure, serve, show, sleep, tries, within } from "probe.js";

// A step of an iterator, without the shape of its result.
const step = (i) => { const r = i.next(); return r.done ? "done" : r.value; };
const kvText = (fn) => { try { return show(fn(), 1); } catch (e) { return failure(e); } };
const all = (...fns) => fns.map(kvText).join("\n");
const fill = (s, text) => s.put(Object.fromEntries([...text].map((k, i) => [k, i])));
const ranges = [undefined, null, {}, { prefix: "b" }, { prefix: "" }, { prefix: "b", start: "a" }, { prefix: "b", start: "b1" }, { prefix: "b", start: "c" }, { prefix: "b", end: "b" }, { prefix: "b", end: "b1" }, { prefix: "b", end: "z" },
  { start: "b" }, { startAfter: "b" }, { end: "b" }, { end: "" }, { start: "c", end: "b" }, { start: "b", end: "b" }, { reverse: true }, { limit: 2 }, { limit: 2, reverse: true }, { limit: 1, startAfter: "a" }, { prefix: "b", limit: 1, reverse: true },
  { prefix: "\u00ff" }, { prefix: "\uffff" }, { prefix: "\u{10ffff}" }, { startAfter: "" }, { start: "", end: "b1" }, { prefix: "b", startAfter: "b" }, { startAfter: "b", reverse: true, limit: 1 }, { prefix: "b1", end: "b1\0" }];
const odd = [1, "x", [], () => 1, Symbol("x"), { limit: 0 }, { limit: -1 }, { limit: "1" }, { limit: "x" }, { limit: 1.9 }, { limit: NaN }, { limit: Infinity }, { limit: 2 ** 31 }, { limit: null }, { limit: undefined }, { limit: 1n },
  { start: null }, { start: 1 }, { start: Symbol("x") }, { prefix: null }, { end: null }, { reverse: "false" }, { start: "a", startAfter: "a" }, { start: undefined, startAfter: "a" }, { get limit() { throw new RangeError("limit"); } }, { noCache: 1, allowConcurrency: 1 },
  { limit: 0, start: "a", startAfter: "a" }, { limit: 0, prefix: "z", start: "zz" }];
const data = (s) => s.put({ a: 1, b: 2, b1: 3, b2: 4, "b\u00ff": 5, c: 6, "\u{10ffff}x": 7 });
const bytes = (n) => new Uint8Array(n);

// facets asks the facet of a name; undefined where no class can be named.
const facets = (ctx) => ctx.exports && (async (name, id, path = "") => (await ctx.facets.get(name, () => ({ class: ctx.exports.Facet({ props: { p: 1 } }), id })).fetch("http://f/" + path)).text());

// Each is run in an actor of its own, with every kind of storage and with old and new dates.
const table = {
  "members": (s) => describe(Object.getPrototypeOf(s)),
  "own": (s) => [describe(s), Object.keys(s).join()],
  "prototypes": (s) => [s.kv?.constructor?.name, s.sql?.constructor?.name, s.kv === s.kv, s.sql === s.sql],
  "kv: members": (s) => [describe(Object.getPrototypeOf(s.kv)), Object.keys(s.kv)],
  "kv: detached": (s) => all(() => (0, s.kv.get)("a"), () => s.kv.put.call({}, "a", 1), () => (0, s.kv.list)()),
  "kv: replaced": (s) => all(() => { s.kv = 1; return s.kv; }, () => { s.sql = 2; return s.sql; }, () => delete s.kv, () => typeof s.kv),
  "kv: get and put": (s) => all(() => s.kv.get("a"), () => s.kv.put("a", 1), () => s.kv.get("a"), () => s.kv.put("a", { deep: [new Map([[1, 2]])] }), () => s.kv.get("a"), () => s.kv.delete("a"), () => s.kv.delete("a"), () => s.kv.get("a")),
  "kv: undefined": (s) => all(() => s.kv.put("a", undefined), () => s.kv.get("a"), () => [...s.kv.list()], () => s.kv.put("b"), () => s.kv.delete("a")),
  "kv: wrong": (s) => all(() => s.kv.get(), () => s.kv.get(undefined), () => s.kv.get(null), () => s.kv.get(1), () => s.kv.get({}), () => s.kv.get(["a", "b"]), () => s.kv.get(Symbol("x")), () => s.kv.put(), () => s.kv.put("a", () => 1), () => s.kv.put("a", Symbol("x")), () => s.kv.put({ a: 1 }), () => s.kv.put({ a: 1 }, 2), () => s.kv.put(Symbol("x"), 1), () => s.kv.delete(), () => s.kv.delete(["a"]), () => s.kv.delete(5), () => [...s.kv.list()], () => s.kv.get("a", 5), () => s.kv.put("x", 1, 5)),
  "kv: list": async (s) => { await data(s); return all(...ranges.map((o) => () => [...s.kv.list(o)].map(([k, v]) => k + "=" + v))); },
  "kv: list, wrong": async (s) => { await data(s); return all(...odd.map((o) => () => [...s.kv.list(o)].map(([k, v]) => k + "=" + v))); },
  "kv: list, nothing": (s) => all(() => [...s.kv.list()], () => [...s.kv.list({ start: "b", end: "a" })], () => step(s.kv.list())),
  "kv: iterator": async (s) => { await fill(s, "abc"); return all(() => describe(Object.getPrototypeOf(s.kv.list())), () => s.kv.list().constructor.name, () => typeof s.kv.list()[Symbol.iterator], () => { const i = s.kv.list(); return i[Symbol.iterator]() === i; },
    () => { const i = s.kv.list(); return [step(i), step(i), step(i), step(i), step(i)]; }, () => { const i = s.kv.list(); i.next(); return [typeof i.return, step(i)]; }, () => Array.from(s.kv.list()), () => new Map(s.kv.list()), () => Object.fromEntries(s.kv.list()), () => { for (const x of s.kv.list()) { return x; } }, () => (0, s.kv.list().next)()); },
  "kv: two iterators": async (s) => { await fill(s, "abc"); return all(() => { const i = s.kv.list(), a = [step(i)]; const j = s.kv.list(); a.push(kvText(() => step(i)), kvText(() => step(i)), step(j), step(j), step(j), step(j), kvText(() => step(i))); return a; },
    () => { const i = s.kv.list(); [...i]; s.kv.list(); return step(i); }, () => { const i = s.kv.list(); s.kv.list({ start: "b", end: "a" }); return step(i); }, () => { const i = s.kv.list(); kvText(() => s.kv.list({ limit: 0 })); return step(i); },
    () => { const i = s.kv.list({ start: "x", end: "a" }); s.kv.list(); return step(i); }, () => { const i = s.kv.list({ start: "x" }); s.kv.list(); return step(i); }); },
  "kv: iterator and list": async (s) => { await fill(s, "abc"); const i = s.kv.list(); i.next(); const m = await s.list(); return [m, kvText(() => step(i))]; },
  "kv: iterator and list, one turn": async (s) => { await fill(s, "abc"); const i = s.kv.list(); i.next(); s.list(); return kvText(() => step(i)); },
  "kv: iterator and get": async (s) => { await fill(s, "abc"); const i = s.kv.list(); i.next(); await s.get("a"); s.kv.get("b"); return kvText(() => step(i)); },
  "kv: iterator and writes": async (s) => { await fill(s, "abcde"); return all(() => { const out = []; for (const [k, v] of s.kv.list()) { out.push(k + v); s.kv.put("c", 9); s.kv.delete("d"); s.kv.put("aa", 1); s.kv.put("z", 1); } return out; }, () => { const out = []; for (const [k] of s.kv.list({ reverse: true })) { out.push(k); s.kv.delete("c"); s.kv.put("zz", 1); } return out; }, () => { const out = []; for (const [k] of s.kv.list()) { out.push(k); s.kv.delete(k); } return [out, [...s.kv.list()]]; }); },
  "kv: iterator over turns": async (s) => { await fill(s, "abc"); const i = s.kv.list(); const out = [step(i)]; await sleep(2); out.push(kvText(() => step(i))); s.kv.put("d", 1); await sleep(2); out.push(kvText(() => step(i)), kvText(() => step(i)), kvText(() => step(i))); return out; },
  "kv: iterator and limit": async (s) => { await fill(s, "abcde"); return all(() => { const i = s.kv.list({ limit: 2 }); const out = [step(i)]; s.kv.delete("b"); s.kv.put("bb", 1); out.push(step(i), step(i)); return out; }); },
  "kv: and async": async (s) => { const out = []; out.push(kvText(() => s.kv.put("a", 1)), await s.get("a"), await s.put("b", 2), kvText(() => s.kv.get("b")), await s.delete("a"), kvText(() => s.kv.get("a"))); s.put("c", 3); out.push(kvText(() => s.kv.get("c")), await s.list()); return out; },
  "kv: and deleteAll": async (s) => { kvText(() => s.kv.put("a", 1)); s.deleteAll(); const out = [kvText(() => s.kv.get("a")), kvText(() => s.kv.put("b", 1))]; await s.sync(); return [...out, await s.list()]; },
  "kv: values": (s) => all(...[null, 0, "", new Date(5), [1, , 2], new Uint8Array([1, 2]), 1n, new Error("e"), new Map([["a", new Set([1])]])].map((v) => () => { s.kv.put("v", v); return s.kv.get("v"); })),
  "kv: in transaction": (s) => tries(() => s.transaction(async (t) => { s.kv.put("a", 1); return [await t.get("a"), s.kv.get("a")]; }), () => s.list(), () => s.transaction(async (t) => { await t.put("b", 1); const x = s.kv.get("b"); t.rollback(); return [x, s.kv.get("b")]; }), () => s.list()),
  "kv: odd keys": (s) => all(() => s.kv.put("", 1), () => s.kv.get(""), () => s.kv.put("a\0b", 2), () => s.kv.get("a\0b"), () => s.kv.get("a"), () => [...s.kv.list()], () => s.kv.put("\u{1f600}", 3), () => s.kv.delete("")),

  "sql: not enabled": (s) => all(() => s.sql.exec(), () => s.sql.databaseSize, () => s.sql.exec("SELECT 1").next()).replace(/\n\d+\n.*|\n.* not implemented [^]*/, "enabled"),

  "transactionSync: wrong": (s) => all(() => s.transactionSync(), () => s.transactionSync(null), () => s.transactionSync(5), () => s.transactionSync({}), () => (0, s.transactionSync)(() => 1)),
  "transactionSync: value": (s) => all(() => s.transactionSync(() => 5), () => s.transactionSync(() => {}), () => s.transactionSync(function () { return [this === globalThis, this === undefined, arguments.length]; }), () => s.transactionSync(async () => 1)),
  "transactionSync: throws": async (s) => { await s.put("a", 1); const out = [kvText(() => s.transactionSync(() => { s.put("a", 2); s.put("b", 2); throw new RangeError("back"); })), kvText(() => s.transactionSync(() => { throw "text"; })), kvText(() => s.transactionSync(() => { throw undefined; }))]; return [out, await s.list()]; },
  "transactionSync: commits": async (s) => { const r = kvText(() => s.transactionSync(() => { s.put("a", 1); s.put({ b: 2, c: 3 }); s.delete("c"); return "value"; })); return [r, await s.list()]; },
  "transactionSync: nested": async (s) => { const log = []; log.push(kvText(() => s.transactionSync(() => { s.put("outer", 1); log.push(kvText(() => s.transactionSync(() => { s.put("inner", 1); s.put("outer", 2); throw new Error("inner"); }))); log.push(kvText(() => s.transactionSync(() => { s.put("second", 1); return "ok"; }))); return "done"; }))); return [log, await s.list()]; },
  "transactionSync: nested, outer throws": async (s) => { const log = []; log.push(kvText(() => s.transactionSync(() => { s.put("outer", 1); s.transactionSync(() => { s.put("inner", 1); }); throw new Error("outer"); }))); return [log, await s.list()]; },
  "transactionSync: deep": async (s) => { let n = 0; const down = (d) => s.transactionSync(() => { s.put("k" + d, d); if (d < 30) down(d + 1); n++; if (d === 10) throw new Error("ten"); }); return [kvText(() => down(0)), n, (await s.list()).size]; },
  "transactionSync: within transaction": (s) => tries(() => s.transaction(async (t) => { await t.put("a", 1); const r = kvText(() => s.transactionSync(() => { s.put("b", 1); throw new Error("sync"); })); const q = kvText(() => s.transactionSync(() => { s.put("c", 1); return 1; })); return [r, q, await t.list()]; }), () => s.list(), () => s.transaction(async (t) => { kvText(() => s.transactionSync(() => { s.put("d", 1); })); t.rollback(); }), () => s.list()),
  "transactionSync: reads": async (s) => { await s.put("a", 1); const seen = []; const r = kvText(() => s.transactionSync(() => { s.get("a").then((v) => seen.push(v)); s.put("a", 2); s.get("a").then((v) => seen.push(v)); throw new Error("back"); })); s.get("a").then((v) => seen.push(v)); await sleep(1); return [r, seen]; },
  "transactionSync: transaction within": async (s) => { let p; const log = [kvText(() => s.transactionSync(() => { p = s.transaction(async (t) => { await t.put("in", 1); return "async"; }); s.put("a", 1); }))]; log.push(await attempt(() => p)); return [log, await s.list()]; },
  "transactionSync: alarm": async (s) => { await s.setAlarm(4e12); const log = [kvText(() => s.transactionSync(() => { s.setAlarm(5e12); throw new Error("back"); }))]; log.push(await s.getAlarm()); log.push(kvText(() => s.transactionSync(() => { s.setAlarm(6e12); })), await s.getAlarm()); await s.deleteAlarm(); return log; },
  "transactionSync: pending writes": async (s) => { s.put("before", 1); const log = [kvText(() => s.transactionSync(() => { s.put("in", 1); s.delete("before"); throw new Error("x"); }))]; s.put("after", 1); return [log, await s.list()]; },

  "bookmark: current": async (s) => { const out = []; for (let i = 0; i < 3; i++) out.push(await attempt(() => s.getCurrentBookmark())); return [out[0].replace(/^[0-9a-f]{8}-[0-9a-f]{8}-/, "time-"), out[0] < out[1], out[1] < out[2], out[0].length]; },
  "bookmark: current, argument": (s) => tries(() => s.getCurrentBookmark(5).then((b) => b.length), () => (0, s.getCurrentBookmark)()),
  "bookmark: for time": (s) => tries(() => s.getBookmarkForTime(), () => s.getBookmarkForTime(new Date(5)), () => s.getBookmarkForTime(Date.now()), () => s.getBookmarkForTime("x"), () => s.getBookmarkForTime(NaN)),
  "bookmark: restore": (s) => tries(() => s.onNextSessionRestoreBookmark(), () => s.onNextSessionRestoreBookmark("0"), () => s.onNextSessionRestoreBookmark(5), () => s.onNextSessionRestoreBookmark(Symbol("x"))),
  "bookmark: wait": (s) => tries(() => typeof s.waitForBookmark, () => s.waitForBookmark?.("x")),
  "bookmark: list": async (s) => { await attempt(() => s.getCurrentBookmark()); return s.list(); },

  "limits: key of one byte too much": (s) => tries(() => s.put("x".repeat(2048), 1), () => s.put("x".repeat(2049), 1), () => s.get("x".repeat(2049)), () => s.delete("x".repeat(2049)), () => s.put({ ["y".repeat(2049)]: 1, ok: 1 }), () => s.get("ok"), () => s.put("\u20ac".repeat(683), 1)),
  "limits: value": (s) => tries(() => s.put("v", bytes(131072)), () => s.put("v", bytes(131072 + 27)), () => s.put("v", bytes(131072 + 64)), () => s.put({ ok: 1, v: bytes(140000) }), () => s.get("ok"), () => s.put("v", "x".repeat(131069))),
  "limits: 2 MB": (s) => tries(() => s.put("v", bytes(2e6 - 200)), () => s.put("v", bytes(2 * 2 ** 20)), () => s.put("v", bytes(2 * 2 ** 20 + 200))),
  "limits: 4 MB": (s) => tries(() => s.put("v", bytes(4 * 2 ** 20 - 100)), () => s.put("v", bytes(4 * 2 ** 20)), () => s.put("w", "x".repeat(4 * 2 ** 20 + 100)), async () => (await s.get("w"))?.length, async () => (await s.get("v"))?.length),
  "limits: where values end": async (s) => { let lo = 131000, hi = 132000; while (hi - lo > 1) { const mid = (lo + hi) >> 1; let ok = true; try { await s.put("v", bytes(mid)); } catch { ok = false; } if (ok) lo = mid; else hi = mid; } return [lo, await attempt(() => s.put("v", bytes(hi))), await attempt(() => s.put("vv", bytes(lo)))]; },
  "limits: keys in ranges": (s) => tries(() => s.list({ start: "k".repeat(2049) }), () => s.list({ end: "k".repeat(2049) }), () => s.list({ prefix: "k".repeat(2049) })),
  "limits: put of several": async (s) => { await s.put("a", 0); return tries(() => s.put({ a: 1, big: bytes(5 * 2 ** 20), b: 1 }), async () => [...await s.list()].map(([k, v]) => [k, v.length])); },
  "limits: transaction": (s) => tries(() => s.transaction(async (t) => { await t.put("x".repeat(2049), 1); }), () => s.transaction(async (t) => { await t.put("v", bytes(140000)); }), async () => (await s.list()).size, () => s.transaction(async (t) => { await t.put("v", bytes(5 * 2 ** 20)); })),
  "limits: kv": (s) => all(() => s.kv.put("x".repeat(2049), 1), () => s.kv.put("v", bytes(140000)), () => s.kv.put("v", bytes(5 * 2 ** 20)), () => s.kv.get("v")?.length),
  "limits: many": async (s) => { const o = {}; for (let i = 0; i < 300; i++) o["k" + i] = i; return tries(() => s.put(o), () => s.delete(Object.keys(o)), () => s.get(Object.keys(o))); },

  "list: ranges": async (s) => { await data(s); return tries(...ranges.map((o) => async () => [...await s.list(o)].map(([k, v]) => k + "=" + v))); },
  "list: wrong": async (s) => { await data(s); return tries(...odd.map((o) => async () => [...await s.list(o)].map(([k, v]) => k + "=" + v))); },
  "list: wrong, how": (s) => tries(...odd.map((o) => () => s.list(o))),
  "sync or not": (s) => tries(() => s.get(), () => s.put(), () => s.put("a"), () => s.put("a", () => 1), () => s.delete(), () => s.delete("a", 5), () => s.list({ limit: 0 }), () => s.list(5), () => s.deleteAll(5), () => s.setAlarm(), () => s.setAlarm(-1), () => s.getAlarm(5), () => s.deleteAlarm(5), () => s.transaction(), () => s.transaction(5), () => s.getBookmarkForTime(), () => s.onNextSessionRestoreBookmark("x")),
  "sync or not, ctx": (s, ctx) => tries(() => ctx.blockConcurrencyWhile(), () => ctx.blockConcurrencyWhile(5), () => ctx.waitUntil()),
  "sync or not, txn": (s) => s.transaction(async (t) => tries(() => t.get(), () => t.put("a"), () => t.delete(), () => t.list({ limit: 0 }), () => t.deleteAll(), () => t.setAlarm(-1), () => { t.rollback(); return t.get("a"); }, () => t.put("a", 1), () => t.delete("a"), () => t.list(), () => t.getAlarm(), () => t.deleteAlarm())),

  "put: undefined": async (s) => tries(() => s.put("a", undefined), () => s.put({ a: undefined, b: 1 }), () => s.put({}), () => s.put({ a: undefined }), () => s.list(), () => s.put("a", null), () => s.get("a")),
  "put: several, one fails": async (s) => tries(() => s.put({ a: 1, b: () => 1, c: 2 }), () => s.list()),

  "deleteAll: alarm": async (s) => { await s.setAlarm(4e12); await s.deleteAll(); const a = await s.getAlarm(); await s.sync(); const b = await s.getAlarm(); await s.deleteAlarm(); return [a, b]; },
  "deleteAll: alarm set after": async (s) => { await s.setAlarm(4e12); s.deleteAll(); s.setAlarm(5e12); const a = await s.getAlarm(); await s.sync(); const b = await s.getAlarm(); await s.deleteAlarm(); return [a, b]; },
  "deleteAll: alarm set in the same turn": async (s) => { s.setAlarm(4e12); s.put("a", 1); await s.deleteAll(); const a = await s.getAlarm(); await s.deleteAlarm(); return [a, await s.list()]; },
  "deleteAll: values after": async (s) => { await fill(s, "abc"); s.deleteAll(); s.put("d", 1); const d = s.delete(["a", "d"]); return [await d, await s.get("a"), await s.list()]; },

  "transaction: rollback of outer while inner runs": (s) => tries(() => s.transaction(async (t) => { await t.put("a", 1); const inner = s.transaction(async (u) => { await u.put("b", 1); return kvText(() => t.rollback()); }); return [await inner, await t.get("b")]; }), () => s.list()),
  "transaction: outer ends while inner runs": (s) => tries(() => s.transaction(async (t) => { await t.put("a", 1); s.transaction(async (u) => { await u.put("b", 1); await sleep(5); await u.put("c", 1); }).catch(() => {}); return "early"; }), () => s.list()),
  "transaction: outer used while inner runs": (s) => tries(() => s.transaction(async (t) => s.transaction(async (u) => { await t.put("outer", 1); await u.put("inner", 1); const r = [await u.get("outer"), await t.get("inner")]; u.rollback(); return r; })), () => s.list()),
  "transaction: nested three deep": (s) => tries(() => s.transaction(async (t) => { await t.put("1", 1); await s.transaction(async (u) => { await u.put("2", 1); await s.transaction(async (v) => { await v.put("3", 1); v.rollback(); }); await s.transaction(async (v) => { await v.put("4", 1); }); }); return t.list(); }), () => s.list()),
  "transaction: nested, middle throws": (s) => tries(() => s.transaction(async (t) => { await t.put("1", 1); await s.transaction(async (u) => { await u.put("2", 1); await s.transaction(async (v) => { await v.put("3", 1); }); throw new Error("middle"); }).catch(() => {}); return t.list(); }), () => s.list()),
  "transaction: nested, deletes": async (s) => { await fill(s, "abcd"); return tries(() => s.transaction(async (t) => { const a = await t.delete("a"); const r = await s.transaction(async (u) => { const x = [await u.delete(["a", "b"]), await u.get("a")]; await u.put("a", 9); u.rollback(); return x; }); return [a, r, await t.list(), await t.delete(["a", "b"])]; }), () => s.list()); },
  "transaction: nested 63": async (s) => { let deep = 0; const down = () => s.transaction(async (t) => { deep++; await t.put("k" + deep, 1); if (deep < 63) await down(); }); await down(); return [deep, (await s.list()).size]; },
  "transaction: nested 65": async (s) => { let deep = 0, how; const down = () => s.transaction(async (t) => { deep++; await t.put("k" + deep, 1); const r = await attempt(down); how ??= r; }); await down(); return [deep, how, (await s.list()).size]; },
  "transaction: direct writes": (s) => tries(() => s.transaction(async (t) => { await s.put("direct", 1); await s.setAlarm(4e12); const r = [await t.get("direct"), await t.getAlarm()]; t.rollback(); return r; }), () => s.list(), () => s.getAlarm(), () => s.deleteAlarm()),
  "transaction: direct after rollback": (s) => tries(() => s.transaction(async (t) => { await t.put("a", 1); t.rollback(); await s.put("b", 1); return s.list(); }), () => s.list()),
  "transaction: deleteAll after rollback": async (s) => { await s.put("a", 1); return tries(() => s.transaction(async (t) => { t.rollback(); await s.deleteAll(); }), () => s.list()); },
  "transaction: pending write before": async (s) => { s.put("a", 1); return tries(() => s.transaction(async (t) => { const v = await t.get("a"); await t.put("a", 2); t.rollback(); return v; }), () => s.list()); },
  "transaction: write after the call": async (s) => { const p = s.transaction(async (t) => { const l = await t.list(); await t.put("in", 1); t.rollback(); return l; }); s.put("after", 1); return [await p, await s.list()]; },
  "transaction: alarm, nested": (s) => tries(() => s.setAlarm(4e12), () => s.transaction(async (t) => { await t.setAlarm(5e12); await s.transaction(async (u) => { await u.setAlarm(6e12); u.rollback(); }); return t.getAlarm(); }), () => s.getAlarm(), () => s.deleteAlarm()),
  "transaction: commit error of a thrown promise": (s) => tries(() => s.transaction(() => Promise.reject(new Error("rejected"))), () => s.transaction(() => ({ then(f) { f("thenable"); } })), () => s.transaction(() => ({ then(_, r) { r("no"); } }))),
  "transaction: sync within": (s) => tries(() => s.transaction(async (t) => { await t.put("a", 1); await s.sync(); return "synced"; })),
  "transaction: texts": async (s) => { const out = []; let kept; await s.transaction(async (t) => { kept = t; t.rollback(); for (const n of ["get", "put", "delete", "list", "getAlarm", "deleteAlarm", "rollback", "deleteAll"]) out.push(n + " " + await attempt(() => t[n]("a", 1))); out.push(await attempt(() => t.setAlarm(4e12))); }); await s.transaction(async (t) => { kept = t; }); for (const n of ["get", "put", "delete", "list", "getAlarm", "deleteAlarm", "rollback", "deleteAll"]) out.push(n + " " + await attempt(() => kept[n]("a", 1))); out.push(await attempt(() => kept.setAlarm(4e12))); return out.join("\n"); },
  "block: nested 63": async (s, ctx) => { let deep = 0; const down = () => ctx.blockConcurrencyWhile(async () => { deep++; if (deep < 63) await down(); }); await down(); return deep; },
  "block: nested 66": async (s, ctx) => { let deep = 0, how; const down = () => ctx.blockConcurrencyWhile(async () => { deep++; let p; try { p = down(); } catch (e) { how = "throws " + failure(e); return; } try { await p; } catch (e) { how = "rejects " + failure(e); } }); await down(); return [deep, how]; },

  "ctx: props": (s, ctx) => [show(ctx.props), Object.getPrototypeOf(ctx.props) === Object.prototype, Object.isExtensible(ctx.props)],
  "ctx: container": (s, ctx) => [typeof ctx.container, "container" in ctx, ctx.container === null],
  "ctx: facets": (s, ctx) => [typeof ctx.facets, ctx.facets?.constructor?.name, ctx.facets && describe(Object.getPrototypeOf(ctx.facets)), ctx.facets === ctx.facets],
  "facets: storage of their own": async (s, ctx) => { const f = facets(ctx); return f && tries(() => f("a"), () => f("a"), () => f("b", "text"), () => s.list()); },
  "facets: aborted": async (s, ctx) => { const f = facets(ctx); if (!f) return; const a = ctx.facets.get("a", () => ({ class: ctx.exports.Facet })); return tries(() => a.fetch("http://f/").then((r) => r.status), () => ctx.facets.abort("a", new RangeError("why")), () => a.fetch("http://f/"), () => ctx.facets.abort("nobody", 1)); },
  "facets: deleted": async (s, ctx) => { const f = facets(ctx); return f && tries(() => f("a"), () => ctx.facets.delete("a"), () => f("a"), () => ctx.facets.delete("nobody")); },
  "facets: cloned": async (s, ctx) => { const f = facets(ctx); return f && tries(() => f("a"), () => ctx.facets.clone("a", "b"), () => f("b"), () => ctx.facets.clone("nobody", "b"), () => f("b"), () => f("a")); },
  "facets: deleteAll of the parent": async (s, ctx) => { const f = facets(ctx); if (!f) return; const a = ctx.facets.get("a", () => ({ class: ctx.exports.Facet })); return tries(() => a.fetch("http://f/").then((r) => r.text()), () => s.deleteAll(), () => a.fetch("http://f/").then((r) => r.text()), () => f("a")); },
  "facets: alarm": async (s, ctx) => { const f = facets(ctx); return f && tries(() => f("a", undefined, "alarm")); },
  "facets: starts that fail": async (s, ctx) => ctx.exports && tries(...[() => { throw new RangeError("own"); }, () => 5, async () => 5, () => ({}), () => ({ class: 5 }), () => ({ class: Facet })].map((start, i) => () => ctx.facets.get("s" + i, start).fetch("http://f/"))),
  "facets: classes": (s, ctx) => ctx.exports && tries(() => [ctx.exports.Facet.constructor.name, typeof ctx.exports.Facet, ctx.exports.Actor.constructor.name, ctx.exports.Facet({}).constructor.name], () => ctx.exports.Facet(), () => ctx.exports.Facet({ props: 5 }), () => ctx.exports.Actor(5), () => structuredClone(ctx.exports.Facet({})), () => s.put("c", ctx.exports.Facet({}))),
  "ctx: facets, wrong": (s, ctx) => tries(() => ctx.facets.get(), () => ctx.facets.get("a"), () => ctx.facets.get("a", 5), () => ctx.facets.abort(), () => ctx.facets.delete(), () => ctx.facets.clone(), () => ctx.facets.clone("a"), () => ctx.facets.get("x".repeat(257), () => 1), () => ctx.facets.delete("x".repeat(257)), () => ctx.facets.abort("x".repeat(257), 1), () => ctx.facets.clone("a", "x".repeat(257))),
  "ctx: version": (s, ctx) => [typeof ctx.version, typeof ctx.restore, typeof ctx.primaryStub],
  "ctx: keys": (s, ctx) => [Object.keys(ctx).filter((k) => k !== "exports"), Object.keys(s)],
};

const fresh = (env) => env.ACTOR.get(env.ACTOR.newUniqueId());
const text = async (r) => (await r).text();
const ask = (stub, path) => text(stub.fetch("http://actor/+" + path));

// Each visits actors from outside.
const visits = {
  "abort: writes are lost": async (env) => { const id = env.ACTOR.newUniqueId(), stub = env.ACTOR.get(id); await ask(stub, "put"); const r = await attempt(() => ask(stub, "put and abort")); return [r, await attempt(() => ask(stub, "list")), await ask(env.ACTOR.get(id), "list")]; },
  "abort: caught": async (env) => { const id = env.ACTOR.newUniqueId(), stub = env.ACTOR.get(id); return [await attempt(() => ask(stub, "abort caught")), await ask(env.ACTOR.get(id), "list")]; },
  "abort: storage afterwards": async (env) => { const id = env.ACTOR.newUniqueId(), stub = env.ACTOR.get(id); const r = await attempt(() => ask(stub, "abort and use")); await sleep(20); return [r, await ask(env.ACTOR.get(id), "list")]; },
  "abort: wrong": async (env) => [await attempt(() => ask(fresh(env), "abort symbol")), await attempt(() => ask(fresh(env), "abort options")), await attempt(() => ask(fresh(env), "abort null")), await attempt(() => ask(fresh(env), "abort undefined")), await attempt(() => ask(fresh(env), "abort object")), await attempt(() => ask(fresh(env), "abort empty"))],
  "abort: in transaction": async (env) => { const id = env.ACTOR.newUniqueId(), stub = env.ACTOR.get(id); return [await attempt(() => ask(stub, "abort in transaction")), await ask(env.ACTOR.get(id), "list")]; },
  "abort: in transactionSync": async (env) => { const id = env.ACTOR.newUniqueId(), stub = env.ACTOR.get(id); return [await attempt(() => ask(stub, "abort in transactionSync")), await ask(env.ACTOR.get(id), "list")]; },
  "block: failure loses writes": async (env) => { const id = env.ACTOR.newUniqueId(), stub = env.ACTOR.get(id); return [await attempt(() => ask(stub, "block fails")), await attempt(() => ask(stub, "list")), await ask(env.ACTOR.get(id), "list")]; },
  "transaction: failure keeps the object": async (env) => { const stub = fresh(env); return [await attempt(() => ask(stub, "transaction fails")), await ask(stub, "list")]; },
  "storage of another": async (env) => { const a = fresh(env), b = fresh(env); await ask(a, "keep"); return [await attempt(() => ask(b, "kept get")), await attempt(() => ask(b, "kept kv")), await attempt(() => ask(b, "kept transaction"))]; },
  "storage of one that was aborted": async (env) => { const id = env.ACTOR.newUniqueId(), stub = env.ACTOR.get(id); await ask(stub, "keep"); await attempt(() => ask(stub, "put and abort")); return [await attempt(() => ask(env.ACTOR.get(id), "kept get")), await attempt(() => ask(env.ACTOR.get(id), "kept kv")), await attempt(() => ask(env.ACTOR.get(id), "kept transaction"))]; },
  "storage in a worker": async (env, ctx) => { await ask(fresh(env), "keep"); return tries(() => kept.get("a"), () => kept.put("a", 1), () => kept.kv.get("a"), () => kept.transactionSync(() => 1), () => kept.sync(), () => kept.transaction(async () => 1), () => kept.list(), () => kept.deleteAll(), () => kept.getAlarm(), () => kept.getCurrentBookmark()); },
};

let kept;

// A facet counts, in memory and in storage.
export class Facet extends DurableObject {
  n = 0;
  async fetch(request) { const n = ((await this.ctx.storage.get("n")) ?? 0) + 1; await this.ctx.storage.put("n", n); if (request.url.endsWith("alarm")) await this.ctx.storage.setAlarm(4e12); return new Response(++this.n + " " + n + " " + typeof this.ctx.id + " " + show(this.ctx.props)); }
  alarm() {}
}

export class Actor extends DurableObject {
  async fetch(request) {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1)), s = this.ctx.storage, ctx = this.ctx;
    switch (name) {
      case "+put": await s.put("a", 1); break;
      case "+list": return new Response(show(await s.list()));
      case "+put and abort": s.put("b", 1); ctx.abort("no more");
      case "+abort caught": s.put("b", 1); try { ctx.abort("caught"); } catch (e) { return new Response("caught " + e); } finally { s.put("c", 1); } return new Response("went on");
      case "+abort and use": setTimeout(() => { s.put("late", 1); }, 1); ctx.abort("first");
      case "+abort symbol": ctx.abort(Symbol("x")); return new Response("went on");
      case "+abort options": ctx.abort("o", 5); return new Response("went on");
      case "+abort null": ctx.abort(null); return new Response("went on");
      case "+abort undefined": ctx.abort(undefined, undefined); return new Response("went on");
      case "+abort object": ctx.abort({ a: 1 }, { retryAlarm: false }); return new Response("went on");
      case "+abort empty": ctx.abort(""); return new Response("went on");
      case "+abort in transaction": await s.put("a", 1); await s.transaction(async (t) => { await t.put("b", 1); ctx.abort("within"); }); return new Response("went on");
      case "+abort in transactionSync": s.put("a", 1); s.transactionSync(() => { s.put("b", 1); ctx.abort("within"); }); return new Response("went on");
      case "+block fails": s.put("b", 1); await ctx.blockConcurrencyWhile(async () => { s.put("c", 1); throw new RangeError("block"); }); return new Response("went on");
      case "+transaction fails": await s.put("a", 1); return new Response(await attempt(() => s.transaction(async (t) => { await t.put("b", 1); throw new RangeError("txn"); })));
      case "+keep": kept = s; return new Response("kept");
      case "+kept get": return new Response(await attempt(() => kept.get("a")));
      case "+kept kv": return new Response(await attempt(() => kept.kv.get("a")));
      case "+kept transaction": return new Response(await attempt(() => kept.transaction(async () => 1)));
      default: return within(this, table, request);
    }
    return new Response("done");
  }
  alarm() {}
}

export default serve(actors(table, { ...visits }));
