package streams

import (
	"io"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

// Abandoner is a writer that knows a way to be given up, beside Close, which says that
// all has been written.
type Abandoner interface{ Abandon() error }

// errAbandoned is why a stream was aborted whose writer was given up elsewhere.
var errAbandoned = exception.Errorf("WritableStream received over RPC was disconnected because the remote execution context has ended.").WithKind(exception.Disconnected)

// Writer locks the stream and lets another goroutine write into it: a write returns when
// the sink has taken the bytes. The context waits until the writer is closed or given up
// (Abandoner), which aborts the stream. Write and Close block.
func (w *Writable) Writer(js *isolate.JS, c *iocontext.Context) (io.WriteCloser, error) {
	if w.writer != nil && w.identity != nil {
		// workerd words it differently for the streams of its own.
		return nil, exception.TypeErrorf("The WritableStream has been locked to a writer.")
	}
	wr, err := w.acquire(js)
	if err != nil {
		return nil, err
	}
	// Whoever has the writer hears of errors.
	handled(js, wr.closed.promise)
	handled(js, wr.ready.promise)
	return &remoteWriter{c: c, l: c.Loop(), wr: wr, done: c.AddPending()}, nil
}

type remoteWriter struct {
	c *iocontext.Context
	l *loop.Loop

	// Owned by the loop.
	wr   *writer
	done func()

	once sync.Once
}

// Write is io.Writer's.
func (r *remoteWriter) Write(p []byte) (int, error) {
	data := append([]byte{}, p...)
	err := r.do(func(js *isolate.JS) *goja.Object { return r.wr.write(js, bind.NewUint8Array(js, data)) })
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close is io.Closer's: all has been written.
func (r *remoteWriter) Close() error {
	var err error
	r.once.Do(func() {
		err = r.do(func(js *isolate.JS) *goja.Object { return r.wr.stream.close(js) })
		r.finish()
	})
	return err
}

// Abandon is Abandoner's.
func (r *remoteWriter) Abandon() error {
	r.once.Do(func() {
		// A closed loop has nobody left to tell.
		_ = r.l.Post(func() {
			r.c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
				handled(js, r.wr.stream.abort(js, js.Error(errAbandoned)))
			}, func(error) {})
			r.done()
		})
	})
	return nil
}

func (r *remoteWriter) finish() { _ = r.l.Post(r.done) }

// do runs an operation of the stream on its loop and waits for its promise.
func (r *remoteWriter) do(fn func(js *isolate.JS) *goja.Object) error {
	answer := make(chan error, 1)
	err := r.l.Post(func() {
		r.c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			js.OnSettled(fn(js), func(js *isolate.JS, _ goja.Value, err error) {
				if err != nil {
					e := *js.Sent(err)
					e.Value = nil
					err = &e
				}
				answer <- err
			})
		}, func(err error) { answer <- err })
	})
	if err != nil {
		return ErrDisconnected.WithCause(err)
	}
	select {
	case err := <-answer:
		return err
	case <-r.c.Context().Done():
		return ErrDisconnected
	}
}
