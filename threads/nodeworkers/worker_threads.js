"use strict";
const { defineProperty, freeze } = Object;
const SHARE_ENV = Symbol.for("nodejs.worker_threads.SHARE_ENV");
const coded = (Base, code, message) => {
  const e = new Base(message);
  e.code = code;
  defineProperty(e, "name", { __proto__: null, value: `${e.name} [${code}]`, writable: true, configurable: true });
  e.stack; // with the code in its first line
  defineProperty(e, "name", { __proto__: null, value: Base.name, writable: true, configurable: true });
  return e;
};
const wrongType = (name, what, value) => coded(TypeError, "ERR_INVALID_ARG_TYPE", `The "${name}" argument must be ${what}. Received ${value === null ? "null" : `type ${typeof value}`}`);

// fileOf is the path of an entry, which must not depend on the caller.
function fileOf(filename) {
  if (filename instanceof URL || (typeof filename === "string" && filename.startsWith("file:"))) return native.pathOf(filename);
  if (typeof filename !== "string") throw wrongType("filename", "of type string or an instance of URL", filename);
  if (native.isAbsolute(filename) || /^\.\.?[\\/]/.test(filename)) return filename;
  throw coded(TypeError, "ERR_WORKER_PATH", `The worker script or module filename must be an absolute path or a relative path starting with './' or '../'. Received "${filename}"`);
}

class Worker extends EventEmitter {
  #handle;
  #ended;
  #code;

  constructor(filename, options = {}) {
    super();
    if (options === null || typeof options !== "object") throw wrongType("options", "of type object", options);
    const { eval: isText = false, workerData, argv, env, transferList, name = "", stdin, stdout, stderr, resourceLimits } = options;
    if (argv !== undefined && !Array.isArray(argv)) throw wrongType("options.argv", "an instance of Array", argv);
    if (env !== undefined && env !== null && env !== SHARE_ENV && env !== globalThis.process?.env) throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The option env can only be SHARE_ENV");
    if (stdin || stdout || stderr) throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The options stdin, stdout and stderr are not implemented");
    this.resourceLimits = resourceLimits === undefined ? {} : { ...resourceLimits };
    this.stdin = null;
    let resolve;
    this.#ended = new Promise((f) => { resolve = f; });
    const entry = isText ? `${filename}` : fileOf(filename);
    this.#handle = native.start(entry, Boolean(isText), workerData, transferList, argv?.map(String), `${name}`, this, (type, value) => {
      if (type === "exit") {
        this.#code = value;
        resolve(value);
      }
      if (type === "online") this.emit("online");
      else this.emit(type, value);
    });
  }

  // Of a worker that has ended it is -1.
  get threadId() { return this.#code === undefined ? this.#handle.id : -1; }
  terminate(callback) {
    if (this.#code !== undefined) return Promise.resolve();
    if (typeof callback === "function") this.once("exit", (code) => callback(null, code));
    this.#handle.terminate();
    return this.#ended;
  }
  ref() {
    if (this.#code === undefined) this.#handle.ref();
  }
  unref() {
    if (this.#code === undefined) this.#handle.unref();
  }
}

defineProperty(Worker.prototype, "postMessage", { __proto__: null, value: native.postMessage, writable: true, configurable: true });

// Port is an emitter that begins to deliver with its first listener of messages.
class Port extends EventEmitter {
  #listener = null;
  constructor() {
    super();
    this.on("newListener", (type) => { if (type === "message" && this.listenerCount("message") === 0) this.ref(); });
    this.on("removeListener", (type) => { if (type === "message" && this.listenerCount("message") === 0) this.unref(); });
  }
  get onmessage() { return this.#listener?.f ?? null; }
  set onmessage(f) {
    if (this.#listener !== null) this.off("message", this.#listener);
    this.#listener = null;
    if (typeof f !== "function") return;
    this.#listener = (data) => f.call(this, { type: "message", data, target: this });
    this.#listener.f = f;
    this.on("message", this.#listener);
  }
  addEventListener(type, f) { this.on(type, f.listened ??= (data) => f.call(this, { type, data, target: this })); }
  removeEventListener(type, f) { if (f.listened !== undefined) this.off(type, f.listened); }
}

let parentPort = null;
if (native.isWorker) {
  let hold, closed = false;
  class MessagePort extends Port {
    start() { if (!closed) native.pause(false); }
    ref() {
      if (closed) return;
      hold ??= native.hold();
      this.start();
    }
    unref() {
      hold?.();
      hold = undefined;
    }
    close() {
      if (closed) return;
      this.unref();
      closed = true;
      native.close();
      queueMicrotask(() => this.emit("close"));
    }
  }
  defineProperty(MessagePort.prototype, "postMessage", { __proto__: null, value: native.postToOwner, writable: true, configurable: true });
  parentPort = new MessagePort();
  native.listen(parentPort);
}

const untransferable = new WeakSet();
return {
  Worker, parentPort, SHARE_ENV,
  isMainThread: !native.isWorker,
  threadId: native.id,
  get workerData() { return native.isWorker ? native.data() : null; },
  resourceLimits: freeze({}),
  MessageChannel: globalThis.MessageChannel, MessagePort: globalThis.MessagePort, BroadcastChannel: globalThis.BroadcastChannel,
  receiveMessageOnPort(port) {
    if (port !== null && port === parentPort) return native.take();
    const taken = native.receive(port);
    if (taken === null) throw coded(TypeError, "ERR_INVALID_ARG_TYPE", 'The "port" argument must be a MessagePort instance');
    return taken;
  },
  markAsUntransferable(object) {
    if (object === null || typeof object !== "object" || untransferable.has(object)) return;
    untransferable.add(object);
    native.pin(object);
  },
  isMarkedAsUntransferable: (object) => untransferable.has(object),
};
