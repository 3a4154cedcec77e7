package cache

import (
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// Limits bound what one call may carry; 0 means what storage can hold (keys and
// values) or no limit (pairs). Exceeding one is a RangeError with workerd's text.
type Limits struct {
	KeyBytes int
	// ValueBytes is the limit that the error names; values may be
	// ValueSlackBytes longer, for the overhead of encoding.
	ValueBytes      int
	ValueSlackBytes int
	// Pairs bounds the keys of one GetMany.
	Pairs int
	// PairBytes bounds a key and its value together, without the overhead of encoding.
	PairBytes int
	// Everywhere is also within a transaction; workerd's cache bounds what a
	// transaction writes only by what storage can hold.
	Everywhere bool
}

// valueSlack is the overhead of encoding that workerd does not count.
const valueSlack = 34

// ActorLimits are those of a class without enableSql (workerd, "Writes, coalescing,
// deletes"; Cloudflare's limits of key-value storage).
func ActorLimits(bounds *limits.Set) Limits {
	return Limits{KeyBytes: limits.ActorKey.In(bounds), ValueBytes: limits.ActorValue.In(bounds), ValueSlackBytes: valueSlack, Pairs: 128}
}

// SQLLimits are those of a class with enableSql (Cloudflare's limits of storage in
// SQLite): a key and its value share one bound.
func SQLLimits(bounds *limits.Set) Limits {
	return Limits{PairBytes: limits.ActorPair.In(bounds), ValueSlackBytes: valueSlack, Everywhere: true}
}

func (l Limits) withDefaults(bounds *limits.Set) Limits {
	if l.KeyBytes == 0 {
		l.KeyBytes = storage.MaxKeyBytes
	}
	if l.ValueBytes == 0 {
		l.ValueBytes = limits.StorageValue.In(bounds)
		if l.PairBytes == 0 {
			l.ValueSlackBytes = 0
		}
	}
	return l
}

func (l *Limits) checkKey(key string) error {
	if len(key) > l.KeyBytes {
		return exception.RangeErrorf("Keys cannot be larger than %d bytes. A key of size %d was provided.",
			l.KeyBytes, len(key))
	}
	return nil
}

func (l *Limits) checkKeys(keys []string) error {
	for _, k := range keys {
		if err := l.checkKey(k); err != nil {
			return err
		}
	}
	return nil
}

func (l *Limits) checkPairs(n int) error {
	if l.Pairs > 0 && n > l.Pairs {
		return exception.RangeErrorf("Maximum number of key value pairs is %d. %d pairs were provided.", l.Pairs, n)
	}
	return nil
}

func (l *Limits) checkPut(kvs []storage.KV) error {
	for i := range kvs {
		if err := l.checkKey(kvs[i].Key); err != nil {
			return err
		}
		k, n := len(kvs[i].Key), len(kvs[i].Value)
		switch {
		case n > l.ValueBytes+l.ValueSlackBytes:
			return exception.RangeErrorf("Values cannot be larger than %d bytes. A value of size %d was provided.",
				l.ValueBytes, n)
		case l.PairBytes > 0 && k+n > l.PairBytes+l.ValueSlackBytes:
			return exception.RangeErrorf("A key and its value cannot be larger than %d bytes together. A key of size %d and a value of size %d were provided.",
				l.PairBytes, k, n)
		}
	}
	return nil
}
