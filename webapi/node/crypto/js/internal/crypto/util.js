
// What the files of node:crypto share.
const { isAnyArrayBuffer, isView, promiseThen } = primordials;
const { ERR_INVALID_ARG_TYPE, make } = require("internal/codes");
const { validateFunction } = require("internal/validators");
const { Buffer } = require("node:buffer");

const kHandle = Symbol("kHandle");

// define is a constructor of errors with a code.
const define = (code, Base, message) => function (...args) { return make(Base, code, typeof message === "string" ? message : message(...args)); };
const errors = {
  ERR_CRYPTO_HASH_FINALIZED: define("ERR_CRYPTO_HASH_FINALIZED", Error, "Digest already called"),
  ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS: define("ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", Error, (encoding, why) => `The selected key encoding ${encoding} ${why}.`),
  ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE: define("ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", Error, (actual, expected) => `Invalid key object type ${actual}, expected ${expected}.`),
  ERR_CRYPTO_SIGN_KEY_REQUIRED: define("ERR_CRYPTO_SIGN_KEY_REQUIRED", Error, "No key provided to sign"),
  ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH: define("ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", RangeError, "Input buffers must have the same byte length"),
  ERR_INCOMPATIBLE_OPTION_PAIR: define("ERR_INCOMPATIBLE_OPTION_PAIR", TypeError, (a, b) => `Option "${a}" cannot be used in combination with option "${b}"`),
  ERR_MISSING_OPTION: define("ERR_MISSING_OPTION", TypeError, (what) => `${what} is required`),
};

const isBytes = (v) => typeof v === "object" && v !== null && (isAnyArrayBuffer(v) || isView(v));

// toBytes makes bytes of text and leaves everything else as it is.
function toBytes(value, encoding) {
  if (typeof value !== "string") return value;
  return Buffer.from(value, encoding === "buffer" ? "utf8" : encoding);
}

// bytesOf is toBytes for an argument that must be text or bytes.
function bytesOf(value, name, encoding) {
  const out = toBytes(value, encoding);
  if (!isBytes(out)) throw new ERR_INVALID_ARG_TYPE(name, ["string", "ArrayBuffer", "Buffer", "TypedArray", "DataView"], value);
  return out;
}

// encode is a result as text in the encoding, or as the Buffer that it is.
const encode = (buf, encoding) => (encoding && encoding !== "buffer" ? buf.toString(encoding) : buf);

// late calls callback(null, value) once there is a value, and callback(error) where
// there is none. start returns the value or a promise for it.
function late(start, callback) {
  let value;
  try {
    value = start();
  } catch (e) {
    value = Promise.reject(e);
  }
  promiseThen(Promise.resolve(value), (v) => { callback(null, v); }, (e) => { callback(e); });
}

function requireCallback(callback) {
  validateFunction(callback, "callback");
  return callback;
}

// lazy makes a class of node:stream whose streams are set up when they are first used
// as such: most hashes and ciphers never are. options(instance) are those of the stream.
function lazy(name, options) {
  const Base = require("node:stream")[name];
  function Lazy() {}
  Object.setPrototypeOf(Lazy.prototype, Base.prototype);
  Object.setPrototypeOf(Lazy, Base);
  const setUp = (stream) => {
    for (const key of states) Object.defineProperty(stream, key, { value: undefined, writable: true, enumerable: true, configurable: true });
    Base.call(stream, options(stream));
  };
  const states = ["_readableState", "_writableState", "_events", "_eventsCount", "_maxListeners"];
  for (const key of states) {
    Object.defineProperty(Lazy.prototype, key, {
      get() {
        if (this === Lazy.prototype || !(kHandle in this)) return undefined;
        setUp(this);
        return this[key];
      },
      set(value) { Object.defineProperty(this, key, { value, writable: true, enumerable: true, configurable: true }); },
      configurable: true, enumerable: false,
    });
  }
  return Lazy;
}

return { kHandle, errors, isBytes, toBytes, bytesOf, encode, late, requireCallback, lazy };
