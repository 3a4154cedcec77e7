package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/conformance/process"
	"workerd.local/conformance/suite"
)

func TestMain(m *testing.M) { process.Main(m) }

// TestSuiteOfWorkerd runs workerd's own tests and compares with what results.txt has
// recorded. It takes minutes and needs a checkout.
func TestSuiteOfWorkerd(t *testing.T) {
	checkout := os.Getenv("WORKERD_CHECKOUT")
	if checkout == "" {
		t.Skip("WORKERD_CHECKOUT names no checkout of cloudflare/workerd")
	}
	was, err := readRecord("results.txt")
	if err != nil {
		t.Fatal(err)
	}
	if commit := suite.Commit(t.Context(), checkout); commit != was.Commit {
		t.Logf("the checkout is at %s, the record was made at %s", commit, was.Commit)
	}
	checkout, err = filepath.Abs(checkout)
	if err != nil {
		t.Fatal(err)
	}
	files, err := find(checkout)
	if err != nil {
		t.Fatal(err)
	}
	results := runAll(t.Context(), suite.Options{Bin: process.Build(t), Parallel: 2, Timeout: time.Minute}, checkout, files, func(Result) {})
	worse, better := was.compare(results)
	for _, name := range better {
		t.Logf("now passes: %s", name)
	}
	for _, name := range worse {
		t.Errorf("passed and fails now: %s", name)
		for _, r := range results {
			if r.File.Name == name {
				t.Log(r.Output)
			}
		}
	}
}

// The table of the README has the sums of results.txt.
func TestReadmeSaysWhatIsRecorded(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	record, err := os.ReadFile("results.txt")
	if err != nil {
		t.Fatal(err)
	}
	sum := regexp.MustCompile(`(?m)^# (\S+): (\d+) files pass, (\d+) fail, (\d+) not applicable; (\d+) tests pass, (\d+) fail$`)
	found := sum.FindAllStringSubmatch(string(record), -1)
	if len(found) == 0 {
		t.Fatal("results.txt has no sums")
	}
	for _, m := range found {
		if row := "| " + strings.Join(m[1:], " | ") + " |"; !strings.Contains(string(readme), row) {
			t.Errorf("README.md lacks the row %s", row)
		}
	}
	for _, pattern := range []string{`(?m)^commit ([0-9a-f]{12})`, `(?m)^date (.*)$`} {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(string(record)); m == nil || !strings.Contains(string(readme), m[1]) {
			t.Errorf("README.md does not say what %s of results.txt does: %q", pattern, m)
		}
	}
}

func TestRecordedPassThatFailsIsARegression(t *testing.T) {
	rec, err := parseRecord("r", head+"commit abc\ndate 2026-01-02\npass a/x.wd-test\n\tpass x:one\n\tfail x:two\n\tpass x:gone\nfail a/y.wd-test (1 of 1 tests)\nn/a a/z.wd-test (Python)\n")
	if err != nil {
		t.Fatal(err)
	}
	if rec.Commit != "abc" || len(rec.Outcomes) != 6 {
		t.Errorf("record %+v", rec)
	}
	worse, better := rec.compare([]Result{
		{File: File{Name: "a/x.wd-test"}, Outcome: Failed, Tests: []TestResult{{"x:one", Failed}, {"x:two", Passed}}},
		{File: File{Name: "a/y.wd-test"}, Outcome: Passed},
		{File: File{Name: "a/z.wd-test"}, Outcome: Absent},
		{File: File{Name: "a/new.wd-test"}, Outcome: Failed},
	})
	if want := []string{"a/x.wd-test", "a/x.wd-test#x:gone", "a/x.wd-test#x:one"}; !slices.Equal(worse, want) {
		t.Errorf("worse %q, want %q", worse, want)
	}
	if want := []string{"a/x.wd-test#x:two", "a/y.wd-test"}; !slices.Equal(better, want) {
		t.Errorf("better %q, want %q", better, want)
	}
	if _, err := parseRecord("r", "maybe a/x.wd-test"); err == nil {
		t.Error("a word that is no outcome was read")
	}
}

func TestRecordIsReadAsItWasWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.txt")
	results := []Result{
		{File: File{Name: "io/a.wd-test"}, Outcome: Passed, Tests: []TestResult{{"a", Passed}, {"a:b", Passed}}},
		{File: File{Name: "io/b.wd-test"}, Outcome: Failed, Why: "1 of 1 tests", Tests: []TestResult{{"b", Failed}}},
		{File: File{Name: "io/c.wd-test"}, Outcome: Absent, Why: "Python"},
	}
	if err := writeRecord(file, results, "abc", time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	rec, err := readRecord(file)
	if err != nil {
		t.Fatal(err)
	}
	if worse, better := rec.compare(results); len(worse)+len(better) > 0 || len(rec.Outcomes) != 6 {
		t.Errorf("worse %q, better %q, %d outcomes", worse, better, len(rec.Outcomes))
	}
}

// TestRunsFilesOfACheckout runs a small checkout of our own.
func TestRunsFilesOfACheckout(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	checkout := t.TempDir()
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(checkout, "src", "workerd", root), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := func(extra, date string) string {
		return "using Workerd = import \"/workerd/workerd.capnp\";\nconst c :Workerd.Config = ( services = [ ( name = \"s\", worker = ( " + date +
			" modules = [ ( name = \"w\", esModule = embed \"w.js\" ) ] ) ) ]," + extra + " );\n"
	}
	for name, text := range map[string]string{
		"io/w.js":            `export const good = { test() {} }; export const bad = { test() { if (globalThis.process === 1 || scheduler) throw new Error("no") } };`,
		"io/mixed.wd-test":   config("", ""),
		"io/dated.wd-test":   config("", `compatibilityDate = "2024-01-01",`),
		"io/flags.wd-test":   config(` v8Flags = [ "--expose-gc", "--stack-size=1" ],`, ""),
		"io/missing.wd-test": strings.Replace(config("", ""), "w.js", "made.js", 1),
		"io/broken.wd-test":  "nonsense",
	} {
		if err := os.WriteFile(filepath.Join(checkout, "src", "workerd", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := find(checkout)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runAll(t.Context(), suite.Options{Bin: process.Build(t), Parallel: 2, Timeout: time.Minute}, checkout, files, func(Result) {}) {
		line := string(r.Outcome) + " " + r.File.Name
		for _, tr := range r.Tests {
			line += " " + string(tr.Outcome) + ":" + tr.Name
		}
		if r.Outcome == Absent {
			line += " " + r.Why
		}
		got = append(got, line)
	}
	want := []string{
		"fail io/broken.wd-test",
		"fail io/dated.wd-test fail:s:bad pass:s:good",
		"n/a io/flags.wd-test V8 flags",
		"n/a io/missing.wd-test needs made.js, which workerd's build makes",
		"fail io/mixed.wd-test fail:s:bad pass:s:good",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReasonsNameNoMachine(t *testing.T) {
	for output, want := range map[string]string{
		"/a/b/x.wd-test:5:6: a text":                                     "5:6: a text",
		"/a/b/ext.capnp:5:6: a text\nmore":                               "5:6: a text",
		`10:11:12.131 error uncaught exception exception="Error: x" y=1`: "Error: x",
		`10:11:12.131 error internal error worker=m reference="internal error; reference = abc" error="the \"x\" is y"`: `the \"x\" is y`,
		"service s: w:1:2: No such module \"m\".": "service s: w:1:2: No such module \"m\".",
	} {
		if got := reason(Result{Output: output}); got != want {
			t.Errorf("%q gives %q, want %q", output, got, want)
		}
	}
}
