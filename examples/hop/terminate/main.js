// The parent ends a worker, and hears of it.
const worker = new Worker("./worker.js");

worker.postMessage({ order: "dig", depth: 3 });
console.log("main: ordered");

worker.onmessage = (e) => {
  console.log("main: %s", e.data);
  worker.terminate();
};

worker.onexit = () => console.log("main: the worker is no more");
