
// node:_http_incoming of programs: what arrives, a request at a server or an answer at a
// client. Who parses the connection pushes the body.
const { Readable, finished } = require("node:stream");
const { setPrototypeOf, defineProperty } = primordials;
const { nextTick } = require("internal/process");
const { addLine, addDistinct } = require("internal/http");

// made are the names of what is made of the raw lists once it is asked for, or set by programs.
const made = { headers: Symbol("headers"), headersDistinct: Symbol("headersDistinct"), trailers: Symbol("trailers"), trailersDistinct: Symbol("trailersDistinct") };
const names = Object.keys(made);

function IncomingMessage(socket) {
  Readable.call(this, socket ? { highWaterMark: socket.readableHighWaterMark } : undefined);
  this.socket = this.client = socket;
  // The first line, of a request or of an answer.
  this.method = null;
  this.url = "";
  this.statusCode = null;
  this.statusMessage = null;
  this.httpVersion = null;
  this.httpVersionMajor = null;
  this.httpVersionMinor = null;
  // Headers and trailers.
  this.rawHeaders = [];
  this.rawTrailers = [];
  this.joinDuplicateHeaders = false;
  for (const name of names) this[made[name]] = null;
  // How far it is: all of it arrived, its connection is gone, it speaks another protocol, it is read, nobody reads it.
  this.complete = false;
  this.aborted = false;
  this.upgrade = null;
  this._consuming = false;
  this._dumped = false;
}
setPrototypeOf(IncomingMessage.prototype, Readable.prototype);
setPrototypeOf(IncomingMessage, Readable);

const accessor = (name, get, set) => defineProperty(IncomingMessage.prototype, name, { configurable: true, enumerable: false, get, set });
// lists has a list of names and values seen as an object, its lines added by a method.
function lists(name, raw, add, start) {
  const cache = made[name];
  accessor(name, function () {
    if (this[cache]) return this[cache];
    const to = this[cache] = start(), list = this[raw];
    for (let i = 0; i + 1 < list.length; i += 2) this[add](list[i], list[i + 1], to);
    return to;
  }, function (value) { this[cache] = value; });
}
lists("headers", "rawHeaders", "_addHeaderLine", () => ({}));
lists("trailers", "rawTrailers", "_addHeaderLine", () => ({}));
lists("headersDistinct", "rawHeaders", "_addHeaderLineDistinct", () => ({ __proto__: null }));
lists("trailersDistinct", "rawTrailers", "_addHeaderLineDistinct", () => ({ __proto__: null }));
accessor("connection", function () { return this.socket; }, function (value) { this.socket = value; });

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
    const to = this[late ? made.trailers : made.headers];
    if (to) for (let i = 0; i < n; i += 2) this._addHeaderLine(headers[i], headers[i + 1], to);
  },
  _addHeaderLine(field, value, to) { addLine(to, field, value, this.joinDuplicateHeaders); },
  _addHeaderLineDistinct(field, value, to) { addDistinct(to, field, value); },
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
