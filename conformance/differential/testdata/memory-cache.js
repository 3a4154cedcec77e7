// memoryCache: values that several requests share, and functions that make them.
import { serve, sleep, deferred, tries } from "probe.js";
import { settled } from "services.js";

let n = 0;
const key = () => "key" + n++;
const make = (v, expiration) => async () => expiration === undefined ? { value: v } : { value: v, expiration };
const circular = () => { const o = {}; o.o = o; return o; };

const reads = {
  "nothing": (env) => env.CACHE.read(key()),
  "a value": async (env) => { const k = key(); return [await env.CACHE.read(k, make("v")), await env.CACHE.read(k), await env.CACHE.read(k, make("other"))]; },
  "the key that a function gets": async (env) => { let got; await env.CACHE.read("thé key", async (...a) => { got = a; return { value: 1 }; }); return got; },
  "delete": async (env) => { const k = key(); await env.CACHE.read(k, make(1)); return [env.CACHE.delete(k), await env.CACHE.read(k), env.CACHE.delete(k)]; },
  "another binding": async (env) => { const k = key(); await env.CACHE.read(k, make(1)); return [await env.SAME.read(k), await env.SMALL.read(k), await env.NONE.read(k)]; },
  "no id": async (env) => { const k = key(); return [await env.NONE.read(k, make(1)), await env.NONE.read(k)]; },
  "values": async (env) => { const out = []; for (const v of [undefined, null, 0, "", NaN, 5n, new Date(5), new Map([[1, 2]]), [1, , 2], new Uint8Array([1]), new RangeError("e"), /a/g, circular()]) { const k = key(); await env.CACHE.read(k, make(v)); out.push(await env.CACHE.read(k)); } return out; },
  "a copy": async (env) => { const k = key(), v = { a: 1 }; const first = await env.CACHE.read(k, make(v)); const second = await env.CACHE.read(k); return [first === v, second === v, second]; },
  "expirations": async (env) => { const out = []; for (const e of [Date.now() + 60000, Date.now() - 1, 0, -1, Infinity, -Infinity, 1e300]) { const k = key(); const first = await env.CACHE.read(k, make("v", e)); out.push([first, await env.CACHE.read(k)]); } return out; },
  "wrong expirations": (env) => tries(...[NaN, "x", null, undefined, new Date(Date.now() + 60000), {}, 5n, Symbol("s"), "1e99"].map((e) => () => env.CACHE.read(key(), async () => ({ value: 1, expiration: e })))),
  "two at once": async (env) => { const k = key(); const d = deferred(); let calls = 0; const f = async () => { calls++; await d.promise; return { value: "made" }; }; const a = env.CACHE.read(k, f), b = env.CACHE.read(k, f); await sleep(5); d.resolve(); return [await a, await b, calls]; },
  "one that fails and one behind it": async (env) => { const k = key(); const d = deferred(); const a = env.CACHE.read(k, async () => { await d.promise; throw new RangeError("first"); }); const b = env.CACHE.read(k, make("second")); d.resolve(); const out = []; for (const p of [a, b]) out.push(await p.catch((e) => `${e.name}: ${e.message}`)); return [...out, await env.CACHE.read(k)]; },
  "both fail": async (env) => { const k = key(); const f = (m) => async () => { throw new RangeError(m); }; const a = env.CACHE.read(k, f("one")), b = env.CACHE.read(k, f("two")); const out = []; for (const p of [a, b]) out.push(await p.catch((e) => `${e.name}: ${e.message}`)); return [...out, await env.CACHE.read(k, make(3))]; },
  "a delete while it is made": async (env) => { const k = key(); const d = deferred(); const a = env.CACHE.read(k, async () => { await d.promise; return { value: 1 }; }); await sleep(1); env.CACHE.delete(k); d.resolve(); return [await a, await env.CACHE.read(k)]; },
  "a read without a function while it is made": async (env) => { const k = key(); const d = deferred(); const a = env.CACHE.read(k, async () => { await d.promise; return { value: 1 }; }); await sleep(1); const b = await env.CACHE.read(k); d.resolve(); return [b, await a, await env.CACHE.read(k)]; },
  "one within another": async (env) => { const k = key(), l = key(); return [await env.CACHE.read(k, async () => ({ value: await env.CACHE.read(l, make("inner")) })), await env.CACHE.read(l)]; },
};
const failures = {
  "throws": (env) => env.CACHE.read(key(), () => { throw new RangeError("own"); }), "rejects": (env) => env.CACHE.read(key(), async () => { throw new TypeError("own"); }), "rejects later": (env) => env.CACHE.read(key(), async () => { await sleep(1); throw new Error("later"); }), "throws a text": (env) => env.CACHE.read(key(), () => { throw "text"; }), "throws nothing": (env) => env.CACHE.read(key(), () => { throw undefined; }), "rejects an object": (env) => env.CACHE.read(key(), async () => { throw { a: 1 }; }),
  "gives wrong things": (env) => tries(...[undefined, null, 5, "text", [], {}, { value: undefined }, { expiration: 5 }, Promise.resolve({ value: 1 }), { get value() { throw new RangeError("own"); } }].map((v) => () => env.CACHE.read(key(), () => v))).then(settled),
  "gives what cannot be cloned": (env) => tries(...[() => 1, Symbol("s"), new Blob(["b"]), new Response("r"), Promise.resolve(1), new WeakMap(), { f() {} }, new ReadableStream()].map((v) => () => env.CACHE.read(key(), async () => ({ value: v })))),
  "is tried again": async (env) => { const k = key(); const first = await env.CACHE.read(k, async () => { throw new Error("e"); }).catch((e) => e.message); return [first, await env.CACHE.read(k), await env.CACHE.read(k, make(2))]; },
};
const limits = {
  "a large value": async (env) => { const k = key(); const v = "v".repeat(2000); return [(await env.CACHE.read(k, make(v))).length, await env.CACHE.read(k)]; },
  "too many": async (env) => { for (let i = 0; i < 12; i++) await env.CACHE.read("many" + i, make(i)); const out = []; for (let i = 0; i < 12; i++) out.push(await env.CACHE.read("many" + i)); return out; },
  "too many of two": async (env) => { for (const k of ["a", "b", "c"]) await env.SMALL.read(k, make(k)); return [await env.SMALL.read("a"), await env.SMALL.read("b"), await env.SMALL.read("c")]; },
  "the one that was read last stays": async (env) => { for (const k of ["d", "e"]) await env.SMALL.read(k, make(k)); await env.SMALL.read("d"); await env.SMALL.read("f", make("f")); return [await env.SMALL.read("d"), await env.SMALL.read("e"), await env.SMALL.read("f")]; },
  "a key of 2048": async (env) => { const k = "k".repeat(2048); return [await env.CACHE.read(k, make(1)), await env.CACHE.read(k)]; },
  "a value of the largest size": async (env) => { const out = []; for (const size of [20, 24, 26, 27, 28, 29, 30, 32]) { const k = "s" + size; await env.SMALL.read(k, make("v".repeat(size))); out.push([size, (await env.SMALL.read(k))?.length]); env.SMALL.delete(k); } return out; },
  "a total that is too large": async (env) => { for (const k of ["t1", "t2"]) { await env.SMALL.read(k, make("v".repeat(26))); } return [(await env.SMALL.read("t1"))?.length, (await env.SMALL.read("t2"))?.length]; },
};
const wrong = {
  "of read": (env) => tries(() => env.CACHE.read(), () => env.CACHE.read(5), () => env.CACHE.read(null), () => env.CACHE.read(undefined), () => env.CACHE.read({}), () => env.CACHE.read(Symbol("s")), () => env.CACHE.read("k", 5), () => env.CACHE.read("k", "text"), () => env.CACHE.read("k", {}), () => env.CACHE.read("k", null), () => env.CACHE.read(key(), undefined), () => env.CACHE.read("k".repeat(2049)), () => env.CACHE.read("ü".repeat(1025)), () => env.CACHE.read("k".repeat(2049), make(1)), () => env.CACHE.read.call({}, "k"), () => env.CACHE.read(new String("k")), () => env.CACHE.read("", make("empty"))),
  "of delete": (env) => tries(() => env.CACHE.delete(), () => env.CACHE.delete(5), () => env.CACHE.delete(null), () => env.CACHE.delete("k".repeat(2049)), () => env.CACHE.delete("k".repeat(2048)), () => env.CACHE.delete.call({}, "k"), () => env.CACHE.delete(Symbol("s"))),
};
export default serve({
  "shape": (env) => [Object.getPrototypeOf(env.CACHE).constructor.name, `read ${env.CACHE.read.length}`, `delete ${env.CACHE.delete.length}`, Object.keys(env.CACHE).length, JSON.stringify(env.CACHE)],
  "read": reads, "fallback": failures, "limit": limits, "wrong": wrong,
});
