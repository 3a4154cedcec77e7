
// What the modules of node:http share.
const { make, ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { isArray, regExpTest, stringToLowerCase, defineProperty } = primordials;
const { hasOwn } = Object;

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

// Of these headers only the first counts; of all others the values are joined.
const single = new Set(("age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since last-modified location " +
  "max-forwards proxy-authorization referer retry-after server user-agent").split(" "));
// addLine takes a header that has arrived into an object of headers; join says that all are joined.
function addLine(to, field, value, join) {
  field = stringToLowerCase(`${field}`);
  const have = hasOwn(to, field) ? to[field] : undefined;
  if (field === "set-cookie") {
    if (have === undefined) to[field] = [value];
    else have.push(value);
  } else if (single.has(field) && !join) {
    if (have === undefined) to[field] = value;
  } else {
    to[field] = typeof have === "string" ? `${have}${field === "cookie" ? "; " : ", "}${value}` : value;
  }
}
// addDistinct does so with lists of all values.
function addDistinct(to, field, value) {
  field = stringToLowerCase(field);
  if (hasOwn(to, field)) to[field].push(value);
  else to[field] = [value];
}

// ports are the servers that listen, each with fetch(request, env, ctx).
const ports = new Map();
return {
  isToken, badChars, badToken, validateHeaderName, validateHeaderValue, METHODS, STATUS_CODES: native.statuses(), unimplemented, sent, addLine, addDistinct, ports,
  kIncomingMessage: Symbol("IncomingMessage"), kServerResponse: Symbol("ServerResponse"),
};
