
// node:process of a program.
const { defineProperty, freeze, isArray, keys, setPrototypeOf, isInteger, regExpTest } = primordials;
const shared = require("internal/process");
const { nextTick, env, features, platform, getBuiltinModule } = shared;
const codes = require("internal/codes");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_METHOD_NOT_IMPLEMENTED, make } = codes;
const { validateString, validateNumber, validateObject, validateFunction } = require("internal/validators");
const EventEmitter = require("node:events");

const info = native.info();
const unimplemented = (name) => function () { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };

function umask(mask) {
  if (mask === undefined) return native.umask();
  const wrong = "must be a 32-bit unsigned integer or an octal string";
  if (typeof mask === "string") {
    if (!regExpTest(/^[0-7]+$/, mask)) throw new ERR_INVALID_ARG_VALUE("mask", mask, wrong);
    mask = parseInt(mask, 8);
  } else if (typeof mask !== "number") throw new ERR_INVALID_ARG_TYPE("mask", "number", mask);
  if (!isInteger(mask)) throw new ERR_OUT_OF_RANGE("mask", "an integer", mask);
  if (mask < 0 || mask > 0xffffffff) throw new ERR_OUT_OF_RANGE("mask", ">= 0 && <= 4294967295", mask);
  return native.umask(mask);
}

function hrtime(time) {
  let [seconds, nanos] = native.hrtime();
  if (time !== undefined) {
    if (!isArray(time)) throw new ERR_INVALID_ARG_TYPE("time", "Array", time);
    if (time.length !== 2) throw new ERR_OUT_OF_RANGE("time", "2", time.length);
    seconds -= time[0];
    nanos -= time[1];
    if (nanos < 0) {
      seconds -= 1;
      nanos += 1e9;
    }
  }
  return [seconds, nanos];
}
hrtime.bigint = function bigint() {
  const [seconds, nanos] = native.hrtime();
  return BigInt(seconds) * 1000000000n + BigInt(nanos);
};

function emitWarning(warning, options, codeOrCtor, maybeCtor) {
  let name = "Warning", detail, code, ctor;
  if (options !== null && typeof options === "object" && !isArray(options)) {
    name = options.type || "Warning";
    code = options.code;
    if (typeof options.detail === "string") detail = options.detail;
    ctor = options.ctor;
  } else if (typeof options === "function") ctor = options;
  else if (options !== undefined) {
    if (typeof options !== "string") throw new ERR_INVALID_ARG_TYPE("type", "string", options);
    name = options;
    if (typeof codeOrCtor === "function") ctor = codeOrCtor;
    else if (codeOrCtor !== undefined) {
      if (typeof codeOrCtor !== "string") throw new ERR_INVALID_ARG_TYPE("code", "string", codeOrCtor);
      code = codeOrCtor;
      if (maybeCtor !== undefined && typeof maybeCtor !== "function") throw new ERR_INVALID_ARG_TYPE("ctor", "function", maybeCtor);
    }
  }
  if (typeof name !== "string") throw new ERR_INVALID_ARG_TYPE("type", "string", name);
  if (typeof warning === "string") {
    const err = new Error(warning);
    defineProperty(err, "name", { value: name, enumerable: false, writable: true, configurable: true });
    if (code !== undefined) err.code = code;
    if (detail !== undefined) err.detail = detail;
    warning = err;
  } else if (!(warning instanceof Error)) throw new ERR_INVALID_ARG_TYPE("warning", ["Error", "string"], warning);
  if (warning.name === "DeprecationWarning") {
    if (process.noDeprecation) return;
    if (process.throwDeprecation) {
      nextTick(() => { throw warning; });
      return;
    }
  }
  nextTick(() => { process.emit("warning", warning); });
}
let hinted = false;
function printWarning(warning) {
  if (info.noWarnings || !(warning instanceof Error) || (warning.name === "DeprecationWarning" && process.noDeprecation)) return;
  let text = `(${process.release.name}:${process.pid}) `;
  if (warning.code) text += `[${warning.code}] `;
  const trace = info.traceWarnings || (warning.name === "DeprecationWarning" && process.traceDeprecation);
  text += trace && warning.stack ? warning.stack : typeof warning.toString === "function" ? `${warning.toString()}` : Error.prototype.toString.call(warning);
  if (typeof warning.detail === "string") text += `\n${warning.detail}`;
  if (!trace && !hinted) {
    hinted = true;
    text += warning.name === "DeprecationWarning"
      ? "\n(Use `workerd run --trace-deprecation ...` to show where the warning was created)"
      : "\n(Use `workerd run --trace-warnings ...` to show where the warning was created)";
  }
  native.print(2, `${text}\n`);
}

// code is what process.exitCode and exit take: an integer, or its text.
function checkCode(value, name) {
  if (value === undefined || value === null) return undefined;
  let n = value;
  if (typeof n === "string" && n !== "") n = +n;
  if (typeof n !== "number" || (typeof value === "string" && !isInteger(n))) throw new ERR_INVALID_ARG_TYPE(name, "number", value);
  if (!isInteger(n)) throw new ERR_OUT_OF_RANGE(name, "an integer", value);
  return value;
}
let exitCode;
let capture = null;

function exit(code) {
  checkCode(code, "code");
  // In a worker of io.js the first code counts.
  if (code !== undefined && !(info.readOnly && process._exiting)) process.exitCode = code;
  if (!process._exiting) {
    process._exiting = true;
    process.emit("exit", +(process.exitCode || 0));
  }
  process.reallyExit(process.exitCode || 0);
}

function memoryUsage() {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = native.memory();
  return { rss, heapTotal, heapUsed, external, arrayBuffers };
}
memoryUsage.rss = function rss() { return native.memory().rss; };

function cpuUsage(previous) {
  const now = native.cpu();
  if (previous === undefined) return now;
  validateObject(previous, "prevValue");
  validateNumber(previous.user, "prevValue.user");
  validateNumber(previous.system, "prevValue.system");
  return { user: now.user - previous.user, system: now.system - previous.system };
}

function kill(pid, signal) {
  if (pid != (pid | 0)) throw new ERR_INVALID_ARG_TYPE("pid", "number", pid);
  const numbers = getBuiltinModule("os").constants.signals;
  let number = signal === undefined ? 15 : signal;
  if (typeof number !== "number") {
    number = numbers[signal];
    if (number === undefined) throw new codes.ERR_UNKNOWN_SIGNAL(signal);
  }
  native.kill(pid, number);
  return true;
}

// only is for who may change what belongs to the process.
const only = (fn) => (info.readOnly ? undefined : fn);
const versions = native.versions();
const process = setPrototypeOf({
  version: `v${versions.node}`, versions, arch: info.arch, platform,
  release: freeze({ name: "node", lts: true }),
  features,
  config: freeze({ target_defaults: freeze({ default_configuration: "Release" }), variables: freeze({ host_arch: info.arch, target_arch: info.arch, node_byteorder: "little" }) }),
  argv: native.argv(), execArgv: native.execArgv(), argv0: info.argv0, execPath: info.execPath,
  env, pid: info.pid, ppid: info.ppid,
  getuid: () => info.uid, geteuid: () => info.uid, getgid: () => info.gid, getegid: () => info.gid, getgroups: () => [info.gid],
  nextTick, emitWarning, exit,
  abort: only(function abort() { native.abort(); }),
  getBuiltinModule,
  allowedNodeEnvironmentFlags: new Set(),
  kill, cwd: () => native.cwd(),
  chdir: only(function chdir(directory) {
    validateString(directory, "directory");
    native.chdir(directory);
  }),
  umask, hrtime, memoryUsage, cpuUsage,
  uptime: () => native.uptime(),
  resourceUsage: () => native.resources(),
  constrainedMemory: () => native.memory().limit,
  availableMemory: () => native.memory().available,
  loadEnvFile(path = ".env") {
    const { readFileSync } = getBuiltinModule("fs");
    const found = require("node:util").parseEnv(readFileSync(path instanceof URL ? path : path.toString(), "utf8"));
    for (const name of keys(found)) if (env[name] === undefined) env[name] = found[name];
  },
  channel: undefined, connected: undefined,
  binding: unimplemented("process.binding"),
  dlopen: only(unimplemented("process.dlopen")),
  getActiveResourcesInfo: () => [],
  setUncaughtExceptionCaptureCallback(fn) {
    if (fn === null) {
      capture = null;
      return;
    }
    if (typeof fn !== "function") throw new ERR_INVALID_ARG_TYPE("fn", ["Function", "null"], fn);
    if (capture !== null) throw make(Error, "ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET", "`process.setupUncaughtExceptionCapture()` was called while a capture callback was already active");
    capture = fn;
  },
  hasUncaughtExceptionCaptureCallback: () => capture !== null,
  noDeprecation: info.noDeprecation, traceDeprecation: info.traceDeprecation, throwDeprecation: info.throwDeprecation, sourceMapsEnabled: false,
  setSourceMapsEnabled() {},
  report: { compact: false, directory: "", filename: "", getReport: unimplemented("process.report.getReport"), writeReport: unimplemented("process.report.writeReport") },
  openStdin: only(function openStdin() {
    process.stdin.resume();
    return process.stdin;
  }),
  _rawDebug(...args) { native.print(2, `${require("node:util").format(...args)}\n`); },
  moduleLoadList: [],
  domain: null, _exiting: false,
  _getActiveRequests: () => [], _getActiveHandles: () => [],
  reallyExit(code) { native.exit(+code || 0); },
  _tickCallback() {},
  _preload_modules: [],
  ref(v) { (v?.[Symbol.for("nodejs.ref")] ?? v?.ref)?.call(v); },
  unref(v) { (v?.[Symbol.for("nodejs.unref")] ?? v?.unref)?.call(v); },
  assert(value, message) { require("node:assert").ok(value, message); },
}, EventEmitter.prototype);
if (info.worker) {
  // A worker of worker_threads has these, to say that they are not for it.
  const refuse = (what) => { throw make(TypeError, "ERR_WORKER_UNSUPPORTED_OPERATION", `${what} is not supported in workers`); };
  for (const name of ["abort", "chdir", "initgroups", "setegid", "seteuid", "setgid", "setgroups", "setuid"]) {
    process[name] = () => refuse(`process.${name}()`);
  }
  process.umask = (mask) => (mask === undefined ? native.umask() : refuse("Setting process.umask()"));
}
if (info.readOnly) for (const name of ["abort", "chdir", "dlopen", "openStdin"]) delete process[name];

// What only tells where the program is.
for (const [name, value] of [["isMainInstance", info.main], ["isWorkerInstance", !info.main], ["isMainThread", info.main], ["isWorkerThread", !info.main],
  ["tid", info.thread], ["threadId", info.thread]]) {
  defineProperty(process, name, { value, enumerable: true, configurable: false, writable: false });
}
if (!info.main) defineProperty(process, "workerData", { get: () => native.workerData(), set: undefined, enumerable: true, configurable: false });
defineProperty(process, "title", {
  get: () => native.title(),
  set: !info.readOnly ? (v) => { native.title(`${v}`); } : undefined,
  enumerable: true, configurable: true,
});
defineProperty(process, "debugPort", { get: () => 9229, set: !info.readOnly ? () => {} : undefined, enumerable: true, configurable: true });
defineProperty(process, "exitCode", {
  get: () => exitCode,
  set(v) { exitCode = checkCode(v, "code"); },
  enumerable: true, configurable: false,
});
// The streams are made at their first use.
for (const name of ["stdin", "stdout", "stderr"]) {
  let stream;
  defineProperty(process, name, {
    get() {
      if (stream === undefined) {
        stream = name === "stdin" && info.noStdin ? null : require("internal/stdio")[name]();
        if (name !== "stdin") native.stream(name === "stdout" ? 1 : 2, stream);
      }
      return stream;
    },
    set(v) { stream = v; },
    enumerable: true, configurable: true,
  });
}
for (const name of keys(process)) {
  const d = Object.getOwnPropertyDescriptor(process, name);
  if (typeof d.value === "function" && d.value.name === "") defineProperty(d.value, "name", { value: name, configurable: true });
}
defineProperty(process, Symbol.toStringTag, { value: "process", configurable: true });
EventEmitter.call(process);

// A listener of a signal keeps it from ending the program.
const isSignal = (name) => typeof name === "string" && regExpTest(/^SIG[A-Z0-9]+$/, name);
if (info.main) {
  process.on("newListener", (name) => {
    if (isSignal(name) && process.listenerCount(name) === 0) native.catchSignal(name, (number) => { process.emit(name, name, number); });
  });
  process.on("removeListener", (name) => { if (isSignal(name) && process.listenerCount(name) === 0) native.releaseSignal(name); });
}
process.on("warning", printWarning);
// A program that another forked has a channel to it.
const channel = info.main ? native.channel() : undefined;
if (channel !== undefined) require("internal/ipc").adopt(process, channel);

const number = (code) => +(code || 0);
native.hooks({
  __proto__: null,
  // uncaught says whether the program goes on after an exception.
  uncaught(error, origin) {
    if (process._domainUncaught?.(error)) return true;
    if (capture !== null) {
      capture(error);
      return true;
    }
    process.emit("uncaughtExceptionMonitor", error, origin);
    return process.emit("uncaughtException", error, origin);
  },
  rejected: (reason, promise) => process.emit("unhandledRejection", reason, promise),
  handled(promise) { process.emit("rejectionHandled", promise); },
  beforeExit() { process.emit("beforeExit", number(exitCode)); },
  // exit runs the listeners at the end, and gives the code. One that is not 0 is why the
  // program ends.
  exit(code) {
    if (!process._exiting) {
      process._exiting = true;
      if (code !== 0 && (exitCode === undefined || code !== 13)) exitCode = code;
      process.emit("exit", number(exitCode));
    }
    return number(exitCode);
  },
});
if (info.channel >= 0) require("internal/ipc").adopt(process, info.channel);
native.made(process);
return process;
