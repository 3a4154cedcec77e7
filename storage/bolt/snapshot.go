package bolt

import (
	"context"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// Snapshot is the storage as of one moment. While it is open, the pages that
// commits replace are not used again, so the file grows; Close it soon. One
// goroutine at a time.
type Snapshot struct {
	s  *Store
	tx *bbolt.Tx
}

// Snapshot begins to read. The caller closes it before it closes the store, which
// waits for it.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	if err := s.check(ctx); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	p := &Snapshot{s: s}
	err := s.guard(func() (err error) {
		p.tx, err = s.db.Begin(false)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", closedOr(err))
	}
	return p, nil
}

// Close ends the snapshot.
func (p *Snapshot) Close() error { return p.s.guard(p.tx.Rollback) }

// Bytes is the size of the file.
func (p *Snapshot) Bytes() int64 { return p.tx.Size() }

// Namespaces are those that hold an actor, in the order of their names.
func (p *Snapshot) Namespaces() (names []string, err error) {
	err = p.s.guard(func() (err error) {
		names, err = readNamespaces(p.tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	return names, nil
}

// Actors yields the actors of a namespace with their alarms, in the order of their
// keys. It ends after the first error.
func (p *Snapshot) Actors(ctx context.Context, namespace string) iter.Seq2[ActorState, error] {
	return func(yield func(ActorState, error) bool) {
		var list []ActorState
		for after, more := "", true; more; {
			err := p.s.guard(func() (err error) {
				list, more, err = readStates(ctx, p.tx, namespace, after)
				return err
			})
			if err != nil {
				yield(ActorState{}, fmt.Errorf("list actors of %q: %w", namespace, err))
				return
			}
			for _, a := range list {
				after = a.Actor.Key
				if !yield(a, nil) {
					return
				}
			}
		}
	}
}

// ActorState is what an actor's record says.
type ActorState struct {
	Actor actorid.ID
	// Alarm has no time where none is set.
	Alarm storage.Due
}

// Actor is the state of one actor; false where nothing of it is stored.
func (p *Snapshot) Actor(a actorid.ID) (state ActorState, found bool, err error) {
	err = p.s.guard(func() error {
		r, err := findRecord(p.tx, a)
		state, found = ActorState{Actor: a, Alarm: r.due(a)}, !r.isEmpty()
		return err
	})
	if err != nil {
		return ActorState{}, false, fmt.Errorf("actor %s of %q: %w", a, a.Namespace, err)
	}
	return state, found, nil
}

// Entries yields a range of an actor's entries, as Store.Scan does.
func (p *Snapshot) Entries(ctx context.Context, a actorid.ID, r storage.Range) iter.Seq2[storage.KV, error] {
	return func(yield func(storage.KV, error) bool) {
		if err := storage.CheckRange(r); err != nil {
			yield(storage.KV{}, fmt.Errorf("scan: %w", err))
			return
		}
		sc := scan{store: p.s, actor: a, rng: r, snapshot: p.tx}
		sc.run(ctx, yield)
	}
}

// Count is the number of an actor's entries, and the sum of the lengths of their
// keys and values.
func (p *Snapshot) Count(ctx context.Context, a actorid.ID) (info storage.ActorInfo, err error) {
	info.Actor = a
	err = p.s.guard(func() error {
		r, err := findRecord(p.tx, a)
		if err != nil {
			return err
		}
		return countEntries(ctx, p.tx.Bucket(bucketEntries).Cursor(), r.body, &info)
	})
	if err != nil {
		return storage.ActorInfo{}, fmt.Errorf("count the entries of actor %s of %q: %w", a, a.Namespace, err)
	}
	return info, nil
}

// countEntries adds up what a body holds.
func countEntries(ctx context.Context, entries *bbolt.Cursor, body uint64, info *storage.ActorInfo) error {
	if body == 0 {
		return nil
	}
	prefix := bodyPrefix(body)
	for k, v := entries.Seek(prefix); hasPrefix(k, prefix); k, v = entries.Next() {
		info.Keys++
		info.Bytes += int64(len(k) - bodyBytes + len(v))
		if info.Keys%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// readStates reads the next actors of a namespace, and whether there are more.
func readStates(ctx context.Context, tx *bbolt.Tx, namespace, after string) (list []ActorState, more bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	space, err := findSpace(tx, namespace)
	if err != nil || space == 0 {
		return nil, false, err
	}
	prefix := actorPrefix(space)
	c := tx.Bucket(bucketActors).Cursor()
	for k, v := c.Seek(actorKey(space, after)); hasPrefix(k, prefix); k, v = c.Next() {
		a := actorid.ID{Namespace: namespace, Key: string(k[spaceBytes:])}
		if a.Key == after {
			continue
		}
		if len(list) == actorsAtOnce {
			return list, true, nil
		}
		r, err := decodeRecord(v)
		if err != nil {
			return nil, false, fmt.Errorf("actor %s: %w", a, err)
		}
		list = append(list, ActorState{Actor: a, Alarm: r.due(a)})
	}
	return list, false, nil
}

// readNamespaces reads the names of the namespaces that hold an actor.
func readNamespaces(tx *bbolt.Tx) (names []string, err error) {
	actors := tx.Bucket(bucketActors).Cursor()
	c := tx.Bucket(bucketNamespaces).Cursor()
	prefix := []byte{namePrefix}
	for k, v := c.Seek(prefix); hasPrefix(k, prefix); k, v = c.Next() {
		if len(v) != spaceBytes {
			return nil, damagedf("the number of namespace %q has %d bytes", k[1:], len(v))
		}
		if first, _ := actors.Seek(v); hasPrefix(first, v) {
			names = append(names, string(k[1:]))
		}
	}
	return names, nil
}
