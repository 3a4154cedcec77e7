// node:zlib: a class, a function that makes one, and functions for whole values, for
// each direction of each format.
const { Zlib, Brotli, Zstd, whole, crc32: native32 } = require("internal/zlib");
const { constants, codes, numbers: N } = require("internal/zlib_constants");
const { Buffer } = require("node:buffer");
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { validateUint32 } = require("internal/validators");
const { isView, objectToString } = primordials;

function crc32(data, value = 0) {
  validateUint32(value, "value");
  return native32(data, value);
}

class Gzip extends Zlib { constructor(options) { super(options, N.GZIP); } }
class Gunzip extends Zlib { constructor(options) { super(options, N.GUNZIP); } }
class Deflate extends Zlib { constructor(options) { super(options, N.DEFLATE); } }
class DeflateRaw extends Zlib { constructor(options) { super(options, N.DEFLATERAW); } }
class Inflate extends Zlib { constructor(options) { super(options, N.INFLATE); } }
class InflateRaw extends Zlib { constructor(options) { super(options, N.INFLATERAW); } }
class Unzip extends Zlib { constructor(options) { super(options, N.UNZIP); } }
class BrotliCompress extends Brotli { constructor(options) { super(options, N.BROTLI_ENCODE); } }
class BrotliDecompress extends Brotli { constructor(options) { super(options, N.BROTLI_DECODE); } }
class ZstdCompress extends Zstd { constructor(options) { super(options, N.ZSTD_ENCODE); } }
class ZstdDecompress extends Zstd { constructor(options) { super(options, N.ZSTD_DECODE); } }

const formats = [
  ["gzip", Gzip, N.GZIP], ["gunzip", Gunzip, N.GUNZIP], ["deflate", Deflate, N.DEFLATE], ["deflateRaw", DeflateRaw, N.DEFLATERAW],
  ["inflate", Inflate, N.INFLATE], ["inflateRaw", InflateRaw, N.INFLATERAW], ["unzip", Unzip, N.UNZIP],
  ["brotliCompress", BrotliCompress, N.BROTLI_ENCODE], ["brotliDecompress", BrotliDecompress, N.BROTLI_DECODE],
  ["zstdCompress", ZstdCompress, N.ZSTD_ENCODE], ["zstdDecompress", ZstdDecompress, N.ZSTD_DECODE],
];

// run gives the result, with the stream that made it where options ask for that.
function run(Class, mode, data, options) {
  if (!options.info) return whole(mode, data, options);
  if (typeof data === "string") data = Buffer.from(data);
  else if (!isView(data)) {
    if (objectToString(data) !== "[object ArrayBuffer]") throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "Buffer", "TypedArray", "DataView", "ArrayBuffer"], data);
    data = Buffer.from(data);
  }
  const engine = new Class(options);
  return { buffer: engine._processChunk(data, engine._finishFlushFlag), engine };
}

function checkData(data) {
  if (typeof data !== "string" && !isView(data) && objectToString(data) !== "[object ArrayBuffer]") {
    throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "Buffer", "TypedArray", "DataView", "ArrayBuffer"], data);
  }
}

const exports_ = { crc32, codes, constants };
Object.assign(exports_, N);
for (const [, Class] of formats) exports_[Class.name] = Class;
for (const [, Class] of formats) {
  const name = `create${Class.name}`;
  exports_[name] = { [name](options) { return new Class(options); } }[name];
}
for (const [name, Class, mode] of formats) {
  const later = {
    [name](data, options, callback) {
      if (typeof options === "function") {
        callback = options;
        options = {};
      } else if (typeof callback !== "function") {
        throw new ERR_INVALID_ARG_TYPE("callback", "Function", callback);
      }
      checkData(data);
      let error = null, result;
      try {
        result = run(Class, mode, data, options ?? {});
      } catch (e) {
        error = e;
      }
      queueMicrotask(() => (error === null ? callback(null, result) : callback(error)));
    },
  }[name];
  const now = { [`${name}Sync`](data, options) { return run(Class, mode, data, options ?? {}); } }[`${name}Sync`];
  exports_[name] = later;
  exports_[`${name}Sync`] = now;
}
return exports_;
