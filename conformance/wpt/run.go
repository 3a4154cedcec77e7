package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"workerd.local/conformance/suite"
)

type options struct {
	suite.Options
	Date  string
	Flags []string
}

// Result is what became of one file.
type Result struct {
	File     File
	Subtests []Subtest
	// Absent says why it was not run, Broken why it did not come to its end, or why the
	// harness does not trust it; what its subtests said until then counts.
	Absent, Broken string
	// Output is what the command wrote.
	Output string
}

// Subtest is one test() of a file.
type Subtest struct {
	Name    string `json:"name"`
	Passed  bool   `json:"passed"`
	Message string `json:"message"`
}

func (r Result) passed() int {
	n := 0
	for _, s := range r.Subtests {
		if s.Passed {
			n++
		}
	}
	return n
}

// runAll runs the files, some at a time, and reports each in the order of files.
func runAll(ctx context.Context, o options, dir string, files []File, report func(Result)) []Result {
	return suite.Each(o.Parallel, files, func(f File) Result { return runFile(ctx, o, dir, f) }, report)
}

func runFile(ctx context.Context, o options, dir string, f File) Result {
	r := Result{File: f, Absent: f.Absent}
	if r.Absent != "" {
		return r
	}
	tmp, err := os.MkdirTemp("", "wpt")
	if err != nil {
		r.Broken = err.Error()
		return r
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // a leftover in the system's temporary folder
	timeout := o.Timeout
	if f.Long {
		timeout *= 3
	}
	config, err := write(tmp, o, dir, f, timeout)
	if err != nil {
		r.Broken = err.Error()
		return r
	}
	timeout += grace
	ran := suite.Run(ctx, timeout, o.Bin, "test", "--experimental", "--limit-turn="+timeout.String(), config)
	r.Output = ran.Output
	if err := r.read(); err != nil {
		r.Broken = err.Error()
	}
	if ran.Late {
		r.Broken = fmt.Sprintf("not done after %s", timeout)
	}
	return r
}

// grace is what a file may take beyond its timeout, for its start and its end.
const grace = 20 * time.Second

var said = regexp.MustCompile(`wpt-(subtest|end|thrown):(\S+)`)

// read takes the outcome from the log; the error says that the file did not end well.
func (r *Result) read() error {
	err := errors.New("the tests did not end: " + firstLine(r.Output))
	var thrown error
	for _, m := range said.FindAllStringSubmatch(r.Output, -1) {
		text, bad := url.PathUnescape(m[2])
		if bad != nil {
			return bad
		}
		switch m[1] {
		case "subtest":
			var s Subtest
			if bad := json.Unmarshal([]byte(text), &s); bad != nil {
				return bad
			}
			r.Subtests = append(r.Subtests, s)
		case "thrown", "end":
			var end struct {
				Status  int    `json:"status"`
				Message string `json:"message"`
			}
			if bad := json.Unmarshal([]byte(text), &end); bad != nil {
				return bad
			}
			switch {
			case m[1] == "thrown":
				thrown = fmt.Errorf("a script throws: %s", end.Message)
			case end.Status == 2:
				err = errors.New("some subtests never end")
			case end.Status != 0:
				err = fmt.Errorf("the harness says: %s", end.Message)
			default:
				err = nil
			}
		}
	}
	if thrown != nil {
		return thrown
	}
	return err
}

// firstLine is the first line that says what went wrong.
func firstLine(output string) string {
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "[ TEST ]") && !said.MatchString(line) {
			return line
		}
	}
	return "no output"
}
