package main

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const benchOutput = `goos: linux
BenchmarkPlainMapGet-2     	 1000000	        50.00 ns/op	       0 B/op	       0 allocs/op
BenchmarkListCached1000-16 	    1000	     200.0 ns/op	       1 B/op	       1 allocs/op
BenchmarkActorsOnDisk/Open 	      72	   4426140 ns/op	    100000 actors	         0.25 s/open
PASS
`

func TestParseBenchmarks(t *testing.T) {
	m, err := parseBenchmarks([]byte(benchOutput))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		p    promise
		want float64
	}{
		{promise{bench: "ListCached1000", base: "PlainMapGet"}, 4},
		{promise{bench: "ListCached1000", unit: "allocs/op"}, 1},
		{promise{bench: "ActorsOnDisk/Open", unit: "s/open"}, 0.25},
		{promise{bench: "ActorsOnDisk/Open", unit: "actors", scale: 1000}, 100},
	} {
		if v, err := tt.p.value(m); err != nil || math.Abs(v-tt.want) > 1e-9 {
			t.Errorf("%+v: %v, %v", tt.p, v, err)
		}
	}
	p := promise{name: "Opening %s actors", bench: "ActorsOnDisk/Open", unit: "s/open", shown: "s"}
	if r := p.row(m); r.name != "Opening 100,000 actors" || r.unit != "s" {
		t.Errorf("%+v", r)
	}
}

func TestBenchmarksThatSayNothingAreAnError(t *testing.T) {
	m, err := parseBenchmarks([]byte(benchOutput + "BenchmarkNoTime-2 \t 5 \t 0 ns/op\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []promise{
		{bench: "Gone"},
		{bench: "PlainMapGet", unit: "transactions"},
		{bench: "PlainMapGet", base: "Gone"},
		{bench: "PlainMapGet", base: "NoTime"},
	} {
		if v, err := p.value(m); err == nil || !strings.Contains(err.Error(), "Benchmark") {
			t.Errorf("%+v: %v, %v", p, v, err)
		}
	}
	for _, out := range []string{"BenchmarkX-2 \t 5 \t fast ns/op\n", "BenchmarkX-2 \t 5 \t 7\n"} {
		if m, err := parseBenchmarks([]byte(out)); err == nil {
			t.Errorf("%q is taken for %v", out, m)
		}
	}
}

// What the promises name is there: a benchmark that was renamed would be found only
// by a run.
func TestPromisesNameBenchmarks(t *testing.T) {
	for _, g := range slices.Concat(storageBenches, webBenches, threadBenches) {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(g.pkg), "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", g.pkg, files, err)
		}
		var source strings.Builder
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
		pattern := regexp.MustCompile(g.pattern)
		for _, p := range g.promises {
			for _, name := range []string{p.bench, p.base} {
				if name == "" {
					continue
				}
				name, sub, _ := strings.Cut(name, "/")
				there := strings.Contains(source.String(), "func Benchmark"+name+"(")
				for part := range strings.SplitSeq(sub, "/") {
					there = there && (strings.Contains(source.String(), `"`+part) || strings.Contains(source.String(), "/"+part))
				}
				if !there {
					t.Errorf("%s: there is no Benchmark%s/%s", g.pkg, name, sub)
				}
				if !pattern.MatchString("Benchmark" + name) {
					t.Errorf("%s: %s does not run Benchmark%s", g.pkg, g.pattern, name)
				}
			}
		}
	}
}

func TestStorageMarkdown(t *testing.T) {
	r := sectionReport{
		section: sections[0],
		date:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), machine: machine{cpu: "Some CPU", cores: 2}, versions: []version{{"bbolt", "v1"}},
		o: &options{rounds: 3, duration: time.Second},
		rows: []promiseRow{
			{name: "Get", unit: "ratio", values: sample{2, 9, 4}, target: target{atMost: 5}},
			{name: "Transactions", unit: "transactions", values: sample{3.5}, target: target{atMost: 3}},
			{name: "Allocations", unit: "allocs/op", values: sample{0}},
		},
	}
	got := r.markdown()
	for _, want := range []string{
		"## Storage\n", "2026-01-02 03:04 UTC", "Bbolt: v1", "15 of short",
		"| Get | ratio | 4.00 (2.00 - 9.00) | ≤ 5 | yes |",
		"| Transactions | transactions | 3.50 | ≤ 3 | no |",
		"| Allocations | allocs/op | 0.00 |  |  |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestEachRunReplacesItsSection(t *testing.T) {
	storage, web := sections[0], sections[1]
	text := replacePart("", nil, "# Results\n\nold\n")
	text = replacePart(text, web, web.heading()+"\nold web\n")
	text = replacePart(text, storage, storage.heading()+"\nold table\n")
	text = replacePart(text, nil, "# Results\n\nnew\n")
	if want := "# Results\n\nnew\n\n## Storage\n\nold table\n\n## Web platform\n\nold web\n"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	text = replacePart(text, storage, storage.heading()+"\nnew table\n")
	text = replacePart(text, web, web.heading()+"\nnew web\n")
	if want := "# Results\n\nnew\n\n## Storage\n\nnew table\n\n## Web platform\n\nnew web\n"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
}

func TestSectionOptions(t *testing.T) {
	o, err := parseOptions([]string{"-storage", "-write"}, t.Output())
	if err != nil || len(o.cases) != 1 || o.cases[0] != touchCase || !o.servers() {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parseOptions([]string{"-web", "-write"}, t.Output()); err != nil || o.servers() {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-storage", "-cases", "hello"}, {"-storage", "-cpuprofile", "x"}, {"-storage", "-ours", "-write"}, {"-storage", "-web"}} {
		if o, err := parseOptions(args, t.Output()); err == nil {
			t.Errorf("%v gives %+v", args, o)
		}
	}
}

// Two bursts on a server that is not started again must not meet.
func TestBurstsOfFreshPathsNeverMeet(t *testing.T) {
	var mu sync.Mutex
	counts := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		counts[r.URL.Path]++
		fmt.Fprint(w, counts[r.URL.Path])
	}))
	defer s.Close()
	for _, c := range cases {
		if c.paths != freshPaths {
			continue
		}
		for range 2 {
			if n, err := c.burst(t.Context(), s.URL, 3); err != nil || n != 3*connections {
				t.Errorf("%s: %d, %v", c.name, n, err)
			}
		}
		if len(counts) != 2*3*connections {
			t.Errorf("%s: %d paths", c.name, len(counts))
		}
	}
}
