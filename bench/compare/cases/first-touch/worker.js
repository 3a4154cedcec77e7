import { DurableObject } from "cloudflare:workers";

export class Counter extends DurableObject {
  async fetch(request) {
    const n = (await this.ctx.storage.get("n")) ?? 0;
    if (request.url.endsWith("/value")) {
      return new Response(String(n));
    }
    await this.ctx.storage.put("n", n + 1);
    return new Response(String(n + 1));
  }
}

export default {
  fetch(request, env) {
    const name = new URL(request.url).pathname.split("/")[1];
    return env.ACTORS.get(env.ACTORS.idFromName(name)).fetch(request);
  },
};
