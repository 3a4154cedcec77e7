package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// state is where a stream is in its life: readable -> closed | errored.
type state uint8

const (
	readable state = iota
	closed
	errored
)

// Readable is a ReadableStream.
type Readable struct {
	obj       *goja.Object // the object that scripts see, once there is one
	state     state
	err       goja.Value // why it is errored
	disturbed bool       // read from or canceled, ever
	reader    *reader    // who holds the lock
	ctrl      readController
	expected  *int64 // expectedLength of the source
	ends      ends
}

// readController is what feeds a stream: one of the two controllers of the
// standard, or a native one.
type readController interface {
	// pull answers the request, now or later; the stream is readable.
	pull(js *isolate.JS, r readRequest)
	// cancel stops the feeding. The stream is closed already.
	cancel(js *isolate.JS, reason goja.Value) *goja.Object
	// release is told that the reader let go.
	release(js *isolate.JS)
	// adopt makes s the stream that is fed from now on.
	adopt(s *Readable)
	// ready reports whether a chunk is there without waiting.
	ready() bool
}

// readRequest waits for one chunk; exactly one of the functions is called, once.
type readRequest struct {
	chunk func(js *isolate.JS, c chunk)
	close func(js *isolate.JS)
	fail  func(js *isolate.JS, reason goja.Value)
}

// Of returns the stream behind a ReadableStream object.
func Of(js *isolate.JS, v goja.Value) (*Readable, bool) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	x, _, _ := bind.ValueOf(js, obj)
	s, ok := x.(*Readable)
	return s, ok
}

// Object is the stream as scripts see it, always the same object.
func (s *Readable) Object(js *isolate.JS) *goja.Object {
	if s.obj == nil {
		s.obj = readableClass.Wrap(js, s)
	}
	return s.obj
}

// Locked reports whether a reader holds the stream.
func (s *Readable) Locked() bool { return s.reader != nil }

// Disturbed reports whether the stream was ever read from or canceled.
func (s *Readable) Disturbed() bool { return s.disturbed }

// read asks for one chunk on behalf of the reader that holds the lock.
func (s *Readable) read(js *isolate.JS, r readRequest) {
	s.disturbed = true
	switch s.state {
	case closed:
		r.close(js)
	case errored:
		r.fail(js, s.err)
	default:
		s.ctrl.pull(js, r)
	}
}

// becomeClosed ends the stream after its last chunk.
func (s *Readable) becomeClosed(js *isolate.JS) {
	if s.state != readable {
		return
	}
	s.state = closed
	s.ends.settle(js, false, nil)
	if rd := s.reader; rd != nil {
		rd.becomeClosed(js)
	}
}

// becomeErrored ends the stream with a failure.
func (s *Readable) becomeErrored(js *isolate.JS, reason goja.Value) {
	if s.state != readable {
		return
	}
	s.state, s.err = errored, reason
	s.ends.settle(js, true, reason)
	if rd := s.reader; rd != nil {
		rd.becomeErrored(js, reason)
	}
}

// cancel gives up the rest of the stream (Streams, ReadableStreamCancel).
func (s *Readable) cancel(js *isolate.JS, reason goja.Value) *goja.Object {
	s.disturbed = true
	switch s.state {
	case closed:
		return js.Resolved(nil)
	case errored:
		return rejected(js, s.err)
	}
	s.becomeClosed(js)
	if rd := s.reader; rd != nil {
		rd.cancelInto(js)
	}
	p := s.ctrl.cancel(js, reason)
	d := newDeferred(js)
	then(js, p, func(js *isolate.JS, _ goja.Value) { d.resolve(js, nil) }, d.reject)
	return d.promise
}

// Cancel gives up the rest of a stream that nobody holds, without waiting.
func (s *Readable) Cancel(js *isolate.JS, reason goja.Value) {
	handled(js, s.cancel(js, reason))
}

// Move makes a new stream of what is left of one that nobody has read from and
// nobody holds; the old one is used up. It is how a body goes from one message to
// another.
func (s *Readable) Move(js *isolate.JS) (*Readable, error) {
	if s.disturbed {
		return nil, exception.TypeErrorf(UsedText)
	}
	if s.reader != nil {
		return nil, exception.TypeErrorf(lockedText)
	}
	to := &Readable{state: s.state, err: s.err, ctrl: s.ctrl, expected: s.expected}
	to.ctrl.adopt(to)
	s.state, s.disturbed, s.reader = closed, true, &reader{stream: s}
	return to, nil
}
