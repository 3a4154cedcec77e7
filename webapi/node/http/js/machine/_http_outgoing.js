
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
const { Fields, begin, sending, drained } = require("internal/http_sending");
const { isArray, isView, typedArrayTag, setPrototypeOf, defineProperty, stringToLowerCase } = primordials;
const { nextTick } = require("internal/process");
const { keys } = Object;

const nop = () => {};
const isFunction = (value) => typeof value === "function";

function OutgoingMessage(options) {
  Stream.call(this);
  begin(this, options?.highWaterMark ?? getDefaultHighWaterMark(), options?.rejectNonStandardBodyWrites ?? false);
  // What a stream says of itself.
  this.writable = true;
  this.destroyed = false;
  this.finished = false;
  this._closed = false;
  // The connection: its socket, whether it goes on, and for how long it says so.
  this.socket = null;
  this.shouldKeepAlive = true;
  this.maxRequestsOnConnectionReached = false;
  this._last = false;
  this._defaultKeepAlive = true;
  this._keepAliveTimeout = 0;
  // The head: its text once it is made, and what it is to say unasked.
  this._header = null;
  this._headerSent = false;
  this.sendDate = false;
  this._removedConnection = false;
  this._removedContLen = false;
  this._removedTE = false;
  // The body, and output that waits for the socket: {data, encoding, callback}.
  this._hasBody = true;
  this._contentLength = null;
  this.strictContentLength = false;
  this.chunkedEncoding = false;
  this.useChunkedEncodingByDefault = true;
  this.outputData = [];
  this.outputSize = 0;
}
setPrototypeOf(OutgoingMessage.prototype, Stream.prototype);
setPrototypeOf(OutgoingMessage, Stream);

const views = {
  errored: (m) => sending(m).error,
  closed: (m) => m._closed,
  headersSent: (m) => Boolean(m._header),
  writableEnded: (m) => m.finished,
  writableFinished: (m) => m.finished && m.writableLength === 0,
  writableObjectMode: () => false,
  writableLength: (m) => m.outputSize + (m.socket ? m.socket.writableLength : 0),
  writableHighWaterMark: (m) => (m.socket ? m.socket.writableHighWaterMark : sending(m).highWaterMark),
  writableCorked: (m) => sending(m).corks,
  writableNeedDrain: (m) => !m.destroyed && !m.finished && sending(m).full,
  connection: (m) => m.socket,
};
const accessor = (name, get, set) => defineProperty(OutgoingMessage.prototype, name, { get, set, configurable: true, enumerable: false });
for (const name of keys(views)) {
  const view = views[name];
  accessor(name, function () { return view(this); }, name === "connection" ? function (socket) { this.socket = socket; } : undefined);
}

// The headers of a message, until its head is made.
function unsent(message, verb) {
  if (message._header) throw sent(verb);
}
function fieldsOf(message) { return sending(message).fields ??= new Fields(); }
function validate(name, value) {
  validateHeaderName(name);
  validateHeaderValue(name, value);
}
// gathered is an object of headers, by names or by keys.
function gathered(message, out, byKey) {
  sending(message).fields?.each((name, value, key) => { out[byKey ? key : name] = value; });
  return out;
}
// trailerLines are the lines of a trailer: one of each value, unless they are to be one.
function trailerLines(message, name, value) {
  if (typeof name !== "string" || !name || !isToken(name)) throw badToken("Trailer name", name);
  const apart = isArray(value) && value.length > 1 && !sending(message).joined?.has(stringToLowerCase(name));
  const values = apart ? value : [isArray(value) ? value.join("; ") : value];
  if (values.some((v) => badChars(v))) throw make(TypeError, "ERR_INVALID_CHAR", `Invalid character in trailer content ["${name}"]`);
  return values.map((v) => `${name}: ${v}\r\n`).join("");
}

// The body.
// sizeOf checks what is to be written and says how many bytes it is.
function sizeOf(chunk, encoding) {
  if (typeof chunk === "string") return Buffer.byteLength(chunk, encoding);
  if (chunk === null) throw new ERR_STREAM_NULL_VALUES();
  if (!isView(chunk) || typedArrayTag(chunk) !== "Uint8Array") throw new ERR_INVALID_ARG_TYPE("chunk", ["string", "Buffer", "Uint8Array"], chunk);
  return chunk.byteLength;
}
// refuse tells of a write that cannot be, and says so if it is one.
function refuse(message, callback) {
  if (!message.finished && !message.destroyed) return false;
  const gone = message.destroyed, error = message.finished ? new ERR_STREAM_WRITE_AFTER_END() : new ERR_STREAM_DESTROYED("write");
  nextTick(() => {
    callback(error);
    if (!gone && !message.destroyed && isFunction(message.emit)) message.emit("error", error);
  });
  return true;
}
// checkLength compares the body with what the head said of it, where that is to be right.
function checkLength(message) {
  const { written } = sending(message), said = message._contentLength;
  if (!message.strictContentLength || !message._hasBody || message.chunkedEncoding || !(said > 0) || written === said) return;
  throw make(Error, "ERR_HTTP_CONTENT_LENGTH_MISMATCH", `Response body's content-length of ${written} byte(s) does not match the content-length of ${said} byte(s) set in header`);
}
// together has what one turn writes to a socket go in one piece.
function together(socket) {
  if (!socket || socket.writableCorked) return;
  socket.cork();
  nextTick(() => socket.uncork());
}
// part writes a part of the body, as a chunk where it goes in chunks.
function part(message, chunk, encoding, callback, size) {
  if (!message.chunkedEncoding || size === 0) return message._send(chunk, encoding, callback, size);
  message._send(`${size.toString(16)}\r\n`, "latin1", null);
  message._send(chunk, encoding, null, size);
  return message._send("\r\n", null, callback);
}
// body writes to the body. The last write knows the length of one that was not begun.
function body(message, chunk, encoding, callback, last) {
  const size = sizeOf(chunk, encoding), own = sending(message);
  if (refuse(message, callback)) return false;
  if (!message._header) {
    if (last) message._contentLength = size;
    message._implicitHeader();
  }
  if (!message._hasBody) {
    if (own.strict) throw make(Error, "ERR_HTTP_BODY_NOT_ALLOWED", "Adding content for this request method or response status is not allowed.");
    nextTick(callback);
    return true;
  }
  own.written += size;
  if (last) checkLength(message);
  else together(message.socket);
  const room = part(message, chunk, encoding, callback, size);
  if (!room) own.full = true;
  return room;
}

// Output that waits for the socket.
function wait(message, data, encoding, callback, size, first) {
  message.outputData[first ? "unshift" : "push"]({ data, encoding, callback });
  message.outputSize += size;
  sending(message).pending(size);
}
// flush writes it, and says whether there is room for more; undefined where nothing waited.
function flush(message, socket) {
  const own = sending(message), { outputData: waiting, outputSize } = message;
  for (; own.corks > 0; own.corks--) socket.cork();
  if (waiting.length === 0) return undefined;
  message.outputData = [];
  let room;
  socket.cork();
  for (const { data, encoding, callback } of waiting) room = socket.write(data, encoding, callback);
  socket.uncork();
  own.pending(-outputSize);
  message.outputSize = 0;
  return room;
}
// uncorkAll has a socket write what it keeps, however often it was corked.
function uncorkAll(socket) {
  if (!socket) return;
  socket._writableState.corked = 1;
  socket.uncork();
}
// withSocket calls f with the socket of a message, or once it has one.
function withSocket(message, f) {
  if (message.socket) f(message.socket);
  else message.once("socket", f);
}

Object.assign(OutgoingMessage.prototype, {
  setHeader(name, value) {
    unsent(this, "set");
    validate(name, value);
    fieldsOf(this).set(name, value);
    return this;
  },
  setHeaders(headers) {
    unsent(this, "set");
    if (!headers || isArray(headers) || !isFunction(headers.keys) || !isFunction(headers.get)) throw new ERR_INVALID_ARG_TYPE("headers", ["Headers", "Map"], headers);
    // Headers gives cookies one by one.
    const cookies = [];
    for (const { 0: name, 1: value } of headers) {
      if (name !== "set-cookie") this.setHeader(name, value);
      else if (isArray(value)) cookies.push(...value);
      else cookies.push(value);
    }
    if (cookies.length > 0) this.setHeader("set-cookie", cookies);
    return this;
  },
  appendHeader(name, value) {
    unsent(this, "append");
    validate(name, value);
    fieldsOf(this).append(name, value);
    return this;
  },
  getHeader(name) {
    validateString(name, "name");
    return sending(this).fields?.get(name);
  },
  hasHeader(name) {
    validateString(name, "name");
    return sending(this).fields?.has(name) ?? false;
  },
  removeHeader(name) {
    validateString(name, "name");
    unsent(this, "remove");
    switch (stringToLowerCase(name)) {
      case "connection": this._removedConnection = true; break;
      case "content-length": this._removedContLen = true; break;
      case "transfer-encoding": this._removedTE = true; break;
      case "date": this.sendDate = false;
    }
    sending(this).fields?.delete(name);
  },
  getHeaderNames() { return sending(this).fields?.keys() ?? []; },
  getRawHeaderNames() {
    const names = [];
    sending(this).fields?.each((name) => names.push(name));
    return names;
  },
  getHeaders() { return gathered(this, { __proto__: null }, true); },
  _renderHeaders() {
    unsent(this, "render");
    return gathered(this, {}, false);
  },
  addTrailers(headers) {
    let lines = "";
    for (const [name, value] of isArray(headers) ? headers : Object.entries(headers)) lines += trailerLines(this, name, value);
    sending(this).trailers = lines;
  },
  _implicitHeader() { throw new ERR_METHOD_NOT_IMPLEMENTED("_implicitHeader()"); },
  _storeHeader(line, headers) {
    const head = new Head(this, line);
    head.all(headers);
    this._header = head.close();
    this._headerSent = false;
    if (head.expect) this._send(""); // the other side says when the body may come
  },
  flushHeaders() {
    if (!this._header) this._implicitHeader();
    this._send("");
  },
  write(chunk, encoding, callback) {
    if (isFunction(encoding)) [encoding, callback] = [null, encoding];
    return body(this, chunk, encoding, isFunction(callback) ? callback : nop, false);
  },
  end(chunk, encoding, callback) {
    if (isFunction(chunk)) [chunk, encoding, callback] = [null, null, chunk];
    else if (isFunction(encoding)) [encoding, callback] = [null, encoding];
    const heard = isFunction(callback);
    if (this.finished) {
      if (chunk) refuse(this, heard ? callback : nop);
      else if (heard && this.writableFinished) callback(new ERR_STREAM_ALREADY_FINISHED("end"));
      else if (heard) this.on("finish", callback);
      return this;
    }
    if (chunk || !this._header) this.socket?.cork();
    if (chunk) body(this, chunk, encoding, nop, true);
    else if (!this._header) {
      this._contentLength = 0;
      this._implicitHeader();
    }
    if (heard) this.once("finish", callback);
    checkLength(this);
    const own = sending(this), finished = () => { if (!this.socket?._hadError) this.emit("finish"); };
    if (this._hasBody && this.chunkedEncoding) this._send(`0\r\n${own.trailers}\r\n`, "latin1", finished);
    else if (!this._headerSent || this.writableLength || chunk) this._send("", "latin1", finished);
    else nextTick(finished);
    uncorkAll(this.socket);
    own.corks = 0;
    this.finished = true;
    if (this.outputData.length === 0 && this.socket?._httpMessage === this) this._finish();
    return this;
  },
  // _send puts the head before the first bytes.
  _send(data, encoding, callback, size) {
    if (!this._headerSent) {
      const { _header: header } = this;
      this._headerSent = true;
      if (typeof data === "string" && (!encoding || encoding === "utf8" || encoding === "latin1")) data = header + data;
      else wait(this, header, "latin1", null, header.length, true);
    }
    return this._writeRaw(data, encoding, callback, size);
  },
  // _writeRaw writes to the socket if it is this message's turn, and keeps what it cannot write yet.
  _writeRaw(data, encoding, callback, size) {
    const { socket } = this;
    if (socket?.destroyed) return false; // nobody is there to read it
    if (isFunction(encoding)) [encoding, callback] = [null, encoding];
    if (socket && socket._httpMessage === this && socket.writable) {
      if (this.outputData.length > 0) flush(this, socket);
      return socket.write(data, encoding, callback);
    }
    wait(this, data, encoding, callback, size ?? data.length, false);
    return this.outputSize < sending(this).highWaterMark;
  },
  // _flush goes on once there is a socket.
  _flush() {
    const { socket } = this;
    if (!socket?.writable) return;
    const room = flush(this, socket);
    if (this.finished) this._finish();
    else if (room) drained(this);
  },
  _finish() { this.emit("prefinish"); },
  cork() {
    sending(this).corks++;
    this.socket?.cork();
  },
  uncork() {
    sending(this).corks--;
    this.socket?.uncork();
  },
  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    withSocket(this, (socket) => socket.setTimeout(ms));
    return this;
  },
  destroy(error) {
    if (this.destroyed) return this;
    this.destroyed = true;
    sending(this).error = error;
    withSocket(this, (socket) => socket.destroy(error));
    return this;
  },
  pipe() { this.emit("error", new ERR_STREAM_CANNOT_PIPE()); },
});
// The names that node had before are those of today.
accessor("_headers", function () { return this.getHeaders(); }, function (headers) {
  sending(this).fields = typeof headers === "object" && headers !== null ? Fields.from(headers) : null;
});
accessor("_headerNames", function () {
  const { fields } = sending(this);
  if (fields === null) return null;
  const out = { __proto__: null };
  fields.each((name, value, key) => { out[key] = name; });
  return out;
}, function (names) {
  if (typeof names === "object" && names !== null) for (const key of keys(names)) sending(this).fields?.rename(key, names[key]);
});
OutgoingMessage.prototype[Symbol.for("nodejs.rejection")] = function (error) { this.destroy(error); };
return { OutgoingMessage, validateHeaderName, validateHeaderValue };
