package websocket

import (
	"net"
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
