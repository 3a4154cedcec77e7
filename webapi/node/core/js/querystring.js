
// node:querystring.
const { ERR_INVALID_URI } = require("internal/codes");
const { Buffer } = require("node:buffer");
const { isArray, keys, stringCharCodeAt, stringSlice, stringReplaceAll, regExpTest } = primordials;

const hex = (c) => (c >= 48 && c <= 57 ? c - 48 : c >= 65 && c <= 70 ? c - 55 : c >= 97 && c <= 102 ? c - 87 : -1);

// unescapeBuffer turns %xx into bytes and leaves what is no escape.
function unescapeBuffer(text, decodeSpaces) {
  text = `${text}`;
  const out = Buffer.allocUnsafe(text.length);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    let c = stringCharCodeAt(text, i);
    if (c === 43 && decodeSpaces) c = 32;
    else if (c === 37 && i + 2 < text.length + 0) {
      const h = hex(stringCharCodeAt(text, i + 1)), l = hex(stringCharCodeAt(text, i + 2));
      if (h >= 0 && l >= 0) {
        c = h * 16 + l;
        i += 2;
      }
    }
    out[at++] = c;
  }
  return out.slice(0, at);
}
function unescape(text, decodeSpaces) {
  try {
    return decodeURIComponent(text);
  } catch {
    return querystring.unescapeBuffer(text, decodeSpaces).toString();
  }
}

function escape(text) {
  if (typeof text !== "string") text = typeof text === "object" ? String(text) : text + "";
  const out = native.escape(text);
  if (out === undefined) throw new ERR_INVALID_URI();
  return out;
}

function primitive(v) {
  if (typeof v === "string") return v;
  if (typeof v === "number" && isFinite(v)) return `${v}`;
  if (typeof v === "bigint") return `${v}`;
  if (typeof v === "boolean") return v ? "true" : "false";
  return "";
}

function stringify(obj, sep, eq, options) {
  sep = sep || "&";
  eq = eq || "=";
  const encode = typeof options?.encodeURIComponent === "function" ? options.encodeURIComponent : querystring.escape;
  const convert = (v) => encode(primitive(v));
  if (obj === null || typeof obj !== "object") return "";
  const parts = [];
  for (const key of keys(obj)) {
    const value = obj[key], name = convert(key) + eq;
    if (isArray(value)) for (const v of value) parts[parts.length] = name + convert(v);
    else parts[parts.length] = name + convert(value);
  }
  return parts.join(sep);
}

const charCodes = (s) => (s.length === 0 ? [] : Array.from({ length: s.length }, (_, i) => s.charCodeAt(i)));

function parse(text, sep, eq, options) {
  const out = { __proto__: null };
  if (typeof text !== "string" || text.length === 0) return out;
  sep = sep ? String(sep) : "&";
  eq = eq ? String(eq) : "=";
  let pairs = 1000;
  if (options && typeof options.maxKeys === "number") pairs = options.maxKeys;
  let decode = querystring.unescape;
  if (options && typeof options.decodeURIComponent === "function") decode = options.decodeURIComponent;
  const custom = decode !== unescape;
  const decoded = (s) => {
    if (custom) {
      s = stringReplaceAll(s, "+", "%20");
      try {
        return decode(s);
      } catch {
        return unescape(s, true);
      }
    }
    s = stringReplaceAll(s, "+", " ");
    return regExpTest(/%[0-9a-fA-F]{2}/, s) ? unescape(s, true) : s;
  };
  const add = (key, value) => {
    key = decoded(key);
    value = decoded(value);
    const have = out[key];
    if (have === undefined) out[key] = value;
    else if (isArray(have)) have[have.length] = value;
    else out[key] = [have, value];
  };
  // Every separator counts, also one with nothing before it; what follows the last one does not.
  const list = text.split(sep);
  for (let i = 0; i < list.length; i++) {
    const part = list[i];
    if (part !== "") {
      const at = part.indexOf(eq);
      if (at < 0) add(part, "");
      else add(stringSlice(part, 0, at), stringSlice(part, at + eq.length));
    }
    if (i < list.length - 1 && --pairs === 0) break;
  }
  return out;
}

const querystring = { unescapeBuffer, unescape, escape, stringify, encode: stringify, parse, decode: parse };
return querystring;
