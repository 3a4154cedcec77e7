
// node:child_process.
const EventEmitter = require("node:events");
const { Buffer } = require("node:buffer");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_UNKNOWN_SIGNAL, AbortError, make } = require("internal/codes");
const { validateString, validateObject, validateFunction, validateArray, validateAbortSignal, validateBoolean, validateInt32, validateOneOf } = require("internal/validators");
const { constants: { signals, errno } } = require("node:os");
const { readable, writable, duplex } = require("internal/child_pipes");
const { isArray, isView, defineProperty } = primordials;

const nul = (value, name) => {
  if (typeof value === "string" && value.includes("\0")) throw new ERR_INVALID_ARG_VALUE(name, value, "must be a string without null bytes");
};
function signalOf(signal) {
  if (typeof signal === "number") {
    if (Object.values(signals).includes(signal) || signal === 0) return signal;
  } else if (typeof signal === "string" && signals[signal.toUpperCase()] !== undefined) return signals[signal.toUpperCase()];
  else if (typeof signal !== "string") throw new ERR_INVALID_ARG_TYPE("signal", ["string", "number"], signal);
  throw new ERR_UNKNOWN_SIGNAL(signal);
}
const sanitized = (signal) => {
  if (typeof signal !== "string" && typeof signal !== "number") {
    if (signal !== null && signal !== undefined) throw new ERR_INVALID_ARG_TYPE("options.killSignal", ["string", "number"], signal);
    return undefined;
  }
  return signalOf(signal);
};
const checkTimeout = (timeout) => {
  if (timeout !== null && timeout !== undefined && !(Number.isInteger(timeout) && timeout >= 0)) throw new ERR_OUT_OF_RANGE("timeout", "an unsigned integer", timeout);
};
const checkMost = (most) => {
  if (most !== null && most !== undefined && !(typeof most === "number" && most >= 0)) throw new ERR_OUT_OF_RANGE("options.maxBuffer", "a positive number", most);
};

// normalized are the arguments of spawn, checked, as natives take them.
function normalized(file, args, options) {
  validateString(file, "file");
  nul(file, "file");
  if (file.length === 0) throw new ERR_INVALID_ARG_VALUE("file", file, "cannot be empty");
  if (isArray(args)) args = [...args];
  else if (args === undefined || args === null) args = [];
  else if (typeof args !== "object") throw new ERR_INVALID_ARG_TYPE("args", "object", args);
  else {
    options = args;
    args = [];
  }
  for (let i = 0; i < args.length; i++) {
    args[i] = `${args[i]}`;
    nul(args[i], `args[${i}]`);
  }
  if (options === undefined) options = {};
  else validateObject(options, "options");
  options = { __proto__: null, ...options };
  let { cwd } = options;
  if (cwd !== undefined && cwd !== null) {
    if (cwd instanceof URL) cwd = require("node:url").fileURLToPath(cwd);
    if (isView(cwd)) cwd = Buffer.from(cwd.buffer, cwd.byteOffset, cwd.byteLength).toString();
    if (typeof cwd !== "string") throw new ERR_INVALID_ARG_TYPE("options.cwd", ["string", "Buffer", "URL"], cwd);
    nul(cwd, "options.cwd");
  }
  for (const name of ["detached", "windowsHide", "windowsVerbatimArguments"]) {
    if (options[name] !== undefined && options[name] !== null) validateBoolean(options[name], `options.${name}`);
  }
  for (const name of ["uid", "gid"]) {
    if (options[name] !== undefined && options[name] !== null) validateInt32(options[name], `options.${name}`);
  }
  const { shell, argv0 } = options;
  if (shell !== undefined && shell !== null && typeof shell !== "boolean" && typeof shell !== "string") throw new ERR_INVALID_ARG_TYPE("options.shell", ["boolean", "string"], shell);
  if (argv0 !== undefined && argv0 !== null) {
    validateString(argv0, "options.argv0");
    nul(argv0, "options.argv0");
  }
  if (shell) {
    const command = [file, ...args].join(" ");
    if (process.platform === "win32") {
      file = typeof shell === "string" ? shell : process.env.comspec || "cmd.exe";
      args = ["/d", "/s", "/c", `"${command}"`];
    } else {
      file = typeof shell === "string" ? shell : process.platform === "android" ? "/system/bin/sh" : "/bin/sh";
      args = ["-c", command];
    }
  }
  const given = [argv0 ?? file, ...args];
  let env;
  if (options.env !== undefined && options.env !== null) {
    validateObject(options.env, "options.env");
    env = [];
    for (const key in options.env) {
      const value = options.env[key];
      if (value === undefined) continue;
      nul(key, `options.env['${key}']`);
      nul(`${value}`, `options.env['${key}']`);
      env.push(`${key}=${value}`);
    }
  } else env = native.environ();
  return { ...options, __proto__: null, file, args: given, cwd, env, detached: Boolean(options.detached) };
}

const words = { pipe: "pipe", overlapped: "pipe", ignore: "ignore" };
// stdioOf are natives' words for the streams of a child.
function stdioOf(stdio, sync) {
  if (stdio === undefined || stdio === null) stdio = "pipe";
  if (typeof stdio === "string") {
    if (words[stdio] === undefined && stdio !== "inherit") throw new ERR_INVALID_ARG_VALUE("stdio", stdio);
    stdio = [stdio, stdio, stdio];
  } else if (!isArray(stdio)) throw new ERR_INVALID_ARG_VALUE("stdio", stdio);
  const out = [];
  let ipc = -1;
  for (let i = 0; i < Math.max(3, stdio.length); i++) {
    let s = stdio[i];
    if (s === undefined || s === null) s = i < 3 ? "pipe" : "ignore";
    if (s === "inherit") out.push(`fd:${i}`);
    else if (s === "ipc") {
      if (sync) throw make(Error, "ERR_IPC_SYNC_FORK", "IPC cannot be used with synchronous forks");
      if (ipc !== -1) throw make(Error, "ERR_IPC_ONE_PIPE", "Child process can have only one IPC pipe");
      ipc = i;
      out.push("ipc");
    } else if (typeof s === "string" && words[s] !== undefined) out.push(words[s]);
    else if (Number.isInteger(s) && s >= 0) out.push(`fd:${s}`);
    else if (s !== null && typeof s === "object" && Number.isInteger(s.fd) && s.fd >= 0) out.push(`fd:${s.fd}`);
    else throw new ERR_INVALID_ARG_VALUE("stdio", s);
  }
  return { list: out, ipc };
}

const numberOf = (code) => (errno[code] === undefined ? -4094 : -errno[code]);
// failure is the error of a call for a program.
function failure(code, call, path, args) {
  const e = new Error(`${call} ${code}`);
  e.errno = numberOf(code);
  e.code = code;
  e.syscall = call;
  if (path !== undefined) e.path = path;
  if (args !== undefined) e.spawnargs = args;
  return e;
}

class ChildProcess extends EventEmitter {
  #handle = null;
  #open = 0; // streams that have not ended, and the process itself
  constructor() {
    super();
    this._closesNeeded = 1;
    this.connected = false;
    this.signalCode = null;
    this.exitCode = null;
    this.killed = false;
    this.spawnfile = null;
    this.pid = undefined;
    this._handle = null;
  }
  #closed() {
    if (--this.#open === 0) this.emit("close", this.exitCode, this.signalCode);
  }
  #exited(code, signal) {
    if (signal) this.signalCode = signal;
    else this.exitCode = code;
    this.#handle = this._handle = null;
    this.stdin?.destroy();
    if (code < 0) {
      const e = failure(this._failed, this.spawnfile ? `spawn ${this.spawnfile}` : "spawn", this.spawnfile ?? undefined, this.spawnargs.slice(1));
      this.emit("error", e);
    } else this.emit("exit", this.exitCode, this.signalCode);
    // What nobody reads must not keep the end from coming.
    process.nextTick(() => {
      for (const s of this.stdio ?? []) {
        if (!s || s === this.stdin || !s.readable || s._readableState.readableListening) continue;
        if (s.readableFlowing === null) s.resume();
      }
    });
    this.#closed();
  }
  spawn(options) {
    validateObject(options, "options");
    const { list, ipc } = stdioOf(options.stdio, false);
    validateString(options.file, "options.file");
    if (options.serialization !== undefined) validateOneOf(options.serialization, "options.serialization", [undefined, "json", "advanced"]);
    this.spawnfile = options.file;
    this.spawnargs = options.args ?? [];
    const given = native.spawn({ env: [], detached: false, ...options, advanced: options.serialization === "advanced", args: this.spawnargs, stdio: list }, (code, signal) => this.#exited(code, signal));
    this.#open = 1;
    if (typeof given === "string") {
      if (!["EACCES", "EAGAIN", "EMFILE", "ENFILE", "ENOENT"].includes(given)) throw failure(given, `spawn ${options.file}`, options.file, this.spawnargs.slice(1));
      this._failed = given;
      // There is no process, but who asked has streams to listen to.
      this.stdio = list.map((kind, i) => (kind !== "pipe" ? null : i === 0 ? writable(none) : readable(none)));
      for (const s of this.stdio) s?.destroy();
      [this.stdin, this.stdout, this.stderr] = this.stdio;
      process.nextTick(() => this.#exited(numberOf(given), null));
      return numberOf(given);
    }
    this.#handle = this._handle = given;
    this.pid = given.pid;
    this.stdio = list.map((kind, i) => {
      const pipe = given.pipes[i];
      if (pipe === null || kind === "ipc") return null;
      if (i === 0) return writable(pipe);
      const stream = i < 3 ? readable(pipe) : duplex(pipe);
      this.#open++;
      stream.once("close", () => this.#closed());
      return stream;
    });
    [this.stdin, this.stdout, this.stderr] = this.stdio;
    if (ipc !== -1) {
      this.#open++;
      this._ipcEnd = () => this.#closed();
      require("internal/ipc").channel(this, given.pipes[ipc], true, options.serialization === "advanced");
    }
    process.nextTick(() => this.emit("spawn"));
    return 0;
  }
  kill(signal) {
    signal = signal === 0 ? 0 : signalOf(signal === undefined ? "SIGTERM" : signal);
    if (this.#handle === null) return false;
    const code = this.#handle.kill(signal);
    if (code === undefined) {
      this.killed = true;
      return true;
    }
    if (code === "ESRCH") return false;
    if (code === "EINVAL" || code === "ENOSYS") throw failure(code, "kill");
    this.emit("error", failure(code, "kill"));
    return false;
  }
  ref() { this.#handle?.ref(); }
  unref() { this.#handle?.unref(); }
  [Symbol.dispose]() { if (!this.killed) this.kill(); }
}
const none = { read(cb) { cb(null, null); }, write(b, cb) { cb(null); }, end() {}, close() {}, ref() {}, unref() {} };

function abortable(child, signal, killSignal) {
  if (signal === undefined || signal === null) return;
  const abort = () => {
    try {
      if (child.kill(killSignal)) child.emit("error", new AbortError(undefined, { cause: signal.reason }));
    } catch (e) {
      child.emit("error", e);
    }
  };
  if (signal.aborted) process.nextTick(abort);
  else {
    signal.addEventListener("abort", abort, { once: true });
    child.once("exit", () => signal.removeEventListener("abort", abort));
  }
}

function spawn(file, args, options) {
  const o = normalized(file, args, options);
  checkTimeout(o.timeout);
  if (o.signal !== undefined) validateAbortSignal(o.signal, "options.signal");
  const killSignal = sanitized(o.killSignal);
  const child = new ChildProcess();
  child.spawn(o);
  if (o.timeout > 0) {
    let timer = setTimeout(() => {
      timer = undefined;
      try {
        child.kill(killSignal);
      } catch (e) {
        child.emit("error", e);
      }
    }, o.timeout);
    child.once("exit", () => clearTimeout(timer));
  }
  abortable(child, o.signal, killSignal);
  return child;
}

function execFile(file, args, options, callback) {
  if (args !== null && typeof args === "object" && !isArray(args)) [args, options, callback] = [undefined, args, options];
  else if (typeof args === "function") [args, options, callback] = [undefined, undefined, args];
  if (typeof options === "function") [options, callback] = [undefined, options];
  args ??= [];
  if (!isArray(args)) throw new ERR_INVALID_ARG_TYPE("args", "Array", args);
  if (callback !== undefined && callback !== null) validateFunction(callback, "callback");
  if (options !== undefined && options !== null) validateObject(options, "options");
  options = { encoding: "utf8", timeout: 0, maxBuffer: 1024 * 1024, killSignal: "SIGTERM", cwd: null, env: null, shell: false, ...options };
  checkTimeout(options.timeout);
  checkMost(options.maxBuffer);
  options.killSignal = sanitized(options.killSignal);
  const child = spawn(file, args, {
    cwd: options.cwd, env: options.env, gid: options.gid, shell: options.shell, signal: options.signal, uid: options.uid, windowsHide: Boolean(options.windowsHide), killSignal: options.killSignal,
  });
  const encoding = options.encoding && options.encoding !== "buffer" && Buffer.isEncoding(options.encoding) ? options.encoding : null;
  const outs = [{ parts: [], size: 0 }, { parts: [], size: 0 }];
  let failed = null, over = false, killed = false, timer;
  const kill = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    killed = true;
    try {
      child.kill(options.killSignal);
    } catch (e) {
      failed ??= e;
      finish();
    }
  };
  const finish = (code, signal) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    if (!callback) return;
    const [stdout, stderr] = outs.map(({ parts }) => (encoding ? parts.join("") : Buffer.concat(parts)));
    if (!failed && code === 0 && signal === null) {
      callback(null, stdout, stderr);
      return;
    }
    const cmd = [file, ...args].join(" ");
    if (!failed) {
      failed = new Error(`Command failed: ${cmd}\n${stderr}`);
      failed.code = code < 0 ? require("node:util").getSystemErrorName(code) : code;
      failed.killed = child.killed || killed;
      failed.signal = signal;
    }
    failed.cmd = cmd;
    callback(failed, stdout, stderr);
  };
  if (options.timeout > 0) {
    timer = setTimeout(() => {
      timer = undefined;
      kill();
    }, options.timeout);
  }
  for (const [i, name] of ["stdout", "stderr"].entries()) {
    const stream = child[name], out = outs[i];
    if (!stream) continue;
    if (encoding) stream.setEncoding(encoding);
    stream.on("data", (chunk) => {
      const room = options.maxBuffer - out.size, size = encoding ? Buffer.byteLength(chunk, encoding) : chunk.length;
      out.size += size;
      if (size <= room) {
        out.parts.push(chunk);
        return;
      }
      out.parts.push(encoding ? chunk.slice(0, room) : chunk.subarray(0, room));
      failed = make(RangeError, "ERR_CHILD_PROCESS_STDIO_MAXBUFFER", `${name} maxBuffer length exceeded`);
      kill();
    });
  }
  child.addListener("close", finish);
  child.addListener("error", (e) => {
    failed = e;
    child.stdout?.destroy();
    child.stderr?.destroy();
    finish();
  });
  return child;
}

const execArgs = (command, options, callback) => {
  validateString(command, "command");
  nul(command, "command");
  if (typeof options === "function") [options, callback] = [undefined, options];
  options = { ...options };
  options.shell = typeof options.shell === "string" ? options.shell : true;
  return { options, callback };
};
function exec(command, options, callback) {
  const a = execArgs(command, options, callback);
  return execFile(command, a.options, a.callback);
}
const promised = (fn) => {
  const custom = (...args) => {
    let child;
    const promise = new Promise((resolve, reject) => {
      child = fn(...args, (e, stdout, stderr) => (e ? reject(Object.assign(e, { stdout, stderr })) : resolve({ stdout, stderr })));
    });
    promise.child = child;
    return promise;
  };
  defineProperty(fn, Symbol.for("nodejs.util.promisify.custom"), { value: custom, enumerable: false });
};
promised(exec);
promised(execFile);

function fork(path, args, options) {
  if (path instanceof URL) path = require("node:url").fileURLToPath(path);
  validateString(path, "modulePath");
  nul(path, "modulePath");
  if (args === undefined || args === null) args = [];
  else if (typeof args === "object" && !isArray(args)) [args, options] = [[], args];
  else validateArray(args, "args");
  if (options !== undefined && options !== null) validateObject(options, "options");
  options = { __proto__: null, ...options, shell: false };
  const { execArgv = [], execPath } = options;
  validateArray(execArgv, "options.execArgv");
  // Our own command needs its first arguments; another one is node's.
  const self = native.self(), command = execPath === undefined || execPath === process.execPath ? self : [execPath];
  if (!command || command.length === 0) throw make(Error, "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM", "fork needs options.execPath here");
  if (typeof options.stdio === "string") options.stdio = [options.stdio, options.stdio, options.stdio, "ipc"];
  else if (!isArray(options.stdio)) options.stdio = options.silent ? ["pipe", "pipe", "pipe", "ipc"] : ["inherit", "inherit", "inherit", "ipc"];
  else if (!options.stdio.includes("ipc")) throw make(Error, "ERR_CHILD_PROCESS_IPC_REQUIRED", "Forked processes must have an IPC channel, missing value 'ipc' in options.stdio");
  return spawn(command[0], [...command.slice(1), ...execArgv, path, ...args], options);
}

function spawnSync(file, args, options) {
  const given = isArray(args) || args === undefined || args === null ? options : args;
  const o = normalized(file, args, { maxBuffer: 1024 * 1024, ...given });
  checkTimeout(o.timeout);
  checkMost(o.maxBuffer);
  const killSignal = sanitized(o.killSignal) ?? 15;
  const { list } = stdioOf(o.stdio, true);
  let { input } = o;
  if (input !== undefined && input !== null) {
    list[0] = "pipe";
    if (typeof input === "string") input = Buffer.from(input, o.encoding && o.encoding !== "buffer" ? o.encoding : "utf8");
    else if (!isView(input)) throw new ERR_INVALID_ARG_TYPE("options.stdio[0]", ["Buffer", "TypedArray", "DataView", "string"], input);
  } else input = Buffer.alloc(0);
  const r = native.spawnSync({ ...o, stdio: list }, input, o.timeout ?? 0, o.maxBuffer ?? Infinity, killSignal);
  if (r.output !== null && o.encoding && o.encoding !== "buffer") r.output = r.output.map((b) => (b === null ? null : b.toString(o.encoding)));
  const result = { ...(r.error !== undefined && { error: failure(r.error, `spawnSync ${o.file}`, o.file, o.args.slice(1)) }), status: r.status, signal: r.signal, output: r.output, pid: r.pid, stdout: r.output === null ? null : r.output[1], stderr: r.output === null ? null : r.output[2] };
  return result;
}
// checked throws what went wrong, and shows what the child said of it.
function checked(result, options, args, command) {
  const inherits = options?.stdio === undefined;
  if (inherits && result.stderr?.length) process.stderr.write(result.stderr);
  if (result.error) throw Object.assign(result.error, result);
  if (result.status !== 0) {
    const e = new Error(`Command failed: ${command ?? args.join(" ")}${result.stderr?.length ? `\n${result.stderr.toString()}` : ""}`);
    throw Object.assign(e, result);
  }
  return result.stdout;
}
function execFileSync(file, args, options) {
  if (args !== null && typeof args === "object" && !isArray(args)) [args, options] = [undefined, args];
  if (args !== undefined && args !== null && !isArray(args)) throw new ERR_INVALID_ARG_TYPE("args", "Array", args);
  return checked(spawnSync(file, args ?? [], options ?? {}), options, [file, ...(args ?? [])]);
}
function execSync(command, options) {
  const a = execArgs(command, options);
  return checked(spawnSync(command, a.options), options, [], command);
}
return { ChildProcess, exec, execFile, execFileSync, execSync, fork, spawn, spawnSync };
