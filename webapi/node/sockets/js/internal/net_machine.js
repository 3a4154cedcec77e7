
// Connections and servers of node:net on a program's machine.
const EventEmitter = require("node:events");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS, make } = require("internal/codes");
const { validateAbortSignal, validateFunction, validatePort } = require("internal/validators");

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

// build gives Server and createServer for a class of sockets.
function build(native, Socket, _normalizeArgs) {
  class Server extends EventEmitter {
    #listener = null;
    #connections = new Set();
    #referenced = true;
    #options;
    #path;
    maxConnections;
    constructor(options, listener) {
      super();
      if (typeof options === "function") [options, listener] = [{}, options];
      else if (options === undefined || options === null) options = {};
      else if (typeof options !== "object") throw new ERR_INVALID_ARG_TYPE("options", "Object", options);
      if (listener !== undefined) {
        validateFunction(listener, "connectionListener");
        this.on("connection", listener);
      }
      this.#options = options;
      this.allowHalfOpen = Boolean(options.allowHalfOpen);
      this.pauseOnConnect = Boolean(options.pauseOnConnect);
    }
    listen(...args) {
      const [options, callback] = _normalizeArgs(args);
      if (this.#listener !== null) throw make(Error, "ERR_SERVER_ALREADY_LISTEN", "Listen method has been called more than once without closing.");
      if (callback !== null) this.once("listening", callback);
      let { port, host, path, signal } = options;
      if (signal !== undefined) validateAbortSignal(signal, "options.signal");
      if (args.length === 0 || (port === undefined && "port" in options) || port === null || (typeof args[0] === "function")) port = path === undefined ? 0 : undefined;
      if (port !== undefined) port = validatePort(port, "options.port");
      else if (typeof path !== "string" || path === "") {
        if ("path" in options || !("port" in options)) throw new ERR_INVALID_ARG_VALUE("options", options, 'must have the property "port" or "path"');
      }
      if (path !== undefined && port === undefined) this.#path = path;
      try {
        this.#listener = native.listen(host ?? "", port ?? 0, port === undefined ? path : "", (pipe) => this.#accept(pipe));
      } catch (e) {
        process.nextTick(() => this.emit("error", e));
        return this;
      }
      if (!this.#referenced) this.#listener.unref();
      if (signal) {
        const stop = () => this.close();
        if (signal.aborted) process.nextTick(stop);
        else signal.addEventListener("abort", stop, { once: true });
      }
      process.nextTick(() => { if (this.#listener !== null) this.emit("listening"); });
      return this;
    }
    #accept(pipe) {
      if (this.maxConnections !== undefined && this.#connections.size >= this.maxConnections) {
        const [localAddress, localPort, localFamily] = pipe.local, [remoteAddress, remotePort, remoteFamily] = pipe.remote;
        pipe.close();
        this.emit("drop", { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily });
        return;
      }
      const { noDelay = false, highWaterMark } = this.#options;
      const socket = new Socket({ allowHalfOpen: this.allowHalfOpen, highWaterMark });
      socket._accepted(wrapped(pipe), this.pauseOnConnect);
      if (noDelay) socket.setNoDelay(true);
      socket.server = socket._server = this;
      this.#connections.add(socket);
      socket.once("close", () => {
        this.#connections.delete(socket);
        this.#ended();
      });
      this.emit("connection", socket);
    }
    #ending = false;
    #ended() {
      if (!this.#ending || this.#connections.size > 0) return;
      this.#ending = false;
      process.nextTick(() => this.emit("close"));
    }
    close(callback) {
      if (typeof callback === "function") {
        if (this.#listener === null) this.once("close", () => callback(make(Error, "ERR_SERVER_NOT_RUNNING", "Server is not running.")));
        else this.once("close", callback);
      }
      if (this.#listener !== null) {
        this.#listener.close();
        this.#listener = null;
      }
      this.#ending = true;
      this.#ended();
      return this;
    }
    address() {
      if (this.#listener === null) return null;
      if (this.#path !== undefined) return this.#path;
      const [address, port, family] = this.#listener.address();
      return { address, family, port };
    }
    get listening() { return this.#listener !== null; }
    getConnections(callback) {
      process.nextTick(callback, null, this.#connections.size);
      return this;
    }
    ref() {
      this.#referenced = true;
      this.#listener?.ref();
      return this;
    }
    unref() {
      this.#referenced = false;
      this.#listener?.unref();
      return this;
    }
    async [Symbol.asyncDispose]() {
      if (this.#listener !== null) await new Promise((resolve) => this.close(resolve));
    }
  }
  return { Server, createServer: (options, listener) => new Server(options, listener) };
}
return { build, wrapped };
