// Calls: how long stubs live, what errors carry, streams that are cancelled midway.
import { DurableObject, RpcStub, RpcTarget, WorkerEntrypoint, env as globalEnv, exports as globalExports, waitUntil } from "cloudflare:workers";
import unsafe from "workerd:unsafe";
import { serve, show, showError, sleep, deferred, attempt } from "probe.js";

const log = [];
const take = () => log.splice(0);
const settle = async (n = 1, ms = 2000) => { const end = Date.now() + ms; while (log.length < n && Date.now() < end) await sleep(5); await sleep(15); return take(); };

class Target extends RpcTarget {
  #secret = 7; visible = 8;
  constructor(name = "t") { super(); this.name = name; }
  static of(name) { return new Target(name); }
  add(a, b) { return a + b; }
  get secret() { return this.#secret; }
  get throwing() { throw new TypeError("getter threw"); }
  get fn() { return () => "from a getter"; }
  get obj() { return { a: { b: 3 }, f: (x) => x * 2 }; }
  get sub() { return new Target(this.name + ".sub"); }
  get promise() { return Promise.resolve("later"); }
  async slow(ms) { await sleep(ms); return "slow"; }
  fails(m = "failed") { throw new RangeError(m); }
  async failsLater() { await sleep(1); throw new RangeError("later"); }
  self() { return this; }
  who() { return this.name; }
  makeFn() { return (x) => `${this.name} ${x}`; }
  #private() { return 1; }
  _underscore() { return "u"; }
  [Symbol.dispose]() { log.push("disposed " + this.name); }
}
class Derived extends Target { who() { return "derived " + super.who(); } get extra() { return "extra"; } }
class Shape extends Error { constructor(m, o) { super(m, o); this.name = "ShapeError"; this.code = "E_SHAPE"; this.details = { list: [1, new Date(0)], map: new Map([["k", 1]]) }; } }
class Custom extends RangeError { get extra() { return "getter"; } }

const throwers = {
  shape: () => { throw new Shape("bad shape"); },
  custom: () => { const e = new Custom("c"); e.n = 1n; throw e; },
  cause: () => { throw new Error("outer", { cause: new TypeError("inner", { cause: "root" }) }); },
  causeObject: () => { throw new Error("outer", { cause: { a: 1 } }); },
  causeUndefined: () => { throw new Error("outer", { cause: undefined }); },
  aggregate: () => { throw new AggregateError([new TypeError("a"), 5, new DOMException("d", "DataError")], "many", { cause: "c" }); },
  dom: () => { throw new DOMException("dom", "QuotaExceededError"); },
  domCustom: () => { throw new DOMException("dom", "MyOwn"); },
  domProps: () => { const e = new DOMException("dom", "AbortError"); e.extra = 1; throw e; },
  domEmpty: () => { throw new DOMException(); },
  suppressed: () => { if (typeof SuppressedError === "undefined") return "none"; throw new SuppressedError(new Error("e"), new Error("s"), "sup"); },
  frozen: () => { throw Object.freeze(new Error("frozen")); },
  noMessage: () => { throw new Error(); },
  nameless: () => { const e = new Error("m"); e.name = ""; throw e; },
  nameNumber: () => { const e = new Error("m"); e.name = 5; throw e; },
  nameColon: () => { const e = new Error("m"); e.name = "A: B"; throw e; },
  stack: () => { const e = new Error("m"); e.stack = "own stack"; throw e; },
  multi: () => { throw new Error("line1\nline2"); },
  unicode: () => { throw new Error("ünï 😀"); },
  uncloneable: () => { const e = new Error("m"); e.fn = () => 1; e.ok = 1; throw e; },
  symbol: () => { throw Symbol("s"); },
  nil: () => { throw null; },
  undef: () => { throw undefined; },
  string: () => { throw "text"; },
  object: () => { throw { code: 1, message: "obj" }; },
  array: () => { throw [1, 2]; },
  date: () => { throw new Date(5); },
  fn: () => { throw () => 1; },
  stub: () => { const e = new Error("m"); e.stub = new Target("in"); throw e; },
  getter: () => { const e = new Error("m"); Object.defineProperty(e, "bad", { enumerable: true, get() { throw new Error("g"); } }); throw e; },
  getterMessage: () => { const e = new Error("m"); Object.defineProperty(e, "message", { get() { return "own"; } }); throw e; },
  toStringThrows: () => { throw { toString() { throw new Error("t"); } }; },
  response: () => { throw new Response("x", { status: 404 }); },
  circular: () => { const e = new Error("m"); e.self = e; throw e; },
  circularCause: () => { const e = new Error("m"); e.cause = e; throw e; },
  nested: () => { throw new Error("o", { cause: new AggregateError([new Shape("s")], "agg") }); },
  proto: () => { throw Object.create(new Error("p")); },
  nullProto: () => { const e = new Error("np"); Object.setPrototypeOf(e, null); throw e; },
  fakeError: () => { throw Object.assign(Object.create(Error.prototype), { message: "fake" }); },
  evalError: () => { throw new EvalError("ev"); },
  uri: () => decodeURIComponent("%"),
  reference: () => notDefined,
  typeReal: () => null.x,
  syntax: () => JSON.parse("{"),
  abort: () => { const c = new AbortController(); c.abort(); c.signal.throwIfAborted(); },
  abortReason: () => AbortSignal.abort(new Shape("why")).throwIfAborted(),
  timeout: async () => { const s = AbortSignal.timeout(1); await sleep(30); s.throwIfAborted(); },
  retryable: () => { const e = new Error("r"); e.retryable = true; throw e; },
  overloaded: () => { const e = new Error("o"); e.overloaded = true; throw e; },
  reset: () => { const e = new Error("d"); e.durableObjectReset = true; throw e; },
  remote: () => { const e = new Error("m"); e.remote = true; throw e; },
  prefix: () => { throw new Error("jsg.TypeError: hidden"); },
  prefixRemote: () => { throw new Error("remote.jsg.TypeError: hidden"); },
  broken: () => { throw new Error("broken.exceededCpu; jsg.Error: x"); },
  big: () => { throw new Error("x".repeat(100000)); },
  bigProps: () => { const e = new Error("m"); e.p = "y".repeat(1 << 20); throw e; },
  headers: () => { const e = new Error("m"); e.h = new Headers({ a: "b" }); throw e; },
};

export class Svc extends WorkerEntrypoint {
  async fetch(r) { throwers[new URL(r.url).pathname.slice(1)](); }
  target(name) { return new Target(name); }
  derived() { return new Derived("d"); }
  several() { return { a: new Target("a"), b: new Target("b"), n: 1, [Symbol.dispose]() { log.push("disposed result"); } }; }
  throws(kind) { return throwers[kind](); }
  async throwsIn(kind) { return throwers[kind](); }
  async keep(stub) { globalThis.kept = stub; log.push("kept"); }
  async keepDup(stub) { globalThis.kept = stub.dup(); log.push("kept"); }
  async useKept(...args) { try { return await globalThis.kept(...args); } finally { globalThis.kept?.[Symbol.dispose]?.(); } }
  async later(cb, ms = 20) { this.ctx.waitUntil((async () => { await sleep(ms); try { log.push("late " + await cb("x")); } catch (e) { log.push("late failed " + showError(e)); } })()); return "returned"; }
  async laterDup(cb, ms = 20) { const d = cb.dup(); this.ctx.waitUntil((async () => { using dd = d; await sleep(ms); try { log.push("late " + await d("x")); } catch (e) { log.push("late failed " + showError(e)); } })()); return "returned"; }
  async waits() { this.ctx.waitUntil(sleep(20).then(() => log.push("waited"))); return "returned"; }
  async waitsGlobal() { waitUntil(sleep(20).then(() => log.push("waited"))); return "returned"; }
  async waitsRejects() { this.ctx.waitUntil(Promise.reject(new Error("in waitUntil"))); return "returned"; }
  async usesArg(t) { using x = t; return await x.who(); }
  async disposesArg(t) { t[Symbol.dispose](); try { return await t.who(); } catch (e) { return showError(e); } }
  async callTwice(cb) { return [await cb(1), await cb(2)]; }
  async cbReturns(cb) { const v = await cb(); return typeof v === "function" ? await v() : v; }
  async readAll(stream) { const out = []; for await (const c of stream) out.push(typeof c === "string" ? c : new TextDecoder().decode(c)); return out; }
  async readSome(stream, n) { const r = stream.getReader(); const out = []; for (let i = 0; i < n; i++) { const { value, done } = await r.read(); out.push(done ? "done" : new TextDecoder().decode(value)); } await r.cancel(new RangeError("enough")); return out; }
  async dropStream(stream) { return "dropped"; }
  async readFails(stream) { const out = []; try { for await (const c of stream) out.push(new TextDecoder().decode(c)); } catch (e) { out.push(showError(e)); } return out; }
  source(n, how) {
    let i = 0;
    return new ReadableStream({ type: "bytes",
      pull(c) { if (i < n) c.enqueue(new TextEncoder().encode("c" + i++)); else if (how === "error") c.error(new Shape("source broke")); else if (how === "hang") return new Promise(() => {}); else c.close(); },
      cancel(r) { log.push("source cancelled " + (r instanceof Error ? showError(r) : show(r))); },
    });
  }
  objectSource() { return new ReadableStream({ start(c) { c.enqueue({ a: 1 }); c.enqueue("text"); c.close(); } }); }
  textSource() { return new ReadableStream({ start(c) { c.enqueue("text"); c.close(); } }); }
  async writeTo(w, n, how) { const wr = w.getWriter(); for (let i = 0; i < n; i++) await wr.write(new TextEncoder().encode("w" + i)); if (how === "abort") await wr.abort(new Shape("writer gave up")); else if (how === "leave") return "left"; else await wr.close(); return "closed"; }
  async writeFails(w) { const wr = w.getWriter(); try { for (let i = 0; i < 50; i++) { await wr.write(new TextEncoder().encode("w" + i)); await sleep(2); } await wr.close(); return "closed"; } catch (e) { return showError(e); } }
  sink() { return new WritableStream({ write(c) { log.push("sink " + new TextDecoder().decode(c)); }, close() { log.push("sink closed"); }, abort(r) { log.push("sink aborted " + (r instanceof Error ? showError(r) : show(r))); } }); }
  pipe() { return new TransformStream({ transform(c, k) { k.enqueue(c); } }); }
  identity(s) { return s; }
  response(body, init) { return new Response(body, init); }
  async request(r) { return [r.method, r.url, [...r.headers], await r.text(), r.signal?.aborted]; }
  async signal(s) { if (s.aborted) return "already " + show(s.reason, 1); return await new Promise((res) => s.addEventListener("abort", () => res("aborted " + show(s.reason, 1)))); }
  giveSignal() { const c = new AbortController(); setTimeout(() => c.abort(new Shape("given")), 20); return c.signal; }
  types(v) { return [Object.prototype.toString.call(v), v?.constructor?.name, typeof v]; }
  args(...a) { return a; }
  env2() { return [Object.keys(this.env), this.env === globalEnv, typeof globalExports.Svc]; }
  get prop() { return { x: [1, 2] }; }
  get propThrows() { throw new Shape("prop"); }
  get propPromise() { return sleep(1).then(() => 5); }
  get propTarget() { return new Target("prop"); }
  async hold() { return new Promise(() => {}); }
  async chain(n) { return n === 0 ? "end" : this.env.SVC.chain(n - 1); }
  async pass(stub) { return stub; }
  async passNested(stub) { return { stub, arr: [stub] }; }
}
export class Broken extends DurableObject { constructor(c, e) { super(c, e); throwers[c.id.name](); } call() { return 1; } fetch() { return new Response("x"); } }
export class Broke extends WorkerEntrypoint { constructor(c, e) { super(c, e); throwers[c.props.k](); } call() { return 1; } }
export class Room extends DurableObject {
  async fetch(r) { const k = new URL(r.url).pathname.slice(1); if (k) throwers[k](); return new Promise(() => {}); }
  n = 0;
  throws(kind) { return throwers[kind](); }
  target(name) { return new Target(name); }
  inc() { return ++this.n; }
  abort(r) { this.ctx.abort(r); }
  abortLater(ms, r) { this.ctx.waitUntil(sleep(ms).then(() => this.ctx.abort(r))); return "soon"; }
  async slow(ms) { await sleep(ms); return "slow"; }
  async hold() { return new Promise(() => {}); }
  async block(kind) { return this.ctx.blockConcurrencyWhile(() => throwers[kind]()); }
  async blockValue() { return this.ctx.blockConcurrencyWhile(async () => { await sleep(1); return { v: 1 }; }); }
  async blockCallback(cb) { return this.ctx.blockConcurrencyWhile(async () => cb("in block")); }
  async blockSelf() { return this.ctx.blockConcurrencyWhile(() => this.env.ROOM.get(this.ctx.id).inc()); }
  async waits() { this.ctx.waitUntil(sleep(20).then(() => log.push("do waited"))); return "returned"; }
  async stream() { const s = this; let i = 0; return new ReadableStream({ type: "bytes", async pull(c) { await sleep(5); if (i < 3) c.enqueue(new TextEncoder().encode("d" + i++)); else { s.ctx.abort(new Shape("mid stream")); } } }); }
  async put(k, v) { await this.ctx.storage.put(k, v); return this.ctx.storage.get(k); }
  async sync(cb) { const r = await this.ctx.storage.transaction(async (t) => { await t.put("a", 1); return cb(await t.get("a")); }); return r; }
  callback(cb) { this.cb = cb.dup(); return "ok"; }
  async callStored() { return this.cb("stored"); }
  setThing(k, v) { this[k] = v; return Object.keys(this); }
}

const failing = async (fn) => {
  try { return show(await fn()); } catch (e) {
    if (!(e instanceof Error) && !(e instanceof DOMException)) return "not an error: " + show(e);
    const props = {}; if (!(e instanceof DOMException)) for (const k of Object.keys(e).sort()) if (k !== "durableObjectId" && k !== "remote") props[k] = e[k];
    return show([showError(e), e instanceof DOMException ? [e.name, e.code] : e.constructor.name, e.remote, props, e.errors, e.cause instanceof Error ? [showError(e.cause), e.cause.cause] : e.cause, "cause" in e]).slice(0, 2000);
  }
};
const table = (fns) => Object.fromEntries(Object.entries(fns).map(([name, fn]) => [name, (env, ctx, request) => { take(); return failing(() => fn(env, ctx, request)); }]));
let rooms = 0;
const room = (env) => env.ROOM.getByName("r" + rooms++);
const bytes = (...list) => new ReadableStream({ type: "bytes", start(c) { for (const x of list) c.enqueue(new TextEncoder().encode(x)); c.close(); }, cancel(r) { log.push("cancelled " + (r instanceof Error ? showError(r) : show(r))); } });

export default serve({
  "errors": table(Object.fromEntries(Object.keys(throwers).map((k) => [k, (env) => env.SVC.throws(k)]))),
  "errors of actors": table(Object.fromEntries(["shape", "cause", "aggregate", "dom", "string", "object", "retryable", "overloaded", "reset", "remote", "prefix", "broken", "undef"].map((k) => [k, (env) => room(env).throws(k)]))),
  "errors of callbacks": table(Object.fromEntries(["shape", "cause", "dom", "string", "undef", "retryable", "uncloneable"].map((k) => [k, async (env) => env.SVC.callTwice(() => throwers[k]())]))),
  "blocks": table({ ...Object.fromEntries(["shape", "dom", "string", "undef", "retryable"].map((k) => [k, (env) => room(env).block(k)])),
    value: (env) => room(env).blockValue(), callback: (env) => room(env).blockCallback((x) => "cb " + x), callbackThrows: (env) => room(env).blockCallback(() => throwers.shape()), afterwards: async (env) => { const s = room(env); await s.inc(); const r = await failing(() => s.block("shape")); return [r, await failing(() => s.inc()), await failing(() => env.ROOM.get(s.id).inc())]; },
    others: async (env) => { const s = room(env); const slow = failing(() => s.slow(50)); await s.inc(); const b = failing(() => s.block("shape")); return [await slow, await b]; } }),
  "fetch errors": table(Object.fromEntries(["shape", "cause", "dom", "string", "object", "retryable", "overloaded", "array", "response"].flatMap((k) => [[k + ": service", (env) => env.SVC.fetch("http://x/" + k)], [k + ": actor", (env) => room(env).fetch("http://x/" + k)]]))),
  "constructor errors": table(Object.fromEntries(["shape", "dom", "string", "object", "cause"].flatMap((k) => [[k + ": call", (env) => env.BROKEN.getByName(k).call()], [k + ": fetch", (env) => env.BROKEN.getByName(k).fetch("http://x/")], [k + ": service", (env) => globalExports.Broke({ props: { k } }).call()]]))),
  "aborts": table({
    call: async (env) => { const s = room(env); return [await failing(() => s.abort(new Shape("why"))), await failing(() => s.inc()), await failing(() => env.ROOM.get(s.id).inc())]; },
    noReason: (env) => room(env).abort(), text: (env) => room(env).abort("text"), nul: (env) => room(env).abort(null), object: (env) => room(env).abort({ a: 1 }), dom: (env) => room(env).abort(new DOMException("d", "DataError")), number: (env) => room(env).abort(5),
    inFlight: async (env) => { const s = room(env); await s.inc(); const h = failing(() => s.hold()), sl = failing(() => s.slow(5000)); const f = failing(() => s.fetch("http://x/")); await failing(() => s.abort("gone")); return [await h, await sl, await f]; },
    later: async (env) => { const s = room(env); const a = await s.abortLater(10, "later"); return [a, await failing(() => s.hold())]; },
    target: async (env) => { const s = room(env); const t = await s.target("t"); const p = failing(() => t.slow(3000)); await failing(() => s.abort("gone")); return [await p, await failing(() => t.who()), await failing(() => t.dup().who())]; },
    pipelined: async (env) => { const s = room(env); const p = s.target("t").who(); const q = failing(() => s.abort("gone")); return [await failing(() => p), await q]; },
    stream: async (env) => { const s = await room(env).stream(); return env.SVC.readFails(s); },
    streamHere: async (env) => { const st = await room(env).stream(); const out = []; try { for await (const c of st) out.push(new TextDecoder().decode(c)); } catch (e) { out.push(showError(e)); } return out; },
    all: async (env) => { const s = room(env); await s.inc(); const h = failing(() => s.hold()); await sleep(5); await unsafe.abortAllDurableObjects(); return [await h, await failing(() => s.inc())]; },
    callback: async (env) => { const s = room(env); await s.callback((x) => "cb " + x); const r = await s.callStored(); await failing(() => s.abort("gone")); return [r, await failing(() => env.ROOM.get(s.id).callStored())]; },
  }),
  "disposal": table({
    pipelinedOnly: async (env) => { const w = await env.SVC.target("pp").who(); return [w, await settle(1, 500)]; },
    arg: async (env) => { const w = await env.SVC.usesArg(new Target("arg")); return [w, await settle(1, 500)]; },
    argDisposed: async (env) => { const w = await env.SVC.disposesArg(new Target("arg")); return [w, await settle(1, 500)]; },
    argStub: async (env) => { const s = new RpcStub(new Target("argstub")); const w = await env.SVC.usesArg(s); const again = await failing(() => s.who()); s[Symbol.dispose](); return [w, again, await settle(1, 500)]; },
    argFn: async (env) => { const f = (x) => x; f[Symbol.dispose] = () => log.push("fn disposed"); await env.SVC.callTwice(f); return settle(1, 300); },
    localStub: async () => { const s = new RpcStub(new Target("local")); const w = await s.who(); s[Symbol.dispose](); return [w, await settle(1), await failing(() => s.who())]; },
    localDups: async () => { const s = new RpcStub(new Target("local")); const a = s.dup(), b = a.dup(); s[Symbol.dispose](); a[Symbol.dispose](); const l = take(); const w = await b.who(); b[Symbol.dispose](); return [l, w, await settle(1)]; },
    undisposed: async (env) => { const t = await env.SVC.target("never"); return [await t.who(), typeof t[Symbol.dispose], typeof t.dup]; },
    service: async (env) => { const d = env.SVC[Symbol.dispose]; return [typeof d, typeof env.SVC.dup, await failing(() => d?.call(env.SVC)), await env.SVC.target("x").who()]; },
    plainResult: async (env) => { const r = await env.SVC.args({ a: 1 }); r[Symbol.dispose](); return [r, typeof r[Symbol.dispose]]; },
  }),
  "callbacks": table({
    late: async (env) => [await env.SVC.later((x) => "cb " + x), await settle(1)],
    lateDup: async (env) => [await env.SVC.laterDup((x) => "cb " + x), await settle(1)],
    kept: async (env) => { await env.SVC.keep((x) => "k " + x); return failing(() => env.SVC.useKept(1)); },
    keptDup: async (env) => { await env.SVC.keepDup((x) => "k " + x); return failing(() => env.SVC.useKept(1)); },
    returnsFn: (env) => env.SVC.cbReturns(() => () => "inner"),
    returnsTarget: (env) => env.SVC.cbReturns(() => new Target("cbt").who()),
    returnsPromise: (env) => env.SVC.cbReturns(() => env.SVC.target("x").who()),
    returnsSelf: (env) => env.SVC.cbReturns(() => ({ a: [1, new Map()] })),
    deep: (env) => env.SVC.chain(5),
    context: async (env) => { let seen; await env.SVC.callTwice(function () { seen = [typeof this, this === undefined]; }); return seen; },
    args: async (env) => { let seen; await env.SVC.callTwice(function (...a) { seen = [a, arguments.length]; }); return seen; },
    extraProps: async (env) => { const f = () => 1; f.x = 5; return (await env.SVC.pass(f)).x; },
    asyncFn: async (env) => env.SVC.callTwice(async (n) => { await sleep(1); return n + 1; }),
    generator: async (env) => failing(() => env.SVC.callTwice(function* () { yield 1; })),
    stream: async (env) => failing(async () => env.SVC.cbReturns(() => bytes("a", "b"))),
  }),
  "targets": table({
    visible: async (env) => (await env.SVC.target()).visible, secret: async (env) => (await env.SVC.target()).secret, name: async (env) => (await env.SVC.target()).name, throwing: async (env) => (await env.SVC.target()).throwing, fn: async (env) => (await env.SVC.target()).fn(), obj: async (env) => (await env.SVC.target()).obj.a.b, objF: async (env) => (await env.SVC.target()).obj.f(4), sub: async (env) => (await env.SVC.target()).sub.sub.who(), promise: async (env) => (await env.SVC.target()).promise,
    private: async (env) => (await env.SVC.target())["#private"](), static: async (env) => (await env.SVC.target()).of("x"), under: async (env) => (await env.SVC.target())._underscore(), dispose: async (env) => typeof (await env.SVC.target())[Symbol.dispose], ctor: async (env) => (await env.SVC.target()).constructor, proto: async (env) => (await env.SVC.target()).__proto__, derived: async (env) => { const d = await env.SVC.derived(); return [await d.who(), await d.extra, await d.add(1, 2)]; }, hasOwn: async (env) => (await env.SVC.target()).hasOwnProperty("name"), toString: async (env) => String(await env.SVC.target()).slice(0, 20), json: async (env) => failing(async () => JSON.stringify(await env.SVC.target())), keys: async (env) => Object.keys(await env.SVC.target()), set: async (env) => { const t = await env.SVC.target(); t.foo = 1; return [t.foo, Object.keys(t)]; }, del: async (env) => { const t = await env.SVC.target(); return delete t.who; }, inOp: async (env) => { const t = await env.SVC.target(); return ["who" in t, "nope" in t]; }, iter: async (env) => { const t = await env.SVC.target(); return [...t]; }, equal: async (env) => { const t = await env.SVC.target(); const u = await t.self(); return t === u; }, numberKey: async (env) => (await env.SVC.target())[0], symbolKey: async (env) => (await env.SVC.target())[Symbol.iterator],
    awaitTwice: async (env) => { const p = env.SVC.target("a"); const a = await p, b = await p; return [a === b, await a.who(), await b.who()]; }, await: async (env) => { const t = await env.SVC.target("aw"); const t2 = await t; return t === t2; }, propThrows: (env) => env.SVC.propThrows, propPromise: (env) => env.SVC.propPromise, propDeep: (env) => env.SVC.prop.x[1], propMissing: (env) => env.SVC.prop.y, propMissingDeep: (env) => env.SVC.prop.y.z, propCall: (env) => env.SVC.prop.x.map(1), spread: async (env) => ({ ...(await env.SVC.target()) }), inspect: async (env) => failing(async () => { console.log(await env.SVC.target()); return "ok"; }),
  }),
  "pipelines": table({
    rejected: async (env) => { const p = env.SVC.throws("shape"); return [await failing(() => p.a.b()), await failing(() => p.x), await failing(() => p)]; },
    rejectedUnawaited: async (env) => { const r = await failing(() => env.SVC.throws("shape").a.b.c(1)); return r; },
    rejectedArg: async (env) => failing(() => env.SVC.usesArg(env.SVC.throws("shape"))),
    promiseArg: async (env) => failing(() => env.SVC.usesArg(env.SVC.target("pa"))),
    propertyArg: async (env) => failing(() => env.SVC.usesArg(env.SVC.propTarget)),
    onNumber: (env) => env.SVC.args(1)[0].foo(), onNull: (env) => env.SVC.args(null)[0].foo, onString: (env) => env.SVC.args("abc")[0].length, onArray: (env) => env.SVC.args(1, 2, 3).length, onIndex: (env) => env.SVC.args(5, 6)[1], slow: async (env) => { const p = env.SVC.target("s"); const a = p.slow(30), b = p.who(); return Promise.all([a, b]); },
    actor: async (env) => { const s = room(env); return Promise.all([s.inc(), s.inc(), s.target("x").who(), s.inc()]); }, afterDispose: async (env) => { const p = env.SVC.target("s"); const w = p.who(); p[Symbol.dispose](); return [await failing(() => w), await failing(() => p.who())]; }, throwInMiddle: (env) => env.SVC.target("t").fails("mid").x.y(), getterThrows: (env) => env.SVC.target("t").throwing.x, fnResult: (env) => env.SVC.target("t").makeFn()("z"), thenable: async (env) => { const p = env.SVC.target("t"); return [typeof p.then, typeof p.catch, typeof p.finally, typeof p.foo]; },
    unhandled: async (env) => { env.SVC.throws("shape"); await sleep(20); return "fine"; },
  }),
  "streams": table({
    in: (env) => env.SVC.readAll(bytes("a", "b")),
    inCancelled: async (env) => { const s = env.SVC.readSome(bytes("a", "b", "c"), 1); return [await s, await settle(1, 500)]; },
    inDropped: async (env) => [await env.SVC.dropStream(bytes("a")), await settle(1, 500)],
    inErrors: async (env) => env.SVC.readFails(new ReadableStream({ type: "bytes", pull(c) { c.error(new Shape("mine")); } })),
    inErrorsLater: async (env) => { let i = 0; return env.SVC.readFails(new ReadableStream({ type: "bytes", async pull(c) { await sleep(2); if (i++ < 2) c.enqueue(new Uint8Array([65 + i])); else c.error(new Shape("mine")); } })); },
    inText: (env) => failing(() => env.SVC.readAll(new ReadableStream({ start(c) { c.enqueue("text"); c.close(); } }))),
    inObject: (env) => failing(() => env.SVC.readFails(new ReadableStream({ start(c) { c.enqueue({ a: 1 }); c.close(); } }))),
    inNumber: (env) => failing(() => env.SVC.readFails(new ReadableStream({ start(c) { c.enqueue(5); c.close(); } }))),
    inLocked: (env) => { const s = bytes("a"); s.getReader(); return failing(() => env.SVC.readAll(s)); },
    inDisturbed: async (env) => { const s = bytes("a", "b"); const r = s.getReader(); await r.read(); r.releaseLock(); return failing(() => env.SVC.readAll(s)); },
    inLockedAfter: async (env) => { const s = bytes("a"); const p = env.SVC.readAll(s); return [s.locked, await p, s.locked, await failing(() => s.getReader().read())]; },
    inTwice: async (env) => { const s = bytes("a"); return failing(() => env.SVC.args(s, s)); },
    out: async (env) => { const s = await env.SVC.source(3); return [await new Response(s).text()]; },
    outCancelled: async (env) => { const s = await env.SVC.source(100); const r = s.getReader(); const a = new TextDecoder().decode((await r.read()).value).slice(0, 2); await r.cancel(new Shape("no more")); return [a, await settle(1, 500)]; },
    outCancelledAtOnce: async (env) => { const s = await env.SVC.source(3, "hang"); await s.cancel("at once"); return settle(1, 500); },
    outErrors: async (env) => { const s = await env.SVC.source(2, "error"); const out = []; try { for await (const c of s) out.push(new TextDecoder().decode(c)); } catch (e) { out.push(showError(e)); } return out; },
    outDisposed: async (env) => { const s = await env.SVC.source(3, "hang"); return [typeof s[Symbol.dispose], await settle(1, 200)]; },
    outObject: async (env) => { const s = await env.SVC.objectSource(); const out = []; try { for await (const c of s) out.push(show(c, 1)); } catch (e) { out.push(showError(e)); } return out; },
    outText: async (env) => { const s = await env.SVC.textSource(); const out = []; try { for await (const c of s) out.push(show(c, 1)); } catch (e) { out.push(showError(e)); } return out; },
    sink: async (env) => { const w = await env.SVC.sink(); const wr = w.getWriter(); await wr.write(new TextEncoder().encode("x")); await wr.close(); return settle(2); },
    sinkAborted: async (env) => { const w = await env.SVC.sink(); const wr = w.getWriter(); await wr.write(new TextEncoder().encode("x")); await wr.abort(new Shape("aborted")); return settle(2, 500); },
    sinkLeft: async (env) => { const w = await env.SVC.sink(); const wr = w.getWriter(); await wr.write(new TextEncoder().encode("x")); return settle(1, 300); },
    sinkText: async (env) => { const w = await env.SVC.sink(); const wr = w.getWriter(); return [await failing(() => wr.write("text")), await failing(() => wr.write({})), await failing(() => wr.close()), await settle(1, 200)]; },
    give: async (env) => { const seen = []; const w = new WritableStream({ write(c) { seen.push(new TextDecoder().decode(c)); }, close() { seen.push("closed"); }, abort(r) { seen.push("aborted " + showError(r)); } }); return [await env.SVC.writeTo(w, 2), seen]; },
    giveAborted: async (env) => { const seen = []; const w = new WritableStream({ write(c) { seen.push(new TextDecoder().decode(c)); }, close() { seen.push("closed"); }, abort(r) { seen.push("aborted " + showError(r)); } }); const r = await failing(() => env.SVC.writeTo(w, 1, "abort")); await sleep(20); return [r, seen]; },
    giveLeft: async (env) => { const seen = []; const w = new WritableStream({ write(c) { seen.push(new TextDecoder().decode(c)); }, close() { seen.push("closed"); }, abort(r) { seen.push("aborted " + (r instanceof Error ? showError(r) : r)); } }); const r = await failing(() => env.SVC.writeTo(w, 1, "leave")); await sleep(50); return [r, seen]; },
    giveFails: async (env) => { let n = 0; const w = new WritableStream({ write() { if (n++ > 1) throw new Shape("sink broke"); } }); return env.SVC.writeFails(w); },
    giveLocked: (env) => { const w = new WritableStream(); w.getWriter(); return failing(() => env.SVC.writeTo(w, 1)); },
    pair: async (env) => { const t = await env.SVC.pipe(); return [t.constructor.name, Object.keys(t)]; },
    both: async (env) => { const { readable, writable } = new TransformStream(); const p = env.SVC.readAll(readable); const w = writable.getWriter(); await w.write(new TextEncoder().encode("1")); await w.write(new TextEncoder().encode("2")); await w.close(); return p; },
    through: async (env) => { const s = await env.SVC.identity(bytes("a", "b")); return new Response(s).text(); },
    identityStream: async (env) => { const { readable, writable } = new IdentityTransformStream(); const p = env.SVC.readAll(readable); const w = writable.getWriter(); await w.write(new TextEncoder().encode("1")); await w.abort(new Shape("identity")); return failing(() => p); },
    response: async (env) => { const r = await env.SVC.response("body", { status: 201, statusText: "Odd", headers: { a: "1" } }); return [r.status, r.statusText, [...r.headers], await r.text(), r.url, r.type, r.ok]; },
    responseNull: async (env) => { const r = await env.SVC.response(null, { status: 204 }); return [r.status, r.body]; },
    responseStream: async (env) => { const r = await env.SVC.response(bytes("x", "y")); return [await r.text(), [...r.headers]]; },
    responseUsed: async (env) => { const r = new Response("x"); await r.text(); return failing(() => env.SVC.identity(r)); },
    request: (env) => env.SVC.request(new Request("http://x/y", { method: "POST", body: "b", headers: { h: "v" } })),
    requestSignal: (env) => env.SVC.request(new Request("http://x/y", { method: "POST", body: "b", signal: AbortSignal.abort() })),
    blob: async (env) => { const b = await env.SVC.identity(new Blob(["ab"], { type: "t/x" })); return [b.size, b.type, await b.text()]; },
    file: async (env) => failing(async () => { const b = await env.SVC.identity(new File(["ab"], "n.txt", { type: "t/x", lastModified: 5 })); return [b.constructor.name, b.name, b.lastModified]; }),
    formData: (env) => failing(() => env.SVC.identity(new FormData())), url: (env) => failing(() => env.SVC.identity(new URLSearchParams("a=1"))), headers: async (env) => { const h = new Headers(); h.append("a", "1"); h.append("a", "2"); h.append("set-cookie", "x"); h.append("Set-Cookie", "y"); return [...(await env.SVC.identity(h))]; },
    signalNow: (env) => env.SVC.signal(AbortSignal.abort(new Shape("now"))), signalLater: async (env) => { const c = new AbortController(); const p = env.SVC.signal(c.signal); setTimeout(() => c.abort(new Shape("later")), 10); return p; }, signalNoReason: async (env) => { const c = new AbortController(); const p = env.SVC.signal(c.signal); setTimeout(() => c.abort(), 10); return p; }, signalGiven: async (env) => { const s = await env.SVC.giveSignal(); await sleep(60); return [s.aborted, show(s.reason, 1)]; }, signalTimeout: (env) => env.SVC.signal(AbortSignal.timeout(10)),
    types: async (env) => { const out = []; for (const v of [new ReadableStream(), new WritableStream(), new Response(), new Request("http://x"), new Headers(), new Blob([]), AbortSignal.abort(), new Date(0), new Map(), new URL("http://x"), new Event("x"), new Float32Array(1), new BigInt64Array(1), new WeakSet(), new Proxy({}, {}), new Error("x"), Symbol.iterator, new ArrayBuffer(1, { maxByteLength: 4 })]) out.push(await failing(() => env.SVC.types(v))); return out; },
  }),
  "contexts": table({
    waits: async (env) => [await env.SVC.waits(), await settle(1)], waitsGlobal: async (env) => [await env.SVC.waitsGlobal(), await settle(1)], waitsRejects: (env) => env.SVC.waitsRejects(), actorWaits: async (env) => [await room(env).waits(), await settle(1)], env: (env) => env.SVC.env2(), tooMany: async (env) => { const out = []; for (let i = 0; i < 3; i++) out.push(await env.SVC.args(...Array(100).fill(i)).then((a) => a.length)); return out; },
    bound: async (env) => { const f = env.SVC.args.bind(null, 1); return f(2); }, apply: (env) => env.SVC.args.apply(undefined, [1, 2]), sql: (env) => room(env).put("k", { m: new Map([[1, new Set([2])]]) }), putStub: async (env) => failing(() => room(env).put("k", () => 1)), txn: (env) => room(env).sync((a) => a + 1), setThing: (env) => room(env).setThing("x", 1),
    blockSelf: async (env) => failing(() => Promise.race([room(env).blockSelf(), sleep(300).then(() => "deadlock")])), hold: async (env) => failing(() => Promise.race([env.SVC.hold(), sleep(50).then(() => "held")])),
  }),
});
