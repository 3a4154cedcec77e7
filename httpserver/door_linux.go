package httpserver

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"

	"workerd.local/event"
)

// intake accepts the connections of a TCP socket without Go's poller, which would take ten
// calls of the system for each: to name it, to set what it has from the socket that listens,
// to watch it, and to forget all that again once it is a WebSocket. It waits in Go's poller
// itself, behind a set of its own that has the socket in it, so that whoever has the socket
// may close it.
type intake struct {
	tcp  syscall.RawConn
	file *os.File
	wait syscall.RawConn
	news []accepted
	head []byte
}

// accepted is what the system says of a new connection.
type accepted struct {
	fd   int
	from syscall.RawSockaddrInet6 // or the other one
}

// intakeBatch is how many connections are accepted before the first one is read.
const intakeBatch = 32

// newIntake returns nil where connections come in another way: the socket is not one of
// TCP, or no WebSocket can be watched.
func newIntake(l net.Listener) *intake {
	own, ok := l.(*listener)
	if !ok {
		return nil
	}
	tcp, ok := own.Listener.(*net.TCPListener)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	in := &intake{tcp: raw, news: make([]accepted, intakeBatch), head: make([]byte, headBytes)}
	failed := raw.Control(func(fd uintptr) {
		// What package net would set on each connection, the system copies from here.
		err = errors.Join(
			syscall.SetNonblock(poll, true),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, keepAliveSeconds),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, keepAliveSeconds),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, keepAliveProbes),
			syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}))
		// A handshake is answered at once, and that it has come is said along with that.
		// Where this fails it takes a packet more.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 0)
	})
	if failed != nil || err != nil {
		syscall.Close(poll)
		return nil
	}
	in.file = os.NewFile(uintptr(poll), "intake")
	if in.wait, err = in.file.SyscallConn(); err != nil {
		in.file.Close()
		return nil
	}
	return in
}

// What package net sets.
const (
	keepAliveSeconds = 15
	keepAliveProbes  = 9
)

// close makes accept fail.
func (in *intake) close() { in.file.Close() }

// accept waits for connections.
func (in *intake) accept() (news []accepted, err error) {
	waited := in.wait.Read(func(uintptr) bool {
		failed := in.tcp.Control(func(fd uintptr) { news, err = in.acceptSome(fd) })
		if failed != nil {
			err = failed
		}
		return len(news) > 0 || err != nil
	})
	if waited != nil {
		return nil, net.ErrClosed
	}
	return news, err
}

func (in *intake) acceptSome(l uintptr) ([]accepted, error) {
	news := in.news[:0]
	for len(news) < cap(news) {
		x := &in.news[len(news)]
		size := uint32(unsafe.Sizeof(x.from))
		// The socket does not block.
		fd, _, no := syscall.RawSyscall6(syscall.SYS_ACCEPT4, l, uintptr(unsafe.Pointer(&x.from)), uintptr(unsafe.Pointer(&size)), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0, 0)
		switch no {
		case 0:
			x.fd = int(fd)
			news = in.news[:len(news)+1]
		case syscall.EINTR, syscall.ECONNABORTED:
		case syscall.EAGAIN:
			return news, nil
		default:
			if len(news) > 0 {
				return news, nil // it will say so again
			}
			return nil, no
		}
	}
	return news, nil
}

// client is the address as package net writes it.
func (x *accepted) client() string {
	port := (*[2]byte)(unsafe.Pointer(&x.from.Port)) // at the same place in both
	n := uint16(port[0])<<8 | uint16(port[1])
	if x.from.Family == syscall.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*syscall.RawSockaddrInet4)(unsafe.Pointer(&x.from)).Addr), n).String()
	}
	return netip.AddrPortFrom(netip.AddrFrom16(x.from.Addr).Unmap(), n).String()
}

// zoned reports whether the address is one of a network interface, which has a name.
func (x *accepted) zoned() bool { return x.from.Family == syscall.AF_INET6 && x.from.Scope_id != 0 }

// takeIn takes the connections that have come.
func (d *door) takeIn(l *listener) error {
	news, err := d.intake.accept()
	if err != nil {
		return err
	}
	now := time.Now()
	early := news[:0]
	for i := range news {
		if !d.meet(l, &news[i], now, false) {
			early = append(early, news[i])
		}
	}
	// Mostly the request is right behind the connection.
	for i := range early {
		d.meet(l, &early[i], now, true)
	}
	return nil
}

// meet reads from a new connection. Where there is nothing yet, it reports false, or where
// it must not wait any more lets Go's poller wait.
func (d *door) meet(l *listener, x *accepted, now time.Time, last bool) (met bool) {
	owned := true
	defer func() {
		if v := recover(); v != nil {
			d.s.o.Log.Error("panic", "client", x.client(), "value", v, "stack", string(debug.Stack()))
			if owned {
				syscall.Close(x.fd)
			}
			met = true
		}
	}()
	head := d.intake.head
	n, _, no := syscall.RawSyscall(syscall.SYS_READ, uintptr(x.fd), uintptr(unsafe.Pointer(&head[0])), uintptr(len(head)))
	switch {
	case no == syscall.EAGAIN || no == syscall.EINTR:
		if !last {
			return false
		}
		owned = false
		d.receive(l.adopt(x.fd))
		return true
	case no != 0 || n == 0:
		syscall.Close(x.fd)
		return true
	}
	read := head[:n]
	if r, head := usualHandshake(read); r != nil && !x.zoned() {
		r.RemoteAddr = x.client()
		svc, req := d.s.usual(r)
		if svc, ok := svc.(event.AsyncService); ok {
			a := &arrival{d: d, r: r, head: head, fd: x.fd, since: now}
			if rest := read[len(head):]; len(rest) > 0 {
				a.read = append(a.read, rest...)
			}
			owned = false
			a.begin(svc, req)
			return true
		}
	}
	owned = false
	d.receiveRead(l.adopt(x.fd), read)
	return true
}

// receiveRead is receive for a connection of which something was read. It makes a request of
// that anew: usual changes the headers of the one that it is given.
func (d *door) receiveRead(c *conn, read []byte) {
	r, head := usualHandshake(read)
	if r == nil {
		d.handOn(c, read)
		return
	}
	g := &guest{d: d, c: c}
	if !d.enter(g) {
		c.Close()
		return
	}
	read = append([]byte(nil), read...)
	go func() {
		defer g.out()
		g.handshake(r, read, len(head))
	}()
}

// adopt gives a connection of the system's to Go. Where that fails, it is over.
func (l *listener) adopt(fd int) *conn {
	// A client that sends its request in pieces may wait for a word of the first one. Where
	// this fails, it waits for some milliseconds.
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	f := os.NewFile(uintptr(fd), "connection")
	nc, err := net.FileConn(f)
	f.Close()
	if err != nil {
		nc, _ = net.Pipe()
		nc.Close()
	}
	return l.conn(nc)
}

func closeFile(fd int) { syscall.Close(fd) }
