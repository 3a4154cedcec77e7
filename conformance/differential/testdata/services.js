// What the probes of clients of services share: answers for the network, answers of a worker,
// and a way to see what was asked.
import { WorkerEntrypoint } from "cloudflare:workers";
import { attempt, sleep, deferred } from "probe.js";

// net is an answer as bytes, in a text whose characters are bytes.
export const net = (status, headers = {}, body = "", more = {}) => {
  let head = `HTTP/1.1 ${status}\r\n`;
  for (const [k, v] of Object.entries(headers)) head += (Array.isArray(v) ? v : [v]).map((x) => `${k}: ${x}\r\n`).join("");
  if (more.length !== null) head += `Content-Length: ${more.length ?? body.length}\r\n`;
  return { send: head + "\r\n" + body, end: more.end ?? "keep" };
};

// raw is an answer that says all of itself.
export const raw = (send, end = "close") => ({ send, end });

const kept = (send) => raw(send, "keep");

// gzipped is text as gzip that does not compress, and so is the same everywhere.
function gzipped(text) {
  let crc = -1;
  for (const c of text) {
    crc ^= c.charCodeAt(0);
    for (let i = 0; i < 8; i++) crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
  }
  const little = (n, size) => Array.from({ length: size }, (_, i) => String.fromCharCode(n >>> 8 * i & 255)).join("");
  return "\x1f\x8b\b\0\0\0\0\0\0\x03\x01" + little(text.length, 2) + little(~text.length, 2) + text + little(~crc, 4) + little(text.length, 4);
}

// statuses are what a service may say without a word of its own protocol.
export const statuses = (body) => {
  const out = {};
  for (const status of ["200 OK", "201 Created", "202 Accepted", "203 Odd Words", "206 Partial Content", "300 Multiple Choices", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method Not Allowed", "408 Request Timeout", "409 Conflict", "410 Gone", "412 Precondition Failed", "413 Content Too Large", "414 URI Too Long", "416 Range Not Satisfiable", "425 Too Early", "429 Too Many Requests", "500 Internal Server Error", "501 Not Implemented", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "599 Odd", "500", "500 ", "404 Ärger"]) {
    out[`${status.trimEnd() === status ? status : status + "(blank)"}`] = net(status);
    out[`${status.trimEnd() === status ? status : status + "(blank)"}, with a body`] = net(status, { "Content-Type": "text/plain" }, body);
  }
  out["204 No Content"] = net("204 No Content", {}, "", { length: null });
  out["304 Not Modified"] = net("304 Not Modified", {}, "", { length: null });
  out["503 with Retry-After"] = net("503 Service Unavailable", { "Retry-After": "0" }, "later");
  for (const status of [301, 302, 303, 307, 308]) out[`${status} with a Location`] = net(`${status} Moved`, { Location: "/elsewhere" }, "moved");
  out["302 to another host"] = net("302 Found", { Location: "http://127.0.0.1:1/x" });
  out["100 and then 200"] = kept("HTTP/1.1 100 Continue\r\n\r\n" + net("200 OK", {}, body).send);
  out["103 and then 200"] = kept("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + net("200 OK", {}, body).send);
  out["101 that nobody asked for"] = raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  return out;
};

// broken are answers that are no HTTP, or end too early. body is what a good answer has, headers what it says.
export const broken = (body, headers = {}) => {
  const lines = Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join("");
  const ok = "HTTP/1.1 200 OK\r\n" + lines;
  const half = body.slice(0, body.length >> 1);
  return {
    "nothing": raw(""),
    "half a status line": raw("HTTP/1.1 20"),
    "half a head": raw(ok + "Content-Le"),
    "no HTTP": raw("SSH-2.0-OpenSSH_9.0\r\n\r\n"),
    "bytes": raw("\x00\x01\x02\xff\r\n\r\n"),
    "HTTP/1.0 until the end": raw("HTTP/1.0 200 OK\r\n" + lines + "\r\n" + body),
    "HTTP/0.9": raw(body),
    "HTTP/2.0 as a version": raw("HTTP/2.0 200 OK\r\n" + lines + `Content-Length: ${body.length}\r\n\r\n` + body),
    "no length, until the end": raw(ok + "\r\n" + body),
    "Connection: close": raw(ok + `Connection: close\r\nContent-Length: ${body.length}\r\n\r\n` + body),
    "a length, and no body": raw(ok + `Content-Length: ${body.length + 1}\r\n\r\n`),
    "a length, and half of the body": raw(ok + `Content-Length: ${body.length}\r\n\r\n` + half),
    "a length, and too much": raw(ok + `Content-Length: ${half.length}\r\n\r\n` + body),
    "a length of -1": raw(ok + "Content-Length: -1\r\n\r\n" + body),
    "a length that is no number": raw(ok + "Content-Length: ten\r\n\r\n" + body),
    "a length with a plus": raw(ok + `Content-Length: +${body.length}\r\n\r\n` + body),
    "two lengths that agree": raw(ok + `Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n\r\n` + body),
    "two lengths that differ": raw(ok + `Content-Length: ${body.length}\r\nContent-Length: 1\r\n\r\n` + body),
    "a length and chunks": raw(ok + `Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`),
    "chunks": raw(ok + `Transfer-Encoding: chunked\r\n\r\n${half.length.toString(16)}\r\n${half}\r\n${(body.length - half.length).toString(16)}\r\n${body.slice(half.length)}\r\n0\r\n\r\n`),
    "chunks with a trailer": raw(ok + `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\nX-Trailer: t\r\n\r\n`),
    "chunks with an extension": raw(ok + `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)};a=b\r\n${body}\r\n0\r\n\r\n`),
    "chunks without an end": raw(ok + `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`),
    "a chunk that is cut": raw(ok + `Transfer-Encoding: chunked\r\n\r\n${(body.length + 9).toString(16)}\r\n${half}`),
    "a chunk of an odd size": raw(ok + `Transfer-Encoding: chunked\r\n\r\nxyz\r\n${body}\r\n0\r\n\r\n`),
    "another transfer encoding": raw(ok + "Transfer-Encoding: gzip\r\n\r\n" + body),
    "lines that end with LF": raw((ok + `Content-Length: ${body.length}\r\n\r\n`).replaceAll("\r", "") + body),
    "a header without a colon": raw(ok + `Odd\r\nContent-Length: ${body.length}\r\n\r\n` + body),
    "a header with a blank in its name": raw(ok + `Odd Name: x\r\nContent-Length: ${body.length}\r\n\r\n` + body),
    "a header of two lines": raw(ok + `X-Odd: a\r\n b\r\nContent-Length: ${body.length}\r\n\r\n` + body),
    "a status of two digits": raw("HTTP/1.1 20 OK\r\n" + lines + `Content-Length: ${body.length}\r\n\r\n` + body),
    "a status of four digits": raw("HTTP/1.1 2000 OK\r\n" + lines + `Content-Length: ${body.length}\r\n\r\n` + body),
    "a status of 999": raw("HTTP/1.1 999 Odd\r\n" + lines + `Content-Length: ${body.length}\r\n\r\n` + body),
    "a header of 30 kB": raw(ok + `X-Long: ${"x".repeat(30000)}\r\nContent-Length: ${body.length}\r\n\r\n` + body),
    "a header of 300 kB": raw(ok + `X-Long: ${"x".repeat(300000)}\r\nContent-Length: ${body.length}\r\n\r\n` + body),
    "1000 headers": raw(ok + Array.from({ length: 1000 }, (_, i) => `X-H${i}: ${i}\r\n`).join("") + `Content-Length: ${body.length}\r\n\r\n` + body),
    "an answer before the request was read": { ...raw(ok + `Content-Length: ${body.length}\r\n\r\n` + body), early: true },
    "an error before the request was read": { ...net("500 Early", {}, "", { end: "close" }), early: true },
  };
};

// encodings are answers with a Content-Encoding.
export const encodings = (body, headers = {}) => {
  const gzip = gzipped(body);
  return {
    "gzip": net("200 OK", { ...headers, "Content-Encoding": "gzip" }, gzip),
    "gzip that is none": net("200 OK", { ...headers, "Content-Encoding": "gzip" }, body),
    "gzip that is cut": net("200 OK", { ...headers, "Content-Encoding": "gzip" }, gzip.slice(0, gzip.length - 9)),
    "gzip with more behind": net("200 OK", { ...headers, "Content-Encoding": "gzip" }, gzip + "more"),
    "gzip of nothing": net("200 OK", { ...headers, "Content-Encoding": "gzip" }, ""),
    "GZIP": net("200 OK", { ...headers, "Content-Encoding": "GZIP" }, gzip),
    "deflate": net("200 OK", { ...headers, "Content-Encoding": "deflate" }, "\x78\x01" + gzip.slice(10, -8)),
    "br that is none": net("200 OK", { ...headers, "Content-Encoding": "br" }, "\x00\x01\x02\x03"),
    "identity": net("200 OK", { ...headers, "Content-Encoding": "identity" }, body),
    "two encodings": net("200 OK", { ...headers, "Content-Encoding": "gzip, gzip" }, gzip),
    "an odd one": net("200 OK", { ...headers, "Content-Encoding": "odd" }, body),
  };
};

// settled is a text without what nobody compares: the reference of an internal error, and how a C++ compiler writes
// the name of a type.
export const settled = (s) => s.replace(/reference = [0-9a-z]+/g, "reference = ...").replace(/\bN7workerd(\d+[A-Za-z_]+|\d+[a-z]+\d*[a-z_]*)*?\d+([A-Z][A-Za-z]+)E\b/g, "$2");

const order = async (env, orders) => {
  const r = await env.CONTROL.fetch("http://control/order", { method: "POST", body: JSON.stringify(orders) });
  if (r.status !== 204) throw new Error("order: " + r.status + await r.text());
};

export const asked = async (env, least = 0) => (await env.CONTROL.fetch("http://control/asked?least=" + least)).json();

// ask runs fn with an answer that is ordered, and tells what came of it, and the requests if they are
// wanted: otherwise how many there were, unless it was one.
export async function ask(env, answers, fn, requests = false) {
  const [said, list] = await exchanged(env, [answers].flat(), fn);
  if (requests) return `${said}\n${list.map((x) => x.replace(/^/gm, "  ")).join("\n  ---\n")}`;
  return list.length === 1 ? said : `${said} (${list.length} requests)`;
}

// exchanged is what came of fn and what was asked. A connection that the service closed behind its last answer
// may be found closed only when it is used again: then fn runs once more.
async function exchanged(env, answers, fn) {
  for (let i = 0; ; i++) {
    await order(env, answers);
    const said = settled(await attempt(fn));
    const list = await asked(env);
    if (list.length > 0 || i === 4 || !said.includes("Network connection lost")) return [said, list];
    await sleep(5);
  }
}

// product is a table with a probe for each answer, which runs every method.
export function product(answers, methods, binding = "NET") {
  const table = {};
  for (const [name, answer] of Object.entries(answers)) {
    table[name] = async (env) => {
      const out = [];
      for (const [method, fn] of Object.entries(methods)) out.push(`${method}: ${await ask(env, answer, () => fn(env[binding], env))}`);
      return out.join("\n");
    };
  }
  return table;
}

// requests is a table with a probe for each call, which tells what was asked.
export function requests(answer, calls, binding = "NET") {
  const table = {};
  for (const [name, fn] of Object.entries(calls)) table[name] = (env) => ask(env, typeof answer === "function" ? answer(name) : answer, () => fn(env[binding], env), true);
  return table;
}

// refused is a table of the methods with a service that is not there.
export function refused(methods) {
  const table = {};
  for (const [name, fn] of Object.entries(methods)) table[name] = async (env) => settled(await attempt(() => fn(env.REFUSING, env)));
  return table;
}

// The worker that is a service. What it is asked is told, what it answers is a function.
let answer, heard;

export async function serveFake(request, run) {
  // In workerd a GET of unknown length has an empty body, and the URL is not normalized.
  const headers = [...request.headers].filter(([k]) => request.method !== "GET" || k !== "transfer-encoding").map(([k, v]) => `${k}: ${v}`).join("\n  ");
  // Who answers without having read the body breaks the connection in workerd.
  const text = request.body ? await request.text() : "";
  heard?.push(`${request.method} ${new URL(request.url).href}\n  ${headers}${text ? "\n  " + text : ""}`);
  return answer(request, run);
}

export class Fake extends WorkerEntrypoint {
  fetch(request) { return serveFake(request, this); }
}

export async function askWorker(a, fn, tell = false) {
  answer = a;
  heard = tell ? [] : undefined;
  const said = settled(await attempt(fn));
  return tell ? [said, ...heard].join("\n") : said;
}

class Odd extends Error { constructor(m) { super(m); this.name = "Odd"; } }

// ways are what a worker may do instead of a good answer.
export const ways = (body, init) => ({
  "a good answer": () => new Response(body, init),
  "an error": () => { throw new Error("the service failed"); },
  "a TypeError": () => { throw new TypeError("the service failed"); },
  "an error of its own": () => { throw new Odd("the service failed"); },
  "a DOMException": () => { throw new DOMException("gone", "AbortError"); },
  "an error later": async () => { await sleep(1); throw new RangeError("later"); },
  "a text that is thrown": () => { throw "text"; },
  "nothing that is thrown": () => { throw undefined; },
  "nothing": () => undefined,
  "null": () => null,
  "a text": () => body,
  "an object": () => ({ status: 200 }),
  "Response.error()": () => Response.error(),
  "a promise that never settles": () => new Promise(() => {}),
  "a redirect": () => Response.redirect("http://elsewhere/", 302),
  "a stream": () => new Response(new Blob([body]).stream(), init),
  "a stream of two chunks": () => new Response(new ReadableStream({ start(c) { const b = new TextEncoder().encode(body); c.enqueue(b.slice(0, 3)); c.enqueue(b.slice(3)); c.close(); } }), init),
  "a stream that fails": () => new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode(body.slice(0, 3))); }, pull(c) { c.error(new Error("stream failed")); } }), init),
  "a stream that fails at once": () => new Response(new ReadableStream({ start(c) { c.error(new TypeError("stream failed")); } }), init),
  "a stream of texts": () => new Response(new ReadableStream({ start(c) { c.enqueue(body); c.close(); } }), init),
  "a stream that is too short": () => { const f = new FixedLengthStream(body.length + 5); const w = f.writable.getWriter(); w.write(new TextEncoder().encode(body)).then(() => w.close()).catch(() => {}); return new Response(f.readable, init); },
  "a body that was used": async () => { const r = new Response(body, init); await r.text(); return r; },
  "a WebSocket": () => { const p = new WebSocketPair(); p[1].accept(); return new Response(null, { status: 101, webSocket: p[0] }); },
  "500 with words": () => new Response(body, { status: 500, statusText: "Own Words" }),
  "404 with words": () => new Response(body, { status: 404, statusText: "Own Words" }),
  "204": () => new Response(null, { status: 204 }),
});

export function workerProduct(answers, methods) {
  const table = {};
  for (const [name, a] of Object.entries(answers)) {
    table[name] = async (env) => {
      const out = [];
      for (const [method, fn] of Object.entries(methods)) out.push(`${method}: ${await askWorker(a, () => fn(env.WORKER, env))}`);
      return out.join("\n");
    };
  }
  return table;
}

export function workerRequests(a, calls) {
  const table = {};
  for (const [name, fn] of Object.entries(calls)) table[name] = (env) => askWorker(typeof a === "function" ? a : () => a, () => fn(env.WORKER, env), true);
  return table;
}

// abandoned is a table of probes that leave a call whose service never answers: the service hears of it.
let running;

export function abandoned(methods) {
  const table = {};
  for (const [name, fn] of Object.entries(methods)) {
    table[name] = async (env) => {
      // The connection that is used next is a good one.
      await exchanged(env, [net("200 OK")], () => fn(env.NET, env));
      await order(env, [raw("", "hold")]);
      running = fn;
      const c = new AbortController();
      const call = env.SELF.fetch("http://self/", { signal: c.signal }).catch((e) => e.name);
      await asked(env, 1);
      c.abort();
      const said = await call;
      return `${said}\n${(await asked(env, 2))[1]}`;
    };
  }
  return table;
}

export class Abandoned extends WorkerEntrypoint {
  async fetch() { return new Response(String(await running(this.env.NET, this.env))); }
}

// wrong is a table of calls with wrong arguments, several to a probe. None of them should ask anything.
export function wrong(groups, answer = net("200 OK")) {
  const table = {};
  for (const [name, calls] of Object.entries(groups)) {
    table[name] = async (env) => {
      const out = [];
      for (const [i, fn] of calls.entries()) {
        const [said, list] = await exchanged(env, [answer, answer], () => fn(env.NET, env));
        // How much of a request goes out before its body fails is a matter of time.
        out.push(`${i}: ${said}${list.length && !name.includes("streams") ? ` (${list.length} asked)` : ""}`);
      }
      return out.join("\n");
    };
  }
  return table;
}
