// What tail workers are told of WebSockets that hibernate, and of calls.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { serve, show, sleep } from "probe.js";

const whole = [], streams = [];

// Collector is the tail worker, and gives what it was told.
export class Collector extends WorkerEntrypoint {
  tail(items) {
    for (const t of items) {
      const e = t.event;
      // A handshake goes on with its WebSocket in workerd.
      if (e?.request !== undefined && t.entrypoint !== "Plain") continue;
      const members = e && { ...("getWebSocketEvent" in e && { getWebSocketEvent: plain(e.getWebSocketEvent) }), ...("request" in e && { method: e.request.method, status: e.response?.status }), ...("rpcMethod" in e && { rpcMethod: e.rpcMethod }), ...("consumedEvents" in e && { tail: true }), ...("scheduledTime" in e && { alarm: true }) };
      whole.push({ entrypoint: t.entrypoint, script: t.scriptName, model: t.executionModel, outcome: t.outcome, event: members, kind: e?.constructor?.name, logs: t.logs.map((l) => l.message), exceptions: t.exceptions.map((x) => [x.name, x.message]) });
    }
  }
  tailStream(onset) {
    const mine = [name(onset.event)];
    if (onset.event.info.type === "fetch") return;
    streams.push(mine);
    return (event) => { mine.push(name(event.event)); };
  }
  async take(n, m) {
    for (let i = 0; i < 100 && (whole.length < n || streams.filter((s) => s.at(-1).startsWith("outcome")).length < m); i++) await sleep(20);
    await sleep(40);
    return { whole: whole.splice(0), streams: streams.splice(0) };
  }
}
const plain = (o) => Object.fromEntries(["webSocketEventType", "code", "wasClean"].filter((k) => k in o).map((k) => [k, o[k]]));
const name = (e) => {
  switch (e.type) {
    case "onset": return `onset ${e.executionModel} ${e.entrypoint} ${e.info.type} ${JSON.stringify(e.info.info ?? {})}`;
    case "log": return `log ${JSON.stringify(e.message)}`;
    case "spanOpen": return `spanOpen ${e.name}`;
    case "outcome": return `outcome ${e.outcome}`;
    case "exception": return `exception ${e.name} ${e.message}`;
    case "return": return `return ${e.info?.type}`;
    case "attributes": return "attributes " + e.info.map((a) => a.name).join();
  }
  return e.type;
};

export class Room extends DurableObject {
  async fetch(request) {
    const pair = new WebSocketPair();
    this.ctx.acceptWebSocket(pair[1]);
    console.log("accepted");
    return new Response(null, { status: 101, webSocket: pair[0] });
  }
  async webSocketMessage(ws, message) {
    console.log("message", String(message));
    if (message === "reset") this.ctx.abort("reset");
    if (message === "throw") throw new RangeError("in a handler");
    if (message === "wait") this.ctx.waitUntil(sleep(20).then(() => console.log("waited")));
    if (message === "storage") await this.ctx.storage.put("a", 1);
    ws.send("re: " + message);
  }
  async webSocketClose(ws, code, reason, wasClean) {
    console.log("close", code, reason, wasClean);
    ws.close(code, reason);
  }
  fails() { console.log("fails"); throw new RangeError("of a call"); }
  call(v) { console.log("called"); return v; }
}
export class Silent extends DurableObject {
  async fetch(request) {
    const pair = new WebSocketPair();
    this.ctx.acceptWebSocket(pair[1]);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }
}
export class Sudden extends DurableObject {
  fetch(request) { return Room.prototype.fetch.call(this, request); }
  webSocketMessage(ws, message) { console.log("sudden"); throw new RangeError("at once"); }
}
let rooms = 0;
async function open(namespace) {
  const stub = namespace.getByName("r" + rooms++);
  const ws = (await stub.fetch("http://room/", { headers: { Upgrade: "websocket" } })).webSocket;
  const seen = [];
  let told;
  ws.accept();
  ws.addEventListener("message", (e) => { seen.push(e.data); told?.(); });
  ws.addEventListener("close", (e) => { seen.push("closed " + e.code); told?.(); });
  ws.addEventListener("error", () => { seen.push("error"); told?.(); });
  const next = async (n) => { while (seen.length < n) await Promise.race([new Promise((r) => { told = r; }), sleep(50)]); return seen; };
  return { ws, next };
}
// told is what the collector was told of what fn did, in an order of its own.
const told = (n, fn) => async (env) => {
  await env.COLLECTOR.take(0, 0);
  const seen = await fn(env);
  const { whole, streams } = await env.COLLECTOR.take(n, n);
  const order = (list) => list.map((x) => show(x)).sort().join("\n");
  return show(seen) + "\n" + order(whole) + "\n" + streams.map((s) => s.join(" | ")).sort().join("\n");
};

export default serve({
  "message": told(1, async (env) => { const { ws, next } = await open(env.ROOM); ws.send("hi"); return next(1); }),
  "bytes": told(1, async (env) => { const { ws, next } = await open(env.ROOM); ws.send(new Uint8Array([65])); return next(1); }),
  "two messages": told(2, async (env) => { const { ws, next } = await open(env.ROOM); ws.send("a"); await next(1); ws.send("b"); return next(2); }),
  "close": told(1, async (env) => { const { ws, next } = await open(env.ROOM); ws.close(4001, "bye"); return next(1); }),
  "handler that throws": told(1, async (env) => { const { ws } = await open(env.ROOM); ws.send("throw"); return "sent"; }),
  "waitUntil of a handler": told(1, async (env) => { const { ws, next } = await open(env.ROOM); ws.send("wait"); return next(1); }),
  "storage of a handler": told(1, async (env) => { const { ws, next } = await open(env.ROOM); ws.send("storage"); return next(1); }),
  "handler that throws at once": told(1, async (env) => { const { ws } = await open(env.SUDDEN); ws.send("throw"); return "sent"; }),
  "handler that aborts": told(1, async (env) => { const { ws, next } = await open(env.ROOM); ws.send("reset"); return next(1); }),
  "no handler": told(1, async (env) => { const { ws } = await open(env.SILENT); ws.send("hi"); return "sent"; }),
  "call that throws": told(1, async (env) => env.ROOM.getByName("c" + rooms++).fails().catch((e) => e.message)),
  "call": told(1, async (env) => env.ROOM.getByName("c" + rooms++).call(5)),
});
