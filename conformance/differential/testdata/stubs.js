// Stubs in storage, and [restore]().
import { DurableObject, restore, RpcStub, RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import { serve, show, showError } from "probe.js";

class Tally extends RpcTarget {
  n = 0;
  add(k) { return this.n += k; }
}
export class Named extends WorkerEntrypoint {
  say(text) { return `${this.ctx.props.who} says ${text}`; }
  async self(kind) { return this.ctx.restore({ kind }); }
  fetch() { return new Response("fetched for " + this.ctx.props.who); }
  async [restore](params) { return make(params, this.ctx); }
}
export class Silent extends WorkerEntrypoint {
  async self() { return this.ctx.restore({}); }
}
export class Lent extends WorkerEntrypoint {
  mint() { return this.ctx.exports.Lent({ props: {} }); }
}
function make(params, ctx) {
  switch (params.kind) {
    case "service": return ctx.exports.Named({ props: { who: params.who ?? "restored" } });
    case "target": return new Tally();
    case "stub": return new RpcStub(new Tally());
    case "function": return (a) => a * 2;
    case "plain": return {};
    case "number": return 5;
    case "null": return null;
    case "bare": return ctx.exports.Named;
    case "throws": throw new RangeError("in restore");
  }
}
export class Shelf extends DurableObject {
  async keep(v) {
    await this.ctx.storage.put("v", v);
    return this.ctx.storage.get("v");
  }
  async keepSync(v) {
    this.ctx.storage.kv.put("v", v);
    return this.ctx.storage.kv.get("v");
  }
  async keepBare(what) {
    const { ctx, env } = this;
    const v = { exported: () => ctx.exports.Named, namespace: () => ctx.exports.Shelf, binding: () => env.PLAIN, envActor: () => env.SHELF.getByName("other"), target: () => new Tally(), stub: () => new RpcStub(new Tally()),
      fn: () => () => 1, promise: () => ctx.exports.Named({ props: {} }).say("x"), property: () => ctx.exports.Named({ props: {} }).say, outbound: () => env.NET, nested: () => ctx.exports.Named({ props: { inner: env.PLAIN } }), ephemeral: () => env.EPHEMERAL.get("e"),
    }[what]();
    await ctx.storage.put("v", v);
    return "stored";
  }
  async restored(kind, ...args) {
    const v = await this.ctx.restore({ kind, who: "actor" });
    await this.ctx.storage.put("v", v);
    const back = await this.ctx.storage.get("v");
    return kind === "service" ? back.say(...args) : kind === "function" ? back(...args) : back.add(...args);
  }
  async map(v) {
    await this.ctx.storage.put("v", new Map([["a", [v, v]]]));
    const [x, y] = (await this.ctx.storage.get("v")).get("a");
    return [x === y, await x.say("from a map")];
  }
  name() { return this.ctx.id.name; }
  wrong(v) { return this.ctx.restore(v); }
  members() { return [typeof this.ctx.restore, this.ctx.restore?.length, typeof this.ctx.exports]; }
  async [restore](params) { return make(params, this.ctx); }
}
export class Fleeting extends DurableObject {
  async self() { return this.ctx.restore({ kind: "target" }); }
  async [restore](params) { return make(params, this.ctx); }
}

const failing = async (fn) => {
  try {
    return show(await fn());
  } catch (e) {
    return "fails " + (e instanceof Error || e instanceof DOMException ? showError(e) : show(e));
  }
};
const table = (fns) => Object.fromEntries(Object.entries(fns).map(([name, fn]) => [name, (env, ctx) => failing(() => fn(env, ctx))]));
let n = 0;
const shelf = (env) => env.SHELF.getByName("s" + n++);
const named = (ctx, who) => ctx.exports.Named({ props: { who } });

export default serve({
  "stored": table({
    service: async (env, ctx) => (await shelf(env).keep(named(ctx, "ann"))).say("hi"), fetch: async (env, ctx) => (await (await shelf(env).keep(named(ctx, "ann"))).fetch("http://x/")).text(), sync: async (env, ctx) => (await shelf(env).keepSync(named(ctx, "bob"))).say("yo"), within: async (env, ctx) => (await shelf(env).keep({ a: [named(ctx, "cat")] })).a[0].say("deep"), map: (env, ctx) => shelf(env).map(named(ctx, "map")),
    actor: async (env, ctx) => (await shelf(env).keep(ctx.exports.Shelf.getByName("known"))).name(), unique: async (env, ctx) => (await shelf(env).keep(ctx.exports.Shelf.get(ctx.exports.Shelf.newUniqueId()))).name(), again: async (env, ctx) => { const s = await shelf(env).keep(named(ctx, "eve")); return (await shelf(env).keep(s)).say("twice"); }, props: async (env, ctx) => (await shelf(env).keep(ctx.exports.Named({ props: { who: "x", inner: named(ctx, "inner") } }))).say("p"),
    missingProps: async (env, ctx) => (await shelf(env).keep(ctx.exports.Named({}))).say("none"),
  }),
  "refused": table(Object.fromEntries(["exported", "namespace", "binding", "envActor", "target", "stub", "fn", "promise", "property", "outbound", "nested", "ephemeral"].map((what) => [what, (env) => shelf(env).keepBare(what)]))),
  "lent": table({
    noFlag: async (env) => shelf(env).keep(await env.LENT.mint()), oldShelf: async (env, ctx) => env.OLD.getByName("o" + n++).keep(named(ctx, "old")), oldTarget: (env) => env.OLD.getByName("o" + n++).keep(new RpcStub(new Tally())), clone: (env, ctx) => structuredClone(named(ctx, "c")), exported: (env, ctx) => env.PLAIN.say(ctx.exports.Named), external: (env) => env.PLAIN.say(env.NET), ephemeral: (env) => env.PLAIN.say(env.EPHEMERAL.get("e")),
  }),
  "restored": table({
    service: (env) => shelf(env).restored("service", "a"), target: (env) => shelf(env).restored("target", 2), stub: (env) => shelf(env).restored("stub", 3), function: (env) => shelf(env).restored("function", 4), plain: (env) => shelf(env).restored("plain"), number: (env) => shelf(env).restored("number"), nil: (env) => shelf(env).restored("null"), throws: (env) => shelf(env).restored("throws"), bare: (env) => shelf(env).restored("bare", "b"),
    live: async (env, ctx) => { const s = await named(ctx, "z").self("target"); return [await s.add(1), await s.add(1)]; }, kept: async (env, ctx) => { const s = await named(ctx, "z").self("target"); await s.add(1); const k = await shelf(env).keep(s); return [await k.add(1), await k.add(1), await s.add(1)]; }, dup: async (env, ctx) => { const s = await named(ctx, "z").self("target"); return (await shelf(env).keep(s.dup())).add(6); }, service2: async (env, ctx) => (await named(ctx, "z").self("service")).say("here"),
    silent: (env, ctx) => ctx.exports.Silent({ props: {} }).self(), none: (env) => shelf(env).wrong(), text: (env) => shelf(env).wrong("text"), nothing: (env) => shelf(env).wrong({ kind: "nothing" }), fnArg: (env, ctx) => failing(() => ctx.restore({ s: Symbol("x") })), plainExport: (env, ctx) => ctx.restore({ kind: "target" }), members: (env, ctx) => shelf(env).members(), own: (env, ctx) => [typeof ctx.restore, ctx.restore?.length, typeof restore, restore.description, Symbol.for("cloudflare:workers:restore") === restore], ephemeral: (env) => env.EPHEMERAL.get("f" + n++).self(),
  }),
});
