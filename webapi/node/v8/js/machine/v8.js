
// node:v8 of programs: values as bytes, and the numbers of the heap.
const shared = require("internal/v8");
const { Buffer } = require("node:buffer");
// What makes a view of each of node's numbers.
const classes = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, DataView, undefined, BigInt64Array, BigUint64Array];
const sizes = [1, 1, 1, 2, 2, 4, 4, 4, 8, 1, 1, 8, 8];
const bufferNumber = 10;
const { isView } = primordials;
const { from } = Buffer;
const numberOf = (view, number) => (view.constructor === Buffer ? bufferNumber : number);
function viewOf(number, buffer) {
  if (number === bufferNumber) return from(buffer);
  const Class = classes[number];
  if (Class === undefined) return undefined;
  return new Class(buffer, 0, Class === DataView ? undefined : buffer.byteLength / sizes[number] >>> 0);
}
const { inspect } = primordials, { apply } = Reflect, { Error } = globalThis;

// The classes of which serialize and deserialize are the common uses.
const [Serializer, Deserializer] = native.classes();
const { releaseBuffer } = Serializer.prototype;
Object.assign(Serializer.prototype, {
  releaseBuffer() { return from(apply(releaseBuffer, this, [])); },
  _getDataCloneError: Error,
});
Object.assign(Deserializer.prototype, {
  readRawBytes(length) {
    const offset = this._readRawBytes(length), { buffer } = this;
    return from(buffer.buffer, buffer.byteOffset + offset, length);
  },
});
class DefaultSerializer extends Serializer {
  constructor() {
    super();
    this._setTreatArrayBufferViewsAsHostObjects(true);
  }
  _writeHostObject(view) {
    const number = view.constructor === Buffer ? bufferNumber : native.kind(view);
    if (number < 0) throw new this._getDataCloneError(`Unserializable host object: ${inspect(view)}`);
    this.writeUint32(number);
    this.writeUint32(view.byteLength);
    this.writeRawBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }
}
class DefaultDeserializer extends Deserializer {
  _readHostObject() {
    const number = this.readUint32(), Class = number === bufferNumber ? undefined : classes[number], size = this.readUint32(), at = this._readRawBytes(size), { buffer } = this;
    if (Class === undefined && number !== bufferNumber) throw new Error("Unable to deserialize cloned data.");
    if (number === bufferNumber) return from(buffer.buffer, buffer.byteOffset + at, size);
    const element = sizes[number], offset = buffer.byteOffset + at;
    // What is not aligned is copied.
    if (offset % element === 0) return new Class(buffer.buffer, offset, size / element >>> 0);
    return new Class(new Uint8Array(buffer.buffer, offset, size).slice().buffer, 0, size / element >>> 0);
  }
}
return {
  ...shared,
  Serializer, Deserializer, DefaultSerializer, DefaultDeserializer,
  serialize(value) { return from(native.serialize(value, numberOf)); },
  deserialize(buffer) {
    if (!isView(buffer)) {
      const error = new TypeError("buffer must be a TypedArray or a DataView");
      error.code = "ERR_INVALID_ARG_TYPE";
      throw error;
    }
    return native.deserialize(buffer, viewOf);
  },
  getHeapStatistics() {
    const out = shared.getHeapStatistics(), numbers = native.heap();
    out.total_heap_size = numbers[0];
    out.total_physical_size = numbers[1];
    out.total_available_size = numbers[2];
    out.used_heap_size = numbers[3];
    out.heap_size_limit = numbers[4];
    out.total_allocated_bytes = numbers[5];
    out.number_of_native_contexts = 1;
    return out;
  },
};
