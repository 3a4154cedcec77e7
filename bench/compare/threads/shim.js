// The same program for both: a thread is started, written to, heard and ended in the way that each runtime has.
"use strict";
if (process.versions.goja !== undefined) {
  const Worker = require("worker");
  exports.start = (file) => {
    const w = new Worker(file);
    return { post: (v, list) => w.postMessage(v, list), on: (f) => { w.removeAllListeners("message"); w.on("message", f); }, kill: (f) => w.terminate(f) };
  };
  exports.inner = { post: (v, list) => Worker.postMessage(v, list), receive: (f) => Worker.on("message", f) };
} else {
  const { Worker, parentPort } = require("worker_threads");
  exports.start = (file) => {
    const w = new Worker(file);
    return { post: (v, list) => w.postMessage(v, list), on: (f) => { w.removeAllListeners("message"); w.on("message", f); }, kill: (f) => w.terminate().then(f) };
  };
  exports.inner = { post: (v, list) => parentPort.postMessage(v, list), receive: (f) => parentPort.on("message", f) };
}
exports.now = () => { const [s, n] = process.hrtime(); return s * 1e3 + n / 1e6; };
