package cache

import (
	"errors"
	"slices"

	"workerd.local/gates"
	"workerd.local/internal/invariants"
	"workerd.local/internal/limits"
	"workerd.local/loop"
	"workerd.local/storage"
)

// errCount is a backend that breaks its contract.
var errCount = errors.New("commit did not say how many keys each counted delete found")

// flush is one commit, from the first write that it contains to its end:
// scheduled (Cache.next), then in flight (Cache.cur), where it first waits for
// the reads that began before it.
type flush struct {
	lock     *gates.OutputLock      // nil until a write asks for confirmation
	done     *loop.Future[struct{}] // nil until somebody waits
	counted  []*countedDelete
	asked    []*countedDelete // those of Batch.Counted
	delAll   bool
	attempts int
	batch    *Batch // set when it starts
}

// countedDelete is one Delete whose result storage has to find.
type countedDelete struct {
	keys  []string
	known int  // keys that were known to exist
	found int  // of keys, where it is sure
	sure  bool // a commit has found out, or nobody wants to know
	f     *loop.Future[int]
}

// mute makes plain deletes of a counted one that nobody waits for any more; in a
// commit that is in flight it stays what it is, unless that is tried again.
func (c *Cache) mute(g *countedDelete) {
	g.sure = true
	if f := c.next; f != nil {
		if i := slices.Index(f.counted, g); i >= 0 {
			f.counted = slices.Delete(f.counted, i, i+1)
			c.undo.unwant(g, i)
			c.uncount(g)
		}
	}
}

// uncount makes plain deletes of those keys of g that nothing else was written to.
func (c *Cache) uncount(g *countedDelete) {
	for _, k := range g.keys {
		if e := c.find(k); e != nil && e.place == dirty {
			e.counted = false
		}
	}
}

// confirm locks the output gate until the flush is over.
func (f *flush) confirm(out *gates.OutputGate) {
	if f.lock == nil {
		f.lock = out.Lock()
	}
}

// schedule sees to it that what is dirty is written at the end of a turn.
func (c *Cache) schedule(o WriteOptions) {
	if c.o.NeverFlush {
		c.alarm.keepInMemory()
		return
	}
	if c.next == nil {
		c.next = &flush{}
		if c.cur == nil {
			c.l.AtTurnEnd(c.startFlush)
		}
	}
	if !o.AllowUnconfirmed {
		c.confirm()
	}
}

// startFlush fixes what the next commit writes.
func (c *Cache) startFlush() {
	c.endTurn()
	f := c.next
	if f == nil || c.cur != nil {
		return // shut down or rolled back meanwhile
	}
	c.next, c.cur = nil, f
	f.batch = c.snapshot(f)
	c.reads.before = c.reads.turn()
	c.sendFlush()
}

// snapshot moves everything dirty to the flushing list and puts it in a batch.
func (c *Cache) snapshot(f *flush) *Batch {
	b := &Batch{DelAll: f.delAll, keys: c.o.BatchKeys, bytes: c.o.BatchBytes}
	f.asked = nil
	for _, g := range f.counted {
		if g.sure {
			c.uncount(g)
			continue
		}
		b.Counted = append(b.Counted, g.keys)
		f.asked = append(f.asked, g)
	}
	puts := 0
	for e := c.dirty.first; e != nil; e = e.newer {
		if e.status == present {
			puts++
		}
	}
	if puts > 0 {
		b.Put = make([]storage.KV, 0, puts)
	}
	for e := c.dirty.first; e != nil; e = e.newer {
		e.place = flushing
		switch {
		case e.status == present:
			b.Put = append(b.Put, storage.KV{Key: e.key, Value: e.value})
		case e.counted || f.delAll: // gone without this
		default:
			b.Del = append(b.Del, e.key)
		}
	}
	invariants.Check(c.flushing.n == 0, "%d entries are left of the commit before", c.flushing.n)
	c.flushing, c.dirty = c.dirty, list{}
	b.Alarm = c.alarm.flush(c.o.Name)
	return b
}

// sendFlush sends the commit as soon as no older read is under way.
func (c *Cache) sendFlush() {
	f := c.cur
	if g := c.reads.before; g.busy() {
		g.idle = c.sendFlush
		return
	}
	c.reads.before = nil
	if c.reads.overlap.busy() {
		return // release comes back here
	}
	if f.batch.Empty() {
		c.flushed(f, CommitInfo{}, nil)
		return
	}
	f.attempts++
	c.backend.Commit(f.batch).Then(func(info CommitInfo, err error) { c.flushed(f, info, err) })
}

func (c *Cache) flushed(f *flush, info CommitInfo, err error) {
	if len(info.Deleted) == len(f.asked) {
		for i, g := range f.asked {
			if n := info.Deleted[i]; n >= 0 {
				g.found, g.sure = n, true
			}
		}
	}
	if temporary(err) && f.attempts < limits.CommitAttempts.In(c.o.Bounds) {
		c.l.AtTurnEnd(c.retryFlush)
		return
	}
	if err == nil && slices.ContainsFunc(f.counted, func(g *countedDelete) bool { return !g.sure }) {
		err = errCount
	}
	c.cur = nil
	if err != nil {
		op := "write"
		if f.delAll {
			op = "deleteAll()"
		}
		c.flushFailed(f, c.describe(op, err))
		return
	}
	for _, g := range f.counted {
		g.f.Resolve(g.known + g.found)
	}
	if a := &c.alarm; a.state == alarmFlushing && a.set {
		c.tellAlarm(a.time, true)
	}
	c.alarm.flushed(info)
	c.undo.alarm.flushed(info)
	c.hold()
	f.end(nil)
	if c.DirtyBytes() <= c.lru.o.DirtyBytes {
		c.releasePressure(nil)
	}
	if c.next != nil {
		c.l.AtTurnEnd(c.startFlush)
	}
}

// retryFlush sends a commit again that did not reach storage, with what was
// written since: what was overwritten meanwhile need not be written at all. What
// the commit found out about counted deletes is not asked for again, since it may
// have come through after all, and then they are gone.
func (c *Cache) retryFlush() {
	f := c.cur
	c.endTurn()
	if c.terminal == nil {
		for e := c.flushing.first; e != nil; e = e.newer {
			e.place = dirty
		}
		c.flushing.append(&c.dirty)
		c.dirty, c.flushing = c.flushing, list{}
		if n := c.next; n != nil {
			c.next = nil
			f.join(n)
		}
		alarm := f.batch.Alarm
		c.alarm.unflush(alarm)
		f.batch = c.snapshot(f)
		if f.batch.Alarm.Op == storage.AlarmKeep {
			f.batch.Alarm = alarm
		}
		c.reads.before = c.reads.turn()
	}
	c.sendFlush()
}

// join makes one flush of two, of which n is the later one.
func (f *flush) join(n *flush) {
	f.counted = append(f.counted, n.counted...)
	f.delAll = f.delAll || n.delAll
	if f.lock == nil {
		f.lock = n.lock
	} else if n.lock != nil {
		n.lock.Release(nil) // whoever waits for it waits for f's before
	}
	if f.done == nil {
		f.done = n.done
	} else if n.done != nil {
		f.done.Then(func(_ struct{}, err error) { n.done.Settle(struct{}{}, err) })
	}
}

// end lets go everybody who waits for the flush.
func (f *flush) end(err error) {
	if f.lock != nil {
		f.lock.Release(err)
	}
	if f.done != nil {
		f.done.Settle(struct{}{}, err)
	}
	if err == nil {
		return
	}
	for _, g := range f.counted {
		g.f.Reject(err)
	}
}

// hold makes what was written clean, once the reads that began during the commit
// are over.
func (c *Cache) hold() {
	for e := c.flushing.first; e != nil; e = e.newer {
		e.place = held
	}
	c.held, c.flushing = c.flushing, list{}
	if g := c.reads.turn(); g != nil {
		c.reads.overlap = g
		g.idle = c.release
		return
	}
	c.release()
}

func (c *Cache) release() {
	c.reads.overlap = nil
	for e := c.held.first; e != nil; e = c.held.first {
		c.leave(e)
		c.settle(e)
	}
	if e := c.marker; e != nil && (c.next == nil || !c.next.delAll) && (c.cur == nil || !c.cur.delAll) {
		c.leave(e)
		c.settle(e)
	}
	c.lru.trim()
	c.checkLater()
	if c.cur != nil {
		c.sendFlush()
	}
}

func (c *Cache) flushFailed(f *flush, err error) {
	f.end(err)
	c.breakWith(err)
}

// drop ends a flush that will never be sent.
func (c *Cache) drop(f *flush, err error) {
	if f == nil {
		return
	}
	f.confirm(c.out) // even a write that nobody confirms breaks the gate
	f.end(err)
}

func (c *Cache) releasePressure(err error) {
	if p := c.pressure; p != nil {
		c.pressure = nil
		p.Settle(struct{}{}, err)
	}
}
