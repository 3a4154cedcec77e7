// Command wpt runs the .any.js files of web-platform-tests with this repository's
// workerd, one process and one worker for each, and prints per folder how many
// subtests passed.
//
//	wpt [flags] DIR [FOLDER or FILE...]
//	wpt --record DIR streams url     also writes the outcome to results.txt
//
// DIR is a checkout, or any directory with resources/testharness.js and test files in
// the same layout. Run it at the root of the module. It exits 0 where no subtest fails
// that results.txt does not know to fail, 1 where one does, and 2 where it is used
// wrongly. Files that results.txt does not have are run and not judged.
//
// The tests stay in DIR: nothing of them is in this repository, but the names of
// subtests that fail. What is for windows only is not run; the reason is printed.
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

// recordFile is where the outcome is kept, from the root of the module.
const recordFile = "conformance/wpt/results.txt"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("wpt", flag.ContinueOnError)
	f.SetOutput(stderr)
	o := options{}
	f.StringVar(&o.Bin, "bin", "", "the workerd to run; built from this module if empty")
	f.StringVar(&o.Date, "compat-date", "2026-08-01", "compatibility date of the workers")
	flags := f.String("compat-flags", "nodejs_compat,pedantic_wpt", "compatibility flags of the workers, with commas")
	f.IntVar(&o.Parallel, "j", runtime.NumCPU(), "how many files to run at once")
	f.DurationVar(&o.Timeout, "timeout", 30*time.Second, "how long one file may take; three times as long where it says that it is long")
	verbose := f.Bool("v", false, "print the subtests that fail")
	write := f.Bool("record", false, "write the outcome to "+recordFile)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintln(stderr, "wpt:", err)
		return 2
	}
	if f.NArg() == 0 {
		return fail(errors.New("name a directory with web-platform-tests"))
	}
	o.Flags = strings.FieldsFunc(*flags, func(r rune) bool { return r == ',' })
	dir, err := filepath.Abs(f.Arg(0))
	if err != nil {
		return fail(err)
	}
	files, err := find(dir, f.Args()[1:])
	if err != nil {
		return fail(err)
	}
	if o.Bin == "" {
		tmp, err := os.MkdirTemp("", "wpt")
		if err != nil {
			return fail(err)
		}
		defer os.RemoveAll(tmp) //nolint:errcheck // a leftover of a program that ends
		if o.Bin, err = build(ctx, tmp); err != nil {
			return fail(err)
		}
	}
	results := runAll(ctx, o, dir, files, func(r Result) { printResult(stdout, r, *verbose) })
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	printFolders(stdout, results)
	was, err := readRecord(recordFile)
	if err != nil {
		return fail(err)
	}
	if *write {
		if err := was.with(results).write(recordFile); err != nil {
			return fail(err)
		}
		return 0
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

func printResult(w io.Writer, r Result, verbose bool) {
	switch {
	case r.Absent != "":
		fmt.Fprintf(w, "n/a  %s (%s)\n", r.File.Name, r.Absent)
		return
	case r.Broken != "":
		fmt.Fprintf(w, "fail %s (%s)\n", r.File.Name, r.Broken)
	default:
		fmt.Fprintf(w, "%4d/%d %s\n", r.passed(), len(r.Subtests), r.File.Name)
	}
	if verbose {
		for _, s := range r.Subtests {
			if !s.Passed {
				fmt.Fprintf(w, "       %s: %s\n", s.Name, s.Message)
			}
		}
	}
}

// printFolders prints the sums of each folder.
func printFolders(w io.Writer, results []Result) {
	type sum struct{ passed, failed, broken int }
	sums, order := map[string]*sum{}, []string{}
	for _, r := range results {
		if r.Absent != "" {
			continue
		}
		folder := filepath.ToSlash(filepath.Dir(r.File.Path))
		s := sums[folder]
		if s == nil {
			s = &sum{}
			sums[folder] = s
			order = append(order, folder)
		}
		s.passed += r.passed()
		s.failed += len(r.Subtests) - r.passed()
		if r.Broken != "" {
			s.broken++
		}
	}
	fmt.Fprintf(w, "\n%-50s %7s %7s %7s\n", "folder", "passed", "failed", "total")
	var all sum
	for _, folder := range order {
		s := sums[folder]
		all.passed += s.passed
		all.failed += s.failed
		all.broken += s.broken
		fmt.Fprintf(w, "%-50s %7d %7d %7d\n", folder, s.passed, s.failed, s.passed+s.failed)
	}
	fmt.Fprintf(w, "%-50s %7d %7d %7d\n", "all", all.passed, all.failed, all.passed+all.failed)
	if all.broken > 0 {
		fmt.Fprintf(w, "%d files did not come to their end\n", all.broken)
	}
}
