
// fs.cp: a tree of files, copied step by step. The steps are a generator of operations,
// which the synchronous form does at once and the other one by one beside the loop.
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, make } = require("internal/codes");
const { validateBoolean, validateObject, validateUint32, validateFunction } = require("internal/validators");
const { dirname, join, parse, resolve, isAbsolute, sep } = require("node:path");

function optionsOf(options) {
  if (options === undefined || options === null) options = {};
  validateObject(options, "options");
  const o = { dereference: false, errorOnExist: false, filter: undefined, force: true, mode: 0, preserveTimestamps: false, recursive: false, verbatimSymlinks: false, ...options };
  for (const name of ["dereference", "errorOnExist", "force", "preserveTimestamps", "recursive", "verbatimSymlinks"]) validateBoolean(o[name], `options.${name}`);
  validateUint32(o.mode, "options.mode");
  if (o.dereference && o.verbatimSymlinks) throw make(TypeError, "ERR_INCOMPATIBLE_OPTION_PAIR", `Option "dereference" cannot be used in combination with option "verbatimSymlinks"`);
  if (o.filter !== undefined) validateFunction(o.filter, "options.filter");
  return o;
}
// failure is an error of node's own, which tells of the call that was refused.
const failure = (code, text, message, path, errname, errno) =>
  make(Error, code, `${text}: cp returned ${errname} (${message}) ${path}`, { name: "SystemError", info: { message, path, syscall: "cp", errno, code: errname }, errno, syscall: "cp", path });
const inside = (src, dest) => {
  const a = resolve(src).split(sep).filter(Boolean), b = resolve(dest).split(sep).filter(Boolean);
  return a.every((part, i) => b[i] === part);
};
const same = (a, b) => a.ino && a.dev && a.ino === b.ino && a.dev === b.dev;

// maybe is what is there, or null.
function* maybe(ops, path, follow) {
  try {
    return yield ops[follow ? "stat" : "lstat"](path, { bigint: true });
  } catch (e) {
    if (e.code === "ENOENT") return null;
    throw e;
  }
}
function* steps(src, dest, o) {
  const { operations: ops } = require("internal/fs");
  src = String(src);
  dest = String(dest);
  const from = yield ops[o.dereference ? "stat" : "lstat"](src, { bigint: true });
  const to = yield* maybe(ops, dest, o.dereference);
  if (o.filter && !(yield { wait: o.filter(src, dest) })) return;
  if (to) {
    if (same(from, to)) throw failure("ERR_FS_CP_EINVAL", "Invalid src or dest", "src and dest cannot be the same", dest, "EINVAL", 22);
    if (from.isDirectory() && !to.isDirectory()) throw failure("ERR_FS_CP_DIR_TO_NON_DIR", "Cannot overwrite non-directory with directory", `cannot overwrite non-directory ${dest} with directory ${src}`, dest, "EISDIR", 21);
    if (!from.isDirectory() && to.isDirectory()) throw failure("ERR_FS_CP_NON_DIR_TO_DIR", "Cannot overwrite directory with non-directory", `cannot overwrite directory ${dest} with non-directory ${src}`, dest, "ENOTDIR", 20);
  }
  if (from.isDirectory() && inside(src, dest)) throw failure("ERR_FS_CP_EINVAL", "Invalid src or dest", `cannot copy ${src} to a subdirectory of self ${dest}`, dest, "EINVAL", 22);
  // No directory above the destination may be the source.
  for (let up = resolve(dirname(dest)), root = parse(up).root; up !== resolve(dirname(src)) && up !== root; up = dirname(up)) {
    const s = yield* maybe(ops, up, true);
    if (s === null) continue;
    if (same(from, s)) throw failure("ERR_FS_CP_EINVAL", "Invalid src or dest", `cannot copy ${src} to a subdirectory of self ${dest}`, dest, "EINVAL", 22);
  }
  if ((yield* maybe(ops, dirname(dest), true)) === null) yield ops.mkdir(dirname(dest), { recursive: true });
  yield* copy(ops, from, to, src, dest, o);
}
function* copy(ops, from, to, src, dest, o) {
  if (from.isDirectory()) {
    if (!o.recursive) throw failure("ERR_FS_EISDIR", "Recursive option not enabled, cannot copy a directory", `${src} is a directory (not copied)`, src, "EISDIR", 21);
    if (!to) yield ops.mkdir(dest, {});
    for (const name of yield ops.readdir(src)) {
      const a = join(src, name), b = join(dest, name);
      if (o.filter && !(yield { wait: o.filter(a, b) })) continue;
      const s = yield ops[o.dereference ? "stat" : "lstat"](a, { bigint: true }), t = yield* maybe(ops, b, o.dereference);
      if (t) {
        if (same(s, t)) throw failure("ERR_FS_CP_EINVAL", "Invalid src or dest", "src and dest cannot be the same", b, "EINVAL", 22);
        if (s.isDirectory() && !t.isDirectory()) throw failure("ERR_FS_CP_DIR_TO_NON_DIR", "Cannot overwrite non-directory with directory", `cannot overwrite non-directory ${b} with directory ${a}`, b, "EISDIR", 21);
        if (!s.isDirectory() && t.isDirectory()) throw failure("ERR_FS_CP_NON_DIR_TO_DIR", "Cannot overwrite directory with non-directory", `cannot overwrite directory ${b} with non-directory ${a}`, b, "ENOTDIR", 20);
      }
      yield* copy(ops, s, t, a, b, o);
    }
    if (!to) yield ops.chmod(dest, Number(from.mode) & 0o7777);
    return;
  }
  if (from.isSymbolicLink()) {
    let target = yield ops.readlink(src);
    if (!o.verbatimSymlinks && !isAbsolute(target)) target = resolve(dirname(src), target);
    if (to) {
      if (!to.isSymbolicLink() && !o.force) {
        if (o.errorOnExist) throw failure("ERR_FS_CP_EEXIST", "Target already exists", `${dest} already exists`, dest, "EEXIST", 17);
        return;
      }
      yield ops.unlink(dest);
    }
    yield ops.symlink(target, dest);
    return;
  }
  if (from.isSocket()) throw failure("ERR_FS_CP_SOCKET", "Cannot copy a socket file", `cannot copy a socket file: ${dest}`, dest, "EINVAL", 22);
  if (from.isFIFO()) throw failure("ERR_FS_CP_FIFO_PIPE", "Cannot copy a FIFO pipe", `cannot copy a FIFO pipe: ${dest}`, dest, "EINVAL", 22);
  if (!from.isFile() && !from.isCharacterDevice() && !from.isBlockDevice()) throw failure("ERR_FS_CP_UNKNOWN", "Cannot copy an unknown file type", `cannot copy an unknown file type: ${dest}`, dest, "EINVAL", 22);
  if (to) {
    if (!o.force) {
      if (o.errorOnExist) throw failure("ERR_FS_CP_EEXIST", "Target already exists", `${dest} already exists`, dest, "EEXIST", 17);
      return;
    }
    yield ops.unlink(dest);
  }
  yield ops.copyFile(src, dest, o.mode);
  if (o.preserveTimestamps) yield ops.utimes(dest, Number(from.atimeMs) / 1000, Number(from.mtimeMs) / 1000);
}

// Each operation that a generator yields is done, and the generator goes on with its
// result. {wait} is a value that may be a promise.
return function cp(src, dest, options) {
  const o = optionsOf(options);
  return (cb) => {
    const work = steps(src, dest, o);
    if (cb === undefined) {
      for (let step = work.next(); !step.done;) {
        let value;
        if (typeof step.value !== "function") {
          value = step.value.wait;
          if (typeof value?.then === "function") throw new (require("internal/codes").ERR_INVALID_RETURN_VALUE)("boolean", "filter", value);
        } else {
          try {
            value = step.value();
          } catch (e) {
            step = work.throw(e);
            continue;
          }
        }
        step = work.next(value);
      }
      return undefined;
    }
    const go = (e, value) => {
      let step;
      try {
        step = e ? work.throw(e) : work.next(value);
        if (step.done) {
          cb(null);
          return;
        }
      } catch (e) {
        cb(e);
        return;
      }
      if (typeof step.value === "function") step.value(go);
      else Promise.resolve(step.value.wait).then((v) => go(null, v), (e) => go(e));
    };
    process.nextTick(go, null);
  };
};
