
// The methods of Readable that are those of iterators: map, filter, reduce...
const Readable = require("internal/streams/readable");
const { finished, eos, isWritable, isNodeStream, addAbort } = require("internal/streams/utils");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS, ERR_OUT_OF_RANGE, AbortError } = require("internal/codes");
const { validateAbortSignal, validateInteger, validateObject } = require("internal/validators");
const Empty = Symbol("kEmpty");
const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };

function check(fn, options, name = "fn") {
  if (typeof fn !== "function") throw new ERR_INVALID_ARG_TYPE(name, ["Function", "AsyncFunction"], fn);
  if (options !== undefined && options !== null) validateObject(options, "options");
  if (options?.signal !== undefined && options?.signal !== null) validateAbortSignal(options.signal, "options.signal");
}
const aborted = (signal) => new AbortError(undefined, { cause: signal?.reason });

// generate makes a Readable of an asynchronous function that is given what gives a
// value away and waits until it is wanted.
function generate(body, stream) {
  const queue = [];
  let wanted = null, error, done = false, started = false, stopped = false, resume = null;
  const give = (value) => {
    if (stopped) return Promise.reject(Empty);
    queue.push(value);
    wanted?.();
    wanted = null;
    // Back pressure: one value at a time.
    return new Promise((resolve, reject) => { resume = () => (stopped ? reject(Empty) : resolve()); });
  };
  const it = {
    __proto__: AsyncIteratorPrototype,
    async next() {
      if (!started) {
        started = true;
        Promise.resolve(body(give, () => stopped)).then(() => { done = true; }, (e) => {
          done = true;
          if (e !== Empty) error = e;
        }).then(() => {
          wanted?.();
          wanted = null;
        });
      } else if (queue.length === 0 && resume) {
        const r = resume;
        resume = null;
        r();
      }
      for (;;) {
        if (queue.length > 0) return { value: queue.shift(), done: false };
        if (error !== undefined) {
          const e = error;
          error = undefined;
          throw e;
        }
        if (done) return { value: undefined, done: true };
        await new Promise((resolve) => { wanted = resolve; });
      }
    },
    async return(value) {
      stopped = true;
      const r = resume;
      resume = null;
      r?.();
      return { value, done: true };
    },
  };
  return Readable.from(it);
}

// each calls f for the chunks until it says false.
async function each(stream, signal, f) {
  const it = stream[Symbol.asyncIterator]();
  let finishedWell = false;
  try {
    for (;;) {
      const { value, done } = await it.next();
      if (done) {
        finishedWell = true;
        return;
      }
      if (signal?.aborted) throw aborted(signal);
      if ((await f(value)) === false) return;
    }
  } finally {
    if (!finishedWell) await it.return?.();
  }
}

function map(fn, options) {
  check(fn, options);
  let concurrency = 1;
  if (options?.concurrency !== undefined && options?.concurrency !== null) concurrency = Math.floor(options.concurrency);
  let high = concurrency - 1;
  if (options?.highWaterMark !== undefined && options?.highWaterMark !== null) high = Math.floor(options.highWaterMark);
  validateInteger(concurrency, "options.concurrency", 1);
  validateInteger(high, "options.highWaterMark", 0);
  high += concurrency;
  const stream = this;
  return generate(async (give, stopped) => {
    const ac = new AbortController();
    const { signal } = ac;
    const outer = options?.signal;
    const onabort = () => ac.abort(outer?.reason);
    if (outer?.aborted) onabort();
    else outer?.addEventListener("abort", onabort, { once: true });
    const running = [];
    let active = 0, over = false, room = null, ready = null;
    const settled = () => {
      active--;
      room?.();
      room = null;
    };
    const source = (async () => {
      try {
        await each(stream, undefined, async (chunk) => {
          if (over || stopped()) return false;
          if (signal.aborted) throw aborted(signal);
          let p;
          try {
            p = fn(chunk, { signal });
            if (p === Empty) return;
            p = Promise.resolve(p);
          } catch (e) {
            p = Promise.reject(e);
          }
          active++;
          p.then(settled, settled);
          running.push(p);
          ready?.();
          ready = null;
          while (!over && !stopped() && (running.length >= high || active >= concurrency)) await new Promise((resolve) => { room = resolve; });
          if (over) return false;
        });
        running.push(null);
      } catch (e) {
        const p = Promise.reject(e);
        p.catch(() => {});
        running.push(p);
      } finally {
        over = true;
        ready?.();
        ready = null;
      }
    })();
    source.catch(() => {});
    try {
      for (;;) {
        while (running.length > 0) {
          const p = running[0];
          if (p === null) return;
          const val = await p;
          if (signal.aborted) throw aborted(outer ?? signal);
          running.shift();
          room?.();
          room = null;
          if (val !== Empty) await give(val);
        }
        if (over) return;
        await new Promise((resolve) => { ready = resolve; });
      }
    } finally {
      over = true;
      ac.abort();
      room?.();
      outer?.removeEventListener("abort", onabort);
    }
  }, this);
}
function filter(fn, options) {
  check(fn, options);
  return map.call(this, async (value, o) => ((await fn(value, o)) ? value : Empty), options);
}
async function forEach(fn, options) {
  check(fn, options);
  await each(map.call(this, async (value, o) => {
    await fn(value, o);
    return Empty;
  }, options), undefined, () => {});
}
async function some(fn, options) {
  check(fn, options);
  let found = false;
  await each(filter.call(this, fn, options), undefined, () => {
    found = true;
    return false;
  });
  return found;
}
async function every(fn, options) {
  check(fn, options);
  return !(await some.call(this, async (...args) => !(await fn(...args)), options));
}
async function find(fn, options) {
  check(fn, options);
  let out;
  await each(filter.call(this, fn, options), undefined, (value) => {
    out = value;
    return false;
  });
  return out;
}
async function toArray(options) {
  if (options !== undefined && options !== null) validateObject(options, "options");
  if (options?.signal !== undefined && options?.signal !== null) validateAbortSignal(options.signal, "options.signal");
  const out = [];
  await each(this, options?.signal, (value) => { out.push(value); });
  return out;
}
function flatMap(fn, options) {
  const values = map.call(this, fn, options);
  return generate(async (give) => {
    await each(values, undefined, async (value) => {
      if (value[Symbol.asyncIterator]) await each(value, undefined, (v) => give(v));
      else for (const v of value) await give(v);
    });
  }, this);
}
function count(number) {
  number = Number(number);
  if (number !== number) return 0;
  if (number < 0) throw new ERR_OUT_OF_RANGE("number", ">= 0", number);
  return number;
}
const signalOf = (options) => {
  if (options !== undefined && options !== null) validateObject(options, "options");
  if (options?.signal !== undefined && options?.signal !== null) validateAbortSignal(options.signal, "options.signal");
  return options?.signal;
};
function drop(number, options) {
  const signal = signalOf(options);
  number = count(number);
  return generate(async (give) => {
    if (signal?.aborted) throw aborted(signal);
    await each(this, signal, async (value) => { if (number-- <= 0) await give(value); });
  }, this);
}
function take(number, options) {
  const signal = signalOf(options);
  number = count(number);
  return generate(async (give) => {
    if (signal?.aborted) throw aborted(signal);
    await each(this, signal, async (value) => {
      if (number-- > 0) await give(value);
      return number > 0;
    });
  }, this);
}
function asIndexedPairs(options) {
  const signal = signalOf(options);
  return generate(async (give) => {
    let i = 0;
    await each(this, signal, async (value) => { await give([i++, value]); });
  }, this);
}
async function reduce(reducer, initial, options) {
  if (typeof reducer !== "function") throw new ERR_INVALID_ARG_TYPE("reducer", ["Function", "AsyncFunction"], reducer);
  const outer = signalOf(options);
  let given = arguments.length > 1;
  if (outer?.aborted) {
    const err = new AbortError(undefined, { cause: outer.reason });
    this.once("error", () => {});
    await finished(this.destroy(err));
    throw err;
  }
  const ac = new AbortController();
  if (outer) addAbort(outer, this);
  let any = false;
  try {
    await each(this, undefined, async (value) => {
      any = true;
      if (outer?.aborted) throw new AbortError();
      if (!given) {
        initial = value;
        given = true;
      } else initial = await reducer(initial, value, { signal: ac.signal });
    });
    if (!any && !given) {
      const e = new TypeError("Reduce of an empty stream requires an initial value");
      e.code = "ERR_MISSING_ARGS";
      throw e;
    }
  } finally {
    ac.abort();
  }
  return initial;
}
function compose(stream, options) {
  const signal = signalOf(options);
  if (isNodeStream(stream) && !isWritable(stream)) throw new ERR_INVALID_ARG_VALUE("stream", stream, "must be writable");
  const out = require("internal/streams/pipeline").compose(this, stream);
  if (signal) addAbort(signal, out);
  return out;
}
return { streams: { asIndexedPairs, drop, filter, flatMap, map, take, compose }, promises: { every, forEach, reduce, toArray, some, find } };
