
// The head of a message that goes out: its lines, and what they say of how the body goes.
const { validateHeaderName, validateHeaderValue } = require("internal/http");
const { ERR_INVALID_ARG_VALUE, make } = require("internal/codes");
const { isArray, regExpTest, stringToLowerCase } = primordials;
const { Fields, sending } = require("internal/http_sending");
const { keys } = Object, { floor } = Math, { now } = Date;

let second = 0, text = "";
// date is the value of the header Date.
function date() {
  const at = now() / 1000 | 0;
  if (at !== second) {
    second = at;
    text = new Date().toUTCString();
  }
  return text;
}

class Head {
  text;
  connection = false;
  length = false;
  coding = false;
  date = false;
  expect = false;
  trailer = false;
  constructor(message, line) {
    this.message = message;
    this.text = line;
  }
  // add writes a header; several values are several lines, but for cookies and what is to be unique.
  add(name, value, check) {
    if (check) validateHeaderName(name);
    const { message } = this;
    if (isArray(value)) {
      if ((value.length < 2 || stringToLowerCase(name) !== "cookie") && !sending(message).joined?.has(stringToLowerCase(name))) {
        for (let i = 0; i < value.length; i++) this.line(name, value[i], check);
        return;
      }
      value = value.join("; ");
    }
    this.line(name, value, check);
  }
  line(name, value, check) {
    if (check) validateHeaderValue(name, value);
    this.text += `${name}: ${value}\r\n`;
    const { message } = this;
    switch (stringToLowerCase(name)) {
      case "connection":
        this.connection = true;
        message._removedConnection = false;
        if (regExpTest(/(?:^|\W)close(?:$|\W)/i, value)) message._last = true;
        else message.shouldKeepAlive = true;
        break;
      case "transfer-encoding":
        this.coding = true;
        message._removedTE = false;
        if (regExpTest(/(?:^|\W)chunked(?:$|\W)/i, value)) message.chunkedEncoding = true;
        break;
      case "content-length":
        this.length = true;
        message._contentLength = +value;
        message._removedContLen = false;
        break;
      case "date": this.date = true; break;
      case "expect": this.expect = true; break;
      case "trailer": this.trailer = true; break;
      case "keep-alive": message._defaultKeepAlive = false;
    }
  }
  // all writes the headers of a message, which were checked when they were set, or those of an argument.
  all(headers) {
    if (!headers) return;
    if (headers instanceof Fields) headers.each((name, value) => this.add(name, value, false));
    else if (isArray(headers)) {
      if (headers.length > 0 && isArray(headers[0])) {
        for (let i = 0; i < headers.length; i++) this.add(headers[i][0], headers[i][1], true);
        return;
      }
      if (headers.length % 2 !== 0) throw new ERR_INVALID_ARG_VALUE("headers", headers);
      for (let i = 0; i < headers.length; i += 2) this.add(headers[i], headers[i + 1], true);
    } else {
      for (const key of keys(headers)) this.add(key, headers[key], true);
    }
  }
  // close says how the connection and the body go on, where the headers do not.
  close() {
    const m = this.message;
    if (m.sendDate && !this.date) this.text += `Date: ${date()}\r\n`;
    // An answer that has no body cannot have one in chunks.
    if (m.chunkedEncoding && (m.statusCode === 204 || m.statusCode === 304)) m.chunkedEncoding = m.shouldKeepAlive = false;
    if (m._removedConnection) m._last = !m.shouldKeepAlive;
    else if (!this.connection) this.#lasting();
    if (!this.length && !this.coding) {
      if (!m._hasBody) m.chunkedEncoding = false;
      else if (!m.useChunkedEncodingByDefault) m._last = true;
      else if (!this.trailer && !m._removedContLen && typeof m._contentLength === "number") this.text += `Content-Length: ${m._contentLength}\r\n`;
      else if (!m._removedTE) {
        this.text += "Transfer-Encoding: chunked\r\n";
        m.chunkedEncoding = true;
      } else m._last = true; // the end of the connection is that of the body
    }
    if (m.chunkedEncoding !== true && this.trailer) throw make(Error, "ERR_HTTP_TRAILER_INVALID", "Trailers are invalid with this transfer encoding");
    return `${this.text}\r\n`;
  }
  #lasting() {
    const m = this.message;
    const lasts = m.shouldKeepAlive && (this.length || m.useChunkedEncodingByDefault || m.agent);
    if (!lasts) m._last = true;
    if (!lasts || m.maxRequestsOnConnectionReached) {
      this.text += "Connection: close\r\n";
      return;
    }
    this.text += "Connection: keep-alive\r\n";
    if (m._keepAliveTimeout && m._defaultKeepAlive) {
      this.text += `Keep-Alive: timeout=${floor(m._keepAliveTimeout / 1000)}${~~m._maxRequestsPerSocket > 0 ? `, max=${m._maxRequestsPerSocket}` : ""}\r\n`;
    }
  }
}
return { Head, date };
