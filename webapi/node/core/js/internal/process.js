
// What both forms of the process object have.
const { assign, defineProperty, keys, entries, freeze, ownKeys, hasOwn, getPrototypeOf, isArray, create } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { validateObject } = require("internal/validators");
const setProperty = Reflect.set, hasProperty = Reflect.has;
const jsonOf = JSON.stringify;

function nextTick(cb, ...args) {
  if (typeof cb !== "function") throw new ERR_INVALID_ARG_TYPE("callback", "Function", cb);
  queueMicrotask(() => { cb(...args); });
}

// plain says that JSON tells all of a value.
function plain(value, seen = new Set()) {
  switch (typeof value) {
    case "boolean": case "number": case "string":
      return true;
    case "object": {
      if (value === null) return true;
      if (seen.has(value)) return false;
      seen.add(value);
      const p = getPrototypeOf(value);
      if (p !== Object.prototype && p !== Array.prototype) return false;
      for (const key of keys(value)) if (!plain(value[key], seen)) return false;
      return true;
    }
  }
  return false;
}
const initial = {};
for (const [name, value] of entries(native.env())) {
  if (typeof value === "string") initial[name] = value;
  else if (plain(value)) initial[name] = jsonOf(value);
}
const symbolError = () => new TypeError("Cannot convert a symbol value to a string");
const env = new Proxy(initial, {
  set(target, key, value) {
    if (typeof key === "symbol" || typeof value === "symbol") throw symbolError();
    return setProperty(target, key, `${value}`);
  },
  defineProperty(target, key, d) {
    validateObject(d, "descriptor");
    if (hasProperty(d, "get") || hasProperty(d, "set")) throw new ERR_INVALID_ARG_VALUE("descriptor", d, "process.env value must not have getter/setter");
    if (!d.configurable) throw new ERR_INVALID_ARG_VALUE("descriptor.configurable", d, "process.env value must be configurable");
    if (!d.enumerable) throw new ERR_INVALID_ARG_VALUE("descriptor.enumerable", d, "process.env value must be enumerable");
    if (!d.writable) throw new ERR_INVALID_ARG_VALUE("descriptor.writable", d, "process.env value must be writable");
    if (!hasProperty(d, "value")) throw new ERR_INVALID_ARG_VALUE("descriptor.value", d, "process.env value must be specified explicitly");
    if (typeof key === "symbol" || typeof d.value === "symbol") throw symbolError();
    return defineProperty(target, key, { value: `${d.value}`, configurable: true, enumerable: true, writable: true });
  },
});

const features = freeze({
  cached_builtins: true, debug: false, inspector: false, ipv6: true, openssl_is_boringssl: true, require_module: false, tls: true, tls_alpn: true, tls_ocsp: true,
  tls_sni: true, typescript: false, uv: true,
});

// getBuiltinModule is what import gives scripts, or undefined.
const getBuiltinModule = (id) => native.builtin(`${id}`);
function exit(code) { native.exit(code === undefined ? 0 : +code || 0); }

return { nextTick, env, features, platform: native.platform(), getBuiltinModule, exit };
