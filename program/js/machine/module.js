
// node:module of a program: CommonJS.
const { defineProperty, freeze, isArray, apply, assign, includes, push } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_METHOD_NOT_IMPLEMENTED, make } = require("internal/codes");
const { validateString } = require("internal/validators");
const { dirname, resolve: join, isAbsolute, extname, basename } = require("node:path");
const builtinModules = require("internal/builtins");
let fileURL;
const pathOf = (url) => (fileURL ??= require("node:url").fileURLToPath)(url);

const { parentOf, setParent, requireOf } = native;
// What modules were loaded with before a script came near this one.
const { cache, extensions, prototype, globalPaths } = native.common();

function Module(id = "", parent) {
  this.id = id;
  this.path = dirname(id);
  defineProperty(this, "exports", { value: {}, writable: true, enumerable: true, configurable: true });
  setParent(this, parent);
  adopt(parent, this);
  this.filename = null;
  this.loaded = false;
  this.children = [];
}
// The members of the prototype, which native makes of these.
const members = { __proto__: null };
defineProperty(Module, "prototype", { value: prototype });

// adopt makes a module one of another's children, once.
function adopt(parent, child) {
  const list = parent?.children;
  if (isArray(list) && !includes(list, child)) push(list, child);
}

Module._nodeModulePaths = (from) => native.modulePaths(join(native.cwd(), from));
Module._resolveLookupPaths = function (request, parent) {
  if (native.builtinName(request) !== undefined) return null;
  if (/^\.\.?(\/|$)/.test(request)) return [parent?.filename ? dirname(parent.filename) : "."];
  return [...(parent?.paths ?? []), ...globalPaths];
};
Module._findPath = function (request, paths) {
  for (const dir of isAbsolute(request) ? ["/"] : paths ?? []) {
    const hit = native.resolve(isAbsolute(request) ? request : join(dir, request), dir, "", []);
    if (hit !== null && hit[0] !== undefined) return hit[0];
  }
  return false;
};
Module._resolveFilename = function (request, parent, isMain, options) {
  validateString(request, "request");
  const paths = options !== null && typeof options === "object" ? options.paths : undefined;
  if (paths === undefined) return native.find(request, parent);
  if (!isArray(paths)) throw new ERR_INVALID_ARG_VALUE("options.paths", paths);
  const dirs = [];
  for (const path of paths) push(dirs, join(native.cwd(), path));
  return native.find(request, parent, dirs);
};

Module._load = function (request, parent, isMain) {
  const own = native.builtinName(request);
  if (own !== undefined && request.startsWith("node:")) return native.builtin(own);
  const filename = Module._resolveFilename(request, parent, isMain);
  const cached = cache[filename];
  if (cached !== undefined) {
    adopt(parent, cached);
    return cached.exports;
  }
  const builtin = native.builtinName(filename);
  if (builtin !== undefined) return native.builtin(builtin);
  const module = new Module(filename, parent);
  if (isMain) {
    native.setMain(module);
    module.id = ".";
  }
  cache[filename] = module;
  let threw = true;
  try {
    module.load(filename);
    threw = false;
  } finally {
    if (threw) {
      delete cache[filename];
      const list = parent?.children;
      const at = isArray(list) ? list.indexOf(module) : -1;
      if (at >= 0) list.splice(at, 1);
    }
  }
  return module.exports;
};

// extensionOf is the longest end of a name that something loads.
function extensionOf(filename) {
  const name = basename(filename);
  for (let at = name.indexOf(".", 1); at >= 0; at = name.indexOf(".", at + 1)) {
    const ext = name.slice(at);
    if (extensions[ext]) return ext;
  }
  return ".js";
}

members.load = function (filename) {
  this.filename = filename;
  this.paths = native.modulePaths(dirname(filename));
  extensions[extensionOf(filename)](this, filename);
  this.loaded = true;
};
members._compile = function (content, filename, format) {
  const fn = native.compile(filename, content);
  return apply(fn, this.exports, [this.exports, requireOf(this), this, filename, dirname(filename)]);
};

const usual = { __proto__: null };
usual[".js"] = function (module, filename) { native.runSource(module, filename); };
usual[".json"] = function (module, filename) { native.runJSON(module, filename); };
usual[".node"] = function (module, filename) { native.refuse(filename); };

function createRequire(path) {
  let file;
  if (path instanceof URL || (typeof path === "string" && !isAbsolute(path))) {
    try {
      file = pathOf(path);
    } catch {
      throw new ERR_INVALID_ARG_VALUE("filename", path, "must be a file URL object, file URL string, or absolute path string");
    }
  } else if (typeof path === "string") file = path;
  else throw new ERR_INVALID_ARG_VALUE("filename", path, "must be a file URL object, file URL string, or absolute path string");
  const m = new Module(file.endsWith("/") ? join(file, "noop.js") : file);
  m.filename = file.endsWith("/") ? join(file, "noop.js") : file;
  m.paths = native.modulePaths(dirname(m.filename));
  return requireOf(m);
}

const needsScheme = ["test", "test/reporters", "sqlite", "sea"];
function isBuiltin(name) {
  return typeof name === "string" && native.builtinName(name) !== undefined && !(needsScheme.includes(name));
}
const head = ["(function (exports, require, module, __filename, __dirname) { ", "\n});"];
assign(Module, {
  _cache: cache, _pathCache: { __proto__: null }, _extensions: extensions, globalPaths, builtinModules, createRequire, isBuiltin,
  wrapper: head, wrap: (text) => head[0] + text + head[1],
  constants: freeze({ __proto__: null, compileCacheStatus: freeze({ __proto__: null, FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3 }) }),
  enableCompileCache: () => ({ status: 3 }), flushCompileCache() {}, getCompileCacheDir() {},
  getSourceMapsSupport: () => freeze({ __proto__: null, enabled: false, nodeModules: false, generatedCode: false }),
  setSourceMapsSupport() {}, findSourceMap() {}, syncBuiltinESMExports() {}, _initPaths() {}, _preloadModules() {},
  findPackageJSON(specifier, base) {
    let from = base === undefined ? native.cwd() : typeof base === "string" && isAbsolute(base) ? base : pathOf(base);
    const start = /^\.\.?(\/|$)/.test(`${specifier}`) || isAbsolute(`${specifier}`) ? join(dirname(from), `${specifier}`) : `${specifier}`.startsWith("file:") ? pathOf(specifier) : undefined;
    if (start !== undefined) {
      for (let dir = start; ; dir = dirname(dir)) {
        if (native.isFile(join(dir, "package.json"))) return join(dir, "package.json");
        if (dir === dirname(dir)) return undefined;
      }
    }
    for (const dir of native.modulePaths(dirname(from))) {
      const name = `${specifier}`.split("/").slice(0, `${specifier}`.startsWith("@") ? 2 : 1).join("/");
      if (native.isFile(join(dir, name, "package.json"))) return join(dir, name, "package.json");
    }
    return undefined;
  },
  runMain() { Module._load(require("node:process").argv[1], null, true); },
  Module,
});
const missing = ["register", "registerHooks", "stripTypeScriptTypes", "SourceMap"];
for (let i = 0; i < missing.length; i++) {
  const name = missing[i];
  const fn = function () { throw new ERR_METHOD_NOT_IMPLEMENTED(`module.${name}`); };
  defineProperty(fn, "name", { value: name });
  Module[name] = fn;
}

const { get: getParent, set: changeParent } = {
  get() { return parentOf(this); },
  set(v) { setParent(this, v); },
};
native.keep({
  __proto__: null,
  constructor: Module, load: members.load, _compile: members._compile, getParent, setParent: changeParent, isPreloading: { get: () => false }.get,
  extensions: usual,
  loadFile: (request, parent, isMain) => Module._load(request, parent, isMain),
  resolve(request, module, options) {
    validateString(request, "request");
    return Module._resolveFilename(request, module, false, options);
  },
  lookupPaths(request, module) {
    validateString(request, "request");
    return Module._resolveLookupPaths(request, module);
  },
});
return Module;
