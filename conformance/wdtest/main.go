// Command wdtest runs the *.wd-test files of a checkout of cloudflare/workerd with
// this repository's workerd, each in a process of its own, and prints what passed.
//
//	wdtest [flags] CHECKOUT
//	wdtest --record CHECKOUT     also writes the outcome to results.txt
//	wdtest -f 'api/tests/url*' -v CHECKOUT
//
// Run it at the root of the module. It exits 0 where nothing that results.txt says
// to pass fails, 1 where something does, and 2 where it is used wrongly.
//
// The files, and what they import, stay in the checkout: nothing of them is in this
// repository. What is not applicable is not run; the reason is printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"workerd.local/conformance/suite"
)

func main() { suite.Main(run) }

// record is where the outcome is kept, from the root of the module.
const record = "conformance/wdtest/results.txt"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("wdtest", flag.ContinueOnError)
	f.SetOutput(stderr)
	var o suite.Options
	o.Flags(f, 60*time.Second, record)
	only := f.String("f", "", "run only files whose name, such as api/tests/url-test.wd-test, matches the glob")
	if code := suite.Parse(f, args); code >= 0 {
		return code
	}
	fail := func(err error) int {
		fmt.Fprintln(stderr, "wdtest:", err)
		return suite.Wrong
	}
	if f.NArg() != 1 {
		return fail(errors.New("name one checkout of cloudflare/workerd"))
	}
	if o.Record && *only != "" {
		return fail(errors.New("--record needs a run of all files"))
	}
	checkout, err := filepath.Abs(f.Arg(0))
	if err != nil {
		return fail(err)
	}
	files, err := find(checkout)
	if err != nil {
		return fail(err)
	}
	if *only != "" {
		if files, err = choose(files, *only); err != nil {
			return fail(err)
		}
	}
	remove, err := o.Build(ctx)
	if err != nil {
		return fail(err)
	}
	defer remove()
	commit := suite.Commit(ctx, checkout)
	results := runAll(ctx, o, checkout, files, func(r Result) {
		fmt.Fprintln(stdout, r.line())
		if o.Verbose && r.Outcome == Failed {
			fmt.Fprintln(stdout, indent(r.Output))
		}
	})
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	printAreas(stdout, results)
	if o.Record {
		if err := writeRecord(record, results, commit, time.Now()); err != nil {
			return fail(err)
		}
		return suite.OK
	}
	was, err := readRecord(record)
	if err != nil {
		return fail(err)
	}
	worse, better := was.compare(results)
	return suite.Judge(stdout, worse, better)
}

func choose(files []File, glob string) ([]File, error) {
	var out []File
	for _, f := range files {
		ok, err := path.Match(glob, f.Name)
		if err != nil {
			return nil, fmt.Errorf("-f: %w", err)
		}
		if ok {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no file matches %s", glob)
	}
	return out, nil
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}
