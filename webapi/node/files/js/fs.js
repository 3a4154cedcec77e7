
// node:fs.
const { operations, existsSync, Stats, Dirent, Dir } = require("internal/fs");
const streams = require("internal/fs_streams");
const constants = require("internal/fs_constants");
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { keys, defineProperty } = primordials;
const kPromisifyArgs = Symbol.for("nodejs.util.promisify.custom.args");
const { F_OK, R_OK, W_OK, X_OK } = constants;
const fs = { constants, F_OK, R_OK, W_OK, X_OK, Dirent, Dir, Stats, existsSync };
const named = (fn, name) => defineProperty(fn, "name", { value: name, configurable: true }) && fn;

// What the callback gets beside the result.
const second = { read: (args) => args[1], write: (args) => args[1], readv: (args) => args[1], writev: (args) => args[1] };
for (const name of keys(operations)) {
  const op = operations[name];
  if (name === "openAsBlob") {
    fs.openAsBlob = named((...args) => op(...args)(), name);
    continue;
  }
  fs[`${name}Sync`] = named((...args) => op(...args)(), `${name}Sync`);
  fs[name] = named(function (...args) {
    let callback;
    if (typeof args[args.length - 1] === "function") callback = args.pop();
    if (name === "read" && args.length === 1) args.push({});
    if (name === "read" && args[1] !== null && typeof args[1] === "object" && !ArrayBuffer.isView(args[1])) {
      const { buffer = require("node:buffer").Buffer.alloc(16384), ...rest } = args[1];
      args = [args[0], buffer, rest];
    }
    const work = op(...args);
    if (callback === undefined && name === "close") callback = () => {};
    if (callback === undefined) throw new ERR_INVALID_ARG_TYPE("callback", ["function"], callback);
    let error = null, result;
    try {
      result = work();
    } catch (e) {
      error = e;
    }
    queueMicrotask(() => {
      if (error) callback(error);
      else if (second[name]) callback(null, result, second[name](args));
      else if (result === undefined || name === "writeFile" || name === "appendFile") callback(null);
      else callback(null, result);
    });
  }, name);
}
fs.exists = function exists(path, callback) {
  if (typeof callback !== "function") throw new ERR_INVALID_ARG_TYPE("callback", ["function"], callback);
  queueMicrotask(() => callback(existsSync(path)));
};
defineProperty(fs.exists, Symbol.for("nodejs.util.promisify.custom"), { value: (path) => Promise.resolve(existsSync(path)) });
for (const [name, names] of [["read", ["bytesRead", "buffer"]], ["write", ["bytesWritten", "buffer"]], ["readv", ["bytesRead", "buffers"]], ["writev", ["bytesWritten", "buffers"]]]) {
  defineProperty(fs[name], kPromisifyArgs, { value: names });
}
fs.realpathSync.native = fs.realpathSync;
fs.realpath.native = fs.realpath;
for (const name of ["watch", "watchFile", "unwatchFile"]) fs[name] = named(function () { throw new Error("Not implemented"); }, name);
Object.assign(fs, {
  ReadStream: streams.ReadStream, WriteStream: streams.WriteStream, FileReadStream: streams.ReadStream, FileWriteStream: streams.WriteStream,
  createReadStream: streams.createReadStream, createWriteStream: streams.createWriteStream,
});
defineProperty(fs, "promises", { get: () => require("node:fs/promises"), enumerable: true, configurable: true });
return fs;
