
// node:_http_client of programs: a request is written to the socket that its agent gives
// it, and what answers it is parsed.
const net = require("node:net");
const { OutgoingMessage } = require("node:_http_outgoing");
const { IncomingMessage, readStop } = require("node:_http_incoming");
const { Agent, globalAgent } = require("node:_http_agent");
const { addAbortSignal, finished } = require("node:stream");
const { AsyncResource } = require("node:async_hooks");
const { Buffer } = require("node:buffer");
const { urlToHttpOptions } = require("node:url");
const { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, make } = require("internal/codes");
const { validateBoolean, validateInteger, validateNumber } = require("internal/validators");
const { isToken, badToken, sent } = require("internal/http");
const { sending, drained, joinedNames } = require("internal/http_sending");
const { _parts: { reset, faultOf, messageOf } } = require("node:_http_common");
const { isArray, regExpTest, setPrototypeOf, stringToUpperCase } = primordials;
const { nextTick } = require("internal/process");
const { URL } = globalThis;
const { isFinite } = Number;

const host = (value, name) => {
  if (value !== undefined && value !== null && typeof value !== "string") throw new ERR_INVALID_ARG_TYPE(`options.${name}`, ["string", "undefined", "null"], value);
  return value;
};
function duration(ms, name) {
  validateNumber(ms, name);
  if (ms < 0 || !isFinite(ms)) throw new ERR_OUT_OF_RANGE(name, "a non-negative finite number", ms);
  return ms > 0x7fffffff ? 0x7fffffff : ms;
}
// Of these methods a body has no length that is said unasked.
const bodyless = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"]);
const informational = (status) => status < 200 && status >= 100 && status !== 101;

function ClientRequest(input, options, callback) {
  OutgoingMessage.call(this);
  if (typeof input === "string") input = urlToHttpOptions(new URL(input));
  else if (input instanceof URL) input = urlToHttpOptions(input);
  else [input, options, callback] = [null, input, options];
  if (typeof options === "function") [options, callback] = [input || {}, options];
  else options = { ...input, ...options };

  const standard = options._defaultAgent || globalAgent;
  let { agent } = options;
  if (agent === false) agent = new standard.constructor();
  else if (agent === undefined || agent === null) {
    if (typeof options.createConnection !== "function") agent = standard;
  } else if (typeof agent.addRequest !== "function") throw new ERR_INVALID_ARG_TYPE("options.agent", ["Agent-like Object", "undefined", "false"], agent);
  this.agent = agent;
  const protocol = options.protocol || standard.protocol, expected = this.agent?.protocol || standard.protocol;
  if (options.path && regExpTest(/[^\u0021-\u00ff]/, options.path)) throw make(TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
  if (protocol !== expected) throw make(TypeError, "ERR_INVALID_PROTOCOL", `Protocol "${protocol}" not supported. Expected "${expected}"`);
  const defaultPort = options.defaultPort || this.agent?.defaultPort, port = options.port = options.port || defaultPort || 80;
  const name = options.host = host(options.hostname, "hostname") || host(options.host, "host") || "localhost";
  const setHost = options.setHost !== undefined ? Boolean(options.setHost) : options.setDefaultHeaders !== false;
  this.socketPath = options.socketPath;
  if (options.timeout !== undefined) this.timeout = duration(options.timeout, "timeout");
  const { signal } = options;
  let { method } = options;
  if (signal) addAbortSignal(signal, this);
  if (method !== undefined && method !== null && typeof method !== "string") throw new ERR_INVALID_ARG_TYPE("options.method", "string", method);
  if (method) {
    if (!isToken(method)) throw badToken("Method", method);
    method = stringToUpperCase(method);
  } else method = "GET";
  this.method = method;
  if (options.maxHeaderSize !== undefined) validateInteger(options.maxHeaderSize, "maxHeaderSize", 0);
  this.maxHeaderSize = options.maxHeaderSize;
  if (options.insecureHTTPParser !== undefined) validateBoolean(options.insecureHTTPParser, "options.insecureHTTPParser");
  this.insecureHTTPParser = options.insecureHTTPParser;
  if (options.joinDuplicateHeaders !== undefined) validateBoolean(options.joinDuplicateHeaders, "options.joinDuplicateHeaders");
  this.joinDuplicateHeaders = options.joinDuplicateHeaders;
  this.path = options.path || "/";
  if (callback) this.once("response", callback);
  this.useChunkedEncodingByDefault = !bodyless.has(method);
  this._ended = false;
  this.res = null;
  this.aborted = false;
  this.upgradeOrConnect = false;
  this.parser = null;
  this.maxHeadersCount = null;
  this.reusedSocket = false;
  this.host = name;
  this.protocol = protocol;
  // A connection is kept where the agent will use it again.
  if (this.agent) {
    const kept = Boolean(this.agent.keepAlive || isFinite(this.agent.maxSockets));
    this._last = !kept;
    this.shouldKeepAlive = kept;
  }
  prepare(this, options, setHost, port, defaultPort);
  sending(this).joined = joinedNames(options.uniqueHeaders);

  const { signal: _, ...rest } = options; // the sockets live on
  if (this.agent) this.agent.addRequest(this, rest);
  else {
    // Without an agent the connection serves this request.
    this._last = true;
    this.shouldKeepAlive = false;
    rest.path = options.socketPath ? options.socketPath : undefined;
    begin(this, rest);
  }
}
setPrototypeOf(ClientRequest.prototype, OutgoingMessage.prototype);
setPrototypeOf(ClientRequest, OutgoingMessage);

// prepare gives a request its headers.
function prepare(req, options, setHost, port, defaultPort) {
  const { headers } = options, line = () => `${req.method} ${req.path} HTTP/1.1\r\n`;
  if (isArray(headers)) {
    req._storeHeader(line(), headers);
    return;
  }
  if (headers) for (const key of Object.keys(headers)) req.setHeader(key, headers[key]);
  if (setHost && !req.getHeader("host")) {
    let name = options.host;
    // An address of IPv6 is in brackets.
    const colon = name.indexOf(":");
    if (colon !== -1 && name.includes(":", colon + 1) && name.charCodeAt(0) !== 91) name = `[${name}]`;
    if (port && +port !== defaultPort) name += `:${port}`;
    req.setHeader("Host", name);
  }
  if (options.auth && !req.getHeader("Authorization")) req.setHeader("Authorization", `Basic ${Buffer.from(options.auth).toString("base64")}`);
  if (req.getHeader("expect")) {
    if (req._header) throw sent("render");
    req._storeHeader(line(), sending(req).fields);
  }
}
// begin makes the connection of a request without an agent.
function begin(req, options) {
  if (typeof options.createConnection !== "function") return void req.onSocket(net.createConnection(options));
  let told = false;
  const tell = (error, socket) => {
    if (told) return;
    told = true;
    if (error) nextTick(() => req.emit("error", error));
    else req.onSocket(socket);
  };
  try {
    const socket = options.createConnection(options, tell);
    if (socket) tell(null, socket);
  } catch (e) {
    tell(e);
  }
}
function fail(req, error) { req.emit("error", error); }

// Answer reads what answers one request on its socket. What it hears of the socket, which
// may be an older one, is heard in the async context of the request.
class Answer {
  #context = new AsyncResource("HTTPCLIENTREQUEST");
  #within(f) { return (value) => this.#context.runInAsyncScope(f, undefined, value); }
  #native;
  incoming = null;
  constructor(req, socket) {
    this.req = req;
    this.socket = socket;
    this.#native = native.response(req.method, req.maxHeaderSize || 0, req.insecureHTTPParser === true);
    socket.on("error", this.#onError);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClose);
    socket.on("drain", this.#onDrain);
  }
  // stop hears no more of what comes.
  stop() {
    const { socket } = this;
    socket.removeListener("data", this.#onData);
    socket.removeListener("end", this.#onEnd);
    socket.removeListener("drain", this.#onDrain);
    this.free();
  }
  free() {
    if (this.req.parser === this) this.req.parser = null;
    if (this.socket.parser === this) this.socket.parser = null;
    if (this.incoming && this.req.res === this.incoming) this.incoming = null;
  }
  // leave lets the socket go on without this request.
  leave() {
    this.stop();
    this.socket.removeListener("close", this.#onClose);
    this.socket.removeListener("error", this.#onError);
  }
  finish() {
    for (const [kind, trailers] of this.#native.finish()) if (kind === "end") this.#whole(trailers);
  }
  #onDrain = this.#within(() => {
    const m = this.socket._httpMessage;
    if (m && !m.finished) drained(m);
  });
  #onError = this.#within((e) => {
    const { req, socket } = this;
    if (req) {
      req.socket._hadError = true;
      fail(req, e);
    }
    this.finish();
    this.stop();
    socket.destroy();
  });
  #onEnd = this.#within(() => {
    const { req, socket } = this;
    if (!req.res && !req.socket._hadError) {
      req.socket._hadError = true;
      fail(req, reset("socket hang up"));
    }
    this.finish();
    this.free();
    socket.end();
  });
  #onClose = this.#within(() => {
    const { req } = this, { res } = req;
    req.destroyed = true;
    this.finish();
    if (res) {
      if (!res.complete) res.destroy(reset("aborted"));
      req._closed = true;
      req.emit("close");
      if (!res.aborted && res.readable) res.push(null);
    } else {
      if (!req.socket._hadError) {
        req.socket._hadError = true;
        fail(req, reset("socket hang up"));
      }
      req._closed = true;
      req.emit("close");
    }
    req.outputData.length = 0; // nobody is there to read it
    this.free();
  });
  #onData = this.#within((bytes) => {
    const { req, socket } = this, parts = this.#native.feed(bytes);
    for (let i = 0; i < parts.length; i++) {
      const p = parts[i];
      switch (p[0]) {
        case "head":
        case "interim":
          if (req.res) return void socket.destroy(); // nobody asked for a second answer
          this.#begin(p);
          break;
        case "upgraded":
          return void this.#hand(p, bytes.subarray(parts[i + 1][1]));
        case "body":
          if (this.incoming !== null && !this.incoming._dumped && !this.incoming.push(bytes.subarray(p[1], p[2]))) readStop(socket);
          break;
        case "end":
          this.#whole(p[1]);
          break;
        case "fault": {
          const e = faultOf(p, bytes);
          this.stop();
          socket.destroy();
          req.socket._hadError = true;
          fail(req, e);
          return;
        }
      }
    }
    if (this.incoming?.complete && !informational(this.incoming.statusCode)) this.stop();
  });
  #message(p) {
    const { req, socket } = this, most = req.maxHeadersCount;
    const message = messageOf(IncomingMessage, socket, p, p[5], typeof most === "number" ? most : 1000, req.joinDuplicateHeaders);
    message.statusCode = p[3];
    message.statusMessage = p[4];
    message.upgrade = false;
    return message;
  }
  #begin(p) {
    const { req, socket } = this, message = this.#message(p);
    if (p[0] === "interim") {
      const { statusCode, statusMessage, httpVersion, httpVersionMajor, httpVersionMinor, headers, rawHeaders } = message;
      if (statusCode === 100) req.emit("continue");
      req.emit("information", { statusCode, statusMessage, httpVersion, httpVersionMajor, httpVersionMinor, headers, rawHeaders });
      return;
    }
    this.incoming = req.res = message;
    message.req = req;
    if (req.shouldKeepAlive && !p[6]) req.shouldKeepAlive = false;
    message.on("end", onAnswerEnd);
    req.on("finish", onRequestFinish);
    socket.removeListener("timeout", onAnswerTimeout);
    socket.on("timeout", onAnswerTimeout);
    if (req.aborted || !req.emit("response", message)) message._dump();
  }
  #whole(trailers) {
    const message = this.incoming;
    if (message === null || message.complete) return;
    message.complete = true;
    if (trailers?.length > 0) message._addHeaderLines(trailers, trailers.length);
    message.push(null);
    if (this.socket.readable && !this.socket._paused) this.socket.resume();
  }
  // #hand gives the socket to who asked for another protocol.
  #hand(p, head) {
    const { req, socket } = this, message = this.#message(p), event = req.method === "CONNECT" ? "connect" : "upgrade";
    message.upgrade = true;
    message.req = undefined;
    this.incoming = req.res = message;
    message.complete = true;
    message.push(null);
    socket.removeListener("timeout", onRequestTimeout);
    socket.removeListener("timeout", onAnswerTimeout);
    this.stop();
    if (req.listenerCount(event) === 0) return void socket.destroy();
    req.upgradeOrConnect = true;
    socket.emit("agentRemove");
    this.leave();
    socket._httpMessage = null;
    socket.readableFlowing = null;
    req.emit(event, message, socket, head);
    req.destroyed = true;
    req._closed = true;
    req.emit("close");
  }
}
const kAnswer = Symbol("answer"), kError = Symbol("error"), kTimed = Symbol("timed");

function onAnswerTimeout() { this._httpMessage?.res?.emit("timeout"); }
function onRequestTimeout() { this._httpMessage?.emit("timeout"); }
// onAnswerEnd ends the connection, or keeps it for the next request.
function onAnswerEnd() {
  const { req } = this, { socket } = req;
  if (socket) {
    socket.removeListener("timeout", onRequestTimeout);
    socket.removeListener("timeout", onAnswerTimeout);
  }
  req._ended = true;
  if (!req.shouldKeepAlive) {
    if (socket?.writable) {
      if (typeof socket.destroySoon === "function") socket.destroySoon();
      else socket.end();
    }
  } else if (req.writableFinished && !this.aborted) keep(req);
}
function onRequestFinish() {
  if (this.shouldKeepAlive && this._ended) keep(this);
}
function keep(req) {
  const { socket } = req;
  if (req[kTimed]) {
    req[kTimed] = false;
    socket.setTimeout(0, onRequestTimeout);
  }
  req[kAnswer].leave();
  nextTick(() => {
    req._closed = true;
    req.emit("close");
    req.socket?.emit("free");
  });
  req.destroyed = true;
  if (req.res) req.res.socket = null; // what becomes of the answer is not the socket's
}
function started(req, socket) {
  req.socket = socket;
  req.parser = req[kAnswer] = new Answer(req, socket);
  socket.parser = req.parser;
  socket._httpMessage = req;
  if (req.timeout !== undefined || req.agent?.options?.timeout) watchTimeout(req);
  req.emit("socket", socket);
}
function watchTimeout(req) {
  if (req[kTimed]) return;
  req[kTimed] = true;
  if (req.socket) req.socket.once("timeout", onRequestTimeout);
  else req.on("socket", (socket) => socket.once("timeout", onRequestTimeout));
}
// whenConnected calls f with the socket of a request once that is connected.
function whenConnected(req, f) {
  const ready = (socket) => {
    if (socket.writable) f(socket);
    else socket.once("connect", () => f(socket));
  };
  if (req.socket) ready(req.socket);
  else req.once("socket", ready);
}
// refused ends a request that has no socket, or does not want it.
function refused(req, error) {
  if (!req.aborted && !error) error = reset("socket hang up");
  if (error) fail(req, error);
  req._closed = true;
  req.emit("close");
}

Object.assign(ClientRequest.prototype, {
  _implicitHeader() {
    if (this._header) throw sent("render");
    this._storeHeader(`${this.method} ${this.path} HTTP/1.1\r\n`, sending(this).fields);
  },
  abort() {
    if (this.aborted) return;
    this.aborted = true;
    nextTick(() => this.emit("abort"));
    this.destroy();
  },
  destroy(error) {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.res?._dump();
    this[kError] = error;
    this.socket?.destroy(error);
    return this;
  },
  onSocket(socket, error) {
    nextTick(() => {
      if (!this.destroyed && !error) {
        started(this, socket);
        this._flush();
        return;
      }
      this.destroyed = true;
      error ??= this[kError];
      if (!socket) return void refused(this, error);
      if (!error && this.agent && !socket.destroyed) {
        socket.emit("free");
        refused(this, error);
        return;
      }
      finished(socket.destroy(error || this[kError]), (e) => {
        if (e?.code === "ERR_STREAM_PREMATURE_CLOSE") e = null;
        refused(this, e || error);
      });
    });
  },
  setTimeout(ms, callback) {
    if (this._ended) return this;
    watchTimeout(this);
    ms = duration(ms, "msecs");
    if (callback) this.once("timeout", callback);
    const limit = (socket) => {
      if (socket.connecting) socket.once("connect", () => socket.setTimeout(ms));
      else socket.setTimeout(ms);
    };
    if (this.socket) limit(this.socket);
    else this.once("socket", limit);
    return this;
  },
  setNoDelay(on) {
    if (on !== undefined) validateBoolean(on, "noDelay");
    whenConnected(this, (socket) => socket.setNoDelay?.(on));
  },
  setSocketKeepAlive(on, delay) {
    if (on !== undefined) validateBoolean(on, "enable");
    if (delay !== undefined) validateNumber(delay, "initialDelay");
    whenConnected(this, (socket) => socket.setKeepAlive?.(on, delay));
  },
  clearTimeout(callback) { this.setTimeout(0, callback); },
});
return { ClientRequest, Agent };
