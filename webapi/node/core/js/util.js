
// node:util.
const {
  setPrototypeOf, getPrototypeOf, defineProperty, defineProperties, getOwnPropertyDescriptors, keys, apply, isArray, hasFlag, inWorker, push, stringReplace, stringReplaceAll,
} = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_METHOD_NOT_IMPLEMENTED, ERR_FALSY_VALUE_REJECTION, ERR_OUT_OF_RANGE } = require("internal/codes");
const { validateFunction, validateNumber, validateString, validateBoolean, validateOneOf, validateAbortSignal, validateObject } = require("internal/validators");
const { inspect, format, formatWithOptions } = require("internal/inspect");
const { Buffer } = require("node:buffer");
const types = require("node:util/types");

const kPromisify = Symbol.for("nodejs.util.promisify.custom");
const kPromisifyArgs = Symbol.for("nodejs.util.promisify.custom.args");

function promisify(original) {
  validateFunction(original, "original");
  if (original[kPromisify]) {
    const fn = original[kPromisify];
    validateFunction(fn, "util.promisify.custom");
    return defineProperty(fn, kPromisify, { value: fn, enumerable: false, writable: false, configurable: true }), fn;
  }
  const names = original[kPromisifyArgs];
  function fn(...args) {
    return new Promise((resolve, reject) => {
      push(args, (err, ...values) => {
        if (err) return reject(err);
        if (names !== undefined && values.length > 1) {
          const obj = {};
          for (let i = 0; i < names.length; i++) obj[names[i]] = values[i];
          resolve(obj);
        } else resolve(values[0]);
      });
      apply(original, this, args);
    });
  }
  setPrototypeOf(fn, getPrototypeOf(original));
  defineProperty(fn, kPromisify, { value: fn, enumerable: false, writable: false, configurable: true });
  return defineProperties(fn, getOwnPropertyDescriptors(original));
}
promisify.custom = kPromisify;

function callbackify(original) {
  validateFunction(original, "original");
  function callbackified(...args) {
    const cb = args.pop();
    validateFunction(cb, "last argument");
    const done = (error, value) => queueMicrotask(() => apply(cb, this, error === undefined ? [null, value] : [error]));
    apply(original, this, args).then((value) => done(undefined, value), (error) => {
      if (!error) {
        const reason = error;
        error = new ERR_FALSY_VALUE_REJECTION(reason);
        error.reason = reason;
      }
      done(error);
    });
  }
  const descriptors = getOwnPropertyDescriptors(original);
  if (typeof descriptors.length.value === "number") descriptors.length.value++;
  if (typeof descriptors.name.value === "string") descriptors.name.value += "Callbackified";
  return defineProperties(callbackified, descriptors);
}

function inherits(ctor, superCtor) {
  if (ctor === undefined || ctor === null) throw new ERR_INVALID_ARG_TYPE("ctor", "Function", ctor);
  if (superCtor === undefined || superCtor === null) throw new ERR_INVALID_ARG_TYPE("superCtor", "Function", superCtor);
  if (superCtor.prototype === undefined) throw new ERR_INVALID_ARG_TYPE("superCtor.prototype", "Object", superCtor.prototype);
  defineProperty(ctor, "super_", { value: superCtor, writable: true, configurable: true });
  setPrototypeOf(ctor.prototype, superCtor.prototype);
}

function _extend(target, source) {
  if (source === null || typeof source !== "object") return target;
  for (const key of keys(source)) target[key] = source[key];
  return target;
}

// In a worker a deprecated function is itself: warnings of the author are none of the visitor's. In a program each, or each
// code, is told of once.
const told = new Set();
function deprecate(fn, message, code) {
  if (inWorker()) return fn;
  if (code !== undefined) validateString(code, "code");
  if (globalThis.process?.noDeprecation === true) return fn;
  let warned = false;
  function deprecated(...args) {
    if (!warned) {
      warned = true;
      if (code === undefined || !told.has(code)) {
        if (code !== undefined) told.add(code);
        globalThis.process.emitWarning(message, "DeprecationWarning", code, deprecated);
      }
    }
    return new.target ? Reflect.construct(fn, args, new.target) : apply(fn, this, args);
  }
  setPrototypeOf(deprecated, fn);
  if (fn.prototype) deprecated.prototype = fn.prototype;
  return deprecated;
}

const enabled = { __proto__: null };
function debuglog(set, cb) {
  let test = inWorker() ? () => true : () => { // workerd has no variable to ask: all are on
    const list = globalThis.process?.env?.NODE_DEBUG;
    const on = typeof list === "string" && list.split(",").some((name) => {
      const pattern = name.trim().replace(/[|\\{}()[\]^$+?.]/g, "\\$&").replaceAll("*", ".*");
      return pattern !== "" && new RegExp(`^${pattern}$`, "i").test(set);
    });
    test = () => on;
    return on;
  };
  let log = (...args) => {
    log = inWorker() ? (...a) => console.log(`${set.toUpperCase()}: ${format(...a)}\n`) : test() ? (...a) => console.error(`${set.toUpperCase()} ${globalThis.process?.pid ?? 1}: ${format(...a)}`) : () => {};
    if (typeof cb === "function") cb(logger);
    log(...args);
  };
  const logger = (...args) => log(...args);
  defineProperty(logger, "enabled", { get: () => test(), configurable: true, enumerable: true });
  return logger;
}

const controlSequences = new RegExp(
  "[\\u001B\\u009B][[\\]()#;?]*(?:(?:(?:(?:;[-a-zA-Z\\d\\/\\#&.:=?%@~_]+)*|[a-zA-Z\\d]+(?:;[-a-zA-Z\\d\\/\\#&.:=?%@~_]*)*)?(?:\\u0007|\\u001B\\u005C|\\u009C))|" +
  "(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PR-TZcf-ntqry=><~]))", "g");
function stripVTControlCharacters(text) {
  validateString(text, "str");
  return stringReplace(text, controlSequences, "");
}

function styleText(style, text, { validateStream = true, stream } = {}) {
  validateString(text, "text");
  validateBoolean(validateStream, "options.validateStream");
  let plain = false;
  if (validateStream) {
    if (stream !== undefined && !(stream instanceof ReadableStream) && !(stream instanceof WritableStream) && !(typeof stream === "object" && stream !== null && (typeof stream.pipe === "function" || (typeof stream.write === "function" && typeof stream.on === "function")))) {
      throw new ERR_INVALID_ARG_TYPE("stream", ["ReadableStream", "WritableStream", "Stream"], stream);
    }
    plain = stream?.isTTY && typeof stream.getColorDepth === "function" ? stream.getColorDepth() > 2 : true;
  }
  let left = "", right = "";
  for (const key of isArray(style) ? style : [style]) {
    if (key === "none") continue;
    const codes = typeof key === "string" ? inspect.colors[key] : undefined;
    if (codes === undefined) validateOneOf(key, "format", keys(inspect.colors));
    if (plain) continue;
    left += `\u001b[${codes[0]}m`;
    right = `\u001b[${codes[1]}m${right}`;
  }
  return plain ? text : `${left}${text}${right}`;
}

// parseEnv reads the form of .env files.
function parseEnv(content) {
  validateString(content, "content");
  const out = {};
  let i = 0;
  const n = content.length;
  content = stringReplaceAll(content, "\r\n", "\n");
  const lineEnd = (from) => {
    const at = content.indexOf("\n", from);
    return at < 0 ? content.length : at;
  };
  while (i < content.length) {
    while (i < content.length && /\s/.test(content[i])) i++;
    if (i >= content.length) break;
    if (content[i] === "#") {
      i = lineEnd(i) + 1;
      continue;
    }
    const end = lineEnd(i), eq = content.indexOf("=", i);
    if (eq < 0 || eq > end) {
      i = end + 1;
      continue;
    }
    let key = content.slice(i, eq).trim();
    if (key.startsWith("export ")) key = key.slice(7).trim();
    let at = eq + 1;
    while (at < content.length && (content[at] === " " || content[at] === "\t")) at++;
    const quote = content[at];
    let value;
    if (key === "") {
      i = end + 1;
      continue;
    }
    if (quote === '"' || quote === "'" || quote === "`") {
      const close = content.indexOf(quote, at + 1);
      if (close > 0) {
        value = content.slice(at + 1, close);
        if (quote === '"') value = stringReplaceAll(value, "\\n", "\n");
        out[key] = value;
        i = lineEnd(close) + 1;
        continue;
      }
    }
    value = content.slice(eq + 1, end);
    const hash = value.indexOf("#");
    if (hash >= 0) value = value.slice(0, hash);
    out[key] = value.trim();
    i = end + 1;
  }
  return out;
}

function aborted(signal, resource) {
  try {
    if (signal === undefined) throw new ERR_INVALID_ARG_TYPE("signal", "AbortSignal", signal);
    validateAbortSignal(signal, "signal");
    validateObject(resource, "resource", { allowArray: true, allowFunction: true });
  } catch (e) {
    return Promise.reject(e);
  }
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

function log(...args) {
  const d = new Date(), pad = (v) => `${v}`.padStart(2, "0");
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  console.log("%s - %s", `${d.getDate()} ${months[d.getMonth()]} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`, format(...args));
}

function getCallSites(frameCount = 8, options = undefined) {
  if (typeof frameCount === "object") frameCount = 8;
  const out = [];
  const lines = `${new Error().stack}`.split("\n").slice(2);
  for (const line of lines) {
    if (out.length >= frameCount) break;
    const m = /^\s*at (?:(.*?) \()?(.*?):(\d+):(\d+)(?:\(\d+\))?\)?$/.exec(line);
    if (m) out.push({ functionName: m[1] ?? "", scriptId: "0", scriptName: m[2], lineNumber: +m[3], columnNumber: +m[4], column: +m[4] });
  }
  return out;
}

// What programs know of the errors of the system, by their negative numbers.
let systemErrors;
function getSystemErrorMap() {
  if (systemErrors === undefined) {
    systemErrors = new Map();
    const list = native.systemErrors();
    for (let i = 0; i < list.length; i += 3) systemErrors.set(list[i], [list[i + 1], list[i + 2]]);
  }
  return systemErrors;
}
function systemError(err) {
  validateNumber(err, "err");
  if (err >= 0 || !Number.isSafeInteger(err)) throw new ERR_OUT_OF_RANGE("err", "a negative integer", err);
  return getSystemErrorMap().get(err);
}
// inProgram is what workers have not.
const inProgram = (name, fn) => (inWorker() ? missing(name) : { [name]: fn }[name]);

const missing = (name) => function () { throw new Error(`node:util ${name} is not implemented`); };
const unimplemented = (name) => function () { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
let comparisons;
const isDeepStrictEqual = (a, b) => (comparisons ??= require("internal/comparisons")).isDeepStrictEqual(a, b);

const util = {
  types, callbackify, promisify, inspect, format, formatWithOptions, stripVTControlCharacters, inherits, _extend,
  toUSVString: (s) => `${s}`.toWellFormed(), log, aborted, debuglog, debug: debuglog, deprecate,
  getSystemErrorMap: inProgram("getSystemErrorMap", getSystemErrorMap), getSystemErrorMessage: inProgram("getSystemErrorMessage", (err) => systemError(err)?.[1]),
  getSystemErrorName: inProgram("getSystemErrorName", (err) => systemError(err)?.[0] ?? `Unknown system error ${err}`),
  TextEncoder: globalThis.TextEncoder, TextDecoder: globalThis.TextDecoder,
  parseArgs: inProgram("parseArgs", (config) => require("internal/parse_args").parseArgs(config)), parseEnv, styleText,
  transferableAbortController: missing("transferableAbortController"), transferableAbortSignal: missing("transferableAbortSignal"),
  getCallSite: getCallSites, getCallSites, isDeepStrictEqual,
  _errnoException: unimplemented("_errnoException"), _exceptionWithHostPort: unimplemented("_exceptionWithHostPort"),
  isArray: (v) => isArray(v),
};
for (const name of ["MIMEType", "MIMEParams"]) {
  defineProperty(util, name, { get: () => require("internal/mime")[name], enumerable: true, configurable: true });
}
const old = {
  isBoolean: (v) => typeof v === "boolean",
  isBuffer: (v) => Buffer.isBuffer(v),
  isDate: (v) => types.isDate(v),
  isError: (v) => types.isNativeError(v) || v instanceof Error,
  isFunction: (v) => typeof v === "function",
  isNull: (v) => v === null,
  isNullOrUndefined: (v) => v === null || v === undefined,
  isNumber: (v) => typeof v === "number",
  isObject: (v) => v !== null && typeof v === "object",
  isPrimitive: (v) => v === null || (typeof v !== "object" && typeof v !== "function"),
  isRegExp: (v) => types.isRegExp(v),
  isString: (v) => typeof v === "string",
  isSymbol: (v) => typeof v === "symbol",
  isUndefined: (v) => v === undefined,
};
const gone = hasFlag("remove_nodejs_compat_eol_v23");
for (const name of keys(old)) util[name] = gone ? undefined : old[name];
return util;
