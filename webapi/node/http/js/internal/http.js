
// What the modules of node:http share.
const { make } = require("internal/codes");
const { isArray, regExpTest, defineProperty } = primordials;
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");

const isToken = (s) => regExpTest(/^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/, s);
const badValue = (s) => regExpTest(/[^\t\x20-\x7e\x80-\xff]/, `${s}`);
const badChars = (v) => (isArray(v) ? v.some(badValue) : badValue(v));
const badToken = (label, value) => make(TypeError, "ERR_INVALID_HTTP_TOKEN", `${label} must be a valid HTTP token ["${value}"]`);

function validateHeaderName(name, label = "Header name") {
  if (typeof name !== "string" || !isToken(name)) throw badToken(label, name);
}
function validateHeaderValue(name, value) {
  if (value === undefined) throw make(TypeError, "ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "${value}" for header "${name}"`);
  if (badChars(value)) throw make(TypeError, "ERR_INVALID_CHAR", `Invalid character in header content ["${name}"]`);
}
const METHODS = ("ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH " +
  "PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE").split(" ");
const unimplemented = (name) => {
  const fn = function () { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
  defineProperty(fn, "name", { value: name });
  return fn;
};
// sent is the error of changing headers that are on their way.
const sent = (verb) => make(Error, "ERR_HTTP_HEADERS_SENT", `Cannot ${verb} headers after they are sent to the client`);

// ports are the servers that listen, each with fetch(request, env, ctx).
const ports = new Map();
return {
  isToken, badChars, badToken, validateHeaderName, validateHeaderValue, METHODS, STATUS_CODES: native.statuses(), unimplemented, sent, ports,
  kIncomingMessage: Symbol("IncomingMessage"), kServerResponse: Symbol("ServerResponse"),
};
