package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// Chunks reads a stream on behalf of Go code that runs on the loop.
type Chunks struct{ rd *reader }

// Chunks locks a stream that nobody holds, to read it.
func (s *Readable) Chunks() (*Chunks, error) {
	rd, err := s.acquire()
	if err != nil {
		return nil, err
	}
	s.disturbed = true
	return &Chunks{rd}, nil
}

// Next asks for the next bytes, which the receiver owns. Exactly one of the functions
// is called, once: inside the call, or in a later turn. There is one call at a time.
func (c *Chunks) Next(js *isolate.JS, got func(js *isolate.JS, b []byte), end func(js *isolate.JS), failed func(js *isolate.JS, reason goja.Value)) {
	c.rd.stream.read(js, readRequest{
		chunk: func(js *isolate.JS, ch chunk) {
			b, err := ch.sent(js)
			if err != nil {
				reason := js.Error(err)
				c.Cancel(js, reason)
				failed(js, reason)
				return
			}
			got(js, b)
		},
		close: end,
		fail:  failed,
	})
}

// Host reports whether the bytes come from the host and not from a script.
func (c *Chunks) Host() bool {
	n, ok := c.rd.stream.ctrl.(*native)
	if !ok {
		return false
	}
	_, ok = n.src.(*bodySource)
	return ok
}

// Cancel gives up the rest.
func (c *Chunks) Cancel(js *isolate.JS, reason goja.Value) {
	handled(js, c.rd.stream.cancel(js, reason))
}

// Pipe is a stream that Go code on the loop writes: what is written is read, and
// nothing is kept in between.
type Pipe struct{ id *Identity }

// NewPipe makes a pipe. canceled, which may be nil, is told when the reader gives up.
func NewPipe(js *isolate.JS, canceled func(js *isolate.JS, reason goja.Value)) *Pipe {
	p := &Identity{left: -1, canceled: canceled}
	p.readable = newNative(identitySource{p})
	return &Pipe{p}
}

// Readable is the side to read from.
func (p *Pipe) Readable() *Readable { return p.id.readable }

// Write hands over bytes, which then belong to the pipe. done is called in the turn in
// which they have been read, inside the call or later, with false where the reader gave
// up. There is one call at a time.
func (p *Pipe) Write(js *isolate.JS, b []byte, done func(js *isolate.JS, ok bool)) {
	switch {
	case p.id.err != nil:
		done(js, false)
	case len(b) == 0:
		done(js, true)
	default:
		p.id.write = &identityWrite{data: b, done: done}
		p.id.meet(js)
	}
}

// Close ends the stream.
func (p *Pipe) Close(js *isolate.JS) {
	p.id.ended = true
	p.id.meet(js)
}

// Fail ends the stream with an error: whoever reads from it gets the reason.
func (p *Pipe) Fail(js *isolate.JS, reason goja.Value) { p.id.fail(js, reason) }

// CheckFree is the error of using a stream that somebody holds, or has read from.
func (s *Readable) CheckFree() error {
	switch {
	case s.disturbed:
		return exception.TypeErrorf(UsedText)
	case s.reader != nil:
		return exception.TypeErrorf(lockedText)
	}
	return nil
}
