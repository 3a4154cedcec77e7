package httpserver

import (
	"net"
	"syscall"
	"testing"
)

// What a handshake's arrival is told with its answer, any other request's is told at once.
func TestAcknowledgementsWaitForHandshakesOnly(t *testing.T) {
	l, err := Listen("127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	own := &listener{Listener: l}
	in := newIntake(own)
	if in == nil {
		t.Fatal("no intake")
	}
	defer in.close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	news, err := in.accept()
	if err != nil || len(news) != 1 {
		t.Fatal(news, err)
	}
	at := func(fd int) int {
		v, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_QUICKACK)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if at(news[0].fd) != 0 {
		t.Error("a new connection is acknowledged at once")
	}
	c := own.adopt(news[0].fd)
	defer c.Close()
	raw, err := c.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if at(int(fd)) != 1 {
			t.Error("what Go's poller has is not acknowledged at once")
		}
	}); err != nil {
		t.Fatal(err)
	}
}
