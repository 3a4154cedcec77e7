package httpserver

import (
	"net"
	"sync/atomic"
	"time"
)

// listener makes every connection give up on a client that does not read.
type listener struct {
	net.Listener
	idle time.Duration
	part int // see conn
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.conn(c), nil
}

func (l *listener) conn(c net.Conn) *conn { return &conn{Conn: c, idle: l.idle, part: l.part} }

// conn has a deadline for every write, also for those that net/http makes on its
// own at the end of a response. It is renewed only after a quarter of its time, so
// that a small response does not pay for it.
type conn struct {
	net.Conn
	idle time.Duration
	// part is how much must get through before the deadline.
	part int
	// armed is the deadline in nanoseconds since the connection began.
	armed atomic.Int64
	// foreign says that somebody else has set a deadline, which is respected.
	foreign atomic.Bool

	// read is what the door has read, and is read again; answer what a service has said to
	// it, until it is given.
	read   []byte
	answer atomic.Pointer[answer]
}

// clock is where the times of conn.armed begin.
var clock = time.Now()

func (c *conn) Read(p []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(p, c.read)
		if c.read = c.read[n:]; len(c.read) == 0 {
			c.read = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// Close also lets go of an answer that nobody has been given.
func (c *conn) Close() error {
	if a := c.answer.Swap(nil); a != nil {
		a.discard()
	}
	return c.Conn.Close()
}

func (c *conn) Write(p []byte) (n int, err error) {
	for {
		part := p[n:min(len(p), n+c.part)]
		c.arm()
		m, err := c.Conn.Write(part)
		n += m
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

func (c *conn) arm() {
	if c.foreign.Load() {
		return
	}
	deadline := time.Since(clock) + c.idle
	if time.Duration(c.armed.Load()) > deadline-c.idle/4 {
		return
	}
	// Where there are no deadlines there is no limit.
	_ = c.Conn.SetWriteDeadline(clock.Add(deadline))
	c.armed.Store(int64(deadline))
}

// SetWriteDeadline replaces the deadline until it is set to zero.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		if c.foreign.Swap(false) {
			c.armed.Store(0)
		}
		return nil
	}
	c.foreign.Store(true)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.Conn.SetReadDeadline(t)
}

// Unwrap is the connection of the system, for who needs no deadlines from here.
func (c *conn) Unwrap() net.Conn { return c.Conn }

// Replace puts another connection in the place of the system's: a WebSocket's over TLS,
// which reads and writes without waiting.
func (c *conn) Replace(nc net.Conn) { c.Conn = nc }

// CloseWrite ends the sending half, where the connection has halves.
func (c *conn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return nil
}
