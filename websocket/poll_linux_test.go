package websocket

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
)

// The system asks a peer that says nothing whether it is still there: one that vanished
// would stay for ever.
func TestPeersThatVanishAreFound(t *testing.T) {
	s := newSite(t, false)
	s.start = func(c *Conn) { c.Start(newEcho(c), 0) }
	s.dial()
	c := get(t, s.conn)
	c.file.mu.Lock()
	defer c.file.mu.Unlock()
	for _, x := range []struct{ level, option, most int }{
		{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 60}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 60}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 10},
	} {
		if n, err := syscall.GetsockoptInt(c.file.fd, x.level, x.option); err != nil || n < 1 || n > x.most {
			t.Errorf("option %d is %d, %v", x.option, n, err)
		}
	}
}

// A Set that is closed while it adopts a connection has it or refuses it, and keeps nothing of it.
func TestSetThatIsClosedWhileItAdopts(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	for range 200 {
		ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := NewSet(nil)
		var closing sync.WaitGroup
		closing.Go(func() {
			for s.Len() == 0 {
				// Adopt has not begun; who looks away for longer comes too late.
			}
			s.Close()
		})
		c, err := s.Adopt(ends[0], r, nil, Accepted{})
		closing.Wait()
		switch {
		case err != nil:
			syscall.Close(ends[0])
		case c.file.there():
			t.Fatal("the connection is still open")
		}
		if n := s.queued.Load(); n != 0 || s.Len() != 0 {
			t.Fatalf("%d bytes of %d connections are queued", n, s.Len())
		}
		syscall.Close(ends[1])
	}
}

// peerOf is the address of the other side.
func peerOf(c *Conn) string {
	if c.nc != nil {
		return c.nc.RemoteAddr().String()
	}
	c.file.mu.Lock()
	defer c.file.mu.Unlock()
	sa, err := syscall.Getpeername(c.file.fd)
	if err != nil {
		return err.Error()
	}
	v4 := sa.(*syscall.SockaddrInet4)
	return (&net.TCPAddr{IP: v4.Addr[:], Port: v4.Port}).String()
}
