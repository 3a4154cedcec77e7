package program_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"

	"workerd.local/isolate"
	"workerd.local/program"
	"workerd.local/threads/iojs"
	"workerd.local/threads/nodeworkers"
	"workerd.local/webapi/bind"
)

// benchWorkers runs main.js, whose first argument is how much there is to do.
func benchWorkers(b *testing.B, text string, n int) string {
	b.Helper()
	dir := write(b, text)
	var out, errs bytes.Buffer
	heap := bind.Module{Name: "heap", Setup: func(js *isolate.JS) error {
		return js.Runtime().GlobalObject().Set("heap", func() float64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return float64(m.HeapInuse + m.StackInuse)
		})
	}}
	p, err := program.New(program.Options{
		Entry: "main.js", Dir: dir, Args: []string{fmt.Sprint(n)}, Stdout: &out, Stderr: &errs, Modules: []bind.Module{iojs.Module, nodeworkers.Module, heap},
	})
	if err != nil {
		b.Fatal(err)
	}
	if code, err := p.Run(context.Background()); err != nil || code != 0 || errs.Len() > 0 {
		b.Fatal(code, err, errs.String(), out.String())
	}
	return out.String()
}

func BenchmarkWorkerStart(b *testing.B) {
	benchWorkers(b, `
-- main.js --
const Worker = require('worker');
let left = +process.argv[2];
(function next() {
  if (left-- === 0) return;
  const w = new Worker('ready.js');
  w.on('message', () => w.terminate(next));
})();
-- ready.js --
require('worker').postMessage(1);
`, b.N)
}

// The memory of workers that wait: with a script of nothing, with one that answers messages.
func BenchmarkWorkersAlive(b *testing.B) {
	for _, c := range []struct{ name, start, hear, echo string }{
		{"Iojs", "new (require('worker'))(file)", "message", "const Worker = require('worker'); Worker.on('message', (m) => Worker.postMessage(m)); Worker.postMessage('ready');"},
		{"Node", "new (require('worker_threads').Worker)(file)", "message",
			"const { parentPort } = require('worker_threads'); parentPort.on('message', (m) => parentPort.postMessage(m)); parentPort.postMessage('ready');"},
		{"IojsEmpty", "new (require('worker'))(file)", "", ""},
		{"NodeEmpty", "new (require('worker_threads').Worker)(file)", "online", "setInterval(() => {}, 1e6)"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var bytes float64
			out := benchWorkers(b, `
-- main.js --
const count = +process.argv[2], file = require('path').join(__dirname, 'wait.js'), hear = '`+c.hear+`';
const before = heap(), all = [];
let ready = 0;
function one() {
  const w = `+c.start+`;
  all.push(w);
  const done = () => {
    if (++ready === count) setTimeout(() => { console.log((heap() - before) / count); process.exit(); }, 100);
    else if (ready + 4 <= count && all.length < count) one();
  };
  if (hear) w.on(hear, done); else setTimeout(done, 2);
}
for (let i = 0; i < Math.min(4, count); i++) one();
-- wait.js --
`+c.echo+`
`, b.N)
			if _, err := fmt.Sscan(out, &bytes); err != nil {
				b.Fatal(err, out)
			}
			b.ReportMetric(bytes/1024, "KiB/worker")
		})
	}
}

func BenchmarkWorkerRoundTrip(b *testing.B) {
	benchWorkers(b, `
-- main.js --
const Worker = require('worker');
const count = +process.argv[2];
const w = new Worker('echo.js');
w.on('message', (m) => { if (m.n >= count) w.terminate(); else w.postMessage({ n: m.n + 1 }); });
w.postMessage({ n: 1 });
-- echo.js --
const Worker = require('worker');
Worker.on('message', (m) => { Worker.postMessage(m); });
`, b.N)
}

// How fast one side can send and the other hear: a thousand messages at a time.
func BenchmarkWorkerFlood(b *testing.B) {
	benchWorkers(b, `
-- main.js --
const Worker = require('worker');
let left = Math.ceil(+process.argv[2] / 1000);
const w = new Worker('hear.js');
const burst = () => { for (let i = 0; i < 1000; i++) w.postMessage({ n: i }); };
w.on('message', () => { if (--left > 0) burst(); else w.terminate(); });
burst();
-- hear.js --
const Worker = require('worker');
let n = 0;
Worker.on('message', (m) => { if (++n % 1000 === 0) Worker.postMessage(n); });
`, b.N)
}

// All at once: what one turn posts to a thread of node:worker_threads.
func BenchmarkWorkerBurst(b *testing.B) {
	benchWorkers(b, `
-- main.js --
const { Worker } = require('worker_threads');
const count = +process.argv[2], w = new Worker('./hear.js', { workerData: count });
w.on('message', () => w.terminate());
w.on('online', () => { for (let i = 0; i < count; i++) w.postMessage({ n: i }); });
-- hear.js --
const { parentPort, workerData } = require('worker_threads');
let n = 0;
parentPort.on('message', () => { if (++n === workerData) parentPort.postMessage(n); });
`, b.N)
}
