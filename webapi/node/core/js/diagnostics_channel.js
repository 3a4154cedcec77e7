
// node:diagnostics_channel.
const { hasFlag, apply, defineProperty, indexOf, push, setPrototypeOf, create } = primordials;
const { ERR_INVALID_ARG_TYPE } = require("internal/codes");
const { validateFunction, validateObject } = require("internal/validators");
const { AsyncLocalStorage } = require("node:async_hooks");
const asGetter = hasFlag("diagnostics_channel_has_subscribers_getter");
const channels = new Map();
let make = false;

class Channel {
  #name;
  #subscribers = [];
  #stores = new Map();
  constructor(name) {
    if (!make) throw new TypeError("Illegal constructor");
    this.#name = name;
  }
  static active(c) { return c.#subscribers.length > 0 || c.#stores.size > 0; }
  get name() { return this.#name; }
  subscribe(fn) {
    validateFunction(fn, "subscription");
    // A publication that runs goes on with the list it began with.
    this.#subscribers = [...this.#subscribers, fn];
  }
  unsubscribe(fn) {
    const at = indexOf(this.#subscribers, fn);
    if (at < 0) return false;
    this.#subscribers = this.#subscribers.filter((_, i) => i !== at);
    return true;
  }
  bindStore(store, transform) {
    if (transform !== undefined && transform !== null) validateFunction(transform, "transform");
    this.#stores.set(store, transform);
  }
  unbindStore(store) { return this.#stores.delete(store); }
  publish(message) {
    for (const fn of this.#subscribers) {
      try {
        fn(message, this.#name);
      } catch (e) {
        queueMicrotask(() => { throw e; });
      }
    }
    native.published(this.#name, message);
  }
  runStores(message, fn, thisArg, ...args) {
    let run = () => {
      this.publish(message);
      return apply(fn, thisArg, args);
    };
    for (const [store, transform] of this.#stores) {
      const next = run;
      run = () => {
        let value = message;
        if (transform) {
          try {
            value = transform(message);
          } catch (e) {
            queueMicrotask(() => { throw e; });
            return next();
          }
        }
        return store.run(value, next);
      };
    }
    return run();
  }
}
const { active } = Channel;
delete Channel.active;
defineProperty(Channel.prototype, "hasSubscribers", asGetter ?
  { get() { return active(this); }, configurable: true, enumerable: false } :
  { value: function hasSubscribers() { return active(this); }, writable: true, configurable: true, enumerable: false });

function channel(name) {
  if (typeof name !== "string" && typeof name !== "symbol") throw new ERR_INVALID_ARG_TYPE("channel", ["string", "symbol"], name);
  let c = channels.get(name);
  if (c === undefined) {
    make = true;
    try {
      c = new Channel(name);
    } finally {
      make = false;
    }
    channels.set(name, c);
  }
  return c;
}
const hasSubscribers = (name) => channels.has(name) && active(channels.get(name));
const subscribe = (name, fn) => channel(name).subscribe(fn);
const unsubscribe = (name, fn) => channel(name).unsubscribe(fn);

const events = ["start", "end", "asyncStart", "asyncEnd", "error"];
let tracing = false;
class TracingChannel {
  #channels;
  constructor(list) {
    if (!tracing) throw new Error("Use diagnostic_channel.tracingChannels() to create TracingChannel");
    this.#channels = list;
  }
  get start() { return this.#channels.start; }
  get end() { return this.#channels.end; }
  get asyncStart() { return this.#channels.asyncStart; }
  get asyncEnd() { return this.#channels.asyncEnd; }
  get error() { return this.#channels.error; }
  static active(t) { return events.some((e) => active(t.#channels[e])); }
  subscribe(handlers) {
    for (const e of events) if (handlers[e] !== undefined) this.#channels[e].subscribe(handlers[e]);
  }
  unsubscribe(handlers) {
    let done = true;
    for (const e of events) if (handlers[e] !== undefined && !this.#channels[e].unsubscribe(handlers[e])) done = false;
    return done;
  }
  #failed(context, e) {
    context.error = e;
    this.error.publish(context);
  }
  traceSync(fn, context = {}, thisArg = globalThis, ...args) {
    return this.start.runStores(context, () => {
      try {
        return (context.result = apply(fn, thisArg, args));
      } catch (e) {
        this.#failed(context, e);
        throw e;
      } finally {
        this.end.publish(context);
      }
    }, thisArg);
  }
  tracePromise(fn, context = {}, thisArg = globalThis, ...args) {
    const later = () => {
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
    };
    return this.start.runStores(context, () => {
      try {
        let promise = apply(fn, thisArg, args);
        if (!(promise instanceof Promise)) promise = Promise.resolve(promise);
        return promise.then((result) => {
          context.result = result;
          later();
          return result;
        }, (e) => {
          this.#failed(context, e);
          later();
          throw e;
        });
      } catch (e) {
        this.#failed(context, e);
        throw e;
      } finally {
        this.end.publish(context);
      }
    }, thisArg);
  }
  traceCallback(fn, position = -1, context = {}, thisArg = globalThis, ...args) {
    const callback = args.at(position);
    if (typeof callback !== "function") throw new ERR_INVALID_ARG_TYPE("callback", ["function"], callback);
    const trace = this;
    args.splice(position, 1, function (...results) {
      if (results[0]) trace.#failed(context, results[0]);
      else context.result = results[1];
      trace.asyncStart.runStores(context, () => {
        try {
          return apply(callback, this, results);
        } finally {
          trace.asyncEnd.publish(context);
        }
      }, thisArg);
    });
    return this.start.runStores(context, () => {
      try {
        return apply(fn, thisArg, args);
      } catch (e) {
        this.#failed(context, e);
        throw e;
      } finally {
        this.end.publish(context);
      }
    }, thisArg);
  }
}
const activeTrace = TracingChannel.active;
delete TracingChannel.active;
defineProperty(TracingChannel.prototype, "hasSubscribers", asGetter ?
  { get() { return activeTrace(this); }, configurable: true, enumerable: false } :
  { value: function hasSubscribers() { return activeTrace(this); }, writable: true, configurable: true, enumerable: false });

function tracingChannel(nameOrChannels) {
  const list = {};
  if (typeof nameOrChannels === "string") for (const e of events) list[e] = channel(`tracing:${nameOrChannels}:${e}`);
  else {
    validateObject(nameOrChannels, "channels");
    for (const e of events) {
      if (!(nameOrChannels[e] instanceof Channel)) throw new ERR_INVALID_ARG_TYPE(`channels.${e}`, "Channel", nameOrChannels[e]);
      list[e] = nameOrChannels[e];
    }
  }
  tracing = true;
  try {
    return new TracingChannel(list);
  } finally {
    tracing = false;
  }
}
return { hasSubscribers, channel, subscribe, unsubscribe, tracingChannel, Channel };
