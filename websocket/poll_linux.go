package websocket

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// poll watches connections with an epoll set of its own. Each is added once, edge
// triggered for both directions, so that nothing has to be asked for again after each
// message; closing a connection takes it out. What the system tells of one that was
// closed meanwhile is known by its generation.
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

func (p *poll) add(c *Conn) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return errSetClosed
	}
	ev := syscall.EpollEvent{
		Events: syscall.EPOLLIN | syscall.EPOLLOUT | epollRDHUP | epollET,
		Fd:     int32(c.slot), Pad: int32(c.generation),
	}
	var failure error
	err := c.raw.Control(func(fd uintptr) {
		failure = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, int(fd), &ev)
	})
	if err == nil {
		err = failure
	}
	return err
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

// readNow reads what is there; errAgain says that there is nothing.
func (w *worker) readNow(c *Conn) (int, error) {
	err := c.raw.Read(w.reader)
	if err != nil {
		return 0, err
	}
	switch {
	case w.err == syscall.EAGAIN:
		return 0, errAgain
	case w.err != nil:
		return 0, w.err
	case w.n == 0:
		return 0, errEnd
	}
	return w.n, nil
}

// writeNow writes what fits.
func (w *worker) writeNow(c *Conn, b []byte) (int, error) {
	w.out = b
	err := c.raw.Write(w.writer)
	w.out = nil
	if err != nil {
		return 0, err
	}
	if w.err == syscall.EAGAIN {
		return 0, errAgain
	}
	return max(w.n, 0), w.err
}

// calls makes the two functions that the connection's lock on its file needs, once.
func (w *worker) calls() {
	w.reader = func(fd uintptr) bool {
		for {
			if w.n, w.err = syscall.Read(int(fd), w.in); w.err != syscall.EINTR {
				return true
			}
		}
	}
	w.writer = func(fd uintptr) bool {
		for {
			if w.n, w.err = syscall.Write(int(fd), w.out); w.err != syscall.EINTR {
				return true
			}
		}
	}
}
