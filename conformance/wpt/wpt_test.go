package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/conformance/process"
	"workerd.local/conformance/suite"
)

func TestMain(m *testing.M) { process.Main(m) }

func testOptions(t *testing.T) options {
	return options{
		Options: suite.Options{Bin: process.Build(t), Parallel: 2, Timeout: patience},
		Date:    defaultDate, Flags: strings.Split(standardFlags, ","),
	}
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
	printSums(&b, results)
	t.Log(b.String())
}

func small(t *testing.T, wanted ...string) (dir string, files []File) {
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
	dir, files := small(t, "good", "bad")
	o, brief := testOptions(t), testOptions(t)
	o.Timeout, brief.Timeout = time.Minute, 2*time.Second
	// One of them never ends, and need not take a minute for that.
	endless := slices.IndexFunc(files, func(f File) bool { return f.Name == "bad/waits.any.js" })
	if endless < 0 {
		t.Fatal("no file has a subtest that never ends")
	}
	got := map[string]Result{}
	var b bytes.Buffer
	report := func(r Result) { got[r.File.Name] = r; printResult(&b, r, true) }
	results := runAll(t.Context(), o, dir, slices.Delete(slices.Clone(files), endless, endless+1), report)
	results = append(results, runAll(t.Context(), brief, dir, files[endless:endless+1], report)...)
	printSums(&b, results)
	for name, want := range map[string][2]int{
		"good/kinds.any.js": {5, 5}, "good/variants.any.js?a": {1, 1}, "good/variants.any.js?b": {1, 1}, "bad/fails.any.js": {1, 4}, "good/trickle.any.js": {2, 2},
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
	if r := got["bad/waits.any.js"]; r.Broken != "some subtests never end" || r.passed() != 1 || len(r.Subtests) != 2 {
		t.Errorf("a file with a subtest that never ends: %q, %d subtests\n%s", r.Broken, len(r.Subtests), r.Output)
	}
	if r := got["bad/server.any.js"]; r.Absent != "needs the suite's server" {
		t.Errorf("a file that asks a program: %+v", r)
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
		return slices.Equal(strings.Fields(l), []string{"good", "4", "0", "9", "0", "100.0", "%"})
	}) {
		t.Errorf("the sums of a folder:\n%s", b.String())
	}
}

func TestFindRefusesWhatIsNoSuite(t *testing.T) {
	if _, err := find(t.TempDir(), nil); err == nil {
		t.Error("an empty directory is a suite")
	}
	dir, _ := small(t, ".")
	for _, wanted := range []string{"nowhere", "resources"} {
		if _, err := find(dir, []string{wanted}); err == nil {
			t.Errorf("%s has tests", wanted)
		}
	}
}

func TestRecordKnowsWhatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.txt")
	const odd = "y\\ in\ntwo lines"
	a := Result{File: File{Name: "x/a.any.js"}, Subtests: []Subtest{{Name: "x", Passed: true}, {Name: odd}}}
	b := Result{File: File{Name: "x/b.any.js?v"}, Broken: "late"}
	c := Result{File: File{Name: "x/c.any.js"}, Absent: "for window only"}
	written := newRecord().with([]Result{a, b, c})
	written.Commit, written.Date = "abc", "2026-01-02"
	if err := written.write(file); err != nil {
		t.Fatal(err)
	}
	rec, err := readRecord(file)
	if err != nil || !reflect.DeepEqual(rec, written) {
		t.Fatalf("%+v, %v; want %+v", rec, err, written)
	}
	if got := rec.sums(); len(got) != 1 || got[0] != (sum{area: "x", files: 2, absent: 1, broken: 1, passed: 1, failed: 1}) {
		t.Errorf("the sums are %+v", got)
	}
	check := func(worse, better []string, results ...Result) {
		t.Helper()
		w, b := rec.compare(results)
		if !slices.Equal(w, worse) || !slices.Equal(b, better) {
			t.Errorf("worse %q, better %q; want %q, %q", w, b, worse, better)
		}
	}
	check(nil, nil, a, b, c, Result{File: File{Name: "x/new.any.js"}, Broken: "x"})
	a.Subtests = []Subtest{{Name: "x"}, {Name: odd, Passed: true}}
	b.Broken = ""
	check([]string{"x/a.any.js: x"}, []string{"x/a.any.js: " + odd, "x/b.any.js?v"}, a, b)
	a.Subtests = a.Subtests[1:]
	check([]string{"x/a.any.js: 1 subtests of 2 ran"}, []string{"x/a.any.js: " + odd}, a)
	a.Broken = "why"
	check([]string{"x/a.any.js: why", "x/a.any.js: 1 subtests of 2 ran"}, []string{"x/a.any.js: " + odd}, a)
	check([]string{"x/a.any.js: gone"}, nil, Result{File: a.File, Absent: "gone"})
	for _, bad := range []string{"what", "1 a.any.js", "\tfail x", "n/a a.any.js", "1/1 a.any.js\n\tmaybe x"} {
		if _, err := parseRecord("r", bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestAreas(t *testing.T) {
	for p, want := range map[string]string{
		"url/a.any.js": "url", "streams/piping/a.any.js": "streams", "fetch/api/headers/x/a.any.js": "fetch/api/headers",
		"fetch/api/a.any.js": "fetch/api", "dom/abort/a.any.js": "dom/abort", "html/webappapis/timers/a.any.js": "html/webappapis/timers",
	} {
		if got := (File{Path: p}).Area(); got != want {
			t.Errorf("%s is of %s, want %s", p, got, want)
		}
	}
}

// The table of the README has the sums of results.txt, of all standards of which anything
// can be run.
func TestReadmeSaysWhatIsRecorded(t *testing.T) {
	rec, err := readRecord("results.txt")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, s := range rec.sums() {
		if s.files > 0 {
			rows = append(rows, s.row())
		}
	}
	if len(rows) == 0 {
		t.Fatal("results.txt has no sums")
	}
	if table := strings.Join(rows, "\n"); !strings.Contains(string(readme), table) {
		t.Errorf("README.md lacks the rows\n%s", table)
	}
	for _, said := range []string{rec.Commit[:min(12, len(rec.Commit))], rec.Date} {
		if !strings.Contains(string(readme), said) {
			t.Errorf("README.md does not say %s, as results.txt does", said)
		}
	}
}
