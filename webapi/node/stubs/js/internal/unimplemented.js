
// unimplemented(prefix)(name) is a function that says so.
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { defineProperty } = primordials;
return (prefix) => (name) => {
  const fn = function () { throw new ERR_METHOD_NOT_IMPLEMENTED(prefix + name); };
  defineProperty(fn, "name", { value: name });
  return fn;
};
