// Workers of workers. A worker knows only its owner: what is for the owner's owner goes through it.
const Worker = require('worker');

const depth = process.isMainInstance ? 3 : process.workerData;
if (depth === 0) {
  Worker.on('message', (m) => Worker.postMessage(`${m}, says the youngest`));
} else {
  const child = new Worker(__filename, { data: depth - 1 });
  if (process.isMainInstance) {
    child.on('message', (m) => {
      console.log(m);
      // The end of one is the end of all that are below it.
      child.terminate((error, code) => console.log('ended with', code));
    });
    child.postMessage('down');
  } else {
    child.on('message', (m) => Worker.postMessage(`${m}, passed on at ${depth}`));
    Worker.on('message', (m) => child.postMessage(`${m} ${depth}`));
  }
}
