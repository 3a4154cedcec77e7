import { DurableObject } from "cloudflare:workers";

// One counter. Requests that arrive together are counted one by one: while the read is under way no other
// request is delivered, and the answer leaves when the write is on the disk.
export class Counter extends DurableObject {
  async fetch(request: Request): Promise<Response> {
    let count = (await this.ctx.storage.get<number>("count")) ?? 0;
    if (request.method === "POST") {
      await this.ctx.storage.put("count", ++count);
    }
    return new Response(`${count}\n`);
  }
}
