package websocket

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"workerd.local/internal/limits"
)

// Errors of a Set.
var (
	errSetClosed = errors.New("the server stops")
	// ErrTooMany says that a Set has as many connections as it may have.
	ErrTooMany = errors.New("too many WebSockets are open")
	// ErrNotWatched says that the system has no means to watch connections.
	ErrNotWatched = errors.New("connections cannot be watched")
)

// Set is the connections of a server, and who reads and writes them.
type Set struct {
	maxMessage  int64
	queueBytes  int64
	totalBytes  int64
	partBytes   int64
	closeTime   time.Duration
	connections int

	queued atomic.Int64 // bytes that wait to be sent, of all connections
	held   atomic.Int64 // bytes of messages that are not complete

	mu      sync.Mutex // guards what follows
	slots   []slot
	free    []uint32
	open    int
	poll    *poll
	started bool
	closed  bool
	gone    chan struct{} // closed and made anew whenever a connection is over; nil where nobody waits

	work  ready
	tasks sync.WaitGroup
}

// slot is the place of a connection, by which the poll names it. A generation tells it
// from those that had the place before.
type slot struct {
	c          *Conn
	generation uint32
}

// NewSet returns a set without connections; bounds may be nil. It starts nothing before
// the first connection.
func NewSet(bounds *limits.Set) *Set {
	s := &Set{
		maxMessage:  int64(limits.WebSocketMessage.In(bounds)),
		queueBytes:  int64(limits.WebSocketQueue.In(bounds)),
		totalBytes:  int64(limits.WebSocketQueues.In(bounds)),
		partBytes:   int64(limits.WebSocketParts.In(bounds)),
		closeTime:   limits.WebSocketClose.In(bounds),
		connections: limits.WebSocketConnections.In(bounds),
	}
	s.work.init()
	return s
}

// Len is the number of connections that are open.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// reserve makes room for a connection, before its handshake is answered. Whoever makes
// none of it calls release.
func (s *Set) reserve() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errSetClosed
	case s.open >= s.connections:
		return ErrTooMany
	}
	s.open++
	return nil
}

func (s *Set) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free1()
}

// free1 notes that one connection less is open. The lock is held.
func (s *Set) free1() {
	s.open--
	if s.gone != nil {
		close(s.gone)
		s.gone = nil
	}
}

// add gives a connection its place, for which there is room, and begins to watch it.
func (s *Set) add(c *Conn) error {
	if err := s.place(c); err != nil || c.nc != nil {
		return err
	}
	if err := s.poll.add(c); err != nil {
		s.remove(c)
		s.tasks.Done()
		return err
	}
	return nil
}

// place gives a connection its place.
func (s *Set) place(c *Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.free1()
		return errSetClosed
	}
	s.start()
	var i uint32
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		i = uint32(len(s.slots))
		s.slots = append(s.slots, slot{})
	}
	s.slots[i].c = c
	c.slot, c.generation = i, s.slots[i].generation
	s.tasks.Add(1) // until finish
	return nil
}

// polls reports whether connections can be watched.
func (s *Set) polls() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.start()
	return s.poll != nil
}

// start makes the workers. The lock is held.
func (s *Set) start() {
	if s.started {
		return
	}
	s.started = true
	p, err := newPoll()
	if err != nil {
		return // goroutines do it, too
	}
	s.poll = p
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		p.run(s.woken)
	}()
	for range max(2, runtime.GOMAXPROCS(0)) {
		s.tasks.Add(1)
		go func() {
			defer s.tasks.Done()
			s.worker()
		}()
	}
}

// remove takes back a connection's place.
func (s *Set) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(c.slot) >= len(s.slots) || s.slots[c.slot].c != c {
		return
	}
	s.slots[c.slot].c = nil
	s.slots[c.slot].generation++
	s.free = append(s.free, c.slot)
	s.free1()
}

// woken is told what the system says of connections.
func (s *Set) woken(news []readiness) {
	var batch [64]*Conn
	for len(news) > 0 {
		part := news[:min(len(news), len(batch))]
		s.mu.Lock()
		for i, r := range part {
			batch[i] = nil
			if int(r.slot) < len(s.slots) && s.slots[r.slot].generation == r.generation {
				batch[i] = s.slots[r.slot].c
			}
		}
		s.mu.Unlock()
		for i, r := range part {
			if c := batch[i]; c != nil {
				c.woken(r.readable, r.writable, r.ended)
			}
		}
		news = news[len(part):]
	}
}

// all is the connections that belong to owner, or all where it is nil.
func (s *Set) all(owner any) []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*Conn
	for _, x := range s.slots {
		if x.c != nil && (owner == nil || x.c.owner == owner) {
			list = append(list, x.c)
		}
	}
	return list
}

// GoAway ends the connections that belong to owner, or all where it is nil: the other
// sides get a close frame with the code 1001 and have until ctx ends, or the time that a
// close may take, to answer it. Handlers are told nothing any more.
func (s *Set) GoAway(ctx context.Context, owner any) {
	for _, c := range s.all(owner) {
		c.goAway()
	}
	for {
		s.mu.Lock()
		if s.gone == nil {
			s.gone = make(chan struct{})
		}
		gone := s.gone
		s.mu.Unlock()
		left := s.all(owner)
		if len(left) == 0 {
			return
		}
		select {
		case <-gone:
		case <-ctx.Done():
			for _, c := range left {
				c.Abort(errSetClosed)
			}
			return
		}
	}
}

// Close cuts all connections and ends what works for them. Nothing is added any more.
func (s *Set) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	p := s.poll
	s.mu.Unlock()
	for _, c := range s.all(nil) {
		c.Abort(errSetClosed)
	}
	if p != nil {
		p.close()
	}
	s.work.close()
	s.tasks.Wait()
}

// worker reads and writes connections until Close.
func (s *Set) worker() {
	w := newWorker()
	for {
		c := s.work.take()
		if c == nil {
			return
		}
		c.run(w)
	}
}

// ready is the connections that have something to read or to write and wait for a
// worker. Each is in it once at most, so it is as long as there are connections.
type ready struct {
	mu     sync.Mutex // guards what follows
	some   sync.Cond
	list   []*Conn
	head   int
	closed bool
}

func (r *ready) init() { r.some.L = &r.mu }

func (r *ready) put(c *Conn) {
	r.mu.Lock()
	r.list = append(r.list, c)
	r.mu.Unlock()
	r.some.Signal()
}

// take waits for a connection; nil means that there will be none.
func (r *ready) take() *Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.head == len(r.list) {
		if r.closed {
			return nil
		}
		r.some.Wait()
	}
	c := r.list[r.head]
	r.list[r.head] = nil
	if r.head++; r.head == len(r.list) {
		if cap(r.list) > 4096 {
			r.list = nil // do not keep the memory of one burst for ever
		}
		r.list, r.head = r.list[:0], 0
	}
	return c
}

func (r *ready) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.some.Broadcast()
}

// readiness is what the system says of one connection.
type readiness struct {
	slot, generation uint32
	readable         bool
	writable         bool
	ended            bool // the other side has ended its half, or all of it
}

// rawConn is the connection below c that can be read without waiting; nil where there
// is none.
func rawConn(c net.Conn) net.Conn {
	for {
		switch x := c.(type) {
		case *net.TCPConn, *net.UnixConn:
			return c
		case interface{ Unwrap() net.Conn }:
			c = x.Unwrap()
		default:
			return nil
		}
	}
}
