package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"workerd.local/httpserver"
	"workerd.local/outbound"
	"workerd.local/serialize"
)

// aworkerName is the name under which the program is Aworker, without a verb.
const aworkerName = "aworker"

// isAworker reports whether the program was started under that name.
func isAworker(arg0 string) bool {
	return strings.TrimSuffix(filepath.Base(arg0), ".exe") == aworkerName
}

// aworker runs a script as Aworker does.
func aworker(_ context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseAworker(args, nil)
	if err != nil {
		return aworkerUsage(stderr, err)
	}
	switch {
	case o.Help:
		fmt.Fprint(stdout, aworkerHelp)
		return exitOK
	case o.Version:
		fmt.Fprintln(stdout, serialize.Version)
		return exitOK
	case o.Dump:
		b, err := json.MarshalIndent(o, "", "  ")
		if err != nil {
			return fail(stderr, err)
		}
		fmt.Fprintf(stdout, "%s\n", b)
		return exitOK
	}
	if err := o.check(); err != nil {
		return aworkerUsage(stderr, err)
	}
	for _, name := range o.Idle {
		fmt.Fprintf(stderr, "warning: --%s has no effect here\n", name)
	}
	o.stdout, o.stderr = stdout, stderr
	// SIGTERM is an event of the worker.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := listenForTerm(o)
	defer s.close()
	w, err := o.worker(ctx, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return serialize.ExitFailed
	}
	return leave(o.run(ctx, w, s, stderr))
}

// terms brings SIGTERM and SIGINT to the worker of the process. While there is none they
// end the process, as they do by themselves. SIGUSR2 writes a report where the options ask for
// it, which takes a while, and holds up no end.
type terms struct {
	o       *aworkerOptions
	signals chan os.Signal
	reports chan os.Signal
	ctx     context.Context // until close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu sync.Mutex // guards w
	w  *serialize.Worker
}

func listenForTerm(o *aworkerOptions) *terms {
	t := &terms{o: o, signals: make(chan os.Signal, 1), reports: make(chan os.Signal, 1)}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	signal.Notify(t.signals, syscall.SIGTERM, os.Interrupt)
	t.running.Go(t.follow)
	if o.ReportOnSignal && reportSignal != nil {
		signal.Notify(t.reports, reportSignal)
		t.running.Go(t.report)
	}
	return t
}

// worker is that of the process; nil while it has none.
func (t *terms) worker() *serialize.Worker {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w
}

// report writes reports.
func (t *terms) report() {
	for {
		select {
		case <-t.reports:
			t.o.reportLook(t.ctx, t.worker())
		case <-t.ctx.Done():
			return
		}
	}
}

func (t *terms) follow() {
	for {
		select {
		case s := <-t.signals:
			w := t.worker()
			switch {
			case w != nil && s == syscall.SIGTERM:
				w.Terminate()
			case w != nil:
				w.Interrupt()
			case s == syscall.SIGTERM:
				dieOfTerm()
				os.Exit(serialize.ExitTerminated)
			default:
				os.Exit(128 + 2)
			}
		case <-t.ctx.Done():
			return
		}
	}
}

func (t *terms) set(w *serialize.Worker) {
	t.mu.Lock()
	t.w = w
	t.mu.Unlock()
}

func (t *terms) close() {
	signal.Stop(t.signals)
	signal.Stop(t.reports)
	t.cancel()
	t.running.Wait()
}

// aworkerUsage says what is wrong with the command line.
func aworkerUsage(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s\n\n%s", err, aworkerHelp)
	return serialize.ExitUsage
}

// worker is what the options say of the worker.
func (o *aworkerOptions) worker(ctx context.Context, stdout, stderr io.Writer) (w serialize.Options, err error) {
	if w.Program, err = o.program(ctx); err != nil {
		return w, err
	}
	if o.Preload != "" {
		if w.Preload, err = serialize.Load(ctx, o.Preload, false, o.bounds); err != nil {
			return w, err
		}
	}
	policy, err := outbound.NewPolicy([]string{"public", "private", "local"}, nil)
	if err != nil {
		return w, err
	}
	w.Location, w.Args, w.Env = o.Location, o.Args, os.Environ()
	w.Stdout, w.Stderr = stdout, stderr
	w.Outbound = outbound.NewNetwork(policy, nil, nil, nil)
	w.Limits.Bounds = o.bounds
	w.Latency = time.Duration(o.LatencyMS) * time.Millisecond
	w.LongTask = time.Duration(o.LongTaskMS) * time.Millisecond
	if o.Report {
		w.OnFailure = o.reportFailure
	}
	return w, nil
}

// program is the script; nil for none.
func (o *aworkerOptions) program(ctx context.Context) (*serialize.Program, error) {
	module := o.Module && !o.BuildSnapshot
	switch {
	case o.HasEval:
		return serialize.Inline(ctx, o.Eval, module, o.bounds)
	case o.Script != "":
		if o.SnapshotBlob != "" && !o.BuildSnapshot {
			p, err := serialize.Load(ctx, o.Script, module, o.bounds)
			if errors.Is(err, os.ErrNotExist) {
				return nil, nil // it only counts where the snapshot cannot be used
			}
			return p, err
		}
		return serialize.Load(ctx, o.Script, module, o.bounds)
	}
	return nil, nil
}

// run runs the worker in the role that the options give it.
func (o *aworkerOptions) run(ctx context.Context, w serialize.Options, t *terms, stderr io.Writer) serialize.Exit {
	mode, _ := serialize.ParseMode(o.Mode) // it was checked
	serve := o.serve(t, stderr)
	switch {
	case o.BuildSnapshot:
		return serialize.Build(ctx, w, o.SnapshotBlob, o.SnapshotTimeout)
	case o.SnapshotBlob != "" && mode == serialize.SeedUserland:
		based, err := w.WithBase(ctx, o.SnapshotBlob)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return serialize.Exit{Code: serialize.ExitFailed, Failed: err}
		}
		if o.ControlSocket == "" {
			return serialize.RunSeed(ctx, based, mode, serve)
		}
		return o.seed(ctx, based, mode, t, stderr)
	case o.ControlSocket != "":
		return o.seed(ctx, w, mode, t, stderr)
	case o.SnapshotBlob != "":
		return serialize.RunSnapshot(ctx, w, o.SnapshotBlob, serve)
	case mode != serialize.Normal:
		return serialize.RunSeed(ctx, w, mode, serve)
	}
	return serialize.Run(ctx, w, serve)
}

// serve brings signals to a worker, and requests where the options name an address.
func (o *aworkerOptions) serve(t *terms, stderr io.Writer) serialize.Serve {
	return func(w *serialize.Worker) (stop func(), err error) {
		front := func() {}
		if o.Listen != "" {
			if front, err = listen(w, o.Listen, stderr); err != nil {
				return nil, err
			}
		}
		t.set(w)
		return func() {
			t.set(nil)
			front()
		}, nil
	}
}

// listen delivers the requests of an address, host:port or unix:path, to a worker.
func listen(w *serialize.Worker, address string, stderr io.Writer) (stop func(), err error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	f := serialize.NewFront(w)
	srv := httpserver.New(httpserver.Options{Name: aworkerName}, httpserver.Target{Default: f})
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	fmt.Fprintf(stderr, "listening on %s\n", l.Addr())
	return func() {
		f.Close()
		// The worker has ended: what is under way has been answered.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := errors.Join(srv.Shutdown(ctx), <-failed); err != nil {
			fmt.Fprintln(stderr, err)
		}
	}, nil
}

// leave is the end of the process: a worker that died of SIGTERM takes it along.
func leave(e serialize.Exit) int {
	if e.Terminated {
		dieOfTerm()
	}
	return e.Code
}
