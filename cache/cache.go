package cache

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/internal/invariants"
	"workerd.local/internal/limits"
	"workerd.local/loop"
	"workerd.local/storage"
)

// Options configure a Cache.
type Options struct {
	// Name is the actor's name, stored with its alarms; may be empty.
	Name string
	// Limits bound keys, values and pairs; the zero value means what storage can
	// hold.
	Limits Limits
	// BatchKeys is the greatest number of keys that storage is handed at a time; 0
	// means limits.CommitKeys: 128, as in workerd.
	BatchKeys int
	// BatchBytes is the greatest number of bytes of keys and values that storage is
	// handed at a time; 0 means limits.CommitBytes: 16 MiB, as in workerd.
	BatchBytes int
	// NeverFlush keeps every write in memory: storage is read but never written, and
	// no write waits for anything.
	NeverFlush bool
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
	// OnAlarm is told when code sets the alarm, with the zero time when it clears it:
	// at once, and again with stored set when that very change is durable. It must not
	// call the cache. nil drops it.
	OnAlarm func(t time.Time, stored bool)
	// OnInternalError is told of a failure whose text scripts must not see,
	// together with the reference that they see instead. nil drops it.
	OnInternalError func(reference string, err error)
}

// Cache is one actor's storage as its code sees it.
type Cache struct {
	l       *loop.Loop
	backend Backend
	lru     *SharedLRU
	out     *gates.OutputGate
	o       *Options
	// within bounds what transactions write: as in workerd not by Options.Limits, but by
	// what storage can hold.
	within  Limits
	instant bool

	entries
	dirty    list
	flushing list   // what cur writes
	held     list   // what the commit before wrote, while old reads are unanswered
	marker   *entry // what DeleteAll left, while pinned
	next     *flush // scheduled; nil while nothing is dirty
	cur      *flush // in flight
	reads    readers
	pressure *loop.Future[struct{}] // settled when dirty bytes are back under the limit
	alarm    alarm
	undo     undo
	lost     *gates.OutputLock // held since Rollback, for what was taken back

	terminal error // set once: the cache is of no more use
	checking bool  // a check at the end of this turn is scheduled
}

// errShutdown is what is left of a cache after Shutdown(nil).
var errShutdown = exception.Errorf("Durable Object storage is no longer accessible.").
	WithKind(exception.Disconnected).WithBroken(exception.Ignored)

// errOverflow resets the actor that needs more memory than there is.
var errOverflow = exception.Errorf("Durable Object's isolate exceeded its memory limit due to overflowing the " +
	"storage cache. This could be due to writing too many values to storage without stopping to wait for " +
	"writes to complete, or due to reading too many values in a single operation (e.g. a large list()). All " +
	"objects in the isolate were reset.").WithKind(exception.Overloaded).WithBroken(exception.ExceededMemory)

// New returns the cache of one actor. Its writes lock out.
func New(l *loop.Loop, b Backend, lru *SharedLRU, out *gates.OutputGate, o Options) *Cache {
	o.Limits = o.Limits.withDefaults(o.Bounds)
	within := o.Limits
	if !within.Everywhere {
		within = Limits{Pairs: o.Limits.Pairs}.withDefaults(o.Bounds)
	}
	if o.BatchKeys == 0 {
		o.BatchKeys = limits.CommitKeys.In(o.Bounds)
	}
	if o.BatchBytes == 0 {
		o.BatchBytes = limits.CommitBytes.In(o.Bounds)
	}
	c := &Cache{l: l, backend: b, lru: lru, out: out, o: &o, within: within}
	if i, ok := b.(InstantBackend); ok {
		c.instant = i.Instant()
	}
	return c
}

// Len is the number of entries, for metrics.
func (c *Cache) Len() int { return c.entries.len() }

// DirtyBytes is how much is not durable yet.
func (c *Cache) DirtyBytes() int { return c.dirty.bytes + c.flushing.bytes }

// Err is why the cache refuses further use, nil while it does not.
func (c *Cache) Err() error { return c.terminal }

// Begin starts a transaction: its writes reach the cache when it commits.
func (c *Cache) Begin() *Txn { return newTxn(c, nil, c.l, &c.within) }

// Get returns the value of a key, nil where it does not exist.
func (c *Cache) Get(key string, o ReadOptions) loop.Result[[]byte] {
	if c.terminal != nil {
		return loop.Fail[[]byte](c.refuse())
	}
	if err := c.o.Limits.checkKey(key); err != nil {
		return loop.Fail[[]byte](err)
	}
	if v, known := c.lookup(key, o); known {
		return loop.Now(v)
	}
	return loop.Map(c.load([]string{key}, o), func(kvs []storage.KV) ([]byte, error) {
		if len(kvs) == 0 {
			return nil, nil
		}
		return kvs[0].Value, nil
	})
}

// lookup says what the cache knows of a key.
func (c *Cache) lookup(key string, o ReadOptions) (value []byte, known bool) {
	e := c.find(key)
	switch {
	case e == nil:
		p := c.floor(key)
		return nil, p != nil && p.gapEmpty
	case e.status == unknown:
		return nil, false
	}
	c.use(e, o)
	return e.value, true
}

// use notes that an entry was read.
func (c *Cache) use(e *entry, o ReadOptions) {
	switch {
	case o.NoCache:
	case e.place == clean:
		c.lru.use(e)
	default:
		e.noCache = false
	}
}

// GetMany returns what exists of the keys, sorted by key, each once. Keys that are too
// long do not exist.
func (c *Cache) GetMany(keys []string, o ReadOptions) loop.Result[[]storage.KV] {
	if c.terminal != nil {
		return loop.Fail[[]storage.KV](c.refuse())
	}
	if err := c.o.Limits.checkPairs(len(keys)); err != nil {
		return loop.Fail[[]storage.KV](err)
	}
	return c.getMany(keys, o)
}

func (c *Cache) getMany(keys []string, o ReadOptions) loop.Result[[]storage.KV] {
	if c.terminal != nil {
		return loop.Fail[[]storage.KV](c.refuse())
	}
	keys = slices.Clone(keys)
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var missing []string
	cached := make([]storage.KV, 0, len(keys))
	for _, k := range keys {
		v, known := c.lookup(k, o)
		if !known {
			missing = append(missing, k)
		} else if v != nil {
			cached = append(cached, storage.KV{Key: k, Value: v})
		}
	}
	if len(missing) == 0 {
		return loop.Now(cached)
	}
	return loop.Map(c.load(missing, o), func(loaded []storage.KV) ([]storage.KV, error) {
		return mergeSorted(cached, loaded), nil
	})
}

// mergeSorted merges two sorted lists that have no key in common.
func mergeSorted(a, b []storage.KV) []storage.KV {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := make([]storage.KV, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].Key < b[0].Key {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// Put writes all the pairs, or none where one is not allowed.
func (c *Cache) Put(kvs []storage.KV, o WriteOptions) loop.Result[struct{}] {
	if c.terminal != nil {
		return loop.Fail[struct{}](c.refuse())
	}
	if err := c.o.Limits.checkPut(kvs); err != nil {
		return loop.Fail[struct{}](err)
	}
	for i := range kvs {
		c.putOne(kvs[i].Key, kvs[i].Value, o)
	}
	return c.finishWrite()
}

func (c *Cache) putOne(key string, value []byte, o WriteOptions) {
	if value == nil {
		value = []byte{}
	}
	e := c.find(key)
	switch {
	case e == nil:
		e = c.newEntry(key)
	case e.status == present && bytes.Equal(e.value, value):
		c.reaffirm(e, o)
		return
	}
	c.write(e, present, value, o)
}

// newEntry adds an entry that is in no list yet. Where its gap was known to be
// empty, both halves still are.
func (c *Cache) newEntry(key string) *entry {
	p := c.floor(key)
	e := &entry{key: key, cache: c, gapEmpty: p != nil && p.gapEmpty}
	c.insert(e, p)
	c.lru.total += e.size()
	return e
}

// write makes an entry dirty with a new value, behind everything that is dirty.
func (c *Cache) write(e *entry, s status, value []byte, o WriteOptions) {
	c.beginTurn()
	c.remember(e)
	c.leave(e)
	c.lru.total += len(value) - len(e.value)
	e.status, e.value = s, value
	e.noCache, e.counted = o.NoCache, false
	e.place, e.tick = dirty, c.undo.turn
	c.dirty.add(e)
	c.schedule(o)
}

// leave takes an entry out of the list that it is in.
func (c *Cache) leave(e *entry) {
	switch e.place {
	case clean:
		c.lru.remove(e)
	case dirty:
		c.dirty.remove(e)
	case flushing:
		c.flushing.remove(e)
	case held:
		c.held.remove(e)
	case pinned:
		c.marker = nil
	}
	e.place = orphan
}

// reaffirm handles a write that changes nothing: the one that made the entry
// what it is may have been unconfirmed, and this one must not be.
func (c *Cache) reaffirm(e *entry, o WriteOptions) {
	switch {
	case e.place == clean:
		c.lru.use(e)
	case o.AllowUnconfirmed, c.o.NeverFlush:
	case e.place == dirty:
		c.confirm()
	case e.place == flushing:
		c.cur.confirm(c.out)
	}
}

// finishWrite ends every write: memory is bounded, and a writer that is too fast
// is told to wait.
func (c *Cache) finishWrite() loop.Result[struct{}] {
	if err := c.trim(); err != nil {
		return loop.Fail[struct{}](err)
	}
	c.checkLater()
	return c.backpressure()
}

func (c *Cache) backpressure() loop.Result[struct{}] {
	if c.DirtyBytes() <= c.lru.o.DirtyBytes || c.o.NeverFlush {
		return loop.Now(struct{}{})
	}
	if c.pressure == nil {
		c.pressure = loop.NewFuture[struct{}](c.l)
	}
	return c.branch(c.pressure)
}

// branch is a result of its own for one of many who wait for f.
func (c *Cache) branch(f *loop.Future[struct{}]) loop.Result[struct{}] {
	own := loop.NewFuture[struct{}](c.l)
	f.Then(func(_ struct{}, err error) { own.Settle(struct{}{}, err) })
	return loop.Later(own)
}

// EvictStale forgets what no actor of the isolate has used for a while, as that of
// SharedLRU does. The result is later where this actor writes too fast for storage:
// nothing that may write more should begin before it is ready.
func (c *Cache) EvictStale(now time.Time) loop.Result[struct{}] {
	c.lru.EvictStale(now)
	if c.terminal != nil {
		return loop.Now(struct{}{})
	}
	return c.backpressure()
}

// trim keeps the memory limits; it returns an error where this cache is what
// breaks them.
func (c *Cache) trim() error {
	if c.lru.trim() {
		return nil
	}
	c.breakWith(errOverflow)
	c.reads.cancel(errOverflow)
	return errOverflow
}

// Delete removes keys and returns how many of them existed before the call. The
// result is later where storage has to be asked: it comes with the commit.
func (c *Cache) Delete(keys []string, o WriteOptions) loop.Result[int] {
	if c.terminal != nil {
		return loop.Fail[int](c.refuse())
	}
	if err := c.o.Limits.checkKeys(keys); err != nil {
		return loop.Fail[int](err)
	}
	if c.o.NeverFlush {
		return c.deleteInMemory(keys, o)
	}
	if c.instant {
		if err := c.learnNow(keys); err != nil {
			return loop.Fail[int](err)
		}
	}
	known := 0
	var group *countedDelete
	for _, k := range keys {
		existed, unsure := c.deleteOne(k, o)
		if existed {
			known++
		}
		if unsure != nil {
			if group == nil {
				group = &countedDelete{}
			}
			group.keys = append(group.keys, k)
			unsure.counted = true
		}
	}
	if group != nil {
		group.known = known
		group.f = loop.NewFuture[int](c.l)
		group.f.OnCancel(func() { c.mute(group) })
		c.next.counted = append(c.next.counted, group)
	}
	slow := c.finishWrite()
	if _, err, ok := slow.Ready(); ok && err != nil {
		return loop.Fail[int](err)
	}
	if group != nil {
		return loop.Later(group.f)
	}
	return loop.Map(slow, func(struct{}) (int, error) { return known, nil })
}

// deleteInMemory is Delete where no commit will count.
func (c *Cache) deleteInMemory(keys []string, o WriteOptions) loop.Result[int] {
	found := c.getMany(keys, ReadOptions{NoCache: true})
	for _, k := range keys {
		c.deleteOne(k, o)
	}
	slow := c.finishWrite()
	if _, err, ok := slow.Ready(); ok && err != nil {
		return loop.Fail[int](err)
	}
	return loop.Map(found, func(kvs []storage.KV) (int, error) { return len(kvs), nil })
}

// learnNow reads the keys that are not known from a backend that answers at
// once; what it cannot tell is left to the commit.
func (c *Cache) learnNow(keys []string) error {
	var missing []string
	for _, k := range keys {
		if _, known := c.lookup(k, ReadOptions{NoCache: true}); !known {
			missing = append(missing, k)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	_, err, _ := c.load(slices.Compact(missing), ReadOptions{}).Ready()
	if temporary(err) {
		return nil
	}
	return err
}

// deleteOne makes a key absent. unsure is its entry where nobody knows whether
// the key existed.
func (c *Cache) deleteOne(key string, o WriteOptions) (existed bool, unsure *entry) {
	e := c.find(key)
	switch {
	case e == nil:
		if p := c.floor(key); p != nil && p.gapEmpty {
			return false, nil
		}
		e = c.newEntry(key)
	case e.status == absent:
		c.reaffirm(e, o)
		return false, nil
	case e.status == present:
		c.write(e, absent, nil, o)
		return true, nil
	}
	c.write(e, absent, nil, o)
	return false, e
}

// DeleteAllOptions qualify DeleteAll.
type DeleteAllOptions struct {
	WriteOptions
	// DeleteAlarm clears the alarm too, in the same commit.
	DeleteAlarm bool
}

// DeleteAll removes every key. From here on every key reads as absent until it
// is written again.
func (c *Cache) DeleteAll(o DeleteAllOptions) loop.Result[struct{}] {
	if c.terminal != nil {
		return loop.Fail[struct{}](c.refuse())
	}
	c.beginTurn()
	c.schedule(o.WriteOptions)
	c.rememberAll()
	c.clear()
	// Where the commit in flight leaves storage empty, it need not be emptied again.
	if c.next != nil && (c.cur == nil || !c.cur.delAll || len(c.cur.batch.Put) > 0) {
		c.next.delAll = true
	}
	e := c.newEntry("")
	e.status, e.gapEmpty, e.place = absent, true, pinned
	c.marker = e
	if o.DeleteAlarm {
		c.setAlarm(zeroTime, o.WriteOptions)
	}
	return c.finishWrite()
}

// clear forgets every entry, dirty ones included; what is in flight stays there.
func (c *Cache) clear() {
	for e := c.first; e != nil; {
		next := e.next
		c.leave(e)
		c.lru.release(e)
		e.prev, e.next = nil, nil
		e = next
	}
	c.entries = entries{}
}

// evict forgets a clean entry.
func (c *Cache) evict(e *entry) {
	invariants.Check(e.place == clean && e.cache == c, "evicting %q, which is not clean", e.key)
	c.leave(e)
	c.forget(e)
	c.checkLater()
}

// forget takes an entry that is in no list out of the map. What is known of the
// keys before it still is: its own gap is not.
func (c *Cache) forget(e *entry) {
	if p := e.prev; p != nil {
		p.gapEmpty = p.gapEmpty && e.gapEmpty && e.status == absent
	}
	c.remove(e)
	c.lru.release(e)
}

// settle makes an entry clean that storage agrees with.
func (c *Cache) settle(e *entry) {
	if e.noCache || e.redundant() {
		c.forget(e)
		return
	}
	e.place, e.counted = clean, false
	c.lru.add(e)
}

// redundant reports whether the gaps on both sides say all that e says.
func (e *entry) redundant() bool {
	return e.status != present && e.gapEmpty && e.prev != nil && e.prev.gapEmpty
}

// closed reports whether storage has nothing between e and the next entry.
func (e *entry) closed() bool { return e.gapEmpty || e.next != nil && isAfter(e.key, e.next.key) }

// Sync is ready once everything written so far is durable; it does not wait for
// later writes.
func (c *Cache) Sync() loop.Result[struct{}] {
	f := c.next
	if f == nil {
		f = c.cur
	}
	if f == nil {
		if c.terminal != nil {
			return loop.Fail[struct{}](c.terminal)
		}
		return loop.Now(struct{}{})
	}
	if u := &c.undo; u.open && u.behind {
		if u.done == nil {
			u.done = loop.NewFuture[struct{}](c.l)
		}
		return c.branch(u.done)
	}
	if f.done == nil {
		f.done = loop.NewFuture[struct{}](c.l)
	}
	return c.branch(f.done)
}

// Shutdown ends the cache: a commit that is in flight ends as it would have,
// anything written since is lost and breaks the output gate with err, and so
// does every use from now on. nil means that storage is no longer accessible.
// The first end of a cache is the one that counts.
func (c *Cache) Shutdown(err error) {
	if c.terminal != nil {
		return
	}
	if err == nil {
		err = errShutdown
	}
	c.terminal = err
	c.endTurn()
	if c.lost != nil {
		c.lost.Release(err)
	}
	c.drop(c.next, err)
	c.next = nil
	c.clear()
	c.releasePressure(err)
}

// Close is Shutdown for a cache whose actor is gone: it also cancels the reads that
// storage has not answered.
func (c *Cache) Close(err error) {
	c.Shutdown(err)
	c.reads.cancel(errCanceled)
}

// breakWith ends the cache because something went wrong: the gate breaks too.
func (c *Cache) breakWith(err error) {
	c.Shutdown(err)
	if c.out.Broken() == nil {
		c.out.Break(c.terminal)
	}
}

// Fail ends the cache because storage failed in what was done for the actor beside it.
func (c *Cache) Fail(op string, err error) { c.breakWith(c.describe(op, err)) }

// refuse is the answer to any use of a cache that has ended. Whoever still uses
// it has to find out, so the gate breaks.
func (c *Cache) refuse() error {
	if c.out.Broken() == nil {
		c.out.Break(c.terminal)
	}
	return c.terminal
}

// describe turns a failure of storage into what scripts see of it.
func (c *Cache) describe(op string, err error) error {
	var e *exception.Exception
	if errors.As(err, &e) {
		return e.WithBroken(exception.OutputGateBroken)
	}
	ref := exception.Reference()
	if c.o.OnInternalError != nil {
		c.o.OnInternalError(ref, err)
	}
	return exception.Errorf("Internal error in Durable Object storage %s caused object to be reset; reference = %s",
		op, ref).WithBroken(exception.OutputGateBroken).WithCause(err)
}

// temporary reports whether an operation may be tried again at once.
func temporary(err error) bool {
	var e *exception.Exception
	return errors.As(err, &e) && e.Retryable()
}

// after is the first key behind key.
func after(key string) string { return key + "\x00" }

// isAfter reports whether b is the first key behind a.
func isAfter(a, b string) bool {
	return len(b) == len(a)+1 && b[len(a)] == 0 && strings.HasPrefix(b, a)
}
