
// node:buffer.
const {
  setPrototypeOf, defineProperty, defineProperties, isArray, hasOwn, typedArrayByteLength, typedArrayTag, typedArrayLength, isView, isAnyArrayBuffer,
  push, join, keys, inspect, inWorker, getOwnPropertyNames, typedArrayBuffer, typedArrayByteOffset,
} = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_UNKNOWN_ENCODING, ERR_BUFFER_OUT_OF_BOUNDS, ERR_INVALID_BUFFER_SIZE, ERR_INVALID_STATE, make } = require("internal/codes");
const { validateNumber, validateString } = require("internal/validators");
const customInspect = Symbol.for("nodejs.util.inspect.custom");
const Bytes = Uint8Array;
const { subarray } = Bytes.prototype.__proto__;
const typedFill = Bytes.prototype.fill;

const kMaxLength = 2147483647;
const kStringMaxLength = 536870888;
const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: kStringMaxLength };
let inspectMaxBytes = 50;

const isUint8Array = (v) => typedArrayTagOf(v) === "Uint8Array";
const typedArrayTagOf = (v) => (typeof v === "object" && v !== null && isView(v) ? typedArrayTag(v) : undefined);

function checkSize(size) {
  validateNumber(size, "size");
  if (!(size >= 0 && size <= kMaxLength)) throw new ERR_OUT_OF_RANGE("size", `>= 0 && <= ${kMaxLength}`, size);
}

function Buffer(value, encodingOrOffset, length) {
  if (typeof value === "number") {
    if (typeof encodingOrOffset === "string") throw new ERR_INVALID_ARG_TYPE("string", "string", value);
    return allocUnsafe(value);
  }
  return from(value, encodingOrOffset, length);
}
setPrototypeOf(Buffer, Bytes);
// Instances are Uint8Arrays, and so are those that methods of Uint8Array make.
class FastBuffer extends Bytes {}
Buffer.prototype = FastBuffer.prototype;
defineProperty(Buffer, "prototype", { value: FastBuffer.prototype, writable: false, enumerable: false, configurable: false });
const proto = FastBuffer.prototype;
defineProperty(proto, "constructor", { value: Buffer, writable: true, enumerable: false, configurable: true });
defineProperty(Buffer, Symbol.species, { get() { return FastBuffer; }, configurable: true, enumerable: false });
native.setPrototype(proto);
const { adopt } = native;
defineProperty(Buffer, "poolSize", { value: 0, writable: true, enumerable: true, configurable: true });

const create = (n) => adopt(new Bytes(n));

function from(value, encodingOrOffset, length) {
  if (typeof value === "string") return fromString(value, encodingOrOffset);
  if (typeof value === "object" && value !== null) {
    if (isAnyArrayBuffer(value)) return fromArrayBuffer(value, encodingOrOffset, length);
    const primitive = value.valueOf && value.valueOf();
    if (primitive !== null && primitive !== undefined && primitive !== value && (typeof primitive === "string" || typeof primitive === "object")) {
      return from(primitive, encodingOrOffset, length);
    }
    const made = fromObject(value);
    if (made) return made;
    if (typeof value[Symbol.toPrimitive] === "function") {
      const text = value[Symbol.toPrimitive]("string");
      if (typeof text === "string") return fromString(text, encodingOrOffset);
    }
  }
  throw new ERR_INVALID_ARG_TYPE("first argument", ["string", "Buffer", "ArrayBuffer", "Array", "Array-like Object"], value);
}

function fromString(text, encoding) {
  if (typeof encoding !== "string" || encoding.length === 0) return native.fromString(text, "utf8");
  return native.fromString(text, encoding);
}

function fromArrayBuffer(buffer, offset, length) {
  if (offset === undefined) offset = 0;
  else {
    offset = +offset;
    if (offset !== offset) offset = 0;
  }
  const most = buffer.byteLength - offset;
  if (most < 0) throw new ERR_BUFFER_OUT_OF_BOUNDS("offset");
  if (length === undefined) length = most;
  else {
    length = +length;
    if (length > 0) {
      if (length > most) throw new ERR_BUFFER_OUT_OF_BOUNDS("length");
    } else length = 0;
  }
  return adopt(new Bytes(buffer, offset, length));
}

function fromArrayLike(list) {
  const n = +list.length;
  if (!(n > 0)) return create(0);
  return adopt(new Bytes(list));
}

function fromObject(value) {
  if (value.length !== undefined || isAnyArrayBuffer(value.buffer)) {
    if (typeof value.length !== "number") return create(0);
    if (isUint8Array(value)) {
      const out = create(typedArrayLength(value));
      native.copy(value, out, 0, 0);
      return out;
    }
    return fromArrayLike(value);
  }
  if (value.type === "Buffer" && isArray(value.data)) return fromArrayLike(value.data);
}

function alloc(size, fill, encoding) {
  checkSize(size);
  const buf = create(size);
  if (fill !== undefined && fill !== 0 && size > 0) {
    fillWith(buf, fill, 0, size, encoding);
  }
  return buf;
}
function allocUnsafe(size) {
  checkSize(size);
  return create(size);
}
function SlowBuffer(size) {
  checkSize(size);
  return create(size);
}
setPrototypeOf(SlowBuffer.prototype, Bytes.prototype);
setPrototypeOf(SlowBuffer, Bytes);

const isBuffer = (b) => b instanceof Buffer;

function isEncoding(name) {
  return typeof name === "string" && name.length !== 0 && native.encoding(name) !== undefined;
}

// normalize is the canonical name of an encoding; undefined where there is none.
function normalize(name) {
  if (name === undefined || name === null || name === "" || name === "utf8") return "utf8";
  if (typeof name !== "string") return undefined;
  return native.encoding(name);
}

function byteLength(value, encoding) {
  if (typeof value !== "string") {
    if (typeof value === "object" && value !== null) {
      if (isView(value) || isAnyArrayBuffer(value)) return value.byteLength;
    }
    throw new ERR_INVALID_ARG_TYPE("string", ["string", "Buffer", "ArrayBuffer"], value);
  }
  if (value.length === 0) return 0;
  return native.byteLength(value, normalize(encoding) ?? "utf8");
}

function compare(a, b) {
  if (!isUint8Array(a)) throw new ERR_INVALID_ARG_TYPE("buf1", ["Buffer", "Uint8Array"], a);
  if (!isUint8Array(b)) throw new ERR_INVALID_ARG_TYPE("buf2", ["Buffer", "Uint8Array"], b);
  return a === b ? 0 : native.compare(a, b);
}

function concat(list, length) {
  if (!isArray(list)) throw new ERR_INVALID_ARG_TYPE("list", "Array", list);
  if (list.length === 0) return create(0);
  if (length === undefined) {
    length = 0;
    for (let i = 0; i < list.length; i++) if (list[i].length) length += list[i].length;
  } else {
    validateOffset(length, "length", 0, kMaxLength);
  }
  // Getters run before the first byte is read: they may change how long the others are.
  const parts = [];
  for (let i = 0; i < list.length; i++) {
    const part = list[i];
    if (!isUint8Array(part)) throw new ERR_INVALID_ARG_TYPE(`list[${i}]`, ["Buffer", "Uint8Array"], part);
    defineProperty(parts, i, { value: part, writable: true, enumerable: true, configurable: true });
  }
  const out = create(length);
  let at = 0;
  for (let i = 0; i < parts.length; i++) at += native.copy(parts[i], out, at, 0);
  return out;
}

function validateOffset(value, name, min = 0, max = kMaxLength) {
  if (typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  if (!Number.isInteger(value)) throw new ERR_OUT_OF_RANGE(name, "an integer", value);
  if (value < min || value > max) throw new ERR_OUT_OF_RANGE(name, `>= ${min} && <= ${max}`, value);
}

const statics = {
  from(value, encodingOrOffset, length) { return from(value, encodingOrOffset, length); },
  alloc, allocUnsafe, allocUnsafeSlow(size) { return allocUnsafe(size); }, isBuffer, isEncoding, byteLength, compare, concat,
  of(...items) {
    const buf = create(items.length);
    for (let i = 0; i < items.length; i++) buf[i] = items[i];
    return buf;
  },
  copyBytesFrom(view, offset, length) {
    const tag = typedArrayTagOf(view);
    if (tag === undefined) throw new ERR_INVALID_ARG_TYPE("view", ["TypedArray"], view);
    const count = typedArrayLength(view);
    if (count === 0) return create(0);
    if (offset !== undefined || length !== undefined) {
      if (offset !== undefined) {
        validateOffset(offset, "offset", 0);
        if (offset >= count) return create(0);
      } else offset = 0;
      let end = count;
      if (length !== undefined) {
        validateOffset(length, "length", 0);
        end = Math.min(offset + length, count);
      }
      view = subarray.call(view, offset, end);
    }
    const out = create(typedArrayByteLength(view));
    native.copy(new Bytes(typedArrayBuffer(view), typedArrayByteOffset(view), typedArrayByteLength(view)), out, 0, 0);
    return out;
  },
};
for (const name of keys(statics)) defineProperty(Buffer, name, { value: statics[name], writable: true, enumerable: true, configurable: true });

function toInteger(value, fallback) {
  const n = +value;
  return n !== n ? fallback : Math.trunc(n);
}

function bidirectional(buf, value, offset, encoding, forward) {
  if (!isView(buf)) throw new ERR_INVALID_ARG_TYPE("buffer", ["Buffer", "TypedArray", "DataView"], buf);
  if (typeof offset === "string") {
    encoding = offset;
    offset = undefined;
  }
  offset = +offset;
  if (offset !== offset) offset = forward ? 0 : buf.length;
  else if (offset > 0x7fffffff) offset = 0x7fffffff;
  else if (offset < -0x80000000) offset = -0x80000000;
  offset = Math.trunc(offset);
  if (typeof value === "number") return native.indexOf(buf, value >>> 0, offset, "latin1", forward);
  const e = normalize(encoding);
  if (typeof value === "string") {
    if (e === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
    return native.indexOf(buf, value, offset, e, forward);
  }
  if (isUint8Array(value)) return native.indexOf(buf, value, offset, e ?? "utf8", forward);
  throw new ERR_INVALID_ARG_TYPE("value", ["number", "string", "Buffer", "Uint8Array"], value);
}

function fillWith(buf, value, offset, end, encoding) {
  if (typeof value === "string") {
    if (offset === undefined || typeof offset === "string") {
      encoding = offset;
      offset = 0;
      end = buf.length;
    } else if (typeof end === "string") {
      encoding = end;
      end = buf.length;
    }
    const e = normalize(encoding);
    if (e === undefined) {
      if (typeof encoding !== "string") throw new ERR_INVALID_ARG_TYPE("encoding", "string", encoding);
      throw new ERR_UNKNOWN_ENCODING(encoding);
    }
    encoding = e;
    if (value.length === 0) value = 0;
  } else encoding = undefined;
  if (offset === undefined) {
    offset = 0;
    end = buf.length;
  } else {
    validateNumber(offset, "offset", 0);
    if (end === undefined) end = buf.length;
    else validateNumber(end, "end", 0, buf.length);
    if (offset >= end) return buf;
  }
  if (typeof value === "boolean") value = +value;
  if (typeof value !== "string" && !(typeof value === "object" && value !== null && isView(value))) value = +value >>> 0;
  if (buf.length < end || offset > buf.length) throw new ERR_BUFFER_OUT_OF_BOUNDS();
  if (!native.fill(buf, value, offset, end, encoding)) throw new ERR_INVALID_ARG_VALUE("value", value);
  return buf;
}

const swapped = (size) => function () {
  if (this.length % size !== 0) throw new ERR_INVALID_BUFFER_SIZE(`${size * 8}-bits`);
  return native.swap(this, size);
};

const methods = {
  toString(encoding, start, end) {
    const { length } = this;
    if (start === undefined || start <= 0) start = 0;
    else if (start >= length) return "";
    else start = Math.trunc(start) || 0;
    if (end === undefined || end > length) end = length;
    else end = Math.trunc(end) || 0;
    if (end <= start) return "";
    return native.toText(this, encoding === undefined ? "utf8" : `${encoding}`, start, end);
  },
  equals(other) {
    if (!isUint8Array(other)) throw new ERR_INVALID_ARG_TYPE("otherBuffer", ["Buffer", "Uint8Array"], other);
    return this === other || (this.byteLength === other.byteLength && native.compare(this, other) === 0);
  },
  compare(target, targetStart, targetEnd, sourceStart, sourceEnd) {
    if (!isUint8Array(target)) throw new ERR_INVALID_ARG_TYPE("target", ["Buffer", "Uint8Array"], target);
    if (arguments.length === 1) return native.compare(this, target);
    if (targetStart === undefined) targetStart = 0;
    else validateOffset(targetStart, "targetStart");
    if (targetEnd === undefined) targetEnd = target.length;
    else validateOffset(targetEnd, "targetEnd", 0, target.length);
    if (sourceStart === undefined) sourceStart = 0;
    else validateOffset(sourceStart, "sourceStart");
    if (sourceEnd === undefined) sourceEnd = this.length;
    else validateOffset(sourceEnd, "sourceEnd", 0, this.length);
    if (sourceStart >= sourceEnd) return targetStart >= targetEnd ? 0 : -1;
    if (targetStart >= targetEnd) return 1;
    return native.compare(subarray.call(this, sourceStart, sourceEnd), subarray.call(target, targetStart, targetEnd));
  },
  copy(target, targetStart, sourceStart, sourceEnd) {
    if (!isUint8Array(this)) throw new ERR_INVALID_ARG_TYPE("source", ["Buffer", "Uint8Array"], this);
    if (!isUint8Array(target)) throw new ERR_INVALID_ARG_TYPE("target", ["Buffer", "Uint8Array"], target);
    targetStart = targetStart === undefined ? 0 : toInteger(targetStart, 0);
    if (targetStart < 0) throw new ERR_OUT_OF_RANGE("targetStart", ">= 0", targetStart);
    sourceStart = sourceStart === undefined ? 0 : toInteger(sourceStart, 0);
    if (inWorker() ? sourceStart < 0 : sourceStart < 0 || sourceStart > this.length) throw new ERR_OUT_OF_RANGE("sourceStart", inWorker() ? ">= 0" : `>= 0 && <= ${this.length}`, sourceStart);
    sourceEnd = sourceEnd === undefined ? this.length : toInteger(sourceEnd, 0);
    if (sourceEnd < 0) throw new ERR_OUT_OF_RANGE("sourceEnd", ">= 0", sourceEnd);
    if (targetStart >= target.length || sourceStart >= sourceEnd) return 0;
    return native.copy(this, target, targetStart, sourceStart, sourceEnd);
  },
  slice(start, end) {
    const n = this.length;
    const at = (v, fallback) => {
      v = Math.trunc(+v);
      if (v !== v) return fallback;
      return v < 0 ? Math.max(v + n, 0) : Math.min(v, n);
    };
    start = at(start, 0);
    end = end === undefined ? n : at(end, 0);
    return adopt(new Bytes(this.buffer, this.byteOffset + start, end > start ? end - start : 0));
  },
  indexOf(value, offset, encoding) { return bidirectional(this, value, offset, encoding, true); },
  lastIndexOf(value, offset, encoding) { return bidirectional(this, value, offset, encoding, false); },
  includes(value, offset, encoding) { return bidirectional(this, value, offset, encoding, true) !== -1; },
  fill(value, offset, end, encoding) { return fillWith(this, value, offset, end, encoding); },
  write(string, offset, length, encoding) {
    if (typeof string !== "string") throw new ERR_INVALID_ARG_TYPE("argument", "string", string);
    const room = this.length;
    if (offset === undefined) {
      offset = 0;
      length = room;
    } else if (length === undefined && typeof offset === "string") {
      encoding = offset;
      length = room;
      offset = 0;
    } else {
      validateOffset(offset, "offset", 0, room);
      const rest = room - offset;
      if (length === undefined) length = rest;
      else if (typeof length === "string") {
        encoding = length;
        length = rest;
      } else {
        validateOffset(length, "length", 0, room);
        if (length > rest) length = rest;
      }
    }
    const e = normalize(encoding);
    if (e === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
    return native.write(this, string, offset, length, e);
  },
  toJSON() {
    const data = [];
    for (let i = 0; i < this.length; i++) data[i] = this[i];
    return { type: "Buffer", data };
  },
  swap16: swapped(2), swap32: swapped(4), swap64: swapped(8),
  readUIntLE(offset, byteLength) { return native.readVariable(this, offset, byteLength, false, true); },
  readUIntBE(offset, byteLength) { return native.readVariable(this, offset, byteLength, false, false); },
  readIntLE(offset, byteLength) { return native.readVariable(this, offset, byteLength, true, true); },
  readIntBE(offset, byteLength) { return native.readVariable(this, offset, byteLength, true, false); },
  writeUIntLE(value, offset, byteLength) { return native.writeVariable(this, value, offset, byteLength, false, true); },
  writeUIntBE(value, offset, byteLength) { return native.writeVariable(this, value, offset, byteLength, false, false); },
  writeIntLE(value, offset, byteLength) { return native.writeVariable(this, value, offset, byteLength, true, true); },
  writeIntBE(value, offset, byteLength) { return native.writeVariable(this, value, offset, byteLength, true, false); },
};
// subarray is slice, and does not ask the species.
const members = {};
for (const name of keys(methods)) members[name] = { value: methods[name], writable: true, enumerable: true, configurable: true };
members.subarray = members.slice;
members.toLocaleString = members.toString;
defineProperties(proto, members);
native.numberFunctions(proto);
for (const name of getOwnPropertyNames(proto)) {
  // Both spellings exist.
  if (/^(read|write)(Big)?UInt/.test(name)) defineProperty(proto, name.replace("UInt", "Uint"), { value: proto[name], writable: true, enumerable: true, configurable: true });
}
for (const name of ["hex", "utf8", "ascii", "latin1", "ucs2", "base64", "base64url"]) {
  proto[`${name}Slice`] = native[`${name}Slice`];
  proto[`${name}Write`] = function (string, offset = 0, length = this.length - offset) {
    if (typeof string !== "string") throw new ERR_INVALID_ARG_TYPE("argument", "string", string);
    if (offset < 0 || offset > this.length) throw new ERR_BUFFER_OUT_OF_BOUNDS("offset");
    if (length < 0 || length > this.length - offset) throw new ERR_BUFFER_OUT_OF_BOUNDS("length");
    return native.write(this, string, offset, length, name);
  };
}
defineProperties(proto, {
  parent: { enumerable: true, configurable: true, get() { return isBuffer(this) ? this.buffer : undefined; } },
  offset: { enumerable: true, configurable: true, get() { return isBuffer(this) ? this.byteOffset : undefined; } },
});
function inspectBuffer(depth, context) {
  const shown = Math.min(inspectMaxBytes, this.length);
  let text = native.toText(this, "hex", 0, shown).replace(/(..)/g, "$1 ").trim();
  if (this.length > shown) text += ` ... ${this.length - shown} more byte${this.length - shown > 1 ? "s" : ""}`;
  const extra = {};
  let some = false;
  for (const key of keys(this)) {
    if (/^\d+$/.test(key)) continue;
    extra[key] = this[key];
    some = true;
  }
  if (some) {
    if (this.length !== 0) text += ", ";
    const inner = inspect(extra, { ...context, breakLength: Infinity, compact: true });
    text += inner.slice(1, -1).trim();
  }
  return `<${this.constructor?.name ?? "Buffer"} ${text}>`.replace(/ >$/, " >");
}
defineProperty(proto, customInspect, { value: inspectBuffer, writable: true, enumerable: false, configurable: true });
proto.inspect = function (depth, context) { return inspectBuffer.call(this, depth, context); };

const byteSource = (v, name) => {
  if (isView(v) || isAnyArrayBuffer(v)) {
    if (v.byteLength === 0 && native.detached?.(v)) throw new ERR_INVALID_STATE("Cannot validate on a detached buffer");
    return v;
  }
  throw new ERR_INVALID_ARG_TYPE(name, ["ArrayBuffer", "Buffer", "TypedArray"], v);
};
const isUtf8 = (v) => native.isUtf8(byteSource(v, "input"));
const isAscii = (v) => native.isAscii(byteSource(v, "input"));

function transcode(source, fromEncoding, toEncoding) {
  if (!isUint8Array(source)) throw new ERR_INVALID_ARG_TYPE("source", ["Buffer", "Uint8Array"], source);
  const from = normalize(fromEncoding), to = normalize(toEncoding);
  const ok = (e) => e === "utf8" || e === "utf16le" || e === "latin1" || e === "ascii";
  const fails = (code) => make(Error, code, `Unable to transcode ${inWorker() ? "buffer" : "Buffer"} [${code}]`);
  if (!ok(from) || !ok(to)) throw fails("U_ILLEGAL_ARGUMENT_ERROR");
  const invalid = from === "utf8" ? to === "utf16le" && !native.isUtf8(source) : inWorker() && from === "utf16le" && to !== from && source.length % 2 === 1;
  if (invalid) throw fails("U_INVALID_CHAR_FOUND");
  return source.length === 0 ? create(0) : native.transcode(source, from, to);
}

const exports = {
  Buffer, SlowBuffer, constants, kMaxLength, kStringMaxLength, isUtf8, isAscii, transcode,
  resolveObjectURL() { throw new (require("internal/codes").ERR_METHOD_NOT_IMPLEMENTED)("buffer.resolveObjectURL"); },
  atob: globalThis.atob, btoa: globalThis.btoa,
};
for (const name of ["Blob", "File"]) {
  defineProperty(exports, name, { get() { return globalThis[name]; }, enumerable: true, configurable: true });
}
defineProperty(exports, "INSPECT_MAX_BYTES", {
  get() { return inspectMaxBytes; },
  set(v) { validateNumber(v, "INSPECT_MAX_BYTES", 0); inspectMaxBytes = v; },
  enumerable: true, configurable: true,
});
defineProperty(exports, "normalize", { value: normalize, enumerable: false });
return exports;
