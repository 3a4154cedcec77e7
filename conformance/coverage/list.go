package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxReasons is how many behaviours of one list may be reasoned away.
const maxReasons = 8

// list is one file of behaviours.
//
//	# title: what the list is
//	# cases: 118
//	A001 <tab> what happens <tab> package <tab> TestX/its/subtest
//	A002 <tab> what happens <tab> n/a: why it cannot happen here
type list struct {
	Name, Title string
	Cases       int // how many there must be
	Rows        []*row
}

// row is one behaviour.
type row struct {
	ID, Behaviour string
	Package, Test string // of the test that holds it
	Reason        string // why there is none
}

// readLists reads the named lists of a folder, or all of them.
func readLists(dir string, names []string) ([]*list, error) {
	if len(names) == 0 {
		files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".txt"))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no lists: run this at the root of the module", dir)
	}
	var out []*list
	seen := map[string]string{}
	for _, n := range names {
		file := filepath.Join(dir, n+".txt")
		r, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		l, err := readList(n, r)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s:%w", file, err)
		}
		for _, c := range l.Rows {
			if was, ok := seen[c.ID]; ok {
				return nil, fmt.Errorf("%s: %s is in %s too", file, c.ID, was)
			}
			seen[c.ID] = n
		}
		out = append(out, l)
	}
	return out, nil
}

func readList(name string, r io.Reader) (*list, error) {
	l := &list{Name: name, Title: name}
	s := bufio.NewScanner(r)
	tests := map[string]string{}
	for n := 1; s.Scan(); n++ {
		line := s.Text()
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			key, value, _ := strings.Cut(strings.TrimSpace(rest), ":")
			switch key {
			case "title":
				l.Title = strings.TrimSpace(value)
			case "cases":
				if _, err := fmt.Sscan(value, &l.Cases); err != nil {
					return nil, fmt.Errorf("%d: cases: %w", n, err)
				}
			}
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		c, err := readRow(line)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
		if c.Test != "" {
			key := c.Package + " " + c.Test
			if was, ok := tests[key]; ok {
				return nil, fmt.Errorf("%d: %s and %s name the same test", n, was, c.ID)
			}
			tests[key] = c.ID
		}
		if slices.ContainsFunc(l.Rows, func(o *row) bool { return o.ID == c.ID }) {
			return nil, fmt.Errorf("%d: %s is there twice", n, c.ID)
		}
		l.Rows = append(l.Rows, c)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	reasons := 0
	for _, c := range l.Rows {
		if c.Reason != "" {
			reasons++
		}
	}
	switch {
	case l.Cases != len(l.Rows):
		return nil, fmt.Errorf("1: it says %d cases and has %d", l.Cases, len(l.Rows))
	case reasons > maxReasons:
		return nil, fmt.Errorf("1: %d cases are not applicable; at most %d may be", reasons, maxReasons)
	}
	return l, nil
}

func readRow(line string) (*row, error) {
	f := strings.Split(line, "\t")
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	switch {
	case len(f) < 3 || f[0] == "" || f[1] == "":
		return nil, fmt.Errorf("want: id, behaviour, package, test; or id, behaviour, n/a: reason; with tabs between")
	case len(f) == 3:
		reason, ok := strings.CutPrefix(f[2], "n/a:")
		if reason = strings.TrimSpace(reason); !ok || reason == "" {
			return nil, fmt.Errorf("%s has neither a test nor a reason (n/a: why)", f[0])
		}
		return &row{ID: f[0], Behaviour: f[1], Reason: reason}, nil
	case len(f) != 4 || f[2] == "" || !strings.HasPrefix(f[3], "Test"):
		return nil, fmt.Errorf("%s: after the behaviour come the package and the test", f[0])
	}
	return &row{ID: f[0], Behaviour: f[1], Package: f[2], Test: strings.ReplaceAll(f[3], " ", "_")}, nil
}

// report prints how a list stands and returns how many cases are not covered.
func (l *list) report(w io.Writer, res *results, all bool) (missing int) {
	covered, reasons := 0, 0
	for _, c := range l.Rows {
		if c.Reason != "" {
			reasons++
			fmt.Fprintf(w, "n/a      %s %s: %s\n", c.ID, c.Behaviour, c.Reason)
			continue
		}
		if why := res.why(c); why != "" {
			missing++
			fmt.Fprintf(w, "MISSING  %s %s: %s %s %s\n", c.ID, c.Behaviour, c.Package, c.Test, why)
			continue
		}
		covered++
		if all {
			fmt.Fprintf(w, "covered  %s %s: %s %s\n", c.ID, c.Behaviour, c.Package, c.Test)
		}
	}
	fmt.Fprintf(w, "%s: %d covered, %d not applicable, %d listed\n", l.Title, covered, reasons, len(l.Rows))
	return missing
}
