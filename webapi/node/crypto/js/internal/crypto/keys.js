
// KeyObject and what makes keys.
const { isView, inspect } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { validateFunction, validateInteger, validateObject, validateOneOf, validateString, validateUint32, validateInt32 } = require("internal/validators");
const { kHandle, errors: { ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS, ERR_INCOMPATIBLE_OPTION_PAIR, ERR_MISSING_OPTION }, isBytes, toBytes, bytesOf, late } = require("internal/crypto/util");
const customInspect = Symbol.for("nodejs.util.inspect.custom");

const isCryptoKey = (v) => typeof v === "object" && v !== null && native.isCryptoKey(v);
const isKeyObject = (v) => typeof v === "object" && v !== null && v instanceof KeyObject && isCryptoKey(v[kHandle]);
const keyTypes = ["ArrayBuffer", "Buffer", "TypedArray", "DataView", "string", "object"];

function checkExport(options, type, name = "options") {
  validateObject(options, name);
  if (options.format !== undefined) validateString(options.format, `${name}.format`);
  if (options.type !== undefined) validateString(options.type, `${name}.type`);
  let passphrase;
  if (type === "private" && options.cipher !== undefined) {
    validateString(options.cipher, `${name}.cipher`);
    passphrase = toBytes(options.passphrase, options.encoding);
    if (!isView(passphrase)) throw new ERR_INVALID_ARG_TYPE(`${name}.passphrase`, ["string", "Uint8Array"], options.passphrase);
  }
  return [options.format ?? "buffer", options.type, type === "private" ? options.cipher : undefined, passphrase];
}

class KeyObject {
  constructor() { throw new Error("Illegal constructor"); }
  static from(key) {
    if (!isCryptoKey(key)) throw new ERR_INVALID_ARG_TYPE("key", "CryptoKey", key);
    const Class = key.type === "secret" ? SecretKeyObject : key.type === "private" ? PrivateKeyObject : PublicKeyObject;
    const object = Object.create(Class.prototype);
    Object.defineProperty(object, kHandle, { value: key, writable: true, enumerable: false, configurable: true });
    return object;
  }
  export(options = {}) {
    validateObject(options, "options");
    if (options.type === "pkcs1" && this.type !== "secret" && this.asymmetricKeyType !== "rsa") throw new ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS("pkcs1", "can only be used for RSA keys");
    if (options.type === "sec1" && this.type === "private" && this.asymmetricKeyType !== "ec") throw new ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS("sec1", "can only be used for EC keys");
    return native.exportKey(this[kHandle], ...checkExport(options, this.type));
  }
  equals(other) {
    if (this === other) return true;
    if (!isKeyObject(other)) throw new ERR_INVALID_ARG_TYPE("otherKeyObject", "KeyObject", other);
    return this.type === other.type && native.equals(this[kHandle], other[kHandle]);
  }
  get [Symbol.toStringTag]() { return "KeyObject"; }
}

const shown = (object, fields, depth) => (depth < 0 ? object : `${object.constructor.name} ${inspect(fields)}`);

class AsymmetricKeyObject extends KeyObject {
  get asymmetricKeyType() { return native.type(this[kHandle]); }
  get asymmetricKeyDetails() { return native.details(this[kHandle]); }
  toCryptoKey() { throw new ERR_METHOD_NOT_IMPLEMENTED("toCryptoKey"); }
  [customInspect](depth) { return shown(this, { type: this.asymmetricKeyType, details: this.asymmetricKeyDetails }, depth); }
}
class PublicKeyObject extends AsymmetricKeyObject {
  get type() { return "public"; }
}
class PrivateKeyObject extends AsymmetricKeyObject {
  get type() { return "private"; }
}
class SecretKeyObject extends KeyObject {
  get type() { return "secret"; }
  get symmetricKeySize() { return native.size(this[kHandle]); }
  [customInspect](depth) { return shown(this, { size: this.symmetricKeySize }, depth); }
}

function createSecretKey(key, encoding) {
  if (typeof key !== "string" && !isBytes(key)) throw new ERR_INVALID_ARG_TYPE("key", ["string", "ArrayBuffer", "TypedArray", "DataView"], key);
  return KeyObject.from(native.createSecret(toBytes(key, encoding)));
}

// description turns what a script gives for a key into the arguments of the natives:
// the data, the format, the type and the passphrase.
function description(key, types) {
  if (key === null || key === undefined) throw new ERR_INVALID_ARG_TYPE("key", keyTypes, key);
  const { key: data, encoding = "utf8", format = "pem", type, passphrase } = typeof key === "string" || isBytes(key) ? { key } : key;
  if (data === null || data === undefined || isKeyObject(data) || isCryptoKey(data)) throw new ERR_INVALID_ARG_TYPE("options.key", keyTypes, data);
  if (typeof data === "string" || isBytes(data)) {
    validateOneOf(format, "format", ["pem", "der"]);
    if (type !== undefined && types) validateOneOf(type, "type", types);
    return [bytesOf(data, "key", encoding), format, type, passphrase === undefined || passphrase === null ? undefined : bytesOf(passphrase, "passphrase", encoding)];
  }
  if (typeof data !== "object") throw new ERR_INVALID_ARG_TYPE("key", keyTypes, key);
  return [data, "jwk"];
}

const createPrivateKey = (key) => KeyObject.from(native.createPrivate(...description(key, ["pkcs1", "pkcs8", "sec1"])));

function createPublicKey(key) {
  const object = isKeyObject(key);
  if (object || isCryptoKey(key)) {
    if (key.type !== "private") throw new ERR_INVALID_ARG_TYPE("key", "PrivateKeyObject", key);
    return KeyObject.from(native.createPublic(object ? key[kHandle] : key));
  }
  return KeyObject.from(native.createPublic(...description(key, ["pkcs1", "spki", "pkcs8", "sec1"])));
}

function generateKeySync(type, options) {
  validateOneOf(type, "type", ["hmac", "aes"]);
  validateObject(options, "options");
  const { length } = options;
  if (type === "hmac") validateInteger(length, "options.length", 8, 65536);
  else validateOneOf(length, "options.length", [128, 192, 256]);
  return createSecretKey(require("internal/crypto/random").randomBytes(Math.floor(length / 8)));
}
function generateKey(type, options, callback) {
  validateFunction(callback, "callback");
  late(() => generateKeySync(type, options), callback);
}

// pairArguments checks the options for a pair of keys; finish makes of the two
// CryptoKeys what was asked for.
function pairArguments(type, options = {}) {
  validateOneOf(type, "type", ["rsa", "ec", "ed25519", "x25519", "dh"]);
  validateObject(options, "options");
  const { publicKeyEncoding, privateKeyEncoding } = options;
  if (publicKeyEncoding !== undefined) checkExport(publicKeyEncoding, "public", "options.publicKeyEncoding");
  if (privateKeyEncoding !== undefined) checkExport(privateKeyEncoding, "private", "options.privateKeyEncoding");
  const finish = ([first, second]) => {
    const publicKey = KeyObject.from(first), privateKey = KeyObject.from(second);
    return {
      publicKey: publicKeyEncoding === undefined ? publicKey : publicKey.export(publicKeyEncoding),
      privateKey: privateKeyEncoding === undefined ? privateKey : privateKey.export(privateKeyEncoding),
    };
  };
  const { modulusLength, publicExponent = 0x10001, namedCurve, paramEncoding = "named" } = options;
  switch (type) {
    case "rsa":
      validateUint32(modulusLength, "options.modulusLength");
      validateUint32(publicExponent, "options.publicExponent");
      return { args: [type, modulusLength, publicExponent], finish };
    case "ec":
      validateString(namedCurve, "options.namedCurve");
      validateOneOf(paramEncoding, "options.paramEncoding", ["named", "explicit"]);
      return { args: [type, namedCurve, undefined], finish };
    case "dh":
      checkDH(options);
      // workerd's library has no such keys.
      if (options.prime?.byteLength > 1024) throw new RangeError("DH prime exceeds maximum size");
      throw new Error(options.primeLength === undefined ? "Failed to create keygen context" : "Generating DH keys from a prime length is not yet implemented");
  }
  return { args: [type, undefined, undefined], finish };
}
function checkDH({ generator, group, groupName, prime, primeLength }) {
  const given = (v) => v !== undefined && v !== null;
  if (given(generator)) validateInt32(generator, "options.generator", 0);
  if (given(group) || given(groupName)) {
    if (given(prime)) throw new ERR_INCOMPATIBLE_OPTION_PAIR("group", "prime");
    if (given(primeLength)) throw new ERR_INCOMPATIBLE_OPTION_PAIR("group", "primeLength");
    if (given(generator)) throw new ERR_INCOMPATIBLE_OPTION_PAIR("group", "generator");
    validateString(group || groupName, "options.group");
  } else if (given(prime)) {
    if (given(primeLength)) throw new ERR_INCOMPATIBLE_OPTION_PAIR("prime", "primeLength");
    if (!isBytes(prime)) throw new ERR_INVALID_ARG_TYPE("options.prime", ["Buffer", "TypedArray", "ArrayBuffer"], prime);
  } else if (given(primeLength)) validateInt32(primeLength, "options.primeLength", 0);
  else throw new ERR_MISSING_OPTION("At least one of the group, prime, or primeLength options");
}
function generateKeyPairSync(type, options) {
  const { args, finish } = pairArguments(type, options);
  return finish(native.generate(...args, false));
}
function generateKeyPair(type, options, callback) {
  if (typeof options === "function") {
    callback = options;
    options = undefined;
  }
  validateFunction(callback, "callback");
  const { args, finish } = pairArguments(type, options);
  late(() => native.generate(...args, true), (err, pair) => {
    if (err) return callback(err);
    const { publicKey, privateKey } = finish(pair);
    callback(null, publicKey, privateKey);
  });
}
Object.defineProperty(generateKeyPair, Symbol.for("nodejs.util.promisify.custom.args"), { value: ["publicKey", "privateKey"], enumerable: false });

return {
  KeyObject, PublicKeyObject, PrivateKeyObject, SecretKeyObject, isCryptoKey, isKeyObject,
  createSecretKey, createPrivateKey, createPublicKey, generateKey, generateKeySync, generateKeyPair, generateKeyPairSync,
};
