
// node:module of a program: CommonJS.
const { defineProperty, freeze, keys, setPrototypeOf, hasOwn, isArray, create } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_METHOD_NOT_IMPLEMENTED, make } = require("internal/codes");
const { validateString } = require("internal/validators");
const { dirname, resolve: join, isAbsolute, extname, basename } = require("node:path");
const builtinModules = require("internal/builtins");
const parseJSON = JSON.parse;
const { promiseThen: then, PromiseResolve: resolved } = primordials;
let fileURL;
const pathOf = (url) => (fileURL ??= require("node:url").fileURLToPath)(url);

const parents = new WeakMap();
const cache = { __proto__: null };
const extensions = { __proto__: null };
// process is made when a script asks for it; begin is what it has then of the entry.
let process;
const begin = { __proto__: null, entry: undefined, started: false, main: undefined };
const mainModule = () => (process === undefined ? begin.main : process.mainModule);
function setMain(module) {
  begin.started = true;
  begin.main = module;
  if (process !== undefined) process.mainModule = module;
}
function setEntry(file) {
  begin.entry = file;
  if (process !== undefined) process.argv[1] = file;
}

function Module(id = "", parent) {
  this.id = id;
  this.path = dirname(id);
  defineProperty(this, "exports", { value: {}, writable: true, enumerable: true, configurable: true });
  parents.set(this, parent);
  adopt(parent, this);
  this.filename = null;
  this.loaded = false;
  this.children = [];
}
const { children } = { children: 0 };
defineProperty(Module.prototype, "parent", {
  get() { return parents.get(this); },
  set(v) { parents.set(this, v); },
  configurable: true,
});
defineProperty(Module.prototype, "isPreloading", { get: () => false, configurable: true });
Module.prototype.constructor = Module;

// adopt makes a module one of another's children, once.
function adopt(parent, child) {
  const list = parent?.children;
  if (isArray(list) && !list.includes(child)) list.push(child);
}

// stackOf are the files that led to a module.
function stackOf(parent) {
  const list = [];
  for (let m = parent, n = 0; m && n < 1000; m = parents.get(m), n++) list.push(m.filename || m.id);
  return list;
}

// globalPaths are NODE_PATH and what else all files see.
const globalPaths = (native.env("NODE_PATH") || "").split(":").filter(Boolean);

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
  let hit = null;
  if (options !== null && typeof options === "object" && options.paths !== undefined) {
    if (!isArray(options.paths)) throw new ERR_INVALID_ARG_VALUE("options.paths", options.paths);
    for (const path of options.paths) {
      hit = native.resolve(request, join(native.cwd(), path), parent?.filename ?? "", globalPaths);
      if (hit !== null) break;
    }
  } else {
    const dir = parent?.filename ? dirname(parent.filename) : parent?.path && parent.path !== "." ? parent.path : native.cwd();
    const more = parent?.paths && parent.filename === null ? [...parent.paths, ...globalPaths] : globalPaths;
    try {
      hit = native.resolve(request, dir, parent?.filename ?? "", more);
    } catch (e) {
      if (e?.code === "MODULE_NOT_FOUND") e.requireStack = stackOf(parent);
      throw e;
    }
  }
  if (hit !== null) return hit[0] ?? (native.builtinName(request) === undefined ? hit[1] : request);
  // Extensions that a script has added are tried last.
  if (isAbsolute(request) || /^\.\.?(\/|$)/.test(request)) {
    for (const ext of keys(extensions)) {
      const file = join(parent?.filename ? dirname(parent.filename) : native.cwd(), request + ext);
      if (native.isFile(file)) return file;
    }
  }
  const requireStack = stackOf(parent);
  let text = `Cannot find module '${request}'`;
  if (requireStack.length > 0) text += `\nRequire stack:\n- ${requireStack.join("\n- ")}`;
  const error = new Error(text);
  error.code = "MODULE_NOT_FOUND";
  error.requireStack = requireStack;
  throw error;
};

// circular warns of what a module in a cycle does not export yet.
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
    setMain(module);
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

Module.prototype.load = function (filename) {
  this.filename = filename;
  this.paths = native.modulePaths(dirname(filename));
  extensions[extensionOf(filename)](this, filename);
  this.loaded = true;
};
Module.prototype.require = function (id) {
  validateString(id, "id");
  if (id === "") throw new ERR_INVALID_ARG_VALUE("id", id, "must be a non-empty string");
  return Module._load(id, this, false);
};
Module.prototype._compile = function (content, filename, format) {
  const fn = native.compile(filename, content);
  return Reflect.apply(fn, this.exports, [this.exports, requireOf(this), this, filename, dirname(filename)]);
};

extensions[".js"] = function (module, filename) {
  let format = native.format(filename);
  if (format === "module") {
    module.exports = native.requireModule(filename);
    return;
  }
  const text = native.read(filename);
  if (format === "" && native.isModule(text)) {
    module.exports = native.requireModule(filename);
    return;
  }
  module._compile(text, filename, "commonjs");
};
extensions[".json"] = function (module, filename) {
  const text = native.read(filename);
  try {
    module.exports = parseJSON(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (e) {
    e.message = `${filename}: ${e.message}`;
    throw e;
  }
};
const noAddon = (extensions[".node"] = function (module, filename) {
  const e = new Error(`${filename}: native addons cannot be loaded here`);
  e.code = "ERR_DLOPEN_FAILED";
  throw e;
});

// compileText is a module of a text that nothing keeps.
function compileText(module, id, text) {
  if (id === "") throw new ERR_INVALID_ARG_VALUE("id", id, "must be a non-empty string");
  const m = moduleOf(join(module.filename === null ? native.cwd() : dirname(module.filename), id), module);
  m._compile(text, m.filename);
  m.loaded = true;
  return m.exports;
}

// texts says that require compiles a text that it is given after the id.
let texts = false;

// requireOf is the require of a module.
function requireOf(module) {
  const require = setPrototypeOf(function require(path) {
    if (texts && typeof path === "string" && typeof arguments[1] === "string") return compileText(module, path, arguments[1]);
    return module.require(path);
  }, Function.prototype);
  require.resolve = function resolve(request, options) {
    validateString(request, "request");
    return Module._resolveFilename(request, module, false, options);
  };
  require.resolve.paths = function paths(request) {
    validateString(request, "request");
    return Module._resolveLookupPaths(request, module);
  };
  require.main = mainModule();
  require.extensions = extensions;
  require.cache = cache;
  return require;
}

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
Object.assign(Module, {
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
for (const name of ["register", "registerHooks", "stripTypeScriptTypes", "SourceMap"]) {
  const fn = function () { throw new ERR_METHOD_NOT_IMPLEMENTED(`module.${name}`); };
  defineProperty(fn, "name", { value: name });
  Module[name] = fn;
}

// moduleOf is a module of a file that nothing keeps.
function moduleOf(file, parent) {
  const m = new Module(file, parent);
  m.filename = file;
  m.paths = native.modulePaths(dirname(file));
  return m;
}
native.keep({
  __proto__: null,
  // runMain loads the entry; what it returns is a promise where it has one.
  runMain(file) {
    let filename;
    try {
      filename = Module._resolveFilename(join(native.cwd(), file), null, true);
    } finally {
      setEntry(filename ?? join(native.cwd(), file));
    }
    const format = extensionOf(filename) === ".js" ? native.format(filename) : "";
    if (format === "module" || (format === "" && extensionOf(filename) === ".js" && native.isModule(native.read(filename)))) {
      // A module runs as a promise's reaction: what it puts off comes after its promises.
      return then(resolved(), () => native.importMain(filename));
    }
    Module._load(filename, null, true);
  },
  importCommon: (filename, isMain) => Module._load(filename, undefined, isMain),
  runText(file, text) {
    const m = moduleOf(join(native.cwd(), file), null);
    m.id = file;
    setMain(undefined);
    // It sees what node's [eval] does.
    for (const [name, value] of [["require", requireOf(m)], ["module", m], ["exports", m.exports], ["__filename", file], ["__dirname", "."]]) {
      defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
    m._compile(text, file);
  },
  requireFrom: (file, id) => moduleOf(file).require(id),
  // napa makes the files of Napa's addons an error that says so; inZone gives require its texts.
  napa(inZone) {
    texts = inZone;
    extensions[".napa"] = noAddon;
  },
  compileOnce(file, text) {
    const m = moduleOf(file);
    m._compile(text, file);
    m.loaded = true;
    return m.exports;
  },
});
native.whenProcess((made) => {
  process = made;
  if (begin.entry !== undefined) process.argv[1] = begin.entry;
  if (begin.started) process.mainModule = begin.main;
});
// The program's own has a channel and signals, which are there from the start.
if (native.isMain()) require("node:process");
return Module;
