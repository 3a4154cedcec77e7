// Prime numbers, counted by workers. The same file is the program and the worker.
const Worker = require('worker');

if (process.isMainInstance) main();
else Worker.on('message', ([from, to]) => Worker.postMessage([from, count(from, to)]));

function main() {
  const LIMIT = 20000, PIECE = 2500;
  const counts = new Map();
  let next = 0;

  for (let i = 0; i < 4; i++) {
    const worker = new Worker(__filename);
    const give = () => {
      if (next >= LIMIT) return worker.terminate();
      worker.postMessage([next, Math.min(next += PIECE, LIMIT)]);
    };
    worker.on('message', ([from, n]) => { counts.set(from, n); give(); });
    give();
  }

  // The program ends when the last worker has ended.
  process.on('exit', () => {
    let sum = 0;
    for (const from of [...counts.keys()].sort((a, b) => a - b)) console.log('from', from, 'on:', counts.get(from)), sum += counts.get(from);
    console.log(sum, 'primes below', LIMIT);
  });
}

function count(from, to) {
  let n = 0;
  for (let k = Math.max(from, 2); k < to; k++) {
    let d = 2;
    while (d * d <= k && k % d) d++;
    if (d * d > k) n++;
  }
  return n;
}
