// Package worker is one script instantiated in an isolate, and the pool of
// isolates that run it.
//
// A Worker has a realm, an env object and the exports of its script, sorted into
// handlers, stateless classes and actor classes. When the realm is condemned (a
// turn ran for too long, or took too much memory) the next event builds a new
// one. A Pool spreads requests over Workers of the same script.
//
// # Concurrency
//
// Pool, Service and everything that takes a context.Context may be used from any
// goroutine. Worker belongs to its isolate's goroutine, except where a method
// says otherwise.
package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/compat"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/threads/ports"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/caches"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/queue"
	"workerd.local/webapi/rpc"
	"workerd.local/webapi/sockets"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/websockets"
)

// Options say what a worker is made of; all of it is shared by its isolates and
// not changed afterwards.
type Options struct {
	// Name is the service's name.
	Name   string
	Script *script.Script
	Compat *compat.Flags
	// Modules are the web APIs of the realm; those of this package are added.
	Modules []bind.Module
	// Env makes the properties of env. It runs before the script, in a turn.
	Env func(js *isolate.JS, w *Worker) (*goja.Object, error)
	// StdioPrefix is what lines that the script writes to stdout and to stderr begin with.
	StdioPrefix [2]string
	// Files are the modules that scripts find in /bundle; nil where there are none.
	Files func() map[string][]byte
	// Started, which may be nil, runs when the script's top level has run.
	Started func(js *isolate.JS, w *Worker) error
	// Loopback makes what stands in ctx.exports for an export of the script; a nil value
	// leaves it out. Nil leaves out all.
	Loopback func(js *isolate.JS, name string, kind ExportKind) (goja.Value, error)
	// Resolve finds what the tokens of stored stubs and classes name; empty where there is
	// none.
	Resolve event.Resolver
	// Dynamic says that a script has made the worker: no name leads to it.
	Dynamic bool
	// Snapshot makes isolates start from a log of the first start, and keeps some ready; nil
	// means that each runs the script when its first event comes. See snapshot.go.
	Snapshot *Snapshot
	// Threads are what the worker's threads may run; nil means that it can start none.
	Threads *Threads
	// Outbound is where the global fetch() goes.
	Outbound event.Service
	// Cache is what the Cache API asks; nil means that there is no cache.
	Cache event.Service
	// TurnLimit is the CPU limit of a turn; 0 means the isolate's.
	TurnLimit time.Duration
	// Refused says why no event is let in now, or nil; nil lets all in. Any goroutine.
	Refused func() error
	// Tails are told of the worker's invocations; nil means that nobody is.
	Tails *trace.Tails
	// OnQuiet, which may be nil, is called on the loop each time the last context has ended.
	OnQuiet func()
	// Context ends what requests left behind; nil means never.
	Context context.Context
}

// Worker is a script in an isolate.
type Worker struct {
	iso *isolate.Isolate
	o   Options

	inflight atomic.Int64 // requests that wait or run; any goroutine
	contexts atomic.Int64 // contexts that have not ended; any goroutine

	*instance
	failed *exception.Exception // why the script does not start: for good where starts is nil, else while those hear it who wait
	locals sync.Map             // see Local; any goroutine
	roots  threadRoots          // the threads of its realms; any goroutine
	home   *Worker              // of a twin: the worker that has taken it; see adopt
	starts *starts              // of the pool; nil where every isolate runs the script itself
	// waiting is what comes until the isolate can take events; see WhenReady.
	waiting []func()
	// What is told of a turn that was stopped: at once, and when it has unwound.
	onInterrupted []func(cause error)
	onReset       []func(cause error, culprit *iocontext.Context)
	onAbort       func() // nil for none
}

// instance is what one run of the script made; of a realm that is condemned, nothing.
type instance struct {
	realm   *isolate.Realm
	env     *goja.Object
	exports exports
	// loopback is ctx.exports, made at its first use; shared is the ctx of all events,
	// where the worker asked for one.
	loopback *goja.Object
	shared   *goja.Object
	warned   map[string]bool                            // see warnOnce
	load     func(specifier string) (goja.Value, error) // see Module; nil until the script begins
}

// New returns a worker that is instantiated by its first event or by Ready.
func New(i *isolate.Isolate, o Options) *Worker {
	if o.Context == nil {
		o.Context = context.Background()
	}
	return &Worker{iso: i, o: o, instance: &instance{}}
}

// Name is the service's name.
func (w *Worker) Name() string { return w.o.Name }

// Isolate is where the worker runs; any goroutine.
func (w *Worker) Isolate() *isolate.Isolate { return w.iso }

// Compat are the worker's compatibility flags; any goroutine.
func (w *Worker) Compat() *compat.Flags { return w.o.Compat }

// Env is the env object of the present realm.
func (w *Worker) Env() *goja.Object { return w.env }

// Module loads one of the script's Source.Roots; it is of use while the script's top
// level runs, and later.
func (w *Worker) Module(specifier string) (goja.Value, error) {
	if w.load == nil {
		return nil, exception.Errorf("No such module %q.", specifier)
	}
	return w.load(specifier)
}

// Local returns the worker's value for key, made on first use, perhaps twice at once; any
// goroutine.
func Local[T any](w *Worker, key any, make func() T) (v T, made bool) {
	if v, ok := w.locals.Load(key); ok {
		return v.(T), false
	}
	got, there := w.locals.LoadOrStore(key, make())
	return got.(T), !there
}

// Props is ctx.props as a value of the realm; nil makes an empty object.
func (w *Worker) Props(js *isolate.JS, p *event.Props) (goja.Value, error) {
	if p == nil {
		return js.Runtime().NewObject(), nil
	}
	return propsValue(js, p)
}

// OnInterrupted adds a function that is told at once when a turn of the realm was
// stopped: it takes back what the turn did. OnReset follows.
func (w *Worker) OnInterrupted(fn func(cause error)) {
	w.onInterrupted = append(w.onInterrupted, fn)
}

// OnAbortIsolate sets the function that is called when a script calls abortIsolate(), before
// anybody can have heard of it; on the loop.
func (w *Worker) OnAbortIsolate(fn func()) { w.onAbort = fn }

// OnReset adds a function that is told when the realm was condemned, and who
// owned the turn that was stopped (nil when nobody did). It ends what is not a
// request: actors.
func (w *Worker) OnReset(fn func(cause error, culprit *iocontext.Context)) {
	w.onReset = append(w.onReset, fn)
}

// Ready returns the worker's realm, instantiating the script where it has to. The
// error is the script's own and final, in workerd's form
// "Uncaught TypeError: ...".
func (w *Worker) Ready() (*isolate.Realm, error) {
	if w.failed != nil {
		return nil, w.failed
	}
	if w.realm != nil && w.realm.Condemned() == nil {
		return w.realm, nil
	}
	if w.starts != nil {
		return nil, errStarting
	}
	if err := w.instantiate(); err != nil {
		w.failed = startFailure(err)
		return nil, w.failed
	}
	return w.realm, nil
}

func startFailure(err error) *exception.Exception {
	var e *exception.Exception
	if !errors.As(err, &e) {
		e = exception.Errorf("%s", err.Error()).WithCause(err)
	}
	return e
}

// Start is Ready from any goroutine: it waits for the isolate.
func (w *Worker) Start(ctx context.Context) error {
	done := make(chan error, 1)
	if err := w.Post(func() { _, err := w.Ready(); done <- err }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Worker) instantiate() error {
	*w.instance = instance{}
	realm, err := w.newRealm(isolate.RealmOptions{
		OnInterrupted: w.interrupted,
		OnCondemned:   w.reset,
		OnRejection:   w.unhandledRejection,
	}, w.mayStartThreads)
	if err != nil {
		return err
	}
	w.realm = realm
	var ev *script.Evaluation
	var failure, badEnv error
	err = realm.RunStartup(nil, func(js *isolate.JS) { ev, failure, badEnv = w.evaluate(js) })
	if badEnv != nil {
		return badEnv // the configuration's fault, not the script's
	}
	if cause := realm.Condemned(); cause != nil {
		return startupLimit(cause)
	}
	if err == nil {
		err = failure
	}
	if err == nil && ev.Promise != nil {
		switch ev.Promise.State() {
		case goja.PromiseStateRejected:
			err = realm.Run(nil, func(js *isolate.JS) { failure = js.Thrown(ev.Promise.Result()) })
			if err == nil {
				err = failure
			}
		case goja.PromiseStatePending:
			return errUnsettled
		}
	}
	if err != nil {
		return w.startupError(err)
	}
	return w.finishStart(ev)
}

var errUnsettled = exception.Errorf("Top-level await in module is unresolved: nothing that may run in the global scope will settle it.")

func startupLimit(cause error) error {
	if errors.Is(cause, isolate.ErrAborted) {
		return exception.Errorf("Script startup was ended: %s", cause)
	}
	return exception.Errorf("Script startup exceeded its limit: %s", cause)
}

// evaluate makes env and begins the script's top level.
func (w *Worker) evaluate(js *isolate.JS) (ev *script.Evaluation, failure, badEnv error) {
	if !w.o.Compat.Has("allow_eval_during_startup") && !w.o.Compat.Has("allow_insecure_inefficient_logged_eval") {
		failure = script.DenyEval(js.Runtime())
	}
	if failure == nil && w.o.Env != nil {
		w.env, badEnv = w.o.Env(js, w)
	}
	if w.env == nil {
		w.env = js.Runtime().NewObject()
	}
	if failure == nil && badEnv == nil {
		ev, failure = w.o.Script.Evaluate(js.Runtime(), w.host(js))
	}
	return ev, failure, badEnv
}

// finishStart is what follows the top level: the exports are there.
func (w *Worker) finishStart(ev *script.Evaluation) error {
	var failure error
	realm := w.realm // which is nil once it was condemned
	err := realm.Run(nil, func(js *isolate.JS) {
		if w.o.Compat.Has("allow_eval_during_startup") && !w.o.Compat.Has("allow_insecure_inefficient_logged_eval") {
			if failure = script.DenyEval(js.Runtime()); failure != nil {
				return
			}
		}
		if w.o.Started != nil {
			if failure = w.o.Started(js, w); failure != nil {
				return
			}
		}
		failure = w.exports.collect(js, ev.Namespace())
	})
	if cause := realm.Condemned(); cause != nil {
		return startupLimit(cause)
	}
	if err == nil {
		err = failure
	}
	if err != nil {
		return w.startupError(err)
	}
	return nil
}

// newRealm makes a realm with the web APIs and the flags of the worker; started is the last part of its setup.
func (w *Worker) newRealm(o isolate.RealmOptions, started func(js *isolate.JS) error) (*isolate.Realm, error) {
	o.Name, o.Compat, o.TurnLimit = w.o.Name, w.o.Compat, w.o.TurnLimit
	o.Setup = []func(js *isolate.JS) error{
		func(js *isolate.JS) error {
			return bind.Install(js, w.modules())
		},
		func(js *isolate.JS) error {
			crypto.Configure(js, crypto.Flags{
				Lenient:          !w.o.Compat.Has("strict_crypto_checks"),
				ExponentIsBuffer: !w.o.Compat.Has("crypto_preserve_public_exponent"),
			})
			if !w.o.Compat.Has("capture_async_api_throws") {
				bind.ThrowUncaptured(js)
			}
			streams.SetFlags(js, streams.Flags{
				LaxCompression:    !w.o.Compat.Has("strict_compression_checks"),
				EncoderReadsAhead: !w.o.Compat.Has("encoder_stream_spec_compliant_backpressure"),
				NoAutoAllocate:    w.o.Compat.Has("streams_no_default_auto_allocate_chunk_size"),
				KeepBuffer:        !w.o.Compat.Has("streams_byob_reader_detaches_buffer"),
				NoViewAtEnd:       !w.o.Compat.Has("internal_stream_byob_return_view"),
				NoConstructors:    !w.o.Compat.Has("streams_enable_constructors"),
				IdentityTransform: !w.o.Compat.Has("transformstream_enable_standard_constructor"),
				Pedantic:          w.o.Compat.Has("pedantic_wpt"),
				LazyAbort:         !w.o.Compat.Has("internal_writable_stream_abort_clears_queue"),
				Standard:          w.o.Compat.Has("typescript_implemented_streams"),
				OldTransform:      !w.o.Compat.Has("fixup-transform-stream-backpressure"),
			})
			return nil
		},
		w.setup,
		started,
	}
	return w.iso.NewRealm(o)
}

// startupError puts a failure of the top level into workerd's form.
func (w *Worker) startupError(err error) error {
	if w.realm == nil {
		return err // it was condemned
	}
	var e *exception.Exception
	if rerr := w.realm.Run(nil, func(js *isolate.JS) { e = js.Exception(err) }); rerr != nil || e == nil {
		return err
	}
	text := "Uncaught " + e.Error()
	if _, frames, ok := strings.Cut(e.Stack, "\n"); ok {
		text += "\n" + frames
	}
	c := *e
	c.Class, c.Message, c.Value = "Error", text, nil
	return &c
}

// began counts a context until it ends, where somebody wants to know.
func (w *Worker) began(ioc *iocontext.Context) {
	if w.o.OnQuiet == nil {
		return
	}
	w.contexts.Add(1)
	ioc.OnEnd(func() {
		if w.contexts.Add(-1) == 0 && w.o.OnQuiet != nil {
			w.o.OnQuiet()
		}
	})
}

func (w *Worker) interrupted(cause error) {
	for _, fn := range w.slot().onInterrupted {
		fn(cause)
	}
}

// reset is told that the realm was condemned.
func (w *Worker) reset(cause error, culprit *isolate.Frame) {
	var owner *iocontext.Context
	if culprit != nil {
		owner, _ = culprit.Owner.(*iocontext.Context)
	}
	// Nothing may keep the old heap: it may be what filled the memory.
	*w.instance = instance{}
	w = w.slot()
	w.roots.kill()
	for _, fn := range w.onReset {
		fn(cause, owner)
	}
	if owner != nil && !owner.IsActor() {
		owner.Abort(isolate.Stopped(cause))
	}
}

func (w *Worker) setup(js *isolate.JS) error {
	fetch.SetOutbound(js, w.o.Outbound)
	if w.o.Threads != nil {
		ports.SetupDeployed(js)
	}
	if w.o.Resolve.Service != nil {
		rpc.SetResolver(js, w.o.Resolve)
	}
	global.SetBeacon(js, w.sendBeacon)
	caches.SetService(js, w.o.Cache)
	sockets.SetOutbound(js, w.o.Outbound)
	websockets.SetOutbound(js, w.o.Outbound)
	if w.o.Compat.Has("service_binding_extra_handlers") {
		fetch.AddHandler(js, "queue", queue.Deliver)
	}
	return nil
}

// sendBeacon posts body to url beside what the request does; false outside of one.
func (w *Worker) sendBeacon(c *bind.Call) (any, error) {
	var url string
	if err := c.Unpack("url", &url); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return false, nil
	}
	js := c.JS()
	init := js.Runtime().NewObject()
	for name, v := range map[string]goja.Value{"method": js.Runtime().ToValue("POST"), "body": c.Arg(1)} {
		if err := init.Set(name, v); err != nil {
			return nil, err
		}
	}
	sent, err := fetch.Fetch(js, w.o.Outbound, js.Runtime().ToValue(url), init)
	if err != nil {
		return nil, err
	}
	w.waitUntil(js, ioc, c.Value(sent))
	return true, nil
}

// Report logs an exception that no caller could be told, or that a caller is told
// only as a status.
func (w *Worker) Report(e *exception.Exception, source string) {
	stack := e.Stack
	if stack == "" {
		stack = e.Error()
	}
	args := []any{"service", w.o.Name, "source", source, "exception", e.Error(), "stack", stack}
	if e.Internal != nil {
		args = append(args, "cause", e.Internal)
	}
	w.iso.Log().Error("uncaught exception", args...)
}

func (w *Worker) unhandledRejection(js *isolate.JS, r isolate.Rejection) {
	handled := events.DispatchRejection(js, r)
	if !handled && !r.Handled {
		w.Report(js.Thrown(r.Reason), "Uncaught (in promise)")
	}
}

// Canceled is what is left of a request whose client went away.
func Canceled(cause error) *exception.Exception {
	return exception.Errorf("The client has disconnected.").WithKind(exception.Disconnected).WithCause(cause)
}

// Closed is the exception for events that come after the isolate has closed.
func Closed(err error) *exception.Exception {
	return exception.Errorf("The server is shutting down.").WithKind(exception.Disconnected).WithCause(fmt.Errorf("isolate: %w", err))
}
