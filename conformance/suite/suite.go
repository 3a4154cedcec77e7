// Package suite is what the runners of suites that others wrote have in common: their
// flags, one process of the command for each file, some at a time and none for ever,
// and what they say about a record of an earlier run.
//
// # Concurrency
//
// Each runs its function on goroutines of its own and returns when all have ended. The
// rest is for one goroutine.
package suite

import (
	"bytes"
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
	"sync"
	"time"
)

// Exit codes of a runner.
const (
	OK         = 0
	Regression = 1
	Wrong      = 2 // used wrongly, or it could not be run
)

// Main runs a runner until it ends, or until the user interrupts it, and exits with its
// code.
func Main(run func(ctx context.Context, args []string, stdout, stderr io.Writer) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Options are the flags that every runner has.
type Options struct {
	// Bin is the command.
	Bin string
	// Parallel is how many files run at once.
	Parallel int
	// Timeout is how long one file may take.
	Timeout time.Duration
	// Verbose and Record are for the runner.
	Verbose, Record bool
}

// Flags adds the flags to f; timeout is the default, and record the file that --record
// writes.
func (o *Options) Flags(f *flag.FlagSet, timeout time.Duration, record string) {
	f.StringVar(&o.Bin, "bin", "", "the workerd to run; built from this module if empty")
	f.IntVar(&o.Parallel, "j", runtime.NumCPU(), "how many files to run at once")
	f.DurationVar(&o.Timeout, "timeout", timeout, "how long one file may take")
	f.BoolVar(&o.Verbose, "v", false, "say more about what fails")
	f.BoolVar(&o.Record, "record", false, "write the outcome to "+record)
}

// Parse reads the flags; a code that is not negative is the runner's.
func Parse(f *flag.FlagSet, args []string) (code int) {
	switch err := f.Parse(args); {
	case err == nil:
		return -1
	case errors.Is(err, flag.ErrHelp):
		return OK
	default:
		return Wrong
	}
}

// Build compiles the command, where no flag names one. remove takes it away again.
func (o *Options) Build(ctx context.Context) (remove func(), err error) {
	if o.Bin != "" {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "suite")
	if err != nil {
		return nil, err
	}
	remove = func() { os.RemoveAll(dir) } //nolint:errcheck // a leftover of a program that ends
	o.Bin = filepath.Join(dir, "workerd")
	if runtime.GOOS == "windows" {
		o.Bin += ".exe"
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", o.Bin, "workerd.local/cmd/workerd").CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return remove, nil
}

// Commit is the commit of a checkout, "unknown" where it is no repository.
func Commit(ctx context.Context, checkout string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", checkout, "rev-parse", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// Each runs the files, parallel at a time, and reports each in the order of files.
func Each[F, R any](parallel int, files []F, run func(F) R, report func(R)) []R {
	results := make([]R, len(files))
	done := make([]chan struct{}, len(files))
	for i := range done {
		done[i] = make(chan struct{})
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range max(parallel, 1) {
		workers.Go(func() {
			for i := range next {
				results[i] = run(files[i])
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

// Outcome is how a process ended.
type Outcome struct {
	// Output is what it wrote, to both of its streams.
	Output string
	Took   time.Duration
	// Late says that it was killed because its time was over.
	Late bool
	// Err is nil where it said that all is well.
	Err error
}

// Run runs the command once, for no longer than timeout.
func Run(ctx context.Context, timeout time.Duration, bin string, args ...string) Outcome {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	begin := time.Now()
	err := cmd.Run()
	return Outcome{
		Output: out.String(), Took: time.Since(begin), Err: err,
		Late: err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded),
	}
}

// Judge prints what has changed since the recorded run, and is the runner's code.
func Judge(w io.Writer, worse, better []string) (code int) {
	for _, name := range better {
		fmt.Fprintln(w, "now passes:", name)
	}
	for _, name := range worse {
		fmt.Fprintln(w, "REGRESSION:", name)
	}
	if len(worse) > 0 {
		return Regression
	}
	return OK
}
