package cache

import (
	"errors"
	"fmt"

	"workerd.local/internal/invariants"
)

// checkedEntries bounds what a check at the end of every turn may cost.
const checkedEntries = 2048

// checkLater checks the cache at the end of this turn, in checked builds.
func (c *Cache) checkLater() {
	if !invariants.Enabled || c.checking || c.entries.len()+c.lru.clean.Len() > checkedEntries {
		return
	}
	c.checking = true
	c.l.AtTurnEnd(func() {
		c.checking = false
		if err := c.check(); err != nil {
			panic(err)
		}
	})
}

// check walks everything and reports the first broken promise.
func (c *Cache) check() error {
	var prev *entry
	places := map[place]int{}
	bytes := map[place]int{}
	n := 0
	for e := c.first; e != nil; prev, e = e, e.next {
		n++
		places[e.place]++
		bytes[e.place] += e.size()
		switch {
		case e.prev != prev:
			return fmt.Errorf("entry %q: broken links", e.key)
		case prev != nil && prev.key >= e.key:
			return fmt.Errorf("entry %q comes behind %q", e.key, prev.key)
		case c.find(e.key) != e:
			return fmt.Errorf("entry %q is not in the index", e.key)
		case e.cache != c:
			return fmt.Errorf("entry %q belongs to another cache", e.key)
		case e.place == orphan:
			return fmt.Errorf("entry %q is in no list", e.key)
		case (e.place == clean) != c.lru.clean.Contains(e):
			return fmt.Errorf("entry %q: clean %v, in the LRU %v", e.key, e.place == clean, c.lru.clean.Contains(e))
		case e.status == unknown && (e.place != clean || e.gapEmpty):
			return fmt.Errorf("entry %q is unknown, in list %d, with an empty gap: %v", e.key, e.place, e.gapEmpty)
		case e.status != present && e.value != nil, e.status == present && e.value == nil:
			return fmt.Errorf("entry %q: status %d with a value of %d bytes", e.key, e.status, len(e.value))
		case e.place == clean && e.redundant():
			return fmt.Errorf("entry %q says what the gaps around it say", e.key)
		case (e.place == pinned) != (e == c.marker):
			return fmt.Errorf("entry %q: pinned, but not what DeleteAll left", e.key)
		}
	}
	if c.byKey != nil && len(c.byKey) != n {
		return fmt.Errorf("%d entries are linked, %d can be found by key", n, len(c.byKey))
	}
	if prev != c.last || n != c.entries.len() {
		return fmt.Errorf("%d entries are linked, %d are indexed", n, c.entries.len())
	}
	for p, l := range map[place]*list{dirty: &c.dirty, flushing: &c.flushing, held: &c.held} {
		if err := l.check(p); err != nil {
			return err
		}
		if l.n != places[p] || l.bytes != bytes[p] {
			return fmt.Errorf("list %d: %d entries of %d bytes, the map has %d of %d", p, l.n, l.bytes, places[p], bytes[p])
		}
	}
	switch {
	case c.o.NeverFlush && (c.next != nil || c.cur != nil):
		return errors.New("a commit is scheduled, and nothing is to be written")
	case c.dirty.n > 0 && c.next == nil && !c.o.NeverFlush:
		return fmt.Errorf("%d entries are dirty, and nothing is scheduled", c.dirty.n)
	case c.flushing.n > 0 && c.cur == nil:
		return fmt.Errorf("%d entries are flushing, and nothing is in flight", c.flushing.n)
	case c.held.n > 0 && !c.reads.overlap.busy():
		return fmt.Errorf("%d entries are held for no reads", c.held.n)
	case c.terminal != nil && (n > 0 || c.next != nil):
		return fmt.Errorf("a cache that has ended has %d entries", n)
	}
	return c.lru.check()
}

func (l *list) check(p place) error {
	n, bytes := 0, 0
	var older *entry
	for e := l.first; e != nil; older, e = e, e.newer {
		if e.older != older || e.place != p {
			return fmt.Errorf("entry %q: broken links in list %d, or in list %d instead", e.key, p, e.place)
		}
		n++
		bytes += e.size()
	}
	if l.last != older || n != l.n || bytes != l.bytes {
		return fmt.Errorf("list %d has %d entries of %d bytes, not %d of %d", p, n, bytes, l.n, l.bytes)
	}
	return nil
}

func (s *SharedLRU) check() error {
	bytes := 0
	var tick uint32
	for _, e := range s.clean.Keys() { // oldest first
		if e.place != clean {
			return fmt.Errorf("entry %q is in the LRU and in list %d", e.key, e.place)
		}
		if e.tick < tick {
			return fmt.Errorf("entry %q is older than the one before it", e.key)
		}
		tick = e.tick
		bytes += e.size()
	}
	if bytes > s.total {
		return fmt.Errorf("clean entries have %d bytes, all entries %d", bytes, s.total)
	}
	return nil
}
