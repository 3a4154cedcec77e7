import { DurableObject } from "cloudflare:workers";
import { serve, show, sleep } from "probe.js";

const pair = () => Object.values(new WebSocketPair());
const both = () => { const [a, b] = pair(); a.accept(); b.accept(); return [a, b]; };
const value = (v) => v instanceof ArrayBuffer ? `[${new Uint8Array(v)}]` : v instanceof Blob ? `Blob(${v.size},${v.type})` : v;

// follow notes what sockets tell, with their names.
function follow(sockets) {
  const seen = [];
  for (const [name, s] of Object.entries(sockets)) {
    s.addEventListener("open", () => seen.push(`${name} open ${s.readyState}`));
    s.addEventListener("message", (e) => seen.push(`${name} ${value(e.data)}`));
    s.addEventListener("close", (e) => seen.push(`${name} close ${e.code} ${e.reason} ${e.wasClean} ${s.readyState}`));
    s.addEventListener("error", (e) => seen.push(`${name} error ${e.message} ${s.readyState}`));
  }
  return seen;
}
const until = (s, type) => new Promise((resolve) => s.addEventListener(type, resolve, { once: true }));
const give = (webSocket, headers) => new Response(null, { status: 101, webSocket, headers });
const upgrade = { Upgrade: "websocket" };

export class Actor extends DurableObject {
  async fetch(request) {
    const [theirs, mine] = pair();
    mine.accept();
    mine.addEventListener("message", async (e) => {
      if (e.data === "write") {
        this.ctx.storage.put("k", "v");
        mine.send(`wrote ${await this.ctx.storage.get("k")}`);
      } else if (e.data === "close") mine.close(4001, "closed");
      else if (e.data === "abort") this.ctx.abort("aborted");
      else mine.send(`actor ${value(e.data)}`);
    });
    return give(theirs, { "Sec-WebSocket-Protocol": "b" });
  }
}

// upgraded answers those who ask for a WebSocket.
async function upgraded(request, env) {
  const [theirs, mine] = pair();
  switch (new URL(request.url).pathname.slice(1)) {
    case "actor": return env.ACTOR.get(env.ACTOR.idFromName("a")).fetch(request);
    case "proxy": return fetch("http://self/actor", request);
    case "echo": mine.accept(); mine.addEventListener("message", (e) => mine.send(e.data)); return give(theirs);
    case "words": mine.accept(); mine.send("one"); mine.send("two"); mine.close(4002, "said"); return give(theirs);
    case "headers": mine.accept(); mine.send(show([request.method, request.url, request.body, [...request.headers].filter(([k]) => k !== "sec-websocket-key")])); return give(theirs);
    case "late": setTimeout(() => { mine.accept(); mine.addEventListener("message", (e) => mine.send("late " + e.data)); }, 20); return give(theirs);
    case "throws": mine.accept(); mine.addEventListener("message", () => { throw new Error("in a listener"); }); return give(theirs);
    case "refuse": return new Response("refused", { status: 403 });
    case "missing": return new Response(null, { status: 204 });
    case "redirect": return Response.redirect("http://self/echo");
    case "error": throw new TypeError("no");
    case "accepted": theirs.accept(); return give(theirs);
  }
  return new Response("not found", { status: 404 });
}

const open = async (path, init = {}) => {
  const r = await fetch("http://self/" + path, { ...init, headers: { ...upgrade, ...init.headers } });
  return [r.webSocket, r];
};

const probes = {
  "pair: properties": () => { const p = new WebSocketPair(); return [Object.keys(p), String(p), p[0] instanceof WebSocket, p[0] !== p[1], Object.getOwnPropertyDescriptor(p, "0").writable]; },
  "pair: iteration": () => { const p = new WebSocketPair(); const [a, b, c] = p; return [a === p[0], b === p[1], c]; },
  "pair: attributes": () => { const [a] = pair(); return [a.readyState, a.url, a.protocol, a.extensions, a.binaryType, String(a)]; },
  "constants": () => ["CONNECTING", "OPEN", "CLOSING", "CLOSED", "READY_STATE_CONNECTING", "READY_STATE_OPEN", "READY_STATE_CLOSING", "READY_STATE_CLOSED"].map((k) => [WebSocket[k], WebSocket.prototype[k]]),
  "members": () => [Object.getOwnPropertyNames(WebSocket.prototype).sort(), WebSocket.length, WebSocketPair.length],
  "misuse of pairs": {
    call: () => WebSocketPair(), send: () => pair()[0].send("x"), close: () => pair()[0].close(), accept: () => pair()[0].accept(7), acceptNull: () => pair()[0].accept(null), acceptTwice: () => { const [a] = pair(); a.accept(); a.accept(); },
    nothing: () => both()[0].send(), symbol: () => both()[0].send(Symbol()), closed: () => { const [a] = both(); a.close(); a.send("x"); }, closedTwice: () => { const [a] = both(); a.close(); a.close(); return a.readyState; },
    code: () => both()[0].close(999), code1001: () => both()[0].close(1001), code1004: () => both()[0].close(1004), code1005: () => both()[0].close(1005), code1006: () => both()[0].close(1006), code1015: () => both()[0].close(1015), code4999: () => both()[0].close(4999), code5000: () => both()[0].close(5000),
    codeNull: () => both()[0].close(null), codeText: () => both()[0].close("1000"), codeNaN: () => both()[0].close(NaN), reason: () => both()[0].close(undefined, "x"), reasonLong: () => both()[0].close(1000, "é".repeat(62)), reasonNumber: () => both()[0].close(1000, 5),
  },
  "messages": async () => { const [a, b] = both(), seen = follow({ a, b }); b.binaryType = "arraybuffer"; a.send("text"); a.send(""); a.send(7); a.send(null); a.send(new Uint8Array([1, 2])); a.send(new Uint8Array([1, 2, 3]).subarray(1)); a.send(new Uint8Array([4]).buffer); a.send(new Uint16Array([258])); b.send("back"); await sleep(20); return seen; },
  "message of odd text": async () => { const [a, b] = both(), got = until(b, "message"); a.send("\ud800x€"); return [...(await got).data].map((c) => c.codePointAt(0)); },
  "message of a Blob": async () => { const [a, b] = both(), seen = follow({ b }); a.send(new Blob(["x"])); await sleep(20); return seen; },
  "message is copied": async () => { const [a, b] = both(), u = new Uint8Array([1]); b.binaryType = "arraybuffer"; const got = until(b, "message"); a.send(u); u[0] = 9; return (await got).data; },
  "message event": async () => { const [a, b] = both(), got = until(b, "message"); a.send("x"); const e = await got; return [e.type, e.data, e.origin, e.source, e.lastEventId, e.target === b, e.isTrusted, e.constructor.name]; },
  "binaryType": async () => { const [a, b] = both(), seen = follow({ b }); const types = []; for (const t of ["arraybuffer", "nothing", "blob", "BLOB"]) { b.binaryType = t; types.push(b.binaryType); a.send(new Uint8Array(2)); await sleep(10); } return [types, seen]; },
  "order of messages": async () => { const [a, b] = both(), seen = []; b.addEventListener("message", (e) => { seen.push(e.data); Promise.resolve().then(() => seen.push("after " + e.data)); }); a.send("1"); a.send("2"); seen.push("sent"); await sleep(20); return seen; },
  "message before accept": async () => { const [a, b] = pair(); a.accept(); const seen = follow({ b }); a.send("early"); await sleep(10); seen.push("accept"); b.accept(); await sleep(10); return seen; },
  "close": async () => { const [a, b] = both(), seen = follow({ a, b }); a.close(4000, "bye"); seen.push(a.readyState); await sleep(20); return [...seen, a.readyState, b.readyState]; },
  "close without a code": async () => { const [a, b] = both(), seen = follow({ b }); a.close(); await sleep(20); return seen; },
  "close behind messages": async () => { const [a, b] = both(), seen = follow({ b }); a.send("1"); a.send("2"); a.close(1000); await sleep(20); return seen; },
  "close of a half": async () => { const [a, b] = pair(); a.accept({ allowHalfOpen: true }); b.accept({ allowHalfOpen: true }); const seen = follow({ a, b }); a.close(1000, "a"); await sleep(10); b.send("more"); await sleep(10); b.close(1001, "b"); await sleep(10); return seen.filter((x) => !x.includes("error")); },
  "close that is answered": async () => { const [a, b] = pair(); a.accept({ allowHalfOpen: false }); b.accept({ allowHalfOpen: false }); const seen = follow({ a, b }); a.close(1000, "a"); await sleep(20); return [...seen, a.readyState, b.readyState]; },
  "send after the other side closed": async () => { const [a, b] = pair(); a.accept({ allowHalfOpen: true }); b.accept(); const seen = follow({ b }); b.close(1000); await sleep(10); a.send("x"); await sleep(10); return [...seen, a.readyState]; },
  "listener that throws": async () => { const [a, b] = both(), seen = follow({ a, b }); b.addEventListener("message", () => { throw new RangeError("mine"); }); a.send("1"); a.send("2"); await sleep(20); return seen; },
  "property as a listener": async () => { const [a, b] = both(), seen = []; b.onmessage = (e) => { seen.push(e.data); }; b.onclose = (e) => { seen.push(e.code); }; a.send("1"); a.close(4000); await sleep(20); return seen; },
  "attachment": () => { const [a] = pair(); const before = a.deserializeAttachment(); const v = { n: 1, m: new Map([[1, new Date(5)]]) }; a.serializeAttachment(v); v.n = 2; return [before, a.deserializeAttachment(), a.deserializeAttachment() === a.deserializeAttachment()]; },
  "attachment: limits": { nothing: () => pair()[0].serializeAttachment(), fn: () => pair()[0].serializeAttachment(() => 1), most: () => pair()[0].serializeAttachment("x".repeat(16378)), more: () => pair()[0].serializeAttachment("x".repeat(16384)), undef: () => { const [a] = pair(); a.serializeAttachment(undefined); return a.deserializeAttachment(); } },
  "response: wrong": {
    without: () => new Response(null, { status: 101 }), status: () => give(pair()[0]).status, wrongStatus: () => new Response(null, { status: 200, webSocket: pair()[0] }), object: () => new Response(null, { status: 101, webSocket: {} }), nothing: () => new Response(null, { status: 101, webSocket: null }),
    body: () => new Response("x", { status: 101, webSocket: pair()[0] }), clone: () => give(pair()[0]).clone(), copy: () => { const r = give(pair()[0]); const s = new Response(null, r); return [s.status, s.webSocket === r.webSocket]; }, none: () => new Response().webSocket, identity: () => { const [a] = pair(); return give(a).webSocket === a; },
  },
  "new: wrong": {
    nothing: () => new WebSocket(), call: () => WebSocket("ws://x/"), empty: () => new WebSocket(""), relative: () => new WebSocket("/x"), http: () => new WebSocket("http://x/"), fragment: () => new WebSocket("ws://x/#"), blank: () => new WebSocket(" ws://x/"),
    protocol: () => new WebSocket("ws://x/", ""), protocol2: () => new WebSocket("ws://x/", "a b"), list: () => new WebSocket("ws://x/", ["a", "b,"]), twice: () => new WebSocket("ws://x/", ["a", "a"]), accept: () => new WebSocket("ws://self/echo").accept(), send: () => new WebSocket("ws://self/echo").send("x"), response: () => give(new WebSocket("ws://self/echo")).status,
  },
  "new: urls": () => ["ws://self/echo", "WS://Self/echo", "ws://user:pw@self/echo?q"].map((u) => { const ws = new WebSocket(u), out = [ws.url, ws.readyState, ws.protocol, ws.extensions]; ws.close(); return out; }),
  "new: messages": async () => { const ws = new WebSocket("ws://self/echo"), seen = follow({ ws }); await until(ws, "open"); ws.send("1"); ws.send("2"); await sleep(30); return [...seen, ws.protocol, ws.readyState]; },
  "new: protocols": async () => { const ws = new WebSocket("ws://self/actor", ["a", "b"]); await until(ws, "open"); return [ws.protocol, typeof ws.extensions]; },
  "new: request": async () => { const ws = new WebSocket("ws://self/headers?q=1", "a"); return (await until(ws, "message")).data; },
  "new: refused": async () => { const ws = new WebSocket("ws://self/refuse"), seen = follow({ ws }); await until(ws, "close"); return seen; },
  "new: not a WebSocket": async () => { const ws = new WebSocket("ws://self/missing"), seen = follow({ ws }); await until(ws, "close"); return seen; },
  "new: error": async () => { const ws = new WebSocket("ws://self/error"), seen = follow({ ws }); await until(ws, "close"); return seen; },
  "new: redirected": async () => { const ws = new WebSocket("ws://self/redirect"), seen = follow({ ws }); await until(ws, "close"); return seen; },
  "new: closed early": async () => { const ws = new WebSocket("ws://self/echo"), seen = follow({ ws }); ws.close(); await sleep(20); return [...seen, ws.readyState]; },
  "fetch: echo": async () => { const [ws, r] = await open("echo"), seen = follow({ ws }); ws.accept(); ws.send("1"); await sleep(20); return [r.status, r.ok, r.statusText, r.body, r.webSocket === ws, ws.url, ws.protocol, ws.extensions, ws.readyState, seen]; },
  "fetch: what was sent at once": async () => { const [ws] = await open("words"), seen = follow({ ws }); await sleep(10); ws.accept(); await sleep(20); return seen.filter((x) => !x.includes("error")); },
  "fetch: late accept": async () => { const [ws] = await open("late"), seen = follow({ ws }); ws.accept(); ws.send("x"); await sleep(50); return seen; },
  "fetch: listener that throws": async () => { const [ws] = await open("throws"), seen = follow({ ws }); ws.accept(); ws.send("x"); await sleep(30); return seen; },
  "fetch: request": async () => { const [ws] = await open("headers", { method: "POST", body: "dropped", headers: { "X-A": "b" } }); const got = until(ws, "message"); ws.accept(); return (await got).data; },
  "fetch: refused": async () => { const [ws, r] = await open("refuse"); return [ws, r.status, await r.text()]; },
  "fetch: redirected": async () => { const [ws, r] = await open("redirect"); return [ws instanceof WebSocket, r.status, r.redirected, r.url]; },
  "fetch: error": async () => { await open("error"); },
  "fetch: without asking": async () => { const r = await fetch("http://self/plain"); return [r.status, r.webSocket]; },
  "fetch: actor": async () => { const [ws, r] = await open("actor"), seen = follow({ ws }); ws.accept(); ws.send("hi"); ws.send("write"); await sleep(40); ws.send("close"); await sleep(40); return [r.headers.get("sec-websocket-protocol"), ...seen.filter((x) => !x.includes("error"))]; },
  "fetch: proxied": async () => { const [ws] = await open("proxy"), seen = follow({ ws }); ws.accept(); ws.send("hi"); await sleep(40); ws.close(4000, "done"); await sleep(40); return [...seen.filter((x) => !x.includes("error")), ws.readyState]; },
  "fetch: actor that aborts": async () => { const [ws] = await open("actor"), seen = follow({ ws }); ws.accept(); ws.send("abort"); await sleep(60); return seen; },
  "fetch: aborted": async () => { const control = new AbortController(); const [ws] = await open("echo", { signal: control.signal }), seen = follow({ ws }); ws.accept(); ws.send("1"); await sleep(20); control.abort(new RangeError("enough")); await sleep(20); return seen; },
  "fetch: used twice": {
    taken: async () => { const [a, b] = pair(); b.accept(); const r = give(a); await fetch("http://self/plain"); return r.webSocket.readyState; },
    acceptedOne: async () => { const [ws] = await open("echo"); ws.accept(); return give(ws).status; },
  },
};

const served = serve(probes);
export default {
  fetch(request, env, ctx) {
    return request.headers.get("upgrade") === "websocket" ? upgraded(request, env) : served.fetch(request, env, ctx);
  },
};
