package program_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"workerd.local/program"
)

// BenchmarkZoneExecute is how many calls of an empty function a zone of two workers does, and a pool of two of node's
// threads (npm's piscina) beside it, with a number of them waiting at a time. A zone is to do at least twice as many.
func BenchmarkZoneExecute(b *testing.B) {
	const lanes = `
const measure = async (call, calls, atOnce) => {
  for (let i = 0; i < 1000; i++) await call();
  let left = calls;
  const began = process.hrtime.bigint();
  const lane = async () => { while (left-- > 0) await call(); };
  await Promise.all(Array.from({ length: atOnce }, lane));
  console.log(Math.round(calls / (Number(process.hrtime.bigint() - began) / 1e9)));
};
const [calls, atOnce] = process.argv.slice(2).map(Number);
`
	dir := write(b, `
-- zone.js --
`+lanes+`
const zone = require('napajs').zone.create('zone', { workers: 2 });
const nothing = () => {};
measure(() => zone.execute(nothing), calls, atOnce);
-- nothing.js --
module.exports = () => {};
-- pool.js --
`+lanes+`
const { Piscina } = require('piscina');
const pool = new Piscina({ filename: require('path').join(__dirname, 'nothing.js'), minThreads: 2, maxThreads: 2 });
measure(() => pool.run(), calls, atOnce).then(() => pool.destroy());
-- package.json --
{ "private": true, "dependencies": { "piscina": "5" } }
`)
	node := pool(b, dir)
	for _, r := range []struct{ name, atOnce string }{{"at-once=1", "1"}, {"at-once=16", "16"}, {"at-once=256", "256"}} {
		b.Run(r.name, func(b *testing.B) {
			args := []string{strconv.Itoa(max(b.N, 1000)), r.atOnce}
			ours := rate(b, run(b, dir, "zone.js", args...).out)
			b.ReportMetric(ours, "zone/s")
			if node == "" {
				return
			}
			b.StopTimer()
			cmd := exec.CommandContext(b.Context(), node, append([]string{"pool.js"}, args...)...)
			cmd.Dir = dir
			out, err := cmd.Output()
			if err != nil {
				b.Fatal(err)
			}
			theirs := rate(b, string(out))
			b.ReportMetric(theirs, "piscina/s")
			b.ReportMetric(ours/theirs, "zone/piscina")
		})
	}
}

// pool installs piscina and returns node; "" where there is none.
func pool(b *testing.B, dir string) string {
	node, err := exec.LookPath("node")
	if err != nil {
		b.Log("there is no node to compare with")
		return ""
	}
	npm := exec.CommandContext(b.Context(), "npm", "install", "--no-audit", "--no-fund", "--silent")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		b.Logf("npm cannot install piscina, which is to be compared with: %v\n%s", err, out)
		return ""
	}
	return node
}

func rate(b *testing.B, out string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	if err != nil {
		b.Fatalf("printed %q", out)
	}
	return n
}

// BenchmarkQuickSort sorts a piece of shared memory with one worker and with two, as examples/napa does it; ms/sort is the
// sorting alone. On a machine with two processors that have nothing else to do the second is faster.
func BenchmarkQuickSort(b *testing.B) {
	dir, err := filepath.Abs("../examples/napa")
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range []struct{ name, workers string }{{"workers=1", "1"}, {"workers=2", "2"}} {
		b.Run(r.name, func(b *testing.B) {
			total := 0
			for b.Loop() {
				r := runWith(b, program.Options{Entry: "quick-sort.js", Args: []string{"100000", r.workers}, Dir: dir, Env: []string{"TIMES=1"}})
				var ms int
				if _, err := fmt.Sscanf(r.out, "%d ms\n", &ms); err != nil || !strings.HasSuffix(r.out, "are sorted\n") {
					b.Fatalf("printed %q\n%s", r.out, r.err)
				}
				total += ms
			}
			b.ReportMetric(float64(total)/float64(b.N), "ms/sort")
		})
	}
}
