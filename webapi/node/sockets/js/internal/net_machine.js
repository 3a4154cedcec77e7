
// Connections and servers of node:net on a program's machine.
const EventEmitter = require("node:events");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS, make } = require("internal/codes");
const { validateAbortSignal, validateFunction, validateNumber, validatePort } = require("internal/validators");

// wrapped is a pipe of the machine as a connection of cloudflare:sockets: what Socket
// of node:net stands on.
function wrapped(pipe) {
  let over, closing;
  const closed = new Promise((resolve) => { over = resolve; });
  const promised = (fn) => new Promise((resolve, reject) => fn((e, v) => (e ? reject(e) : resolve(v))));
  return {
    pipe, opened: Promise.resolve(), closed, upgraded: false,
    readable: { getReader: () => ({ closed, read: () => promised((cb) => pipe.read(cb)).then((value) => (value === null ? { done: true, value: undefined } : { done: false, value })) }) },
    writable: { getWriter: () => ({ closed, write: (bytes) => promised((cb) => pipe.write(bytes, cb)), close: async () => { pipe.end(); } }) },
    close() {
      closing ??= (async () => {
        pipe.close();
        over();
      })();
      return closing;
    },
  };
}

const kState = Symbol("state");

// build gives Server and createServer for a class of sockets.
function build(native, Socket, _normalizeArgs) {
  function Server(options, listener) {
    if (!(this instanceof Server)) return new Server(options, listener);
    EventEmitter.call(this);
    if (typeof options === "function") [options, listener] = [{}, options];
    else if (options === undefined || options === null) options = {};
    else if (typeof options !== "object") throw new ERR_INVALID_ARG_TYPE("options", "Object", options);
    if (options.keepAliveInitialDelay !== undefined) {
      validateNumber(options.keepAliveInitialDelay, "options.keepAliveInitialDelay");
      if (options.keepAliveInitialDelay < 0) options = { ...options, keepAliveInitialDelay: 0 };
    }
    if (options.highWaterMark !== undefined) validateNumber(options.highWaterMark, "options.highWaterMark");
    if (listener !== undefined && listener !== null) {
      validateFunction(listener, "connectionListener");
      this.on("connection", listener);
    }
    this[kState] = { connections: new Set(), referenced: true, options, path: undefined, ending: false };
    this._connections = 0;
    this._handle = null;
    this.allowHalfOpen = Boolean(options.allowHalfOpen);
    this.pauseOnConnect = Boolean(options.pauseOnConnect);
    this.noDelay = Boolean(options.noDelay);
    this.keepAlive = Boolean(options.keepAlive);
    this.keepAliveInitialDelay = ~~(options.keepAliveInitialDelay / 1000);
  }
  Object.setPrototypeOf(Server.prototype, EventEmitter.prototype);
  Object.setPrototypeOf(Server, EventEmitter);

  // accept makes a socket of a connection.
  function accept(server, pipe) {
    const state = server[kState], { connections, options } = state;
    if (server.maxConnections !== undefined && server.maxConnections !== null && connections.size >= server.maxConnections) {
      const [localAddress, localPort, localFamily] = pipe.local, [remoteAddress, remotePort, remoteFamily] = pipe.remote;
      pipe.close();
      server.emit("drop", { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily });
      return;
    }
    const socket = new Socket({ allowHalfOpen: server.allowHalfOpen, highWaterMark: options.highWaterMark });
    socket._accepted(wrapped(pipe), server.pauseOnConnect);
    if (server.noDelay) socket.setNoDelay(true);
    if (server.keepAlive) socket.setKeepAlive(true, server.keepAliveInitialDelay * 1000);
    socket.server = socket._server = server;
    connections.add(socket);
    server._connections = connections.size;
    socket.once("close", () => {
      connections.delete(socket);
      server._connections = connections.size;
      server._emitCloseIfDrained();
    });
    server.emit("connection", socket);
  }

  Object.assign(Server.prototype, {
    listen(...args) {
      const [options, callback] = _normalizeArgs(args), state = this[kState];
      if (this._handle !== null) throw make(Error, "ERR_SERVER_ALREADY_LISTEN", "Listen method has been called more than once without closing.");
      if (callback !== null) this.once("listening", callback);
      let { port, host, path, signal } = options;
      if (signal !== undefined) validateAbortSignal(signal, "options.signal");
      if (args.length === 0 || (port === undefined && "port" in options) || port === null || (typeof args[0] === "function")) port = path === undefined ? 0 : undefined;
      if (port !== undefined) port = validatePort(port, "options.port");
      else if (typeof path !== "string" || path === "") {
        if ("path" in options || !("port" in options)) throw new ERR_INVALID_ARG_VALUE("options", options, 'must have the property "port" or "path"');
      }
      state.path = path !== undefined && port === undefined ? path : undefined;
      try {
        this._handle = native.listen(host ?? "", port ?? 0, port === undefined ? path : "", (pipe) => accept(this, pipe));
      } catch (e) {
        process.nextTick(() => this.emit("error", e));
        return this;
      }
      if (!state.referenced) this._handle.unref();
      if (signal) {
        const stop = () => this.close();
        if (signal.aborted) process.nextTick(stop);
        else signal.addEventListener("abort", stop, { once: true });
      }
      process.nextTick(() => { if (this._handle !== null) this.emit("listening"); });
      return this;
    },
    // _emitCloseIfDrained tells that the server has closed, once its last connection has.
    _emitCloseIfDrained() {
      const state = this[kState];
      if (!state.ending || state.connections.size > 0) return;
      state.ending = false;
      process.nextTick(() => this.emit("close"));
    },
    close(callback) {
      if (typeof callback === "function") {
        if (this._handle === null) this.once("close", () => callback(make(Error, "ERR_SERVER_NOT_RUNNING", "Server is not running.")));
        else this.once("close", callback);
      }
      if (this._handle !== null) {
        this._handle.close();
        this._handle = null;
      }
      this[kState].ending = true;
      this._emitCloseIfDrained();
      return this;
    },
    address() {
      if (this._handle === null) return null;
      if (this[kState].path !== undefined) return this[kState].path;
      const [address, port, family] = this._handle.address();
      return { address, family, port };
    },
    getConnections(callback) {
      process.nextTick(callback, null, this[kState].connections.size);
      return this;
    },
    ref() {
      this[kState].referenced = true;
      this._handle?.ref();
      return this;
    },
    unref() {
      this[kState].referenced = false;
      this._handle?.unref();
      return this;
    },
  });
  Object.defineProperty(Server.prototype, "listening", { get() { return Boolean(this._handle); }, configurable: true, enumerable: true });
  Server.prototype[Symbol.asyncDispose] = async function () {
    if (this._handle !== null) await new Promise((resolve, reject) => this.close((e) => (e ? reject(e) : resolve())));
  };
  return { Server, createServer: (options, listener) => new Server(options, listener) };
}
return { build, wrapped };
