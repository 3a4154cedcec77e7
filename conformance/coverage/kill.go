package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// kill runs the tests of some cases against the broken code. It returns, for each of
// those whose test did not fail, why that is so.
func (m *mutation) kill(rows []*row, test tester) map[*row]error {
	unharmed := map[*row]error{}
	all := func(rows []*row, err error) {
		for _, c := range rows {
			unharmed[c] = err
		}
	}
	dir, err := os.MkdirTemp("", "coverage")
	if err != nil {
		all(rows, err)
		return unharmed
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir)
	if err != nil {
		all(rows, err)
		return unharmed
	}
	for len(rows) > 0 {
		pkg := rows[0].Package
		var same, others []*row
		for _, c := range rows {
			if c.Package == pkg {
				same = append(same, c)
			} else {
				others = append(others, c)
			}
		}
		rows = others
		for len(same) > 0 {
			silent, err := judge(overlay, same, test, unharmed)
			if err != nil {
				all(same, err)
				break
			}
			// A test that panics or hangs ends those behind it as well: they run again
			// without it, or each by itself where nobody knows which one it was.
			if len(silent) == len(same) {
				for _, c := range same {
					if _, err := judge(overlay, []*row{c}, test, unharmed); err != nil {
						unharmed[c] = err
					}
				}
				break
			}
			same = silent
		}
	}
	return unharmed
}

// overlay writes the broken code and returns the file that has go build use it.
func (m *mutation) overlay(dir string) (string, error) {
	src, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	broken, err := m.apply(string(src))
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	other := filepath.Join(dir, filepath.Base(m.file))
	overlay := filepath.Join(dir, "overlay.json")
	doc, err := json.Marshal(map[string]any{"Replace": map[string]string{abs: other}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(other, []byte(broken), 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, doc, 0o600)
}

// judge runs the tests of cases of one package once and notes those that did not
// fail. silent are those of several that were not heard of, since another test ended
// all of them.
func judge(overlay string, rows []*row, test tester, unharmed map[*row]error) (silent []*row, err error) {
	res, err := test("-overlay", overlay, "-run", pattern(rows), "./"+rows[0].Package)
	if err != nil {
		return nil, err
	}
	if len(res.output) > 0 {
		return nil, fmt.Errorf("the broken code does not compile: %v", res.output)
	}
	ended := res.action[key(rows[0].Package, "")] == "fail"
	for _, c := range rows {
		switch a := res.action[key(c.Package, c.Test)]; {
		case a == "fail":
		case a == "pass":
			unharmed[c] = fmt.Errorf("%s passes with the code broken", c.Test)
		case a == "" && ended && len(rows) > 1:
			silent = append(silent, c)
		case a == "" && ended: // a panic or a hang ends a test without a word of its own
		case a == "":
			unharmed[c] = fmt.Errorf("%s did not run", c.Test)
		default:
			unharmed[c] = fmt.Errorf("%s: %s", c.Test, a)
		}
	}
	return silent, nil
}

// pattern is the -run argument for exactly those subtests.
func pattern(rows []*row) string {
	var tests []string
	for _, c := range rows {
		parts := strings.Split(c.Test, "/")
		for i, p := range parts {
			parts[i] = "^" + regexp.QuoteMeta(p) + "$"
		}
		tests = append(tests, strings.Join(parts, "/"))
	}
	return strings.Join(slices.Compact(tests), "|")
}
