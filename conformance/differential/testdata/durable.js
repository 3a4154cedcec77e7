import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { actors, attempt, deferred, describe, failure, serve, show, sleep, tries, within } from "probe.js";

const fresh = (env) => env.ACTOR.get(env.ACTOR.newUniqueId());
const text = async (r) => (await r).text();
const ask = (stub, path, init) => text(stub.fetch("http://actor/" + path, init));
const hex = "0123456789abcdef".repeat(4);
const ns = (fn) => (env) => fn(env.ACTOR, env);
const broken = (e) => failure(e);

// What happens within one actor that has no other visitor.
const inside = {
  "ctx: members": (s, ctx) => describe(Object.getPrototypeOf(ctx)),
  "ctx: own": (s, ctx) => [Object.keys(ctx), Object.prototype.toString.call(ctx), ctx.constructor.name],
  "ctx: id": (s, ctx) => [/^[0-9a-f]{64}$/.test(String(ctx.id)), ctx.id.name, ctx.id.jurisdiction, ctx.id === ctx.id, ctx.id.equals(ctx.id), ctx.id.constructor.name],
  "ctx: storage": (s, ctx) => [ctx.storage === ctx.storage, ctx.storage.constructor.name],
  "ctx: props": (s, ctx) => [show(ctx.props), ctx.props === ctx.props, Object.isFrozen(ctx.props)],
  "ctx: writes to members": (s, ctx) => tries(() => { ctx.id = 1; }, () => { ctx.storage = 1; }, () => { ctx.extra = 1; return ctx.extra; }, () => { delete ctx.id; return typeof ctx.id; }),
  "ctx: waitUntil": (s, ctx) => tries(() => ctx.waitUntil(), () => ctx.waitUntil(5), () => ctx.waitUntil(null), () => ctx.waitUntil(Promise.resolve()), () => ctx.waitUntil({ then(f) { f(); } }), () => (0, ctx.waitUntil)(1)),
  "ctx: blockConcurrencyWhile, wrong": (s, ctx) => tries(() => ctx.blockConcurrencyWhile(), () => ctx.blockConcurrencyWhile(null), () => ctx.blockConcurrencyWhile(5), () => ctx.blockConcurrencyWhile(Promise.resolve())),
  "ctx: blockConcurrencyWhile, values": (s, ctx) => tries(() => ctx.blockConcurrencyWhile(() => 5), () => ctx.blockConcurrencyWhile(async () => 6), () => ctx.blockConcurrencyWhile(() => {}), () => ctx.blockConcurrencyWhile(async () => ({ a: 1 })), () => ctx.blockConcurrencyWhile(function () { return [typeof this, this === globalThis, this === ctx, arguments.length]; }), () => ctx.blockConcurrencyWhile(() => ({ then: (f) => f("thenable") }))),
  "ctx: blockConcurrencyWhile, nested": (s, ctx) => ctx.blockConcurrencyWhile(async () => [await ctx.blockConcurrencyWhile(async () => 1), await ctx.blockConcurrencyWhile(async () => ctx.blockConcurrencyWhile(async () => 2))]),
  "ctx: blockConcurrencyWhile, when it starts": async (s, ctx) => { const log = []; const p = ctx.blockConcurrencyWhile(async () => { log.push("inside"); await sleep(1); log.push("still"); }); log.push("after call"); await Promise.resolve(); log.push("microtask"); await p; log.push("done"); return log; },
  "ctx: blockConcurrencyWhile, two": async (s, ctx) => { const log = []; const f = (n) => ctx.blockConcurrencyWhile(async () => { log.push("begin " + n); await sleep(3); log.push("end " + n); }); await Promise.all([f(1), f(2), f(3)]); return log; },
  "ctx: blockConcurrencyWhile, timers wait": async (s, ctx) => { const log = []; setTimeout(() => log.push("timer"), 1); await ctx.blockConcurrencyWhile(async () => { log.push("begin"); await sleep(20); log.push("end"); }); log.push("out"); await sleep(5); return log; },
  "ctx: blockConcurrencyWhile, inner timers": async (s, ctx) => { const log = []; await ctx.blockConcurrencyWhile(async () => { setTimeout(() => log.push("inner"), 1); await sleep(10); log.push("end"); }); return log; },
  "ctx: exports of the class": (s, ctx) => show(typeof ctx.exports),
  "this": function (s, ctx) { return [this.constructor.name, this instanceof DurableObject, Object.keys(this).join(), typeof this.env, this.ctx === ctx]; },
  "no alarm handler": (s) => tries(() => s.setAlarm(Date.now() + 1e6), () => s.getAlarm(), () => s.deleteAlarm(), () => s.setAlarm(-1), () => s.setAlarm("x")),
  "timers": async () => { const log = []; setTimeout(() => log.push("b"), 6); setTimeout(() => log.push("a"), 1); setTimeout(() => log.push("zero"), 0); queueMicrotask(() => log.push("micro")); await sleep(20); return log; },
  "subrequest of itself": async function (s, ctx) { const own = this.env.ACTOR.get(ctx.id); return ask(own, "echo?again"); },
};

// How an actor can abort itself. What would run on afterwards tells t, which all actors
// share with the script.
const ways = {
  "in try": (die, t) => { try { die(); t("after"); } catch { t("catch"); } finally { t("finally"); } },
  "async": async (die, t) => { try { await 1; die(); t("after"); } catch { t("catch"); } finally { t("finally"); } },
  "with jobs queued": (die, t) => { for (let i = 0; i < 3; i++) Promise.resolve().then(() => t("job")); die(); },
  "with a timer": (die, t) => { setTimeout(() => t("timer"), 0); die(); },
  "in a job": async (die, t) => { Promise.resolve().then(die).finally(() => t("finally")).then(() => t("then"), () => t("rejected")); await sleep(20); t("after"); },
  "in a generator": (die, t) => { for (const x of (function* () { try { yield 1; yield* (function* () { try { yield 2; die(); } finally { t("inner"); } })(); } finally { t("outer"); } })()) ; t("after"); },
  "in for of": (die, t) => { for (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: 1 }), return() { t("return"); return {}; } }) }) die(); },
  "in natives": (die, t) => { [2, 1].sort(() => JSON.parse("[1]", () => "a".replace("a", () => new Proxy({}, { get() { try { die(); } finally { t("finally"); } } }).x))); t("after"); },
  "in waitUntil": async (die, t, ctx) => { ctx.waitUntil((async () => { try { await 1; die(); } finally { t("finally"); } })()); await sleep(50); t("after"); },
  "in a block": async (die, t, ctx) => { try { await ctx.blockConcurrencyWhile(async () => { try { await 1; die(); } finally { t("inner"); } }); t("after"); } finally { t("outer"); } },
  "in a transaction": async (die, t, ctx) => { try { await ctx.storage.transaction(async (txn) => { try { await txn.put("written", 1); die(); } finally { t("inner"); } }); } finally { t("outer"); } },
  "after a put": (die, t, ctx) => { ctx.storage.put("written", 1); die(); },
  "after settling for others": (die, t) => { shared.resolve("settled"); die(); },
};
let shared;
const aborting = (way) => async (env) => {
  const s = fresh(env), told = [], waiting = [];
  tell = (what) => told.push(what);
  shared = Promise.withResolvers();
  waiting.push(shared.promise.then((v) => v + " here"), ask(fresh(env), "wait for others"));
  await sleep(5);
  const failed = await attempt(() => ask(s, "abort in?" + encodeURIComponent(way)));
  shared.resolve("by the script");
  await sleep(60);
  return [failed, told, await Promise.all(waiting), await attempt(() => ask(s, "log")), await attempt(() => ask(env.ACTOR.get(s.id), "written"))];
};
let tell = () => {};

export class Actor extends DurableObject {
  log = [];
  async fetch(request) {
    const url = new URL(request.url);
    const name = decodeURIComponent(url.pathname.slice(1));
    const s = this.ctx.storage, log = this.log, q = url.search.slice(1);
    switch (name) {
      case "arguments": return new Response(show([...arguments].map((a) => a?.constructor?.name ?? String(a))));
      case "echo": return new Response([request.method, url.href, q, await request.text()].join(" "));
      case "throw": throw Object.assign(new RangeError("no good"), { extra: 1, retryable: q === "r" || undefined, overloaded: q === "o" || undefined });
      case "throw text": throw "just text";
      case "throw undefined": throw undefined;
      case "throw object": throw { a: 1 };
      case "throw own": { class Own extends Error { name = "Own"; } throw new Own("own"); }
      case "throw dom": throw new DOMException("dom", "AbortError");
      case "throw dom odd": throw new DOMException("dom", "OddError");
      case "throw cause": throw new Error("outer", { cause: new TypeError("inner") });
      case "throw empty": throw new TypeError();
      case "throw remote": throw Object.assign(new Error("said"), { remote: true, durableObjectReset: true });
      case "nothing": return undefined;
      case "null": return null;
      case "text": return "text";
      case "object": return { status: 200 };
      case "abort": this.ctx.abort(...(q ? [decodeURIComponent(q)] : [])); return new Response("not reached");
      case "abort caught": try { this.ctx.abort("first"); } catch (e) { return new Response("caught"); } return new Response("went on");
      case "abort later": setTimeout(() => this.ctx.abort("later"), 5); await sleep(1000); return new Response("not reached");
      case "abort wrong": this.ctx.abort(Symbol("x")); break;
      case "abort object": this.ctx.abort({ toString: () => "as text" }); break;
      case "abort error": this.ctx.abort(new RangeError("an error")); break;
      case "abort written": await s.put("written", 1); this.ctx.abort("after put"); break;
      case "abort synced": await s.put("written", 1); await s.sync(); this.ctx.abort("after sync"); break;
      case "abort in": await ways[decodeURIComponent(q)](() => this.ctx.abort("in " + q), (what) => tell(what), this.ctx); tell("at the end"); return new Response("not reached");
      case "abort retryAlarm": this.ctx.abort("retry", { retryAlarm: q === "1" }); break;
      case "abort options": this.ctx.abort("options", 5); break;
      case "wait for others": return new Response((await shared.promise) + " there");
      case "block throw": await this.ctx.blockConcurrencyWhile(async () => { throw new TypeError("in block"); }); break;
      case "block throw caught": try { await this.ctx.blockConcurrencyWhile(async () => { throw new TypeError("in block"); }); } catch (e) { return new Response("caught " + e); } break;
      case "block throw text": await this.ctx.blockConcurrencyWhile(() => { throw "text"; }); break;
      case "written": return new Response(show(await s.get("written")));
      case "note": log.push(q); return new Response(log.join());
      case "log": return new Response(log.join());
      // Interleavings: q is the visitor's name.
      case "by get": for (let i = 0; i < 3; i++) { log.push(q + i); await s.get("k" + q + i); } return new Response();
      case "by put": for (let i = 0; i < 3; i++) { log.push(q + i); await s.put("k", i); } return new Response();
      case "by list": for (let i = 0; i < 3; i++) { log.push(q + i); await s.list(); } return new Response();
      case "by sync": for (let i = 0; i < 3; i++) { log.push(q + i); s.put("k", q + i); await s.sync(); } return new Response();
      case "by sleep": for (let i = 0; i < 3; i++) { log.push(q + i); await sleep(10); } return new Response();
      case "by concurrent get": for (let i = 0; i < 3; i++) { log.push(q + i); await s.get("c" + q + i, { allowConcurrency: true }); } return new Response();
      case "by transaction": await s.transaction(async () => { log.push(q + 0); await sleep(5); log.push(q + 1); }); log.push(q + 2); return new Response();
      case "by block": await this.ctx.blockConcurrencyWhile(async () => { log.push(q + 0); await sleep(5); log.push(q + 1); }); log.push(q + 2); return new Response();
      case "by body": log.push(q + 0); await request.text(); log.push(q + 1); return new Response();
      case "by self": log.push(q + 0); await this.env.OTHER.fetch("http://x/"); log.push(q + 1); return new Response();
      case "count": { const n = ((await s.get("n")) ?? 0) + 1; await s.put("n", n); return new Response(String(n)); }
      case "slow count": { const n = ((await s.get("n")) ?? 0) + 1; await sleep(2); await s.put("n", n); return new Response(String(n)); }
      case "id": return new Response(`${this.ctx.id} ${this.ctx.id.name}`);
      case "background": this.ctx.waitUntil((async () => { await sleep(10); await s.put("written", "background"); })()); return new Response("at once");
      case "background throw": this.ctx.waitUntil((async () => { await sleep(1); throw new Error("unseen"); })()); return new Response("at once");
      case "unhandled": Promise.reject(new Error("unseen")); return new Response("at once");
      case "stream": { const { readable, writable } = new TransformStream(); const w = writable.getWriter(); this.ctx.waitUntil((async () => { for (const c of "abc") { await sleep(2); await w.write(new TextEncoder().encode(c)); } await w.close(); })()); return new Response(readable); }
      case "stream error": return new Response(new ReadableStream({ async pull(c) { c.enqueue(new TextEncoder().encode("part")); await sleep(1); c.error(new Error("mid-stream")); } }));
      case "headers": return new Response(null, { status: 204, statusText: "Odd", headers: [["a", "b"], ["set-cookie", "1"], ["set-cookie", "2"]] });
      case "redirect": return Response.redirect("http://elsewhere/", 302);
    }
    return within(this, inside, request);
  }
  notFetch() { return 1; }
}

export class Failing extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    if (ctx.id.name === "throws") throw new RangeError("constructor");
    if (ctx.id.name === "throws text") throw "constructor";
    if (ctx.id.name === "aborts") ctx.abort("constructor abort");
    if (ctx.id.name === "blocks") ctx.blockConcurrencyWhile(async () => { await sleep(2); throw new TypeError("constructor block"); });
    if (ctx.id.name === "writes") ctx.storage.put("a", 1);
    if (ctx.id.name === "reads") ctx.blockConcurrencyWhile(async () => { this.a = await ctx.storage.get("a"); });
    if (ctx.id.name === "alarm") ctx.storage.setAlarm(Date.now() + 1e6);
    if (ctx.id.name === "object") return { fetch() { return new Response("another object"); } };
    if (ctx.id.name === "timer") setTimeout(() => { this.a = "timer"; }, 1);
    if (ctx.id.name === "fetches") this.p = env.OTHER.fetch("http://x/").then((r) => r.text());
  }
  async fetch() {
    if (this.ctx.id.name === "timer") await sleep(10);
    return new Response(show([this.a, await this.p, await this.ctx.storage.get("a"), typeof (await this.ctx.storage.getAlarm())]));
  }
}

export class NoFetch extends DurableObject { fetcher() {} }
export class BadFetch extends DurableObject { fetch = 5; }
export class GetterFetch extends DurableObject { get fetch() { throw new TypeError("getter"); } }
export class Plain { constructor(ctx, env) { this.ctx = ctx; this.env = env; } fetch(...args) { return new Response(show([args.map((a) => a?.constructor?.name), args[1] === this.env, args[2] === this.ctx, this.ctx.constructor.name, typeof this.env.ACTOR])); } }
export class Other extends WorkerEntrypoint { async fetch() { await sleep(3); return new Response("other"); } }

export class Ringing extends DurableObject {
  async fetch(request) {
    const p = decodeURIComponent(new URL(request.url).pathname.slice(1));
    if (p === "set") { await this.ctx.storage.setAlarm(Date.now() + 5); return new Response(); }
    if (p === "set twice") { await this.ctx.storage.setAlarm(Date.now() + 1e6); await this.ctx.storage.setAlarm(Date.now() + 5); return new Response(); }
    if (p === "set again") { await this.ctx.storage.put("again", 1); await this.ctx.storage.setAlarm(Date.now() + 5); return new Response(); }
    if (p === "set past") { await this.ctx.storage.setAlarm(1); return new Response(); }
    if (p === "cancel") { await this.ctx.storage.setAlarm(Date.now() + 10); await this.ctx.storage.deleteAlarm(); await sleep(40); }
    return new Response(show(await this.ctx.storage.get("log")));
  }
  async alarm(info) {
    const s = this.ctx.storage;
    const log = (await s.get("log")) ?? [];
    log.push([Object.keys(info), info.isRetry, info.retryCount, typeof info.scheduledTime, describe(info), info.constructor.name, arguments.length, await s.getAlarm(), this.ctx.id.name]);
    if (await s.get("again")) { await s.delete("again"); await s.setAlarm(Date.now() + 5); log.push(typeof (await s.getAlarm())); }
    await s.put("log", log);
  }
}

// concurrently runs several visits of one actor, each on a stub of its own or on one.
const concurrently = (paths, one = true) => async (env) => {
  const stub = fresh(env);
  await ask(stub, "log");
  await Promise.all(paths.map((p) => ask(one ? stub : env.ACTOR.get(stub.id), p)));
  return ask(stub, "log");
};
// then tells how a call fails, how the same stub fails afterwards, and what a new stub gives.
const then = (path, next = "written") => async (env) => {
  const stub = fresh(env);
  return tries(() => ask(stub, path), () => ask(stub, next), () => ask(env.ACTOR.get(stub.id), next));
};
const failing = (name) => async (env) => tries(() => ask(env.FAILING.getByName(name), ""), () => ask(env.FAILING.getByName(name), ""), async () => { const s = env.FAILING.getByName(name); await ask(s, "").catch(() => {}); return ask(s, ""); });
const ring = (path) => async (env) => {
  const s = env.RINGING.getByName("ring " + path);
  await ask(s, path);
  for (let i = 0; i < 100; i++) {
    const log = await ask(s, "log");
    if (log !== "undefined" && (path !== "set again" || log.split("AlarmInvocationInfo").length > 2)) return log;
    await sleep(20);
  }
  return "no alarm";
};

const probes = {
  "namespace: members": ns((n) => [describe(Object.getPrototypeOf(n)), Object.keys(n), n.constructor.name, Object.prototype.toString.call(n)]),
  "namespace: constructors": () => tries(() => new DurableObjectNamespace(), () => new DurableObjectId(), () => new DurableObjectState(), () => new DurableObjectStorage(), () => new DurableObjectTransaction(), () => DurableObjectId()),
  "namespace: globals": () => ["DurableObject", "DurableObjectNamespace", "DurableObjectId", "DurableObjectStub", "DurableObjectState", "DurableObjectStorage", "DurableObjectTransaction", "Fetcher", "WebSocketRequestResponsePair", "DurableObjectStorageOperations"].map((k) => `${k} ${typeof globalThis[k]}`),
  "id: members": ns((n) => [describe(Object.getPrototypeOf(n.newUniqueId())), Object.keys(n.newUniqueId()), n.newUniqueId().constructor.name, JSON.stringify(n.newUniqueId()), JSON.stringify(n.idFromName("x")), Object.prototype.toString.call(n.newUniqueId())]),
  "id: names": ns((n) => { const out = []; for (const name of ["x", "", "\u20ac", "a".repeat(2000), "\0", 5, null, undefined, {}, [1, 2], true]) { const id = n.idFromName(name); out.push([String(id).length, id.name?.length > 50 ? id.name.length : id.name]); } return out; }),
  "id: of names": ns((n) => ["x", "", "\u20ac", "a b", "A", 5, null].map((v) => String(n.idFromName(v)))),
  "id: surrogate name": ns((n) => String(n.idFromName("\ud800")) === String(n.idFromName("\ufffd"))),
  "id: name missing": ns((n) => tries(() => n.idFromName(), () => n.idFromName(Symbol("x")), () => n.idFromName({ toString() { throw new RangeError("t"); } }))),
  "id: from wrong text": ns((n) => tries(...["", "abc", hex, hex.toUpperCase(), hex + "0", "g".repeat(64), null, undefined, 5, {}, " " + hex.slice(1), "0x" + hex.slice(2), "\u20ac".repeat(64)].map((v) => () => n.idFromString(v)), () => n.idFromString(), () => n.idFromString(Symbol("x")))),
  "id: from text": ns((n) => { const a = n.idFromName("x"), b = n.idFromString(String(a)), u = n.newUniqueId(), v = n.idFromString(u.toString()); return [a.equals(b), b.equals(a), b.name, u.equals(v), u.equals(a), a === b, v.name]; }),
  "id: from upper case": ns((n) => { const a = n.idFromName("x"); return n.idFromString(String(a).toUpperCase()).equals(a); }),
  "id: of another namespace": ns((n, env) => tries(() => n.idFromString(String(env.FAILING.idFromName("x"))), () => n.get(env.FAILING.idFromName("x")), () => n.get(env.FAILING.newUniqueId()))),
  "id: of another namespace, used": ns((n, env) => tries(() => ask(n.get(env.FAILING.idFromName("x")), "log"))),
  "id: equals, wrong": ns((n) => { const a = n.newUniqueId(); return tries(() => a.equals(), () => a.equals(null), () => a.equals(String(a)), () => a.equals({}), () => a.equals(a)); }),
  "id: detached": ns((n) => { const a = n.newUniqueId(); return tries(() => a.toString.call({}), () => (0, a.equals)(a), () => Object.getOwnPropertyDescriptor(Object.getPrototypeOf(a), "name")?.get?.call({})); }),
  "id: unique": ns((n) => [n.newUniqueId().equals(n.newUniqueId()), n.newUniqueId().name, n.newUniqueId({}).name, n.newUniqueId(null).name]),
  "id: unique, options": ns((n) => tries(() => n.newUniqueId(5), () => n.newUniqueId("x"), () => n.newUniqueId({ jurisdiction: "eu" }), () => n.newUniqueId({ jurisdiction: "" }), () => n.newUniqueId({ jurisdiction: undefined }) instanceof Object, () => n.newUniqueId({ jurisdiction: null }) instanceof Object, () => n.newUniqueId({ jurisdiction: 5 }))),
  "id: jurisdiction": ns((n) => tries(() => n.jurisdiction("eu"), () => n.jurisdiction(), () => n.jurisdiction(undefined).constructor.name, () => n.jurisdiction(null).constructor.name, () => n.jurisdiction(""), () => n.jurisdiction(undefined).idFromName("x").equals(n.idFromName("x")))),
  "id: writes": ns((n) => { const a = n.idFromName("x"); return tries(() => { try { a.name = "y"; } catch (e) { return e.name; } }, () => { a.extra = 1; return a.extra; }, () => { delete a.name; return a.name; }); }),
  "id: as key": ns((n) => { const m = new Map([[n.idFromName("x"), 1]]); return [m.get(n.idFromName("x")), `${n.idFromName("x")}`.length, n.idFromName("x") + "" === String(n.idFromName("x"))]; }),

  "stub: own": ns((n) => { const a = n.get(n.idFromName("x")), b = n.get(n.newUniqueId()); return [Object.keys(a), Object.keys(b), describe(a), describe(b), a.name, b.name, a.constructor.name, Object.prototype.toString.call(a)]; }),
  "stub: id": ns((n) => { const id = n.idFromName("x"); const a = n.get(id); return [a.id === id, a.id === a.id, a.id.equals(id), a.id.name, n.getByName("x").id.equals(id), n.getByName("x").name]; }),
  "stub: writes": ns((n) => { const a = n.get(n.idFromName("x")); return tries(() => { try { a.name = "y"; } catch (e) { return e.name; } }, () => { try { a.id = 1; } catch (e) { return e.name; } }); }),
  "stub: deleted members": ns((n) => { const a = n.get(n.idFromName("x")); delete a.id; return typeof a.id; }),
  "stub: wrong ids": ns((n) => tries(() => n.get(), () => n.get(null), () => n.get("x"), () => n.get(hex), () => n.get({}), () => n.get(5), () => n.getByName(), () => n.getByName(Symbol("x")), () => typeof n.getByName(5).fetch)),
  "stub: options": ns((n) => { const id = n.idFromName("x"); return tries(() => n.get(id, null).name, () => n.get(id, undefined).name, () => n.get(id, 5), () => n.get(id, "x"), () => n.get(id, {}).name, () => n.get(id, { locationHint: "wnam" }).name, () => n.get(id, { locationHint: 5 }).name, () => n.get(id, { locationHint: "nowhere" }).name, () => n.get(id, { routingMode: "primary-only" }).name, () => n.get(id, { routingMode: "odd" }), () => n.get(id, { routingMode: null }), () => n.get(id, { routingMode: undefined }).name, () => n.getByName("x", { routingMode: "odd" }), () => n.getByName("x", 5), () => n.get(id, { get locationHint() { throw new RangeError("hint"); } })); }),
  "stub: fetch, wrong": ns((n, env) => { const s = fresh(env); return tries(() => s.fetch(), () => s.fetch("/relative"), () => s.fetch(""), () => s.fetch("ftp://x/"), () => s.fetch(null), () => s.fetch({}), () => s.fetch(Symbol("x")), () => (0, s.fetch)("http://x/"), () => s.fetch.call({}, "http://x/"), () => s.fetch("http://x/", { method: "GET", body: "x" }), () => s.fetch("http://x/", 5), () => s.fetch("http://x/", { signal: 5 }), () => s.fetch("http://x/", { redirect: "odd" }), () => s.fetch("http://x/", { method: "a b" })); }),
  "stub: fetch, forms": (env) => { const s = fresh(env); return tries(() => ask(s, "echo?q"), () => text(s.fetch(new URL("http://user:pw@h:81/echo?u#frag"))), () => text(s.fetch(new Request("http://h/echo", { method: "POST", body: "req" }))), () => text(s.fetch(new Request("http://h/echo", { method: "POST", body: "req" }), { body: "init" })), () => text(s.fetch("http://h/echo", { method: "put", body: "b" })), () => text(s.fetch("http://h/echo", { method: "patch", body: "b" })), () => text(s.fetch("HTTP://H:80/echo/../echo")), () => text(s.fetch("http://h/echo", { method: "POST", body: new URLSearchParams({ a: "1" }) })), () => text(s.fetch("http://h/echo", { method: "POST", body: new Blob(["blob"]) }))); },
  "stub: responses": (env) => { const s = fresh(env); return tries(() => ask(s, "nothing"), () => ask(s, "null"), () => ask(s, "text"), () => ask(s, "object")); },
  "stub: response headers": async (env) => { const r = await fresh(env).fetch("http://x/headers"); return [r.status, r.statusText, [...r.headers], r.url, r.ok, r.redirected, r.type, r.body === null, r.headers.getSetCookie()]; },
  "stub: redirects": async (env) => { const s = fresh(env); return tries(async () => (await s.fetch("http://x/redirect", { redirect: "manual" })).status, () => s.fetch("http://x/redirect", { redirect: "error" }), async () => (await s.fetch("http://x/redirect", { redirect: "manual" })).headers.get("location")); },
  "stub: stream": (env) => ask(fresh(env), "stream"),
  "stub: stream error": async (env) => { const r = await fresh(env).fetch("http://x/stream error"); return attempt(() => r.text()); },
  "stub: missing fetch": (env) => tries(() => ask(env.NOFETCH.getByName("a"), ""), () => ask(env.BADFETCH.getByName("a"), ""), () => ask(env.GETTERFETCH.getByName("a"), "")),
  "stub: plain class": (env) => ask(env.PLAIN.getByName("a"), ""),
  "stub: arguments of fetch": (env) => ask(fresh(env), "arguments"),
  "stub: not a promise": (env) => [typeof fresh(env).then, "then" in fresh(env), typeof fresh(env).toString],
  "stub: name inside": async (env) => { const id = env.ACTOR.idFromName("named"); const u = env.ACTOR.newUniqueId(); const long = "n".repeat(1025); return [await ask(env.ACTOR.get(id), "id") === `${id} named`, await ask(env.ACTOR.get(u), "id") === `${u} undefined`, (await ask(env.ACTOR.getByName(long), "id")).endsWith(" undefined"), (await ask(env.ACTOR.getByName(long.slice(1)), "id")).endsWith("n")]; },
  "stub: name from text": async (env) => { const id = env.ACTOR.idFromString(String(env.ACTOR.idFromName("kept"))); const first = (await ask(env.ACTOR.get(id), "id")).slice(65); return [first, (await ask(env.ACTOR.getByName("kept"), "id")).slice(65), (await ask(env.ACTOR.get(id), "id")).slice(65)]; },

  "throw: error": async (env) => tries(...["throw", "throw?r", "throw?o", "throw text", "throw undefined", "throw dom", "throw dom odd", "throw cause", "throw empty", "throw remote"].map((p) => () => ask(fresh(env), p))),
  "throw: named error": (env) => ask(fresh(env), "throw own"),
  "throw: object": (env) => ask(fresh(env), "throw object"),
  "throw: own properties": async (env) => { const e = await ask(fresh(env), "throw").catch((e) => e); return [Object.keys(e).sort(), e.extra, e instanceof RangeError, e.cause, typeof e.stack, e.stack.split("\n")[0]]; },
  "throw: breaks nothing": then("throw"),
  "throw: text breaks nothing": then("throw text"),
  "abort: no reason": then("abort"),
  "abort: reason": then("abort?why not"),
  "abort: caught": then("abort caught"),
  "abort: later": then("abort later"),
  "abort: wrong reason": then("abort wrong"),
  "abort: object": then("abort object"),
  "abort: error": then("abort error"),
  "abort: written": then("abort written"),
  "abort: synced": then("abort synced"),
  "abort: others": async (env) => { const s = fresh(env); const other = env.ACTOR.get(s.id); await ask(other, "log"); const p = attempt(() => ask(other, "by sleep?x")); await sleep(2); return [await attempt(() => ask(s, "abort?bye")), await p, await attempt(() => ask(other, "log")), await attempt(() => ask(env.ACTOR.get(s.id), "log"))]; },
  "abort: retryAlarm": then("abort retryAlarm?0"),
  "abort: wrong options": then("abort options"),
  ...Object.fromEntries(Object.keys(ways).map((way) => ["abort: " + way, aborting(way)])),
  "block: throw": then("block throw"),
  "block: throw caught": then("block throw caught"),
  "block: throw text": then("block throw text"),
  "constructor: throws": failing("throws"),
  "constructor: throws text": failing("throws text"),
  "constructor: aborts": failing("aborts"),
  "constructor: blocks and throws": failing("blocks"),
  "constructor: writes": failing("writes"),
  "constructor: reads": failing("reads"),
  "constructor: alarm": failing("alarm"),
  "constructor: another object": failing("object"),
  "constructor: timer": failing("timer"),
  "constructor: fetches": failing("fetches"),

  "order: one stub": async (env) => { const s = fresh(env); await Promise.all(Array.from({ length: 20 }, (_, i) => ask(s, "note?" + i))); return ask(s, "log"); },
  "order: two stubs": async (env) => { const s = fresh(env), u = env.ACTOR.get(s.id); await Promise.all(Array.from({ length: 10 }, (_, i) => ask(i % 2 ? s : u, "note?" + i))); return ask(s, "log"); },
  "order: with bodies": async (env) => { const s = fresh(env); await Promise.all(Array.from({ length: 6 }, (_, i) => s.fetch("http://x/note?" + i, { method: "POST", body: i % 2 ? "x" : new Blob(["y"]).stream() }))); return ask(s, "log"); },
  "gate: gets": concurrently(["by get?a", "by get?b"]),
  "gate: puts": concurrently(["by put?a", "by put?b"]),
  "gate: lists": concurrently(["by list?a", "by list?b"]),
  "gate: timers": concurrently(["by sleep?a", "by sleep?b"]),
  "gate: syncs": concurrently(["by sync?a", "by sync?b"]),
  "gate: transactions": concurrently(["by transaction?a", "by transaction?b", "note?c"]),
  "gate: blocks": concurrently(["by block?a", "by block?b", "note?c"]),
  "gate: block and timers": concurrently(["by sleep?a", "by block?b", "note?c"]),
  "gate: get and note": concurrently(["by get?a", "note?b", "by put?c", "note?d"]),
  "gate: fetch": concurrently(["by self?a", "by self?b", "note?c"]),
  "gate: atomic count": async (env) => { const s = fresh(env); return (await Promise.all(Array.from({ length: 10 }, () => ask(s, "count")))).join(); },
  "gate: count with a timer": async (env) => { const s = fresh(env); return (await Promise.all(Array.from({ length: 5 }, () => ask(s, "slow count")))).join(); },
  "background: work": async (env) => { const s = fresh(env); const a = await ask(s, "background"); await sleep(60); return [a, await ask(s, "written")]; },
  "background: throws": then("background throw"),
  "background: unhandled": then("unhandled"),
  "alarm: runs": ring("set"),
  "alarm: moved": ring("set twice"),
  "alarm: again": ring("set again"),
  "alarm: past": ring("set past"),
  "alarm: canceled": async (env) => ask(env.RINGING.getByName("canceled"), "cancel"),

  "cancel: before": async (env) => { const s = fresh(env); const c = new AbortController(); c.abort(); return attempt(() => s.fetch("http://x/log", { signal: c.signal })); },
  "cancel: during": async (env) => { const s = fresh(env); const c = new AbortController(); setTimeout(() => c.abort(), 5); return tries(() => s.fetch("http://x/by sleep?a", { signal: c.signal }), () => ask(s, "note?b").then((t) => t.includes("b"))); },
  "cancel: reason": async (env) => { const s = fresh(env); const c = new AbortController(); setTimeout(() => c.abort(new RangeError("mine")), 5); return attempt(() => s.fetch("http://x/by sleep?a", { signal: c.signal })); },
  "service: binding": (env) => tries(() => ask(env.OTHER, ""), () => Object.keys(env.OTHER), () => env.OTHER.constructor.name, () => env.OTHER.fetch("/x"), () => env.OTHER.fetch()),
  "subclass: without super": () => tries(() => new (class extends DurableObject { constructor() { } })(), () => new DurableObject(), () => new DurableObject(1, 2), () => new WorkerEntrypoint(), () => DurableObject()),
};

export default serve(actors(inside, probes));
