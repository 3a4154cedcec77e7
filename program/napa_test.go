package program_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"workerd.local/isolate"
	"workerd.local/program"
)

// The programs of examples/napa print what is beside them.
func TestNapaExamples(t *testing.T) {
	dir, err := filepath.Abs("../examples/napa")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pi.js", "quick-sort.js", "shapes.ts", "lock.mjs"} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name))+".out"))
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, dir, name)
			// The place in the log is that of this machine.
			got.out, _, _ = strings.Cut(got.out, "[example]")
			if got.code != 0 || got.err != "" || got.out != string(want) {
				t.Errorf("code %d\n%s%s\nwant\n%s", got.code, got.out, got.err, want)
			}
		})
	}
}

func TestZonesOfPrograms(t *testing.T) {
	want(t, `
-- main.js --
const napa = require('napajs');
const path = require('path');
const zone = napa.zone.create('zone', { workers: 2 });
const run = (...args) => zone.execute(...args).then((r) => r.value, (e) => '! ' + e);
(async () => {
  console.log(...await run('./lib/work', 'where'), await run(path.join(__dirname, 'lib/work.js'), 'deep.echo', [1]), await run('./data.json', 'x'));
  console.log(await run('./lib/missing', 'x').then((s) => s.split('\n')[0]));
  console.log(await run(() => [typeof require, path === undefined, __filename]).catch(String));
  console.log(...await run(() => [require('./lib/work').where()[0], process.pid === 0, typeof process.exit, __filename, require('os').EOL.charCodeAt()]));
  console.log(await run(function () { return [typeof napa, typeof __napa_zone_call__, napa.zone.current.id]; }));
  console.log(await run(async () => { const fs = require('fs'); return fs.readFileSync(__dirname + '/data.json', 'utf8').trim(); }));
  console.log(await run(async (list) => { let sum = 0; for await (const n of (async function* () { yield* list; })()) sum += n; return sum; }, [[1, 2, 3]]));
  await zone.broadcast(() => { process.env.FROM_ZONE = 'set'; });
  console.log(process.env.FROM_ZONE, await run((dir) => { process.chdir(dir + '/lib'); return require('path').basename(process.cwd()); }, [__dirname]), require('path').basename(process.cwd()));
  console.log(await napa.zone.node.execute('./lib/work', 'where').then((r) => r.value[1]));
})();
-- lib/work.js --
exports.where = () => [__filename, require('napajs').zone.current.id];
exports.deep = { echo: (x) => [x] };
-- data.json --
{"x": 1}
`, `DIR/lib/work.js zone [ 1 ] ! Error: 'x' in module 'DIR/data.json' is not a function
! Error: Cannot find module 'DIR/lib/missing'
! ReferenceError: path is not defined
DIR/lib/work.js false function DIR/main.js 10
[ 'object', 'function', 'zone' ]
{"x": 1}
6
set lib lib
node
`)
}

// A zone does not keep the program alive; calls that it waits for do.
func TestZonesEndWithTheProgram(t *testing.T) {
	start := time.Now()
	wantWorkers(t, `
-- main.js --
const napa = require('napajs');
const zone = napa.zone.create('zone', { workers: 3 });
zone.execute(() => { setInterval(() => {}, 10); for (;;); });
setTimeout(() => { console.log('told'); process.exit(0); }, 50);
`, "told\n")
	wantWorkers(t, `
-- main.js --
const napa = require('napajs');
const zone = napa.zone.create('zone', { workers: 3 });
zone.broadcast(() => { setInterval(() => {}, 10); }).then(() => zone.execute(() => new Promise((r) => setTimeout(() => r('late'), 30)))).then((r) => console.log(r.value));
`, "late\n")
	if d := time.Since(start); d > patience/2 {
		t.Errorf("it took %v", d)
	}
}

func TestWorkersOfZonesThatFail(t *testing.T) {
	got := run(t, write(t, `
-- main.js --
const napa = require('napajs');
const zone = napa.zone.create('zone', { workers: 1 });
(async () => {
  console.log(await zone.execute(() => { process.exit(3); }).catch((e) => e));
  console.log(await zone.execute(() => 1).catch((e) => e));
  const other = napa.zone.create('other', { workers: 1 });
  console.log(await other.execute(() => { setTimeout(() => { throw new Error('nobody catches it'); }, 1); return new Promise((r) => setTimeout(() => r('lives'), 50)); }).then((r) => r.value, String));
})();
`), "main.js")
	// The second call may come before the zone has heard of the end.
	second := regexp.MustCompile(`^Error: The worker has ended\.\nError: (The worker has ended|The workers of the zone "zone" have ended)\.\nlives\n`)
	if !second.MatchString(got.out) || got.code != 0 {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.err)
	}
	if !strings.Contains(got.err, "napa:other/0: Uncaught Error: nobody catches it\n    at ") {
		t.Errorf("stderr has %s", got.err)
	}
}

// A zone for which there is no room is not made, and leaves neither threads nor its id taken.
func TestZonesThatCannotStart(t *testing.T) {
	r := runWorkers(t, `
-- main.js --
const napa = require('napajs');
try { napa.zone.create('big', { workers: 5 }); } catch (e) { console.log(e.name, e.message); }
try { napa.zone.get('big'); } catch (e) { console.log(e.message); }
(function again() {
  let zone;
  try { zone = napa.zone.create('big', { workers: 2 }); } catch { return setTimeout(again, 5); } // those that have begun have not ended yet
  zone.execute(() => napa.zone.current.id).then((r) => console.log(r.value));
})();
`, nil, "threads.alive=4")
	const want = `RangeError There are 4 threads already, and there cannot be more.
No zone exists for id 'big'
big
`
	if r.out != want || r.code != 0 || r.err != "" {
		t.Errorf("code %d\n%s%s", r.code, r.out, r.err)
	}
}

// The host ends one worker, whose turn takes too long; the others, and the program, go on.
func TestLostWorkersOfZones(t *testing.T) {
	dir := write(t, `
-- main.js --
const napa = require('napajs');
const zone = napa.zone.create('zone', { workers: 2 });
(async () => {
  console.log(await zone.execute(() => { for (;;); }).catch((e) => e));
  console.log((await Promise.all([1, 2, 3].map((n) => zone.execute((n) => n * 2, [n])))).map((r) => r.value).join());
})();
`)
	got := runWith(t, program.Options{Entry: "main.js", Dir: dir, Limits: isolate.Limits{Turn: 2 * time.Second}})
	if want := "Error: The worker napa:zone/"; !strings.HasPrefix(got.out, want) || !strings.Contains(got.out, "was lost with this call, and is started again: ") || !strings.HasSuffix(got.out, "\n2,4,6\n") || got.code != 0 {
		t.Errorf("code %d\n%s%s", got.code, got.out, got.err)
	}
}

// Workers of io.js are threads of the same program, and of no zone.
func TestThreadsOfNoZone(t *testing.T) {
	wantWorkers(t, `
-- main.js --
const { Worker } = require('worker');
const w = new Worker(__dirname + '/worker.js');
w.on('message', (m) => { console.log(JSON.stringify(m)); w.terminate(); });
-- worker.js --
const Worker = require('worker');
const napa = require('napajs');
let current; try { current = napa.zone.current.id; } catch (e) { current = e.message; }
const zone = napa.zone.create('zone', { workers: 1 });
(async () => {
  const onNode = await napa.zone.node.execute(() => [napa.zone.current.id, typeof process.abort]);
  const inZone = await zone.execute(() => napa.zone.current.id);
  let sync; try { sync = zone.executeSync((n) => n * 2, [4]).value; } catch (e) { sync = e.message; }
  Worker.postMessage([current, onNode.value, inZone.value, sync, napa.sync.createLock().guardSync(() => 5)]);
})();
`, `["The calling thread is not associated with a zone",["node","function"],"zone",8,5]`)
}
