package cache

import (
	"workerd.local/exception"
	"workerd.local/loop"
	"workerd.local/storage"
)

// errCanceled is what storage is told that goes on with a read that is over.
var errCanceled = exception.Errorf("The read was canceled.").WithKind(exception.Disconnected)

// readers counts the reads that storage has not answered, by generation. A
// commit waits for the reads that began before it. What it wrote stays in memory
// until the reads that began while it was in flight are over as well, so that an
// answer from before the commit cannot be taken for news.
type readers struct {
	now     *generation // nil while there are none
	before  *generation // what the commit in Cache.cur waits for
	overlap *generation // what the entries in Cache.held wait for
	open    map[canceler]struct{}
}

// canceler is a read that storage works on.
type canceler interface{ cancel(err error) }

func (r *readers) add(q canceler) {
	if r.open == nil {
		r.open = make(map[canceler]struct{})
	}
	r.open[q] = struct{}{}
}

// cancel ends every read that storage works on.
func (r *readers) cancel(err error) {
	for q := range r.open {
		q.cancel(err)
	}
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

// source is what one read wants of storage.
type source interface {
	// ask asks for what is left.
	ask(batch func([]storage.KV) error) loop.Result[struct{}]
	// take takes in the next part of the answer where it was asked for. e is the
	// entry that holds it, if any does.
	take(kv storage.KV, cached bool) (e *entry, ok bool)
	// over reports whether nothing is left to be said.
	over() bool
	// end takes in that storage has nothing to add to what it was asked. It returns
	// whether something is left to ask for.
	end(cached bool) (more bool)
	// result is what the caller gets.
	result(got []storage.KV) []storage.KV
}

// reading is one read of keys that storage has to answer. It is asked again once
// where it could not be reached, for what it has not said yet. Whatever it has
// said is cached at once, before the read is over.
type reading struct {
	c       *Cache
	source  source
	noCache bool
	retried bool
	g       *generation           // nil when it is over
	call    loop.Result[struct{}] // that storage works on
	got     []storage.KV
	entries []*entry // that hold what was got
	bytes   int      // of what was got and is in no entry
	out     *loop.Future[[]storage.KV]
	value   []storage.KV // where it was over before there was an out
	err     error
}

func (c *Cache) read(s source, o ReadOptions) loop.Result[[]storage.KV] {
	q := &reading{c: c, source: s, noCache: o.NoCache, g: c.reads.begin()}
	q.send()
	if q.g == nil {
		return now(q.value, q.err)
	}
	q.out = loop.NewFuture[[]storage.KV](c.l)
	q.out.OnCancel(func() { q.cancel(errCanceled) })
	c.reads.add(q)
	return loop.Later(q.out)
}

func (q *reading) send() {
	q.call = q.source.ask(q.batch)
	q.call.Then(q.answered)
}

// cached reports whether what is read goes into the cache.
func (q *reading) cached() bool { return !q.noCache && q.c.terminal == nil }

// batch takes in the next part of what storage has.
func (q *reading) batch(kvs []storage.KV) error {
	if q.g == nil {
		if q.err != nil {
			return q.err
		}
		return errCanceled
	}
	c := q.c
	for _, kv := range kvs {
		if kv.Value == nil {
			kv.Value = []byte{}
		}
		e, ok := q.source.take(kv, q.cached())
		if !ok {
			continue
		}
		q.got = append(q.got, kv)
		if e != nil {
			e.readers++
			q.entries = append(q.entries, e)
		} else {
			held := entryBytes + len(kv.Key) + len(kv.Value)
			q.bytes += held
			c.lru.total += held
		}
	}
	c.checkLater()
	err := c.trim()
	if err != nil {
		q.cancel(err)
	}
	return err
}

func (q *reading) answered(_ struct{}, err error) {
	if q.g == nil {
		return
	}
	if temporary(err) && q.source.over() {
		err = nil
	}
	again := false
	switch {
	case temporary(err):
		again, q.retried = !q.retried, true
	case err == nil:
		again, q.retried = q.source.end(q.cached()), false
		q.c.checkLater()
		if err = q.c.trim(); err != nil {
			q.cancel(err)
			return
		}
	}
	if again {
		q.send()
		return
	}
	q.settle(err)
}

func (q *reading) settle(err error) {
	var v []storage.KV
	if err == nil {
		v = q.source.result(q.got)
	}
	q.close()
	q.value, q.err = v, err
	if q.out != nil {
		q.out.Settle(v, err)
	}
}

// cancel ends the read before storage has answered.
func (q *reading) cancel(err error) {
	if q.g == nil {
		return
	}
	q.err = err
	q.call.Cancel()
	q.close()
	if q.out != nil {
		q.out.Reject(err)
	}
}

// close lets go of everything.
func (q *reading) close() {
	c := q.c
	for _, e := range q.entries {
		c.lru.unhold(e)
	}
	c.lru.total -= q.bytes
	q.got, q.entries, q.bytes = nil, nil, 0
	q.call = loop.Result[struct{}]{}
	if q.out != nil {
		delete(c.reads.open, q)
	}
	g := q.g
	q.g = nil
	g.end()
}

// load reads keys that are not known; they are sorted and distinct.
func (c *Cache) load(keys []string, o ReadOptions) loop.Result[[]storage.KV] {
	return c.read(&getting{c: c, left: keys}, o)
}

// getting is a read of some keys. What storage skips does not exist.
type getting struct {
	c     *Cache
	left  []string
	asked int // how many of left storage works on
}

func (q *getting) ask(batch func([]storage.KV) error) loop.Result[struct{}] {
	q.asked = min(len(q.left), q.c.o.BatchKeys)
	return q.c.backend.Get(q.left[:q.asked], batch)
}

func (q *getting) take(kv storage.KV, cached bool) (e *entry, ok bool) {
	n := 0
	for n < q.asked && q.left[n] < kv.Key {
		n++
	}
	if n == q.asked || q.left[n] != kv.Key {
		return nil, false
	}
	q.pass(n, cached)
	if cached {
		e = q.c.storeOne(kv.Key, present, kv.Value)
	}
	q.left, q.asked = q.left[1:], q.asked-1
	return e, true
}

// pass takes in that the next n keys do not exist.
func (q *getting) pass(n int, cached bool) {
	if cached {
		for _, k := range q.left[:n] {
			q.c.storeOne(k, absent, nil)
		}
	}
	q.left, q.asked = q.left[n:], q.asked-n
}

func (q *getting) over() bool { return len(q.left) == 0 }

func (q *getting) end(cached bool) bool {
	q.pass(q.asked, cached)
	return len(q.left) > 0
}

func (q *getting) result(got []storage.KV) []storage.KV { return got }

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
