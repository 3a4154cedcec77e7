import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";
import type { Env } from "./index";
import type { Note } from "@/note";

export class Notebook extends DurableObject<Env> {
  private readonly app = new Hono();

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const storage = state.storage;
    this.app.post("/", async (c) => {
      const note = await c.req.json<Note>();
      const id = await storage.transaction(async (txn) => {
        const next = ((await txn.get<number>("next")) ?? 0) + 1;
        await txn.put("next", next);
        await txn.put(`note:${String(next).padStart(6, "0")}`, { ...note, written: new Date(0) });
        return next;
      });
      return c.json({ id }, 201);
    });
    this.app.get("/", async (c) => {
      const limit = Number(c.req.query("limit"));
      const notes = await storage.list<Note>({ prefix: "note:", limit });
      return c.json([...notes].map(([key, note]) => ({ id: Number(key.slice(5)), ...note })));
    });
    this.app.delete("/:id{[0-9]+}", async (c) => {
      const gone = await storage.delete(`note:${c.req.param("id").padStart(6, "0")}`);
      return gone ? c.body(null, 204) : c.notFound();
    });
  }

  fetch(request: Request): Response | Promise<Response> {
    return this.app.fetch(request);
  }
}
