
// node:_http_agent: agents keep options; connections are fetch's.
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
Agent.defaultMaxSockets = Infinity;
return { Agent, globalAgent: new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 }) };
