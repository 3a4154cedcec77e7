import { DurableObject } from "cloudflare:workers";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { readSyncMessage, writeSyncStep1, writeUpdate } from "y-protocols/sync";
import * as Y from "yjs";

// A document of yjs that several people edit. Each update is a value of storage; a socket gets those that its client
// does not have.
export class Paper extends DurableObject {
  private doc = new Y.Doc();
  private updates = 0;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => {
      for (const update of (await ctx.storage.list<Uint8Array>({ prefix: "update:" })).values()) {
        Y.applyUpdate(this.doc, update);
        this.updates++;
      }
      this.doc.on("update", (update: Uint8Array, from: unknown) => {
        ctx.storage.put(`update:${String(this.updates++).padStart(8, "0")}`, update);
        const message = encoding.createEncoder();
        writeUpdate(message, update);
        for (const ws of ctx.getWebSockets()) {
          if (ws !== from) {
            ws.send(encoding.toUint8Array(message));
          }
        }
      });
    });
  }

  fetch(request: Request): Response {
    if (request.headers.get("upgrade") !== "websocket") {
      return Response.json({ text: this.doc.getText("text").toString(), updates: this.updates });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    const message = encoding.createEncoder();
    writeSyncStep1(message, this.doc);
    server.send(encoding.toUint8Array(message));
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(ws: WebSocket, data: ArrayBuffer): void {
    const answer = encoding.createEncoder();
    readSyncMessage(decoding.createDecoder(new Uint8Array(data)), answer, this.doc, ws);
    if (encoding.length(answer) > 0) {
      ws.send(encoding.toUint8Array(answer));
    }
  }
}
