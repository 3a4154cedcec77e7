// The Cache API: what it asks for, and what it makes of the answers.
import { WorkerEntrypoint } from "cloudflare:workers";
import { serve, attempt, failure } from "probe.js";
import { net, raw, statuses, broken, encodings, product, requests, ways, askWorker, serveFake, wrong, abandoned } from "services.js";
export { Abandoned } from "services.js";

export class Fake extends WorkerEntrypoint {
  fetch(request) { return serveFake(request, this); }
}

const bytes = (...list) => new Uint8Array(list);
const stream = (s) => new Blob([s]).stream();
const open = (...chunks) => new ReadableStream({ start(c) { for (const x of chunks) c.enqueue(x); c.close(); } });
const U = "https://example.com/a?b=c";
const tell = async (p) => {
  const r = await p;
  if (!(r instanceof Response)) return r;
  let body;
  try { body = await r.text(); } catch (e) { body = failure(e); }
  return { status: r.status, text: r.statusText, url: r.url, redirected: r.redirected, type: r.type, headers: [...r.headers].filter(([k]) => !k.startsWith("x-h")).map(([k, v]) => `${k}: ${v}`.slice(0, 60)), body };
};
const methods = {
  "match": () => tell(caches.default.match(U)),
  "match of a name": async () => tell((await caches.open("name")).match(U)),
  "put": () => caches.default.put(U, new Response("value", { headers: { "Cache-Control": "max-age=5" } })),
  "put stream": () => caches.default.put(U, new Response(open(bytes(1), bytes(2)))),
  "put null": () => caches.default.put(U, new Response(null)),
  "delete": () => caches.default.delete(U),
};
const hit = (status = "200 OK", headers = {}, body = "value") => net(status, { "CF-Cache-Status": "HIT", ...headers }, body);

const found = {};
for (const s of ["HIT", "MISS", "EXPIRED", "UPDATING", "hit", "", "ODD", "HIT, MISS"]) {
  found[`${s}`] = net("200 OK", { "CF-Cache-Status": s }, "value");
  found[`504 ${s}`] = net("504 Gateway Timeout", { "CF-Cache-Status": s }, "value");
}
found["two statuses"] = net("200 OK", { "CF-Cache-Status": ["HIT", "HIT"] }, "value");
for (const s of ["201 Created", "301 Moved", "404 Not Found", "500 Bad", "206 Partial Content", "299 Odd", "600 Odd"]) found[`HIT ${s}`] = hit(s, { Location: "/x", "Content-Range": "bytes 0-4/9" });
found["HIT 204"] = net("204 No Content", { "CF-Cache-Status": "HIT" }, "", { length: null });
found["HIT 304"] = net("304 Not Modified", { "CF-Cache-Status": "HIT", ETag: '"e"' }, "", { length: null });
found["HIT without words"] = hit("200");
found["HIT with many headers"] = hit("200 OK", { "Set-Cookie": ["a=1", "b=2"], "X-Two": ["1", "2"], "Content-Type": "text/plain", "Age": "5", "X-Latin": "\xe9" });
found["HIT with no UTF-8"] = hit("200 OK", {}, "\xff\xfe");

const R = (url, init) => new Request(url, init);
const calls = {
  "match": () => tell(caches.default.match(U)),
  "match of a Request": () => tell(caches.default.match(R(U, { headers: { Range: "bytes=1-2", "If-None-Match": '"e"', "If-Modified-Since": "odd", "Cache-Control": "no-store", "X-Own": "é" } }))),
  "match of a URL": () => tell(caches.default.match(new URL(U))),
  "match of a fragment": () => tell(caches.default.match(U + "#f")),
  "match of an odd path": () => tell(caches.default.match("https://example.com/ü/a b/../c//|?q=ä |{}")),
  "match of http": () => tell(caches.default.match("http://example.com:8080/")),
  "match of no path": () => tell(caches.default.match("http://example.com")),
  "match of a port": () => tell(caches.default.match("https://example.com:443/x")),
  "match of HEAD": () => tell(caches.default.match(R(U, { method: "HEAD" }))),
  "match of POST": () => tell(caches.default.match(R(U, { method: "POST" }))),
  "match of POST, ignored": () => tell(caches.default.match(R(U, { method: "POST", body: "b" }), { ignoreMethod: true })),
  "match of HEAD, ignored": () => tell(caches.default.match(R(U, { method: "HEAD" }), { ignoreMethod: true })),
  "match with cf": () => tell(caches.default.match(R(U, { cf: { a: 1 } }))),
  "match with null options": () => tell(caches.default.match(U, null)),
  "match of a number": () => tell(caches.default.match(5)),
  "match of a name": async () => tell((await caches.open("a name/ü&'()*!~")).match(U)),
  "match of an empty name": async () => tell((await caches.open("")).match(U)),
  "match of a long name": async () => tell((await caches.open("n".repeat(1023))).match(U)),
  "put": () => caches.default.put(U, new Response("välue")),
  "put of a Request": () => caches.default.put(R(U, { headers: { "X-Own": "1", "Cache-Control": "x" } }), new Response("value", { status: 404, statusText: "Own Words", headers: { "X-A": "1", "Cache-Tag": "t" } })),
  "put null": () => caches.default.put(U, new Response(null, { status: 204 })),
  "put of nothing": () => caches.default.put(U, new Response()),
  "put empty": () => caches.default.put(U, new Response("")),
  "put bytes": () => caches.default.put(U, new Response(bytes(0, 255))),
  "put stream": () => caches.default.put(U, new Response(stream("value"))),
  "put open stream": () => caches.default.put(U, new Response(open(bytes(1), bytes(2, 3)))),
  "put headers": () => caches.default.put(U, new Response("v", { headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-B", "1"], ["x-a", "2"], ["Content-Type", "x/y"], ["Content-Length", "99"], ["Transfer-Encoding", "gzip"], ["Vary", "accept"], ["ETag", '"e"']] })),
  "put gzip": async () => { const r = new Response("value", { headers: { "Content-Encoding": "gzip" } }); return caches.default.put(U, r); },
  "put gzip by hand": () => caches.default.put(U, new Response(bytes(1, 2), { headers: { "Content-Encoding": "gzip" }, encodeBody: "manual" })),
  "put JSON": () => caches.default.put(U, Response.json({ a: 1 })),
  "put a redirect": () => caches.default.put(U, Response.redirect("http://x/", 302)),
  "put 304": () => caches.default.put(U, new Response(null, { status: 304 })),
  "put 500": () => caches.default.put(U, new Response("v", { status: 500 })),
  "put a FormData": () => caches.default.put(U, new Response(new URLSearchParams("a=b"))),
  "put of a name": async () => (await caches.open("n")).put(U, new Response("v")),
  "put with a fragment": () => caches.default.put(U + "#f", new Response("v")),
  "delete": () => caches.default.delete(U),
  "delete of a Request": () => caches.default.delete(R(U, { headers: { "X-Own": "1", "X-Real-IP": "1.2.3.4" } })),
  "delete of POST": () => caches.default.delete(R(U, { method: "POST" })),
  "delete of POST, ignored": () => caches.default.delete(R(U, { method: "POST", body: "b" }), { ignoreMethod: true }),
  "delete of a name": async () => (await caches.open("n")).delete(U),
  "delete with null options": () => caches.default.delete(U, null),
};
const usedResponse = async () => { const r = new Response("v"); await r.text(); return r; };
const lockedResponse = () => { const r = new Response("v"); r.body.getReader(); return r; };
const D = () => caches.default;
const mistakes = {
  "of match": [() => D().match(), () => D().match(undefined), () => D().match(""), () => D().match("/x"), () => D().match("odd"), () => D().match("ftp://x/"), () => D().match("https://u:p@example.com/"), () => D().match("data:,x"), () => D().match("http://"), () => D().match(Symbol("s")), () => D().match({}), () => D().match(U, 5), () => D().match(U, "x"), () => D().match(U, { ignoreSearch: true }), () => D().match(U, { ignoreVary: false }), () => D().match(U, { ignoreMethod: Symbol("s") }), () => D().match.call({}, U), () => D().match("http://[::1]:99999/"), () => D().match("https://exa mple/")],
  "of put": [() => D().put(), () => D().put(U), () => D().put(U, "text"), () => D().put(U, {}), () => D().put(U, null), () => D().put(U, undefined), () => D().put(U, Response.error()), () => D().put(R(U, { method: "POST" }), new Response("v")), () => D().put(R(U, { method: "HEAD" }), new Response("v")), () => D().put(U, new Response("v", { status: 206 })), () => D().put(U, new Response("v", { headers: { Vary: "*" } })), () => D().put(U, new Response("v", { headers: { Vary: "a, *" } })), () => D().put("odd", new Response("v")), () => D().put("", new Response("v")), () => D().put("ftp://x/", new Response("v")), () => D().put("https://u:p@h/", new Response("v")), async () => D().put(U, await usedResponse()), () => D().put(U, lockedResponse()), () => D().put.call({}, U, new Response("v"))],
  "of put of a WebSocket": [() => { const p = new WebSocketPair(); return D().put(U, new Response(null, { status: 101, webSocket: p[0] })); }],
  "of put with streams": [() => D().put(U, new Response(new ReadableStream({ pull(c) { c.error(new RangeError("source")); } }))), () => D().put(U, new Response(new ReadableStream({ start(c) { c.enqueue("text"); c.close(); } }))), () => D().put(U, new Response(new ReadableStream({ start(c) { c.enqueue(5); c.close(); } }))), async () => { const r = new Response("v"); await D().put(U, r); return r.bodyUsed; }],
  "of delete": [() => D().delete(), () => D().delete("odd"), () => D().delete(U, 5), () => D().delete(U, { ignoreSearch: true }), () => D().delete(Symbol("s")), () => D().delete.call({}, U)],
  "of open": [() => caches.open(), () => caches.open(Symbol("s")), () => caches.open("n".repeat(1024)), () => caches.open("n".repeat(1023)), () => caches.open(5), () => caches.open({ toString() { throw new RangeError("own"); } }), () => caches.open.call({}, "x"), () => caches.match(U), () => caches.has("x"), () => caches.keys(), () => caches.delete("x"), () => D().add(U), () => D().addAll([U]), () => D().keys(), () => D().matchAll(U)],
};

// The same methods in workers with another service behind them.
export class Runner extends WorkerEntrypoint {
  async run(way, method) {
    if (way === undefined) return attempt(methods[method]);
    return askWorker(workerWays[way], methods[method]);
  }
  async ask(call) { return askWorker(() => new Response("value", { headers: { "CF-Cache-Status": "HIT" } }), calls[call], true); }
}
const workerWays = { ...ways("value", { headers: { "CF-Cache-Status": "HIT" } }), "a miss": () => new Response("v", { status: 504, headers: { "CF-Cache-Status": "MISS" } }), "204 to a put": (r) => new Response(null, { status: r.method === "PUT" ? 204 : 200 }), "413": () => new Response("large", { status: 413 }), "429": () => new Response("slow", { status: 429 }) };
const behind = {};
for (const way of Object.keys(workerWays)) behind[way] = async (env) => { const out = []; for (const m of Object.keys(methods)) out.push(`${m}: ${await env.WORKER.run(way, m)}`); return out.join("\n"); };
const behindAsked = {};
for (const call of ["match", "match of a Request", "match of a name", "match of POST, ignored", "put", "put null", "put empty", "put open stream", "put headers", "put gzip", "delete", "delete of a Request"]) behindAsked[call] = (env) => env.WORKER.ask(call);
const elsewhere = (name) => Object.fromEntries(Object.keys(methods).map((m) => [m, (env) => env[name].run(undefined, m)]));

const table = {
  "shape": () => [caches.constructor.name, caches.default.constructor.name, ...["match", "put", "delete", "add", "addAll", "keys", "matchAll"].map((m) => `${m} ${caches.default[m]?.length}`), caches.default === caches.default, Object.keys(caches)],
  "answer": product(statuses("value"), methods),
  "broken": product(broken("value", { "CF-Cache-Status": "HIT" }), methods),
  "found": product(found, { match: methods.match, "match of a name": methods["match of a name"] }),
  "request": requests(hit(), calls),
  "wrong": wrong(mistakes, hit()),
  "worker": behind,
  "worker asked": behindAsked,
  "nobody": elsewhere("NOBODY"),
  "refused": elsewhere("REFUSING"),
  "abandoned": abandoned({ match: methods.match, put: methods.put, delete: methods.delete }),
};
for (const name of ["gzip", "gzip that is none", "gzip that is cut", "gzip of nothing", "br that is none", "identity", "an odd one"]) table["encoded: " + name] = async (env) => product({ x: (encodings("value", { "CF-Cache-Status": "HIT" }))[name] }, { match: methods.match }).x(env);
export default serve(table);
