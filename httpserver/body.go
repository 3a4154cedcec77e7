package httpserver

import (
	"io"
	"net/http"
	"sync"
	"time"

	"workerd.local/exception"
)

// bodyReader is a request's body, which must not stand still for too long. The
// service may read it from any goroutine, also after the response began and even
// after it ended, when the connection is another request's.
type bodyReader struct {
	body io.ReadCloser
	rc   *http.ResponseController
	idle time.Duration
	// rest is the most of an unread body that is read and thrown away to keep the
	// connection.
	rest int64

	mu      sync.Mutex
	reading bool // a Read is under way
	whole   bool // the end was reached
	closed  bool // by the service
	over    bool // the response ended, or reading failed
}

// past is a deadline that ends a Read that is under way.
var past = time.Unix(1, 0)

// Read has a new deadline every time, and none between two calls. A deadline is not
// there on every kind of connection; then there is no limit.
func (b *bodyReader) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.over || b.closed {
		b.mu.Unlock()
		return 0, lost(http.ErrBodyReadAfterClose)
	}
	b.reading = true
	_ = b.rc.SetReadDeadline(time.Now().Add(b.idle))
	b.mu.Unlock()

	n, err := b.body.Read(p)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	if !b.over {
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	switch {
	case err == io.EOF:
		b.whole = true
	case err != nil:
		b.over = true
		err = lost(err)
	}
	return n, err
}

// Close says that the service wants no more of the body.
func (b *bodyReader) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// settle decides, before the response's header is written, whether the connection
// can be used again: not where a part of the body could be taken for the next
// request. A rest that nobody wants is read, if it is small.
func (b *bodyReader) settle(r *http.Request) (reusable bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.whole:
		return true
	case b.over || b.reading || !b.closed || r.ContentLength > b.rest || r.Header.Get("Expect") != "":
		return false
	}
	_ = b.rc.SetReadDeadline(time.Now().Add(b.idle))
	_, err := io.CopyN(io.Discard, b.body, b.rest)
	_ = b.rc.SetReadDeadline(time.Time{})
	b.whole = err == io.EOF
	b.over = !b.whole
	return b.whole
}

// end takes the body away from the service when the response has ended. What
// net/http reads of it after that has a deadline too.
func (b *bodyReader) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	switch {
	case b.whole:
	case b.reading:
		_ = b.rc.SetReadDeadline(past)
	default:
		_ = b.rc.SetReadDeadline(time.Now().Add(b.idle))
	}
}

// lost is what a script sees of a connection that failed; the cause is for the log.
func lost(err error) error {
	return exception.Errorf("Network connection lost.").WithKind(exception.Disconnected).WithCause(err)
}

// streamWriter writes a body of unknown length, which may be a live stream: each
// piece goes out at once. With HTTP/2 it also has a deadline of its own, because a
// client that grants no window blocks its stream and not the connection.
type streamWriter struct {
	w     io.Writer
	rc    *http.ResponseController
	idle  time.Duration
	h2    bool
	flush bool
	part  int   // what must get through before the deadline
	n     int64 // bytes written
}

func (s *streamWriter) Write(p []byte) (n int, err error) {
	for {
		part := p[n:min(len(p), n+s.part)]
		m, err := s.write(part)
		n += m
		s.n += int64(m)
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

func (s *streamWriter) write(p []byte) (int, error) {
	if !s.h2 {
		n, err := s.w.Write(p)
		if err == nil && s.flush {
			err = s.rc.Flush()
		}
		return n, err
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.idle))
	n, err := s.w.Write(p)
	if err == nil {
		err = s.rc.Flush()
	}
	_ = s.rc.SetWriteDeadline(time.Time{})
	return n, err
}
