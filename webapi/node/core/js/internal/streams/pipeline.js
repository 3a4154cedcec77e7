
// pipeline and compose.
const {
  eos, destroyer, once, nop, nextTick, isIterable, isReadable, isReadableNodeStream, isWritable, isWritableNodeStream, isNodeStream, isTransformStream, isWebStream, isReadableStream,
  isWritableStream, isReadableEnded, isWritableEnded,
} = require("internal/streams/utils");
const Readable = require("internal/streams/readable");
const { Duplex, PassThrough } = require("internal/streams/duplex");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_RETURN_VALUE, ERR_MISSING_ARGS, ERR_STREAM_DESTROYED, ERR_STREAM_PREMATURE_CLOSE, AbortError, aggregate } = require("internal/codes");
const { validateFunction, validateAbortSignal } = require("internal/validators");
const { isArray } = primordials;

function stopper(stream, reading, writing) {
  let finished = false;
  stream.on("close", () => { finished = true; });
  const cleanup = eos(stream, { readable: reading, writable: writing }, (err) => { finished = !err; });
  return {
    destroy(err) {
      if (finished) return;
      finished = true;
      destroyer(stream, err || new ERR_STREAM_DESTROYED("pipe"));
    },
    cleanup,
  };
}

function toIterable(val) {
  if (isIterable(val)) return val;
  if (isReadableNodeStream(val)) return Readable.iterate(val);
  throw new ERR_INVALID_ARG_TYPE("val", ["Readable", "Iterable", "AsyncIterable"], val);
}
const stepper = (iterable) => (iterable[Symbol.asyncIterator] ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]());

// pump writes what an iterable gives into a stream.
async function pump(iterable, writable, finish, { end }) {
  let error, onresolve = null;
  const resume = (err) => {
    if (err) error = err;
    if (onresolve) {
      const callback = onresolve;
      onresolve = null;
      callback();
    }
  };
  const wait = () => new Promise((resolve, reject) => {
    if (error) reject(error);
    else onresolve = () => (error ? reject(error) : resolve());
  });
  writable.on("drain", resume);
  const cleanup = eos(writable, { readable: false }, resume);
  const it = stepper(iterable);
  try {
    if (writable.writableNeedDrain) await wait();
    for (;;) {
      const { value, done } = await it.next();
      if (done) break;
      try {
        if (!writable.write(value)) await wait();
      } catch (e) {
        await it.return?.();
        throw e;
      }
    }
    if (end) {
      writable.end();
      await wait();
    }
    finish();
  } catch (err) {
    finish(error !== err ? aggregate(error, err) : err);
  } finally {
    cleanup();
    writable.off("drain", resume);
  }
}
async function pumpToWeb(readable, writable, finish, { end }) {
  if (isTransformStream(writable)) writable = writable.writable;
  const writer = writable.getWriter();
  try {
    const it = stepper(readable);
    for (;;) {
      const { value, done } = await it.next();
      if (done) break;
      await writer.ready;
      writer.write(value).catch(nop);
    }
    await writer.ready;
    if (end) await writer.close();
    finish();
  } catch (err) {
    try {
      await writer.abort(err);
      finish(err);
    } catch (e) {
      finish(e);
    }
  }
}

function pipeline(...streams) {
  const callback = streams.pop();
  validateFunction(callback, "streams[stream.length - 1]");
  return run(streams, once(callback));
}

function run(streams, callback, opts) {
  if (streams.length === 1 && isArray(streams[0])) streams = streams[0];
  if (streams.length < 2) throw new ERR_MISSING_ARGS("streams");
  const ac = new AbortController();
  const signal = ac.signal, outer = opts?.signal;
  const lastCleanups = [];
  validateAbortSignal(outer, "options.signal");
  const abort = () => finishNow(new AbortError(undefined, { cause: outer?.reason }), true);
  if (outer) {
    if (outer.aborted) nextTick(abort);
    else outer.addEventListener("abort", abort, { once: true });
  }
  let error, value;
  const stops = [];
  let count = 0;
  const finish = (err) => finishNow(err, --count === 0);
  const finishOnlyHandleError = (err) => finishNow(err, false);
  function finishNow(err, final) {
    if (err && (!error || error.code === "ERR_STREAM_PREMATURE_CLOSE")) error = err;
    if (!error && !final) return;
    while (stops.length) stops.shift()(error);
    outer?.removeEventListener("abort", abort);
    ac.abort();
    if (final) {
      if (!error) for (const fn of lastCleanups) fn();
      nextTick(callback, error, value);
    }
  }
  let ret;
  for (let i = 0; i < streams.length; i++) {
    const stream = streams[i], reading = i < streams.length - 1, writing = i > 0;
    const end = reading || opts?.end !== false, last = i === streams.length - 1;
    if (isNodeStream(stream)) {
      if (end) {
        const { destroy, cleanup } = stopper(stream, reading, writing);
        stops.push(destroy);
        if (isReadable(stream) && last) lastCleanups.push(cleanup);
      }
      const onError = (err) => { if (err && err.name !== "AbortError" && err.code !== "ERR_STREAM_PREMATURE_CLOSE") finishOnlyHandleError(err); };
      stream.on("error", onError);
      if (isReadable(stream) && last) lastCleanups.push(() => stream.removeListener("error", onError));
    }
    if (i === 0) {
      if (typeof stream === "function") {
        ret = stream({ signal });
        if (!isIterable(ret)) throw new ERR_INVALID_RETURN_VALUE("Iterable, AsyncIterable or Stream", "source", ret);
      } else if (isIterable(stream) || isReadableNodeStream(stream) || isTransformStream(stream)) ret = stream;
      else ret = Duplex.from(stream);
    } else if (typeof stream === "function") {
      if (isTransformStream(ret)) ret = toIterable(ret.readable);
      else ret = toIterable(ret);
      ret = stream(ret, { signal });
      if (reading) {
        if (!isIterable(ret, true)) throw new ERR_INVALID_RETURN_VALUE("AsyncIterable", `transform[${i - 1}]`, ret);
      } else {
        const pt = new PassThrough({ objectMode: true });
        if (typeof ret?.then === "function") {
          count++;
          ret.then((val) => {
            value = val;
            if (val !== null && val !== undefined) pt.write(val);
            if (end) pt.end();
            nextTick(finish);
          }, (err) => {
            pt.destroy(err);
            nextTick(finish, err);
          });
        } else if (isIterable(ret, true)) {
          count++;
          pump(ret, pt, finish, { end });
        } else if (isReadableStream(ret) || isTransformStream(ret)) {
          count++;
          pump(ret.readable || ret, pt, finish, { end });
        } else throw new ERR_INVALID_RETURN_VALUE("AsyncIterable or Promise", "destination", ret);
        ret = pt;
        const { destroy, cleanup } = stopper(ret, false, true);
        stops.push(destroy);
        if (last) lastCleanups.push(cleanup);
      }
    } else if (isNodeStream(stream)) {
      if (isReadableNodeStream(ret)) {
        count += 2;
        const cleanup = pipe(ret, stream, finish, finishOnlyHandleError, { end });
        if (isReadable(stream) && last) lastCleanups.push(cleanup);
      } else if (isTransformStream(ret) || isReadableStream(ret)) {
        count++;
        pump(ret.readable || ret, stream, finish, { end });
      } else if (isIterable(ret)) {
        count++;
        pump(ret, stream, finish, { end });
      } else throw new ERR_INVALID_ARG_TYPE("val", ["Readable", "Iterable", "AsyncIterable", "ReadableStream", "TransformStream"], ret);
      ret = stream;
    } else if (isWebStream(stream)) {
      if (isReadableNodeStream(ret)) {
        count++;
        pumpToWeb(Readable.iterate(ret), stream, finish, { end });
      } else if (isReadableStream(ret) || isIterable(ret)) {
        count++;
        pumpToWeb(ret, stream, finish, { end });
      } else if (isTransformStream(ret)) {
        count++;
        pumpToWeb(ret.readable, stream, finish, { end });
      } else throw new ERR_INVALID_ARG_TYPE("val", ["Readable", "Iterable", "AsyncIterable", "ReadableStream", "TransformStream"], ret);
      ret = stream;
    } else ret = Duplex.from(stream);
  }
  if (signal?.aborted || outer?.aborted) nextTick(abort);
  return ret;
}
function pipe(src, dst, finish, finishOnlyHandleError, { end }) {
  let ended = false;
  dst.on("close", () => { if (!ended) finishOnlyHandleError(new ERR_STREAM_PREMATURE_CLOSE()); });
  src.pipe(dst, { end: false });
  if (end) {
    const endNow = () => {
      ended = true;
      dst.end();
    };
    if (isReadableEnded(src) && src._readableState?.endEmitted !== false) nextTick(endNow);
    else src.once("end", endNow);
  } else finish();
  eos(src, { readable: true, writable: false }, (err) => {
    const r = src._readableState;
    if (err && err.code === "ERR_STREAM_PREMATURE_CLOSE" && r && r.ended && !r.errored && !r.errorEmitted) {
      // Some streams close before they have told of their end.
      src.once("end", finish).once("error", finish);
    } else finish(err);
  });
  return eos(dst, { readable: false, writable: true }, finish);
}

function compose(...streams) {
  if (streams.length === 0) throw new ERR_MISSING_ARGS("streams");
  if (streams.length === 1) return Duplex.from(streams[0]);
  const given = [...streams];
  if (typeof streams[0] === "function") streams[0] = Duplex.from(streams[0]);
  const lastAt = streams.length - 1;
  if (typeof streams[lastAt] === "function") streams[lastAt] = Duplex.from(streams[lastAt]);
  for (let n = 0; n < streams.length; ++n) {
    if (!isNodeStream(streams[n]) && !isWebStream(streams[n])) continue;
    if (n < lastAt && !(isReadable(streams[n]) || isReadableStream(streams[n]) || isTransformStream(streams[n]))) {
      throw new ERR_INVALID_ARG_VALUE(`streams[${n}]`, given[n], "must be readable");
    }
    if (n > 0 && !(isWritable(streams[n]) || isWritableStream(streams[n]) || isTransformStream(streams[n]))) {
      throw new ERR_INVALID_ARG_VALUE(`streams[${n}]`, given[n], "must be writable");
    }
  }
  let ondrain, onfinish, onreadable, onclose, d;
  const finished = (err) => {
    const cb = onclose;
    onclose = null;
    if (cb) cb(err);
    else if (err) d.destroy(err);
    else if (!readable && !writable) d.destroy();
  };
  const head = streams[0], tail = run(streams, once(finished));
  const writable = !!(isWritable(head) || isWritableStream(head) || isTransformStream(head));
  const readable = !!(isReadable(tail) || isReadableStream(tail) || isTransformStream(tail));
  d = new Duplex({ writableObjectMode: !!head?.writableObjectMode, readableObjectMode: !!tail?.readableObjectMode, writable, readable });
  if (writable) {
    if (isNodeStream(head)) {
      d._write = function (chunk, encoding, callback) {
        if (head.write(chunk, encoding)) callback();
        else ondrain = callback;
      };
      d._final = function (callback) {
        head.end();
        onfinish = callback;
      };
      head.on("drain", () => {
        if (ondrain) {
          const cb = ondrain;
          ondrain = null;
          cb();
        }
      });
    } else {
      const writer = (isTransformStream(head) ? head.writable : head).getWriter();
      d._write = async function (chunk, encoding, callback) {
        try {
          await writer.ready;
          writer.write(chunk).catch(nop);
          callback();
        } catch (e) {
          callback(e);
        }
      };
      d._final = async function (callback) {
        try {
          await writer.ready;
          writer.close().catch(nop);
          onfinish = callback;
        } catch (e) {
          callback(e);
        }
      };
    }
    eos(isTransformStream(tail) ? tail.readable : tail, () => {
      if (onfinish) {
        const cb = onfinish;
        onfinish = null;
        cb();
      }
    });
  }
  if (readable) {
    if (isNodeStream(tail)) {
      tail.on("readable", () => {
        if (onreadable) {
          const cb = onreadable;
          onreadable = null;
          cb();
        }
      });
      tail.on("end", () => d.push(null));
      d._read = function () {
        for (;;) {
          const buf = tail.read();
          if (buf === null) {
            onreadable = d._read;
            return;
          }
          if (!d.push(buf)) return;
        }
      };
    } else {
      const reader = (isTransformStream(tail) ? tail.readable : tail).getReader();
      d._read = async function () {
        for (;;) {
          try {
            const { value, done } = await reader.read();
            if (!d.push(done ? null : value)) return;
            if (done) return;
          } catch {
            return;
          }
        }
      };
    }
  }
  d._destroy = function (err, callback) {
    if (!err && onclose !== null) err = new AbortError();
    onreadable = null;
    ondrain = null;
    onfinish = null;
    if (isNodeStream(tail)) destroyer(tail, err);
    if (onclose === null) callback(err);
    else onclose = callback;
  };
  return d;
}

const promises = {
  finished: require("internal/streams/utils").finished,
  pipeline(...streams) {
    return new Promise((resolve, reject) => {
      let signal, end;
      const last = streams[streams.length - 1];
      if (last && typeof last === "object" && !isNodeStream(last) && !isIterable(last) && !isWebStream(last)) {
        const options = streams.pop();
        ({ signal, end } = options);
      }
      run(streams, (err, value) => (err ? reject(err) : resolve(value)), { signal, end });
    });
  },
};
return { pipeline, compose, promises };
