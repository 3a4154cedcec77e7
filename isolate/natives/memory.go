package natives

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Memory is what SharedArrayBuffers stand on, perhaps those of several runtimes. It never grows. Plain reads and
// writes of it by several goroutines are races, as they are in JavaScript; Atomics are sync/atomic's.
type Memory struct {
	bytes []byte // of whole words, the first of which is aligned

	mu      sync.Mutex // guards waiters
	waiters map[int][]*Waiter
}

// NewMemory returns n zero bytes, the first of which is aligned to eight.
func NewMemory(n int) *Memory {
	words := make([]uint64, (n+7)/8)
	m := &Memory{}
	if n > 0 {
		m.bytes = unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)[:n]
	}
	return m
}

// Bytes is the memory itself.
func (m *Memory) Bytes() []byte { return m.bytes }

// load reads the element of size bytes at an offset that it is aligned to.
func (m *Memory) load(at, size int) uint64 {
	p := unsafe.Pointer(&m.bytes[at])
	switch size {
	case 8:
		return atomic.LoadUint64((*uint64)(p))
	case 4:
		return uint64(atomic.LoadUint32((*uint32)(p)))
	}
	word, in := m.word(at)
	w := atomic.LoadUint32(word)
	return elementIn(&w, in, size)
}

// update puts f(old) in the place of the element, and returns old. f may be asked more than once.
func (m *Memory) update(at, size int, f func(old uint64) uint64) uint64 {
	p := unsafe.Pointer(&m.bytes[at])
	switch size {
	case 8:
		for {
			if old := atomic.LoadUint64((*uint64)(p)); atomic.CompareAndSwapUint64((*uint64)(p), old, f(old)) {
				return old
			}
		}
	case 4:
		for {
			if old := atomic.LoadUint32((*uint32)(p)); atomic.CompareAndSwapUint32((*uint32)(p), old, uint32(f(uint64(old)))) {
				return uint64(old)
			}
		}
	}
	// Smaller elements are a part of a word, whose other parts stay what they are.
	word, in := m.word(at)
	for {
		w := atomic.LoadUint32(word)
		next := w
		old := elementIn(&w, in, size)
		setElementIn(&next, in, size, f(old))
		if atomic.CompareAndSwapUint32(word, w, next) {
			return old
		}
	}
}

// word is the aligned word around an offset, and the place in it.
func (m *Memory) word(at int) (word *uint32, in int) {
	start := at &^ 3
	return (*uint32)(unsafe.Pointer(&m.bytes[:cap(m.bytes)][start])), at - start
}

// elementIn is the element within a word.
func elementIn(w *uint32, in, size int) uint64 {
	p := unsafe.Add(unsafe.Pointer(w), in)
	if size == 1 {
		return uint64(*(*uint8)(p))
	}
	return uint64(*(*uint16)(p))
}

func setElementIn(w *uint32, in, size int, v uint64) {
	p := unsafe.Add(unsafe.Pointer(w), in)
	if size == 1 {
		*(*uint8)(p) = uint8(v)
		return
	}
	*(*uint16)(p) = uint16(v)
}

// Waiter is one agent that waits at a place of a memory. Wake is called once at most, by any goroutine, with the
// memory's lock held.
type Waiter struct{ wake func() }

// await adds a waiter at an offset where the element there is still the wanted one. full says that most wait already.
func (m *Memory) await(at, size int, want uint64, w *Waiter, most int) (waits, full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.load(at, size) != want {
		return false, false
	}
	if len(m.waiters[at]) >= most {
		return false, true
	}
	if m.waiters == nil {
		m.waiters = map[int][]*Waiter{}
	}
	m.waiters[at] = append(m.waiters[at], w)
	return true, false
}

// forget takes a waiter out, and reports whether it was still there: else it has been woken.
func (m *Memory) forget(at int, w *Waiter) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.waiters[at], w)
	if i < 0 {
		return false
	}
	m.setWaiters(at, slices.Delete(m.waiters[at], i, i+1))
	return true
}

// notify wakes the n waiters that came first, and returns how many there were.
func (m *Memory) notify(at int, n int64) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.waiters[at]
	count := int(min(n, int64(len(list))))
	for _, w := range list[:count] {
		w.wake()
	}
	m.setWaiters(at, slices.Clone(list[count:]))
	return count
}

func (m *Memory) setWaiters(at int, list []*Waiter) {
	if len(list) == 0 {
		delete(m.waiters, at)
		return
	}
	m.waiters[at] = list
}
