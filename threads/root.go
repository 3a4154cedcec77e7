package threads

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// RootOptions are what the isolates of all threads of a root have in common; the zero value is usable.
type RootOptions struct {
	Host   isolate.Host
	Log    *slog.Logger
	Limits isolate.Limits
	Guard  *isolate.MemoryGuard
	// Recorder, which may be nil, gives what notes for whom a thread runs code, and takes it back at its end; a nil one
	// where there is none left.
	Recorder func() (r isolate.Recorder, release func())
	// FirstID is the id of the first thread: 0 where that is a program's main one.
	FirstID int
	// MostAlive is how many threads may be alive at a time; 0 means limits.ThreadsAlive.
	MostAlive int
}

// Root is everything of one program or of one deployed worker. Its methods may be called from any goroutine.
type Root struct {
	o      RootOptions
	starts *starts

	mu     sync.Mutex // guards everything below, and the children of threads
	nextID int
	alive  int
	closed bool
	tops   map[*Thread]struct{}
	empty  chan struct{} // closed when none is alive; nil while nobody waits
}

// NewRoot returns a root without threads.
func NewRoot(o RootOptions) *Root {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Root{o: o, starts: newStarts(), nextID: o.FirstID, tops: map[*Thread]struct{}{}}
}

// Alive is how many threads have begun and not ended.
func (r *Root) Alive() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alive
}

// Bounds are the numbers of the root's limits.
func (r *Root) Bounds() *limits.Set { return r.o.Limits.Bounds }

// CallStack is how deep calls may nest in threads that say nothing of it.
func (r *Root) CallStack() int { return r.o.Limits.Or(isolate.DefaultLimits).CallStack }

// Start begins a thread. It runs from now on; what its owner does within the turn of the call, such as posting
// messages, happens before it can end by itself. Errors: the root is closed, the parent ends, or there are too many.
func (r *Root) Start(s Spec) (*Thread, error) {
	t := newThread(r, s)
	if err := r.add(t); err != nil {
		if t.unrecord != nil {
			t.unrecord()
		}
		return nil, err
	}
	t.begin()
	return t, nil
}

func (r *Root) add(t *Thread) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	siblings := r.tops
	if p := t.spec.Parent; p != nil {
		if p.ending {
			return fmt.Errorf("start a thread: %w", ErrDead)
		}
		if p.children == nil {
			p.children = map[*Thread]struct{}{}
		}
		siblings = p.children
	}
	limit := r.o.MostAlive
	if limit == 0 {
		limit = limits.ThreadsAlive.In(r.Bounds())
	}
	if r.alive >= limit {
		return exception.RangeErrorf("There are %d threads already, and there cannot be more.", limit)
	}
	if limit := limits.ThreadsChildren.In(r.Bounds()); len(siblings) >= limit {
		return exception.RangeErrorf("The thread has %d threads of its own already, and it cannot have more.", limit)
	}
	if r.closed {
		return fmt.Errorf("start a thread: %w", ErrDead)
	}
	t.id = r.nextID
	r.nextID++
	r.alive++
	siblings[t] = struct{}{}
	return nil
}

// remove forgets a thread that has ended.
func (r *Root) remove(t *Thread) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := t.spec.Parent; p != nil {
		delete(p.children, t)
	} else {
		delete(r.tops, t)
	}
	if r.alive--; r.alive == 0 && r.empty != nil {
		close(r.empty)
		r.empty = nil
	}
}

// killChildren kills what a thread has started, all the way down, and lets it start nothing more. It returns the
// children.
func (r *Root) killChildren(t *Thread) []*Thread {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.ending = true
	list := make([]*Thread, 0, len(t.children))
	for c := range t.children {
		list = append(list, c)
	}
	for _, c := range list {
		c.killLocked()
	}
	return list
}

// Close kills all threads, depth first, and waits until they have ended or ctx is done. No other can be started.
func (r *Root) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	for t := range r.tops {
		t.killLocked()
	}
	if r.alive == 0 {
		r.mu.Unlock()
		return nil
	}
	if r.empty == nil {
		r.empty = make(chan struct{})
	}
	empty := r.empty
	r.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d threads have not ended: %w", r.Alive(), ctx.Err())
	}
}

// Owner is who started a thread and hears of it. Its functions run as tasks of the loop, one after the other. A nil
// function does not want to know.
type Owner struct {
	// Context is the owner's, whose end is a kill of the thread, and which a thread that counts keeps alive; nil where
	// the owner has none.
	Context *iocontext.Context
	// Entry is where the functions are to re-enter an actor: what the thread says waits for it, one thing at a time, and
	// the rest in the thread's outbox, which has bounds.
	Entry iocontext.Entry
	// Loop is the owner's where there is no Context. Where there is neither, the functions run on the thread's own
	// goroutine.
	Loop    *loop.Loop
	Message func(m Message)
	Failure func(f *Failure)
	// Exit is told last, once.
	Exit func(code int)
}
