// Package loop is the event loop of one isolate.
//
// One goroutine owns a Loop: the one inside Run. Everything that JavaScript can
// reach, and every gate, cache entry and actor, belongs to that goroutine and
// has no lock.
//
// Words: a task is what Post hands over; a turn is one task together with what
// it deferred (Defer) and what was to happen at its end (AtTurnEnd). A turn
// never blocks. Work that can block runs on another goroutine and comes back as
// one task: Go does both halves.
//
// # Concurrency
//
// Post and Close may be called from any goroutine. Every other method, and every
// method of Future, belongs to the loop's goroutine.
package loop

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"workerd.local/internal/invariants"
	"workerd.local/internal/priority"
)

// ErrClosed is returned by Post once the loop accepts no more tasks.
var ErrClosed = errors.New("loop is closed")

// Options configure a Loop; the zero value is ready to use.
type Options struct {
	// Now is the clock of timers; nil means time.Now.
	Now func() time.Time
	// OnPanic is told of a panic that left a task, with its stack, on the loop's
	// goroutine; the loop goes on with the next task. nil re-panics.
	OnPanic func(value any, stack []byte)
	// Begin, which may be nil, is called on the loop's goroutine when Go starts work; what it
	// returns is given the function that brings the outcome back, on the work's goroutine.
	Begin func() (complete func(deliver func()))
}

// Loop runs tasks one after the other on one goroutine.
type Loop struct {
	now     func() time.Time
	onPanic func(any, []byte)
	begin   func() func(func())

	wake chan struct{} // one slot: something is in the inbox, or closed

	mu      sync.Mutex // guards inbox and closed
	inbox   []func()
	closed  bool
	stopped bool
	moved   *Loop // where everything goes; see Move. It is written with mu, on the loop's goroutine.

	// Owned by the loop's goroutine.
	spare    []func()
	deferred []func()
	turnEnd  []func()
	// spareEnds is the memory of the last turn's ends, used again by the next.
	spareEnds []func()
	inTurn    bool
	timers    priority.Queue[*Timer]
	turnNow   time.Time // see TurnNow; zero where this turn has not asked for it
	timerSeq  uint64
}

// New returns a loop that nobody runs yet. Tasks may be posted at once.
func New(o Options) *Loop {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Loop{now: o.Now, onPanic: o.OnPanic, begin: o.Begin, wake: make(chan struct{}, 1), timers: priority.New(before, place)}
}

// Post queues a task; any goroutine. It never blocks: who posts on behalf of the
// outside world bounds what it has outstanding. After Close it returns
// ErrClosed and the task never runs.
func (l *Loop) Post(task func()) error {
	l.mu.Lock()
	if to := l.moved; to != nil {
		l.mu.Unlock()
		return to.Post(task)
	}
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.inbox = append(l.inbox, task)
	first := len(l.inbox) == 1
	l.mu.Unlock()
	if first {
		l.signal()
	}
	return nil
}

func (l *Loop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close stops the inbox; any goroutine, any number of times. Tasks already
// posted still run, then Run returns. Timers that have not fired never will.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.signal()
}

// Stop is Close that also drops what is queued, but for what runs in the same round as the
// task that runs now; any goroutine. It is what the end of Run's ctx does, for a loop that
// need not listen to one.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.closed, l.stopped = true, true
	l.mu.Unlock()
	l.signal()
}

// Run owns the calling goroutine until Close has been called and the inbox is
// empty (nil), Stop has been called (nil), or ctx is done (its error); in the two latter
// cases what is still queued is dropped.
func (l *Loop) Run(ctx context.Context) error {
	var alarm *time.Timer
	var alarmC <-chan time.Time
	for {
		if ctx.Err() != nil {
			l.Close()
			return ctx.Err()
		}
		closed, stopped := l.runInbox()
		if stopped {
			return nil
		}
		l.runTimers()
		if l.Backlog() > 0 {
			continue
		}
		if closed {
			return nil
		}
		alarmC = nil
		if l.timers.Len() > 0 {
			wait := max(l.timers.First().at.Sub(l.now()), 0)
			if alarm == nil {
				alarm = time.NewTimer(wait)
				defer alarm.Stop()
			} else {
				alarm.Reset(wait)
			}
			alarmC = alarm.C
		}
		if done := ctx.Done(); done != nil || alarmC != nil {
			select {
			case <-l.wake:
			case <-alarmC:
			case <-done:
			}
		} else {
			<-l.wake // a third of the cost
		}
	}
}

// RunPending runs everything that is queued or due and returns without waiting.
// It is for tests and tools that own the loop themselves instead of calling Run.
func (l *Loop) RunPending() {
	for {
		l.runInbox()
		l.runTimers()
		if l.Backlog() == 0 {
			return
		}
	}
}

// RunTasks runs the tasks that are queued now, each in a turn of its own, and no timer. With
// NextTimer, FireTimer and Wake it is for a program that owns the loop itself and decides
// which turn is next.
func (l *Loop) RunTasks() { l.runInbox() }

// Wake has a value after something was posted or the loop was closed.
func (l *Loop) Wake() <-chan struct{} { return l.wake }

// Timers is the number of timers that have not fired.
func (l *Loop) Timers() int { return l.timers.Len() }

// NextTimer is the timer that fires first: when, and the how manyth it is of all that were set.
func (l *Loop) NextTimer() (at time.Time, seq uint64, ok bool) {
	if l.timers.Len() == 0 {
		return time.Time{}, 0, false
	}
	t := l.timers.First()
	return t.at, t.seq, true
}

// FireTimer fires the timer of NextTimer, whatever the clock says.
func (l *Loop) FireTimer() {
	if l.timers.Len() > 0 {
		l.Turn(l.timers.Pop().fn)
	}
}

// Backlog is the number of tasks that wait; any goroutine.
func (l *Loop) Backlog() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.inbox)
}

// runInbox runs the tasks that are queued now; later ones wait for the next
// round, so that timers get their turn.
func (l *Loop) runInbox() (closed, stopped bool) {
	l.mu.Lock()
	if l.stopped {
		l.inbox = nil
		l.mu.Unlock()
		return true, true
	}
	tasks := l.inbox
	l.inbox = l.spare[:0]
	closed = l.closed
	l.mu.Unlock()
	for i, task := range tasks {
		tasks[i] = nil
		l.Turn(task)
	}
	if cap(tasks) > 4096 {
		tasks = nil // do not keep the memory of one burst for ever
	}
	l.spare = tasks
	return closed, false
}

// Turn runs fn as one turn on the calling goroutine, which must own the loop.
// Within a turn it simply calls fn.
func (l *Loop) Turn(fn func()) {
	if l.moved != nil {
		l.moved.Turn(fn)
		return
	}
	if l.inTurn {
		fn()
		return
	}
	l.inTurn, l.turnNow = true, time.Time{}
	l.guard(fn)
	for len(l.deferred) > 0 || len(l.turnEnd) > 0 {
		for i := 0; i < len(l.deferred); i++ {
			f := l.deferred[i]
			l.deferred[i] = nil
			l.guard(f)
		}
		l.deferred = l.deferred[:0]
		if ends := l.turnEnd; len(ends) > 0 {
			l.turnEnd = l.spareEnds[:0]
			for i, f := range ends {
				ends[i] = nil
				l.guard(f)
			}
			l.spareEnds = ends
		}
	}
	l.inTurn = false
}

func (l *Loop) guard(fn func()) {
	if l.onPanic != nil {
		defer func() {
			if v := recover(); v != nil {
				l.onPanic(v, debug.Stack())
			}
		}()
	}
	fn()
}

// InTurn reports whether a turn is running.
func (l *Loop) InTurn() bool { return l.here().inTurn }

// Defer runs fn later in this turn, after the task and what was deferred before.
func (l *Loop) Defer(fn func()) {
	l = l.here()
	invariants.Check(l.inTurn, "Defer outside a turn")
	l.deferred = append(l.deferred, fn)
}

// Deferring reports whether something is to run later in this turn.
func (l *Loop) Deferring() bool {
	l = l.here()
	return len(l.deferred) > 0 || len(l.turnEnd) > 0
}

// AtTurnEnd runs fn when nothing deferred is left. What fn defers runs in the
// same turn.
func (l *Loop) AtTurnEnd(fn func()) {
	l = l.here()
	invariants.Check(l.inTurn, "AtTurnEnd outside a turn")
	l.turnEnd = append(l.turnEnd, fn)
}

// Now is the loop's clock.
func (l *Loop) Now() time.Time { return l.here().now() }

// TurnNow is the time for all of a turn, by the loop's clock: that at which it is first asked
// for. Timers that begin with it fire in the order of their delays, however long the
// turn takes.
func (l *Loop) TurnNow() time.Time {
	l = l.here()
	if l.turnNow.IsZero() || !l.inTurn {
		l.turnNow = l.now()
	}
	return l.turnNow
}

// Move makes the loop another name of to: what was posted and the timers that have not
// fired are to's, and so is whatever comes later. Nobody runs l any more, and no turn of it
// is under way; the caller runs to.
func (l *Loop) Move(to *Loop) {
	invariants.Check(!l.inTurn && l.moved == nil && l != to, "a loop moves in the middle of a turn, or twice")
	l.mu.Lock()
	tasks := l.inbox
	l.moved, l.inbox, l.closed = to, nil, true
	l.mu.Unlock()
	for _, task := range tasks {
		// A closed loop drops them, as Post says.
		_ = to.Post(task)
	}
	for l.timers.Len() > 0 {
		t := l.timers.Pop()
		to.timerSeq++
		t.l, t.seq = to, to.timerSeq
		to.timers.Push(t)
	}
}

// here is the loop itself, or the one that it has become.
func (l *Loop) here() *Loop {
	if l.moved != nil {
		return l.moved.here()
	}
	return l
}

// Timer is one pending call of a function; loop only.
type Timer struct {
	l     *Loop
	at    time.Time
	seq   uint64
	fn    func()
	place priority.Place
}

// At runs fn in a turn of its own once the clock has reached t. Timers fire in
// the order of (time, creation).
func (l *Loop) At(t time.Time, fn func()) *Timer {
	l = l.here()
	l.timerSeq++
	tm := &Timer{l: l, at: t, seq: l.timerSeq, fn: fn}
	l.timers.Push(tm)
	return tm
}

// After is At with a delay from now.
func (l *Loop) After(d time.Duration, fn func()) *Timer { return l.At(l.Now().Add(d), fn) }

// Stop takes the timer out and reports whether it had not fired yet. A nil
// timer is already stopped.
func (t *Timer) Stop() bool {
	return t != nil && t.l.timers.Remove(t)
}

func (l *Loop) runTimers() {
	if l.timers.Len() == 0 {
		return
	}
	// Timers set by these turns, even with no delay, wait for the next round.
	now, last := l.now(), l.timerSeq
	for l.timers.Len() > 0 {
		t := l.timers.First()
		if t.at.After(now) || t.seq > last {
			return
		}
		l.timers.Pop()
		l.Turn(t.fn)
	}
}

// before orders timers by (time, creation).
func before(a, b *Timer) bool {
	if a.at.Equal(b.at) {
		return a.seq < b.seq
	}
	return a.at.Before(b.at)
}

func place(t *Timer) *priority.Place { return &t.place }
