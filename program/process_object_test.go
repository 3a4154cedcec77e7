package program_test

import "testing"

// The object looks as if all of it were there from the start.
func TestProcessLooksLikeAnObject(t *testing.T) {
	want(t, `
-- main.js --
const assert = require('assert');
const of = (name) => Object.getOwnPropertyDescriptor(process, name);
assert(Object.keys(process).includes('loadEnvFile') && !Object.keys(process).includes('workerData') && 'openStdin' in process);
assert.strictEqual(process.umask, process.umask);
assert.strictEqual(process.env, process.env);
assert.deepStrictEqual(['getuid', 'uptime', '_rawDebug', 'hrtime'].map((name) => process[name].name), ['getuid', 'uptime', '_rawDebug', 'hrtime']);
{
  const { value, ...how } = of('cwd');
  assert.deepStrictEqual(how, { writable: true, enumerable: true, configurable: true });
}
assert.deepStrictEqual(of('tid'), { value: 0, writable: false, enumerable: true, configurable: false });
assert.deepStrictEqual(Object.keys(of('exitCode')), ['get', 'set', 'enumerable', 'configurable']);
assert.strictEqual(of('exitCode').configurable, false);
assert.strictEqual(of('title').configurable, true);
assert.deepStrictEqual(of(Symbol.toStringTag), { value: 'process', writable: false, enumerable: false, configurable: true });
process.cwd = () => 'mine';
assert.strictEqual(process.cwd(), 'mine');
assert(delete process.chdir && !('chdir' in process) && process.chdir === undefined);
Object.defineProperty(process, 'uptime', { writable: false });
assert.throws(() => { 'use strict'; process.uptime = 1; }, TypeError);
assert.strictEqual(typeof process.uptime(), 'number');
console.log('ok');
`, "ok")
}
