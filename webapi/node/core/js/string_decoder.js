
// node:string_decoder: text from bytes that come in pieces.
const { ERR_INVALID_ARG_TYPE, ERR_UNKNOWN_ENCODING, make } = require("internal/codes");
const { Buffer, normalize } = require("node:buffer");
const { isView, defineProperties } = primordials;
const kDecoder = Symbol("decoder");

function StringDecoder(encoding) {
  const name = normalize(encoding);
  if (name === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
  this.encoding = name;
  this[kDecoder] = { pending: Buffer.alloc(0), total: 0, last: Buffer.alloc(4) };
}
const stateOf = (d) => {
  const s = d?.[kDecoder];
  if (s === undefined || s === null || typeof s === "object" && !isView(s.pending)) throw make(Error, "ERR_INTERNAL_ASSERTION", "Invalid StringDecoder");
  return s;
};

// whole is how many bytes of b can be decoded now; need is what the rest lacks.
function whole(encoding, b) {
  const n = b.length;
  switch (encoding) {
    case "utf16le": {
      let end = n & ~1;
      // The first half of a surrogate pair waits for the other.
      if (end >= 2 && (b[end - 1] & 0xfc) === 0xd8) end -= 2;
      return end;
    }
    case "base64":
    case "base64url":
      return n - (n % 3);
    case "utf8": {
      for (let back = 1; back <= Math.min(3, n); back++) {
        const c = b[n - back];
        if ((c & 0xc0) === 0x80) continue;
        const need = c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 1;
        if (need > back && native.incomplete(b.subarray(n - back))) return n - back;
        return n;
      }
      return n;
    }
  }
  return n;
}
const missing = (encoding, b) => {
  if (b.length === 0) return 0;
  switch (encoding) {
    case "utf16le": return b.length % 2 === 1 ? 1 : 2;
    case "base64":
    case "base64url": return 3 - b.length;
    case "utf8": return (b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2) - b.length;
  }
  return 0;
};

StringDecoder.prototype.write = function write(chunk) {
  if (typeof chunk === "string") return chunk;
  if (!isView(chunk)) throw new ERR_INVALID_ARG_TYPE("buf", ["Buffer", "TypedArray", "DataView"], chunk);
  const s = stateOf(this);
  let b = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (s.pending.length > 0) b = Buffer.concat([s.pending, b]);
  const end = whole(this.encoding, b);
  s.pending = Buffer.from(b.subarray(end));
  s.total = s.pending.length === 0 ? 0 : s.pending.length + missing(this.encoding, s.pending);
  s.pending.copy(s.last);
  return b.toString(this.encoding, 0, end);
};
StringDecoder.prototype.end = function end(chunk) {
  let text = chunk === undefined ? "" : this.write(chunk);
  const s = stateOf(this);
  if (s.pending.length > 0) text += s.pending.toString(this.encoding);
  s.pending = Buffer.alloc(0);
  s.total = 0;
  return text;
};
StringDecoder.prototype.text = function text(chunk, offset) {
  const s = stateOf(this);
  s.pending = Buffer.alloc(0);
  s.total = 0;
  return this.write(chunk.slice(offset));
};
defineProperties(StringDecoder.prototype, {
  lastChar: { configurable: true, enumerable: true, get() { return stateOf(this).last; } },
  lastNeed: { configurable: true, enumerable: true, get() { const s = stateOf(this); return s.pending.length === 0 ? 0 : missing(this.encoding, s.pending); } },
  lastTotal: { configurable: true, enumerable: true, get() { return stateOf(this).total; } },
});
return { StringDecoder };
