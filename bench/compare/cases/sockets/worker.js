import { DurableObject } from "cloudflare:workers";

export class Room extends DurableObject {
  fetch(request) {
    const [client, server] = Object.values(new WebSocketPair());
    if (request.url.includes("/plain/")) {
      server.accept();
      server.addEventListener("message", (event) => server.send(event.data));
    } else {
      this.ctx.acceptWebSocket(server);
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, message) {
    if (message.startsWith("all ")) {
      for (const each of this.ctx.getWebSockets()) each.send(message);
    } else {
      socket.send(message);
    }
  }

  webSocketClose(socket, code) {
    if (code !== 1006) socket.close(code === 1005 ? 1000 : code);
  }
}

export default {
  fetch(request, env) {
    if (request.headers.get("Upgrade") !== "websocket") return new Response("ready");
    const room = new URL(request.url).pathname.split("/")[2];
    return env.ROOMS.get(env.ROOMS.idFromName(room)).fetch(request);
  },
};
