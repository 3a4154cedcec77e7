package serialize

import (
	"sync"

	"workerd.local/internal/limits"
)

// depot is what the agent of the original keeps for its workers: key and value stores,
// caches, and whose turn it is to fetch what. A worker has one of its own until it parks, so that a
// run that is repeated finds in it what the first one did; children of one seed share a
// copy of it. Any goroutine.
type depot struct {
	kv     *kvStorages
	caches *cacheStore
	turns  *turns
}

func newDepot(bounds *limits.Set) *depot {
	return &depot{
		kv:     newKV(limits.KVStorageSpaces.In(bounds), limits.KVStorageBytes.In(bounds)),
		caches: newCacheStore(limits.CacheStorageBytes.In(bounds)),
		turns:  newTurns(),
	}
}

// clone has the same contents; nobody waits there.
func (d *depot) clone() *depot {
	return &depot{kv: d.kv.clone(), caches: d.caches.clone(), turns: newTurns()}
}

// turns are rights that one has at a time, by name, and who waits for them. Any goroutine.
type turns struct {
	mu   sync.Mutex // guards held
	held map[string][]*turn
}

// turn is a place in the queue for one name. Who is first has the right.
type turn struct {
	of    *turns
	key   string
	ready func()
}

func newTurns() *turns { return &turns{held: map[string][]*turn{}} }

// take joins the queue for a name. now says that the right is there; else ready is called
// once it is, on the goroutine of who gives it back. Whoever took a place calls leave.
func (t *turns) take(key string, ready func()) (u *turn, now bool) {
	u = &turn{of: t, key: key, ready: ready}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held[key] = append(t.held[key], u)
	return u, len(t.held[key]) == 1
}

// leave gives the place up, and the right to the next one; any number of times.
func (u *turn) leave() {
	t := u.of
	t.mu.Lock()
	queue := t.held[u.key]
	var next *turn
	for i, other := range queue {
		if other != u {
			continue
		}
		// A copy: what the queue was may still be read.
		rest := append(append([]*turn(nil), queue[:i]...), queue[i+1:]...)
		if t.held[u.key] = rest; len(rest) == 0 {
			delete(t.held, u.key)
		} else if i == 0 {
			next = rest[0]
		}
		break
	}
	t.mu.Unlock()
	if next != nil {
		next.ready()
	}
}
