package cache

import (
	"slices"
	"time"

	"github.com/tidwall/btree"

	"workerd.local/exception"
	"workerd.local/loop"
	"workerd.local/storage"
)

type txnState uint8

const (
	txnOpen       txnState = iota // to committed, rolledBack
	txnCommitted                  // for good
	txnRolledBack                 // for good
)

// Txn is a transaction: its writes are seen by its own reads at once, and by
// everybody else when it commits, all of them together. Transactions nest: the
// inner one commits into the outer one. Nothing detects conflicts; whoever runs
// a transaction keeps others out meanwhile, with a critical section.
type Txn struct {
	l      *loop.Loop
	parent committer
	outer  *Txn // nil where parent is a Cache
	limits *Limits
	state  txnState
	inner  int // transactions over this one that are open
	writes *btree.Map[string, txnWrite]
	alarm  *txnAlarm
}

type txnWrite struct {
	value []byte // nil: deleted
	o     WriteOptions
}

type txnAlarm struct {
	t time.Time
	o WriteOptions
}

// committer is what a transaction stands on.
type committer interface {
	Ops
	getMany(keys []string, o ReadOptions) loop.Result[[]storage.KV]
	// apply takes a committed transaction's writes, in the order of keys.
	apply(writes *btree.Map[string, txnWrite], alarm *txnAlarm) loop.Result[struct{}]
}

func newTxn(parent committer, outer *Txn, l *loop.Loop, limits *Limits) *Txn {
	return &Txn{l: l, parent: parent, outer: outer, limits: limits}
}

// Begin starts a transaction within this one.
func (t *Txn) Begin() *Txn {
	t.inner++
	return newTxn(t, t, t.l, t.limits)
}

// usable returns what a use of a transaction that is over gets.
func (t *Txn) usable(op string) error {
	switch t.state {
	case txnCommitted:
		return exception.Errorf("Cannot call %s on transaction that has already committed: did you move `txn` "+
			"outside of the closure?", op)
	case txnRolledBack:
		return exception.Errorf("Cannot %s on rolled back transaction", op)
	}
	return nil
}

// Get returns the value of a key as this transaction sees it.
func (t *Txn) Get(key string, o ReadOptions) loop.Result[[]byte] {
	if err := t.usable("get()"); err != nil {
		return loop.Fail[[]byte](err)
	}
	if t.writes != nil {
		if w, ok := t.writes.Get(key); ok {
			return loop.Now(w.value)
		}
	}
	return t.parent.Get(key, o)
}

// GetMany returns what exists of the keys, sorted by key, each once.
func (t *Txn) GetMany(keys []string, o ReadOptions) loop.Result[[]storage.KV] {
	if err := t.usable("get()"); err != nil {
		return loop.Fail[[]storage.KV](err)
	}
	if err := t.limits.checkPairs(len(keys)); err != nil {
		return loop.Fail[[]storage.KV](err)
	}
	return t.getMany(keys, o)
}

func (t *Txn) getMany(keys []string, o ReadOptions) loop.Result[[]storage.KV] {
	if t.writes == nil {
		return t.parent.getMany(keys, o)
	}
	keys = slices.Clone(keys)
	slices.Sort(keys)
	var own []storage.KV
	var below []string
	for _, k := range slices.Compact(keys) {
		w, ok := t.writes.Get(k)
		if !ok {
			below = append(below, k)
		} else if w.value != nil {
			own = append(own, storage.KV{Key: k, Value: w.value})
		}
	}
	if len(below) == 0 {
		return loop.Now(own)
	}
	return loop.Map(t.parent.getMany(below, o), func(kvs []storage.KV) ([]storage.KV, error) {
		return mergeSorted(own, kvs), nil
	})
}

// List returns a range in its order.
func (t *Txn) List(r storage.Range, o ReadOptions) loop.Result[[]storage.KV] {
	if err := t.usable("list()"); err != nil {
		return loop.Fail[[]storage.KV](err)
	}
	if t.writes == nil || r.Limit < 0 || r.End != "" && r.End <= r.Start {
		return t.parent.List(r, o)
	}
	own, deleted := t.inRange(r)
	below := r
	if r.Limit > 0 {
		below.Limit += deleted
	}
	return loop.Map(t.parent.List(below, o), func(kvs []storage.KV) ([]storage.KV, error) {
		return mergeRange(own, kvs, r), nil
	})
}

// inRange returns the writes within a range in its order, as of now, with a nil
// Value for what is deleted.
func (t *Txn) inRange(r storage.Range) (own []storage.KV, deleted int) {
	live := 0
	t.writes.Ascend(r.Start, func(k string, w txnWrite) bool {
		if r.End != "" && k >= r.End {
			return false
		}
		if w.value == nil {
			deleted++
		} else {
			live++
		}
		own = append(own, storage.KV{Key: k, Value: w.value})
		// Behind as many live keys as are wanted, nothing matters.
		return r.Reverse || r.Limit == 0 || live < r.Limit
	})
	if r.Reverse {
		slices.Reverse(own)
	}
	return own, deleted
}

// Put writes all the pairs, or none where one is not allowed.
func (t *Txn) Put(kvs []storage.KV, o WriteOptions) loop.Result[struct{}] {
	if err := t.usable("put()"); err != nil {
		return loop.Fail[struct{}](err)
	}
	if err := t.limits.checkPut(kvs); err != nil {
		return loop.Fail[struct{}](err)
	}
	for _, kv := range kvs {
		if kv.Value == nil {
			kv.Value = []byte{}
		}
		t.set(kv.Key, txnWrite{value: kv.Value, o: o})
	}
	return loop.Now(struct{}{})
}

// set keeps a write. Where it replaces one that was to be confirmed, it is to be
// confirmed as well (workerd, ActorSqlite: one confirmed write is enough).
func (t *Txn) set(key string, w txnWrite) {
	if t.writes == nil {
		t.writes = btree.NewMap[string, txnWrite](indexDegree)
	}
	if old, ok := t.writes.Get(key); ok && !old.o.AllowUnconfirmed {
		w.o.AllowUnconfirmed = false
	}
	t.writes.Set(key, w)
}

// changeAlarm is set for the alarm.
func (t *Txn) changeAlarm(a txnAlarm) {
	if t.alarm != nil && !t.alarm.o.AllowUnconfirmed {
		a.o.AllowUnconfirmed = false
	}
	t.alarm = &a
}

// Delete removes keys and returns how many of them existed for this transaction;
// what it does not know is read.
func (t *Txn) Delete(keys []string, o WriteOptions) loop.Result[int] {
	if err := t.usable("delete()"); err != nil {
		return loop.Fail[int](err)
	}
	if err := t.limits.checkKeys(keys); err != nil {
		return loop.Fail[int](err)
	}
	found := t.getMany(keys, ReadOptions{NoCache: o.NoCache})
	for _, k := range keys {
		t.set(k, txnWrite{o: o})
	}
	return loop.Map(found, func(kvs []storage.KV) (int, error) { return len(kvs), nil })
}

// Alarm returns the time of the alarm as this transaction sees it.
func (t *Txn) Alarm(o ReadOptions) loop.Result[time.Time] {
	if err := t.usable("getAlarm()"); err != nil {
		return loop.Fail[time.Time](err)
	}
	if t.alarm != nil {
		return loop.Now(t.alarm.t)
	}
	return t.parent.Alarm(o)
}

// SetAlarm sets the alarm, or clears it where at is zero.
func (t *Txn) SetAlarm(at time.Time, o WriteOptions) loop.Result[struct{}] {
	op := "setAlarm()"
	if at.IsZero() {
		op = "deleteAlarm()"
	}
	if err := t.usable(op); err != nil {
		return loop.Fail[struct{}](err)
	}
	t.changeAlarm(txnAlarm{t: at, o: o})
	return loop.Now(struct{}{})
}

// Commit hands the writes on. The result is that of the last write below: later
// only to slow down a writer that is too fast.
func (t *Txn) Commit() loop.Result[struct{}] {
	if err := t.usable("commit()"); err != nil {
		return loop.Fail[struct{}](err)
	}
	if t.inner > 0 {
		return loop.Fail[struct{}](exception.Errorf(
			"Cannot commit an outer transaction while a nested transaction is still running."))
	}
	t.end(txnCommitted)
	writes, alarm := t.writes, t.alarm
	t.writes, t.alarm = nil, nil
	return t.parent.apply(writes, alarm)
}

// Rollback drops the writes. Doing so again is allowed.
func (t *Txn) Rollback() error {
	if t.state == txnRolledBack {
		return nil
	}
	if err := t.usable("rollback()"); err != nil {
		return err
	}
	if t.inner > 0 {
		return exception.Errorf("Cannot roll back an outer transaction while a nested transaction is still running.")
	}
	t.end(txnRolledBack)
	t.writes, t.alarm = nil, nil
	return nil
}

func (t *Txn) end(s txnState) {
	t.state = s
	if t.outer != nil {
		t.outer.inner--
	}
}

func (t *Txn) apply(writes *btree.Map[string, txnWrite], alarm *txnAlarm) loop.Result[struct{}] {
	if writes != nil {
		writes.Scan(func(k string, w txnWrite) bool { t.set(k, w); return true })
	}
	if alarm != nil {
		t.changeAlarm(*alarm)
	}
	return loop.Now(struct{}{})
}

func (c *Cache) apply(writes *btree.Map[string, txnWrite], alarm *txnAlarm) loop.Result[struct{}] {
	if c.terminal != nil {
		return loop.Fail[struct{}](c.refuse())
	}
	if writes != nil {
		writes.Scan(func(k string, w txnWrite) bool {
			if w.value == nil {
				c.deleteOne(k, w.o) // how many existed was answered long ago
			} else {
				c.putOne(k, w.value, w.o)
			}
			return true
		})
	}
	if alarm != nil {
		c.setAlarm(alarm.t, alarm.o)
	}
	return c.finishWrite()
}
