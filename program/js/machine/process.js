
// node:process of a program. Most of what it has is never asked for, so each property is made
// when it is first needed (native.process), and so are the modules for errors.
const EventEmitter = require("node:events");
const { info } = native;
let exitCode, capture = null;

// member makes a property: a value, or the functions of an accessor.
function member(name) {
  switch (name) {
    case "version":
      return `v${native.versions().node}`;
    case "versions":
      return native.versions();
    case "arch": case "argv0": case "execPath": case "pid": case "ppid": case "noDeprecation": case "traceDeprecation": case "throwDeprecation":
      return info(name);
    case "platform":
      return native.platform();
    case "release":
      return primordials.freeze({ name: "node", lts: true });
    case "features":
      return primordials.freeze({
        inspector: false, debug: false, uv: true, ipv6: true, tls_alpn: true, tls_sni: true, tls_ocsp: true, tls: true, cached_builtins: true,
        require_module: true, typescript: "transform", openssl_is_boringssl: false, experimental_workers: true,
      });
    case "config":
      return primordials.freeze({ target_defaults: primordials.freeze({ default_configuration: "Release" }), variables: primordials.freeze({ host_arch: info("arch"), target_arch: info("arch"), node_byteorder: "little" }) });
    case "argv":
      return native.argv();
    case "execArgv":
      return native.execArgv();
    case "env":
      return require("internal/env");
    case "getuid": case "geteuid":
      return () => info("uid");
    case "getgid": case "getegid":
      return () => info("gid");
    case "getgroups":
      return () => [info("gid")];
    case "nextTick": case "getBuiltinModule":
      return require("internal/process")[name];
    case "emitWarning":
      return function emitWarning(warning, options, codeOrCtor, maybeCtor) {
        let name = "Warning", detail, code, ctor;
        if (options !== null && typeof options === "object" && !primordials.isArray(options)) {
          name = options.type || "Warning";
          code = options.code;
          if (typeof options.detail === "string") detail = options.detail;
          ctor = options.ctor;
        } else if (typeof options === "function") ctor = options;
        else if (options !== undefined) {
          if (typeof options !== "string") throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("type", "string", options);
          name = options;
          if (typeof codeOrCtor === "function") ctor = codeOrCtor;
          else if (codeOrCtor !== undefined) {
            if (typeof codeOrCtor !== "string") throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("code", "string", codeOrCtor);
            code = codeOrCtor;
            if (maybeCtor !== undefined && typeof maybeCtor !== "function") throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("ctor", "function", maybeCtor);
          }
        }
        if (typeof name !== "string") throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("type", "string", name);
        if (typeof warning === "string") {
          const err = new Error(warning);
          primordials.defineProperty(err, "name", { value: name, enumerable: false, writable: true, configurable: true });
          if (code !== undefined) err.code = code;
          if (detail !== undefined) err.detail = detail;
          warning = err;
        } else if (!(warning instanceof Error)) throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("warning", ["Error", "string"], warning);
        if (warning.name === "DeprecationWarning") {
          if (process.noDeprecation) return;
          if (process.throwDeprecation) {
            require("internal/process").nextTick(() => { throw warning; });
            return;
          }
        }
        require("internal/process").nextTick(() => { process.emit("warning", warning); });
      };
    case "exit":
      return function exit(code) {
        require("internal/process_errors").checkCode(code, "code");
        // In a worker of io.js the first code counts.
        if (code !== undefined && !(info("readOnly") && process._exiting)) process.exitCode = code;
        if (!process._exiting) {
          process._exiting = true;
          process.emit("exit", +(process.exitCode || 0));
        }
        process.reallyExit(process.exitCode || 0);
      };
    case "abort":
      return info("worker") ? require("internal/process_errors").refusal(name) : function abort() { native.abort(); };
    case "initgroups": case "setegid": case "seteuid": case "setgid": case "setgroups": case "setuid":
      return require("internal/process_errors").refusal(name);
    case "allowedNodeEnvironmentFlags":
      return new Set();
    case "kill":
      return function kill(pid, signal) {
        if (pid != (pid | 0)) throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("pid", "number", pid);
        const numbers = require("internal/process").getBuiltinModule("os").constants.signals;
        let number = signal === undefined ? 15 : signal;
        if (typeof number !== "number") {
          number = numbers[signal];
          if (number === undefined) throw new (require("internal/codes").ERR_UNKNOWN_SIGNAL)(signal);
        }
        native.kill(pid, number);
        return true;
      };
    case "cwd":
      return () => native.cwd();
    case "chdir":
      return info("worker") ? require("internal/process_errors").refusal(name) : function chdir(directory) {
        require("internal/validators").validateString(directory, "directory");
        native.chdir(directory);
      };
    case "umask":
      if (info("worker")) return (mask) => (mask === undefined ? native.umask() : require("internal/process_errors").refuse("Setting process.umask()"));
      return function umask(mask) {
        if (mask === undefined) return native.umask();
        const wrong = "must be a 32-bit unsigned integer or an octal string";
        if (typeof mask === "string") {
          if (!primordials.regExpTest(/^[0-7]+$/, mask)) throw new (require("internal/codes").ERR_INVALID_ARG_VALUE)("mask", mask, wrong);
          mask = parseInt(mask, 8);
        } else if (typeof mask !== "number") throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("mask", "number", mask);
        if (!primordials.isInteger(mask)) throw new (require("internal/codes").ERR_OUT_OF_RANGE)("mask", "an integer", mask);
        if (mask < 0 || mask > 0xffffffff) throw new (require("internal/codes").ERR_OUT_OF_RANGE)("mask", ">= 0 && <= 4294967295", mask);
        return native.umask(mask);
      };
    case "hrtime": {
      const hrtime = function hrtime(time) {
        let [seconds, nanos] = native.hrtime();
        if (time !== undefined) {
          if (!primordials.isArray(time)) throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("time", "Array", time);
          if (time.length !== 2) throw new (require("internal/codes").ERR_OUT_OF_RANGE)("time", "2", time.length);
          seconds -= time[0];
          nanos -= time[1];
          if (nanos < 0) {
            seconds -= 1;
            nanos += 1e9;
          }
        }
        return [seconds, nanos];
      };
      hrtime.bigint = function bigint() {
        const [seconds, nanos] = native.hrtime();
        return BigInt(seconds) * 1000000000n + BigInt(nanos);
      };
      return hrtime;
    }
    case "memoryUsage": {
      const memoryUsage = function memoryUsage() {
        const { rss, heapTotal, heapUsed, external, arrayBuffers } = native.memory();
        return { rss, heapTotal, heapUsed, external, arrayBuffers };
      };
      memoryUsage.rss = function rss() { return native.memory().rss; };
      return memoryUsage;
    }
    case "cpuUsage":
      return function cpuUsage(previous) {
        const now = native.cpu();
        if (previous === undefined) return now;
        require("internal/validators").validateObject(previous, "prevValue");
        require("internal/validators").validateNumber(previous.user, "prevValue.user");
        require("internal/validators").validateNumber(previous.system, "prevValue.system");
        return { user: now.user - previous.user, system: now.system - previous.system };
      };
    case "uptime":
      return () => native.uptime();
    case "resourceUsage":
      return () => native.resources();
    case "constrainedMemory":
      return () => native.memory().limit;
    case "availableMemory":
      return () => native.memory().available;
    case "loadEnvFile":
      return (path = ".env") => {
        const { readFileSync } = require("internal/process").getBuiltinModule("fs"), env = require("internal/env");
        const found = require("node:util").parseEnv(readFileSync(path instanceof URL ? path : path.toString(), "utf8"));
        for (const name of primordials.keys(found)) if (env[name] === undefined) env[name] = found[name];
      };
    case "channel": case "connected":
      return undefined;
    case "binding": case "dlopen":
      return require("internal/unimplemented")("process.")(name);
    case "getActiveResourcesInfo": case "_getActiveRequests": case "_getActiveHandles":
      return () => [];
    case "setUncaughtExceptionCaptureCallback":
      return (fn) => {
        if (fn === null) {
          capture = null;
          return;
        }
        if (typeof fn !== "function") throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("fn", ["Function", "null"], fn);
        if (capture !== null) throw require("internal/codes").make(Error, "ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET", "`process.setupUncaughtExceptionCapture()` was called while a capture callback was already active");
        capture = fn;
      };
    case "hasUncaughtExceptionCaptureCallback":
      return () => capture !== null;
    case "sourceMapsEnabled": case "_exiting":
      return false;
    case "setSourceMapsEnabled": case "_tickCallback":
      return () => {};
    case "report": {
      const unimplemented = require("internal/unimplemented")("process.report.");
      return { compact: false, directory: "", filename: "", getReport: unimplemented("getReport"), writeReport: unimplemented("writeReport") };
    }
    case "openStdin":
      return function openStdin() {
        process.stdin.resume();
        return process.stdin;
      };
    case "_rawDebug":
      return (...args) => { native.print(2, `${require("node:util").format(...args)}\n`); };
    case "moduleLoadList": case "_preload_modules":
      return [];
    case "domain":
      return null;
    case "reallyExit":
      return (code) => { native.exit(+code || 0); };
    case "ref": case "unref":
      return (v) => { (v?.[Symbol.for(`nodejs.${name}`)] ?? v?.[name])?.call(v); };
    case "assert":
      return (value, message) => { require("node:assert").ok(value, message); };
    // What only tells where the program is.
    case "isMainInstance": case "isMainThread":
      return info("main");
    case "isWorkerInstance": case "isWorkerThread":
      return !info("main");
    case "tid": case "threadId":
      return info("thread");
    case "workerData":
      return { get: () => native.workerData() };
    case "title":
      return { get: () => native.title(), set: info("readOnly") ? undefined : (v) => { native.title(`${v}`); } };
    case "debugPort":
      return { get: () => 9229, set: info("readOnly") ? undefined : () => {} };
    case "exitCode":
      return { get: () => exitCode, set(v) { exitCode = require("internal/process_errors").checkCode(v, "code"); } };
    case "stdin": case "stdout": case "stderr": {
      let stream;
      return {
        get() {
          if (stream === undefined) {
            stream = name === "stdin" && info("noStdin") ? null : require("internal/stdio")[name]();
            if (name !== "stdin") native.stream(name === "stdout" ? 1 : 2, stream);
          }
          return stream;
        },
        set(v) { stream = v; },
      };
    }
  }
}
const process = native.process(member, EventEmitter.prototype);
EventEmitter.call(process);

if (info("main")) {
  // A listener of a signal keeps it from ending the program.
  const isSignal = (name) => typeof name === "string" && primordials.regExpTest(/^SIG[A-Z0-9]+$/, name);
  process.on("newListener", (name) => {
    if (isSignal(name) && process.listenerCount(name) === 0) native.catchSignal(name, (number) => { process.emit(name, name, number); });
  });
  process.on("removeListener", (name) => { if (isSignal(name) && process.listenerCount(name) === 0) native.releaseSignal(name); });
}
let hinted = false;
process.on("warning", function printWarning(warning) {
  if (info("noWarnings") || !(warning instanceof Error) || (warning.name === "DeprecationWarning" && process.noDeprecation)) return;
  let text = `(${process.release.name}:${process.pid}) `;
  if (warning.code) text += `[${warning.code}] `;
  const trace = info("traceWarnings") || (warning.name === "DeprecationWarning" && process.traceDeprecation);
  text += trace && warning.stack ? warning.stack : typeof warning.toString === "function" ? `${warning.toString()}` : Error.prototype.toString.call(warning);
  if (typeof warning.detail === "string") text += `\n${warning.detail}`;
  if (!trace && !hinted) {
    hinted = true;
    text += warning.name === "DeprecationWarning"
      ? "\n(Use `workerd run --trace-deprecation ...` to show where the warning was created)"
      : "\n(Use `workerd run --trace-warnings ...` to show where the warning was created)";
  }
  native.print(2, `${text}\n`);
});

// A program that another forked has a channel to it.
const [channel, advanced] = info("channel");
if (channel >= 0) require("internal/ipc").adopt(process, channel, advanced);

native.made(process, (what, value, more) => {
  switch (what) {
    case "uncaught": // says whether the program goes on after an exception
      if (process._domainUncaught?.(value)) return true;
      if (capture !== null) {
        capture(value);
        return true;
      }
      process.emit("uncaughtExceptionMonitor", value, more);
      return process.emit("uncaughtException", value, more);
    case "rejected":
      return process.emit("unhandledRejection", value, more);
    case "handled":
      return process.emit("rejectionHandled", value);
    case "beforeExit":
      return process.emit("beforeExit", +(exitCode || 0));
    // The listeners at the end run, and the code is given. One that is not 0 is why the
    // program ends.
    case "exit":
      if (!process._exiting) {
        process._exiting = true;
        if (value !== 0 && (exitCode === undefined || value !== 13)) exitCode = value;
        process.emit("exit", +(exitCode || 0));
      }
      return +(exitCode || 0);
  }
});
return process;
