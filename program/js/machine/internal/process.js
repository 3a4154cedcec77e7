
// What the other modules of a program need of process.
function nextTick(callback, ...args) {
  if (typeof callback !== "function") throw new (require("internal/codes").ERR_INVALID_ARG_TYPE)("callback", "function", callback);
  native.nextTick(callback, ...args);
}
const getBuiltinModule = (id) => native.builtin(`${id}`);
// exit is that of process, which runs the listeners first.
const exit = (code) => require("node:process").exit(code);

return { nextTick, getBuiltinModule, exit };
