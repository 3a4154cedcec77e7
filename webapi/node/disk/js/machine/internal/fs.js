
// The operations of node:fs on the machine's files. Each checks its arguments at once
// and returns a function that does the work: without an argument it returns the
// result, with a callback it works beside the loop.
const {
  ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, AbortError, make,
} = require("internal/codes");
const {
  validateInteger, validateUint32, validateInt32, validateBoolean, validateObject, validateOneOf, validateString, validateBuffer, validateNumber, validateAbortSignal,
} = require("internal/validators");
const { fdOf, fileMode, flagsOf } = require("internal/fs_args");
const constants = require("internal/fs_constants");
const { Buffer } = require("node:buffer");
const { posix } = require("node:path");
const { isArray, isView, defineProperty, keys } = primordials;
const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, COPYFILE_EXCL, O_APPEND, O_EXCL } = constants;

// call is a native as an operation's function; then makes its result's value.
const call = (name, then, ...args) => (cb) => {
  const fn = native[name];
  if (cb === undefined) return then === undefined ? fn(undefined, ...args) : then(fn(undefined, ...args));
  fn((e, v) => {
    if (e) cb(e);
    else cb(null, then === undefined ? v : then(v));
  }, ...args);
};
// ready is an operation whose result needs no work.
const ready = (value) => (cb) => (cb === undefined ? value : process.nextTick(cb, null, value));

// pathOf is a path as natives take it: text, or the bytes of a Buffer.
function pathOf(path, name = "path") {
  if (path instanceof URL || (path !== null && typeof path === "object" && path.href && path.protocol && path.auth === undefined && path.path === undefined)) path = require("node:url").fileURLToPath(path);
  if (typeof path === "string") {
    if (path.includes("\0")) throw new ERR_INVALID_ARG_VALUE(name, path, "must be a string, Uint8Array, or URL without null bytes");
    return path;
  }
  if (!isView(path)) throw new ERR_INVALID_ARG_TYPE(name, ["string", "Buffer", "URL"], path);
  if (Buffer.from(path.buffer, path.byteOffset, path.byteLength).includes(0)) throw new ERR_INVALID_ARG_VALUE(name, path, "must be a string, Uint8Array, or URL without null bytes");
  return path;
}
const target = (v, name) => (typeof v === "number" ? fdOf(v) : pathOf(v, name));
const descriptor = (fd) => {
  if (typeof fd !== "number") throw new ERR_INVALID_ARG_TYPE("fd", "number", fd);
  return fdOf(fd);
};

// optionsOf reads options that may be an encoding.
function optionsOf(options, fallback = {}) {
  if (options === null || options === undefined || typeof options === "function") return fallback;
  if (typeof options === "string") options = { ...fallback, encoding: options };
  else if (typeof options !== "object") throw new ERR_INVALID_ARG_TYPE("options", ["string", "Object"], options);
  const { encoding } = options;
  if (encoding && encoding !== "buffer" && !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("encoding", encoding, "is invalid encoding");
  if (options.signal !== undefined) validateAbortSignal(options.signal, "options.signal");
  return options;
}
// named makes a name that natives gave, as bytes where raw says so, what encoding asks for.
const raw = (encoding) => Boolean(encoding) && encoding !== "utf8" && encoding !== "utf-8";
const named = (encoding) => (raw(encoding) && encoding !== "buffer" ? (b) => b.toString(encoding) : undefined);
const decoded = (encoding) => (encoding && encoding !== "buffer" ? (b) => b.toString(encoding) : undefined);

function seconds(time, name = "time") {
  if (typeof time === "string" && +time == time) return +time; // eslint-disable-line eqeqeq
  if (typeof time === "number" && time - time === 0) return time < 0 ? Date.now() / 1000 : time;
  if (time instanceof Date) return time.getTime() / 1000;
  throw new ERR_INVALID_ARG_TYPE(name, ["Date", "Time in seconds"], time);
}

function positionOf(position) {
  if (position === undefined || position === null) return null;
  if (typeof position === "bigint") {
    if (position < -1n || position > 2n ** 63n - 1n) throw new ERR_OUT_OF_RANGE("position", `>= -1 && <= ${2n ** 63n - 1n}`, position);
    return position;
  }
  if (typeof position !== "number") throw new ERR_INVALID_ARG_TYPE("position", ["integer", "bigint"], position);
  validateInteger(position, "position", -1);
  return position;
}

const fields = ["dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks"], times = ["atime", "mtime", "ctime", "birthtime"];
// Stats are of numbers; those of BigInts have nanoseconds too.
function Stats(...values) {
  if (!new.target) return new Stats(...values);
  const order = ["dev", "mode", "nlink", "uid", "gid", "rdev", "blksize", "ino", "size", "blocks", "atimeMs", "mtimeMs", "ctimeMs", "birthtimeMs"];
  for (let i = 0; i < order.length; i++) this[order[i]] = values[i];
}
function BigIntStats() {}
const kinds = [["isDirectory", S_IFDIR], ["isFile", S_IFREG], ["isBlockDevice", S_IFBLK], ["isCharacterDevice", S_IFCHR], ["isSymbolicLink", S_IFLNK], ["isFIFO", S_IFIFO], ["isSocket", S_IFSOCK]];
for (const [name, kind] of kinds) {
  const method = { [name]() { return (Number(this.mode) & S_IFMT) === kind; } }[name];
  for (const Class of [Stats, BigIntStats]) defineProperty(Class.prototype, name, { value: method, writable: true, configurable: true, enumerable: true });
}
for (const Class of [Stats, BigIntStats]) {
  for (const name of times) {
    defineProperty(Class.prototype, name, {
      get() {
        const value = this[`${name}Ms`] === undefined ? undefined : new Date(Number(this[`${name}Ms`]));
        defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true });
        return value;
      },
      set(value) { defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true }); },
      configurable: true, enumerable: true,
    });
  }
}
const statsOf = (big) => (list) => {
  const s = new (big ? BigIntStats : Stats)();
  const value = {};
  for (let i = 0; i < fields.length; i++) value[fields[i]] = list[i];
  for (const name of ["dev", "mode", "nlink", "uid", "gid", "rdev", "blksize", "ino", "size", "blocks"]) s[name] = value[name];
  if (big) {
    for (let i = 0; i < times.length; i++) s[`${times[i]}Ms`] = list[10 + i] / 1000000n;
    for (let i = 0; i < times.length; i++) s[`${times[i]}Ns`] = list[10 + i];
  } else for (let i = 0; i < times.length; i++) s[`${times[i]}Ms`] = list[10 + 2 * i] * 1000 + list[11 + 2 * i] / 1e6;
  return s;
};
function statWork(name, where, options, absent) {
  if (options === undefined || options === null || typeof options === "function") options = {};
  validateObject(options, "options");
  const { bigint = false, throwIfNoEntry = true } = options;
  const work = call(name, statsOf(bigint), where, bigint);
  if (!absent || throwIfNoEntry) return work;
  return (cb) => {
    if (cb !== undefined) return work(cb);
    try {
      return work();
    } catch (e) {
      if (e.code === "ENOENT") return undefined;
      throw e;
    }
  };
}

class StatFs {
  constructor(list) {
    [this.type, this.bsize, this.blocks, this.bfree, this.bavail, this.files, this.ffree] = list;
  }
}

const kType = Symbol("type");
class Dirent {
  constructor(name, type, path) {
    this.name = name;
    this.parentPath = path;
    this[kType] = type;
  }
  get path() { return this.parentPath; }
}
for (const [name, type] of [["isFile", 1], ["isDirectory", 2], ["isSymbolicLink", 3], ["isFIFO", 4], ["isSocket", 5], ["isCharacterDevice", 6], ["isBlockDevice", 7]]) {
  defineProperty(Dirent.prototype, name, { value: { [name]() { return this[kType] === type; } }[name], writable: true, configurable: true });
}
const direntOf = (encoding) => {
  const shown = named(encoding) ?? ((v) => v);
  return ([name, parent, type]) => new Dirent(shown(name), type, parent);
};

const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };
const dirClosed = () => make(Error, "ERR_DIR_CLOSED", "Directory handle was closed");
const dirBusy = () => make(Error, "ERR_DIR_CONCURRENT_OPERATION", "Cannot do synchronous work on directory handle with concurrent asynchronous operations");
// Dir reads a directory little by little.
class Dir {
  #fd;
  #path;
  #encoding;
  #size;
  #recursive;
  #queue = [];
  #below = []; // directories that wait, with recursive
  #busy = null; // callbacks that wait for the read that goes on
  constructor(fd, path, options) {
    if (fd === undefined || fd === null) throw new (require("internal/codes").ERR_MISSING_ARGS)("handle");
    this.#fd = fd;
    this.#path = path;
    this.#encoding = options?.encoding;
    this.#size = options?.bufferSize ?? 32;
    this.#recursive = Boolean(options?.recursive);
  }
  get path() { return this.#path; }
  #take(list) {
    const entry = direntOf(this.#encoding);
    for (const e of list) {
      this.#queue.push(entry(e));
      if (this.#recursive && e[2] === 2) this.#below.push(posix.join(e[1], String(e[0])));
    }
  }
  #args(path) { return [this.#fd, this.#size, path, raw(this.#encoding)]; }
  readSync() {
    if (this.#fd === undefined) throw dirClosed();
    if (this.#busy !== null) throw dirBusy();
    while (this.#queue.length === 0) {
      if (this.#fd !== null) {
        const list = native.nextEntry(undefined, ...this.#args(this.#path));
        if (list.length > 0) this.#take(list);
        else if (this.#below.length === 0) return null;
        else this.#take(native.readdir(undefined, this.#below.shift(), raw(this.#encoding), false, true));
      }
    }
    return this.#queue.shift();
  }
  read(callback) {
    if (callback === undefined) return new Promise((resolve, reject) => this.read((e, v) => (e ? reject(e) : resolve(v))));
    if (typeof callback !== "function") throw new ERR_INVALID_ARG_TYPE("callback", "Function", callback);
    if (this.#fd === undefined) throw dirClosed();
    if (this.#busy !== null) {
      this.#busy.push(() => this.read(callback));
      return;
    }
    if (this.#queue.length > 0) {
      process.nextTick(callback, null, this.#queue.shift());
      return;
    }
    this.#busy = [];
    const finish = (e, v) => {
      const waiting = this.#busy;
      this.#busy = null;
      for (const fn of waiting) process.nextTick(fn);
      callback(e, v);
    };
    const step = (e, list, last) => {
      if (e) finish(e);
      else if (list.length > 0) {
        this.#take(list);
        finish(null, this.#queue.shift());
      } else if (this.#below.length === 0) finish(null, null);
      else native.readdir((e, list) => step(e, list), this.#below.shift(), raw(this.#encoding), false, true);
    };
    native.nextEntry(step, ...this.#args(this.#path));
  }
  closeSync() {
    if (this.#fd === undefined) throw dirClosed();
    if (this.#busy !== null) throw dirBusy();
    const fd = this.#fd;
    this.#fd = undefined;
    native.close(undefined, fd);
  }
  close(callback) {
    if (callback === undefined) {
      if (this.#fd === undefined) return Promise.reject(dirClosed());
      return new Promise((resolve, reject) => this.close((e) => (e ? reject(e) : resolve())));
    }
    if (typeof callback !== "function") throw new ERR_INVALID_ARG_TYPE("callback", "Function", callback);
    if (this.#fd === undefined) {
      process.nextTick(callback, dirClosed());
      return;
    }
    if (this.#busy !== null) {
      this.#busy.push(() => this.close(callback));
      return;
    }
    const fd = this.#fd;
    this.#fd = undefined;
    native.close((e) => callback(e ?? null), fd);
  }
  entries() {
    let over = false;
    const end = async () => {
      over = true;
      if (this.#fd !== undefined) await this.close();
    };
    return {
      __proto__: AsyncIteratorPrototype,
      next: async () => {
        if (over) return { value: undefined, done: true };
        let value;
        try {
          value = await this.read();
        } catch (e) {
          await end();
          throw e;
        }
        if (value !== null) return { value, done: false };
        await end();
        return { value: undefined, done: true };
      },
      return: async (value) => {
        await end();
        return { value, done: true };
      },
    };
  }
  [Symbol.asyncIterator]() { return this.entries(); }
  async [Symbol.asyncDispose]() { await this.close(); }
  [Symbol.dispose]() { this.closeSync(); }
}

function readArgs(fd, buffer, offset, length, position) {
  fd = descriptor(fd);
  if (buffer !== null && typeof buffer === "object" && !isView(buffer)) {
    // read(fd, options)
    ({ buffer = Buffer.alloc(16384), offset = 0, length = buffer.byteLength - offset, position = null } = buffer);
  } else if (offset !== null && typeof offset === "object") ({ offset = 0, length = buffer?.byteLength - offset, position = null } = offset);
  validateBuffer(buffer);
  if (offset === undefined || offset === null) offset = 0;
  else validateInteger(offset, "offset", 0);
  length ??= buffer.byteLength - offset;
  if (length === 0) return { fd, buffer, view: null, position: null };
  if (buffer.byteLength === 0) throw new ERR_INVALID_ARG_VALUE("buffer", buffer, "is empty and cannot be written");
  validateNumber(length, "length");
  if (offset > buffer.byteLength) throw new ERR_OUT_OF_RANGE("offset", `<= ${buffer.byteLength}`, offset);
  if (length < 0) throw new ERR_OUT_OF_RANGE("length", ">= 0", length);
  if (length > buffer.byteLength - offset) throw new ERR_OUT_OF_RANGE("length", `<= ${buffer.byteLength - offset}`, length);
  return { fd, buffer, view: Buffer.from(buffer.buffer, buffer.byteOffset + offset, length), position: positionOf(position) };
}
function writeArgs(fd, buffer, offset, length, position) {
  fd = descriptor(fd);
  if (isView(buffer)) {
    if (offset !== null && typeof offset === "object") ({ offset = 0, length = buffer.byteLength - offset, position = null } = offset);
    if (offset === undefined || offset === null || typeof offset === "function") offset = 0;
    else validateInteger(offset, "offset", 0);
    if (typeof length !== "number") length = buffer.byteLength - offset;
    if (typeof position !== "number" && typeof position !== "bigint") position = null;
    if (offset > buffer.byteLength) throw new ERR_OUT_OF_RANGE("offset", `<= ${buffer.byteLength}`, offset);
    if (length > buffer.byteLength - offset) throw new ERR_OUT_OF_RANGE("length", `<= ${buffer.byteLength - offset}`, length);
    if (length < 0) throw new ERR_OUT_OF_RANGE("length", ">= 0", length);
    validateInt32(length, "length", 0);
    return { fd, view: Buffer.from(buffer.buffer, buffer.byteOffset + offset, length), position };
  }
  if (typeof buffer !== "string") throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "Buffer", "TypedArray", "DataView"], buffer);
  // write(fd, string, position, encoding)
  const encoding = length ?? "utf8";
  if (typeof encoding !== "string" || !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("encoding", encoding, "is invalid encoding");
  return { fd, view: Buffer.from(buffer, encoding), position: typeof offset === "number" || typeof offset === "bigint" ? offset : null };
}
function viewsOf(buffers) {
  if (!isArray(buffers)) throw new ERR_INVALID_ARG_TYPE("buffers", "ArrayBufferView[]", buffers);
  for (let i = 0; i < buffers.length; i++) if (!isView(buffers[i])) throw new ERR_INVALID_ARG_TYPE("buffers", "ArrayBufferView[]", buffers);
  return buffers;
}
const placed = (position) => (typeof position === "number" || typeof position === "bigint" ? position : null);

// aborting refuses a result that comes after its signal.
function aborting(signal, work) {
  if (signal === undefined || signal === null) return work;
  return (cb) => {
    if (signal.aborted) {
      const e = new AbortError(undefined, { cause: signal.reason });
      if (cb === undefined) throw e;
      process.nextTick(cb, e);
      return undefined;
    }
    if (cb === undefined) return work();
    return work((e, v) => {
      if (signal.aborted) cb(new AbortError(undefined, { cause: signal.reason }));
      else cb(e, v);
    });
  };
}
const rmOptions = (options, name) => {
  if (options === undefined || options === null) options = {};
  validateObject(options, "options");
  const { force = false, maxRetries = 0, recursive = false, retryDelay = 100 } = options;
  validateBoolean(force, "options.force");
  validateBoolean(recursive, "options.recursive");
  validateInt32(retryDelay, "options.retryDelay", 0);
  validateUint32(maxRetries, "options.maxRetries");
  return { force, maxRetries, recursive, retryDelay };
};
const userId = (v, name) => validateInteger(v, name, -1, 2 ** 32 - 1);

const operations = {
  access(path, mode) {
    path = pathOf(path);
    if (mode === undefined || mode === null || typeof mode === "function") mode = constants.F_OK;
    validateInteger(mode, "mode", 0, 7);
    return call("access", undefined, path, mode);
  },
  appendFile(path, data, options) {
    options = optionsOf(options, { encoding: "utf8", mode: 0o666, flag: "a" });
    return operations.writeFile(path, data, { ...options, flag: options.flag || "a" });
  },
  chmod(path, mode) {
    path = pathOf(path);
    return call("chmod", undefined, path, fileMode(mode, "mode"));
  },
  chown(path, uid, gid) {
    path = pathOf(path);
    userId(uid, "uid");
    userId(gid, "gid");
    return call("chown", undefined, path, uid, gid);
  },
  close: (fd) => call("close", undefined, descriptor(fd)),
  copyFile(src, dest, mode = 0) {
    src = pathOf(src, "src");
    dest = pathOf(dest, "dest");
    if (typeof mode === "function" || mode === null) mode = 0;
    validateInteger(mode, "mode", 0, 7);
    return call("copyFile", undefined, src, dest, Boolean(mode & COPYFILE_EXCL));
  },
  cp(src, dest, options) {
    src = pathOf(src, "src");
    dest = pathOf(dest, "dest");
    return require("internal/fs_cp")(src, dest, options);
  },
  fchmod(fd, mode) {
    fd = descriptor(fd);
    return call("fchmod", undefined, fd, fileMode(mode, "mode"));
  },
  fchown(fd, uid, gid) {
    fd = descriptor(fd);
    userId(uid, "uid");
    userId(gid, "gid");
    return call("fchown", undefined, fd, uid, gid);
  },
  fdatasync: (fd) => call("fdatasync", undefined, descriptor(fd)),
  fstat: (fd, options) => statWork("fstat", descriptor(fd), options),
  fsync: (fd) => call("fsync", undefined, descriptor(fd)),
  ftruncate(fd, len = 0) {
    fd = descriptor(fd);
    validateInteger(len ?? 0, "len");
    return call("ftruncate", undefined, fd, Math.max(0, len ?? 0));
  },
  futimes(fd, atime, mtime) {
    fd = descriptor(fd);
    return call("futime", undefined, fd, seconds(atime, "atime"), seconds(mtime, "mtime"));
  },
  lchown(path, uid, gid) {
    path = pathOf(path);
    userId(uid, "uid");
    userId(gid, "gid");
    return call("lchown", undefined, path, uid, gid);
  },
  lutimes(path, atime, mtime) {
    path = pathOf(path);
    return call("lutime", undefined, path, seconds(atime), seconds(mtime));
  },
  link(existing, path) {
    existing = pathOf(existing, "existingPath");
    path = pathOf(path, "newPath");
    return call("link", undefined, existing, path);
  },
  lstat: (path, options) => statWork("lstat", pathOf(path), options, true),
  mkdir(path, options) {
    let mode = 0o777, recursive = false;
    if (typeof options === "number" || typeof options === "string") mode = fileMode(options, "mode");
    else if (options !== null && typeof options === "object") {
      if (options.recursive !== undefined) {
        recursive = options.recursive;
        validateBoolean(recursive, "options.recursive");
      }
      if (options.mode !== undefined) mode = fileMode(options.mode, "options.mode");
    }
    return call("mkdir", undefined, pathOf(path), mode, recursive);
  },
  mkdtemp(prefix, options) {
    const { encoding } = optionsOf(options);
    return call("mkdtemp", named(encoding), pathOf(prefix, "prefix"), raw(encoding));
  },
  open(path, flags, mode) {
    path = pathOf(path);
    return call("open", undefined, path, flagsOf(flags), fileMode(mode, "mode", 0o666));
  },
  opendir(path, options) {
    const shown = pathOf(path);
    options = optionsOf(options, { encoding: "utf8" });
    const { encoding, bufferSize = 32, recursive = false } = options;
    validateUint32(bufferSize, "options.bufferSize", true);
    return call("opendir", (fd) => new Dir(fd, String(shown), { encoding, bufferSize, recursive }), shown);
  },
  readdir(path, options) {
    const { encoding, withFileTypes = false, recursive = false } = optionsOf(options);
    path = pathOf(path);
    if (recursive !== undefined) validateBoolean(recursive, "options.recursive");
    const shown = named(encoding);
    return call("readdir", (list) => {
      const out = new Array(list.length), entry = direntOf(encoding);
      for (let i = 0; i < out.length; i++) out[i] = withFileTypes ? entry(list[i]) : shown ? shown(list[i][0]) : list[i][0];
      return out;
    }, path, raw(encoding), recursive, Boolean(withFileTypes));
  },
  readFile(path, options) {
    const { encoding, flag = "r", signal } = optionsOf(options, { flag: "r" });
    const flags = flagsOf(flag, "options.flag");
    return aborting(signal, call("readFile", decoded(encoding), target(path), flags));
  },
  readlink(path, options) {
    const { encoding } = optionsOf(options);
    return call("readlink", named(encoding), pathOf(path), raw(encoding));
  },
  // The form in JavaScript of node names the part that is not there, the other one the path.
  realpath(path, options, syscall = "realpath") {
    const { encoding } = optionsOf(options);
    return call("realpath", named(encoding), pathOf(path), raw(encoding), syscall);
  },
  read(fd, buffer, offset, length, position) {
    if (arguments.length === 3 && typeof offset === "number") validateObject(offset, "options");
    const a = readArgs(fd, buffer, offset, length, position);
    return a.view === null ? ready(0) : call("read", undefined, a.fd, [a.view], a.position);
  },
  readv(fd, buffers, position) {
    fd = descriptor(fd);
    viewsOf(buffers);
    return buffers.length === 0 ? ready(0) : call("read", undefined, fd, buffers, placed(position));
  },
  rename(from, to) {
    from = pathOf(from, "oldPath");
    to = pathOf(to, "newPath");
    return call("rename", undefined, from, to);
  },
  rmdir(path, options) {
    path = pathOf(path);
    const { recursive, maxRetries, retryDelay } = rmOptions(options);
    if (!recursive) return call("rmdir", undefined, path);
    return guarded(path, false, "rmdir", (s) => {
      if (!s.isDirectory()) return call("rmdir", undefined, path);
      return call("rm", undefined, path, true, maxRetries, retryDelay);
    });
  },
  rm(path, options) {
    path = pathOf(path);
    const { force, maxRetries, recursive, retryDelay } = rmOptions(options);
    return guarded(path, force, "lstat", (s) => {
      if (s.isDirectory() && !recursive) {
        throw make(Error, "ERR_FS_EISDIR", `Path is a directory: rm returned EISDIR (is a directory) ${path}`, { name: "SystemError", errno: 21, syscall: "rm", path, info: { code: "EISDIR", message: "is a directory", path, syscall: "rm", errno: 21 } });
      }
      return call("rm", undefined, path, recursive, maxRetries, retryDelay);
    });
  },
  stat: (path, options) => statWork("stat", pathOf(path), options, true),
  statfs(path, options) {
    path = pathOf(path);
    const bigint = Boolean(options?.bigint);
    return call("statfs", (list) => new StatFs(list), path, bigint);
  },
  symlink(to, path, type) {
    if (typeof type === "function") type = undefined;
    validateOneOf(type, "type", ["dir", "file", "junction", null, undefined]);
    to = pathOf(to, "target");
    path = pathOf(path);
    return call("symlink", undefined, to, path);
  },
  truncate(path, len = 0) {
    if (typeof path === "number") return operations.ftruncate(path, len);
    if (typeof len === "function") len = 0;
    validateInteger(len ?? 0, "len");
    return call("truncate", undefined, pathOf(path), Math.max(0, len ?? 0));
  },
  unlink: (path) => call("unlink", undefined, pathOf(path)),
  utimes(path, atime, mtime) {
    path = pathOf(path);
    return call("utime", undefined, path, seconds(atime), seconds(mtime));
  },
  writeFile(path, data, options) {
    const { encoding, mode = 0o666, flag = "w", flush = false, signal } = optionsOf(options, { encoding: "utf8", mode: 0o666, flag: "w", flush: false });
    if (flush !== null && flush !== undefined) validateBoolean(flush, "options.flush");
    const flags = flagsOf(flag, "options.flag");
    if (!isView(data)) {
      if (typeof data !== "string") throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
      data = Buffer.from(data, encoding || "utf8");
    }
    return aborting(signal, call("writeFile", undefined, target(path), data, flags, fileMode(mode, "mode", 0o666), Boolean(flush)));
  },
  write(fd, buffer, offset, length, position) {
    const a = writeArgs(fd, buffer, offset, length, position);
    return call("write", undefined, a.fd, [a.view], a.position);
  },
  writev(fd, buffers, position) {
    fd = descriptor(fd);
    viewsOf(buffers);
    return buffers.length === 0 ? ready(0) : call("write", undefined, fd, buffers, placed(position));
  },
  glob: (pattern, options) => (cb) => {
    const work = require("internal/fs_glob")(pattern, options);
    if (cb === undefined) return work();
    process.nextTick(() => {
      let list;
      try {
        list = work();
      } catch (e) {
        cb(e);
        return;
      }
      cb(null, list);
    });
  },
  openAsBlob(path, options = {}) {
    path = pathOf(path);
    validateObject(options, "options");
    const { type = "" } = options;
    validateString(type, "options.type");
    return call("blob", undefined, path, type);
  },
};

// guarded looks at what is there before it goes on; with force nothing there is no error.
function guarded(path, force, syscall, next) {
  const renamed = (e) => {
    if (e.code === "ENOENT" && syscall !== "lstat") {
      e.message = e.message.replace("lstat", syscall);
      e.syscall = syscall;
    }
    return e;
  };
  return (cb) => {
    const look = statWork("lstat", path);
    if (cb === undefined) {
      let s;
      try {
        s = look();
      } catch (e) {
        if (force && e.code === "ENOENT") return undefined;
        throw renamed(e);
      }
      return next(s)();
    }
    look((e, s) => {
      if (e) {
        cb(force && e.code === "ENOENT" ? null : renamed(e));
        return;
      }
      let work;
      try {
        work = next(s);
      } catch (e) {
        cb(e);
        return;
      }
      work(cb);
    });
  };
}

const existsSync = (path) => {
  try {
    operations.access(path)();
    return true;
  } catch {
    return false;
  }
};
// What the parts need that are the same on the other file system.
const readdir = (path, recursive) => native.readdir(undefined, path, false, recursive, true);
const stat = (path, follow) => {
  let s;
  try {
    s = statsOf(false)(native[follow ? "stat" : "lstat"](undefined, path, false));
  } catch {
    return undefined;
  }
  return [s.isDirectory() ? "directory" : s.isSymbolicLink() ? "symlink" : "file", s.size];
};
const badFD = (syscall) => Object.assign(new Error("file closed"), { code: "EBADF", syscall });
return { operations, existsSync, pathOf, fdOf, fileMode, badFD, Stats, Dirent, Dir, readdir, stat, cwd: () => native.dir(), seconds, watch: native.watch, AsyncIteratorPrototype, sequential: true };
