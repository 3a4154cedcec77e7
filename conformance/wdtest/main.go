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
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// record is where the outcome is kept, from the root of the module.
const record = "conformance/wdtest/results.txt"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("wdtest", flag.ContinueOnError)
	f.SetOutput(stderr)
	o := options{}
	f.StringVar(&o.Bin, "bin", "", "the workerd to run; built from this module if empty")
	f.IntVar(&o.Parallel, "j", runtime.NumCPU(), "how many files to run at once")
	f.DurationVar(&o.Timeout, "timeout", 60*time.Second, "how long one file may take")
	only := f.String("f", "", "run only files whose name, such as api/tests/url-test.wd-test, matches the glob")
	verbose := f.Bool("v", false, "print what failing files wrote")
	write := f.Bool("record", false, "write the outcome to "+record)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintln(stderr, "wdtest:", err)
		return 2
	}
	if f.NArg() != 1 {
		return fail(errors.New("name one checkout of cloudflare/workerd"))
	}
	if *write && *only != "" {
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
	if o.Bin == "" {
		dir, err := os.MkdirTemp("", "wdtest")
		if err != nil {
			return fail(err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a leftover of a program that ends
		if o.Bin, err = build(ctx, dir); err != nil {
			return fail(err)
		}
	}
	commit := commitOf(ctx, checkout)
	results := runAll(ctx, o, checkout, files, func(r Result) {
		fmt.Fprintln(stdout, r.line())
		if *verbose && r.Outcome == Failed {
			fmt.Fprintln(stdout, indent(r.Output))
		}
	})
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	printAreas(stdout, results)
	if *write {
		if err := writeRecord(record, results, commit, time.Now()); err != nil {
			return fail(err)
		}
		return 0
	}
	was, err := readRecord(record)
	if err != nil {
		return fail(err)
	}
	worse, better := was.compare(results)
	for _, name := range better {
		fmt.Fprintln(stdout, "now passes:", name)
	}
	for _, name := range worse {
		fmt.Fprintln(stdout, "REGRESSION:", name)
	}
	if len(worse) > 0 {
		return 1
	}
	return 0
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

// build compiles the command into dir.
func build(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "workerd")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "workerd.local/cmd/workerd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return bin, nil
}

// commitOf is the commit of the checkout, "unknown" where it is no repository.
func commitOf(ctx context.Context, checkout string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", checkout, "rev-parse", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}
