package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"

	"workerd.local/isolate"
	"workerd.local/server"
	"workerd.local/supervise"
)

// serving is one run of a server: alone, or as the child of a process that supervises it.
type serving struct {
	ctx       context.Context // ends when the server is to drain
	cancel    context.CancelFunc
	child     *supervise.Child // nil where the server is alone
	announced bool             // an earlier server has said where it listens
	stderr    io.Writer
}

// underSupervision is what a server runs in. With --supervise the first process is the
// parent, and code is not negative: it runs children with the same command line, which
// find their parent here.
func (o *options) underSupervision(ctx context.Context, args []string, hup *hangups, stdout, stderr io.Writer) (r *serving, code int) {
	r = &serving{stderr: stderr}
	r.ctx, r.cancel = context.WithCancel(ctx)
	if !o.supervise {
		return r, -1
	}
	child, err := supervise.Inherited()
	if err != nil {
		return r, fail(stderr, err)
	}
	if child == nil {
		return r, o.superviseServer(ctx, args, hup, stdout, stderr)
	}
	r.child, r.announced = child, child.Restarted()
	child.Listen(r.cancel, hup.ask, func() {
		// Another server may be started at any moment, and only one may run.
		fmt.Fprintln(stderr, "the supervising process is gone; this server ends")
		os.Exit(exitFailed)
	})
	return r, -1
}

// superviseServer is the parent's whole work.
func (o *options) superviseServer(ctx context.Context, args []string, hup *hangups, stdout, stderr io.Writer) int {
	so := supervise.Options{Args: append([]string{"serve"}, args...), Slots: isolates(o.run.Isolates), ThreadSlots: slotsOfThreads, Bounds: o.limits.Bounds, Log: o.logger(stderr), Reloads: hup.reloads}
	for name, text := range o.socketFD {
		fd, err := strconv.Atoi(text)
		if err != nil || fd < 0 {
			return fail(stderr, fmt.Errorf("--socket-fd %s=%s: %q is not a number", name, text, text))
		}
		so.Sockets = append(so.Sockets, supervise.HeldSocket{Name: name, Address: "fd:" + strconv.Itoa(fd), File: os.NewFile(uintptr(fd), "socket "+name)})
	}
	// Files are handed to the child as they are; anything else would be lost with it.
	so.Stdout, _ = stdout.(*os.File)
	so.Stderr, _ = stderr.(*os.File)
	o.settle(stderr)
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { hup.follow(ctx, cancel) })
	code, err := supervise.Run(ctx, so)
	cancel()
	following.Wait()
	if err != nil {
		return fail(stderr, err)
	}
	return code
}

// options adds what the parent says of how to run.
func (r *serving) options(o server.Options) server.Options {
	if r.child == nil {
		return o
	}
	o.Sockets, o.Quarantine = r.child, r.child.Quarantine()
	o.Recorder = func(i int) isolate.Recorder {
		if s := r.child.Slot(i); s != nil {
			return s
		}
		return nil
	}
	threads := &threadSlots{child: r.child}
	for i := range slotsOfThreads {
		threads.free = append(threads.free, isolates(o.Isolates)+i)
	}
	o.ThreadRecorder = threads.take
	return o
}

// slotsOfThreads is for how many threads of workers at a time it is known whom they run code for.
const slotsOfThreads = 256

// isolates is how many there are.
func isolates(wanted int) int {
	if wanted <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return wanted
}

// threadSlots are the slots of threads that nobody has; any goroutine.
type threadSlots struct {
	child *supervise.Child

	mu   sync.Mutex // guards what follows
	free []int
}

// take is server.Options.ThreadRecorder.
func (t *threadSlots) take() (isolate.Recorder, func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.free) - 1
	if last < 0 {
		return nil, nil
	}
	i := t.free[last]
	s := t.child.Slot(i)
	if s == nil {
		return nil, nil
	}
	t.free = t.free[:last]
	return s, func() {
		s.Idle()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.free = append(t.free, i)
	}
}

func (r *serving) close() {
	r.cancel()
	if r.child != nil {
		if err := r.child.Close(); err != nil {
			fmt.Fprintf(r.stderr, "%s\n", err)
		}
	}
}
