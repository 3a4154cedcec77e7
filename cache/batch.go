package cache

import (
	"iter"

	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// Batch is what one commit writes, in this order: the counted deletes, DelAll,
// the other deletes, the puts, the alarm.
type Batch struct {
	// Counted holds the keys of each Delete call that has to be told how many of
	// them existed before the batch. A key may be in several calls, and in Put.
	Counted [][]string
	// DelAll removes every key and every facet, but not the alarm.
	DelAll bool
	Del    []string
	Put    []storage.KV
	Alarm  storage.AlarmChange

	keys, bytes int // the most that one Part may have; 0 means what workerd has
}

// Empty reports whether there is nothing to write.
func (b *Batch) Empty() bool {
	return len(b.Counted) == 0 && !b.DelAll && len(b.Del) == 0 && len(b.Put) == 0 && b.Alarm.Op == storage.AlarmKeep
}

// Part is a piece of a Batch, of one kind.
type Part struct {
	// Count holds keys of Batch.Counted[Group]; what is found of all the parts of a
	// group is added up.
	Count  []string
	Group  int
	DelAll bool
	Del    []string
	Put    []storage.KV
	Alarm  storage.AlarmChange
}

// Parts cuts a batch into pieces of at most Options.BatchKeys keys and
// Options.BatchBytes bytes of keys and values, in the order in which they apply; one
// that has more by itself is a part of its own. A storage whose messages are bounded
// sends one for each, and then makes all of them durable together.
func (b *Batch) Parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		keyBytes := func(k string) int { return len(k) }
		for i, keys := range b.Counted {
			for count := range pieces(b, keys, keyBytes) {
				if !yield(Part{Count: count, Group: i}) {
					return
				}
			}
		}
		if b.DelAll && !yield(Part{DelAll: true}) {
			return
		}
		for del := range pieces(b, b.Del, keyBytes) {
			if !yield(Part{Del: del}) {
				return
			}
		}
		for put := range pieces(b, b.Put, func(kv storage.KV) int { return len(kv.Key) + len(kv.Value) }) {
			if !yield(Part{Put: put}) {
				return
			}
		}
		if b.Alarm.Op != storage.AlarmKeep {
			yield(Part{Alarm: b.Alarm})
		}
	}
}

// pieces cuts a list so that each piece keeps the bounds of b.
func pieces[T any](b *Batch, all []T, size func(T) int) iter.Seq[[]T] {
	maxKeys, maxBytes := b.keys, b.bytes
	if maxKeys == 0 {
		maxKeys = limits.CommitKeys.In(nil)
	}
	if maxBytes == 0 {
		maxBytes = limits.CommitBytes.In(nil)
	}
	return func(yield func([]T) bool) {
		for len(all) > 0 {
			n, bytes := 1, size(all[0])
			for n < len(all) && n < maxKeys && bytes+size(all[n]) <= maxBytes {
				bytes += size(all[n])
				n++
			}
			if !yield(all[:n:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// writes is the batch for a storage.Store. counted are the keys that must be looked
// up before it is written.
func (b *Batch) writes(w storage.Write) (writes []storage.Write, counted []string) {
	rest := *b
	rest.Counted = nil
	if len(b.Counted) > 0 {
		rest.Del, counted = b.withCounted()
	}
	for p := range rest.Parts() {
		switch {
		case p.DelAll:
			w.DelAll, w.DelFacets = true, true // as a whole, or not at all
		case p.Del != nil && w.Del == nil:
			w.Del = p.Del
		case p.Put != nil && w.Put == nil:
			w.Put = p.Put
		case p.Alarm.Op != storage.AlarmKeep:
			w.Alarm = p.Alarm
		default: // one part of each kind
			writes = append(writes, w)
			w = storage.Write{Actor: w.Actor, Del: p.Del, Put: p.Put}
		}
	}
	return append(writes, w), counted
}

// withCounted returns what is to be deleted, counted deletes included, and the
// keys of these, each once.
func (b *Batch) withCounted() (del, counted []string) {
	gone := make(map[string]bool)
	for _, k := range b.Del {
		gone[k] = true
	}
	for _, kv := range b.Put {
		gone[kv.Key] = true
	}
	del = append(del, b.Del...)
	seen := make(map[string]bool)
	for _, keys := range b.Counted {
		for _, k := range keys {
			if seen[k] {
				continue
			}
			seen[k] = true
			counted = append(counted, k)
			if !b.DelAll && !gone[k] {
				del = append(del, k)
			}
		}
	}
	return del, counted
}

// CommitInfo is what a commit found out.
type CommitInfo struct {
	// Deleted says, for each of Batch.Counted, how many keys existed. Where the
	// commit did not reach storage it may still say what it found before; a negative
	// number says that it did not get so far.
	Deleted []int
	// AlarmCleared says that an AlarmClearIf found the time it was looking for. A
	// backend that cannot tell says no.
	AlarmCleared bool
}
