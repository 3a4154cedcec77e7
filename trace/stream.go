package trace

import (
	"sync"
	"sync/atomic"

	"workerd.local/internal/limits"
)

// eventOverhead is what an event costs in a queue beside its texts (workerd).
const eventOverhead = 64

// Budget is how many bytes may wait for one tail worker. Any goroutine.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of limits.TraceHeld.
func NewBudget(bounds *limits.Set) *Budget { return &Budget{limit: int64(limits.TraceHeld.In(bounds))} }

// Take takes n bytes, or reports false where there is no room for them.
func (b *Budget) Take(n int) bool {
	if b == nil {
		return true
	}
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

// Give gives bytes back.
func (b *Budget) Give(n int) {
	if b != nil {
		b.used.Add(int64(-n))
	}
}

// Stream is the events of one invocation on their way to one reader. What a slow reader
// leaves waiting beyond limits.TraceQueue, or beyond the reader's budget, is dropped and
// counted, but for the first event and the last ones. Any goroutine.
type Stream struct {
	limit  int
	budget *Budget

	mu      sync.Mutex // guards what follows
	queue   []queued
	size    int
	dropped uint32
	closed  bool
	wake    func()
}

type queued struct {
	e    *Event
	size int // taken from the budget
}

// NewStream returns an empty stream; a nil budget is endless.
func NewStream(bounds *limits.Set, budget *Budget) *Stream {
	return &Stream{limit: limits.TraceQueue.In(bounds), budget: budget}
}

// Next returns what has come, or nil; then wake is called once when something comes, on
// any goroutine, and must not block. The first event comes alone.
func (s *Stream) Next(wake func()) []*Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		if !s.closed {
			s.wake = wake
		}
		return nil
	}
	n := len(s.queue)
	if _, onset := s.queue[0].e.Body.(*Onset); onset {
		n = 1
	}
	out := make([]*Event, n)
	for i, q := range s.queue[:n] {
		out[i] = q.e
		s.size -= q.size
		s.budget.Give(q.size)
	}
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return out
}

// Stop says that the reader wants no more.
func (s *Stream) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget.Give(s.size)
	s.queue, s.size, s.closed, s.wake = nil, 0, true, nil
}

// put adds an event of about size bytes.
func (s *Stream) put(e *Event, size int) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	size += eventOverhead
	last := false
	switch e.Body.(type) {
	case *Onset, *Return:
		last = true
	case *Outcome:
		last = true
		if s.dropped > 0 {
			d := *e
			d.Body = &Dropped{Count: s.dropped}
			s.queue = append(s.queue, queued{e: &d})
			later := *e
			later.Sequence++
			e = &later
		}
	}
	switch {
	case s.size < s.limit && s.budget.Take(size):
	case last:
		size = 0
	default:
		s.dropped++
		s.mu.Unlock()
		return
	}
	s.queue = append(s.queue, queued{e, size})
	s.size += size
	wake := s.wake
	s.wake = nil
	s.mu.Unlock()
	if wake != nil {
		wake()
	}
}
