
// node:child_process.
const EventEmitter = require("node:events");
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { validateString, validateObject, validateFunction, validateArray } = require("internal/validators");
const unimplemented = require("internal/unimplemented")("child_process.");

class ChildProcess extends EventEmitter {
  constructor() {
    super();
    throw new ERR_METHOD_NOT_IMPLEMENTED("child_process.ChildProcess");
  }
  kill() { return false; }
  send() { return false; }
  disconnect() {}
  unref() {}
  ref() {}
  [Symbol.dispose]() { this.kill(); }
}
const fail = (name) => { throw new ERR_METHOD_NOT_IMPLEMENTED(`child_process.${name}`); };
return {
  ChildProcess,
  _forkChild: unimplemented("_forkChild"),
  exec(command, options, callback) {
    validateString(command, "command");
    if (options !== undefined && options !== null) validateObject(options, "options");
    if (callback !== undefined && callback !== null) validateFunction(callback, "callback");
    fail("exec");
  },
  execFile: unimplemented("execFile"), execFileSync: unimplemented("execFileSync"), execSync: unimplemented("execSync"),
  fork(path, args, options) {
    if (args !== undefined && args !== null) {
      if (typeof args === "object" && !primordials.isArray(args)) options = args;
      else validateArray(args, "args");
    }
    if (options !== undefined && options !== null) validateObject(options, "options");
    fail("fork");
  },
  spawn: unimplemented("spawn"),
  spawnSync(command) {
    validateString(command, "command");
    fail("spawnSync");
  },
};
