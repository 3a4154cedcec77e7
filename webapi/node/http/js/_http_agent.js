
// node:_http_agent: agents keep options; connections are fetch's. In a program they make
// sockets, too, for the requests that ask for one.
const EventEmitter = require("node:events");
const { validateNumber, validateOneOf } = require("internal/validators");
const { unimplemented } = require("internal/http");

class Agent extends EventEmitter {
  constructor(options) {
    super();
    const o = { __proto__: null, ...options };
    this.options = o;
    this.defaultPort = o.defaultPort || 80;
    this.protocol = o.protocol || "http:";
    o.path = null;
    if (!("proxyEnv" in o)) o.proxyEnv = undefined;
    if (o.noDelay === undefined) o.noDelay = true;
    this.requests = {};
    this.sockets = {};
    this.freeSockets = {};
    this.agentKeepAliveTimeoutBuffer = 1000;
    this.keepAliveMsecs = o.keepAliveMsecs || 1000;
    this.keepAlive = o.keepAlive || false;
    this.maxSockets = o.maxSockets || Agent.defaultMaxSockets;
    this.maxFreeSockets = o.maxFreeSockets || 256;
    this.scheduling = o.scheduling || "lifo";
    this.totalSocketCount = 0;
    validateOneOf(this.scheduling, "scheduling", ["fifo", "lifo"]);
    if (o.maxTotalSockets !== undefined) validateNumber(o.maxTotalSockets, "maxTotalSockets", 1);
    this.maxTotalSockets = o.maxTotalSockets ?? Infinity;
  }
  getName(options = {}) {
    let name = `${options.host || "localhost"}:${options.port || ""}:${options.localAddress || ""}`;
    if (options.family === 4 || options.family === 6) name += `:${options.family}`;
    return options.socketPath ? `${name}:${options.socketPath}` : name;
  }
  addRequest() {}
  createSocket() {}
  removeSocket() {}
  keepSocketAlive() { return false; }
  reuseSocket() {}
  destroy() {}
}
Agent.prototype.createConnection = unimplemented("createConnection");
if (native.machine()) {
  const methods = {
    addRequest(req, options, port, localAddress) {
      if (typeof options === "string") options = { __proto__: null, host: options, port, localAddress };
      options = { __proto__: null, ...options, ...this.options };
      if (options.socketPath) options.path = options.socketPath;
      this.createSocket(req, options, (error, socket) => req.onSocket(socket, error));
    },
    createSocket(req, options, done) {
      options = { __proto__: null, ...options, ...this.options };
      if (options.socketPath) options.path = options.socketPath;
      if (!options.servername && options.servername !== "") options.servername = require("internal/http_sockets").serverName(options, req);
      options.encoding = null;
      let told = false;
      const tell = (error, socket) => {
        if (told) return;
        told = true;
        done(error, socket);
      };
      const socket = this.createConnection(options, tell);
      if (socket) tell(null, socket);
    },
    createConnection(...args) { return require("node:net").connect(...args); },
  };
  for (const name of Object.keys(methods)) Object.defineProperty(Agent.prototype, name, { value: methods[name], writable: true, configurable: true });
}
Agent.defaultMaxSockets = Infinity;
return { Agent, globalAgent: new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 }) };
