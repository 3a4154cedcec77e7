package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"workerd.local/conformance/suite"
)

// Outcome of a file or of one of its tests.
type Outcome string

// The outcomes.
const (
	Passed Outcome = "pass"
	Failed Outcome = "fail"
	Absent Outcome = "n/a"
)

// Result is what became of one file.
type Result struct {
	File    File
	Outcome Outcome
	// Why is the reason of what is not pass.
	Why   string
	Tests []TestResult
	// Output is what the command wrote.
	Output string
	Took   time.Duration
}

// TestResult is what became of one exported test of a file.
type TestResult struct {
	Name    string
	Outcome Outcome
}

// undated is the date of workers whose file says none.
const undated = "2026-08-01"

// runAll runs the files, some at a time, and reports each in the order of files.
func runAll(ctx context.Context, o suite.Options, checkout string, files []File, report func(Result)) []Result {
	return suite.Each(o.Parallel, files, func(f File) Result { return runFile(ctx, o, checkout, f) }, report)
}

var testLine = regexp.MustCompile(`(?m)^\[ (PASS|FAIL|TEST) \] (\S+)`)

func runFile(ctx context.Context, o suite.Options, checkout string, f File) Result {
	r := Result{File: f}
	if f.Reason != "" {
		r.Outcome, r.Why = Absent, f.Reason
		return r
	}
	dir, err := os.MkdirTemp("", "wdtest")
	if err != nil {
		r.Outcome, r.Why = Failed, err.Error()
		return r
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the system's temporary folder
	args := []string{"test", "--experimental", "--predictable", "-I", checkout + "/src", "-d", "TEST_TMPDIR=" + dir}
	if !f.Dated {
		args = append(args, "--compat-date="+undated)
	}
	ran := suite.Run(ctx, o.Timeout, o.Bin, append(args, f.Path)...)
	r.Took, r.Output = ran.Took, ran.Output
	r.Tests = outcomes(r.Output)
	switch {
	case ran.Err == nil:
		r.Outcome = Passed
	case ran.Late:
		r.Outcome, r.Why = Failed, fmt.Sprintf("not done after %s", o.Timeout)
	default:
		r.Outcome, r.Why = Failed, reason(r)
	}
	return r
}

// outcomes reads the lines about single tests. One that began and did not end has
// failed.
func outcomes(output string) []TestResult {
	var out []TestResult
	for _, m := range testLine.FindAllStringSubmatch(output, -1) {
		switch m[1] {
		case "TEST":
			out = append(out, TestResult{m[2], Failed})
		case "PASS":
			for i := range out {
				if out[i].Name == m[2] {
					out[i].Outcome = Passed
				}
			}
		}
	}
	return out
}

// reason says in a line why a file failed.
func reason(r Result) string {
	failed := 0
	for _, t := range r.Tests {
		if t.Outcome == Failed {
			failed++
		}
	}
	if len(r.Tests) > 0 {
		return fmt.Sprintf("%d of %d tests", failed, len(r.Tests))
	}
	first, _, _ := strings.Cut(strings.TrimSpace(r.Output), "\n")
	// What differs between runs and machines is left out.
	if m := logged.FindStringSubmatch(first); m != nil {
		return m[1]
	}
	return place.ReplaceAllString(first, "")
}

var (
	logged = regexp.MustCompile(`(?:exception| error)="(.*?[^\\])"(?: |$)`)
	place  = regexp.MustCompile(`\S*[/\\]\S*?(?:wd-test|capnp):`)
)

func (r Result) line() string {
	s := fmt.Sprintf("%s %s", r.Outcome, r.File.Name)
	if r.Why != "" {
		s += " (" + r.Why + ")"
	}
	var failed []string
	for _, t := range r.Tests {
		if t.Outcome == Failed {
			failed = append(failed, t.Name)
		}
	}
	if len(failed) > 0 {
		s += "\n    failed: " + strings.Join(failed, " ")
	}
	return s
}
