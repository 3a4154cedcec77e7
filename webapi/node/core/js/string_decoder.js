// node:string_decoder: text from bytes that come in pieces. What a decoder keeps is one small
// Buffer: the bytes of a character that is not whole, how many it lacks, how many there are, and
// the encoding. Scripts find it, so nothing of it is believed.
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_THIS, ERR_UNKNOWN_ENCODING } = require("internal/codes");
const { Buffer, normalize } = require("node:buffer");
const { isView, defineProperties, typedArrayTag, typedArrayLength, indexOf, apply } = primordials;
const kState = Symbol("kNativeDecoder");
const room = 4, MISSING = 4, BUFFERED = 5, ENCODING = 6, size = 7;
const encodings = ["ascii", "latin1", "utf8", "utf16le", "base64", "base64url", "hex"];

function StringDecoder(encoding) {
  const name = normalize(encoding);
  if (name === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
  this[kState] = Buffer.alloc(size);
  this[kState][ENCODING] = indexOf(encodings, name);
  this.encoding = name;
}

function stateOf(decoder) {
  const s = decoder?.[kState];
  if (s === undefined) throw new ERR_INVALID_THIS("StringDecoder");
  return s;
}

// checked is the state where it is one, and the encoding.
function checked(decoder) {
  const s = stateOf(decoder);
  if (typeof s !== "object" || s === null || !isView(s) || typedArrayTag(s) !== "Uint8Array" || typedArrayLength(s) !== size) throw new TypeError("Invalid StringDecoder");
  const encoding = encodings[s[ENCODING]];
  if (encoding === undefined) throw new Error("Invalid StringDecoder state");
  if (s[BUFFERED] > room) throw new Error("Buffered bytes cannot exceed 4");
  if (s[MISSING] > room) throw new Error("Missing bytes cannot exceed 4");
  if (s[MISSING] > 0 && s[MISSING] + s[BUFFERED] > room || s[MISSING] === 0 && s[BUFFERED] > 0) throw new Error("Invalid StringDecoder state");
  return { s, encoding };
}

const isLead = (high) => (high & 0xfc) === 0xd8; // the upper byte of the first half of a pair

// part is how many bytes at an end begin a character, and how many it lacks.
const part = (kept, lacks) => ({ kept, lacks }), none = part(0, 0);

// utf8Tail is the part at the end of b[at..].
function utf8Tail(b, at) {
  const last = b.length - 1;
  if (b[last] < 0x80) return none;
  for (let n = 1; n <= room && last - n + 1 >= at; n++) {
    const c = b[last - n + 1];
    if ((c & 0xc0) === 0x80) continue;
    const whole = (c & 0xe0) === 0xc0 ? 2 : (c & 0xf0) === 0xe0 ? 3 : (c & 0xf8) === 0xf0 ? 4 : 0;
    return n < whole ? part(n, whole - n) : none;
  }
  return none;
}

function tail(encoding, b, at) {
  const n = b.length - at;
  switch (encoding) {
    case "utf8": return utf8Tail(b, at);
    case "utf16le": return n % 2 === 1 ? part(1, 1) : isLead(b[b.length - 1]) ? part(2, 2) : none;
    default: return n % 3 === 0 ? none : part(n % 3, 3 - n % 3); // the kinds of base64
  }
}

StringDecoder.prototype.write = function write(chunk) {
  if (typeof chunk === "string") return chunk;
  stateOf(this);
  if (!isView(chunk)) throw new ERR_INVALID_ARG_TYPE("buf", ["Buffer", "TypedArray", "DataView"], chunk);
  const { s, encoding } = checked(this);
  const b = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (encoding === "ascii" || encoding === "latin1" || encoding === "hex") return b.toString(encoding);
  if (b.length === 0) return "";
  let at = 0, text = "";
  if (s[MISSING] > 0) {
    const most = Math.min(s[MISSING], b.length);
    while (at < most && (encoding !== "utf8" || (b[at] & 0xc0) === 0x80)) s[s[BUFFERED]++] = b[at++];
    s[MISSING] = at < most ? 0 : s[MISSING] - at; // a byte that does not belong to it ends a character
    if (s[MISSING] > 0) return "";
    if (encoding === "utf16le" && s[BUFFERED] === 2 && isLead(s[1])) {
      s[MISSING] = 2;
      return apply(write, this, [b.subarray(at)]);
    }
    text = s.toString(encoding, 0, s[BUFFERED]);
    s[BUFFERED] = 0;
  }
  if (at === b.length) return text;
  const { kept, lacks } = tail(encoding, b, at);
  const end = b.length - kept;
  b.copy(s, 0, end);
  s[BUFFERED] = kept;
  s[MISSING] = lacks;
  return text + b.toString(encoding, at, end);
};
StringDecoder.prototype.end = function end(chunk) {
  stateOf(this);
  let text = chunk === undefined ? "" : this.write(chunk);
  const { s, encoding } = checked(this);
  // Half a unit of UTF-16 is no text.
  const n = encoding === "utf16le" ? s[BUFFERED] & ~1 : s[BUFFERED];
  if (n > 0) text += s.toString(encoding, 0, n);
  s[BUFFERED] = s[MISSING] = 0;
  return text;
};
StringDecoder.prototype.text = function text(chunk, offset) {
  const s = stateOf(this);
  s[MISSING] = s[BUFFERED] = 0;
  return this.write(chunk.slice(offset));
};
defineProperties(StringDecoder.prototype, {
  lastChar: { configurable: true, enumerable: true, get() { return stateOf(this).subarray(0, room); } },
  lastNeed: { configurable: true, enumerable: true, get() { return stateOf(this)[MISSING]; } },
  lastTotal: { configurable: true, enumerable: true, get() { const s = stateOf(this); return s[MISSING] + s[BUFFERED]; } },
});
return { StringDecoder };
