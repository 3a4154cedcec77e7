
// node:dgram of programs: sockets of UDP.
const EventEmitter = require("node:events");
const { Buffer } = require("node:buffer");
const { isIP } = require("node:net");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS, make, received } = require("internal/codes");
const { validateAbortSignal, validateFunction, validateNumber, validateString, validateUint32 } = require("internal/validators");
const { isArray, isView } = primordials;

// validPort is validatePort in the words of node.
function validPort(port, name, zero) {
  if ((typeof port !== "number" && typeof port !== "string") || (typeof port === "string" && port.trim() === "") || +port !== +port >>> 0 || port > 0xffff || (+port === 0 && !zero)) {
    throw make(RangeError, "ERR_SOCKET_BAD_PORT", `${name} should be ${zero ? ">=" : ">"} 0 and < 65536. ${received(port)}.`);
  }
  return port | 0;
}
const notRunning = () => make(Error, "ERR_SOCKET_DGRAM_NOT_RUNNING", "Not running");
const bytesOf = (value, name) => {
  if (typeof value === "string") return Buffer.from(value);
  if (isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new ERR_INVALID_ARG_TYPE(name, ["Buffer", "TypedArray", "DataView", "string"], value);
};

class Socket extends EventEmitter {
  #six; #options; #lookup;
  #handle = null;
  #state = "unbound"; // then "binding", "bound", "closed"
  #referenced = true;
  #waiting = []; // what is to be done once it is bound
  #peer = null; // who it is connected to
  #connecting = false; // until there is a peer, or none
  #queued = { size: 0, count: 0 };
  constructor(type, listener) {
    super();
    let options = {};
    if (typeof type === "object" && type !== null) {
      options = type;
      type = options.type;
    }
    if (type !== "udp4" && type !== "udp6") throw make(TypeError, "ERR_SOCKET_BAD_TYPE", "Bad socket type specified. Valid types are: udp4, udp6");
    if (options.lookup !== undefined) validateFunction(options.lookup, "lookup");
    for (const name of ["recvBufferSize", "sendBufferSize"]) if (options[name] !== undefined) validateUint32(options[name], name);
    this.type = type;
    this.#six = type === "udp6";
    this.#options = options;
    this.#lookup = options.lookup ?? ((host, family, callback) => require("node:dns").lookup(host, family, callback));
    if (typeof listener === "function") this.on("message", listener);
    const { signal } = options;
    if (signal !== undefined) {
      validateAbortSignal(signal, "options.signal");
      const stop = () => { if (this.#state !== "closed") this.close(); };
      if (signal.aborted) process.nextTick(stop);
      else {
        signal.addEventListener("abort", stop, { once: true });
        this.once("close", () => signal.removeEventListener("abort", stop));
      }
    }
  }
  #check() {
    if (this.#state === "closed") throw notRunning();
  }
  // #resolve finds the address of a name.
  #resolve(host, callback) {
    const any = this.#six ? "::1" : "127.0.0.1";
    if (!host) return void process.nextTick(callback, null, any);
    if (isIP(host) === (this.#six ? 6 : 4)) return void process.nextTick(callback, null, host);
    this.#lookup(host, this.#six ? 6 : 4, (e, address) => callback(e, address));
  }
  bind(port, address, callback) {
    this.#check();
    if (this.#state !== "unbound") throw make(Error, "ERR_SOCKET_ALREADY_BOUND", "Socket is already bound");
    let only6 = Boolean(this.#options.ipv6Only);
    const last = [port, address, callback].find((a) => typeof a === "function");
    if (typeof port === "function") port = address = undefined;
    else if (typeof address === "function") address = undefined;
    if (port !== null && typeof port === "object") {
      if (port.fd !== undefined) throw new ERR_INVALID_ARG_VALUE("options.fd", port.fd, "is not supported");
      ({ address, port } = port);
    }
    port = port === undefined || port === null ? 0 : validPort(port, "Port", true);
    if (last) {
      const off = () => {
        this.off("listening", done);
        this.off("error", off);
      };
      const done = () => {
        off();
        last.call(this);
      };
      this.on("error", off);
      this.on("listening", done);
    }
    this.#state = "binding";
    this.#resolve(address || (this.#six ? "::" : "0.0.0.0"), (e, ip) => {
      if (this.#state !== "binding") return;
      if (!e) {
        try {
          this.#open(ip, port, only6);
        } catch (x) {
          e = x;
        }
      }
      if (e) {
        this.#state = "unbound";
        const failed = this.#waiting;
        this.#waiting = [];
        this.emit("error", e);
        for (const { fail } of failed) fail?.(e);
        return;
      }
      this.emit("listening");
      for (const { go } of this.#waiting.splice(0)) go();
    });
    return this;
  }
  #open(ip, port, only6) {
    const o = this.#options;
    this.#handle = native.bind(this.#six, ip, port, Boolean(o.reuseAddr || o.reusePort), only6, (e, bytes, address, from) => {
      if (this.#state === "closed") return;
      if (e) return void this.emit("error", e);
      if (this.#peer !== null && (this.#peer.address !== address || this.#peer.port !== from)) return;
      this.emit("message", bytes, { address, family: this.#six ? "IPv6" : "IPv4", port: from, size: bytes.length });
    });
    this.#state = "bound";
    if (!this.#referenced) this.#handle.unref();
    if (o.recvBufferSize) this.#handle.size(false, o.recvBufferSize);
    if (o.sendBufferSize) this.#handle.size(true, o.sendBufferSize);
  }
  // #bound does something when there is a socket, which it makes if need be.
  #bound(go, fail) {
    if (this.#state === "bound") return go();
    this.#waiting.push({ go, fail });
    if (this.#state === "unbound") this.bind({ port: 0 });
  }
  connect(port, address, callback) {
    port = validPort(port, "Port", false);
    if (typeof address === "function") [address, callback] = ["", address];
    else if (address === undefined) address = "";
    validateString(address, "address");
    if (this.#connecting || this.#peer !== null) throw make(Error, "ERR_SOCKET_DGRAM_IS_CONNECTED", "Already connected");
    this.#check();
    this.#connecting = true;
    if (callback !== undefined) this.once("connect", callback);
    const fail = (e) => {
      this.#connecting = false;
      if (callback) {
        this.off("connect", callback);
        process.nextTick(callback, e);
      } else process.nextTick(() => this.emit("error", e));
    };
    this.#bound(() => this.#resolve(address, (e, ip) => {
      if (this.#state === "closed") return;
      if (e) return fail(e);
      this.#connecting = false;
      this.#peer = { address: ip, port, family: this.#six ? "IPv6" : "IPv4" };
      process.nextTick(() => this.emit("connect"));
    }), fail);
  }
  disconnect() {
    if (this.#peer === null) throw make(Error, "ERR_SOCKET_DGRAM_NOT_CONNECTED", "Not connected");
    this.#peer = null;
  }
  remoteAddress() {
    this.#check();
    if (this.#peer === null) throw make(Error, "ERR_SOCKET_DGRAM_NOT_CONNECTED", "Not connected");
    return { ...this.#peer };
  }
  send(buffer, offset, length, port, address, callback) {
    const peer = this.#peer, connected = peer !== null;
    if (typeof offset === "number" && typeof length === "number" && (connected || (port !== undefined && typeof port !== "function"))) {
      // (message, offset, length, …)
      const b = bytesOf(buffer, "buffer");
      offset >>>= 0;
      length >>>= 0;
      if (offset > b.length) throw make(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"offset" is outside of buffer bounds');
      if (offset + length > b.length) throw make(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"length" is outside of buffer bounds');
      buffer = b.subarray(offset, offset + length);
      if (connected) {
        callback = port;
        if (address !== undefined && typeof port === "number") throw make(Error, "ERR_SOCKET_DGRAM_IS_CONNECTED", "Already connected");
        port = address = undefined;
      }
    } else if (connected) {
      callback = offset;
      if (typeof offset === "number") throw make(Error, "ERR_SOCKET_DGRAM_IS_CONNECTED", "Already connected");
      port = address = undefined;
    } else [port, address, callback] = [offset, length, port];
    const parts = isArray(buffer) ? buffer.map((b) => {
      if (typeof b !== "string" && !isView(b)) throw new ERR_INVALID_ARG_TYPE("buffer list arguments", ["Buffer", "TypedArray", "DataView", "string"], buffer);
      return bytesOf(b);
    }) : [bytesOf(buffer, "buffer")];
    if (!connected) port = validPort(port, "Port", false);
    if (typeof callback !== "function") callback = undefined;
    if (typeof address === "function") {
      callback = address;
      address = undefined;
    } else if (address !== undefined && address !== null && address !== "" && typeof address !== "string") throw new ERR_INVALID_ARG_TYPE("address", "string", address);
    this.#check();
    const bytes = parts.length === 1 ? Buffer.from(parts[0]) : Buffer.concat(parts);
    this.#queued.size += bytes.length;
    this.#queued.count++;
    const done = () => {
      this.#queued.size -= bytes.length;
      this.#queued.count--;
    };
    const over = (e, n) => {
      done();
      if (callback) process.nextTick(callback, e, n);
      else if (e) process.nextTick(() => this.emit("error", e));
    };
    const leave = (e, ip, to) => {
      if (this.#state === "closed") return done();
      if (e) return over(e);
      try {
        this.#handle.send(bytes, to, ip);
      } catch (x) {
        return over(x);
      }
      over(null, bytes.length);
    };
    this.#bound(() => {
      if (connected) process.nextTick(leave, null, peer.address, peer.port);
      else this.#resolve(address, (e, ip) => leave(e, ip, port));
    }, (e) => over(e));
  }
  close(callback) {
    if (typeof callback === "function") this.on("close", callback);
    this.#check();
    this.#state = "closed";
    this.#waiting = [];
    this.#handle?.close();
    this.#handle = null;
    process.nextTick(() => this.emit("close"));
    return this;
  }
  address() {
    this.#check();
    if (this.#handle === null) throw failure("EBADF", "getsockname");
    const [address, port, family] = this.#handle.address();
    return { address, family, port };
  }
  // #set changes an option of a socket that is there; some make it.
  #set(what, value, address = "", over = "") {
    this.#check();
    if (this.#handle === null) {
      if (this.#state !== "unbound" || !/Membership/.test(what)) throw failure("EBADF", what);
      this.#open(this.#six ? "::" : "0.0.0.0", 0, false);
      process.nextTick(() => this.emit("listening"));
    }
    this.#handle.set(what, value, address, over);
  }
  setBroadcast(on) { this.#set("setBroadcast", on ? 1 : 0); }
  setTTL(ttl) {
    validateNumber(ttl, "ttl");
    if (ttl < 1 || ttl > 255) throw failure("EINVAL", "setTTL");
    this.#set("setTTL", ttl);
    return ttl;
  }
  setMulticastTTL(ttl) {
    validateNumber(ttl, "ttl");
    if (ttl < 0 || ttl > 255) throw failure("EINVAL", "setMulticastTTL");
    this.#set("setMulticastTTL", ttl);
    return ttl;
  }
  setMulticastLoopback(on) {
    this.#set("setMulticastLoopback", on ? 1 : 0);
    return on;
  }
  setMulticastInterface(address) {
    validateString(address, "interfaceAddress");
    this.#set("setMulticastInterface", 0, "", address);
  }
  addMembership(group, over) {
    if (!group) throw new ERR_MISSING_ARGS("multicastAddress");
    this.#set("addMembership", 0, group, over ?? "");
  }
  dropMembership(group, over) {
    if (!group) throw new ERR_MISSING_ARGS("multicastAddress");
    this.#set("dropMembership", 0, group, over ?? "");
  }
  #size(send, bytes) {
    this.#check();
    const call = `uv_${send ? "send" : "recv"}_buffer_size`;
    if (this.#handle === null) throw make(Error, "ERR_SOCKET_BUFFER_SIZE", `Could not get or set buffer size: ${call} returned EBADF (bad file descriptor)`);
    return this.#handle.size(send, bytes);
  }
  setRecvBufferSize(bytes) { this.#size(false, checkSize(bytes)); }
  setSendBufferSize(bytes) { this.#size(true, checkSize(bytes)); }
  getRecvBufferSize() { return this.#size(false, 0); }
  getSendBufferSize() { return this.#size(true, 0); }
  getSendQueueSize() { return this.#queued.size; }
  getSendQueueCount() { return this.#queued.count; }
  ref() {
    this.#referenced = true;
    this.#handle?.ref();
    return this;
  }
  unref() {
    this.#referenced = false;
    this.#handle?.unref();
    return this;
  }
  async [Symbol.asyncDispose]() {
    if (this.#state !== "closed") await new Promise((resolve) => this.close(resolve));
  }
}
const checkSize = (bytes) => {
  if (bytes >>> 0 !== bytes) throw make(TypeError, "ERR_SOCKET_BAD_BUFFER_SIZE", "Buffer size must be a positive integer");
  return bytes;
};
const numbers = () => require("node:os").constants.errno;
const failure = (code, call) => make(Error, code, `${call} ${code}`, { errno: -numbers()[code], syscall: call });
function SocketFunction(type, listener) { return Reflect.construct(Socket, [type, listener], new.target ?? Socket); }
SocketFunction.prototype = Socket.prototype;
Socket.prototype.constructor = SocketFunction;
Object.setPrototypeOf(SocketFunction, EventEmitter);
return { createSocket: (type, listener) => new Socket(type, listener), Socket: SocketFunction };
