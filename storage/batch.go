package storage

import (
	"fmt"
	"math"
	"slices"

	"workerd.local/actorid"
)

// CheckBatch finds what no Store may be asked to write: missing or overlong
// names, keys and values, writes under the token of another shard, alarms
// without a time. Every Store calls it before it writes anything, so that one
// bad batch cannot spoil the commits it would have shared a transaction with.
func CheckBatch(batch map[Token][]Write) error {
	for t, writes := range batch {
		if err := CheckWrites(t, writes); err != nil {
			return err
		}
	}
	return nil
}

// CheckWrites is CheckBatch for the writes of one token.
func CheckWrites(t Token, writes []Write) error {
	for i := range writes {
		if err := checkWrite(t, &writes[i]); err != nil {
			return fmt.Errorf("commit actor %s: %w", describe(writes[i].Actor), err)
		}
	}
	return nil
}

// CheckActor tells whether an actor can be stored, and under this token's shard.
func CheckActor(t Token, a actorid.ID) error {
	switch {
	case a.Namespace == "":
		return fmt.Errorf("the actor has no namespace")
	case len(a.Namespace) > MaxNamespaceBytes:
		return fmt.Errorf("the namespace has %d bytes, more than %d", len(a.Namespace), MaxNamespaceBytes)
	case a.Key == "":
		return fmt.Errorf("the actor has no key")
	case len(a.Key) > MaxActorKeyBytes:
		return fmt.Errorf("the actor's key has %d bytes, more than %d", len(a.Key), MaxActorKeyBytes)
	case a.Shard() != t.Shard:
		return fmt.Errorf("the actor is in shard %d, the token is for shard %d", a.Shard(), t.Shard)
	}
	return nil
}

// CheckRange tells whether a range can be read.
func CheckRange(r Range) error {
	if r.Limit < 0 {
		return fmt.Errorf("the limit of a range is %d, less than 0", r.Limit)
	}
	return nil
}

func checkWrite(t Token, w *Write) error {
	if err := CheckActor(t, w.Actor); err != nil {
		return err
	}
	if c := w.Copy; !c.IsZero() {
		switch {
		case c == w.Actor || c.Contains(w.Actor) || w.Actor.Contains(c):
			return fmt.Errorf("a copy of %s is within itself", describe(c))
		case c.Root() != w.Actor.Root():
			return fmt.Errorf("a copy of %s, which has another root", describe(c))
		}
	}
	for _, k := range w.Del {
		if len(k) > MaxKeyBytes {
			return fmt.Errorf("a key has %d bytes, more than %d", len(k), MaxKeyBytes)
		}
	}
	for _, kv := range w.Put {
		if len(kv.Key) > MaxKeyBytes {
			return fmt.Errorf("a key has %d bytes, more than %d", len(kv.Key), MaxKeyBytes)
		}
		if len(kv.Value) > MaxValueBytes {
			return fmt.Errorf("the value of %q has %d bytes, more than %d", kv.Key, len(kv.Value), MaxValueBytes)
		}
	}
	switch c := &w.Alarm; c.Op {
	case AlarmKeep, AlarmClear:
	case AlarmSet, AlarmClearIf, AlarmCountIf:
		if c.Time.IsZero() {
			return fmt.Errorf("an alarm needs a time")
		}
		if len(c.Name) > MaxKeyBytes {
			return fmt.Errorf("the alarm's actor name has %d bytes, more than %d", len(c.Name), MaxKeyBytes)
		}
		if c.Retries < 0 || c.Retries > math.MaxInt32 {
			return fmt.Errorf("the alarm's retry count is %d, not in 0 to %d", c.Retries, math.MaxInt32)
		}
	default:
		return fmt.Errorf("alarm operation %d is unknown", c.Op)
	}
	return nil
}

// Fence splits a batch: the tokens that are not of the epoch, in the order of
// their shards, and the writes under the others in a fixed order.
func Fence(batch map[Token][]Write, epoch uint64) (fenced []Token, current [][]Write) {
	tokens := make([]Token, 0, len(batch))
	for t := range batch {
		tokens = append(tokens, t)
	}
	slices.SortFunc(tokens, func(a, b Token) int {
		if a.Shard != b.Shard {
			return int(a.Shard) - int(b.Shard)
		}
		if a.Epoch < b.Epoch {
			return -1
		}
		return 1
	})
	for _, t := range tokens {
		if t.Epoch != epoch {
			fenced = append(fenced, t)
		} else if len(batch[t]) > 0 {
			current = append(current, batch[t])
		}
	}
	return fenced, current
}

func describe(a actorid.ID) string {
	if len(a.Key) > MaxActorKeyBytes || len(a.Namespace) > MaxNamespaceBytes {
		return "(overlong id)"
	}
	return fmt.Sprintf("%s of %q", a, a.Namespace)
}

// CheckMeta tells whether a value of the program can be kept.
func CheckMeta(name string, value []byte) error {
	switch {
	case name == "":
		return fmt.Errorf("the name is empty")
	case len(name) > MaxKeyBytes:
		return fmt.Errorf("the name has %d bytes, more than %d", len(name), MaxKeyBytes)
	case len(value) > MaxValueBytes:
		return fmt.Errorf("the value of %q has %d bytes, more than %d", name, len(value), MaxValueBytes)
	}
	return nil
}
