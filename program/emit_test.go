package program_test

import "testing"

// What a worker says is an event of an EventEmitter, whether its emit is node's or somebody else's.
func TestMessagesAreEventsOfEmitters(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const EventEmitter = require('events');
const show = (name) => function (...args) { console.log(name, this === w, JSON.stringify(args), new.target === undefined); };
class Louder extends Worker {
  emit(type, ...args) { console.log('emit', type, JSON.stringify(args)); return super.emit(type, ...args); }
}
let w;
const steps = [
  () => { w.once('message', show('once')); },
  () => { w.on('message', show('one')); },
  () => { w.on('message', show('two')); w.prependListener('message', show('first')); },
  () => { w.removeAllListeners('message'); },
  () => { w.emit = function (type, ...args) { console.log('own emit', type, JSON.stringify(args)); }; w.on('message', show('never')); },
  () => { delete w.emit; const { emit } = EventEmitter.prototype; EventEmitter.prototype.emit = function (...args) { console.log('patched', args[0]); EventEmitter.prototype.emit = emit; return emit.apply(this, args); }; },
  () => { w.removeAllListeners('message'); w._events = { exit: w._events.exit, get message() { console.log('getter'); return show('got'); } }; },
  () => { w._events = { exit: w._events.exit, message: show('own') }; },
];
let step = 0, done;
function run(Class) {
  done = new Int32Array(new SharedArrayBuffer(4));
  w = new Class('echo.js', { data: done.buffer });
  w.on('exit', () => { console.log('exit'); if (Class === Worker) { step = 0; run(Louder); } });
  next();
}
function next() {
  if (step === (w instanceof Louder ? 3 : steps.length)) return w.terminate();
  steps[step++]();
  w.postMessage(step);
  answered(10);
}
// The answer has been sent, and some turns later it has been heard.
function answered(turns) {
  if (Atomics.load(done, 0) === step && --turns === 0) next();
  else setTimeout(answered, 2, turns);
}
run(Worker);
-- echo.js --
const Worker = require('worker');
const done = new Int32Array(process.workerData);
Worker.on('message', function (m) { Worker.postMessage(this === Worker ? m : 'not mine'); Atomics.store(done, 0, m); });
`, `
once true [1] true
one true [2] true
first true [3] true
one true [3] true
two true [3] true
own emit message [5]
patched message
never true [6] true
getter
got true [7] true
own true [8] true
exit
emit message [1]
once true [1] true
emit message [2]
one true [2] true
emit message [3]
first true [3] true
one true [3] true
two true [3] true
emit exit [0]
exit
`)
}

// What a listener throws, or rejects with, is what it is for any emitter.
func TestListenersOfMessagesThatFail(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
process.on('uncaughtException', (e) => { console.log('uncaught', e.message); });
process.on('unhandledRejection', (e) => { console.log('unhandled', e.message); });
const w = new Worker('echo.js');
w.on('error', (e) => { console.log('error', e.message); });
w.on('message', (m) => {
  console.log(m);
  setTimeout(() => { w.postMessage(m + 1); }, 20);
  if (m === 1) throw new Error('thrown');
  if (m === 2) return Promise.reject(new Error('rejected'));
  w.removeAllListeners('message');
  w[Symbol.for('nodejs.rejection')] = (e, type, value) => { console.log('captured', e.message, type, value); w.terminate(); };
  for (const s of Object.getOwnPropertySymbols(w)) if (s.description === 'kCapture') w[s] = true;
  w.on('message', async (m) => { console.log(m); throw new Error('later'); });
});
w.postMessage(1);
-- echo.js --
const Worker = require('worker');
Worker.on('message', (m) => {
  Worker.postMessage(m);
  if (m === 3) throw new Error('inside');
});
`, `
1
uncaught thrown
2
unhandled rejected
3
error inside
4
captured later message 4
`)
}

// A worker that is made in a domain has its events there.
func TestMessagesInDomains(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const domain = require('domain');
const Worker = require('worker');
const d = domain.create();
let w;
d.run(() => { w = new Worker('echo.js'); });
w.on('message', () => { console.log(process.domain === d); w.terminate(); });
w.postMessage(1);
-- echo.js --
const Worker = require('worker');
Worker.on('message', (m) => { Worker.postMessage(m); });
`, `
true
`)
}

// So it is for worker_threads, where the port to the owner is an emitter too.
func TestMessagesOfWorkerThreadsAreEvents(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const { Worker } = require('worker_threads');
class Louder extends Worker {
  emit(type, ...args) { if (type === 'message') console.log('emit', args[0]); return super.emit(type, ...args); }
}
for (const receiver of [{}, null, Object.create(Worker.prototype)]) {
  try { Worker.prototype.postMessage.call(receiver, 1); console.log('posted'); } catch (e) { console.log(e.name); }
}
let w = new Worker('./echo.js');
w.once('message', function (m) {
  console.log(this === w, m);
  w.postMessage('two');
  w.on('message', (m) => { console.log(m); w.postMessage('close'); });
});
w.on('exit', (code) => {
  console.log('exit', code, w.postMessage('late'));
  w = new Louder('./echo.js');
  w.on('message', (m) => { console.log(m); w.terminate(); });
  w.postMessage('own');
});
w.postMessage('one');
-- echo.js --
const { parentPort } = require('worker_threads');
parentPort.on('message', function (m) {
  if (m === 'close') { parentPort.close(); parentPort.postMessage('never'); return; }
  if (m === 'own') {
    const { emit } = parentPort;
    parentPort.emit = function (type, m) { return emit.call(this, type, 'emitted ' + m); };
    setTimeout(() => {}, 1e6);
  }
  this.postMessage(m);
});
`, `
TypeError
TypeError
TypeError
true one
two
exit 0 undefined
emit own
own
`)
}
