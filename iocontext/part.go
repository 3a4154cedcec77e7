package iocontext

import (
	"errors"

	"workerd.local/isolate"
)

// Part is code of a context that can be stopped by itself, for which isolate.JS.Within is
// the way: the rest of the context goes on.
type Part struct {
	c       *Context
	frame   *isolate.Frame
	stopped error
}

// NewPart returns a part of which nothing runs yet.
func (c *Context) NewPart() *Part {
	p := &Part{c: c}
	p.frame = &isolate.Frame{Owner: p, Vars: c.frame.Vars}
	return p
}

// Frame is the frame that code of the part starts in.
func (p *Part) Frame() *isolate.Frame { return p.frame }

// Stop says that none of the part's code runs any more: its microtasks are dropped, its
// timers fire in vain and its promises stay as they are.
func (p *Part) Stop(reason error) {
	if p.stopped == nil {
		p.stopped = partError{reason}
	}
}

// Stopped is isolate.Stoppable's.
func (p *Part) Stopped() error {
	if p.stopped != nil {
		return p.stopped
	}
	return p.c.stopped
}

// Identity is isolate.Identified's.
func (p *Part) Identity() (class, actor string) { return p.c.Identity() }

// partError is why a part has stopped.
type partError struct{ reason error }

func (e partError) Error() string { return e.reason.Error() }
func (e partError) Unwrap() error { return e.reason }

func isPartStopped(err error) bool {
	var e partError
	return errors.As(err, &e)
}

// partStopped is why the part whose code a frame is of has stopped; nil where it has not,
// and for other code.
func partStopped(f *isolate.Frame) error {
	if p, ok := f.Owner.(*Part); ok {
		return p.stopped
	}
	return nil
}
