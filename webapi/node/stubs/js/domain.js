
// node:domain: functions run as without it.
const EventEmitter = require("node:events");
class Domain extends EventEmitter {
  members = undefined;
  _errorHandler(e) { throw e; }
  enter() {}
  exit() {}
  add() {}
  remove() {}
  run(fn, ...args) { return primordials.apply(fn, this, args); }
  intercept(cb) { return cb; }
  bind(cb) { return cb; }
}
const createDomain = () => new Domain();
return { Domain, active: null, createDomain, create: createDomain() };
