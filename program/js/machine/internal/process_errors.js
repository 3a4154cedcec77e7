
// What js/machine/process.js needs at an error, or at an end.
const { isInteger } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, make } = require("internal/codes");

// checkCode is for what process.exitCode and exit take: an integer, or its text.
function checkCode(value, name) {
  if (value === undefined || value === null) return undefined;
  let n = value;
  if (typeof n === "string" && n !== "") n = +n;
  if (typeof n !== "number" || (typeof value === "string" && !isInteger(n))) throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  if (!isInteger(n)) throw new ERR_OUT_OF_RANGE(name, "an integer", value);
  return value;
}
// A worker of worker_threads has some functions only to say that they are not for it.
function refuse(what) { throw make(TypeError, "ERR_WORKER_UNSUPPORTED_OPERATION", `${what} is not supported in workers`); }
const refusal = (name) => () => refuse(`process.${name}()`);

return { checkCode, refuse, refusal };
