package gates

import (
	"errors"

	"workerd.local/exception"
	"workerd.local/internal/invariants"
	"workerd.local/loop"
)

// ErrEnded is the outcome of a wait on a section that is over or never started.
var ErrEnded = errors.New("critical section has ended")

// errDeadlock is what everybody sees when a section is dropped before it has
// declared itself done (workerd, "CriticalSection").
var errDeadlock = exception.Errorf("A critical section within this Durable Object awaited a Promise " +
	"that apparently will never complete. This could happen in particular if a critical section " +
	"awaits a task that was initiated outside of the critical section. Since a critical section " +
	"blocks all other tasks from completing, this leads to deadlock.").WithBroken(exception.InputGateBroken)

type sectionState uint8

const (
	sectionNotStarted  sectionState = iota // to initialWait, running, ended
	sectionInitialWait                     // to running, ended
	sectionRunning                         // to reparented, ended
	sectionReparented                      // for good
	sectionEnded                           // failed, dropped or canceled; for good
)

// CriticalSection is a gate within a gate: while it runs, only events that
// belong to it are delivered.
type CriticalSection struct {
	level
	state      sectionState
	depth      int
	parent     *level
	first      *Waiter // while in initialWait
	parentLock *Lock   // while running
}

// Depth is the number of sections around this one, itself included: 1 for a
// section that stands on the root. Whoever starts sections limits it.
func (s *CriticalSection) Depth() int { return s.depth }

// Broken returns the error that broke the section, or nil.
func (s *CriticalSection) Broken() error { return s.broken }

// Wait returns a lock of the section. The first one starts it: it waits for a
// lock of the parent, ahead of everybody who waits there, and the section keeps
// that lock to its end. No other wait is allowed until the first one is granted.
// After Succeed a wait is one on the parent; after Fail or Drop it fails.
func (s *CriticalSection) Wait() loop.Result[*Lock] { r, _ := s.WaitCancelable(); return r }

// WaitCancelable is Wait for a caller that may go away.
func (s *CriticalSection) WaitCancelable() (loop.Result[*Lock], *Waiter) {
	switch s.state {
	case sectionNotStarted:
		return s.start()
	case sectionRunning:
		return s.level.wait()
	case sectionReparented:
		return s.level.current().wait()
	case sectionEnded:
		if s.broken != nil {
			return loop.Fail[*Lock](s.broken), nil
		}
		return loop.Fail[*Lock](ErrEnded), nil
	}
	invariants.Check(false, "a critical section was waited for twice before it started")
	return loop.Fail[*Lock](ErrEnded), nil
}

func (s *CriticalSection) start() (loop.Result[*Lock], *Waiter) {
	p := s.parent.current()
	if p.broken != nil {
		s.broken = p.broken
		s.becomeEnded()
		return loop.Fail[*Lock](p.broken), nil
	}
	if p.locks == 0 {
		return loop.Now(s.becomeRunning(p.lock())), nil
	}
	s.state = sectionInitialWait
	w := newWaiter(s.l, s.root, s)
	s.first = w
	p.children.add(w)
	return loop.Later(w.f), w
}

// becomeRunning takes over a lock of the parent and returns the first inner one.
func (s *CriticalSection) becomeRunning(parentLock *Lock) *Lock {
	s.state, s.parentLock, s.first = sectionRunning, parentLock, nil
	return s.level.lock()
}

func (s *CriticalSection) becomeEnded() { s.state, s.first = sectionEnded, nil }

// Succeed ends the section: locks and waits that are left in it become the
// parent's, behind those that are there. It returns the section's lock of the
// parent, for the caller to go on with before anybody else. It returns nil where
// the section is not running.
func (s *CriticalSection) Succeed() *Lock {
	invariants.Check(s.state == sectionRunning, "Succeed on a critical section that is not running")
	if s.state != sectionRunning {
		return nil
	}
	s.state = sectionReparented
	p := s.level.current()
	p.locks += s.locks // the parent is locked already, by parentLock
	s.locks = 0
	p.children.take(&s.children)
	p.waiters.take(&s.waiters)
	if p.broken != nil {
		p.breakWith(p.broken) // nobody may wait there any more
	}
	k := s.parentLock
	s.parentLock = nil
	return k
}

// Fail ends the section and breaks it and every gate up to the root: all waits,
// now and later, fail with err. On a section that has succeeded it breaks what
// the section now stands for.
func (s *CriticalSection) Fail(err error) {
	for v := &s.level; v != nil; v = v.above() {
		if v.broken != nil {
			break // and so is everything above
		}
		v.breakWith(err)
	}
	s.end()
}

// Drop says that nobody will declare the section done. A section that runs has
// then failed, with the text about deadlock; one that waits to start is taken
// out; one that is over does not mind.
func (s *CriticalSection) Drop() {
	switch s.state {
	case sectionRunning:
		s.Fail(errDeadlock)
	case sectionInitialWait:
		s.first.Cancel()
	case sectionNotStarted:
		s.becomeEnded()
	}
}

func (s *CriticalSection) end() {
	if s.state == sectionReparented {
		return
	}
	s.becomeEnded()
	if k := s.parentLock; k != nil {
		s.parentLock = nil
		k.Release()
	}
}

// above is the level around v, nil for the root.
func (v *level) above() *level {
	if v.section == nil {
		return nil
	}
	return v.section.parent
}

// current is the nearest level, from v upward, that has not been reparented.
// Passing once shortens the way for those who come later.
func (v *level) current() *level {
	top := v
	for top.section != nil && top.section.state == sectionReparented {
		top = top.section.parent
	}
	for v != top {
		next := v.section.parent
		v.section.parent = top
		v = next
	}
	return top
}
