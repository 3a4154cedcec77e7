
// node:https of programs: servers and requests over node:tls.
const tls = require("node:tls");
const http = require("node:_http_agent");
const { ClientRequest } = require("node:_http_client");
const { Server: HTTPServer, _connectionListener, storeHTTPOptions, httpServerPreClose, _parts: { begin, members } } = require("internal/http_server");
const { urlToHttpOptions } = require("node:url");
const { setPrototypeOf } = primordials;
const { URL } = globalThis;

const mostSessions = native.mostSessions();
// What of the options makes a connection another one.
const apart = ["ca", "cert", "clientCertEngine", "ciphers", "key", "pfx", "rejectUnauthorized", "servername", "minVersion", "maxVersion", "secureProtocol", "crl", "honorCipherOrder",
  "ecdhCurve", "dhparam", "secureOptions", "sessionIdContext", "sigalgs", "privateKeyIdentifier", "privateKeyEngine"];

function Agent(options) {
  if (!(this instanceof Agent)) return new Agent(options);
  options = { __proto__: null, ...options };
  http.Agent.call(this, options);
  this.options = options;
  if (options.noDelay === undefined) options.noDelay = true;
  options.path = null;
  this.defaultPort = 443;
  this.protocol = "https:";
  this.maxCachedSessions = options.maxCachedSessions === undefined ? 100 : options.maxCachedSessions;
  this._sessionCache = { map: {}, list: [] };
}
setPrototypeOf(Agent.prototype, http.Agent.prototype);
setPrototypeOf(Agent, http.Agent);
Object.assign(Agent.prototype, {
  createConnection(port, host, options) {
    if (port !== null && typeof port === "object") options = port;
    else if (host !== null && typeof host === "object") options = { ...host };
    else if (options === null || typeof options !== "object") options = {};
    else options = { ...options };
    if (typeof port === "number") options.port = port;
    if (typeof host === "string") options.host = host;
    const key = options._agentKey;
    if (key) {
      const session = this._getSession(key);
      if (session) options = { session, ...options };
    }
    const socket = tls.connect(options);
    if (key) {
      socket.on("session", (session) => this._cacheSession(key, session));
      socket.once("close", (failed) => { if (failed) this._evictSession(key); });
    }
    return socket;
  },
  getName(options = {}) {
    let name = http.Agent.prototype.getName.call(this, options);
    for (const key of apart) {
      const v = options[key];
      name += ":";
      if (key === "servername" ? v && v !== options.host : key === "rejectUnauthorized" || key === "honorCipherOrder" ? v !== undefined : v) name += v;
    }
    return name;
  },
  _getSession(key) { return this._sessionCache.map[key]; },
  _cacheSession(key, session) {
    const most = Math.min(this.maxCachedSessions, mostSessions);
    if (most === 0) return;
    const { map, list } = this._sessionCache;
    if (map[key] === undefined) {
      if (list.length >= most) delete map[list.shift()];
      list.push(key);
    }
    map[key] = session;
  },
  _evictSession(key) {
    const { map, list } = this._sessionCache, at = list.indexOf(key);
    if (at < 0) return;
    list.splice(at, 1);
    delete map[key];
  },
});
let globalAgent = new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 });

class Server extends tls.Server {
  constructor(options, listener) {
    if (typeof options === "function") [options, listener] = [{}, options];
    options = { ...options };
    // Without a choice of the program HTTP is what is spoken.
    if (!options.ALPNProtocols && !options.ALPNCallback) options.ALPNProtocols = ["http/1.1"];
    storeHTTPOptions.call({}, options); // what is wrong with them comes first
    super({ noDelay: true, ...options }, _connectionListener);
    if (listener) this.on("request", listener);
    this.on("tlsClientError", (e, socket) => {
      if (!this.emit("clientError", e, socket)) socket.destroy(e);
    });
    begin(this, options, "secureConnection");
  }
  close(callback) {
    httpServerPreClose(this);
    super.close(callback);
    return this;
  }
}
Object.assign(Server.prototype, { ...members, close: Server.prototype.close, [Symbol.asyncDispose]: HTTPServer.prototype[Symbol.asyncDispose] });
function ServerFunction(options, listener) { return Reflect.construct(Server, [options, listener], new.target ?? ServerFunction); }
ServerFunction.prototype = Server.prototype;
Object.defineProperty(ServerFunction, "name", { value: "Server" });
Server.prototype.constructor = ServerFunction;
setPrototypeOf(ServerFunction, tls.Server);

function request(...args) {
  let options = {};
  if (typeof args[0] === "string") options = urlToHttpOptions(new URL(args.shift()));
  else if (args[0] instanceof URL) options = urlToHttpOptions(args.shift());
  if (args[0] && typeof args[0] !== "function") Object.assign(options, args.shift());
  options._defaultAgent = exported.globalAgent;
  return new ClientRequest(options, ...args);
}
function get(input, options, callback) {
  const r = request(input, options, callback);
  r.end();
  return r;
}
const exported = {
  Agent, Server: ServerFunction, createServer: (options, listener) => new ServerFunction(options, listener), get, request,
  get globalAgent() { return globalAgent; },
  set globalAgent(agent) { globalAgent = agent; },
};
return exported;
