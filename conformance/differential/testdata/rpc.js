// Calls between workers and actors.
import { DurableObject, RpcPromise, RpcProperty, RpcStub, RpcTarget, ServiceStub, WorkerEntrypoint } from "cloudflare:workers";
import { describe, serve, show, showError, sleep } from "probe.js";

class Counter extends RpcTarget {
  n = 0;
  #hidden = 1;
  add(k = 1) { this.n += k; return this.n; }
  get value() { return this.n; }
  set value(v) { this.n = v; }
  get later() { return Promise.resolve(this.n); }
  get fails() { throw new RangeError("getter"); }
  self() { return this; }
  async nested() { return { counter: new Counter(), list: [1, { a: 2 }] }; }
  toJSON() { return "json"; }
  toString() { return "own text"; }
  static fixed() { return 1; }
}
class Odd { m() { return 1; } }
class Odder extends Counter { more() { return this.add(100); } }
class Failure extends TypeError { constructor(m) { super(m); this.name = "Failure"; this.code = 7; } }
const symbol = Symbol.for("rpc");

export class Service extends WorkerEntrypoint {
  own = 1;
  echo(...args) { return args; }
  one(v) { return v; }
  kinds(...args) { return args.map((a) => [typeof a, a?.constructor?.name, Object.prototype.toString.call(a)]); }
  counter() { return new Counter(); }
  odder() { return new Odder(); }
  plain() { return { a: 1, f: (x) => x + 1, deep: { g() { return "g"; }, odd: new Odd() }, [symbol]: 1, "with space": 2, 0: "zero" }; }
  array() { return [new Counter(), 1]; }
  map() { return new Map([["c", 1]]); }
  fn() { const f = (a, b) => [a, b]; f.prop = "p"; return f; }
  cls() { return Odd; }
  odd() { return new Odd(); }
  nothing() {}
  nil() { return null; }
  text() { return "text"; }
  promise() { return Promise.resolve(5); }
  thenable() { return { then(resolve) { resolve("adopted"); } }; }
  get data() { return { x: 1, f: () => "called" }; }
  get nilProp() { return null; }
  get fnProp() { return function () { return this?.constructor?.name ?? String(this); }; }
  async call(f, ...args) { return f(...args); }
  async callMember(o, name, ...args) { return o[name](...args); }
  async read(o, name) { return o[name]; }
  async twice(f) { return [await f(1), await f(2)]; }
  typeOf(v) { return [typeof v, v instanceof RpcStub, v instanceof ServiceStub, Object.keys(v).length]; }
  throws(kind) {
    switch (kind) {
      case "text": throw "just text";
      case "number": throw 5;
      case "undefined": throw undefined;
      case "object": throw { message: "an object" };
      case "subclass": throw new Failure("subclass");
      case "dom": throw new DOMException("dom", "AbortError");
      case "cause": throw new Error("outer", { cause: new RangeError("inner") });
      case "aggregate": throw new AggregateError([new Error("a")], "many");
      case "named": { const e = new Error("m"); e.name = "Mine"; throw e; }
      case "function": { const e = new Error("m"); e.f = () => 1; throw e; }
      case "retryable": { const e = new Error("m"); e.retryable = true; throw e; }
      case "overloaded": { const e = new Error("m"); e.overloaded = true; throw e; }
      case "remote": { const e = new Error("m"); e.remote = "mine"; throw e; }
    }
    throw new globalThis[kind]("thrown");
  }
  async rejects() { await sleep(1); throw new RangeError("later"); }
  hang() { return new Promise(() => {}); }
  bytes(n) { return new Uint8Array(n); }
  props() { return this.ctx.props; }
  members() { return [typeof this.env.SERVICE, this.ctx.constructor.name, this.own]; }
  async fetch() { return new Response("fetched"); }
  _under() { return "under"; }
  $dollar() { return "dollar"; }
  ["with space"]() { return "spaced"; }
}
export const handlers = {
  one(a, env, ctx) { return [a, typeof env, ctx?.constructor?.name]; },
  zero() { return arguments.length; },
  rest(...all) { return all.length; },
  three(a, b, env, ctx) {},
  value: 5,
  nested: { f() { return "nested"; } },
};
export class Actor extends DurableObject {
  n = 0;
  add(k = 1) { return this.n += k; }
  counter() { return new Counter(); }
  id() { return [this.ctx.id.toString().length, this.ctx.id.name]; }
  throws() { throw new RangeError("actor"); }
  async block(f) { return this.ctx.blockConcurrencyWhile(() => f(1)); }
  async put(v) { await this.ctx.storage.put("v", v); return this.ctx.storage.get("v"); }
  abort() { this.ctx.abort("aborted"); }
  stub() { return this.env.SERVICE; }
  fetch() { return new Response("actor"); }
  alarm() {}
}
export class Bare { add() { return 1; } fetch() { return new Response("bare"); } }

// failing shows an error with what callers may do about it.
const failing = async (fn) => {
  try {
    return show(await fn());
  } catch (e) {
    return e instanceof Error || e instanceof DOMException
      ? show([showError(e), e.constructor.name, e instanceof DOMException ? 0 : Object.keys(e).sort().filter((k) => k !== "durableObjectId"), e.remote, e.retryable, e.overloaded, e.durableObjectReset, e.cause === undefined ? undefined : showError(e.cause)]) : "not an error: " + show(e);
  }
};
const table = (fns) => Object.fromEntries(Object.entries(fns).map(([name, fn]) => [name, (env, ctx) => failing(() => fn(env, ctx))]));
let actors = 0;
const actor = (env) => env.ACTOR.getByName("a" + actors++);

export default serve({
  "values": table(Object.fromEntries(Object.entries({
    undefined: () => undefined, nil: () => null, negativeZero: () => -0, nan: () => NaN, infinite: () => -Infinity, big: () => 2 ** 53, bigint: () => -5n, empty: () => "", lone: () => "\ud800", long: () => "x".repeat(5000).length, date: () => new Date(7), invalidDate: () => new Date(NaN),
    regexp: () => /a\/b/giu, map: () => new Map([[{ a: 1 }, new Set([1])]]), boxed: () => [Object(1), Object("s"), Object(true)], holes: () => [, 1, ,], extra: () => Object.assign([1], { x: 2 }), buffer: () => new Uint8Array([1, 2]).buffer, view: () => new Uint16Array(new Uint8Array([1, 2, 3, 4]).buffer, 2),
    dataView: () => new DataView(new ArrayBuffer(2)), error: () => new RangeError("r"), dom: () => new DOMException("m", "AbortError"), nullProto: () => Object.create(null), instance: () => new Odd(), symbol: () => Symbol("s"), weak: () => new WeakMap(), proto: () => JSON.parse('{"__proto__": 1}'), getter: () => ({ get a() { return 1; } }),
    throwing: () => ({ get a() { throw new RangeError("getter"); } }), cycle: () => { const o = {}; o.o = o; return o; }, shared: () => { const o = { s: 1 }; return [o, o]; }, headers: () => [...new Headers({ a: "1" })], url: () => new URL("http://x/"), encoder: () => new TextEncoder(), event: () => new Event("x"), global: () => globalThis,
    promise: () => Promise.resolve(1), generator: () => (function* () {})(), args: () => (function () { return arguments; })(1, 2), signal: () => AbortSignal.abort(), symbols: () => ({ [symbol]: 1, a: 2 }), hidden: () => Object.defineProperty({ a: 1 }, "b", { value: 2 }),
  }).map(([name, make]) => [name, (env) => env.SERVICE.one(make())]))),
  "arguments": table({
    none: (env) => env.SERVICE.echo(), many: (env) => env.SERVICE.echo(1, "a", null, undefined), trailing: (env) => env.SERVICE.echo(undefined, undefined), kinds: (env) => env.SERVICE.kinds(1, "s", null, {}, [], new Map(), () => 1, new Counter(), env.SERVICE),
    mutated: async (env) => { const o = { a: 1 }; const p = env.SERVICE.one(o); o.a = 2; return p; }, identity: async (env) => { const o = {}; return (await env.SERVICE.one(o)) === o; }, stubKinds: async (env) => [await env.SERVICE.typeOf(() => 1), await env.SERVICE.typeOf(new Counter()), await env.SERVICE.typeOf(env.SERVICE)],
    tooMuch: (env) => env.SERVICE.one(new Uint8Array(33 << 20)), much: async (env) => (await env.SERVICE.one(new Uint8Array(1 << 20))).length, deep: async (env) => { let o = {}; for (let i = 0; i < 500; i++) o = { o }; let n = 0; for (let p = await env.SERVICE.one(o); p.o; p = p.o) n++; return n; },
  }),
  "members": table({
    missing: (env) => env.SERVICE.missing(), own: (env) => env.SERVICE.own, env: (env) => env.SERVICE.env, ctx: (env) => env.SERVICE.ctx(), constructor: (env) => typeof env.SERVICE.constructor, toString: (env) => env.SERVICE.toString(), valueOf: (env) => env.SERVICE.valueOf() === env.SERVICE, proto: (env) => env.SERVICE.__proto__ === ServiceStub.prototype,
    then: (env) => [typeof env.SERVICE.then, typeof env.SERVICE.catch, typeof env.SERVICE[0], typeof env.SERVICE[symbol], typeof env.SERVICE.alarm], alarm: (env) => env.SERVICE.alarm(), dup: (env) => env.SERVICE.dup(), socket: (env) => env.SERVICE.webSocketMessage(), under: (env) => env.SERVICE._under(), dollar: (env) => env.SERVICE.$dollar(), spaced: (env) => env.SERVICE["with space"](),
    empty: (env) => env.SERVICE[""](), members: (env) => env.SERVICE.members(), torn: (env) => { const { echo } = env.SERVICE; return echo(1); }, bound: (env) => env.SERVICE.echo.call(null, 2), property: (env) => env.SERVICE.data, propertyMember: (env) => env.SERVICE.data.x, propertyMissing: (env) => env.SERVICE.data.y, propertyCall: (env) => env.SERVICE.data.f(), notFunction: (env) => env.SERVICE.data(), notFunctionMember: (env) => env.SERVICE.data.x(),
    nil: (env) => env.SERVICE.nilProp, nilMember: (env) => env.SERVICE.nilProp.x, fnProp: (env) => env.SERVICE.fnProp(), method: async (env) => typeof await env.SERVICE.echo, in: (env) => ["echo" in env.SERVICE, "toString" in env.SERVICE, Object.keys(env.SERVICE).length], kinds: (env) => [typeof env.SERVICE, typeof env.SERVICE.echo, env.SERVICE.echo instanceof RpcProperty, env.SERVICE.nothing() instanceof RpcPromise, env.SERVICE.echo.constructor.name, Object.prototype.toString.call(env.SERVICE.echo)],
    names: (env) => [String(env.SERVICE.echo.name).length > 0, typeof env.SERVICE.echo.length, Object.getOwnPropertyNames(env.SERVICE.echo)], set: (env) => { env.SERVICE.mine = 5; return [env.SERVICE.mine, delete env.SERVICE.mine, typeof env.SERVICE.mine]; }, new: (env) => new env.SERVICE.echo(),
  }),
  "targets": table({
    add: async (env) => { const c = await env.SERVICE.counter(); return [await c.add(), await c.add(5), await c.value, await c.later]; }, hidden: async (env) => (await env.SERVICE.counter()).n, private: async (env) => (await env.SERVICE.counter())["#hidden"], fails: async (env) => (await env.SERVICE.counter()).fails, set: async (env) => { const c = await env.SERVICE.counter(); c.value = 7; return [c.value, await c.add()]; },
    inherited: async (env) => { const c = await env.SERVICE.odder(); return [await c.add(), await c.more()]; }, json: async (env) => [typeof (await env.SERVICE.counter()).toJSON, await (await env.SERVICE.counter()).toJSON()], text: async (env) => typeof (await env.SERVICE.counter()).toString(), constructor: async (env) => typeof (await env.SERVICE.counter()).constructor, fixed: async (env) => (await env.SERVICE.counter()).fixed(),
    self: async (env) => { const c = await env.SERVICE.counter(); const d = await c.self(); await c.add(); return d.add(); }, alarm: async (env) => (await env.SERVICE.counter()).alarm(), called: async (env) => (await env.SERVICE.counter())(), forged: (env) => env.SERVICE.one(Object.create(RpcTarget.prototype)).catch((e) => e.name), instance: async (env) => { const c = await env.SERVICE.counter(); return [c instanceof RpcStub, c instanceof RpcTarget, typeof c, Object.keys(c).length]; },
  }),
  "results": table({
    plain: async (env) => { const o = await env.SERVICE.plain(); return [o.a, await o.f(1), await o.deep.g().catch((e) => e.message)]; }, odd: (env) => env.SERVICE.odd(), cls: (env) => env.SERVICE.cls(), array: async (env) => { const a = await env.SERVICE.array(); return [a.length, await a[0].add()]; }, map: (env) => env.SERVICE.map(), fn: async (env) => { const f = await env.SERVICE.fn(); return [await f(1, 2), await f.prop, typeof f.other]; },
    nothing: (env) => env.SERVICE.nothing(), nil: (env) => env.SERVICE.nil(), promise: (env) => env.SERVICE.promise(), thenable: (env) => env.SERVICE.thenable(), disposable: async (env) => { const o = await env.SERVICE.echo(1); return [typeof o[Symbol.dispose], Object.keys(o), Object.getOwnPropertyDescriptor(o, Symbol.dispose)?.enumerable]; }, primitive: async (env) => typeof (await env.SERVICE.text())[Symbol.dispose], bytes: async (env) => (await env.SERVICE.bytes(3)).length, tooMuch: (env) => env.SERVICE.bytes(33 << 20),
    hang: (env) => env.SERVICE.hang(),
  }),
  "pipelines": table({
    counter: async (env) => { const c = env.SERVICE.counter(); return Promise.all([c.add(), c.add(2), c.value]); }, nested: (env) => env.SERVICE.counter().nested().counter.add(4), list: async (env) => typeof env.SERVICE.counter().nested().list[0], fn: (env) => env.SERVICE.fn()(1, 2), prop: (env) => env.SERVICE.fn().prop, text: (env) => env.SERVICE.text().length, textCall: (env) => env.SERVICE.text()(), nothing: (env) => env.SERVICE.nothing().x, array: (env) => env.SERVICE.array().length, map: (env) => env.SERVICE.map().size,
    failed: (env) => env.SERVICE.throws("RangeError").x.y(), later: async (env) => { const p = env.SERVICE.plain(); await p; return p.a; }, laterStub: async (env) => { const p = env.SERVICE.counter(); await p; return [await p.add(), await p.add()]; }, laterText: async (env) => { const p = env.SERVICE.text(); await p; return p.length; }, disposed: async (env) => { const p = env.SERVICE.counter(); p[Symbol.dispose](); return p.add(); }, tooDeep: (env) => { let p = env.SERVICE; for (let i = 0; i < 66; i++) p = p.x; return p(); },
  }),
  "promises": table({
    finally: async (env) => { const seen = []; const v = await env.SERVICE.text().finally(() => seen.push("f")); return [v, seen]; }, catch: (env) => env.SERVICE.rejects().catch((e) => e.message), then: (env) => env.SERVICE.text().then((v) => v + "!"), twice: async (env) => { const p = env.SERVICE.one({}); return (await p) === (await p); }, all: (env) => Promise.all([env.SERVICE.one(1), env.SERVICE.one(2)]), race: (env) => Promise.race([env.SERVICE.one(1)]), tag: (env) => { const p = env.SERVICE.text(); return [typeof p, p instanceof Promise, p.constructor.name]; },
    noHandler: (env) => env.SERVICE.text().then(), badHandler: (env) => env.SERVICE.text().then(5), ordered: async (env) => { const log = []; await Promise.all([env.SERVICE.one(1).then((v) => log.push(v)), env.SERVICE.one(2).then((v) => log.push(v)), env.SERVICE.one(3).then((v) => log.push(v))]); return log; },
  }),
  "callbacks": table({
    call: (env) => env.SERVICE.call((a, b) => a + b, 1, 2), twice: (env) => env.SERVICE.twice((n) => n * 10), throws: (env) => env.SERVICE.call(() => { throw new SyntaxError("mine"); }), rejects: (env) => env.SERVICE.call(async () => { throw "text"; }), member: (env) => env.SERVICE.callMember(new Counter(), "add", 3), hidden: (env) => env.SERVICE.callMember(new Counter(), "n"), object: (env) => env.SERVICE.read({ a: 5 }, "a"), prop: async (env) => { const f = () => 1; f.p = 6; return env.SERVICE.read(f, "p"); },
    returned: async (env) => { const f = await env.SERVICE.one(() => "home"); return f(); }, stub: (env) => env.SERVICE.callMember(new RpcStub(new Counter()), "add"), service: (env) => env.SERVICE.callMember(env.SERVICE, "text"), actor: (env) => env.SERVICE.callMember(actor(env), "add", 2), nested: (env) => env.SERVICE.call(async (f) => f(1), (n) => n + 1), proxy: (env) => env.SERVICE.callMember(new Proxy(new Counter(), {}), "add"), plainProxy: (env) => env.SERVICE.read(new Proxy({ a: 1 }, {}), "a"), oddProxy: (env) => env.SERVICE.read(new Proxy(new Odd(), {}), "a"),
    method: (env) => env.SERVICE.call(new Counter().add), cls: (env) => env.SERVICE.call(Odd),
  }),
  "stubs": table({
    plain: async () => { const s = new RpcStub({ f: () => 1, a: { b: 2 }, toString: () => "t" }); return [await s.f(), await s.a, await s.a.b]; }, fn: async () => { const s = new RpcStub((a) => a + 1); return s(1); }, target: async () => { const s = new RpcStub(new Counter()); return [await s.add(), await s.value]; }, odd: () => new RpcStub(new Odd()), number: () => new RpcStub(5), none: () => new RpcStub(), called: () => RpcStub({}), array: () => new RpcStub([1]), map: () => new RpcStub(new Map()), nullProto: () => new RpcStub(Object.create(null)), dup: async () => { const s = new RpcStub(new Counter()), d = s.dup(); s[Symbol.dispose](); return [d !== s, await d.add()]; },
    disposed: async () => { const s = new RpcStub({}); s[Symbol.dispose](); s[Symbol.dispose](); return s.x(); }, disposedDup: () => { const s = new RpcStub({}); s[Symbol.dispose](); return typeof s.dup(); }, forged: () => RpcStub.prototype.dup.call({}), promise: () => new RpcPromise(), property: () => new RpcProperty(), service: () => new ServiceStub(), shapes: () => [RpcStub, RpcPromise, RpcProperty, RpcTarget].map((c) => [c.name, c.length, Object.getOwnPropertyNames(c.prototype).sort()]), clone: () => structuredClone(new RpcStub({})), cloneTarget: () => structuredClone(new Counter()), cloneService: (env) => structuredClone(env.SERVICE),
  }),
  "errors": table(Object.fromEntries(["Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError", "text", "number", "undefined", "object", "subclass", "dom", "cause", "aggregate", "named", "function", "retryable", "overloaded", "remote"].map((kind) => [kind, (env) => env.SERVICE.throws(kind)]))),
  "handlers": table({
    one: (env) => env.HANDLERS.one(1), none: (env) => env.HANDLERS.one(), two: (env) => env.HANDLERS.one(1, 2), zero: (env) => env.HANDLERS.zero(1), rest: (env) => env.HANDLERS.rest(1), three: (env) => env.HANDLERS.three(1), value: (env) => env.HANDLERS.value, valueCall: (env) => env.HANDLERS.value(1), nested: (env) => env.HANDLERS.nested.f(1), inherited: (env) => env.HANDLERS.hasOwnProperty, missing: (env) => env.HANDLERS.missing(1),
  }),
  "actors": table({
    add: async (env) => { const a = actor(env); return [await a.add(), await a.add(2)]; }, order: async (env) => { const a = actor(env); return Promise.all([1, 2, 3].map((k) => a.add(k))); }, counter: async (env) => { const c = await actor(env).counter(); return c.add(); }, id: (env) => actor(env).id().then((v) => v[0]), throws: (env) => actor(env).throws(), block: (env) => actor(env).block((n) => n + 1), put: (env) => actor(env).put({ a: 1 }), own: (env) => actor(env).n, alarm: (env) => actor(env).alarm(), fetch: async (env) => (await actor(env).fetch("http://x/")).text(),
    abort: async (env) => { const a = actor(env); return failing(() => a.abort()); }, afterAbort: async (env) => { const a = actor(env); await a.abort().catch(() => {}); return failing(() => a.add()); }, anew: async (env) => { const name = "n" + actors++; await env.ACTOR.getByName(name).abort().catch(() => {}); return env.ACTOR.getByName(name).add(); }, stub: async (env) => (await actor(env).stub()).text(), bare: (env) => env.BARE.getByName("b").add(), name: (env) => typeof actor(env).name, id2: (env) => typeof actor(env).id,
  }),
  "loopback": table({
    call: (env, ctx) => ctx.exports.Service.text(), props: (env, ctx) => ctx.exports.Service({ props: { a: [1] } }).props(), noProps: (env, ctx) => ctx.exports.Service({}).props(), fnProps: (env, ctx) => { try { ctx.exports.Service({ props: { f() {} } }); } catch (e) { return e.name; } }, number: (env, ctx) => typeof ctx.exports.Service, actor: (env, ctx) => ctx.exports.Actor.getByName("l").add(), bound: (env) => env.PROPS.props(), sent: async (env, ctx) => (await env.SERVICE.one(ctx.exports.Service({ props: { b: 2 } }))).props(),
  }),
});
