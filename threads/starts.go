package threads

import (
	"runtime"
	"sync"
	"time"

	"workerd.local/internal/priority"
)

// starts lets as many threads of a root begin at a time as there are processors. To begin is the dearest thing that
// a thread does: it makes a realm and evaluates an entry, some milliseconds without a pause. Go has no priorities, and a
// goroutine that becomes ready waits behind all that are ready; where thousands of threads begin at once, the others would
// have their turn seconds later. Who was started by the threads nearest to the top begins first, and of those who came
// first. Any goroutine.
type starts struct {
	mu      sync.Mutex // guards everything below
	under   int        // how many begin now
	seq     uint64
	waiting priority.Queue[*start]
}

// startShare is how long a thread that begins keeps others from doing so: an entry may compute for ever, or wait for a
// thread that has not begun.
const startShare = 100 * time.Millisecond

// start is one thread that begins, or waits to.
type start struct {
	depth int
	seq   uint64
	place priority.Place
	turn  chan struct{} // closed when it may begin
}

func newStarts() *starts {
	return &starts{waiting: priority.New(func(a, b *start) bool {
		if a.depth == b.depth {
			return a.seq < b.seq
		}
		return a.depth < b.depth
	}, func(s *start) *priority.Place { return &s.place })}
}

// wait returns when a thread of that depth may begin; done is to be called when it has. It is nil where over was closed
// first.
func (s *starts) wait(depth int, over <-chan struct{}) (done func()) {
	s.mu.Lock()
	if s.under < runtime.GOMAXPROCS(0) {
		s.under++
		s.mu.Unlock()
		return s.share()
	}
	s.seq++
	w := &start{depth: depth, seq: s.seq, turn: make(chan struct{})}
	s.waiting.Push(w)
	s.mu.Unlock()
	select {
	case <-w.turn:
		return s.share()
	case <-over:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waiting.Remove(w) {
		s.nextLocked() // its turn came meanwhile
	}
	return nil
}

// share is the end of a start, by a call or because it has taken too long.
func (s *starts) share() (done func()) {
	var once sync.Once
	next := func() {
		once.Do(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.nextLocked()
		})
	}
	late := time.AfterFunc(startShare, next)
	return func() {
		late.Stop()
		next()
	}
}

// nextLocked gives the place of a start that is over to the next.
func (s *starts) nextLocked() {
	if s.waiting.Len() == 0 {
		s.under--
		return
	}
	close(s.waiting.Pop().turn)
}
