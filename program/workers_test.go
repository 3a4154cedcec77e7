package program_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/program"
	"workerd.local/threads/iojs"
	"workerd.local/threads/nodeworkers"
	"workerd.local/webapi/bind"
)

// runWorkers runs main.js of a text with the module worker.
func runWorkers(t *testing.T, text string, env []string, settings ...string) result {
	t.Helper()
	return runWorkersIn(t, write(t, text), "main.js", env, settings...)
}

func runWorkersIn(t *testing.T, dir, entry string, env []string, settings ...string) result {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	return runWith(t, program.Options{
		Entry: entry, Dir: dir, Env: env, Modules: []bind.Module{iojs.Module, nodeworkers.Module}, Limits: isolate.Limits{Bounds: bounds},
	})
}

// wantWorkers compares what main.js prints, line by line.
func wantWorkers(t *testing.T, text, out string, env ...string) {
	t.Helper()
	r := runWorkers(t, text, env)
	if got := strings.TrimSpace(r.out); got != strings.TrimSpace(out) || r.code != 0 || r.err != "" {
		t.Errorf("printed:\n%s\nwant:\n%s\ncode %d, stderr:\n%s", got, strings.TrimSpace(out), r.code, r.err)
	}
}

// The programs of examples/iojs print what is beside them.
func TestWorkerExamples(t *testing.T) {
	dir, err := filepath.Abs("../examples/iojs")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"primes", "relay", "mistakes"} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join(dir, name+".out"))
			if err != nil {
				t.Fatal(err)
			}
			if got := runWorkersIn(t, dir, name+".js", nil); got.code != 0 || got.err != "" || got.out != string(want) {
				t.Errorf("code %d\n%s%s\nwant\n%s", got.code, got.out, got.err, want)
			}
		})
	}
}

func TestWorkersEchoAndEnd(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const assert = require('assert');
assert.strictEqual(Worker.Worker, Worker);
assert(Worker.prototype instanceof require('events'));
for (const [make, message] of [
  [() => Worker('echo.js'), 'Error: Illegal invocation'],
  [() => Worker.call({}, 'echo.js'), 'Error: Illegal invocation'],
  [() => new Worker(), 'Error: entryModulePath is required'],
  [() => new Worker(5), 'TypeError: entryModulePath must be a string'],
  [() => new Worker({}), 'TypeError: entryModulePath must be a string'],
  [() => new Worker('echo.js', 5), 'TypeError: options must be an object'],
  [() => new Worker('echo.js', { codec: 'xml' }), "TypeError: The option 'codec' cannot be 'xml'."],
  [() => new Worker('echo.js', { resolve: 1 }), "TypeError: The option 'resolve' cannot be '1'."],
  [() => new Worker('echo.js', { limits: 1 }), "TypeError: Incorrect type for the 'limits' field on 'WorkerOptions': the provided value is not of type 'Object'."],
  [() => new Worker('echo.js', { limits: { stack: 0 } }), "RangeError: The limit 'stack' must be at least 1. Received 0"],
  [() => new Worker('echo.js', { get eval() { throw new Error('getter') } }), 'Error: getter'],
  [() => new Worker('echo.js', { data: { get x() { throw new Error('data') } } }), 'Error: data'],
  [() => Worker.prototype.postMessage.call({}, 1), 'TypeError: Illegal invocation'],
]) {
  let caught;
  try { make() } catch (e) { caught = String(e) }
  assert.strictEqual(caught, message);
}
assert.strictEqual(Worker.on, Function.prototype.on);
assert.strictEqual(Worker.postMessage, undefined);
const w = new Worker('echo.js');
w.postMessage({ hello: 'there' });
w.on('message', (m) => {
  console.log(JSON.stringify(m));
  w.terminate();
  for (const call of [() => w.postMessage(1), () => w.terminate(), () => w.ref(), () => w.unref()])
    assert.throws(call, { name: 'RangeError', message: 'this worker has been terminated' });
});
w.on('exit', function (code) {
  console.log('exit', code, this === w, arguments.length);
  for (const call of [() => w.postMessage(1), () => w.terminate(), () => w.ref(), () => w.unref()])
    assert.throws(call, { name: 'RangeError', message: 'this worker has been terminated' });
});
-- echo.js --
const Worker = require('worker');
Worker.on('message', (m) => { Worker.postMessage(m); });
`, `
{"hello":"there"}
exit 0 true 1`)
}

func TestIdleWorkersStay(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker('idle.js');
let exited = false;
w.on('exit', () => { exited = true; console.log('exit'); });
const short = new Worker('idle.js', { keepAlive: false });
short.on('exit', (code) => {
  console.log('short', code);
  setTimeout(() => {
    console.log(exited);
    w.terminate((...a) => console.log('ended', ...a));
  }, 50);
});
-- idle.js --
`, `
short 0
false
exit
ended null 0`)
}

// What the owner posts in the turn of the construction reaches a worker that would end at once.
func TestMessagesOfTheFirstTurnArrive(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker('once.js', { keepAlive: false });
const until = Date.now() + 20;
while (Date.now() < until);
w.postMessage(1);
w.postMessage(2);
w.on('message', (m) => console.log(m));
w.on('exit', (code) => console.log('exit', code));
-- once.js --
const Worker = require('worker');
Worker.on('message', (m) => Worker.postMessage(m * 2));
`, `
2
4
exit 0`)
}

func TestWorkersOfSourceTexts(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const { Worker } = require('worker');
const show = (m) => console.log(m);
const source = "const Worker = require('worker'); const path = require('path'); require('./lib'); Worker.postMessage([process.workerData, path.basename(__filename), process.argv.length, typeof exports]); Worker.postMessage()";
new Worker(source, { eval: true, keepAlive: false, data: { a: [1, undefined, new Date(5)] } }).on('message', show).on('exit', () => {
  new Worker(source, { eval: true, keepAlive: false, codec: 'json', workerData: { a: [1, undefined, new Date(5)], f() {} } }).on('message', show).on('exit', () => {
    new Worker(source, { eval: true, keepAlive: false }).on('message', show).on('exit', () => {
      new Worker('(', { eval: true }).on('error', function (e) {
        console.log(e.name);
        this.terminate(() => new Worker("import('./lib.mjs').then((m) => console.log(m.default), console.log)", { eval: true, keepAlive: false }));
      });
    });
  });
});
-- lib.js --
-- lib.mjs --
export default 'imported';
-- node_modules/x.js --
`, `
[
  { a: [ 1, undefined, 1970-01-01T00:00:00.005Z ] },
  '[worker eval]',
  2,
  'object'
]
null
[
  { a: [ 1, null, '1970-01-01T00:00:00.005Z' ] },
  '[worker eval]',
  2,
  'object'
]
null
[ null, '[worker eval]', 2, 'object' ]
null
SyntaxError
imported`)
}

func TestErrorsOfWorkers(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const assert = require('assert');
const w = new Worker('errors.js');
const seen = [];
w.on('error', (e) => {
  assert(e instanceof Error);
  seen.push(e);
});
w.on('message', (m) => {
  if (m !== 'done') return;
  w.terminate((_, code) => {
    assert.strictEqual(code, 0);
    const [reference, own, derived, text, nothing, cyclic, getter, rejected] = seen;
    assert.strictEqual(seen.length, 8);
    assert(reference instanceof ReferenceError);
    assert.strictEqual(reference.message, 'missing is not defined');
    assert.match(reference.stack, /errors\.js:2:/);
    assert.deepStrictEqual({ ...own }, { code: 'E', list: [{ a: 1 }] });
    assert(own instanceof TypeError);
    assert.strictEqual(Object.getOwnPropertyDescriptor(own, 'stack').enumerable, false);
    assert.strictEqual(derived.constructor, Error);
    assert.strictEqual(derived.name, 'Mine');
    assert.strictEqual(derived.inherited, 'yes');
    assert.deepStrictEqual([text.message, text.stack, text.name], ['just text', null, 'Error']);
    assert.deepStrictEqual([nothing.message, nothing.stack], ['undefined', null]);
    assert.deepStrictEqual([cyclic.message, Object.keys(cyclic)], ['cyclic', []]);
    assert.deepStrictEqual([getter.message, Object.keys(getter)], ['getter', []]);
    assert.strictEqual(rejected.message, 'late');
    console.log('ok');
    const missing = new Worker('nowhere/missing.js');
    missing.on('error', (e) => { console.log(e.code); missing.terminate(); });
  });
});
-- errors.js --
const Worker = require('worker');
setTimeout(() => missing());
setTimeout(() => { throw Object.assign(new TypeError('m'), { code: 'E', list: [{ a: 1 }] }) });
setTimeout(() => { class Mine extends RangeError {} Mine.prototype.inherited = 'yes'; Object.defineProperty(Mine.prototype, 'name', { value: 'Mine' }); throw new Mine('d') });
setTimeout(() => { throw 'just text' });
setTimeout(() => { throw undefined });
setTimeout(() => { const e = new Error('cyclic'); e.self = e; e.x = 1; throw e });
setTimeout(() => { const e = new Error('getter'); Object.defineProperty(e, 'bad', { enumerable: true, get() { throw 1 } }); throw e });
setTimeout(() => { Promise.reject(new Error('late')) });
setTimeout(() => {
  process.on('uncaughtException', (e) => Worker.postMessage('done'));
  throw new Error('handled here');
}, 5);
`, `
ok
MODULE_NOT_FOUND`)
}

func TestUnheardErrorsEndTheOwner(t *testing.T) {
	r := runWorkers(t, `
-- main.js --
const Worker = require('worker');
new Worker('throw new RangeError("nobody listens")', { eval: true });
process.on('exit', (code) => console.log('exit', code));
`, nil)
	if r.code != 1 || strings.TrimSpace(r.out) != "exit 1" || !strings.Contains(r.err, "RangeError: nobody listens") {
		t.Errorf("%+v", r)
	}
}

func TestWorkersThatDieOfErrors(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker("process.on('exit', (c) => require('worker').postMessage(c)); setTimeout(() => { throw new Error('x') }, 1); setTimeout(() => require('worker').postMessage('no'), 5)", { eval: true, onUncaught: 'exit' });
w.on('error', (e) => console.log(e.message));
w.on('message', (m) => console.log(m));
w.on('exit', (code) => console.log('exit', code));
`, `
x
1
exit 1`)
}

func TestManyMessagesBothWays(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const count = 3000, workers = 3;
let ended = 0;
for (let k = 0; k < workers; k++) {
  const w = new Worker('flood.js');
  let sum = 0, received = 0, next = 0;
  w.on('message', (m) => {
    if (m.n !== next++) throw new Error('out of order');
    sum += m.n;
    if (++received === count) w.terminate(() => { console.log(received, sum); });
  });
  for (let n = 0; n < count; n++) w.postMessage({ n });
}
-- flood.js --
const Worker = require('worker');
Worker.on('message', (m) => { Worker.postMessage(m); });
`, `
3000 4498500
3000 4498500
3000 4498500`)
}

// A worker that is killed says nothing more, whatever it was doing.
func TestTerminatedWorkersSayNothing(t *testing.T) {
	for _, source := range []string{
		"setInterval(() => Worker.postMessage(1), 1); setImmediate(function f() { setImmediate(f) })",
		"while (true) try { Worker.postMessage(1) } catch {}",
		"while (true);",
		"process.on('exit', () => Worker.postMessage('exit')); process.on('beforeExit', () => Worker.postMessage('before'))",
		"new Worker('while (true) try { require(\"worker\").postMessage(1) } catch {}', { eval: true }).on('message', () => {})",
		"Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
		"(async () => { while (true) await null })()",
		"try { while (true); } catch {} finally { Worker.postMessage(1); while (true); }",
	} {
		for _, when := range []string{"w.terminate(done)", "setTimeout(() => w.terminate(done), 20)"} {
			t.Run("", func(t *testing.T) {
				wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker("const Worker = require('worker'); " + `+quoted(source)+`, { eval: true });
let over = false;
w.on('message', () => { if (over) console.log('message'); });
w.on('error', (e) => console.log('error', e));
w.on('exit', (code) => console.log('exit', code));
const done = (e, code) => { console.log('done', e, code); setTimeout(() => {}, 10); };
const terminate = w.terminate;
w.terminate = function (f) { over = true; terminate.call(w, f); };
`+when+`;
`, "exit 0\ndone null 0")
			})
		}
	}
}

func TestOverflowOfTheCallStackOfAWorker(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker('job.js', { keepAlive: false });
w.on('message', (m) => console.log(m));
w.on('error', (e) => console.log('error', e.name, e.message));
w.on('exit', (code) => {
  console.log('exit', code);
  const { Worker } = require('worker_threads');
  const w = new Worker('./job.js');
  w.on('message', (m) => console.log(m));
  w.on('error', (e) => console.log('error', e instanceof RangeError, e.message));
  w.on('exit', (code) => console.log('exit', code));
});
-- job.js --
const post = (m) => { const p = require('worker_threads').parentPort; p ? p.postMessage(m) : require('worker').postMessage(m); };
const f = () => f();
try { f(); } catch (e) { post(e.message); }
setTimeout(() => { try { f(); } catch (e) { post('timer ' + e.name); } f(); }, 1);
setTimeout(() => post('second'), 20);
`, `
Maximum call stack size exceeded
timer RangeError
error RangeError Maximum call stack size exceeded
second
exit 0
Maximum call stack size exceeded
timer RangeError
error true Maximum call stack size exceeded
exit 1`)
}

func quoted(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`", "$", "\\$").Replace(s) + "`"
}

func TestExitOfWorkers(t *testing.T) {
	for source, want := range map[string]string{
		"process.on('exit', (c) => { Worker.postMessage(['handler', c]); process.exit(5) }); process.exit(1337); Worker.postMessage('no')":         "[ 'handler', 1337 ]\nexit 1337",
		"process.once('beforeExit', () => { setTimeout(() => Worker.postMessage('again')) }); process.on('exit', () => Worker.postMessage('end'))": "again\nend\nexit 0",
		"process.on('beforeExit', () => { process.exit(7) }); process.on('exit', (c) => Worker.postMessage(c))":                                    "7\nexit 7",
		"process.exitCode = 4": "exit 4",
		"process.on('exit', () => { throw new Error('in exit') })":                                                                   "Error in exit\nexit 0",
		"try { process.exit(2) } catch { Worker.postMessage(1) } finally { Worker.postMessage(2) }":                                  "exit 2",
		"Promise.resolve().then(() => Worker.postMessage(1)); process.nextTick(() => Worker.postMessage(2)); process.exit(3)":        "exit 3",
		"process.on('exit', () => { setTimeout(() => Worker.postMessage(1)); Promise.resolve().then(() => Worker.postMessage(2)) })": "exit 0",
	} {
		t.Run("", func(t *testing.T) {
			wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker("const Worker = require('worker'); " + `+quoted(source)+`, { eval: true, keepAlive: false });
w.on('message', (m) => console.log(m));
w.on('error', (e) => console.log('Error', e.message));
w.on('exit', (code) => console.log('exit', code));
`, want)
		})
	}
}

func TestNestedWorkersEndWithTheirOwner(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker('nest.js', { data: 4 });
w.on('message', (m) => {
  console.log(m);
  if (m === 'depth 0') { const t = Date.now(); w.terminate(() => console.log('ended', Date.now() - t < 20000)); }
});
-- nest.js --
const Worker = require('worker');
const depth = process.workerData;
if (depth > 0) {
  const child = new Worker('nest.js', { data: depth - 1 });
  child.on('message', (m) => { Worker.postMessage(m); });
  child.on('exit', () => Worker.postMessage('nobody hears of this'));
} else {
  Worker.postMessage('depth 0');
  setTimeout(() => { while (true); }, 5);
}
`, `
depth 0
ended true`)
	// The end of the program is the end of all of them, and nobody is told.
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker('nest.js', { data: 2 });
w.on('exit', () => console.log('told'));
w.on('message', (m) => process.exit());
-- nest.js --
const Worker = require('worker');
if (process.workerData > 0) new Worker('nest.js', { data: process.workerData - 1 }).on('message', (m) => { Worker.postMessage(m); while (process.workerData !== 2); });
else Worker.postMessage(1);
`, ``)
}

func TestWorkersKilledAtRandomPoints(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
let left = 16;
for (let k = 0; k < 4; k++) for (let n = 0; n < 4; n++) {
  const w = new Worker('require.js', { data: n });
  w.on('message', () => {});
  setTimeout(() => w.terminate((e, code) => { if (--left === 0) console.log('all ended', e, code); }), (k * 7 + n * 13) % 40);
}
-- require.js --
const Worker = require('worker');
for (const name of ['assert', 'buffer', 'crypto', 'dns', 'events', 'fs', 'http', 'https', 'net', 'os', 'path', 'punycode', 'querystring', 'stream', 'string_decoder', 'tls', 'url', 'util', 'zlib']) {
  require(name);
  Worker.postMessage(name);
}
if (process.workerData > 0) new Worker('require.js', { data: process.workerData - 1 }).on('message', (m) => Worker.postMessage(m));
`, `all ended null 0`)
}

func TestWorkersThatDoNotCount(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker('setInterval(() => require("worker").postMessage(1), 20000)', { eval: true });
for (const type of ['message', 'error', 'exit']) w.on(type, () => console.log(type));
console.log(w.unref() === w);
process.on('exit', () => console.log('owner ends'));
`, `
true
owner ends`)
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const w = new Worker('const Worker = require("worker"); Worker.on("message", (m) => Worker.postMessage(m + 1))', { eval: true });
w.unref();
const hold = setInterval(() => {}, 1000);
w.on('message', (m) => {
  console.log(m);
  if (m < 4) w.postMessage(m);
  else { clearInterval(hold); w.ref(); w.terminate(); }
});
w.on('exit', (code) => console.log('exit', code));
w.postMessage(1);
`, `
2
3
4
exit 0`)
}

func TestProcessOfAWorker(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const assert = require('assert');
assert.deepStrictEqual([process.isMainInstance, process.isWorkerInstance, process.isMainThread, process.isWorkerThread, process.tid, process.threadId, process.workerData],
  [true, false, true, false, 0, 0, undefined]);
assert.strictEqual(process.features.experimental_workers, true);
process.env.SHARED = 'before';
process.title = 'mine';
const w = new Worker('checks.js');
w.on('error', (e) => { console.log(e.stack); process.exit(1); });
w.on('message', () => {
  process.env.SHARED = 'after';
  w.postMessage(1);
  w.on('message', () => {
    assert.strictEqual(process.env.SHARED, 'after');
    assert.strictEqual(process.title, 'mine');
    w.terminate(() => console.log('ok'));
  });
});
-- checks.js --
'use strict';
const Worker = require('worker');
const assert = require('assert');
assert.deepStrictEqual([process.isMainInstance, process.isWorkerInstance, process.isMainThread, process.isWorkerThread], [false, true, false, true]);
assert(process.tid >= 1 && process.threadId === process.tid);
assert.throws(() => { process.tid = 5 }, TypeError);
assert.throws(() => { process.workerData = 5 }, TypeError);
assert.strictEqual(process.workerData, null);
assert.deepStrictEqual(process.argv, ['node', __filename]);
assert.deepStrictEqual(process.execArgv, []);
assert.strictEqual(process.stdin, null);
assert.strictEqual(process.features.experimental_workers, true);
for (const name of ['openStdin', 'chdir', 'abort', 'setuid', 'seteuid', 'setgid', 'setegid', 'setgroups', 'initgroups', 'dlopen', '_debugProcess', '_debugEnd', '_debugPause']) {
  assert(!(name in process), name);
  assert.throws(() => process[name]('.'), /is not a function/);
}
assert.strictEqual(typeof process.umask(), 'number');
assert.throws(() => process.umask(0o22), { name: 'RangeError', message: 'cannot set umask from a worker' });
assert.throws(() => { process.title = 'x' }, TypeError);
assert.throws(() => { process.debugPort = 1 }, TypeError);
assert.throws(() => { process.env.SHARED = 'x' }, TypeError);
assert.throws(() => { process.env.NEW = 'x' }, TypeError);
assert.throws(() => { delete process.env.SHARED }, TypeError);
assert.strictEqual(process.env.SHARED, 'before');
assert.strictEqual(process.title, 'mine');
assert.strictEqual(process.cwd(), require('path').dirname(__filename));
assert(process.uptime() >= 0 && process.pid > 0);
new Function('process.env.SHARED = 1; process.title = 2; delete process.env.SHARED')();
process.stdout.write('');
assert.strictEqual(process.on, require('events').prototype.on);
Worker.once('message', () => {
  assert.strictEqual(process.env.SHARED, 'after');
  Worker.postMessage('done');
});
Worker.postMessage('ready');
`, `ok`)
}

func TestWhatMessagesMayHold(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const assert = require('assert');
const { inspect } = require('util');
const w = new Worker('const Worker = require("worker"); Worker.on("message", (m) => Worker.postMessage(m))', { eval: true });
const cycle = { name: 'c' }; cycle.self = cycle;
const shared = new SharedArrayBuffer(8);
const values = [undefined, null, NaN, -0, 10n, 'text', [1, , 3], new Map([[1, new Set([2])]]), /x/gi, new Date(1), cycle, new Uint8Array([1, 2]), new Error('e'),
  { f() {}, s: Symbol(), kept: 1 }, [() => 1], () => 1, Object.create({ inherited: 1 })];
for (const v of values) w.postMessage(v);
assert.throws(() => w.postMessage(new WeakMap()), { name: 'DataCloneError' });
assert.throws(() => w.postMessage(Promise.resolve()), { name: 'DataCloneError' });
assert.throws(() => w.postMessage({ get x() { throw new RangeError('getter') } }), { name: 'RangeError', message: 'getter' });
assert.throws(() => w.postMessage(new Proxy({}, {})), { name: 'DataCloneError' });
assert.throws(() => w.postMessage(1, [1]), { name: 'TypeError' });
const other = new Worker('', { eval: true });
assert.throws(() => other.postMessage({ get x() { other.terminate() } }), { name: 'RangeError', message: 'this worker has been terminated' });
assert.throws(() => w.postMessage(1, 5), { name: 'TypeError' });
const moved = new ArrayBuffer(16);
w.postMessage(moved, [moved]);
assert.strictEqual(moved.byteLength, 0);
w.postMessage(shared);
w.postMessage();
w.postMessage('last');
w.on('message', (m) => {
  if (m instanceof SharedArrayBuffer) { new Int32Array(m)[0] = 7; assert.strictEqual(new Int32Array(shared)[0], 7); }
  console.log(inspect(m).split('\n')[0]);
  if (m === 'last') w.terminate();
});
`, `
undefined
null
NaN
-0
10n
'text'
[ 1, <1 empty item>, 3 ]
Map(1) { 1 => Set(1) { 2 } }
/x/gi
1970-01-01T00:00:00.001Z
<ref *1> { name: 'c', self: [Circular *1] }
Uint8Array(2) [ 1, 2 ]
Error: e
{ kept: 1 }
[ undefined ]
undefined
{}
ArrayBuffer {
SharedArrayBuffer {
null
'last'`)
}

func TestMessagesOfJSON(t *testing.T) {
	const source = `
-- main.js --
const Worker = require('worker');
const assert = require('assert');
const w = new Worker('const Worker = require("worker"); Worker.on("message", (m) => Worker.postMessage(m))', { eval: true, ...OPTIONS });
for (const v of [undefined, NaN, { d: new Date(0), m: new Map([[1, 2]]), u: undefined, f() {} }, '\ud800', { toJSON: () => 'own' }]) w.postMessage(v);
const cycle = {}; cycle.self = cycle;
assert.throws(() => w.postMessage(cycle), TypeError);
assert.throws(() => w.postMessage(1n), TypeError);
assert.throws(() => w.postMessage(1, [new ArrayBuffer(1)]), TypeError);
w.postMessage('last');
w.on('message', (m) => { console.log(m); if (m === 'last') w.terminate(); });
`
	const want = `
null
null
{ d: '1970-01-01T00:00:00.000Z', m: {} }
` + "\ufffd" + `
own
last`
	wantWorkers(t, strings.Replace(source, "OPTIONS", "{ codec: 'json' }", 1), want)
	wantWorkers(t, strings.Replace(source, "OPTIONS", "{}", 1), want, "IOJS_WORKER_JSON=1")
}

func TestWhereEntriesAreFound(t *testing.T) {
	wantWorkers(t, `
-- main.js --
require('./sub/start');
-- top.js --
require('worker').postMessage('top');
-- sub/start.js --
const Worker = require('worker');
const show = (w, next) => w.on('message', (m) => { console.log(m); w.terminate(next); }).on('error', (e) => { console.log(e.code); w.terminate(next); });
show(new Worker('top.js'), () =>
  show(new Worker('./inner.js'), () =>
    show(new Worker('./inner.js', { resolve: 'module' }), () =>
      show(new Worker('pkg', { resolve: 'module' }), () =>
        show(new Worker(__dirname + '/inner.js'), () =>
          show(new Worker('none', { resolve: 'module' })))))));
-- sub/inner.js --
require('worker').postMessage('inner');
-- sub/node_modules/pkg/index.js --
require('worker').postMessage('pkg');
`, `
top
MODULE_NOT_FOUND
inner
pkg
inner
MODULE_NOT_FOUND`)
}

func TestFloodsAreBounded(t *testing.T) {
	r := runWorkers(t, `
-- main.js --
const Worker = require('worker');
const deaf = new Worker('while (true);', { eval: true });
let n = 0;
try { for (;;) { deaf.postMessage(1); n++; } } catch (e) { console.log(n, e.name, e.message); }
const loud = new Worker('const Worker = require("worker"); let n = 0; try { for (;;) { Worker.postMessage(1); n++; } } catch (e) { Atomics.store(new Int32Array(process.workerData), 0, n); Atomics.notify(new Int32Array(process.workerData), 0); }', { eval: true, data: globalThis.s = new SharedArrayBuffer(4) });
Atomics.wait(new Int32Array(s), 0, 0);
console.log(new Int32Array(s)[0]);
let heard = 0;
loud.on('message', () => { if (++heard === 100) { console.log(heard); process.exit(); } });
const many = [];
try { for (;;) many.push(new Worker('', { eval: true })); } catch (e) { console.log(many.length, e.name, e.message); }
`, nil, "threads.messages=100", "threads.alive=5")
	if r.out != "100 RangeError Too many messages wait for the thread.\n100\n2 RangeError There are 5 threads already, and there cannot be more.\n100\n" || r.code != 0 {
		t.Errorf("%+v", r)
	}
}

func TestListenersThatThrow(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
process.on('uncaughtException', (e) => console.log('caught', e.message));
const w = new Worker("const Worker = require('worker'); Worker.on('message', (m) => { if (m === 1) throw new Error('inside'); Worker.postMessage(m) })", { eval: true });
w.on('error', (e) => { throw new Error('error ' + e.message) });
w.on('message', (m) => { w.terminate(() => { throw new Error('callback') }); throw new Error('message ' + m) });
w.on('exit', () => { throw new Error('exit') });
w.on('newListener', () => {});
w.postMessage(1);
w.postMessage(2);
`, `
caught error inside
caught message 2
caught exit`)
}

func TestPatchedPrototypesDoNotReachTheModule(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const EventEmitter = require('events');
WeakMap.prototype.get = WeakMap.prototype.set = Function.prototype.call = Function.prototype.apply = () => { throw new Error('patched') };
Object.prototype.keepAlive = false;
delete Object.prototype.keepAlive;
JSON.parse = JSON.stringify = Error.prototype.toString = () => { throw new Error('patched') };
const w = new Worker("JSON.parse = JSON.stringify = () => { throw 1 }; require('worker').postMessage(1); throw Object.assign(new TypeError('m'), { a: 1 })", { eval: true, codec: 'json' });
w.on('message', (m) => console.log(m));
w.on('error', (e) => { console.log(e.message, e.a); w.terminate(); });
`, `
1
m 1`)
}

// A stack of so many megabytes is a share of the calls that the program allows, also for who is started by a worker with less.
func TestStacksOfWorkersOfNode(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const { Worker } = require('worker_threads');
const body = `+"`"+`
  const { parentPort, Worker, workerData, resourceLimits } = require('worker_threads');
  let n = 0;
  const f = () => { n++; f(); };
  try { f(); } catch (e) { parentPort.postMessage([resourceLimits.stackSizeMb, Math.round(n / 100) * 100, e.name]); }
  if (workerData) {
    const w = new Worker(workerData.body, { eval: true, resourceLimits: { stackSizeMb: 2 } });
    w.on('message', (m) => parentPort.postMessage(['below', ...m]));
  }
`+"`"+`;
(async () => {
  for (const stackSizeMb of [0.5, 1, 2, 4, 64, undefined, 0, -1, NaN, '1', 0.01]) {
    await new Promise((r) => new Worker(body, { eval: true, resourceLimits: { stackSizeMb } }).on('message', (m) => console.log(...m)).on('error', (e) => console.log(e)).on('exit', r));
  }
  await new Promise((r) => new Worker(body, { eval: true, resourceLimits: { stackSizeMb: 1 }, workerData: { body } }).on('message', (m) => console.log(...m)).on('exit', r));
})();
`, `
0.5 500 RangeError
1 1000 RangeError
2 2000 RangeError
4 4000 RangeError
64 4000 RangeError
4 4000 RangeError
4 4000 RangeError
4 4000 RangeError
4 4000 RangeError
4 4000 RangeError
0.1875 200 RangeError
1 1000 RangeError
below 2 2000 RangeError
`)
}

func TestWorkersOfNode(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const assert = require('assert');
const { Worker, isMainThread, parentPort, workerData, threadId, SHARE_ENV, markAsUntransferable, receiveMessageOnPort, moveMessagePortToContext } = require('node:worker_threads');
assert.strictEqual(require('worker_threads').Worker, Worker);
assert.deepStrictEqual([isMainThread, parentPort, workerData, threadId, typeof SHARE_ENV], [true, null, null, 0, 'symbol']);
assert.throws(() => Worker('./x.js'), TypeError);
assert.throws(() => new Worker('x.js'), { code: 'ERR_WORKER_PATH' });
assert.throws(() => new Worker(5), { code: 'ERR_INVALID_ARG_TYPE' });
assert.throws(() => new Worker('./x.js', { argv: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' });
assert.throws(() => new Worker('./x.js', { env: 5 }), { code: 'ERR_INVALID_ARG_TYPE' });
assert.throws(() => moveMessagePortToContext(new MessageChannel().port1, {}), { code: 'ERR_METHOD_NOT_IMPLEMENTED' });
assert.throws(() => new Worker('./x.js', { workerData: () => {} }), { name: 'DataCloneError' });
assert.throws(() => receiveMessageOnPort({}), { code: 'ERR_INVALID_ARG_TYPE' });
const moved = new ArrayBuffer(4), kept = new ArrayBuffer(4);
markAsUntransferable(kept);
const w = new Worker(__dirname + '/thread.js', { workerData: { big: 1n, moved }, transferList: [moved], argv: ['x', 2] });
assert.strictEqual(moved.byteLength, 0);
assert.throws(() => w.postMessage(kept, [kept]), TypeError);
w.on('online', () => console.log('online'));
w.on('message', (m) => console.log(m));
w.on('error', (e) => console.log('error', e instanceof RangeError, e.message));
w.on('exit', (code) => {
  console.log('exit', code, w.threadId);
  w.postMessage('to nobody');
  next();
});
w.postMessage('first');
w.postMessage('second');
w.postMessage('third');
function next() {
  const spinning = new Worker('while (true);', { eval: true });
  spinning.on('online', () => spinning.terminate().then((code) => {
    console.log('terminated', code);
    // Messages that nobody listens to keep nothing alive.
    const quiet = new Worker('process.exitCode = 4; require("worker_threads")', { eval: true });
    quiet.postMessage(1);
    quiet.on('exit', (code) => {
      console.log('quiet', code);
      const url = require('url').pathToFileURL(__dirname + '/close.js');
      new Worker(url).on('message', (m) => console.log(m)).on('exit', (code) => console.log('closed', code)).postMessage('once');
    });
  }));
}
-- thread.js --
const { parentPort, workerData, threadId, isMainThread, receiveMessageOnPort } = require('worker_threads');
let first;
while ((first = receiveMessageOnPort(parentPort)) === undefined); // the owner may not have sent it yet
parentPort.postMessage([workerData, threadId > 0, isMainThread, process.argv.slice(2), first]);
parentPort.on('message', (m) => { parentPort.postMessage(m); if (m === 'third') throw new RangeError('boom') });
-- close.js --
const { parentPort } = require('worker_threads');
parentPort.onmessage = (e) => { parentPort.postMessage([e.data]); parentPort.close(); parentPort.postMessage('no'); };
`, `
online
[
  {
    big: 1n,
    moved: ArrayBuffer { [Uint8Contents]: <00 00 00 00>, byteLength: 4 }
  },
  true,
  false,
  [ 'x', '2' ],
  { message: 'first' }
]
second
third
error true boom
exit 1 -1
terminated 1
quiet 4
[ 'once' ]
closed 0`)
}

// Ports go along with the messages of every face.
func TestPortsOfAllFaces(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const Worker = require('worker');
const assert = require('assert');
const w = new Worker("const Worker = require('worker'); Worker.on('message', ({ p, list }) => { p.postMessage(['io.js', list]); p.close() })", { eval: true });
const c = new MessageChannel();
assert.throws(() => w.postMessage({ p: c.port2 }), { name: 'DataCloneError', message: /not listed in transferList/ });
w.postMessage({ p: c.port2, list: [1] }, [c.port2]);
assert.throws(() => w.postMessage({ p: c.port2 }, [c.port2]), { name: 'DataCloneError', message: /already detached/ });
c.port1.on('message', (m) => console.log(m));
c.port1.on('close', () => {
  console.log('closed');
  w.terminate(donated);
});
function donated() {
  const w = new Worker("const Worker = require('worker'); Worker.on('message', ({ p, list }) => { p.postMessage(['donated', list]); p.close() })", { eval: true, codec: 'donate' });
  const c = new MessageChannel(), list = [1, 2];
  w.postMessage({ p: c.port2, list });
  assert.strictEqual(list.length, 0);
  c.port1.onmessage = (e) => console.log(e.data);
  c.port1.on('close', () => w.terminate(flooded));
}
function flooded() {
  const w = new Worker("const Worker = require('worker'); Worker.on('message', () => {}); for (;;);", { eval: true });
  const c = new MessageChannel();
  w.postMessage(c.port2, [c.port2]);
  let n = 0;
  try { for (;;) { c.port1.postMessage(1); n++; } } catch (e) { console.log(n > 1000, e.name, e.message); }
  const lost = new MessageChannel();
  assert.throws(() => c.port1.postMessage(lost.port2, [lost.port2]), RangeError);
  lost.port1.on('close', () => console.log('lost'));
  c.port1.on('close', () => console.log('killed'));
  w.terminate();
}
`, `
[ 'io.js', [ 1 ] ]
closed
[ 'donated', [ 1, 2 ] ]
true RangeError Too many messages wait at the other end of the port.
lost
killed`)
}

func TestModulesStartWorkers(t *testing.T) {
	wantWorkers(t, `
-- main.js --
import('./main.mjs');
-- main.mjs --
import Worker, { Worker as Same } from 'worker';
import { isMainThread } from 'node:worker_threads';
console.log(Worker === Same, isMainThread);
const w = new Worker('late.mjs');
w.on('message', (m) => { console.log(m); w.terminate(); });
w.postMessage('early');
-- late.mjs --
import Worker from 'worker';
await new Promise((f) => setTimeout(f, 20));
Worker.on('message', (m) => Worker.postMessage(['late', m]));
`, `
true true
[ 'late', 'early' ]`)
}

// All that a worker has posted is delivered, then its error, then its end, however busy the two threads are.
func TestWhatWorkersSayComesBeforeTheirEnd(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const { Worker } = require('worker_threads');
const assert = require('assert');
let left = 60;
for (let n = 0; n < 60; n++) {
  const seen = [];
  const w = new Worker("const { parentPort, workerData: n } = require('worker_threads'); process.on('exit', (c) => { for (let i = 0; i < n; i++) parentPort.postMessage('last ' + c); }); for (let i = 0; i < n; i++) parentPort.postMessage(i); if (n % 2) throw new Error('end'); process.exit(3)", { eval: true, workerData: n });
  w.on('message', (m) => seen.push(m));
  w.on('error', (e) => seen.push(e.message));
  w.on('exit', (code) => {
    const all = Array.from({ length: n }, (_, i) => i), odd = n % 2;
    assert.deepStrictEqual([...seen, code], [...all, ...all.map(() => odd ? 'last 1' : 'last 3'), ...(odd ? ['end', 1] : [3])]);
    if (--left === 0) console.log('done');
  });
}
`, "done")
	r := runWorkers(t, `
-- main.js --
new (require('worker_threads').Worker)("throw new RangeError('nobody listens')", { eval: true }).on('exit', (c) => console.log('never', c));
process.on('exit', (code) => console.log('exit', code));
`, nil)
	if r.code != 1 || strings.TrimSpace(r.out) != "exit 1" || !strings.Contains(r.err, "RangeError: nobody listens") {
		t.Errorf("%+v", r)
	}
}
