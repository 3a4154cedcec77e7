// Pi, from a series whose parts the workers of a zone add up.
const napa = require('napajs');

const WORKERS = 4;
const TERMS = 200_000;
const zone = napa.zone.create('pi', { workers: WORKERS });

// It goes to the workers as text: it sees nothing of this file but its arguments.
function part(from, step, terms) {
  let sum = 0;
  for (let k = from; k < terms; k += step) sum += (k % 2 ? -4 : 4) / (2 * k + 1);
  return sum;
}

async function main() {
  const parts = await Promise.all(Array.from({ length: WORKERS }, (_, i) => zone.execute(part, [i, WORKERS, TERMS])));
  const pi = parts.reduce((sum, result) => sum + result.value, 0);
  console.log(`pi is about ${pi.toFixed(4)}, says ${napa.zone.current.id}, told by ${WORKERS} workers of ${zone.id}`);

  // A mistake in a worker rejects the promise, and nothing else.
  await zone.execute(() => WORKERS).catch((error) => console.log('rejected:', error));
  await zone.execute(() => { for (;;); }, [], { timeout: 50 }).catch((error) => console.log('rejected:', error));
  await zone.recycle();
}

main();
