
// node:_http_outgoing of programs: headers, and a body that is written after them to a
// socket, or kept until there is one.
const Stream = require("node:stream");
const { getDefaultHighWaterMark } = Stream;
const { Buffer } = require("node:buffer");
const { validateString } = require("internal/validators");
const {
  ERR_INVALID_ARG_TYPE, ERR_METHOD_NOT_IMPLEMENTED, ERR_STREAM_ALREADY_FINISHED, ERR_STREAM_CANNOT_PIPE, ERR_STREAM_DESTROYED, ERR_STREAM_NULL_VALUES,
  ERR_STREAM_WRITE_AFTER_END, make,
} = require("internal/codes");
const { validateHeaderName, validateHeaderValue, badChars, badToken, isToken, sent } = require("internal/http");
const { Head } = require("internal/http_head");
const { kOutHeaders, kUniqueHeaders, kNeedDrain, kCorked, kErrored, kHighWaterMark, kBytesWritten, kRejectNonStandardBodyWrites } = require("internal/http_symbols");
const { isArray, isView, typedArrayTag, setPrototypeOf, defineProperty, stringToLowerCase } = primordials;
const { nextTick } = require("internal/process");
const { keys } = Object;

const nop = () => {};
const mismatch = (got, wanted) => make(Error, "ERR_HTTP_CONTENT_LENGTH_MISMATCH", `Response body's content-length of ${got} byte(s) does not match the content-length of ${wanted} byte(s) set in header`);

function OutgoingMessage(options) {
  Stream.call(this);
  // Output that waits for the socket: {data, encoding, callback}.
  this.outputData = [];
  this.outputSize = 0;
  this.writable = true;
  this.destroyed = false;
  this._last = false;
  this.chunkedEncoding = false;
  this.shouldKeepAlive = true;
  this.maxRequestsOnConnectionReached = false;
  this._defaultKeepAlive = true;
  this.useChunkedEncodingByDefault = true;
  this.sendDate = false;
  this._removedConnection = false;
  this._removedContLen = false;
  this._removedTE = false;
  this.strictContentLength = false;
  this[kBytesWritten] = 0;
  this._contentLength = null;
  this._hasBody = true;
  this._trailer = "";
  this[kNeedDrain] = false;
  this.finished = false;
  this._headerSent = false;
  this[kCorked] = 0;
  this._closed = false;
  this.socket = null;
  this._header = null;
  this[kOutHeaders] = null; // by name in small letters: [name, value]
  this._keepAliveTimeout = 0;
  this._onPendingData = nop;
  this[kErrored] = null;
  this[kHighWaterMark] = options?.highWaterMark ?? getDefaultHighWaterMark();
  this[kRejectNonStandardBodyWrites] = options?.rejectNonStandardBodyWrites ?? false;
}
setPrototypeOf(OutgoingMessage.prototype, Stream.prototype);
setPrototypeOf(OutgoingMessage, Stream);

const getter = (name, get, set) => defineProperty(OutgoingMessage.prototype, name, { get, set, configurable: true, enumerable: false });
getter("errored", function () { return this[kErrored]; });
getter("closed", function () { return this._closed; });
getter("writableFinished", function () { return this.finished && this.outputSize === 0 && (!this.socket || this.socket.writableLength === 0); });
getter("writableObjectMode", () => false);
getter("writableLength", function () { return this.outputSize + (this.socket ? this.socket.writableLength : 0); });
getter("writableHighWaterMark", function () { return this.socket ? this.socket.writableHighWaterMark : this[kHighWaterMark]; });
getter("writableCorked", function () { return this[kCorked]; });
getter("writableEnded", function () { return this.finished; });
getter("writableNeedDrain", function () { return !this.destroyed && !this.finished && this[kNeedDrain]; });
getter("connection", function () { return this.socket; }, function (value) { this.socket = value; });
getter("headersSent", function () { return Boolean(this._header); });

// fail tells of a write that could not be.
function fail(message, error, callback) {
  if (message.destroyed) return void nextTick(callback, error);
  nextTick(() => {
    callback(error);
    if (typeof message.emit === "function" && !message.destroyed) message.emit("error", error);
  });
}
function connectionCorkNT(socket) { socket.uncork(); }
const exact = (m) => m.strictContentLength && m._contentLength > 0 && m._hasBody && !m.chunkedEncoding;

function write(message, chunk, encoding, callback, last) {
  if (typeof callback !== "function") callback = nop;
  if (chunk === null) throw new ERR_STREAM_NULL_VALUES();
  if (typeof chunk !== "string" && !(isView(chunk) && typedArrayTag(chunk) === "Uint8Array")) throw new ERR_INVALID_ARG_TYPE("chunk", ["string", "Buffer", "Uint8Array"], chunk);
  if (message.finished || message.destroyed) {
    fail(message, message.finished ? new ERR_STREAM_WRITE_AFTER_END() : new ERR_STREAM_DESTROYED("write"), callback);
    return false;
  }
  const size = typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.byteLength;
  if (!message._header) {
    if (last) message._contentLength = size;
    message._implicitHeader();
  }
  if (!message._hasBody) {
    if (message[kRejectNonStandardBodyWrites]) throw make(Error, "ERR_HTTP_BODY_NOT_ALLOWED", "Adding content for this request method or response status is not allowed.");
    nextTick(callback);
    return true;
  }
  if (message.strictContentLength) {
    message[kBytesWritten] += size;
    if (last && exact(message) && message[kBytesWritten] !== message._contentLength) throw mismatch(message[kBytesWritten], message._contentLength);
  }
  const { socket } = message;
  // What one turn writes goes together.
  if (!last && socket && !socket.writableCorked) {
    socket.cork();
    nextTick(connectionCorkNT, socket);
  }
  let ret;
  if (message.chunkedEncoding && size > 0) {
    message._send(`${size.toString(16)}\r\n`, "latin1", null);
    message._send(chunk, encoding, null, size);
    ret = message._send("\r\n", null, callback);
  } else ret = message._send(chunk, encoding, callback, size);
  if (!ret) message[kNeedDrain] = true;
  return ret;
}
const pairsOf = (headers) => (isArray(headers) ? headers : keys(headers).map((k) => [k, headers[k]]));
function changed(message, verb) {
  if (message._header) throw sent(verb);
}

Object.assign(OutgoingMessage.prototype, {
  _renderHeaders() {
    changed(this, "render");
    const out = {}, headers = this[kOutHeaders];
    for (const key in headers) out[headers[key][0]] = headers[key][1];
    return out;
  },
  cork() {
    this[kCorked]++;
    this.socket?.cork();
  },
  uncork() {
    this[kCorked]--;
    this.socket?.uncork();
  },
  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    if (this.socket) this.socket.setTimeout(ms);
    else this.once("socket", (socket) => socket.setTimeout(ms));
    return this;
  },
  destroy(error) {
    if (this.destroyed) return this;
    this.destroyed = true;
    this[kErrored] = error;
    if (this.socket) this.socket.destroy(error);
    else this.once("socket", (socket) => socket.destroy(error));
    return this;
  },
  // _send puts the head before the first bytes.
  _send(data, encoding, callback, size) {
    if (!this._headerSent) {
      const header = this._header;
      this._headerSent = true;
      if (typeof data === "string" && (encoding === "utf8" || encoding === "latin1" || !encoding)) data = header + data;
      else {
        this.outputData.unshift({ data: header, encoding: "latin1", callback: null });
        this.outputSize += header.length;
        this._onPendingData(header.length);
      }
    }
    return this._writeRaw(data, encoding, callback, size);
  },
  _writeRaw(data, encoding, callback, size) {
    const { socket } = this;
    if (socket?.destroyed) return false; // nobody is there to read it
    if (typeof encoding === "function") [encoding, callback] = [null, encoding];
    if (socket && socket._httpMessage === this && socket.writable) {
      if (this.outputData.length > 0) this._flushOutput(socket);
      return socket.write(data, encoding, callback);
    }
    this.outputData.push({ data, encoding, callback });
    this.outputSize += size ?? data.length;
    this._onPendingData(size ?? data.length);
    return this.outputSize < this[kHighWaterMark];
  },
  _storeHeader(line, headers) {
    const head = new Head(this, line);
    head.all(headers);
    this._header = head.close();
    this._headerSent = false;
    if (head.expect) this._send(""); // the other side says when the body may come
  },
  setHeader(name, value) {
    changed(this, "set");
    validateHeaderName(name);
    validateHeaderValue(name, value);
    (this[kOutHeaders] ??= { __proto__: null })[stringToLowerCase(name)] = [name, value];
    return this;
  },
  setHeaders(headers) {
    changed(this, "set");
    if (!headers || isArray(headers) || typeof headers.keys !== "function" || typeof headers.get !== "function") throw new ERR_INVALID_ARG_TYPE("headers", ["Headers", "Map"], headers);
    // Headers gives cookies one by one.
    const cookies = [];
    for (const { 0: name, 1: value } of headers) {
      if (name === "set-cookie") {
        if (isArray(value)) cookies.push(...value);
        else cookies.push(value);
      } else this.setHeader(name, value);
    }
    if (cookies.length > 0) this.setHeader("set-cookie", cookies);
    return this;
  },
  appendHeader(name, value) {
    changed(this, "append");
    validateHeaderName(name);
    validateHeaderValue(name, value);
    const field = stringToLowerCase(name), headers = this[kOutHeaders] ??= { __proto__: null };
    if (!headers[field]) headers[field] = [name, value];
    else {
      if (!isArray(headers[field][1])) headers[field][1] = [headers[field][1]];
      if (isArray(value)) headers[field][1].push(...value);
      else headers[field][1].push(value);
    }
    return this;
  },
  getHeader(name) {
    validateString(name, "name");
    return this[kOutHeaders]?.[stringToLowerCase(name)]?.[1];
  },
  getHeaderNames() { return this[kOutHeaders] ? keys(this[kOutHeaders]) : []; },
  getRawHeaderNames() { return this.getHeaderNames().map((k) => this[kOutHeaders][k][0]); },
  getHeaders() {
    const out = { __proto__: null }, headers = this[kOutHeaders];
    for (const key in headers) out[key] = headers[key][1];
    return out;
  },
  hasHeader(name) {
    validateString(name, "name");
    return Boolean(this[kOutHeaders]?.[stringToLowerCase(name)]);
  },
  removeHeader(name) {
    validateString(name, "name");
    changed(this, "remove");
    const key = stringToLowerCase(name);
    switch (key) {
      case "connection": this._removedConnection = true; break;
      case "content-length": this._removedContLen = true; break;
      case "transfer-encoding": this._removedTE = true; break;
      case "date": this.sendDate = false;
    }
    if (this[kOutHeaders]) delete this[kOutHeaders][key];
  },
  _implicitHeader() { throw new ERR_METHOD_NOT_IMPLEMENTED("_implicitHeader()"); },
  write(chunk, encoding, callback) {
    if (typeof encoding === "function") [encoding, callback] = [null, encoding];
    return write(this, chunk, encoding, callback, false);
  },
  addTrailers(headers) {
    let text = "";
    for (const [name, value] of pairsOf(headers)) {
      if (typeof name !== "string" || !name || !isToken(name)) throw badToken("Trailer name", name);
      const several = isArray(value) && value.length > 1 && !this[kUniqueHeaders]?.has(stringToLowerCase(name));
      for (const v of several ? value : [isArray(value) ? value.join("; ") : value]) {
        if (badChars(v)) throw make(TypeError, "ERR_INVALID_CHAR", `Invalid character in trailer content ["${name}"]`);
        text += `${name}: ${v}\r\n`;
      }
    }
    this._trailer = text;
  },
  end(chunk, encoding, callback) {
    if (typeof chunk === "function") [chunk, encoding, callback] = [null, null, chunk];
    else if (typeof encoding === "function") [encoding, callback] = [null, encoding];
    if (chunk) {
      if (this.finished) {
        fail(this, new ERR_STREAM_WRITE_AFTER_END(), typeof callback !== "function" ? nop : callback);
        return this;
      }
      this.socket?.cork();
      write(this, chunk, encoding, null, true);
    } else if (this.finished) {
      if (typeof callback === "function") {
        if (!this.writableFinished) this.on("finish", callback);
        else callback(new ERR_STREAM_ALREADY_FINISHED("end"));
      }
      return this;
    } else if (!this._header) {
      this.socket?.cork();
      this._contentLength = 0;
      this._implicitHeader();
    }
    if (typeof callback === "function") this.once("finish", callback);
    if (exact(this) && this[kBytesWritten] !== this._contentLength) throw mismatch(this[kBytesWritten], this._contentLength);
    const finish = () => {
      if (!this.socket?._hadError) this.emit("finish");
    };
    if (this._hasBody && this.chunkedEncoding) this._send(`0\r\n${this._trailer}\r\n`, "latin1", finish);
    else if (!this._headerSent || this.writableLength || chunk) this._send("", "latin1", finish);
    else nextTick(finish);
    if (this.socket) {
      // However often it was corked, it is not any more.
      this.socket._writableState.corked = 1;
      this.socket.uncork();
    }
    this[kCorked] = 1;
    this.uncork();
    this.finished = true;
    if (this.outputData.length === 0 && this.socket?._httpMessage === this) this._finish();
    return this;
  },
  _finish() { this.emit("prefinish"); },
  // _flush writes what waited for the socket.
  _flush() {
    const { socket } = this;
    if (!socket?.writable) return;
    const ret = this._flushOutput(socket);
    if (this.finished) this._finish();
    else if (ret && this[kNeedDrain]) {
      this[kNeedDrain] = false;
      this.emit("drain");
    }
  },
  _flushOutput(socket) {
    while (this[kCorked]) {
      this[kCorked]--;
      socket.cork();
    }
    const list = this.outputData;
    if (list.length === 0) return undefined;
    this.outputData = [];
    let ret;
    socket.cork();
    for (let i = 0; i < list.length; i++) ret = socket.write(list[i].data, list[i].encoding, list[i].callback);
    socket.uncork();
    this._onPendingData(-this.outputSize);
    this.outputSize = 0;
    return ret;
  },
  flushHeaders() {
    if (!this._header) this._implicitHeader();
    this._send("");
  },
  pipe() { this.emit("error", new ERR_STREAM_CANNOT_PIPE()); },
});
// The names that node had before are those of today.
defineProperty(OutgoingMessage.prototype, "_headers", {
  configurable: true, enumerable: false,
  get() { return this.getHeaders(); },
  set(headers) {
    this[kOutHeaders] = null;
    if (typeof headers !== "object" || headers === null) return;
    const own = this[kOutHeaders] = { __proto__: null };
    for (const name of keys(headers)) own[stringToLowerCase(name)] = [name, headers[name]];
  },
});
defineProperty(OutgoingMessage.prototype, "_headerNames", {
  configurable: true, enumerable: false,
  get() {
    const headers = this[kOutHeaders];
    if (headers === null) return null;
    const out = { __proto__: null };
    for (const key in headers) out[key] = headers[key][0];
    return out;
  },
  set(names) {
    if (typeof names !== "object" || names === null || !this[kOutHeaders]) return;
    for (const key of keys(names)) if (this[kOutHeaders][key]) this[kOutHeaders][key][0] = names[key];
  },
});
OutgoingMessage.prototype[Symbol.for("nodejs.rejection")] = function (error) { this.destroy(error); };

function parseUniqueHeadersOption(headers) {
  if (!isArray(headers)) return null;
  const unique = new Set();
  for (let i = 0; i < headers.length; i++) unique.add(stringToLowerCase(headers[i]));
  return unique;
}
return { OutgoingMessage, kOutHeaders, kUniqueHeaders, kHighWaterMark, parseUniqueHeadersOption, validateHeaderName, validateHeaderValue };
