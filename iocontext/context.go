// Package iocontext is one request's life, or one actor's: what code may do I/O,
// what it waits for, and when it ends.
//
// A stateless request has a Context of its own; all requests of an actor share
// the actor's. JavaScript finds the Context through the frame it runs in
// (isolate.Frame.Owner), so that a continuation after await, even of a promise
// that another request settled, still works for the request that wrote it.
//
// Words: a pending event is something that will re-enter JavaScript (a timer, a
// read, a subrequest); a stateless context without pending events and without an
// answer has hung. A task is work that keeps the context alive.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine except Context.Context, which is
// done when the I/O of the context must stop.
package iocontext

import (
	"context"
	"errors"
	"sync"
	"time"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/trace"
)

// Texts that scripts see, as workerd words them.
const (
	globalScopeText = "Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a timeout, and generating random values are not allowed within global scope. To fix this error, perform this operation within a handler. https://developers.cloudflare.com/workers/runtime-apis/handlers/"
	hungText        = "The Workers runtime canceled this request because it detected that your Worker's code had hung and would never generate a response. Refer to: https://developers.cloudflare.com/workers/observability/errors/"
	canceledText    = "The execution context responding to this call was canceled."
	endedText       = "The execution context which hosts this callback is no longer running."
)

// Gates are the gates of an actor's context.
type Gates struct {
	Input  *gates.InputGate
	Output *gates.OutputGate
}

// Options configure a Context.
type Options struct {
	// Parent ends the context's I/O when it is done; nil means never.
	Parent context.Context
	// Gates are set for an actor.
	Gates *Gates
	// Class and Actor name the actor.
	Class, Actor string
	// Tracer follows what a request does; nil where nobody is told of it. An actor has one
	// for each event; see Context.Traced.
	Tracer *trace.Tracer
	// OnAbort is told once why the context was aborted.
	OnAbort func(err error)
	// OnHang is told when a stateless context can never make progress again; it
	// decides whether an answer is still missing, which Hung is then about. Most have been
	// answered: it is told of each request that has come to its end.
	OnHang func()
	// OnQuiet is told, at the end of a turn, that no event is pending; it takes the place of OnHang.
	OnQuiet func()
	// OnIdle is told whenever the last task has finished.
	OnIdle func()
}

// Context is one request's life, or one actor's.
type Context struct {
	realm *isolate.Realm
	o     Options
	frame *isolate.Frame

	mu     sync.Mutex      // guards what follows
	ctx    context.Context // nil before somebody asks
	cancel context.CancelCauseFunc
	over   error // why the I/O must stop

	lock     *gates.Lock            // held by the turn that runs now
	section  *gates.CriticalSection // innermost one of the turn that runs now
	pending  int                    // events that will re-enter JavaScript
	tasks    int                    // work that keeps the context alive
	timers   map[int]*timer
	fired    int
	aborted  error
	stopped  error // why none of its code runs any more
	ended    bool
	hangSent bool
	looking  func() // lookForHang, made once
	taskErr  error
	cleanups map[*func()]struct{}
	ties     map[Ending]struct{}
	family   *family // through which ties hear of the end of the parent
	locals   map[any]any
	tracer   *trace.Tracer
}

// New returns the context of a request or an actor on the realm.
func New(r *isolate.Realm, o Options) *Context {
	c := &Context{realm: r, o: o}
	c.frame = &isolate.Frame{Owner: c}
	c.frame = c.Traced(o.Tracer)
	if g := o.Gates; g != nil {
		// A gate that breaks takes the actor with it.
		g.Input.OnBroken(c.Abort)
		g.Output.OnBroken(c.Abort)
	}
	return c
}

// Current returns the context that the running code works for, or workerd's error
// about I/O in the global scope. Code of a context that was aborted gets the reason:
// whatever it still does has no effect.
func Current(js *isolate.JS) (*Context, error) {
	switch c := ownerOf(js); {
	case c == nil:
		return nil, exception.Errorf(globalScopeText)
	case c.aborted != nil:
		return nil, c.aborted
	default:
		return c, nil
	}
}

// ownerOf is the context that the running code works for, whatever became of it; nil
// in the global scope.
func ownerOf(js *isolate.JS) *Context {
	return contextOf(js.Frame())
}

// contextOf is the context whose code a frame is of.
func contextOf(f *isolate.Frame) *Context {
	if f == nil {
		return nil
	}
	switch o := f.Owner.(type) {
	case *Context:
		return o
	case *Part:
		return o.c
	}
	return nil
}

// Frame is the frame that code of this context starts in.
func (c *Context) Frame() *isolate.Frame { return c.frame }

// Realm is the realm that the context runs in.
func (c *Context) Realm() *isolate.Realm { return c.realm }

// Loop is the isolate's loop.
func (c *Context) Loop() *loop.Loop { return c.realm.Isolate().Loop() }

// Context is done when the context has ended or was aborted; any goroutine.
func (c *Context) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithCancelCause(c.Parent())
		if c.over != nil {
			c.cancel(c.over)
		}
	}
	return c.ctx
}

// Parent is whose end ends the context's I/O, and whose values it has; any goroutine.
func (c *Context) Parent() context.Context {
	if c.o.Parent == nil {
		return context.Background()
	}
	return c.o.Parent
}

// Cause is why the context's I/O must stop, or nil; any goroutine.
func (c *Context) Cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over == nil {
		return context.Cause(c.Parent())
	}
	return c.over
}

// stopIO ends what Context gives.
func (c *Context) stopIO(cause error) {
	c.mu.Lock()
	if c.over == nil {
		c.over = cause
	}
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// IsActor reports whether the context belongs to an actor.
func (c *Context) IsActor() bool { return c.o.Gates != nil }

// Identity names the actor that the context belongs to (isolate.Identified).
func (c *Context) Identity() (class, actor string) { return c.o.Class, c.o.Actor }

// Gates are the actor's gates, or nil.
func (c *Context) Gates() *Gates { return c.o.Gates }

// Lock is the input lock that the running turn holds; nil outside an actor.
func (c *Context) Lock() *gates.Lock { return c.lock }

// Aborted returns why the context was aborted, or nil.
func (c *Context) Aborted() error { return c.aborted }

// Ended reports whether the context is over, for whatever reason.
func (c *Context) Ended() bool { return c.ended || c.aborted != nil }

// Run runs fn as a turn of the context as soon as the actor's input gate lets it,
// at once for a request. The error of fn's turn goes to failed, which may be nil.
func (c *Context) Run(fn func(js *isolate.JS)) { c.RunIn(Entry{}, fn, nil) }

// Entry says with which lock a turn enters an actor. The zero Entry waits for the
// input gate like any event.
type Entry struct {
	// Lock is entered with; the turn releases it.
	Lock *gates.Lock
	// Section is waited for instead of the gate.
	Section *gates.CriticalSection
	// Frame replaces the context's own, so that AsyncLocalStorage values last.
	Frame *isolate.Frame
}

// Capture returns the entry that brings later work back to where the running code
// is: the same critical section, the same AsyncLocalStorage values.
func (c *Context) Capture(js *isolate.JS) Entry {
	e := Entry{Section: c.section}
	if f := js.Frame(); contextOf(f) == c {
		e.Frame = f
	}
	return e
}

// RunIn is Run with an entry. failed is told, on the loop, why fn did not run or
// why its turn ended badly; nil means Fail.
func (c *Context) RunIn(e Entry, fn func(js *isolate.JS), failed func(error)) {
	switch {
	case c.Ended():
		e.release()
		c.fail(c.reason(), failed)
	case c.o.Gates == nil || e.Lock != nil:
		c.enter(e, fn, failed)
	default:
		c.queue(e, fn, failed)
	}
}

// RunEach is RunIn for a series of short turns of the context's own code, as messages are: fn is called as long as it
// says that there is more, each time as a turn to its script, and RunEach comes back earlier where something else is to
// happen first (isolate.Realm.EnterEach). In a context with gates fn is called once, when the gate lets it.
func (c *Context) RunEach(fn func(js *isolate.JS) (more bool), failed func(error)) {
	switch {
	case c.Ended():
		c.fail(c.reason(), failed)
	case c.o.Gates != nil:
		c.queue(Entry{}, func(js *isolate.JS) { fn(js) }, failed)
	default:
		c.enterWith(Entry{}, nil, fn, failed)
	}
}

// queue is RunIn for what must wait for a lock.
func (c *Context) queue(e Entry, fn func(js *isolate.JS), failed func(error)) {
	c.admission(e).Then(func(l *gates.Lock, err error) {
		if err != nil {
			c.fail(err, failed)
			return
		}
		e.Lock = l
		if c.Ended() {
			e.release()
			c.fail(c.reason(), failed)
			return
		}
		c.enter(e, fn, failed)
	})
}

// fail tells failed; nil means Fail.
func (c *Context) fail(err error, failed func(error)) {
	if failed == nil {
		c.Fail(err)
	} else {
		failed(err)
	}
}

// WhenOpen calls fn on the loop when a turn with the entry could begin, at once where that is now; e has no lock, and fn
// is called with none. It is not called where the context ends before: who has much to tell an actor waits here, and
// not with all of it at the gate.
func (c *Context) WhenOpen(e Entry, fn func()) {
	if c.Ended() {
		return
	}
	if c.o.Gates == nil {
		fn()
		return
	}
	c.admission(e).Then(func(l *gates.Lock, err error) {
		if err != nil {
			return // the gate is broken, and the context with it
		}
		l.Release()
		if !c.Ended() {
			fn()
		}
	})
}

// admission is the lock that a turn of an actor enters with.
func (c *Context) admission(e Entry) loop.Result[*gates.Lock] {
	if e.Section != nil {
		return e.Section.Wait()
	}
	return c.o.Gates.Input.Wait()
}

func (e *Entry) release() {
	if e.Lock != nil {
		e.Lock.Release()
		e.Lock = nil
	}
}

func (c *Context) enter(e Entry, fn func(js *isolate.JS), failed func(error)) {
	c.enterWith(e, fn, nil, failed)
}

// enterWith runs fn, or else a series.
func (c *Context) enterWith(e Entry, fn func(js *isolate.JS), each func(js *isolate.JS) (more bool), failed func(error)) {
	frame := e.Frame
	if frame == nil {
		frame = c.frame
	}
	oldLock, oldSection := c.lock, c.section
	c.lock, c.section = e.Lock, nil
	if e.Lock != nil {
		c.section = e.Lock.Section()
	}
	if t := c.tracer; t != nil {
		began := c.Now()
		defer func() { t.Worked(c.Now().Sub(began)) }()
	}
	var ran bool
	var err error
	if fn == nil {
		ran, err = c.realm.EnterEach(frame, each)
	} else {
		ran, err = c.realm.Enter(frame, fn)
	}
	if err != nil {
		reason := c.stopped
		if reason == nil {
			reason = partStopped(frame)
		}
		if reason != nil {
			c.lock, c.section = oldLock, oldSection
			e.release()
			c.fail(reason, failed)
			return
		}
		if ran && c.realm.Condemned() == nil {
			err = c.look(frame, err)
		}
	}
	c.lock, c.section = oldLock, oldSection
	e.release()
	if err != nil {
		if c.realm.Condemned() != nil || !ran {
			err = isolate.Stopped(err)
		}
		c.fail(err, failed)
	}
	c.checkHang()
}

// look makes an exception of what was thrown, which may be looked at in a turn only.
func (c *Context) look(frame *isolate.Frame, thrown error) (err error) {
	err = thrown
	_ = c.realm.Run(frame, func(js *isolate.JS) { err = js.Sent(thrown) })
	return err
}

func (c *Context) reason() error {
	if c.aborted != nil {
		return c.aborted
	}
	return exception.Errorf(endedText)
}

// OnEnd runs fn once the context ends or is aborted: how owned objects are closed.
// The result takes fn back.
func (c *Context) OnEnd(fn func()) (cancel func()) {
	if c.Ended() {
		fn()
		return func() {}
	}
	if c.cleanups == nil {
		c.cleanups = map[*func()]struct{}{}
	}
	c.cleanups[&fn] = struct{}{}
	return func() { delete(c.cleanups, &fn) }
}

// Ending is what ends with a context; see Tie.
type Ending interface{ ContextEnded() }

// Tie is OnEnd for what outlives a turn or is many: it makes no function. e also ends when
// the parent of the context does, which a worker that is replaced ends while contexts of
// its go on.
func (c *Context) Tie(e Ending) {
	if c.Ended() {
		e.ContextEnded()
		return
	}
	if c.ties == nil {
		c.ties = map[Ending]struct{}{}
	}
	c.ties[e] = struct{}{}
	if c.family == nil && c.o.Parent != nil {
		c.family = familyOf(c)
	}
}

// Untie takes back a Tie.
func (c *Context) Untie(e Ending) { delete(c.ties, e) }

func (c *Context) endTies() {
	ties := c.ties
	c.ties = nil
	for e := range ties {
		e.ContextEnded()
	}
}

// Abort ends the context with a reason: the first one wins. Waiting code is not
// resumed any more, timers are dropped, background work is canceled.
func (c *Context) Abort(err error) {
	if err == nil {
		err = exception.Errorf(canceledText)
	}
	if c.Ended() {
		return
	}
	c.aborted = err
	c.finish(err)
	if c.o.OnAbort != nil {
		c.o.OnAbort(err)
	}
}

// Fail aborts the context because a turn of it could not run, or did not end well.
// Where the realm was condemned, an actor lives on until its owner aborts it, which
// is when what its finished turns wrote is durable. That a part has stopped is no failure of the context.
func (c *Context) Fail(err error) {
	if isPartStopped(err) {
		return
	}
	if c.o.Gates == nil || c.realm.Condemned() == nil {
		c.Abort(err)
	}
}

// Terminate aborts the current context with a reason, of which the first wins, and
// stops JavaScript at this line: it returns only where no context is current. Code
// of the context that waits, in this turn too, never runs; other contexts go on
// (isolate.JS.Stop).
func Terminate(js *isolate.JS, reason error) error {
	c := ownerOf(js)
	if c == nil {
		return exception.Errorf(globalScopeText)
	}
	c.Abort(reason)
	c.stopped = c.reason()
	js.Stop()
	return c.stopped
}

// Stopped is isolate.Stoppable's: why code of the context no longer runs at all. A
// context that was aborted from outside lets code that runs come to its end.
func (c *Context) Stopped() error { return c.stopped }

// End ends a context whose work is done.
func (c *Context) End() {
	if c.Ended() {
		return
	}
	c.ended = true
	c.finish(errEnded)
}

var errEnded = errors.New("the context has ended")

func (c *Context) finish(cause error) {
	for _, t := range c.timers {
		t.timer.Stop()
	}
	c.timers = nil
	if c.family != nil {
		c.family.leave(c)
		c.family = nil
	}
	c.stopIO(cause)
	c.endTies()
	cleanups := c.cleanups
	c.cleanups = nil
	for fn := range cleanups {
		(*fn)()
	}
}

// Local returns the context's value for key, made on first use.
func Local[T any](c *Context, key any, make func() T) T {
	if v, ok := c.locals[key]; ok {
		return v.(T)
	}
	if c.locals == nil {
		c.locals = map[any]any{}
	}
	v := make()
	c.locals[key] = v
	return v
}

// WaitForOutput returns when everything that the actor wrote so far is durable;
// for a request it is ready at once. Whatever leaves an actor waits for it.
func (c *Context) WaitForOutput() loop.Result[struct{}] {
	if c.o.Gates == nil {
		return loop.Now(struct{}{})
	}
	return c.o.Gates.Output.Wait()
}

// Leaving is what the running code tells others has to wait for: WaitForOutput of the actor that it works for. c is nil
// where it works for none, and nothing waits; what code of an actor that is over still tells fails.
func Leaving(js *isolate.JS) (c *Context, wait loop.Result[struct{}]) {
	if c = ownerOf(js); c == nil || c.o.Gates == nil {
		return nil, loop.Now(struct{}{})
	}
	if c.Ended() {
		return c, loop.Fail[struct{}](c.reason())
	}
	return c, c.WaitForOutput()
}

// Now is the host's wall clock.
func (c *Context) Now() time.Time { return c.realm.Isolate().Host().Now() }
