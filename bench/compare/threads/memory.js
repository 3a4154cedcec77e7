// memory.js <threads> prints what each of them costs, in bytes, when all have started and when they have waited for a
// while, as JSON.
"use strict";
const { start } = require("./shim.js");
const echo = __dirname + "/echo.js", alive = Number(process.argv[2]);
const one = () => new Promise((f) => { const w = start(echo); w.on(() => f(w)); });

(async () => {
  const all = [await one()], before = process.memoryUsage().rss; // what all threads share is there
  while (all.length <= alive) all.push(...await Promise.all(Array.from({ length: Math.min(8, alive + 1 - all.length) }, one)));
  const each = () => (process.memoryUsage().rss - before) / alive;
  const memory = each();
  await new Promise((f) => setTimeout(f, 12000)); // both give back what is free
  console.log(JSON.stringify({ memory, waited: each() }));
  process.exit();
})();
