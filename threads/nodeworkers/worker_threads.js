"use strict";
const { defineProperty, freeze, keys } = Object;
const uncurry = native.method;
const { MessageChannel, MessagePort, BroadcastChannel } = globalThis;
const post = uncurry(MessagePort.prototype.postMessage), close = uncurry(MessagePort.prototype.close);
const on = uncurry(MessagePort.prototype.on), off = uncurry(MessagePort.prototype.off);
const SHARE_ENV = Symbol.for("nodejs.worker_threads.SHARE_ENV");
const coded = (Base, code, message) => {
  const e = new Base(message);
  e.code = code;
  defineProperty(e, "name", { __proto__: null, value: `${e.name} [${code}]`, writable: true, configurable: true });
  e.stack; // with the code in its first line
  defineProperty(e, "name", { __proto__: null, value: Base.name, writable: true, configurable: true });
  return e;
};
const shown = (value) => (value === null ? "null" : typeof value === "function" ? `function ${value.name}` : typeof value === "string" ? `type string ('${value}')` : typeof value === "object" ? `an instance of ${value.constructor?.name}` : `type ${typeof value} (${String(value)})`);
const wrongType = (name, what, value) => coded(TypeError, "ERR_INVALID_ARG_TYPE", `The "${name}" ${name.includes(".") ? "property" : "argument"} must be ${what}. Received ${value === undefined ? "undefined" : shown(value)}`);
const absent = (name) => coded(Error, "ERR_METHOD_NOT_IMPLEMENTED", `The ${name} method is not implemented`);

// fileOf is the path of an entry, which must not depend on the caller.
function fileOf(filename) {
  if (filename instanceof URL || (typeof filename === "string" && filename.startsWith("file:"))) return native.pathOf(filename);
  if (typeof filename !== "string") throw wrongType("filename", "of type string or an instance of URL", filename);
  if (native.isAbsolute(filename) || /^\.\.?[\\/]/.test(filename)) return filename;
  throw coded(TypeError, "ERR_WORKER_PATH", `The worker script or module filename must be an absolute path or a relative path starting with './' or '../'. Received "${filename}"`);
}

// limitsOf are what a worker says of its limits; that of the stack is kept.
function limitsOf(given) {
  const limits = { maxYoungGenerationSizeMb: 48, maxOldGenerationSizeMb: 2096, codeRangeSizeMb: 0, stackSizeMb: 4 };
  if (given !== null && typeof given === "object") for (const name of keys(limits)) if (given[name] > 0 && typeof given[name] === "number") limits[name] = given[name];
  limits.stackSizeMb = Math.max(limits.stackSizeMb, 0.1875); // what node needs itself
  return limits;
}

// readable is a stream of what arrives at a port, until that says null. What nobody reads waits in the port, which has a bound.
function readable(port) {
  const { Readable } = native.builtin("node:stream"), { Buffer } = native.builtin("node:buffer");
  let ended = port === undefined, waits = false;
  const stream = new Readable({
    read() {
      for (let m; !ended && (m = native.receive(port)) !== undefined;) if (!give(m.message)) return;
      if (ended) this.push(null);
      else if (!waits) {
        waits = true;
        on(port, "message", give);
      }
    },
    destroy(error, callback) {
      end();
      callback(error);
    },
  });
  // give reports whether more is wanted.
  function give(chunk) {
    if (chunk === null) {
      end();
      stream.push(null);
      return false;
    }
    const more = stream.push(typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (!more) rest();
    return more;
  }
  function rest() {
    if (waits) off(port, "message", give);
    waits = false;
  }
  function end() {
    rest();
    if (!ended) close(port);
    ended = true;
  }
  // finish takes what has come, and ends.
  const finish = () => {
    if (ended) return;
    rest();
    for (let m; (m = native.receive(port)) !== undefined && m.message !== null;) stream.push(Buffer.from(m.message));
    end();
    stream.push(null);
  };
  return { stream, finish };
}

function writable(port) {
  const { Writable } = native.builtin("node:stream");
  const say = (chunk, callback) => {
    try { post(port, chunk); } catch (e) {
      callback(e);
      return;
    }
    callback();
  };
  return new Writable({ decodeStrings: true, write: (chunk, _, callback) => say(new Uint8Array(chunk), callback), final: (callback) => say(null, callback) });
}

let environment;
const environmentData = () => (environment ??= native.extra?.environment ?? new Map());

class Worker extends EventEmitter {
  #handle;
  #ended;
  #code;
  #limits;
  #streams = [];

  constructor(filename, options = {}) {
    super();
    if (options === null || typeof options !== "object") throw wrongType("options", "of type object", options);
    const { eval: isText = false, workerData, argv, execArgv, env, transferList, name = "", stdin, stdout, stderr, resourceLimits } = options;
    if (argv !== undefined && !Array.isArray(argv)) throw wrongType("options.argv", "an instance of Array", argv);
    if (execArgv !== undefined && execArgv !== null && !Array.isArray(execArgv)) throw wrongType("options.execArgv", "an instance of Array", execArgv);
    if (env !== undefined && env !== null && env !== SHARE_ENV && typeof env !== "object") {
      throw wrongType("options.env", "of type object or one of undefined, null, or worker_threads.SHARE_ENV", env);
    }
    this.#limits = limitsOf(resourceLimits);
    const entry = isText ? `${filename}` : fileOf(filename);
    const extra = { port: undefined, limits: this.#limits, environment: environmentData().size > 0 ? environment : undefined, stdin: undefined }, own = [];
    let input;
    if (stdin) {
      [input, extra.stdin] = native.channel();
      own.push(extra.stdin);
    }
    let resolve;
    this.#ended = new Promise((f) => { resolve = f; });
    try {
      this.#handle = native.start(this, entry, {
        eval: Boolean(isText), workerData, extra, stackSizeMb: this.#limits.stackSizeMb, argv: argv?.map(String), execArgv: execArgv?.map(String), name: `${name}`, shareEnv: env === SHARE_ENV,
        env: typeof env === "object" && env !== null ? keys(env).map((key) => `${key}=${env[key]}`) : undefined, stdout: Boolean(stdout), stderr: Boolean(stderr),
      }, transferList, own, (type, value) => {
        if (type === "exit") {
          this.#code = value;
          resolve(value);
          for (const stream of this.#streams) stream?.finish();
        }
        if (type === "online") this.emit("online");
        else this.emit(type, value);
      });
    } catch (e) {
      if (input !== undefined) close(input);
      throw e;
    }
    this.stdin = input === undefined ? null : writable(input);
    if (stdout) this.#stream(1);
    if (stderr) this.#stream(2);
  }

  #stream(fd) {
    const s = this.#streams[fd] ??= readable(this.#code === undefined ? this.#handle.output(fd) : undefined);
    return s.stream;
  }
  get stdout() { return this.#stream(1); }
  get stderr() { return this.#stream(2); }
  get resourceLimits() { return this.#code === undefined ? { ...this.#limits } : {}; }

  // Of a worker that has ended it is -1.
  get threadId() { return this.#code === undefined ? this.#handle.id : -1; }
  terminate(callback) {
    if (this.#code !== undefined) return Promise.resolve();
    if (typeof callback === "function") this.once("exit", (code) => callback(null, code));
    this.#handle.terminate();
    return this.#ended;
  }
  async [Symbol.asyncDispose]() { await this.terminate(); }
  ref() {
    if (this.#code === undefined) this.#handle.ref();
  }
  unref() {
    if (this.#code === undefined) this.#handle.unref();
  }
  getHeapSnapshot() { return Promise.reject(absent("worker.getHeapSnapshot()")); }
}

defineProperty(Worker.prototype, "postMessage", { __proto__: null, value: native.postMessage, writable: true, configurable: true });

const untransferable = new WeakSet();
// The rest of the module is Go's.
const exports = {
  Worker, SHARE_ENV, MessageChannel, MessagePort, BroadcastChannel,
  receiveMessageOnPort(port) {
    const taken = native.receive(port);
    if (taken === null) throw coded(TypeError, "ERR_INVALID_ARG_TYPE", 'The "port" argument must be a MessagePort instance');
    return taken;
  },
  moveMessagePortToContext() { throw absent("moveMessagePortToContext()"); },
  postMessageToThread: () => Promise.reject(absent("postMessageToThread()")),
  // What is set here is copied for the workers that are made after that.
  getEnvironmentData: (key) => environmentData().get(key),
  setEnvironmentData(key, value) {
    if (value === undefined) environmentData().delete(key);
    else environmentData().set(key, value);
  },
  markAsUntransferable(object) {
    if (object === null || (typeof object !== "object" && typeof object !== "function") || untransferable.has(object)) return;
    untransferable.add(object);
    native.pin(object);
  },
  isMarkedAsUntransferable: (object) => untransferable.has(object),
};
let stdin;
return { exports, stdin: () => (stdin ??= readable(native.extra?.stdin).stream) };
