
// node:crypto.
const { ERR_INVALID_ARG_TYPE, ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { isBytes, errors: { ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH } } = require("internal/crypto/util");
const keys = require("internal/crypto/keys");
const random = require("internal/crypto/random");

function timingSafeEqual(a, b) {
  if (!isBytes(a)) throw new ERR_INVALID_ARG_TYPE("buf1", ["ArrayBuffer", "Buffer", "TypedArray", "DataView"], a);
  if (!isBytes(b)) throw new ERR_INVALID_ARG_TYPE("buf2", ["ArrayBuffer", "Buffer", "TypedArray", "DataView"], b);
  if (a.byteLength !== b.byteLength) throw new ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH();
  return native.equal(a, b);
}

const curves = ["secp224r1", "prime256v1", "secp384r1", "secp521r1"];
const hashes = [
  "md4", "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "md5-sha1", "RSA-MD5", "RSA-SHA1", "RSA-SHA224", "RSA-SHA256", "RSA-SHA384", "RSA-SHA512",
  "DSA-SHA", "DSA-SHA1", "ecdsa-with-SHA1",
];
const notThere = (name) => ({ [name]() { throw new ERR_METHOD_NOT_IMPLEMENTED(name); } })[name];

// The numbers are OpenSSL's. The library behind them is another one, without a version
// and without a list of ciphers for TLS.
const numbers = { ...require("internal/crypto_constants"), OPENSSL_VERSION_NUMBER: 0, defaultCoreCipherList: "" };
const constants = Object.create(null);
for (const name of Object.keys(numbers)) Object.defineProperty(constants, name, { value: numbers[name], writable: false, enumerable: true, configurable: false });
Object.defineProperty(constants, "defaultCipherList", { value: "", writable: true, enumerable: true, configurable: true });

const { isCryptoKey, isKeyObject, ...keyExports } = keys;
const exports = {
  ...random, ...keyExports,
  ...require("internal/crypto/hash"), ...require("internal/crypto/kdf"), ...require("internal/crypto/cipher"),
  ...require("internal/crypto/sign"), ...require("internal/crypto/dh"), ...require("internal/crypto/certificate"),
  constants, timingSafeEqual,
  pseudoRandomBytes: random.randomBytes,
  getCurves() { return curves.slice(); },
  getHashes() { return hashes.slice(); },
  secureHeapUsed() { return { total: 0, used: 0, utilization: 0, min: 0 }; },
  setEngine: notThere("setEngine"), setFips: notThere("setFips"),
  getFips() { return true; },
};
Object.defineProperty(exports, "fips", { get: exports.getFips, set: exports.setFips, enumerable: true, configurable: true });
// WebCrypto's objects are made when somebody asks for them.
for (const [name, get] of [["webcrypto", () => globalThis.crypto], ["subtle", () => globalThis.crypto.subtle], ["CryptoKey", () => globalThis.CryptoKey]]) {
  Object.defineProperty(exports, name, { get, enumerable: true, configurable: true });
}
if (!primordials.hasFlag("remove_nodejs_compat_eol_v22")) {
  for (const name of ["createCipher", "createDecipher", "Cipher", "Decipher"]) exports[name] = notThere(name);
}
return exports;
