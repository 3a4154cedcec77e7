
// node:timers: the timers of the global scope, as objects.
const { hasFlag, defineProperty } = primordials;
const { validateFunction } = require("internal/validators");
// These must be the engine's, for globalThis.setTimeout may be ours.
const global = native.globals();
let clearOf;

class Timeout {
  #timer;
  #callback;
  #after;
  #args;
  #repeat;
  #refed;
  constructor(callback, after = 1, args = [], repeat = false, refed = false) {
    this.#callback = callback;
    this.#after = after * 1;
    this.#args = args;
    this.#repeat = repeat;
    this.#refed = refed;
    this.#start();
  }
  #start() { this.#timer = (this.#repeat ? global.setInterval : global.setTimeout)(this.#callback, this.#after, ...this.#args); }
  #stop() { global.clearTimeout(this.#timer); }
  refresh() {
    this.#stop();
    this.#start();
    return this;
  }
  unref() { this.#refed = false; return this; }
  ref() { this.#refed = true; return this; }
  hasRef() { return this.#refed; }
  close() { this.#stop(); return this; }
  [Symbol.dispose]() { this.#stop(); }
  [Symbol.toPrimitive]() { return this.#timer; }
  static { clearOf = (t) => t.#stop(); }
}

function setTimeout(callback, after, ...args) {
  validateFunction(callback, "callback");
  return new Timeout(callback, after, args, false, true);
}
function setInterval(callback, after, ...args) {
  validateFunction(callback, "callback");
  return new Timeout(callback, after, args, true, true);
}
function clearTimeout(timer) {
  if (timer instanceof Timeout) clearOf(timer);
  else if (typeof timer === "number") global.clearTimeout(timer);
}
function clearInterval(timer) { clearTimeout(timer); }
function setImmediate(callback, ...args) {
  validateFunction(callback, "callback");
  return global.setImmediate(callback, ...args);
}
function clearImmediate(immediate) { return global.clearImmediate(immediate); }

const timers = {
  setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate,
  active(timer) { if (timer instanceof Timeout) timer.refresh(); },
  unenroll: (timer) => clearTimeout(timer),
  enroll() { throw new Error("Not implemented. Please use setTimeout() instead."); },
};
timers._unrefActive = timers.active;
defineProperty(timers, "Timeout", { value: Timeout, enumerable: false });
defineProperty(timers, "promises", { get: () => require("node:timers/promises"), enumerable: true, configurable: true });
return timers;
