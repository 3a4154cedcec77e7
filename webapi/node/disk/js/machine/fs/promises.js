
// node:fs/promises on the machine's files.
const { operations, badFD, AsyncIteratorPrototype } = require("internal/fs");
const streams = require("internal/fs_streams");
const constants = require("internal/fs_constants");
const watchers = require("internal/fs_watch");
const EventEmitter = require("node:events");
const { Buffer } = require("node:buffer");
const { ERR_METHOD_NOT_IMPLEMENTED, ERR_INVALID_STATE, ERR_INVALID_ARG_TYPE, AbortError } = require("internal/codes");
const { validateObject, validateBoolean } = require("internal/validators");
const { isView, defineProperty } = primordials;
const badge = Symbol("badge");

// promised is the result of an operation whose arguments fn reads.
const promised = (fn, then) => new Promise((resolve, reject) => {
  fn()((e, v) => {
    if (e) reject(e);
    else resolve(then === undefined ? v : then(v));
  });
});

class FileHandle extends EventEmitter {
  #fd;
  #closing = null;
  [streams.kFileHandle] = true;
  constructor(key, fd) {
    if (key !== badge) throw new TypeError("Illegal constructor");
    super();
    this.#fd = fd;
  }
  get fd() { return this.#fd; }
  getAsyncId() { return 0; }
  #do(name, fn, then) {
    return promised(() => {
      if (this.#fd === -1) throw badFD(name);
      return fn(this.#fd);
    }, then);
  }
  appendFile(data, options) { return this.writeFile(data, options); }
  chmod(mode) { return this.#do("fchmod", (fd) => operations.fchmod(fd, mode)); }
  chown(uid, gid) { return this.#do("fchown", (fd) => operations.fchown(fd, uid, gid)); }
  datasync() { return this.#do("fdatasync", (fd) => operations.fdatasync(fd)); }
  sync() { return this.#do("fsync", (fd) => operations.fsync(fd)); }
  read(buffer, offset, length, position) {
    let into = buffer;
    if (!isView(buffer)) {
      into = buffer?.buffer ?? Buffer.alloc(16384);
      ({ offset = 0, length = into.byteLength - offset, position = null } = buffer ?? {});
    }
    return this.#do("read", (fd) => operations.read(fd, into, offset, length, position), (bytesRead) => ({ __proto__: null, bytesRead, buffer: into }));
  }
  readv(buffers, position) { return this.#do("read", (fd) => operations.readv(fd, buffers, position), (bytesRead) => ({ __proto__: null, bytesRead, buffers })); }
  readFile(options) { return this.#do("read", (fd) => operations.readFile(fd, options)); }
  readLines(options) {
    return require("node:readline").createInterface({ input: this.createReadStream(options), crlfDelay: Infinity });
  }
  stat(options) { return this.#do("fstat", (fd) => operations.fstat(fd, options)); }
  truncate(len = 0) { return this.#do("ftruncate", (fd) => operations.ftruncate(fd, len)); }
  utimes(atime, mtime) { return this.#do("futime", (fd) => operations.futimes(fd, atime, mtime)); }
  write(buffer, offset, length, position) {
    return this.#do("write", (fd) => operations.write(fd, buffer, offset, length, position), (bytesWritten) => ({ __proto__: null, bytesWritten, buffer }));
  }
  writev(buffers, position) { return this.#do("write", (fd) => operations.writev(fd, buffers, position), (bytesWritten) => ({ __proto__: null, bytesWritten, buffers })); }
  writeFile(data, options) {
    if (isIterable(data)) return writeAll(this, data, options);
    return this.#do("write", (fd) => operations.writeFile(fd, data, options));
  }
  close() {
    if (this.#fd === -1) return this.#closing ?? Promise.resolve();
    const fd = this.#fd;
    this.#fd = -1;
    this.#closing = promised(() => operations.close(fd)).finally(() => { this.#closing = null; });
    return this.#closing.then(() => { this.emit("close"); });
  }
  async [Symbol.asyncDispose]() { await this.close(); }
  readableWebStream(options = {}) {
    if (this.#fd === -1) throw new ERR_INVALID_STATE("The FileHandle is closed");
    validateObject(options, "options");
    const { autoClose = false } = options;
    validateBoolean(autoClose, "options.autoClose");
    const done = async () => { if (autoClose) await this.close(); };
    let controller, over = false;
    const stream = new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: 16384,
      start(c) { controller = c; },
      pull: async (c) => {
        const request = c.byobRequest, { view } = request;
        const { bytesRead } = await this.read(view, 0, view.byteLength);
        if (bytesRead === 0) {
          over = true;
          c.close();
          await done();
        }
        request.respond(bytesRead);
      },
      cancel: done,
    });
    this.once("close", () => { if (!over) controller.close(); });
    return stream;
  }
  createReadStream(options = {}) { return streams.createReadStream("", { ...options, fd: this }); }
  createWriteStream(options = {}) { return streams.createWriteStream("", { ...options, fd: this }); }
}

const isIterable = (v) => v !== null && typeof v === "object" && !isView(v) && (typeof v[Symbol.asyncIterator] === "function" || typeof v[Symbol.iterator] === "function");
async function writeAll(handle, data, options) {
  const encoding = typeof options === "string" ? options : options?.encoding ?? "utf8", signal = options?.signal;
  const iterator = data[Symbol.asyncIterator]?.() ?? data[Symbol.iterator]();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return;
    try {
      await writeChunk(handle, await value, encoding, signal);
    } catch (e) {
      await iterator.return?.();
      throw e;
    }
  }
}
async function writeChunk(handle, chunk, encoding, signal) {
  if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason });
  let rest = isView(chunk) ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : typeof chunk === "string" ? Buffer.from(chunk, encoding || "utf8") : null;
  if (rest === null) throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], chunk);
  while (rest.length > 0) rest = rest.subarray((await handle.write(rest, 0, rest.length)).bytesWritten);
}

const promises = { constants };
for (const name of ["access", "appendFile", "chmod", "chown", "copyFile", "cp", "lchown", "lutimes", "link", "lstat", "mkdir", "mkdtemp", "opendir", "readdir", "readFile",
  "readlink", "realpath", "rename", "rmdir", "rm", "stat", "statfs", "symlink", "truncate", "unlink", "utimes", "writeFile"]) {
  const op = operations[name];
  promises[name] = {
    // A handle is as good as its descriptor.
    async [name](path, ...args) {
      if (path instanceof FileHandle) {
        if (name === "readFile" || name === "writeFile" || name === "appendFile") return path[name](...args);
        throw new ERR_INVALID_ARG_TYPE("path", ["string", "Buffer", "URL"], path);
      }
      if (name === "realpath") args.length = Math.min(args.length, 1);
      if ((name === "writeFile" || name === "appendFile") && isIterable(args[0])) {
        const options = typeof args[1] === "string" ? { encoding: args[1] } : args[1] ?? {};
        const handle = await promises.open(path, options.flag ?? (name === "writeFile" ? "w" : "a"), options.mode);
        try {
          return await writeAll(handle, args[0], options);
        } finally {
          await handle.close();
        }
      }
      if (name === "truncate") {
        const handle = await promises.open(path, "r+");
        try {
          return await handle.truncate(...args);
        } finally {
          await handle.close();
        }
      }
      if (typeof path === "number" && name !== "mkdtemp") throw new ERR_INVALID_ARG_TYPE("path", ["string", "Buffer", "URL"], path);
      return promised(() => op(path, ...args));
    },
  }[name];
}
promises.lchmod = async function lchmod() { throw new ERR_METHOD_NOT_IMPLEMENTED("lchmod()"); };
promises.open = async function open(path, flags, mode) { return new FileHandle(badge, await promised(() => operations.open(path, flags, mode))); };
promises.watch = watchers.watchAsync;
promises.glob = (pattern, options) => {
  let results, at = 0;
  return {
    __proto__: AsyncIteratorPrototype,
    async next() {
      results ??= await promised(() => operations.glob(pattern, options));
      return at < results.length ? { value: results[at++], done: false } : { value: undefined, done: true };
    },
    async return(value) {
      results = [];
      return { value, done: true };
    },
  };
};
return promises;
