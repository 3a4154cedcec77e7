
// What node:vm checks, whether it can run something or not. dynamic checks importModuleDynamically.
const { ERR_METHOD_NOT_IMPLEMENTED, ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { validateArray, validateBoolean, validateBuffer, validateInt32, validateOneOf, validateObject, validateString, validateStringArray } = require("internal/validators");
const { freeze } = primordials;
const fail = (name) => { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
const constants = freeze({ __proto__: null, USE_MAIN_CONTEXT_DEFAULT_LOADER: Symbol("vm_dynamic_import_main_context_default"), DONT_CONTEXTIFY: Symbol("vm_context_no_contextify") });

// scriptOptions are those of a Script.
function scriptOptions(options, dynamic) {
  if (typeof options === "string") options = { filename: options };
  else validateObject(options, "options");
  const { filename = "evalmachine.<anonymous>", lineOffset = 0, columnOffset = 0, cachedData, produceCachedData = false, importModuleDynamically = false } = options;
  dynamic(importModuleDynamically);
  validateString(filename, "options.filename");
  validateInt32(lineOffset, "options.lineOffset");
  validateInt32(columnOffset, "options.columnOffset");
  if (cachedData !== undefined) validateBuffer(cachedData, "options.cachedData");
  validateBoolean(produceCachedData, "options.produceCachedData");
  return { filename, lineOffset, columnOffset, cachedData, produceCachedData };
}
// contextOptions are those of createContext among those of runInNewContext.
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
// checkContext is for the options of createContext.
function checkContext(options, dynamic) {
  validateObject(options, "options");
  const { name = "VM Context", origin, codeGeneration, microtaskMode, importModuleDynamically = false } = options;
  validateString(name, "options.name");
  if (origin !== undefined) validateString(origin, "options.origin");
  if (codeGeneration !== undefined) validateObject(codeGeneration, "options.codeGeneration");
  dynamic(importModuleDynamically);
  if (codeGeneration !== undefined) {
    const { strings = true, wasm = true } = codeGeneration;
    validateBoolean(strings, "options.codeGeneration.strings");
    validateBoolean(wasm, "options.codeGeneration.wasm");
  }
  validateOneOf(microtaskMode, "options.microtaskMode", ["afterEvaluate", undefined]);
}
// functionOptions are those of compileFunction.
function functionOptions(code, params, options, isContext, dynamic) {
  validateString(code, "code");
  validateObject(options, "options");
  validateStringArray(params, "params");
  const { filename = "", columnOffset = 0, lineOffset = 0, cachedData, produceCachedData = false, parsingContext, contextExtensions = [], importModuleDynamically = false } = options;
  validateString(filename, "options.filename");
  validateInt32(columnOffset, "options.columnOffset");
  validateInt32(lineOffset, "options.lineOffset");
  if (cachedData !== undefined) validateBuffer(cachedData, "options.cachedData");
  validateBoolean(produceCachedData, "options.produceCachedData");
  dynamic(importModuleDynamically);
  if (parsingContext !== undefined && (typeof parsingContext !== "object" || parsingContext === null || !isContext(parsingContext))) {
    throw new ERR_INVALID_ARG_TYPE("options.parsingContext", "Context", parsingContext);
  }
  validateArray(contextExtensions, "options.contextExtensions");
  contextExtensions.forEach((x, i) => validateObject(x, `options.contextExtensions[${i}]`, { nullable: true }));
  return { filename, columnOffset, lineOffset, parsingContext, contextExtensions };
}
function measureMemory(options = {}) {
  validateObject(options, "options");
  const { mode = "summary", execution = "default" } = options;
  validateOneOf(mode, "options.mode", ["summary", "detailed"]);
  validateOneOf(execution, "options.execution", ["default", "eager"]);
  fail("measureMemory");
}
const named = (options) => (typeof options === "string" ? { filename: options } : options);
return { fail, constants, scriptOptions, contextOptions, checkContext, functionOptions, measureMemory, named };
