
// Bridges between streams of node and those of the web.
const { eos, destroyer, isDestroyed, isReadable, isWritable, isWritableEnded, isReadableNodeStream, isWritableNodeStream, isReadableStream, isWritableStream, nop, nextTick, addAbort } = require("internal/streams/utils");
const Readable = require("internal/streams/readable");
const Writable = require("internal/streams/writable");
const { Duplex } = require("internal/streams/duplex");
const { Buffer } = require("node:buffer");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_STATE, ERR_STREAM_PREMATURE_CLOSE, AbortError } = require("internal/codes");
const { validateBoolean, validateObject, validateOneOf } = require("internal/validators");

function readableFromWeb(stream, options = {}) {
  if (!isReadableStream(stream)) throw new ERR_INVALID_ARG_TYPE("readableStream", "ReadableStream", stream);
  validateObject(options, "options");
  const { highWaterMark, encoding, objectMode = false, signal } = options;
  if (encoding !== undefined && !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("options.encoding", encoding);
  validateBoolean(objectMode, "options.objectMode");
  const reader = stream.getReader();
  let closed = false;
  const readable = new Readable({
    objectMode, highWaterMark, encoding, signal,
    read() {
      reader.read().then((chunk) => { readable.push(chunk.done ? null : chunk.value); }, (e) => destroyer(readable, e));
    },
    destroy(error, callback) {
      const done = () => nextTick(callback, error);
      if (!closed) reader.cancel(error).then(done, done);
      else done();
    },
  });
  reader.closed.then(() => { closed = true; }, (e) => {
    closed = true;
    destroyer(readable, e);
  });
  return readable;
}

function writableFromWeb(stream, options = {}) {
  if (!isWritableStream(stream)) throw new ERR_INVALID_ARG_TYPE("writableStream", "WritableStream", stream);
  validateObject(options, "options");
  const { highWaterMark, decodeStrings = true, objectMode = false, signal } = options;
  validateBoolean(objectMode, "options.objectMode");
  validateBoolean(decodeStrings, "options.decodeStrings");
  const writer = stream.getWriter();
  let closed = false;
  const writable = new Writable({
    highWaterMark, objectMode, decodeStrings, signal,
    writev(chunks, callback) {
      const done = (e) => {
        e = e?.filter ? e.filter((x) => x) : e;
        try {
          callback(e?.length === 0 ? undefined : e);
        } catch (x) {
          nextTick(() => destroyer(writable, x));
        }
      };
      writer.ready.then(() => Promise.all(chunks.map((data) => writer.write(data.chunk))).then(() => done(), done), done);
    },
    write(chunk, encoding, callback) {
      if (typeof chunk === "string" && decodeStrings && !objectMode) chunk = Buffer.from(chunk, encoding);
      const done = (e) => {
        try {
          callback(e);
        } catch (x) {
          destroyer(writable, x);
        }
      };
      writer.ready.then(() => writer.write(chunk).then(() => done(), done), done);
    },
    destroy(error, callback) {
      const done = () => nextTick(callback, error);
      if (!closed) {
        if (error !== null && error !== undefined) writer.abort(error).then(done, done);
        else writer.close().then(done, done);
      } else done();
    },
    final(callback) {
      const done = (e) => {
        try {
          callback(e);
        } catch (x) {
          nextTick(() => destroyer(writable, x));
        }
      };
      if (!closed) writer.close().then(() => done(), done);
    },
  });
  writer.closed.then(() => {
    closed = true;
    if (!isWritableEnded(writable)) destroyer(writable, new ERR_STREAM_PREMATURE_CLOSE());
  }, (e) => {
    closed = true;
    destroyer(writable, e);
  });
  return writable;
}

function duplexFromWeb(pair, options = {}) {
  validateObject(pair, "pair");
  const { readable: r, writable: w } = pair;
  if (!isReadableStream(r)) throw new ERR_INVALID_ARG_TYPE("pair.readable", "ReadableStream", r);
  if (!isWritableStream(w)) throw new ERR_INVALID_ARG_TYPE("pair.writable", "WritableStream", w);
  validateObject(options, "options");
  const { allowHalfOpen = false, objectMode = false, encoding, decodeStrings = true, highWaterMark, signal } = options;
  validateBoolean(objectMode, "options.objectMode");
  if (encoding !== undefined && !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("options.encoding", encoding);
  const writer = w.getWriter(), reader = r.getReader();
  let writableClosed = false, readableClosed = false;
  const guard = (callback) => (e) => {
    try {
      callback(e);
    } catch (x) {
      nextTick(() => destroyer(duplex, x));
    }
  };
  const duplex = new Duplex({
    allowHalfOpen, highWaterMark, objectMode, encoding, decodeStrings, signal,
    write(chunk, enc, callback) {
      if (typeof chunk === "string" && decodeStrings && !objectMode) chunk = Buffer.from(chunk, enc);
      const done = guard(callback);
      writer.ready.then(() => writer.write(chunk).then(() => done(), done), done);
    },
    final(callback) {
      const done = guard(callback);
      if (!writableClosed) writer.close().then(() => done(), done);
      else done();
    },
    read() { reader.read().then((chunk) => { duplex.push(chunk.done ? null : chunk.value); }, (e) => destroyer(duplex, e)); },
    destroy(error, callback) {
      const done = () => nextTick(callback, error);
      if (!writableClosed || !readableClosed) {
        const all = [];
        if (!writableClosed) all.push(writer.abort(error));
        if (!readableClosed) all.push(reader.cancel(error));
        Promise.all(all).then(done, done);
      } else done();
    },
  });
  writer.closed.then(() => {
    writableClosed = true;
    if (!isWritableEnded(duplex)) destroyer(duplex, new ERR_STREAM_PREMATURE_CLOSE());
  }, (e) => {
    writableClosed = readableClosed = true;
    destroyer(duplex, e);
  });
  reader.closed.then(() => { readableClosed = true; }, (e) => {
    writableClosed = readableClosed = true;
    destroyer(duplex, e);
  });
  return duplex;
}

function readableToWeb(stream, options = {}) {
  if (typeof stream?._readableState !== "object") throw new ERR_INVALID_ARG_TYPE("streamReadable", "stream.Readable", stream);
  validateObject(options, "options");
  if (options.type !== undefined) validateOneOf(options.type, "options.type", ["bytes", undefined]);
  if (isDestroyed(stream) || !isReadable(stream)) {
    const out = new ReadableStream();
    out.cancel();
    return out;
  }
  const { readableObjectMode: objectMode, readableHighWaterMark: highWaterMark } = stream;
  const strategy = options.strategy ?? (objectMode ? new CountQueuingStrategy({ highWaterMark }) : { highWaterMark });
  let controller, cancelled = false;
  stream.pause();
  const cleanup = eos(stream, (error) => {
    if (error?.code === "ERR_STREAM_PREMATURE_CLOSE") error = new AbortError(undefined, { cause: error });
    cleanup();
    stream.on("error", nop);
    if (error) {
      controller.error(error);
      return;
    }
    if (!cancelled) controller.close();
  });
  stream.on("data", (chunk) => {
    if (Buffer.isBuffer(chunk) && !objectMode) chunk = new Uint8Array(chunk);
    controller.enqueue(chunk);
    if (controller.desiredSize <= 0) stream.pause();
  });
  return new ReadableStream({
    start(c) { controller = c; },
    pull() { stream.resume(); },
    cancel(reason) {
      cancelled = true;
      destroyer(stream, reason);
    },
  }, strategy);
}

function writableToWeb(stream) {
  if (typeof stream?._writableState !== "object") throw new ERR_INVALID_ARG_TYPE("streamWritable", "stream.Writable", stream);
  if (isDestroyed(stream) || !isWritable(stream)) {
    const out = new WritableStream();
    out.close();
    return out;
  }
  const { writableHighWaterMark: highWaterMark, writableObjectMode: objectMode } = stream;
  const strategy = objectMode ? new CountQueuingStrategy({ highWaterMark }) : { highWaterMark };
  let controller, pressure, closing;
  stream.on("drain", () => { pressure?.resolve(); });
  const cleanup = eos(stream, (error) => {
    if (error?.code === "ERR_STREAM_PREMATURE_CLOSE") error = new AbortError(undefined, { cause: error });
    cleanup();
    stream.on("error", nop);
    if (error !== undefined && error !== null) {
      pressure?.reject(error);
      if (closing) {
        closing.reject(error);
        closing = undefined;
      }
      controller.error(error);
      controller = undefined;
      return;
    }
    if (closing) {
      closing.resolve();
      closing = undefined;
      return;
    }
    controller.error(new AbortError());
    controller = undefined;
  });
  return new WritableStream({
    start(c) { controller = c; },
    write(chunk) {
      if (stream.writableNeedDrain || !stream.write(chunk)) {
        pressure = Promise.withResolvers();
        return pressure.promise.finally(() => { pressure = undefined; });
      }
    },
    abort(reason) { destroyer(stream, reason); },
    close() {
      if (closing === undefined && !isWritableEnded(stream)) stream.end();
      closing = Promise.withResolvers();
      return closing.promise;
    },
  }, strategy);
}
function duplexToWeb(duplex) {
  if (typeof duplex?._writableState !== "object" || typeof duplex?._readableState !== "object") throw new ERR_INVALID_ARG_TYPE("duplex", "stream.Duplex", duplex);
  if (isDestroyed(duplex)) {
    const writable = new WritableStream(), readable = new ReadableStream();
    writable.close();
    readable.cancel();
    return { readable, writable };
  }
  let writable = isWritable(duplex) ? writableToWeb(duplex) : new WritableStream();
  if (!isWritable(duplex)) writable.close();
  let readable = isReadable(duplex) ? readableToWeb(duplex) : new ReadableStream();
  if (!isReadable(duplex)) readable.cancel();
  return { writable, readable };
}
return { readableFromWeb, writableFromWeb, duplexFromWeb, readableToWeb, writableToWeb, duplexToWeb };
