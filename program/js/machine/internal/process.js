
// What the other modules of a program need of process.
const { setPrototypeOf, freeze } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { validateObject } = require("internal/validators");
const hasProperty = Reflect.has;

function nextTick(callback, ...args) {
  if (typeof callback !== "function") throw new ERR_INVALID_ARG_TYPE("callback", "function", callback);
  native.nextTick(callback, ...args);
}

const text = (v) => {
  if (typeof v === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
  return `${v}`;
};
const frozen = native.readOnlyEnv();
const env = new Proxy(setPrototypeOf({}, Object.prototype), {
  get(target, key, receiver) {
    if (typeof key === "symbol") return Reflect.get(target, key, receiver);
    const v = native.getEnv(key);
    return v === undefined ? Reflect.get(target, key, receiver) : v;
  },
  has(target, key) { return (typeof key !== "symbol" && native.getEnv(key) !== undefined) || hasProperty(target, key); },
  set(target, key, value) {
    key = text(key);
    value = text(value);
    if (frozen) return false;
    native.setEnv(key, value);
    return true;
  },
  deleteProperty(target, key) {
    if (typeof key !== "symbol") {
      if (frozen) return native.getEnv(key) === undefined;
      native.deleteEnv(key);
    }
    return true;
  },
  ownKeys: () => native.envNames(),
  getOwnPropertyDescriptor(target, key) {
    if (typeof key === "symbol") return undefined;
    const value = native.getEnv(key);
    return value === undefined ? undefined : { value, writable: !frozen, enumerable: true, configurable: true };
  },
  defineProperty(target, key, d) {
    validateObject(d, "descriptor");
    if (hasProperty(d, "get") || hasProperty(d, "set")) {
      throw new ERR_INVALID_ARG_VALUE("descriptor", d, "'process.env' does not accept an accessor(getter/setter) descriptor");
    }
    if (!d.configurable || !d.writable || !d.enumerable) {
      throw new ERR_INVALID_ARG_VALUE("descriptor", d, "'process.env' only accepts a configurable, writable, and enumerable data descriptor");
    }
    key = text(key);
    const value = text(d.value);
    if (frozen) return false;
    native.setEnv(key, value);
    return true;
  },
});

const features = freeze({
  inspector: false, debug: false, uv: true, ipv6: true, tls_alpn: true, tls_sni: true, tls_ocsp: true, tls: true, cached_builtins: true,
  require_module: true, typescript: "transform", openssl_is_boringssl: false, experimental_workers: true,
});
const getBuiltinModule = (id) => native.builtin(`${id}`);
// exit is that of process, which runs the listeners first.
const exit = (code) => require("node:process").exit(code);

return { nextTick, env, features, platform: native.platform(), getBuiltinModule, exit };
