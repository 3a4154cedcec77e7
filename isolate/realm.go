package isolate

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/isolate/natives"
	"workerd.local/script"
)

// Reasons why a realm is condemned.
var (
	ErrCPULimit    = errors.New("the turn ran for longer than the CPU limit")
	ErrMemoryLimit = errors.New("the process reached its memory limit during the turn")
	ErrPanic       = errors.New("the engine failed inside the turn")
	ErrCallStack   = errors.New("the call stack overflowed")
	// ErrKilled is for Isolate.Kill where somebody wanted the end: it is not logged.
	ErrKilled = errors.New("the code was killed")
	// ErrAborted is for JS.Condemn where the script asked for it.
	ErrAborted = errors.New("abortIsolate() called")
)

// RealmOptions configure a realm.
type RealmOptions struct {
	// Name says whose realm it is, in the log and in errors.
	Name string
	// Compat is what the scripts of the realm have asked for; nil is nothing.
	Compat *compat.Flags
	// TurnLimit replaces the isolate's Limits.Turn where it is not 0.
	TurnLimit time.Duration
	// Setup installs globals, in order, before any script runs.
	Setup []func(js *JS) error
	// OnInterrupted is told once, before Run returns, that the turn was stopped and the
	// realm is condemned: what the turn did must not count. It enters no realm.
	OnInterrupted func(cause error)
	// OnCondemned is told once, later in the loop's turn, that the realm was
	// interrupted and can no longer be used. culprit is the frame of the turn that
	// was stopped.
	OnCondemned func(cause error, culprit *Frame)
	// Ticks runs between the code of a turn and its microtasks, and again whenever these
	// have run, as long as Ticking says that it has something to do: what node calls
	// process.nextTick. It throws nothing. Both nil means that there is none.
	Ticks   func(js *JS)
	Ticking func() bool
	// OnRejection is told of rejections that nobody handled, at the end of the turn
	// in which they happened; nil logs them.
	OnRejection func(js *JS, r Rejection)
}

// Realm is one goja runtime with globals of its own.
type Realm struct {
	iso *Isolate
	o   RealmOptions
	js  *JS

	enter       goja.Callable // (f) => f(), so that a turn is one call into the engine
	entering    []goja.Value  // what enter is called with: runPending
	pending     func(js *JS)  // what the call is to run
	whose       *Frame        // the frame of pending, where owned
	owned       bool          // pending is code of somebody, or of nobody: not that of several
	refused     error         // what part returned for pending
	entered     bool          // pending has begun
	inside      func()        // runPart, made once
	stacked     int           // how much of the engine's stack the call has used
	inTurn      bool
	cause       error  // why it is condemned
	culprit     *Frame // of the turn that runs, or ran last
	stopping    atomic.Pointer[error]
	expiring    atomic.Bool // code of one frame has run out of time; see JS.Within
	overflowed  bool        // the call stack overflowed in this turn, and no script could catch it
	overflowing bool        // the RangeError of a full call stack is being made
	ending      error       // why the code of the current frame is being stopped
	slots       map[any]any

	engine engine
	series series
	jobs   []func() // spare room for microtasks
	owners []*Frame // of the microtasks that are queued

	rejected rejections
	awaited  []awaited
	made     []*settler // in this turn
}

// trampoline is JavaScript on purpose: a call that starts in a JavaScript frame
// is one entry into the engine, so that microtasks run when the turn's Go code
// has returned and not after each call it makes.
var trampoline = goja.MustCompile("workerd:turn", "(f) => { f() }", true)

// NewRealm makes a realm on the isolate; isolate's goroutine only, or before the
// isolate runs.
func (i *Isolate) NewRealm(o RealmOptions) (*Realm, error) {
	r := &Realm{iso: i, o: o, slots: map[any]any{}}
	rt := goja.New()
	rt.SetMaxCallStackSize(i.limits.CallStack)
	rt.SetTimeSource(func() time.Time { return r.iso.host.Now() }) // it may move
	rt.SetRandSource(func() float64 {
		var b [8]byte
		r.iso.host.Random(b[:])
		n := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48
		return float64(n>>3) / (1 << 53)
	})
	r.js = &JS{rt: rt, realm: r}
	r.engine = newEngine(rt)
	rt.SetAsyncContextTracker(tracker{r.js})
	rt.SetPromiseRejectionTracker(r.trackRejection)
	var waits natives.Agent
	if i.blocks {
		waits = agent{r}
	}
	library, err := natives.Install(rt, natives.Limits{
		Agent:          waits,
		ShowFrame:      script.ShowFrame,
		MaxStringBytes: i.limits.StringBytes,
		MaxArrayLength: i.limits.ArrayLength,
		MaxBufferBytes: i.limits.BufferBytes,
		JSONDepth:      i.limits.JSONDepth,
		Interrupted:    r.Interrupted,
		Bounds:         i.limits.Bounds,
	})
	if err != nil {
		return nil, fmt.Errorf("realm %s: %w", o.Name, err)
	}
	r.js.library = library
	if err := script.InstallIn(rt, i.limits.Bounds, engineOf{library}); err != nil {
		return nil, fmt.Errorf("realm %s: %w", o.Name, err)
	}
	library.Hide(script.HiddenSymbols()...)
	library.HideGlobal(script.HiddenGlobal)
	v, err := rt.RunProgram(trampoline)
	if err != nil {
		return nil, fmt.Errorf("realm %s: %w", o.Name, err)
	}
	call, _ := goja.AssertFunction(v)
	r.enter, r.inside = call, r.runPart
	// One function runs the turn and is the accessor of its own name: see overflow.go.
	native := rt.ToValue(func(goja.FunctionCall) goja.Value {
		if r.pending == nil {
			return r.nameOfBottom()
		}
		r.runPending()
		return goja.Undefined()
	}).(*goja.Object)
	if err := native.DefineAccessorProperty("name", native, nil, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
		return nil, fmt.Errorf("realm %s: %w", o.Name, err)
	}
	r.entering = []goja.Value{native}
	for _, setup := range o.Setup {
		var serr error
		if err := r.Run(nil, func(js *JS) { serr = setup(js) }); err != nil {
			return nil, fmt.Errorf("realm %s: %w", o.Name, err)
		}
		if serr != nil {
			return nil, fmt.Errorf("realm %s: %w", o.Name, serr)
		}
	}
	return r, nil
}

// engineOf is what the script package needs of the realm's library.
type engineOf struct{ *natives.Library }

func (e engineOf) Define(name string, build func() goja.Value) error {
	return e.DefineGlobals([]natives.Global{{Name: name, Fixed: true, Build: build}})
}

// Isolate is the isolate that the realm is on.
func (r *Realm) Isolate() *Isolate { return r.iso }

// Name is the name given in RealmOptions.
func (r *Realm) Name() string { return r.o.Name }

// Condemned returns why the realm can no longer be used, or nil.
func (r *Realm) Condemned() error { return r.cause }

// AlsoOnCondemned adds fn to RealmOptions.OnCondemned, for who is given a realm that
// somebody else made.
func (r *Realm) AlsoOnCondemned(fn func(cause error, culprit *Frame)) {
	first := r.o.OnCondemned
	r.o.OnCondemned = func(cause error, culprit *Frame) {
		if first != nil {
			first(cause, culprit)
		}
		fn(cause, culprit)
	}
}

// Interrupted reports whether the running code is to stop; any goroutine. Natives
// that loop ask it now and then.
func (r *Realm) Interrupted() bool { return r.halting() || r.expiring.Load() }

// halting reports whether the running turn is to stop.
func (r *Realm) halting() bool { return r.stopping.Load() != nil }

// interrupt is called by the watchdog, which holds its lock, so that the turn
// cannot end in between, and by the turn's own code.
func (r *Realm) interrupt(reason error) {
	if r.stopping.CompareAndSwap(nil, &reason) {
		r.js.rt.Interrupt(reason)
	}
}

// Run runs fn as one turn of the realm, then its microtasks; isolate's goroutine
// only. frame says on whose behalf; nil means nobody's. It returns an error when
// the turn was stopped from outside (the realm is then condemned), when the
// engine ran out of call stack in a microtask, when fn let a JavaScript exception
// out, or when fn's code was stopped (JS.Stop); the frame of an owner that has
// stopped is refused with its reason. Inside a turn of this realm it simply calls fn
// in the frame.
func (r *Realm) Run(frame *Frame, fn func(js *JS)) error {
	_, err := r.run(frame, r.turnLimit(), fn)
	return err
}

// Enter is Run that also says whether fn has begun.
func (r *Realm) Enter(frame *Frame, fn func(js *JS)) (ran bool, err error) {
	return r.run(frame, r.turnLimit(), fn)
}

// RunStartup is Run under the limit for top-level code.
func (r *Realm) RunStartup(frame *Frame, fn func(js *JS)) error {
	_, err := r.run(frame, r.iso.limits.Startup, fn)
	return err
}

func (r *Realm) turnLimit() time.Duration {
	if r.o.TurnLimit > 0 {
		return r.o.TurnLimit
	}
	return r.iso.limits.Turn
}

func (r *Realm) run(frame *Frame, limit time.Duration, fn func(js *JS)) (ran bool, err error) {
	if r.inTurn {
		if frame == nil {
			frame = r.js.Frame()
		}
		if reason := frame.stopped(); reason != nil {
			return false, reason
		}
		return true, r.part(frame, fn)
	}
	if reason := frame.stopped(); reason != nil {
		return false, reason
	}
	if r.cause != nil {
		// The heap must not be touched again; who waits is told through OnCondemned.
		return false, r.cause
	}
	if !r.iso.loop.InTurn() {
		return r.runAlone(frame, limit, fn)
	}
	r.inTurn = true
	r.js.turn, r.js.frame, r.culprit = frame, nil, frame
	outer, killed := r.iso.dog.begin(r, limit)
	if killed != nil {
		r.inTurn, r.js.turn = false, nil
		return false, r.condemn(killed)
	}
	before := r.recordFrame(frame)
	r.whose, r.owned, r.entered = frame, true, false
	err = r.callEngine(fn)
	ran = r.entered
	for len(r.awaited) > 0 && r.cause == nil && !r.halting() {
		if e := r.lookAgain(); err == nil {
			err = e
		}
	}
	r.iso.record(before)
	r.iso.dog.end(outer)
	r.inTurn = false
	r.js.turn, r.js.frame, r.awaited = nil, nil, nil
	clear(r.made)
	r.made = r.made[:0]
	if p := r.stopping.Swap(nil); p != nil {
		// The interrupt may have come too late to be noticed; the microtasks that
		// were dropped if it did not cannot be told apart, so the realm ends.
		r.js.rt.ClearInterrupt()
		err = r.condemn(*p)
	}
	if r.cause != nil && r.o.OnInterrupted != nil {
		r.o.OnInterrupted(r.cause)
	}
	r.reportRejections()
	return ran, err
}

// runAlone is run outside a turn of the loop: everything on a loop happens in one, as futures settle in it.
func (r *Realm) runAlone(frame *Frame, limit time.Duration, fn func(js *JS)) (ran bool, err error) {
	r.iso.loop.Turn(func() { ran, err = r.run(frame, limit, fn) })
	return ran, err
}

// callEngine makes the one outermost call of a turn, which runs fn. A Go panic that
// crosses the engine, and a call stack that overflowed, leave it in an unknown state, so
// they condemn the realm; who called the code that overflowed has its RangeError.
func (r *Realm) callEngine(fn func(js *JS)) (err error) {
	r.pending, r.refused = fn, nil
	stack := r.engine.lend()
	defer func() {
		r.pending, r.whose, r.owned = nil, nil, false
		v := recover()
		switch {
		case r.overflowed:
			err = r.condemn(ErrCallStack)
		case v != nil:
			r.iso.log.Error("panic inside the engine", "realm", r.o.Name, "panic", v, "stack", string(debug.Stack()))
			err = r.condemn(fmt.Errorf("%w: %v", ErrPanic, v))
		}
	}()
	if _, err = r.enter(goja.Undefined(), r.entering...); err != nil {
		return r.js.noteOverflow(err)
	}
	r.engine.takeBack(stack, r.stacked)
	return r.refused
}

// runPending is the inside of the call: the turn's Go code, then its microtasks,
// even where the code threw; where it is a series, all of its turns.
func (r *Realm) runPending() {
	for more := true; more; more = r.another() {
		ex := r.js.rt.Try(r.inside)
		for again := true; again; {
			var err error
			if r.ticking() {
				err = r.part(r.js.turn, r.o.Ticks)
			}
			r.drain()
			// Code that is stopped has no more of them, and a microtask may have left some where
			// there were none before.
			again = err == nil && r.ticking()
		}
		r.stacked = r.engine.used()
		if ex != nil {
			panic(ex)
		}
	}
}

func (r *Realm) runPart() {
	frame, owned, fn := r.whose, r.owned, r.pending
	r.pending, r.whose, r.owned = nil, nil, false
	if !owned {
		fn(r.js)
	} else if r.refused = frame.stopped(); r.refused == nil {
		r.entered = true
		r.refused = r.part(frame, fn)
	}
}

// ticking is RealmOptions.Ticking, where code may run.
func (r *Realm) ticking() bool {
	return r.o.Ticking != nil && r.cause == nil && !r.halted() && r.o.Ticking()
}

func (r *Realm) condemn(cause error) error {
	if r.cause == nil {
		r.cause = cause
		if !errors.Is(cause, ErrKilled) {
			r.iso.log.Error("realm condemned", "isolate", r.iso.name, "worker", r.o.Name, "cause", cause)
		}
		if r.o.OnCondemned != nil {
			culprit := r.culprit
			r.iso.loop.Defer(func() { r.o.OnCondemned(cause, culprit) })
		}
	}
	return r.cause
}
