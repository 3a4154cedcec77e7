
// node:events. Functions are made when they are first asked for: a realm has few of them.
const { kCapture, kErrorMonitor, kMaxTargetListeners } = native.symbols();
let defaultMaxListeners = 10;
let captureByDefault = false;
let add, wrapOnce, on, off, rest; // once they were made

// watch hands the rejection of what a listener returned to the emitter.
const watch = (emitter, result, type, args) => {
  if (!emitter[kCapture]) return;
  try {
    const { then } = result;
    if (typeof then === "function") {
      primordials.apply(then, result, [undefined, (error) => queueMicrotask(() => more().rejected(emitter, error, type, args))]);
    }
  } catch (error) {
    emitter.emit("error", error);
  }
};

// make makes a property of EventEmitter.prototype (0) or of EventEmitter (1), where an accessor is a pair, or a function
// that others use (2).
const make = (of, name) => {
  if (of === 2) {
    switch (name) {
      case "add": return (add ??= (target, type, listener, first) => {
        if (typeof listener !== "function") more().check("validateFunction", listener, "listener");
        let events = target._events;
        let existing;
        if (events === undefined) {
          events = target._events = { __proto__: null };
          target._eventsCount = 0;
        } else {
          if (events.newListener !== undefined) {
            target.emit("newListener", type, listener.listener ?? listener);
            events = target._events;
          }
          existing = events[type];
        }
        if (existing === undefined) {
          events[type] = listener;
          ++target._eventsCount;
          return target;
        }
        if (typeof existing === "function") existing = events[type] = first ? [listener, existing] : [existing, listener];
        else if (first) primordials.unshift(existing, listener);
        else primordials.push(existing, listener);
        const max = target._maxListeners === undefined ? defaultMaxListeners : target._maxListeners;
        if (max > 0 && existing.length > max && !existing.warned) {
          existing.warned = true;
          const w = new Error(`Possible EventEmitter memory leak detected. ${existing.length} ${String(type)} listeners added to ${primordials.inspect(target, { depth: -1 })}. ` +
            `MaxListeners is ${max}. Use emitter.setMaxListeners() to increase limit`);
          w.name = "MaxListenersExceededWarning";
          w.emitter = target;
          w.type = type;
          w.count = existing.length;
          if (primordials.inWorker()) console.warn(w);
          else globalThis.process.emitWarning(w);
        }
        return target;
      });
      case "wrapOnce": return (wrapOnce ??= (target, type, listener) => {
        let fired = false;
        const wrapped = function (...args) {
          if (fired) return;
          target.removeListener(type, wrapped);
          fired = true;
          return primordials.apply(listener, target, args);
        };
        wrapped.listener = listener;
        primordials.defineProperty(wrapped, "name", { value: "bound onceWrapper", configurable: true });
        return wrapped;
      });
    }
  }
  if (of === 1) {
    switch (name) {
      case "prototype": return proto;
      case "usingDomains": return false;
      case "captureRejectionSymbol": return primordials.symbolFor("nodejs.rejection");
      case "captureRejections": return {
        get() { return captureByDefault; },
        set(v) {
          more().check("validateBoolean", v, "EventEmitter.captureRejections");
          captureByDefault = v;
          proto[kCapture] = v;
        },
      };
      case "errorMonitor": return kErrorMonitor;
      case "defaultMaxListeners": return {
        get() { return defaultMaxListeners; },
        set(v) { more().checkMax(v, "defaultMaxListeners"); defaultMaxListeners = v; },
      };
      case "setMaxListeners": return function setMaxListeners(n = defaultMaxListeners, ...targets) {
        more().checkMax(n, "setMaxListeners");
        if (targets.length === 0) {
          defaultMaxListeners = n;
          return;
        }
        for (const t of targets) {
          if (typeof t?.setMaxListeners === "function") t.setMaxListeners(n);
          else if (more().isTarget(t)) primordials.defineProperty(t, kMaxTargetListeners, { value: n, writable: true, configurable: true, enumerable: false });
          else throw new (more().code("ERR_INVALID_ARG_TYPE"))("eventTargets", ["EventEmitter", "EventTarget"], t);
        }
      };
      case "init": return function (options) {
        if (this._events === undefined || this._events === primordials.getPrototypeOf(this)?._events) {
          this._events = { __proto__: null };
          this._eventsCount = 0;
        }
        this._maxListeners = this._maxListeners || undefined;
        if (options?.captureRejections) {
          more().check("validateBoolean", options.captureRejections, "options.captureRejections");
          this[kCapture] = true;
        } else this[kCapture] = proto[kCapture];
      };
      case "listenerCount": return (emitter, type) => {
        if (typeof emitter.listenerCount === "function") return emitter.listenerCount(type);
        return proto.listenerCount.call(emitter, type);
      };
      case "EventEmitter": return EventEmitter;
    }
    return more()[name];
  }
  switch (name) {
    case "constructor": return EventEmitter;
    case "_eventsCount": return 0;
    case "setMaxListeners": return function setMaxListeners(n) {
      more().checkMax(n, "setMaxListeners");
      this._maxListeners = n;
      return this;
    };
    case "getMaxListeners": return function getMaxListeners() { return more().maxOf(this); };
    case "emit": {
      const { apply, slice } = primordials;
      const emit = function emit(type, ...args) {
        const events = this._events;
        if (type === "error") {
          if (events !== undefined && events[kErrorMonitor] !== undefined) this.emit(kErrorMonitor, ...args);
          if (events === undefined || events.error === undefined) {
            const [er] = args;
            if (er instanceof Error) throw er;
            let text;
            try {
              text = primordials.inspect(er);
            } catch {
              text = String(er);
            }
            const error = new (more().code("ERR_UNHANDLED_ERROR"))(text);
            error.context = er;
            throw error;
          }
        }
        const handler = events === undefined ? undefined : events[type];
        if (handler === undefined) return false;
        if (typeof handler === "function") {
          const result = apply(handler, this, args);
          if (result !== undefined && result !== null) watch(this, result, type, args);
        } else {
          const listeners = slice(handler);
          for (let i = 0; i < listeners.length; i++) {
            const result = apply(listeners[i], this, args);
            if (result !== undefined && result !== null) watch(this, result, type, args);
          }
        }
        return true;
      };
      native.emitter(emit, watch, kCapture);
      return emit;
    }
    case "addListener": case "on": {
      const add = make(2, "add");
      return (on ??= function addListener(type, listener) { return add(this, type, listener, false); });
    }
    case "prependListener": return function prependListener(type, listener) { return make(2, "add")(this, type, listener, true); };
    case "once": return function once(type, listener) {
      if (typeof listener !== "function") more().check("validateFunction", listener, "listener");
      this.on(type, make(2, "wrapOnce")(this, type, listener));
      return this;
    };
    case "prependOnceListener": return function prependOnceListener(type, listener) {
      if (typeof listener !== "function") more().check("validateFunction", listener, "listener");
      this.prependListener(type, make(2, "wrapOnce")(this, type, listener));
      return this;
    };
    case "removeListener": case "off": {
      const { shift, splice } = primordials;
      return (off ??= function removeListener(type, listener) {
        if (typeof listener !== "function") more().check("validateFunction", listener, "listener");
        const events = this._events;
        if (events === undefined) return this;
        const list = events[type];
        if (list === undefined) return this;
        if (list === listener || list.listener === listener) {
          this._eventsCount -= 1;
          if (this._eventsCount === 0) this._events = { __proto__: null };
          else delete events[type];
          if (events.removeListener) this.emit("removeListener", type, list.listener || listener);
        } else if (typeof list !== "function") {
          let at = -1;
          for (let i = list.length - 1; i >= 0; i--) {
            if (list[i] === listener || list[i].listener === listener) {
              at = i;
              break;
            }
          }
          if (at < 0) return this;
          if (at === 0) shift(list);
          else splice(list, at, 1);
          if (list.length === 1) events[type] = list[0];
          if (events.removeListener !== undefined) this.emit("removeListener", type, listener);
        }
        return this;
      });
    }
    case "removeAllListeners": {
      const { ownKeys } = primordials;
      return function removeAllListeners(type) {
        const events = this._events;
        if (events === undefined) return this;
        if (events.removeListener === undefined) {
          if (arguments.length === 0) {
            this._events = { __proto__: null };
            this._eventsCount = 0;
          } else if (events[type] !== undefined) {
            if (--this._eventsCount === 0) this._events = { __proto__: null };
            else delete events[type];
          }
          return this;
        }
        if (arguments.length === 0) {
          for (const key of ownKeys(events)) if (key !== "removeListener") this.removeAllListeners(key);
          this.removeAllListeners("removeListener");
          this._events = { __proto__: null };
          this._eventsCount = 0;
          return this;
        }
        const listeners = events[type];
        if (typeof listeners === "function") this.removeListener(type, listeners);
        else if (listeners !== undefined) for (let i = listeners.length - 1; i >= 0; i--) this.removeListener(type, listeners[i]);
        return this;
      };
    }
    case "listeners": return function listeners(type) { return more().listenersOf(this, type, true); };
    case "rawListeners": return function rawListeners(type) { return more().listenersOf(this, type, false); };
    case "listenerCount": return function listenerCount(type, listener) {
      const list = this._events?.[type];
      if (list === undefined) return 0;
      if (typeof list === "function") return listener ? +(listener === list || listener === list.listener) : 1;
      if (listener) {
        let n = 0;
        for (const l of list) if (l === listener || l.listener === listener) n++;
        return n;
      }
      return list.length;
    };
    case "eventNames": return function eventNames() { return this._eventsCount > 0 ? primordials.ownKeys(this._events) : []; };
  }
};

// more are the functions that few need, and what these have in common.
const more = () => {
  if (rest !== undefined) return rest;
  const { defineProperty, push, shift, splice, slice, hostClass } = primordials;
  const kRejection = primordials.symbolFor("nodejs.rejection");
  const code = (name) => require("internal/codes")[name];
  const check = (name, ...args) => require("internal/validators")[name](...args);
  const checkMax = (v, name) => {
    if (typeof v !== "number") throw new (code("ERR_INVALID_ARG_TYPE"))(name, "number", v);
    if (v < 0 || v !== v) throw new (code("ERR_OUT_OF_RANGE"))(name, ">= 0", v);
  };
  const isTarget = (t) => t !== null && (typeof t === "object" || typeof t === "function") && typeof t.addEventListener === "function";
  const maxOf = (emitter) => (emitter._maxListeners === undefined ? defaultMaxListeners : emitter._maxListeners);
  function listenersOf(target, type, unwrap) {
    const list = target._events?.[type];
    if (list === undefined) return [];
    if (typeof list === "function") return [unwrap ? list.listener || list : list];
    const out = slice(list);
    if (unwrap) for (let i = 0; i < out.length; i++) out[i] = out[i].listener || out[i];
    return out;
  }
  function rejected(emitter, error, type, args) {
    if (typeof emitter[kRejection] === "function") {
      emitter[kRejection](error, type, ...args);
      return;
    }
    // A listener for errors that rejects must not call itself.
    const before = emitter[kCapture];
    try {
      emitter[kCapture] = false;
      emitter.emit("error", error);
    } finally {
      emitter[kCapture] = before;
    }
  }
  function getEventListeners(target, type) {
    if (typeof target?.listeners === "function") return target.listeners(type);
    if (isTarget(target)) return native.targetListeners(target, String(type));
    throw new (code("ERR_INVALID_ARG_TYPE"))("emitter", ["EventEmitter", "EventTarget"], target);
  }
  function getMaxListeners(target) {
    if (typeof target?.getMaxListeners === "function") return maxOf(target);
    if (isTarget(target)) return target[kMaxTargetListeners] ?? (hostClass(target) === "AbortSignal" ? 0 : defaultMaxListeners);
    throw new (code("ERR_INVALID_ARG_TYPE"))("emitter", ["EventEmitter", "EventTarget"], target);
  }

  // attach listens on an emitter or a target.
  function attach(emitter, name, listener, flags) {
    if (typeof emitter?.on === "function") {
      if (flags?.once) emitter.once(name, listener);
      else emitter.on(name, listener);
    } else if (isTarget(emitter)) emitter.addEventListener(name, listener, flags);
    else throw new (code("ERR_INVALID_ARG_TYPE"))("emitter", ["EventEmitter", "EventTarget"], emitter);
  }
  function detach(emitter, name, listener) {
    if (typeof emitter?.removeListener === "function") emitter.removeListener(name, listener);
    else if (isTarget(emitter)) emitter.removeEventListener(name, listener);
  }

  function once(emitter, name, options = {}) {
    try {
      check("validateObject", options, "options");
      check("validateAbortSignal", options?.signal, "options.signal");
      if (typeof emitter?.on !== "function" && !isTarget(emitter)) throw new (code("ERR_INVALID_ARG_TYPE"))("emitter", ["EventEmitter", "EventTarget"], emitter);
    } catch (e) {
      return Promise.reject(e);
    }
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(new (code("AbortError"))(undefined, { cause: signal.reason }));
    return new Promise((resolve, reject) => {
      const failed = (e) => {
        detach(emitter, name, happened);
        if (signal) signal.removeEventListener("abort", aborted);
        reject(e);
      };
      const happened = (...args) => {
        if (typeof emitter.removeListener === "function") emitter.removeListener("error", failed);
        if (signal) signal.removeEventListener("abort", aborted);
        resolve(args);
      };
      const aborted = () => {
        detach(emitter, name, happened);
        detach(emitter, "error", failed);
        reject(new (code("AbortError"))(undefined, { cause: signal.reason }));
      };
      attach(emitter, name, happened, { once: true });
      if (name !== "error" && typeof emitter.once === "function") emitter.once("error", failed);
      if (signal) signal.addEventListener("abort", aborted, { once: true });
    });
  }

  const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };

  function on(emitter, event, options = {}) {
    check("validateObject", options, "options");
    const signal = options.signal;
    check("validateAbortSignal", signal, "options.signal");
    if (signal?.aborted) throw new (code("AbortError"))(undefined, { cause: signal.reason });
    const high = options.highWaterMark ?? options.highWatermark ?? Number.MAX_SAFE_INTEGER;
    check("validateInteger", high, "options.highWaterMark", 1);
    const low = options.lowWaterMark ?? options.lowWatermark ?? 1;
    check("validateInteger", low, "options.lowWaterMark", 1);
    const values = [], waiting = [];
    let paused = false, error = null, finished = false;
    const listeners = [];
    const listen = (name, fn) => {
      push(listeners, [name, fn]);
      attach(emitter, name, fn);
    };
    const close = () => {
      for (const [name, fn] of listeners) detach(emitter, name, fn);
      if (signal) signal.removeEventListener("abort", aborted);
      finished = true;
      for (const { resolve } of splice(waiting, 0)) resolve({ value: undefined, done: true });
      return Promise.resolve({ value: undefined, done: true });
    };
    const happened = (...args) => {
      if (waiting.length === 0) {
        push(values, args);
        if (!paused && values.length > high && typeof emitter.pause === "function") {
          paused = true;
          emitter.pause();
        }
      } else shift(waiting).resolve({ value: args, done: false });
    };
    const failed = (e) => {
      if (waiting.length === 0) error = e;
      else shift(waiting).reject(e);
      close();
    };
    const aborted = () => failed(new (code("AbortError"))(undefined, { cause: signal.reason }));
    const iterator = {
      __proto__: AsyncIteratorPrototype,
      next() {
        if (values.length > 0) {
          const value = shift(values);
          if (paused && values.length < low) {
            emitter.resume();
            paused = false;
          }
          return Promise.resolve({ value, done: false });
        }
        if (error) {
          const p = Promise.reject(error);
          error = null;
          return p;
        }
        if (finished) return close();
        return new Promise((resolve, reject) => push(waiting, { resolve, reject }));
      },
      return() { return close(); },
      throw(e) {
        if (!e || !(e instanceof Error)) throw new (code("ERR_INVALID_ARG_TYPE"))("EventEmitter.AsyncIterator", "Error", e);
        failed(e);
      },
      [Symbol.asyncIterator]() { return this; },
    };
    listen(event, happened);
    if (event !== "error" && typeof emitter.on === "function") listen("error", failed);
    for (const name of options.close ?? []) listen(name, () => { close(); });
    if (signal) signal.addEventListener("abort", aborted, { once: true });
    return iterator;
  }

  function addAbortListener(signal, listener) {
    if (signal === undefined) throw new (code("ERR_INVALID_ARG_TYPE"))("signal", "AbortSignal", signal);
    check("validateAbortSignal", signal, "signal");
    if (typeof listener !== "function") check("validateFunction", listener, "listener");
    let remove;
    if (signal.aborted) queueMicrotask(() => listener());
    else {
      signal.addEventListener("abort", listener, { once: true });
      remove = () => signal.removeEventListener("abort", listener);
    }
    return { __proto__: null, [Symbol.dispose]() { remove?.(); } };
  }
  // EventEmitterAsyncResource is made at its first use, for it needs node:async_hooks.
  let AsyncEmitter;
  function asyncEmitter() {
    if (AsyncEmitter) return AsyncEmitter;
    const { AsyncResource } = require("node:async_hooks");
    class EventEmitterReferencingAsyncResource extends AsyncResource {
      #emitter;
      constructor(emitter, type, options) {
        super(type, options);
        this.#emitter = emitter;
      }
      get eventEmitter() { return this.#emitter; }
    }
    class EventEmitterAsyncResource extends EventEmitter {
      #resource;
      constructor(options) {
        let name;
        if (typeof options === "string") {
          name = options;
          options = undefined;
        } else {
          if (new.target === EventEmitterAsyncResource) check("validateString", options?.name, "options.name");
          name = options?.name || new.target.name;
        }
        super(options);
        this.#resource = new EventEmitterReferencingAsyncResource(this, name, options);
      }
      static #of(e) {
        if (!(#resource in e)) throw new (code("ERR_INVALID_THIS"))("EventEmitterAsyncResource");
        return e.#resource;
      }
      emit(event, ...args) { return EventEmitterAsyncResource.#of(this).runInAsyncScope(super.emit, this, event, ...args); }
      emitDestroy() { EventEmitterAsyncResource.#of(this).emitDestroy(); }
      get asyncId() { return EventEmitterAsyncResource.#of(this).asyncId(); }
      get triggerAsyncId() { return EventEmitterAsyncResource.#of(this).triggerAsyncId(); }
      get asyncResource() { return EventEmitterAsyncResource.#of(this); }
    }
    return (AsyncEmitter = EventEmitterAsyncResource);
  }
  rest = {
    __proto__: null, code, check, checkMax, isTarget, maxOf, listenersOf, rejected, once, on, getEventListeners, getMaxListeners, addAbortListener,
    EventEmitterAsyncResource: { get: asyncEmitter, set: undefined },
  };
  return rest;
};

const proto = native.prototype(make);
const EventEmitter = native.constructor(make);
primordials.defineProperty(proto, kCapture, { __proto__: null, value: false, writable: true, enumerable: false });
native.finish();
return EventEmitter;
