package gates

import "workerd.local/loop"

// Waiter is one wait that has not been granted yet.
type Waiter struct {
	f          *loop.Future[*Lock]
	root       *InputGate
	section    *CriticalSection // set for the first wait of a section
	prev, next *Waiter          // nil when in no queue
}

func newWaiter(l *loop.Loop, root *InputGate, s *CriticalSection) *Waiter {
	call(root.hooks.WaiterAdded)
	return &Waiter{f: loop.NewFuture[*Lock](l), root: root, section: s}
}

// Cancel takes the waiter out of its queue; its wait fails with ErrCanceled. It
// reports whether it was in time: otherwise the outcome is on its way, and a
// lock in it still has to be released. Canceling the first wait of a section
// ends the section. A nil Waiter was never queued.
func (w *Waiter) Cancel() bool {
	if w == nil || w.next == nil {
		return false
	}
	w.unlink()
	call(w.root.hooks.WaiterRemoved)
	if w.section != nil {
		w.section.becomeEnded()
	}
	w.f.Reject(ErrCanceled)
	return true
}

func (w *Waiter) unlink() {
	w.prev.next, w.next.prev = w.next, w.prev
	w.prev, w.next = nil, nil
}

// queue is a FIFO of waiters: a ring with a sentinel, so that a waiter leaves and
// a whole queue moves in constant time.
type queue struct{ head Waiter }

func (q *queue) init() { q.head.prev, q.head.next = &q.head, &q.head }

func (q *queue) add(w *Waiter) {
	last := q.head.prev
	w.prev, w.next = last, &q.head
	last.next, q.head.prev = w, w
}

func (q *queue) pop() *Waiter {
	w := q.head.next
	if w == &q.head {
		return nil
	}
	w.unlink()
	return w
}

// take appends everything of other, in order.
func (q *queue) take(other *queue) {
	first, last := other.head.next, other.head.prev
	if first == &other.head {
		return
	}
	tail := q.head.prev
	tail.next, first.prev = first, tail
	last.next, q.head.prev = &q.head, last
	other.init()
}
