import { DurableObject } from "cloudflare:workers";

export class Echo extends DurableObject {
  fetch() {
    return new Response("Hello from an actor!\n");
  }
}

export default {
  fetch(request, env) {
    const id = env.ACTORS.idFromName("only");
    return env.ACTORS.get(id).fetch(request);
  },
};
