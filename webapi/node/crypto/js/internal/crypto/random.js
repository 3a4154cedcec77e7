
// Random bytes and numbers, and primes.
const { isAnyArrayBuffer } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } = require("internal/codes");
const { validateObject, validateBoolean, validateInt32, validateInteger } = require("internal/validators");
const { Buffer, kMaxLength } = require("node:buffer");
const { isBytes, late, requireCallback } = require("internal/crypto/util");

function checkTarget(buffer) {
  if (!isBytes(buffer)) throw new ERR_INVALID_ARG_TYPE("buffer", ["TypedArray", "DataView", "ArrayBuffer", "SharedArrayBuffer"], buffer);
}
// window is the part of a buffer that is filled.
function window(buffer, offset, size) {
  if (isAnyArrayBuffer(buffer)) return new Uint8Array(buffer, offset, size);
  return new Uint8Array(buffer.buffer, buffer.byteOffset + offset, size);
}

function randomFillSync(buffer, offset, size) {
  checkTarget(buffer);
  const most = buffer.byteLength;
  if (offset === undefined) offset = 0;
  else validateInteger(offset, "offset", 0, most);
  if (size === undefined) size = most - offset;
  else validateInteger(size, "size", 0, most - offset);
  native.fill(window(buffer, offset, size));
  return buffer;
}

function randomFill(buffer, offset, size, callback) {
  checkTarget(buffer);
  const most = buffer.byteLength;
  if (typeof offset === "function") [callback, offset, size] = [offset, 0, most];
  else if (typeof size === "function") {
    callback = size;
    validateInteger(offset, "offset", 0, most);
    size = most - offset;
  } else {
    requireCallback(callback);
    validateInteger(offset, "offset", 0, most);
    validateInteger(size, "size", 0, most - offset);
  }
  requireCallback(callback);
  late(() => {
    native.fill(window(buffer, offset, size));
    return buffer;
  }, callback);
}

function randomBytes(size, callback) {
  validateInteger(size, "size", 0, kMaxLength);
  const buf = Buffer.alloc(size);
  if (callback !== undefined) {
    randomFill(buf, callback);
    return;
  }
  return randomFillSync(buf);
}

const sixBytes = 0xffff_ffff_ffff;
function drawInt(min, max) {
  const range = max - min;
  if (!(range <= sixBytes)) throw new ERR_OUT_OF_RANGE(max ? "max - min" : "max", `<= ${sixBytes}`, range);
  // Numbers beyond the last whole range would make the small ones likelier.
  const limit = sixBytes - (sixBytes % range);
  const buf = Buffer.alloc(6);
  for (;;) {
    native.fill(buf);
    const x = buf.readUIntBE(0, 6);
    if (x < limit) return (x % range) + min;
  }
}
function randomInt(min, max, callback) {
  if (max === undefined || typeof max === "function") {
    callback = max;
    validateInteger(min, "max");
    max = min;
    min = 0;
  } else {
    validateInteger(min, "min");
    validateInteger(max, "max");
  }
  if (callback !== undefined) requireCallback(callback);
  if (min >= max) throw new ERR_OUT_OF_RANGE("max", `greater than the value of "min" (${min})`, max);
  if (callback === undefined) return drawInt(min, max);
  late(() => drawInt(min, max), callback);
}

function randomUUID(options) {
  if (options !== undefined) {
    validateObject(options, "options");
    if (options.disableEntropyCache !== undefined) validateBoolean(options.disableEntropyCache, "options.disableEntropyCache");
  }
  return native.uuid();
}

// numberBytes are the bytes of a BigInt.
function numberBytes(value, name) {
  if (value < 0n) throw new ERR_OUT_OF_RANGE(name, ">= 0", value);
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex");
}
function numberArgument(value, name) {
  if (typeof value === "bigint") return numberBytes(value, name);
  if (!isBytes(value)) throw new ERR_INVALID_ARG_TYPE(name, ["ArrayBuffer", "TypedArray", "Buffer", "DataView", "bigint"], value);
  return value;
}

function primeArguments(size, options) {
  validateInt32(size, "size", 1);
  validateObject(options, "options");
  const { safe = false, bigint = false, add, rem } = options;
  validateBoolean(safe, "options.safe");
  validateBoolean(bigint, "options.bigint");
  return { bigint, args: [size, safe, add === undefined ? add : numberArgument(add, "options.add"), rem === undefined ? rem : numberArgument(rem, "options.rem")] };
}
const asBigInt = (bytes) => BigInt(`0x${Buffer.from(bytes).toString("hex") || "0"}`);

function generatePrimeSync(size, options = {}) {
  const { bigint, args } = primeArguments(size, options);
  const prime = native.prime(...args, false);
  return bigint ? asBigInt(prime) : prime;
}
function generatePrime(size, options, callback) {
  validateInt32(size, "size", 1);
  if (typeof options === "function") {
    callback = options;
    options = {};
  }
  requireCallback(callback);
  const { bigint, args } = primeArguments(size, options);
  late(() => native.prime(...args, true), (err, prime) => (err ? callback(err) : callback(null, bigint ? asBigInt(prime) : prime)));
}

function candidateArguments(candidate, options) {
  candidate = numberArgument(candidate, "candidate");
  validateObject(options, "options");
  const { checks = 0 } = options;
  validateInt32(checks, "options.checks", 0);
  return [candidate, checks];
}
const checkPrimeSync = (candidate, options = {}) => native.checkPrime(...candidateArguments(candidate, options), false);
function checkPrime(candidate, options, callback) {
  candidate = numberArgument(candidate, "candidate");
  if (typeof options === "function") {
    callback = options;
    options = {};
  }
  validateObject(options, "options");
  requireCallback(callback);
  const args = candidateArguments(candidate, options);
  late(() => native.checkPrime(...args, true), callback);
}

// getRandomValues is WebCrypto's, which wants a view of integers.
function getRandomValues(view) { return globalThis.crypto.getRandomValues(view); }

return { randomBytes, randomFill, randomFillSync, randomInt, randomUUID, generatePrime, generatePrimeSync, checkPrime, checkPrimeSync, getRandomValues };
