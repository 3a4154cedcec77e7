package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

func TestMain(m *testing.M) { process.Main(m) }

func testOptions(t *testing.T) options {
	return options{Bin: process.Build(t), Date: "2026-08-01", Flags: []string{"nodejs_compat", "pedantic_wpt"}, Parallel: 2, Timeout: time.Minute}
}

// TestWebPlatformTests runs the suite that the environment names and compares with
// results.txt. It takes as long as the suite is large.
func TestWebPlatformTests(t *testing.T) {
	dir := os.Getenv("WPT_DIR")
	if dir == "" {
		t.Skip("WPT_DIR names no directory with web-platform-tests")
	}
	was, err := readRecord("results.txt")
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	files, err := find(dir, strings.Fields(os.Getenv("WPT_FOLDERS")))
	if err != nil {
		t.Fatal(err)
	}
	results := runAll(t.Context(), testOptions(t), dir, files, func(Result) {})
	worse, better := was.compare(results)
	for _, name := range better {
		t.Logf("now passes: %s", name)
	}
	for _, name := range worse {
		t.Errorf("fails and is not known to: %s", name)
	}
	var b bytes.Buffer
	printFolders(&b, results)
	t.Log(b.String())
}

func suite(t *testing.T, wanted ...string) (dir string, files []File) {
	t.Helper()
	dir, err := filepath.Abs("testdata/suite")
	if err != nil {
		t.Fatal(err)
	}
	if files, err = find(dir, wanted); err != nil {
		t.Fatal(err)
	}
	return dir, files
}

func TestRunnerCountsSubtests(t *testing.T) {
	dir, files := suite(t)
	o := testOptions(t)
	o.Timeout = 20 * time.Second
	got := map[string]Result{}
	var b bytes.Buffer
	results := runAll(t.Context(), o, dir, files, func(r Result) { got[r.File.Name] = r; printResult(&b, r, true) })
	printFolders(&b, results)
	for name, want := range map[string][2]int{
		"good/kinds.any.js": {5, 5}, "good/variants.any.js?a": {1, 1}, "good/variants.any.js?b": {1, 1}, "bad/fails.any.js": {1, 4},
	} {
		r := got[name]
		if r.passed() != want[0] || len(r.Subtests) != want[1] || r.Broken != "" {
			t.Errorf("%s: %d of %d, %s\n%s", name, r.passed(), len(r.Subtests), r.Broken, r.Output)
		}
	}
	if r := got["bad/fails.any.js"]; len(r.Subtests) == 4 && r.Subtests[1].Message != "numbers: expected 2 got 1" {
		t.Errorf("the message is %q", r.Subtests[1].Message)
	}
	if r := got["bad/throws.any.js"]; !strings.Contains(r.Broken, "while it loads") {
		t.Errorf("a file that throws: %q\n%s", r.Broken, r.Output)
	}
	if r := got["bad/waits.any.js"]; r.Broken == "" {
		t.Errorf("a file that never says that it is done: %d subtests\n%s", len(r.Subtests), r.Output)
	}
	if r := got["bad/window.any.js"]; r.Absent != "for window only" {
		t.Errorf("a file for windows: %+v", r)
	}
	if r := got["bad/missing.any.js"]; r.Absent != "needs bad/nowhere.js, which is not there" {
		t.Errorf("a file whose script is missing: %+v", r)
	}
	for _, want := range []string{"n/a  bad/window.any.js (for window only)", "   1/4 bad/fails.any.js", "not equal: numbers: expected 2 got 1", "2 files did not come to their end"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, b.String())
		}
	}
	if !slices.ContainsFunc(strings.Split(b.String(), "\n"), func(l string) bool {
		return slices.Equal(strings.Fields(l), []string{"good", "7", "0", "7"})
	}) {
		t.Errorf("the sums of a folder:\n%s", b.String())
	}
}

func TestFindRefusesWhatIsNoSuite(t *testing.T) {
	if _, err := find(t.TempDir(), nil); err == nil {
		t.Error("an empty directory is a suite")
	}
	dir, _ := suite(t)
	for _, wanted := range []string{"nowhere", "resources"} {
		if _, err := find(dir, []string{wanted}); err == nil {
			t.Errorf("%s has tests", wanted)
		}
	}
}

func TestRecordKnowsWhatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.txt")
	a := Result{File: File{Name: "a.any.js"}, Subtests: []Subtest{{Name: "x", Passed: true}, {Name: "y\\ in\ntwo lines"}}}
	b := Result{File: File{Name: "b.any.js"}, Broken: "late"}
	if err := (record{}).with([]Result{a, b, {File: File{Name: "c.any.js"}, Absent: "for window only"}}).write(file); err != nil {
		t.Fatal(err)
	}
	rec, err := readRecord(file)
	if err != nil || len(rec) != 2 {
		t.Fatalf("%v, %v", rec, err)
	}
	check := func(worse, better []string, results ...Result) {
		t.Helper()
		w, b := rec.compare(results)
		if !slices.Equal(w, worse) || !slices.Equal(b, better) {
			t.Errorf("worse %q, better %q; want %q, %q", w, b, worse, better)
		}
	}
	check(nil, nil, a, b, Result{File: File{Name: "new.any.js"}, Broken: "x"})
	a.Subtests = []Subtest{{Name: "x"}, {Name: "y\\ in\ntwo lines", Passed: true}}
	b.Broken = ""
	check([]string{"a.any.js: x"}, []string{"a.any.js: y\\ in\ntwo lines", "b.any.js"}, a, b)
	a.Subtests = a.Subtests[1:]
	check([]string{"a.any.js: 1 subtests of 2 ran"}, []string{"a.any.js: y\\ in\ntwo lines"}, a)
	a.Broken = "x"
	check([]string{"a.any.js"}, nil, a)
	for _, bad := range []string{"what", "1 a.any.js", "\tfail x"} {
		if _, err := parseRecord("r", bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
