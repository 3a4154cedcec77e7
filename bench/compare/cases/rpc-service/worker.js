import { WorkerEntrypoint } from "cloudflare:workers";

export class Adder extends WorkerEntrypoint {
  add(a, b) {
    return a + b;
  }
}

export default {
  async fetch(request, env) {
    let sum = 0;
    for (let i = 0; i < 100; i++) sum = await env.ADDER.add(sum, 1);
    return new Response(`${sum}`);
  },
};
