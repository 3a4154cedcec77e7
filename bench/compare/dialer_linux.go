package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT, which package syscall has no name for.
// The system then chooses the port of a source address when the connection is made: to look
// for one that nobody uses at all takes longer than everything else.
const ipBindAddressNoPort = 24

// opener opens sockets with the system's own calls, one thread for all of them. The load
// shares the machine with the server that it measures, and what it needs is taken from both
// alike. So it makes few calls for each socket (socket, setsockopt, connect, write, read), none
// of which waits, and after it has looked at the answers it sleeps for nap: to be woken for
// each answer alone costs as much as to read it.
type opener struct {
	o        order
	to       syscall.RawSockaddrInet4
	requests [][]byte // by room
	opening  []opened
	watched  []pollFD // of opening, in the same order
	socks    []*sock
}

// opened is a socket that is on its way.
type opened struct {
	i    int
	sent bool
	head []byte // of the answer, where more is to come
	late time.Time
}

// nap is short beside how long a crowd of sockets takes, so that the server always has
// most of them to work at.
const nap = time.Millisecond

// pollFD is struct pollfd.
type pollFD struct {
	fd              int32
	events, revents int16
}

const (
	pollIn  = 0x1
	pollOut = 0x4
)

// openAll opens the sockets of an order, and says how long that took.
func openAll(o order) (socks []*sock, took time.Duration, err error) {
	addr, err := net.ResolveTCPAddr("tcp4", o.Addr)
	if err != nil {
		return nil, 0, err
	}
	op := &opener{o: o, socks: make([]*sock, o.Count), requests: make([][]byte, max(1, o.Rooms)), to: rawAddress(addr.IP, addr.Port)}
	for i := range op.requests {
		op.requests[i] = handshake(o.path(i))
	}
	done := make([]int, o.Count) // the numbers of those that are open
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := time.Now()
	err = op.run(done)
	took = time.Since(begin)
	if err != nil {
		for _, w := range op.watched {
			syscall.Close(int(w.fd))
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
	scratch := make([]byte, headBytes)
	for next, left := 0, op.o.Count; left > 0; {
		for ; next < op.o.Count && len(op.opening) < crowd; next++ {
			if err := op.start(next); err != nil {
				return fmt.Errorf("socket %d: %w", next, err)
			}
		}
		some, err := op.wait()
		if err != nil {
			return err
		}
		for k := len(op.opening) - 1; k >= 0 && some; k-- {
			if op.watched[k].revents == 0 {
				continue
			}
			x, fd := &op.opening[k], int(op.watched[k].fd)
			s, err := op.goOn(k, scratch)
			if err != nil {
				return fmt.Errorf("socket %d: %w", x.i, err)
			}
			if s != nil {
				done[x.i], op.socks[x.i] = fd, s
				op.forget(k)
				left--
			}
		}
		for k := 0; k < len(op.opening) && !some; k++ {
			if x := op.opening[k]; time.Now().After(x.late) {
				return fmt.Errorf("socket %d: no answer to the handshake within %s", x.i, crowdPatience)
			}
		}
	}
	return nil
}

// wait waits until some of the sockets that are on their way have something, or for a
// second.
func (op *opener) wait() (some bool, err error) {
	pause := syscall.NsecToTimespec(int64(nap))
	// Where it is interrupted it was shorter.
	syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0)
	n, err := poll(op.watched, 0)
	if n == 0 && err == nil {
		n, err = poll(op.watched, time.Second)
	}
	return n > 0, err
}

func poll(fds []pollFD, for_ time.Duration) (int, error) {
	ts := syscall.NsecToTimespec(int64(for_))
	call := syscall.Syscall6
	if for_ == 0 {
		call = syscall.RawSyscall6
	}
	n, _, no := call(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	switch no {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	}
	return 0, fmt.Errorf("poll: %w", no)
}

// start connects a socket and asks for its handshake. A server of this machine has the
// connection at once, unless its queue is full.
func (op *opener) start(i int) error {
	r, _, no := syscall.RawSyscall(syscall.SYS_SOCKET, syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if no != 0 {
		return fmt.Errorf("socket: %w", no)
	}
	fd := int(r)
	op.opening = append(op.opening, opened{i: i, late: time.Now().Add(crowdPatience)})
	op.watched = append(op.watched, pollFD{fd: int32(fd), events: pollIn})
	// The last packet of TCP's own handshake then waits for the request and goes with it: one
	// packet less of the seven that a socket would take.
	zero := int32(0)
	if _, _, no := syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, r, syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, uintptr(unsafe.Pointer(&zero)), unsafe.Sizeof(zero), 0); no != 0 {
		return fmt.Errorf("setsockopt: %w", no)
	}
	if ip := op.o.source(i); ip != nil {
		one := int32(1)
		if _, _, no := syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, r, syscall.IPPROTO_IP, ipBindAddressNoPort, uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one), 0); no != 0 {
			return fmt.Errorf("setsockopt: %w", no)
		}
		from := rawAddress(ip, 0)
		if _, _, no := syscall.RawSyscall(syscall.SYS_BIND, r, uintptr(unsafe.Pointer(&from)), unsafe.Sizeof(from)); no != 0 {
			return fmt.Errorf("bind: %w", no)
		}
	}
	if _, _, no := syscall.RawSyscall(syscall.SYS_CONNECT, r, uintptr(unsafe.Pointer(&op.to)), unsafe.Sizeof(op.to)); no != 0 && no != syscall.EINPROGRESS && no != syscall.EINTR {
		return fmt.Errorf("connect: %w", no)
	}
	return op.ask(len(op.opening) - 1)
}

// rawAddress is an address as the system has it.
func rawAddress(ip net.IP, port int) syscall.RawSockaddrInet4 {
	a := syscall.RawSockaddrInet4{Family: syscall.AF_INET, Addr: [4]byte(ip.To4())}
	p := (*[2]byte)(unsafe.Pointer(&a.Port))
	p[0], p[1] = byte(port>>8), byte(port)
	return a
}

// ask writes the request, for which a new connection has room, as soon as it is one.
func (op *opener) ask(k int) error {
	x, w := &op.opening[k], &op.watched[k]
	b := op.requests[x.i%len(op.requests)]
	n, _, no := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(w.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	switch {
	case no == syscall.EAGAIN || no == syscall.EINTR:
		w.events = pollOut
		return nil
	case no != 0:
		return fmt.Errorf("write: %w", no)
	case int(n) < len(b):
		return fmt.Errorf("%d bytes of the handshake were written", n)
	}
	x.sent, w.events = true, pollIn
	return nil
}

// goOn is told that a socket has something. Its end is what it returns when the handshake
// is complete.
func (op *opener) goOn(k int, scratch []byte) (*sock, error) {
	x := &op.opening[k]
	if !x.sent {
		return nil, op.ask(k)
	}
	have := copy(scratch, x.head)
	free := scratch[have:]
	n, _, no := syscall.RawSyscall(syscall.SYS_READ, uintptr(op.watched[k].fd), uintptr(unsafe.Pointer(&free[0])), uintptr(len(free)))
	switch {
	case no == syscall.EAGAIN || no == syscall.EINTR:
		return nil, nil
	case no != 0:
		return nil, no
	case n == 0:
		return nil, errors.New("the server closed the connection")
	}
	read := scratch[:have+int(n)]
	size, err := agreed(read)
	switch {
	case err != nil:
		return nil, err
	case size == 0:
		x.head = bytes.Clone(read)
		return nil, nil
	}
	s := &sock{}
	if rest := read[size:]; len(rest) > 0 {
		s.buf, s.w = bytes.Clone(rest), len(rest)
	}
	return s, nil
}

// forget takes a socket out of those that are on their way.
func (op *opener) forget(k int) {
	last := len(op.opening) - 1
	op.opening[k], op.watched[k] = op.opening[last], op.watched[last]
	op.opening, op.watched = op.opening[:last], op.watched[:last]
}
