
// Requests that cloudflare:node hands to a server of a program: they reach it, and are
// answered, over a connection in memory, so that they are those of any client.
const net = require("node:net");
const { Readable, duplexPair, pipeline } = require("node:stream");
const { ClientRequest } = require("node:_http_client");
const { kCloudflare, kConnected } = require("internal/http_symbols");
const { ports } = require("internal/http");
const { make } = require("internal/codes");
const { URL, Response } = globalThis;
const { floor } = Math, random = Math.random;

// What is of the connection is no business of who hands a request over.
const hop = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);
const bodiless = new Set([204, 205, 304]);

// far makes one side of a pair what a server takes for a socket.
function far(side, server, request, url) {
  const address = request.headers.get("cf-connecting-ip") ?? "127.0.0.1", at = server.address() ?? {};
  const { setTimeout, _onTimeout, _unrefTimer } = net.Socket.prototype;
  Object.assign(side, {
    setTimeout, _onTimeout, _unrefTimer, encrypted: url.protocol === "https:",
    remoteAddress: address, remoteFamily: net.isIP(address) === 6 ? "IPv6" : "IPv4", remotePort: floor(random() * 0x8000) + 0x8000,
    localAddress: at.address, localPort: at.port, localFamily: at.family,
    address: () => ({ ...at }), setNoDelay: () => side, setKeepAlive: () => side, ref: () => side, unref: () => side,
    destroySoon: net.Socket.prototype.destroySoon,
  });
  side.prependListener("data", () => side._unrefTimer());
  return side;
}

// hand is the answer of a server to a request, a promise.
function hand(server, request, env, ctx) {
  return new Promise((resolve, reject) => {
    const url = new URL(request.url), headers = [], { body } = request;
    let named = false, sized = false;
    for (const [name, value] of request.headers) {
      if (hop.has(name)) continue;
      named ||= name === "host";
      sized ||= name === "content-length";
      headers.push(name, value);
    }
    if (!named) headers.unshift("host", url.host);
    if (body && !sized) headers.push("transfer-encoding", "chunked");
    const [near, side] = duplexPair();
    far(side, server, request, url);
    side[kCloudflare] = { env, ctx, cf: request.cf };
    let answer;
    side.on("error", (e) => { // what the server destroys it with
      reject(e);
      answer?.destroy(e);
    });
    near.on("error", () => {}); // its request tells of it
    side.once("close", () => near.destroy());
    near.once("close", () => side.destroy());
    server.emit(server[kConnected], side);
    const req = new ClientRequest({ createConnection: () => near, method: request.method, path: url.pathname + url.search, headers });
    req.on("error", reject);
    req.on("upgrade", () => req.destroy(make(Error, "ERR_INVALID_STATE", "The server has left HTTP, which a Response cannot")));
    req.on("response", (res) => {
      answer = res;
      const list = [];
      for (let i = 0; i < res.rawHeaders.length; i += 2) if (!hop.has(res.rawHeaders[i].toLowerCase())) list.push([res.rawHeaders[i], res.rawHeaders[i + 1]]);
      const empty = request.method === "HEAD" || bodiless.has(res.statusCode);
      if (empty) res.resume();
      try {
        resolve(new Response(empty ? null : Readable.toWeb(res), { status: res.statusCode, statusText: res.statusMessage, headers: list }));
      } catch (e) {
        req.destroy();
        reject(e);
      }
    });
    if (body) pipeline(Readable.fromWeb(body), req, () => {}); // the request tells of it
    else req.end();
  });
}

// open makes a server that listens one that cloudflare:node finds, until close.
function open(server) {
  const port = server.address()?.port;
  if (typeof port === "number") ports.set(port, { server, fetch: (request, env, ctx) => hand(server, request, env, ctx) });
}
function close(server) {
  const port = server.address()?.port;
  if (ports.get(port)?.server === server) ports.delete(port);
}
return { open, close };
