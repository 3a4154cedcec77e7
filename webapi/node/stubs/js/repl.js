
// node:repl.
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { Interface } = require("node:readline");
const builtinModules = require("internal/builtins").filter((m) => m[0] !== "_");
const unimplemented = require("internal/unimplemented")("");
const writer = unimplemented("writer");
writer.options = {
  showHidden: false, depth: 2, colors: true, customInspect: true, showProxy: true, maxArrayLength: 100, maxStringLength: 10000, breakLength: 80, compact: 3, sorted: false,
  getters: false, numericSeparator: false,
};
class Recoverable extends SyntaxError {
  constructor(err) {
    super();
    this.err = err;
  }
}
class REPLServer extends Interface {
  constructor() {
    super();
    throw new ERR_METHOD_NOT_IMPLEMENTED("REPLServer");
  }
}
for (const name of ["setupHistory", "defineCommand", "displayPrompt", "clearBufferedCommand"]) {
  primordials.defineProperty(REPLServer.prototype, name, { value: unimplemented(name), writable: true, configurable: true });
}
return {
  writer, start: unimplemented("start"), Recoverable, REPLServer, builtinModules, _builtinLibs: builtinModules, REPL_MODE_SLOPPY: Symbol("repl-sloppy"),
  REPL_MODE_STRICT: Symbol("repl-strict"),
};
