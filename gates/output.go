package gates

import (
	"time"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/loop"
)

// What breaks an output gate by itself. The texts are workerd's.
var (
	errLockTimeout = exception.Errorf("Durable Object storage operation exceeded timeout which " +
		"caused object to be reset.").WithKind(exception.Overloaded).WithBroken(exception.OutputGateBroken)
	errLockCanceled = exception.Errorf("output lock was canceled before completion").
			WithBroken(exception.OutputGateBroken)
)

// OutputOptions configure an OutputGate; the zero value is ready to use.
type OutputOptions struct {
	// LockLimit is how long one lock may be held before it breaks the gate; 0
	// means limits.OutputTime, negative means for ever.
	LockLimit time.Duration
	Hooks     Hooks
}

// OutputGate holds back what the outside may see until the locks taken before
// are released. A lock that ends in an error breaks the gate: OnBroken hears of
// it at once, while a wait hears of it when the locks before it are over, and
// waits that were there before the lock never do.
type OutputGate struct {
	l        *loop.Loop
	limit    time.Duration
	hooks    Hooks
	broken   error // what OnBroken tells: the first failure in time
	chain    error // what a wait gets once nothing is held: the first failure in order
	first    *OutputLock
	last     *OutputLock
	onBroken []func(error)
}

// NewOutputGate returns an open gate with the default options.
func NewOutputGate(l *loop.Loop) *OutputGate { return NewOutputGateWith(l, OutputOptions{}) }

// NewOutputGateWith returns an open gate.
func NewOutputGateWith(l *loop.Loop, o OutputOptions) *OutputGate {
	if o.LockLimit == 0 {
		o.LockLimit = limits.OutputTime.In(nil)
	}
	return &OutputGate{l: l, limit: o.LockLimit, hooks: o.Hooks}
}

// OutputLock holds an output gate back until Release or Cancel.
type OutputLock struct {
	gate    *OutputGate
	prev    *OutputLock
	next    *OutputLock
	timer   *loop.Timer
	waiters *loop.Future[struct{}] // nil until somebody waits for this lock
	waiting int32
	done    bool
	err     error
}

// Lock takes a lock: waits from now on cover it.
func (g *OutputGate) Lock() *OutputLock {
	k := &OutputLock{gate: g}
	if g.first == nil {
		g.first = k
		call(g.hooks.Locked)
	} else {
		g.last.next, k.prev = k, g.last
	}
	g.last = k
	if g.limit > 0 {
		k.timer = g.l.After(g.limit, func() { k.finish(errLockTimeout) })
	}
	return k
}

// Release ends the lock: well where err is nil, else it breaks the gate. Only
// the first end counts, and running into the time limit is one.
func (k *OutputLock) Release(err error) { k.finish(err) }

// Cancel ends the lock without an outcome, which breaks the gate. After Release
// it does nothing.
func (k *OutputLock) Cancel() { k.finish(errLockCanceled) }

// LockWhile holds a lock until work is done; its failure breaks the gate.
func (g *OutputGate) LockWhile(work loop.Result[struct{}]) {
	if _, err, ok := work.Ready(); ok && err == nil {
		return
	}
	k := g.Lock()
	work.Then(func(_ struct{}, err error) { k.finish(err) })
}

// Break breaks the gate with err, which is not nil, behind the locks held now.
func (g *OutputGate) Break(err error) { g.Lock().finish(err) }

// Wait is ready once every lock taken so far is over, and fails where one of
// them, or one before, ended in an error.
func (g *OutputGate) Wait() loop.Result[struct{}] {
	if g.last == nil {
		if g.chain != nil {
			return loop.Fail[struct{}](g.chain)
		}
		return loop.Result[struct{}]{}
	}
	if g.last.waiters == nil {
		g.last.waiters = loop.NewFuture[struct{}](g.l)
	}
	g.last.waiting++
	call(g.hooks.WaiterAdded)
	return loop.Later(g.last.waiters)
}

// Locked reports whether a lock is held.
func (g *OutputGate) Locked() bool { return g.first != nil }

// Broken returns the error that broke the gate, or nil.
func (g *OutputGate) Broken() error { return g.broken }

// OnBroken calls fn once, later in the turn that breaks the gate, or later in
// this turn where it is broken already. It is for the life of the gate.
func (g *OutputGate) OnBroken(fn func(error)) {
	if g.broken != nil {
		g.l.Defer(func() { fn(g.broken) })
		return
	}
	g.onBroken = append(g.onBroken, fn)
}

func (k *OutputLock) finish(err error) {
	if k.done {
		return
	}
	k.done, k.err = true, err
	k.timer.Stop()
	g := k.gate
	if err != nil && g.broken == nil {
		g.broken = err
		fns := g.onBroken
		g.onBroken = nil
		for _, fn := range fns {
			g.l.Defer(func() { fn(err) })
		}
	}
	// Locks end in any order, but open the gate in the order they were taken.
	for g.first != nil && g.first.done {
		g.open(g.first)
	}
	if k.prev != nil && err == nil && k.waiters == nil {
		g.leaveOut(k)
	}
}

// leaveOut takes a lock out of the middle of the row that has nothing to tell: many
// short ones may come behind a long one.
func (g *OutputGate) leaveOut(k *OutputLock) {
	k.prev.next = k.next
	if k.next == nil {
		g.last = k.prev
	} else {
		k.next.prev = k.prev
	}
	k.prev, k.next = nil, nil
}

func (g *OutputGate) open(k *OutputLock) {
	if g.chain == nil {
		g.chain = k.err
	}
	if g.first = k.next; g.first == nil {
		g.last = nil
		call(g.hooks.Released)
	} else {
		g.first.prev = nil
	}
	for ; k.waiting > 0; k.waiting-- {
		call(g.hooks.WaiterRemoved)
	}
	if k.waiters != nil {
		k.waiters.Settle(struct{}{}, g.chain)
	}
}
