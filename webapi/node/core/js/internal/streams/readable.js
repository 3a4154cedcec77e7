
// Readable.
const {
  kConstruct, nextTick, nop, destroy, undestroy, errorOrDestroy, construct, destroyer, eos, addAbort, getDefaultHighWaterMark, highWaterMark, isDestroyed,
} = require("internal/streams/utils");
const Stream = require("internal/streams/legacy");
const { Buffer } = require("node:buffer");
const { StringDecoder } = require("node:string_decoder");
const EventEmitter = require("node:events");
const {
  ERR_INVALID_ARG_TYPE, ERR_METHOD_NOT_IMPLEMENTED, ERR_OUT_OF_RANGE, ERR_STREAM_PUSH_AFTER_EOF, ERR_STREAM_UNSHIFT_AFTER_END_EVENT, ERR_STREAM_NULL_VALUES, ERR_UNKNOWN_ENCODING, AbortError,
} = require("internal/codes");
const { validateObject } = require("internal/validators");
const { setPrototypeOf, defineProperties, defineProperty, isView } = primordials;
const kPaused = Symbol("kPaused");

// Queue holds what was pushed and not read; its head moves, so that reading is cheap.
class Queue {
  items = [];
  at = 0;
  get length() { return this.items.length - this.at; }
  push(v) { this.items.push(v); }
  unshift(v) {
    if (this.at > 0) this.items[--this.at] = v;
    else this.items.unshift(v);
  }
  first() { return this.items[this.at]; }
  shift() {
    if (this.length === 0) return undefined;
    const v = this.items[this.at];
    this.items[this.at++] = undefined;
    if (this.at > 32 && this.at * 2 > this.items.length) {
      this.items = this.items.slice(this.at);
      this.at = 0;
    }
    return v;
  }
  clear() {
    this.items = [];
    this.at = 0;
  }
  rest() { return this.items.slice(this.at); }
  // consume takes n bytes or characters.
  consume(n, strings) {
    const first = this.first();
    if (n < first.length) {
      const part = first.slice(0, n);
      this.items[this.at] = first.slice(n);
      return part;
    }
    if (n === first.length) return this.shift();
    const parts = [];
    while (n > 0) {
      const v = this.first();
      if (n < v.length) {
        parts.push(v.slice(0, n));
        this.items[this.at] = v.slice(n);
        break;
      }
      parts.push(this.shift());
      n -= v.length;
    }
    return strings ? parts.join("") : Buffer.concat(parts);
  }
  [Symbol.iterator]() { return this.rest()[Symbol.iterator](); }
}

function ReadableState(options, stream, isDuplex) {
  if (typeof isDuplex !== "boolean") isDuplex = stream instanceof Stream.Duplex;
  this.objectMode = !!(options?.objectMode || (isDuplex && options?.readableObjectMode));
  this.highWaterMark = options ? highWaterMark(options, "readableHighWaterMark", isDuplex) ?? getDefaultHighWaterMark(this.objectMode) : getDefaultHighWaterMark(false);
  this.buffer = new Queue();
  this.length = 0;
  this.pipes = [];
  this.flowing = null;
  this.ended = this.endEmitted = this.reading = false;
  this.constructed = true;
  this.sync = true;
  this.needReadable = this.emittedReadable = this.readableListening = this.resumeScheduled = false;
  this[kPaused] = null;
  this.errorEmitted = false;
  this.emitClose = !options || options.emitClose !== false;
  this.autoDestroy = !options || options.autoDestroy !== false;
  this.destroyed = false;
  this.errored = null;
  this.closed = this.closeEmitted = false;
  this.defaultEncoding = options?.defaultEncoding || "utf8";
  this.awaitDrainWriters = null;
  this.multiAwaitDrain = false;
  this.readingMore = this.dataEmitted = false;
  this.decoder = this.encoding = null;
  if (options?.encoding) {
    this.decoder = new StringDecoder(options.encoding);
    this.encoding = options.encoding;
  }
}
defineProperties(ReadableState.prototype, {
  pipesCount: { get() { return this.pipes.length; } },
  paused: { get() { return this[kPaused] !== false; }, set(v) { this[kPaused] = !!v; } },
});

function Readable(options) {
  if (!(this instanceof Readable)) return new Readable(options);
  const isDuplex = this instanceof Stream.Duplex;
  this._readableState = new ReadableState(options, this, isDuplex);
  if (options) {
    if (typeof options.read === "function") this._read = options.read;
    if (typeof options.destroy === "function") this._destroy = options.destroy;
    if (typeof options.construct === "function") this._construct = options.construct;
    if (options.signal && !isDuplex) addAbort(options.signal, this);
  }
  Stream.call(this, options);
  construct(this, () => { if (this._readableState.needReadable) maybeReadMore(this, this._readableState); });
}
Readable.ReadableState = ReadableState;
setPrototypeOf(Readable.prototype, Stream.prototype);
setPrototypeOf(Readable, Stream);
const proto = Readable.prototype;
proto.destroy = destroy;
proto._undestroy = undestroy;
proto._destroy = function (err, cb) { cb(err); };
proto[EventEmitter.captureRejectionSymbol] = function (err) { this.destroy(err); };
proto[Symbol.asyncDispose] = function () {
  let error;
  if (!this.destroyed) {
    error = this.readableEnded ? null : new AbortError();
    this.destroy(error);
  }
  return new Promise((resolve, reject) => eos(this, (err) => (err && err !== error ? reject(err) : resolve(null))));
};

proto.push = function (chunk, encoding) { return add(this, chunk, encoding, false); };
proto.unshift = function (chunk, encoding) { return add(this, chunk, encoding, true); };

function add(stream, chunk, encoding, front) {
  const state = stream._readableState;
  let err;
  if (!state.objectMode) {
    if (typeof chunk === "string") {
      encoding = encoding || state.defaultEncoding;
      if (state.encoding !== encoding) {
        if (front && state.encoding) chunk = Buffer.from(chunk, encoding).toString(state.encoding);
        else {
          chunk = Buffer.from(chunk, encoding);
          encoding = "";
        }
      }
    } else if (chunk instanceof Buffer) encoding = "";
    else if (isView(chunk)) {
      chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      encoding = "";
    } else if (chunk !== null && chunk !== undefined) err = new ERR_INVALID_ARG_TYPE("chunk", ["string", "Buffer", "TypedArray", "DataView"], chunk);
  }
  if (err) errorOrDestroy(stream, err);
  else if (chunk === null) {
    state.reading = false;
    onEofChunk(stream, state);
  } else if (state.objectMode || (chunk && chunk.length > 0)) {
    if (front) {
      if (state.endEmitted) errorOrDestroy(stream, new ERR_STREAM_UNSHIFT_AFTER_END_EVENT());
      else if (state.destroyed || state.errored) return false;
      else addChunk(stream, state, chunk, true);
    } else if (state.ended) errorOrDestroy(stream, new ERR_STREAM_PUSH_AFTER_EOF());
    else if (state.destroyed || state.errored) return false;
    else {
      state.reading = false;
      if (state.decoder && !encoding) {
        chunk = state.decoder.write(chunk);
        if (state.objectMode || chunk.length !== 0) addChunk(stream, state, chunk, false);
        else maybeReadMore(stream, state);
      } else addChunk(stream, state, chunk, false);
    }
  } else if (!front) {
    state.reading = false;
    maybeReadMore(stream, state);
  }
  return !state.ended && (state.length < state.highWaterMark || state.length === 0);
}

function addChunk(stream, state, chunk, front) {
  if (state.flowing && state.length === 0 && !state.sync && stream.listenerCount("data") > 0) {
    if (state.multiAwaitDrain) state.awaitDrainWriters.clear();
    else state.awaitDrainWriters = null;
    state.dataEmitted = true;
    stream.emit("data", chunk);
  } else {
    state.length += state.objectMode ? 1 : chunk.length;
    if (front) state.buffer.unshift(chunk);
    else state.buffer.push(chunk);
    if (state.needReadable) emitReadable(stream);
  }
  maybeReadMore(stream, state);
}

proto.isPaused = function () { return this._readableState[kPaused] === true || this._readableState.flowing === false; };
proto.setEncoding = function (enc) {
  const decoder = new StringDecoder(enc), state = this._readableState;
  state.decoder = decoder;
  state.encoding = decoder.encoding;
  let content = "";
  for (const data of state.buffer) content += decoder.write(data);
  state.buffer.clear();
  if (content !== "") state.buffer.push(content);
  state.length = content.length;
  return this;
};

const mostHWM = 0x40000000;
function nextPower(n) {
  if (n > mostHWM) throw new ERR_OUT_OF_RANGE("size", "<= 1GiB", n);
  n--;
  for (const s of [1, 2, 4, 8, 16]) n |= n >>> s;
  return n + 1;
}
function howMuch(n, state) {
  if (n <= 0 || (state.length === 0 && state.ended)) return 0;
  if (state.objectMode) return 1;
  if (n !== n) return state.flowing && state.length ? state.buffer.first().length : state.length;
  if (n <= state.length) return n;
  return state.ended ? state.length : 0;
}

proto.read = function (n) {
  if (n === undefined) n = NaN;
  else if (!Number.isInteger(n)) n = Number.parseInt(n, 10);
  const state = this._readableState, asked = n;
  if (n > state.highWaterMark) state.highWaterMark = nextPower(n);
  if (n !== 0) state.emittedReadable = false;
  if (n === 0 && state.needReadable && ((state.highWaterMark !== 0 ? state.length >= state.highWaterMark : state.length > 0) || state.ended)) {
    if (state.length === 0 && state.ended) endReadable(this);
    else emitReadable(this);
    return null;
  }
  n = howMuch(n, state);
  if (n === 0 && state.ended) {
    if (state.length === 0) endReadable(this);
    return null;
  }
  let doRead = state.needReadable;
  if (state.length === 0 || state.length - n < state.highWaterMark) doRead = true;
  if (state.ended || state.reading || state.destroyed || state.errored || !state.constructed) doRead = false;
  else if (doRead) {
    state.reading = true;
    state.sync = true;
    if (state.length === 0) state.needReadable = true;
    try {
      this._read(state.highWaterMark);
    } catch (e) {
      errorOrDestroy(this, e);
    }
    state.sync = false;
    if (!state.reading) n = howMuch(asked, state);
  }
  let ret = n > 0 ? fromList(n, state) : null;
  if (ret === null) {
    state.needReadable = state.length <= state.highWaterMark;
    n = 0;
  } else {
    state.length -= n;
    if (state.multiAwaitDrain) state.awaitDrainWriters.clear();
    else state.awaitDrainWriters = null;
  }
  if (state.length === 0) {
    if (!state.ended) state.needReadable = true;
    if (asked !== n && state.ended) endReadable(this);
  }
  if (ret !== null && !state.errorEmitted && !state.closeEmitted) {
    state.dataEmitted = true;
    this.emit("data", ret);
  }
  return ret;
};

function fromList(n, state) {
  if (state.length === 0) return null;
  if (state.objectMode) return state.buffer.shift();
  if (!n || n >= state.length) {
    let ret;
    if (state.decoder) ret = state.buffer.rest().join("");
    else if (state.buffer.length === 1) ret = state.buffer.first();
    else ret = Buffer.concat(state.buffer.rest(), state.length);
    state.buffer.clear();
    return ret;
  }
  return state.buffer.consume(n, state.decoder);
}

function onEofChunk(stream, state) {
  if (state.ended) return;
  if (state.decoder) {
    const chunk = state.decoder.end();
    if (chunk && chunk.length) {
      state.buffer.push(chunk);
      state.length += state.objectMode ? 1 : chunk.length;
    }
  }
  state.ended = true;
  if (state.sync) emitReadable(stream);
  else {
    state.needReadable = false;
    state.emittedReadable = true;
    emitReadableNow(stream);
  }
}
function emitReadable(stream) {
  const state = stream._readableState;
  state.needReadable = false;
  if (!state.emittedReadable) {
    state.emittedReadable = true;
    nextTick(emitReadableNow, stream);
  }
}
function emitReadableNow(stream) {
  const state = stream._readableState;
  if (!state.destroyed && !state.errored && (state.length || state.ended)) {
    stream.emit("readable");
    state.emittedReadable = false;
  }
  state.needReadable = !state.flowing && !state.ended && state.length <= state.highWaterMark;
  flow(stream);
}
function maybeReadMore(stream, state) {
  if (!state.readingMore && state.constructed) {
    state.readingMore = true;
    nextTick(readMore, stream, state);
  }
}
function readMore(stream, state) {
  while (!state.reading && !state.ended && (state.length < state.highWaterMark || (state.flowing && state.length === 0))) {
    const len = state.length;
    stream.read(0);
    if (len === state.length) break; // nothing came
  }
  state.readingMore = false;
}
proto._read = function () { throw new ERR_METHOD_NOT_IMPLEMENTED("_read()"); };

proto.pipe = function (dest, options) {
  const src = this, state = this._readableState;
  if (state.pipes.length === 1 && !state.multiAwaitDrain) {
    state.multiAwaitDrain = true;
    state.awaitDrainWriters = new Set(state.awaitDrainWriters ? [state.awaitDrainWriters] : []);
  }
  state.pipes.push(dest);
  const doEnd = (!options || options.end !== false) && !dest._isStdio;
  const endFn = doEnd ? onend : unpipe;
  if (state.endEmitted) nextTick(endFn);
  else src.once("end", endFn);
  dest.on("unpipe", onunpipe);
  function onunpipe(readable, info) {
    if (readable === src && info && info.hasUnpiped === false) {
      info.hasUnpiped = true;
      cleanup();
    }
  }
  function onend() { dest.end(); }
  let ondrain, cleanedUp = false;
  function cleanup() {
    dest.removeListener("close", onclose);
    dest.removeListener("finish", onfinish);
    if (ondrain) dest.removeListener("drain", ondrain);
    dest.removeListener("error", onerror);
    dest.removeListener("unpipe", onunpipe);
    src.removeListener("end", onend);
    src.removeListener("end", unpipe);
    src.removeListener("data", ondata);
    cleanedUp = true;
    if (ondrain && state.awaitDrainWriters && (!dest._writableState || dest._writableState.needDrain)) ondrain();
  }
  function pause() {
    if (!cleanedUp) {
      if (state.pipes.length === 1 && state.pipes[0] === dest) {
        state.awaitDrainWriters = dest;
        state.multiAwaitDrain = false;
      } else if (state.pipes.length > 1 && state.pipes.includes(dest)) state.awaitDrainWriters.add(dest);
      src.pause();
    }
    if (!ondrain) {
      ondrain = pipeOnDrain(src, dest);
      dest.on("drain", ondrain);
    }
  }
  src.on("data", ondata);
  function ondata(chunk) { if (dest.write(chunk) === false) pause(); }
  function onerror(er) {
    unpipe();
    dest.removeListener("error", onerror);
    if (dest.listenerCount("error") === 0) {
      const s = dest._writableState || dest._readableState;
      if (s && !s.errorEmitted) errorOrDestroy(dest, er);
      else dest.emit("error", er);
    }
  }
  Stream.prependListener(dest, "error", onerror);
  function onclose() {
    dest.removeListener("finish", onfinish);
    unpipe();
  }
  dest.once("close", onclose);
  function onfinish() {
    dest.removeListener("close", onclose);
    unpipe();
  }
  dest.once("finish", onfinish);
  function unpipe() { src.unpipe(dest); }
  dest.emit("pipe", src);
  if (dest.writableNeedDrain === true) pause();
  else if (!state.flowing) src.resume();
  return dest;
};
function pipeOnDrain(src, dest) {
  return function () {
    const state = src._readableState;
    if (state.awaitDrainWriters === dest) state.awaitDrainWriters = null;
    else if (state.multiAwaitDrain) state.awaitDrainWriters.delete(dest);
    if ((!state.awaitDrainWriters || state.awaitDrainWriters.size === 0) && src.listenerCount("data")) src.resume();
  };
}
proto.unpipe = function (dest) {
  const state = this._readableState, info = { hasUnpiped: false };
  if (state.pipes.length === 0) return this;
  if (!dest) {
    const dests = state.pipes;
    state.pipes = [];
    this.pause();
    for (const d of dests) d.emit("unpipe", this, { hasUnpiped: false });
    return this;
  }
  const at = state.pipes.indexOf(dest);
  if (at === -1) return this;
  state.pipes.splice(at, 1);
  if (state.pipes.length === 0) this.pause();
  dest.emit("unpipe", this, info);
  return this;
};
proto.on = function (ev, fn) {
  const res = Stream.prototype.on.call(this, ev, fn), state = this._readableState;
  if (ev === "data") {
    state.readableListening = this.listenerCount("readable") > 0;
    if (state.flowing !== false) this.resume();
  } else if (ev === "readable" && !state.endEmitted && !state.readableListening) {
    state.readableListening = state.needReadable = true;
    state.flowing = false;
    state.emittedReadable = false;
    if (state.length) emitReadable(this);
    else if (!state.reading) nextTick(() => this.read(0));
  }
  return res;
};
proto.addListener = proto.on;
proto.removeListener = function (ev, fn) {
  const res = Stream.prototype.removeListener.call(this, ev, fn);
  if (ev === "readable") nextTick(updateListening, this);
  return res;
};
proto.off = proto.removeListener;
proto.removeAllListeners = function (...args) {
  const res = Stream.prototype.removeAllListeners.apply(this, args);
  if (args[0] === "readable" || args[0] === undefined) nextTick(updateListening, this);
  return res;
};
function updateListening(self) {
  const state = self._readableState;
  state.readableListening = self.listenerCount("readable") > 0;
  if (state.resumeScheduled && state[kPaused] === false) state.flowing = true;
  else if (self.listenerCount("data") > 0) self.resume();
  else if (!state.readableListening) state.flowing = null;
}
proto.resume = function () {
  const state = this._readableState;
  if (!state.flowing) {
    state.flowing = !state.readableListening;
    if (!state.resumeScheduled) {
      state.resumeScheduled = true;
      nextTick(resumeNow, this, state);
    }
  }
  state[kPaused] = false;
  return this;
};
function resumeNow(stream, state) {
  if (!state.reading) stream.read(0);
  state.resumeScheduled = false;
  stream.emit("resume");
  flow(stream);
  if (state.flowing && !state.reading) stream.read(0);
}
proto.pause = function () {
  if (this._readableState.flowing !== false) {
    this._readableState.flowing = false;
    this.emit("pause");
  }
  this._readableState[kPaused] = true;
  return this;
};
function flow(stream) {
  const state = stream._readableState;
  while (state.flowing && stream.read() !== null);
}
proto.wrap = function (stream) {
  let paused = false;
  stream.on("data", (chunk) => {
    if (!this.push(chunk) && stream.pause) {
      paused = true;
      stream.pause();
    }
  });
  stream.on("end", () => this.push(null));
  stream.on("error", (e) => errorOrDestroy(this, e));
  stream.on("close", () => this.destroy());
  stream.on("destroy", () => this.destroy());
  this._read = () => {
    if (paused && stream.resume) {
      paused = false;
      stream.resume();
    }
  };
  for (const key of Object.keys(stream)) if (this[key] === undefined && typeof stream[key] === "function") this[key] = stream[key].bind(stream);
  return this;
};

const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };
// iterate reads chunks on demand. Leaving the loop destroys the stream, unless the
// options say no.
function iterate(stream, options) {
  if (typeof stream.read !== "function") stream = Readable.wrap(stream, { objectMode: true });
  let wake = nop, error, cleanup, started = false, over = false;
  const onreadable = function (e) {
    if (this === stream) {
      wake();
      wake = nop;
    } else wake = e;
  };
  const start = () => {
    started = true;
    stream.on("readable", onreadable);
    cleanup = eos(stream, { writable: false }, (err) => {
      error = err ? require("internal/codes").aggregate(error, err) : null;
      wake();
      wake = nop;
    });
  };
  const finish = () => {
    if (over) return;
    over = true;
    if ((error || options?.destroyOnReturn !== false) && (error === undefined || stream._readableState.autoDestroy)) destroyer(stream, null);
    else if (cleanup) {
      stream.off("readable", onreadable);
      cleanup();
    }
  };
  const step = async () => {
    if (over) return { value: undefined, done: true };
    if (!started) start();
    for (;;) {
      const chunk = stream.destroyed ? null : stream.read();
      if (chunk !== null) return { value: chunk, done: false };
      if (error) {
        const e = error;
        finish();
        throw e;
      }
      if (error === null) {
        finish();
        return { value: undefined, done: true };
      }
      await new Promise((resolve) => { wake = resolve; });
    }
  };
  // Steps wait for each other, as those of a generator do.
  let last = Promise.resolve();
  const queue = (fn) => {
    const next = last.then(fn, fn);
    last = next.catch(nop);
    return next;
  };
  return {
    __proto__: AsyncIteratorPrototype,
    stream,
    next: () => queue(step),
    return: (value) => queue(() => {
      if (started) finish();
      over = true;
      return { value, done: true };
    }),
    throw: (e) => queue(() => {
      error = e;
      if (started) finish();
      over = true;
      throw e;
    }),
  };
}
proto[Symbol.asyncIterator] = function () { return iterate(this); };
proto.iterator = function (options) {
  if (options !== undefined) validateObject(options, "options");
  return iterate(this, options);
};

const state = (read, write) => ({ enumerable: false, configurable: true, get() { return this._readableState ? read(this._readableState, this) : undefined; }, set: write });
defineProperties(proto, {
  readable: {
    enumerable: true, configurable: true,
    get() {
      const r = this._readableState;
      return !!r && r.readable !== false && !r.destroyed && !r.errorEmitted && !r.endEmitted;
    },
    set(v) { if (this._readableState) this._readableState.readable = !!v; },
  },
  readableDidRead: state((r) => r.dataEmitted),
  readableAborted: state((r) => !!(r.readable !== false && (r.destroyed || r.errored) && !r.endEmitted)),
  readableHighWaterMark: state((r) => r.highWaterMark),
  readableBuffer: state((r) => r.buffer),
  readableFlowing: state((r) => r.flowing, function (v) { if (this._readableState) this._readableState.flowing = v; }),
  readableLength: state((r) => r.length),
  readableObjectMode: { enumerable: false, configurable: true, get() { return this._readableState ? this._readableState.objectMode : false; } },
  readableEncoding: { enumerable: false, configurable: true, get() { return this._readableState ? this._readableState.encoding : null; } },
  errored: { enumerable: false, configurable: true, get() { return this._readableState ? this._readableState.errored : null; } },
  closed: { configurable: true, get() { return this._readableState ? this._readableState.closed : false; } },
  destroyed: {
    enumerable: false, configurable: true,
    get() { return this._readableState ? this._readableState.destroyed : false; },
    set(v) { if (this._readableState) this._readableState.destroyed = v; },
  },
  readableEnded: { enumerable: false, configurable: true, get() { return this._readableState ? this._readableState.endEmitted : false; } },
});
Readable._fromList = fromList;

function endReadable(stream) {
  const state = stream._readableState;
  if (!state.endEmitted) {
    state.ended = true;
    nextTick(endNow, state, stream);
  }
}
function endNow(state, stream) {
  if (state.errored || state.closeEmitted || state.endEmitted || state.length !== 0) return;
  state.endEmitted = true;
  stream.emit("end");
  if (stream.writable && stream.allowHalfOpen === false) nextTick(() => {
    if (stream.writable && !stream.writableEnded && !stream.destroyed) stream.end();
  });
  else if (state.autoDestroy) {
    const w = stream._writableState;
    if (!w || (w.autoDestroy && (w.finished || w.writable === false))) stream.destroy();
  }
}

// from makes a stream of what an iterable gives.
Readable.from = function (iterable, options) { return from(Readable, iterable, options); };
function from(Class, iterable, options) {
  if (typeof iterable === "string" || iterable instanceof Buffer) {
    return new Class({
      objectMode: true, ...options,
      read() {
        this.push(iterable);
        this.push(null);
      },
    });
  }
  let iterator, isAsync;
  if (iterable && iterable[Symbol.asyncIterator]) {
    isAsync = true;
    iterator = iterable[Symbol.asyncIterator]();
  } else if (iterable && iterable[Symbol.iterator]) {
    isAsync = false;
    iterator = iterable[Symbol.iterator]();
  } else throw new ERR_INVALID_ARG_TYPE("iterable", ["Iterable"], iterable);
  const readable = new Class({ objectMode: true, highWaterMark: 1, ...options });
  let reading = false;
  readable._read = function () {
    if (!reading) {
      reading = true;
      next();
    }
  };
  readable._destroy = function (error, cb) {
    close(error).then(() => nextTick(cb, error), (e) => nextTick(cb, e || error));
  };
  async function close(error) {
    const hadError = error !== undefined && error !== null;
    if (hadError && typeof iterator.throw === "function") {
      const { value, done } = await iterator.throw(error);
      await value;
      if (done) return;
    }
    if (typeof iterator.return === "function") {
      const { value } = await iterator.return();
      await value;
    }
  }
  async function next() {
    for (;;) {
      try {
        const { value, done } = isAsync ? await iterator.next() : iterator.next();
        if (done) {
          readable.push(null);
          return;
        }
        const res = value && typeof value.then === "function" ? await value : value;
        if (res === null) {
          reading = false;
          throw new ERR_STREAM_NULL_VALUES();
        }
        if (readable.push(res)) continue;
        reading = false;
        return;
      } catch (e) {
        readable.destroy(e);
        return;
      }
    }
  }
  return readable;
}
Readable.wrap = function (src, options) {
  return new Readable({
    objectMode: src.readableObjectMode ?? src.objectMode ?? true, ...options,
    destroy(err, cb) {
      destroyer(src, err);
      cb(err);
    },
  }).wrap(src);
};
defineProperty(Readable, "iterate", { value: iterate, enumerable: false });
defineProperty(Readable, "fromClass", { value: from, enumerable: false });
return Readable;
