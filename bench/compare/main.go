// Command compare measures this server side by side with the workerd binary that
// npm distributes: same machine, same run, same configuration files, same load.
//
// Both servers of a case run at the same time and are loaded in turn, so that
// what else the machine does hits both. Before and after the load, answers are
// checked; counters must add up to the acknowledged requests, also after the
// server was killed. A wrong answer ends the run: numbers of a server that is
// wrong are not printed.
//
// Exit codes: 0 the run is complete (targets may be missed), 1 a server failed or
// answered wrongly, 2 a tool is missing or an argument is wrong.
//
// Words: a case is one configuration under cases/; a subject is one of the two
// servers; a round is one run of wrk on each subject; a row is one measured
// quantity with its target.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage is a missing tool or a wrong argument.
var errUsage = errors.New("usage")

// options are the command line.
type options struct {
	rounds     int
	duration   time.Duration
	starts     int
	settle     time.Duration
	cases      []string // empty means all
	dir        string   // where temporary directories are made; "" is the system's
	write      bool
	oursOnly   bool
	cpuprofile string
	soak       time.Duration // 0 means none
	section    *section      // nil means the comparison
}

// roles are what the program is for itself, in a process of its own.
var roles = map[string]func(in io.Reader, out io.Writer) error{dialerFlag: dial, floorFlag: floor}

func main() {
	if role := roles[os.Args[len(os.Args)-1]]; role != nil && len(os.Args) == 2 {
		if err := role(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "compare: %s: %s\n", os.Args[1], err)
			os.Exit(exitFailed)
		}
		return
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the exit.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = compare(ctx, o, stdout, stderr)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "compare: %s\n", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
		return exitUsage
	}
	fmt.Fprintf(stderr, "compare: %s\n", err)
	return exitFailed
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&o.rounds, "rounds", 5, "load each server `n` times per case")
	fs.DurationVar(&o.duration, "duration", 5*time.Second, "how long one load lasts, in whole seconds")
	fs.IntVar(&o.starts, "starts", 9, "start each server `n` times to measure the first response")
	fs.DurationVar(&o.settle, "settle", 3*time.Second, "how long a server rests before its memory is measured")
	quick := fs.Bool("quick", false, "one load of 2s per case and 3 starts: enough to see that everything works")
	cases := fs.String("cases", "", "run only these cases: a comma-separated `list` of "+strings.Join(caseNames(), ", "))
	fs.StringVar(&o.dir, "dir", "", "make temporary directories, and with them the actors' storage, in `dir`")
	fs.BoolVar(&o.write, "write", false, "write bench/RESULTS.md: the comparison, or the section that was measured")
	chosen := make([]bool, len(sections))
	for i, s := range sections {
		fs.BoolVar(&chosen[i], s.flag, false, "measure "+s.what)
	}
	fs.DurationVar(&o.soak, "soak", 0, "with -sockets: keep as many sockets as this system allows open for this long instead, on this server only")
	fs.BoolVar(&o.oursOnly, "ours", false, "measure only this server, without workerd")
	fs.StringVar(&o.cpuprofile, "cpuprofile", "", "run this server under bench/serveprofile and leave CPU and allocation profiles of each case in `dir`; implies -ours")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("%w: unexpected argument %q", errUsage, fs.Arg(0))
	}
	if *quick {
		set := map[string]bool{}
		fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
		if !set["rounds"] {
			o.rounds = 1
		}
		if !set["duration"] {
			o.duration = 2 * time.Second
		}
		if !set["starts"] {
			o.starts = 3
		}
		if !set["settle"] {
			o.settle = time.Second
		}
	}
	switch {
	case o.rounds < 1 || o.starts < 1:
		return nil, fmt.Errorf("%w: -rounds and -starts must be at least 1", errUsage)
	case o.duration < time.Second || o.duration%time.Second != 0:
		return nil, fmt.Errorf("%w: -duration %s: wrk takes whole seconds, such as 5s", errUsage, o.duration)
	case o.settle < 0:
		return nil, fmt.Errorf("%w: -settle %s: must not be negative", errUsage, o.settle)
	}
	if *cases != "" {
		for name := range strings.SplitSeq(*cases, ",") {
			if !slices.Contains(caseNames(), name) {
				return nil, fmt.Errorf("%w: there is no case %q; cases are %s", errUsage, name, strings.Join(caseNames(), ", "))
			}
			o.cases = append(o.cases, name)
		}
	}
	if o.cpuprofile != "" {
		o.oursOnly = true
		dir, err := filepath.Abs(o.cpuprofile)
		if err != nil {
			return nil, fmt.Errorf("%w: -cpuprofile: %w", errUsage, err)
		}
		o.cpuprofile = dir
	}
	for i, s := range sections {
		switch {
		case !chosen[i]:
			continue
		case len(o.cases) > 0 && o.section == nil || o.cpuprofile != "":
			return nil, fmt.Errorf("%w: -%s chooses what to run: -cases and -cpuprofile do not go with it", errUsage, s.flag)
		case o.section != nil:
			return nil, fmt.Errorf("%w: -%s and -%s: one section at a time", errUsage, o.section.flag, s.flag)
		}
		o.section = s
		o.cases = s.cases
	}
	if o.soak != 0 && (o.section == nil || o.section.flag != "sockets" || o.soak < 0) {
		return nil, fmt.Errorf("%w: -soak goes with -sockets, and is a time", errUsage)
	}
	if o.soak > 0 {
		o.oursOnly = true
	}
	if o.write && (o.oursOnly || o.section == nil && len(o.cases) > 0) {
		return nil, fmt.Errorf("%w: -write is for complete runs, without -cases, -ours and -cpuprofile", errUsage)
	}
	return o, nil
}

// compare runs the cases and prints what they gave.
func compare(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	if o.dir != "" {
		if err := os.MkdirAll(o.dir, 0o755); err != nil {
			return fmt.Errorf("%w: -dir: %w", errUsage, err)
		}
	}
	temp, err := os.MkdirTemp(o.dir, "compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	t, err := findTools(ctx, o, temp, stderr)
	if err != nil {
		return err
	}
	where := readMachine(temp)
	b := &bench{o: o, t: t, temp: temp, log: stderr}
	var text string
	if o.section != nil {
		text, err = sectionText(ctx, b, where, stdout)
	} else {
		text, err = comparisonText(ctx, b, where, stdout)
	}
	if err != nil || !o.write {
		return err
	}
	path := filepath.Join(t.root, "bench", "RESULTS.md")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, []byte(replacePart(string(old), o.section, text)), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "wrote %s\n", path)
	return nil
}

// comparisonText runs the cases, prints a table and returns what RESULTS.md says.
func comparisonText(ctx context.Context, b *bench, where machine, stdout io.Writer) (string, error) {
	rows, err := b.run(ctx)
	if err != nil {
		return "", err
	}
	r := report{machine: where, versions: b.t.versions, o: b.o, rows: rows, date: time.Now()}
	return r.markdown(), r.table(stdout)
}

// sectionText is comparisonText for a section.
func sectionText(ctx context.Context, b *bench, where machine, stdout io.Writer) (string, error) {
	s := b.o.section
	rows, err := s.run(b, ctx)
	if err != nil {
		return "", err
	}
	r := sectionReport{section: s, machine: where, versions: b.t.versions, o: b.o, rows: rows, date: time.Now()}
	return r.markdown(), r.table(stdout)
}
