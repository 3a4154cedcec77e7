
// node:fs on the machine's files.
const { operations, existsSync, Stats, Dirent, Dir, seconds } = require("internal/fs");
const streams = require("internal/fs_streams");
const constants = require("internal/fs_constants");
const watchers = require("internal/fs_watch");
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { keys, defineProperty } = primordials;
const kPromisify = Symbol.for("nodejs.util.promisify.custom"), kPromisifyArgs = Symbol.for("nodejs.util.promisify.custom.args");
const { F_OK, R_OK, W_OK, X_OK } = constants;
const fs = { constants, F_OK, R_OK, W_OK, X_OK, Dirent, Dir, Stats, existsSync };
const named = (fn, name) => defineProperty(fn, "name", { value: name, configurable: true }) && fn;

// What the callback gets beside the result.
const second = { read: (args) => args[1], write: (args) => args[1], readv: (args) => args[1], writev: (args) => args[1] };
for (const name of keys(operations)) {
  const op = operations[name];
  if (name === "openAsBlob") {
    fs.openAsBlob = named((...args) => new Promise((resolve, reject) => op(...args)((e, v) => (e ? reject(e) : resolve(v)))), name);
    continue;
  }
  fs[`${name}Sync`] = named(name === "realpath" ? (path, options) => op(path, options, "lstat")() : (...args) => op(...args)(), `${name}Sync`);
  fs[name] = named(function (...args) {
    let callback;
    if (typeof args[args.length - 1] === "function") callback = args.pop();
    else if (name === "close" && args.length < 2) callback = (e) => { if (e) throw e; };
    else throw new ERR_INVALID_ARG_TYPE("cb", "function", args.length < 2 ? undefined : args[args.length - 1]);
    if (name === "read" && (args.length === 1 || (args[1] !== null && typeof args[1] === "object" && !ArrayBuffer.isView(args[1])))) {
      const { buffer = require("node:buffer").Buffer.alloc(16384), ...rest } = args[1] ?? {};
      args = [args[0], buffer, rest];
    }
    if (name === "realpath") args = [args[0], args[1], "lstat"];
    op(...args)((e, result) => {
      if (e) callback(e);
      else if (second[name]) callback(null, result, second[name](args));
      else if (result === undefined) callback(null);
      else callback(null, result);
    });
  }, name);
}
fs.exists = function exists(path, callback) {
  if (typeof callback !== "function") throw new ERR_INVALID_ARG_TYPE("cb", "function", callback);
  let work;
  try {
    work = operations.access(path);
  } catch {
    process.nextTick(callback, false);
    return;
  }
  work((e) => callback(!e));
};
defineProperty(fs.exists, kPromisify, { value: (path) => new Promise((resolve) => fs.exists(path, resolve)) });
for (const [name, names] of [["read", ["bytesRead", "buffer"]], ["write", ["bytesWritten", "buffer"]], ["readv", ["bytesRead", "buffers"]], ["writev", ["bytesWritten", "buffers"]]]) {
  defineProperty(fs[name], kPromisifyArgs, { value: names });
}
fs.realpathSync.native = named((path, options) => operations.realpath(path, options)(), "native");
fs.realpath.native = named((path, options, cb) => operations.realpath(path, typeof options === "function" ? undefined : options)(cb ?? options), "native");
Object.assign(fs, {
  watch: watchers.watch, watchFile: watchers.watchFile, unwatchFile: watchers.unwatchFile, _toUnixTimestamp: seconds,
  ReadStream: streams.ReadStream, WriteStream: streams.WriteStream, FileReadStream: streams.ReadStream, FileWriteStream: streams.WriteStream,
  createReadStream: streams.createReadStream, createWriteStream: streams.createWriteStream,
});
defineProperty(fs, "promises", { get: () => require("node:fs/promises"), enumerable: true, configurable: true });
return fs;
