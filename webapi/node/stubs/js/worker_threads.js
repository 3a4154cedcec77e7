
// node:worker_threads: this is the only thread.
const EventEmitter = require("node:events");
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { defineProperty } = primordials;
const later = (name) => Promise.reject(new ERR_METHOD_NOT_IMPLEMENTED(name));
class BroadcastChannel {
  constructor() { throw new ERR_METHOD_NOT_IMPLEMENTED("BroadcastChannel"); }
}
class Worker extends EventEmitter {
  stdin = null;
  threadName = "workerd";
  constructor() {
    super();
    const e = new ERR_METHOD_NOT_IMPLEMENTED("Worker");
    e.message += '. Threads of deployed workers are those of the module "worker", of what the wrangler file lists: [workerd] threads = ["job.js"]';
    throw e;
  }
  cpuUsage() { return later("Worker.cpuUsage"); }
  postMessage() {}
  postMessageToThread() { return Promise.resolve(); }
  ref() {}
  unref() {}
  terminate() { return later("Worker.terminate"); }
  getHeapSnapshot() { return later("Worker.getHeapSnapshot"); }
  getHeapStatistics() { return later("Worker.getHeapStatistics"); }
  startCpuProfile() { return later("Worker.startCpuProfile"); }
  startHeapProfile() { return later("Worker.startHeapProfile"); }
  [Symbol.asyncDispose]() { return Promise.resolve(); }
}
const data = new Map();
const threads = {
  BroadcastChannel, Worker, SHARE_ENV: Symbol.for("nodejs.worker_threads.SHARE_ENV"),
  getEnvironmentData: (key) => data.get(key), isMainThread: true, isMarkedAsUntransferable: () => false, markAsUntransferable() {}, markAsUncloneable() {},
  moveMessagePortToContext: (port) => port, parentPort: null, receiveMessageOnPort() {}, resourceLimits: {},
  setEnvironmentData(key, value) { data.set(key, value); },
  postMessageToThread() { throw new ERR_METHOD_NOT_IMPLEMENTED("postMessageToThread"); },
  threadId: 0, workerData: null, isInternalThread: false,
};
for (const name of ["MessageChannel", "MessagePort"]) defineProperty(threads, name, { get: () => globalThis[name], enumerable: true, configurable: true });
return threads;
