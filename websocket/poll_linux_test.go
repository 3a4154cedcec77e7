package websocket

import (
	"net"
	"syscall"
)

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
