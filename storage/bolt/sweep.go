package bolt

import (
	"bytes"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"workerd.local/actorid"
	"workerd.local/internal/limits"
)

// sweep removes a part of what commits have made unreachable. A failure is kept
// by update and told to the next caller.
func (s *Store) sweep() {
	err := s.update(func(tx *bbolt.Tx) error {
		if err := sweepSome(tx, limits.StorageSweep.In(s.options.Bounds)); err != nil {
			return err
		}
		s.sweeping = hasSweep(tx)
		return nil
	})
	if err == nil && !s.sweeping && s.options.Hooks.Swept != nil {
		s.options.Hooks.Swept()
	}
}

// sweepSome removes at most so many keys: few enough that a commit that arrives
// meanwhile hardly waits and memory stays small.
func sweepSome(tx *bbolt.Tx, most int) error {
	sweep, entries := tx.Bucket(bucketSweep), tx.Bucket(bucketEntries)
	first, value := sweep.Cursor().First()
	if first == nil {
		return nil
	}
	what, namespace := bytes.Clone(first), string(value)
	number := what[1:]
	var whole bool
	var err error
	switch {
	case what[0] == sweepBody && len(number) == bodyBytes:
		var keys [][]byte
		keys, whole = keysUnder(entries, number, most)
		err = deleteKeys(entries, keys)
	case what[0] == sweepSpace && len(number) == spaceBytes:
		actors := tx.Bucket(bucketActors)
		var keys [][]byte
		keys, whole = keysUnder(actors, number, most)
		for _, k := range keys {
			if err := forgetActor(tx, namespace, k, actors.Get(k)); err != nil {
				return err
			}
		}
		err = deleteKeys(actors, keys)
	default:
		return damagedf("%q cannot be swept", what)
	}
	if err != nil || !whole {
		return err
	}
	return sweep.Delete(what)
}

// forgetActor removes what hangs on an actor's record.
func forgetActor(tx *bbolt.Tx, namespace string, key, stored []byte) error {
	r, err := decodeRecord(stored)
	if err != nil {
		return err
	}
	if r.hasAlarm() {
		space := binary.BigEndian.Uint32(key)
		a := actorid.ID{Namespace: namespace, Key: string(key[spaceBytes:])}
		if err := tx.Bucket(bucketDue).Delete(dueKey(a.Shard(), r.time, space, a.Key)); err != nil {
			return err
		}
	}
	if r.body == 0 {
		return nil
	}
	entries := tx.Bucket(bucketEntries)
	// Most actors are small, and a line in the sweep bucket costs as much as a few
	// entries.
	if keys, whole := keysUnder(entries, bodyPrefix(r.body), 8); whole {
		return deleteKeys(entries, keys)
	}
	return tx.Bucket(bucketSweep).Put(sweepBodyKey(r.body), nil)
}

// keysUnder copies the first keys that begin with prefix, at most limit, and
// reports whether they are all.
func keysUnder(b *bbolt.Bucket, prefix []byte, limit int) (keys [][]byte, whole bool) {
	c := b.Cursor()
	for k, _ := c.Seek(prefix); hasPrefix(k, prefix); k, _ = c.Next() {
		if len(keys) == limit {
			return keys, false
		}
		keys = append(keys, bytes.Clone(k))
	}
	return keys, true
}

func deleteKeys(b *bbolt.Bucket, keys [][]byte) error {
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
