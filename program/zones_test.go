package program_test

import (
	"path/filepath"
	"strings"
	"testing"

	"workerd.local/program"
)

// inZone runs each line of a text as the body of a function on a worker of a zone of three, and prints what it returns. The
// files of the test are beside main.js.
func inZone(lines string) string {
	var b strings.Builder
	b.WriteString("\n-- main.js --\nconst napa = require('napajs');\nconst zone = napa.zone.create('zone', { workers: 3 });\n" +
		"const run = (...args) => zone.execute(...args).then((r) => console.log(JSON.stringify(r.value)), (e) => console.log('! ' + e.split('\\n')[0]));\n(async () => {\n")
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			b.WriteString(line[1:] + "\n")
		} else {
			b.WriteString("await run(async () => { " + line + " });\n")
		}
	}
	b.WriteString("})();\n")
	return b.String()
}

func TestModulesOfZoneWorkers(t *testing.T) {
	want(t, inZone(`
		const a = require('./lib/value'), b = require('./lib/value.js'); return [a === b, a.loaded, a.file, module.children.length > 0];
		return [require('./lib/data'), require('./lib/data.json') === require('./lib/data')];
		return [require('./lib/up').done, require('./lib/down').seen];
		require('./lib/none');
		try { require('./lib/none'); } catch (e) { return [e.name, e.code]; }
		require('./lib/broken');
		return [require.resolve('./lib/value'), require.resolve('./lib/../lib/value.js'), require.resolve(__dirname + '/lib/data'), require.resolve('box'), require.resolve('fs')];
		require.resolve('./lib/none');
		return [typeof exports, typeof module, typeof global, global === globalThis, typeof __dirname, __in_napa, typeof __napa_zone_call__, napa === require('napajs')];
		return require('./lib/where').from;
		#console.log(typeof __in_napa, typeof __napa_zone_call__, require('./lib/where').from);
	`)+`
-- lib/value.js --
exports.loaded = true;
exports.file = __filename;
-- lib/data.json --
{"list": [1, {"a": null}]}
-- lib/up.js --
exports.done = false;
exports.other = require('./down').done;
exports.done = true;
-- lib/down.js --
exports.done = false;
exports.seen = require('./up').done;
exports.done = true;
-- lib/broken.js --
exports.a = (;
-- lib/where.js --
exports.from = typeof __in_napa === 'undefined' ? 'node' : 'zone';
-- node_modules/box/index.js --
`, `
[true,true,"DIR/lib/value.js",true]
[{"list":[1,{"a":null}]},true]
[true,false]
! Error: Cannot find module './lib/none'
["Error","MODULE_NOT_FOUND"]
! SyntaxError: Unexpected token ';'
["DIR/lib/value.js","DIR/lib/value.js","DIR/lib/data.json","DIR/node_modules/box/index.js","fs"]
! Error: Cannot find module './lib/none'
["object","object","object",true,"string",true,"function",true]
"zone"
undefined function node
`)
}

// require of a worker of a zone compiles the text that it is given after the name, each time.
func TestTextsAsModulesOfZoneWorkers(t *testing.T) {
	want(t, inZone(`
		const m = require('./made/up.js', 'exports.at = [__filename, __dirname, module.id]; exports.data = require("../lib/data")'); return m;
		const one = require('./made/up', 'globalThis.count = (globalThis.count || 0) + 1'); require('./made/up', 'count++'); return count;
		return require('./lib/data.json', 'module.exports = "the text, not the file"');
		return [require('./lib/data.json'), require('./lib/data.json', undefined), require('./lib/data.json', 5)];
		require('./made/up', ''); require('./made/up');
		require('./made/up', 'exports.a = (;');
		require('./made/up', 'throw new RangeError("as it was evaluated")');
		require('', 'exports.a = 1');
		return require('/elsewhere/made', 'module.exports = [__filename, typeof require("fs").readFileSync]');
		#try { require('./made/up', 'exports.a = 1'); } catch (e) { console.log(e.code); }
	`)+`
-- lib/data.json --
{"n": 1}
`, `
{"at":["DIR/made/up.js","DIR/made","DIR/made/up.js"],"data":{"n":1}}
2
"the text, not the file"
[{"n":1},{"n":1},{"n":1}]
! Error: Cannot find module './made/up'
! SyntaxError: Unexpected token ';'
! RangeError: as it was evaluated
! TypeError [ERR_INVALID_ARG_VALUE]: The argument 'id' must be a non-empty string. Received ''
["/elsewhere/made","function"]
MODULE_NOT_FOUND
`)
}

func TestAddonsAreRefused(t *testing.T) {
	want(t, inZone(`
		require('./lib/addon.napa');
		require('./lib/addon');
		try { require('./lib/addon'); } catch (e) { return [e instanceof Error, e.code]; }
		return [require.resolve('./lib/addon'), require('./lib/both')];
		require('./lib/none.napa');
		require('./lib/other.node');
		#await run(__dirname + '/lib/addon.napa', 'f');
		#await run('./lib/addon', 'f');
		#try { require('./lib/addon'); } catch (e) { console.log(e.message); }
	`)+`
-- lib/addon.napa --
not JavaScript
-- lib/both.napa --
not JavaScript
-- lib/both.js --
module.exports = 'JavaScript comes first';
-- lib/other.node --
not JavaScript
`, `
! Error: DIR/lib/addon.napa: native addons cannot be loaded here
! Error: DIR/lib/addon.napa: native addons cannot be loaded here
[true,"ERR_DLOPEN_FAILED"]
["DIR/lib/addon.napa","JavaScript comes first"]
! Error: Cannot find module './lib/none.napa'
! Error: DIR/lib/other.node: native addons cannot be loaded here
! Error: DIR/lib/addon.napa: native addons cannot be loaded here
! Error: DIR/lib/addon.napa: native addons cannot be loaded here
DIR/lib/addon.napa: native addons cannot be loaded here
`)
}

// What Napa.js has of node: more is there, but this is what its programs count on.
func TestCoreModulesOfZoneWorkers(t *testing.T) {
	want(t, inZone(`
		const assert = require('assert'); assert(1); assert.equal(1, '1'); assert.deepEqual({ a: [1] }, { a: [1] }); assert.notStrictEqual(1, '1'); assert.doesNotThrow(() => {}); try { assert.ifError(new Error('told')) } catch (e) { return e.message }
		require('assert').strictEqual(1, 2, 'one is not two');
		const { EventEmitter } = require('events'), e = new EventEmitter, seen = []; e.on('newListener', (n) => seen.push(n)); e.once('x', (v) => seen.push(v)); e.emit('x', 1); e.emit('x', 2); return [seen, e.listenerCount('x'), EventEmitter.defaultMaxListeners];
		const fs = require('fs'), d = __dirname + '/made'; fs.mkdirSync(d); fs.writeFileSync(d + '/b', 'text'); fs.writeFileSync(d + '/a', ''); return [fs.existsSync(d), fs.existsSync(d + '/none'), fs.readdirSync(d), fs.readFileSync(d + '/b').toString(), String(fs.readFileSync(d + '/b', 'utf8'))];
		try { require('fs').mkdirSync(__dirname + '/made') } catch (e) { return e.code }
		const path = require('path'); return [path.normalize('a/b/../c/./d/././.'), path.resolve('/x/y', '../z'), path.relative('/t/a', '/t/b'), path.join('/a', '..', 'b'), path.basename('/t/a.js', '.js'), path.extname('.x'), path.isAbsolute('a'), path.sep, path.format(path.parse('/a/b.c'))];
		return [require('os').type() === require('os').type(), typeof require('os').type(), require('tty').isatty(0)];
		const util = require('util'); function A() {} function B() {} util.inherits(A, B); return [util.format('%s %d %j', 'a', 1, { b: 2 }), new A instanceof B, util._extend({ a: 1 }, { b: 2 }), typeof util.debuglog('x'), util.inspect([1])];
		return [process.argv.length > 0, process.cwd() === __dirname, typeof process.execPath, process.hrtime().length, process.hrtime([0, 0]).length, process.pid > 0, typeof process.platform];
		process.env.FROM_A_ZONE = 'set'; const old = process.umask(0o27); return [process.umask().toString(8), process.env.FROM_A_ZONE];
		#console.log(process.umask().toString(8), process.env.FROM_A_ZONE);
		delete process.env.FROM_A_ZONE; process.chdir(__dirname + '/made'); return require('path').resolve('a');
		#console.log(process.env.FROM_A_ZONE, process.cwd(), await require('fs').promises.readFile('b', 'utf8'));
		return [await new Promise((resolve) => require('fs').readFile('b', 'utf8', (e, text) => resolve(text))), await require('util').promisify(setTimeout)(1, 'later')];
		console.log('a line of a worker');
		process.chdir('/no/such/place');
	`), `
"ifError got unwanted exception: told"
! AssertionError [ERR_ASSERTION]: one is not two
[["x",1],0,10]
[true,false,["a","b"],"text","text"]
"EEXIST"
["a/c/d","/x/z","../b","/b","a","",false,"/","/a/b.c"]
[true,"string",false]
["a 1 {\"b\":2}",true,{"a":1,"b":2},"function","[ 1 ]"]
[true,true,"string",2,2,true,"string"]
["27","set"]
27 set
"DIR/made/a"
undefined DIR/made text
["text","later"]
a line of a worker
undefined
! Error: ENOENT: no such file or directory, chdir 'DIR/made' -> '/no/such/place'
`)
}

func TestTimersOfZoneWorkers(t *testing.T) {
	want(t, `
-- main.js --
const napa = require('napajs');
const zone = napa.zone.create('zone', { workers: 3 });
const groups = [0, 1, 2];
(async () => {
  for (const name of ['immediates', 'timeouts', 'interval', 'handles']) {
    const all = await Promise.all(groups.map((g) => zone.execute('./timers', name, [g])));
    console.log(name, JSON.stringify(all.map((r) => r.value)));
  }
})();
-- timers.js --
const { setImmediate, clearImmediate, setTimeout, clearTimeout, setInterval, clearInterval } = require('timers');
exports.immediates = (group) => new Promise((resolve) => {
  const seen = [];
  for (let n = 0; n < 4; n++) {
    const handle = setImmediate((text) => { seen.push(text + n); if (n === 3) resolve(seen.join()); }, 'i' + group);
    if (n === 1) clearImmediate(handle);
  }
  seen.push('first');
});
exports.timeouts = (group) => new Promise((resolve) => {
  const seen = [], began = Date.now();
  for (let n = 0; n < 4; n++) {
    const after = 20 * (n + 1);
    const handle = setTimeout((text) => {
      seen.push(text + n + (Date.now() - began >= after - 1 ? '' : ' too early'));
      if (n === 3) resolve(seen.join());
    }, after, 't' + group);
    if (n === 1) clearTimeout(handle);
  }
});
exports.interval = () => new Promise((resolve) => {
  let n = 0;
  const began = Date.now();
  const handle = setInterval(() => {
    if (++n !== 4) return;
    clearInterval(handle);
    const took = Date.now() - began;
    setTimeout(() => resolve([n, took >= 39]), 50);
  }, 10);
});
exports.handles = () => new Promise((resolve) => {
  const t = setTimeout(() => {}, 1e6), i = setInterval(() => {}, 1e6), m = setImmediate(() => {});
  const kinds = [t, i, m].map((h) => typeof h);
  clearTimeout(t); clearInterval(i); clearImmediate(m);
  for (const nothing of [undefined, null, 'x', {}, -1]) { clearTimeout(nothing); clearInterval(nothing); clearImmediate(nothing); }
  setTimeout(() => setTimeout(resolve, -5, kinds), 0);
});
`, `
immediates ["first,i00,i02,i03","first,i10,i12,i13","first,i20,i22,i23"]
timeouts ["t00,t02,t03","t10,t12,t13","t20,t22,t23"]
interval [[4,true],[4,true],[4,true]]
handles [["object","object","object"],["object","object","object"],["object","object","object"]]
`)
}

func TestModulesOfCallsAreFound(t *testing.T) {
	want(t, `
-- sub/main.js --
const napa = require('napajs');
const zone = napa.zone.create('zone', { workers: 1 });
const call = (...args) => zone.execute(...args).then((r) => console.log(JSON.stringify(r.value)), (e) => console.log('! ' + e.split('\n')[0]));
(async () => {
  await call('near', 'name');
  await call('./near', 'name');
  await call('../top', 'name');
  await call('both', 'name');
  await call('box', 'name');
  await call('box/part', 'name');
  await call('path', 'basename', ['/a/b']);
  await call('./box', 'name');
  await call('nowhere', 'name');
  await call(require.resolve('box'), 'name');
})();
-- sub/near.js --
exports.name = () => 'near';
-- sub/both.js --
exports.name = () => 'the file beside comes first';
-- top.js --
exports.name = () => 'top';
-- node_modules/both.js --
-- node_modules/box/index.js --
exports.name = () => 'box';
-- node_modules/box/part.js --
exports.name = () => 'part of ' + require('.').name();
`, `
"near"
"near"
"top"
"the file beside comes first"
"box"
"part of box"
"b"
! Error: Cannot find module 'DIR/sub/box'
! Error: Cannot find module 'DIR/sub/nowhere'
"box"
`)
}

func TestModulesOfCallsAreFoundByNodePath(t *testing.T) {
	dir := write(t, `
-- main.js --
require('napajs').zone.create('zone', { workers: 1 }).execute('far', 'name').then((r) => console.log(r.value), console.log);
-- paths/far.js --
exports.name = () => 'far';
`)
	r := runWith(t, program.Options{Entry: "main.js", Dir: dir, Env: []string{"NODE_PATH=" + filepath.Join(dir, "paths")}})
	if r.out != "far\n" || r.code != 0 {
		t.Errorf("code %d\n%s%s", r.code, r.out, r.err)
	}
}
