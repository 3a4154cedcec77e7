// The classes of node:zlib. Each drives a handle: a coder that takes input, fills
// output and says how much of both is left.
const { Transform, finished } = require("node:stream");
const { nextTick } = require("internal/process");
const { Buffer, kMaxLength } = require("node:buffer");
const { numbers: N } = require("internal/zlib_constants");
const { make, ERR_BUFFER_TOO_LARGE, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } = require("internal/codes");
const { isView, objectToString, keys } = primordials;
const { allocUnsafe, concat, from } = Buffer;
const { isFinite, isNaN } = Number;

const handles = native.handles();
const kFlush = Symbol("kFlushFlag"), kError = Symbol("kError"), kOwner = Symbol("owner");

function ok(value, message) {
  if (!value) require("node:assert").ok(value, message);
}

// finite reports whether a number was given; NaN is as good as none.
function finite(value, name) {
  if (value === undefined || isNaN(value)) return false;
  if (isFinite(value)) return true;
  if (typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  throw new ERR_OUT_OF_RANGE(name, "a finite number", value);
}
function typed(value, name) {
  if (value !== undefined && value !== null && typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  return value ?? undefined;
}
// within checks a number, and is fallback where there is none.
function within(value, name, least, most, fallback) {
  if (!finite(typed(value, name), name)) return fallback;
  if (value < least || value > most) throw new ERR_OUT_OF_RANGE(name, `>= ${least} and <= ${most}`, value);
  return value;
}

// An error of the data, or of what a coder was made for.
function failed(errno, code, message) {
  const e = code === "ERR_BUFFER_TOO_LARGE" ? new RangeError(message) : new Error(message);
  if (code !== "ERR_BUFFER_TOO_LARGE") e.errno = errno;
  e.code = code;
  return e;
}

// What the formats have as flushes: the least and the most, and for usual input, the
// end, and flush().
const zlibFlushes = { least: N.Z_NO_FLUSH, most: N.Z_BLOCK, usual: N.Z_NO_FLUSH, finish: N.Z_FINISH, full: N.Z_FULL_FLUSH };
const brotliFlushes = {
  least: N.BROTLI_OPERATION_PROCESS, most: N.BROTLI_OPERATION_EMIT_METADATA,
  usual: N.BROTLI_OPERATION_PROCESS, finish: N.BROTLI_OPERATION_FINISH, full: N.BROTLI_OPERATION_FLUSH,
};
const zstdFlushes = { least: N.ZSTD_e_continue, most: N.ZSTD_e_end, usual: N.ZSTD_e_continue, finish: N.ZSTD_e_end, full: N.ZSTD_e_flush };

function flushesOf(mode) {
  if (mode === N.BROTLI_ENCODE || mode === N.BROTLI_DECODE) return brotliFlushes;
  return mode === N.ZSTD_ENCODE || mode === N.ZSTD_DECODE ? zstdFlushes : zlibFlushes;
}

// common checks the options of all formats.
function common(options, mode, mostOutput) {
  const f = flushesOf(mode);
  let chunkSize = N.Z_DEFAULT_CHUNK;
  if (finite(typed(options.chunkSize, "options.chunkSize"), "options.chunkSize")) {
    chunkSize = options.chunkSize;
    if (chunkSize < N.Z_MIN_CHUNK) throw new ERR_OUT_OF_RANGE("options.chunkSize", `>= ${N.Z_MIN_CHUNK}`, chunkSize);
    if (chunkSize > N.Z_MAX_CHUNK) throw new ERR_OUT_OF_RANGE("options.chunkSize", `>= ${N.Z_MIN_CHUNK} and <= ${N.Z_MAX_CHUNK}`, chunkSize);
  }
  return {
    chunkSize,
    flush: within(options.flush, "options.flush", f.least, f.most, f.usual),
    finishFlush: within(options.finishFlush, "options.finishFlush", f.least, f.most, f.finish),
    maxOutputLength: within(options.maxOutputLength, "options.maxOutputLength", 1, mostOutput, mostOutput),
  };
}

// settings checks the options of DEFLATE.
function settings(options, mode) {
  const s = { windowBits: N.Z_DEFAULT_WINDOWBITS, level: N.Z_DEFAULT_COMPRESSION, memLevel: N.Z_DEFAULT_MEMLEVEL, strategy: N.Z_DEFAULT_STRATEGY, dictionary: undefined };
  if (options === null || options === undefined) return s;
  const { windowBits } = options;
  if (!windowBits && windowBits !== "" && windowBits !== false && (mode === N.INFLATE || mode === N.GUNZIP || mode === N.UNZIP)) s.windowBits = 0; // that of the data
  else {
    s.windowBits = within(windowBits, "options.windowBits", N.Z_MIN_WINDOWBITS + (mode === N.GZIP ? 1 : 0), N.Z_MAX_WINDOWBITS, N.Z_DEFAULT_WINDOWBITS);
  }
  if (mode === N.DEFLATERAW && s.windowBits === 8) s.windowBits = 9; // as node does
  s.level = within(options.level, "options.level", N.Z_MIN_LEVEL, N.Z_MAX_LEVEL, N.Z_DEFAULT_COMPRESSION);
  s.memLevel = within(options.memLevel, "options.memLevel", N.Z_MIN_MEMLEVEL, N.Z_MAX_MEMLEVEL, N.Z_DEFAULT_MEMLEVEL);
  s.strategy = within(options.strategy, "options.strategy", N.Z_DEFAULT_STRATEGY, N.Z_FIXED, N.Z_DEFAULT_STRATEGY);
  const { dictionary } = options;
  if (dictionary !== undefined && !isView(dictionary)) {
    if (objectToString(dictionary) !== "[object ArrayBuffer]") {
      throw new ERR_INVALID_ARG_TYPE("options.dictionary", ["Buffer", "TypedArray", "DataView", "ArrayBuffer"], dictionary);
    }
  }
  s.dictionary = dictionary;
  return s;
}

// parameters is a list of the parameters of Brotli or Zstandard: key, value, key, value.
function parameters(options, most, format) {
  const out = [], seen = { __proto__: null }, params = options?.params;
  if (params === undefined || params === null) return out;
  for (const text of keys(params)) {
    const key = +text;
    if (isNaN(key) || key < 0 || key > most || key !== (key | 0) || seen[key]) {
      throw make(RangeError, format === "Zstd" ? "ERR_ZSTD_INVALID_PARAM" : "ERR_BROTLI_INVALID_PARAM", `${text} is not a valid ${format} parameter`);
    }
    const value = params[text];
    if (typeof value !== "number" && typeof value !== "boolean") throw new ERR_INVALID_ARG_TYPE("options.params[key]", "number", value);
    seen[key] = true;
    out[out.length] = key;
    out[out.length] = +value;
  }
  return out;
}
const mostParam = { [N.BROTLI_ENCODE]: N.BROTLI_PARAM_NDIRECT, [N.BROTLI_DECODE]: N.BROTLI_PARAM_NDIRECT, [N.ZSTD_ENCODE]: N.ZSTD_c_overlapLog, [N.ZSTD_DECODE]: N.ZSTD_d_windowLogMax };

// Flushes that come from flush() travel as empty chunks, in order with the others.
const strength = [];
[N.Z_NO_FLUSH, N.Z_BLOCK, N.Z_PARTIAL_FLUSH, N.Z_SYNC_FLUSH, N.Z_FULL_FLUSH, N.Z_FINISH].forEach((f, i) => { strength[f] = i; });
const stronger = (a, b) => (strength[a] > strength[b] ? a : b);
function flushChunk(flag) {
  const chunk = Buffer.alloc(0);
  chunk[kFlush] = flag;
  return chunk;
}

// next gives a write's remaining input to the handle again.
function again(handle, self) {
  handle.write(handle.flushFlag, handle.buffer, handle.inOff, handle.availInBefore, self._outBuffer, self._outOffset, self._chunkSize);
}

// written takes what a write of the handle has made. It runs in a microtask, so that
// much output does not nest.
function written(handle) {
  const self = handle[kOwner], state = self._writeState;
  if (self.destroyed) {
    handle.buffer = null;
    handle.cb();
    return;
  }
  const availOut = state[0], availIn = state[1];
  const used = handle.availInBefore - availIn, have = handle.availOutBefore - availOut;
  self.bytesWritten += used;
  let full = false;
  if (have > 0) {
    const out = self._outBuffer.slice(self._outOffset, self._outOffset + have);
    self._outOffset += have;
    full = !self.push(out);
  }
  if (self.destroyed) {
    handle.cb();
    return;
  }
  if (availOut === 0 || self._outOffset >= self._chunkSize) {
    handle.availOutBefore = self._chunkSize;
    self._outOffset = 0;
    self._outBuffer = allocUnsafe(self._chunkSize);
  }
  if (availOut === 0) {
    // There may be more. Where nobody reads, it waits for that.
    handle.inOff += used;
    handle.availInBefore = availIn;
    if (!full) {
      again(handle, self);
      return;
    }
    const read = self._read;
    self._read = (n) => {
      self._read = read;
      again(handle, self);
      if (self._read === read) self._read(n); // or it waits again already
    };
    return;
  }
  if (availIn > 0) self.push(null); // the data ended before the input
  handle.buffer = null;
  handle.cb();
}

// drive is written for Brotli, whose streams code without waiting for a microtask, in
// a loop.
function drive(handle) {
  handle.more = true;
  if (handle.driven) return;
  handle.driven = true;
  try {
    while (handle.more) {
      handle.more = false;
      written(handle);
    }
  } finally {
    handle.driven = false;
  }
}

class ZlibBase extends Transform {
  constructor(options, mode, handle, writeState) {
    options ??= {};
    const f = flushesOf(mode), c = common(options, mode, kMaxLength);
    if (options.encoding || options.objectMode || options.writableObjectMode) {
      options = { ...options, encoding: undefined, objectMode: false, writableObjectMode: false };
    }
    super({ autoDestroy: true, ...options });
    handle[kOwner] = this;
    handle.setErrorHandler((errno, code, message) => {
      const e = failed(errno, code, message);
      this.destroy(e);
      this[kError] = e;
    });
    this.bytesWritten = 0;
    this._handle = handle;
    this._writeState = writeState;
    this._writesInProgress = 0;
    this._hadWrites = false;
    this._outBuffer = allocUnsafe(c.chunkSize);
    this._outOffset = 0;
    this._chunkSize = c.chunkSize;
    this._defaultFlushFlag = c.flush;
    this._finishFlushFlag = c.finishFlush;
    this._defaultFullFlushFlag = f.full;
    this._info = Boolean(options.info);
    this._maxOutputLength = c.maxOutputLength;
  }

  get _closed() { return this._handle === null; }
  get bytesRead() { return this.bytesWritten; }
  set bytesRead(value) { this.bytesWritten = value; }

  reset() {
    ok(this._handle, "zlib binding closed");
    return this._handle.reset();
  }

  // _flush is Transform's: the last chunk has been written.
  _flush(callback) {
    if (this._writesInProgress > 0) {
      queueMicrotask(() => this._flush(callback));
      return;
    }
    const last = () => this._transform(flushChunk(this._finishFlushFlag), "utf8", callback);
    if (this._hadWrites) queueMicrotask(last);
    else last();
  }
  _final(callback) { callback(); }

  flush(kind, callback) {
    if (typeof kind === "function" || (kind === undefined && !callback)) {
      callback = kind;
      kind = this._defaultFullFlushFlag;
    }
    if (this.writableFinished) {
      if (callback) nextTick(callback);
    } else if (this.writableEnded) {
      if (callback) this.once("end", callback);
    } else {
      this.write(flushChunk(kind), "utf8", callback);
    }
  }

  close(callback) {
    if (callback) finished(this, callback);
    this.destroy();
  }
  _destroy(err, callback) {
    closeHandle(this);
    callback(err);
  }

  _transform(chunk, encoding, callback) {
    let flag = this._defaultFlushFlag;
    if (typeof chunk[kFlush] === "number") flag = chunk[kFlush];
    if (this.writableEnded && this.writableLength === chunk.byteLength) flag = stronger(flag, this._finishFlushFlag);
    this._processChunk(chunk, flag, callback);
  }

  // _processChunk gives the output where no callback waits for it; old programs call it.
  _processChunk(chunk, flag, callback) {
    if (typeof callback !== "function") return processSync(this, chunk, flag);
    const handle = this._handle;
    if (!handle) {
      nextTick(callback);
      return;
    }
    if (chunk.byteLength > 0) this._hadWrites = true;
    this._writesInProgress++;
    handle.buffer = chunk;
    handle.cb = () => {
      this._writesInProgress--;
      callback();
    };
    handle.availOutBefore = this._chunkSize - this._outOffset;
    handle.availInBefore = chunk.byteLength;
    handle.inOff = 0;
    handle.flushFlag = flag;
    handle.write(flag, chunk, 0, handle.availInBefore, this._outBuffer, this._outOffset, handle.availOutBefore);
  }
}

function closeHandle(self) {
  self._handle?.close();
  self._handle = null;
}

// processSync codes one chunk at once; it is the only one.
function processSync(self, chunk, flag) {
  const handle = self._handle, state = self._writeState, size = self._chunkSize, buffers = [];
  ok(handle, "zlib binding closed");
  let error, buffer = self._outBuffer, offset = self._outOffset, room = size - offset;
  let at = 0, left = chunk.byteLength, total = 0, read = 0;
  self.on("error", (e) => { error = e; });
  for (;;) {
    handle.writeSync(flag, chunk, at, left, buffer, offset, room);
    if (error || self[kError]) throw error ?? self[kError];
    const availOut = state[0], availIn = state[1], have = room - availOut;
    read += left - availIn;
    at += left - availIn;
    left = availIn;
    if (have > 0) {
      buffers[buffers.length] = buffer.slice(offset, offset + have);
      offset += have;
      total += have;
      if (total > self._maxOutputLength) {
        closeHandle(self);
        throw new ERR_BUFFER_TOO_LARGE(self._maxOutputLength);
      }
    }
    if (availOut !== 0) break;
    room = size;
    offset = 0;
    buffer = allocUnsafe(size);
  }
  self.bytesWritten = read;
  closeHandle(self);
  return buffers.length === 1 ? buffers[0] : concat(buffers, total);
}

class Zlib extends ZlibBase {
  constructor(options, mode) {
    const s = settings(options, mode), state = new Uint32Array(2), handle = new handles.ZlibStream(mode);
    handle.initialize(s.windowBits, s.level, s.memLevel, s.strategy, state, () => queueMicrotask(() => written(handle)), s.dictionary);
    super(options, mode, handle, state);
    this._level = s.level;
    this._strategy = s.strategy;
  }

  params(level, strategy, callback) {
    within(level, "level", N.Z_MIN_LEVEL, N.Z_MAX_LEVEL);
    within(strategy, "strategy", N.Z_DEFAULT_STRATEGY, N.Z_FIXED);
    if (this._level === level && this._strategy === strategy) {
      nextTick(callback);
      return;
    }
    // What was written before goes out with the old ones.
    this.flush(N.Z_SYNC_FLUSH, () => {
      ok(this._handle, "zlib binding closed");
      this._handle.params(level, strategy);
      if (this.destroyed) return;
      this._level = level;
      this._strategy = strategy;
      callback?.();
    });
  }
}

// withParams is the handle of a format that has parameters.
function withParams(name, options, mode, format, callback) {
  const list = parameters(options, mostParam[mode], format), values = new Int32Array(mostParam[mode] + 1), state = new Uint32Array(2);
  values.fill(-1);
  for (let i = 0; i < list.length; i += 2) values[list[i]] = list[i + 1];
  const handle = new handles[name](mode);
  if (!handle.initialize(values, state, () => callback(handle), options?.pledgedSrcSize)) {
    throw make(Error, "ERR_ZLIB_INITIALIZATION_FAILED", "Initialization failed");
  }
  return [handle, state];
}
class Brotli extends ZlibBase {
  constructor(options, mode) {
    super(options, mode, ...withParams(mode === N.BROTLI_DECODE ? "BrotliDecoder" : "BrotliEncoder", options, mode, "Brotli", drive));
  }
}
class Zstd extends ZlibBase {
  constructor(options, mode) {
    super(options, mode, ...withParams(mode === N.ZSTD_DECODE ? "ZstdDecoder" : "ZstdEncoder", options, mode, "Zstd", (handle) => queueMicrotask(() => written(handle))));
  }
}

// whole codes a value at once, without a stream.
function whole(mode, data, options) {
  const plain = mode < N.BROTLI_DECODE, c = common(options, mode, N.Z_MAX_CHUNK), s = plain ? settings(options, mode) : {};
  const params = plain ? undefined : parameters(options, Infinity, mode < N.ZSTD_ENCODE ? "Brotli" : "Zstd");
  const name = plain ? "zlibSync" : ["brotliDecompressSync", "brotliCompressSync", "zstdCompressSync", "zstdDecompressSync"][mode - N.BROTLI_DECODE];
  const r = native.whole(name, mode, data, c.finishFlush, c.maxOutputLength, s.level, s.windowBits, s.memLevel, s.strategy, s.dictionary, params, plain ? undefined : options.pledgedSrcSize);
  if (primordials.isArray(r)) throw failed(r[0], r[1], r[2]);
  return from(r);
}

return { Zlib, Brotli, Zstd, whole, crc32: native.crc32 };
