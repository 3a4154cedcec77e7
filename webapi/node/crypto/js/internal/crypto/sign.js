
// Signatures.
const { isView } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { validateString } = require("internal/validators");
const { kHandle, errors: { ERR_CRYPTO_SIGN_KEY_REQUIRED, ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE }, toBytes, encode, late, lazy } = require("internal/crypto/util");
const { isCryptoKey, isKeyObject, createPublicKey, createPrivateKey } = require("internal/crypto/keys");

const kOptions = Symbol("kOptions");
const Writable = lazy("Writable", (s) => s[kOptions]);

function intOption(options, name) {
  const value = options[name];
  if (value !== undefined && value !== value >> 0) throw new ERR_INVALID_ARG_VALUE(`options.${name}`, value);
  return value;
}
// signOptions are padding, saltLength and the encoding of signatures with curves.
function signOptions(options) {
  const { dsaEncoding = "der" } = typeof options === "object" ? options : {};
  if (dsaEncoding !== "der" && dsaEncoding !== "ieee-p1363") throw new ERR_INVALID_ARG_VALUE("options.dsaEncoding", dsaEncoding);
  return [intOption(options, "padding"), intOption(options, "saltLength"), dsaEncoding === "der" ? 0 : 1];
}

// given is the CryptoKey of a key, of an object with a key among its options, or of
// what create makes a key of.
function given(options, create) {
  if (!options) throw new ERR_CRYPTO_SIGN_KEY_REQUIRED();
  if (isCryptoKey(options)) return options;
  if (isKeyObject(options)) return options[kHandle];
  if (typeof options === "object" && (isKeyObject(options.key) || isCryptoKey(options.key))) return given(options.key, create);
  return create(options)[kHandle];
}
function privateKey(options) {
  const key = given(options, createPrivateKey);
  if (key.type === "secret") throw new ERR_INVALID_ARG_TYPE("options", ["PublicKeyObject", "PrivateKeyObject", "CryptoKey", "object"], key.type);
  if (key.type === "public") throw new ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE("public", "private");
  return key;
}
function publicKey(options) {
  const key = given(options, createPublicKey);
  if (key.type === "secret") throw new ERR_INVALID_ARG_TYPE("options", ["PublicKeyObject", "PrivateKeyObject", "CryptoKey", "object"], key.type);
  return key;
}

function start(object, algorithm, what, options) {
  validateString(algorithm, "algorithm");
  const own = (name, value) => Object.defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  own(kHandle, native.newSigner(algorithm, what));
  own(kOptions, options);
  return object;
}
function finish(Class, more) {
  Object.setPrototypeOf(Class.prototype, Writable.prototype);
  Object.setPrototypeOf(Class, Writable);
  const all = {
    _write(chunk, encoding, callback) {
      this.update(chunk, encoding);
      callback();
    },
    update(data, encoding) {
      const bytes = toBytes(data, encoding);
      if (!isView(bytes)) throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
      this[kHandle].update(bytes);
      return this;
    },
    ...more,
  };
  for (const name of Object.keys(all)) Object.defineProperty(Class.prototype, name, { value: all[name], writable: true, enumerable: true, configurable: true });
}

function Sign(algorithm, options) {
  if (!(this instanceof Sign)) return new Sign(algorithm, options);
  return start(this, algorithm, "Signing", options);
}
finish(Sign, {
  sign(options, encoding) {
    const key = privateKey(options);
    return encode(this[kHandle].sign(key, ...signOptions(options)), encoding);
  },
});

function Verify(algorithm, options) {
  if (!(this instanceof Verify)) return new Verify(algorithm, options);
  return start(this, algorithm, "Verification", options);
}
finish(Verify, {
  verify(options, signature, encoding = "utf8") {
    const key = publicKey(options);
    const bytes = toBytes(signature, encoding);
    if (!isView(bytes)) throw new ERR_INVALID_ARG_TYPE("signature", ["string", "Buffer", "TypedArray", "DataView"], signature);
    return this[kHandle].verify(key, bytes, ...signOptions(options));
  },
});

function checkData(algorithm, data) {
  if (algorithm !== null && algorithm !== undefined) validateString(algorithm, "algorithm");
  if (!isView(data)) throw new ERR_INVALID_ARG_TYPE("data", ["Buffer", "TypedArray", "DataView"], data);
}
function sign(algorithm, data, options, callback) {
  checkData(algorithm, data);
  const key = privateKey(options), more = signOptions(options);
  const run = () => native.sign(key, algorithm, data, ...more);
  if (callback === undefined) return run();
  late(run, callback);
}
function verify(algorithm, data, options, signature, callback) {
  checkData(algorithm, data);
  if (!isView(signature)) throw new ERR_INVALID_ARG_TYPE("signature", ["Buffer", "TypedArray", "DataView"], signature);
  const key = publicKey(options), more = signOptions(options);
  const run = () => native.verify(key, algorithm, data, signature, ...more);
  if (callback === undefined) return run();
  late(run, callback);
}

return {
  Sign, Verify, sign, verify,
  createSign(algorithm, options) { return new Sign(algorithm, options); },
  createVerify(algorithm, options) { return new Verify(algorithm, options); },
};
