package rpc

import (
	"errors"
	"io"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/webapi/streams"
)

// Streams go over RPC as Go readers and writers: who receives one reads or writes through
// the loop of who sent it, or not even that, where the stream is the host's.

const (
	tagWritable = 2
	tagReadable = 3
)

// writableRef is a WritableStream as part of a payload.
type writableRef struct{ w io.WriteCloser }

// Release is event.Capability's.
func (r writableRef) Release() {
	if a, ok := r.w.(streams.Abandoner); ok {
		// What it returns is about bytes that nobody has written.
		_ = a.Abandon()
	}
}

func (e *encoder) readable(w *clone.Writer, s *streams.Readable) error {
	if e.ioc == nil {
		return &clone.DataCloneError{Message: "ReadableStream can only be serialized for RPC."}
	}
	if s.Locked() {
		return exception.TypeErrorf("The ReadableStream has been locked to a reader.")
	}
	b, err := s.Lend(e.js, e.ioc)
	if err != nil {
		return err
	}
	if b.Stream != nil && e.session != nil {
		// What feeds the stream runs in this context.
		e.session.Hold()
		b.Stream = event.OnClose(b.Stream, e.session.Drop)
	}
	e.add(w, tagReadable, event.StreamRef{Body: b})
	return nil
}

func (e *encoder) writable(w *clone.Writer, s *streams.Writable) error {
	if e.ioc == nil {
		return &clone.DataCloneError{Message: "WritableStream can only be serialized for RPC."}
	}
	out, err := s.Writer(e.js, e.ioc)
	if err != nil {
		return err
	}
	if e.session != nil {
		e.session.Hold()
		out = &heldWriter{WriteCloser: out, drop: e.session.Drop}
	}
	e.add(w, tagWritable, writableRef{out})
	return nil
}

// heldWriter is a writer that a session counts.
type heldWriter struct {
	io.WriteCloser
	once sync.Once
	drop func()
}

// Close is io.Closer's.
func (h *heldWriter) Close() error {
	defer h.once.Do(h.drop)
	return h.WriteCloser.Close()
}

// Abandon is streams.Abandoner's.
func (h *heldWriter) Abandon() error {
	defer h.once.Do(h.drop)
	if a, ok := h.WriteCloser.(streams.Abandoner); ok {
		return a.Abandon()
	}
	return nil
}

func (d *decoder) readable(r *clone.Reader) (*goja.Object, error) {
	ref, err := take[event.StreamRef](d, r)
	if err != nil {
		return nil, err
	}
	b := ref.Body
	if b.Stream != nil {
		b.Stream = &receivedBody{b.Stream}
	}
	s, err := streams.NewBody(d.js, d.ioc, b)
	if err != nil {
		return nil, err
	}
	return s.Object(d.js), nil
}

func (d *decoder) writable(r *clone.Reader) (*goja.Object, error) {
	ref, err := take[writableRef](d, r)
	if err != nil {
		return nil, err
	}
	return streams.NewHostWritable(d.js, d.ioc, ref.w), nil
}

// errReadDisconnected is what is left of a stream whose sender did not come to its end.
var errReadDisconnected = exception.Errorf("ReadableStream received over RPC disconnected prematurely.")

// receivedBody is a stream that was received: why it broke stays with its sender.
type receivedBody struct{ io.ReadCloser }

// Read is io.Reader's.
func (b *receivedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	return n, received(err)
}

// WriteTo keeps the fast way of the stream, where it has one.
func (b *receivedBody) WriteTo(w io.Writer) (n int64, err error) {
	if wt, ok := b.ReadCloser.(io.WriterTo); ok {
		n, err = wt.WriteTo(w)
	} else {
		n, err = io.Copy(w, struct{ io.Reader }{b.ReadCloser})
	}
	return n, received(err)
}

func received(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return errReadDisconnected.WithCause(err)
}
