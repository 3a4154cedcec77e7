// A register of one number, written the way Durable Objects are: read, await, write.
// Nothing here keeps two requests apart, or an answer back until its write is durable;
// the gates do. Values are not cached, so that reads go to storage.
interface Env {
  REGISTER: DurableObjectNamespace;
}

const uncached = { noCache: true };

export class Register {
  constructor(private readonly state: DurableObjectState) {}

  async fetch(request: Request): Promise<Response> {
    const storage = this.state.storage;
    const url = new URL(request.url);
    const number = (name: string) => Number(url.searchParams.get(name));
    const value = async () => (await storage.get<number>("value", uncached)) ?? 0;

    switch (url.searchParams.get("do")) {
      case "read":
        return Response.json({ value: await value() });
      case "write":
        await storage.put("value", number("value"), uncached);
        return Response.json({ value: number("value") });
      case "increment": {
        const next = (await value()) + 1;
        await storage.put("value", next, uncached);
        return Response.json({ value: next });
      }
      case "swap": {
        // In a section, which holds back others while it waits for anything at all.
        const found = await this.state.blockConcurrencyWhile(async () => {
          const found = await value();
          await scheduler.wait(1);
          if (found === number("old")) await storage.put("value", number("value"), uncached);
          return found;
        });
        return Response.json({ value: found });
      }
    }
    return new Response("do what?", { status: 400 });
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return env.REGISTER.get(env.REGISTER.idFromName(new URL(request.url).pathname)).fetch(request);
  },
};
