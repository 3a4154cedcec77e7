
// node:timers/promises.
const timers = require("node:timers");
const { ERR_INVALID_THIS, AbortError } = require("internal/codes");
const { validateNumber, validateAbortSignal, validateBoolean, validateObject } = require("internal/validators");

function check(delay, options) {
  if (delay !== undefined) validateNumber(delay, "delay");
  validateObject(options, "options");
  const { signal, ref } = options;
  if (signal !== undefined) validateAbortSignal(signal, "options.signal");
  if (ref !== undefined) validateBoolean(ref, "options.ref");
  if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason });
  return signal;
}

// once is a promise for a callback that start arms and stop disarms.
function once(delay, options, value, start, stop) {
  return new Promise((resolve, reject) => {
    const signal = check(delay, options);
    const abort = () => {
      stop(timer);
      reject(new AbortError(undefined, { cause: signal.reason }));
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", abort);
      resolve(value);
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
function setTimeout(delay, value, options = {}) {
  return once(delay, options, value, (fn) => timers.setTimeout(fn, delay ?? 1), timers.clearTimeout);
}
function setImmediate(value, options = {}) {
  return once(undefined, options, value, (fn) => timers.setImmediate(fn), timers.clearImmediate);
}

const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };
// setInterval is an asynchronous iterator that starts at its first step.
function setInterval(delay, value, options = {}) {
  let timer, due = 0, waiting = null, done = false, started = false, signal;
  const finish = () => {
    done = true;
    if (timer !== undefined) timers.clearInterval(timer);
    signal?.removeEventListener("abort", abort);
  };
  const abort = () => {
    const error = new AbortError(undefined, { cause: signal.reason });
    finish();
    if (waiting) waiting.reject(error);
    else failure = error;
    waiting = null;
  };
  let failure;
  return {
    __proto__: AsyncIteratorPrototype,
    next() {
      if (!started) {
        started = true;
        try {
          signal = check(delay, options);
        } catch (e) {
          done = true;
          return Promise.reject(e);
        }
        timer = timers.setInterval(() => {
          due++;
          if (waiting) {
            due--;
            waiting.resolve({ value, done: false });
            waiting = null;
          }
        }, delay ?? 1);
        signal?.addEventListener("abort", abort, { once: true });
      }
      if (due > 0 && (!done || failure)) {
        due--;
        return Promise.resolve({ value, done: false });
      }
      if (failure) {
        const e = failure;
        failure = undefined;
        return Promise.reject(e);
      }
      if (done) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve, reject) => { waiting = { resolve, reject }; });
    },
    return(v) {
      finish();
      return Promise.resolve({ value: v, done: true });
    },
    throw(e) {
      finish();
      return Promise.reject(e);
    },
  };
}

const mark = Symbol.for("kScheduler");
class Scheduler {
  [mark] = true;
  yield() {
    if (!this[mark]) throw new ERR_INVALID_THIS("Scheduler");
    return setImmediate();
  }
  wait(delay, options) {
    if (!this[mark]) throw new ERR_INVALID_THIS("Scheduler");
    return globalThis.scheduler.wait(delay, options);
  }
}
return { setTimeout, setImmediate, setInterval, scheduler: new Scheduler() };
