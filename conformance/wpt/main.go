// Command wpt runs the .any.js files of web-platform-tests with this repository's
// workerd, one process and one worker for each, and prints per folder how many
// subtests passed.
//
//	wpt [flags] DIR [FOLDER or FILE...]
//	wpt --record DIR streams url     also writes the outcome to results.txt
//
// DIR is a checkout of https://github.com/web-platform-tests/wpt, or any directory with resources/testharness.js and test files in
// the same layout. Run it at the root of the module. It exits 0 where no subtest fails
// that results.txt does not know to fail, 1 where one does, and 2 where it is used
// wrongly. Files that results.txt does not have are run and not judged.
//
// The tests stay in DIR: nothing of them is in this repository, but the names of
// subtests that fail. What is for windows only, or needs the suite's own server, is not
// run; the reason is printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"workerd.local/conformance/suite"
)

func main() { suite.Main(run) }

// patience is how long a file may take; three times as long where it says that it is long.
const patience = 20 * time.Second

// defaultDate is the compatibility date of the workers.
const defaultDate = "2026-08-01"

// standardFlags make workers follow the standards where workerd has a flag for that.
const standardFlags = "nodejs_compat,pedantic_wpt,typescript_implemented_streams,spec_compliant_property_attributes,immutable_api_prototypes," +
	"writable_stream_spec_compliant_writer,encoder_stream_spec_compliant_backpressure,fixup-transform-stream-backpressure," +
	"transformstream_enable_standard_constructor,text_decoder_cjk_decoder,strip_bom_in_read_all_text,disable_fast_jsg_struct,allow_insecure_inefficient_logged_eval"

// recordFile is where the outcome is kept, from the root of the module.
const recordFile = "conformance/wpt/results.txt"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("wpt", flag.ContinueOnError)
	f.SetOutput(stderr)
	var o options
	o.Options.Flags(f, patience, recordFile)
	f.StringVar(&o.Date, "compat-date", defaultDate, "compatibility date of the workers")
	flags := f.String("compat-flags", standardFlags, "compatibility flags of the workers, with commas")
	if code := suite.Parse(f, args); code >= 0 {
		return code
	}
	fail := func(err error) int {
		fmt.Fprintln(stderr, "wpt:", err)
		return suite.Wrong
	}
	if f.NArg() == 0 {
		return fail(errors.New("name a directory with web-platform-tests"))
	}
	o.Flags = strings.Split(*flags, ",")
	dir, err := filepath.Abs(f.Arg(0))
	if err != nil {
		return fail(err)
	}
	files, err := find(dir, f.Args()[1:])
	if err != nil {
		return fail(err)
	}
	remove, err := o.Build(ctx)
	if err != nil {
		return fail(err)
	}
	defer remove()
	results := runAll(ctx, o, dir, files, func(r Result) { printResult(stdout, r, o.Verbose) })
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	printSums(stdout, results)
	was, err := readRecord(recordFile)
	if err != nil {
		return fail(err)
	}
	if o.Record {
		rec := was.with(results)
		rec.Commit, rec.Date = commitOf(ctx, dir), time.Now().UTC().Format(time.DateOnly)
		if err := rec.write(recordFile); err != nil {
			return fail(err)
		}
		return suite.OK
	}
	worse, better := was.compare(results)
	return suite.Judge(stdout, worse, better)
}

// commitOf is the commit of the suite. A copy in Firefox's source says in a file which
// one it is.
func commitOf(ctx context.Context, dir string) string {
	if text, err := os.ReadFile(filepath.Join(dir, "mozilla-sync")); err == nil {
		if _, commit, ok := strings.Cut(string(text), "upstream: "); ok {
			return strings.TrimSpace(commit)
		}
	}
	return suite.Commit(ctx, dir)
}

func printResult(w io.Writer, r Result, verbose bool) {
	switch {
	case r.Absent != "":
		fmt.Fprintf(w, "n/a  %s (%s)\n", r.File.Name, r.Absent)
		return
	case r.Broken != "":
		fmt.Fprintf(w, "%4d/%d %s (%s)\n", r.passed(), len(r.Subtests), r.File.Name, r.Broken)
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

// printSums prints the sums of each area.
func printSums(w io.Writer, results []Result) {
	rec := newRecord().with(results)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "\narea\tfiles\tnot applicable\tsubtests pass\tfail\t\t")
	var all sum
	for _, s := range rec.sums() {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%s\t\n", s.area, s.files, s.absent, s.passed, s.failed, s.percent())
		all.add(s)
	}
	fmt.Fprintf(tw, "all\t%d\t%d\t%d\t%d\t%s\t\n", all.files, all.absent, all.passed, all.failed, all.percent())
	_ = tw.Flush() // the caller's output; there is nobody else to tell
	if all.broken > 0 {
		fmt.Fprintf(w, "%d files did not come to their end\n", all.broken)
	}
}
