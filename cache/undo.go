package cache

import (
	"slices"

	"workerd.local/gates"
	"workerd.local/loop"
)

// undo is what it takes to roll back the present turn, from its first write to its
// end. While nothing is in flight all that is dirty is the present turn's, and there
// is nothing to keep; behind a commit in flight the writes of earlier turns wait in
// the same flush, and what the turn overwrites of them is kept until it ends.
type undo struct {
	open    bool   // the turn has written something
	behind  bool   // Cache.next has writes of earlier turns
	cleared bool   // the turn has called DeleteAll
	turn    uint32 // the tick of what the turn wrote
	cur     *flush // in flight when the turn began to write

	// What Cache had then.
	alarm   alarm
	delAll  bool // of next
	counted int  // of next

	entries []overwritten
	bytes   int // of entries

	lock *gates.OutputLock      // nil until the turn asks for confirmation; behind only
	done *loop.Future[struct{}] // nil until the turn waits; behind only
}

// overwritten is an entry that is not clean, as it was before the turn. The list
// that it was in is put together again from the last one to the first.
type overwritten struct {
	e       *entry
	older   *entry
	value   []byte
	tick    uint32
	status  status
	place   place
	noCache bool
	counted bool
}

// beginTurn notes what the turn may have to go back to; it comes before every
// write. The turn ends with startFlush, or by itself where that has to wait.
func (c *Cache) beginTurn() {
	if !c.undo.open {
		c.openUndo()
	}
}

func (c *Cache) openUndo() {
	u := &c.undo
	if c.o.NeverFlush {
		return // what is never written is lost with the actor
	}
	u.open, u.alarm = true, c.alarm
	u.turn++
	if f := c.next; f != nil {
		u.behind, u.delAll, u.counted = true, f.delAll, len(f.counted)
	}
	if c.cur != nil {
		u.cur = c.cur
		c.l.AtTurnEnd(c.endTurn)
	}
}

// remember keeps an entry that the turn is about to overwrite for the first time,
// unless storage has it as it is.
func (c *Cache) remember(e *entry) {
	if e.place > clean && (e.place != dirty || e.tick != c.undo.turn) {
		c.keep(e)
	}
}

func (c *Cache) keep(e *entry) {
	u := &c.undo
	if !u.open || e.place == pinned && u.cleared {
		return
	}
	u.entries = append(u.entries, overwritten{
		e: e, older: e.older, value: e.value, tick: e.tick, status: e.status, place: e.place, noCache: e.noCache, counted: e.counted,
	})
	u.bytes += e.size()
	c.lru.total += e.size()
}

// rememberAll is remember for all entries. It takes what it keeps out of its list.
func (c *Cache) rememberAll() {
	for _, l := range [...]*list{&c.held, &c.flushing, &c.dirty} {
		for e := l.first; e != nil; {
			newer, n := e.newer, len(c.undo.entries)
			c.remember(e)
			if len(c.undo.entries) > n {
				c.leave(e)
			}
			e = newer
		}
	}
	if e := c.marker; e != nil {
		c.remember(e)
	}
	c.undo.cleared = true
}

// confirm locks the output gate until what is dirty is durable. A turn that writes
// behind earlier ones has a lock of its own, so that what waits for it can fail
// alone.
func (c *Cache) confirm() {
	u := &c.undo
	switch {
	case !u.open || !u.behind:
		c.next.confirm(c.out)
	case u.lock == nil:
		u.lock = c.out.Lock()
	}
}

// endTurn makes the turn's writes part of the next commit for good.
func (c *Cache) endTurn() {
	u := &c.undo
	if !u.open {
		return
	}
	if u.lock != nil || u.done != nil {
		c.next.join(&flush{lock: u.lock, done: u.done})
	}
	c.closeUndo()
}

func (c *Cache) closeUndo() {
	c.lru.total -= c.undo.bytes
	c.undo = undo{turn: c.undo.turn}
}

// unwant is told that nobody waits for a counted delete of next, the ith, any more.
func (u *undo) unwant(g *countedDelete, i int) {
	if i < u.counted {
		u.counted--
	}
	for i := range u.entries {
		if o := &u.entries[i]; o.counted && slices.Contains(g.keys, o.e.key) {
			o.counted = false
		}
	}
}

// Rollback takes back what the present turn wrote, for an actor whose turn was
// stopped: turns are atomic. What finished turns wrote stays and becomes durable,
// which Sync waits for. Whatever waits for the turn's writes waits on, and fails
// with Shutdown, which has to follow. err is what the turn's own calls get.
//
// Open transactions are not touched: their writes are not the cache's yet, and
// nobody is left to commit them.
func (c *Cache) Rollback(err error) {
	u := &c.undo
	if !u.open {
		return
	}
	c.holdBack(c.rollbackFlush(err))
	if u.cleared {
		c.clear()
	}
	for i := len(u.entries) - 1; i >= 0; i-- {
		c.restore(&u.entries[i])
	}
	for e := c.dirty.last; e != nil && e.tick == u.turn; e = c.dirty.last {
		c.leave(e)
		c.disown(e)
	}
	c.alarm = u.alarm
	c.closeUndo()
	if c.DirtyBytes() <= c.lru.o.DirtyBytes {
		c.releasePressure(nil)
	}
	c.checkLater()
}

// rollbackFlush takes the turn out of the next commit and returns the lock that
// covers the turn alone, nil where there is none.
func (c *Cache) rollbackFlush(err error) *gates.OutputLock {
	u, f := &c.undo, c.next
	if !u.behind {
		c.next = nil
		lock := f.lock
		f.lock = nil
		f.end(err)
		return lock
	}
	for _, g := range f.counted[u.counted:] {
		g.f.Reject(err)
	}
	clear(f.counted[u.counted:])
	f.counted, f.delAll = f.counted[:u.counted], u.delAll
	if u.done != nil {
		u.done.Reject(err)
	}
	return u.lock
}

// holdBack keeps the gate locked behind what will still be durable, until Shutdown.
func (c *Cache) holdBack(k *gates.OutputLock) {
	if k == nil {
		k = c.out.Lock()
	}
	if c.lost == nil {
		c.lost = k
		return
	}
	k.Release(nil) // the one before it fails for both
}

// restore makes an entry what it was before the turn, or what became of that
// meanwhile.
func (c *Cache) restore(o *overwritten) {
	e := o.e
	if e.place == orphan {
		c.revive(e)
	} else {
		c.leave(e)
	}
	c.lru.total += len(o.value) - len(e.value)
	e.status, e.value, e.tick = o.status, o.value, o.tick
	e.noCache, e.counted = o.noCache, o.counted
	switch {
	case o.place == dirty:
		e.place = dirty
		c.dirty.insert(e, o.older)
	case o.place == flushing && c.cur != nil && c.cur == c.undo.cur:
		e.place = flushing
		c.flushing.add(e)
	case o.place == pinned && c.emptied():
		e.place = pinned
		c.marker = e
	case c.reads.overlap.busy():
		e.place = held
		c.held.add(e)
	default:
		c.settle(e)
	}
}

// emptied reports whether a DeleteAll is on its way: then nothing is in storage but
// what the cache has, and storage does not know yet.
func (c *Cache) emptied() bool {
	return c.next != nil && c.next.delAll || c.cur != nil && c.cur.delAll
}

// revive puts an entry back that DeleteAll took out of the map. What was known of
// the gaps has been forgotten, unless an earlier DeleteAll had emptied them all.
func (c *Cache) revive(e *entry) {
	p := c.floor(e.key)
	e.gapEmpty = c.emptied()
	if p != nil {
		p.gapEmpty = e.gapEmpty
	}
	c.insert(e, p)
	if e.lingers {
		e.lingers = false
		return
	}
	c.lru.total += e.size()
}

// disown forgets an entry that only the turn had written. It may stand for a key
// that storage has, except behind a DeleteAll: then it was new.
func (c *Cache) disown(e *entry) {
	if p := e.prev; p != nil {
		p.gapEmpty = p.gapEmpty && e.gapEmpty && c.emptied()
	}
	c.remove(e)
	c.lru.release(e)
}
