
// node:https of programs: servers that listen, and requests with the options of TLS.
const { Agent: PlainAgent, client } = require("internal/https");
const { Server: HTTPServer } = require("internal/http_server");
const { _parts: { prepare, named, greet, contextMembers, protocolsOf, ticketsOf } } = require("node:_tls_wrap");

class Agent extends PlainAgent {
  #networks = new Map();
  // _network keeps the connections of the same options together.
  _network(name, make) {
    let found = this.#networks.get(name);
    if (found === undefined) {
      if (this.#networks.size >= 100) this.destroy();
      this.#networks.set(name, found = make());
    }
    return found;
  }
  createConnection(...args) {
    let options = {};
    for (const a of args) {
      if (typeof a === "object" && a !== null) options = { ...options, ...a };
    }
    if (typeof args[0] === "number" || (typeof args[0] === "string" && args[0] !== "")) options.port = args[0];
    if (typeof args[1] === "string") options.host = args[1];
    return require("node:tls").connect(options);
  }
  destroy() {
    for (const n of this.#networks.values()) n.close();
    this.#networks.clear();
  }
}

require("internal/http_sockets").plain.add(Agent.prototype.createConnection);

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
    const failed = (e) => this.emit("tlsClientError", e, undefined);
    return {
      context: this._sharedCreds.context, request: this.requestCert, reject: this.rejectUnauthorized, failed,
      // Contexts may come and change while the server listens.
      hello: (...words) => greet(this, { SNICallback: named(this), ALPNCallback: this.ALPNCallback, context: this._sharedCreds.context, again: failed, tickets: ticketsOf(this) }, ...words),
      trusts: this.requestCert && this.rejectUnauthorized ? (session) => session.problem() === undefined : undefined,
    };
  }
}
Object.assign(Server.prototype, contextMembers);
function ServerFunction(options, listener) { return Reflect.construct(Server, [options, listener], new.target ?? Server); }
ServerFunction.prototype = Server.prototype;
Server.prototype.constructor = ServerFunction;
Object.setPrototypeOf(ServerFunction, HTTPServer);

return { ...client(Agent), createServer: (options, handler) => new Server(options, handler), Server: ServerFunction };
