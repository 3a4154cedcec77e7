package serialize

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"workerd.local/exception"
)

// cacheStore is the caches of a depot, by name, in memory. Any goroutine; what it gives is
// immutable.
type cacheStore struct {
	most int // bytes

	mu    sync.Mutex // guards what follows
	list  []*namedCache
	size  int
	clock uint64
}

// namedCache is one cache: its entries, in the order in which they came. Those whose
// requests differ in nothing but the search are in one bucket.
type namedCache struct {
	name    string
	buckets map[string][]*cached
}

// cached is a request and the response to it.
type cached struct {
	method, url string // with its fragment
	path        string // without search and fragment
	search      string
	header      http.Header
	answer      cachedAnswer
	seq         uint64
}

// cachedAnswer is a response; a nil body is none.
type cachedAnswer struct {
	status     int
	statusText string
	url        string
	redirected bool
	header     http.Header
	body       []byte
}

// cacheCost is about what an entry, or a cache, takes beside its texts.
const cacheCost = 512

// newCached is an entry without its response.
func newCached(method, address string, header http.Header) *cached {
	e := &cached{method: method, url: address, header: header}
	e.path, _, _ = strings.Cut(address, "#")
	e.path, e.search, _ = strings.Cut(e.path, "?")
	return e
}

func (e *cached) size() int {
	n := cacheCost + len(e.method) + 2*len(e.url) + len(e.answer.statusText) + len(e.answer.url) + len(e.answer.body)
	for _, h := range []http.Header{e.header, e.answer.header} {
		for name, values := range h {
			for _, v := range values {
				n += len(name) + len(v) + 32
			}
		}
	}
	return n
}

// cacheQuery is what a lookup lets pass.
type cacheQuery struct{ ignoreSearch, ignoreMethod, ignoreVary bool }

// answers reports whether e is an answer to the request q: "request matches cached item" of
// the standard.
func (o cacheQuery) answers(q, e *cached) bool {
	if q.method != http.MethodGet && !o.ignoreMethod || q.path != e.path || q.search != e.search && !o.ignoreSearch {
		return false
	}
	return o.ignoreVary || !slices.ContainsFunc(varies(e.answer.header), func(name string) bool {
		return name == "*" || strings.Join(q.header.Values(name), ", ") != strings.Join(e.header.Values(name), ", ")
	})
}

// varies are the names that a Vary header has.
func varies(h http.Header) (names []string) {
	for _, line := range h.Values("Vary") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

func newCacheStore(most int) *cacheStore { return &cacheStore{most: most} }

func (s *cacheStore) clone() *cacheStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &cacheStore{most: s.most, size: s.size, clock: s.clock}
	for _, n := range s.list {
		copied := &namedCache{name: n.name, buckets: make(map[string][]*cached, len(n.buckets))}
		for path, bucket := range n.buckets {
			copied.buckets[path] = slices.Clone(bucket)
		}
		c.list = append(c.list, copied)
	}
	return c
}

// find is with mu.
func (s *cacheStore) find(name string) *namedCache {
	for _, n := range s.list {
		if n.name == name {
			return n
		}
	}
	return nil
}

// open makes the cache where there is none.
func (s *cacheStore) open(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.openHeld(name)
	return err
}

// openHeld is open with mu.
func (s *cacheStore) openHeld(name string) (*namedCache, error) {
	if n := s.find(name); n != nil {
		return n, nil
	}
	if s.size+cacheCost+len(name) > s.most {
		return nil, errCacheFull
	}
	n := &namedCache{name: name, buckets: map[string][]*cached{}}
	s.list = append(s.list, n)
	s.size += cacheCost + len(name)
	return n, nil
}

var errCacheFull = exception.DOM("QuotaExceededError", "Quota exceeded limit.")

func (s *cacheStore) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(name) != nil
}

// names are those of the caches, in the order in which they were opened.
func (s *cacheStore) names() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.list {
		list = append(list, n.name)
	}
	return list
}

// drop removes a cache, and reports whether there was one.
func (s *cacheStore) drop(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.find(name)
	if n == nil {
		return false
	}
	for _, bucket := range n.buckets {
		for _, e := range bucket {
			s.size -= e.size()
		}
	}
	s.size -= cacheCost + len(name)
	s.list = slices.DeleteFunc(s.list, func(other *namedCache) bool { return other == n })
	return true
}

// entries are those of a cache that answer q, in the order in which they came; nil asks for
// all. A cache that was deleted has none.
func (s *cacheStore) entries(name string, q *cached, o cacheQuery) (list []*cached) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.find(name)
	switch {
	case n == nil:
	case q != nil:
		for _, e := range n.buckets[q.path] {
			if o.answers(q, e) {
				list = append(list, e)
			}
		}
	default:
		for _, bucket := range n.buckets {
			list = append(list, bucket...)
		}
		slices.SortFunc(list, func(a, b *cached) int { return int(int64(a.seq - b.seq)) })
	}
	return list
}

// errCacheTwice is for a batch that would replace what it has put itself.
var errCacheTwice = exception.DOM("InvalidStateError", "Two of the requests have one place in the cache.")

// put stores a batch, as a whole or not at all; entries for the same requests make room. A
// cache that was deleted is there again.
func (s *cacheStore) put(name string, batch []*cached) error {
	earlier := map[string][]*cached{}
	for _, e := range batch {
		if slices.ContainsFunc(earlier[e.path], func(other *cached) bool { return cacheQuery{}.answers(e, other) }) {
			return errCacheTwice
		}
		earlier[e.path] = append(earlier[e.path], e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size := s.size
	n := s.find(name)
	if n == nil {
		size += cacheCost + len(name)
	}
	replaced := map[*cached]bool{}
	for _, e := range batch {
		size += e.size()
		if n == nil {
			continue
		}
		for _, old := range n.buckets[e.path] {
			if !replaced[old] && (cacheQuery{}).answers(e, old) {
				replaced[old] = true
				size -= old.size()
			}
		}
	}
	if size > s.most {
		return errCacheFull
	}
	if n == nil {
		var err error
		if n, err = s.openHeld(name); err != nil {
			return err
		}
	}
	for _, e := range batch {
		s.clock++
		stored := *e
		stored.seq = s.clock
		bucket := n.buckets[e.path]
		if len(replaced) > 0 {
			bucket = slices.DeleteFunc(bucket, func(old *cached) bool { return replaced[old] })
		}
		n.buckets[e.path] = append(bucket, &stored)
	}
	s.size = size
	return nil
}

// remove removes what answers q, and reports whether there was something.
func (s *cacheStore) remove(name string, q *cached, o cacheQuery) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.find(name)
	if n == nil {
		return false
	}
	found := false
	rest := slices.DeleteFunc(n.buckets[q.path], func(e *cached) bool {
		if !o.answers(q, e) {
			return false
		}
		found = true
		s.size -= e.size()
		return true
	})
	if n.buckets[q.path] = rest; len(rest) == 0 {
		delete(n.buckets, q.path)
	}
	return found
}

// isCacheable reports whether a URL may be a key: http and https.
func isCacheable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}
