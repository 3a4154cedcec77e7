'use hopscript';
// Functions do not travel, handles of services do: the worker answers by calling one.
const worker = new Worker("./worker.js");
let waiting = [];

service answered(n) {
  waiting.shift()(n);
}

service counter() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    worker.postMessage(answered);
  });
}

worker.onmessage = () => console.log("main: http://localhost:%d/hop/counter is ready", hop.port);
