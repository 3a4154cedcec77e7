
// node:https of programs: servers that listen, and requests with the options of TLS.
const { ClientRequest } = require("node:_http_client");
const http = require("node:_http_agent");
const { Server: HTTPServer } = require("internal/http_server");
const { urlToHttpOptions } = require("node:url");
const { _parts: { prepare, named, contextMembers, protocolsOf } } = require("node:_tls_wrap");
const { URL } = globalThis;

class Agent extends http.Agent {
  #networks = new Map();
  constructor(options) {
    super({ ...options, defaultPort: options?.defaultPort || 443, protocol: options?.protocol || "https:" });
    this.maxCachedSessions = this.options.maxCachedSessions ?? 100;
  }
  getName(options = {}) {
    let name = super.getName(options);
    for (const key of ["ca", "cert", "clientCertEngine", "ciphers", "key", "pfx", "rejectUnauthorized", "servername", "minVersion", "maxVersion", "secureProtocol", "crl", "honorCipherOrder",
      "ecdhCurve", "dhparam", "secureOptions", "sessionIdContext", "sigalgs", "privateKeyIdentifier", "privateKeyEngine"]) {
      const v = options[key];
      name += `:${v === undefined || v === null || (key === "servername" && v === options.host) ? "" : v}`;
    }
    return name;
  }
  // _network keeps the connections of the same options together.
  _network(name, make) {
    let found = this.#networks.get(name);
    if (found === undefined) {
      if (this.#networks.size >= 100) this.destroy();
      this.#networks.set(name, found = make());
    }
    return found;
  }
  destroy() {
    for (const n of this.#networks.values()) n.close();
    this.#networks.clear();
  }
}
const globalAgent = new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 });

class Server extends HTTPServer {
  constructor(options, listener) {
    if (typeof options === "function") [options, listener] = [undefined, options];
    super(options ?? {}, listener);
    options = { ...options };
    prepare(this, options);
    this.ALPNProtocols ??= protocolsOf(["http/1.1"]);
  }
  // _secure are the options of TLS for who listens.
  _secure() {
    const SNICallback = named(this), server = this;
    return {
      context: this._sharedCreds.context, request: this.requestCert, reject: this.rejectUnauthorized,
      hello: SNICallback && ((servername, protocols, answer) => {
        if (servername === "") return void answer(null);
        try {
          SNICallback(servername, (error, context) => (error ? answer(error) : answer(null, context?.context ?? context)));
        } catch (e) {
          answer(e);
        }
      }),
      trusts: this.requestCert && this.rejectUnauthorized ? (session) => session.problem() === undefined : undefined,
      failed: (e) => server.emit("tlsClientError", e, undefined),
    };
  }
}
Object.assign(Server.prototype, contextMembers);
function ServerFunction(options, listener) { return Reflect.construct(Server, [options, listener], new.target ?? Server); }
ServerFunction.prototype = Server.prototype;
Server.prototype.constructor = ServerFunction;
Object.setPrototypeOf(ServerFunction, HTTPServer);

function request(...args) {
  let options = {};
  if (typeof args[0] === "string") options = urlToHttpOptions(new URL(args.shift()));
  else if (args[0] instanceof URL) options = urlToHttpOptions(args.shift());
  if (args.length > 0 && typeof args[0] !== "function") options = { ...options, ...args.shift() };
  options._defaultAgent = globalAgent;
  return new ClientRequest(options, ...args);
}
function get(...args) {
  const r = request(...args);
  r.end();
  return r;
}
return { get, request, Agent, globalAgent, createServer: (options, handler) => new Server(options, handler), Server: ServerFunction };
