package streams

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// batchSize is how many bytes of queued chunks one ask of the loop may bring.
const batchSize = 256 << 10

// ErrLocked is what a stream is answered that somebody else reads, or has read.
var ErrLocked = exception.TypeErrorf("The ReadableStream has been locked to a reader.")

// UsedText is the text of the TypeError about a body that was used before.
const UsedText = "Body has already been used. It can only be used once. Use tee() first if you need to read it twice."

// Body makes a body that can leave the loop out of a stream that nobody has read
// from: a native stream's own bytes, else a reader as from Reader.
func (s *Readable) Body(js *isolate.JS, c *iocontext.Context) (event.Body, error) {
	return s.bodyOf(js, c, c.StartTask)
}

// Rest is Body, and of a stream of a script that was read in part what is left of it.
func (s *Readable) Rest(js *isolate.JS, c *iocontext.Context) (event.Body, error) {
	if s.reader == nil && !s.disturbed {
		return s.bodyOf(js, c, c.StartTask)
	}
	if _, isNative := s.ctrl.(*native); isNative || s.reader != nil {
		return event.Body{}, ErrLocked
	}
	r, err := s.readerOf(c, c.StartTask)
	return event.StreamBody(r, -1), err
}

// Lend is Body for a reader that the context waits for, but does not outlive its work for.
func (s *Readable) Lend(js *isolate.JS, c *iocontext.Context) (event.Body, error) {
	keep := func() func(error) { return func(error) {} }
	if s.disturbed && s.reader == nil {
		// What is left of it.
		r, err := s.readerOf(c, keep)
		return event.StreamBody(r, -1), err
	}
	return s.bodyOf(js, c, keep)
}

func (s *Readable) bodyOf(js *isolate.JS, c *iocontext.Context, keep func() func(error)) (event.Body, error) {
	if s.disturbed || s.reader != nil {
		return event.Body{}, exception.TypeErrorf(UsedText)
	}
	b, ok, err := s.Take(js)
	if err != nil || ok {
		return b, err
	}
	length := s.fixedLength()
	r, err := s.readerOf(c, keep)
	return event.StreamBody(r, length), err
}

// Reader locks the stream and reads it from another goroutine. Each time it runs
// dry it asks the loop for what is queued, so a slow reader holds the stream
// back. It is also an io.WriterTo. The context stays alive until the stream has
// ended or the reader is closed; Close cancels the stream.
func (s *Readable) Reader(js *isolate.JS, c *iocontext.Context) (io.ReadCloser, error) {
	return s.readerOf(c, c.StartTask)
}

func (s *Readable) readerOf(c *iocontext.Context, keep func() func(error)) (io.ReadCloser, error) {
	rd, err := s.acquire()
	if err != nil {
		return nil, err
	}
	s.disturbed = true
	// Whoever has the reader makes the context go on.
	task, pending := keep(), c.AddPending()
	done := func(err error) {
		pending()
		task(err)
	}
	o := &outgoing{c: c, ctx: c.Context(), l: c.Loop(), rd: rd, done: done, stop: make(chan struct{})}
	if s.state == readable {
		// As in workerd, the source is asked whether or not somebody reads yet.
		first := make(chan batch, 1)
		if o.l.Post(func() { o.ask(first) }) == nil {
			o.first = first
		}
	}
	return o, nil
}

type outgoing struct {
	c   *iocontext.Context
	ctx context.Context
	l   *loop.Loop

	// Owned by the loop.
	rd   *reader
	done func(error)

	// Owned by the goroutine that reads.
	parts [][]byte
	err   error
	first chan batch // the answer to the ask of the beginning, until it was taken

	once sync.Once
	stop chan struct{}
}

type batch struct {
	parts [][]byte
	err   error
}

// fill waits for the next chunks.
func (o *outgoing) fill() error {
	select {
	case <-o.stop:
		return io.ErrClosedPipe
	default:
	}
	for len(o.parts) == 0 {
		if o.err != nil {
			return o.err
		}
		answer := o.first
		o.first = nil
		if answer == nil {
			answer = make(chan batch, 1)
			if err := o.l.Post(func() { o.ask(answer) }); err != nil {
				o.err = ErrDisconnected.WithCause(err)
				return o.err
			}
		}
		select {
		case b := <-answer:
			o.parts, o.err = b.parts, b.err
		case <-o.ctx.Done():
			// The answer may have been on its way.
			select {
			case b := <-answer:
				o.parts, o.err = b.parts, b.err
			default:
				o.err = ErrDisconnected.WithCause(context.Cause(o.ctx))
			}
		case <-o.stop:
			o.err = io.ErrClosedPipe
		}
	}
	return nil
}

// Read is io.Reader's.
func (o *outgoing) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := o.fill(); err != nil {
		return 0, err
	}
	n := copy(p, o.parts[0])
	if o.parts[0] = o.parts[0][n:]; len(o.parts[0]) == 0 {
		o.parts = o.parts[1:]
	}
	return n, nil
}

// WriteTo writes chunk by chunk, without a copy.
func (o *outgoing) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if err := o.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return total, err
		}
		part := o.parts[0]
		o.parts = o.parts[1:]
		n, err := w.Write(part)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// Close cancels what is left of the stream; any goroutine.
func (o *outgoing) Close() error {
	o.once.Do(func() {
		close(o.stop)
		// On a closed loop there is no stream left to cancel.
		_ = o.l.Post(o.cancel)
	})
	return nil
}

func (o *outgoing) cancel() {
	if o.rd.stream == nil || o.c.Ended() {
		o.done(nil)
		return
	}
	o.c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
		defer o.done(nil)
		if s := o.rd.stream; s != nil && s.state == readable {
			handled(js, s.cancel(js, js.Error(ErrDisconnected)))
		}
	}, func(error) { o.done(nil) })
}

// ask collects what is queued; on the loop.
func (o *outgoing) ask(answer chan<- batch) {
	var b batch
	send := func() {
		if b.err != nil {
			o.done(nil)
		}
		o.c.WaitForOutput().Then(func(_ struct{}, err error) {
			if err != nil {
				b = batch{err: err}
			}
			answer <- b
		})
	}
	o.c.RunIn(iocontext.Entry{}, func(js *isolate.JS) { o.collect(js, &b, send) }, func(err error) {
		o.done(nil)
		answer <- batch{err: err}
	})
}

// collect reads one chunk, and then those that are there without waiting.
func (o *outgoing) collect(js *isolate.JS, b *batch, send func()) {
	s := o.rd.stream
	if s == nil {
		b.err = io.ErrClosedPipe
		send()
		return
	}
	size := 0
	take := func(js *isolate.JS, c chunk) {
		data, err := c.sent(js)
		if err != nil {
			b.err = err
			handled(js, s.cancel(js, js.Error(err)))
			return
		}
		if len(data) > 0 {
			b.parts = append(b.parts, data)
			size += len(data)
		}
	}
	// more reads what is queued; none of it waits.
	more := func(js *isolate.JS) {
		for b.err == nil && size < batchSize && s.state == readable && s.ctrl.ready() {
			s.read(js, readRequest{chunk: take, close: func(*isolate.JS) {}, fail: func(*isolate.JS, goja.Value) {}})
		}
		send()
	}
	s.read(js, readRequest{
		chunk: func(js *isolate.JS, c chunk) {
			take(js, c)
			more(js)
		},
		close: func(*isolate.JS) { b.err = io.EOF; send() },
		fail:  func(js *isolate.JS, reason goja.Value) { b.err = js.Thrown(reason); send() },
	})
}
