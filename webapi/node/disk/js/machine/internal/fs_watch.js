
// fs.watch tells what the system tells of a directory or a file; fs.watchFile looks
// again and again.
const EventEmitter = require("node:events");
const { operations, pathOf, cwd, watch: start, Stats, AsyncIteratorPrototype } = require("internal/fs");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, AbortError } = require("internal/codes");
const { validateBoolean, validateObject, validateFunction, validateUint32, validateAbortSignal } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { resolve } = require("node:path");
const { setInterval, clearInterval } = require("node:timers");

const watchOptions = (options) => {
  if (typeof options === "string") options = { encoding: options };
  options ??= {};
  validateObject(options, "options");
  const { persistent = true, recursive = false, encoding, signal } = options;
  validateBoolean(persistent, "options.persistent");
  validateBoolean(recursive, "options.recursive");
  validateAbortSignal(signal, "options.signal");
  if (encoding && encoding !== "buffer" && !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("encoding", encoding, "is invalid encoding");
  return { persistent, recursive, encoding, signal };
};

class FSWatcher extends EventEmitter {
  #handle = null;
  _start(path, { persistent, recursive, encoding }) {
    this.#handle = start(path, persistent, recursive, (event, name, error) => {
      if (this.#handle === null) return;
      if (error) {
        this.close();
        this.emit("error", error);
        return;
      }
      if (encoding && encoding !== "utf8") name = encoding === "buffer" ? Buffer.from(name) : Buffer.from(name).toString(encoding);
      this.emit("change", event, name);
    });
  }
  close() {
    if (this.#handle === null) return;
    this.#handle.close();
    this.#handle = null;
    process.nextTick(() => this.emit("close"));
  }
  ref() {
    this.#handle?.ref();
    return this;
  }
  unref() {
    this.#handle?.unref();
    return this;
  }
}

function watch(path, options, listener) {
  if (typeof options === "function") [options, listener] = [undefined, options];
  path = pathOf(path, "filename");
  const o = watchOptions(options), watcher = new FSWatcher();
  watcher._start(path, o);
  if (listener) watcher.addListener("change", listener);
  if (o.signal) {
    if (o.signal.aborted) process.nextTick(() => watcher.close());
    else {
      const stop = () => watcher.close();
      o.signal.addEventListener("abort", stop);
      watcher.once("close", () => o.signal.removeEventListener("abort", stop));
    }
  }
  return watcher;
}

// watchAsync is fs.promises.watch.
function watchAsync(path, options) {
  const o = watchOptions(options), queue = [];
  let wake = () => {}, failure, watcher, over = false;
  const abort = () => {
    failure = new AbortError(undefined, { cause: o.signal.reason });
    wake();
  };
  const end = () => {
    over = true;
    o.signal?.removeEventListener("abort", abort);
    watcher?.close();
  };
  const begin = () => {
    if (o.signal?.aborted) throw new AbortError(undefined, { cause: o.signal.reason });
    o.signal?.addEventListener("abort", abort);
    watcher = watch(path, { ...options, signal: undefined }, (eventType, filename) => {
      // Who does not keep up misses the oldest, as with node's bound of the queue.
      if (queue.length >= (options?.maxQueue ?? 2048)) queue.shift();
      queue.push({ eventType, filename });
      wake();
    });
    watcher.on("error", (e) => {
      failure = e;
      wake();
    });
  };
  return {
    __proto__: AsyncIteratorPrototype,
    async next() {
      if (over) return { value: undefined, done: true };
      try {
        if (watcher === undefined) begin();
        for (;;) {
          if (queue.length > 0) return { value: queue.shift(), done: false };
          if (failure) throw failure;
          await new Promise((r) => { wake = r; });
        }
      } catch (e) {
        end();
        throw e;
      }
    },
    async return(value) {
      end();
      return { value, done: true };
    },
  };
}

const zero = (bigint) => {
  const z = bigint ? 0n : 0, s = new Stats(z, z, z, z, z, z, z, z, z, z, z, z, z, z);
  return s;
};
class StatWatcher extends EventEmitter {
  #timer;
  #last;
  #path;
  #bigint;
  constructor(path, interval, persistent, bigint) {
    super();
    this.#path = path;
    this.#bigint = bigint;
    this.#look();
    this.#timer = setInterval(() => this.#look(), interval);
    if (!persistent) this.#timer?.unref?.();
  }
  #look() {
    operations.stat(this.#path, { bigint: this.#bigint })((e, s) => {
      if (this.#timer === undefined && this.#last !== undefined) return;
      if (e) s = zero(this.#bigint);
      const last = this.#last;
      this.#last = s;
      if (last === undefined) {
        if (e) this.emit("change", s, zero(this.#bigint));
        return;
      }
      for (const key of ["mtimeMs", "ctimeMs", "size", "ino", "mode", "nlink", "uid", "gid"]) {
        if (s[key] !== last[key]) {
          this.emit("change", s, last);
          return;
        }
      }
    });
  }
  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.emit("stop");
  }
  ref() {
    this.#timer?.ref?.();
    return this;
  }
  unref() {
    this.#timer?.unref?.();
    return this;
  }
}

const files = new Map();
function watchFile(path, options, listener) {
  path = resolve(cwd(), String(pathOf(path, "filename")));
  if (options === null || typeof options !== "object") [options, listener] = [{}, options];
  const { interval = 5007, persistent = true, bigint = false } = options;
  validateFunction(listener, "listener");
  validateUint32(interval, "interval");
  let w = files.get(path);
  if (w === undefined) {
    w = new StatWatcher(path, interval, persistent, bigint);
    files.set(path, w);
  }
  w.addListener("change", listener);
  return w;
}
function unwatchFile(path, listener) {
  path = resolve(cwd(), String(pathOf(path, "filename")));
  const w = files.get(path);
  if (w === undefined) return;
  if (typeof listener === "function") w.removeListener("change", listener);
  else w.removeAllListeners("change");
  if (w.listenerCount("change") === 0) {
    w.stop();
    files.delete(path);
  }
}
return { watch, watchAsync, watchFile, unwatchFile, FSWatcher, StatWatcher };
