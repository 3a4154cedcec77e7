import { DurableObject } from "cloudflare:workers";

export class Room extends DurableObject {
  async fetch(request) {
    if (request.headers.get("Upgrade") !== "websocket") {
      const kept = await this.ctx.storage.list({ prefix: "m:" });
      return new Response([...kept.keys()].map((key) => key.slice(2)).join("\n"));
    }
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, message) {
    this.ctx.storage.put("m:" + message, Date.now());
    socket.send("kept " + message);
  }
}

export default {
  fetch(request, env) {
    const room = new URL(request.url).pathname.slice(1);
    return env.ROOMS.get(env.ROOMS.idFromName(room)).fetch(request);
  },
};
