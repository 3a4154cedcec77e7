
// Hash, Hmac and hash().
const { isView } = primordials;
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { validateString, validateUint32 } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { kHandle, errors: { ERR_CRYPTO_HASH_FINALIZED, ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE }, bytesOf, isBytes, encode, lazy } = require("internal/crypto/util");
const { KeyObject, isCryptoKey } = require("internal/crypto/keys");

const kOptions = Symbol("kOptions"), kFinal = Symbol("kFinal");
const Transform = lazy("Transform", (h) => h[kOptions]);

// start sets up what a Hash and a Hmac have in common.
function start(h, handle, options) {
  const own = (key, value) => Object.defineProperty(h, key, { value, writable: true, enumerable: false, configurable: true });
  own(kHandle, handle);
  own(kOptions, options);
  own(kFinal, false);
  return h;
}

function Hash(algorithm, options) {
  if (!(this instanceof Hash)) return new Hash(algorithm, options);
  validateString(algorithm, "algorithm");
  const length = outputLength(options);
  return start(this, native.newHash(algorithm, length), options);
}
function outputLength(options) {
  const length = typeof options === "object" && options !== null ? options.outputLength : undefined;
  if (length !== undefined) validateUint32(length, "options.outputLength");
  return length;
}

const transform = {
  _transform(chunk, encoding, callback) {
    if (typeof chunk === "string") chunk = Buffer.from(chunk, encoding);
    this[kHandle].update(chunk);
    callback();
  },
  _flush(callback) {
    this.push(this[kHandle].digest());
    callback();
  },
  update(data, encoding) {
    if (this[kFinal]) throw new ERR_CRYPTO_HASH_FINALIZED();
    if (typeof data === "string") data = Buffer.from(data, encoding === "buffer" || encoding === undefined || encoding === null ? "utf8" : encoding);
    else if (!isView(data)) throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
    this[kHandle].update(data);
    return this;
  },
};

const members = (proto, methods) => {
  for (const name of Object.keys(methods)) Object.defineProperty(proto, name, { value: methods[name], writable: true, enumerable: true, configurable: true });
};
Object.setPrototypeOf(Hash.prototype, Transform.prototype);
Object.setPrototypeOf(Hash, Transform);
members(Hash.prototype, {
  copy(options) {
    if (this[kFinal]) throw new ERR_CRYPTO_HASH_FINALIZED();
    return start(Object.create(Hash.prototype), this[kHandle].copy(outputLength(options)), options);
  },
  ...transform,
  digest(encoding) {
    if (this[kFinal]) throw new ERR_CRYPTO_HASH_FINALIZED();
    const sum = this[kHandle].digest();
    this[kFinal] = true;
    return encode(sum, encoding);
  },
});

function Hmac(algorithm, key, options) {
  if (!(this instanceof Hmac)) return new Hmac(algorithm, key, options);
  validateString(algorithm, "hmac");
  const encoding = options?.encoding;
  if (encoding !== undefined && encoding !== null) validateString(encoding, "options.encoding");
  let secret = key;
  if (key instanceof KeyObject) secret = key[kHandle];
  if (secret !== key || isCryptoKey(key)) {
    if (key.type !== "secret") throw new ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE(key.type, "secret");
  } else if (typeof key !== "string" && !isBytes(key)) {
    throw new ERR_INVALID_ARG_TYPE("key", ["ArrayBuffer", "Buffer", "TypedArray", "DataView", "string", "KeyObject", "CryptoKey"], key);
  } else secret = bytesOf(key, "key", encoding);
  return start(this, native.newHmac(algorithm, secret), options);
}
Object.setPrototypeOf(Hmac.prototype, Transform.prototype);
Object.setPrototypeOf(Hmac, Transform);
members(Hmac.prototype, {
  ...transform,
  digest(encoding) {
    if (this[kFinal]) return encode(Buffer.from(""), encoding);
    const sum = this[kHandle].digest();
    this[kFinal] = true;
    return encode(sum, encoding);
  },
});

function hash(algorithm, data, outputEncoding = "hex") {
  validateString(algorithm, "algorithm");
  validateString(outputEncoding, "outputEncoding");
  if (typeof data !== "string" && !isView(data)) throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
  const handle = native.newHash(algorithm);
  handle.update(typeof data === "string" ? Buffer.from(data, "utf8") : data);
  return encode(handle.digest(), outputEncoding);
}

return {
  Hash, Hmac, hash,
  createHash(algorithm, options) { return new Hash(algorithm, options); },
  createHmac(algorithm, key, options) { return new Hmac(algorithm, key, options); },
};
