// What goes wrong in a worker, and what its owner hears of it.
const Worker = require('worker');

const worker = new Worker(`
  const Worker = require('worker');
  Worker.on('message', (m) => {
    if (m === 'fail') throw Object.assign(new RangeError('out of cheese'), { code: 'E_CHEESE' });
    if (m === 'spin') { Worker.postMessage('spinning'); for (;;); }
    Worker.postMessage(m.toUpperCase());
  });
`, { eval: true });

worker.on('error', (e) => {
  console.log('error:', e instanceof RangeError, e.message, e.code);
  worker.postMessage('it goes on');
});
worker.on('message', (m) => {
  console.log('message:', m);
  if (m !== 'spinning') return worker.postMessage('spin');
  worker.terminate((_, code) => console.log('terminated, code', code));
  try { worker.postMessage('too late'); } catch (e) { console.log(e.name + ':', e.message); }
});
worker.on('exit', (code) => console.log('exit', code));

try { worker.postMessage(new WeakMap()); } catch (e) { console.log(e.name + ':', e.message); }
worker.postMessage('fail');
