
// fs.ReadStream and fs.WriteStream.
const { Readable, Writable } = require("node:stream");
const { eos, errorOrDestroy } = require("internal/streams/utils");
const { Buffer } = require("node:buffer");
const { pathOf, fdOf, fileMode, sequential = false } = require("internal/fs");
const { ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_METHOD_NOT_IMPLEMENTED, ERR_STREAM_DESTROYED, ERR_INVALID_THIS } = require("internal/codes");
const { validateBoolean, validateFunction, validateObject, validateString, validateUint32, validateAbortSignal } = require("internal/validators");
const { setPrototypeOf, defineProperty } = primordials;
const kFs = Symbol("kFs"), kBusy = Symbol("kIsPerformingIO"), kIoDone = Symbol("kIoDone");
const kFileHandle = Symbol.for("workerd.fs.handle");
const isHandle = (v) => typeof v === "object" && v !== null && v[kFileHandle] === true;

const defaults = { __proto__: null };
for (const name of ["open", "close", "fsync", "read", "write", "writev"]) defaults[name] = (...args) => require("node:fs")[name](...args);

// handleOperations are the operations of a FileHandle in the form of callbacks.
function handleOperations(handle) {
  const through = (method, spread) => (...args) => {
    const cb = args.pop();
    handle[method](...args.slice(1)).then((r) => cb(null, ...spread(r)), (e) => cb(e));
  };
  return {
    open() { throw new ERR_METHOD_NOT_IMPLEMENTED("open()"); },
    close: (...args) => handle.close().then(() => args.at(-1)(null), (e) => args.at(-1)(e)),
    fsync: (...args) => handle.sync().then(() => args.at(-1)(null), (e) => args.at(-1)(e)),
    read: through("read", (r) => [r.bytesRead, r.buffer]),
    write: through("write", (r) => [r.bytesWritten, r.buffer]),
    writev: through("writev", (r) => [r.bytesWritten, r.buffers]),
  };
}
function operationsOf(fs) {
  if (fs === undefined) return defaults;
  validateObject(fs, "options.fs");
  if (isHandle(fs)) return handleOperations(fs);
  const out = { ...defaults };
  for (const name of ["open", "read", "close", "fsync", "write", "writev"]) {
    if (fs[name] === undefined) continue;
    validateFunction(fs[name], `options.fs.${name}`);
    out[name] = fs[name];
  }
  return out;
}

function construct(callback) {
  const stream = this;
  if (typeof stream.fd === "number") {
    callback();
    return;
  }
  if (typeof stream.open === "function") {
    // Programs that replace open tell of it with the event.
    const emit = stream.emit;
    stream.emit = function (...args) {
      if (args[0] === "open") {
        this.emit = emit;
        callback();
        emit.apply(this, args);
      } else if (args[0] === "error") {
        this.emit = emit;
        callback(args[1]);
      } else emit.apply(this, args);
      return true;
    };
    stream.open();
    return;
  }
  stream[kFs].open(stream.path, stream.flags, stream.mode, (er, fd) => {
    if (er) {
      callback(er);
      return;
    }
    stream.fd = fd;
    callback();
    stream.emit("open", stream.fd);
    stream.emit("ready");
  });
}
function closeFD(stream, err, cb) {
  if (stream.fd === null || stream.fd === undefined) {
    cb(err);
    return;
  }
  const close = (e) => {
    const { fd } = stream;
    stream.fd = null;
    stream[kFs].close(fd, (er) => cb(er || e));
  };
  if (stream.flush) stream[kFs].fsync(stream.fd, (e) => close(err || e));
  else close(err);
}
function destroyStream(err, cb) {
  if (this[kBusy]) this.once(kIoDone, (er) => closeFD(this, err || er, cb));
  else closeFD(this, err, cb);
}

function common(stream, path, options, flags) {
  if (options === null || options === undefined) options = {};
  else if (typeof options === "string") options = { encoding: options };
  validateObject(options, "options");
  const { encoding = null, autoClose = true, emitClose = true, start, highWaterMark = 64 * 1024, signal, fd = null, mode = 0o666, fs } = options;
  if (encoding !== "buffer" && encoding !== null && !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("options.encoding", encoding);
  validateBoolean(autoClose, "options.autoClose");
  validateBoolean(emitClose, "options.emitClose");
  if (start !== undefined) validateUint32(start, "options.start");
  validateUint32(highWaterMark, "options.highWaterMark");
  if (signal !== undefined && signal !== null) validateAbortSignal(signal, "options.signal");
  validateString(options.flags ?? flags, "options.flags");
  fileMode(mode, "options.mode", 0o666);
  stream[kFs] = operationsOf(fs);
  if (fd === null) {
    stream.fd = null;
    stream.path = pathOf(path);
    stream.flags = options.flags ?? flags;
    stream.mode = options.mode ?? 0o666;
  } else if (isHandle(fd)) {
    if (fs !== undefined) throw new ERR_METHOD_NOT_IMPLEMENTED("FileHandle with fs");
    stream[kFs] = handleOperations(fd);
    fd.on("close", () => stream.close());
    stream.fd = fd.fd ?? null;
  } else stream.fd = fdOf(fd);
  stream.start = start;
  stream.bytesRead = 0;
  stream[kBusy] = false;
  return { options, encoding, autoClose, emitClose, highWaterMark, signal: signal ?? undefined };
}

function ReadStream(path, options) {
  if (!(this instanceof ReadStream)) return new ReadStream(path, options);
  const o = common(this, path, options, "r");
  const { end = Infinity } = o.options;
  if (end !== Infinity) {
    validateUint32(end, "options.end");
    if ((this.start ?? 0) > end) throw new ERR_OUT_OF_RANGE("start", `<= "end" (here: ${end})`, this.start);
  }
  this.end = end;
  if (!sequential) this.start ??= 0; // else without a start it reads from where the descriptor is
  this.pos = this.start;
  Readable.call(this, {
    highWaterMark: o.highWaterMark, encoding: o.encoding === "buffer" ? null : o.encoding, emitClose: o.emitClose, autoDestroy: o.autoClose, signal: o.signal, construct: construct.bind(this),
    destroy: destroyStream.bind(this),
    read(n) {
      n = Math.min(this.end - (this.pos ?? this.bytesRead) + 1, n);
      if (n <= 0 || this.fd === null || this.fd === undefined) {
        this.push(null);
        return;
      }
      const buf = Buffer.allocUnsafe(n);
      this[kBusy] = true;
      this[kFs].read(this.fd, buf, 0, n, this.pos, (er, bytes, out = buf) => {
        this[kBusy] = false;
        if (this.destroyed) {
          this.emit(kIoDone, er);
          return;
        }
        if (er) {
          errorOrDestroy(this, er);
          return;
        }
        if (bytes > 0) {
          if (this.pos !== undefined) this.pos += bytes;
          this.bytesRead += bytes;
          this.push(bytes === out.byteLength ? out : Buffer.from(Buffer.from(out.buffer, out.byteOffset, bytes)));
        } else this.push(null);
      });
    },
  });
}
setPrototypeOf(ReadStream.prototype, Readable.prototype);
setPrototypeOf(ReadStream, Readable);
ReadStream.prototype.close = function (cb) {
  if (typeof cb === "function") eos(this, cb);
  this.destroy();
};

function WriteStream(path, options) {
  if (!(this instanceof WriteStream)) return new WriteStream(path, options);
  const o = common(this, path, options, "w");
  const flush = o.options.flush ?? false;
  validateBoolean(flush, "options.flush");
  this.flush = flush;
  if (!sequential) this.start ??= 0;
  this.pos = this.start;
  this.bytesWritten = 0;
  const done = (callback) => (er) => {
    this[kBusy] = false;
    callback(er);
    if (this.destroyed) this.emit(kIoDone, er);
  };
  const writeAll = (data, size, pos, cb, retries = 0) => {
    this[kFs].write(this.fd, data, 0, size, pos, (er, bytes = 0) => {
      if (er?.code === "EAGAIN") {
        er = null;
        bytes = 0;
      }
      if (this.destroyed || er) return cb(er || new ERR_STREAM_DESTROYED("write"));
      this.bytesWritten += bytes;
      retries = bytes ? 0 : retries + 1;
      if (retries > 5) cb(new Error("write failed"));
      else if (size > bytes) writeAll(data.slice(bytes), size - bytes, pos === undefined ? pos : pos + bytes, cb, retries);
      else cb();
    });
  };
  Writable.call(this, {
    highWaterMark: o.highWaterMark, emitClose: o.emitClose, autoDestroy: o.autoClose, signal: o.signal, construct: construct.bind(this), destroy: destroyStream.bind(this),
    write(data, encoding, cb) {
      if (typeof data === "string") data = Buffer.from(data, encoding);
      this[kBusy] = true;
      writeAll(data, data.byteLength, this.pos, done(cb));
      if (this.pos !== undefined) this.pos += data.byteLength;
    },
    writev(list, cb) {
      const chunks = list.map((d) => (typeof d.chunk === "string" ? Buffer.from(d.chunk, d.encoding) : d.chunk));
      const size = chunks.reduce((n, c) => n + c.length, 0);
      this[kBusy] = true;
      const end = done(cb);
      this[kFs].writev(this.fd, chunks, this.pos, (er, bytes = 0) => {
        if (this.destroyed || er) return end(er || new ERR_STREAM_DESTROYED("writev"));
        this.bytesWritten += bytes;
        if (size > bytes) writeAll(Buffer.concat(chunks).slice(bytes), size - bytes, this.pos === undefined ? undefined : this.pos - size + bytes, end);
        else end();
      });
      if (this.pos !== undefined) this.pos += size;
    },
  });
  if (o.encoding !== null && o.encoding !== "buffer") this.setDefaultEncoding(o.encoding);
}
setPrototypeOf(WriteStream.prototype, Writable.prototype);
setPrototypeOf(WriteStream, Writable);
WriteStream.prototype.close = function (cb) {
  if (cb) {
    if (this.closed) {
      queueMicrotask(() => cb(null));
      return;
    }
    this.on("close", cb);
  }
  if (!this.autoClose) this.on("finish", () => this.destroy());
  this.end();
};
WriteStream.prototype.destroySoon = WriteStream.prototype.end;
for (const [Class, state] of [[ReadStream, "_readableState"], [WriteStream, "_writableState"]]) {
  defineProperty(Class.prototype, "autoClose", {
    get() {
      if (this[kFs] === undefined) throw new ERR_INVALID_THIS(Class.name);
      return this[state]?.autoDestroy || false;
    },
    set(v) {
      if (this[kFs] === undefined) throw new ERR_INVALID_THIS(Class.name);
      if (this[state] !== undefined) this[state].autoDestroy = v;
    },
    configurable: true,
  });
  defineProperty(Class.prototype, "pending", { get() { return this.fd === null; }, configurable: true });
}
function createReadStream(path, options) { return new ReadStream(path, options); }
function createWriteStream(path, options) { return new WriteStream(path, options); }
return { ReadStream, WriteStream, kFileHandle, createReadStream, createWriteStream };
