package bolt

import (
	"bytes"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// What a commit does to the facets of an actor: their keys follow its own.

// facetAfter is the first facet of a parent, or of its facets, whose key comes after that
// one; nil where there is none.
func (b *buckets) facetAfter(parent, after []byte) (key []byte, r record, err error) {
	c := b.actors.Cursor()
	k, v := c.Seek(after)
	if bytes.Equal(k, after) {
		k, v = c.Next()
	}
	if !hasPrefix(k, parent) {
		return nil, r, nil
	}
	r, err = decodeRecord(v)
	return bytes.Clone(k), r, err
}

// deleteFacets deletes everything of an actor's facets.
func (b *buckets) deleteFacets(space uint32, a actorid.ID) error {
	parent := actorKey(space, a.Key)
	for {
		k, r, err := b.facetAfter(parent, parent)
		if k == nil || err != nil {
			return err
		}
		if r.body != 0 {
			if _, err := b.deleteEntries(r.body); err != nil {
				return err
			}
		}
		if r.hasAlarm() {
			facet := actorid.ID{Namespace: a.Namespace, Key: string(k[spaceBytes:])}
			if err := b.due.Delete(dueKey(facet.Shard(), r.time, space, facet.Key)); err != nil {
				return err
			}
		}
		if err := b.actors.Delete(k); err != nil {
			return err
		}
	}
}

// copyFrom copies the entries of w.Copy into the actor whose record is r, and those of its
// facets into facets of the same names.
func (b *buckets) copyFrom(w *storage.Write, r *record) error {
	space, err := b.space(w.Copy.Namespace)
	if err != nil {
		return err
	}
	from, to := actorKey(space, w.Copy.Key), actorKey(space, w.Actor.Key)
	source, err := decodeRecord(b.actors.Get(from))
	if err != nil {
		return err
	}
	if err := b.copyEntries(source.body, r); err != nil {
		return err
	}
	for at := from; ; {
		k, source, err := b.facetAfter(from, at)
		if k == nil || err != nil {
			return err
		}
		at = k
		into := append(bytes.Clone(to), k[len(from):]...)
		target, err := decodeRecord(b.actors.Get(into))
		if err != nil {
			return err
		}
		if err := b.copyEntries(source.body, &target); err != nil {
			return err
		}
		if target.isEmpty() {
			continue
		}
		if err := b.actors.Put(into, target.encode()); err != nil {
			return err
		}
	}
}

// copyAtOnce is how many entries are read before they are written: a cursor does not outlast
// a change.
const copyAtOnce = 1000

// copyEntries copies the entries of a body into that of a record.
func (b *buckets) copyEntries(body uint64, r *record) error {
	if body == 0 {
		return nil
	}
	prefix := bodyPrefix(body)
	for at := prefix; at != nil; {
		var keys, values [][]byte
		c := b.entries.Cursor()
		k, v := c.Seek(at)
		for ; hasPrefix(k, prefix) && len(keys) < copyAtOnce; k, v = c.Next() {
			keys, values = append(keys, bytes.Clone(k[bodyBytes:])), append(values, bytes.Clone(v))
		}
		at = nil
		if hasPrefix(k, prefix) {
			at = bytes.Clone(k)
		}
		for i := range keys {
			if r.body == 0 {
				n, err := b.entries.NextSequence()
				if err != nil {
					return err
				}
				r.body = n
			}
			b.key = appendEntryKey(b.key, r.body, string(keys[i]))
			if err := b.entries.Put(b.key, values[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
