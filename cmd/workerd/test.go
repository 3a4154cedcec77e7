package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"workerd.local/isolate"
	"workerd.local/server"
)

func test(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newOptions("test", "<config> [<filter>]", stdout, stderr)
	o.fs.BoolVar(&o.noVerbose, "no-verbose", false, "log less")
	o.fs.StringVar(&o.compatDate, "compat-date", "", "use `date` for every worker, which then must not set its own")
	predictable := false
	o.fs.BoolVar(&predictable, "predictable", false, "give scripts the same random numbers in every run")
	for _, n := range []string{"w", "watch"} {
		o.fs.BoolVar(&o.watch, n, false, "run the tests again when the configuration or a script changes")
	}
	rest, code := o.parse(args, 1, 2)
	if code >= 0 {
		return code
	}
	o.verbose = !o.noVerbose
	if o.run.Isolates == 0 {
		o.run.Isolates = 1
	}
	// The tests say themselves what they miss.
	o.run.AllowUnknownFlags = true
	if predictable {
		o.run.Host = isolate.PredictableHost(isolate.SystemHost())
	}
	constName, filterText := "", ""
	if len(rest) > 1 {
		filterText = rest[1]
		// const:service:entrypoint names the constant too.
		if parts := strings.Split(filterText, ":"); len(parts) == 3 {
			constName, filterText = parts[0], parts[1]+":"+parts[2]
		}
	}
	filter, err := server.ParseTestFilter(filterText)
	if err != nil {
		return o.wrong("%s", err)
	}
	t := &testRun{o: o, path: rest[0], constName: constName, filter: filter, stderr: stderr}
	if o.watch {
		t.follow(ctx)
		return exitOK
	}
	ok, _, err := t.run(ctx)
	if err != nil {
		return fail(stderr, err)
	}
	if !ok {
		return exitFailed
	}
	return exitOK
}

// testRun runs the tests of a configuration, each time from the start.
type testRun struct {
	o               *options
	path, constName string
	filter          server.TestFilter
	stderr          io.Writer
}

// run reports whether all tests passed, and the files that they were made from.
func (t *testRun) run(ctx context.Context) (ok bool, files []string, err error) {
	cfg, err := t.o.config(t.path, t.constName, t.stderr, true)
	if err != nil {
		return false, nil, err
	}
	s, err := server.New(ctx, cfg, t.o.serverOptions(t.stderr))
	if err != nil {
		return false, cfg.Files, err
	}
	files = s.Watched()
	passed, failed := 0, 0
	err = s.Test(ctx, t.filter, func(name string) {
		fmt.Fprintf(t.stderr, "[ TEST ] %s\n", name)
	}, func(r server.TestResult) {
		word := "PASS"
		if r.Passed {
			passed++
		} else {
			failed++
			word = "FAIL"
		}
		fmt.Fprintf(t.stderr, "[ %s ] %s (%s)\n", word, r.Name, r.Took.Round(time.Microsecond))
	})
	if cerr := s.Close(context.WithoutCancel(ctx)); err == nil {
		err = cerr
	}
	switch {
	case err != nil:
		return false, files, err
	case passed+failed == 0:
		fmt.Fprintln(t.stderr, "No tests found!")
	case failed == 0:
		return true, files, nil
	}
	fmt.Fprintln(t.stderr, "Tests failed!")
	return false, files, nil
}

// follow runs the tests, and again whenever a file of theirs has changed, until ctx
// ends.
func (t *testRun) follow(ctx context.Context) {
	var files []string
	once := func() error {
		_, read, err := t.run(ctx)
		if read != nil {
			files = read
		}
		return err
	}
	began := time.Now()
	failing := once()
	if failing != nil && ctx.Err() == nil {
		fmt.Fprintln(t.stderr, failing)
	}
	t.o.followFiles(ctx, began, t.path, t.stderr, failing, once, func() []string { return files })
}
