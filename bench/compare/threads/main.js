// main.js <threads to start> <round trips> prints what was measured as one line of JSON.
"use strict";
const { start, now } = require("./shim.js");
const echo = __dirname + "/echo.js", spin = __dirname + "/spin.js";
const heard = (w) => new Promise((f) => w.on(f));
const kill = (w) => new Promise((f) => w.kill(() => f()));
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const [starts, rounds] = process.argv.slice(2).map(Number);

async function one(file) {
  const w = start(file);
  await heard(w);
  return w;
}

(async () => {
  await kill(await one(echo)); // what is compiled once is compiled
  const results = {}, began = [];
  for (let i = 0; i < starts; i++) {
    const t = now(), w = await one(echo);
    began.push(now() - t);
    await kill(w);
  }
  results.start = median(began);

  let w = await one(echo), t = now();
  await new Promise((f) => { w.on((v) => { if (v.n === rounds) f(); else w.post({ n: v.n + 1 }); }); w.post({ n: 1 }); });
  results.rounds = rounds / (now() - t) * 1000;

  const transfer = async (bytes) => {
    const moved = [];
    for (let i = 0, b = new ArrayBuffer(bytes); i < 50; i++) {
      t = now();
      const back = heard(w);
      w.post(b, [b]);
      b = await back;
      moved.push((now() - t) / 2);
      if (b.byteLength !== bytes) throw new Error("the buffer is not what it was");
    }
    return median(moved);
  };
  results.small = await transfer(1 << 20);
  results.transfer = await transfer(64 << 20);
  await kill(w);

  const ended = [];
  for (let i = 0; i < 9; i++) {
    w = await one(spin);
    t = now();
    await kill(w);
    ended.push(now() - t);
  }
  results.kill = median(ended);

  console.log(JSON.stringify(results));
  process.exit();
})();
