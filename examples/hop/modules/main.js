// Two threads that require the same module have an instance each.
const tally = require("./tally.js");

const worker = new Worker("./worker.js");

worker.onmessage = (e) => {
  console.log("main: the worker says", e.data);
  console.log("main: tally is", tally.add(1), "(16 is right)");
  worker.terminate();
};

worker.onexit = () => console.log("main: the worker has ended");

worker.postMessage("good morning");
console.log("main: tally is", tally.add(10), "(10 is right)");
console.log("main: tally is", tally.add(5), "(15 is right)");
