package cache

import (
	"unsafe"

	"github.com/tidwall/btree"

	"workerd.local/internal/invariants"
)

// status is what is known of a key.
type status uint8

const (
	unknown status = iota // only the end of a known range
	absent
	present
)

// place is the one list that an entry is in.
type place uint8

const (
	orphan   place = iota // not in a cache
	clean                 // in the SharedLRU: storage has this
	dirty                 // in the cache's dirty list: to be written
	flushing              // in the list of the commit that is in flight
	held                  // written, but kept until the reads that overlapped are over
	pinned                // what DeleteAll leaves until it is durable: not to be forgotten
)

// entry is what a cache knows of one key and of the gap behind it. A value that
// is overwritten is replaced, never changed.
type entry struct {
	key        string
	value      []byte
	prev, next *entry // in the order of keys
	older      *entry // in the dirty, flushing or held list
	newer      *entry
	cache      *Cache
	tick       uint32 // clean: SharedLRU's clock when it was last used; dirty: the turn that wrote it
	readers    uint32 // lists under way that hold it
	status     status
	place      place
	gapEmpty   bool // storage has nothing strictly between key and next.key
	noCache    bool // forget it once it is durable
	counted    bool // an absent entry that a counted delete takes care of
	lingers    bool // forgotten, but its bytes still count for its readers
}

// entryBytes is the memory of an entry beside its key and value: itself, its
// place in the index and in the SharedLRU.
const entryBytes = int(unsafe.Sizeof(entry{})) + 140

func (e *entry) size() int { return entryBytes + len(e.key) + len(e.value) }

// list is a FIFO of entries.
type list struct {
	first, last *entry
	n           int
	bytes       int
}

func (l *list) add(e *entry) {
	e.older, e.newer = l.last, nil
	if l.last == nil {
		l.first = e
	} else {
		l.last.newer = e
	}
	l.last = e
	l.n++
	l.bytes += e.size()
}

// insert adds an entry behind another one, or in front where that is nil.
func (l *list) insert(e, older *entry) {
	if older == l.last {
		l.add(e)
		return
	}
	e.older = older
	if older == nil {
		e.newer, l.first = l.first, e
	} else {
		e.newer, older.newer = older.newer, e
	}
	e.newer.older = e
	l.n++
	l.bytes += e.size()
}

// remove takes out e, whose size is the one it was added with.
func (l *list) remove(e *entry) {
	if e.older == nil {
		l.first = e.newer
	} else {
		e.older.newer = e.newer
	}
	if e.newer == nil {
		l.last = e.older
	} else {
		e.newer.older = e.older
	}
	e.older, e.newer = nil, nil
	l.n--
	l.bytes -= e.size()
}

// append moves everything that o has behind what l has.
func (l *list) append(o *list) {
	switch {
	case o.first == nil:
		return
	case l.first == nil:
		*l = *o
	default:
		l.last.newer, o.first.older = o.first, l.last
		l.last = o.last
		l.n += o.n
		l.bytes += o.bytes
	}
	*o = list{}
}

// entries is the ordered map: a B-tree to find a place, links to walk, and, where
// there are many, a hash table to find a key.
type entries struct {
	index       *btree.Map[string, *entry] // nil while empty
	byKey       map[string]*entry          // nil while there are few
	first, last *entry
}

// manyEntries is where the hash table begins to pay.
const manyEntries = 128

func (m *entries) len() int {
	if m.index == nil {
		return 0
	}
	return m.index.Len()
}

func (m *entries) find(key string) *entry {
	switch {
	case m.byKey != nil:
		return m.byKey[key]
	case m.index == nil:
		return nil
	}
	e, _ := m.index.Get(key)
	return e
}

// floor returns the last entry whose key is not after key.
func (m *entries) floor(key string) *entry {
	if m.index == nil {
		return nil
	}
	if m.last.key <= key {
		return m.last
	}
	var found *entry
	m.index.Descend(key, func(_ string, e *entry) bool { found = e; return false })
	return found
}

// below returns the last entry whose key is before key, or the very last one
// where key is empty (no upper bound).
func (m *entries) below(key string) *entry {
	if key == "" {
		return m.last
	}
	e := m.floor(key)
	if e != nil && e.key == key {
		return e.prev
	}
	return e
}

// from returns the first entry whose key is not before key.
func (m *entries) from(key string) *entry {
	e := m.floor(key)
	switch {
	case e == nil:
		return m.first
	case e.key == key:
		return e
	}
	return e.next
}

// insert adds an entry behind prev, its floor (nil: before everything).
func (m *entries) insert(e, prev *entry) {
	if m.index == nil {
		m.index = btree.NewMap[string, *entry](indexDegree)
	}
	_, had := m.index.Set(e.key, e)
	invariants.Check(!had, "entry %q is inserted twice", e.key)
	switch {
	case m.byKey != nil:
		m.byKey[e.key] = e
	case m.index.Len() > manyEntries:
		m.byKey = make(map[string]*entry, 2*manyEntries)
		m.index.Scan(func(k string, e *entry) bool { m.byKey[k] = e; return true })
	}
	e.prev = prev
	if prev == nil {
		e.next, m.first = m.first, e
	} else {
		e.next, prev.next = prev.next, e
	}
	if e.next == nil {
		m.last = e
	} else {
		e.next.prev = e
	}
}

// indexDegree keeps the B-tree of a small actor small: nodes of up to 31 keys.
const indexDegree = 16

func (m *entries) remove(e *entry) {
	m.index.Delete(e.key)
	if m.byKey != nil {
		delete(m.byKey, e.key)
		if m.index.Len() < manyEntries/2 {
			m.byKey = nil
		}
	}
	if e.prev == nil {
		m.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		m.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
	if m.first == nil {
		m.index = nil
	}
}
