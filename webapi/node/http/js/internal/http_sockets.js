
// Requests of programs that ask for a socket: an upgrade, a tunnel, a connection of the
// caller's own, a local socket. A Wire writes one request, and reads what answers it.
const { IncomingMessage } = require("node:_http_incoming");
const { Agent } = require("node:_http_agent");
const { Buffer } = require("node:buffer");
const { make } = require("internal/codes");
const { validateHeaderName, validateHeaderValue, badChars, isToken, badToken } = require("internal/http");
const { isArray, regExpTest, stringToLowerCase } = primordials;
const process = require("internal/process");
const { setImmediate } = require("node:timers");

// Of these methods a body has no length that is said unasked.
const bodyless = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"]);
// Of these errors node writes no code before the message.
const coded = (text, more) => Object.assign(new Error(text), more);
const reset = (text) => coded(text, { code: "ECONNRESET" });
const none = Buffer.alloc(0);

// plain are the ways of agents to connect that fetch() can stand for.
const plain = new Set([Agent.prototype.createConnection]);

// switches says that headers ask for another protocol.
function switches(headers) {
  let connection = "", upgrade = false;
  const see = (name, value) => {
    name = stringToLowerCase(`${name}`);
    if (name === "connection") connection += `,${value}`;
    else if (name === "upgrade") upgrade = true;
  };
  if (isArray(headers)) for (let i = 0; i + 1 < headers.length; i += 2) see(headers[i], headers[i + 1]);
  else for (const name of Object.keys(headers ?? {})) see(name, headers[name]);
  return upgrade && regExpTest(/(?:^|\W)upgrade(?:$|\W)/i, connection);
}
// asked says that a request asks for a socket.
function asked(options, agent, method) {
  if (method === "CONNECT" || options.socketPath || options.lookup || options.maxHeaderSize !== undefined || switches(options.headers)) return true;
  if (agent === undefined) return true; // with a createConnection of its own
  if (agent.options?.socketPath || agent.options?.lookup) return true;
  const { addRequest, createSocket } = Agent.prototype;
  return agent.addRequest !== addRequest || agent.createSocket !== createSocket || !plain.has(agent.createConnection);
}
// serverName is the name that TLS asks for: that of the header Host, where there is one.
function serverName(options, req) {
  let name = options.host;
  const header = req.getHeader("host");
  if (header) {
    if (typeof header !== "string") throw make(TypeError, "ERR_INVALID_ARG_TYPE", "The \"options.headers.host\" property must be of type string.");
    name = header[0] === "[" ? header.slice(1, header.indexOf("]")) : header.split(":", 1)[0];
  }
  return require("node:net").isIP(name) ? "" : name;
}

class Wire {
  #req;
  #options;
  #socket = null;
  #announced = false; // the socket comes with the next tick
  #queue = []; // what waits for it: the head, and one write
  #head = null; // until it goes, with the first bytes
  #trailers = "";
  #parser;
  #incoming = null;
  #failed = false;
  #closed = false;
  #handed = false; // the socket is that of another protocol
  #why = null;
  #callback = null; // of a destroy() that waits for the socket's end
  constructor(req, options) {
    this.#req = req;
    this.#options = options;
    const { agent } = req;
    req.shouldKeepAlive = Boolean(agent && (agent.keepAlive || Number.isFinite(agent.maxSockets)));
    req.useChunkedEncodingByDefault = !bodyless.has(req.method);
    if (options.socketPath !== undefined) req.socketPath = options.socketPath;
  }
  // begin asks for the socket; what is wrong with the options is thrown.
  begin() {
    const req = this.#req, given = this.#options;
    const options = { ...given, host: req.host, port: req.port };
    if (given.port === undefined || given.port === null || given.port === "") options.port = Number(req.port);
    else options.port = given.port;
    delete options.signal;
    if (isArray(given.headers)) this.head(given.headers);
    else if (req._header === null && req.getHeader("expect")) {
      this.head();
      this.flush();
    }
    if (req.agent) {
      req.agent.addRequest(req, options);
      return;
    }
    options.path = options.socketPath ? options.socketPath : undefined;
    if (typeof options.createConnection !== "function") return void this.onSocket(require("node:net").connect(options));
    let told = false;
    const tell = (error, socket) => {
      if (told) return;
      told = true;
      if (error) process.nextTick(() => req.emit("error", error));
      else this.onSocket(socket);
    };
    try {
      const socket = options.createConnection(options, tell);
      if (socket) tell(null, socket);
    } catch (e) {
      tell(e);
    }
  }
  onSocket(socket, error) {
    this.#announced = true;
    process.nextTick(() => this.#take(socket, error));
  }
  #take(socket, error) {
    const req = this.#req;
    if (req.destroyed || error) {
      const end = () => {
        error ??= this.#why ?? (req.aborted ? null : reset("socket hang up"));
        if (error) this.#fail(error);
        this.#end();
      };
      if (!socket || socket.closed) return end();
      socket.on("error", () => {});
      socket.once("close", end);
      return void socket.destroy(error ?? undefined);
    }
    this.#socket = req.socket = socket;
    socket._httpMessage = req;
    this.#parser = native.response(req.method, this.#options.maxHeaderSize ?? 0);
    socket.on("error", this.#onError);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClose);
    socket.on("timeout", this.#onTimeout);
    if (req.timeout) this.limit();
    req.emit("socket", socket);
    if (socket.closed) return void process.nextTick(this.#onClose);
    const queue = this.#queue;
    this.#queue = [];
    for (const [bytes, callback] of queue) this.#put(bytes, callback);
  }
  #detach() {
    const socket = this.#socket;
    socket.off("error", this.#onError);
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onClose);
    socket.off("timeout", this.#onTimeout);
    socket._httpMessage = null;
  }
  // each calls back with the socket, as soon as it is there.
  each(fn) {
    if (this.#socket) fn(this.#socket);
    else this.#req.once("socket", fn);
  }
  // limit gives the socket the request's timeout.
  limit() {
    const socket = this.#socket;
    if (socket === null) return; // it gets it as it comes
    const set = () => socket.setTimeout?.(this.#req.timeout);
    if (socket.connecting) socket.once("connect", set);
    else set();
  }

  // head writes the headers down.
  head(list) {
    const req = this.#req;
    if (!isToken(req.method)) throw badToken("Method", req.method);
    if (regExpTest(/[^\u0021-\u00ff]/, req.path)) throw make(TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
    let text = `${req.method} ${req.path} HTTP/1.1\r\n`, connection = false, length = false, coding = false, trailer = false;
    const add = (name, value) => {
      text += `${name}: ${value}\r\n`;
      switch (stringToLowerCase(name)) {
        case "connection":
          connection = true;
          if (!regExpTest(/(?:^|\W)close(?:$|\W)/i, value)) req.shouldKeepAlive = true;
          break;
        case "content-length": length = true; break;
        case "trailer": trailer = true; break;
        case "transfer-encoding":
          coding = true;
          if (regExpTest(/(?:^|\W)chunked(?:$|\W)/i, value)) req.chunkedEncoding = true;
      }
    };
    if (list === undefined) for (const [name, value] of req._pairs(false)) add(name, value);
    else {
      for (let i = 0; i + 1 < list.length; i += 2) {
        validateHeaderName(list[i]);
        for (const value of isArray(list[i + 1]) ? list[i + 1] : [list[i + 1]]) {
          validateHeaderValue(list[i], value);
          add(list[i], `${value}`);
        }
      }
    }
    if (!connection) text += req.shouldKeepAlive && (length || req.useChunkedEncodingByDefault || req.agent) ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
    if (!length && !coding && req.useChunkedEncodingByDefault) {
      if (!trailer && typeof req._contentLength === "number") text += `Content-Length: ${req._contentLength}\r\n`;
      else {
        text += "Transfer-Encoding: chunked\r\n";
        req.chunkedEncoding = true;
      }
    }
    if (trailer && !req.chunkedEncoding) throw make(Error, "ERR_HTTP_TRAILER_INVALID", "Trailers are invalid with this transfer encoding");
    req._header = `${text}\r\n`;
    this.#head = Buffer.from(req._header, "latin1");
  }
  // flush sends the head alone.
  flush() {
    if (this.#head !== null) this.#put(none, () => {});
  }
  addTrailers(headers) {
    let text = "";
    for (const key of Object.keys(headers)) {
      const [name, value] = isArray(headers) ? headers[key] : [key, headers[key]];
      if (typeof name !== "string" || !name || !isToken(name)) throw badToken("Trailer name", name);
      for (const v of isArray(value) ? value : [value]) {
        if (badChars(v)) throw make(TypeError, "ERR_INVALID_CHAR", `Invalid character in trailer content ["${name}"]`);
        text += `${name}: ${v}\r\n`;
      }
    }
    this.#trailers = text;
  }
  write(chunk, callback) {
    if (chunk.length === 0) return callback();
    this.#put(this.#req.chunkedEncoding ? Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]) : chunk, callback);
  }
  finish(callback) { this.#put(this.#req.chunkedEncoding ? Buffer.from(`0\r\n${this.#trailers}\r\n`, "latin1") : none, callback); }
  // #put calls back when the bytes are written. What becomes of the socket is told by its events.
  #put(bytes, callback) {
    const socket = this.#socket;
    if (socket === null) return void this.#queue.push([bytes, callback]);
    if (this.#head !== null) {
      bytes = bytes.length === 0 ? this.#head : Buffer.concat([this.#head, bytes]);
      this.#head = null;
      this.#req._headerSent = true;
    }
    if (bytes.length === 0 || socket.destroyed || !socket.writable) return void callback();
    socket.write(bytes, () => callback());
  }

  #fail(e) {
    if (this.#failed) return;
    this.#failed = true;
    const req = this.#req;
    if (req.listenerCount("error") === 0) process.nextTick(() => req.emit("error", e)); // what nobody hears ends the program
    else req.emit("error", e);
  }
  #onError = (e) => {
    if (this.#callback === null) this.#fail(e);
    else if (this.#why !== null || this.#incoming === null) this.#fail(this.#why ?? reset("socket hang up")); // what destroy() said, not what came of it
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.destroy();
  };
  #onTimeout = () => {
    if (this.#req.timeout) this.#req.emit("timeout");
    this.#incoming?.emit("timeout");
  };
  #onEnd = () => {
    if (this.#incoming === null) this.#fail(reset("socket hang up"));
    for (const [kind, trailers] of this.#parser.finish()) if (kind === "end") this.#whole(trailers);
    this.#socket.end();
  };
  // What was read before is told before: node's sockets close at the end of a turn.
  #onClose = () => {
    if (this.#incoming === null) process.nextTick(() => this.#gone());
    else setImmediate(() => this.#gone());
  };
  #gone() {
    if (this.#closed) return;
    if (this.#incoming === null) this.#fail((this.#callback === null ? this.#socket.errored : this.#why) ?? reset("socket hang up"));
    else if (!this.#incoming.complete) this.#incoming.destroy(reset("aborted"));
    this.#end();
  }
  // #end is the end of the request.
  #end() {
    this.#closed = true;
    const queue = this.#queue, callback = this.#callback;
    this.#queue = [];
    this.#callback = null;
    if (callback) callback(null);
    else this.#req.destroy();
    for (const [, told] of queue) told();
  }
  destroy(error, callback) {
    if (this.#closed || this.#handed) return void callback(null);
    this.#callback = callback;
    this.#why = error ?? null;
    if (this.#socket !== null) {
      this.#incoming?._dump();
      this.#socket.destroy(error ?? undefined);
      return;
    }
    if (this.#announced) return; // #take ends it
    process.nextTick(() => {
      if (this.#announced) return;
      if (error || !this.#req.aborted) this.#fail(error ?? reset("socket hang up"));
      this.#end();
    });
  }

  #onData = (bytes) => {
    const parts = this.#parser.feed(bytes);
    for (let i = 0; i < parts.length; i++) {
      const p = parts[i];
      switch (p[0]) {
        case "head":
          if (this.#incoming !== null) return void this.#socket.destroy(); // nobody asked for a second answer
          this.#respond(p);
          break;
        case "interim": {
          const { statusCode, statusMessage, httpVersion, httpVersionMajor, httpVersionMinor, headers, rawHeaders } = this.#message(p);
          if (statusCode === 100) this.#req.emit("continue");
          this.#req.emit("information", { statusCode, statusMessage, httpVersion, httpVersionMajor, httpVersionMinor, headers, rawHeaders });
          break;
        }
        case "upgraded":
          return void this.#hand(p, bytes.subarray(parts[i + 1][1]));
        case "body":
          if (!this.#incoming.destroyed && !this.#incoming.push(bytes.subarray(p[1], p[2]))) this.#socket.pause();
          break;
        case "end":
          this.#whole(p[1]);
          break;
        case "fault": {
          const e = coded(`Parse Error: ${p[2]}`, { bytesParsed: p[3], code: p[1], reason: p[2], rawPacket: bytes });
          this.#socket.off("data", this.#onData);
          this.#socket.off("end", this.#onEnd);
          this.#socket.destroy();
          this.#fail(e);
          return;
        }
      }
    }
  };
  #message([, major, minor, status, reason, fields]) {
    const most = this.#req.maxHeadersCount, message = new IncomingMessage();
    message.joinDuplicateHeaders = Boolean(this.#req.joinDuplicateHeaders);
    message._take(most > 0 && fields.length > most * 2 ? fields.slice(0, most * 2) : fields, null, this.#socket);
    message.httpVersionMajor = major;
    message.httpVersionMinor = minor;
    message.httpVersion = `${major}.${minor}`;
    message.statusCode = status;
    message.statusMessage = reason;
    message.req = this.#req;
    const own = {
      _read: () => {
        message._consuming = true;
        if (!message.complete && !this.#handed) this.#socket.resume();
      },
      // Who gives an answer up gives up its connection.
      _destroy: (error, callback) => {
        if ((!message.readableEnded || !message.complete) && !this.#handed) this.#socket.destroy(error ?? undefined);
        IncomingMessage.prototype._destroy.call(message, error, callback);
      },
      setTimeout: (ms, callback) => {
        if (callback) message.on("timeout", callback);
        this.#socket.setTimeout?.(ms);
        return message;
      },
    };
    for (const name of Object.keys(own)) Object.defineProperty(message, name, { value: own[name], writable: true, configurable: true });
    return message;
  }
  #respond(p) {
    const req = this.#req, message = this.#message(p);
    this.#incoming = req.res = message;
    if (!p[6]) req.shouldKeepAlive = false;
    message.once("end", () => {
      process.nextTick(() => message.destroy());
      const close = () => (this.#socket.destroySoon ? this.#socket.destroySoon() : this.#socket.end());
      if (!req.shouldKeepAlive || req.writableFinished) close();
      else req.once("finish", close);
    });
    if (req.aborted || !req.emit("response", message)) message._dump();
  }
  #whole(trailers) {
    const message = this.#incoming;
    if (message === null || message.complete) return;
    message.rawTrailers = trailers;
    message.complete = true;
    if (!message.destroyed) message.push(null);
  }
  // #hand gives the socket to who asked for another protocol.
  #hand(p, head) {
    const req = this.#req, socket = this.#socket, event = req.method === "CONNECT" ? "connect" : "upgrade", message = this.#message(p);
    this.#incoming = req.res = message;
    this.#whole([]);
    if (req.listenerCount(event) === 0) {
      socket.off("data", this.#onData);
      socket.off("end", this.#onEnd);
      return void socket.destroy();
    }
    this.#handed = true;
    req.upgradeOrConnect = true;
    this.#detach();
    socket.readableFlowing = null;
    req.emit(event, message, socket, head);
    req.destroy();
  }
}
return { Wire, asked, switches, serverName, plain };
