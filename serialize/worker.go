package serialize

import (
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/compat"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/replay"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/performance"
)

// Mode is the role of a process (--mode).
type Mode uint8

// The modes.
const (
	Normal       Mode = iota // run the script, then the life of a service worker
	SeedBare                 // park before any code; children start as Normal
	SeedUserland             // run the script, fire serialize, park; children fire deserialize
)

// ParseMode reads the name of a mode.
func ParseMode(s string) (m Mode, ok bool) {
	switch s {
	case "normal":
		return Normal, true
	case "seed":
		return SeedBare, true
	case "seed-userland":
		return SeedUserland, true
	}
	return 0, false
}

// Options are what a worker is made of. Only Program has no default.
type Options struct {
	Program *Program
	// Preload runs before the script, and once more in what goes on from a parked worker.
	Preload *Program
	// Base is a snapshot file that a seed goes on from instead of the script, which runs only
	// where that cannot be used.
	Base *Snapshot
	// Location is the URL of `location`; empty means that of the script.
	Location string
	// Args are the arguments after the script.
	Args []string
	// Env are variables, NAME=value.
	Env            []string
	Stdout, Stderr io.Writer // nil throws away
	// Host is where time and random numbers come from; nil is the machine.
	Host isolate.Host
	// Outbound is where fetch leads; nil is nowhere.
	Outbound event.Service
	Limits   isolate.Limits
	// Latency ends the process when one callback runs for longer; 0 means never.
	Latency time.Duration
	// LongTask warns when one callback has run for longer; 0 means never.
	LongTask time.Duration
	// OnFailure is told what the worker dies of, before it does, on its goroutine; nil is nobody.
	OnFailure func(Failure)
	// Log receives what is about this program and not about the script; nil is slog.Default.
	Log *slog.Logger
	// depot is what the worker shares with others of its seed once nothing of it is recorded; nil is
	// nothing.
	depot *depot
}

func (o Options) withDefaults() Options {
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
		o.Log = slog.Default()
	}
	return o
}

// forever is the limit of a turn where nobody gave one.
const forever = 24 * time.Hour

// Exit is how a worker ended.
type Exit struct {
	Code int
	// Terminated says that it died of SIGTERM.
	Terminated bool
	// Failed is why, where the worker could not run at all; it has been printed.
	Failed error
}

// Exit codes beside 0 and those of scripts.
const (
	ExitFailed = 1
	ExitUsage  = 4
	// ExitAborted is that of a process that was aborted: SIGABRT.
	ExitAborted = 128 + 6
	// ExitTerminated is that of a process that died of SIGTERM.
	ExitTerminated = 128 + 15
)

// Worker is one run of a script.
type Worker struct {
	o     Options
	iso   *isolate.Isolate
	realm *isolate.Realm
	rt    *goja.Runtime
	ioc   *iocontext.Context
	tape  *replay.Tape
	net   *replay.Network
	env   *environment
	// depot is the worker's own until it parks.
	depot *depot
	// timers are those that may still fire, by id.
	timers map[int]*timeout
	state  State

	origin   time.Time     // the time origin
	booted   time.Time     // when it was ready to run code
	loaded   time.Time     // when the script had run, or was about to go on
	idle     time.Duration // how long the loop has waited since the time origin, while nothing is recorded
	location string
	args     []string
	out, err io.Writer

	printing bool // of a text, so that what fails in it does not print again
	forkable bool // it parked to be forked, and not for a snapshot file
	parked   bool // the script is to park as soon as the turn is over
	waits    int  // servers that keep the worker alive
	exit     *Exit
	killed   atomic.Pointer[Exit] // set by kill; any goroutine
	armed    atomic.Bool          // uninstall is dispatched on SIGTERM; any goroutine

	installed bool
	onInstall []func(js *isolate.JS)
	activated bool
}

// errExited stops the code of a worker that has ended.
var errExited = errors.New("the worker has ended")

// newWorker makes a worker that has run nothing.
func newWorker(o Options, mode replay.Mode) (*Worker, error) {
	return newWorkerWith(o, mode, func(*Worker) {})
}

// newWorkerWith is newWorker with something to do before anything runs.
func newWorkerWith(o Options, mode replay.Mode, prepare func(*Worker)) (*Worker, error) {
	o = o.withDefaults()
	w := &Worker{o: o, env: newEnvironment(o.Env), out: o.Stdout, err: o.Stderr, args: o.Args}
	bounds := o.Limits.Bounds
	w.tape = replay.NewTape(o.Host, w.env, mode, limits.SnapshotLog.In(bounds))
	w.net = replay.NewNetwork(o.Outbound, w.tape, limits.SnapshotBody.In(bounds))
	if w.depot = o.depot; mode != replay.Live || w.depot == nil {
		w.depot = newDepot(bounds)
	}
	w.timers = map[int]*timeout{}
	w.setLocation()
	prepare(w)
	lim := o.Limits
	lim.Turn = forever
	if o.Latency > 0 {
		lim.Turn = o.Latency
	}
	lim.Startup = lim.Turn
	w.iso = isolate.New(isolate.Options{Name: "aworker", Host: w.tape, Limits: lim, Log: o.Log})
	flags, errs := compat.Parse(compat.Newest, []string{"nodejs_compat"}, compat.Options{Experimental: true})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	w.origin = w.tape.Now()
	var err error
	w.iso.Loop().Turn(func() {
		w.realm, err = w.iso.NewRealm(isolate.RealmOptions{
			Name: "aworker", Compat: flags,
			Setup: []func(js *isolate.JS) error{
				func(js *isolate.JS) error { return bind.Install(js, w.modules()) },
				w.setup,
			},
			OnCondemned: w.condemned,
			OnRejection: w.rejection,
		})
	})
	if err != nil {
		return nil, err
	}
	w.ioc = iocontext.New(w.realm, iocontext.Options{OnAbort: w.aborted})
	rt := w.rt
	w.tape.Stop = func(err error) { rt.Interrupt(err) }
	return w, nil
}

// setup is the last step of making the realm.
func (w *Worker) setup(js *isolate.JS) error {
	w.rt = js.Runtime()
	fetch.SetOutbound(js, w.net)
	console.SetSink(js, w.print)
	events.SetReporter(js, w.uncaught)
	events.WithoutProperties(js)
	performance.SetExtension(js, w.extendPerformance)
	w.begin(js)
	return w.tidyGlobals(js)
}

// begin is what is new for a run, and for each that goes on from it.
func (w *Worker) begin(js *isolate.JS) {
	performance.SetOrigin(js, w.origin)
	w.booted, w.loaded = w.tape.Now(), time.Time{}
	fetch.SetBase(js, w.location)
}

func (w *Worker) setLocation() {
	switch {
	case w.o.Location != "":
		w.location = w.o.Location
	case w.o.Program == nil || w.o.Program.Name == evalName:
		w.location = "aworker://eval-machine"
	default:
		w.location = fileURL(w.o.Program.Name)
	}
}

// close gives the worker back; nothing of it runs any more.
func (w *Worker) close() {
	w.iso.Loop().Turn(func() {
		if !w.ioc.Ended() {
			w.ioc.End()
		}
	})
	w.net.Fork() // ends what is under way
	w.iso.Close()
}

// turn runs fn as a turn of the worker.
func (w *Worker) turn(fn func(js *isolate.JS)) {
	w.iso.Loop().Turn(func() { w.ioc.RunIn(iocontext.Entry{}, fn, w.failed) })
}

// post is turn from any goroutine, later; it reports whether there is a later.
func (w *Worker) post(fn func(js *isolate.JS)) bool {
	return w.iso.Loop().Post(func() { w.ioc.RunIn(iocontext.Entry{}, fn, w.failed) }) == nil
}

// failed is told of a turn that ended badly: its code threw where nobody caught it.
func (w *Worker) failed(err error) {
	if w.over() || w.realm.Condemned() != nil {
		return // it has been said, or condemned is told
	}
	w.printError("Uncaught " + err.Error())
	w.dying(err.Error())
	w.end(Exit{Code: ExitFailed})
}

func (w *Worker) aborted(err error) {
	w.failed(err)
}

// over reports whether nothing that the script does counts any more.
func (w *Worker) over() bool {
	return w.exit != nil || w.killed.Load() != nil || w.tape.Broken() != nil
}

// condemned is told that the realm cannot be used any more.
func (w *Worker) condemned(cause error, _ *isolate.Frame) {
	if w.over() {
		return
	}
	text := "LoopLatencyWatchdog Loop latency reached limit"
	if !errors.Is(cause, isolate.ErrCPULimit) {
		text = "FATAL ERROR: " + cause.Error()
	}
	w.printError(text)
	w.dying(text)
	w.end(Exit{Code: ExitAborted})
}

// end says how the worker ended; the first one counts.
func (w *Worker) end(e Exit) {
	if w.exit == nil {
		w.exit = &e
	}
}

// leave is end from code of the script, which stops at this line.
func (w *Worker) leave(js *isolate.JS, e Exit) {
	w.end(e)
	// It returns where no context is current, which is never.
	_ = iocontext.Terminate(js, errExited)
}

// Streams of a worker's output.
const (
	toStdout byte = 1
	toStderr byte = 2
)

// print is the console's sink.
func (w *Worker) print(level, text string) {
	stream := toStdout
	if level == console.Warn || level == console.Error {
		stream = toStderr
	}
	w.write(stream, text+"\n")
}

// printError prints a line on the standard error output.
func (w *Worker) printError(text string) { w.write(toStderr, text+"\n") }

func (w *Worker) write(stream byte, text string) {
	if !w.tape.Output(stream, text) {
		return
	}
	to := w.out
	if stream == toStderr {
		to = w.err
	}
	if _, err := io.WriteString(to, text); err != nil && !w.printing {
		w.printing = true
		w.o.Log.Warn("output of the worker is lost", "error", err)
		w.printing = false
	}
}
