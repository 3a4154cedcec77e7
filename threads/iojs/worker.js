"use strict";
const { call, bind } = Function.prototype;
const uncurry = bind.bind(call);
const init = uncurry(EventEmitter.init);
const once = uncurry(EventEmitter.prototype.once);
const get = uncurry(WeakMap.prototype.get), set = uncurry(WeakMap.prototype.set);
const { defineProperty, getOwnPropertyNames, setPrototypeOf } = Object;
const handles = new WeakMap();

function Worker(entryModulePath, options) {
  if (new.target === undefined) throw new Error("Illegal invocation");
  if (entryModulePath === undefined) throw new Error("entryModulePath is required");
  if (typeof entryModulePath !== "string") throw new TypeError("entryModulePath must be a string");
  if (options !== undefined && options !== null && typeof options !== "object") throw new TypeError("options must be an object");
  init(this);
  set(handles, this, native.start(entryModulePath, options, this));
}
setPrototypeOf(Worker.prototype, EventEmitter.prototype);

const handleOf = (worker) => {
  const handle = get(handles, worker);
  if (handle === undefined) throw new TypeError("Illegal invocation");
  if (handle.over) throw new RangeError("this worker has been terminated");
  return handle;
};

const methods = {
  postMessage: native.postMessage,
  terminate(callback) {
    const handle = handleOf(this);
    if (callback !== undefined && typeof callback !== "function") throw new TypeError("callback must be a function");
    if (callback !== undefined) once(this, "exit", (code) => { callback(null, code); });
    handle.terminate();
  },
  ref() { handleOf(this).ref(); return this; },
  unref() { handleOf(this).unref(); return this; },
};
for (const name of getOwnPropertyNames(methods))
  defineProperty(Worker.prototype, name, { __proto__: null, value: methods[name], writable: true, configurable: true });
defineProperty(Worker, "Worker", { __proto__: null, value: Worker, writable: true, configurable: true });

if (native.isWorker) {
  // The constructor is an emitter itself: the port to the owner.
  for (const name of getOwnPropertyNames(EventEmitter.prototype)) {
    if (name === "constructor" || name[0] === "_") continue;
    const value = EventEmitter.prototype[name];
    if (typeof value === "function") defineProperty(Worker, name, { __proto__: null, value, writable: true, configurable: true });
  }
  for (const name of ["_events", "_eventsCount", "_maxListeners"])
    defineProperty(Worker, name, { __proto__: null, value: undefined, writable: true, configurable: true });
  init(Worker);
  defineProperty(Worker, "postMessage", { __proto__: null, writable: true, configurable: true, value: native.postToOwner });
  native.listen(Worker);
}
return Worker;
