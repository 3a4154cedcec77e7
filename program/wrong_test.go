package program_test

import "testing"

// An entry that cannot be run is an error event, and the owner and the other workers go on.
func TestEntriesThatCannotRun(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const good = new Worker('good.js');
const files = ['syntax.js', 'throws.js', 'needs.js', 'name.mjs', 'needs.mjs', 'late.mjs', 'broken.json', '.', '', 'fs', 'none.js'];
const codes = [];
(function next(i) {
  if (i === files.length) {
    console.log('codes', codes.join());
    good.on('message', (m) => { console.log('the other goes on', m); good.terminate(); });
    good.postMessage(1);
    return;
  }
  const w = new Worker(files[i], { keepAlive: false });
  w.postMessage('never read');
  w.on('error', (e) => {
    console.log(files[i], e instanceof Error, e.name, e.code);
    // A mistake has its place before its stack.
    if (e instanceof SyntaxError && !files[i].endsWith('json')) console.log(e.stack.split('/').pop().split('\n').slice(0, 3).join('|'));
  });
  w.on('exit', (code) => { codes.push(code); next(i + 1); });
})(0);
-- good.js --
const Worker = require('worker');
Worker.on('message', (m) => Worker.postMessage(m + 1));
-- syntax.js --
let x = ;
-- throws.js --
throw new RangeError('at the top');
-- needs.js --
require('./gone');
-- name.mjs --
import { nothing } from 'fs';
-- needs.mjs --
import './gone.mjs';
-- late.mjs --
await null;
throw new TypeError('later');
-- broken.json --
{
`, `
syntax.js true SyntaxError undefined
syntax.js:1|let x = ;|        ^
throws.js true RangeError undefined
needs.js true Error MODULE_NOT_FOUND
name.mjs true SyntaxError undefined
name.mjs:1|import { nothing } from 'fs';|         ^^^^^^^
needs.mjs true Error ERR_MODULE_NOT_FOUND
late.mjs true TypeError undefined
broken.json true SyntaxError undefined
. true Error MODULE_NOT_FOUND
 true Error MODULE_NOT_FOUND
fs true Error MODULE_NOT_FOUND
none.js true Error MODULE_NOT_FOUND
codes 0,0,0,0,0,0,0,0,0,0,0
the other goes on 2`)
}

// What a worker's own handlers throw is an error event, too.
func TestHandlersOfAWorkerThatThrow(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const sources = {
  uncaught: "process.on('uncaughtException', () => { throw new Error('while it was caught') }); setTimeout(() => { throw 1 })",
  rejections: "process.on('unhandledRejection', (r) => { throw new Error('told of ' + r) }); Promise.reject(5)",
  beforeExit: "process.once('beforeExit', () => { throw new Error('before the end') })",
  exit: "process.on('exit', () => { throw new Error('at the end') })",
  message: "Worker.on('message', () => { throw new Error('on a message') })",
  listener: "Worker.on('newListener', () => { throw new Error('of a listener') }); Worker.on('message', () => {})",
  value: "Worker.postMessage({ get x() { throw new Error('of a value') } })",
  cycle: "const c = []; c.push(c, new WeakMap()); Worker.postMessage(c)",
  stack: "(function f() { return f() + 1 })()",
};
const names = Object.keys(sources);
(function next(i) {
  if (i === names.length) return;
  const w = new Worker("const Worker = require('worker'); " + sources[names[i]], { eval: true, keepAlive: false });
  w.postMessage(1);
  w.on('error', (e) => console.log(names[i] + ':', e.name + ': ' + e.message));
  w.on('exit', (code) => { if (code !== 0) console.log('code', code); next(i + 1); });
})(0);
`, `
uncaught: Error: while it was caught
rejections: Error: told of 5
beforeExit: Error: before the end
exit: Error: at the end
message: Error: on a message
listener: Error: of a listener
value: Error: of a value
cycle: DataCloneError: #<WeakMap> could not be cloned.
stack: RangeError: Maximum call stack size exceeded`)
}

// The options that all faces understand, in this one; threads/hop has those of the other.
func TestOptionsOfWorkers(t *testing.T) {
	r := runWorkers(t, `
-- main.js --
const Worker = require('worker');
const echo = "const Worker = require('worker'); Worker.on('message', (m) => { Worker.postMessage(m); })";
const list = [1, 2], given = new Worker(echo, { eval: true, codec: 'donate' });
given.on('message', (m) => {
  console.log(m, list.length);
  given.terminate(() => {
    const spins = new Worker('for (;;);', { eval: true, limits: { turn: 50 }, name: 'spins' });
    spins.on('error', (e) => console.log(e.message));
    spins.on('exit', (code) => {
      console.log('exit', code);
      const dies = new Worker('setTimeout(() => { throw new Error("dies") })', { eval: true, onUncaught: 'exit', data: undefined });
      dies.on('error', (e) => console.log(e.message));
      dies.on('exit', (code) => console.log('exit', code));
    });
  });
});
given.postMessage({ list, f() {}, e: new Error('x'), m: new Map([[1, 2]]) });
for (const [name, o] of Object.entries({ data: { data: new WeakMap() }, getter: { get codec() { throw new Error('getter'); } }, limits: { limits: null }, uncaught: { onUncaught: 'no' }, name: { name: Symbol() } })) {
  try { new Worker('', Object.assign(Object.create(o), { eval: true })); console.log(name, 'was taken'); } catch (e) { console.log(name, e.name); }
}
`, nil)
	const want = `data DataCloneError
getter Error
limits TypeError
uncaught TypeError
name TypeError
{ list: [ 1, 2 ], f: undefined, e: undefined, m: Map(1) { 1 => 2 } } 0
Worker exceeded CPU time limit.
exit 1
dies
exit 1
`
	if r.out != want || r.code != 0 { // stderr tells of the limit
		t.Errorf("code %d\n%s\nwant\n%s\n%s", r.code, r.out, want, r.err)
	}
}
