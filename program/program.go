// Package program runs a script as a program: a main isolate with an event loop that
// ends when nothing is left to do, modules that are found and loaded while it runs, and
// a process object.
//
// Words: a Program is what one run of the command is: the entry, the arguments, the
// streams, the environment, the working directory and the other things that JavaScript
// believes to be the process's own. They are virtual: nothing changes the Go process. An
// Instance is one isolate that runs an entry for the program, the main one or a thread.
//
// # Concurrency
//
// New, Run and what is said to be so may be called from any goroutine. An Instance, and
// everything that takes a *isolate.JS, belongs to its isolate's goroutine.
package program

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"workerd.local/event"
	"workerd.local/httpserver"
	"workerd.local/internal/compat"
	"workerd.local/isolate"
	"workerd.local/napa"
	"workerd.local/outbound"
	"workerd.local/threads"
	"workerd.local/threads/ports"
	"workerd.local/webapi/bind"
	"workerd.local/websocket"
)

// Options configure a program.
type Options struct {
	// Entry is the path of the file to run, relative to Dir. Where Eval is set it is the text
	// of a CommonJS module instead.
	Entry string
	Eval  bool
	// Args are what follows the file's name in process.argv, ExecArgv what stood before it.
	Args, ExecArgv []string
	// ExecPath is process.execPath, and argv[0], too; Argv0 is process.argv0, ExecPath
	// where it is empty.
	ExecPath, Argv0 string
	// Flags are those that change what process does.
	Flags Flags
	// Self is the command, with its first arguments, that runs another script as this one
	// is run.
	Self []string
	// Dir is the working directory to begin with; empty means that of the Go process.
	Dir string
	// Env is the environment to begin with, as KEY=value.
	Env []string

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Modules are further web APIs and modules of every instance.
	Modules []bind.Module
	// Outbound is where fetch and connect go; nil is the network.
	Outbound event.Service
	// Hostname and Port are where the services of faces listen (Program.Listen): on all
	// addresses where Hostname is empty, and on DefaultPort where Port is 0.
	Hostname string
	Port     int

	Limits isolate.Limits
	// MemoryBytes is the heap with which a program is stopped; 0 means never.
	MemoryBytes uint64
	Host        isolate.Host
	Log         *slog.Logger
}

// Flags are what the command line says of warnings.
type Flags struct {
	NoWarnings, TraceWarnings                         bool
	NoDeprecation, TraceDeprecation, ThrowDeprecation bool
}

// Program is one run.
type Program struct {
	o      Options
	compat *compat.Flags
	hub    ports.Hub // of its BroadcastChannels
	began  time.Time

	resolver resolver
	listed   sync.Once
	list     []bind.Module // this and the next are what modules gives
	globals  *bind.Installer
	root     *threads.Root // set by Run
	main     *Instance     // set by Run

	mu     sync.Mutex // guards what follows
	dir    string
	title  string
	umask  uint32
	env    *environment
	server *httpserver.Server // of the services; nil until they listen
	closed bool               // none listens any more
	napa   *napa.System       // nil until an instance asks for it
	// listened counts, by the name of a signal, the instances that have a listener of it.
	listened map[string]int

	output sync.Mutex // held for each write

	serving sync.WaitGroup // of the listener
	sockets *websocket.Set // of the network
}

// compatDate is the compatibility date of programs: they have all that there is.
const compatDate = compat.Newest

// programFlags are the compatibility flags of programs.
var programFlags = []string{"nodejs_compat"}

// New prepares a program.
func New(o Options) (*Program, error) {
	if o.Entry == "" {
		return nil, errors.New("a program needs a file to run")
	}
	if o.Dir == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		o.Dir = dir
	}
	if o.Stdin == nil {
		o.Stdin = strings.NewReader("")
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Host == nil {
		o.Host = isolate.SystemHost()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	if o.ExecPath == "" {
		o.ExecPath = "workerd"
	}
	if o.Limits.Turn == 0 {
		o.Limits.Turn = noLimit
	}
	if o.Limits.CallStack == 0 {
		o.Limits.CallStack = callStack
	}
	o.Limits.Startup = o.Limits.Turn
	flags, errs := compat.Parse(compatDate, programFlags, compat.Options{Experimental: true})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p := &Program{
		o: o, compat: flags, began: o.Host.Now(), dir: filepath.Clean(o.Dir),
		title: filepath.Base(o.ExecPath), umask: 0o022, env: newEnvironment(o.Env),
	}
	p.resolver.builtin = p.builtinName
	p.sockets = websocket.NewSet(o.Limits.Bounds)
	if p.o.Outbound == nil {
		everywhere, err := outbound.NewPolicy([]string{"public", "private", "local"}, nil)
		if err != nil {
			return nil, err
		}
		p.o.Outbound = outbound.NewNetwork(everywhere, nil, p.sockets, o.Limits.Bounds)
	}
	return p, nil
}

// noLimit is the limit of a turn: a program may compute for as long as it wants.
const noLimit = 1<<63 - 1

// callStack is the depth of calls that programs have by default: more than a worker, as
// nobody else is on the isolate.
const callStack = 4000

// Run runs the program to its end, once, and returns the exit code. When ctx is done the program
// is killed.
func (p *Program) Run(ctx context.Context) (code int, err error) {
	var guard *isolate.MemoryGuard
	if p.o.MemoryBytes > 0 {
		guard = isolate.NewMemoryGuard(p.o.MemoryBytes)
		watched, stop := context.WithCancel(context.Background())
		var wait sync.WaitGroup
		wait.Go(func() { _ = guard.Run(watched) }) // it ends with watched, for no other reason
		defer wait.Wait()
		defer stop()
	}
	p.root = threads.NewRoot(threads.RootOptions{Host: p.o.Host, Log: p.o.Log, Limits: p.o.Limits, Guard: guard})
	o := bodyOptions{File: p.o.Entry, Args: p.o.Args, ExecArgv: p.o.ExecArgv}
	if p.o.Eval {
		o.File, o.Source, o.Eval = "[eval]", p.o.Entry, true
	}
	i := p.newBody(o)
	i.main, p.main = true, i
	lost := 0
	main, err := p.root.Start(threads.Spec{
		Name: "main", Body: i, KillCode: exitSignal + int(syscall.SIGTERM),
		Owner: threads.Owner{Failure: func(f *threads.Failure) { lost = p.lost(f) }},
	})
	if err != nil {
		return exitUncaught, err
	}
	stop := context.AfterFunc(ctx, main.Kill)
	defer stop()
	<-main.Done()
	p.closeServices()
	p.closeNapa()
	// Killed threads end by themselves.
	_ = p.root.Close(context.WithoutCancel(ctx))
	i.waits.Wait()
	p.sockets.Close()
	if lost != 0 {
		return lost, nil
	}
	return main.ExitCode(), nil
}

// lost says that the engine of the main instance is lost, and with which code the program
// ends.
func (p *Program) lost(f *threads.Failure) (code int) {
	if errors.Is(f.Cause, isolate.ErrMemoryLimit) {
		p.complain("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n")
		return exitAbort
	}
	text := f.Stack
	if text == "" {
		text = f.Error()
	}
	p.complain("Uncaught:\n" + text + "\n\n" + versionLine)
	return exitUncaught
}

// write writes to stdout (1) or stderr (2); any goroutine.
func (p *Program) write(fd int, b []byte) error {
	p.output.Lock()
	defer p.output.Unlock()
	w := p.o.Stdout
	if fd == 2 {
		w = p.o.Stderr
	}
	_, err := w.Write(b)
	return err
}

// Cwd is the program's working directory; any goroutine.
func (p *Program) Cwd() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dir
}

// abs is a path as the program means it; any goroutine.
func (p *Program) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.Cwd(), path)
}

// Chdir changes the program's working directory; any goroutine. The error is a
// *fs.PathError.
func (p *Program) Chdir(path string) error {
	dir := p.abs(path)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &os.PathError{Op: "chdir", Path: dir, Err: syscall.ENOTDIR}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dir = dir
	return nil
}

// Umask is the mask of new files, and setUmask changes it; any goroutine.
func (p *Program) Umask() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.umask
}

// setUmask returns the mask before.
func (p *Program) setUmask(mask uint32) (old uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, p.umask = p.umask, mask&0o777
	return old
}
