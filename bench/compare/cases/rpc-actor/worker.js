import { DurableObject } from "cloudflare:workers";

export class Adder extends DurableObject {
  add(a, b) {
    return a + b;
  }
}

export default {
  async fetch(request, env) {
    const adder = env.ACTORS.get(env.ACTORS.idFromName("only"));
    let sum = 0;
    for (let i = 0; i < 100; i++) sum = await adder.add(sum, 1);
    return new Response(`${sum}`);
  },
};
