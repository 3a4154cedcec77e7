package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// promise is what a Go benchmark says of storage: a ratio of two benchmarks of one
// run, or a metric of one.
type promise struct {
	name   string // %s stands for the number of actors of the file
	bench  string // as it is printed, without "Benchmark" and the number of processors
	base   string // the benchmark that it is divided by; "" for none
	unit   string // of the metric; "" is ns/op
	shown  string // the unit that is printed, where that is another
	scale  float64
	target target
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

var goBenches = []goBench{
	{pkg: "cache", pattern: "^Benchmark(PlainMapGet|PlainMapPut|PlainTreeWalk1000|GetCached|PutDirty|ListCached1000)$", benchtime: "20ms", promises: []promise{
		{name: "Cached get, beside a map's", bench: "GetCached", base: "PlainMapGet", target: target{atMost: 5}},
		{name: "its allocations", bench: "GetCached", unit: "allocs/op", target: target{atMost: 1}},
		{name: "Put of a dirty key, beside a map's", bench: "PutDirty", base: "PlainMapPut", target: target{atMost: 10}},
		{name: "its allocations", bench: "PutDirty", unit: "allocs/op"},
		{name: "List of 1,000 cached keys, beside a walk of a google/btree", bench: "ListCached1000", base: "PlainTreeWalk1000", target: target{atMost: 5}},
		{name: "its allocations", bench: "ListCached1000", unit: "allocs/op"},
	}},
	{pkg: "cache", pattern: "^BenchmarkCommitThousandActors$", benchtime: "10x", most: 5, promises: []promise{
		{name: "Transactions of 1,000 actors with a dirty key each", bench: "CommitThousandActors/AtOnce", unit: "transactions", target: target{atMost: 3}},
		{name: "the same, where each writes in a turn of its own", bench: "CommitThousandActors/ByTurns", unit: "transactions"},
	}},
	{pkg: "actor", pattern: "^BenchmarkLiveActor$", benchtime: "1x", most: 3, promises: []promise{
		{name: "Memory of a live idle actor", bench: "LiveActor/evictable", unit: "bytes/actor", shown: "KiB", scale: 1 << 10, target: target{atMost: 8}},
	}},
	{pkg: "actor", pattern: "^BenchmarkActivateAndEvict$", benchtime: "1x", most: 1, promises: []promise{
		{name: "Left by 100,000 activations and evictions", bench: "ActivateAndEvict", unit: "bytes-left", shown: "MiB", scale: 1 << 20, target: target{atMost: 1}},
	}},
	{pkg: "storage/bolt", pattern: "^BenchmarkActorsOnDisk$", benchtime: "300ms", most: 3, promises: []promise{
		{name: "Opening a file of %s actors", bench: "ActorsOnDisk/Open", unit: "s/open", shown: "s", target: target{atMost: 1}},
		{name: "Read in a file of %s actors, beside one of 1,000: the store alone", bench: "ActorsOnDisk/Read", base: "ActorsOnDisk/ReadOf1000"},
	}},
	{pkg: "actor", pattern: "^BenchmarkReadFromDisk$", benchtime: "300ms", most: 3, promises: []promise{
		{name: "the same by an actor that a request asks", bench: "ReadFromDisk/OfMany", base: "ReadFromDisk/Of1000", target: target{atMost: 2}},
	}},
}

// touchCase is the case that the storage section takes from the comparison.
const touchCase = "first-touch"

// storageRow is one promise, measured once per round.
type storageRow struct {
	name, unit string
	values     sample
	target     target
}

func (r storageRow) cells() []string {
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
func (p *promise) row(m metrics) storageRow {
	r := storageRow{name: p.name, unit: p.shown, target: p.target}
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

// runStorage runs the Go benchmarks, then the case that touches new actors.
func (b *bench) runStorage(ctx context.Context) (rows []storageRow, err error) {
	for _, g := range goBenches {
		r, err := b.runGo(ctx, &g)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r...)
	}
	touched, err := b.run(ctx)
	if err != nil {
		return nil, err
	}
	if len(touched) == 0 || b.o.oursOnly {
		return rows, nil
	}
	rate := touched[0]
	r := storageRow{name: rate.name + ", beside workerd's rate", unit: "ratio", target: rate.target}
	for i := range rate.ours {
		if rate.theirs[i] > 0 {
			r.values = append(r.values, rate.ours[i]/rate.theirs[i])
		}
	}
	return append(rows, r), nil
}

// runGo compiles the tests of a package and runs its benchmarks round by round.
func (b *bench) runGo(ctx context.Context, g *goBench) (rows []storageRow, err error) {
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
			if err != nil {
				return nil, fmt.Errorf("./%s: %w", g.pkg, err)
			}
			rows[i].values = append(rows[i].values, v)
		}
	}
	return rows, nil
}

// storageReport is a whole run of the storage benchmarks.
type storageReport struct {
	date     time.Time
	machine  machine
	versions []version
	o        *options
	rows     []storageRow
}

var storageHeading = []string{"what", "unit", "measured", "target", "met"}

// table prints the rows for a terminal.
func (r *storageReport) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(storageHeading, "\t"))
	for _, row := range r.rows {
		fmt.Fprintln(t, strings.Join(row.cells(), "\t"))
	}
	return t.Flush()
}

// storageTitle begins the section of RESULTS.md that -storage writes.
const storageTitle = "## Storage\n"

// markdown is the section.
func (r *storageReport) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nWritten by `go run ./bench/compare -storage -write`.\n\n", storageTitle)
	writeWhere(&b, r.date, r.machine, r.versions)
	fmt.Fprintf(&b, "- Rounds: %d of short benchmarks, fewer of long ones; GOGC=400, as the command has it\n", r.o.rounds*manyRounds)
	fmt.Fprintf(&b, "- First touch: wrk, %d connections, %s, %d rounds, the servers in turn\n\n", connections, r.o.duration, r.o.rounds)
	b.WriteString("Values are medians, with the smallest and the largest in parentheses; a ratio is one of two measurements of the same round.\n\n")
	writeTable(&b, storageHeading, []string{"---", "---", "---:", "---", "---"}, len(r.rows), func(i int) []string { return r.rows[i].cells() })
	return b.String()
}

// replaceSection puts a part of RESULTS.md in the place of the one that it had: the
// storage section where it begins with its title, else everything in front of that.
func replaceSection(old, text string) string {
	head, tail, found := strings.Cut(old, "\n"+storageTitle)
	switch {
	case strings.HasPrefix(text, storageTitle):
		return strings.TrimRight(head, "\n") + "\n\n" + text
	case found:
		return strings.TrimRight(text, "\n") + "\n\n" + storageTitle + tail
	}
	return text
}
