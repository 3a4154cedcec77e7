package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// record is which subtests of which files are known to fail, as results.txt has it: a
// line per file with how many passed, then the names of those that did not.
//
//	12/14 streams/some.any.js
//		fail the name of a subtest
//	broken streams/other.any.js
type record map[string]known

// known is the recorded outcome of one file.
type known struct {
	passed, total int
	broken        bool
	fails         []string
}

const recordHead = "# What passed when web-platform-tests were last run, by go run ./conformance/wpt --record.\n" +
	"# A file that is not here was not run then.\n"

func readRecord(file string) (record, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseRecord(file, string(text))
}

func parseRecord(file, text string) (record, error) {
	rec, name := record{}, ""
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		bad := func() error { return fmt.Errorf("%s:%d: not a line of a record: %q", file, number, line) }
		if fails, ok := strings.CutPrefix(line, "\tfail "); ok {
			k := rec[name]
			if name == "" {
				return nil, bad()
			}
			k.fails = append(k.fails, unquote(fails))
			rec[name] = k
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		count, rest, ok := strings.Cut(line, " ")
		if !ok {
			return nil, bad()
		}
		name = rest
		if count == "broken" {
			rec[name] = known{broken: true}
			continue
		}
		var k known
		if n, err := fmt.Sscanf(count, "%d/%d", &k.passed, &k.total); n != 2 || err != nil {
			return nil, bad()
		}
		rec[name] = k
	}
	return rec, nil
}

// quote keeps a name on one line.
func quote(s string) string { return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(s) }

func unquote(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(s)
}

func outcomeOf(r Result) known {
	k := known{passed: r.passed(), total: len(r.Subtests), broken: r.Broken != ""}
	for _, s := range r.Subtests {
		if !s.Passed {
			k.fails = append(k.fails, s.Name)
		}
	}
	slices.Sort(k.fails)
	return k
}

// with is the record after these results.
func (rec record) with(results []Result) record {
	out := record{}
	for name, k := range rec {
		out[name] = k
	}
	for _, r := range results {
		if r.Absent == "" {
			out[r.File.Name] = outcomeOf(r)
		}
	}
	return out
}

func (rec record) write(file string) error {
	var b strings.Builder
	b.WriteString(recordHead)
	names := make([]string, 0, len(rec))
	for name := range rec {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		k := rec[name]
		if k.broken {
			fmt.Fprintf(&b, "broken %s\n", name)
		} else {
			fmt.Fprintf(&b, "%d/%d %s\n", k.passed, k.total, name)
		}
		for _, f := range k.fails {
			fmt.Fprintf(&b, "\tfail %s\n", quote(f))
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644) //nolint:gosec // a file of the repository
}

// compare names what fails and was not known to, and what passes and was known to
// fail. Only files of the record are judged.
func (rec record) compare(results []Result) (worse, better []string) {
	for _, r := range results {
		was, ok := rec[r.File.Name]
		if !ok || r.Absent != "" {
			continue
		}
		is := outcomeOf(r)
		if is.broken && !was.broken {
			worse = append(worse, r.File.Name)
			continue
		}
		if was.broken && !is.broken {
			better = append(better, r.File.Name)
			continue
		}
		for _, s := range r.Subtests {
			known := slices.Contains(was.fails, s.Name)
			switch {
			case !s.Passed && !known:
				worse = append(worse, r.File.Name+": "+s.Name)
			case s.Passed && known:
				better = append(better, r.File.Name+": "+s.Name)
			}
		}
		if is.total < was.total {
			worse = append(worse, fmt.Sprintf("%s: %d subtests of %d ran", r.File.Name, is.total, was.total))
		}
	}
	return worse, better
}
