import { DurableObject } from "cloudflare:workers";
import { body, problem } from "./http";
import type { Env, Item } from "./types";

// Keys sort as text, so numbers are padded: then the order of keys is the order of items.
const key = (id: number) => `item:${String(id).padStart(8, "0")}`;

// GET    /             all items; ?newest=3 only the three newest
// POST   /             {"text": ...} adds an item
// POST   /<id>/done    ticks an item off
// POST   /<a>/swap/<b> exchanges the texts of two items, or of none
// DELETE /<id>         removes an item
// DELETE /             removes the list
export class TodoList extends DurableObject<Env> {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const [first, action, second] = url.pathname.slice(1).split("/");
    const id = Number(first);
    switch (`${request.method} ${first === "" ? "list" : action ?? "item"}`) {
      case "GET list":
        return this.list(Number(url.searchParams.get("newest") ?? 0));
      case "POST list":
        return this.add(request);
      case "DELETE list":
        await this.ctx.storage.deleteAll();
        return new Response(null, { status: 204 });
      case "POST done":
        return this.change(id, (item) => ({ ...item, done: true }));
      case "POST swap":
        return this.swap(id, Number(second));
      case "DELETE item":
        return (await this.ctx.storage.delete(key(id))) ? new Response(null, { status: 204 }) : missing(id);
    }
    return problem(404, "there is nothing here");
  }

  private async list(newest: number): Promise<Response> {
    const options = newest > 0 ? { prefix: "item:", reverse: true, limit: newest } : { prefix: "item:" };
    const items = await this.ctx.storage.list<Item>(options);
    return Response.json([...items.values()]);
  }

  private async add(request: Request): Promise<Response> {
    const text = (await body(request))?.text;
    if (typeof text !== "string" || text === "") {
      return problem(400, 'send {"text": "..."}');
    }
    const items = await this.ctx.storage.list({ prefix: "item:" });
    if (items.size >= this.env.MAX_ITEMS) {
      return problem(409, `a list has at most ${this.env.MAX_ITEMS} items`);
    }
    const id = ((await this.ctx.storage.get<number>("last")) ?? 0) + 1;
    const item: Item = { id, text, done: false };
    // Both keys are written together, or neither.
    this.ctx.storage.put({ last: id, [key(id)]: item });
    return Response.json(item, { status: 201 });
  }

  private async change(id: number, update: (item: Item) => Item): Promise<Response> {
    const item = await this.ctx.storage.get<Item>(key(id));
    if (!item) {
      return missing(id);
    }
    const changed = update(item);
    await this.ctx.storage.put(key(id), changed);
    return Response.json(changed);
  }

  private async swap(a: number, b: number): Promise<Response> {
    return this.ctx.storage.transaction(async (txn) => {
      const items = await txn.get<Item>([key(a), key(b)]);
      const one = items.get(key(a));
      const other = items.get(key(b));
      if (one) {
        await txn.put(key(b), { ...one, id: b });
      }
      if (other) {
        await txn.put(key(a), { ...other, id: a });
      }
      if (!one || !other) {
        txn.rollback();
        return missing(one ? b : a);
      }
      return Response.json({ swapped: [a, b] });
    });
  }
}

function missing(id: number): Response {
  return problem(404, `there is no item ${id}`);
}
