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
}

// ActorLimits are the limits of workerd's cache engine (workerd, "Writes,
// coalescing, deletes").
func ActorLimits() Limits {
	return Limits{KeyBytes: 2048, ValueBytes: 131072, ValueSlackBytes: 34, Pairs: 128}
}

func (l Limits) withDefaults(bounds *limits.Set) Limits {
	if l.KeyBytes == 0 {
		l.KeyBytes = storage.MaxKeyBytes
	}
	if l.ValueBytes == 0 {
		l.ValueBytes, l.ValueSlackBytes = limits.StorageValue.In(bounds), 0
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
		if n := len(kvs[i].Value); n > l.ValueBytes+l.ValueSlackBytes {
			return exception.RangeErrorf("Values cannot be larger than %d bytes. A value of size %d was provided.",
				l.ValueBytes, n)
		}
	}
	return nil
}
