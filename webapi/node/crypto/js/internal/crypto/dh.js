
// DiffieHellman and ECDH.
const { isView } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { validateInt32, validateObject, validateOneOf, validateString } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { kHandle, isBytes, toBytes, bytesOf, encode } = require("internal/crypto/util");
const { isKeyObject } = require("internal/crypto/keys");

const numeric = ["number", "string", "ArrayBuffer", "Buffer", "TypedArray", "DataView"];
const own = (object, handle) => Object.defineProperty(object, kHandle, { value: handle, writable: true, enumerable: false, configurable: true });

function DiffieHellman(sizeOrKey, keyEncoding, generator, genEncoding) {
  if (!(this instanceof DiffieHellman)) return new DiffieHellman(sizeOrKey, keyEncoding, generator, genEncoding);
  if (typeof sizeOrKey !== "number" && typeof sizeOrKey !== "string" && !isBytes(sizeOrKey)) throw new ERR_INVALID_ARG_TYPE("sizeOrKey", numeric, sizeOrKey);
  if (typeof sizeOrKey === "number") validateInt32(sizeOrKey, "sizeOrKey");
  if (keyEncoding && keyEncoding !== "buffer" && !Buffer.isEncoding(keyEncoding)) {
    // The encoding was left out.
    genEncoding = generator;
    generator = keyEncoding;
    keyEncoding = undefined;
  }
  if (!generator) generator = 2;
  else if (typeof generator === "number") validateInt32(generator, "generator");
  else if (typeof generator === "string") generator = toBytes(generator, genEncoding ?? "utf8");
  else if (!isBytes(generator)) throw new ERR_INVALID_ARG_TYPE("generator", numeric, generator);
  own(this, native.newDH(toBytes(sizeOrKey, keyEncoding ?? "utf8"), generator));
}
function DiffieHellmanGroup(name) {
  if (!(this instanceof DiffieHellmanGroup)) return new DiffieHellmanGroup(name);
  validateString(name, "name");
  own(this, native.newGroup(name));
}

const shared = {
  generateKeys(encoding) { return encode(this[kHandle].generateKeys(), encoding); },
  computeSecret(key, inputEncoding, outputEncoding) { return encode(this[kHandle].computeSecret(bytesOf(key, "key", inputEncoding)), outputEncoding); },
  getPrime(encoding) { return encode(this[kHandle].getPrime(), encoding); },
  getGenerator(encoding) { return encode(this[kHandle].getGenerator(), encoding); },
  getPublicKey(encoding) { return encode(this[kHandle].getPublicKey(), encoding); },
  getPrivateKey(encoding) { return encode(this[kHandle].getPrivateKey(), encoding); },
};
const settable = {
  setPublicKey(key, encoding) {
    this[kHandle].setPublicKey(bytesOf(key, "key", encoding));
    return this;
  },
  setPrivateKey(key, encoding) {
    this[kHandle].setPrivateKey(bytesOf(key, "key", encoding));
    return this;
  },
};
for (const [Class, methods] of [[DiffieHellman, { ...shared, ...settable }], [DiffieHellmanGroup, shared]]) {
  for (const name of Object.keys(methods)) Object.defineProperty(Class.prototype, name, { value: methods[name], writable: true, enumerable: true, configurable: true });
  Object.defineProperty(Class.prototype, "verifyError", { get() { return this[kHandle].verifyError(); }, enumerable: true, configurable: true });
}

function diffieHellman(options) {
  validateObject(options, "options");
  const { publicKey, privateKey } = options;
  if (!isKeyObject(publicKey)) throw new ERR_INVALID_ARG_TYPE("options.publicKey", "KeyObject", publicKey);
  if (!isKeyObject(privateKey)) throw new ERR_INVALID_ARG_TYPE("options.privateKey", "KeyObject", privateKey);
  if (publicKey.type !== "public") throw new ERR_INVALID_ARG_TYPE("options.publicKey", "public key", publicKey);
  if (privateKey.type !== "private") throw new ERR_INVALID_ARG_TYPE("options.privateKey", "private key", privateKey);
  if (publicKey.asymmetricKeyType !== privateKey.asymmetricKeyType) {
    throw new ERR_INVALID_ARG_VALUE("options.publicKey.asymmetricKeyType", publicKey.asymmetricKeyType, "must equal privateKey.asymmetricKeyType");
  }
  return native.stateless(privateKey[kHandle], publicKey[kHandle]);
}

const optionalText = (value, name) => {
  if (value !== undefined && value !== null) validateString(value, name);
};
const formats = ["compressed", "uncompressed", "hybrid"];
function keyBytes(key, name, encoding) {
  const bytes = toBytes(key, encoding);
  if (!isView(bytes)) throw new ERR_INVALID_ARG_TYPE(name, ["string", "Buffer", "TypedArray", "DataView"], key);
  return bytes;
}

function ECDH(curve) {
  if (!(this instanceof ECDH)) return new ECDH(curve);
  validateString(curve, "curveName");
  own(this, native.newECDH(curve));
}
const ecdh = {
  computeSecret(key, inputEncoding, outputEncoding) {
    const bytes = keyBytes(key, "otherPublicKey", inputEncoding);
    optionalText(inputEncoding, "inputEncoding");
    optionalText(outputEncoding, "outputEncoding");
    return encode(this[kHandle].computeSecret(bytes), outputEncoding);
  },
  generateKeys(encoding, format) {
    optionalText(encoding, "encoding");
    if (format !== undefined && format !== null) validateOneOf(format, "format", formats);
    this[kHandle].generateKeys();
    return this.getPublicKey(encoding, format ?? undefined);
  },
  getPrivateKey(encoding) {
    optionalText(encoding, "encoding");
    return encode(this[kHandle].getPrivateKey(), encoding);
  },
  getPublicKey(encoding, format = "uncompressed") {
    optionalText(encoding, "encoding");
    validateOneOf(format, "format", formats);
    return encode(this[kHandle].getPublicKey(format), encoding);
  },
  setPrivateKey(key, encoding) {
    optionalText(encoding, "encoding");
    this[kHandle].setPrivateKey(keyBytes(key, "key", encoding));
  },
};
for (const name of Object.keys(ecdh)) Object.defineProperty(ECDH.prototype, name, { value: ecdh[name], writable: true, enumerable: true, configurable: true });
ECDH.convertKey = function convertKey(key, curve, inputEncoding, outputEncoding, format = "uncompressed") {
  const bytes = keyBytes(key, "key", inputEncoding);
  validateString(curve, "curve");
  optionalText(inputEncoding, "inputEncoding");
  optionalText(outputEncoding, "outputEncoding");
  validateOneOf(format, "format", formats);
  return encode(native.convertKey(bytes, curve, format), outputEncoding);
};

return {
  DiffieHellman, DiffieHellmanGroup, ECDH, diffieHellman,
  createDiffieHellman(sizeOrKey, keyEncoding, generator, genEncoding) { return new DiffieHellman(sizeOrKey, keyEncoding, generator, genEncoding); },
  createDiffieHellmanGroup(name) { return new DiffieHellmanGroup(name); },
  getDiffieHellman(name) { return new DiffieHellmanGroup(name); },
  createECDH(curve) { return new ECDH(curve); },
};
