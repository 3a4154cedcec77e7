
// node:_http_incoming: what arrives, a request at a server or a response at a client.
const { Readable } = require("node:stream");
const { addLine, addDistinct } = require("internal/http");
const { isArray } = primordials;

const kSource = Symbol("source"), kReader = Symbol("reader"), kHeaders = Symbol("headers"), kDistinct = Symbol("headersDistinct"), kSocket = Symbol("socket"), kReading = Symbol("reading");

class IncomingMessage extends Readable {
  constructor() {
    super({ autoDestroy: false });
    this.aborted = false;
    this.complete = false;
    this.url = "";
    this.method = null;
    this.statusCode = null;
    this.statusMessage = null;
    this.httpVersion = "1.1";
    this.httpVersionMajor = 1;
    this.httpVersionMinor = 1;
    this.rawHeaders = [];
    this.rawTrailers = [];
    this.joinDuplicateHeaders = false;
    this.cloudflare = { cf: undefined, env: undefined, ctx: undefined };
    this._consuming = false;
    this._dumped = false;
    this[kSource] = null;
    this[kReader] = null;
    this[kReading] = false;
    this[kHeaders] = null;
    this[kDistinct] = null;
    this[kSocket] = undefined;
  }
  // _take gives the message its headers, pairs in a list, and the stream of its body.
  _take(rawHeaders, body, socket) {
    this.rawHeaders = rawHeaders;
    this[kSource] = body;
    this[kSocket] = socket;
  }
  _read() {
    this._consuming = true;
    if (this[kSource] === null) {
      this.complete = true;
      this.push(null);
      return;
    }
    if (this[kReading]) return;
    this[kReading] = true;
    this[kReader] ??= this[kSource].getReader();
    this[kReader].read().then(({ done, value }) => {
      this[kReading] = false;
      if (this.destroyed) return;
      if (done) {
        this.complete = true;
        this.push(null);
        this.once("end", () => process.nextTick(() => this.emit("close")));
      } else if (value.byteLength === 0 || this.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))) {
        this._read();
      }
    }, (e) => {
      this[kReading] = false;
      this.destroy(e);
    });
  }
  _destroy(error, callback) {
    if (!this.readableEnded || !this.complete) {
      this.aborted = true;
      this.emit("aborted");
    }
    const source = this[kReader] ?? this[kSource];
    if (source && !this.complete) source.cancel(error ?? undefined).catch(() => {}); // who asked for the end need not hear that it was there already
    process.nextTick(() => callback(this.listenerCount("error") === 0 ? null : error));
  }
  get headers() {
    if (this[kHeaders] === null) {
      this[kHeaders] = {};
      for (let i = 0; i + 1 < this.rawHeaders.length; i += 2) this._addHeaderLine(this.rawHeaders[i], this.rawHeaders[i + 1], this[kHeaders]);
    }
    return this[kHeaders];
  }
  set headers(value) { this[kHeaders] = value; }
  get headersDistinct() {
    if (this[kDistinct] === null) {
      this[kDistinct] = {};
      for (let i = 0; i + 1 < this.rawHeaders.length; i += 2) this._addHeaderLineDistinct(this.rawHeaders[i], this.rawHeaders[i + 1], this[kDistinct]);
    }
    return this[kDistinct];
  }
  set headersDistinct(value) { this[kDistinct] = value; }
  get trailers() {
    const out = {};
    for (let i = 0; i + 1 < this.rawTrailers.length; i += 2) this._addHeaderLine(this.rawTrailers[i], this.rawTrailers[i + 1], out);
    return out;
  }
  set trailers(value) {}
  get trailersDistinct() {
    const out = {};
    for (let i = 0; i + 1 < this.rawTrailers.length; i += 2) this._addHeaderLineDistinct(this.rawTrailers[i], this.rawTrailers[i + 1], out);
    return out;
  }
  set trailersDistinct(value) {}
  get connection() { return this[kSocket]; }
  set connection(value) { this[kSocket] = value; }
  get socket() { return this[kSocket]; }
  set socket(value) { this[kSocket] = value; }
  _addHeaderLine(field, value, to) { addLine(to, field, value, this.joinDuplicateHeaders); }
  _addHeaderLineDistinct(field, value, to) { addDistinct(to, field, value); }
  _addHeaderLines(headers, n) {
    if (isArray(headers) && !this.complete) this.rawHeaders = headers.slice(0, n);
  }
  _dump() {
    if (this._dumped) return;
    this._dumped = true;
    this.removeAllListeners("data");
    this.resume();
  }
  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    return this;
  }
}
function readStart() {}
function readStop() {}
return { IncomingMessage, readStart, readStop };
