package cache

import (
	"slices"

	"workerd.local/loop"
	"workerd.local/storage"
)

// List returns a range in its order.
//
// What the cache knows of the range is fixed at the call. It is all there is
// where the cache knows the range as a whole, or its beginning as far as the
// limit goes; otherwise storage is asked once, from the first point that is not
// known to the end of the range, and what it says is merged: on the same key the
// cache wins.
func (c *Cache) List(r storage.Range, o ReadOptions) loop.Result[[]storage.KV] {
	if c.terminal != nil {
		return loop.Fail[[]storage.KV](c.refuse())
	}
	if err := storage.CheckRange(r); err != nil {
		return loop.Fail[[]storage.KV](err)
	}
	if r.End != "" && r.End <= r.Start {
		return loop.Now([]storage.KV(nil))
	}
	var s scan
	if r.Reverse {
		s = c.scanDown(r, o)
	} else {
		s = c.scanUp(r, o)
	}
	if s.complete {
		return loop.Now(s.found)
	}
	return c.read(&listing{c: c, r: r, s: s, left: s.ask}, o)
}

// scan is what the cache knows of a range.
type scan struct {
	found    []storage.KV // in the order of the range; a nil Value is a key known to be absent
	complete bool         // nothing is left to ask for, and found has no absent keys
	ask      storage.Range

	first *entry // of those that were visited
	known int    // how many of them are absent or present
}

// visit counts an entry of the range.
func (s *scan) visit(c *Cache, e *entry, o ReadOptions) {
	if s.first == nil {
		s.first = e
	}
	if e.status != unknown {
		s.known++
	}
	c.use(e, o)
}

// collect makes found of what was visited. Absent keys are worth mentioning only
// where storage may say something else.
func (s *scan) collect(n *counter, reverse bool) {
	s.complete = !n.asking
	size := s.known
	if s.complete {
		size = n.live
	}
	if size == 0 {
		return
	}
	s.found = make([]storage.KV, size)
	for e, i := s.first, 0; i < size; {
		if e.status == present || e.status == absent && !s.complete {
			// Field by field is the cheap way while the garbage collector marks.
			kv := &s.found[i]
			kv.Key, kv.Value = e.key, e.value
			i++
		}
		if reverse {
			e = e.prev
		} else {
			e = e.next
		}
	}
}

// counter adjusts the limit of what storage is asked for: what the cache already
// has in front of the unknown part need not be fetched, and what it knows to be
// deleted, while storage may not, must not count.
type counter struct {
	limit    int
	live     int // present entries so far
	negative int // absent entries behind the unknown point that storage may still have
	asking   bool
	skipped  int // live before the unknown point
}

func (n *counter) full() bool { return n.limit > 0 && n.live >= n.limit }

func (n *counter) count(e *entry) {
	switch {
	case e.status == present:
		n.live++
	case n.asking && e.place != clean:
		n.negative++
	}
}

func (n *counter) ask() {
	if !n.asking {
		n.asking, n.skipped = true, n.live
	}
}

func (n *counter) storageLimit() int {
	if n.limit == 0 {
		return 0
	}
	return n.limit + n.negative - n.skipped
}

func (c *Cache) scanUp(r storage.Range, o ReadOptions) scan {
	var s scan
	n := counter{limit: r.Limit}
	start := r.Start
	e := c.floor(r.Start)
	switch {
	case e == nil:
		n.ask()
		e = c.first
	case e.key < r.Start:
		if !e.gapEmpty {
			n.ask()
		}
		e = e.next
	}
	for ; e != nil && (r.End == "" || e.key < r.End) && !n.full(); e = e.next {
		if e.status == unknown && !n.asking {
			start = e.key
			n.ask()
		}
		n.count(e)
		s.visit(c, e, o)
		if !e.closed() && !n.asking && !n.full() && !isAfter(e.key, r.End) {
			start = after(e.key)
			n.ask()
		}
	}
	c.useMark(e, r, o)
	s.collect(&n, false)
	s.ask = storage.Range{Start: start, End: r.End, Limit: n.storageLimit()}
	return s
}

// useMark notes that a list used e where that is the end of its range: whoever
// lists a range again and again must not lose its end.
func (c *Cache) useMark(e *entry, r storage.Range, o ReadOptions) {
	if e != nil && e.key == r.End {
		c.use(e, o)
	}
}

func (c *Cache) scanDown(r storage.Range, o ReadOptions) scan {
	var s scan
	n := counter{limit: r.Limit}
	end := r.End
	e := c.below(r.End)
	if e != nil {
		c.useMark(e.next, r, o)
	}
	for ; ; e = e.prev {
		if e == nil {
			n.ask() // nothing is known in front of the first entry
			break
		}
		if e.status == unknown || !e.gapEmpty && !isAfter(e.key, end) {
			n.ask()
		}
		if e.key < r.Start {
			break
		}
		if !n.asking {
			end = e.key
		}
		n.count(e)
		s.visit(c, e, o)
		if e.key == r.Start || n.full() {
			break
		}
	}
	s.collect(&n, true)
	s.ask = storage.Range{Start: r.Start, End: end, Limit: n.storageLimit(), Reverse: true}
	return s
}

// listing is a List that asks storage.
type listing struct {
	c    *Cache
	r    storage.Range // as called
	s    scan
	left storage.Range // what storage has not said yet
	done bool          // which is nothing: the range is at its end, or the limit is reached
}

func (q *listing) ask(batch func([]storage.KV) error) loop.Result[struct{}] {
	return q.c.backend.List(q.left, batch)
}

func (q *listing) over() bool { return q.done }

func (q *listing) take(kv storage.KV, cached bool) (e *entry, ok bool) {
	if q.done || kv.Key < q.left.Start || q.left.End != "" && kv.Key >= q.left.End {
		return nil, false
	}
	if cached {
		e = q.learn(kv)
	}
	q.pass(kv.Key)
	return e, true
}

// pass moves what is left behind key.
func (q *listing) pass(key string) {
	if q.left.Limit > 0 {
		q.left.Limit--
		q.done = q.left.Limit == 0
	}
	if q.left.Reverse {
		q.left.End = key
		q.done = q.done || key <= q.left.Start
	} else {
		q.left.Start = after(key)
		q.done = q.done || q.left.End != "" && q.left.Start >= q.left.End
	}
}

// learn takes in one key, and that there is nothing between it and the one that
// came before. It returns the entry that holds the value, if any does.
func (q *listing) learn(kv storage.KV) *entry {
	c := q.c
	if q.left.Reverse {
		c.coverEnd(q.left.End)
		e := c.storeOne(kv.Key, present, kv.Value)
		c.emptyBetween(kv.Key, q.left.End)
		return e
	}
	if kv.Key == q.left.Start {
		return c.storeOne(kv.Key, present, kv.Value)
	}
	c.coverStart(q.left.Start)
	e := c.storeOne(kv.Key, present, kv.Value)
	c.emptyBetween(q.left.Start, kv.Key)
	return e
}

// end takes in that what is left of the range is empty.
func (q *listing) end(cached bool) bool {
	if !q.done && cached {
		q.c.coverStart(q.left.Start)
		q.c.coverEnd(q.left.End)
		q.c.emptyBetween(q.left.Start, q.left.End)
	}
	return false
}

// result merges what storage said with what the cache knew at the call.
func (q *listing) result(got []storage.KV) []storage.KV { return mergeRange(q.s.found, got, q.r) }

// mergeRange merges two lists in the order of a range; on the same key the first
// one wins, and its nil Values stand for keys that do not exist.
func mergeRange(a, b []storage.KV, r storage.Range) []storage.KV {
	out := make([]storage.KV, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Key == b[0].Key:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		case (a[0].Key < b[0].Key) != r.Reverse:
			out, a = append(out, a[0]), a[1:]
		default:
			out, b = append(out, b[0]), b[1:]
		}
	}
	out = append(append(out, a...), b...)
	out = slices.DeleteFunc(out, func(kv storage.KV) bool { return kv.Value == nil })
	if r.Limit > 0 && len(out) > r.Limit {
		out = out[:r.Limit]
	}
	return out
}

// coverStart makes the map have something to hang the knowledge on that there is
// nothing at key nor right behind it: key itself becomes known to be absent.
func (c *Cache) coverStart(key string) {
	p := c.floor(key)
	if p != nil && p.key != key && (p.gapEmpty || p.status != unknown && isAfter(p.key, key)) {
		return
	}
	c.storeOne(key, absent, nil)
}

// coverEnd makes the map have something at key, the end of what is known; the
// empty key is no end at all.
func (c *Cache) coverEnd(key string) {
	if key == "" {
		return
	}
	p := c.floor(key)
	if p == nil || p.key != key && !p.gapEmpty {
		c.storeBehind(p, key, unknown, nil)
	}
}

// emptyBetween notes that storage has nothing from start on and before end (""
// means without end), except for what the cache knows better.
func (c *Cache) emptyBetween(start, end string) {
	e := c.floor(start)
	if e == nil || e.key < start && (e.status == unknown || !isAfter(e.key, start)) {
		e = c.from(start)
	}
	for e != nil {
		next := e.next
		within := end == "" || e.key < end && next != nil && next.key <= end
		if within {
			e.gapEmpty = true
			if e.status == unknown {
				e.status = absent
			}
		}
		if e.place == clean && e.redundant() {
			c.leave(e)
			c.forget(e)
		}
		if !within {
			return // its gap reaches beyond
		}
		e = next
	}
}
