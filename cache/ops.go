package cache

import (
	"time"

	"workerd.local/loop"
	"workerd.local/storage"
)

// ReadOptions qualify a read.
type ReadOptions struct {
	// NoCache keeps what had to be read from storage out of the cache, and leaves
	// the age of what is in it alone.
	NoCache bool
}

// WriteOptions qualify a write.
type WriteOptions struct {
	// AllowUnconfirmed does not lock the output gate for this write. If the write
	// fails, the gate still breaks.
	AllowUnconfirmed bool
	// NoCache drops the entry as soon as it is durable.
	NoCache bool
}

// Ops is what a Cache and a transaction over it have in common. A result that is
// there without storage is ready; failures come as failed results.
type Ops interface {
	// Get returns the value of a key, nil where it does not exist.
	Get(key string, o ReadOptions) loop.Result[[]byte]
	// GetMany returns what exists of the keys, sorted by key, each once.
	GetMany(keys []string, o ReadOptions) loop.Result[[]storage.KV]
	// List returns a range in its order. An End at or before a Start that is not
	// empty makes an empty range.
	List(r storage.Range, o ReadOptions) loop.Result[[]storage.KV]
	// Put writes all the pairs, or none where one is not allowed. They can be read
	// when it returns; the result is later only to slow down a writer that is too
	// fast for storage.
	Put(kvs []storage.KV, o WriteOptions) loop.Result[struct{}]
	// Delete removes keys and returns how many of them existed.
	Delete(keys []string, o WriteOptions) loop.Result[int]
	// Alarm returns the time of the alarm, the zero time for none.
	Alarm(o ReadOptions) loop.Result[time.Time]
	// SetAlarm sets the alarm, or clears it where t is zero.
	SetAlarm(t time.Time, o WriteOptions) loop.Result[struct{}]
	// Begin starts a transaction over this one.
	Begin() *Txn
}

var (
	_ Ops = (*Cache)(nil)
	_ Ops = (*Txn)(nil)
)

// Backend is what a cache needs of storage; one actor's view of it. All methods
// are called within turns of the loop and answer within turns. The cache never
// commits while a read that began before the commit is unanswered, and never has
// two commits in flight.
type Backend interface {
	// Get hands out the entries that exist among keys, which are sorted and
	// distinct, in their order, in batches that are never empty, and is done after
	// the last one. It may call batch before it returns. An error of batch says that
	// nobody wants the rest; so does the cache when it cancels the result.
	Get(keys []string, batch func([]storage.KV) error) loop.Result[struct{}]
	// List hands out a range in its order, as Get does.
	List(r storage.Range, batch func([]storage.KV) error) loop.Result[struct{}]
	// Commit makes a batch durable, all of it or nothing. The batch is immutable. What
	// is found out counts even where the commit fails and may be tried again.
	Commit(b *Batch) loop.Result[CommitInfo]
	// Alarm returns the stored alarm; a zero Time means none.
	Alarm() loop.Result[storage.Due]
}

// InstantBackend is implemented by a Backend that may answer reads at once. Where
// it does, Delete asks it what exists instead of leaving the count to the commit.
type InstantBackend interface {
	Backend
	// Instant reports whether Get answers at once.
	Instant() bool
}
