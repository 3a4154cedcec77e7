package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// module is the path that go test puts before the packages of the lists.
const module = "workerd.local/"

// results are the last words on each test that ran.
type results struct {
	action map[string]string // by package, space, test: pass, fail, skip
	output map[string]string // of packages that did not build
}

func key(pkg, test string) string { return strings.TrimPrefix(pkg, module) + " " + test }

// readEvents reads the output of go test -json. Lines that are none of its
// events make it fail: then half of the results may be missing.
func readEvents(r io.Reader) (*results, error) {
	res := &results{action: map[string]string{}, output: map[string]string{}}
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	for n := 1; s.Scan(); n++ {
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		var e struct{ Action, Package, ImportPath, Test, Output string }
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d is no event of go test -json: %.60q", n, s.Text())
		}
		switch e.Action {
		case "pass", "fail", "skip":
			res.action[key(e.Package, e.Test)] = e.Action
		case "build-output":
			res.output[e.ImportPath] += e.Output
		}
	}
	return res, s.Err()
}

// why says why a case does not count as covered, and nothing if it does.
func (res *results) why(c *row) string {
	// A subtest that passed below a parent that was skipped or failed proves nothing.
	for i := 0; i <= len(c.Test); i++ {
		if i < len(c.Test) && c.Test[i] != '/' {
			continue
		}
		switch a := res.action[key(c.Package, c.Test[:i])]; {
		case a == "" && i == len(c.Test):
			return "did not run"
		case a == "":
			return c.Test[:i] + " did not run"
		case a == "skip":
			return "was skipped"
		case a == "fail" && i == len(c.Test):
			return "failed"
		}
	}
	return ""
}

// tester runs go test -json with some arguments.
type tester func(args ...string) (*results, error)

func goTest(args ...string) (*results, error) { return goTestEnv(nil, args) }

// brokenTest is goTest for broken code: what its tests wait for may never happen.
// Without what debuggers need, linking takes half as long.
func brokenTest(args ...string) (*results, error) {
	return goTestEnv([]string{"WORKERD_TEST_PATIENCE=10s"}, append([]string{"-timeout", "2m", "-ldflags=-w"}, args...))
}

func goTestEnv(env, args []string) (*results, error) {
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1", "-vet=off"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	res, rerr := readEvents(bytes.NewReader(out))
	if rerr != nil {
		return nil, rerr
	}
	if err != nil && len(res.action) == 0 {
		return nil, fmt.Errorf("go test: %w: %s", err, bytes.TrimSpace(errs.Bytes()))
	}
	return res, nil
}

// runTests runs every test that the lists name.
func runTests(lists []*list, progress io.Writer) (*results, error) {
	names := map[string][]string{}
	for _, l := range lists {
		for _, c := range l.Rows {
			if c.Test == "" {
				continue
			}
			top, _, _ := strings.Cut(c.Test, "/")
			if !slices.Contains(names[c.Package], top) {
				names[c.Package] = append(names[c.Package], top)
			}
		}
	}
	all := &results{action: map[string]string{}, output: map[string]string{}}
	pkgs := make([]string, 0, len(names))
	for p := range names {
		pkgs = append(pkgs, p)
	}
	slices.Sort(pkgs)
	for _, p := range pkgs {
		fmt.Fprintf(progress, "testing %s\n", p)
		res, err := goTest("-run", "^("+strings.Join(names[p], "|")+")$", "./"+p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		for k, v := range res.action {
			all.action[k] = v
		}
		for k, v := range res.output {
			all.output[k] = v
		}
	}
	return all, nil
}
