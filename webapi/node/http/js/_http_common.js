
// node:_http_common.
const { isToken, badChars, METHODS, kIncomingMessage } = require("internal/http");
return {
  _checkIsHttpToken: (s) => isToken(s), _checkInvalidHeaderChar: (v) => badChars(v), chunkExpression: /(?:^|\W)chunked(?:$|\W)/i, CRLF: "\r\n",
  continueExpression: /(?:^|\W)100-continue(?:$|\W)/i, methods: METHODS, parsers: { name: "parsers", max: 1000 }, kIncomingMessage,
};
