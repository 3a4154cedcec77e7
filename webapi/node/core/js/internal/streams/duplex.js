
// Duplex, Transform and PassThrough.
const { kConstruct, nextTick, destroyer, eos, construct, addAbort, isReadable, isWritable, isIterable, isNodeStream, isReadableNodeStream, isWritableNodeStream, isDuplexNodeStream, isReadableStream, isWritableStream, isTransformStream } = require("internal/streams/utils");
const Stream = require("internal/streams/legacy");
const Readable = require("internal/streams/readable");
const Writable = require("internal/streams/writable");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_RETURN_VALUE, ERR_METHOD_NOT_IMPLEMENTED, AbortError } = require("internal/codes");
const { setPrototypeOf, keys, getOwnPropertyDescriptor, defineProperties } = primordials;

function Duplex(options) {
  if (!(this instanceof Duplex)) return new Duplex(options);
  Readable.call(this, options);
  // The hooks of both sides are the same functions: construct runs once.
  Writable.call(this, options);
  if (options) {
    this.allowHalfOpen = options.allowHalfOpen !== false;
    if (options.readable === false) {
      this._readableState.readable = false;
      this._readableState.ended = true;
      this._readableState.endEmitted = true;
    }
    if (options.writable === false) {
      this._writableState.writable = false;
      this._writableState.ending = true;
      this._writableState.ended = true;
      this._writableState.finished = true;
    }
  } else this.allowHalfOpen = true;
}
setPrototypeOf(Duplex.prototype, Readable.prototype);
setPrototypeOf(Duplex, Readable);
for (const method of keys(Writable.prototype)) if (!Duplex.prototype[method] || method === "destroy") Duplex.prototype[method] = Writable.prototype[method];
const shared = {};
for (const name of ["writable", "writableHighWaterMark", "writableObjectMode", "writableBuffer", "writableLength", "writableFinished", "writableCorked", "writableEnded", "writableNeedDrain", "writableAborted"]) {
  shared[name] = getOwnPropertyDescriptor(Writable.prototype, name);
}
shared.destroyed = {
  configurable: true,
  get() { return this._readableState !== undefined && this._writableState !== undefined && this._readableState.destroyed && this._writableState.destroyed; },
  set(v) {
    if (this._readableState && this._writableState) {
      this._readableState.destroyed = v;
      this._writableState.destroyed = v;
    }
  },
};
defineProperties(Duplex.prototype, shared);
Stream.Duplex = Duplex;

const kCallback = Symbol("kCallback");
const afterwards = primordials.hasFlag("enable_streams_nodejs_v24_compat");
function Transform(options) {
  if (!(this instanceof Transform)) return new Transform(options);
  const high = options ? require("internal/streams/utils").highWaterMark(options, "readableHighWaterMark", true) : null;
  if (high === 0) {
    // The writable side must hold something, or nothing would ever be transformed.
    options = { ...options, highWaterMark: null, readableHighWaterMark: high, writableHighWaterMark: options.writableHighWaterMark || 0 };
  }
  Duplex.call(this, options);
  this._readableState.sync = false;
  this[kCallback] = null;
  if (options) {
    if (typeof options.transform === "function") this._transform = options.transform;
    if (typeof options.flush === "function") this._flush = options.flush;
  }
  this.on("prefinish", prefinish);
}
setPrototypeOf(Transform.prototype, Duplex.prototype);
setPrototypeOf(Transform, Duplex);
function final(cb) {
  if (typeof this._flush === "function" && !this.destroyed) {
    this._flush((er, data) => {
      if (er) {
        if (cb) cb(er);
        else this.destroy(er);
        return;
      }
      if (data !== null && data !== undefined) this.push(data);
      this.push(null);
      if (cb) cb();
    });
  } else {
    this.push(null);
    if (cb) cb();
  }
}
function prefinish() { if (this._final !== final) final.call(this); }
Transform.prototype._final = final;
Transform.prototype._transform = function () { throw new ERR_METHOD_NOT_IMPLEMENTED("_transform()"); };
Transform.prototype._write = function (chunk, encoding, callback) {
  const r = this._readableState, w = this._writableState, length = r.length;
  this._transform(chunk, encoding, (err, val) => {
    if (err) {
      callback(err);
      return;
    }
    if (val !== null && val !== undefined) this.push(val);
    if (r.ended && afterwards) {
      nextTick(callback);
      return;
    }
    if (w.ended || length === r.length || r.length < r.highWaterMark) callback();
    else this[kCallback] = callback;
  });
};
Transform.prototype._read = function () {
  if (this[kCallback]) {
    const callback = this[kCallback];
    this[kCallback] = null;
    callback();
  }
};

function PassThrough(options) {
  if (!(this instanceof PassThrough)) return new PassThrough(options);
  Transform.call(this, options);
}
setPrototypeOf(PassThrough.prototype, Transform.prototype);
setPrototypeOf(PassThrough, Transform);
PassThrough.prototype._transform = function (chunk, encoding, cb) { cb(null, chunk); };

// joined makes one Duplex of a readable and a writable.
function joined(pair) {
  const r = pair.readable && typeof pair.readable.read !== "function" ? Readable.wrap(pair.readable) : pair.readable, w = pair.writable;
  let readable = !!isReadable(r), writable = !!isWritable(w), ondrain, onfinish, onreadable, onclose, d;
  const finished = (err) => {
    const cb = onclose;
    onclose = null;
    if (cb) cb(err);
    else if (err) d.destroy(err);
  };
  d = new Duplex({ readableObjectMode: !!r?.readableObjectMode, writableObjectMode: !!w?.writableObjectMode, readable, writable });
  if (writable) {
    eos(w, (err) => {
      writable = false;
      if (err) destroyer(r, err);
      finished(err);
    });
    d._write = function (chunk, encoding, callback) {
      if (w.write(chunk, encoding)) callback();
      else ondrain = callback;
    };
    d._final = function (callback) {
      w.end();
      onfinish = callback;
    };
    w.on("drain", () => {
      if (ondrain) {
        const cb = ondrain;
        ondrain = null;
        cb();
      }
    });
    w.on("finish", () => {
      if (onfinish) {
        const cb = onfinish;
        onfinish = null;
        cb();
      }
    });
  }
  if (readable) {
    eos(r, (err) => {
      readable = false;
      if (err) destroyer(r, err);
      finished(err);
    });
    r.on("readable", () => {
      if (onreadable) {
        const cb = onreadable;
        onreadable = null;
        cb();
      }
    });
    r.on("end", () => d.push(null));
    d._read = function () {
      for (;;) {
        const buf = r.read();
        if (buf === null) {
          onreadable = d._read;
          return;
        }
        if (!d.push(buf)) return;
      }
    };
  }
  d._destroy = function (err, callback) {
    if (!err && onclose !== null) err = new AbortError();
    onreadable = null;
    ondrain = null;
    onfinish = null;
    if (onclose === null) callback(err);
    else {
      onclose = callback;
      destroyer(w, err);
      destroyer(r, err);
    }
  };
  return d;
}

// generatorOf makes a Duplex of a function that takes what is written as an
// asynchronous iterable.
function generatorOf(fn) {
  let waiting = Promise.withResolvers();
  const ac = new AbortController();
  const { signal } = ac;
  const source = {
    [Symbol.asyncIterator]() { return this; },
    async next() {
      for (;;) {
        const current = waiting.promise;
        const { chunk, done, cb } = await current;
        nextTick(cb);
        if (done) return { value: undefined, done: true };
        if (signal.aborted) throw new AbortError(undefined, { cause: signal.reason });
        waiting = Promise.withResolvers();
        resolve = waiting.resolve;
        return { value: chunk, done: false };
      }
    },
    async return(value) { return { value, done: true }; },
  };
  let { resolve } = waiting;
  const value = fn(source, { signal });
  return {
    value,
    write(chunk, encoding, cb) {
      const r = resolve;
      resolve = null;
      r({ chunk, done: false, cb });
    },
    final(cb) {
      const r = resolve;
      resolve = null;
      r({ done: true, cb });
    },
    destroy(err, cb) {
      ac.abort();
      cb(err);
    },
  };
}

Duplex.from = function (body) { return duplexify(body, "body"); };
function duplexify(body, name) {
  if (isDuplexNodeStream(body)) return body;
  if (isReadableNodeStream(body)) return joined({ readable: body });
  if (isWritableNodeStream(body)) return joined({ writable: body });
  if (isNodeStream(body)) return joined({ writable: false, readable: false });
  const web = () => require("internal/streams/web");
  if (isReadableStream(body)) return joined({ readable: web().readableFromWeb(body) });
  if (isWritableStream(body)) return joined({ writable: web().writableFromWeb(body) });
  if (typeof body === "function") {
    const { value, write, final, destroy } = generatorOf(body);
    if (isIterable(value)) return Readable.fromClass(Duplex, value, { objectMode: true, write, final, destroy });
    if (typeof value?.then === "function") {
      let d;
      const promise = value.then((v) => { if (v !== null && v !== undefined) throw new ERR_INVALID_RETURN_VALUE("nully", "body", v); }, (e) => destroyer(d, e));
      return (d = new Duplex({
        objectMode: true, readable: false, write,
        final(cb) {
          final(async () => {
            try {
              await promise;
              nextTick(cb, null);
            } catch (e) {
              nextTick(cb, e);
            }
          });
        },
        destroy,
      }));
    }
    throw new ERR_INVALID_RETURN_VALUE("Iterable, AsyncIterable or AsyncFunction", name, value);
  }
  if (body && typeof body === "object" && typeof body.arrayBuffer === "function" && typeof body.stream === "function") return duplexify(body.arrayBuffer());
  if (isIterable(body)) return Readable.fromClass(Duplex, body, { objectMode: true, writable: false });
  if (isReadableStream(body?.readable) && isWritableStream(body?.writable)) return Duplex.fromWeb(body);
  if (typeof body?.writable === "object" || typeof body?.readable === "object") {
    const readable = body.readable ? (isReadableNodeStream(body.readable) ? body.readable : duplexify(body.readable)) : undefined;
    const writable = body.writable ? (isWritableNodeStream(body.writable) ? body.writable : duplexify(body.writable)) : undefined;
    return joined({ readable, writable });
  }
  if (typeof body?.then === "function") {
    let d;
    body.then((val) => {
      if (val !== null && val !== undefined) d.push(val);
      d.push(null);
    }, (err) => destroyer(d, err));
    return (d = new Duplex({ objectMode: true, writable: false, read() {} }));
  }
  throw new ERR_INVALID_ARG_TYPE(name, ["Blob", "ReadableStream", "WritableStream", "Stream", "Iterable", "AsyncIterable", "Function", "{ readable, writable } pair", "Promise"], body);
}

// duplexPair makes two streams, each of which reads what is written to the other.
function duplexPair(options) {
  const kOther = Symbol("other"), kWrite = Symbol("callback");
  class Side extends Duplex {
    _read() {
      const callback = this[kWrite];
      if (callback) {
        this[kWrite] = null;
        callback();
      }
    }
    _write(chunk, encoding, callback) {
      const other = this[kOther];
      if (chunk.length === 0) nextTick(callback);
      else {
        other.push(chunk);
        other[kWrite] = callback;
      }
    }
    _final(callback) {
      this[kOther].on("end", callback);
      this[kOther].push(null);
    }
  }
  const a = new Side(options), b = new Side(options);
  a[kOther] = b;
  b[kOther] = a;
  a[kWrite] = b[kWrite] = null;
  return [a, b];
}
return { Duplex, Transform, PassThrough, duplexPair };
