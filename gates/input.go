package gates

import (
	"errors"

	"workerd.local/internal/invariants"
	"workerd.local/loop"
)

// ErrCanceled is the outcome of a wait that was canceled.
var ErrCanceled = errors.New("wait for the input gate was canceled")

// Hooks observe a gate, for metrics; nil functions are skipped. They run inside
// the operation and must not touch the gate.
type Hooks struct {
	// Locked and Released tell of the first lock taken and the last one released
	// (of the root only, where the gate is an input gate).
	Locked, Released func()
	// WaiterAdded and WaiterRemoved tell of waits that were not granted at once,
	// at every level.
	WaiterAdded, WaiterRemoved func()
}

func call(fn func()) {
	if fn != nil {
		fn()
	}
}

// InputGate lets one event of an actor in at a time. It is not broken until a
// critical section of it fails, and then broken for good.
type InputGate struct {
	level
	hooks    Hooks
	onBroken []func(error)
}

// level is what the root and the sections have in common.
type level struct {
	l        *loop.Loop
	root     *InputGate
	section  *CriticalSection // nil for the root
	locks    int
	waiters  queue
	children queue // first waits of sections, served before waiters
	broken   error
}

// NewInputGate returns an open gate.
func NewInputGate(l *loop.Loop) *InputGate { return NewInputGateWithHooks(l, Hooks{}) }

// NewInputGateWithHooks returns an open gate that is observed.
func NewInputGateWithHooks(l *loop.Loop, h Hooks) *InputGate {
	g := &InputGate{hooks: h}
	g.level.init(l, g, nil)
	return g
}

func (v *level) init(l *loop.Loop, root *InputGate, s *CriticalSection) {
	v.l, v.root, v.section = l, root, s
	v.waiters.init()
	v.children.init()
}

// Wait returns a lock: at once where the gate is free, else in the order of the
// calls, after sections that wait to start. It fails with the gate's error where
// the gate is broken or breaks while waiting. Whoever gets the lock releases it.
func (g *InputGate) Wait() loop.Result[*Lock] { r, _ := g.WaitCancelable(); return r }

// WaitCancelable is Wait for a caller that may go away: the second result, nil
// where the outcome is already there, takes it out of the queue.
func (g *InputGate) WaitCancelable() (loop.Result[*Lock], *Waiter) { return g.level.wait() }

// Broken returns the error that broke the gate, or nil.
func (g *InputGate) Broken() error { return g.broken }

// Locked reports whether any lock is held.
func (g *InputGate) Locked() bool { return g.locks > 0 }

// OnBroken calls fn once, later in the turn that breaks the gate, or later in
// this turn where it is broken already. It is for the life of the gate.
func (g *InputGate) OnBroken(fn func(error)) {
	if g.broken != nil {
		g.l.Defer(func() { fn(g.broken) })
		return
	}
	g.onBroken = append(g.onBroken, fn)
}

func (v *level) wait() (loop.Result[*Lock], *Waiter) {
	if v.broken != nil {
		return loop.Fail[*Lock](v.broken), nil
	}
	if v.locks == 0 {
		return loop.Now(v.lock()), nil
	}
	w := newWaiter(v.l, v.root, nil)
	v.waiters.add(w)
	return loop.Later(w.f), w
}

// lock takes a lock without looking at anybody who waits.
func (v *level) lock() *Lock {
	v.locks++
	if v.locks == 1 && v.section == nil {
		call(v.root.hooks.Locked)
	}
	return &Lock{level: v}
}

// unlock gives one lock back; the last one lets exactly one waiter in.
func (v *level) unlock() {
	invariants.Check(v.locks > 0, "lock released more often than taken")
	v.locks--
	if v.locks > 0 {
		return
	}
	if v.section == nil {
		call(v.root.hooks.Released)
	}
	w := v.children.pop()
	if w == nil {
		w = v.waiters.pop()
	}
	if w == nil {
		return
	}
	call(v.root.hooks.WaiterRemoved)
	k := v.lock()
	if s := w.section; s != nil {
		k = s.becomeRunning(k)
	}
	w.f.Resolve(k)
}

// breakWith makes this level refuse everybody, now and later.
func (v *level) breakWith(err error) {
	v.broken = err
	for _, q := range []*queue{&v.children, &v.waiters} {
		for w := q.pop(); w != nil; w = q.pop() {
			if w.section != nil {
				w.section.becomeEnded()
				w.section.broken = err
			}
			call(v.root.hooks.WaiterRemoved)
			w.f.Reject(err)
		}
	}
	if v.section != nil {
		return
	}
	fns := v.root.onBroken
	v.root.onBroken = nil
	for _, fn := range fns {
		v.l.Defer(func() { fn(err) })
	}
}

// Lock is the right to run the actor's code. Copies made with AddRef are
// released one by one.
type Lock struct {
	level *level // nil once released
}

// AddRef returns another lock of the same gate or section.
func (k *Lock) AddRef() *Lock {
	invariants.Check(k.level != nil, "AddRef on a released lock")
	if k.level == nil {
		return &Lock{}
	}
	return k.level.current().lock()
}

// Release gives the lock back; the last one of a gate lets the next waiter in.
// Releasing again is a bug that checked builds report and others ignore.
func (k *Lock) Release() {
	v := k.level
	invariants.Check(v != nil, "lock released twice")
	if v == nil {
		return
	}
	k.level = nil
	v.current().unlock()
}

// IsFor reports whether the lock belongs to g or to a section of it.
func (k *Lock) IsFor(g *InputGate) bool { return k.level != nil && k.level.root == g }

// Section is the critical section that the lock belongs to, nil where it is the
// root's; a section that has succeeded counts as its parent.
func (k *Lock) Section() *CriticalSection {
	if k.level == nil {
		return nil
	}
	return k.level.current().section
}

// Begin makes a critical section of what the lock belongs to. It starts with its
// first Wait. The lock itself is still the caller's, and the section cannot
// start before it is released.
func (k *Lock) Begin() *CriticalSection {
	invariants.Check(k.level != nil, "Begin on a released lock")
	v := k.level
	if v == nil {
		s := &CriticalSection{state: sectionEnded, depth: 1}
		return s
	}
	parent := v.current()
	s := &CriticalSection{parent: parent, depth: 1}
	if parent.section != nil {
		s.depth = parent.section.depth + 1
	}
	s.level.init(v.l, v.root, s)
	return s
}
