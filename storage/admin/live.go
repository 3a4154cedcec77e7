package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"workerd.local/actorid"
	"workerd.local/internal/limits"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
)

// live is the operations on a store that is open in this process.
type live struct {
	store *bolt.Store
	// write makes each actor's storage what its write says, one at a time or several.
	write  Writer
	bounds *limits.Set
}

// Commit is the Writer of a store that no actor is using: all of the writes in one
// transaction.
func Commit(store *bolt.Store) Writer {
	return func(ctx context.Context, writes []storage.Write) error {
		batch := map[storage.Token][]storage.Write{}
		for _, w := range writes {
			_, t, err := store.Placement().Owner(ctx, w.Actor.Shard())
			if err != nil {
				return err
			}
			batch[t] = append(batch[t], w)
		}
		fenced, err := store.Commit(ctx, batch)
		if err == nil && len(fenced) > 0 {
			err = storage.ErrFenced
		}
		return err
	}
}

// view is a snapshot that is read from.
type view struct{ *bolt.Snapshot }

func (l *live) read(ctx context.Context, fn func(v view) error) error {
	p, err := l.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(view{p}), p.Close())
}

// errStop ends a sequence that its reader has broken off.
var errStop = errors.New("stop")

// sequence makes a sequence of what fn yields from a snapshot.
func sequence[T any](ctx context.Context, l *live, fn func(v view, yield func(T) error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := l.read(ctx, func(v view) error {
			return fn(v, func(item T) error {
				if !yield(item, nil) {
					return errStop
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			var none T
			yield(none, err)
		}
	}
}

// Actors is Storage's.
func (l *live) Actors(ctx context.Context, namespace string) iter.Seq2[Actor, error] {
	return sequence(ctx, l, func(v view, yield func(Actor) error) error {
		names, err := v.Namespaces()
		if err != nil {
			return err
		}
		found := namespace == ""
		for _, n := range names {
			if namespace != "" && n != namespace {
				continue
			}
			found = true
			for a, err := range v.Actors(ctx, n) {
				if err != nil {
					return err
				}
				count, err := v.Count(ctx, a.Actor)
				if err != nil {
					return err
				}
				if err := yield(Actor{ID: a.Actor, Keys: count.Keys, Bytes: count.Bytes, Alarm: alarmOf(a.Alarm)}); err != nil {
					return err
				}
			}
		}
		if !found {
			return unknownNamespace(namespace, names)
		}
		return nil
	})
}

// Entries is Storage's.
func (l *live) Entries(ctx context.Context, q Query) iter.Seq2[storage.KV, error] {
	return sequence(ctx, l, func(v view, yield func(storage.KV) error) error {
		id, err := resolve(ctx, v.Snapshot, q.Ref)
		if err != nil {
			return err
		}
		r, none := q.bounds()
		if none {
			return nil
		}
		found := false
		for kv, err := range v.Entries(ctx, id, r) {
			if err != nil {
				return err
			}
			found = true
			if err := yield(kv); err != nil {
				return err
			}
		}
		if q.HasKey && !found {
			return l.unknownKey(ctx, v, id, q.Key)
		}
		return nil
	})
}

// unknownKey lists the keys around the place where the key would be.
func (l *live) unknownKey(ctx context.Context, v view, id actorid.ID, key string) error {
	var keys []string
	for _, r := range []storage.Range{{End: key, Reverse: true, Limit: 2}, {Start: key, Limit: 2}} {
		if key == "" && r.Reverse {
			continue
		}
		for kv, err := range v.Entries(ctx, id, r) {
			if err != nil {
				return err
			}
			if r.Reverse {
				keys = append([]string{kv.Key}, keys...)
			} else {
				keys = append(keys, kv.Key)
			}
		}
	}
	text := "; it has no keys"
	if len(keys) > 0 {
		quoted := make([]string, len(keys))
		for i, k := range keys {
			quoted[i] = fmt.Sprintf("%q", k)
		}
		text = "; the keys around it are " + strings.Join(quoted, ", ")
	}
	return fmt.Errorf("key %q of actor %s: %w%s", key, describe(id), ErrUnknown, text)
}

// Backup is Storage's.
func (l *live) Backup(ctx context.Context, w io.Writer) error { return l.store.Backup(ctx, w) }

// Check is Storage's: the pages, then what belongs together, then the values.
func (l *live) Check(ctx context.Context) (findings []string, err error) {
	report, err := l.store.Inspect(ctx)
	if err != nil {
		return nil, err
	}
	if findings = lost(report); len(findings) > 0 {
		return findings, nil
	}
	if err := l.store.Check(ctx); errors.Is(err, storage.ErrDamaged) {
		return []string{err.Error()}, nil
	} else if err != nil {
		return nil, err
	}
	return l.checkValues(ctx)
}

func lost(r *bolt.Report) (findings []string) {
	for _, loss := range r.Lost {
		findings = append(findings, loss.String())
	}
	if r.More > 0 {
		findings = append(findings, fmt.Sprintf("and %d more pages", r.More))
	}
	return findings
}

// checkValues finds values that scripts could not read.
func (l *live) checkValues(ctx context.Context) (findings []string, err error) {
	more := 0
	err = l.read(ctx, func(v view) error {
		names, err := v.Namespaces()
		if err != nil {
			return err
		}
		for _, n := range names {
			if storage.Opaque(n) {
				continue
			}
			for a, err := range v.Actors(ctx, n) {
				if err != nil {
					return err
				}
				for kv, err := range v.Entries(ctx, a.Actor, storage.Range{}) {
					if err != nil {
						return err
					}
					if err := checkValue(kv.Value); err != nil {
						if len(findings) == limits.CheckValues.In(l.bounds) {
							more++
							continue
						}
						findings = append(findings, fmt.Sprintf("key %q of actor %s: the value cannot be read: %v", kv.Key, describe(a.Actor), err))
					}
				}
			}
		}
		return nil
	})
	if more > 0 {
		findings = append(findings, fmt.Sprintf("and %d more values", more))
	}
	return findings, err
}
