
// node:_http_outgoing: headers, and a body that is written after them.
const { Writable } = require("node:stream");
const { validateString } = require("internal/validators");
const { ERR_INVALID_ARG_TYPE, ERR_METHOD_NOT_IMPLEMENTED, ERR_STREAM_CANNOT_PIPE } = require("internal/codes");
const { validateHeaderName, validateHeaderValue, sent } = require("internal/http");
const { isArray, keys, stringToLowerCase } = primordials;
const kOutHeaders = Symbol("kOutHeaders");

class OutgoingMessage extends Writable {
  constructor(options) {
    super({ decodeStrings: true, defaultEncoding: "utf8", highWaterMark: options?.highWaterMark, autoDestroy: options?.autoDestroy ?? true });
    this[kOutHeaders] = null; // by name in small letters: [name, value]
    this._header = null;
    this._headerSent = false;
    this._hasBody = true;
    this._contentLength = null;
    this.finished = false;
    this.sendDate = false;
    this.shouldKeepAlive = true;
    this.chunkedEncoding = false;
    this.useChunkedEncodingByDefault = true;
    this.strictContentLength = false;
    this.socket = null;
  }
  get headersSent() { return this._header !== null; }
  get connection() { return this.socket; }
  set connection(value) { this.socket = value; }
  setHeader(name, value) {
    if (this._header !== null) throw sent("set");
    validateHeaderName(name);
    validateHeaderValue(name, value);
    this[kOutHeaders] ??= { __proto__: null };
    this[kOutHeaders][stringToLowerCase(name)] = [name, value];
    return this;
  }
  setHeaders(headers) {
    if (this._header !== null) throw sent("set");
    if (typeof headers !== "object" || headers === null || isArray(headers) || typeof headers.keys !== "function" || typeof headers.get !== "function") {
      throw new ERR_INVALID_ARG_TYPE("headers", ["Headers", "Map"], headers);
    }
    const cookies = [];
    for (const [name, value] of headers) {
      if (name === "set-cookie") cookies.push(...(isArray(value) ? value : [value]));
      else this.setHeader(name, value);
    }
    if (cookies.length > 0) this.setHeader("set-cookie", cookies);
    return this;
  }
  appendHeader(name, value) {
    if (this._header !== null) throw sent("append");
    validateHeaderName(name);
    validateHeaderValue(name, value);
    const entry = this[kOutHeaders]?.[stringToLowerCase(name)];
    if (!entry) return this.setHeader(name, value);
    entry[1] = [...(isArray(entry[1]) ? entry[1] : [entry[1]]), ...(isArray(value) ? value : [value])];
    return this;
  }
  getHeader(name) {
    validateString(name, "name");
    return this[kOutHeaders]?.[stringToLowerCase(name)]?.[1];
  }
  hasHeader(name) {
    validateString(name, "name");
    return this[kOutHeaders]?.[stringToLowerCase(name)] !== undefined;
  }
  removeHeader(name) {
    validateString(name, "name");
    if (this._header !== null) throw sent("remove");
    if (this[kOutHeaders]) delete this[kOutHeaders][stringToLowerCase(name)];
  }
  getHeaderNames() { return this[kOutHeaders] ? keys(this[kOutHeaders]) : []; }
  getRawHeaderNames() { return this.getHeaderNames().map((k) => this[kOutHeaders][k][0]); }
  getHeaders() {
    const out = { __proto__: null };
    for (const k of this.getHeaderNames()) out[k] = this[kOutHeaders][k][1];
    return out;
  }
  _renderHeaders() {
    if (this._header !== null) throw sent("render");
    const out = {};
    for (const k of this.getHeaderNames()) out[this[kOutHeaders][k][0]] = this[kOutHeaders][k][1];
    return out;
  }
  // _pairs are the headers as fetch takes them.
  _pairs(join) {
    const list = [];
    for (const k of this.getHeaderNames()) {
      const [name, value] = this[kOutHeaders][k];
      if (!isArray(value)) list.push([name, `${value}`]);
      else if (join || k === "cookie") list.push([name, value.join(k === "cookie" ? "; " : ", ")]);
      else for (const v of value) list.push([name, `${v}`]);
    }
    return list;
  }
  _implicitHeader() { throw new ERR_METHOD_NOT_IMPLEMENTED("_implicitHeader()"); }
  flushHeaders() {
    if (this._header === null) this._implicitHeader();
  }
  pipe(to) {
    this.emit("error", new ERR_STREAM_CANNOT_PIPE());
    return to;
  }
  end(chunk, encoding, callback) {
    if (!this.finished) this.finished = true;
    return super.end(chunk, encoding, callback);
  }
  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    return this;
  }
  addTrailers() { throw new ERR_METHOD_NOT_IMPLEMENTED("addTrailers"); }
}
function parseUniqueHeadersOption(headers) {
  return isArray(headers) ? new Set(headers.flat().map((h) => stringToLowerCase(h))) : null;
}
return { OutgoingMessage, kOutHeaders, parseUniqueHeadersOption, validateHeaderName, validateHeaderValue };
