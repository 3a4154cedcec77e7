
// ServerResponse of programs.
const { OutgoingMessage } = require("node:_http_outgoing");
const { ERR_INVALID_ARG_VALUE, make } = require("internal/codes");
const { validateObject } = require("internal/validators");
const { STATUS_CODES, badChars, sent, validateHeaderName, validateHeaderValue } = require("internal/http");
const { chunkExpression } = require("node:_http_common");
const { sending } = require("internal/http_sending");
const { isArray, regExpTest, setPrototypeOf, stringToLowerCase } = primordials;
const { keys } = Object;

function ServerResponse(req, options) {
  OutgoingMessage.call(this, options);
  if (req.method === "HEAD") this._hasBody = false;
  this.req = req;
  this.sendDate = true;
  this._sent100 = false;
  this._expect_continue = false;
  if (req.httpVersionMajor < 1 || req.httpVersionMinor < 1) {
    this.useChunkedEncodingByDefault = regExpTest(chunkExpression, req.headers.te);
    this.shouldKeepAlive = false;
  }
}
setPrototypeOf(ServerResponse.prototype, OutgoingMessage.prototype);
setPrototypeOf(ServerResponse, OutgoingMessage);

// over tells that an answer has ended, or its connection.
function over(response) {
  if (response._closed) return;
  response.destroyed = true;
  response._closed = true;
  response.emit("close");
}
function onSocketClose() {
  if (this._httpMessage) over(this._httpMessage);
}
// linkOf checks the header Link of early hints.
const linkFormat = /^(?:<[^>]*>)(?:\s*;\s*[^;"\s]+(?:=(")?[^;"\s]*\1)?)*$/;
function linkOf(hints) {
  const check = (v) => {
    if (typeof v !== "string" || !regExpTest(linkFormat, v)) {
      throw new ERR_INVALID_ARG_VALUE("hints", v, 'must be an array or string of format "</styles.css>; rel=preload; as=style"');
    }
    return v;
  };
  if (typeof hints === "string") return check(hints);
  if (isArray(hints)) return hints.map(check).join(", ");
  throw new ERR_INVALID_ARG_VALUE("hints", hints, 'must be an array or string of format "</styles.css>; rel=preload; as=style"');
}

Object.assign(ServerResponse.prototype, {
  statusCode: 200,
  statusMessage: undefined,
  assignSocket(socket) {
    if (socket._httpMessage) throw make(Error, "ERR_HTTP_SOCKET_ASSIGNED", "ServerResponse has an already assigned socket");
    socket._httpMessage = this;
    socket.on("close", onSocketClose);
    this.socket = socket;
    this.emit("socket", socket);
    this._flush();
  },
  detachSocket(socket) {
    socket.removeListener("close", onSocketClose);
    socket._httpMessage = null;
    this.socket = null;
  },
  writeContinue(callback) {
    this._writeRaw("HTTP/1.1 100 Continue\r\n\r\n", "ascii", callback);
    this._sent100 = true;
  },
  writeProcessing(callback) { this._writeRaw("HTTP/1.1 102 Processing\r\n\r\n", "ascii", callback); },
  writeEarlyHints(hints, callback) {
    validateObject(hints, "hints");
    if (hints.link === null || hints.link === undefined) return;
    const link = linkOf(hints.link);
    if (link.length === 0) return;
    let head = `HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\n`;
    for (const key of keys(hints)) {
      if (stringToLowerCase(key) === "link") continue;
      validateHeaderName(key);
      const value = hints[key];
      validateHeaderValue(key, value);
      head += `${key}: ${value}\r\n`;
    }
    this._writeRaw(`${head}\r\n`, "ascii", callback);
  },
  _implicitHeader() { this.writeHead(this.statusCode); },
  writeHead(statusCode, reason, given) {
    if (this._header) throw sent("write");
    const original = statusCode;
    statusCode |= 0;
    if (statusCode < 100 || statusCode > 999) throw make(RangeError, "ERR_HTTP_INVALID_STATUS_CODE", `Invalid status code: ${original}`);
    if (typeof reason === "string") this.statusMessage = reason;
    else {
      this.statusMessage ||= STATUS_CODES[statusCode] || "unknown";
      given ??= reason;
    }
    this.statusCode = statusCode;
    let headers = given;
    if (sending(this).fields) {
      // What is given here stands for what was set before.
      if (isArray(given)) {
        const list = isArray(given[0]) ? given.flat() : given;
        if (list.length % 2 !== 0) throw new ERR_INVALID_ARG_VALUE("headers", given);
        for (let i = 0; i < list.length; i += 2) if (list[i]) this.setHeader(list[i], list[i + 1]);
      } else if (given) {
        for (const key of keys(given)) if (key) this.setHeader(key, given[key]);
      }
      headers = sending(this).fields;
    }
    if (badChars(this.statusMessage)) throw make(TypeError, "ERR_INVALID_CHAR", "Invalid character in statusMessage");
    if (statusCode === 204 || statusCode === 304 || (statusCode >= 100 && statusCode <= 199)) this._hasBody = false;
    // Who waits to be told to go on, and is not, may send the body or not: nobody knows where the next request begins.
    if (this._expect_continue && !this._sent100) this.shouldKeepAlive = false;
    this._storeHeader(`HTTP/1.1 ${statusCode} ${this.statusMessage}\r\n`, headers);
    return this;
  },
});
ServerResponse.prototype.writeHeader = ServerResponse.prototype.writeHead;
return { ServerResponse, over };
