package serialize

import (
	"fmt"
	"sort"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

// maxKeyBytes is the length of a key of a KvStorage.
const maxKeyBytes = 512

// kvStorages are the namespaces of one worker, in memory: what a worker put there before it
// parked, its children have, each for itself.
type kvStorages struct {
	most   int // bytes of a namespace
	spaces map[string]*kvSpace
}

func newKV(most int) *kvStorages { return &kvStorages{most: most, spaces: map[string]*kvSpace{}} }

// kvSpace is one namespace.
type kvSpace struct {
	name   string
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

// open finds or makes a namespace; what it does when it is full cannot be changed.
func (k *kvStorages) open(name string, lru bool) (*kvSpace, error) {
	if s := k.spaces[name]; s != nil {
		if s.lru != lru {
			return nil, exception.DOM("InvalidStateError", fmt.Sprintf("The namespace '%s' is open with another eviction strategy.", name))
		}
		return s, nil
	}
	s := &kvSpace{name: name, lru: lru, values: map[string]*kvValue{}, most: k.most}
	k.spaces[name] = s
	return s, nil
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

var kvStoragesClass = &bind.Class[kvStorages]{
	Name: "KvStorages",
	Async: map[string]bind.Method[kvStorages]{
		"open": func(k *kvStorages, c *bind.Call) (any, error) {
			name, ok := c.Arg(0).(goja.String)
			if !ok {
				return nil, exception.TypeErrorf("Namespace should be a string")
			}
			strategy := ""
			if err := c.Options(2, "KvStorageOptions", "evictionStrategy", &strategy); err != nil {
				return nil, err
			}
			s, err := k.open(name.String(), strategy == "lru")
			if err != nil {
				return nil, err
			}
			return c.JS().Resolved(kvStorageClass.Wrap(c.JS(), s)), nil
		},
	},
}

var kvStorageClass = &bind.Class[kvSpace]{
	Name: "KvStorage",
	Async: map[string]bind.Method[kvSpace]{
		"get": func(s *kvSpace, c *bind.Call) (any, error) {
			key, err := kvKey(c)
			if err != nil {
				return nil, err
			}
			b, ok := s.get(key)
			if !ok {
				return c.JS().Resolved(nil), nil
			}
			return c.JS().Resolved(bind.NewUint8Array(c.JS(), append([]byte(nil), b...))), nil
		},
		"set": func(s *kvSpace, c *bind.Call) (any, error) {
			key, err := kvKey(c)
			if err != nil {
				return nil, err
			}
			b, err := bytesOf(c, 1)
			if err != nil {
				return nil, err
			}
			return c.JS().Resolved(nil), s.set(key, b)
		},
		"delete": func(s *kvSpace, c *bind.Call) (any, error) {
			key, err := kvKey(c)
			if err != nil {
				return nil, err
			}
			s.remove(key)
			return c.JS().Resolved(nil), nil
		},
		"list": func(s *kvSpace, c *bind.Call) (any, error) {
			keys := s.list()
			items := make([]any, len(keys))
			for i, k := range keys {
				items[i] = k
			}
			return c.JS().Resolved(c.JS().Runtime().NewArray(items...)), nil
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
