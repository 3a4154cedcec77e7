package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// record is what became of which files, as results.txt has it: which suite it was, sums
// that the README repeats, and a line per file with how many subtests passed, followed
// by the names of those that did not.
//
//	12/14 streams/some.any.js
//		broken some subtests never end
//		fail the name of a subtest
//	n/a streams/other.any.js (for window only)
type record struct {
	Commit, Date string
	files        map[string]known
}

// known is the recorded outcome of one file.
type known struct {
	passed, total  int
	absent, broken string
	fails          []string
}

const recordHead = `# What web-platform-tests say about this program, written by
#	go run ./conformance/wpt --record DIR FOLDERS
# A file, with how many of its subtests passed, then those that failed. Another one that fails is a regression.
`

func newRecord() *record { return &record{files: map[string]known{}} }

func readRecord(file string) (*record, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return newRecord(), nil
	}
	if err != nil {
		return nil, err
	}
	return parseRecord(file, string(text))
}

func parseRecord(file, text string) (*record, error) {
	rec, name := newRecord(), ""
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		bad := func() error { return fmt.Errorf("%s:%d: not a line of a record: %q", file, number, line) }
		word, rest, ok := strings.Cut(strings.TrimPrefix(line, "\t"), " ")
		if !ok {
			return nil, bad()
		}
		if strings.HasPrefix(line, "\t") {
			k, of := rec.files[name]
			switch {
			case of && word == "fail":
				k.fails = append(k.fails, unquote(rest))
			case of && word == "broken":
				k.broken = rest
			default:
				return nil, bad()
			}
			rec.files[name] = k
			continue
		}
		var k known
		switch word {
		case "commit":
			rec.Commit = rest
			continue
		case "date":
			rec.Date = rest
			continue
		case "n/a":
			if name, k.absent, ok = strings.Cut(rest, " ("); !ok {
				return nil, bad()
			}
			k.absent = strings.TrimSuffix(k.absent, ")")
		default:
			if n, err := fmt.Sscanf(word, "%d/%d", &k.passed, &k.total); n != 2 || err != nil {
				return nil, bad()
			}
			name = rest
		}
		rec.files[name] = k
	}
	return rec, nil
}

// quote keeps a name on one line.
func quote(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\x00", `\0`).Replace(s)
}

func unquote(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\0`, "\x00").Replace(s)
}

func outcomeOf(r Result) known {
	k := known{passed: r.passed(), total: len(r.Subtests), absent: r.Absent, broken: r.Broken}
	for _, s := range r.Subtests {
		if !s.Passed {
			k.fails = append(k.fails, s.Name)
		}
	}
	slices.Sort(k.fails)
	return k
}

// with is the record after these results.
func (rec *record) with(results []Result) *record {
	out := newRecord()
	out.Commit, out.Date = rec.Commit, rec.Date
	for name, k := range rec.files {
		out.files[name] = k
	}
	for _, r := range results {
		out.files[r.File.Name] = outcomeOf(r)
	}
	return out
}

func (rec *record) write(file string) error {
	var b strings.Builder
	b.WriteString(recordHead)
	fmt.Fprintf(&b, "commit %s\ndate %s\n", rec.Commit, rec.Date)
	for _, s := range rec.sums() {
		fmt.Fprintf(&b, "%s\n", s.line())
	}
	for _, name := range rec.names() {
		k := rec.files[name]
		if k.absent != "" {
			fmt.Fprintf(&b, "n/a %s (%s)\n", name, k.absent)
			continue
		}
		fmt.Fprintf(&b, "%d/%d %s\n", k.passed, k.total, name)
		if k.broken != "" {
			fmt.Fprintf(&b, "\tbroken %s\n", quote(k.broken))
		}
		for _, f := range k.fails {
			fmt.Fprintf(&b, "\tfail %s\n", quote(f))
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644) //nolint:gosec // a file of the repository
}

func (rec *record) names() []string {
	names := make([]string, 0, len(rec.files))
	for name := range rec.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sum counts the files and subtests of one area.
type sum struct {
	area                                  string
	files, absent, broken, passed, failed int
}

func (s *sum) add(t sum) {
	s.files += t.files
	s.absent += t.absent
	s.broken += t.broken
	s.passed += t.passed
	s.failed += t.failed
}

// percent is how many of the subtests passed, rounded down.
func (s sum) percent() string {
	if s.passed+s.failed == 0 {
		return ""
	}
	tenths := 1000 * s.passed / (s.passed + s.failed)
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// line is how results.txt has the sum.
func (s sum) line() string {
	return fmt.Sprintf("# %s: %d files, %d not applicable; %d subtests pass, %d fail", s.area, s.files, s.absent, s.passed, s.failed)
}

// row is how the README has the sum.
func (s sum) row() string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %s |", s.area, s.files, s.absent, s.passed, s.failed, s.percent())
}

// sums are those of all areas, in order. A variant of a file counts as a file.
func (rec *record) sums() []sum {
	by := map[string]*sum{}
	var areas []string
	for _, name := range rec.names() {
		k := rec.files[name]
		p, _, _ := strings.Cut(name, "?")
		area := File{Path: p}.Area()
		if by[area] == nil {
			by[area] = &sum{area: area}
			areas = append(areas, area)
		}
		s := by[area]
		switch {
		case k.absent != "":
			s.absent++
			continue
		case k.broken != "":
			s.broken++
		}
		s.files++
		s.passed += k.passed
		s.failed += k.total - k.passed
	}
	slices.Sort(areas)
	out := make([]sum, len(areas))
	for i, a := range areas {
		out[i] = *by[a]
	}
	return out
}

// compare names what fails and was not known to, and what passes and was known to
// fail. Only files of the record are judged.
func (rec *record) compare(results []Result) (worse, better []string) {
	for _, r := range results {
		was, ok := rec.files[r.File.Name]
		if !ok || was.absent != "" {
			continue
		}
		is := outcomeOf(r)
		name := func(subtest string) string { return r.File.Name + ": " + subtest }
		switch {
		case is.absent != "":
			worse = append(worse, name(is.absent))
			continue
		case is.broken != "" && was.broken == "":
			worse = append(worse, name(is.broken))
		case is.broken == "" && was.broken != "":
			better = append(better, r.File.Name)
		}
		for _, s := range r.Subtests {
			known := slices.Contains(was.fails, s.Name)
			switch {
			case !s.Passed && !known:
				worse = append(worse, name(s.Name))
			case s.Passed && known:
				better = append(better, name(s.Name))
			}
		}
		if is.total < was.total {
			worse = append(worse, name(fmt.Sprintf("%d subtests of %d ran", is.total, was.total)))
		}
	}
	return worse, better
}
