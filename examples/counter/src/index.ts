import page from "./page.html";

export { Counter } from "./counter";

interface Env {
  COUNTERS: DurableObjectNamespace;
}

// GET  /                   a page with a button
// GET  /<name>             the count
// POST /<name>/increment   one more; the answer is the new count
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [name, action] = new URL(request.url).pathname.slice(1).split("/");
    if (name === "") {
      return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    const counter = env.COUNTERS.getByName(name);
    if (action === undefined && request.method === "GET") {
      return counter.fetch("http://counter/");
    }
    if (action === "increment" && request.method === "POST") {
      return counter.fetch("http://counter/", { method: "POST" });
    }
    return new Response("Not found\n", { status: 404 });
  },
};
