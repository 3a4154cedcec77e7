package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT, which package syscall has no name for.
// The system then chooses the port of a source address when the connection is made: to look
// for one that nobody uses at all takes longer than everything else.
const ipBindAddressNoPort = 24

// opener opens sockets with the system's own calls, one thread for all of them. The load
// shares the machine with the server that it measures, and what it needs is taken from both
// alike: a goroutine for each socket, and Go's poller, would need twice as much.
type opener struct {
	o       order
	to      syscall.SockaddrInet4
	poll    int
	opening map[int]*opened // by the system's number
	socks   []*sock
}

// opened is a socket that is on its way.
type opened struct {
	i    int
	s    *sock
	late time.Time
}

// openAll opens the sockets of an order, and says how long that took.
func openAll(o order) (socks []*sock, took time.Duration, err error) {
	addr, err := net.ResolveTCPAddr("tcp4", o.Addr)
	if err != nil {
		return nil, 0, err
	}
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, 0, fmt.Errorf("epoll: %w", err)
	}
	op := &opener{o: o, poll: poll, opening: map[int]*opened{}, socks: make([]*sock, o.Count), to: syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}}
	done := make([]int, o.Count) // the numbers of those that are open
	begin := time.Now()
	err = op.run(done)
	took = time.Since(begin)
	// With it all that it watches.
	err = errors.Join(err, syscall.Close(poll))
	if err != nil {
		for fd := range op.opening {
			syscall.Close(fd)
		}
	}
	for i, fd := range done {
		switch {
		case fd == 0:
		case err != nil:
			syscall.Close(fd)
		default:
			// It does not block, so that Go's poller can wait for it from now on.
			op.socks[i].stream = os.NewFile(uintptr(fd), "socket")
		}
	}
	return op.socks, took, err
}

func (op *opener) run(done []int) error {
	events := make([]syscall.EpollEvent, crowd)
	for next, left := 0, op.o.Count; left > 0; {
		for ; next < op.o.Count && len(op.opening) < crowd; next++ {
			if err := op.start(next); err != nil {
				return err
			}
		}
		n, err := syscall.EpollWait(op.poll, events, 1000)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, ev := range events[:max(n, 0)] {
			fd := int(ev.Fd)
			x := op.opening[fd]
			if x == nil {
				continue // it is open, and has more to say
			}
			over, err := op.read(fd, x.s)
			if err != nil {
				return fmt.Errorf("socket %d: %w", x.i, err)
			}
			if over {
				done[x.i], op.socks[x.i] = fd, x.s
				delete(op.opening, fd)
				left--
			}
		}
		if n > 0 {
			continue
		}
		for _, x := range op.opening {
			if time.Now().After(x.late) {
				return fmt.Errorf("socket %d: no answer to the handshake within %s", x.i, crowdPatience)
			}
		}
	}
	return nil
}

// start connects a socket and asks for its handshake.
func (op *opener) start(i int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	op.opening[fd] = &opened{i: i, s: &sock{buf: make([]byte, 512)}, late: time.Now().Add(crowdPatience)}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return err
	}
	if ip := op.o.source(i); ip != nil {
		if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, ipBindAddressNoPort, 1); err != nil {
			return err
		}
		if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte(ip.To4())}); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	err = syscall.Connect(fd, &op.to)
	if err == syscall.EINPROGRESS || err == syscall.EINTR {
		err = connected(fd) // the server is on this machine: it is a matter of its queue
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	// A new connection has room for it.
	if _, err := syscall.Write(fd, handshake(op.o.path(i))); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return syscall.EpollCtl(op.poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// connected waits for a connection.
func connected(fd int) error {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer syscall.Close(poll)
	if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLOUT}); err != nil {
		return err
	}
	for {
		n, err := syscall.EpollWait(poll, make([]syscall.EpollEvent, 1), int(crowdPatience/time.Millisecond))
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return syscall.ETIMEDOUT
		}
		no, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ERROR)
		if err == nil && no != 0 {
			err = syscall.Errno(no)
		}
		return err
	}
}

// read takes what came of the answer to the handshake, and reports whether that is all.
func (op *opener) read(fd int, s *sock) (bool, error) {
	n, err := syscall.Read(fd, s.buf[s.w:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, errors.New("the server closed the connection")
	}
	s.w += n
	return s.agreed()
}
