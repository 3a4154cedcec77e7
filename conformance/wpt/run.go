package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

type options struct {
	Bin      string
	Date     string
	Flags    []string
	Parallel int
	Timeout  time.Duration
}

// Result is what became of one file.
type Result struct {
	File     File
	Subtests []Subtest
	// Absent says why it was not run, Broken why it did not come to its end.
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
	results := make([]Result, len(files))
	done := make([]chan struct{}, len(files))
	for i := range done {
		done[i] = make(chan struct{})
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range max(o.Parallel, 1) {
		workers.Go(func() {
			for i := range next {
				results[i] = runFile(ctx, o, dir, files[i])
				close(done[i])
			}
		})
	}
	workers.Go(func() {
		defer close(next)
		for i := range files {
			next <- i
		}
	})
	for i := range results {
		<-done[i]
		report(results[i])
	}
	workers.Wait()
	return results
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
	config, err := write(tmp, o, dir, f)
	if err != nil {
		r.Broken = err.Error()
		return r
	}
	timeout := o.Timeout
	if f.Long {
		timeout *= 3
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.Bin, "test", "--experimental", config)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	r.Output = out.String()
	ended := r.read()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.Broken = fmt.Sprintf("not done after %s", timeout)
	case ended != nil:
		r.Broken = ended.Error()
	case err != nil && len(r.Subtests) == 0:
		r.Broken = firstLine(r.Output)
	}
	return r
}

var said = regexp.MustCompile(`wpt-(subtest|end):(\S+)`)

// read takes the outcome from the log; the error says that the file did not end well.
func (r *Result) read() error {
	err := errors.New("the tests did not end: " + firstLine(r.Output))
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
		case "end":
			var end struct {
				Status  int    `json:"status"`
				Message string `json:"message"`
			}
			if bad := json.Unmarshal([]byte(text), &end); bad != nil {
				return bad
			}
			if err = nil; end.Status != 0 {
				err = fmt.Errorf("the harness ended with status %d: %s", end.Status, end.Message)
			}
		}
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
