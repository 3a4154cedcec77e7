
// node:vm: contexts can be made, and nothing runs in them.
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { validateBoolean, validateObject, validateUint32 } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { create } = primordials;
const { fail, constants, scriptOptions, contextOptions, checkContext, functionOptions, measureMemory, named } = require("internal/vm");
const mark = Symbol("vm_context_symbol");
const dynamic = (value) => validateBoolean(value, "options.importModuleDynamically");
function isContext(object) {
  validateObject(object, "object", { allowArray: true });
  return object[mark] === true;
}
function validateContext(object) {
  if (!isContext(object)) throw new ERR_INVALID_ARG_TYPE("contextifiedObject", "vm.Context", object);
}
function runOptions(options) {
  validateObject(options, "options");
  const { breakOnSigint = false, displayErrors = true, timeout } = options;
  validateBoolean(breakOnSigint, "options.breakOnSigint");
  validateBoolean(displayErrors, "options.displayErrors");
  if (timeout !== undefined) validateUint32(timeout, "options.timeout", true);
}
class Script {
  cachedDataRejected = undefined;
  cachedDataProduced = undefined;
  cachedData = undefined;
  sourceMapURL = undefined;
  constructor(code, options = {}) {
    code = `${code}`;
    scriptOptions(options, dynamic);
  }
  createCachedData() { return Buffer.alloc(0); }
  runInThisContext(options = {}) {
    runOptions(options);
    fail("runInThisContext");
  }
  runInContext(object, options = {}) {
    validateContext(object);
    runOptions(options);
    fail("runInThisContext");
  }
  runInNewContext(object, options = {}) { return this.runInContext(createContext(object, contextOptions(options)), options); }
}
function createContext(object = {}, options = {}) {
  if (object !== constants.DONT_CONTEXTIFY && isContext(object)) return object;
  checkContext(options, dynamic);
  return create(null, { [mark]: { value: true } });
}
const createScript = (code, options = {}) => new Script(code, options);
return {
  Script, createContext, createScript,
  runInContext(code, object, options = {}) {
    validateContext(object);
    options = named(options);
    return createScript(code, options).runInContext(object, options);
  },
  runInNewContext(code, object, options) {
    options = { ...named(options) };
    object = createContext(object, contextOptions(options));
    return createScript(code, options).runInNewContext(object, options);
  },
  runInThisContext(code, options = {}) {
    options = named(options);
    return createScript(code, options).runInThisContext(options);
  },
  isContext,
  compileFunction(code, params = [], options = {}) {
    functionOptions(code, params, options, isContext, dynamic);
    fail("compileFunction");
  },
  measureMemory,
  constants,
};
