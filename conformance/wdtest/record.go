package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Record is a recorded run: the outcome of every file, and of every test, by
// "file" and "file#test".
type Record struct {
	Commit   string
	Outcomes map[string]Outcome
}

// sums are the numbers of one area.
type sums struct{ files, tests [3]int }

var order = []Outcome{Passed, Failed, Absent}

func sumUp(results []Result) (areas []string, by map[string]*sums) {
	by = map[string]*sums{}
	for _, r := range results {
		a := r.File.Area()
		if by[a] == nil {
			by[a] = &sums{}
			areas = append(areas, a)
		}
		for _, s := range []*sums{by[a]} {
			s.files[slices.Index(order, r.Outcome)]++
			for _, t := range r.Tests {
				s.tests[slices.Index(order, t.Outcome)]++
			}
		}
	}
	slices.Sort(areas)
	return areas, by
}

func printAreas(w io.Writer, results []Result) {
	areas, by := sumUp(results)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "\nfiles\tpassed\tfailed\tnot applicable\ttests passed\tfailed\t")
	all := &sums{}
	row := func(name string, s *sums) {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t\n", name, s.files[0], s.files[1], s.files[2], s.tests[0], s.tests[1])
	}
	for _, a := range areas {
		row(a, by[a])
		for i := range order {
			all.files[i] += by[a].files[i]
			all.tests[i] += by[a].tests[i]
		}
	}
	row("all", all)
	_ = tw.Flush() // the caller's output; there is nobody else to tell
}

const head = `# What workerd's own tests say about this program, written by
#	go run ./conformance/wdtest --record CHECKOUT
# A file, then its tests. A recorded pass that fails is a regression.
`

func writeRecord(file string, results []Result, commit string, at time.Time) error {
	var b bytes.Buffer
	b.WriteString(head)
	fmt.Fprintf(&b, "commit %s\ndate %s\n", commit, at.UTC().Format(time.DateOnly))
	areas, by := sumUp(results)
	for _, a := range areas {
		s := by[a]
		fmt.Fprintf(&b, "# %s: %d files pass, %d fail, %d not applicable; %d tests pass, %d fail\n", a, s.files[0], s.files[1], s.files[2], s.tests[0], s.tests[1])
	}
	for _, r := range results {
		fmt.Fprintf(&b, "%s %s", r.Outcome, r.File.Name)
		if r.Why != "" {
			fmt.Fprintf(&b, " (%s)", r.Why)
		}
		b.WriteByte('\n')
		for _, t := range r.Tests {
			fmt.Fprintf(&b, "\t%s %s\n", t.Outcome, t.Name)
		}
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// readRecord reads a recorded run; a file that is not there records nothing.
func readRecord(file string) (*Record, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &Record{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseRecord(file, string(data))
}

func parseRecord(file, text string) (*Record, error) {
	rec := &Record{Outcomes: map[string]Outcome{}}
	of := ""
	for n, line := range strings.Split(text, "\n") {
		test := strings.HasPrefix(line, "\t")
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		word, name, _ := strings.Cut(line, " ")
		name, _, _ = strings.Cut(name, " ")
		switch {
		case word == "commit":
			rec.Commit = name
		case word == "date":
		case !slices.Contains(order, Outcome(word)) || name == "" || test && of == "":
			return nil, fmt.Errorf("%s:%d: not an outcome: %s", file, n+1, line)
		case test:
			rec.Outcomes[of+"#"+name] = Outcome(word)
		default:
			of = name
			rec.Outcomes[name] = Outcome(word)
		}
	}
	return rec, nil
}

// compare says what passed and does not any more, and what failed and passes now.
func (rec *Record) compare(results []Result) (worse, better []string) {
	look := func(name string, now Outcome) {
		switch was := rec.Outcomes[name]; {
		case was == Passed && now != Passed:
			worse = append(worse, name)
		case was == Failed && now == Passed:
			better = append(better, name)
		}
	}
	for _, r := range results {
		look(r.File.Name, r.Outcome)
		seen := map[string]bool{}
		for _, t := range r.Tests {
			seen[t.Name] = true
			look(r.File.Name+"#"+t.Name, t.Outcome)
		}
		for name, was := range rec.Outcomes {
			of, test, ok := strings.Cut(name, "#")
			if ok && of == r.File.Name && was == Passed && !seen[test] {
				worse = append(worse, name)
			}
		}
	}
	slices.Sort(worse)
	return worse, better
}
