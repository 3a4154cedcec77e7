package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// promise is what a Go benchmark says: a ratio of two benchmarks of one
// run, or a metric of one.
type promise struct {
	name   string // %s stands for the number of actors of the file
	bench  string // as it is printed, without "Benchmark" and the number of processors
	base   string // the benchmark that it is divided by; "" for none
	unit   string // of the metric; "" is ns/op
	shown  string // the unit that is printed, where that is another
	scale  float64
	target target
	// optional is for what a benchmark leaves out where it lacks something to compare with.
	optional bool
}

// goBench is a run of some benchmarks of a package; each round is one process, in
// which those that are compared follow one another at once.
type goBench struct {
	pkg       string
	pattern   string
	benchtime string
	most      int // rounds, where the benchmark takes long; 0 is as many as make a median
	promises  []promise
}

// promiseRow is one promise, measured once per round.
type promiseRow struct {
	name, unit string
	values     sample
	target     target
}

func (r promiseRow) cells() []string {
	return []string{r.name, r.unit, spread(r.values), r.target.String(), r.target.met(r.values.median())}
}

// metrics are what benchmarks printed: name, then unit.
type metrics map[string]map[string]float64

var benchLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?[ \t]+\d+[ \t]+(\S.*)$`)

// parseBenchmarks reads the output of go test -bench.
func parseBenchmarks(out []byte) (metrics, error) {
	m := metrics{}
	for _, line := range benchLine.FindAllSubmatch(out, -1) {
		name, fields := string(line[1]), strings.Fields(string(line[2]))
		if len(fields)%2 != 0 {
			return nil, fmt.Errorf("benchmark %s printed a value without a unit: %q", name, line[2])
		}
		m[name] = map[string]float64{}
		for f := range slices.Chunk(fields, 2) {
			v, err := strconv.ParseFloat(f[0], 64)
			if err != nil {
				return nil, fmt.Errorf("benchmark %s printed %q: %w", name, f[0], err)
			}
			m[name][f[1]] = v
		}
	}
	return m, nil
}

func (m metrics) get(bench, unit string) (float64, error) {
	v, ok := m[bench][unit]
	if !ok {
		return 0, fmt.Errorf("Benchmark%s printed no %s", bench, unit)
	}
	return v, nil
}

// value is what one round says of a promise.
func (p *promise) value(m metrics) (float64, error) {
	unit := p.unit
	if unit == "" {
		unit = "ns/op"
	}
	v, err := m.get(p.bench, unit)
	if err != nil {
		return 0, err
	}
	if p.scale != 0 {
		v /= p.scale
	}
	if p.base == "" {
		return v, nil
	}
	base, err := m.get(p.base, unit)
	if err != nil {
		return 0, err
	}
	if base <= 0 {
		return 0, fmt.Errorf("Benchmark%s took no time", p.base)
	}
	return v / base, nil
}

// row is a promise before it is measured. m is any round's.
func (p *promise) row(m metrics) promiseRow {
	r := promiseRow{name: p.name, unit: p.shown, target: p.target}
	switch {
	case p.base != "":
		r.unit = "ratio"
	case r.unit == "":
		r.unit = p.unit
	}
	if strings.Contains(p.name, "%s") {
		r.name = fmt.Sprintf(p.name, thousands(int64(m["ActorsOnDisk/Open"]["actors"])))
	}
	return r
}

// thousands prints 1000000 as 1,000,000.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// manyRounds makes a median of short benchmarks out of each round of the load.
const manyRounds = 5

// runGo compiles the tests of a package and runs its benchmarks round by round.
func (b *bench) runGo(ctx context.Context, g *goBench) (rows []promiseRow, err error) {
	fmt.Fprintf(b.log, "%s: %s\n", g.pkg, g.pattern)
	dir := filepath.Join(b.t.root, filepath.FromSlash(g.pkg))
	program := filepath.Join(b.temp, strings.ReplaceAll(g.pkg, "/", "-")+".test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go test -c ./%s: %w\n%s", g.pkg, err, bytes.TrimSpace(out))
	}
	rounds := b.o.rounds * manyRounds
	if g.most > 0 {
		rounds = min(b.o.rounds, g.most)
	}
	for range rounds {
		cmd := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench="+g.pattern, "-test.benchtime="+g.benchtime, "-test.benchmem", "-test.timeout=30m")
		cmd.Dir = dir
		// The command collects garbage as rarely, unless it is told otherwise.
		cmd.Env = append(os.Environ(), "TMPDIR="+b.temp, "GOGC=400")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("benchmarks of ./%s: %w\n%s", g.pkg, err, bytes.TrimSpace(out))
		}
		m, err := parseBenchmarks(out)
		if err != nil {
			return nil, err
		}
		for i := range g.promises {
			p := &g.promises[i]
			if len(rows) <= i {
				rows = append(rows, p.row(m))
			}
			v, err := p.value(m)
			if err != nil && p.optional {
				fmt.Fprintf(b.log, "./%s: %s\n", g.pkg, err)
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("./%s: %w", g.pkg, err)
			}
			rows[i].values = append(rows[i].values, v)
		}
	}
	return slices.DeleteFunc(rows, func(r promiseRow) bool { return len(r.values) == 0 }), nil
}

// runGoAll is runGo for each of them.
func (b *bench) runGoAll(ctx context.Context, benches []goBench) (rows []promiseRow, err error) {
	for _, g := range benches {
		r, err := b.runGo(ctx, &g)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r...)
	}
	return rows, nil
}
