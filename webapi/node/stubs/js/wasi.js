
// node:wasi.
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { validateArray, validateBoolean, validateObject, validateOneOf, validateInt32 } = require("internal/validators");
const fail = (name) => { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
class WASI {
  constructor(options = { version: "unstable" }) {
    validateObject(options, "options");
    validateOneOf(options.version, "options.version", ["unstable", "preview1"]);
    if (options.args !== undefined) validateArray(options.args, "options.args");
    if (options.env !== undefined) validateObject(options.env, "options.env");
    if (options.preopens !== undefined) validateObject(options.preopens, "options.preopens");
    const { stdin = 0, stdout = 1, stderr = 2 } = options;
    validateInt32(stdin, "options.stdin", 0);
    validateInt32(stdout, "options.stdout", 0);
    validateInt32(stderr, "options.stderr", 0);
    if (options.returnOnExit !== undefined) validateBoolean(options.returnOnExit, "options.returnOnExit");
    fail("WASI");
  }
  finalizeBindings() { fail("WASI.finalizeBindings"); }
  start() { fail("WASI.start"); }
  initialize() { fail("WASI.initialize"); }
  getImportObject() { return {}; }
}
return { WASI };
