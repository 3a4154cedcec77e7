package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"workerd.local/server"
)

func test(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newOptions("test", "<config> [<filter>]", stdout, stderr)
	o.fs.BoolVar(&o.noVerbose, "no-verbose", false, "log less")
	o.fs.StringVar(&o.compatDate, "compat-date", "", "use `date` for every worker, which then must not set its own")
	rest, code := o.parse(args, 1, 2)
	if code >= 0 {
		return code
	}
	o.verbose = !o.noVerbose
	if o.run.Isolates == 0 {
		o.run.Isolates = 1
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
	cfg, err := o.config(rest[0], constName, stderr, true)
	if err != nil {
		return fail(stderr, err)
	}
	s, err := server.New(ctx, cfg, o.serverOptions(stderr))
	if err != nil {
		return fail(stderr, err)
	}
	passed, failed := 0, 0
	err = s.Test(ctx, filter, func(name string) {
		fmt.Fprintf(stderr, "[ TEST ] %s\n", name)
	}, func(r server.TestResult) {
		word := "PASS"
		if r.Passed {
			passed++
		} else {
			failed++
			word = "FAIL"
		}
		fmt.Fprintf(stderr, "[ %s ] %s (%s)\n", word, r.Name, r.Took.Round(time.Microsecond))
	})
	if cerr := s.Close(context.WithoutCancel(ctx)); err == nil {
		err = cerr
	}
	switch {
	case err != nil:
		return fail(stderr, err)
	case passed+failed == 0:
		fmt.Fprintln(stderr, "No tests found!")
	case failed == 0:
		return exitOK
	}
	fmt.Fprintln(stderr, "Tests failed!")
	return exitFailed
}
