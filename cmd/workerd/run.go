package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/program"
	"workerd.local/threads/hop"
	"workerd.local/threads/iojs"
	"workerd.local/threads/nodeworkers"
	"workerd.local/webapi/bind"
)

// exitBadFlag is node's code for a flag that it does not know.
const exitBadFlag = 9

// runProgram runs a script to its end. What stands after the script's name is the
// script's own.
func runProgram(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, code, over := programOptions(args, stdout, stderr)
	if over {
		return code
	}
	var p *program.Program
	services := hop.New(hop.Options{
		Version: version(), Port: max(o.Port, 0),
		Listen: func(svc event.Service) (int, error) { return p.Listen(svc) },
	})
	o.Modules = append(o.Modules, services.Module())
	p, err := program.New(o)
	if err != nil {
		return fail(stderr, err)
	}
	ctx, stop := endedBySignals(ctx, p)
	defer stop()
	code, err = quietly(ctx, p.Run)
	var by signaled
	switch {
	case err != nil:
		return fail(stderr, err)
	case errors.As(context.Cause(ctx), &by):
		return exitSignaled + int(by)
	}
	return code
}

// programOptions reads the command line of a program. Where it has no program to run, over
// says that the command has ended, with a code.
func programOptions(args []string, stdout, stderr io.Writer) (o program.Options, code int, over bool) {
	o = program.Options{Modules: []bind.Module{iojs.Module, nodeworkers.Module}, Env: os.Environ(), Stdin: os.Stdin, Stdout: stdout, Stderr: stderr}
	fs := flag.NewFlagSet("workerd run", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	limit := limitFlag{fs: fs}
	fs.Var(&limit, "limit", "change a limit: `name=value` (may be repeated; --limit help tells them)")
	fs.DurationVar(&o.Limits.Turn, "limit-turn", 0, "stop JavaScript that runs for longer than this in one turn (default: never)")
	fs.IntVar(&o.Limits.CallStack, "limit-stack", 0, "let JavaScript calls nest `n` deep (default 4000)")
	fs.BoolVar(&o.Flags.NoWarnings, "no-warnings", false, "print no warnings of process")
	fs.BoolVar(&o.Flags.TraceWarnings, "trace-warnings", false, "print warnings with their stack")
	fs.BoolVar(&o.Flags.NoDeprecation, "no-deprecation", false, "print no warnings of what is deprecated")
	fs.BoolVar(&o.Flags.TraceDeprecation, "trace-deprecation", false, "print them with their stack")
	fs.BoolVar(&o.Flags.ThrowDeprecation, "throw-deprecation", false, "throw them")
	fs.BoolVar(new(bool), "experimental-workers", false, "io.js's for its workers, which are there without it")
	text := ""
	fs.StringVar(&text, "eval", "", "run `text` instead of a file")
	fs.StringVar(&text, "e", "", "run `text` instead of a file")
	fs.IntVar(&o.Port, "port", program.DefaultPort, "serve the program's services on `port`; 0 is any that is free")
	fs.StringVar(&o.Hostname, "host", "localhost", "serve them at `address`")
	memory := fs.Int64("limit-memory", 0, "stop the program when the heap passes this many `bytes` (default 75 % of the memory; -1: never)")
	err := fs.Parse(args)
	rest := fs.Args()
	var bad string
	switch {
	case limit.help:
		limit.print(stdout)
		return o, exitOK, true
	case errors.Is(err, flag.ErrHelp):
		(&options{fs: fs, args: "<script> [<arguments>]"}).usage(stdout)
		return o, exitOK, true
	case err != nil:
		bad = err.Error()
	case len(rest) == 0 && text == "":
		bad = "expected <script> [<arguments>]"
	case o.Port < 0 || o.Port > math.MaxUint16:
		bad = fmt.Sprintf("--port must be 0 to 65535, not %d", o.Port)
	case o.Port == 0:
		o.Port = program.AnyPort
	}
	if bad == "" {
		if o.Limits.Bounds, err = limit.parse(); err != nil {
			bad = err.Error()
		}
	}
	if bad != "" {
		fmt.Fprintf(stderr, "workerd run: %s\nworkerd run --help tells the flags.\n", bad)
		return o, exitBadFlag, true
	}
	if text != "" {
		o.Entry, o.Eval, o.Args = text, true, rest
	} else {
		o.Entry, o.Args = rest[0], rest[1:]
	}
	o.ExecArgv = args[:len(args)-len(rest)]
	if o.ExecPath, err = os.Executable(); err != nil {
		return o, fail(stderr, err), true
	}
	o.Argv0 = os.Args[0]
	o.Self = append([]string{o.ExecPath, "run"}, o.ExecArgv...)
	switch {
	case *memory > 0:
		o.MemoryBytes = uint64(*memory)
	case *memory == 0:
		o.MemoryBytes = isolate.DefaultMemoryLimit()
	}
	return o, 0, false
}

// endedBySignals is a context that ends, with a signaled as its cause, when a signal comes
// that the program has no listener of. A program that does not end then is ended with the
// process. stop is for the program's end.
func endedBySignals(ctx context.Context, p *program.Program) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	came := make(chan os.Signal, 4)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-came:
				if number, ok := s.(syscall.Signal); ok && !p.Listened(s) {
					cancel(signaled(number))
					select {
					case <-ended:
					case <-time.After(signalGrace):
						os.Exit(exitSignaled + int(number))
					}
					return
				}
			}
		}
	}()
	return ctx, func() {
		close(ended)
		signal.Stop(came)
		cancel(nil)
	}
}

// quietly runs a program, and gives memory back once it only waits.
func quietly(ctx context.Context, run func(context.Context) (int, error)) (int, error) {
	waiting, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	following.Go(func() { quiet(waiting, releaseHeap) })
	return run(ctx)
}

// signaled is the signal that ended a program.
type signaled syscall.Signal

func (s signaled) Error() string { return "ended by " + syscall.Signal(s).String() }

// signalGrace is how long a program that a signal ends may take for that, with all its threads: thousands of busy ones
// take turns, and each has to have its own before it can stop.
const signalGrace = 2 * time.Second

// exitSignaled and the number of a signal is what a shell says of a process that it ended.
const exitSignaled = 128
