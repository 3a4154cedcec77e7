
// Ciphers, and encryption with RSA.
const { ERR_INVALID_ARG_TYPE, ERR_MISSING_ARGS } = require("internal/codes");
const { validateNumber, validateObject, validateString, validateUint32, validateInt32 } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { StringDecoder } = require("node:string_decoder");
const { kHandle, errors: { ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE }, isBytes, toBytes, lazy } = require("internal/crypto/util");
const { isCryptoKey, isKeyObject, createSecretKey, createPublicKey, createPrivateKey } = require("internal/crypto/keys");

const kOptions = Symbol("kOptions"), kDecoder = Symbol("kDecoder");
const Transform = lazy("Transform", (c) => c[kOptions]);

// ofType is the CryptoKey of a key that must have that type.
function ofType(key, type) {
  if (key.type !== type) throw new ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE(key.type, type);
  return isKeyObject(key) ? key[kHandle] : key;
}
function secretKey(key) {
  if (isCryptoKey(key) || isKeyObject(key)) return ofType(key, "secret");
  if (typeof key === "string" || isBytes(key)) return createSecretKey(key, "utf8")[kHandle];
  throw new ERR_INVALID_ARG_TYPE("key", ["string", "Buffer", "TypedArray", "DataView", "KeyObject", "CryptoKey"], key);
}

function start(cipher, encrypt, algorithm, key, iv, options = {}) {
  validateString(algorithm, "algorithm");
  const secret = secretKey(key);
  let vector = iv === null ? Buffer.alloc(0) : toBytes(iv, "utf8");
  if (!isBytes(vector)) throw new ERR_INVALID_ARG_TYPE("iv", ["string", "Buffer", "TypedArray", "DataView", "null"], iv);
  const tagLength = options?.authTagLength ?? options?.authLengthTag;
  if (tagLength !== undefined) validateUint32(tagLength, "options.authTagLength");
  const own = (name, value) => Object.defineProperty(cipher, name, { value, writable: true, enumerable: false, configurable: true });
  own(kHandle, native.newCipher(encrypt, algorithm, secret, vector, tagLength));
  own(kOptions, options);
  return cipher;
}

// text is a part of the result in the encoding, or the Buffer that it is. What ends in
// the middle of a letter, or of a group of base64, waits for the rest: the parts make one
// text. Their encoding cannot change on the way.
function text(cipher, buf, encoding, last) {
  if (!encoding || encoding === "buffer") return buf;
  let decoder = cipher[kDecoder];
  if (decoder === undefined) {
    decoder = new StringDecoder(encoding);
    Object.defineProperty(cipher, kDecoder, { value: decoder, writable: true, enumerable: false, configurable: true });
  } else if (new StringDecoder(encoding).encoding !== decoder.encoding) throw new Error("Cannot change encoding");
  return last ? decoder.end(buf) : decoder.write(buf);
}

const methods = {
  update(data, inputEncoding, outputEncoding) {
    let bytes = data;
    if (typeof data === "string") bytes = Buffer.from(data, inputEncoding ?? "utf8");
    else if (!isBytes(data)) throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
    return text(this, this[kHandle].update(bytes), outputEncoding, false);
  },
  final(outputEncoding) { return text(this, this[kHandle].final(), outputEncoding, true); },
  setAAD(buffer, options = {}) {
    validateObject(options, "options");
    const { plaintextLength, encoding } = options;
    if (plaintextLength !== undefined) validateUint32(plaintextLength, "options.plaintextLength");
    if (encoding !== undefined) validateString(encoding, "options.encoding");
    const bytes = toBytes(buffer, encoding);
    if (!isBytes(bytes)) throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "ArrayBuffer", "Buffer", "TypedArray", "DataView"], buffer);
    this[kHandle].setAAD(bytes);
    return this;
  },
  setAutoPadding(on = true) {
    this[kHandle].setAutoPadding(!!on);
    return this;
  },
  _transform(chunk, encoding, callback) {
    try {
      this.push(this[kHandle].update(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk));
    } catch (e) {
      return callback(e);
    }
    callback();
  },
  _flush(callback) {
    try {
      this.push(this[kHandle].final());
    } catch (e) {
      return callback(e);
    }
    callback();
  },
};
function finish(Class, more) {
  Object.setPrototypeOf(Class.prototype, Transform.prototype);
  Object.setPrototypeOf(Class, Transform);
  const all = { ...methods, ...more };
  for (const name of Object.keys(all)) Object.defineProperty(Class.prototype, name, { value: all[name], writable: true, enumerable: true, configurable: true });
}

function Cipheriv(algorithm, key, iv, options) {
  if (!(this instanceof Cipheriv)) return new Cipheriv(algorithm, key, iv, options);
  start(this, true, algorithm, key, iv, options);
}
finish(Cipheriv, { getAuthTag() { return this[kHandle].getAuthTag(); } });

function Decipheriv(algorithm, key, iv, options) {
  if (!(this instanceof Decipheriv)) return new Decipheriv(algorithm, key, iv, options);
  start(this, false, algorithm, key, iv, options);
}
finish(Decipheriv, {
  setAuthTag(tag, encoding) {
    const bytes = toBytes(tag, encoding);
    if (!isBytes(bytes)) throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "ArrayBuffer", "Buffer", "TypedArray", "DataView"], tag);
    this[kHandle].setAuthTag(bytes);
    return this;
  },
});

// rsa makes one of the four functions. Their key has the options beside it.
const rsa = (name, type, parameter, create) => ({
  [name](key, buffer) {
    if (key === undefined) throw new ERR_MISSING_ARGS(parameter);
    if (buffer === undefined) throw new ERR_MISSING_ARGS("buffer");
    const handle = isCryptoKey(key) || isKeyObject(key) ? ofType(key, type) : create(key)[kHandle];
    const { padding = standardPadding, oaepHash = "sha256", oaepLabel, encoding = "utf8" } = typeof key === "object" ? key : {};
    validateNumber(padding, "options.padding");
    validateString(oaepHash, "options.oaepHash");
    const label = toBytes(oaepLabel, encoding);
    if (label !== undefined && !isBytes(label)) throw new ERR_INVALID_ARG_TYPE("options.oaepLabel", ["string", "Buffer", "TypedArray", "DataView", "ArrayBuffer"], oaepLabel);
    const data = toBytes(buffer, encoding);
    if (!isBytes(data)) throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "ArrayBuffer", "Buffer", "TypedArray", "DataView"], buffer);
    return native.rsa(name, handle, data, padding, oaepHash, label);
  },
})[name];
// standardPadding is that of PKCS #1, as in workerd; node's is OAEP for two of the four.
const standardPadding = 1;

function getCipherInfo(name, options = {}) {
  if (typeof name !== "string" && typeof name !== "number") throw new ERR_INVALID_ARG_TYPE("nameOrId", ["string", "number"], name);
  validateObject(options, "options");
  const { keyLength, ivLength } = options;
  if (keyLength !== undefined) validateInt32(keyLength, "options.keyLength");
  if (ivLength !== undefined) validateInt32(ivLength, "options.ivLength");
  return native.info(name, keyLength, ivLength);
}

return {
  Cipheriv, Decipheriv, getCipherInfo,
  getCiphers() { return native.ciphers(); },
  createCipheriv(algorithm, key, iv, options) { return new Cipheriv(algorithm, key, iv, options); },
  createDecipheriv(algorithm, key, iv, options) { return new Decipheriv(algorithm, key, iv, options); },
  publicEncrypt: rsa("publicEncrypt", "public", "key", createPublicKey),
  publicDecrypt: rsa("publicDecrypt", "public", "key", createPublicKey),
  privateEncrypt: rsa("privateEncrypt", "private", "privateKey", createPrivateKey),
  privateDecrypt: rsa("privateDecrypt", "private", "privateKey", createPrivateKey),
};
