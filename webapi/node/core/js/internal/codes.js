
// Errors with codes, as node words them.
const { defineProperty, join, isInteger, stringSlice, stringIncludes, stringEndsWith, regExpTest, isArray, push, inspect } = primordials;

const { Error, TypeError, RangeError, URIError } = globalThis; // codes are made when scripts may have replaced them

const typeNames = ["string", "function", "number", "object", "Function", "Object", "boolean", "bigint", "symbol"];

// list joins words as English does.
function list(words, or) {
  if (words.length === 1) return words[0];
  if (words.length === 2) return `${words[0]} ${or} ${words[1]}`;
  const last = words[words.length - 1];
  return `${join(words.slice(0, -1), ", ")}, ${or} ${last}`;
}

function expectedText(name, expected) {
  if (!isArray(expected)) expected = [expected];
  let text = stringEndsWith(name, " argument") ? `The ${name} ` : `The "${name}" ${stringIncludes(name, ".") ? "property" : "argument"} `;
  text += "must be ";
  const types = [], instances = [], other = [];
  for (const value of expected) {
    if (typeNames.includes(value)) push(types, value.toLowerCase());
    else if (regExpTest(/^([A-Z][a-z0-9]*)+$/, value)) push(instances, value);
    else push(other, value);
  }
  // An object beside other instances is an instance of Object.
  const object = types.indexOf("object");
  if (instances.length > 0 && object !== -1) {
    types.splice(object, 1);
    push(instances, "Object");
  }
  const parts = [];
  if (types.length > 0) push(parts, `${types.length > 1 ? "one of type" : "of type"} ${list(types, "or")}`);
  if (instances.length > 0) push(parts, `an instance of ${list(instances, "or")}`);
  if (other.length > 0) {
    push(parts, other.length > 1 ? `one of ${list(other, "or")}` : `${other[0].toLowerCase() !== other[0] ? "an " : ""}${other[0]}`);
  }
  return text + join(parts, " or ");
}

// received describes what was given instead.
function received(value) {
  if (value === null || value === undefined) return `Received ${value}`;
  if (typeof value === "function") return `Received function ${value.name}`;
  if (typeof value === "object") {
    if (value.constructor?.name) return `Received an instance of ${value.constructor.name}`;
    return `Received ${inspect(value, { depth: -1 })}`;
  }
  let text = inspect(value);
  if (text.length > 28) text = `${stringSlice(text, 0, 25)}...`;
  return `Received type ${typeof value} (${text})`;
}

function separated(text) {
  let out = "", i = text.length;
  const start = text[0] === "-" ? 1 : 0;
  for (; i >= start + 4; i -= 3) out = `_${stringSlice(text, i - 3, i)}${out}`;
  return stringSlice(text, 0, i) + out;
}

const quoted = (a) => (isArray(a) ? a.map((x) => `"${x}"`).join(" or ") : `"${a}"`);

// make is an error of the class Base with a code; its name is that of the class,
// and its text starts with both.
function make(Base, code, message, extra) {
  const e = new Base(message);
  defineProperty(e, "code", { value: code, writable: true, enumerable: true, configurable: true });
  defineProperty(e, "toString", { value: errorText, writable: true, enumerable: false, configurable: true });
  const { stack, name } = e;
  if (typeof stack === "string" && stack.startsWith(`${name}: `)) {
    defineProperty(e, "stack", { value: `${name} [${code}]${stringSlice(stack, name.length)}`, writable: true, enumerable: false, configurable: true });
  }
  if (extra) Object.assign(e, extra);
  return e;
}
function errorText() { return `${this.name} [${this.code}]: ${this.message}`; }

const E = { __proto__: null, make, received, expectedText, separated };
// define makes E.CODE a constructor of errors of that code.
function define(code, Base, message, more) {
  const ctor = function (...args) { return make(Base, code, typeof message === "string" ? message : message(...args), more ? more(...args) : undefined); };
  defineProperty(ctor, "name", { value: code });
  E[code] = ctor;
}

function invalidValue(name, value, reason = "is invalid") {
  let text = inspect(value);
  if (text.length > 128) text = `${stringSlice(text, 0, 128)}...`;
  return `The ${stringIncludes(name, ".") ? "property" : "argument"} '${name}' ${reason}. Received ${text}`;
}

// AbortError is what an operation fails with that a signal stopped.
function abortError() {
  return class AbortError extends Error {
    constructor(message = "The operation was aborted", options = undefined) {
      if (options !== undefined && typeof options !== "object") throw new codes.ERR_INVALID_ARG_TYPE("options", "Object", options);
      super(message, options);
      this.code = "ABORT_ERR";
      this.name = "AbortError";
    }
  };
}

// add makes E[code] at its first use: a realm has few of them.
function add(code) {
  switch (code) {
    case "ERR_INVALID_ARG_TYPE": define(code, TypeError, (name, expected, actual) => `${expectedText(name, expected)}. ${received(actual)}`); break;
    case "ERR_INVALID_ARG_VALUE": define(code, TypeError, invalidValue); break;
    case "ERR_INVALID_ARG_VALUE_RANGE": E[code] = function (...args) { return make(RangeError, "ERR_INVALID_ARG_VALUE", invalidValue(...args)); }; break;
    case "ERR_OUT_OF_RANGE": define(code, RangeError, (name, range, input, replace = false) => {
      let text;
      if (isInteger(input) && (input > 2 ** 32 || input < -(2 ** 32))) text = separated(String(input));
      else if (typeof input === "bigint") {
        text = String(input);
        if (input > 4294967296n || input < -4294967296n) text = separated(text);
        text += "n";
      } else text = inspect(input);
      return `${replace ? name : `The value of "${name}" is out of range.`} It must be ${range}. Received ${text}`;
    }); break;
    case "ERR_BUFFER_OUT_OF_BOUNDS": define(code, RangeError, (name) => (name ? `"${name}" is outside of buffer bounds` : "Attempt to access memory outside buffer bounds")); break;
    case "ERR_INVALID_BUFFER_SIZE": define(code, RangeError, (bits) => `Buffer size must be a multiple of ${bits}`); break;
    case "ERR_UNKNOWN_ENCODING": define(code, TypeError, (x) => `Unknown encoding: ${x}`); break;
    case "ERR_INVALID_STATE": define(code, Error, (x) => `Invalid state: ${x}`); break;
    case "ERR_INVALID_THIS": define(code, TypeError, (x) => `Value of "this" must be of type ${x}`); break;
    case "ERR_UNHANDLED_ERROR": define(code, Error, (x) => `Unhandled error.${x === undefined ? "" : ` (${x})`}`, undefined); break;
    case "ERR_MISSING_ARGS": define(code, TypeError, (...args) => `The ${args.length > 1 ? list(args.map(quoted), "and").replace(/^([^,]*) and ([^,]*)$/, "$1 and $2") : quoted(args[0])} argument${args.length > 1 ? "s" : ""} must be specified`); break;
    case "ERR_OPTION_NOT_IMPLEMENTED": define(code, Error, (x) => `The ${typeof x === "symbol" ? x.description : x} option is not implemented`); break;
    case "ERR_METHOD_NOT_IMPLEMENTED": define(code, Error, (x) => `The ${typeof x === "symbol" ? x.description : x} method is not implemented`); break;
    case "ERR_MULTIPLE_CALLBACK": define(code, Error, "Callback called multiple times"); break;
    case "ERR_FALSY_VALUE_REJECTION": define(code, Error, () => "Promise was rejected with falsy value", (reason) => ({ reason })); break;
    case "ERR_AMBIGUOUS_ARGUMENT": define(code, TypeError, (x, y) => `The "${x}" argument is ambiguous. ${y}`); break;
    case "ERR_INVALID_RETURN_VALUE": define(code, TypeError, (input, name, value) => `Expected ${input} to be returned from the "${name}" function but got ${stringSlice(received(value), 9)}.`); break;
    case "ERR_STREAM_PREMATURE_CLOSE": define(code, Error, "Premature close"); break;
    case "ERR_STREAM_DESTROYED": define(code, Error, (x) => `Cannot call ${x} after a stream was destroyed`); break;
    case "ERR_STREAM_ALREADY_FINISHED": define(code, Error, (x) => `Cannot call ${x} after a stream was finished`); break;
    case "ERR_STREAM_CANNOT_PIPE": define(code, Error, "Cannot pipe, not readable"); break;
    case "ERR_STREAM_NULL_VALUES": define(code, TypeError, "May not write null values to stream"); break;
    case "ERR_STREAM_WRITE_AFTER_END": define(code, Error, "write after end"); break;
    case "ERR_STREAM_PUSH_AFTER_EOF": define(code, Error, "stream.push() after EOF"); break;
    case "ERR_STREAM_UNSHIFT_AFTER_END_EVENT": define(code, Error, "stream.unshift() after end event"); break;
    case "ERR_STREAM_UNABLE_TO_PIPE": define(code, Error, "Cannot pipe to a closed or destroyed stream"); break;
    case "ERR_INVALID_URI": define(code, URIError, "URI malformed"); break;
    case "ERR_INVALID_URL": define(code, TypeError, () => "Invalid URL", (input, base) => (base === undefined ? { input } : { input, base })); break;
    case "ERR_INVALID_URL_SCHEME": define(code, TypeError, (expected) => {
      if (typeof expected === "string") expected = [expected];
      return `The URL must be ${expected.length > 2 ? "one of scheme " + list(expected, "or") : "of scheme " + list(expected, "or")}`;
    }); break;
    case "ERR_INVALID_FILE_URL_HOST": define(code, TypeError, (platform) => `File URL host must be "localhost" or empty on ${platform}`); break;
    case "ERR_INVALID_FILE_URL_PATH": define(code, TypeError, (x) => `File URL path ${x}`); break;
    case "ERR_INVALID_MIME_SYNTAX": define(code, TypeError, (production, str, at) => `The MIME syntax for a ${production} in ${JSON.stringify(str)} is invalid${at === -1 ? "" : ` at ${at}`}`); break;
    case "ERR_INVALID_ASYNC_ID": define(code, RangeError, (type, id) => `Invalid ${type} value: ${id}`); break;
    case "ERR_ASYNC_TYPE": define(code, TypeError, (type) => `Invalid name for async "type": ${type}`); break;
    case "ERR_ASYNC_CALLBACK": define(code, TypeError, (x) => `${x} must be a function`); break;
    case "ERR_STRING_TOO_LONG": define(code, Error, (n) => `Cannot create a string longer than 0x${n.toString(16)} characters`); break;
    case "ERR_BUFFER_TOO_LARGE": define(code, RangeError, (n) => `Cannot create a Buffer larger than ${n} bytes`); break;
    case "ERR_OPERATION_FAILED": define(code, Error, (x) => `Operation failed: ${x}`); break;
    case "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM": define(code, TypeError, (x) => `The feature ${x} is unavailable on the current platform, which is being used to run Node.js`); break;
    case "ERR_UNSUPPORTED_OPERATION": define(code, Error, (x) => x ?? "The requested operation is unsupported"); break;
    case "ERR_EVENT_RECURSION": define(code, Error, (type) => `The event "${type}" is already being dispatched`); break;
    case "ERR_PARSE_ARGS_UNKNOWN_OPTION": define(code, TypeError, (option, allowPositionals) => {
      const hint = allowPositionals ? `. To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- ${JSON.stringify(option)}` : "";
      return `Unknown option '${option}'${hint}`;
    }); break;
    case "ERR_PARSE_ARGS_INVALID_OPTION_VALUE": define(code, TypeError, (x) => x); break;
    case "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL": define(code, TypeError, (x) => `Unexpected argument '${x}'. This command does not take positional arguments`); break;
    case "ERR_UNKNOWN_SIGNAL": define(code, TypeError, (x) => `Unknown signal: ${x}`); break;
    case "ERR_SCRIPT_EXECUTION_TIMEOUT": define(code, Error, (ms) => `Script execution timed out after ${ms}ms`); break;
    case "ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING": define(code, TypeError, "A dynamic import callback was not specified."); break;
    case "ERR_INVALID_MODULE_SPECIFIER": define(code, TypeError, (x) => `Invalid module "${x}"`); break;
    case "AbortError": E.AbortError = abortError(); break;
  }
}

// aggregate keeps the first of two errors and remembers the other.
E.aggregate = (inner, outer) => {
  if (inner && outer && inner !== outer) {
    if (isArray(outer.errors)) {
      push(outer.errors, inner);
      return outer;
    }
    const e = new AggregateError([outer, inner], outer.message);
    e.code = outer.code;
    return e;
  }
  return inner || outer;
};
E.hideStackFrames = (fn) => fn;
const codes = native.register(E, add);
return codes;
