
// Checks of arguments, with node's errors.
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_UNKNOWN_SIGNAL } = require("internal/codes");
const { isInteger, isArray, join, map, includes, inspect, isView } = primordials;

const isInt32 = (v) => v === (v | 0);
const isUint32 = (v) => v === v >>> 0;

function validateString(value, name) {
  if (typeof value !== "string") throw new ERR_INVALID_ARG_TYPE(name, "string", value);
}
function validateNumber(value, name, min = undefined, max = undefined) {
  if (typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  if ((min !== undefined && value < min) || (max !== undefined && value > max) || ((min !== undefined || max !== undefined) && value !== value)) {
    throw new ERR_OUT_OF_RANGE(name, `${min !== undefined ? `>= ${min}` : ""}${min !== undefined && max !== undefined ? " && " : ""}${max !== undefined ? `<= ${max}` : ""}`, value);
  }
}
function validateInteger(value, name, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  if (!isInteger(value)) throw new ERR_OUT_OF_RANGE(name, "an integer", value);
  if (value < min || value > max) throw new ERR_OUT_OF_RANGE(name, `>= ${min} && <= ${max}`, value);
}
function validateInt32(value, name, min = -2147483648, max = 2147483647) {
  if (typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  if (!isInteger(value)) throw new ERR_OUT_OF_RANGE(name, "an integer", value);
  if (value < min || value > max) throw new ERR_OUT_OF_RANGE(name, `>= ${min} && <= ${max}`, value);
}
function validateUint32(value, name, positive = false) {
  if (typeof value !== "number") throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  if (!isInteger(value)) throw new ERR_OUT_OF_RANGE(name, "an integer", value);
  const min = positive ? 1 : 0;
  if (value < min || value > 4294967295) throw new ERR_OUT_OF_RANGE(name, `>= ${min} && < 4294967296`, value);
}
function validateBoolean(value, name) {
  if (typeof value !== "boolean") throw new ERR_INVALID_ARG_TYPE(name, "boolean", value);
}
function validateFunction(value, name) {
  if (typeof value !== "function") throw new ERR_INVALID_ARG_TYPE(name, "Function", value);
}
function validateObject(value, name, options) {
  if (value === null && !options?.nullable) throw new ERR_INVALID_ARG_TYPE(name, "Object", value);
  if (isArray(value) && !options?.allowArray) throw new ERR_INVALID_ARG_TYPE(name, "Object", value);
  if (typeof value !== "object" && !(options?.allowFunction && typeof value === "function")) throw new ERR_INVALID_ARG_TYPE(name, "Object", value);
}
function validateArray(value, name, min = 0) {
  if (!isArray(value)) throw new ERR_INVALID_ARG_TYPE(name, "Array", value);
  if (value.length < min) throw new ERR_INVALID_ARG_VALUE(name, value, `must be longer than ${min}`);
}
function validateStringArray(value, name) {
  validateArray(value, name);
  for (let i = 0; i < value.length; i++) validateString(value[i], `${name}[${i}]`);
}
function validateBooleanArray(value, name) {
  validateArray(value, name);
  for (let i = 0; i < value.length; i++) validateBoolean(value[i], `${name}[${i}]`);
}
function validateOneOf(value, name, oneOf) {
  if (!includes(oneOf, value)) {
    throw new ERR_INVALID_ARG_VALUE(name, value, "must be one of: " + join(map(oneOf, (v) => (typeof v === "string" ? `'${v}'` : String(v))), ", "));
  }
}
function validateAbortSignal(signal, name) {
  if (signal !== undefined && (signal === null || typeof signal !== "object" || !("aborted" in signal))) {
    throw new ERR_INVALID_ARG_TYPE(name, "AbortSignal", signal);
  }
}
function validateBuffer(value, name = "buffer") {
  if (!isView(value)) throw new ERR_INVALID_ARG_TYPE(name, ["Buffer", "TypedArray", "DataView"], value);
}
function validateEncoding(data, encoding) {
  const normalized = require("node:buffer").normalize(encoding);
  if (normalized === "hex" && data.length % 2 !== 0) throw new ERR_INVALID_ARG_VALUE("encoding", encoding, `is invalid for data of length ${data.length}`);
}
function validatePort(port, name = "Port", allowZero = true) {
  if ((typeof port !== "number" && typeof port !== "string") || (typeof port === "string" && port.trim().length === 0) ||
      +port !== +port >>> 0 || port > 0xffff || (port === 0 && !allowZero)) {
    throw require("internal/codes").make(RangeError, "ERR_SOCKET_BAD_PORT", `${name} should be ${allowZero ? ">=" : ">"} 0 and < 65536. ${primordials.inWorker() ? `Received ${inspect(port)}` : require("internal/codes").received(port)}.`);
  }
  return port | 0;
}
return {
  isInt32, isUint32, validateString, validateNumber, validateInteger, validateInt32, validateUint32, validateBoolean, validateFunction,
  validateObject, validateArray, validateStringArray, validateBooleanArray, validateOneOf, validateAbortSignal, validateBuffer, validateEncoding, validatePort,
};
