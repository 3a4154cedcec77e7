package event

import (
	"io"
	"sync"
	"sync/atomic"
)

// Gone tells a receiver within the process that its caller does not want the answer any
// more, before the caller's own code goes on: what the receiver does about it at once
// comes before what the caller does next. It is beside the request's context, which ends
// too. Any goroutine.
type Gone struct {
	mu    sync.Mutex
	told  bool
	watch func(heard func())
}

// Watch says who is told, once; it replaces an earlier one. Whoever is told calls heard
// when it has done what it does at once.
func (g *Gone) Watch(fn func(heard func())) {
	g.mu.Lock()
	told := g.told
	if !told {
		g.watch = fn
	}
	g.mu.Unlock()
	if told {
		fn(func() {})
	}
}

// Tell tells the receiver. heard is called, on any goroutine, when it has heard, at once
// where nobody watches.
func (g *Gone) Tell(heard func()) {
	g.mu.Lock()
	watch := g.watch
	g.told, g.watch = true, nil
	g.mu.Unlock()
	if watch == nil {
		heard()
		return
	}
	watch(heard)
}

// OnAbandon is a stream that calls fn once, where it is closed before its end.
func OnAbandon(r io.ReadCloser, fn func()) io.ReadCloser { return &onAbandon{ReadCloser: r, fn: fn} }

type onAbandon struct {
	io.ReadCloser
	fn   func()
	over atomic.Bool // it ended, or was closed
}

// Read is io.Reader's.
func (o *onAbandon) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	if err != nil {
		o.over.Store(true)
	}
	return n, err
}

// WriteTo keeps the fast way of the stream, where it has one.
func (o *onAbandon) WriteTo(w io.Writer) (n int64, err error) {
	if wt, ok := o.ReadCloser.(io.WriterTo); ok {
		n, err = wt.WriteTo(w)
	} else {
		n, err = io.Copy(w, struct{ io.Reader }{o.ReadCloser})
	}
	if err == nil {
		o.over.Store(true)
	}
	return n, err
}

// Close is io.Closer's.
func (o *onAbandon) Close() error {
	err := o.ReadCloser.Close()
	if o.over.CompareAndSwap(false, true) {
		o.fn()
	}
	return err
}
