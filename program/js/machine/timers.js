
// node:timers of a program: timers that keep it going while they are referenced.
const { defineProperty, create } = primordials;
const validateFunction = (value, name) => { if (typeof value !== "function") require("internal/validators").validateFunction(value, name); };

const known = new Map(); // by number, those that were asked for theirs
let ids = 0;
let stopOf, startOf;

function delayOf(after) {
  after *= 1;
  if (after >= 1 && after <= 2147483647) return Math.trunc(after);
  if (after > 2147483647 || after < 0 || after !== after) {
    const process = require("node:process");
    const [name, text] = after < 0 ? ["TimeoutNegativeWarning", `${after} is a negative number.`]
      : after !== after ? ["TimeoutNaNWarning", `${after} is not a number.`]
      : ["TimeoutOverflowWarning", `${after} does not fit into a 32-bit signed integer.`];
    process.emitWarning(`${text}\nTimeout duration was set to 1.`, name);
  }
  return 1;
}

class Timeout {
  #timer;
  #id;
  #refed = true;
  constructor(callback, after, args, repeat) {
    this._idleTimeout = after === undefined ? 1 : delayOf(after);
    this._idlePrev = this;
    this._idleNext = this;
    this._idleStart = native.now();
    this._onTimeout = callback;
    this._timerArgs = args;
    this._repeat = repeat ? this._idleTimeout : null;
    this._destroyed = false;
    this.#timer = native.timer(() => this.#fire());
    this.#timer.start(this._idleTimeout);
  }
  #fire() {
    const fn = this._onTimeout;
    if (typeof fn !== "function") {
      this.#end();
      return;
    }
    const args = this._timerArgs;
    if (this._repeat === null) this._destroyed = true;
    let again = true;
    try {
      if (args === undefined) fn.call(this);
      else fn.apply(this, args);
      again = false;
    } finally {
      if (this._repeat !== null && !this._destroyed) {
        this._idleTimeout = this._repeat;
        this._idleStart = native.now();
        this.#timer.start(this._repeat);
      } else if (this._destroyed) this.#end();
    }
  }
  #end() {
    this._destroyed = true;
    if (this.#id !== undefined) known.delete(this.#id);
  }
  static {
    stopOf = (t) => {
      t.#timer.stop();
      t.#end();
    };
  }
  static is(v) { return typeof v === "object" && v !== null && #timer in v; }
  refresh() {
    if (this._onTimeout !== null && !(this._destroyed && this._repeat !== null)) {
      this._destroyed = false;
      this._idleStart = native.now();
      this.#timer.start(this._idleTimeout);
    }
    return this;
  }
  unref() {
    this.#refed = false;
    this.#timer.ref(false);
    return this;
  }
  ref() {
    this.#refed = true;
    this.#timer.ref(true);
    return this;
  }
  hasRef() { return this.#refed; }
  close() {
    stopOf(this);
    return this;
  }
  [Symbol.dispose]() { stopOf(this); }
  [Symbol.toPrimitive]() {
    if (this.#id === undefined) {
      this.#id = ++ids;
      if (!this._destroyed) known.set(this.#id, this);
    }
    return this.#id;
  }
}
const isTimeout = Timeout.is;
delete Timeout.is;

class Immediate {
  #timer;
  #refed = true;
  constructor(callback, args) {
    this._onImmediate = callback;
    this._argv = args;
    this._destroyed = false;
    this.#timer = native.timer(() => {
      this._destroyed = true;
      const fn = this._onImmediate;
      this._onImmediate = null;
      if (args === undefined) fn.call(this);
      else fn.apply(this, args);
    });
    this.#timer.start();
  }
  ref() {
    this.#refed = true;
    this.#timer.ref(true);
    return this;
  }
  unref() {
    this.#refed = false;
    this.#timer.ref(false);
    return this;
  }
  hasRef() { return this.#refed; }
  static {
    startOf = (v) => {
      if (typeof v !== "object" || v === null || !(#timer in v) || v._destroyed) return;
      v._destroyed = true;
      v._onImmediate = null;
      v.#timer.stop();
    };
  }
  [Symbol.dispose]() { startOf(this); }
}

function setTimeout(callback, after, ...args) {
  validateFunction(callback, "callback");
  return new Timeout(callback, after, args.length === 0 ? undefined : args, false);
}
function setInterval(callback, after, ...args) {
  validateFunction(callback, "callback");
  return new Timeout(callback, after, args.length === 0 ? undefined : args, true);
}
function clearTimeout(timer) {
  if (isTimeout(timer)) stopOf(timer);
  else if (typeof timer === "number" || typeof timer === "string") {
    const t = known.get(+timer);
    if (t !== undefined) stopOf(t);
  }
}
function clearInterval(timer) { clearTimeout(timer); }
function setImmediate(callback, ...args) {
  validateFunction(callback, "callback");
  return new Immediate(callback, args.length === 0 ? undefined : args);
}
function clearImmediate(immediate) { startOf(immediate); }
// What util.promisify makes of them.
primordials.forEach([setTimeout, setImmediate], (fn) => {
  const { name } = fn;
  defineProperty(fn, primordials.symbolFor("nodejs.util.promisify.custom"), { __proto__: null, enumerable: true, get: () => require("node:timers/promises")[name] });
});

const timers = {
  setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate,
  active(timer) { if (isTimeout(timer)) timer.refresh(); },
  unenroll: (timer) => clearTimeout(timer),
  enroll() { throw new Error("Not implemented. Please use setTimeout() instead."); },
};
timers._unrefActive = (timer) => { if (isTimeout(timer)) timer.refresh().unref(); };
defineProperty(timers, "Timeout", { value: Timeout, enumerable: false });
defineProperty(timers, "Immediate", { value: Immediate, enumerable: false });
defineProperty(timers, "promises", { get: () => require("node:timers/promises"), enumerable: true, configurable: true });
return timers;
