package websocket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"workerd.local/internal/invariants"
)

// poll watches connections with an epoll set of its own. Each is added once, edge
// triggered, so that nothing has to be asked for again after each message; room to write
// is asked for when there was none. Closing a connection takes it out. What the system
// tells of one that was closed meanwhile is known by its generation.
//
// The set is itself a file that Go's own poller watches: waiting for it costs no thread.
type poll struct {
	file *os.File
	raw  syscall.RawConn
	fd   int

	mu     sync.RWMutex // held while fd is used; guards closed
	closed bool
}

func newPoll() (*poll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	p := &poll{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return p, nil
}

const (
	epollET    = 1 << 31
	epollRDHUP = 0x2000
)

// add watches a connection; what there is to read already is told, too.
func (p *poll) add(c *Conn) error {
	return p.control(c, syscall.EPOLL_CTL_ADD, syscall.EPOLLIN|epollRDHUP|epollET)
}

// writable asks to be told when there is room to write, or that there is some already.
func (p *poll) writable(c *Conn) error {
	return p.control(c, syscall.EPOLL_CTL_MOD, syscall.EPOLLIN|syscall.EPOLLOUT|epollRDHUP|epollET)
}

func (p *poll) control(c *Conn, op int, events uint32) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return errSetClosed
	}
	ev := syscall.EpollEvent{Events: events, Fd: int32(c.slot), Pad: int32(c.generation)}
	c.file.mu.Lock()
	defer c.file.mu.Unlock()
	if c.file.fd == 0 {
		return net.ErrClosed
	}
	return syscall.EpollCtl(p.fd, op, c.file.fd, &ev)
}

// run tells what happens until close.
func (p *poll) run(tell func([]readiness)) {
	events := make([]syscall.EpollEvent, 256)
	news := make([]readiness, 0, len(events))
	for {
		n, failure := 0, error(nil)
		err := p.raw.Read(func(fd uintptr) bool {
			for {
				n, failure = syscall.EpollWait(int(fd), events, 0)
				if failure != syscall.EINTR {
					return n != 0
				}
			}
		})
		if err != nil || failure != nil {
			return // closed
		}
		news = news[:0]
		for _, ev := range events[:n] {
			over := ev.Events&(syscall.EPOLLERR|syscall.EPOLLHUP) != 0
			news = append(news, readiness{
				slot: uint32(ev.Fd), generation: uint32(ev.Pad),
				readable: over || ev.Events&(syscall.EPOLLIN|epollRDHUP) != 0,
				writable: over || ev.Events&syscall.EPOLLOUT != 0,
				ended:    over || ev.Events&epollRDHUP != 0,
			})
		}
		tell(news)
	}
}

func (p *poll) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.file.Close()
}

// file is a connection's own number in the system. Go's net.Conn keeps addresses and a
// place in Go's poller for each, eight objects in all, which a connection that another
// poll watches does not need.
type file struct {
	mu sync.Mutex // held while fd is used; nothing that is done with it waits
	fd int        // 0: there is none, or it was closed
}

// take moves a connection to a number of its own, and closes nc where it can.
func (f *file) take(nc net.Conn) error {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Control(func(fd uintptr) {
		// The copy does not block either, as that is a property of what both name.
		n, _, no := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 3)
		if no != 0 {
			failure = no
			return
		}
		f.fd = int(n)
	})
	if err = errors.Join(err, failure); err != nil {
		return err
	}
	return nc.Close()
}

// adopt makes a number of the system's the connection's own.
func (f *file) adopt(fd int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fd = fd
}

// there reports whether the connection has a number of its own.
func (f *file) there() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fd != 0
}

// read reads what is there; errAgain says that there is nothing.
func (f *file) read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.fd != 0 {
		n, err := syscall.Read(f.fd, b)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, errAgain
		case err != nil:
			return 0, err
		case n == 0:
			return 0, errEnd
		}
		return n, nil
	}
	return 0, net.ErrClosed
}

// write writes what fits.
func (f *file) write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.fd != 0 {
		n, err := writeNow(f.fd, b)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, errAgain
		}
		return max(n, 0), err
	}
	return 0, net.ErrClosed
}

// shortBytes is how much is written without a word to Go's scheduler. It looks after calls of
// the system that may take long, fifty thousand times a second while there are any, and gives
// away the processor of those that it sees; a socket that does not block takes this much in a
// few microseconds.
const shortBytes = 16 << 10

func writeNow(fd int, b []byte) (int, error) {
	if len(b) == 0 || len(b) > shortBytes || invariants.Enabled { // the race detector wants to know, too
		return syscall.Write(fd, b)
	}
	n, _, no := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if no != 0 {
		return 0, no
	}
	return int(n), nil
}

// closeWrite ends the sending half. Where it fails, reading tells why.
func (f *file) closeWrite() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd != 0 {
		_ = syscall.Shutdown(f.fd, syscall.SHUT_WR)
	}
}

func (f *file) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd != 0 {
		syscall.Close(f.fd)
		f.fd = 0
	}
}
