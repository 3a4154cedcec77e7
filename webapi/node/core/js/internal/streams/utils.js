
// What all streams share: what a thing is, how it is destroyed, when it has ended.
const { ERR_MULTIPLE_CALLBACK, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_STREAM_PREMATURE_CLOSE, AbortError, aggregate } = require("internal/codes");
const { validateFunction, validateObject, validateAbortSignal, validateInteger } = require("internal/validators");
const { apply } = primordials;

const kDestroy = Symbol("kDestroy"), kConstruct = Symbol("kConstruct");
const kIsDestroyed = Symbol.for("nodejs.stream.destroyed"), kIsErrored = Symbol.for("nodejs.stream.errored");
const kIsReadable = Symbol.for("nodejs.stream.readable"), kIsWritable = Symbol.for("nodejs.stream.writable"), kIsDisturbed = Symbol.for("nodejs.stream.disturbed");
const kIsClosedPromise = Symbol.for("nodejs.webstream.isClosedPromise");

const { nextTick } = require("internal/process");
const nop = () => {};

// once makes a function that counts the first time only.
function once(fn) {
  let called = false;
  return function (...args) {
    if (called) return;
    called = true;
    apply(fn, this, args);
  };
}

const isReadableNodeStream = (o, strict = false) => !!(o && typeof o.pipe === "function" && typeof o.on === "function" &&
  (!strict || (typeof o.pause === "function" && typeof o.resume === "function")) && (!o._writableState || o._readableState?.readable !== false) && (!o._writableState || o._readableState));
const isWritableNodeStream = (o) => !!(o && typeof o.write === "function" && typeof o.on === "function" && (!o._readableState || o._writableState?.writable !== false));
const isDuplexNodeStream = (o) => !!(o && typeof o.pipe === "function" && o._readableState && typeof o.on === "function" && typeof o.write === "function");
const isNodeStream = (o) => o && (o._readableState || o._writableState || (typeof o.write === "function" && typeof o.on === "function") || (typeof o.pipe === "function" && typeof o.on === "function"));
const isReadableStream = (o) => !!(o && !isNodeStream(o) && typeof o.pipeThrough === "function" && typeof o.getReader === "function" && typeof o.cancel === "function");
const isWritableStream = (o) => !!(o && !isNodeStream(o) && typeof o.getWriter === "function" && typeof o.abort === "function");
const isTransformStream = (o) => !!(o && !isNodeStream(o) && typeof o.readable === "object" && typeof o.writable === "object");
const isWebStream = (o) => isReadableStream(o) || isWritableStream(o) || isTransformStream(o);
const isIterable = (o, isAsync) => {
  if (o === null || o === undefined) return false;
  if (isAsync === true) return typeof o[Symbol.asyncIterator] === "function";
  if (isAsync === false) return typeof o[Symbol.iterator] === "function";
  return typeof o[Symbol.asyncIterator] === "function" || typeof o[Symbol.iterator] === "function";
};

function isDestroyed(s) {
  if (!isNodeStream(s)) return null;
  const state = s._writableState || s._readableState;
  return !!(s.destroyed || s[kIsDestroyed] || state?.destroyed);
}
function isWritableEnded(s) {
  if (!isWritableNodeStream(s)) return null;
  if (s.writableEnded === true) return true;
  const w = s._writableState;
  if (w?.errored) return false;
  return typeof w?.ended === "boolean" ? w.ended : null;
}
function isWritableFinished(s, strict) {
  if (!isWritableNodeStream(s)) return null;
  if (s.writableFinished === true) return true;
  const w = s._writableState;
  if (w?.errored) return false;
  if (typeof w?.finished !== "boolean") return null;
  return !!(w.finished || (strict === false && w.ended === true && w.length === 0));
}
function isReadableEnded(s) {
  if (!isReadableNodeStream(s)) return null;
  if (s.readableEnded === true) return true;
  const r = s._readableState;
  if (!r || r.errored) return false;
  return typeof r.ended === "boolean" ? r.ended : null;
}
function isReadableFinished(s, strict) {
  if (!isReadableNodeStream(s)) return null;
  const r = s._readableState;
  if (r?.errored) return false;
  if (typeof r?.endEmitted !== "boolean") return null;
  return !!(r.endEmitted || (strict === false && r.ended === true && r.length === 0));
}
function isReadable(s) {
  if (s && s[kIsReadable] !== undefined && s[kIsReadable] !== null) return s[kIsReadable];
  if (typeof s?.readable !== "boolean") return null;
  if (isDestroyed(s)) return false;
  return isReadableNodeStream(s) && s.readable && !isReadableFinished(s);
}
function isWritable(s) {
  if (s && s[kIsWritable] !== undefined && s[kIsWritable] !== null) return s[kIsWritable];
  if (typeof s?.writable !== "boolean") return null;
  if (isDestroyed(s)) return false;
  return isWritableNodeStream(s) && s.writable && !isWritableEnded(s);
}
function isFinished(s, o) {
  if (!isNodeStream(s)) return null;
  if (isDestroyed(s)) return true;
  if (o?.readable !== false && isReadable(s)) return false;
  if (o?.writable !== false && isWritable(s)) return false;
  return true;
}
function isClosed(s) {
  if (!isNodeStream(s)) return null;
  if (typeof s.closed === "boolean") return s.closed;
  const w = s._writableState, r = s._readableState;
  if (typeof w?.closed === "boolean" || typeof r?.closed === "boolean") return w?.closed || r?.closed;
  if (typeof s._closed === "boolean" && isOutgoing(s)) return s._closed;
  return null;
}
const isOutgoing = (s) => typeof s._closed === "boolean" && typeof s._defaultKeepAlive === "boolean" && typeof s._removedConnection === "boolean" && typeof s._removedContLen === "boolean";
const isServerResponse = (s) => typeof s._sent100 === "boolean" && isOutgoing(s);
const isServerRequest = (s) => typeof s._consuming === "boolean" && typeof s._dumped === "boolean" && s.req?.upgradeOrConnect === undefined;
const isRequest = (s) => s?.setHeader && typeof s.abort === "function";
function willEmitClose(s) {
  if (!isNodeStream(s)) return null;
  const state = s._writableState || s._readableState;
  return (!state && isServerResponse(s)) || !!(state?.autoDestroy && state.emitClose && state.closed === false);
}
const isDisturbed = (s) => !!(s && (s[kIsDisturbed] ?? (s.readableDidRead || s.readableAborted)));
const isErrored = (s) => !!(s && (s[kIsErrored] ?? s.readableErrored ?? s.writableErrored ?? s._readableState?.errorEmitted ?? s._writableState?.errorEmitted ?? s._readableState?.errored ?? s._writableState?.errored));

// destroy is the method of both sides.
function destroy(err, cb) {
  const r = this._readableState, w = this._writableState, s = w || r;
  if (w?.destroyed || r?.destroyed) {
    if (typeof cb === "function") cb();
    return this;
  }
  note(err, w, r);
  if (w) w.destroyed = true;
  if (r) r.destroyed = true;
  if (!s.constructed) this.once(kDestroy, function (er) { finishDestroy(this, aggregate(er, err), cb); });
  else finishDestroy(this, err, cb);
  return this;
}
function note(err, w, r) {
  if (!err) return;
  err.stack; // made now, where the error is known
  if (w && !w.errored) w.errored = err;
  if (r && !r.errored) r.errored = err;
}
function finishDestroy(self, err, cb) {
  let called = false;
  const done = (er) => {
    if (called) return;
    called = true;
    const r = self._readableState, w = self._writableState;
    note(er, w, r);
    if (w) w.closed = true;
    if (r) r.closed = true;
    if (typeof cb === "function") cb(er);
    if (er) nextTick(emitErrorClose, self, er);
    else nextTick(emitClose, self);
  };
  try {
    self._destroy(err || null, done);
  } catch (e) {
    done(e);
  }
}
function emitErrorClose(self, err) {
  emitError(self, err);
  emitClose(self);
}
function emitClose(self) {
  const r = self._readableState, w = self._writableState;
  if (w) w.closeEmitted = true;
  if (r) r.closeEmitted = true;
  if (w?.emitClose || r?.emitClose) self.emit("close");
}
function emitError(self, err) {
  const r = self._readableState, w = self._writableState;
  if (w?.errorEmitted || r?.errorEmitted) return;
  if (w) w.errorEmitted = true;
  if (r) r.errorEmitted = true;
  self.emit("error", err);
}
function undestroy() {
  const r = this._readableState, w = this._writableState;
  if (r) Object.assign(r, { constructed: true, closed: false, closeEmitted: false, destroyed: false, errored: null, errorEmitted: false, reading: false, ended: r.readable === false, endEmitted: r.readable === false });
  if (w) Object.assign(w, { constructed: true, destroyed: false, closed: false, closeEmitted: false, errored: null, errorEmitted: false, finalCalled: false, prefinished: false, ended: w.writable === false, ending: w.writable === false, finished: w.writable === false });
}
// errorOrDestroy ends a stream that destroys itself, and tells of the error else.
function errorOrDestroy(stream, err, sync) {
  const r = stream._readableState, w = stream._writableState;
  if (w?.destroyed || r?.destroyed) return;
  if (r?.autoDestroy || w?.autoDestroy) stream.destroy(err);
  else if (err) {
    note(err, w, r);
    if (sync) nextTick(emitError, stream, err);
    else emitError(stream, err);
  }
}
// construct runs _construct before anything else.
function construct(stream, cb) {
  if (typeof stream._construct !== "function") return;
  const r = stream._readableState, w = stream._writableState;
  if (r) r.constructed = false;
  if (w) w.constructed = false;
  stream.once(kConstruct, cb);
  if (stream.listenerCount(kConstruct) > 1) return;
  nextTick(() => {
    let called = false;
    const done = (err) => {
      if (called) {
        errorOrDestroy(stream, err ?? new ERR_MULTIPLE_CALLBACK());
        return;
      }
      called = true;
      // A Duplex has its other side by now.
      const { _readableState, _writableState } = stream, s = _writableState || _readableState;
      if (_readableState) _readableState.constructed = true;
      if (_writableState) _writableState.constructed = true;
      if (s.destroyed) stream.emit(kDestroy, err);
      else if (err) errorOrDestroy(stream, err, true);
      else stream.emit(kConstruct);
    };
    try {
      stream._construct((err) => nextTick(done, err));
    } catch (e) {
      nextTick(done, e);
    }
  });
}
// destroyer ends any kind of stream.
function destroyer(stream, err) {
  if (!stream || isDestroyed(stream)) return;
  if (!err && !isFinished(stream)) err = new AbortError();
  if (isServerRequest(stream)) {
    stream.socket = null;
    stream.destroy(err);
  } else if (isRequest(stream)) stream.abort();
  else if (isRequest(stream.req)) stream.req.abort();
  else if (typeof stream.destroy === "function") stream.destroy(err);
  else if (typeof stream.close === "function") stream.close();
  else if (err) nextTick(() => { stream.emit("error", err); stream.emit("close"); });
  else nextTick(() => stream.emit("close"));
  if (!stream.destroyed) stream[kIsDestroyed] = true;
}

function webClosed(stream, options, callback) {
  let aborted = false, abort = nop;
  if (options.signal) {
    abort = () => {
      aborted = true;
      callback.call(stream, new AbortError(undefined, { cause: options.signal.reason }));
    };
    if (options.signal.aborted) nextTick(abort);
    else {
      const original = callback;
      options.signal.addEventListener("abort", abort, { once: true });
      callback = once((...args) => {
        options.signal.removeEventListener("abort", abort);
        original.apply(stream, args);
      });
    }
  }
  const done = (...args) => { if (!aborted) nextTick(() => callback.apply(stream, args)); };
  native.closed(stream).then(() => done(), (e) => done(e));
  return nop;
}

// eos calls back once a stream has ended, failed or closed too early.
function eos(stream, options, callback) {
  if (arguments.length === 2) {
    callback = options;
    options = {};
  } else if (options === null || options === undefined) options = {};
  else validateObject(options, "options");
  validateFunction(callback, "callback");
  validateAbortSignal(options.signal, "options.signal");
  callback = once(callback);
  if (isReadableStream(stream) || isWritableStream(stream)) return webClosed(stream, options, callback);
  if (!isNodeStream(stream)) throw new ERR_INVALID_ARG_TYPE("stream", ["ReadableStream", "WritableStream", "Stream"], stream);

  const readable = options.readable ?? isReadableNodeStream(stream), writable = options.writable ?? isWritableNodeStream(stream);
  const w = stream._writableState, r = stream._readableState;
  const onlegacyfinish = () => { if (!stream.writable) onfinish(); };
  let closes = willEmitClose(stream) && isReadableNodeStream(stream) === readable && isWritableNodeStream(stream) === writable;
  let writableFinished = isWritableFinished(stream, false), readableFinished = isReadableFinished(stream, false);
  const onfinish = () => {
    writableFinished = true;
    // "finish" of a stream without a writable side says nothing.
    if (stream.destroyed) closes = false;
    if (closes && (!stream.readable || readable)) return;
    if (!readable || readableFinished) callback.call(stream);
  };
  const onend = () => {
    readableFinished = true;
    if (stream.destroyed) closes = false;
    if (closes && (!stream.writable || writable)) return;
    if (!writable || writableFinished) callback.call(stream);
  };
  const onerror = (err) => callback.call(stream, err);
  let closed = isClosed(stream);
  const onclose = () => {
    closed = true;
    const errored = writableErrored(stream) || readableErrored(stream);
    if (errored && typeof errored !== "boolean") return callback.call(stream, errored);
    if (readable && !readableFinished && isReadableNodeStream(stream, true)) {
      if (!isReadableFinished(stream, false)) return callback.call(stream, new ERR_STREAM_PREMATURE_CLOSE());
    }
    if (writable && !writableFinished) {
      if (!isWritableFinished(stream, false)) return callback.call(stream, new ERR_STREAM_PREMATURE_CLOSE());
    }
    callback.call(stream);
  };
  const onclosed = () => {
    closed = true;
    const errored = writableErrored(stream) || readableErrored(stream);
    if (errored && typeof errored !== "boolean") return callback.call(stream, errored);
    callback.call(stream);
  };
  const onrequest = () => { stream.req.on("finish", onfinish); };
  if (isRequest(stream)) {
    stream.on("complete", onfinish);
    if (!closes) stream.on("abort", onclose);
    if (stream.req) onrequest();
    else stream.on("request", onrequest);
  } else if (writable && !w) {
    stream.on("end", onlegacyfinish);
    stream.on("close", onlegacyfinish);
  }
  if (!closes && typeof stream.aborted === "boolean") stream.on("aborted", onclose);
  stream.on("end", onend);
  stream.on("finish", onfinish);
  if (options.error !== false) stream.on("error", onerror);
  stream.on("close", onclose);
  if (closed) nextTick(onclose);
  else if (w?.errorEmitted || r?.errorEmitted) {
    if (!closes) nextTick(onclosed);
  } else if (!readable && (!closes || isReadable(stream)) && (writableFinished || isWritable(stream) === false) && (!w || w.pendingcb === undefined || w.pendingcb === 0)) nextTick(onclosed);
  else if (!writable && (!closes || isWritable(stream)) && (readableFinished || isReadable(stream) === false)) nextTick(onclosed);
  else if (r && stream.req && stream.aborted) nextTick(onclosed);
  const cleanup = () => {
    callback = nop;
    stream.removeListener("aborted", onclose);
    stream.removeListener("complete", onfinish);
    stream.removeListener("abort", onclose);
    stream.removeListener("request", onrequest);
    if (stream.req) stream.req.removeListener("finish", onfinish);
    stream.removeListener("end", onlegacyfinish);
    stream.removeListener("close", onlegacyfinish);
    stream.removeListener("finish", onfinish);
    stream.removeListener("end", onend);
    stream.removeListener("error", onerror);
    stream.removeListener("close", onclose);
  };
  if (options.signal && !closed) {
    const abort = () => {
      const end = callback;
      cleanup();
      end.call(stream, new AbortError(undefined, { cause: options.signal.reason }));
    };
    if (options.signal.aborted) nextTick(abort);
    else {
      const original = callback;
      options.signal.addEventListener("abort", abort, { once: true });
      callback = once((...args) => {
        options.signal.removeEventListener("abort", abort);
        original.apply(stream, args);
      });
    }
  }
  return cleanup;
}
const writableErrored = (s) => (isNodeStream(s) ? s.writableErrored || s._writableState?.errored || null : null);
const readableErrored = (s) => (isNodeStream(s) ? s.readableErrored || s._readableState?.errored || null : null);

function finished(stream, options) {
  let autoCleanup = false;
  if (options === null || options === undefined) options = {};
  if (options?.cleanup !== undefined) {
    if (typeof options.cleanup !== "boolean") throw new ERR_INVALID_ARG_TYPE("cleanup", "boolean", options.cleanup);
    autoCleanup = options.cleanup;
  }
  return new Promise((resolve, reject) => {
    const cleanup = eos(stream, options, (err) => {
      if (autoCleanup) cleanup();
      if (err) reject(err);
      else resolve();
    });
  });
}

function addAbortSignal(signal, stream) {
  validateAbortSignal(signal, "signal");
  if (signal === undefined) throw new ERR_INVALID_ARG_TYPE("signal", "AbortSignal", signal);
  if (!isNodeStream(stream) && !isWebStream(stream)) throw new ERR_INVALID_ARG_TYPE("stream", ["ReadableStream", "WritableStream", "Stream"], stream);
  return addAbort(signal, stream);
}
function addAbort(signal, stream) {
  if (typeof signal !== "object" || !("aborted" in signal)) return stream;
  const abort = isNodeStream(stream) ? () => stream.destroy(new AbortError(undefined, { cause: signal.reason })) : () => {
    const e = new AbortError(undefined, { cause: signal.reason });
    if (isReadableStream(stream)) stream.cancel(e).catch(nop);
    else stream.abort(e).catch(nop);
  };
  if (signal.aborted) abort();
  else {
    signal.addEventListener("abort", abort, { once: true });
    eos(stream, () => signal.removeEventListener("abort", abort));
  }
  return stream;
}

let highWaterBytes = 64 * 1024, highWaterObjects = 16;
const getDefaultHighWaterMark = (objectMode) => (objectMode ? highWaterObjects : highWaterBytes);
function setDefaultHighWaterMark(objectMode, value) {
  validateInteger(value, "value", 0);
  if (objectMode) highWaterObjects = value;
  else highWaterBytes = value;
}
function highWaterMark(options, duplexKey, isDuplex) {
  let hwm = options?.highWaterMark;
  let name = "highWaterMark";
  if (hwm === undefined || hwm === null) {
    hwm = isDuplex ? options?.[duplexKey] : null;
    name = duplexKey;
  }
  if (hwm !== undefined && hwm !== null) {
    if (!Number.isInteger(hwm) || hwm < 0) throw new ERR_INVALID_ARG_VALUE(isDuplex ? `options.${name}` : "options.highWaterMark", hwm);
    return Math.floor(hwm);
  }
}

return {
  kDestroy, kConstruct, kIsDestroyed, kIsErrored, kIsReadable, kIsWritable, kIsDisturbed, kIsClosedPromise, nextTick, nop, once, isReadableNodeStream, isWritableNodeStream,
  isDuplexNodeStream, isNodeStream, isReadableStream, isWritableStream, isTransformStream, isWebStream, isIterable, isDestroyed, isWritableEnded, isWritableFinished,
  isReadableEnded, isReadableFinished, isReadable, isWritable, isFinished, isClosed, isDisturbed, isErrored, destroy, undestroy, errorOrDestroy, construct, destroyer, eos,
  finished, addAbortSignal, addAbort, getDefaultHighWaterMark, setDefaultHighWaterMark, highWaterMark,
};
