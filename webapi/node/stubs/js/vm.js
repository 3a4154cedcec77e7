
// node:vm: contexts can be made, and nothing runs in them.
const { ERR_METHOD_NOT_IMPLEMENTED, ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { validateArray, validateBoolean, validateBuffer, validateInt32, validateOneOf, validateObject, validateString, validateStringArray, validateUint32 } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { freeze, create } = primordials;
const fail = (name) => { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
const constants = freeze({ __proto__: null, USE_MAIN_CONTEXT_DEFAULT_LOADER: Symbol("vm_dynamic_import_main_context_default"), DONT_CONTEXTIFY: Symbol("vm_context_no_contextify") });
const mark = Symbol("vm_context_symbol");

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
    if (typeof options === "string") options = { filename: options };
    else validateObject(options, "options");
    const { filename = "evalmachine.<anonymous>", lineOffset = 0, columnOffset = 0, cachedData, produceCachedData = false, importModuleDynamically = false } = options;
    validateBoolean(importModuleDynamically, "options.importModuleDynamically");
    validateString(filename, "options.filename");
    validateInt32(lineOffset, "options.lineOffset");
    validateInt32(columnOffset, "options.columnOffset");
    if (cachedData !== undefined) validateBuffer(cachedData, "options.cachedData");
    validateBoolean(produceCachedData, "options.produceCachedData");
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
function contextOptions(options) {
  if (!options) return {};
  const out = { name: options.contextName, origin: options.contextOrigin, codeGeneration: undefined, microtaskMode: options.microtaskMode };
  if (out.name !== undefined) validateString(out.name, "options.contextName");
  if (out.origin !== undefined) validateString(out.origin, "options.contextOrigin");
  if (options.contextCodeGeneration !== undefined) {
    validateObject(options.contextCodeGeneration, "options.contextCodeGeneration");
    const { strings, wasm } = options.contextCodeGeneration;
    if (strings !== undefined) validateBoolean(strings, "options.contextCodeGeneration.strings");
    if (wasm !== undefined) validateBoolean(wasm, "options.contextCodeGeneration.wasm");
    out.codeGeneration = { strings, wasm };
  }
  if (options.microtaskMode !== undefined) validateString(options.microtaskMode, "options.microtaskMode");
  return out;
}
function createContext(object = {}, options = {}) {
  if (object !== constants.DONT_CONTEXTIFY && isContext(object)) return object;
  validateObject(options, "options");
  const { name = "VM Context", origin, codeGeneration, microtaskMode, importModuleDynamically = false } = options;
  validateString(name, "options.name");
  if (origin !== undefined) validateString(origin, "options.origin");
  if (codeGeneration !== undefined) validateObject(codeGeneration, "options.codeGeneration");
  validateBoolean(importModuleDynamically, "options.importModuleDynamically");
  if (codeGeneration !== undefined) {
    const { strings = true, wasm = true } = codeGeneration;
    validateBoolean(strings, "options.codeGeneration.strings");
    validateBoolean(wasm, "options.codeGeneration.wasm");
  }
  validateOneOf(microtaskMode, "options.microtaskMode", ["afterEvaluate", undefined]);
  return create(null, { [mark]: { value: true } });
}
const createScript = (code, options = {}) => new Script(code, options);
const named = (options) => (typeof options === "string" ? { filename: options } : options);
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
    validateString(code, "code");
    validateObject(options, "options");
    validateStringArray(params, "params");
    const { filename = "", columnOffset = 0, lineOffset = 0, cachedData, produceCachedData = false, parsingContext, contextExtensions = [], importModuleDynamically = false } = options;
    validateString(filename, "options.filename");
    validateInt32(columnOffset, "options.columnOffset");
    validateInt32(lineOffset, "options.lineOffset");
    if (cachedData !== undefined) validateBuffer(cachedData, "options.cachedData");
    validateBoolean(produceCachedData, "options.produceCachedData");
    validateBoolean(importModuleDynamically, "options.importModuleDynamically");
    if (parsingContext !== undefined && (typeof parsingContext !== "object" || parsingContext === null || !isContext(parsingContext))) {
      throw new ERR_INVALID_ARG_TYPE("options.parsingContext", "Context", parsingContext);
    }
    validateArray(contextExtensions, "options.contextExtensions");
    contextExtensions.forEach((x, i) => validateObject(x, `options.contextExtensions[${i}]`, { nullable: true }));
    fail("compileFunction");
  },
  measureMemory(options = {}) {
    validateObject(options, "options");
    const { mode = "summary", execution = "default" } = options;
    validateOneOf(mode, "options.mode", ["summary", "detailed"]);
    validateOneOf(execution, "options.execution", ["default", "eager"]);
    fail("measureMemory");
  },
  constants,
};
