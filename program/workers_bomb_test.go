package program_test

import "testing"

// Workers that start workers without end keep neither the program nor a worker beside them from their turns, and end at
// once with the first of them.
func TestWorkersThatStartWorkersWithoutEnd(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const { Worker } = require('worker_threads');
const beside = new Worker("const { parentPort } = require('worker_threads'); parentPort.on('message', (m) => parentPort.postMessage(m))", { eval: true });
let bomb, heard = 0, ticks = 0;
beside.on('message', (m) => { heard++; beside.postMessage(m); });
beside.once('online', () => {
  beside.postMessage(1);
  bomb = new Worker('./bomb.js');
  const timer = setInterval(() => {
    if (++ticks < 20 || heard < 20) return;
    clearInterval(timer);
    bomb.terminate().then((code) => { console.log('ended', code); return beside.terminate(); }).then(() => console.log('all'));
  }, 10);
});
-- bomb.js --
const { Worker } = require('worker_threads');
for (let i = 0; i < 8; i++) new Worker(__filename).on('error', () => {});
`, `
ended 1
all`)
}
