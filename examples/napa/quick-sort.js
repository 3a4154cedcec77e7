// Quick sort by several workers at once, in one piece of shared memory.
//
//   workerd run examples/napa/quick-sort.js [numbers] [workers]
const napa = require('napajs');

const [numbers = 20_000, workers = 2] = process.argv.slice(2).map(Number);
const zone = napa.zone.create('sort', { workers });

// Numbers that are the same in each run.
function fill(list) {
  let seed = 42;
  for (let i = 0; i < list.length; i++) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    list[i] = seed;
  }
}

// partition puts what is smaller than a pivot on the left of it, and returns where the pivot is.
function partition(list, from, to) {
  const middle = (from + to) >> 1;
  const pivot = list[middle];
  list[middle] = list[to];
  let at = from;
  for (let i = from; i < to; i++) {
    if (list[i] < pivot) {
      const swap = list[i];
      list[i] = list[at];
      list[at++] = swap;
    }
  }
  list[to] = list[at];
  list[at] = pivot;
  return at;
}

// sort runs in the workers, and calls itself for what is small; it is told to them by broadcast.
function sort(list, from, to) {
  while (from < to) {
    const at = partition(list, from, to);
    if (at - from < to - at) {
      sort(list, from, at - 1);
      from = at + 1;
    } else {
      sort(list, at + 1, to);
      to = at - 1;
    }
  }
}

// parallel splits a range until there is one part for each of so many workers. The memory is shared, so that only
// the ends of the ranges travel.
async function parallel(list, from, to, parts) {
  if (parts <= 1 || to - from < 1000) {
    await zone.execute('', 'sort', [list, from, to]);
    return;
  }
  const { value: at } = await zone.execute('', 'partition', [list, from, to]);
  const left = Math.round((parts * (at - from)) / (to - from));
  await Promise.all([parallel(list, from, at - 1, left), parallel(list, at + 1, to, parts - left)]);
}

async function main() {
  const list = new Int32Array(new SharedArrayBuffer(4 * numbers));
  fill(list);
  await zone.broadcast(`${partition} ${sort}`);
  const began = Date.now();
  await parallel(list, 0, numbers - 1, 4 * workers);
  if (process.env.TIMES) console.log(`${Date.now() - began} ms`);
  const sorted = list.every((n, i) => i === 0 || list[i - 1] <= n);
  console.log(`${numbers} numbers, from ${list[0]} to ${list[numbers - 1]}, are ${sorted ? '' : 'NOT '}sorted`);
}

main();
