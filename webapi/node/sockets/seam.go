package sockets

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// seam is a connection of a program that TLS may take over. What was read before goes to
// TLS; the pipe that there was ends, and closing it closes nothing any more.
type seam struct {
	net.Conn
	taken   atomic.Bool
	reading sync.Mutex // held while the pipe reads
	early   []byte     // what it had read when it was taken
}

// seamClass is what a pipe has as conn.
var seamClass = &bind.Class[seam]{Name: "Connection"}

// Read is net.Conn's, for the pipe.
func (s *seam) Read(b []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.taken.Load() {
		return 0, net.ErrClosed
	}
	n, err := s.Conn.Read(b)
	if s.taken.Load() {
		s.early = append(s.early, b[:n]...)
		return 0, net.ErrClosed
	}
	return n, err
}

// ReadChunk is core.Chunks's.
func (s *seam) ReadChunk() ([]byte, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.taken.Load() {
		return nil, net.ErrClosed
	}
	b, err := readChunk(s.Conn)
	if s.taken.Load() {
		s.early = append(s.early, b...)
		return nil, net.ErrClosed
	}
	return b, err
}

// WriteReady is core.Ready's.
func (s *seam) WriteReady(b []byte) (int, error) {
	if s.taken.Load() {
		return 0, nil
	}
	return writeReady(s.Conn, b)
}

// Close is net.Conn's, for the pipe.
func (s *seam) Close() error {
	if s.taken.Load() {
		return nil
	}
	return s.Conn.Close()
}

// take gives the connection to who calls; head is what was read of it and not used.
// Not on the loop.
func (s *seam) take(head []byte) (net.Conn, error) {
	if !s.taken.CompareAndSwap(false, true) {
		return nil, net.ErrClosed
	}
	// A read that waits ends.
	if err := s.Conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return nil, err
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	if err := s.Conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &headed{Conn: s.Conn, head: append(head, s.early...)}, nil
}

// headed is a connection of which something was read before.
type headed struct {
	net.Conn
	head []byte
}

// Read is net.Conn's.
func (h *headed) Read(b []byte) (int, error) {
	if len(h.head) > 0 {
		n := copy(b, h.head)
		h.head = h.head[n:]
		return n, nil
	}
	return h.Conn.Read(b)
}

// secured is a connection of TLS as a pipe has it. Its end writes, and so does not happen
// on the loop.
type secured struct {
	*tls.Conn
	h *glue.Handle
}

// Read is io.Reader's. A connection that ends without a word has ended, as in node.
func (s *secured) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, Problem(err, "read")
}

// Write is io.Writer's.
func (s *secured) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	return n, Problem(err, "write")
}

// Close is io.Closer's; on the loop.
func (s *secured) Close() error {
	s.h.Go(func(ctx ctx) {
		// Who is gone needs no word of it.
		_ = s.Conn.Close()
	})
	s.h.Close()
	return nil
}

func (s *secured) end() error {
	s.h.Go(func(ctx ctx) {
		_ = s.CloseWrite() // a closed one has ended
	})
	return nil
}

// securedPipe is the pipe of a connection of TLS.
func securedPipe(js *isolate.JS, t *tls.Conn) (*goja.Object, error) {
	h, err := glue.NewHandle(js, func() {}) // the pipe is closed at the end of the program
	if err != nil {
		return nil, errors.Join(err, t.NetConn().Close())
	}
	h.Unref()
	s := &secured{Conn: t, h: h}
	pipe, err := core.NewPipe(js, s, s.end, nil)
	if err != nil {
		return nil, err
	}
	return pipe, describe(js, pipe, t, t.NetConn())
}
