
// node:stream.
const utils = require("internal/streams/utils");
const Stream = require("internal/streams/legacy");
const Readable = require("internal/streams/readable");
const Writable = require("internal/streams/writable");
const { Duplex, Transform, PassThrough, duplexPair } = require("internal/streams/duplex");
const { pipeline, compose, promises } = require("internal/streams/pipeline");
const operators = require("internal/streams/operators");
const { Buffer } = require("node:buffer");
const { defineProperty, keys, isView, apply } = primordials;
const kPromisify = Symbol.for("nodejs.util.promisify.custom");

for (const name of keys(operators.streams)) {
  const op = operators.streams[name];
  defineProperty(Readable.prototype, name, { value: { [name](...args) { return apply(op, this, args); } }[name], writable: true, enumerable: false, configurable: true });
}
for (const name of keys(operators.promises)) {
  const op = operators.promises[name];
  defineProperty(Readable.prototype, name, { value: { [name](...args) { return apply(op, this, args); } }[name], writable: true, enumerable: false, configurable: true });
}
const web = () => require("internal/streams/web");
Readable.fromWeb = (stream, options) => web().readableFromWeb(stream, options);
Readable.toWeb = (stream, options) => web().readableToWeb(stream, options);
Writable.fromWeb = (stream, options) => web().writableFromWeb(stream, options);
Writable.toWeb = (stream) => web().writableToWeb(stream);
Duplex.fromWeb = (pair, options) => web().duplexFromWeb(pair, options);
Duplex.toWeb = (duplex) => web().duplexToWeb(duplex);

Object.assign(Stream, {
  isDestroyed: utils.isDestroyed, isDisturbed: utils.isDisturbed, isErrored: utils.isErrored, isReadable: utils.isReadable, isWritable: utils.isWritable,
  Readable, Writable, Duplex, Transform, PassThrough, duplexPair, pipeline, compose, addAbortSignal: utils.addAbortSignal, finished: utils.eos, destroy: utils.destroyer,
  setDefaultHighWaterMark: utils.setDefaultHighWaterMark, getDefaultHighWaterMark: utils.getDefaultHighWaterMark, promises, Stream,
  _isUint8Array: (v) => isView(v) && primordials.typedArrayTag(v) === "Uint8Array", _isArrayBufferView: (v) => isView(v),
  _uint8ArrayToBuffer: (chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength),
});
defineProperty(pipeline, kPromisify, { enumerable: true, get() { return promises.pipeline; } });
defineProperty(utils.eos, kPromisify, { enumerable: true, get() { return promises.finished; } });
return Stream;
