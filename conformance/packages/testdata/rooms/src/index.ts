import { getServerByName, routePartykitRequest } from "partyserver";
import type { Lobby } from "./lobby";
import type { Paper } from "./paper";

export { Lobby } from "./lobby";
export { Paper } from "./paper";

interface Env {
  Lobby: DurableObjectNamespace<Lobby>;
  PAPERS: DurableObjectNamespace<Paper>;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [first, name] = new URL(request.url).pathname.slice(1).split("/");
    if (first === "announce") {
      const lobby = await getServerByName(env.Lobby, name);
      return Response.json(await lobby.announce(await request.text()));
    }
    if (first === "papers") {
      return env.PAPERS.getByName(name).fetch(request);
    }
    return (await routePartykitRequest(request, env)) ?? new Response("not found", { status: 404 });
  },
};
