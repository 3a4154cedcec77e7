// Package httpcache is the service behind the Cache API where a configuration names
// none: an HTTP cache in memory.
//
// It speaks what workerd's Cache API speaks to the service that cacheApiOutbound
// names. GET with Cache-Control: only-if-cached looks a response up; the answer says
// in CF-Cache-Status whether that was a HIT or a MISS. PUT stores: its body is a whole
// response, status line and headers included; 204 says that it was stored, 413 that it
// was not. PURGE removes, with 200 or 404. CF-Cache-Namespace names the cache.
//
// Words: an entry is a stored response; a view is what one worker sees of a store.
//
// Fetch may be called from any goroutine; it blocks for the body of a PUT only.
package httpcache

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"

	"workerd.local/event"
	"workerd.local/internal/limits"
)

// Options configure a Store.
type Options struct {
	Bounds *limits.Set
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Store keeps entries until they expire, or until others need the room: then those go
// that were not asked for longest.
type Store struct {
	now   func() time.Time
	bytes int64 // most that all entries take
	entry int64 // most that one takes

	mu      sync.Mutex
	entries map[key]*list.Element // of *entry
	used    *list.List            // the latest in front
	size    int64
}

type key struct{ owner, namespace, url string }

type entry struct {
	key     key
	status  int
	text    string
	header  http.Header
	body    []byte
	expires time.Time
	size    int64
}

// entryCost is about what an entry takes beside its text.
const entryCost = 512

// New returns an empty store.
func New(o Options) *Store {
	s := &Store{
		now: o.Now, bytes: limits.HTTPCacheBytes.Bytes(o.Bounds), entry: limits.HTTPCacheEntry.Bytes(o.Bounds),
		entries: map[key]*list.Element{}, used: list.New(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// View is the store as the owner sees it, who shares nothing but the room with others.
func (s *Store) View(owner string) event.Service { return &view{s, owner} }

// Size is the number of entries, and about the bytes that they take.
func (s *Store) Size() (entries int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries), s.size
}

func (s *Store) get(k key) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.entries[k]
	if at == nil {
		return nil
	}
	e := at.Value.(*entry)
	if !s.now().Before(e.expires) {
		s.remove(at)
		return nil
	}
	s.used.MoveToFront(at)
	return e
}

// put reports whether the entry was stored.
func (s *Store) put(e *entry) bool {
	e.size = entryCost + int64(len(e.key.owner)+len(e.key.namespace)+len(e.key.url)+len(e.text)+len(e.body))
	for name, vals := range e.header {
		for _, v := range vals {
			e.size += int64(len(name) + len(v) + 32)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.entries[e.key]; at != nil {
		s.remove(at)
	}
	if e.size > s.bytes {
		return false
	}
	for s.size+e.size > s.bytes {
		s.remove(s.used.Back())
	}
	s.entries[e.key] = s.used.PushFront(e)
	s.size += e.size
	return true
}

// purge reports whether there was such an entry.
func (s *Store) purge(k key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.entries[k]
	if at == nil {
		return false
	}
	fresh := s.now().Before(at.Value.(*entry).expires)
	s.remove(at)
	return fresh
}

func (s *Store) remove(at *list.Element) {
	e := s.used.Remove(at).(*entry)
	delete(s.entries, e.key)
	s.size -= e.size
}

type view struct {
	store *Store
	owner string
}

// Deliver is event.Service's.
func (*view) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

// Fetch is event.Service's.
func (v *view) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	k := key{v.owner, req.Header.Get("Cf-Cache-Namespace"), req.URL}
	switch req.Method {
	case http.MethodGet:
		// A lookup has no body that anybody would miss.
		_ = req.Body.Close()
		return v.store.match(k, req.Header), nil
	case http.MethodPut:
		return v.store.store(k, req.Body)
	case "PURGE":
		_ = req.Body.Close()
		if v.store.purge(k) {
			return answer(http.StatusOK), nil
		}
		return answer(http.StatusNotFound), nil
	}
	_ = req.Body.Close()
	return answer(http.StatusMethodNotAllowed), nil
}

func answer(status int) *event.Response {
	return &event.Response{Status: status, Header: http.Header{}, Body: event.BytesBody(nil)}
}
