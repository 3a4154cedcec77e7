package memorycache

import (
	"cmp"
	"container/list"
	"slices"
	"sync"

	"workerd.local/internal/priority"
)

// Limits bound a cache. Where one of them is 0, nothing is kept.
type Limits struct {
	MaxKeys       uint32
	MaxValueBytes uint32
	MaxTotalBytes uint64
}

// effective is the limits without what cannot be used.
func (l Limits) effective() Limits {
	if l.MaxKeys == 0 || l.MaxValueBytes == 0 || l.MaxTotalBytes == 0 {
		return Limits{}
	}
	l.MaxValueBytes = uint32(min(uint64(l.MaxValueBytes), l.MaxTotalBytes))
	return l
}

// Caches are the caches of a process, by their ids. Any goroutine.
type Caches struct {
	mu   sync.Mutex
	byID map[string]*Cache
}

// NewCaches makes an empty set.
func NewCaches() *Caches { return &Caches{byID: map[string]*Cache{}} }

// Use is a cache for one more user, which is one that nobody else has where id is
// empty. The limits of a cache are the largest that its users suggest; Close takes the
// suggestion back, and the cache away once nobody uses it.
func (cs *Caches) Use(id string, l Limits) *Use {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.byID[id]
	if c == nil {
		c = newCache()
		if id != "" {
			cs.byID[id] = c
		}
	}
	u := &Use{cache: c, set: cs, id: id, limits: l.effective()}
	c.users++
	c.mu.Lock()
	defer c.mu.Unlock()
	c.suggested = append(c.suggested, u.limits)
	c.resize()
	return u
}

// Use is one user's hold of a cache. Any goroutine.
type Use struct {
	cache  *Cache
	set    *Caches
	id     string
	limits Limits
	once   sync.Once
}

// Close ends the use; values that are being made go on being made.
func (u *Use) Close() error {
	u.once.Do(func() {
		u.set.mu.Lock()
		defer u.set.mu.Unlock()
		c := u.cache
		c.mu.Lock()
		defer c.mu.Unlock()
		i := slices.Index(c.suggested, u.limits)
		c.suggested = slices.Delete(c.suggested, i, i+1)
		c.resize()
		if c.users--; c.users == 0 && u.set.byID[u.id] == c {
			delete(u.set.byID, u.id)
		}
	})
	return nil
}

// Cache keeps values, which are bytes, until they expire or there is no room. Times are
// milliseconds since 1970, as the asking script sees them.
type Cache struct {
	users int // guarded by Caches.mu

	mu        sync.Mutex
	suggested []Limits
	limits    Limits
	entries   map[string]*entry
	used      list.List // of *entry, the most recently used first
	expiring  priority.Queue[*entry]
	total     uint64 // bytes of values
	making    map[string]*making
}

// entry is one value.
type entry struct {
	key    string
	value  []byte
	expiry float64
	used   *list.Element
	place  priority.Place // in expiring, where it expires
}

func newCache() *Cache {
	return &Cache{
		entries: map[string]*entry{}, making: map[string]*making{},
		expiring: priority.New(func(a, b *entry) bool { return cmp.Less(a.expiry, b.expiry) }, func(e *entry) *priority.Place { return &e.place }),
	}
}

// making is a value that somebody makes, and who waits for it.
type making struct{ waiting []Waiter }

// Waiter is told the value that somebody else made, or gets the turn to make it. It
// reports false where nobody is left to be told. It runs on any goroutine and must not
// call the cache.
type Waiter func(value []byte, turn *Turn) bool

// Turn is the right, and the duty, to make the value of one key: Done or Fail must be
// called. Only the first call counts.
type Turn struct {
	cache *Cache
	key   string
	m     *making
	once  sync.Once
}

// Get returns the value of a key.
func (u *Use) Get(key string, now float64) (value []byte, ok bool) {
	u.cache.mu.Lock()
	defer u.cache.mu.Unlock()
	return u.cache.get(key, now)
}

// Read is Get for somebody who can make the value: where there is none, it returns the
// turn to make it, or keeps the waiter while another makes it, and returns neither.
func (u *Use) Read(key string, now float64, w Waiter) (value []byte, ok bool, turn *Turn) {
	c := u.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if value, ok = c.get(key, now); ok {
		return value, true, nil
	}
	if m := c.making[key]; m != nil {
		m.waiting = append(m.waiting, w)
		return nil, false, nil
	}
	m := &making{}
	c.making[key] = m
	return nil, false, &Turn{cache: c, key: key, m: m}
}

// Delete forgets a key.
func (u *Use) Delete(key string) {
	u.cache.mu.Lock()
	defer u.cache.mu.Unlock()
	u.cache.remove(u.cache.entries[key])
}

// Done keeps the value, until expiry where that is not nil, and gives it to all who wait.
func (t *Turn) Done(value []byte, expiry *float64, now float64) {
	t.once.Do(func() {
		c := t.cache
		c.mu.Lock()
		c.put(t.key, value, expiry, now)
		delete(c.making, t.key)
		waiting := t.m.waiting
		t.m.waiting = nil
		c.mu.Unlock()
		for _, w := range waiting {
			w(value, nil)
		}
	})
}

// Fail gives the turn to who waits longest.
func (t *Turn) Fail() {
	t.once.Do(func() {
		for {
			t.cache.mu.Lock()
			if len(t.m.waiting) == 0 {
				delete(t.cache.making, t.key)
				t.cache.mu.Unlock()
				return
			}
			next := t.m.waiting[0]
			t.m.waiting = t.m.waiting[1:]
			t.cache.mu.Unlock()
			if next(nil, &Turn{cache: t.cache, key: t.key, m: t.m}) {
				return
			}
		}
	})
}

func (c *Cache) get(key string, now float64) ([]byte, bool) {
	e := c.entries[key]
	if e == nil {
		return nil, false
	}
	if e.place.Waits() && e.expiry < now {
		c.remove(e)
		return nil, false
	}
	c.used.MoveToFront(e.used)
	return e.value, true
}

// put keeps a value where it fits; a value that does not fit is nobody's value any more.
func (c *Cache) put(key string, value []byte, expiry *float64, now float64) {
	c.remove(c.entries[key])
	if uint64(len(value)) > uint64(c.limits.MaxValueBytes) || c.limits.MaxKeys == 0 || expiry != nil && *expiry < now {
		return
	}
	for len(c.entries) >= int(c.limits.MaxKeys) || c.total+uint64(len(value)) > c.limits.MaxTotalBytes {
		c.evict(now)
	}
	e := &entry{key: key, value: value}
	c.entries[key] = e
	e.used = c.used.PushFront(e)
	c.total += uint64(len(value))
	if expiry != nil {
		e.expiry = *expiry
		c.expiring.Push(e)
	}
}

// evict removes what has expired, or else what was not used for longest.
func (c *Cache) evict(now float64) {
	if c.expiring.Len() > 0 && c.expiring.First().expiry < now {
		c.remove(c.expiring.First())
		return
	}
	c.remove(c.used.Back().Value.(*entry))
}

func (c *Cache) remove(e *entry) {
	if e == nil {
		return
	}
	delete(c.entries, e.key)
	c.used.Remove(e.used)
	c.total -= uint64(len(e.value))
	c.expiring.Remove(e)
}

// resize applies the limits that the users suggest: first the values that are too large
// go, then others until the rest fits.
func (c *Cache) resize() {
	c.limits = Limits{}
	for _, l := range c.suggested {
		c.limits.MaxKeys = max(c.limits.MaxKeys, l.MaxKeys)
		c.limits.MaxValueBytes = max(c.limits.MaxValueBytes, l.MaxValueBytes)
		c.limits.MaxTotalBytes = max(c.limits.MaxTotalBytes, l.MaxTotalBytes)
	}
	var large []*entry
	for _, e := range c.entries {
		if uint64(len(e.value)) > uint64(c.limits.MaxValueBytes) {
			large = append(large, e)
		}
	}
	for _, e := range large {
		c.remove(e)
	}
	for len(c.entries) > int(c.limits.MaxKeys) || c.total > c.limits.MaxTotalBytes {
		c.remove(c.used.Back().Value.(*entry))
	}
}
