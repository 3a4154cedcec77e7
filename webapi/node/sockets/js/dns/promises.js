
// node:dns/promises.
const { constants, promised, shared, lookup } = require("internal/dns");
const { isArray } = primordials;
class Resolver {
  cancel() { throw new Error("Not implemented"); }
  setLocalAddress() { throw new Error("Not implemented"); }
  getServers() { return shared.getServers(); }
  setServers() { shared.setServers(); }
}
for (const name of Object.keys(promised)) {
  if (name !== "lookupService") Object.defineProperty(Resolver.prototype, name, { value: (...args) => promised[name](...args), writable: true, configurable: true });
}
return {
  ...promised, ...shared, Resolver, ...constants,
  lookup: (hostname, options) => new Promise((resolve, reject) => {
    lookup(hostname, options, (error, address, family) => {
      if (error) reject(error);
      else resolve(isArray(address) ? address : { address, family });
    });
  }),
};
