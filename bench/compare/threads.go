package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// What one round of the section does: threads that are started one after the other, round trips of a small message, and
// threads that wait at the same time, in node fewer as they take more memory.
const (
	threadStarts     = 20
	threadRoundTrips = 20_000
	threadsAlive     = 200
	threadsAliveNode = 40
	threadsMany      = 10_000
)

//go:embed threads
var threadFiles embed.FS

// threadResults are what threads/main.js and threads/memory.js print.
type threadResults struct {
	Start    float64 `json:"start"`    // ms until a thread has said something
	Rounds   float64 `json:"rounds"`   // round trips a second
	Transfer float64 `json:"transfer"` // ms to move 64 MiB, one way
	Small    float64 `json:"small"`    // ms to move 1 MiB
	Kill     float64 `json:"kill"`     // ms to end a thread that never yields
	Memory   float64 `json:"memory"`   // bytes of a thread when all have started
	Waited   float64 `json:"waited"`   // and 12 s later
}

// runThreads runs the same program on this runtime and on node, in turn.
func (b *bench) runThreads(ctx context.Context) ([]promiseRow, error) {
	dir := filepath.Join(b.temp, "threads")
	if err := os.CopyFS(b.temp, threadFiles); err != nil {
		return nil, err
	}
	var ours, theirs []threadResults
	for range b.o.rounds {
		r, err := b.threadRound(ctx, dir, threadsAlive, b.t.ours, "run")
		if err != nil {
			return nil, err
		}
		ours = append(ours, r)
		if b.o.oursOnly {
			continue
		}
		if r, err = b.threadRound(ctx, dir, threadsAliveNode, b.t.node); err != nil {
			return nil, err
		}
		theirs = append(theirs, r)
	}
	var rows []promiseRow
	row := func(name, unit string, of func(r threadResults) float64, t target, ratio func(ours, theirs float64) float64, beside string, of2 target) {
		measured, node := promiseRow{name: name, unit: unit, target: t}, promiseRow{name: "the same of node", unit: unit}
		compared := promiseRow{name: beside, unit: "ratio", target: of2}
		for i, r := range ours {
			measured.values = append(measured.values, of(r))
			if i < len(theirs) {
				node.values = append(node.values, of(theirs[i]))
				compared.values = append(compared.values, ratio(of(r), of(theirs[i])))
			}
		}
		rows = append(rows, measured)
		if len(theirs) > 0 {
			rows = append(rows, node, compared)
		}
	}
	part := func(ours, theirs float64) float64 { return ours / theirs }
	none := target{}
	row("Start of a thread, until it has said something", "ms", func(r threadResults) float64 { return r.Start }, none, part, "beside node's", target{atMost: 1.0 / 20})
	row("Memory of a thread that has started", "MiB", func(r threadResults) float64 { return r.Memory / (1 << 20) }, none, part, "beside node's", target{atMost: 1.0 / 50})
	row("12 s later, when both have given back what is free", "MiB", func(r threadResults) float64 { return r.Waited / (1 << 20) }, none, part, "beside node's", none)
	row("Round trips of a small message", "1/s", func(r threadResults) float64 { return r.Rounds }, none, part, "beside node's", target{atLeast: 2})
	row("Transfer of 64 MiB, one way", "ms", func(r threadResults) float64 { return r.Transfer }, target{atMost: 1}, part, "beside node's", none)
	beside := promiseRow{name: "beside that of 1 MiB", unit: "ratio", target: target{atMost: 2}}
	for _, r := range ours {
		beside.values = append(beside.values, r.Transfer/r.Small)
	}
	rows = append(rows, beside)
	row("End of a thread that never yields", "ms", func(r threadResults) float64 { return r.Kill }, target{atMost: 50}, part, "beside node's", none)
	many, err := b.runGoAll(ctx, threadBenches)
	return append(rows, many...), err
}

// threadBenches are Go benchmarks: of threads whose body has no modules of node, and of the zones of Napa.
var threadBenches = []goBench{
	{pkg: "threads", pattern: "^BenchmarkThreadsAlive$", benchtime: strconv.Itoa(threadsMany) + "x", most: 1, promises: []promise{
		{name: "10,000 threads without modules of node, all alive", bench: "ThreadsAlive", unit: "MiB", target: target{atMost: 2048}},
	}},
	{pkg: "threads", pattern: "^Benchmark(Start|RoundTrip)$", benchtime: "500x", most: 3, promises: []promise{
		{name: "Start of such a thread", bench: "Start", shown: "ms", scale: 1e6},
		{name: "Round trip with it", bench: "RoundTrip", shown: "µs", scale: 1e3},
	}},
	{pkg: "program", pattern: "^BenchmarkZoneExecute$", benchtime: "20000x", most: 3, promises: []promise{
		{name: "zone.execute of an empty function, one at a time", bench: "ZoneExecute/at-once=1", unit: "zone/s", shown: "1/s"},
		{name: "beside piscina's run", bench: "ZoneExecute/at-once=1", unit: "zone/piscina", shown: "ratio", target: target{atLeast: 2}, optional: true},
		{name: "the same, 16 at once", bench: "ZoneExecute/at-once=16", unit: "zone/s", shown: "1/s"},
		{name: "beside piscina's", bench: "ZoneExecute/at-once=16", unit: "zone/piscina", shown: "ratio", target: target{atLeast: 2}, optional: true},
		{name: "the same, 256 at once", bench: "ZoneExecute/at-once=256", unit: "zone/s", shown: "1/s"},
		{name: "beside piscina's", bench: "ZoneExecute/at-once=256", unit: "zone/piscina", shown: "ratio", target: target{atLeast: 2}, optional: true},
	}},
	{pkg: "program", pattern: "^BenchmarkQuickSort$", benchtime: "3x", most: 3, promises: []promise{
		{name: "Quick sort of 100,000 numbers in shared memory, one worker", bench: "QuickSort/workers=1", unit: "ms/sort", shown: "ms"},
		{name: "two workers, beside one", bench: "QuickSort/workers=2", base: "QuickSort/workers=1", unit: "ms/sort", target: target{atMost: 0.8}},
	}},
}

// threadRound runs main.js for what takes time, and memory.js, in a process of its own, for what threads hold.
func (b *bench) threadRound(ctx context.Context, dir string, alive int, command ...string) (r threadResults, err error) {
	fmt.Fprintf(b.log, "threads: %s\n", filepath.Base(command[0]))
	for _, args := range [][]string{{"main.js", strconv.Itoa(threadStarts), strconv.Itoa(threadRoundTrips)}, {"memory.js", strconv.Itoa(alive)}} {
		name := args[0]
		args[0] = filepath.Join(dir, name)
		cmd := exec.CommandContext(ctx, command[0], append(command[1:], args...)...)
		cmd.Stderr = b.log
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &r)
		}
		if err != nil {
			return r, fmt.Errorf("%s %s: %w\n%s", command[0], name, err, out)
		}
	}
	return r, nil
}
