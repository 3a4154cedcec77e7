
// node:net: addresses, lists of addresses, and sockets.
const { Duplex } = require("node:stream");
const { Buffer } = require("node:buffer");
const codes = require("internal/codes");
const { inspect } = require("internal/inspect");
const {
  validateAbortSignal, validateArray, validateBoolean, validateFunction, validateInt32, validateNumber, validateObject, validateOneOf, validatePort, validateString, validateUint32,
} = require("internal/validators");
const { isArray, setPrototypeOf, defineProperty, regExpExec, stringToLowerCase } = primordials;
const { AbortError, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_METHOD_NOT_IMPLEMENTED, ERR_MISSING_ARGS, ERR_OPTION_NOT_IMPLEMENTED, ERR_OUT_OF_RANGE, make } = codes;
const { setImmediate } = require("node:timers");
const custom = Symbol.for("nodejs.util.inspect.custom");

const isIP = (input) => native.family(`${input}`);
const isIPv4 = (input) => isIP(input) === 4;
const isIPv6 = (input) => isIP(input) === 6;
const badAddress = (x) => make(TypeError, "ERR_INVALID_IP_ADDRESS", `Invalid IP address: ${x}`);
const closed = () => make(Error, "ERR_SOCKET_CLOSED", "Socket is closed");

const normalized = Symbol("normalizedArgs");
// _normalizeArgs turns (options), (path) and (port, host), each with a callback, into [options, callback].
function _normalizeArgs(args) {
  let options = {};
  const first = args[0];
  if (typeof first === "object" && first !== null) options = first;
  else if (typeof first === "string" && !(Number(first) >= 0)) options.path = first;
  else if (args.length > 0) {
    options.port = first;
    if (args.length > 1 && typeof args[1] === "string") options.host = args[1];
  }
  const last = args[args.length - 1];
  const out = [options, typeof last === "function" ? last : null];
  out[normalized] = true;
  return out;
}

const timeoutMost = 2 ** 31 - 1;
function duration(ms, name) {
  validateNumber(ms, name);
  if (ms < 0 || !Number.isFinite(ms)) throw new ERR_OUT_OF_RANGE(name, "a non-negative finite number", ms);
  return ms > timeoutMost ? timeoutMost : ms;
}

// Idle is what a socket knows of its timeout: one timer, which looks at what happened since
// when it fires, for what is read and written must not pay for new ones.
class Idle {
  ms = 0; // 0 where nobody waits for it
  since = 0; // of the last activity
  touched = false; // there was some, since the timer started
  due = 0;
  handle = undefined;
  start(socket, ms) {
    clearTimeout(this.handle);
    this.touched = false;
    this.due = performance.now() + ms;
    this.handle = setTimeout(() => this.#fire(socket), ms);
    this.handle.unref?.();
  }
  // touch says that there was activity.
  touch(socket) {
    if (this.ms === 0) return;
    if (this.handle === undefined) return this.start(socket, this.ms);
    this.touched = true;
    this.since = performance.now();
  }
  // set waits for ms from now.
  set(socket, ms) {
    this.ms = ms;
    this.touch(socket);
    if (ms !== 0 && this.due > performance.now() + ms) this.start(socket, ms);
  }
  stop() {
    clearTimeout(this.handle);
    this.handle = undefined;
  }
  #fire(socket) {
    this.handle = undefined;
    if (this.ms === 0 || socket.destroyed) return;
    const left = this.touched ? this.since + this.ms - performance.now() : 0;
    if (left >= 1) this.start(socket, left);
    else socket._onTimeout();
  }
}

const timer = Symbol("timer"), parts = Symbol("parts"), gone = Symbol("gone"), unwanted = Symbol("unref");

function Socket(options) {
  if (!(this instanceof Socket)) return new Socket(options);
  if (typeof options === "number") options = { fd: options };
  for (const name of ["objectMode", "readableObjectMode", "writableObjectMode"]) {
    if (options?.[name]) throw new ERR_INVALID_ARG_VALUE(`options.${name}`, options[name], "is not supported");
  }
  if (options?.keepAliveInitialDelay !== undefined) validateNumber(options.keepAliveInitialDelay, "options.keepAliveInitialDelay");
  if (options?.fd !== undefined) throw new ERR_OPTION_NOT_IMPLEMENTED("options.fd");
  if (options?.handle) validateObject(options.handle, "options.handle");
  if (options?.signal) validateAbortSignal(options.signal, "options.signal");
  this.connecting = false;
  this._hadError = false;
  this._handle = null;
  this._parent = null;
  this._parentWrap = null;
  this._host = null;
  this.autoSelectFamilyAttemptedAddresses = [];
  this[timer] = undefined;
  this[parts] = undefined;
  this[gone] = undefined; // the handle that there was
  Duplex.call(this, {
    ...options, readable: true, writable: true, allowHalfOpen: Boolean(options?.allowHalfOpen), emitClose: false, autoDestroy: true, decodeStrings: false,
  });
}
setPrototypeOf(Socket.prototype, Duplex.prototype);
setPrototypeOf(Socket, Duplex);

Object.assign(Socket.prototype, {
  setTimeout(ms, callback) {
    if (this.destroyed) return this;
    this.timeout = ms;
    ms = duration(ms, "msecs");
    if (callback !== undefined) validateFunction(callback, "callback");
    const idle = this[timer] ??= new Idle();
    idle.set(this, ms);
    if (ms === 0) {
      if (machine === null) idle.stop(); // it would hold the request
      if (callback !== undefined) this.removeListener("timeout", callback);
      return this;
    }
    if (callback !== undefined) this.once("timeout", callback);
    return this;
  },
  _onTimeout() { this.emit("timeout"); },
  _unrefTimer() { this[timer]?.touch(this); },
  connect(...args) {
    const [options, callback] = isArray(args[0]) && args[0][normalized] ? args[0] : _normalizeArgs(args);
    if (this.connecting) throw make(Error, "ERR_SOCKET_CONNECTING", "Socket is already connecting");
    if (options.signal?.aborted) {
      const e = new AbortError();
      if (!callback) throw e;
      callback(e);
      return undefined;
    }
    if (callback !== null) this.once("connect", callback);
    if (options.port === undefined && (options.path === undefined || options.path === null)) throw new ERR_MISSING_ARGS(["options", "port", "path"]);
    if (options.path !== undefined && options.path !== null) {
      if (machine === null) throw new ERR_INVALID_ARG_VALUE("path", options.path, "is not supported");
      validateString(options.path, "options.path");
    }
    start(this, options);
    return this;
  },
  _read() {
    if (this._handle) read(this);
  },
  _write(chunk, encoding, callback) { this._writeGeneric(chunk, encoding, callback); },
  // What is written before the connection is there waits for what becomes of it.
  _writeGeneric(chunk, encoding, callback) {
    if (this.connecting) {
      const early = () => callback(make(Error, "ERR_SOCKET_CLOSED_BEFORE_CONNECTION", "Socket closed before connection established"));
      this.once("close", early);
      this.once("connect", () => {
        this.off("close", early);
        this._writeGeneric(chunk, encoding, callback);
      });
      return;
    }
    if (!this._handle) return callback(closed());
    this._unrefTimer();
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
    const handle = this._handle, { pipe } = handle.socket;
    const written = () => {
      handle.bytesWritten += bytes.byteLength;
      this._unrefTimer();
      callback();
    };
    if (pipe === undefined) handle.writer.write(bytes).then(written, callback);
    else if (pipe.write(bytes, (e) => (e ? callback(e) : written()))) written();
  },
  _final(callback) {
    if (this.connecting) this.once("connect", () => this._final(callback));
    else if (this._handle) this._handle.writer.close().then(() => callback(), callback);
    else callback();
  },
  _destroy(error, callback) {
    this.connecting = false;
    this[timer]?.stop();
    this[timer] = undefined;
    this[parts] = undefined;
    const handle = this._handle;
    this._handle = null;
    const end = () => {
      callback(error);
      queueMicrotask(() => this.emit("close", error !== null && error !== undefined)); // after the error, which comes in one, too
    };
    if (!handle) return end();
    this[gone] = handle;
    if (handle.socket.pipe === undefined) return void handle.socket.close().then(end, end);
    // node's sockets close at the end of a turn: what was told before is heard before.
    handle.socket.close();
    callback(error);
    setImmediate(() => this.emit("close", error !== null && error !== undefined));
  },
  // _attach makes the connection of cloudflare:sockets that of this socket.
  _attach(socket, fail, accepted) {
    const handle = { socket, writer: socket.writable.getWriter(), reader: socket.readable.getReader(), bytesRead: 0, bytesWritten: 0, reading: false };
    this._handle = handle;
    handle.writer.closed.catch(() => {}); // writes and closed say it
    handle.reader.closed.catch(() => {});
    socket.opened.then(() => {
      if (this.destroyed || this._handle !== handle) return;
      this.connecting = false;
      this._unrefTimer();
      if (accepted === undefined) {
        this.emit("connect");
        this.emit("ready");
      }
      if (accepted !== true) read(this);
    }, (e) => {
      if (this._handle === handle) fail(e);
    });
    socket.closed.then(() => {}, (e) => {
      if (this._handle !== handle || socket.upgraded) return;
      if (this.connecting) fail(e);
      else this.destroy(e);
    });
  },
  // _accepted is a connection that a server was given.
  _accepted(socket, paused) {
    this._attach(socket, (e) => this.destroy(e), paused);
  },
  _reset() {
    this._handle?.socket.pipe?.reset();
    return this.destroy();
  },
  resetAndDestroy() {
    if (this.connecting) this.once("connect", () => this._reset());
    else if (this._handle?.socket.pipe) {
      if (!this._handle.socket.pipe.reset()) throw make(TypeError, "ERR_INVALID_HANDLE_TYPE", "This handle type cannot be sent");
      this._reset();
    } else this.destroy(closed());
    return this;
  },
  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  },
  end(...args) {
    Duplex.prototype.end.apply(this, args);
    return this;
  },
  _getpeername() { return ends(this, "remote") ?? this[parts] ?? {}; },
  _getsockname() { return ends(this, "local") ?? (this._handle ? { address: "0.0.0.0", port: 0, family: "IPv4" } : {}); },
  address() { return this._getsockname(); },
  setNoDelay(on = true) {
    this._handle?.socket.pipe?.setNoDelay(Boolean(on));
    return this;
  },
  setKeepAlive() { return this; },
  ref() {
    this._handle?.socket.pipe?.ref();
    return this;
  },
  unref() {
    this[unwanted] = true;
    this._handle?.socket.pipe?.unref();
    return this;
  },
});
// ends is what the machine says of an end of a connection; undefined where it says nothing.
function ends(socket, side) {
  const end = socket._handle?.socket.pipe?.[side];
  if (end === undefined || end[2] === undefined) return end === undefined ? undefined : {};
  return { address: end[0], port: end[1], family: end[2] };
}

const getter = (name, get, enumerable = true) => defineProperty(Socket.prototype, name, { get, enumerable, configurable: true });
getter("_connecting", function () { return this.connecting; }, false);
getter("pending", function () { return !this._handle || this.connecting; }, false);
getter("readyState", function () {
  if (this.connecting) return "opening";
  if (this.readable && this.writable) return "open";
  return this.readable ? "readOnly" : this.writable ? "writeOnly" : "closed";
}, false);
getter("bufferSize", function () { return this._handle ? this.writableLength : undefined; }, false);
getter("bytesRead", function () { return (this._handle ?? this[gone])?.bytesRead ?? 0; });
getter("_bytesDispatched", function () { return (this._handle ?? this[gone])?.bytesWritten ?? 0; });
getter("bytesWritten", function () { return this._bytesDispatched + this.writableLength; });
for (const name of ["Address", "Family", "Port"]) {
  const key = stringToLowerCase(name);
  getter(`remote${name}`, function () { return this._getpeername()[key]; });
  getter(`local${name}`, function () { return this._getsockname()[key]; });
}

// read takes chunks from the connection while the stream wants them.
function read(socket) {
  const handle = socket._handle;
  if (!handle || handle.reading || socket.connecting) return;
  handle.reading = true;
  const { pipe } = handle.socket;
  const come = ({ done, value }) => {
    handle.reading = false;
    if (socket.destroyed || socket._handle !== handle) return;
    socket._unrefTimer();
    if (done) {
      socket.push(null);
      // A connection that nobody reads has ended as well.
      if (handle.socket.pipe && socket.readableLength === 0) socket.read(0);
      return;
    }
    handle.bytesRead += value.byteLength;
    let more = true; // where a listener throws, too
    try {
      more = value.byteLength === 0 || socket.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    } finally {
      if (more) read(socket);
    }
  };
  const failed = (e) => {
    handle.reading = false;
    if (socket._handle === handle && !handle.socket.upgraded) socket.destroy(e);
  };
  if (pipe === undefined) handle.reader.read().then(come, failed);
  else pipe.read((e, value) => (e ? failed(e) : come({ done: value === null, value })));
}

// start checks what a connection is asked for, resolves its name where the caller has a way to, and connects.
function start(socket, options) {
  const { host = "localhost", family, hints, lookup, localAddress, localPort, autoSelectFamily, autoSelectFamilyAttemptTimeout } = options;
  if (localAddress && !isIP(localAddress)) throw badAddress(localAddress);
  if (localPort) validateNumber(localPort, "options.localPort");
  if (machine !== null && typeof options.path === "string" && !socket.encrypted) return dial(socket, "", 0, options.path, options, 0);
  if (typeof options.port !== "number" && typeof options.port !== "string") throw new ERR_INVALID_ARG_TYPE("options.port", ["number", "string"], options.port);
  const port = validatePort(options.port);
  if (autoSelectFamily !== undefined && autoSelectFamily !== null) validateBoolean(autoSelectFamily, "options.autoSelectFamily");
  if (autoSelectFamilyAttemptTimeout !== undefined && autoSelectFamilyAttemptTimeout !== null) {
    validateInt32(autoSelectFamilyAttemptTimeout, "options.autoSelectFamilyAttemptTimeout", 1);
  }
  if (lookup !== undefined && lookup !== null) validateFunction(lookup, "options.lookup");
  socket._unrefTimer();
  socket.connecting = true;
  const open = (address, kind) => {
    socket[parts] = { address, port, family: kind === 4 ? "IPv4" : kind === 6 ? "IPv6" : undefined };
    const shown = kind === 6 ? `[${address}]` : address;
    socket._host = `${shown}`;
    socket.autoSelectFamilyAttemptedAddresses = [`${shown}:${port}`];
    socket.emit("connectionAttempt", address, port, kind);
    const fail = (e) => {
      if (socket.destroyed) return;
      e = refused(e, address, port);
      socket.emit("connectionAttemptFailed", address, port, kind, e);
      socket.destroy(e);
    };
    if (machine !== null && !socket.encrypted && socket.constructor === Socket) return dial(socket, address, port, "", options, kind || family || 0, fail);
    const connect = native.connect();
    if (!connect) return void process.nextTick(fail, new ERR_METHOD_NOT_IMPLEMENTED("net.Socket.connect"));
    try {
      socket._attach(connect(`${shown}:${port}`, { allowHalfOpen: socket.allowHalfOpen, secureTransport: socket.encrypted ? "on" : "starttls" }), fail);
    } catch (e) {
      process.nextTick(fail, e);
    }
  };
  const kind = isIP(host);
  if (kind !== 0 || !lookup) return open(host, kind);
  lookup(host, { family: family || kind, hints }, (error, address, found) => {
    socket.emit("lookup", error, address, found, host);
    if (error) return void socket.destroy(error);
    if (isIP(address) === 0) throw badAddress(address);
    if (found !== 4 && found !== 6 && found !== "IPv4" && found !== "IPv6") throw new ERR_INVALID_ARG_VALUE("family", found, "must be 4 or 6");
    open(address, found === 6 || found === "IPv6" ? 6 : 4);
  });
}

// refused is node's error where a connection of cloudflare:sockets could not be made.
function refused(e, address, port) {
  if (e.code !== undefined || e.message !== "proxy request failed, cannot connect to the specified address") return e;
  return make(Error, "ECONNREFUSED", `connect ECONNREFUSED ${address}:${port}`, { errno: -111, syscall: "connect", address, port });
}

// dial connects on the program's machine.
function dial(socket, host, port, path, options, family, fail = (e) => { if (!socket.destroyed) socket.destroy(e); }) {
  socket.connecting = true;
  native.dial(host, port, path, options.localAddress ?? "", options.localPort ?? 0, family, (e, pipe) => {
    if (e) fail(e);
    else if (socket.destroyed) pipe.close();
    else {
      if (socket[unwanted]) pipe.unref();
      socket._attach(require("internal/net_machine").wrapped(pipe), fail);
      if (options.noDelay) pipe.setNoDelay(true);
    }
  });
}

function connect(...args) {
  const all = _normalizeArgs(args);
  const socket = new Socket(all[0]);
  if (all[0].timeout) socket.setTimeout(all[0].timeout);
  return socket.destroyed ? socket : socket.connect(all);
}
// Programs have the network of their machine, and servers in it.
const machine = native.machine() ? require("internal/net_machine").build(native, Socket, _normalizeArgs) : null;
function MissingServer() { throw new Error("Server is not implemented"); }
defineProperty(MissingServer, "name", { value: "Server" });
const Server = machine === null ? MissingServer : machine.Server;
function createServer(...args) {
  if (machine === null) throw new Error("createServer() is not implemented");
  return machine.createServer(...args);
}

class SocketAddress {
  #address; #port; #family; #flowlabel;
  constructor(options = {}) {
    validateObject(options, "options");
    let family = options.family || "ipv4";
    if (typeof family === "string") family = stringToLowerCase(family);
    validateOneOf(family, "options.family", ["ipv4", "ipv6"]);
    const { address = family === "ipv4" ? "127.0.0.1" : "::", port = 0, flowlabel = 0 } = options;
    validateString(address, "options.address");
    this.#port = validatePort(port, "options.port");
    validateUint32(flowlabel, "options.flowlabel", false);
    if (isIP(address) !== (family === "ipv4" ? 4 : 6)) throw make(TypeError, "ERR_INVALID_ADDRESS", "Invalid socket address");
    this.#address = address;
    this.#family = family;
    this.#flowlabel = flowlabel;
  }
  get address() { return this.#address; }
  get port() { return this.#port; }
  get family() { return this.#family; }
  get flowlabel() { return this.#flowlabel; }
  toJSON() { return { address: this.#address, port: this.#port, family: this.#family, flowlabel: this.#flowlabel }; }
  [custom](depth, options) {
    if (depth < 0) return this;
    return `SocketAddress ${inspect(this.toJSON(), { ...options, depth: options.depth === null || options.depth === undefined ? null : options.depth - 1 })}`;
  }
  static isSocketAddress(value) { return typeof value === "object" && value !== null && #address in value; }
  static parse(input) {
    validateString(input, "input");
    const url = URL.parse(`http://${input}`);
    if (!url) return undefined;
    const host = url.hostname, bracketed = host[0] === "[";
    const address = bracketed ? host.slice(1, -1) : host;
    if (isIP(address) !== (bracketed ? 6 : 4)) return undefined;
    const port = url.port || regExpExec(/:(\d{1,5})$/, input)?.[1]; // a URL does not keep the port 80
    return new SocketAddress({ address, port: port | 0, family: bracketed ? "ipv6" : "ipv4" });
  }
}

const label = { ipv4: "IPv4", ipv6: "IPv6" };
const bitsOf = { ipv4: 32, ipv6: 128 };
class BlockList {
  #rules = [];
  static isBlockList(value) { return typeof value === "object" && value !== null && #rules in value; }
  #add(first, last, bits, text) {
    const rules = this.#rules;
    defineProperty(rules, rules.length, { value: { first, last, bits, text }, enumerable: true, configurable: true, writable: true });
  }
  // #take is the address and the family that an argument is.
  #take(value, name, family) {
    if (SocketAddress.isSocketAddress(value)) return [value.address, value.family];
    validateString(value, name);
    validateOneOf(family, "family", ["ipv4", "ipv6"]);
    return [value, family];
  }
  #check(address, family) {
    if (isIP(address) !== (family === "ipv4" ? 4 : 6)) throw badAddress(`Invalid ${label[family]} address`);
  }
  addAddress(address, family = "ipv4") {
    [address, family] = this.#take(address, "address", family);
    this.#check(address, family);
    this.#add(address, address, -1, `Address: ${label[family]} ${address}`);
  }
  addRange(start, end, family = "ipv4") {
    const [first, kind] = this.#take(start, "start", family);
    const [last, other] = this.#take(end, "end", kind);
    if (other !== kind) throw new ERR_INVALID_ARG_VALUE("end", end, "must be same family as start");
    this.#check(first, kind);
    this.#check(last, kind);
    if (native.compare(first, last) > 0) throw new ERR_INVALID_ARG_VALUE("start", first, "must come before end");
    this.#add(first, last, -1, `Range: ${label[kind]} ${first}-${last}`);
  }
  addSubnet(network, prefix, family = "ipv4") {
    [network, family] = this.#take(network, "network", family);
    validateInt32(prefix, "prefix");
    if (prefix < 0 || prefix > bitsOf[family]) throw new ERR_OUT_OF_RANGE("prefix", `between 0 and ${bitsOf[family]}`, prefix);
    this.#check(network, family);
    this.#add(network, "", prefix, `Subnet: ${label[family]} ${network}/${prefix}`);
  }
  check(address, family = "ipv4") {
    if (!SocketAddress.isSocketAddress(address) && typeof family === "string") family = stringToLowerCase(family);
    [address, family] = this.#take(address, "address", family);
    if (isIP(address) !== (family === "ipv4" ? 4 : 6)) return false;
    for (let i = 0; i < this.#rules.length; i++) {
      const r = this.#rules[i];
      if (native.within(address, r.first, r.last, r.bits)) return true;
    }
    return false;
  }
  get rules() { return this.#rules.map((r) => r.text); }
  toJSON() { return this.rules; }
  fromJSON(data) {
    if (typeof data === "string") {
      try {
        data = JSON.parse(data);
      } catch {
        throw new ERR_INVALID_ARG_VALUE("data", data, "must be valid JSON");
      }
    }
    validateArray(data, "data");
    for (const item of data) {
      const m = regExpExec(/^(Address|Range|Subnet): (IPv4|IPv6) ([0-9a-fA-F:.]+)(?:-([0-9a-fA-F:.]+)|\/(\d{1,3}))?$/, item);
      if (!m) continue;
      const family = stringToLowerCase(m[2]);
      if (m[1] === "Address") this.addAddress(m[3], family);
      else if (m[1] === "Range") this.addRange(m[3], m[4], family);
      else this.addSubnet(m[3], +m[5], family);
    }
  }
  [custom](depth, options) {
    if (depth < 0) return "[BlockList]";
    return `BlockList {\n  rules: ${inspect(this.rules, { ...options, depth: options.depth === null || options.depth === undefined ? null : options.depth - 1 })}\n}`;
  }
}

let attemptTimeout = 10;
return {
  BlockList, SocketAddress, Stream: Socket, Server, Socket, connect, createConnection: connect, createServer,
  getDefaultAutoSelectFamily: () => false,
  setDefaultAutoSelectFamily(value) {
    if (value) throw new ERR_INVALID_ARG_VALUE("val", value);
  },
  getDefaultAutoSelectFamilyAttemptTimeout: () => attemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout(value) {
    validateInt32(value, "val", 1);
    attemptTimeout = value < 10 ? 10 : value;
  },
  isIP, isIPv4, isIPv6, _normalizeArgs,
};
