package streams_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"workerd.local/exception"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/streams"
)

// writes is a writer that remembers.
type writes struct {
	mu     sync.Mutex // guards all
	buf    bytes.Buffer
	err    error
	closed chan struct{}
	once   sync.Once
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	return w.buf.Write(p)
}

func (w *writes) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *writes) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// sinkEnv has sink(), the stream into w.
func sinkEnv(t *testing.T, w *writes) *jstest.Env {
	w.closed = make(chan struct{})
	return jstest.New(t, events.Module, encoding.Module, streams.Module, host, bind.Module{Globals: []bind.Global{
		bind.Func{Name: "sink", Call: func(c *bind.Call) (any, error) {
			ioc, err := c.Context()
			if err != nil {
				return nil, err
			}
			return streams.NewHostWritable(c.JS(), ioc, w), nil
		}},
	}})
}

func TestHostWritable(t *testing.T) {
	w := &writes{}
	e := sinkEnv(t, w)
	e.Want(helpers+`const s = sink(), w = s.getWriter(); await w.write('é'); await w.write(enc('b')); w.releaseLock(); await host('cd', 'ef').pipeTo(s); return s.locked`, "false")
	<-w.closed
	if got := w.text(); got != "ébcdef" {
		t.Errorf("wrote %q", got)
	}
	w = &writes{}
	sinkEnv(t, w).Want(`const w = sink().getWriter(); const said = await w.write(5).catch((e) => String(e)); await w.write('x'); await w.close(); return said`, "TypeError: This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.")
	<-w.closed
	if got := w.text(); got != "x" {
		t.Errorf("wrote %q", got)
	}
	w = &writes{}
	sinkEnv(t, w).Want(`const s = sink(); await s.abort('x'); return 1`, "1")
	<-w.closed
}

func TestHostWritableFails(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("connection reset by 10.0.0.1"), "Error: Network connection lost."},
		{exception.RangeErrorf("full"), "RangeError: full"},
	} {
		w := &writes{err: c.err}
		e := sinkEnv(t, w)
		e.WantError(`return sink().getWriter().write('x')`, c.want)
		<-w.closed
		e.Want(helpers+`const w = sink().getWriter(); return settled([w.write('x'), w.write('y'), w.closed])`, `["`+c.want+`","`+c.want+`","`+c.want+`"]`)
	}
}

func TestHostWritableBelongsToItsContext(t *testing.T) {
	w := &writes{}
	e := sinkEnv(t, w)
	e.Want(`globalThis.kept = sink().getWriter(); return 1`, "1")
	_, err := e.Eval(`return kept.write('x')`)
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("Cannot perform I/O on behalf of a different request.")) {
		t.Errorf("a write for another request: %v", err)
	}
	late := &writes{closed: make(chan struct{})}
	e.In(func(js *isolate.JS, c *iocontext.Context) {
		c.End()
		streams.NewHostWritable(js, c, late)
	})
	<-late.closed
	open := &writes{closed: make(chan struct{})}
	e.In(func(js *isolate.JS, c *iocontext.Context) {
		streams.NewHostWritable(js, c, open)
		c.End()
	})
	<-open.closed
}
