import { DurableObject } from "cloudflare:workers";

export class Reader extends DurableObject {
  async fetch(request) {
    if (request.method === "PUT") {
      await this.ctx.storage.put("value", await request.text());
      return new Response("stored\n");
    }
    return new Response(await this.ctx.storage.get("value"));
  }
}

export default {
  fetch(request, env) {
    const id = env.ACTORS.idFromName("only");
    return env.ACTORS.get(id).fetch(request);
  },
};
