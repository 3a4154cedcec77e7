package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"workerd.local/actorid"
	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// InstantReads is true: a read finds its pages in the file's map, a few
// microseconds where the system has them in memory. Pages that it has not, after a
// start or when the file is larger than the memory, are read from the disk while
// the goroutine waits, tens to hundreds of microseconds each, at most one per level
// of the tree. That is less than handing the read to another goroutine would cost
// all the others.
func (s *Store) InstantReads() bool { return true }

// Get reads on the caller's goroutine; the values are copies.
func (s *Store) Get(ctx context.Context, t storage.Token, a actorid.ID, keys []string) (found []storage.KV, err error) {
	err = s.checkToken(t, a)
	if err == nil {
		err = s.view(ctx, func(tx *bbolt.Tx) error {
			r, err := findRecord(tx, a)
			if err != nil || r.body == 0 {
				return err
			}
			entries := tx.Bucket(bucketEntries).Cursor()
			var key []byte
			for _, k := range keys {
				key = appendEntryKey(key, r.body, k)
				if stored, v := entries.Seek(key); bytes.Equal(stored, key) {
					found = append(found, storage.KV{Key: k, Value: clone(v)})
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	return found, nil
}

// Alarm reads the actor's alarm.
func (s *Store) Alarm(ctx context.Context, t storage.Token, a actorid.ID) (due storage.Due, err error) {
	err = s.checkToken(t, a)
	if err == nil {
		err = s.view(ctx, func(tx *bbolt.Tx) error {
			r, err := findRecord(tx, a)
			due = r.due(a)
			return err
		})
	}
	if err != nil {
		return storage.Due{}, fmt.Errorf("read alarm: %w", err)
	}
	return due, nil
}

// Alarms reads the order of alarms of one shard.
func (s *Store) Alarms(ctx context.Context, t storage.Token, limit int) (due []storage.Due, err error) {
	switch {
	case t.Epoch != s.epoch:
		err = storage.ErrFenced
	case t.Shard >= actorid.Shards:
		err = fmt.Errorf("there are only %d shards", actorid.Shards)
	case limit < 0:
		err = fmt.Errorf("the limit is %d, less than 0", limit)
	default:
		err = s.view(ctx, func(tx *bbolt.Tx) error {
			due, err = readAlarms(ctx, tx, t.Shard, limit)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read alarms of shard %d: %w", t.Shard, err)
	}
	return due, nil
}

func readAlarms(ctx context.Context, tx *bbolt.Tx, shard uint32, limit int) (due []storage.Due, err error) {
	actors, names := tx.Bucket(bucketActors), tx.Bucket(bucketNamespaces)
	prefix := duePrefix(shard)
	order := tx.Bucket(bucketDue).Cursor()
	for k, _ := order.Seek(prefix); hasPrefix(k, prefix); k, _ = order.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, at, space, key, err := splitDueKey(k)
		if err != nil {
			return nil, err
		}
		name := names.Get(spaceKey(space))
		if name == nil {
			continue // of a deleted namespace, not yet swept
		}
		r, err := decodeRecord(actors.Get(actorKey(space, key)))
		if err != nil {
			return nil, err
		}
		a := actorid.ID{Namespace: string(name), Key: key}
		if !r.time.Equal(at) {
			return nil, damagedf("actor %s of %q has no alarm at %v, but is in the order of alarms", a, a.Namespace, at)
		}
		due = append(due, r.due(a))
		if len(due) == limit {
			break
		}
	}
	return due, nil
}

// Actors reads some actors at a time, each time in a new transaction. Keys and
// Bytes are counted on the way: keeping them up to date would make every commit
// write the actor's record as well, about twice the pages of a small commit.
func (s *Store) Actors(ctx context.Context, namespace string, after actorid.ID) iter.Seq2[storage.ActorInfo, error] {
	return func(yield func(storage.ActorInfo, error) bool) {
		for from := after.Key; ; {
			var infos []storage.ActorInfo
			more := false
			err := s.view(ctx, func(tx *bbolt.Tx) (err error) {
				infos, more, err = readActors(ctx, tx, namespace, from)
				return err
			})
			if err != nil {
				yield(storage.ActorInfo{}, fmt.Errorf("list actors of %q: %w", namespace, err))
				return
			}
			for _, info := range infos {
				if !yield(info, nil) {
					return
				}
				from = info.Actor.Key
			}
			if !more {
				return
			}
		}
	}
}

// How much Actors reads in one transaction: actors, or entries counted.
const (
	actorsAtOnce  = 256
	entriesCounts = 100_000
)

func readActors(ctx context.Context, tx *bbolt.Tx, namespace, after string) (infos []storage.ActorInfo, more bool, err error) {
	space, err := findSpace(tx, namespace)
	if err != nil || space == 0 {
		return nil, false, err
	}
	prefix := actorPrefix(space)
	actors, entries := tx.Bucket(bucketActors).Cursor(), tx.Bucket(bucketEntries).Cursor()
	counted := 0
	for k, v := actors.Seek(actorKey(space, after)); hasPrefix(k, prefix); k, v = actors.Next() {
		key := string(k[spaceBytes:])
		if key == after {
			continue
		}
		if len(infos) == actorsAtOnce || counted >= entriesCounts {
			return infos, true, nil
		}
		r, err := decodeRecord(v)
		if err != nil {
			return nil, false, err
		}
		info := storage.ActorInfo{Actor: actorid.ID{Namespace: namespace, Key: key}}
		if err := countEntries(ctx, entries, r.body, &info); err != nil {
			return nil, false, err
		}
		counted += info.Keys
		infos = append(infos, info)
	}
	return infos, false, nil
}

// Namespaces yields in the order of names.
func (s *Store) Namespaces(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var names []string
		err := s.view(ctx, func(tx *bbolt.Tx) (err error) {
			names, err = readNamespaces(tx)
			return err
		})
		if err != nil {
			yield("", fmt.Errorf("list namespaces: %w", err))
			return
		}
		for _, name := range names {
			if !yield(name, nil) {
				return
			}
		}
	}
}

// Meta reads a value of the program.
func (s *Store) Meta(ctx context.Context, name string) (value []byte, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		if k, v := tx.Bucket(bucketProgram).Cursor().Seek([]byte(name)); k != nil && string(k) == name {
			value = clone(v)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read meta %q: %w", name, err)
	}
	return value, nil
}

// Scan reads ahead a bounded number of entries. A range that ends within the
// first of them, as most do, has let go of its snapshot before the loop body runs.
func (s *Store) Scan(ctx context.Context, t storage.Token, a actorid.ID, r storage.Range) iter.Seq2[storage.KV, error] {
	return func(yield func(storage.KV, error) bool) {
		err := s.checkToken(t, a)
		if err == nil {
			err = storage.CheckRange(r)
		}
		if err != nil {
			yield(storage.KV{}, fmt.Errorf("scan: %w", err))
			return
		}
		sc := scan{store: s, actor: a, rng: r}
		sc.run(ctx, yield)
	}
}

// How far Scan reads ahead: a little at first, because many loops stop early.
const (
	scanKeysFirst = 64
	scanKeysMost  = 1024
)

// scan is one running Scan.
type scan struct {
	store *Store
	actor actorid.ID
	rng   storage.Range
	// snapshot is read instead of a transaction of the scan's own, where it is set.
	snapshot *bbolt.Tx

	tx     *bbolt.Tx
	cursor *bbolt.Cursor
	// low and high bound the keys in the bucket; high is nil when there is no key
	// after the actor's.
	low, high []byte
	// key and value are the next entry, in bbolt's memory; key is nil at the end.
	key, value []byte
	count      int
	keys       int
}

// read returns the next entries and whether there are more.
func (sc *scan) read(ctx context.Context) (entries []storage.KV, more bool, err error) {
	if err := sc.store.check(ctx); err != nil && !(errors.Is(err, storage.ErrClosed) && sc.tx != nil) {
		return nil, false, err
	}
	err = sc.store.guard(func() error {
		if sc.tx == nil {
			if found, err := sc.begin(); err != nil || !found {
				return err
			}
		}
		size, scanBytes := 0, limits.StorageScan.In(sc.store.options.Bounds)
		for sc.key != nil && len(entries) < sc.keys && size < scanBytes {
			entries = append(entries, storage.KV{Key: string(sc.key[bodyBytes:]), Value: clone(sc.value)})
			size += len(sc.key) + len(sc.value)
			if sc.count++; sc.count == sc.rng.Limit {
				return nil
			}
			sc.step()
		}
		more = sc.key != nil
		sc.keys = min(sc.keys*2, scanKeysMost)
		return nil
	})
	return entries, more, err
}

// run yields what the scan finds; it ends after the first error.
func (sc *scan) run(ctx context.Context, yield func(storage.KV, error) bool) {
	defer sc.end()
	for more := true; more; {
		var entries []storage.KV
		var err error
		entries, more, err = sc.read(ctx)
		if err != nil {
			sc.end()
			yield(storage.KV{}, fmt.Errorf("scan: %w", err))
			return
		}
		if !more {
			sc.end()
		}
		for _, kv := range entries {
			if !yield(kv, nil) {
				return
			}
		}
	}
}

// begin opens the snapshot at the first entry, if there is one.
func (sc *scan) begin() (found bool, err error) {
	r := sc.rng
	if r.End != "" && r.End <= r.Start {
		return false, nil
	}
	if sc.tx = sc.snapshot; sc.tx == nil {
		if sc.tx, err = sc.store.db.Begin(false); err != nil {
			return false, closedOr(err)
		}
	}
	rec, err := findRecord(sc.tx, sc.actor)
	if err != nil || rec.body == 0 {
		return false, err
	}
	sc.keys = scanKeysFirst
	sc.low = appendEntryKey(nil, rec.body, r.Start)
	if r.End != "" {
		sc.high = appendEntryKey(nil, rec.body, r.End)
	} else {
		sc.high = firstAfter(bodyPrefix(rec.body))
	}
	sc.cursor = sc.tx.Bucket(bucketEntries).Cursor()
	if !r.Reverse {
		sc.accept(sc.cursor.Seek(sc.low))
		return sc.key != nil, nil
	}
	if sc.high == nil {
		sc.accept(sc.cursor.Last())
	} else if k, _ := sc.cursor.Seek(sc.high); k == nil {
		sc.accept(sc.cursor.Last())
	} else {
		sc.accept(sc.cursor.Prev())
	}
	return sc.key != nil, nil
}

func (sc *scan) step() {
	if sc.rng.Reverse {
		sc.accept(sc.cursor.Prev())
	} else {
		sc.accept(sc.cursor.Next())
	}
}

// accept takes what the cursor stands on, if it is within the range.
func (sc *scan) accept(k, v []byte) {
	if k != nil && (bytes.Compare(k, sc.low) < 0 || sc.high != nil && bytes.Compare(k, sc.high) >= 0) {
		k, v = nil, nil
	}
	sc.key, sc.value = k, v
}

func (sc *scan) end() {
	if sc.tx != nil && sc.tx != sc.snapshot {
		// A rollback of a read can only fail when it was rolled back before.
		sc.store.guard(sc.tx.Rollback)
	}
	sc.tx = nil
}

// view runs fn in a read transaction on this goroutine.
func (s *Store) view(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	return closedOr(s.guard(func() error { return s.db.View(fn) }))
}

// closedOr names what bbolt says to a read that lost the race with Close.
func closedOr(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return storage.ErrClosed
	}
	return err
}

func (s *Store) checkToken(t storage.Token, a actorid.ID) error {
	if err := storage.CheckActor(t, a); err != nil {
		return err
	}
	if t.Epoch != s.epoch {
		return storage.ErrFenced
	}
	return nil
}

// hasPrefix is false for the nil key that ends a bucket, even with no prefix.
func hasPrefix(k, prefix []byte) bool { return k != nil && bytes.HasPrefix(k, prefix) }

// clone copies bytes out of bbolt's memory; empty bytes stay different from none.
func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }
