// WebSockets that hibernate.
import { DurableObject, WorkerEntrypoint, RpcTarget } from "cloudflare:workers";
import unsafe from "workerd:unsafe";
import { serve, show, showError, sleep, tries, attempt } from "probe.js";

const kind = (v) => v instanceof ArrayBuffer ? `[${new Uint8Array(v)}]` : v instanceof Blob ? `Blob(${v.size},${v.type})` : v;
let instances = 0;

export class Room extends DurableObject {
  constructor(ctx, env) { super(ctx, env); this.n = ++instances; this.log = []; this.birth = ctx.getWebSockets().map((w) => w.deserializeAttachment()); }
  async fetch(request) {
    const url = new URL(request.url);
    const [theirs, mine] = Object.values(new WebSocketPair());
    const tags = url.searchParams.getAll("tag");
    const a = url.searchParams.get("a");
    this.ctx.acceptWebSocket(mine, tags);
    if (a !== null) mine.serializeAttachment(a);
    if (url.searchParams.has("hello")) mine.send("hello");
    const proto = url.searchParams.get("proto");
    return new Response(null, { status: 101, webSocket: theirs, headers: proto ? { "Sec-WebSocket-Protocol": proto } : {} });
  }
  async run(name, ...args) { return attempt(() => runs[name].call(this, this.ctx, ...args)); }
  async webSocketMessage(ws, m) {
    this.log.push(`message ${kind(m)}`);
    if (typeof m !== "string") { ws.send(m); return; }
    const [verb, ...rest] = m.split(" ");
    switch (verb) {
      case "echo": ws.send(`${rest.join(" ")} of ${show(ws.deserializeAttachment(), 1)} ${show(this.ctx.getTags(ws))}`); break;
      case "all": for (const s of this.ctx.getWebSockets(rest[0])) s.send(`all ${s.deserializeAttachment()}`); break;
      case "same": ws.send(String(this.last === ws) + (this.ctx.getWebSockets()[0] === ws)); this.last = ws; break;
      case "close": ws.close(...(rest[0] ? [Number(rest[0]), ...rest.slice(1)] : [])); break;
      case "closeall": for (const s of this.ctx.getWebSockets()) s.close(4100, "all"); break;
      case "abort": this.ctx.abort(new RangeError("aborted here")); break;
      case "throw": throw new RangeError("thrown");
      case "attach": ws.serializeAttachment({ v: rest.join(" ") }); ws.send("attached"); break;
      case "state": ws.send(show([ws.readyState, ws.url, ws.protocol, ws.extensions, ws.binaryType])); break;
      case "birth": ws.send(show(this.birth)); break;
      case "put": this.ctx.storage.put("k", rest[0]); ws.send("put " + await this.ctx.storage.get("k")); break;
      case "listen": ws.addEventListener("message", (e) => this.log.push("listener " + e.data)); ws.addEventListener("close", () => this.log.push("close listener")); ws.send("listening"); break;
      case "log": ws.send(show(this.log)); break;
      case "alarm": await this.ctx.storage.setAlarm(Date.now() + Number(rest[0])); ws.send("set"); break;
      case "twice": ws.send("1"); await sleep(5); ws.send("2"); break;
      case "sendclose": ws.send("before"); ws.close(4005, "x"); try { ws.send("after"); } catch (e) { this.log.push(showError(e)); await this.ctx.storage.put("log", this.log); } break;
      case "big": ws.send("y".repeat(Number(rest[0]))); break;
      case "block": this.ctx.blockConcurrencyWhile(async () => { await sleep(10); throw new TypeError("blocked"); }); ws.send("blocking"); break;
      case "binary": ws.binaryType = rest[0]; ws.send(ws.binaryType); break;
    }
  }
  async webSocketClose(ws, code, reason, wasClean) {
    this.log.push(`close ${code} ${reason} ${wasClean} ${ws.readyState} ${show(ws.deserializeAttachment(), 1)} ${show(this.ctx.getTags(ws))} ${this.ctx.getWebSockets().length}`);
    await this.ctx.storage.put("log", this.log);
    if (reason === "keep") return;
    if (reason === "throw") throw new RangeError("in close");
    if (reason === "last") ws.send("last words");
    if (reason === "late") { await sleep(20); }
    ws.close(code === 1005 || code === 1006 ? 1000 : code, "re " + reason);
    this.log.push(`after ${ws.readyState}`);
    await this.ctx.storage.put("log", this.log);
  }
  async webSocketError(ws, e) { this.log.push(`error ${showError(e)}`); await this.ctx.storage.put("log", this.log); }
  async alarm() { for (const s of this.ctx.getWebSockets()) s.send(`alarm ${s.deserializeAttachment()} ${this.birth.length}`); }
}
const runs = {
  sockets(ctx, tag) { return ctx.getWebSockets(tag).map((w) => [w.deserializeAttachment(), ctx.getTags(w), w.readyState]); },
  async log(ctx) { return [this.log, await ctx.storage.get("log")]; },
  birth() { return this.birth; },
  auto(ctx, a, b) { ctx.setWebSocketAutoResponse(a === undefined ? undefined : new WebSocketRequestResponsePair(a, b)); },
  stamps(ctx) { return ctx.getWebSockets().map((w) => { const t = ctx.getWebSocketAutoResponseTimestamp(w); return t === null ? null : t instanceof Date && Math.abs(t - Date.now()) < 60000; }); },
  getAuto(ctx) { const p = ctx.getWebSocketAutoResponse(); return p && [p.request, p.response, p.constructor.name, Object.keys(p)]; },
  send(ctx, m, tag) { for (const w of ctx.getWebSockets(tag)) w.send(m); },
  close(ctx, ...args) { const all = ctx.getWebSockets(); for (const w of all) w.close(...args); return all.map((w) => w.readyState); },
  closed(ctx) { const [w] = ctx.getWebSockets(); w.close(4000, "c"); return tries(() => w.send("x"), () => w.close(1000), () => w.readyState, () => ctx.getWebSockets().length, () => ctx.getTags(w)); },
  accept(ctx) { const [w] = ctx.getWebSockets(); return tries(() => w.accept(), () => ctx.acceptWebSocket(w), () => ctx.acceptWebSocket(w, ["x"]), () => new Response(null, { status: 101, webSocket: w }).status); },
  tags(ctx) {
    const p = () => new WebSocketPair()[0], many = (n) => Array.from({ length: n }, (_, i) => "t" + i);
    return tries(() => ctx.acceptWebSocket(p(), many(10)), () => ctx.acceptWebSocket(p(), many(11)), () => ctx.acceptWebSocket(p(), [...many(10), "t0"]), () => ctx.acceptWebSocket(p(), ["t0", ...many(9)]), () => { const w = p(); ctx.acceptWebSocket(w, ["a", "a", "b"]); return ctx.getTags(w); }, () => ctx.acceptWebSocket(p(), ["x".repeat(256)]), () => ctx.acceptWebSocket(p(), ["x".repeat(257)]), () => ctx.acceptWebSocket(p(), ["é".repeat(129)]),
      () => { const w = p(); ctx.acceptWebSocket(w, [1, null, {}]); return ctx.getTags(w); }, () => ctx.acceptWebSocket(p(), "tag"), () => ctx.acceptWebSocket(p(), 5), () => ctx.acceptWebSocket(p(), null), () => ctx.acceptWebSocket(p(), undefined), () => { const w = p(); ctx.acceptWebSocket(w, [""]); return [ctx.getTags(w), ctx.getWebSockets("").length]; }, () => ctx.acceptWebSocket(), () => ctx.acceptWebSocket({}), () => ctx.acceptWebSocket(null),
      () => ctx.acceptWebSocket(p(), [Symbol("s")]), () => ctx.acceptWebSocket(p(), new Set(["a"])), () => ctx.acceptWebSocket(p(), ["a", { toString() { throw new RangeError("own"); } }]));
  },
  misuse(ctx) {
    return tries(() => { const [a] = Object.values(new WebSocketPair()); a.accept(); ctx.acceptWebSocket(a); }, () => { const [a, b] = Object.values(new WebSocketPair()); ctx.acceptWebSocket(a); ctx.acceptWebSocket(b); }, () => { const [a, b] = Object.values(new WebSocketPair()); b.accept(); ctx.acceptWebSocket(a); }, () => { const [a, b] = Object.values(new WebSocketPair()); new Response(null, { status: 101, webSocket: b }); ctx.acceptWebSocket(a); return "fine"; },
      () => { const [a] = Object.values(new WebSocketPair()); ctx.acceptWebSocket(a); ctx.acceptWebSocket(a); }, () => { const [a] = Object.values(new WebSocketPair()); ctx.acceptWebSocket(a); a.accept(); }, () => { const [a, b] = Object.values(new WebSocketPair()); ctx.acceptWebSocket(a); b.accept(); a.send("x"); return "sent"; }, () => ctx.getTags(new WebSocketPair()[0]), () => { const [a] = Object.values(new WebSocketPair()); a.accept(); ctx.getTags(a); }, () => ctx.getTags(), () => ctx.getTags({}), () => ctx.getWebSockets(null), () => ctx.getWebSockets(5), () => ctx.getWebSockets({}), () => ctx.getWebSockets(undefined).length,
      () => { const [a] = Object.values(new WebSocketPair()); return ctx.getWebSocketAutoResponseTimestamp(a); }, () => ctx.getWebSocketAutoResponseTimestamp(), () => { const w = new WebSocket("ws://x/"); ctx.acceptWebSocket(w); });
  },
  autos(ctx) {
    const P = WebSocketRequestResponsePair;
    return tries(() => ctx.getWebSocketAutoResponse(), () => ctx.setWebSocketAutoResponse(new P("a", "b")), () => ctx.getWebSocketAutoResponse(), () => { const p = new P("a", "b"); ctx.setWebSocketAutoResponse(p); return ctx.getWebSocketAutoResponse() === p; }, () => ctx.setWebSocketAutoResponse(null), () => ctx.getWebSocketAutoResponse(), () => ctx.setWebSocketAutoResponse(undefined), () => ctx.getWebSocketAutoResponse(), () => ctx.setWebSocketAutoResponse(), () => ctx.setWebSocketAutoResponse({ request: "a", response: "b" }), () => ctx.setWebSocketAutoResponse(new P("x".repeat(2048), "y".repeat(2048))), () => ctx.setWebSocketAutoResponse(new P("x".repeat(2049), "y")), () => ctx.setWebSocketAutoResponse(new P("x", "y".repeat(2049))), () => ctx.setWebSocketAutoResponse(new P("é".repeat(1025), "y")),
      () => new P("a"), () => new P(), () => P("a", "b"), () => { const p = new P(1, null); return [p.request, p.response]; }, () => { const p = new P("a", "b"); p.request = "c"; return p.request; }, () => Object.keys(new P("a", "b")), () => String(new P("a", "b")), () => structuredClone(new P("a", "b")), () => ctx.getWebSocketAutoResponse().request.length);
  },
  timeouts(ctx) {
    const s = (v) => () => ctx.setHibernatableWebSocketEventTimeout(v), g = () => ctx.getHibernatableWebSocketEventTimeout();
    return tries(g, s(5), g, s(0), g, s(604800000), g, s(604800001), g, s(), g, s(-1), g, s(1.9), g, s("7"), g, s(null), g, s(NaN), g, s(Infinity), g, s({}), g, s(2 ** 32 + 5), g, s(undefined), g);
  },
  attachments(ctx) {
    const p = () => new WebSocketPair()[0], round = (v) => () => { const w = p(); w.serializeAttachment(v); return w.deserializeAttachment(); };
    return tries(round(undefined), round(null), round(0), round(new Map([[1, { a: new Set([1]) }]])), round(new Date(3)), round(new RangeError("r")), round(/x/g), round(5n), round(new Uint8Array([1, 2])), round(new Uint16Array([1, 2]).subarray(1)), round([, 1]), () => p().serializeAttachment(() => 1), () => p().serializeAttachment(Symbol("a")), () => p().serializeAttachment(p()), () => p().serializeAttachment(new RpcTarget()), () => p().serializeAttachment(new Headers()), () => p().serializeAttachment({ f() {} }), () => p().serializeAttachment(new Blob(["a"])), () => p().serializeAttachment(new Request("http://x")), () => p().serializeAttachment(),
      () => p().serializeAttachment(new Uint8Array(16384)), () => p().serializeAttachment("é".repeat(16384)), () => { const w = p(); w.serializeAttachment(1); try { w.serializeAttachment("x".repeat(20000)); } catch {} return w.deserializeAttachment(); }, round(class {}), () => { const o = {}; o.o = o; const w = p(); w.serializeAttachment(o); const r = w.deserializeAttachment(); return r.o === r; }, round({ get a() { return 1; } }), () => round({ get a() { throw new RangeError("g"); } })());
  },
  async own(ctx) {
    const [a, b] = Object.values(new WebSocketPair());
    ctx.acceptWebSocket(a, ["own"]); a.serializeAttachment("own");
    return "accepted";
  },
  async local(ctx) {
    const [a, b] = Object.values(new WebSocketPair());
    ctx.acceptWebSocket(a, ["own"]); a.serializeAttachment("own");
    const seen = [];
    try { b.accept(); } catch (e) { return showError(e); }
    b.addEventListener("message", (e) => seen.push(e.data)); b.addEventListener("close", (e) => seen.push([e.code, e.reason, e.wasClean]));
    b.send("echo hi"); await sleep(50); b.close(4001, "bye"); await sleep(50);
    return [seen, this.log];
  },
};
export class Bare extends DurableObject {
  async fetch(request) {
    const [theirs, mine] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(mine);
    mine.serializeAttachment("bare");
    return new Response(null, { status: 101, webSocket: theirs });
  }
  count() { return this.ctx.getWebSockets().length; }
  run(name, ...args) { return attempt(() => runs[name].call(this, this.ctx, ...args)); }
}
let fragile = 0;
export class Fragile extends DurableObject {
  constructor(ctx, env) { super(ctx, env); if (fragile) throw new RangeError("constructor " + fragile); }
  async fetch(request) {
    const [theirs, mine] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(mine);
    return new Response(null, { status: 101, webSocket: theirs });
  }
  webSocketMessage(ws, m) { ws.send("re " + m); }
  ping() { return "pong"; }
}
export class Svc extends WorkerEntrypoint {
  async open(name, query = "") { const r = await this.env.ROOM.getByName(name).fetch("http://room/" + query, { headers: { Upgrade: "websocket" } }); return r; }
  async socket(name, query = "") { return (await this.open(name, query)).webSocket; }
  async fetch(request) { const u = new URL(request.url); return this.env.ROOM.getByName(u.pathname.slice(1)).fetch(request); }
}

let rooms = 0;
const room = (env, ns = "ROOM") => { const stub = env[ns].getByName("r" + rooms++); return stub; };
function client(ws, name = "") {
  const seen = []; let told;
  const tell = (x) => { seen.push(name + x); told?.(); };
  ws.accept();
  ws.addEventListener("message", (e) => tell(kind(e.data)));
  ws.addEventListener("close", (e) => tell(`close ${e.code} ${e.reason} ${e.wasClean} ${ws.readyState}`));
  ws.addEventListener("error", (e) => tell(`error ${e.message} ${e.error && showError(e.error)}`));
  const next = async (n, ms = 3000) => { const end = Date.now() + ms; while (seen.length < n && Date.now() < end) await Promise.race([new Promise((r) => { told = r; }), sleep(50)]); return [...seen]; };
  return { ws, seen, next };
}
const open = async (stub, query = "", name = "", headers = {}) => { const r = await stub.fetch("http://room/" + query, { headers: { Upgrade: "websocket", ...headers } }); return client(r.webSocket, name); };
const evict = (stub, o) => unsafe.evict(stub, o);
const settled = async (stub, want) => { for (let i = 0; i < 100; i++) { const l = await stub.run("log"); if (l.includes(want)) return l; await sleep(20); } return "never " + await stub.run("log"); };

export default serve({
  "tags": (env) => room(env).run("tags"),
  "misuse": (env) => room(env).run("misuse"),
  "auto responses": (env) => room(env).run("autos"),
  "timeouts": (env) => room(env).run("timeouts"),
  "attachments": (env) => room(env).run("attachments"),
  "local": (env) => room(env).run("local"),
  "evict: nobody": (env) => tries(() => evict(room(env)), () => evict(env.SVC), () => evict(), async () => { const s = room(env); await s.run("own"); return evict(s, { webSockets: "x" }); }, async () => { const s = room(env); await s.run("own"); await evict(s, { webSockets: "hibernate" }); return s.run("sockets"); }, async () => { const s = room(env); await s.run("own"); await evict(s, { webSockets: "close" }); return s.run("sockets"); }),
  "attachment and tags survive": async (env) => { const s = room(env); const a = await open(s, "?a=one&tag=x&tag=y"), b = await open(s, "?a=two&tag=y"); await evict(s); a.ws.send("echo 1"); await a.next(1); b.ws.send("echo 2"); await b.next(1); return [a.seen, b.seen, await s.run("sockets"), await s.run("sockets", "x"), await s.run("sockets", "y"), await s.run("sockets", "z"), await s.run("birth")]; },
  "order of sockets": async (env) => { const s = room(env); for (const x of "abc") await open(s, "?tag=t&a=" + x); const before = [await s.run("sockets"), await s.run("sockets", "t")]; await evict(s); return [before, await s.run("sockets"), await s.run("sockets", "t"), await s.run("birth")]; },
  "broadcast after hibernation": async (env) => { const s = room(env); const cs = []; for (const x of "abc") cs.push(await open(s, "?tag=t" + (x === "c" ? "c" : "") + "&a=" + x)); await evict(s); cs[0].ws.send("all t"); await cs[0].next(1); await cs[1].next(1); cs[2].ws.send("all"); await Promise.all(cs.map((c, i) => c.next(i < 2 ? 2 : 1))); return cs.map((c) => c.seen); },
  "identity": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("same"); a.ws.send("same"); await a.next(2); await evict(s); a.ws.send("same"); a.ws.send("same"); return a.next(4); },
  "messages while hibernated": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await evict(s); for (const m of ["echo 1", "echo 2", "echo 3"]) a.ws.send(m); a.ws.send(new Uint8Array([1, 2])); return a.next(4); },
  "listeners": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("listen"); a.ws.send("echo 1"); a.ws.send("log"); return a.next(3); },
  "state": async (env) => { const s = room(env); const a = await open(s, "?a=x&proto=chat", "", { "Sec-WebSocket-Protocol": "chat" }); a.ws.send("state"); await a.next(1); await evict(s); a.ws.send("state"); return [await a.next(2), a.ws.protocol, a.ws.url, a.ws.extensions]; },
  "close by the client": async (env) => { const s = room(env); const a = await open(s, "?a=x&tag=t"); a.ws.close(4001, "bye"); return [await a.next(1), await settled(s, "after"), await s.run("sockets")]; },
  "close by the client while hibernated": async (env) => { const s = room(env); const a = await open(s, "?a=x&tag=t"); await evict(s); a.ws.close(4001, "bye"); return [await a.next(1), await settled(s, "after"), await s.run("sockets")]; },
  "close without a code": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.close(); return [await a.next(1), await settled(s, "after"), await s.run("sockets")]; },
  "close that is not answered": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.close(1000, "keep"); return [await a.next(1, 500), await settled(s, "keep"), await s.run("sockets"), a.ws.readyState]; },
  "close that throws": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.close(1000, "throw"); return [await a.next(1, 500), await settled(s, "throw"), await s.run("sockets")]; },
  "last words": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.close(1000, "last"); return [await a.next(2), await settled(s, "after"), await s.run("sockets")]; },
  "late answer to a close": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.close(1000, "late"); return [await a.next(1), await settled(s, "after"), await s.run("sockets")]; },
  "close by the actor": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("close 4002 said"); return [await a.next(1), await s.run("log"), await s.run("sockets")]; },
  "close by the actor without a code": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("close"); return [await a.next(1), await s.run("log"), await s.run("sockets")]; },
  "close by a method": async (env) => { const s = room(env); const a = await open(s, "?a=x"), b = await open(s, "?a=y"); await evict(s); const r = await s.run("close", 4003, "method"); return [r, await a.next(1), await b.next(1), await s.run("sockets"), await s.run("log")]; },
  "closed twice": async (env) => { const s = room(env); const a = await open(s, "?a=x"); const r = await s.run("closed"); return [r, await a.next(1), await s.run("sockets")]; },
  "close then hibernate": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("close 4002 said"); await a.next(1); await evict(s); return [await s.run("sockets"), a.ws.readyState]; },
  "half closed and hibernated": async (env) => { const s = room(env); const r = await s.fetch("http://room/?a=x", { headers: { Upgrade: "websocket" } }); const ws = r.webSocket; ws.accept({ allowHalfOpen: true }); const seen = []; ws.addEventListener("close", (e) => seen.push(e.code)); ws.addEventListener("message", (e) => seen.push(e.data)); await s.run("close", 4004, "half"); await sleep(50); await evict(s); seen.push(await s.run("sockets")); seen.push(await attempt(() => ws.send("echo more"))); await sleep(50); seen.push(await s.run("log")); ws.close(1000, "done"); await sleep(50); seen.push(await s.run("log"), await s.run("sockets")); return seen; },
  "sent behind a close": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("sendclose"); return [await a.next(2), await settled(s, "after"), await s.run("sockets")]; },
  "evicted with close": async (env) => { const s = room(env); const a = await open(s, "?a=x"), b = await open(s, "?a=y"); await evict(s, { webSockets: "close" }); return [await a.next(1), await b.next(1), await s.run("sockets"), await s.run("log")]; },
  "handler that throws": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("throw"); a.ws.send("echo on"); return [await a.next(1), await s.run("sockets")]; },
  "handler that aborts": async (env) => { const s = room(env); const a = await open(s, "?a=x"), b = await open(s, "?a=y"); a.ws.send("abort"); const r = [await a.next(1), await b.next(1)]; return [r, await attempt(() => s.run("sockets")), await env.ROOM.get(s.id).run("sockets")]; },
  "block that throws": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("block"); return [await a.next(2), await attempt(() => s.run("sockets")), await env.ROOM.get(s.id).run("sockets")]; },
  "binaryType": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("binary blob"); await a.next(1); a.ws.send(new Uint8Array([7])); await a.next(2); await evict(s); a.ws.send("state"); return [await a.next(3), await s.run("log")]; },
  "client as arraybuffer": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.binaryType = "arraybuffer"; a.ws.send(new Uint8Array([7])); return a.next(1); },
  "auto response": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await s.run("auto", "ping", "pong"); const before = await s.run("stamps"); a.ws.send("ping"); await a.next(1); a.ws.send("echo 1"); await a.next(2); return [a.seen, before, await s.run("stamps"), await s.run("log"), await s.run("getAuto")]; },
  "auto response while hibernated": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await s.run("auto", "ping", "pong"); await evict(s); a.ws.send("ping"); a.ws.send("ping"); await a.next(2); const r = await attempt(() => evict(s)); return [a.seen, r, await s.run("stamps"), await s.run("getAuto"), await s.run("log")]; },
  "auto response and bytes": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await s.run("auto", "ping", "pong"); a.ws.send(new TextEncoder().encode("ping")); a.ws.send("Ping"); a.ws.send("ping "); a.ws.send("ping"); return [await a.next(2), await s.run("log")]; },
  "auto response empty": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await s.run("auto", "", ""); a.ws.send(""); return [await a.next(1), await s.run("stamps"), await s.run("log")]; },
  "auto response taken away": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await s.run("auto", "ping", "pong"); a.ws.send("ping"); await a.next(1); await s.run("auto"); a.ws.send("ping"); a.ws.send("echo 1"); return [await a.next(2), await s.run("log"), await s.run("stamps"), await s.run("getAuto")]; },
  "auto response in order": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await s.run("auto", "ping", "pong"); a.ws.send("put 1"); a.ws.send("ping"); a.ws.send("put 2"); a.ws.send("ping"); return (await a.next(4)).sort(); },
  "auto response after a reset": async (env) => { const s = room(env); const a = await open(s, "?a=x"); await s.run("auto", "ping", "pong"); a.ws.send("abort"); await a.next(1); const t = env.ROOM.get(s.id); const b = await open(t, "?a=y"); b.ws.send("ping"); b.ws.send("echo 1"); return [await b.next(1), await t.run("getAuto"), await t.run("log")]; },
  "auto response after a close": async (env) => { const s = room(env); const r = await s.fetch("http://room/?a=x", { headers: { Upgrade: "websocket" } }); const ws = r.webSocket; ws.accept({ allowHalfOpen: true }); const seen = []; ws.addEventListener("close", (e) => seen.push(e.code)); ws.addEventListener("message", (e) => seen.push(e.data)); await s.run("auto", "ping", "pong"); await s.run("close", 4004, "half"); await sleep(30); ws.send("ping"); await sleep(50); return [seen, await s.run("log")]; },
  "alarm wakes": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("alarm 100"); await a.next(1); await evict(s); return a.next(2); },
  "attachment changed": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("attach new"); await a.next(1); await evict(s); a.ws.send("echo 1"); a.ws.send("birth"); return a.next(3); },
  "hello": async (env) => { const s = room(env); const a = await open(s, "?a=x&hello"); return a.next(1); },
  "no handlers": async (env) => { const s = room(env, "BARE"); const a = await open(s); a.ws.send("x"); await sleep(30); const n = await s.count(); a.ws.close(1000, "bye"); await sleep(50); return [a.seen, n, await s.count(), await evict(s), await s.count()]; },
  "no handlers and a close without a code": async (env) => { const s = room(env, "BARE"); const a = await open(s); a.ws.close(); return [await a.next(1, 500), await s.count()]; },
  "accept again": async (env) => { const s = room(env); await open(s, "?a=x"); return s.run("accept"); },
  "accept again after hibernation": async (env) => { const s = room(env); await open(s, "?a=x"); await evict(s); return s.run("accept"); },
  "1 MiB": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("x".repeat((1 << 20) - 5)); a.ws.send("echo 1"); return [await a.next(1), (await s.run("log")).length]; },
  "more than 1 MiB": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("x".repeat((1 << 20) + 1)); a.ws.send("echo 1"); return [await a.next(1), await s.run("sockets")]; },
  "much from the actor": async (env) => { const s = room(env); const a = await open(s, "?a=x"); a.ws.send("big " + (3 << 20)); return (await a.next(1)).map((x) => x.length); },
  "constructor throws at wake up": async (env) => { const s = room(env, "FRAGILE"); const a = await open(s); await evict(s); fragile = 1; a.ws.send("x"); const r = await a.next(1); fragile = 0; return [r, await attempt(() => s.ping()), await attempt(() => env.FRAGILE.get(s.id).ping())]; },
  "through a service": async (env) => { const s = room(env); const r = await env.SVC.fetch("http://svc/" + s.name + "?a=x&tag=q", { headers: { Upgrade: "websocket" } }); const a = client(r.webSocket); a.ws.send("echo 1"); await a.next(1); await evict(s); a.ws.send("echo 2"); await a.next(2); a.ws.close(4001, "bye"); return [await a.next(3), await settled(s, "after")]; },
  "through a method": async (env) => { const s = room(env); return attempt(async () => { const r = await env.SVC.open(s.name, "?a=x"); const a = client(r.webSocket); a.ws.send("echo 1"); return a.next(1); }); },
  "socket of a method": async (env) => { const s = room(env); return attempt(async () => { const ws = await env.SVC.socket(s.name, "?a=x"); const a = client(ws); a.ws.send("echo 1"); return a.next(1); }); },
  "reconnect storm": async (env) => { const s = room(env); const out = []; for (let round = 0; round < 5; round++) { const cs = await Promise.all(Array.from({ length: 20 }, (_, i) => open(s, "?a=" + i))); if (round % 2) await evict(s); for (const c of cs) c.ws.send("echo x"); await Promise.all(cs.map((c) => c.next(1))); out.push(cs.map((c) => c.seen.length).reduce((a, b) => a + b)); for (const c of cs) c.ws.close(1000, "r"); await Promise.all(cs.map((c) => c.next(2))); } for (let i = 0; i < 50 && (await s.run("sockets")) !== "[]"; i++) await sleep(20); return [out, await s.run("sockets")]; },
});
