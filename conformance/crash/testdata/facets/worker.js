// The counter of ../counter.ts in an actor, in a facet of it, and in a facet of the facet.
import { DurableObject } from "cloudflare:workers";

class Counted extends DurableObject {
  // step adds to the counter, whose two keys belong to one commit.
  async step(by) {
    const { storage } = this.ctx;
    const n = (await storage.get("n")) ?? 0;
    const mirror = (await storage.get("mirror")) ?? 0;
    if (mirror !== -n) throw new Error(`n is ${n} and its mirror ${mirror}`);
    if (by > 0) {
      storage.put("n", n + by);
      storage.put("mirror", -n - by);
    }
    return n + by;
  }
  // at adds to the counter that is so many facets further in.
  at(depth, by) {
    if (depth === 0) return this.step(by);
    return this.ctx.facets.get("next", () => ({ class: this.ctx.exports.Facet })).at(depth - 1, by);
  }
}

export class Root extends Counted {}
export class Facet extends Counted {}

// Counters 0 to 2 are those of one actor; the next three are another one's.
export default {
  async fetch(request, env) {
    const i = Number(new URL(request.url).pathname.slice(1));
    const root = env.ROOT.getByName(String(Math.floor(i / 3)));
    try {
      return new Response(String(await root.at(i % 3, request.method === "POST" ? 1 : 0)));
    } catch (e) {
      return new Response(e.message, { status: 409 });
    }
  },
};
