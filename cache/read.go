package cache

import (
	"workerd.local/loop"
	"workerd.local/storage"
)

// readers counts the reads that storage has not answered, by generation. A
// commit waits for the reads that began before it. What it wrote stays in memory
// until the reads that began while it was in flight are over as well, so that an
// answer from before the commit cannot be taken for news.
type readers struct {
	now     *generation // nil while there are none
	before  *generation // what the commit in Cache.cur waits for
	overlap *generation // what the entries in Cache.held wait for
}

type generation struct {
	n    int
	idle func() // runs when n is back at 0
}

// begin counts a read; the caller passes the result to end.
func (r *readers) begin() *generation {
	if r.now == nil {
		r.now = &generation{}
	}
	r.now.n++
	return r.now
}

func (g *generation) busy() bool { return g != nil && g.n > 0 }

func (g *generation) end() {
	g.n--
	if g.n == 0 && g.idle != nil {
		idle := g.idle
		g.idle = nil
		idle()
	}
}

// turn begins a new generation and returns the reads that are under way, nil
// where there are none.
func (r *readers) turn() *generation {
	g := r.now
	if !g.busy() {
		return nil
	}
	r.now = nil
	return g
}

// load reads keys that are not known; they are sorted and distinct.
func (c *Cache) load(keys []string, o ReadOptions) loop.Result[[]storage.KV] {
	r := c.backend.Get(keys)
	if kvs, err, ok := r.Ready(); ok && !temporary(err) {
		kvs, err = c.loaded(keys, kvs, err, o)
		if err != nil {
			return loop.Fail[[]storage.KV](err)
		}
		return loop.Now(kvs)
	}
	out := loop.NewFuture[[]storage.KV](c.l)
	g := c.reads.begin()
	done := func(kvs []storage.KV, err error) {
		kvs, err = c.loaded(keys, kvs, err, o)
		g.end()
		out.Settle(kvs, err)
	}
	r.Then(func(kvs []storage.KV, err error) {
		if temporary(err) {
			c.backend.Get(keys).Then(done)
			return
		}
		done(kvs, err)
	})
	return loop.Later(out)
}

func (c *Cache) loaded(keys []string, kvs []storage.KV, err error, o ReadOptions) ([]storage.KV, error) {
	switch {
	case err != nil:
		return nil, err
	case c.canceled != nil:
		return nil, c.canceled
	}
	for i := range kvs {
		if kvs[i].Value == nil {
			kvs[i].Value = []byte{}
		}
	}
	if c.terminal == nil && !o.NoCache {
		c.store(keys, kvs)
		if err := c.trim(); err != nil {
			return nil, err
		}
	}
	return kvs, nil
}

// store takes in what storage says of keys.
func (c *Cache) store(keys []string, kvs []storage.KV) {
	for _, k := range keys {
		if len(kvs) > 0 && kvs[0].Key == k {
			c.storeOne(k, present, kvs[0].Value)
			kvs = kvs[1:]
		} else {
			c.storeOne(k, absent, nil)
		}
	}
	c.checkLater()
}

// storeOne takes in what storage says of one key, unless the cache knows better.
// It returns the entry that holds value, nil where there is none.
func (c *Cache) storeOne(key string, s status, value []byte) *entry {
	p := c.floor(key)
	if p == nil || p.key != key {
		return c.storeBehind(p, key, s, value)
	}
	if p.status != unknown {
		c.use(p, ReadOptions{})
		return nil
	}
	c.lru.total += len(value)
	p.status, p.value = s, value
	c.lru.use(p)
	return p
}

// storeBehind is storeOne for a key that has no entry; p is its floor.
func (c *Cache) storeBehind(p *entry, key string, s status, value []byte) *entry {
	if p != nil && p.gapEmpty {
		return nil
	}
	e := &entry{key: key, value: value, cache: c, status: s, place: clean}
	c.insert(e, p)
	c.lru.total += e.size()
	c.lru.add(e)
	return e
}
