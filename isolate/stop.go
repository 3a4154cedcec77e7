package isolate

import (
	"errors"

	"github.com/dop251/goja"
)

// ErrStopped condemns a realm in which code was stopped and the engine could not be
// put back to where it was before.
var ErrStopped = errors.New("the engine was lost when code was stopped")

// Stoppable is a Frame.Owner whose code can be stopped for good: see JS.Stop.
type Stoppable interface {
	// Stopped is why none of the owner's code runs any more; nil while it may run.
	Stopped() error
}

// stopped is why code in the frame may not run, or nil.
func (f *Frame) stopped() error {
	if f == nil {
		return nil
	}
	if o, ok := f.Owner.(Stoppable); ok {
		return o.Stopped()
	}
	return nil
}

// errUnwinding is the value of the engine's interrupt while code unwinds, and
// unwinding is what is thrown at the line that stops: the engine's own type, so that
// scripts cannot catch it and bindings hand it on.
var (
	errUnwinding = errors.New("the code was stopped")
	unwinding    = &goja.InterruptedError{}
)

// Stop ends the running code of the current frame's owner, which has stopped: see
// Stoppable. It does not return. Neither catch nor finally of the script runs, and
// nothing of the owner runs later in this realm: its microtasks are dropped, and Run
// refuses its frames with the owner's reason. Code of other owners goes on, in this
// turn too.
//
// Where the owner has not stopped, Stop does nothing.
func (js *JS) Stop() {
	r := js.realm
	if r.resume(js.Frame()); r.ending != nil {
		panic(unwinding)
	}
}

// Condemn ends the running turn at its line, and the realm with it. It does not return:
// no catch, finally or microtask of anybody runs in the realm after it.
func (js *JS) Condemn(cause error) {
	js.realm.interrupt(cause)
	panic(unwinding)
}

// resume is called where code of another frame goes on: it runs, or it is stopped at
// its next instruction.
func (r *Realm) resume(f *Frame) {
	r.recordFrame(f)
	if reason := f.stopped(); reason != nil {
		r.ending = reason
		r.js.rt.Interrupt(errUnwinding)
		return
	}
	if r.ending == nil {
		return
	}
	r.ending = nil
	r.js.rt.ClearInterrupt()
	// An interrupt of the whole turn stays; the watchdog says so before it interrupts.
	if p := r.stopping.Load(); p != nil {
		r.js.rt.Interrupt(*p)
	} else if r.overflowed {
		r.js.rt.Interrupt(ErrCallStack)
	}
}

// halted reports whether the whole turn is stopped, whoever owns the code.
func (r *Realm) halted() bool { return r.overflowed || r.halting() }

// part runs fn in the frame, inside a turn. Where the code is stopped, part returns
// the owner's reason, and what called part goes on in its own frame.
func (r *Realm) part(frame *Frame, fn func(js *JS)) (err error) {
	js := r.js
	outer, old := js.Frame(), js.frame
	if reason := frame.stopped(); reason != nil {
		return reason
	}
	m := r.engine.mark()
	r.claim(outer)
	r.resume(frame)
	js.frame = frame
	defer func() {
		if r.ending != nil && !r.halted() {
			// No recover otherwise, so that the trace of a panic stays whole.
			if v := recover(); v != nil && !isStop(v) {
				panic(v)
			}
			err = r.ending
			r.putBack(m)
		}
		r.claim(frame)
		js.frame = old
		r.resume(outer)
	}()
	fn(js)
	return nil
}

// isStop reports whether a recovered value is what unwinds stopped code.
func isStop(v any) bool {
	err, ok := v.(error)
	if !ok {
		return false
	}
	_, ok = engineError[*goja.InterruptedError](err)
	return ok
}

func (r *Realm) putBack(m mark) {
	if !r.engine.restore(m) {
		r.condemn(ErrStopped)
	}
}

// claim says on whose behalf the microtasks were queued that nobody has claimed yet.
func (r *Realm) claim(f *Frame) {
	if q := r.engine.jobs; q != nil {
		for len(r.owners) < len(*q) {
			r.owners = append(r.owners, f)
		}
	}
}

// maxKeptJobs bounds the memory that an idle realm keeps for its next microtasks.
const maxKeptJobs = 256

// drain runs the microtasks, as the engine would when the turn's call returns.
func (r *Realm) drain() {
	q, js := r.engine.jobs, r.js
	if q == nil {
		return
	}
	turn := js.turn
	r.claim(turn)
	m := r.engine.mark()
	jobs, owners := r.jobs, []*Frame(nil)
	for len(*q) > 0 && r.cause == nil {
		jobs, *q = *q, jobs[:0]
		owners, r.owners = r.owners, owners[:0]
		for i, job := range jobs {
			if r.halted() || r.cause != nil {
				break
			}
			r.runJob(job, owners[i], m)
		}
		clear(jobs)
		if r.halted() {
			clear(*q)
			*q = (*q)[:0]
		}
	}
	*q = nil
	r.owners = r.owners[:0]
	if r.jobs = nil; cap(jobs) <= maxKeptJobs {
		r.jobs = jobs[:0]
	}
	js.turn, js.frame = turn, nil
	r.resume(nil)
}

// runJob runs one microtask. That of a promise's reaction says its frame itself
// (tracker); any other belongs to who queued it, which is what a thenable's then and
// the resolve function of a subclass run in.
func (r *Realm) runJob(job func(), owner *Frame, m mark) {
	js := r.js
	js.turn, js.frame = owner, nil
	r.resume(owner)
	defer func() {
		if r.ending != nil && !r.halted() {
			if v := recover(); v != nil && !isStop(v) {
				panic(v)
			}
			r.putBack(m)
		}
		r.claim(js.turn)
	}()
	job()
}
