import { Hono, type Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { bearerAuth } from "hono/bearer-auth";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { requestId } from "hono/request-id";
import { streamText } from "hono/streaming";
import { setCookie, getCookie } from "hono/cookie";
import { zValidator } from "@hono/zod-validator";
import { Note, Query } from "@/note";
import { page } from "@/render";

export { Notebook } from "./notebook";

export interface Env {
  TOKEN: string;
  NOTEBOOK: DurableObjectNamespace;
}

const app = new Hono<{ Bindings: Env }>();

app.use(async (c, next) => {
  await next();
  c.header("X-Route", c.req.path);
});
app.use("/api/*", cors({ origin: "https://example.com", allowMethods: ["GET", "POST"] }));
app.use("/api/*", requestId());
app.use("/api/*", (c, next) => bearerAuth({ token: c.env.TOKEN })(c, next));

const notebook = (c: Context<{ Bindings: Env }>) => c.env.NOTEBOOK.get(c.env.NOTEBOOK.idFromName(c.req.param("book")!));

app.get("/", (c) => c.text("notes"));
app.get("/page", etag(), (c) => c.html(page("Notes & more", ["<one>", "two"])));
app.get("/stream", (c) =>
  streamText(c, async (stream) => {
    for (const word of ["one ", "two ", "three"]) {
      await stream.write(word);
      await stream.sleep(1);
    }
  }),
);
app.get("/visit", (c) => {
  const n = Number(getCookie(c, "visits") ?? 0) + 1;
  setCookie(c, "visits", String(n), { httpOnly: true, path: "/" });
  return c.json({ n });
});
app.post("/api/:book", zValidator("json", Note), (c) =>
  notebook(c).fetch("http://notebook/", { method: "POST", body: JSON.stringify(c.req.valid("json")) }),
);
app.get("/api/:book", zValidator("query", Query), async (c) => {
  const { limit, tag } = c.req.valid("query");
  const resp = await notebook(c).fetch(`http://notebook/?limit=${limit}`);
  const notes = await resp.json<(Note & { id: number })[]>();
  return c.json(notes.filter((n) => tag === undefined || n.tags.includes(tag)));
});
app.delete("/api/:book/:id", (c) => notebook(c).fetch(`http://notebook/${c.req.param("id")}`, { method: "DELETE" }));
app.get("/teapot", () => {
  throw new HTTPException(418, { message: "short and stout" });
});
app.get("/boom", () => {
  throw new Error("boom");
});
app.notFound((c) => c.json({ error: "no such route" }, 404));
app.onError((err, c) => {
  if (err instanceof HTTPException) return err.getResponse();
  return c.json({ error: err.message }, 500);
});

export default app;
