package napa

import (
	"runtime"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// store holds payloads by key, for all threads.
type store struct {
	system *System
	id     string

	mu      sync.Mutex // guards entries
	entries map[string]entry

	// Guarded by System.mu.
	handles int  // what scripts hold
	lasting bool // it stays without handles, too
}

// entry is a value of a store: a payload with what it names.
type entry struct {
	payload string
	context *Context // nil where the payload names nothing
}

func (e entry) size(key string) int64 { return int64(len(key) + len(e.payload)) }

// createStore makes a store; ok is false where the id is taken.
func (s *System) createStore(id string) (st *store, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stores[id] != nil {
		return nil, false, nil
	}
	st, err = s.addStoreLocked(id)
	return st, err == nil, err
}

func (s *System) addStoreLocked(id string) (*store, error) {
	if most := limits.NapaStores.In(s.o.Bounds); len(s.stores) >= most {
		return nil, exception.RangeErrorf("A program cannot have more than %d stores.", most)
	}
	st := &store{system: s, id: id, entries: map[string]entry{}, handles: 1}
	s.stores[id] = st
	return st, nil
}

// find is the store with the id, nil where there is none; a handle of it is taken.
func (s *System) find(id string) *store {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stores[id]
	if st != nil {
		st.handles++
	}
	return st
}

// getOrCreate is find, and makes the store where there is none. A lasting store needs no
// handle.
func (s *System) getOrCreate(id string, lasting bool) (*store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stores[id]
	if st == nil {
		var err error
		if st, err = s.addStoreLocked(id); err != nil {
			return nil, err
		}
		st.handles = 0
	}
	st.handles++
	st.lasting = st.lasting || lasting
	return st, nil
}

// release gives a handle back; a store that nobody holds is gone.
func (st *store) release() {
	s := st.system
	s.mu.Lock()
	st.handles--
	gone := st.handles == 0 && !st.lasting && s.stores[st.id] == st
	if gone {
		delete(s.stores, st.id)
	}
	s.mu.Unlock()
	if !gone {
		return
	}
	st.mu.Lock()
	n := int64(0)
	for key, e := range st.entries {
		n += e.size(key)
	}
	clear(st.entries)
	st.mu.Unlock()
	_ = s.charge(-n) // giving back does not fail
}

func (s *System) storeCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, st := range s.stores {
		if !st.lasting {
			n++
		}
	}
	return n
}

// charge counts bytes that stores hold.
func (s *System) charge(n int64) error {
	most := limits.NapaStored.Bytes(s.o.Bounds)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > 0 && s.stored+n > most {
		return exception.RangeErrorf("Stores cannot hold more than %d bytes.", most)
	}
	s.stored += n
	return nil
}

func (st *store) set(key string, e entry) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	grow := e.size(key)
	old, had := st.entries[key]
	if had {
		grow -= old.size(key)
	}
	if err := st.system.charge(grow); err != nil {
		return err
	}
	st.entries[key] = e
	return nil
}

func (st *store) get(key string) (entry, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	e, ok := st.entries[key]
	return e, ok
}

func (st *store) remove(key string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if e, ok := st.entries[key]; ok {
		delete(st.entries, key)
		_ = st.system.charge(-e.size(key)) // giving back does not fail
	}
}

func (st *store) size() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.entries)
}

// storeHandle is what scripts hold of a store, which lives as long as one of them.
type storeHandle struct{ *store }

func storeValue(js *isolate.JS, st *store) *goja.Object {
	h := &storeHandle{st}
	runtime.AddCleanup(h, (*store).release, st)
	return storeClass.Wrap(js, h)
}

// key reads the only argument, or the first one, which must be a string.
func key(c *bind.Call, args int) (string, error) {
	if c.Len() != args {
		return "", c.TypeError("%d arguments are required, %d given.", args, c.Len())
	}
	s, ok := c.Arg(0).(goja.String)
	if !ok {
		return "", c.BadArg(1, "string")
	}
	return s.String(), nil
}

var storeClass = &bind.Class[storeHandle]{
	Name: "StoreWrap",
	Getters: map[string]bind.Getter[storeHandle]{
		"id":   func(h *storeHandle, _ *bind.Call) (any, error) { return h.id, nil },
		"size": func(h *storeHandle, _ *bind.Call) (any, error) { return h.size(), nil },
	},
	Methods: map[string]bind.Method[storeHandle]{
		"set": func(h *storeHandle, c *bind.Call) (any, error) {
			k, err := key(c, 2)
			if err != nil {
				return nil, err
			}
			in := &carrier{system: h.system}
			payload, err := marshal(c.JS(), c.Arg(1), in)
			if err != nil {
				return nil, err
			}
			return nil, h.set(k, entry{payload, in.context})
		},
		"get": func(h *storeHandle, c *bind.Call) (any, error) {
			k, err := key(c, 1)
			if err != nil {
				return nil, err
			}
			e, ok := h.get(k)
			if !ok {
				return nil, nil
			}
			return unmarshal(c.JS(), e.payload, &carrier{system: h.system, context: e.context})
		},
		"has": func(h *storeHandle, c *bind.Call) (any, error) {
			k, err := key(c, 1)
			if err != nil {
				return nil, err
			}
			_, ok := h.get(k)
			return ok, nil
		},
		"delete": func(h *storeHandle, c *bind.Call) (any, error) {
			k, err := key(c, 1)
			if err == nil {
				h.remove(k)
			}
			return nil, err
		},
	},
}

// storeFunctions are the functions of napa.store.
var storeFunctions = map[string]bind.Static{
	"create": func(c *bind.Call) (any, error) {
		p, id, err := storeCall(c)
		if err != nil {
			return nil, err
		}
		st, ok, err := p.System.createStore(id)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, exception.Errorf("Store with id %s already exists.", quoted(id))
		}
		return storeValue(c.JS(), st), nil
	},
	"get": func(c *bind.Call) (any, error) {
		p, id, err := storeCall(c)
		if err != nil {
			return nil, err
		}
		if st := p.System.find(id); st != nil {
			return storeValue(c.JS(), st), nil
		}
		return nil, nil
	},
	"getOrCreate": func(c *bind.Call) (any, error) {
		p, id, err := storeCall(c)
		if err != nil {
			return nil, err
		}
		st, err := p.System.getOrCreate(id, false)
		if err != nil {
			return nil, err
		}
		return storeValue(c.JS(), st), nil
	},
	"count": func(c *bind.Call) (any, error) {
		p, err := placeOf(c.JS())
		if err != nil {
			return nil, err
		}
		return p.System.storeCount(), nil
	},
}

func storeCall(c *bind.Call) (*Place, string, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, "", err
	}
	id, err := key(c, 1)
	return p, id, err
}
