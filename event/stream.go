package event

import (
	"io"
	"sync/atomic"
)

// OnClose is a stream that calls fn once, after it has been closed. It keeps the fast
// way of a stream that has one (io.WriterTo).
func OnClose(r io.ReadCloser, fn func()) io.ReadCloser { return &onClose{ReadCloser: r, fn: fn} }

type onClose struct {
	io.ReadCloser
	fn     func()
	closed atomic.Bool
}

func (o *onClose) WriteTo(w io.Writer) (int64, error) {
	if wt, ok := o.ReadCloser.(io.WriterTo); ok {
		return wt.WriteTo(w)
	}
	return io.Copy(w, struct{ io.Reader }{o.ReadCloser})
}

func (o *onClose) Close() error {
	err := o.ReadCloser.Close()
	if o.closed.CompareAndSwap(false, true) {
		o.fn()
	}
	return err
}

// Prefixed is bytes and then a stream.
func Prefixed(front []byte, r io.ReadCloser) io.ReadCloser {
	return &prefixed{front: front, ReadCloser: r}
}

type prefixed struct {
	front []byte
	io.ReadCloser
}

// Read is io.Reader's.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.front) > 0 {
		n := copy(b, p.front)
		p.front = p.front[n:]
		return n, nil
	}
	return p.ReadCloser.Read(b)
}
