
// node:domain: errors of the work that began in a domain are events of the domain.
const EventEmitter = require("node:events");
const { AsyncLocalStorage } = require("node:async_hooks");
const { ERR_UNHANDLED_ERROR } = require("internal/codes");
const { apply, defineProperty } = primordials;

// What began in a domain goes on in it, across timers, promises and calls of the machine.
const current = new AsyncLocalStorage();
const stack = []; // of what was entered by hand
const active = () => stack[stack.length - 1] ?? current.getStore() ?? null;

class Domain extends EventEmitter {
  members = [];
  constructor() {
    super();
    this.domain = null;
  }
  _errorHandler(error) { return this.#handle(error); }
  // handle tells the listeners; a domain without any does not take the error.
  #handle(error) {
    if ((typeof error === "object" && error !== null) || typeof error === "function") {
      for (const [name, value] of [["domain", this], ["domainThrown", true]]) defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true });
    }
    if (this.listenerCount("error") === 0) return false;
    // What the listener throws is the business of the domain outside.
    const outer = this.outer;
    const inside = stack.splice(0);
    try {
      return current.run(outer ?? undefined, () => emit.call(this, "error", error));
    } finally {
      stack.push(...inside.filter((d) => d !== this));
    }
  }
  enter() { stack.push(this); }
  exit() {
    const at = stack.lastIndexOf(this);
    if (at !== -1) stack.length = at;
  }
  add(member) {
    if (member.domain === this) return;
    member.domain?.remove?.(member);
    for (let d = this.domain; d; d = d.domain) if (d === member) return;
    defineProperty(member, "domain", { value: this, enumerable: false, configurable: true, writable: true });
    this.members.push(member);
  }
  remove(member) {
    member.domain = null;
    const at = this.members.indexOf(member);
    if (at !== -1) this.members.splice(at, 1);
  }
  run(fn, ...args) {
    this.outer = active();
    const before = stack.length;
    stack.push(this);
    try {
      return current.run(this, () => apply(fn, this, args));
    } finally {
      stack.length = Math.min(before, stack.length);
    }
  }
  #wrap(fn, self, args, intercepted) {
    if (intercepted) {
      const [error] = args;
      if (error && error instanceof Error) {
        for (const [name, value] of [["domainBound", fn], ["domainThrown", false], ["domain", this]]) defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true });
        this.emit("error", error);
        return undefined;
      }
      args = args.slice(1);
    }
    const before = stack.length;
    stack.push(this);
    try {
      return current.run(this, () => apply(fn, self, args));
    } finally {
      stack.length = Math.min(before, stack.length);
    }
  }
  bind(fn) {
    const domain = this;
    const bound = function (...args) { return domain.#wrap(fn, this, args, false); };
    defineProperty(bound, "domain", { value: this, configurable: true, writable: true });
    return bound;
  }
  intercept(fn) {
    const domain = this;
    return function (...args) { return domain.#wrap(fn, this, args, true); };
  }
}

// Emitters that are made in a domain are its members, and their errors its events.
const { init } = EventEmitter, { emit } = EventEmitter.prototype;
EventEmitter.usingDomains = true;
EventEmitter.init = function (options) {
  defineProperty(this, "domain", { value: this instanceof Domain ? null : active(), enumerable: false, configurable: true, writable: true });
  return init.call(this, options);
};
EventEmitter.prototype.emit = function (type, ...args) {
  const { domain } = this;
  if (domain === null || domain === undefined || this === process) return emit.call(this, type, ...args);
  if (type === "error" && this.listenerCount("error") === 0) {
    const error = args.length > 0 && args[0] ? args[0] : new ERR_UNHANDLED_ERROR(args[0]);
    if (typeof error === "object") for (const [name, value] of [["domainEmitter", this], ["domain", domain], ["domainThrown", false]]) defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true });
    const inside = stack.splice(0);
    try {
      return current.run(domain.outer ?? undefined, () => domain.emit("error", error));
    } finally {
      stack.push(...inside);
    }
  }
  const before = stack.length;
  stack.push(domain);
  try {
    return current.run(domain, () => emit.call(this, type, ...args));
  } finally {
    stack.length = Math.min(before, stack.length);
  }
};

// uncaught is asked about an exception before anybody else: whether a domain took it.
function uncaught(error) {
  const domain = active();
  stack.length = 0;
  if (domain === null) return false;
  return domain._errorHandler(error);
}
defineProperty(process, "_domainUncaught", { value: uncaught, configurable: true });
defineProperty(process, "domain", { get: active, set() {}, enumerable: true, configurable: true });
const createDomain = () => new Domain();
const exports = { Domain, createDomain, create: createDomain, _stack: stack };
defineProperty(exports, "active", { get: active, enumerable: true, configurable: true });
return exports;
