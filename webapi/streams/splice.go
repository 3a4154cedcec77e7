package streams

import (
	"errors"
	"io"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// splice is a pipe from a native stream into an Identity, which does not move any
// bytes: who reads from the Identity reads from the stream's source.
type splice struct {
	p    *Identity
	from *native
	rd   *reader
	wr   *writer
	d    *deferred
	c    *iocontext.Context // nil for bytes outside any context
	done func()             // of the pending event
}

// splice makes a pipe a splice where that is possible.
func (s *Readable) splice(js *isolate.JS, to *Writable, o pipeOptions) (*goja.Object, bool, error) {
	n, ok := s.ctrl.(*native)
	if !ok || s.state != readable || n.busy || len(n.left) > 0 || o != (pipeOptions{}) {
		return nil, false, nil
	}
	p := to.identity
	if p == nil || p.coded != nil && !p.coded.idle() || to.state != writable || to.closing() || len(to.writes) > 0 || to.inFlightWrite != nil || p.piped != nil {
		return nil, false, nil
	}
	if src, ok := n.src.(identitySource); ok && src.p.piped == nil {
		return nil, false, nil
	}
	sp := &splice{p: p, from: n, d: newDeferred(js)}
	if c, err := iocontext.Current(js); err == nil {
		sp.c, sp.done = c, c.AddPending()
	}
	sp.rd, _ = s.acquire()
	sp.wr, _ = to.acquire(js)
	s.disturbed = true
	p.piped = sp
	if r := p.read; r != nil {
		p.read = nil
		sp.read(js, r.limit, r.done)
	}
	return sp.d.promise, true, nil
}

// count takes n bytes off the fixed length.
func (s *splice) count(n int) error {
	if s.p.left < 0 {
		return nil
	}
	if s.p.left -= int64(n); s.p.left < 0 {
		return exception.TypeErrorf(tooManyText)
	}
	return nil
}

func (s *splice) read(js *isolate.JS, limit int, done func(*isolate.JS, []byte, error)) {
	if s.p.coded != nil {
		s.readCoded(js, limit, done)
		return
	}
	s.from.src.read(js, limit, func(js *isolate.JS, b []byte, err error) {
		if err == nil {
			err = s.count(len(b))
		} else if errors.Is(err, io.EOF) && s.p.left > 0 {
			err = exception.TypeErrorf(tooFewText)
		}
		switch {
		case errors.Is(err, io.EOF):
			s.finish(js, nil)
		case err != nil:
			s.finish(js, js.Error(err))
		}
		if err != nil {
			b = nil
		}
		done(js, b, err)
	})
}

func (s *splice) cancel(js *isolate.JS, reason goja.Value) *goja.Object {
	p := s.from.src.cancel(js, reason)
	s.finish(js, reason)
	return p
}

func (s *splice) take(js *isolate.JS) (event.Body, bool, error) {
	b, ok, err := s.from.src.take(js)
	if err != nil || !ok {
		return b, ok, err
	}
	if s.p.coded != nil {
		r := &codedReader{src: b.Reader(), coder: s.p.coded.coder}
		return event.StreamBody(&splicedBody{ReadCloser: r, s: s}, -1), true, nil
	}
	want := s.p.left
	if size := b.Size(); want >= 0 && size >= 0 && size != want {
		text := tooFewText
		if size > want {
			text = tooManyText
		}
		err := exception.TypeErrorf("%s", text)
		s.finish(js, js.Error(err))
		return event.Body{}, false, errors.Join(err, b.Close())
	}
	if b.Stream == nil {
		s.finish(js, nil)
		return b, true, nil
	}
	if want >= 0 {
		b.Length = want
	}
	b.Stream = &splicedBody{ReadCloser: b.Stream, s: s}
	return b, true, nil
}

// finish settles the pipe and both its ends; reason is nil where all went well.
func (s *splice) finish(js *isolate.JS, reason goja.Value) {
	if s.d.settled {
		return
	}
	if s.done != nil {
		s.done()
	}
	from, to := s.from.stream, s.p.writable
	if reason == nil {
		from.becomeClosed(js)
		to.state = writeClosed
		s.wr.closed.resolve(js, nil)
	} else {
		from.becomeErrored(js, reason)
		to.ctrl.errorIfNeeded(js, reason)
	}
	s.wr.release(js)
	s.rd.release(js)
	if reason == nil {
		s.d.resolve(js, nil)
	} else {
		s.d.reject(js, reason)
	}
}

// splicedBody tells the pipe how the body ended.
type splicedBody struct {
	io.ReadCloser
	s    *splice
	once sync.Once
}

// Read passes on to the stream that was piped in.
func (b *splicedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.end(nil)
	} else if err != nil {
		b.end(readError(err))
	}
	return n, err
}

// WriteTo keeps the fast way of the body, where it has one.
func (b *splicedBody) WriteTo(w io.Writer) (int64, error) {
	wt, ok := b.ReadCloser.(io.WriterTo)
	if !ok {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	n, err := wt.WriteTo(w)
	if err != nil {
		b.end(readError(err))
	} else {
		b.end(nil)
	}
	return n, err
}

// Close gives up the rest.
func (b *splicedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end(ErrDisconnected)
	return err
}

func (b *splicedBody) end(err error) {
	b.once.Do(func() {
		c := b.s.c
		if c == nil {
			return // a stream with a reader has a context
		}
		// On a closed loop nobody waits for the pipe.
		_ = c.Loop().Post(func() {
			c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
				if err != nil {
					b.s.finish(js, js.Error(err))
				} else {
					b.s.finish(js, nil)
				}
			}, func(error) {})
		})
	})
}
