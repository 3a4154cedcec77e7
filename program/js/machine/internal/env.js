
// process.env: what the program or the worker was started with, as strings.
const { setPrototypeOf } = primordials;
const hasProperty = Reflect.has;

const text = (v) => {
  if (typeof v === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
  return `${v}`;
};
const frozen = native.readOnlyEnv();
return new Proxy(setPrototypeOf({}, Object.prototype), {
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
    require("internal/validators").validateObject(d, "descriptor");
    if (hasProperty(d, "get") || hasProperty(d, "set")) {
      throw new (require("internal/codes").ERR_INVALID_ARG_VALUE)("descriptor", d, "'process.env' does not accept an accessor(getter/setter) descriptor");
    }
    if (!d.configurable || !d.writable || !d.enumerable) {
      throw new (require("internal/codes").ERR_INVALID_ARG_VALUE)("descriptor", d, "'process.env' only accepts a configurable, writable, and enumerable data descriptor");
    }
    key = text(key);
    const value = text(d.value);
    if (frozen) return false;
    native.setEnv(key, value);
    return true;
  },
});
