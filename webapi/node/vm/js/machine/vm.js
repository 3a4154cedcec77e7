
// node:vm of programs: scripts run in the realm's global scope, or in that of an object.
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { validateBoolean, validateObject, validateUint32 } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { defineProperty } = primordials;
const { set: reflectSet, has: reflectHas, deleteProperty } = Reflect;
const { fail, constants, scriptOptions, contextOptions, checkContext, functionOptions, measureMemory, named } = require("internal/vm");
// languageNames are what a context has that its object has not: the language's own.
const languageNames = new Set(("Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp Error AggregateError " +
  "EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError JSON Math Intl ArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array " +
  "Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set Iterator WeakMap WeakSet WeakRef Proxy Reflect FinalizationRegistry " +
  "SharedArrayBuffer DisposableStack AsyncDisposableStack decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape isFinite isNaN WebAssembly").split(" "));
const kTypeof = native.typeofName();
const contexts = new WeakMap();
// Context is the global scope that an object is.
class Context {
  constructor(object) {
    this.object = object;
    this.lexical = new Map(); // of let, const and class: { value, ready, constant }
    this.language = { __proto__: null }; // names of the language that scripts have replaced or deleted
    const find = (key) => {
      if (key in object) return { value: object[key] };
      if (key === "globalThis") return { value: this.global };
      if (key === "eval") return { value: this.eval };
      if (typeof key === "string" && languageNames.has(key) && !(key in this.language) && key in globalThis) return { value: globalThis[key] };
      return undefined;
    };
    this.eval = (text) => (typeof text === "string" ? this.run(native.compile(text, "evalmachine.<anonymous>"), 0) : text);
    defineProperty(this.eval, "name", { value: "eval" });
    let asked; // the name that typeof asks for next
    const expect = (name) => { asked = name; };
    const missing = (key) => {
      if (asked === key) {
        asked = undefined;
        return undefined;
      }
      throw new ReferenceError(`${String(key)} is not defined`);
    };
    const remove = (key) => {
      if (typeof key === "string" && languageNames.has(key)) this.language[key] = true;
      return deleteProperty(object, key);
    };
    // What code in the context sees as globalThis: the object, and the language behind it.
    this.global = new Proxy(object, {
      get: (target, key) => find(key)?.value,
      has: (target, key) => find(key) !== undefined,
      deleteProperty: (target, key) => remove(key),
      set: (target, key, value) => reflectSet(target, key, value),
    });
    // Where its names are looked up: it says that it has them all.
    this.scope = new Proxy(object, {
      has: (target, key) => typeof key === "string" && key !== "%vm.scope",
      get: (target, key) => {
        if (typeof key !== "string") return undefined; // Symbol.unscopables
        if (key === kTypeof) return expect;
        const own = this.lexical.get(key);
        if (own !== undefined) {
          asked = undefined;
          if (!own.ready) throw new ReferenceError(`Cannot access '${key}' before initialization`);
          return own.value;
        }
        const found = find(key);
        if (found === undefined) return missing(key);
        asked = undefined;
        return found.value;
      },
      set: (target, key, value) => {
        const own = this.lexical.get(key);
        if (own === undefined) return reflectSet(target, key, value);
        if (own.ready && own.constant) throw new TypeError("Assignment to constant variable.");
        own.value = value;
        own.ready = true;
        return true;
      },
      deleteProperty: (target, key) => (this.lexical.has(key) ? false : remove(key)),
    });
  }
  // declare puts the names of a script into the scope before it runs.
  declare(vars, functions, lets, consts) {
    const taken = (name) => { throw new SyntaxError(`Identifier '${name}' has already been declared`); };
    const seen = new Set([...vars, ...functions]);
    for (const name of seen) if (this.lexical.has(name)) taken(name);
    const own = new Set();
    for (const name of [...lets, ...consts]) {
      if (this.lexical.has(name) || seen.has(name) || own.has(name)) taken(name);
      own.add(name);
    }
    for (const name of lets) this.lexical.set(name, { value: undefined, ready: false, constant: false });
    for (const name of consts) this.lexical.set(name, { value: undefined, ready: false, constant: true });
    for (const name of vars) if (!(name in this.object)) this.object[name] = undefined;
  }
  run(compiled, timeout) {
    return compiled.runIn((...names) => this.declare(...names), this.scope, timeout);
  }
}
function isContext(object) {
  validateObject(object, "object", { allowArray: true });
  return contexts.has(object);
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
  return timeout ?? 0;
}
// placed is code whose first line and column are those that were asked for.
const mostOffset = 100000;
const placed = (code, line, column) => "\n".repeat(Math.min(Math.max(line, 0), mostOffset)) + (column > 0 ? " ".repeat(Math.min(column, mostOffset)) : "") + code;
class Script {
  cachedDataRejected = undefined;
  cachedDataProduced = undefined;
  cachedData = undefined;
  sourceMapURL = undefined;
  #compiled;
  constructor(code, options = {}) {
    code = `${code}`;
    const { filename, lineOffset, columnOffset, cachedData, produceCachedData } = scriptOptions(options, dynamic);
    if (cachedData !== undefined) this.cachedDataRejected = true; // the engine has nothing to keep
    if (produceCachedData) this.cachedDataProduced = false;
    this.#compiled = native.compile(placed(code, lineOffset, columnOffset), filename);
    const map = /\/\/[#@] sourceMappingURL=(\S+)\s*$/.exec(code);
    if (map) this.sourceMapURL = map[1];
  }
  createCachedData() { return Buffer.alloc(0); }
  runInThisContext(options = {}) {
    return this.#compiled.run(runOptions(options));
  }
  runInContext(object, options = {}) {
    validateContext(object);
    return contexts.get(object).run(this.#compiled, runOptions(options));
  }
  runInNewContext(object, options = {}) { return this.runInContext(createContext(object, contextOptions(options)), options); }
}
function createContext(object = {}, options = {}) {
  if (object !== constants.DONT_CONTEXTIFY && isContext(object)) return object;
  checkContext(options, dynamic);
  // One that is not to be contextified is its own global object, as far as it can be seen.
  if (object === constants.DONT_CONTEXTIFY) object = {};
  contexts.set(object, new Context(object));
  return object;
}
// dynamic checks what gives modules to import(); there is nothing that does here.
function dynamic(value) {
  if (value !== false && value !== undefined && typeof value !== "function" && value !== constants.USE_MAIN_CONTEXT_DEFAULT_LOADER) {
    throw new ERR_INVALID_ARG_TYPE("options.importModuleDynamically", "function", value);
  }
}
// contextOfGlobal is the realm's global scope as a context has one.
const contextOfGlobal = () => new Context(globalThis);
const extended = (scope, extension) => new Proxy(extension, {
  has: (target, key) => typeof key === "string" && key !== "%vm.scope",
  get: (target, key) => (key !== kTypeof && reflectHas(extension, key) ? extension[key] : scope[key]),
  set: (target, key, value) => (reflectHas(extension, key) ? reflectSet(extension, key, value) : (scope[key] = value, true)),
});
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
    return createScript(code, options).runInContext(object, options);
  },
  runInThisContext(code, options = {}) {
    options = named(options);
    return createScript(code, options).runInThisContext(options);
  },
  isContext,
  compileFunction(code, params = [], options = {}) {
    const { filename, columnOffset, lineOffset, parsingContext, contextExtensions } = functionOptions(code, params, options, isContext, dynamic);
    code = placed(code, lineOffset, columnOffset);
    if (parsingContext === undefined && contextExtensions.length === 0) return native.compileFunction(code, filename, params);
    native.compileFunction(code, filename, params); // which says what is wrong with it
    // The scope is the context's, or the global one, with the extensions before it.
    const base = parsingContext === undefined ? contextOfGlobal() : contexts.get(parsingContext);
    let scope = base.scope;
    for (const extension of contextExtensions) if (extension !== null) scope = extended(scope, extension);
    const text = `(function (${params.join(",")}) {\n${code}\n})`;
    return native.compile(text, filename).runIn(() => {}, scope, 0);
  },
  measureMemory,
  constants,
};
