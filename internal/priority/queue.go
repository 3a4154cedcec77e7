// Package priority has a queue whose items leave in their order, not in that of their coming, and
// can be taken out while they wait: timers, alarms, starts, values that expire. Each item keeps its
// Place, by which the queue finds it. A Queue belongs to whoever guards it.
package priority

import "container/heap"

// Place is where an item waits; the zero value is nowhere.
type Place struct {
	n int // 1 is the front
}

// Waits reports whether the item is in a queue.
func (p Place) Waits() bool { return p.n > 0 }

// Queue has items of which before tells the order; equal ones leave in any order.
type Queue[T any] struct {
	waiting items[T]
}

// New returns an empty queue. place is where an item keeps its place; it is in one queue at most.
func New[T any](before func(a, b T) bool, place func(T) *Place) Queue[T] {
	return Queue[T]{items[T]{before: before, place: place}}
}

// Len is how many items wait.
func (q *Queue[T]) Len() int { return len(q.waiting.all) }

// First is the item that Pop takes; there must be one.
func (q *Queue[T]) First() T { return q.waiting.all[0] }

// Push adds an item that waits nowhere.
func (q *Queue[T]) Push(x T) { heap.Push(&q.waiting, x) }

// Pop takes the first item; there must be one.
func (q *Queue[T]) Pop() T { return heap.Pop(&q.waiting).(T) }

// Remove takes an item out, and reports whether it was there.
func (q *Queue[T]) Remove(x T) bool {
	at := q.waiting.place(x).n
	if at == 0 {
		return false
	}
	heap.Remove(&q.waiting, at-1)
	return true
}

// items are the queue as container/heap wants it.
type items[T any] struct {
	all    []T
	before func(a, b T) bool
	place  func(T) *Place
}

func (h *items[T]) Len() int           { return len(h.all) }
func (h *items[T]) Less(i, j int) bool { return h.before(h.all[i], h.all[j]) }

func (h *items[T]) Swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	h.place(h.all[i]).n, h.place(h.all[j]).n = i+1, j+1
}

func (h *items[T]) Push(x any) {
	item := x.(T)
	h.all = append(h.all, item)
	h.place(item).n = len(h.all)
}

func (h *items[T]) Pop() any {
	last := len(h.all) - 1
	item := h.all[last]
	var none T
	h.all[last] = none // so that nothing keeps it
	h.all = h.all[:last]
	h.place(item).n = 0
	return item
}
