
// node:_http_common of programs, and the parser of connections.
const { build, methods } = require("internal/http_parser");
const { isToken, badChars, kIncomingMessage } = require("internal/http");
const { IncomingMessage } = require("node:_http_incoming");
const { regExpTest } = primordials;

const continueExpression = /(?:^|\W)100-continue(?:$|\W)/i;
const chunkExpression = /(?:^|\W)chunked(?:$|\W)/i;

// Of these errors node writes no code before the message.
const coded = (text, more) => Object.assign(new Error(text), more);
const reset = (text) => coded(text, { code: "ECONNRESET" });

// faultOf is the error that a part says there is.
function faultOf([, code, reason, bytesParsed], bytes) {
  if (code === "HPE_INVALID_EOF_STATE") return coded("Parse Error", { bytesParsed, code, reason });
  return coded(`Parse Error: ${reason}`, { bytesParsed, code, reason, rawPacket: bytes });
}

// messageOf is the message that a head begins. Without a limit of its own it has 1000 headers, or 2000.
function messageOf(Message, socket, [, major, minor], fields, mostHeaders, join) {
  const message = new Message(socket);
  message.joinDuplicateHeaders = Boolean(join);
  message.httpVersionMajor = major;
  message.httpVersionMinor = minor;
  message.httpVersion = `${major}.${minor}`;
  message.rawHeaders = mostHeaders > 0 && fields.length > mostHeaders * 2 ? fields.slice(0, mostHeaders * 2) : fields;
  return message;
}

return {
  _checkIsHttpToken: (s) => isToken(s), _checkInvalidHeaderChar: (v) => badChars(v), chunkExpression, CRLF: "\r\n", continueExpression, methods, HTTPParser: build(native, faultOf),
  parsers: { name: "parsers", max: 1000 }, kIncomingMessage,
  freeParser(parser) { parser?.free?.(); },
  isLenient: () => false,
  prepareError(error, parser, rawPacket) {
    error.rawPacket = rawPacket;
    if (error.reason) error.message = `Parse Error: ${error.reason}`;
  },
  _parts: { coded, reset, faultOf, messageOf, isChunked: (value) => regExpTest(chunkExpression, value), IncomingMessage },
};
