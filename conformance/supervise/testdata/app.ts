// A counter, an actor whose code the server's process does not survive, and a thread like that.
import Worker from "worker";

interface Env {
  COUNTER: DurableObjectNamespace;
  KILLER: DurableObjectNamespace;
}

export class Counter {
  constructor(private readonly state: DurableObjectState) {}

  async fetch(request: Request): Promise<Response> {
    let n = (await this.state.storage.get<number>("n")) ?? 0;
    if (request.method === "POST") this.state.storage.put("n", ++n);
    return new Response(String(n));
  }
}

export class Killer {
  fetch(request: Request): Response {
    const how = new URL(request.url).pathname.split("/")[3];
    if (how === "peace") return new Response("peace");
    console.log("about to end it");
    if (how === "spin") for (;;);
    // Each step doubles the string, until one asks for more memory than there is.
    for (let s = "x"; ; ) s += s;
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    const [, kind, name] = new URL(request.url).pathname.split("/");
    if (kind === "thread") {
      const thread = new Worker("job.ts");
      thread.postMessage(name);
      return new Promise((done) => thread.on("message", (m: string) => done(new Response(m))));
    }
    const actors = kind === "counter" ? env.COUNTER : env.KILLER;
    return actors.get(actors.idFromName(name)).fetch(request);
  },
};
