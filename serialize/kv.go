package serialize

import (
	"fmt"
	"sort"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

// maxKeyBytes is the length of a key of a KvStorage.
const maxKeyBytes = 512

// kvStorages are the namespaces of a depot, in memory. Any goroutine; what it gives is
// immutable.
type kvStorages struct {
	most      int // bytes of a namespace
	mostNames int

	mu     sync.Mutex // guards spaces
	spaces map[string]*kvSpace
}

func newKV(mostNames, most int) *kvStorages {
	return &kvStorages{most: most, mostNames: mostNames, spaces: map[string]*kvSpace{}}
}

func (k *kvStorages) clone() *kvStorages {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := newKV(k.mostNames, k.most)
	for name, s := range k.spaces {
		copied := *s
		copied.values = make(map[string]*kvValue, len(s.values))
		for key, v := range s.values {
			value := *v
			copied.values[key] = &value
		}
		c.spaces[name] = &copied
	}
	return c
}

// kvSpace is one namespace.
type kvSpace struct {
	lru    bool // the oldest make room; else the new one is refused
	values map[string]*kvValue
	size   int
	clock  uint64
	most   int
}

type kvValue struct {
	bytes []byte
	used  uint64
}

// open makes a namespace where there is none; what it does when it is full cannot be changed.
func (k *kvStorages) open(name string, lru bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch s := k.spaces[name]; {
	case s != nil && s.lru != lru:
		return exception.DOM("InvalidStateError", fmt.Sprintf("The namespace '%s' is open with another eviction strategy.", name))
	case s == nil && len(k.spaces) >= k.mostNames:
		return exception.DOM("QuotaExceededError", "Namespace capacity exceeded")
	case s == nil:
		k.spaces[name] = &kvSpace{lru: lru, values: map[string]*kvValue{}, most: k.most}
	}
	return nil
}

// in calls do with a namespace.
func (k *kvStorages) in(name string, do func(s *kvSpace) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.spaces[name]
	if s == nil {
		return exception.DOM("InvalidStateError", "Store not found")
	}
	return do(s)
}

func (s *kvSpace) get(key string) ([]byte, bool) {
	v := s.values[key]
	if v == nil {
		return nil, false
	}
	s.clock++
	v.used = s.clock
	return v.bytes, true
}

func (s *kvSpace) set(key string, b []byte) error {
	size := len(key) + len(b)
	if size > s.most {
		return exception.DOM("QuotaExceededError", "Quota exceeded limit.")
	}
	left := s.size
	if old := s.values[key]; old != nil {
		left -= len(key) + len(old.bytes)
	}
	if left+size > s.most && !s.lru {
		return exception.DOM("QuotaExceededError", "Quota exceeded limit.")
	}
	s.remove(key)
	for s.size+size > s.most {
		s.evict()
	}
	s.clock++
	s.values[key] = &kvValue{bytes: b, used: s.clock}
	s.size += size
	return nil
}

func (s *kvSpace) evict() {
	oldest, at := "", uint64(0)
	for k, v := range s.values {
		if at == 0 || v.used < at {
			oldest, at = k, v.used
		}
	}
	s.remove(oldest)
}

func (s *kvSpace) remove(key string) {
	if v := s.values[key]; v != nil {
		s.size -= len(key) + len(v.bytes)
		delete(s.values, key)
	}
}

func (s *kvSpace) list() []string {
	keys := make([]string, 0, len(s.values))
	for k := range s.values {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// kvAll is aworker.kvStorages.
type kvAll struct{ w *Worker }

var kvStoragesClass = &bind.Class[kvAll]{
	Name: "KvStorages",
	Async: map[string]bind.Method[kvAll]{
		"open": func(k *kvAll, c *bind.Call) (any, error) {
			name, ok := c.Arg(0).(goja.String)
			if !ok {
				return nil, exception.TypeErrorf("Namespace should be a string")
			}
			strategy := ""
			if err := c.Options(2, "KvStorageOptions", "evictionStrategy", &strategy); err != nil {
				return nil, err
			}
			if err := k.w.depot.kv.open(name.String(), strategy == "lru"); err != nil {
				return nil, err
			}
			return c.JS().Resolved(kvStorageClass.Wrap(c.JS(), &kvOf{k.w, name.String()})), nil
		},
	},
}

// kvOf is a KvStorage: a name, so that it means the same namespace before and after a fork.
type kvOf struct {
	w    *Worker
	name string
}

func (h *kvOf) in(do func(s *kvSpace) error) error { return h.w.depot.kv.in(h.name, do) }

var kvStorageClass = &bind.Class[kvOf]{
	Name: "KvStorage",
	Async: map[string]bind.Method[kvOf]{
		"get": func(h *kvOf, c *bind.Call) (any, error) {
			key, err := kvKey(c)
			if err != nil {
				return nil, err
			}
			var b []byte
			found := false
			if err := h.in(func(s *kvSpace) error { b, found = s.get(key); return nil }); err != nil || !found {
				return c.JS().Resolved(nil), err
			}
			return c.JS().Resolved(bind.NewUint8Array(c.JS(), append([]byte(nil), b...))), nil
		},
		"set": func(h *kvOf, c *bind.Call) (any, error) {
			key, err := kvKey(c)
			if err != nil {
				return nil, err
			}
			b, err := bytesOf(c, 1)
			if err != nil {
				return nil, err
			}
			return c.JS().Resolved(nil), h.in(func(s *kvSpace) error { return s.set(key, b) })
		},
		"delete": func(h *kvOf, c *bind.Call) (any, error) {
			key, err := kvKey(c)
			if err != nil {
				return nil, err
			}
			return c.JS().Resolved(nil), h.in(func(s *kvSpace) error { s.remove(key); return nil })
		},
		"list": func(h *kvOf, c *bind.Call) (any, error) {
			var items []any
			err := h.in(func(s *kvSpace) error {
				for _, k := range s.list() {
					items = append(items, k)
				}
				return nil
			})
			return c.JS().Resolved(c.JS().Runtime().NewArray(items...)), err
		},
	},
}

func kvKey(c *bind.Call) (string, error) {
	v, ok := c.Arg(0).(goja.String)
	switch {
	case !ok:
		return "", exception.TypeErrorf("Key must be a string")
	case len(v.String()) > maxKeyBytes:
		return "", exception.TypeErrorf("Key byte length must not exceed %d bytes.", maxKeyBytes)
	}
	return v.String(), nil
}

// bytesOf is a copy of the bytes that an argument has: text, a buffer or a view.
func bytesOf(c *bind.Call, n int) ([]byte, error) {
	if s, ok := c.Arg(n).(goja.String); ok {
		return []byte(s.String()), nil
	}
	b, ok := bind.Bytes(c.JS(), c.Arg(n))
	if !ok {
		return nil, c.BadArg(n+1, "ArrayBuffer or ArrayBufferView")
	}
	return append([]byte(nil), b...), nil
}
