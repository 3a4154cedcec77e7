package streams

import (
	"context"
	"io"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// hostSink writes the chunks of a writable stream to a Go writer.
type hostSink struct {
	own iocontext.Own[io.WriteCloser]
	w   io.WriteCloser // nil once it is closed
}

// NewHostWritable is the WritableStream into w. A chunk is bytes or text; it leaves
// when all that the actor has written before is durable, and its write settles when
// w has taken it. w is closed when the stream is closed or aborted, or when c ends;
// Close may be called while a Write waits. A w that is an Abandoner is abandoned where the
// stream does not come to its end. c is the current context.
func NewHostWritable(js *isolate.JS, c *iocontext.Context, w io.WriteCloser) *goja.Object {
	h := &hostSink{w: w}
	var err error
	js.In(c.Frame(), func() { h.own, err = iocontext.Owned(js, "WritableStream", w) })
	if err != nil {
		js.Panic(err)
	}
	s := &Writable{}
	newWritable(s, strategy{hwm: 1}, sink{check: checkBytes, write: h.write, close: h.end, abort: h.abort}).start(js, resolved(js))
	if c.Ended() {
		h.close()
	} else {
		openOf(c)[h] = struct{}{}
	}
	return s.Object(js)
}

// forget makes the writer somebody else's, and returns it.
func (h *hostSink) forget() io.WriteCloser {
	w := h.w
	h.w = nil
	delete(openOf(h.own.Owner()), h)
	return w
}

// close closes the writer on a goroutine, as that may block.
func (h *hostSink) close() {
	if w := h.forget(); w != nil {
		loop.Go(context.Background(), h.own.Owner().Loop(), func(context.Context) (struct{}, error) {
			// The stream was given up: there is nobody to tell of a failure.
			if a, ok := w.(Abandoner); ok {
				return struct{}{}, a.Abandon()
			}
			return struct{}{}, w.Close()
		})
	}
}

// do runs work on a goroutine once the output gate is open.
func (h *hostSink) do(js *isolate.JS, work func(w io.WriteCloser) error, last bool) *goja.Object {
	w, err := h.own.Get(js)
	if err == nil && h.w == nil {
		err = ErrDisconnected
	}
	if err != nil {
		return rejected(js, js.Error(err))
	}
	if last {
		h.forget()
	}
	c := h.own.Owner()
	done := loop.NewFuture[struct{}](c.Loop())
	c.WaitForOutput().Then(func(_ struct{}, err error) {
		if err != nil {
			done.Reject(err)
			return
		}
		iocontext.Background(c, func(context.Context) (struct{}, error) {
			return struct{}{}, work(w)
		}).Then(func(_ struct{}, err error) {
			if err != nil {
				// The stream has failed for good.
				h.close()
				err = readError(err)
			}
			done.Settle(struct{}{}, err)
		})
	})
	return iocontext.Await(js, c, loop.Later(done), nil)
}

func (h *hostSink) write(js *isolate.JS, v goja.Value) *goja.Object {
	data, err := writtenBytes(js, v)
	if err != nil {
		if _, foreign := h.own.Get(js); foreign == nil {
			h.close()
		}
		return rejected(js, js.Error(err))
	}
	return h.do(js, func(w io.WriteCloser) error {
		_, err := w.Write(data)
		return err
	}, false)
}

func (h *hostSink) end(js *isolate.JS) *goja.Object {
	return h.do(js, io.WriteCloser.Close, true)
}

func (h *hostSink) abort(js *isolate.JS, _ goja.Value) *goja.Object {
	if _, err := h.own.Get(js); err != nil {
		return rejected(js, js.Error(err))
	}
	h.close()
	return resolved(js)
}
