package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"workerd.local/internal/limits"
	"workerd.local/serialize"
)

// seed runs a script up to where it parks, and makes children of it for whom asks at the
// control socket, until SIGTERM.
func (o *aworkerOptions) seed(ctx context.Context, w serialize.Options, mode serialize.Mode, t *terms, stderr io.Writer) serialize.Exit {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	signal.Stop(t.signals) // the seed has no worker of its own
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	l, err := listenControl(o.ControlSocket)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return serialize.Exit{Code: serialize.ExitFailed, Failed: err}
	}
	// Children have outputs of their own.
	s, exit := serialize.NewSeed(ctx, serialize.SeedOptions{Worker: w, Mode: mode, Twins: o.Twins})
	if exit != nil {
		_ = l.Close() // the socket's file goes with it
		if ctx.Err() != nil {
			return serialize.Exit{Code: serialize.ExitTerminated, Terminated: true}
		}
		return *exit
	}
	defer s.Close()
	f := &forker{o: o, w: w, mode: mode, seed: s}
	fmt.Fprintf(stderr, "seed ready at %s\n", o.ControlSocket)
	if err := serialize.ServeControl(ctx, l, limits.SeedMessage.In(o.bounds), f.fork); err != nil {
		fmt.Fprintln(stderr, err)
		return serialize.Exit{Code: serialize.ExitFailed, Failed: err}
	}
	return serialize.Exit{Code: serialize.ExitTerminated, Terminated: true}
}

// listenControl listens at a path. A socket that a dead seed has left is replaced.
func listenControl(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil && errors.Is(err, syscall.EADDRINUSE) {
		if c, derr := net.Dial("unix", path); derr == nil {
			_ = c.Close() // nothing was said
			return nil, fmt.Errorf("there is a seed at %s already", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	// Who may connect may run code.
	return l, os.Chmod(path, 0o600)
}

// forker makes children as the command line of the seed says.
type forker struct {
	o    *aworkerOptions
	w    serialize.Options
	mode serialize.Mode
	seed *serialize.Seed
}

// fork is serialize.Forker.
func (f *forker) fork(ctx context.Context, r serialize.ForkRequest, out, errs io.Writer, control func(serialize.Controlled)) (serialize.Exit, error) {
	o, err := parseAworker(r.Args, f.o)
	if err != nil {
		return serialize.Exit{}, err
	}
	if f.mode != serialize.SeedBare {
		o.Script = f.o.Script // that of the seed runs
	}
	if f.o.Isolate == "process" {
		return f.process(r, o, out, errs, control)
	}
	// SIGTERM of the seed is that of its children, which may take their time.
	ctx = context.WithoutCancel(ctx)
	fo := serialize.ForkOptions{Child: serialize.Child{Args: o.Args, Env: r.Env}, Options: serialize.Options{Stdout: out, Stderr: errs}}
	if o.Preload != "" {
		if fo.Preload, err = f.preload(ctx, o); err != nil {
			return serialize.Exit{}, err
		}
	}
	if f.mode == serialize.SeedBare {
		fo.Location = o.Location
		if fo.Program, err = o.program(ctx); err != nil {
			fmt.Fprintln(errs, err)
			return serialize.Exit{Code: serialize.ExitFailed}, nil
		}
	}
	fo.Serve = func(w *serialize.Worker) (stop func(), err error) {
		stop = func() {}
		if o.Listen != "" {
			if stop, err = listen(w, o.Listen, errs); err != nil {
				return nil, err
			}
		}
		control(w)
		return stop, nil
	}
	return f.seed.Fork(ctx, fo)
}

// preload is compiled once where it is the seed's.
func (f *forker) preload(ctx context.Context, o *aworkerOptions) (*serialize.Program, error) {
	if o.Preload == f.o.Preload {
		return f.w.Preload, nil
	}
	return serialize.Load(ctx, o.Preload, false, o.bounds)
}

// process runs a child in a process of its own, which gets the seed's snapshot.
func (f *forker) process(r serialize.ForkRequest, o *aworkerOptions, out, errs io.Writer, control func(serialize.Controlled)) (serialize.Exit, error) {
	exe, err := os.Executable()
	if err != nil {
		return serialize.Exit{}, err
	}
	args, blob := childArgs(o), []byte(nil)
	if s := f.seed.Snapshot(); s != nil && f.mode != serialize.SeedBare {
		args, blob = append([]string{aworkerChild}, args...), s.Encode()
	} else {
		args = append([]string{aworkerName}, args...)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = r.Env, out, errs
	cmd.Stdin = strings.NewReader(string(blob))
	if err := cmd.Start(); err != nil {
		return serialize.Exit{}, err
	}
	p := &childProcess{cmd: cmd}
	control(p)
	err = cmd.Wait()
	p.ended()
	var died *exec.ExitError
	if err != nil && !errors.As(err, &died) {
		return serialize.Exit{}, err
	}
	return exitOf(cmd.ProcessState), nil
}

// childArgs are the flags of a child's process.
func childArgs(o *aworkerOptions) (args []string) {
	add := func(name, value string) {
		if value != "" && value != "0" {
			args = append(args, "--"+name+"="+value)
		}
	}
	add("preload-script", o.Preload)
	add("location", o.Location)
	add("listen", o.Listen)
	add("loop-latency-limit-ms", fmt.Sprint(o.LatencyMS))
	add("long-task-threshold-ms", fmt.Sprint(o.LongTaskMS))
	for _, l := range o.Limits {
		add("limit", l)
	}
	add("report-directory", o.ReportDirectory)
	add("report-filename", o.ReportFilename)
	for name, set := range map[string]bool{"module": o.Module, "report": o.Report, "report-on-signal": o.ReportOnSignal, "report-compact": o.ReportCompact} {
		if set {
			args = append(args, "--"+name)
		}
	}
	if o.HasEval {
		return append(append(args, "--eval="+o.Eval), o.Args...)
	}
	return append(append(args, o.Script), o.Args...)
}

// childProcess is a child that can be told to end.
type childProcess struct {
	cmd  *exec.Cmd
	mu   sync.Mutex // guards over
	over bool
}

func (p *childProcess) ended() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
}

func (p *childProcess) signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		_ = p.cmd.Process.Signal(s) // it may have ended just now
	}
}

// Terminate is serialize.Controlled's.
func (p *childProcess) Terminate() { p.signal(syscall.SIGTERM) }

// Kill is serialize.Controlled's.
func (p *childProcess) Kill() { p.signal(os.Kill) }

// aworkerChild is the verb of a child's process: as aworker, from the snapshot that it is
// given as its standard input.
const aworkerChild = "aworker-child"

// runAworkerChild is that verb.
func runAworkerChild(args []string, stdout, stderr io.Writer) int {
	o, err := parseAworker(args, nil)
	if err != nil {
		return aworkerUsage(stderr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	blob, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fail(stderr, err)
	}
	// The script is in the snapshot; it is read again only where that cannot be used.
	t := listenForTerm(o)
	defer t.close()
	script := o.Script
	o.Script, o.stdout, o.stderr = "", stdout, stderr
	w, err := o.worker(ctx, stdout, stderr)
	if err != nil {
		return fail(stderr, err)
	}
	exit, err := serialize.RunEncoded(ctx, w, blob, o.serve(t, stderr))
	if err == nil {
		return leave(exit)
	}
	fmt.Fprintf(stderr, "warning: the seed cannot be copied, its child starts from the beginning: %s\n", err)
	o.Script = script
	if w, err = o.worker(ctx, stdout, stderr); err != nil {
		return fail(stderr, err)
	}
	return leave(serialize.Run(ctx, w, o.serve(t, stderr)))
}

// fork is the verb that asks a seed for a child.
func fork(_ context.Context, args []string, stdout, stderr io.Writer) int {
	o := bareOptions("fork", "[-- <args>]", stdout, stderr)
	var env list
	path, outFile, errFile, bare, wait := "", "", "", false, time.Duration(0)
	o.fs.StringVar(&path, "seed", "", "the control socket of the seed, a `path`")
	o.fs.DurationVar(&wait, "wait", 0, "wait for a seed that is not ready yet, at most this `time`")
	o.fs.Var(&env, "env", "set a variable, `NAME=value`, beside those of this process (may be repeated)")
	o.fs.BoolVar(&bare, "clean-env", false, "give the child no variables but those of --env")
	o.fs.StringVar(&outFile, "stdout", "", "append the child's output to `file`")
	o.fs.StringVar(&errFile, "stderr", "", "append its errors to `file`")
	child := []string{}
	for i, a := range args {
		if a == "--" {
			args, child = args[:i], args[i+1:]
			break
		}
	}
	if _, code := o.parse(args, 0, 0); code >= 0 {
		return code
	}
	if path == "" {
		return o.wrong("--seed is missing")
	}
	for _, e := range env {
		if !strings.Contains(e, "=") {
			return o.wrong("--env needs NAME=value, not %s", e)
		}
	}
	var err error
	if stdout, err = appendTo(outFile, stdout); err != nil {
		return fail(stderr, err)
	}
	if stderr, err = appendTo(errFile, stderr); err != nil {
		return fail(stderr, err)
	}
	req := serialize.ForkRequest{Args: child, Env: env}
	if !bare {
		req.Env = append(os.Environ(), env...)
	}
	signals, terminate := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done, relayed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(relayed)
		for {
			select {
			case s := <-signals:
				if s != syscall.SIGTERM {
					cancel()
					continue
				}
				select {
				case terminate <- struct{}{}:
				default: // it is on its way
				}
			case <-done:
				return
			}
		}
	}()
	if wait > 0 {
		waitForSeed(ctx, path, wait)
	}
	exit, err := serialize.ForkFrom(ctx, path, req, stdout, stderr, terminate)
	close(done)
	<-relayed
	if err != nil {
		return fail(stderr, fmt.Errorf("fork: %w", err))
	}
	return leave(exit)
}

// seedPoll is how often a seed is asked whether it is ready.
const seedPoll = 50 * time.Millisecond

// waitForSeed returns when a seed answers, or the time is over.
func waitForSeed(ctx context.Context, path string, most time.Duration) {
	for end := time.Now().Add(most); time.Now().Before(end); {
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close() // nothing was said
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(seedPoll):
		}
	}
}

// appendTo opens a file for what would go to w; the process closes it with its end.
func appendTo(path string, w io.Writer) (io.Writer, error) {
	if path == "" {
		return w, nil
	}
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
}
