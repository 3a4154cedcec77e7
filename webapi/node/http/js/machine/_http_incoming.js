
// node:_http_incoming of programs: what arrives, a request at a server or an answer at a
// client. Who parses the connection pushes the body.
const { Readable, finished } = require("node:stream");
const { isArray, setPrototypeOf, defineProperty, stringToLowerCase } = primordials;
const { nextTick } = require("internal/process");
const { hasOwn } = Object;

// Of these only the first counts; of all others the values are joined.
const single = new Set(("age host from etag server referer expires location user-agent retry-after content-type max-forwards authorization last-modified content-length " +
  "if-modified-since proxy-authorization if-unmodified-since").split(" "));
const kHeaders = Symbol("kHeaders"), kDistinct = Symbol("kHeadersDistinct"), kTrailers = Symbol("kTrailers"), kTrailersDistinct = Symbol("kTrailersDistinct");

function IncomingMessage(socket) {
  Readable.call(this, socket ? { highWaterMark: socket.readableHighWaterMark } : undefined);
  this.socket = socket;
  this.httpVersionMajor = null;
  this.httpVersionMinor = null;
  this.httpVersion = null;
  this.complete = false;
  this[kHeaders] = null;
  this[kDistinct] = null;
  this.rawHeaders = [];
  this[kTrailers] = null;
  this[kTrailersDistinct] = null;
  this.rawTrailers = [];
  this.joinDuplicateHeaders = false;
  this.aborted = false;
  this.upgrade = null;
  this.url = "";
  this.method = null;
  this.statusCode = null;
  this.statusMessage = null;
  this.client = socket;
  this._consuming = false;
  this._dumped = false;
}
setPrototypeOf(IncomingMessage.prototype, Readable.prototype);
setPrototypeOf(IncomingMessage, Readable);

function read(message, key, raw, add) {
  if (!message[key]) {
    message[key] = add === "_addHeaderLine" ? {} : { __proto__: null };
    for (let i = 0; i + 1 < raw.length; i += 2) message[add](raw[i], raw[i + 1], message[key]);
  }
  return message[key];
}
const accessor = (name, get, set) => defineProperty(IncomingMessage.prototype, name, { configurable: true, enumerable: false, get, set });
accessor("connection", function () { return this.socket; }, function (value) { this.socket = value; });
accessor("headers", function () { return read(this, kHeaders, this.rawHeaders, "_addHeaderLine"); }, function (value) { this[kHeaders] = value; });
accessor("headersDistinct", function () { return read(this, kDistinct, this.rawHeaders, "_addHeaderLineDistinct"); }, function (value) { this[kDistinct] = value; });
accessor("trailers", function () { return read(this, kTrailers, this.rawTrailers, "_addHeaderLine"); }, function (value) { this[kTrailers] = value; });
accessor("trailersDistinct", function () { return read(this, kTrailersDistinct, this.rawTrailers, "_addHeaderLineDistinct"); }, function (value) { this[kTrailersDistinct] = value; });

Object.assign(IncomingMessage.prototype, {
  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    this.socket.setTimeout(ms);
    return this;
  },
  _read() {
    this._consuming = true;
    if (this.socket?.readable) readStart(this.socket);
  },
  // Who gives a message up that has more to come gives up its connection.
  _destroy(error, callback) {
    if (!this.readableEnded || !this.complete) {
      this.aborted = true;
      this.emit("aborted");
    }
    const tell = (e) => nextTick(() => (this.listenerCount("error") === 0 ? callback() : callback(e)));
    const { socket } = this;
    if (!socket || socket.destroyed || !this.aborted) return void tell(error);
    socket.destroy(error);
    const stop = finished(socket, (e) => {
      if (e?.code === "ERR_STREAM_PREMATURE_CLOSE") e = null;
      stop();
      tell(e || error);
    });
  },
  _addHeaderLines(headers, n) {
    if (!headers?.length) return;
    const late = this.complete;
    this[late ? "rawTrailers" : "rawHeaders"] = headers;
    const to = this[late ? kTrailers : kHeaders];
    if (to) for (let i = 0; i < n; i += 2) this._addHeaderLine(headers[i], headers[i + 1], to);
  },
  _addHeaderLine(field, value, to) {
    field = stringToLowerCase(`${field}`);
    const have = hasOwn(to, field) ? to[field] : undefined;
    if (field === "set-cookie") {
      if (have === undefined) to[field] = [value];
      else have.push(value);
    } else if (single.has(field) && !this.joinDuplicateHeaders) {
      if (have === undefined) to[field] = value;
    } else {
      to[field] = typeof have === "string" ? `${have}${field === "cookie" ? "; " : ", "}${value}` : value;
    }
  },
  _addHeaderLineDistinct(field, value, to) {
    field = stringToLowerCase(field);
    if (hasOwn(to, field)) to[field].push(value);
    else to[field] = [value];
  },
  // _dump reads what nobody wants.
  _dump() {
    if (this._dumped) return;
    this._dumped = true;
    this.removeAllListeners("data");
    this.resume();
  },
});

function readStart(socket) {
  if (socket && !socket._paused && socket.readable) socket.resume();
}
function readStop(socket) { socket?.pause(); }
return { IncomingMessage, readStart, readStop };
