// A counter that is written with two keys. They belong to one commit, so a value whose
// mirror differs is half of one.
interface Env {
  COUNTER: DurableObjectNamespace;
}

export class Counter {
  constructor(private readonly state: DurableObjectState) {}

  async fetch(request: Request): Promise<Response> {
    const storage = this.state.storage;
    let n = (await storage.get<number>("n")) ?? 0;
    const mirror = (await storage.get<number>("mirror")) ?? 0;
    if (mirror !== -n) return new Response(`n is ${n} and its mirror ${mirror}`, { status: 409 });
    if (request.method === "POST") {
      n++;
      storage.put("n", n);
      storage.put("mirror", -n);
    }
    return new Response(String(n));
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return env.COUNTER.get(env.COUNTER.idFromName(new URL(request.url).pathname)).fetch(request);
  },
};
