
// node:fs/promises.
const { operations, badFD, Stats } = require("internal/fs");
const streams = require("internal/fs_streams");
const constants = require("internal/fs_constants");
const EventEmitter = require("node:events");
const { Buffer } = require("node:buffer");
const { validateObject, validateBoolean, validateUint32 } = require("internal/validators");
const { isView, defineProperty } = primordials;
const badge = Symbol("badge");
const attempt = (fn) => {
  try {
    return Promise.resolve(fn());
  } catch (e) {
    return Promise.reject(e);
  }
};

class FileHandle extends EventEmitter {
  #fd;
  [streams.kFileHandle] = true;
  constructor(key, fd) {
    if (key !== badge) throw new TypeError("Illegal constructor");
    super();
    this.#fd = fd;
  }
  get fd() { return this.#fd; }
  #do(fn) {
    return attempt(() => {
      if (this.#fd === undefined) throw badFD("stat");
      return fn(this.#fd);
    });
  }
  appendFile(data, options) { return this.#do((fd) => { operations.appendFile(fd, data, options)(); }); }
  chmod(mode) { return this.#do((fd) => operations.fchmod(fd, mode)()); }
  chown(uid, gid) { return this.#do((fd) => operations.fchown(fd, uid, gid)()); }
  datasync() { return this.#do((fd) => operations.fdatasync(fd)()); }
  sync() { return this.#do((fd) => operations.fsync(fd)()); }
  read(buffer = {}, offset = {}, length, position = null) {
    return this.#do((fd) => {
      let options;
      if (isView(buffer)) options = typeof offset === "number" ? { buffer, offset, length: length ?? buffer.byteLength - offset, position } : { buffer, ...offset };
      else options = buffer;
      const { buffer: into = Buffer.alloc(16384), offset: at = 0, length: size = into.byteLength - at, position: from = null } = options;
      validateUint32(at, "offset");
      validateUint32(size, "length");
      return { bytesRead: operations.read(fd, into, at, size, from)(), buffer: into };
    });
  }
  readv(buffers, position = null) { return this.#do((fd) => ({ bytesRead: operations.readv(fd, buffers, position)(), buffers })); }
  readFile(options) { return this.#do((fd) => operations.readFile(fd, options)()); }
  readLines() { return this.#do(() => { throw new Error("not implemented"); }); }
  stat(options) { return this.#do((fd) => operations.fstat(fd, options)()); }
  truncate(len) { return this.#do((fd) => operations.ftruncate(fd, len)()); }
  utimes(atime, mtime) { return this.#do((fd) => operations.futimes(fd, atime, mtime)()); }
  write(buffer, offset = null, length, position = null) {
    return this.#do((fd) => {
      if (typeof buffer === "string") buffer = Buffer.from(buffer, typeof length === "string" ? length : undefined), length = undefined;
      return { bytesWritten: operations.write(fd, buffer, offset, length, position)(), buffer };
    });
  }
  writev(buffers, position = null) { return this.#do((fd) => ({ bytesWritten: operations.writev(fd, buffers, position)(), buffers })); }
  writeFile(data, options) {
    return this.#do((fd) => ({ bytesWritten: operations.writeFile(fd, data, options)(), buffer: isView(data) ? data : Buffer.from(data, typeof options === "string" ? options : undefined) }));
  }
  close() {
    return attempt(() => {
      if (this.#fd !== undefined) operations.close(this.#fd)();
      this.#fd = undefined;
      this.emit("close");
    });
  }
  async [Symbol.asyncDispose]() { await this.close(); }
  readableWebStream(options = {}) {
    if (this.#fd === undefined) throw badFD("stat");
    validateObject(options, "options");
    const { autoClose = true } = options;
    validateBoolean(autoClose, "options.autoClose");
    let controller, closed = false;
    const done = async () => { if (autoClose) await this.close(); };
    const stream = new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: 16384,
      start(c) { controller = c; },
      pull: async (c) => {
        const request = c.byobRequest, { view } = request;
        const { bytesRead } = await this.read(view, 0, view.byteLength);
        if (bytesRead === 0) {
          closed = true;
          c.close();
          await done();
        }
        request.respond(bytesRead);
      },
      cancel: done,
    });
    this.once("close", () => { if (!closed) controller.close(); });
    return stream;
  }
  createReadStream(options = {}) { return streams.createReadStream("", { ...options, fd: this }); }
  createWriteStream(options = {}) { return streams.createWriteStream("", { ...options, fd: this }); }
}

const promises = { constants };
for (const name of ["access", "appendFile", "chmod", "chown", "copyFile", "cp", "lchmod", "lchown", "lutimes", "link", "lstat", "mkdir", "mkdtemp", "opendir", "readdir", "readFile",
  "readlink", "realpath", "rename", "rmdir", "rm", "stat", "statfs", "symlink", "truncate", "unlink", "utimes", "writeFile"]) {
  const op = operations[name], quiet = name === "appendFile" || name === "writeFile";
  promises[name] = (path, ...args) => attempt(() => {
    // A handle is as good as its descriptor.
    if (path instanceof FileHandle) {
      if (path.fd === undefined) throw badFD(name);
      path = path.fd;
    }
    const result = op(path, ...args)();
    return quiet ? undefined : result;
  });
  defineProperty(promises[name], "name", { value: name, configurable: true });
}
promises.open = (path, flags, mode) => attempt(() => new FileHandle(badge, operations.open(path, flags, mode)()));
promises.watch = () => { throw new Error("Not implemented"); };
const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };
promises.glob = (pattern, options) => {
  let results, at = 0;
  return {
    __proto__: AsyncIteratorPrototype,
    async next() {
      results ??= operations.glob(pattern, options)();
      return at < results.length ? { value: results[at++], done: false } : { value: undefined, done: true };
    },
    async return(value) {
      results = [];
      return { value, done: true };
    },
  };
};
return promises;
