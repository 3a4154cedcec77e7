package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"workerd.local/internal/megabyte"
)

// warmRounds bounds the rounds of benchmarks that take seconds.
const warmRounds = 3

// warmBenches are the Go benchmarks of scripts that park and go on, and of the steps of a
// start.
var warmBenches = []goBench{
	{pkg: "serialize", pattern: "^BenchmarkForkOfATwin$", benchtime: "200x", most: warmRounds, promises: []promise{
		{name: "Fork of a ready twin, to its first deserialize listener", bench: "ForkOfATwin", unit: "us/listener", shown: "µs", target: target{atMost: 100}},
	}},
	{pkg: "serialize", pattern: "^Benchmark(Restore|ColdStart)$", benchtime: "3x", most: warmRounds, promises: []promise{
		{name: "Start from a snapshot of a script that waited 500 ms for answers", bench: "Restore", shown: "ms", scale: 1e6, target: target{atMost: 30}},
		{name: "the same without the snapshot", bench: "ColdStart", shown: "ms", scale: 1e6},
	}},
	{pkg: "serialize", pattern: "^BenchmarkThousandForks$", benchtime: "1x", most: warmRounds, promises: []promise{
		{name: "Left by 1,000 forks", bench: "ThousandForks", unit: "bytes-left", shown: "MiB", scale: 1 << 20, target: target{atMost: 1}},
		{name: "goroutines among it", bench: "ThousandForks", unit: "goroutines-left", shown: "goroutines", target: target{atMost: 0.5}},
	}},
	{pkg: "script", pattern: "^BenchmarkStartOfAMegabyte$", benchtime: "5x", most: warmRounds, promises: []promise{
		{name: "A worker of a megabyte without the compile cache, beside from it", bench: "StartOfAMegabyte/without", base: "StartOfAMegabyte/cached", target: target{atLeast: 1.7}},
		{name: "its steps: bundling, which the cache saves", bench: "StartOfAMegabyte/bundle", shown: "ms", scale: 1e6},
		{name: "compiling by the engine", bench: "StartOfAMegabyte/compile", shown: "ms", scale: 1e6},
		{name: "running its top level", bench: "StartOfAMegabyte/evaluate", shown: "ms", scale: 1e6},
	}},
}

// runWarm runs the Go benchmarks, then starts servers with a worker of a megabyte.
func (b *bench) runWarm(ctx context.Context) (rows []promiseRow, err error) {
	if rows, err = b.runGoAll(ctx, warmBenches); err != nil {
		return nil, err
	}
	starts, err := b.megabyteStarts(ctx)
	return append(rows, starts...), err
}

// megabyteStarts measures the time from starting a process to its first answer: this server
// without its compile cache and from it, and workerd, in turn. The first start of each fills
// the caches and does not count.
func (b *bench) megabyteStarts(ctx context.Context) ([]promiseRow, error) {
	fmt.Fprintln(b.log, "starts of a worker of a megabyte")
	c := &benchCase{name: "megabyte", title: "Worker of a megabyte", warm: "/", fixed: "ok"}
	dir := filepath.Join(b.temp, "megabyte")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"worker.js": megabyte.Source(), "config.capnp": megabyteConfig} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	without := &subject{name: "ours", binary: b.t.ours, c: c, dir: dir, flags: []string{"--no-compile-cache"}}
	cached := &subject{name: "ours", binary: b.t.ours, c: c, dir: dir, cache: filepath.Join(b.temp, "cache")}
	subjects := []*subject{without, cached}
	theirs := &subject{name: "theirs", binary: b.t.theirs, c: c, dir: dir}
	if b.t.theirs != "" {
		subjects = append(subjects, theirs)
	}
	took := map[*subject]sample{}
	for i := range b.o.starts + 1 {
		for _, s := range subjects {
			d, err := s.start(ctx)
			if err != nil {
				return nil, err
			}
			if err := s.kill(); err != nil {
				return nil, err
			}
			if i > 0 {
				took[s] = append(took[s], float64(d.Microseconds())/1e3)
			}
		}
	}
	ratio := func(a, b *subject) (list sample) {
		for i, v := range took[a] {
			if i < len(took[b]) {
				list = append(list, v/took[b][i])
			}
		}
		return list
	}
	rows := []promiseRow{
		{name: "First response of a process with it, without the compile cache", unit: "ms", values: took[without]},
		{name: "the same from the compile cache", unit: "ms", values: took[cached]},
		{name: "without, beside from it", unit: "ratio", values: ratio(without, cached), target: target{atLeast: 1.7}},
	}
	if b.t.theirs != "" {
		rows = append(rows,
			promiseRow{name: "the same of workerd", unit: "ms", values: took[theirs]},
			promiseRow{name: "from the cache, beside workerd", unit: "ratio", values: ratio(cached, theirs)})
	}
	return rows, nil
}

const megabyteConfig = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
	services = [(name = "main", worker = .main)],
	sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
	modules = [(name = "worker.js", esModule = embed "worker.js")],
	compatibilityDate = "2026-01-01"
);
`
