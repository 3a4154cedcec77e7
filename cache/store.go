package cache

import (
	"context"
	"fmt"

	"workerd.local/actorid"
	"workerd.local/internal/limits"
	"workerd.local/loop"
	"workerd.local/storage"
)

// StoreOptions configure a StoreBackend.
type StoreOptions struct {
	// Go runs work that blocks on another goroutine; nil means a new goroutine for
	// each. It must run everything it is given.
	Go func(work func())
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
}

// StoreBackend is one actor's view of a storage.Store.
//
// Work that blocks is done on other goroutines, and its answer comes back as a
// task of the loop; where the loop is closed by then, nobody is left to be told.
// A store that is a storage.InstantReader is read on the loop itself, and one that
// is a storage.AsyncCommitter takes commits without a goroutine for each.
// ctx ends reads; commits that were begun are left to end by themselves.
type StoreBackend struct {
	ctx     context.Context
	l       *loop.Loop
	store   storage.Store
	async   storage.AsyncCommitter // nil where the store is not one
	token   storage.Token
	actor   actorid.ID
	instant bool
	spawn   func(func())
	bounds  *limits.Set
}

var _ InstantBackend = (*StoreBackend)(nil)

// NewStoreBackend returns the view of one actor, written under token t.
func NewStoreBackend(ctx context.Context, l *loop.Loop, s storage.Store, t storage.Token, a actorid.ID, o StoreOptions) *StoreBackend {
	b := &StoreBackend{ctx: ctx, l: l, store: s, token: t, actor: a, spawn: o.Go, bounds: o.Bounds}
	b.async, _ = s.(storage.AsyncCommitter)
	if i, ok := s.(storage.InstantReader); ok {
		b.instant = i.InstantReads()
	}
	if b.spawn == nil {
		b.spawn = func(work func()) { go work() }
	}
	return b
}

// Instant reports whether reads are answered at once.
func (b *StoreBackend) Instant() bool { return b.instant }

// away runs work off the loop and settles the result on it.
func away[T any](b *StoreBackend, work func() (T, error)) loop.Result[T] {
	f := loop.NewFuture[T](b.l)
	b.spawn(func() {
		v, err := guarded(work)
		post(b.l, func() { f.Settle(v, err) })
	})
	return loop.Later(f)
}

// guarded turns a panic of a store into a failure of this one operation.
func guarded[T any](work func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("storage panicked: %v", p)
		}
	}()
	return work()
}

// post brings an answer back to the loop. Where that is closed, so is everything
// that could want the answer.
func post(l *loop.Loop, task func()) bool { return l.Post(task) == nil }

func now[T any](v T, err error) loop.Result[T] {
	if err != nil {
		return loop.Fail[T](err)
	}
	return loop.Now(v)
}

// Get hands out the entries that exist among keys.
func (b *StoreBackend) Get(keys []string, batch func([]storage.KV) error) loop.Result[struct{}] {
	get := func(ctx context.Context, hand func([]storage.KV) error) error {
		kvs, err := b.store.Get(ctx, b.token, b.actor, keys)
		if err != nil || len(kvs) == 0 {
			return err
		}
		return hand(kvs)
	}
	if b.instant {
		return now(struct{}{}, get(b.ctx, batch))
	}
	return b.stream(get, batch)
}

// stream runs a read off the loop and brings its batches back. Not more than
// limits.ListAhead of them are in memory: a slot is free again once the loop has taken its
// batch. The read ends early where nobody wants the rest.
func (b *StoreBackend) stream(read func(ctx context.Context, hand func([]storage.KV) error) error,
	batch func([]storage.KV) error) loop.Result[struct{}] {
	ctx, cancel := context.WithCancel(b.ctx)
	f := loop.NewFuture[struct{}](b.l)
	f.OnCancel(cancel)
	slots := make(chan struct{}, limits.ListAhead.In(b.bounds))
	hand := func(kvs []storage.KV) error {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		take := func() {
			<-slots
			if batch(kvs) != nil {
				cancel()
			}
		}
		if !post(b.l, take) {
			return loop.ErrClosed
		}
		return nil
	}
	b.spawn(func() {
		_, err := guarded(func() (struct{}, error) { return struct{}{}, read(ctx, hand) })
		cancel()
		post(b.l, func() { f.Settle(struct{}{}, err) })
	})
	return loop.Later(f)
}

// Alarm returns the stored alarm.
func (b *StoreBackend) Alarm() loop.Result[storage.Due] {
	get := func() (storage.Due, error) { return b.store.Alarm(b.ctx, b.token, b.actor) }
	if b.instant {
		return now(get())
	}
	return away(b, get)
}

// listInline is the most keys that an instant list reads on the loop.
const listInline = 1024

// List hands out a range in batches. Where reads are instant its beginning is
// read at once, and only what is long goes on elsewhere. A commit may come
// between the two: it is one that the cache knows the keys of.
func (b *StoreBackend) List(r storage.Range, batch func([]storage.KV) error) loop.Result[struct{}] {
	if b.instant {
		var more bool
		var err error
		if r, more, err = b.listNow(r, batch); err != nil || !more {
			return now(struct{}{}, err)
		}
	}
	return b.stream(func(ctx context.Context, hand func([]storage.KV) error) error {
		return b.scan(ctx, r, hand)
	}, batch)
}

// listNow reads the beginning of a range on the loop and returns what is left.
func (b *StoreBackend) listNow(r storage.Range, batch func([]storage.KV) error) (left storage.Range, more bool, err error) {
	head := r
	if r.Limit == 0 || r.Limit > listInline {
		head.Limit = listInline
	}
	n, last := 0, ""
	err = b.scan(b.ctx, head, func(kvs []storage.KV) error {
		n += len(kvs)
		last = kvs[len(kvs)-1].Key
		return batch(kvs)
	})
	if err != nil || n < head.Limit || n == r.Limit || r.Reverse && last <= r.Start {
		return r, false, err
	}
	left = r
	if r.Limit > 0 {
		left.Limit -= n
	}
	if r.Reverse {
		left.End = last
	} else {
		left.Start = after(last)
	}
	return left, r.Reverse || r.End == "" || left.Start < r.End, nil
}

func (b *StoreBackend) scan(ctx context.Context, r storage.Range, hand func([]storage.KV) error) error {
	var kvs []storage.KV
	bytes, listKeys, listBytes := 0, limits.ListKeys.In(b.bounds), limits.ListBytes.In(b.bounds)
	for kv, err := range b.store.Scan(ctx, b.token, b.actor, r) {
		if err != nil {
			return err
		}
		kvs = append(kvs, kv)
		bytes += len(kv.Key) + len(kv.Value)
		if len(kvs) == listKeys || bytes >= listBytes {
			if err := hand(kvs); err != nil {
				return err
			}
			kvs, bytes = nil, 0
		}
	}
	if len(kvs) > 0 {
		return hand(kvs)
	}
	return nil
}

// Commit makes a batch durable. Counted deletes are counted by reading before:
// nobody else writes this actor under this token.
func (b *StoreBackend) Commit(batch *Batch) loop.Result[CommitInfo] {
	writes, counted := batch.writes(storage.Write{Actor: b.actor})
	if b.async == nil || len(counted) > 0 && !b.instant {
		return away(b, func() (CommitInfo, error) {
			info, err := b.count(batch, counted)
			if err != nil {
				return CommitInfo{}, err
			}
			fenced, err := b.store.Commit(context.WithoutCancel(b.ctx), map[storage.Token][]storage.Write{b.token: writes})
			return info, commitError(len(fenced) > 0, err)
		})
	}
	info, err := b.count(batch, counted)
	if err != nil {
		return loop.Fail[CommitInfo](err)
	}
	f := loop.NewFuture[CommitInfo](b.l)
	b.handOver(func() {
		b.async.CommitAsync(b.token, writes, func(fenced bool, err error) {
			post(b.l, func() { f.Settle(info, commitError(fenced, err)) })
		})
	})
	return loop.Later(f)
}

// handOver gives a commit to the store once every other actor that the turn made dirty
// has its own ready: actors flush at the end of a turn, and what that end leaves for
// later comes behind all of them. So the commits of a turn reach the store together, and
// share a transaction however fast it is.
func (b *StoreBackend) handOver(commit func()) {
	if b.l.InTurn() {
		b.l.AtTurnEnd(commit)
	} else {
		commit()
	}
}

func commitError(fenced bool, err error) error {
	if err == nil && fenced {
		return storage.ErrFenced
	}
	return err
}

// count says how many keys of each counted delete exist. A key in several of
// them counts for the first: then it is gone.
func (b *StoreBackend) count(batch *Batch, counted []string) (CommitInfo, error) {
	info := CommitInfo{Deleted: make([]int, len(batch.Counted))}
	if len(counted) == 0 {
		return info, nil
	}
	exists := make(map[string]bool, len(counted))
	for keys := range pieces(batch, counted, func(k string) int { return len(k) }) {
		kvs, err := b.store.Get(b.ctx, b.token, b.actor, keys)
		if err != nil {
			return CommitInfo{}, fmt.Errorf("count deleted keys: %w", err)
		}
		for _, kv := range kvs {
			exists[kv.Key] = true
		}
	}
	for i, keys := range batch.Counted {
		for _, k := range keys {
			if exists[k] {
				info.Deleted[i]++
				delete(exists, k)
			}
		}
	}
	return info, nil
}
