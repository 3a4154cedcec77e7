import { DurableObject } from "cloudflare:workers";
import type { Env, Message, Notice, Say } from "./types";

// Keys sort as text, so numbers are padded: then the order of keys is the order of messages.
const key = (seq: number) => `message:${String(seq).padStart(10, "0")}`;

// One room. Its sockets stay open while it hibernates; what it has to know of each is attached to the socket, and what
// is worth keeping is in storage.
export class Room extends DurableObject<Env> {
  private awake = Date.now();
  // How many messages each person may send just now. A room hibernates after ten seconds without an event, and
  // everybody's allowance is full by then, so it need not be kept.
  private allowance = new Map<string, { left: number; at: number }>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    // Answered without waking the room.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  async fetch(request: Request): Promise<Response> {
    if (request.headers.get("upgrade") !== "websocket") {
      const { size } = await this.ctx.storage.list({ prefix: "message:" });
      return Response.json({ people: this.people(), sockets: this.ctx.getWebSockets().length, messages: size, awake: this.awake });
    }
    const name = new URL(request.url).searchParams.get("name")?.trim() ?? "";
    if (name === "" || name.length > 32) {
      return new Response("Add ?name= with 1 to 32 characters\n", { status: 400 });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [`name:${name}`]);
    server.serializeAttachment({ name });
    const messages = await this.ctx.storage.list<Message>({ prefix: "message:" });
    this.send(server, { type: "history", messages: [...messages.values()], people: this.people() });
    this.tell({ type: "joined", name, people: this.people() }, server);
    return new Response(null, { status: 101, webSocket: client });
  }

  async webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const { name } = ws.deserializeAttachment() as { name: string };
    const say = parse(data);
    if (typeof say === "string") {
      return this.send(ws, { type: "refused", reason: say });
    }
    const messages = await this.ctx.storage.list<Message>({ prefix: "message:" });
    // A message that was stored, but whose answer was lost, comes again.
    for (const m of messages.values()) {
      if (m.id === say.id && m.name === name) {
        return this.send(ws, { type: "stored", id: m.id, seq: m.seq });
      }
    }
    if (!this.allows(name)) {
      return this.send(ws, { type: "refused", id: say.id, reason: "You are too fast. Wait a moment." });
    }
    const seq = ((await this.ctx.storage.get<number>("last")) ?? 0) + 1;
    const message: Message = { seq, id: say.id, name, text: say.text, time: Date.now() };
    this.ctx.storage.put({ last: seq, [key(seq)]: message });
    const old = [...messages.keys()].slice(0, Math.max(0, messages.size + 1 - this.env.HISTORY));
    if (old.length > 0) {
      this.ctx.storage.delete(old);
    }
    // None of these leaves before the message is on the disk: that is what the output gate is for.
    this.send(ws, { type: "stored", id: say.id, seq });
    this.tell({ type: "message", message });
  }

  webSocketClose(ws: WebSocket, code: number, reason: string): void {
    this.leave(ws);
    ws.close(code === 1005 || code === 1006 ? 1000 : code, reason);
  }

  webSocketError(ws: WebSocket): void {
    this.leave(ws);
  }

  private leave(ws: WebSocket): void {
    const { name } = ws.deserializeAttachment() as { name: string };
    this.tell({ type: "left", name, people: this.people(ws) }, ws);
  }

  private allows(name: string): boolean {
    const now = Date.now();
    const { left, at } = this.allowance.get(name) ?? { left: this.env.BURST, at: now };
    const earned = Math.min(this.env.BURST, left + (now - at) / 1000);
    if (earned < 1) {
      return false;
    }
    this.allowance.set(name, { left: earned - 1, at: now });
    return true;
  }

  // people are the names in the room, each once; those of all sockets but one that leaves.
  private people(but?: WebSocket): string[] {
    const names = new Set<string>();
    for (const ws of this.ctx.getWebSockets()) {
      if (ws !== but) {
        names.add((ws.deserializeAttachment() as { name: string }).name);
      }
    }
    return [...names].sort();
  }

  private tell(notice: Notice, but?: WebSocket): void {
    for (const ws of this.ctx.getWebSockets()) {
      if (ws !== but) {
        this.send(ws, notice);
      }
    }
  }

  private send(ws: WebSocket, notice: Notice): void {
    try {
      ws.send(JSON.stringify(notice));
    } catch {
      // It is closing, and webSocketClose or webSocketError will say so.
    }
  }
}

// parse returns what is wrong with the data if it is nothing to say.
function parse(data: string | ArrayBuffer): Say | string {
  if (typeof data !== "string" || data.length > 4096) {
    return "Send text of at most 4,096 characters.";
  }
  let say: Partial<Say> | null;
  try {
    say = JSON.parse(data);
  } catch {
    return "Send JSON.";
  }
  if (say?.type !== "say" || typeof say.id !== "string" || say.id.length > 64 || typeof say.text !== "string" || say.text.trim() === "") {
    return 'Send {"type": "say", "id": "...", "text": "..."}.';
  }
  return { type: "say", id: say.id, text: say.text };
}
