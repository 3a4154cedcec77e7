package streams

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// bodySource reads a body of the host's.
type bodySource struct {
	bytes  []byte // the rest of a body that is all there
	own    iocontext.Own[io.ReadCloser]
	r      io.ReadCloser // nil for bytes, and once it is closed or given away
	length int64         // what is left, -1 where it is not known
	err    error         // came with the last bytes
}

// openEnds are the readers and writers that a context still has to close when it
// ends.
type openEnds map[interface{ close() }]struct{}

type openKey struct{}

func openOf(c *iocontext.Context) openEnds {
	return iocontext.Local(c, openKey{}, func() openEnds {
		open := openEnds{}
		c.OnEnd(func() {
			for b := range open {
				b.close()
			}
		})
		return open
	})
}

func newBodySource(js *isolate.JS, c *iocontext.Context, b event.Body) (*bodySource, error) {
	if b.Stream == nil {
		return &bodySource{bytes: b.Bytes, length: int64(len(b.Bytes))}, nil
	}
	src := &bodySource{r: b.Stream, length: b.Length}
	err := error(nil)
	js.In(c.Frame(), func() { src.own, err = iocontext.Owned(js, "ReadableStream", b.Stream) })
	if err != nil {
		return nil, err
	}
	if c.Ended() {
		src.close()
		return src, nil
	}
	openOf(c)[src] = struct{}{}
	return src, nil
}

// forget makes the reader somebody else's, and returns it.
func (b *bodySource) forget() io.ReadCloser {
	r := b.r
	b.r = nil
	if c := b.own.Owner(); c != nil {
		delete(openOf(c), b)
	}
	return r
}

// close closes the reader.
func (b *bodySource) close() { b.closing() }

// closing closes the reader on a goroutine, as that may block. The future settles when it
// has; it is nil where there was nothing to close.
func (b *bodySource) closing() *loop.Future[struct{}] {
	c := b.own.Owner()
	if r := b.forget(); r != nil {
		return loop.Go(context.Background(), c.Loop(), func(context.Context) (struct{}, error) {
			// Nobody reads from it any more: there is nothing to do about a failure.
			_ = r.Close()
			return struct{}{}, nil
		})
	}
	return nil
}

type readBytes struct {
	b   []byte
	err error
}

func (b *bodySource) read(js *isolate.JS, limit int, done func(*isolate.JS, []byte, error)) {
	if b.own.Owner() == nil {
		if len(b.bytes) == 0 {
			done(js, nil, io.EOF)
			return
		}
		n := min(len(b.bytes), limit)
		out := append([]byte(nil), b.bytes[:n]...)
		b.bytes = b.bytes[n:]
		b.length -= int64(n)
		done(js, out, nil)
		return
	}
	r, err := b.own.Get(js)
	if err != nil {
		done(js, nil, err)
		return
	}
	switch {
	case b.err != nil:
		b.finish(js, b.err, done)
		return
	case b.r == nil:
		done(js, nil, ErrDisconnected)
		return
	}
	res := iocontext.Background(b.own.Owner(), func(context.Context) (readBytes, error) {
		buf := make([]byte, limit)
		for {
			n, err := r.Read(buf)
			if n == 0 && err == nil {
				continue
			}
			if n < limit/4 {
				return readBytes{append([]byte(nil), buf[:n]...), err}, nil
			}
			return readBytes{buf[:n:n], err}, nil
		}
	})
	resume(js, b.own.Owner(), res, func(js *isolate.JS, got readBytes, err error) {
		if err == nil {
			err = got.err
		}
		if b.length >= 0 {
			if b.length -= int64(len(got.b)); b.length < 0 {
				got.b, err = nil, errTooLong
			}
		}
		if len(got.b) > 0 {
			b.err = err
			done(js, got.b, nil)
			return
		}
		b.finish(js, err, done)
	})
}

// finish reports the end of the body.
func (b *bodySource) finish(js *isolate.JS, err error, done func(*isolate.JS, []byte, error)) {
	b.close()
	if errors.Is(err, io.EOF) && b.length > 0 {
		err = io.ErrUnexpectedEOF
	}
	done(js, nil, readError(err))
}

// ErrDisconnected is workerd's error for a peer that went away.
var ErrDisconnected = exception.Errorf("Network connection lost.").WithKind(exception.Disconnected)

var errTooLong = errors.New("the body is longer than its announced length")

// readError is what a script sees of a failed read: exceptions and the end as
// they are, anything else as a lost connection.
func readError(err error) error {
	var e *exception.Exception
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &e) {
		return err
	}
	return ErrDisconnected.WithCause(err)
}

func (b *bodySource) cancel(js *isolate.JS, _ goja.Value) *goja.Object {
	b.bytes = nil
	if b.r == nil {
		return resolved(js)
	}
	c := b.own.Owner()
	closed := b.closing()
	if c.Ended() || closed == nil {
		return resolved(js)
	}
	// Who feeds the body hears of it before the script goes on, if it hears soon.
	heard := loop.NewFuture[struct{}](c.Loop())
	late := c.Loop().After(cancelWait, func() { heard.Resolve(struct{}{}) })
	closed.Then(func(struct{}, error) { late.Stop(); heard.Resolve(struct{}{}) })
	return iocontext.Await(js, c, loop.Later(heard), nil)
}

// cancelWait is how long a cancel waits for the body to be closed.
const cancelWait = 100 * time.Millisecond

func (b *bodySource) take(js *isolate.JS) (event.Body, bool, error) {
	if b.own.Owner() == nil {
		return event.BytesBody(b.bytes), true, nil
	}
	if _, err := b.own.Get(js); err != nil {
		return event.Body{}, false, err
	}
	if b.r == nil || b.err != nil {
		return event.Body{}, false, nil
	}
	return event.StreamBody(b.forget(), b.length), true, nil
}

func (b *bodySource) tee(js *isolate.JS) (event.Body, event.Body, bool, error) {
	whole, ok, err := b.take(js)
	if !ok || err != nil {
		return whole, whole, ok, err
	}
	if whole.Stream == nil {
		return whole, whole, true, nil
	}
	x, y := Tee(whole.Stream, js.Isolate().Limits().BodyBytes)
	return event.StreamBody(x, whole.Length), event.StreamBody(y, whole.Length), true, nil
}

// resume calls fn in a turn of the context when r settles, as a pending event.
func resume[T any](js *isolate.JS, c *iocontext.Context, r loop.Result[T], fn func(js *isolate.JS, v T, err error)) {
	if v, err, ok := r.Ready(); ok {
		fn(js, v, err)
		return
	}
	entry, done := c.Capture(js), c.AddPending()
	r.Then(func(v T, err error) {
		c.RunIn(entry, func(js *isolate.JS) { done(); fn(js, v, err) }, func(err error) {
			done()
			c.Fail(err)
		})
	})
}

// ReadBody reads a whole body on a goroutine of c and closes it. One that is
// longer than limit bytes is an error.
func ReadBody(c *iocontext.Context, b event.Body, limit int64) loop.Result[[]byte] {
	if b.Stream == nil {
		return loop.Now(b.Bytes)
	}
	if b.Length > limit {
		r := b.Stream
		loop.Go(context.Background(), c.Loop(), func(context.Context) (struct{}, error) { return struct{}{}, r.Close() })
		return loop.Fail[[]byte](tooLarge(limit))
	}
	return iocontext.Background(c, func(ctx context.Context) ([]byte, error) {
		stop := context.AfterFunc(ctx, func() { _ = b.Stream.Close() })
		defer func() {
			if stop() {
				_ = b.Stream.Close()
			}
		}()
		var buf bytes.Buffer
		// The length is a promise of the sender, so it is not believed much.
		buf.Grow(int(min(max(b.Length, 0), 1<<20)) + bytes.MinRead)
		n, err := buf.ReadFrom(io.LimitReader(b.Stream, limit+1))
		switch {
		case err != nil:
			return nil, readError(err)
		case n > limit:
			return nil, tooLarge(limit)
		case b.Length >= 0 && n != b.Length:
			return nil, ErrDisconnected.WithCause(io.ErrUnexpectedEOF)
		}
		return buf.Bytes(), nil
	})
}

func tooLarge(limit int64) error {
	return exception.RangeErrorf("The body is larger than %d bytes, the most that can be read into memory at once. Read it as a stream instead.", limit)
}
