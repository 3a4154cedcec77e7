
// node:console is the console of the global scope and a class that cannot be used.
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { bind, defineProperty, keys } = primordials;
const console = globalThis.console;
function Console() { throw new ERR_METHOD_NOT_IMPLEMENTED("Console"); }
for (const name of keys(console)) if (typeof console[name] === "function") Console.prototype[name] = bind(console[name], console);
const noop = () => {};
console._times = new Map();
console._ignoreErrors = true;
console._stderrErrorHandler = noop;
console._stdoutErrorHandler = noop;
for (const name of ["stdout", "stderr"]) defineProperty(console, `_${name}`, { get: () => globalThis.process?.[name], enumerable: true, configurable: true });
console.Console = Console;
for (const name of ["context", "createTask"]) console[name] = Console.prototype[name] = function () { throw new ERR_METHOD_NOT_IMPLEMENTED(`Console.${name}`); };
return console;
