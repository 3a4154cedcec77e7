package cache

import (
	"math"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// LRUOptions configure a SharedLRU; the zero value means the defaults.
type LRUOptions struct {
	// SoftBytes is where clean entries begin to be forgotten, oldest first, of
	// whatever actor; 0 means 16 MiB.
	SoftBytes int
	// HardBytes is where an actor that needs more is reset; 0 means 128 MiB.
	HardBytes int
	// DirtyBytes is how much one actor may have unwritten before its writes are
	// slowed down; 0 means 8 MiB.
	DirtyBytes int
	// StaleAfter is the age at which an unused clean entry is forgotten: between
	// one and two times this; 0 means 30 s.
	StaleAfter time.Duration
}

// SharedLRU is the memory that the caches of one isolate share. It belongs to
// the isolate's loop.
type SharedLRU struct {
	o        LRUOptions
	clean    *simplelru.LRU[*entry, struct{}]
	newest   *entry // the entry used last, at its tick
	total    int    // bytes of all entries, and of what unanswered lists hold
	tick     uint32
	nextTick time.Time
}

// NewSharedLRU returns an empty one.
func NewSharedLRU(o LRUOptions) *SharedLRU {
	if o.SoftBytes == 0 {
		o.SoftBytes = 16 << 20
	}
	if o.HardBytes == 0 {
		o.HardBytes = 128 << 20
	}
	if o.DirtyBytes == 0 {
		o.DirtyBytes = 8 << 20
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = 30 * time.Second
	}
	// Bytes bound it, not the number of entries.
	clean, err := simplelru.NewLRU[*entry, struct{}](math.MaxInt, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &SharedLRU{o: o, clean: clean}
}

// Bytes is the memory in use: every entry of every cache, and what lists hold
// that are not answered yet.
func (s *SharedLRU) Bytes() int { return s.total }

// EvictStale forgets clean entries that were not used for a while. The isolate
// calls it at the beginning of a turn; it does nothing until StaleAfter has passed
// since the last time that it did something.
func (s *SharedLRU) EvictStale(now time.Time) {
	if s.nextTick.IsZero() {
		s.nextTick = now.Add(s.o.StaleAfter)
		return
	}
	if now.Before(s.nextTick) {
		return
	}
	s.nextTick = now.Add(s.o.StaleAfter)
	s.tick++
	s.newest = nil
	for {
		e, _, ok := s.clean.GetOldest()
		if !ok || e.tick+1 >= s.tick {
			return
		}
		e.cache.evict(e)
	}
}

// add takes in an entry that is clean now.
func (s *SharedLRU) add(e *entry) {
	e.tick = s.tick
	s.clean.Add(e, struct{}{})
	s.newest = e
}

// use notes that a clean entry was used. While there is plenty of room, once a
// tick is enough: it is what staleness needs, and reordering for every read
// would cost more than the read.
func (s *SharedLRU) use(e *entry) {
	if s.newest == e || e.tick == s.tick && s.total < s.o.SoftBytes/2 {
		return
	}
	e.tick = s.tick
	s.clean.Get(e)
	s.newest = e
}

func (s *SharedLRU) remove(e *entry) {
	s.clean.Remove(e)
	if s.newest == e {
		s.newest = nil
	}
}

// release gives back the bytes of an entry that is forgotten, once no read holds
// it.
func (s *SharedLRU) release(e *entry) {
	if e.readers > 0 {
		e.lingers = true
		return
	}
	s.total -= e.size()
}

// unhold is told that a read is done with an entry.
func (s *SharedLRU) unhold(e *entry) {
	if e.readers--; e.readers == 0 && e.lingers {
		e.lingers = false
		s.total -= e.size()
	}
}

// trim forgets clean entries until the soft limit is kept, and reports whether
// the hard limit is.
func (s *SharedLRU) trim() bool {
	for s.total > s.o.SoftBytes {
		e, _, ok := s.clean.GetOldest()
		if !ok {
			return s.total <= s.o.HardBytes
		}
		e.cache.evict(e)
	}
	return true
}
