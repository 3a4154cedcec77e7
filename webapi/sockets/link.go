package sockets

import (
	"context"
	"io"
	"sync"

	"workerd.local/event"
	"workerd.local/exception"
)

// link is the connection of a socket, or its place until it is there.
type link struct {
	ready chan struct{} // closed when conn or err is there
	done  chan struct{} // closed when both halves are, or the link is cut
	eof   chan struct{} // closed when the other side writes no more

	mu       sync.Mutex // guards all below
	conn     event.Conn
	err      error
	settled  bool
	ended    bool
	given    bool // the connection is for release only, whatever becomes of the halves
	atEOF    bool
	detached error // what a read finds after the connection became another socket's
	refused  error // what a write finds then
	halves   int   // that are closed

	writing sync.Mutex // held while a write runs
}

func newLink() *link {
	return &link{ready: make(chan struct{}), done: make(chan struct{}), eof: make(chan struct{})}
}

// settle says what became of the connection. One that comes too late is closed.
func (l *link) settle(conn event.Conn, err error) {
	l.mu.Lock()
	if l.settled {
		l.mu.Unlock()
		return
	}
	l.settled = true
	l.conn, l.err = conn, err
	ended := l.ended
	close(l.ready)
	l.mu.Unlock()
	if ended && conn != nil {
		// Nobody is left to be told of a failure.
		_ = conn.Close()
	}
}

var errGone = exception.Errorf("Network connection lost.").WithKind(exception.Disconnected)

// wait gives the connection once it is there, and errGone once it was taken out.
func (l *link) wait() (event.Conn, error) {
	select {
	case <-l.ready:
	case <-l.done:
		return nil, errGone
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil && l.err == nil {
		return nil, errGone
	}
	return l.conn, l.err
}

// cut closes the connection, now or when it comes.
func (l *link) cut() error {
	l.mu.Lock()
	if l.given {
		l.mu.Unlock()
		return nil
	}
	conn := l.conn
	first := !l.ended
	l.ended = true
	if first {
		close(l.done)
	}
	l.mu.Unlock()
	if first && conn != nil {
		return conn.Close()
	}
	return nil
}

// closeHalf notes that a half is closed; the second one closes the connection.
func (l *link) closeHalf() error {
	l.mu.Lock()
	l.halves++
	last := l.halves == 2
	l.mu.Unlock()
	if last {
		return l.cut()
	}
	return nil
}

// detach makes the halves useless: read is what reads find from now on, write what
// writes find.
func (l *link) detach(read, write error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.detached == nil {
		l.detached, l.refused = read, write
	}
}

func (l *link) state() (read, write error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.detached, l.refused
}

// release takes the connection out, after the write that runs. The link is over.
func (l *link) release() (event.Conn, error) {
	conn, err := l.wait()
	if err != nil {
		return nil, err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, errGone
	}
	l.given = false
	l.conn, l.ended = nil, true
	close(l.done)
	return conn, nil
}

// give keeps the connection, which is there, for whoever calls release.
func (l *link) give() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.given = !l.ended
}

// drop closes a connection that was given to nobody.
func (l *link) drop() error {
	conn, err := l.release()
	if err != nil {
		return nil // it is over already
	}
	return conn.Close()
}

// gone waits until the connection is over, for whatever reason.
func (l *link) gone(ctx context.Context) error {
	conn, err := l.wait()
	if err != nil {
		return nil // told by who settled it
	}
	select {
	case <-conn.Gone():
	case <-l.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// readHalf is what the readable stream reads.
type readHalf struct {
	*link
	once sync.Once
}

func (h *readHalf) Read(b []byte) (int, error) {
	conn, err := h.wait()
	if read, _ := h.state(); read != nil {
		return 0, read
	}
	if err != nil {
		return 0, err
	}
	n, err := conn.Read(b)
	if read, _ := h.state(); read != nil {
		return 0, read
	}
	if err == io.EOF {
		h.mu.Lock()
		if !h.atEOF {
			h.atEOF = true
			close(h.eof)
		}
		h.mu.Unlock()
	}
	return n, err
}

func (h *readHalf) Close() (err error) {
	h.once.Do(func() { err = h.closeHalf() })
	return err
}

// writeHalf is what the writable stream writes.
type writeHalf struct {
	*link
	once sync.Once
}

func (h *writeHalf) Write(b []byte) (int, error) {
	conn, err := h.wait()
	h.writing.Lock()
	defer h.writing.Unlock()
	if _, write := h.state(); write != nil {
		return 0, write
	}
	if err != nil {
		return 0, err
	}
	return conn.Write(b)
}

func (h *writeHalf) Close() (err error) {
	h.once.Do(func() {
		h.mu.Lock()
		conn, useless := h.conn, h.ended || h.detached != nil
		h.mu.Unlock()
		if conn != nil && !useless {
			err = conn.CloseWrite()
		}
		if cerr := h.closeHalf(); err == nil {
			err = cerr
		}
	})
	return err
}
