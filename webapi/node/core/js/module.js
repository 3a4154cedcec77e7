
// node:module.
const { hasFlag, freeze, defineProperty, defineProperties, keys } = primordials;
const { ERR_INVALID_ARG_VALUE, ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const builtinModules = require("internal/builtins");
const unimplemented = (name) => {
  const fn = function () { throw new ERR_METHOD_NOT_IMPLEMENTED(`module.${name}`); };
  defineProperty(fn, "name", { value: name });
  return fn;
};

function createRequire(path) {
  const from = `${path}`;
  if (!from.startsWith("/") && !from.startsWith("file:")) {
    throw new ERR_INVALID_ARG_VALUE("path", from, "The argument must be a file URL object, a file URL string, or an absolute path string.");
  }
  if (!hasFlag("new_module_registry") && from.startsWith("file:") && (from.includes("?") || from.includes("#"))) {
    throw new TypeError("The specifier must not have query string parameters or hash fragments.");
  }
  return (specifier) => native.require(`${specifier}`, from);
}
const _extensions = { ".js": unimplemented("_extensions.js"), ".json": unimplemented("_extensions.json"), ".node": unimplemented("_extensions.node") };
Object.assign(createRequire, {
  resolve: unimplemented("createRequire.resolve"), paths: unimplemented("createRequire.resolve.paths"), cache: { __proto__: null }, extensions: _extensions, main: undefined,
});
const needsScheme = ["test", "test/reporters", "sqlite", "sea"];
function isBuiltin(specifier) {
  if (typeof specifier !== "string") return false;
  if (specifier.startsWith("node:")) {
    const name = specifier.slice(5);
    return builtinModules.includes(name) || needsScheme.includes(name);
  }
  return builtinModules.includes(specifier);
}

function Module() { throw new ERR_METHOD_NOT_IMPLEMENTED("module.Module"); }
Module.prototype.load = function load() {};
Module.prototype.require = function require() {};
Module.prototype._compile = function _compile() {};
defineProperty(Module.prototype, "isPreloading", { get() { return false; } });
const members = {
  constants: freeze({ __proto__: null, compileCacheStatus: freeze({ __proto__: null, FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3 }) }),
  enableCompileCache() {}, flushCompileCache() {}, getCompileCacheDir() {},
  getSourceMapsSupport: () => freeze({ __proto__: null, enabled: false, nodeModules: false, generatedCode: false }),
  createRequire, builtinModules, globalPaths: [], isBuiltin, _cache: { __proto__: null }, _extensions, _pathCache: { __proto__: null }, Module,
};
for (const name of ("register findPackageJSON stripTypeScriptTypes findSourceMap SourceMap setSourceMapsSupport runMain syncBuiltinESMExports wrap _debug _findPath " +
  "_initPaths _load _preloadModules _resolveFilename _resolveLookupPaths _nodeModulePaths registerHooks").split(" ")) {
  members[name] = unimplemented(name);
}
for (const name of keys(members)) defineProperty(Module, name, { value: members[name], writable: true, enumerable: true });
return Module;
