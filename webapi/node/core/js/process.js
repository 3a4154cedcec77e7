
// node:process.
const { hasFlag, defineProperty, defineProperties, freeze, isArray, keys, setPrototypeOf, create, hasOwn, isInteger, regExpTest } = primordials;
const shared = require("internal/process");
const { nextTick, env, features, platform, getBuiltinModule, exit } = shared;
if (!hasFlag("enable_nodejs_process_v2")) return { nextTick, env, exit, getBuiltinModule, platform, features };

const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_METHOD_NOT_IMPLEMENTED, make } = require("internal/codes");
const { validateString } = require("internal/validators");
const EventEmitter = require("node:events");

const unimplemented = (name) => function () { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
const denied = (syscall) => make(Error, "EPERM", "Operation not permitted", { syscall });
const zeros = (names) => {
  const out = {};
  for (const name of names.split(" ")) out[name] = 0;
  return out;
};

function umask(mask) {
  if (mask !== undefined) {
    const wrong = "must be a 32-bit unsigned integer or an octal string";
    if (typeof mask === "string") {
      if (!regExpTest(/^[0-7]+$/, mask)) throw new ERR_INVALID_ARG_VALUE("mask", mask, wrong);
      mask = parseInt(mask, 8);
    } else if (typeof mask !== "number") throw new ERR_INVALID_ARG_TYPE("mask", "number", mask);
    if (mask < 0 || mask > 0xffffffff || !isInteger(mask)) throw new ERR_INVALID_ARG_VALUE("mask", mask, wrong);
  }
  return 18;
}

function hrtime(time) {
  if (time !== undefined) {
    if (!isArray(time)) throw new ERR_INVALID_ARG_TYPE("time", "tuple of integers", time);
    if (time.length !== 2) throw new ERR_OUT_OF_RANGE("time", "2", time);
  }
  const ms = Date.now();
  let seconds = Math.floor(ms / 1000), nanos = (ms % 1000) * 1e6;
  if (time) {
    seconds -= time[0];
    nanos -= time[1];
    if (nanos < 0) {
      seconds -= 1;
      nanos += 1e9;
    }
  }
  return [seconds, nanos];
}
hrtime.bigint = function () { return BigInt(Date.now()) * 1000000n; };

function emitWarning(warning, options, codeOrCtor, maybeCtor) {
  let name = "Warning", detail, code, ctor;
  if (options !== null && typeof options === "object" && !isArray(options)) {
    if (options.type) name = options.type;
    if (options.code) code = options.code;
    if (options.detail) detail = options.detail;
    ctor = options.ctor;
  } else if (typeof options === "string") {
    name = options;
    if (typeof codeOrCtor === "string") {
      code = codeOrCtor;
      if (typeof maybeCtor === "function") ctor = maybeCtor;
      else if (maybeCtor !== undefined) throw new ERR_INVALID_ARG_TYPE("ctor", "function", maybeCtor);
    } else if (typeof codeOrCtor === "function") ctor = codeOrCtor;
    else if (codeOrCtor !== undefined) throw new ERR_INVALID_ARG_TYPE("ctor", "function", codeOrCtor);
  } else if (typeof options === "function") ctor = options;
  else if (options !== undefined) throw new ERR_INVALID_ARG_TYPE("options", "object", options);
  let err;
  if (typeof warning === "string") {
    err = new (ctor || Error)(warning);
    err.name = name;
  } else if (warning instanceof Error) {
    err = warning;
    if (name && name !== "Warning") err.name = name;
  } else throw new ERR_INVALID_ARG_TYPE("warning", "string or Error", warning);
  if (code) err.code = code;
  if (detail && typeof detail === "string") err.detail = detail;
  queueMicrotask(() => { process.emit("warning", err); });
}

const versions = native.versions();
const noop = () => {};
const process = setPrototypeOf({
  version: `v${versions.node}`, versions, title: "workerd", argv: ["workerd"], argv0: "workerd", execArgv: [], arch: "x64", platform,
  config: freeze({
    target_defaults: freeze({ default_configuration: "Release" }),
    variables: freeze({ napi_build_version: "9", node_builtin_shareable_builtins: freeze([]), node_byteorder: "little", node_module_version: 127, host_arch: "x64", target_arch: "x64", v8_enable_i18n_support: 1, v8_enable_webassembly: 1, want_separate_host_toolset: 0 }),
  }),
  pid: 1, ppid: 0,
  getegid: () => 0, getgid: () => 0, getgroups: () => [0], geteuid: () => 0, getuid: () => 0,
  setegid(id) { if (id !== 0) throw denied("setegid"); },
  setgid(id) { if (id !== 0) throw denied("setgid"); },
  setgroups() { throw denied("setgroups"); },
  seteuid(id) { if (id !== 0) throw denied("seteuid"); },
  setuid(id) { if (id !== 0) throw denied("setuid"); },
  initgroups() { throw denied("initgroups"); },
  setSourceMapsEnabled: noop,
  getSourceMapsSupport: () => ({ enabled: false, nodeModules: false, generatedCode: false }),
  nextTick, emitWarning, env, exit,
  abort() { exit(1); },
  getBuiltinModule, features,
  allowedNodeEnvironmentFlags: new Set(),
  kill: unimplemented("process.kill"),
  ref: noop, unref: noop,
  chdir(path) {
    validateString(path, "directory");
    require("internal/cwd").set(path);
  },
  cwd: () => require("internal/cwd").get(),
  umask, hrtime,
  uptime: () => 0,
  loadEnvFile(path = ".env") {
    const { readFileSync } = getBuiltinModule("fs");
    Object.assign(env, require("node:util").parseEnv(readFileSync(path instanceof URL ? path : path.toString(), "utf8")));
  },
  exitCode: undefined, channel: null, connected: false,
  binding: unimplemented("process.binding"),
  debugPort: 0,
  dlopen: unimplemented("process.dlopen"),
  finalization: {
    register: unimplemented("process.finalization.register"), registerBeforeExit: unimplemented("process.finalization.registerBeforeExit"),
    unregister: unimplemented("process.finalization.unregister"),
  },
  getActiveResourcesInfo: unimplemented("process.getActiveResourcesInfo"),
  setUncaughtExceptionCaptureCallback: unimplemented("process.setUncaughtExceptionCaptureCallback"),
  hasUncaughtExceptionCaptureCallback: unimplemented("process.hasUncaughtExceptionCaptureCallback"),
  memoryUsage: () => zeros("rss heapTotal heapUsed external arrayBuffers"),
  noDeprecation: false,
  permission: { has: unimplemented("process.permission.has") },
  release: { name: "node", lts: true, sourceUrl: "", headersUrl: "" },
  report: {
    compact: false, directory: "", filename: "", getReport: () => ({}), reportOnFatalError: false, reportOnSignal: false, reportOnUncaughtException: false,
    excludeNetwork: false, excludeEnv: false, signal: "SIGUSR2", writeReport: unimplemented("process.report.writeReport"),
  },
  resourceUsage: () => zeros("userCPUTime systemCPUTime maxRSS sharedMemorySize unsharedDataSize unsharedStackSize minorPageFault majorPageFault swappedOut fsRead fsWrite " +
    "ipcSent ipcReceived signalsCount voluntaryContextSwitches involuntaryContextSwitches"),
  send: () => false,
  traceDeprecation: false, throwDeprecation: false, sourceMapsEnabled: false,
  threadCpuUsage: unimplemented("process.threadCpuUsage"), cpuUsage: unimplemented("process.cpuUsage"),
  execPath: "",
  constrainedMemory: () => 0, availableMemory: () => 0,
  execve: unimplemented("process.execve"),
  openStdin: () => process.stdin,
  _rawDebug(...args) { console.log(...args); },
  moduleLoadList: [],
  _linkedBinding: unimplemented("process._linkedBinding"),
  domain: null, _exiting: false,
  _getActiveRequests: () => [], _getActiveHandles: () => [],
  reallyExit(code) { exit(code || 0); },
  _kill: unimplemented("process._kill"),
  _fatalException: () => false,
  _tickCallback: noop, _debugProcess: noop, _debugEnd: noop, _startProfilerIdleNotifier: noop, _stopProfilerIdleNotifier: noop,
  _preload_modules: [],
  _disconnect: undefined, _handleQueue: undefined, _pendingMessage: undefined, _channel: undefined, _send: undefined,
}, EventEmitter.prototype);
process.assert = hasFlag("remove_nodejs_compat_eol_v23") ? undefined : (...args) => require("node:assert").ok(...args);
// The streams are made at their first use.
for (const name of ["stdin", "stdout", "stderr"]) {
  let stream;
  defineProperty(process, name, {
    get() { return (stream ??= require("internal/stdio")[name]()); },
    set(v) { stream = v; },
    enumerable: true, configurable: true,
  });
}
for (const name of keys(process)) {
  const v = process[name === "stdin" || name === "stdout" || name === "stderr" ? "version" : name];
  if (typeof v === "function" && v.name === "") defineProperty(v, "name", { value: name, configurable: true });
}
EventEmitter.call(process);
defineProperty(process, Symbol.toStringTag, { value: "process", configurable: true });
const hooked = new Set();
process.on("newListener", (name) => {
  if ((name !== "unhandledRejection" && name !== "rejectionHandled") || hooked.has(name)) return;
  hooked.add(name);
  addEventListener(name.toLowerCase(), (e) => {
    if (name === "unhandledRejection") process.emit(name, e.reason, e.promise);
    else process.emit(name, e.promise);
  });
});
return process;
