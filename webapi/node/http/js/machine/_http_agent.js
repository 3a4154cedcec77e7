
// node:_http_agent of programs: agents hold the sockets of requests, those in use and
// those that wait for the next one, and the requests that wait for a socket.
const EventEmitter = require("node:events");
const net = require("node:net");
const { AsyncResource } = require("node:async_hooks");
const { validateNumber, validateOneOf, validateString } = require("internal/validators");
const { regExpExec, setPrototypeOf } = primordials;
const { keys } = Object;

const kOptions = Symbol("requestOptions"), kResource = Symbol("requestAsyncResource");
// announced is how long before the time that a server announces a socket is given up.
const announced = 1000;

function Agent(options) {
  if (!(this instanceof Agent)) return new Agent(options);
  EventEmitter.call(this);
  this.defaultPort = 80;
  this.protocol = "http:";
  this.options = { __proto__: null, ...options };
  if (this.options.noDelay === undefined) this.options.noDelay = true;
  this.options.path = null; // it is that of a local socket
  this.requests = { __proto__: null };
  this.sockets = { __proto__: null };
  this.freeSockets = { __proto__: null };
  this.keepAliveMsecs = this.options.keepAliveMsecs || 1000;
  this.keepAlive = this.options.keepAlive || false;
  this.maxSockets = this.options.maxSockets || Agent.defaultMaxSockets;
  this.maxFreeSockets = this.options.maxFreeSockets || 256;
  this.scheduling = this.options.scheduling || "lifo";
  this.maxTotalSockets = this.options.maxTotalSockets;
  this.totalSocketCount = 0;
  validateOneOf(this.scheduling, "scheduling", ["fifo", "lifo"]);
  if (this.maxTotalSockets !== undefined) validateNumber(this.maxTotalSockets, "maxTotalSockets", 1);
  else this.maxTotalSockets = Infinity;
  this.on("free", (socket, of) => freed(this, socket, of));
}
setPrototypeOf(Agent.prototype, EventEmitter.prototype);
setPrototypeOf(Agent, EventEmitter);
Agent.defaultMaxSockets = Infinity;

// serverName is the name that TLS asks for: that of the header Host, where there is one.
function serverName(options, req) {
  let name = options.host;
  const header = req.getHeader("host");
  if (header) {
    validateString(header, "options.headers.host");
    name = header[0] === "[" ? header.slice(1, header.indexOf("]")) : header.split(":", 1)[0];
  }
  return net.isIP(name) ? "" : name;
}
function named(options, req) {
  if (!options.servername && options.servername !== "") options.servername = serverName(options, req);
}
// give hands a socket to a request.
function give(agent, req, socket) {
  req.onSocket(socket);
  const own = agent.options.timeout || 0;
  if (req.timeout !== undefined && req.timeout !== own) socket.setTimeout(req.timeout);
}
// freed is a socket whose request is over: it serves the next one, or waits, or ends.
function freed(agent, socket, options) {
  const name = agent.getName(options);
  if (!socket.writable) return void socket.destroy();
  const waiting = agent.requests[name];
  if (waiting?.length) {
    const req = waiting.shift(), resource = req[kResource];
    if (waiting.length === 0) delete agent.requests[name];
    if (resource) {
      req[kResource] = null;
      resource.runInAsyncScope(() => give(agent, req, socket));
    } else give(agent, req, socket);
    return;
  }
  const req = socket._httpMessage;
  if (!req?.shouldKeepAlive || !agent.keepAlive) return void socket.destroy();
  const free = agent.freeSockets[name] || [], count = free.length + (agent.sockets[name]?.length ?? 0);
  if (agent.totalSocketCount > agent.maxTotalSockets || count > agent.maxSockets || free.length >= agent.maxFreeSockets || !agent.keepSocketAlive(socket)) return void socket.destroy();
  agent.freeSockets[name] = free;
  socket._httpMessage = null;
  agent.removeSocket(socket, options);
  socket.once("error", onFreeError);
  free.push(socket);
}
function onFreeError() {
  this.destroy();
  this.emit("agentRemove");
}
// installed makes a socket one of an agent's.
function installed(agent, socket, options) {
  const onFree = () => agent.emit("free", socket, options);
  const onClose = () => {
    agent.totalSocketCount--;
    agent.removeSocket(socket, options);
  };
  const onTimeout = () => {
    for (const name of keys(agent.freeSockets)) if (agent.freeSockets[name].includes(socket)) return void socket.destroy();
  };
  const onRemove = () => {
    agent.totalSocketCount--;
    agent.removeSocket(socket, options);
    socket.removeListener("close", onClose);
    socket.removeListener("free", onFree);
    socket.removeListener("timeout", onTimeout);
    socket.removeListener("agentRemove", onRemove);
  };
  socket.on("free", onFree);
  socket.on("close", onClose);
  socket.on("timeout", onTimeout);
  socket.on("agentRemove", onRemove);
}

Object.assign(Agent.prototype, {
  createConnection: net.createConnection,
  getName(options = {}) {
    let name = `${options.host || "localhost"}:${options.port || ""}:${options.localAddress || ""}`;
    if (options.family === 4 || options.family === 6) name += `:${options.family}`;
    if (options.socketPath) name += `:${options.socketPath}`;
    return name;
  },
  addRequest(req, options, port, localAddress) {
    if (typeof options === "string") options = { __proto__: null, host: options, port, localAddress };
    options = { __proto__: null, ...options, ...this.options };
    if (options.socketPath) options.path = options.socketPath;
    named(options, req);
    const name = this.getName(options), used = this.sockets[name] ??= [], free = this.freeSockets[name];
    let socket;
    if (free) {
      while (free.length > 0 && free[0].destroyed) free.shift();
      socket = this.scheduling === "fifo" ? free.shift() : free.pop();
      if (free.length === 0) delete this.freeSockets[name];
    }
    if (socket) {
      this.reuseSocket(socket, req);
      give(this, req, socket);
      used.push(socket);
    } else if ((free?.length ?? 0) + used.length < this.maxSockets && this.totalSocketCount < this.maxTotalSockets) {
      this.createSocket(req, options, (error, made) => {
        if (error) req.onSocket(made, error);
        else give(this, req, made);
      });
    } else {
      req[kOptions] = options; // it may have to wait for a socket to elsewhere
      req[kResource] = new AsyncResource("QueuedRequest");
      (this.requests[name] ??= []).push(req);
    }
  },
  createSocket(req, options, done) {
    options = { __proto__: null, ...options, ...this.options };
    if (options.socketPath) options.path = options.socketPath;
    named(options, req);
    const timeout = req.timeout || this.options.timeout || undefined;
    if (timeout) options.timeout = timeout;
    const name = this.getName(options);
    options._agentKey = name;
    options.encoding = null;
    if (this.keepAlive) {
      options.keepAlive = this.keepAlive;
      options.keepAliveInitialDelay = this.keepAliveMsecs;
    }
    let told = false;
    const tell = (error, socket) => {
      if (told) return;
      told = true;
      if (error) return void done(error);
      (this.sockets[name] ??= []).push(socket);
      this.totalSocketCount++;
      installed(this, socket, options);
      done(null, socket);
    };
    const socket = this.createConnection(options, tell);
    if (socket) tell(null, socket);
  },
  // removeSocket forgets a socket; a request that waits may then have one.
  removeSocket(socket, options) {
    const name = this.getName(options), sets = socket.writable ? [this.sockets] : [this.sockets, this.freeSockets];
    for (const set of sets) {
      const list = set[name], at = list ? list.indexOf(socket) : -1;
      if (at < 0) continue;
      list.splice(at, 1);
      if (list.length === 0) delete set[name];
    }
    let req = this.requests[name]?.[0];
    if (req === undefined) {
      for (const other of keys(this.requests)) {
        if (this.sockets[other]?.length) break; // that one has its own to wait for
        req = this.requests[other][0];
        options = req[kOptions];
        break;
      }
    }
    if (!req || !options) return;
    req[kOptions] = undefined;
    this.createSocket(req, options, (error, made) => {
      if (error) req.onSocket(made, error);
      else made.emit("free");
    });
  },
  // keepSocketAlive makes a socket wait for its next request, unless the server ends it too soon.
  keepSocketAlive(socket) {
    socket.setKeepAlive(true, this.keepAliveMsecs);
    socket.unref();
    let timeout = this.options.timeout || 0;
    const hint = socket._httpMessage?.res?.headers["keep-alive"], seconds = hint ? regExpExec(/^timeout=(\d+)/, hint)?.[1] : undefined;
    if (seconds !== undefined) {
      const left = +seconds * 1000 - announced;
      if (left <= 0) return false;
      if (left < timeout) timeout = left;
    }
    if (socket.timeout !== timeout) socket.setTimeout(timeout);
    return true;
  },
  reuseSocket(socket, req) {
    socket.removeListener("error", onFreeError);
    req.reusedSocket = true;
    socket.ref();
  },
  destroy() {
    for (const set of [this.freeSockets, this.sockets]) {
      for (const name of keys(set)) for (const socket of set[name].slice()) socket.destroy();
    }
  },
});
return { Agent, globalAgent: new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 }) };
