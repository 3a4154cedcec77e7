package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutation is one way to break the code, and the cases whose tests must see it.
// Its file names it:
//
//	file cache/flush.go
//	cases A010 A021
//	-- find
//	what the code says, found exactly once
//	-- replace
//	what it says when it is broken
//
// It is compiled through an overlay: the working tree stays as it is.
type mutation struct {
	name          string
	file          string
	find, replace string
	rows          []*row
}

func readMutations(dir string, lists []*list) ([]*mutation, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	rows := map[string]*row{}
	for _, l := range lists {
		for _, c := range l.Rows {
			rows[c.ID] = c
		}
	}
	var out []*mutation
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		m, ids, err := parseMutation(strings.TrimSuffix(filepath.Base(f), ".txt"), string(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		for _, id := range ids {
			// A case that is in no list that was asked for stays out.
			c := rows[id]
			if slices.Contains(m.rows, c) {
				return nil, fmt.Errorf("%s: %s is there twice", f, id)
			}
			if c != nil && c.Test != "" {
				m.rows = append(m.rows, c)
			}
		}
		out = append(out, m)
	}
	return out, nil
}

func parseMutation(name, text string) (*mutation, []string, error) {
	m := &mutation{name: name}
	head, rest, ok := strings.Cut(text, "-- find\n")
	if !ok {
		return nil, nil, fmt.Errorf("there is no line \"-- find\"")
	}
	m.find, m.replace, ok = strings.Cut(rest, "-- replace\n")
	if !ok {
		return nil, nil, fmt.Errorf("there is no line \"-- replace\"")
	}
	m.find, m.replace = strings.TrimRight(m.find, "\n"), strings.TrimRight(m.replace, "\n")
	var ids []string
	for _, line := range strings.Split(head, "\n") {
		w := strings.Fields(line)
		switch {
		case len(w) == 0 || strings.HasPrefix(w[0], "#"):
		case w[0] == "file" && len(w) == 2:
			m.file = w[1]
		case w[0] == "cases":
			ids = append(ids, w[1:]...)
		default:
			return nil, nil, fmt.Errorf("unknown line %q", line)
		}
	}
	switch {
	case m.file == "" || len(ids) == 0 || m.find == "":
		return nil, nil, fmt.Errorf("it needs a file, cases, and something to find")
	case m.find == m.replace:
		return nil, nil, fmt.Errorf("it changes nothing")
	}
	return m, ids, nil
}

// apply returns the broken source.
func (m *mutation) apply(src string) (string, error) {
	if n := strings.Count(src, m.find); n != 1 {
		return "", fmt.Errorf("what it looks for is in %s %d times, not once", m.file, n)
	}
	return strings.Replace(src, m.find, m.replace, 1), nil
}
