
// The operations of node:fs. Each checks its arguments at once and returns a
// function that does the work: fs calls it, fs.promises in a promise.
const {
  ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_BUFFER_OUT_OF_BOUNDS, ERR_UNSUPPORTED_OPERATION, ERR_MISSING_ARGS, make,
} = require("internal/codes");
const { validateInteger, validateUint32, validateInt32, validateBoolean, validateObject, validateOneOf, validateString, validateEncoding, validateFunction } = require("internal/validators");
const constants = require("internal/fs_constants");
const { fdOf, fileMode, flagsOf } = require("internal/fs_args");
const { Buffer } = require("node:buffer");
const { posix } = require("node:path");
const { isArray, isView, stringReplaceAll, defineProperty } = primordials;
const { O_WRONLY, O_RDWR, O_APPEND, O_EXCL, O_TRUNC, S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = constants;

const failure = (code, errno, text, syscall, path) => {
  const e = make(Error, code, path === undefined ? text : `${text}, ${syscall} '${path}'`, path === undefined ? { syscall, errno } : { syscall, path, errno });
  return e;
};
const noEntry = (path, syscall) => failure("ENOENT", -2, "no such file or directory", syscall, path);
const badFD = (syscall) => failure("EBADF", -9, "Bad file descriptor", syscall);

// decoded is a path without percent escapes, but for those that stand for no character
// or for a slash: strings are read as URLs are.
function decoded(path) {
  return path.includes("%") ? path.replace(/(?:%[0-9a-f]{2})+/gi, (text) => {
    text = text.toUpperCase();
    if (text.includes("%2F") || text.includes("%00")) return text;
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }) : path;
}

// pathOf is the absolute path that an argument means.
function pathOf(path, encoding = "utf8") {
  if (path instanceof URL) {
    if (path.protocol !== "file:") throw new TypeError("File path must be a file: URL");
    if (path.host !== "") throw new Error("File path must not have a host");
    path = path.pathname;
  } else if (Buffer.isBuffer(path)) path = path.toString(encoding === "buffer" ? "utf8" : encoding);
  else if (typeof path !== "string") throw new ERR_INVALID_ARG_TYPE("path", ["string", "Buffer", "URL"], path);
  if (path.includes("\0")) throw new ERR_INVALID_ARG_VALUE("path", path, "must not contain null bytes");
  path = decoded(path);
  return path[0] === "/" ? posix.normalize(path).replace(/(.)\/$/, "$1") : posix.resolve(native.cwd(), path);
}

const target = (v) => (typeof v === "number" ? fdOf(v) : pathOf(v));

function positionOf(position, name = "position") {
  if (typeof position === "number") validateUint32(position, name);
  else if (typeof position !== "bigint" && position !== null) throw new ERR_INVALID_ARG_TYPE(name, ["integer", "bigint", "null"], position);
  return position;
}
function viewsOf(buffers, name = "buffer") {
  if (!isArray(buffers) || !buffers.every((b) => isView(b))) throw new ERR_INVALID_ARG_TYPE(name, "ArrayBufferView[]", buffers);
  return buffers;
}

// optionsOf reads options that may be an encoding.
function optionsOf(options, fallback) {
  if (typeof options === "string" || options === null || options === undefined) options = { encoding: options ?? fallback };
  validateObject(options, "options");
  const { encoding = fallback } = options;
  if (encoding !== null && encoding !== "buffer" && !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("options.encoding", encoding);
  return options.encoding === undefined ? { ...options, encoding } : options;
}
const encoded = (buffer, encoding) => (encoding === null || encoding === "buffer" ? buffer : buffer.toString(encoding));

function dateOf(time) {
  if (typeof time === "number" || typeof time === "string") return new Date(time);
  if (typeof time === "bigint") return new Date(Number(time));
  if (time instanceof Date) return time;
  throw new ERR_INVALID_ARG_TYPE("time", ["string", "number", "bigint", "Date"], time);
}

const millis = (date) => {
  const t = date.getTime();
  if (t !== t) throw new TypeError("The value cannot be converted because it is not a valid Date.");
  return t;
};

const badge = Symbol("badge");
class Stats {
  constructor(key, [kind, size, modified, created, writable, device], big) {
    if (key !== badge) throw new TypeError("Illegal constructor");
    let mode = 0o444 | (writable ? 0o222 : 0);
    if (device) mode |= S_IFCHR;
    else mode |= kind === "file" ? S_IFREG : kind === "directory" ? S_IFDIR : S_IFLNK;
    const n = big ? BigInt : Number;
    this.dev = n(device ? 1 : 0);
    this.ino = n(0);
    this.mode = n(mode);
    this.nlink = n(1);
    this.uid = n(0);
    this.gid = n(0);
    this.rdev = n(0);
    this.size = n(size);
    this.blksize = n(0);
    this.blocks = n(0);
    const times = { atime: 0n, mtime: modified, ctime: modified, birthtime: created };
    for (const name of ["atime", "mtime", "ctime", "birthtime"]) this[`${name}Ms`] = big ? times[name] / 1000000n : Number(times[name]) / 1000000;
    if (big) for (const name of ["atime", "mtime", "ctime", "birthtime"]) this[`${name}Ns`] = times[name];
    for (const name of ["atime", "mtime", "ctime", "birthtime"]) this[name] = new Date(Number(times[name] / 1000000n));
  }
}
for (const [name, kind] of [["isBlockDevice", S_IFBLK], ["isCharacterDevice", S_IFCHR], ["isDirectory", S_IFDIR], ["isFIFO", S_IFIFO], ["isFile", S_IFREG], ["isSocket", S_IFSOCK], ["isSymbolicLink", S_IFLNK]]) {
  defineProperty(Stats.prototype, name, { value: { [name]() { return (Number(this.mode) & S_IFMT) === kind; } }[name], writable: true, configurable: true });
}

const kType = Symbol("type");
class Dirent {
  constructor(name, type, path) {
    this.name = name;
    this.parentPath = path;
    this[kType] = type;
  }
}
for (const [name, type] of [["isFile", 1], ["isDirectory", 2], ["isSymbolicLink", 3], ["isFIFO", 4], ["isSocket", 5], ["isCharacterDevice", 6], ["isBlockDevice", 7]]) {
  defineProperty(Dirent.prototype, name, { value: { [name]() { return this[kType] === type; } }[name], writable: true, configurable: true });
}

const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };
class Dir {
  #entries;
  #encoding;
  #path;
  constructor(entries, path, options) {
    if (entries === undefined || entries === null) throw new ERR_MISSING_ARGS("handle");
    this.#entries = entries;
    this.#path = path;
    validateObject(options, "options");
    const { encoding = "utf8" } = options;
    validateString(encoding, "options.encoding");
    this.#encoding = encoding;
  }
  get path() { return this.#path; }
  readSync() {
    if (this.#entries === undefined) throw make(Error, "ERR_DIR_CLOSED", "Directory is closed");
    const e = this.#entries.shift();
    return e === undefined ? null : new Dirent(encoded(Buffer.from(e[0]), this.#encoding), e[2], e[1]);
  }
  read(callback) {
    let entry, error = null;
    try {
      entry = this.readSync();
    } catch (e) {
      error = e;
    }
    if (typeof callback !== "function") return error ? Promise.reject(error) : Promise.resolve(entry);
    queueMicrotask(() => callback(error, error ? null : entry));
  }
  closeSync() {
    if (this.#entries === undefined) throw make(Error, "ERR_DIR_CLOSED", "Directory is closed");
    this.#entries = undefined;
  }
  close(callback) {
    if (typeof callback === "function") {
      this.closeSync();
      queueMicrotask(() => callback(null));
      return;
    }
    this.closeSync();
    return Promise.resolve();
  }
  entries() {
    let done = false;
    return {
      __proto__: AsyncIteratorPrototype,
      next: async () => {
        const value = done ? null : await this.read();
        if (value === null) {
          done = true;
          return { value: undefined, done: true };
        }
        return { value, done: false };
      },
      return: async (value) => {
        done = true;
        return { value, done: true };
      },
    };
  }
  [Symbol.asyncIterator]() { return this.entries(); }
  async [Symbol.asyncDispose]() { await this.close(); }
  [Symbol.dispose]() { this.closeSync(); }
}

const userId = (v, name) => validateInteger(v, name, -1, 2 ** 32 - 1);
const must = (where, follow, syscall) => () => {
  if (native.stat(where, follow) === undefined) throw typeof where === "number" ? badFD(syscall) : noEntry(where, syscall);
};
function statOf(path, options, follow, syscall, isFD) {
  validateObject(options, "options");
  const { bigint = false, throwIfNoEntry = true } = options;
  validateBoolean(bigint, "options.bigint");
  validateBoolean(throwIfNoEntry, "options.throwIfNoEntry");
  if (isFD && typeof path !== "number") throw new ERR_INVALID_ARG_TYPE("fd", "number", path);
  const where = target(path);
  return () => {
    const s = native.stat(where, follow);
    if (s !== undefined) return new Stats(badge, s, bigint);
    if (typeof where === "number") throw badFD("stat");
    if (throwIfNoEntry) throw noEntry(where, syscall);
  };
}

function copyMode(mode) {
  validateOneOf(mode, "mode", [0, COPYFILE_EXCL, COPYFILE_FICLONE_FORCE, COPYFILE_FICLONE]);
  if (mode & COPYFILE_FICLONE_FORCE) throw new ERR_UNSUPPORTED_OPERATION();
}

function readArgs(fd, buffer, offset = {}, length, position = null) {
  fd = fdOf(fd);
  if (!isView(buffer)) throw new ERR_INVALID_ARG_TYPE("buffer", ["Buffer", "TypedArray", "DataView"], buffer);
  let from = buffer.byteOffset, size = buffer.byteLength;
  if (offset !== null && typeof offset === "object") {
    const { offset: o = 0, length: l = buffer.byteLength - o, position: p = null } = offset;
    from += o;
    size = l;
    position = p;
  } else if (typeof offset === "number") {
    from += offset;
    size = length ?? buffer.byteLength - offset;
  } else throw new ERR_INVALID_ARG_TYPE("offset", ["number", "object"], offset);
  validateUint32(from, "offset");
  validateUint32(size, "length");
  positionOf(position);
  if (from + size > buffer.buffer.byteLength) throw new ERR_INVALID_ARG_VALUE("offset", from, "out of bounds");
  return { fd, view: Buffer.from(buffer.buffer, from, size), position };
}
function writeArgs(fd, buffer, offset = null, length, position) {
  fd = fdOf(fd);
  if (isView(buffer)) {
    if (typeof offset === "object" && offset !== null) {
      ({ offset = 0, length = buffer.byteLength, position = null } = offset);
      offset ??= 0;
      validateInteger(offset, "offset", 0);
    } else {
      if (offset !== null && offset !== undefined) validateInteger(offset, "offset", 0);
      offset ??= 0;
      length ??= buffer.byteLength - offset;
      position ??= null;
    }
    positionOf(position);
    validateInteger(length, "length", 0);
    if (length > buffer.byteLength) throw new ERR_BUFFER_OUT_OF_BOUNDS("length");
    if (offset > buffer.byteLength || offset + length > buffer.byteLength) throw new ERR_BUFFER_OUT_OF_BOUNDS("offset");
    return { fd, view: Buffer.from(buffer.buffer, buffer.byteOffset + offset, length), position };
  }
  if (typeof buffer !== "string") throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "Buffer", "TypedArray", "DataView"], buffer);
  positionOf(offset ?? null);
  validateEncoding(buffer, length);
  return { fd, view: Buffer.from(buffer, length), position: offset ?? null };
}

const operations = {
  access(path, mode = 0) {
    path = pathOf(path);
    validateInteger(mode ?? 0, "mode", 0, 7);
    return () => {
      if (mode & 1) throw noEntry(path, "access");
      const s = native.stat(path, true);
      if (s === undefined || (mode & 2 && !s[4])) throw noEntry(path, "access");
    };
  },
  appendFile(path, data, options = {}) {
    if (typeof options === "string" || options === null) options = { encoding: options };
    return operations.writeFile(path, data, { encoding: "utf8", mode: 0o666, flush: false, ...options, flag: options?.flag ?? "a" });
  },
  chmod(path, mode) {
    fileMode(mode, "mode");
    return must(target(path), true, "chmod");
  },
  chown(path, uid, gid) {
    userId(uid, "uid");
    userId(gid, "gid");
    return must(target(path), true, "chown");
  },
  close(fd) {
    fd = fdOf(fd);
    return () => { native.close(fd); };
  },
  copyFile(src, dest, mode = 0) {
    src = pathOf(src);
    dest = pathOf(dest);
    copyMode(mode);
    if (mode & COPYFILE_EXCL && native.stat(dest, true) !== undefined) throw failure("EEXIST", -17, "file already exists", "copyFile", dest);
    return () => { native.copy(src, dest); };
  },
  cp(src, dest, options = {}) {
    validateObject(options, "options");
    const { dereference = false, errorOnExist = false, force = true, mode = 0, preserveTimestamps = false, recursive = false, verbatimSymlinks = false } = options;
    for (const [name, v] of Object.entries({ dereference, errorOnExist, force, preserveTimestamps, recursive, verbatimSymlinks })) validateBoolean(v, `options.${name}`);
    validateUint32(mode, "options.mode");
    if (mode & COPYFILE_FICLONE_FORCE) throw new ERR_INVALID_ARG_VALUE("options.mode", "COPYFILE_FICLONE_FORCE is not supported");
    if (options.filter !== undefined) {
      if (typeof options.filter !== "function") throw new ERR_INVALID_ARG_TYPE("options.filter", "function", options.filter);
      throw new ERR_UNSUPPORTED_OPERATION();
    }
    src = pathOf(src);
    dest = pathOf(dest);
    return () => { native.cp(src, dest, dereference, recursive, force, errorOnExist); };
  },
  fchmod(fd, mode) {
    fd = fdOf(fd);
    fileMode(mode, "mode");
    return must(fd, true, "fchmod");
  },
  fchown(fd, uid, gid) {
    userId(uid, "uid");
    userId(gid, "gid");
    return must(fdOf(fd), true, "fchown");
  },
  fdatasync: (fd) => must(fdOf(fd), true, "datasync"),
  fstat: (fd, options = {}) => statOf(fd, options, true, "fstat", true),
  fsync: (fd) => must(fdOf(fd), true, "sync"),
  ftruncate(fd, len = 0) {
    validateUint32(len, "len");
    fd = fdOf(fd);
    return () => { native.truncate(fd, len); };
  },
  futimes(fd, atime, mtime) {
    dateOf(atime);
    mtime = dateOf(mtime);
    fd = fdOf(fd);
    return () => { native.setLastModified(fd, millis(mtime), true); };
  },
  lchmod(path, mode) {
    fileMode(mode, "mode");
    return must(pathOf(path), false, "lchmod");
  },
  lchown(path, uid, gid) {
    userId(uid, "uid");
    userId(gid, "gid");
    return must(pathOf(path), false, "lchown");
  },
  lutimes(path, atime, mtime) {
    dateOf(atime);
    mtime = dateOf(mtime);
    path = pathOf(path);
    return () => { native.setLastModified(path, millis(mtime), false); };
  },
  link(existing, path) {
    existing = pathOf(existing);
    const unnamed = typeof path === "string" && path.endsWith("/");
    path = pathOf(path);
    return () => {
      if (unnamed && native.stat(path, true) === undefined) throw failure("EINVAL", -22, "Invalid filename", "link");
      native.link(path, existing, false);
    };
  },
  lstat: (path, options = {}) => statOf(path, options, false, "lstat"),
  mkdir(path, options = {}) {
    if (typeof options === "number") options = { mode: options };
    validateObject(options, "options");
    const { recursive = false, mode = 0o777 } = options;
    validateBoolean(recursive, "options.recursive");
    fileMode(mode, "mode");
    path = pathOf(path);
    return () => native.mkdir(path, recursive);
  },
  mkdtemp(prefix, options = {}) {
    const { encoding } = optionsOf(options, "utf8");
    // A prefix that ends with a slash means a directory whose names begin with nothing.
    const open = typeof prefix === "string" && prefix.endsWith("/");
    prefix = pathOf(prefix, encoding);
    return () => encoded(Buffer.from(native.mkdtemp(open ? `${prefix}/` : prefix)), encoding === "buffer" ? "buffer" : "utf8");
  },
  open(path, flags = "r", mode = 0o666) {
    fileMode(mode, "mode", 0o666);
    const f = flagsOf(flags);
    path = pathOf(path);
    const write = Boolean(f & O_WRONLY) || Boolean(f & O_RDWR);
    return () => native.open(path, !(f & O_WRONLY) || Boolean(f & O_RDWR), write, Boolean(f & O_APPEND), Boolean(f & O_EXCL), Boolean(f & O_TRUNC) && write);
  },
  opendir(path, options = {}) {
    if (typeof options === "string") options = { encoding: options };
    validateObject(options, "options");
    const { encoding = "utf8", bufferSize = 32, recursive = false } = options;
    if (!Buffer.isEncoding(encoding) && encoding !== "buffer") throw new ERR_INVALID_ARG_VALUE("options.encoding", encoding);
    validateUint32(bufferSize, "options.bufferSize");
    validateBoolean(recursive, "options.recursive");
    const where = pathOf(path);
    return () => new Dir(native.readdir(where, recursive), path, { encoding });
  },
  readdir(path, options = {}) {
    options = optionsOf(options, "utf8");
    const { encoding, withFileTypes = false, recursive = false } = options;
    validateBoolean(withFileTypes, "options.withFileTypes");
    validateBoolean(recursive, "options.recursive");
    path = pathOf(path);
    return () => native.readdir(path, recursive).map(([name, parent, type]) => {
      const shown = encoding === "utf8" ? name : encoded(Buffer.from(name), encoding);
      return withFileTypes ? new Dirent(shown, type, parent) : shown;
    });
  },
  readFile(path, options = {}) {
    const { encoding, flag = "r" } = optionsOf(options, null);
    flagsOf(flag);
    path = target(path);
    return () => encoded(native.readAll(path), encoding);
  },
  readlink(path, options = {}) {
    const { encoding } = optionsOf(options, "utf8");
    path = pathOf(path);
    return () => encoded(Buffer.from(native.readLink(path, true)), encoding);
  },
  realpath(path, options = {}) {
    const { encoding } = optionsOf(options, "utf8");
    path = pathOf(path);
    return () => encoded(Buffer.from(native.readLink(path, false)), encoding);
  },
  read(fd, buffer, offset, length, position) {
    const args = readArgs(fd, buffer, offset, length, position);
    return () => (args.view.length === 0 ? 0 : native.read(args.fd, [args.view], args.position));
  },
  readv(fd, buffers, position = null) {
    fd = fdOf(fd);
    viewsOf(buffers);
    positionOf(position);
    return () => (buffers.length === 0 ? 0 : native.read(fd, buffers, position));
  },
  rename(src, dest) {
    src = pathOf(src);
    dest = pathOf(dest);
    return () => { native.rename(src, dest); };
  },
  rmdir(path, options = {}) {
    validateObject(options, "options");
    const { maxRetries = 0, recursive = false, retryDelay = 0 } = options;
    validateUint32(maxRetries, "options.maxRetries");
    validateBoolean(recursive, "options.recursive");
    validateUint32(retryDelay, "options.retryDelay");
    path = pathOf(path);
    return () => { native.rm(path, recursive, true); };
  },
  rm(path, options = {}) {
    validateObject(options, "options");
    const { force = false, maxRetries = 0, recursive = false, retryDelay = 0 } = options;
    validateBoolean(force, "options.force");
    validateUint32(maxRetries, "options.maxRetries");
    validateBoolean(recursive, "options.recursive");
    validateUint32(retryDelay, "options.retryDelay");
    path = pathOf(path);
    return () => { native.rm(path, recursive, false); };
  },
  stat: (path, options = {}) => statOf(path, options, true, "stat"),
  statfs(path, options = {}) {
    pathOf(path);
    validateObject(options, "options");
    const { bigint = false } = options;
    validateBoolean(bigint, "options.bigint");
    const n = bigint ? 0n : 0;
    return () => ({ type: n, bsize: n, blocks: n, bfree: n, bavail: n, files: n, ffree: n });
  },
  symlink(to, path, type = null) {
    to = pathOf(to);
    const unnamed = typeof path === "string" && path.endsWith("/");
    path = pathOf(path);
    validateOneOf(type, "type", ["dir", "file", "junction", null]);
    return () => {
      if (unnamed && native.stat(path, true) === undefined) throw failure("EINVAL", -22, "Invalid filename", "link");
      native.link(path, to, true);
    };
  },
  truncate(path, len = 0) {
    validateUint32(len, "len");
    path = target(path);
    return () => { native.truncate(path, len); };
  },
  unlink(path) {
    path = pathOf(path);
    return () => { native.unlink(path); };
  },
  utimes(path, atime, mtime) {
    dateOf(atime);
    mtime = dateOf(mtime);
    path = pathOf(path);
    return () => { native.setLastModified(path, millis(mtime), true); };
  },
  writeFile(path, data, options = {}) {
    path = target(path);
    options = optionsOf(options, "utf8");
    const { encoding, mode = 0o666, flag = "w", flush = false } = options;
    validateBoolean(flush, "options.flush");
    fileMode(mode, "options.mode", 0o666);
    const f = flagsOf(flag), append = Boolean(f & O_APPEND), exclusive = Boolean(f & O_EXCL);
    if (!(f & O_WRONLY || f & O_RDWR || append)) throw new ERR_INVALID_ARG_VALUE("flag", flag, "must be indicate write or append");
    if (typeof data === "string") data = Buffer.from(data, encoding === "buffer" ? "utf8" : encoding);
    if (!isView(data)) throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
    return () => native.writeAll(path, data, append, exclusive);
  },
  write(fd, buffer, offset, length, position) {
    const args = writeArgs(fd, buffer, offset, length, position);
    return () => native.write(args.fd, [args.view], args.position);
  },
  writev(fd, buffers, position = null) {
    fd = fdOf(fd);
    viewsOf(buffers);
    positionOf(position);
    return () => (buffers.length === 0 ? 0 : native.write(fd, buffers, position));
  },
  glob: (pattern, options) => require("internal/fs_glob")(pattern, options),
  openAsBlob(path, options = {}) {
    path = pathOf(path);
    validateObject(options, "options");
    const { type = "" } = options;
    validateString(type, "options.type");
    return () => native.openAsBlob(path, type);
  },
};
const existsSync = (path) => {
  try {
    operations.access(path)();
    return true;
  } catch {
    return false;
  }
};
return { operations, existsSync, pathOf, fdOf, fileMode, badFD, Stats, Dirent, Dir, readdir: native.readdir, stat: native.stat, cwd: native.cwd };
