//go:build !windows

package supervise

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Child is the parent as its child sees it.
type Child struct {
	link       *link
	page       []byte
	restarted  bool
	quarantine []Quarantine
	reading    sync.WaitGroup
	closing    chan struct{}
	once       sync.Once

	mu        sync.Mutex // guards inherited
	inherited []Socket   // not taken yet
}

// Inherited returns the parent of this process, or nil where it has none.
func Inherited() (*Child, error) {
	text, ok := os.LookupEnv(childEnv)
	if !ok {
		return nil, nil
	}
	if err := os.Unsetenv(childEnv); err != nil {
		return nil, err
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%s is not what a supervising process sets: unset it", childEnv, text)
	}
	l, err := linkOn(os.NewFile(uintptr(fd), "supervisor"))
	if err != nil {
		return nil, fmt.Errorf("%s=%s, but there is no supervising process: unset it (%w)", childEnv, text, err)
	}
	c, err := newChild(l)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the supervising process does not answer: %w", err), l.close())
	}
	return c, nil
}

func newChild(l *link) (*Child, error) {
	m, files, err := l.receive()
	if err != nil {
		return nil, err
	}
	defer closeAll(files)
	if m.Kind != kindStart {
		return nil, fmt.Errorf("it began with %q", m.Kind)
	}
	c := &Child{link: l, restarted: m.Restart, closing: make(chan struct{})}
	now := time.Now()
	for _, q := range m.Quarantine {
		c.quarantine = append(c.quarantine, Quarantine{q.Subject, now.Add(q.Left)})
	}
	for i, s := range m.Sockets {
		listener, err := net.FileListener(files[i])
		if err != nil {
			return nil, fmt.Errorf("socket %q: it handed over no listening socket: %w", s.Name, err)
		}
		if u, ok := listener.(*net.UnixListener); ok {
			// The socket's file goes with the last server, unless somebody else made it.
			u.SetUnlinkOnClose(!strings.HasPrefix(s.Address, "fd:"))
		}
		c.inherited = append(c.inherited, Socket{s.Name, s.Address, listener})
	}
	if c.page, err = mapPage(files[len(files)-1], m.PageBytes); err != nil {
		return nil, fmt.Errorf("map the page in which isolates note what they run: %w", err)
	}
	return c, nil
}

// Restarted says that another child has listened before.
func (c *Child) Restarted() bool { return c.restarted }

// Quarantine is who is to be refused.
func (c *Child) Quarantine() []Quarantine { return c.quarantine }

// Slot is the slot of an isolate by its number, or nil where there is none.
func (c *Child) Slot(isolate int) *Slot {
	if (isolate+1)*slotBytes > len(c.page) {
		return nil
	}
	return newSlot(c.page[isolate*slotBytes:])
}

// Take returns the listening socket that the last child had for an address, or nil. Of
// several it is the one with the name.
func (c *Child) Take(name, address string) net.Listener {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := -1
	for i, s := range c.inherited {
		if s.Address == address && (found < 0 || s.Name == name) {
			found = i
			if s.Name == name {
				break
			}
		}
	}
	if found < 0 {
		return nil
	}
	l := c.inherited[found].Listener
	c.inherited = append(c.inherited[:found], c.inherited[found+1:]...)
	return l
}

// Keep hands copies of all open sockets to the parent, in place of what it has. What was
// not taken is closed. It is called whenever the sockets have changed; the first call
// says that the server serves.
func (c *Child) Keep(open []Socket) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, s := range c.inherited {
		errs = append(errs, s.Listener.Close())
	}
	c.inherited = nil
	m := message{Kind: kindListening}
	var files []*os.File
	defer func() { closeAll(files) }()
	for _, s := range open {
		l, ok := s.Listener.(interface{ File() (*os.File, error) })
		if !ok {
			return fmt.Errorf("socket %q cannot be handed to the supervising process", s.Name)
		}
		f, err := l.File()
		if err != nil {
			return fmt.Errorf("socket %q: %w", s.Name, err)
		}
		m.Sockets, files = append(m.Sockets, socketName{s.Name, s.Address}), append(files, f)
	}
	if err := c.link.send(m, files...); err != nil {
		errs = append(errs, fmt.Errorf("hand the sockets to the supervising process: %w", err))
	}
	return errors.Join(errs...)
}

// Listen calls stop when the parent asks the child to drain, reload when it asks it to
// read its configuration again, and orphaned when the parent is gone, until Close.
func (c *Child) Listen(stop, reload, orphaned func()) {
	c.reading.Go(func() {
		for {
			m, files, err := c.link.receive()
			closeAll(files)
			if err != nil {
				select {
				case <-c.closing:
				default:
					orphaned()
				}
				return
			}
			switch m.Kind {
			case kindStop:
				stop()
			case kindReload:
				reload()
			}
		}
	})
}

// Close ends Listen.
func (c *Child) Close() (err error) {
	c.once.Do(func() {
		close(c.closing)
		err = c.link.close()
		c.reading.Wait()
	})
	return err
}
