package streams

import (
	"errors"
	"io"
	"sync"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// Tee makes two readers of one. Each gets all bytes; what one has read and the
// other has not is kept, up to limit bytes, beyond which the slower one fails.
// The readers may be used by two goroutines. r is closed when both are.
func Tee(r io.ReadCloser, limit int64) (a, b io.ReadCloser) {
	t := &teeReader{r: r, limit: limit}
	t.cond.L = &t.mu
	t.branches = [2]*teeBranch{{t: t}, {t: t}}
	return t.branches[0], t.branches[1]
}

type teeReader struct {
	r     io.ReadCloser
	limit int64

	mu       sync.Mutex // guards what follows, and the branches
	cond     sync.Cond
	reading  bool
	err      error
	branches [2]*teeBranch
}

type teeBranch struct {
	t      *teeReader
	parts  [][]byte
	size   int64
	err    error // of this branch alone
	closed bool
}

var errTeeLimit = exception.TypeErrorf("ReadableStream.tee() buffer limit exceeded. This error usually occurs because one branch was consumed much faster than the other.")

// Read reads what is kept, else from the common reader for both.
func (b *teeBranch) Read(p []byte) (int, error) {
	t := b.t
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case b.closed:
			return 0, io.ErrClosedPipe
		case b.size > 0:
			n := copy(p, b.parts[0])
			if b.parts[0] = b.parts[0][n:]; len(b.parts[0]) == 0 {
				b.parts = b.parts[1:]
			}
			b.size -= int64(n)
			return n, nil
		case b.err != nil:
			return 0, b.err
		case t.err != nil:
			return 0, t.err
		case len(p) == 0:
			return 0, nil
		case t.reading:
			t.cond.Wait()
			continue
		}
		t.reading = true
		t.mu.Unlock()
		buf := make([]byte, max(min(len(p), readSize), 4096))
		n, err := t.r.Read(buf)
		t.mu.Lock()
		t.reading = false
		t.err = err
		if n > 0 {
			for _, br := range t.branches {
				br.keep(buf[:n])
			}
		}
		t.cond.Broadcast()
	}
}

func (b *teeBranch) keep(part []byte) {
	if b.closed || b.err != nil {
		return
	}
	if b.size+int64(len(part)) > b.t.limit {
		b.parts, b.size, b.err = nil, 0, errTeeLimit
		return
	}
	b.parts = append(b.parts, part)
	b.size += int64(len(part))
}

// Close gives up this half.
func (b *teeBranch) Close() error {
	t := b.t
	t.mu.Lock()
	if b.closed {
		t.mu.Unlock()
		return nil
	}
	b.closed, b.parts, b.size = true, nil, 0
	last := t.branches[0].closed && t.branches[1].closed
	t.cond.Broadcast()
	t.mu.Unlock()
	if last {
		return t.r.Close()
	}
	return nil
}

// Tee makes two streams of one that nobody holds; it stays locked.
func (s *Readable) Tee(js *isolate.JS) (a, b *Readable, err error) { return s.split(js, false) }

// Clone is Tee for the body of a message: what one reader of the two does with the memory
// of a chunk, the other does not see.
func (s *Readable) Clone(js *isolate.JS) (a, b *Readable, err error) { return s.split(js, true) }

func (s *Readable) split(js *isolate.JS, copies bool) (a, b *Readable, err error) {
	if s.reader != nil {
		return nil, nil, exception.TypeErrorf("This ReadableStream is currently locked to a reader,")
	}
	if n, ok := s.ctrl.(*native); ok && s.state == readable && !n.busy && len(n.left) == 0 {
		x, y, ok, err := n.src.tee(js)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			s.reader = &reader{stream: s}
			if x.Stream == nil {
				return newNative(&bodySource{bytes: x.Bytes}), newNative(&bodySource{bytes: y.Bytes}), nil
			}
			c, err := iocontext.Current(js)
			if err != nil {
				return nil, nil, errors.Join(err, x.Close(), y.Close())
			}
			if a, err = NewBody(js, c, x); err != nil {
				return nil, nil, err
			}
			b, err = NewBody(js, c, y)
			return a, b, err
		}
	}
	if _, values := s.ctrl.(*defaultController); values && FlagsOf(js).Standard {
		a, b = s.teeStandard(js, copies)
		return a, b, nil
	}
	a, b = s.teeAny(js, copies)
	return a, b, nil
}
