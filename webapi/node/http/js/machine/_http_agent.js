
// node:_http_agent of programs: an agent has sockets that requests use, sockets that wait
// for the next request, and requests that wait for a socket. What goes to one place (a
// name) is a Pool; where sockets go and when they are opened is decided there.
const EventEmitter = require("node:events");
const net = require("node:net");
const { AsyncResource } = require("node:async_hooks");
const { validateNumber, validateOneOf, validateString } = require("internal/validators");
const { regExpExec, setPrototypeOf } = primordials;
const { nextTick } = require("internal/process");
const { keys } = Object;

// early is how long before the time that a server announces a socket is given up.
const early = 1000;

// Lists by name: those that programs see have no empty ones.
function put(lists, name, item) { (lists[name] ??= []).push(item); }
function take(lists, name, at) {
  const list = lists[name], [item] = list.splice(at, 1);
  if (list.length === 0) delete lists[name];
  return item;
}
function drop(lists, name, item) {
  const at = lists[name]?.indexOf(item) ?? -1;
  if (at >= 0) take(lists, name, at);
  return at >= 0;
}

// tickets are what is known of requests that wait: the options of the socket they want,
// how to go on in their async context, and whether a socket is being opened for them.
const tickets = new WeakMap();

// Pool is what an agent has for one place. Its lists are in the agent's objects, which
// programs read and subclasses write to: it keeps none itself, and is made where needed.
class Pool {
  constructor(agent, name) {
    this.agent = agent;
    this.name = name;
  }
  static for(agent, options) { return new Pool(agent, agent.getName(options)); }
  get busy() { return this.agent.sockets[this.name]?.length ?? 0; }
  get idle() { return this.agent.freeSockets[this.name]?.length ?? 0; }
  // mayOpen decides whether there may be one more socket.
  mayOpen() {
    const { agent } = this;
    return this.busy + this.idle < agent.maxSockets && agent.totalSocketCount < agent.maxTotalSockets;
  }
  // acquire gives a request an idle socket, or a new one, or lets it wait.
  acquire(req, options) {
    const { agent, name } = this, socket = this.#awake();
    if (socket) {
      agent.reuseSocket(socket, req);
      serve(agent, req, socket);
      put(agent.sockets, name, socket);
    } else if (this.mayOpen()) {
      agent.createSocket(req, options, (error, made) => {
        if (!error) return void serve(agent, req, made);
        req.onSocket(made, error);
        this.#later();
      });
    } else {
      tickets.set(req, { options, context: new AsyncResource("HTTPAGENT"), opening: false });
      put(agent.requests, name, req);
      this.#makeRoom();
    }
  }
  // #makeRoom ends a socket that is idle elsewhere, where that is all that keeps one from being
  // opened here: next opens it then.
  #makeRoom() {
    const { agent } = this;
    if (this.busy + this.idle >= agent.maxSockets || agent.totalSocketCount < agent.maxTotalSockets) return;
    for (const name of keys(agent.freeSockets)) {
      const socket = agent.freeSockets[name].find((s) => !s.destroyed);
      if (socket) return void socket.destroy();
    }
  }
  // #awake is the idle socket that is next to be used.
  #awake() {
    const { freeSockets, scheduling } = this.agent, { name } = this;
    while (this.idle > 0 && freeSockets[name][0].destroyed) take(freeSockets, name, 0);
    return this.idle > 0 ? take(freeSockets, name, scheduling === "fifo" ? 0 : this.idle - 1) : undefined;
  }
  // release decides what a socket does that is free: it ends, serves who waits, or is idle.
  release(socket, options) {
    const { agent, name } = this;
    if (!socket.writable) socket.destroy();
    else if (agent.requests[name]?.length) {
      const req = take(agent.requests, name, 0);
      inContext(req, () => serve(agent, req, socket));
    } else if (!this.#keeps(socket)) socket.destroy();
    else {
      socket._httpMessage = null;
      agent.removeSocket(socket, options);
      socket.once("error", onIdleError);
      put(agent.freeSockets, name, socket);
    }
  }
  // #keeps says whether a socket may be idle. Who waits for another place has it ended
  // where that is what there is room for.
  #keeps(socket) {
    const { agent } = this;
    if (!agent.keepAlive || !socket._httpMessage?.shouldKeepAlive) return false;
    if (this.idle >= agent.maxFreeSockets || this.busy + this.idle > agent.maxSockets) return false;
    const { totalSocketCount: total, maxTotalSockets: most } = agent;
    if (total > most || (total === most && keys(agent.requests).length > 0)) return false;
    return Boolean(agent.keepSocketAlive(socket));
  }
  // forget takes a socket out. One that can be written to stays idle, if it is.
  forget(socket) {
    const { agent, name } = this;
    drop(agent.sockets, name, socket);
    if (!socket.writable) drop(agent.freeSockets, name, socket);
    this.next();
  }
  // next opens a socket for a request that waits, here or else elsewhere, if it may.
  next() {
    const { agent } = this;
    if (this.#open()) return;
    for (const name of keys(agent.requests)) if (name !== this.name && new Pool(agent, name).#open()) return;
  }
  #open() {
    const { agent, name } = this;
    const req = agent.requests[name]?.find((r) => tickets.get(r)?.opening === false);
    if (req === undefined || !this.mayOpen()) return false;
    const ticket = tickets.get(req);
    ticket.opening = true;
    agent.createSocket(req, ticket.options, (error, made) => {
      ticket.opening = false;
      if (!error) return void made.emit("free"); // who has waited longest has it
      if (drop(agent.requests, name, req)) inContext(req, () => req.onSocket(made, error));
      this.#later();
    });
    return true;
  }
  // #later lets others try after a socket could not be opened, not within the call that failed.
  #later() {
    if (keys(this.agent.requests).length > 0) nextTick(() => this.next());
  }
}
function inContext(req, f) {
  const ticket = tickets.get(req);
  tickets.delete(req);
  if (ticket) ticket.context.runInAsyncScope(f);
  else f();
}
// serve hands a socket to a request, whose time is its own where it has one.
function serve({ options: { timeout } }, req, socket) {
  req.onSocket(socket);
  if (req.timeout !== undefined && req.timeout !== (timeout || 0)) socket.setTimeout(req.timeout);
}
function onIdleError() {
  this.destroy();
  this.emit("agentRemove");
}
// enlist makes a socket one of an agent's, until it closes or somebody takes it away.
function enlist(agent, socket, options) {
  const gone = () => {
    agent.totalSocketCount--;
    agent.removeSocket(socket, options);
  };
  const heard = {
    free: () => agent.emit("free", socket, options),
    close: gone,
    timeout() { if (agent.freeSockets[agent.getName(options)]?.includes(socket)) socket.destroy(); },
    agentRemove() {
      for (const event of keys(heard)) socket.removeListener(event, heard[event]);
      gone();
    },
  };
  for (const event of keys(heard)) socket.on(event, heard[event]);
  agent.totalSocketCount++;
  put(agent.sockets, agent.getName(options), socket);
}
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
// wanted are the options of the socket for a request: those of the agent come first.
function wanted(agent, options, req) {
  const all = { __proto__: null, ...options, ...agent.options };
  if (all.socketPath) all.path = all.socketPath;
  if (!all.servername && all.servername !== "") all.servername = serverName(all, req);
  return all;
}
// announced is for how long a server says it keeps the connection, in seconds.
function announced(socket) {
  const hint = socket._httpMessage?.res?.headers["keep-alive"], found = hint ? regExpExec(/^timeout=(\d+)/, hint) : null;
  return found === null ? undefined : +found[1];
}

function Agent(options) {
  if (!(this instanceof Agent)) return new Agent(options);
  EventEmitter.call(this);
  const own = { __proto__: null, noDelay: true, ...options };
  if (own.noDelay === undefined) own.noDelay = true;
  own.path = null; // it is that of a local socket
  const { scheduling = "lifo", maxTotalSockets } = own;
  validateOneOf(scheduling || "lifo", "scheduling", ["fifo", "lifo"]);
  if (maxTotalSockets !== undefined) validateNumber(maxTotalSockets, "maxTotalSockets", 1);
  Object.assign(this, {
    defaultPort: 80, protocol: "http:", options: own,
    requests: { __proto__: null }, sockets: { __proto__: null }, freeSockets: { __proto__: null },
    keepAliveMsecs: own.keepAliveMsecs || 1000, keepAlive: own.keepAlive || false,
    maxSockets: own.maxSockets || Agent.defaultMaxSockets, maxFreeSockets: own.maxFreeSockets || 256,
    scheduling: scheduling || "lifo", maxTotalSockets: maxTotalSockets ?? Infinity, totalSocketCount: 0,
  });
  this.on("free", (socket, of) => Pool.for(this, of).release(socket, of));
}
setPrototypeOf(Agent.prototype, EventEmitter.prototype);
setPrototypeOf(Agent, EventEmitter);
Agent.defaultMaxSockets = Infinity;

Object.assign(Agent.prototype, {
  createConnection: net.createConnection,
  getName(options = {}) {
    const parts = [options.host || "localhost", options.port || "", options.localAddress || ""];
    if (options.family === 4 || options.family === 6) parts.push(options.family);
    if (options.socketPath) parts.push(options.socketPath);
    return parts.join(":");
  },
  addRequest(req, options, port, localAddress) {
    if (typeof options === "string") options = { host: options, port, localAddress };
    options = wanted(this, options, req);
    Pool.for(this, options).acquire(req, options);
  },
  // createSocket opens a socket for a request, with what createConnection returns or calls back with first.
  createSocket(req, options, done) {
    options = wanted(this, options, req);
    const timeout = req.timeout || this.options.timeout;
    if (timeout) options.timeout = timeout;
    if (this.keepAlive) Object.assign(options, { keepAlive: this.keepAlive, keepAliveInitialDelay: this.keepAliveMsecs });
    options._agentKey = this.getName(options); // sessions of TLS are kept by it
    options.encoding = null;
    let answered = false;
    const answer = (error, socket) => {
      if (answered) return;
      answered = true;
      if (error) return void done(error);
      enlist(this, socket, options);
      done(null, socket);
    };
    const socket = this.createConnection(options, answer);
    if (socket) answer(null, socket);
  },
  removeSocket(socket, options) { Pool.for(this, options).forget(socket); },
  // keepSocketAlive readies a socket to be idle, unless the server ends it too soon.
  keepSocketAlive(socket) {
    socket.setKeepAlive(true, this.keepAliveMsecs);
    socket.unref();
    const own = this.options.timeout || 0, seconds = announced(socket), left = seconds === undefined ? Infinity : seconds * 1000 - early;
    if (left <= 0) return false;
    const timeout = Math.min(own, left);
    if (socket.timeout !== timeout) socket.setTimeout(timeout);
    return true;
  },
  reuseSocket(socket, req) {
    socket.removeListener("error", onIdleError);
    req.reusedSocket = true;
    socket.ref();
  },
  destroy() {
    for (const lists of [this.freeSockets, this.sockets]) {
      for (const name of keys(lists)) for (const socket of lists[name].slice()) socket.destroy();
    }
  },
});
return { Agent, globalAgent: new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 }) };
