package streams

import (
	"bytes"
	"errors"
	"io"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
)

// Coder changes bytes that pass through a stream, such as a compressor. It belongs
// to whoever reads from the stream: the isolate's goroutine, or that of a body.
type Coder interface {
	// Feed gives it a piece of input, once Next wanted one. The coder owns it.
	Feed(in []byte)
	// Finish says that there is no more.
	Finish()
	// Next gives up to limit bytes, valid until the next call. Neither bytes nor an
	// error mean that it wants input; io.EOF comes after the last bytes.
	Next(limit int) ([]byte, error)
}

// codedStep is how many bytes a coder is asked for at a time.
const codedStep = 32 << 10

// coded is the coder of an Identity, and what came out of it before anybody read.
type coded struct {
	p     *Identity
	coder Coder
	ahead int // bytes that may wait for a reader before writes wait
	out   []byte
	fed   *deferred // of the write that the coder has not taken whole
	last  *deferred // of the close
	ended bool      // all is in out
}

// NewCoded makes the two sides of a stream with a coder.
func NewCoded(js *isolate.JS, c Coder) *Identity {
	p := NewIdentity(js, -1, -1)
	// What is no chunk of bytes errors the stream, as WHATWG's Compression says; in workerd a
	// reader then waits for ever.
	p.writable.ctrl.alg.check = nil
	p.coded = &coded{p: p, coder: c, ahead: limits.CodecAhead.In(js.Bounds())}
	return p
}

// idle reports whether nothing waits on either side.
func (c *coded) idle() bool { return len(c.out) == 0 && c.fed == nil && c.last == nil && !c.ended }

func (c *coded) write(js *isolate.JS, data []byte) *goja.Object {
	d := newDeferred(js)
	c.fed = d
	c.coder.Feed(data)
	c.pump(js)
	c.p.meet(js)
	return d.promise
}

func (c *coded) end(js *isolate.JS) *goja.Object {
	d := newDeferred(js)
	c.last = d
	c.coder.Finish()
	c.pump(js)
	c.p.meet(js)
	return d.promise
}

// pump takes from the coder until it wants input or enough waits for the reader.
func (c *coded) pump(js *isolate.JS) {
	for len(c.out) < c.ahead && (c.fed != nil || c.last != nil) {
		b, err := c.coder.Next(codedStep)
		switch {
		case errors.Is(err, io.EOF):
			c.ended = true
			d := c.last
			c.fed, c.last = nil, nil
			d.resolve(js, nil)
		case err != nil:
			c.p.fail(js, js.Error(err))
		case len(b) > 0:
			c.out = append(c.out, b...)
		default:
			d := c.fed
			c.fed = nil
			d.resolve(js, nil)
		}
	}
}

// meet answers the waiting read with what is there.
func (c *coded) meet(js *isolate.JS) {
	r := c.p.read
	switch {
	case len(c.out) > 0:
		n := min(r.limit, len(c.out))
		b := bytes.Clone(c.out[:n])
		if c.out = c.out[n:]; len(c.out) == 0 {
			c.out = nil
		}
		c.p.read = nil
		c.pump(js)
		r.done(js, b, nil)
	case c.ended:
		c.p.read = nil
		r.done(js, nil, io.EOF)
	}
}

func (c *coded) fail(js *isolate.JS, reason goja.Value) {
	fed, last := c.fed, c.last
	c.out, c.fed, c.last = nil, nil, nil
	for _, d := range []*deferred{fed, last} {
		if d != nil {
			d.reject(js, reason)
		}
	}
}

// readCoded reads from the stream that was piped in, through the coder.
func (s *splice) readCoded(js *isolate.JS, limit int, done func(*isolate.JS, []byte, error)) {
	for again := true; again; {
		again = false
		b, err := s.p.coded.coder.Next(limit)
		switch {
		case errors.Is(err, io.EOF):
			s.finish(js, nil)
			done(js, nil, err)
			return
		case err != nil:
			reason := js.Error(err)
			handled(js, s.from.src.cancel(js, reason))
			s.finish(js, reason)
			done(js, nil, thrown{reason}.error(js))
			return
		case len(b) > 0:
			done(js, bytes.Clone(b), nil)
			return
		}
		inside := true
		s.from.src.read(js, readSize, func(js *isolate.JS, b []byte, err error) {
			switch {
			case errors.Is(err, io.EOF):
				s.p.coded.coder.Finish()
			case err != nil:
				reason := js.Error(err)
				s.finish(js, reason)
				done(js, nil, thrown{reason}.error(js))
				return
			default:
				s.p.coded.coder.Feed(b)
			}
			if inside {
				again = true
				return
			}
			s.readCoded(js, limit, done)
		})
		inside = false
	}
}

// codedReader is a body that passes through a coder outside the loop.
type codedReader struct {
	src   io.ReadCloser
	coder Coder
	buf   []byte
	end   error // of src
}

// Read is io.Reader's.
func (r *codedReader) Read(p []byte) (int, error) {
	for {
		b, err := r.coder.Next(len(p))
		if len(b) > 0 || err != nil {
			return copy(p, b), err
		}
		if r.end != nil {
			if !errors.Is(r.end, io.EOF) {
				return 0, r.end
			}
			r.coder.Finish()
			continue
		}
		if r.buf == nil {
			r.buf = make([]byte, codedStep)
		}
		n, err := r.src.Read(r.buf)
		r.end = err
		if n > 0 {
			r.coder.Feed(r.buf[:n])
		}
	}
}

// Close gives up the rest.
func (r *codedReader) Close() error { return r.src.Close() }
