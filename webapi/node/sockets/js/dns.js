
// node:dns.
const { constants, promised, shared, lookup } = require("internal/dns");
const { callbackify } = require("node:util");
const called = {};
for (const name of Object.keys(promised)) called[name] = callbackify((...args) => promised[name](...args));
class Resolver {
  cancel() { throw new Error("Not implemented"); }
  setLocalAddress() { throw new Error("Not implemented"); }
  getServers() { return shared.getServers(); }
  setServers() { shared.setServers(); }
}
for (const name of Object.keys(called)) {
  if (name !== "lookupService") Object.defineProperty(Resolver.prototype, name, { value: (...args) => called[name](...args), writable: true, configurable: true });
}
return { ...called, ...shared, lookup, Resolver, promises: require("node:dns/promises"), ...constants, ADDRCONFIG: 1024, ALL: 256, V4MAPPED: 2048 };
