
// hkdf, pbkdf2 and scrypt.
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE } = require("internal/codes");
const { validateString, validateInteger, validateInt32, validateUint32 } = require("internal/validators");
const { kMaxLength } = require("node:buffer");
const { toBytes, isBytes, bytesOf, late, requireCallback } = require("internal/crypto/util");
const { KeyObject } = require("internal/crypto/keys");

function source(value, name) {
  const out = toBytes(value);
  if (!isBytes(out)) throw new ERR_INVALID_ARG_TYPE(name, ["string", "ArrayBuffer", "TypedArray", "DataView", "Buffer"], out);
  return out;
}

function hkdfArguments(hash, key, salt, info, length) {
  if (key instanceof KeyObject) key = key.export();
  validateString(hash, "digest");
  key = toBytes(key);
  if (!isBytes(key)) throw new ERR_INVALID_ARG_TYPE("ikm", ["string", "SecretKeyObject", "ArrayBuffer", "TypedArray", "DataView", "Buffer"], key);
  salt = source(salt, "salt");
  info = source(info, "info");
  validateInteger(length, "length", 0, kMaxLength);
  if (info.byteLength > 1024) throw new ERR_OUT_OF_RANGE("info", "must not contain more than 1024 bytes", info.byteLength);
  return [hash, key, salt, info, length];
}
function hkdf(hash, key, salt, info, length, callback) {
  const args = hkdfArguments(hash, key, salt, info, length);
  requireCallback(callback);
  late(() => native.hkdf(...args), callback);
}
const hkdfSync = (hash, key, salt, info, length) => native.hkdf(...hkdfArguments(hash, key, salt, info, length));

function pbkdf2Arguments(password, salt, iterations, length, digest) {
  validateString(digest, "digest");
  password = bytesOf(password, "password");
  salt = bytesOf(salt, "salt");
  validateInt32(iterations, "iterations", 1);
  validateInt32(length, "keylen", 0);
  return [password, salt, iterations, length, digest];
}
function pbkdf2(password, salt, iterations, length, digest, callback) {
  if (typeof digest === "function") validateString(undefined, "digest");
  requireCallback(callback);
  const args = pbkdf2Arguments(password, salt, iterations, length, digest);
  late(() => native.pbkdf2(...args, true), callback);
}
const pbkdf2Sync = (password, salt, iterations, length, digest) => native.pbkdf2(...pbkdf2Arguments(password, salt, iterations, length, digest), false);

// The names of a parameter of scrypt, and what it is where it is left out or 0.
const scryptOptions = [["N", "cost", 16384], ["r", "blockSize", 8], ["p", "parallelization", 1]];
const scryptMemory = 32 << 20;

function scryptArguments(password, salt, length, options) {
  password = bytesOf(password, "password");
  salt = bytesOf(salt, "salt");
  validateInteger(length, "keylen", 0, kMaxLength);
  const values = [];
  for (const [name, longName, standard] of scryptOptions) {
    let value = options?.[name];
    if (value !== undefined) validateUint32(value, name);
    const other = options?.[longName];
    if (other !== undefined) {
      if (value !== undefined) throw new ERR_INVALID_ARG_VALUE(longName, other);
      validateUint32(other, longName);
      value = other;
    }
    values.push(value || standard);
  }
  const memory = options?.maxmem;
  if (memory !== undefined) validateInteger(memory, "maxmem", 0);
  return [password, salt, ...values, memory || scryptMemory, length];
}
function scrypt(password, salt, length, options, callback) {
  if (callback === undefined) {
    callback = options;
    options = undefined;
  }
  const args = scryptArguments(password, salt, length, options);
  requireCallback(callback);
  late(() => native.scrypt(...args, true), callback);
}
const scryptSync = (password, salt, length, options) => native.scrypt(...scryptArguments(password, salt, length, options), false);

return { hkdf, hkdfSync, pbkdf2, pbkdf2Sync, scrypt, scryptSync };
