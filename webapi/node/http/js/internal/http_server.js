
// Servers of node:http: they answer the requests that cloudflare:node gives to a port.
const { getDefaultHighWaterMark } = require("node:stream");
const EventEmitter = require("node:events");
const { OutgoingMessage } = require("node:_http_outgoing");
const { IncomingMessage } = require("node:_http_incoming");
const { Buffer } = require("node:buffer");
const { _normalizeArgs, isIP } = require("node:net");
const { ERR_INVALID_ARG_VALUE, ERR_METHOD_NOT_IMPLEMENTED, ERR_OPTION_NOT_IMPLEMENTED, ERR_OUT_OF_RANGE, make } = require("internal/codes");
const { validateBoolean, validateFunction, validateInteger, validateNumber, validateObject, validatePort } = require("internal/validators");
const { STATUS_CODES, badChars, unimplemented, sent, ports, kIncomingMessage, kServerResponse } = require("internal/http");
const { isArray, keys, hasFlag } = primordials;
const process = require("internal/process");
const { URL, Response, ReadableStream, FixedLengthStream } = globalThis;
const random = Math.random, floor = Math.floor;
const enabled = (name) => {
  if (!hasFlag("enable_nodejs_http_server_modules")) throw new ERR_METHOD_NOT_IMPLEMENTED(name);
};

class ServerResponse extends OutgoingMessage {
  #resolve;
  #reject;
  #controller = null;
  #waiting = null; // the callback of a write that the reader has not asked for
  #left = Infinity; // bytes that Content-Length still allows
  constructor(req, options) {
    enabled("ServerResponse");
    super(options);
    this.req = req;
    this.statusCode = 200;
    this.statusMessage = "unknown"; // as workerd has it
    this._hasBody = req.method !== "HEAD";
    this.socket = undefined;
    // _response is what fetch() gets.
    Object.defineProperty(this, "_response", { value: new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    }) });
    this._response.catch(() => {}); // the server that waits for it reports it
  }
  _implicitHeader() { this.writeHead(this.statusCode); }
  writeHead(status, reason, headers) {
    if (this._header !== null) throw sent("write");
    const code = status | 0;
    if (code < 200 || code > 999) throw make(RangeError, "ERR_HTTP_INVALID_STATUS_CODE", `Invalid status code: ${status}`);
    if (typeof reason === "string") this.statusMessage = reason;
    else headers ??= reason;
    this.statusMessage ||= STATUS_CODES[code] || "unknown";
    if (badChars(this.statusMessage)) throw make(TypeError, "ERR_INVALID_CHAR", "Invalid character in statusMessage");
    this.statusCode = code;
    if (isArray(headers)) {
      const pairs = isArray(headers[0]) ? headers.flat() : headers;
      if (pairs.length % 2 !== 0) throw new ERR_INVALID_ARG_VALUE("headers", headers);
      for (let i = 0; i < pairs.length; i += 2) this.removeHeader(`${pairs[i]}`);
      for (let i = 0; i < pairs.length; i += 2) this.appendHeader(`${pairs[i]}`, pairs[i + 1]);
    } else if (headers) {
      for (const name of keys(headers)) {
        if (headers[name] !== undefined) this.setHeader(name, headers[name]);
      }
    }
    if (code === 204 || code === 304) this._hasBody = false;
    this.#begin();
    return this;
  }
  // #begin makes the response; from then on what is written is its body.
  #begin() {
    if (this.sendDate && !this.hasHeader("date")) this.setHeader("Date", new Date().toUTCString());
    if (this._contentLength !== null && this._hasBody && !this.hasHeader("content-length") && !this.hasHeader("transfer-encoding")) {
      this.setHeader("Content-Length", this._contentLength);
    }
    const list = this._pairs(false).filter(([name]) => !hop.has(name.toLowerCase()));
    const size = this.getHeader("content-length");
    if (size !== undefined && Number(size) >= 0) this.#left = Number(size);
    let text = `HTTP/1.1 ${this.statusCode} ${this.statusMessage}\r\n`;
    for (const [name, value] of list) text += `${name}: ${value}\r\n`;
    this._header = `${text}\r\n`;
    this._headerSent = true;
    let body = null;
    if (this._hasBody) {
      body = new ReadableStream({
        type: "bytes",
        start: (controller) => { this.#controller = controller; },
        pull: () => {
          const go = this.#waiting;
          this.#waiting = null;
          if (go) go();
        },
        cancel: (reason) => void this.destroy(reason),
      });
    }
    const response = new Response(body, { status: this.statusCode, statusText: this.statusMessage, headers: list });
    this.#resolve(response);
  }
  _write(chunk, encoding, callback) {
    if (this._header === null) this._implicitHeader();
    if (!this._hasBody) return callback();
    if (chunk.length > this.#left) chunk = chunk.subarray(0, this.#left);
    this.#left -= chunk.length;
    if (chunk.length === 0) return callback();
    this.#controller.enqueue(new Uint8Array(chunk)); // a copy: the stream takes the bytes away
    if (this.#controller.desiredSize > 0) callback();
    else this.#waiting = callback;
  }
  end(chunk, encoding, callback) {
    if (this.finished && chunk !== undefined && chunk !== null && typeof chunk !== "function") {
      // What was sent stays sent.
      const error = make(Error, "ERR_STREAM_WRITE_AFTER_END", "write after end");
      const done = typeof encoding === "function" ? encoding : callback;
      process.nextTick(() => {
        if (typeof done === "function") done(error);
        if (!this.destroyed && this.listenerCount("error") > 0) this.emit("error", error);
      });
      return this;
    }
    // A body that is there at once has a length.
    if (this._header === null && !this.finished && this.writableLength === 0) {
      if (chunk === undefined || chunk === null || typeof chunk === "function") this._contentLength = 0;
      else if (typeof chunk === "string") this._contentLength = Buffer.byteLength(chunk, typeof encoding === "string" ? encoding : "utf8");
      else if (typeof chunk?.byteLength === "number") this._contentLength = chunk.byteLength;
    }
    return super.end(chunk, encoding, callback);
  }
  _final(callback) {
    if (this._header === null) this._implicitHeader();
    this.#controller?.close();
    callback();
  }
  _destroy(error, callback) {
    const why = error ?? make(Error, "ECONNRESET", "aborted");
    if (this._header === null) this.#reject(why);
    else if (!this.writableFinished && this.#controller) this.#controller.error(why);
    const go = this.#waiting;
    this.#waiting = null;
    if (go) go(why);
    callback(this.listenerCount("error") > 0 ? error : null);
  }
}
for (const name of ["assignSocket", "detachSocket", "writeContinue", "writeProcessing", "writeEarlyHints"]) ServerResponse.prototype[name] = unimplemented(name);
ServerResponse.prototype.writeHeader = ServerResponse.prototype.writeHead;
const hop = new Set(["connection", "keep-alive", "transfer-encoding"]);

// storeHTTPOptions checks the options of a server and keeps them on this.
function storeHTTPOptions(options) {
  this[kIncomingMessage] = options.IncomingMessage || IncomingMessage;
  this[kServerResponse] = options.ServerResponse || ServerResponse;
  if (options.insecureHTTPParser !== undefined) validateBoolean(options.insecureHTTPParser, "options.insecureHTTPParser");
  for (const name of ["maxHeaderSize", "keepAliveTimeout", "keepAliveTimeoutBuffer", "connectionsCheckingInterval"]) {
    if (options[name] === undefined) continue;
    validateInteger(options[name], name, 0);
    throw new ERR_OPTION_NOT_IMPLEMENTED(name);
  }
  for (const name of ["requestTimeout", "headersTimeout"]) {
    if (options[name] !== undefined) validateInteger(options[name], name, 0);
  }
  this.requestTimeout = options.requestTimeout ?? 300_000;
  this.headersTimeout = options.headersTimeout ?? Math.min(60_000, this.requestTimeout);
  if (this.requestTimeout > 0 && this.headersTimeout > this.requestTimeout) throw new ERR_OUT_OF_RANGE("headersTimeout", "<= requestTimeout", options.headersTimeout);
  for (const [name, value] of [["requireHostHeader", true], ["joinDuplicateHeaders", false], ["rejectNonStandardBodyWrites", false]]) {
    if (options[name] !== undefined) validateBoolean(options[name], `options.${name}`);
    this[name] = options[name] ?? value;
  }
}

// Of these headers fetch has joined what node would have taken the first of.
const alone = new Set("host content-type user-agent referer authorization proxy-authorization if-modified-since if-unmodified-since from location max-forwards".split(" "));
// firstOf is a value up to the first comma that is in no quotes.
function firstOf(value) {
  let quoted = false;
  for (let i = 0; i < value.length; i++) {
    if (value[i] === '"') quoted = !quoted;
    else if (value[i] === "\\" && quoted) i++;
    else if (value[i] === "," && !quoted) return value.slice(0, i);
  }
  return value;
}

// socketOf is what a message says of its connection.
function socketOf(incoming, headers, localPort) {
  const address = headers.get("cf-connecting-ip") ?? "127.0.0.1", port = floor(random() * 0x8000) + 0x8000;
  const socket = new EventEmitter();
  const get = (name, fn) => Object.defineProperty(socket, name, { get: fn, configurable: true });
  const alive = (name, value) => get(name, () => (incoming.destroyed ? undefined : value));
  socket.encrypted = headers.get("x-forwarded-proto") === "https";
  socket.localAddress = headers.get("host") ?? "127.0.0.1";
  socket.localPort = localPort;
  socket.destroy = (error) => incoming.destroy(error);
  get("readable", () => incoming.readable);
  alive("remoteAddress", address);
  alive("remoteFamily", isIP(address) === 6 ? "IPv6" : "IPv4");
  alive("remotePort", port);
  return socket;
}

class Server extends EventEmitter {
  #port = null;
  constructor(options, listener) {
    enabled("Server");
    super();
    if (typeof options === "function") [options, listener] = [{}, options];
    else if (options === undefined || options === null) options = {};
    else validateObject(options, "options");
    storeHTTPOptions.call(this, options);
    if (options.highWaterMark !== undefined) validateNumber(options.highWaterMark, "options.highWaterMark");
    this.highWaterMark = options.highWaterMark > 0 ? options.highWaterMark : getDefaultHighWaterMark(false);
    this.httpAllowHalfOpen = false;
    this.timeout = 0;
    this.maxHeadersCount = null;
    this.maxRequestsPerSocket = 0;
    this.keepAliveTimeout = 5_000;
    if (listener) this.on("request", listener);
  }
  listen(...args) {
    const [options, callback] = _normalizeArgs(args);
    let port = typeof options.port === "number" || typeof options.port === "string" ? validatePort(options.port, "options.port") : 0;
    if (this.#port !== null || ports.has(port)) throw make(Error, "ERR_SERVER_ALREADY_LISTEN", "Listen method has been called more than once without closing.");
    for (let tries = 0; port === 0; tries++) {
      if (tries === 10) throw new Error("Failed to find a suitable port after 10 attempts");
      const p = floor(random() * 65535) + 1;
      if (!ports.has(p)) port = p;
    }
    if (callback !== null) this.once("listening", callback);
    this.#port = port;
    ports.set(port, { fetch: (request, env, ctx) => this.#serve(request, env, ctx) });
    queueMicrotask(() => this.emit("listening"));
    return this;
  }
  async #serve(request, env, ctx) {
    const incoming = new this[kIncomingMessage]();
    const url = new URL(request.url);
    const raw = [];
    for (const [name, value] of request.headers) raw.push(name, alone.has(name) ? firstOf(value) : value);
    incoming.url = url.pathname + url.search;
    incoming.method = request.method;
    incoming.joinDuplicateHeaders = this.joinDuplicateHeaders;
    const socket = socketOf(incoming, request.headers, this.#port);
    incoming._take(raw, request.body, socket);
    incoming.cloudflare = { env, ctx, cf: request.cf };
    const response = new this[kServerResponse](incoming, { highWaterMark: this.highWaterMark });
    try {
      this.emit("connection", this, incoming);
      this.emit("request", incoming, response);
    } catch (e) {
      response.destroy(e);
      throw e;
    }
    return await response._response;
  }
  close(callback) {
    if (this.#port !== null) ports.delete(this.#port);
    this.#port = null;
    if (typeof callback === "function") this.once("close", callback);
    queueMicrotask(() => this.emit("close"));
    return this;
  }
  closeAllConnections() {}
  closeIdleConnections() {}
  setTimeout(ms, callback) {
    if (typeof ms === "function") callback = ms;
    else if (typeof ms === "number") this.timeout = ms;
    if (typeof callback === "function") this.once("timeout", callback);
    return this;
  }
  getConnections(callback) {
    if (callback) {
      validateFunction(callback, "callback");
      queueMicrotask(() => callback(null, 0));
    }
    return this;
  }
  ref() { return this; }
  unref() { return this; }
  get listening() { return this.#port !== null; }
  address() {
    return this.#port === null ? null : { port: this.#port, family: "IPv4", address: "127.0.0.1" };
  }
  get maxConnections() { return Infinity; }
  get connections() { return 0; }
  [Symbol.asyncDispose]() { return new Promise((resolve) => this.close(resolve)); }
}
return { Server, ServerResponse, STATUS_CODES, storeHTTPOptions, _connectionListener: unimplemented("_connectionListener"), setupConnectionsTracking: unimplemented("setupConnectionsTracking"),
  httpServerPreClose(server) { server.closeIdleConnections(); }, kConnectionsCheckingInterval: Symbol("http.server.connectionsCheckingInterval") };
