package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// groupYields is how often the writer lets others run while that makes its queue
// longer.
const groupYields = 16

// operation is one caller's change, waiting for the writer.
type operation struct {
	// apply makes the change in the group's transaction. An error of it fails the
	// store: whatever a caller can do wrong is found before.
	apply func(b *buckets) error
	// alone, set instead of apply, runs with no transaction open; its error is its
	// caller's only.
	alone func() error
	bytes int
	state atomic.Int32
	// done is told the outcome, by the writer; it does not block.
	done func(error)
}

// The state of an operation: queued -> taken by the writer, or queued ->
// withdrawn by the caller whose context ended.
const (
	queued int32 = iota
	taken
	withdrawn
)

// Commit applies the batch in a transaction that it may share with others.
func (s *Store) Commit(ctx context.Context, batch map[storage.Token][]storage.Write) ([]storage.Token, error) {
	if err := storage.CheckBatch(batch); err != nil {
		return nil, err
	}
	fenced, current := storage.Fence(batch, s.epoch)
	var err error
	if len(current) > 0 {
		err = s.do(ctx, commitOperation(current...))
	} else {
		err = s.check(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return fenced, nil
}

// CommitAsync queues a commit for the writer, which calls done once the
// transaction that it shares with others is durable. Where the queue is full, what
// is too much waits in a list, in order; it is as long as the callers make it.
func (s *Store) CommitAsync(t storage.Token, writes []storage.Write, done func(fenced bool, err error)) {
	if err := storage.CheckWrites(t, writes); err != nil {
		done(false, err)
		return
	}
	fenced := t.Epoch != s.epoch
	tell := func(err error) {
		if err != nil {
			done(false, fmt.Errorf("commit: %w", err))
		} else {
			done(fenced, nil)
		}
	}
	if fenced || len(writes) == 0 {
		tell(s.check(context.Background()))
		return
	}
	op := commitOperation(writes)
	op.done = tell
	if err := s.enqueueAsync(op); err != nil {
		tell(err)
	}
}

func commitOperation(batches ...[]storage.Write) *operation {
	op := &operation{apply: func(b *buckets) error {
		for _, writes := range batches {
			for i := range writes {
				if err := b.write(&writes[i]); err != nil {
					return fmt.Errorf("actor %s: %w", writes[i].Actor, err)
				}
			}
		}
		return nil
	}}
	for _, writes := range batches {
		op.bytes += sizeOf(writes)
	}
	return op
}

func sizeOf(writes []storage.Write) (bytes int) {
	for i := range writes {
		w := &writes[i]
		bytes += len(w.Actor.Key)
		for _, k := range w.Del {
			bytes += len(k)
		}
		for _, kv := range w.Put {
			bytes += len(kv.Key) + len(kv.Value)
		}
	}
	return bytes
}

// SetMeta is durable when it returns.
func (s *Store) SetMeta(ctx context.Context, name string, value []byte) error {
	if err := storage.CheckMeta(name, value); err != nil {
		return fmt.Errorf("set meta: %w", err)
	}
	err := s.do(ctx, &operation{bytes: len(name) + len(value), apply: func(b *buckets) error {
		return b.tx.Bucket(bucketProgram).Put([]byte(name), value)
	}})
	if err != nil {
		return fmt.Errorf("set meta %q: %w", name, err)
	}
	return nil
}

// DeleteNamespace forgets the namespace's number; its actors and their entries
// and alarms cannot be reached from then on and are swept by the writer between
// groups.
func (s *Store) DeleteNamespace(ctx context.Context, namespace string) error {
	err := s.do(ctx, &operation{apply: func(b *buckets) error {
		space, err := findSpace(b.tx, namespace)
		if err != nil || space == 0 {
			return err
		}
		if err := b.namespaces.Delete(nameKey(namespace)); err != nil {
			return err
		}
		if err := b.namespaces.Delete(spaceKey(space)); err != nil {
			return err
		}
		return b.sweep.Put(sweepSpaceKey(space), []byte(namespace))
	}})
	if err != nil {
		return fmt.Errorf("delete namespace %q: %w", namespace, err)
	}
	return nil
}

// do queues an operation and waits for its outcome. A context that ends before
// the writer has taken it withdraws it; afterwards the outcome is waited for,
// because it can no longer be stopped.
func (s *Store) do(ctx context.Context, op *operation) error {
	done := make(chan error, 1)
	op.done = func(err error) { done <- err }
	if err := s.enqueue(ctx, op); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		if op.state.CompareAndSwap(queued, withdrawn) {
			return ctx.Err()
		}
		return <-done
	}
}

func (s *Store) enqueue(ctx context.Context, op *operation) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if err := s.check(ctx); err != nil {
		return err
	}
	if s.options.ReadOnly && op.apply != nil {
		return ErrReadOnly
	}
	select {
	case s.queue <- op:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enqueueAsync queues an operation without waiting. While an earlier one waits for
// room, so does this one, and one goroutine feeds them to the queue.
func (s *Store) enqueueAsync(op *operation) error {
	// The lock is only refused while Close has it or waits for it.
	if !s.closing.TryRLock() {
		return storage.ErrClosed
	}
	err := s.check(context.Background())
	if err == nil && s.options.ReadOnly {
		err = ErrReadOnly
	}
	if err != nil {
		s.closing.RUnlock()
		return err
	}
	o := &s.overflow
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.feeding {
		o.list = append(o.list, op)
		s.closing.RUnlock()
		return nil
	}
	select {
	case s.queue <- op:
		s.closing.RUnlock()
	default:
		o.feeding = true
		o.list = append(o.list, op)
		// The feeder keeps this share of closing, so that Close waits for it.
		go s.feed()
	}
	return nil
}

// overflow is the operations of CommitAsync that found the queue full.
type overflow struct {
	mu      sync.Mutex
	list    []*operation
	feeding bool // a goroutine moves the list to the queue
}

// feed ends when nothing is left to feed.
func (s *Store) feed() {
	defer s.closing.RUnlock()
	o := &s.overflow
	for {
		o.mu.Lock()
		list := o.list
		o.list = nil
		o.feeding = len(list) > 0
		o.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, op := range list {
			s.queue <- op
		}
	}
}

// write is the writer. It ends when the queue is closed and empty.
func (s *Store) write() {
	debug.SetPanicOnFault(true)
	defer close(s.done)
	var group []*operation
	for {
		op, open := s.next()
		if !open {
			return
		}
		if op == nil {
			s.sweep()
			continue
		}
		group = s.collect(group[:0], op)
		s.commit(group)
		clear(group)
	}
}

// next waits for an operation. It returns none, at once, when none is queued and
// something is left to sweep.
func (s *Store) next() (op *operation, open bool) {
	if !s.sweeping || s.failure.Load() != nil {
		op, open = <-s.queue
		return op, open
	}
	select {
	case op, open = <-s.queue:
		return op, open
	default:
		return nil, true
	}
}

// collect takes the operations that are queued behind the first.
func (s *Store) collect(group []*operation, op *operation) []*operation {
	// Callers that the last group released are runnable but have not run: with
	// their next batches in this group they need not wait for the one after. A yield
	// costs a thousandth of the syncs that a fuller group saves.
	for range groupYields {
		n := len(s.queue)
		if runtime.Gosched(); len(s.queue) == n {
			break
		}
	}
	// A group ends when nothing is queued or when one of these is reached, so that
	// what a transaction holds in memory is bounded by them plus one batch.
	groupOperations, groupBytes := limits.StorageGroup.In(s.options.Bounds), limits.StorageGroupBytes.In(s.options.Bounds)
	bytes := 0
	for {
		if op.state.CompareAndSwap(queued, taken) {
			group = append(group, op)
			bytes += op.bytes
			if op.alone != nil {
				return group
			}
		}
		if len(group) >= groupOperations || bytes >= groupBytes {
			return group
		}
		select {
		case next, open := <-s.queue:
			if !open {
				return group
			}
			op = next
		default:
			return group
		}
	}
}

// commit runs a group and tells its callers.
func (s *Store) commit(group []*operation) {
	if len(group) == 0 {
		return
	}
	// An operation that wants to be alone is the last of its group.
	last := group[len(group)-1]
	if last.alone != nil {
		group = group[:len(group)-1]
		defer func() { last.done(s.runAlone(last)) }()
	}
	if len(group) == 0 {
		return
	}
	start := time.Now()
	err := s.update(func(tx *bbolt.Tx) error {
		b := openBuckets(tx, s.options.Bounds)
		for _, op := range group {
			if err := op.apply(b); err != nil {
				return err
			}
		}
		s.sweeping = hasSweep(tx)
		return nil
	})
	bytes := 0
	for _, op := range group {
		bytes += op.bytes
		op.done(err)
	}
	if err == nil && s.options.Hooks.Group != nil {
		s.options.Hooks.Group(GroupInfo{Operations: len(group), Bytes: bytes, Took: time.Since(start)})
	}
}

func (s *Store) runAlone(op *operation) error {
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	return op.alone()
}

// update runs one transaction. Any error, also one from fn, stops the store for
// good: after a failed write or sync the page cache and the disk may differ, and
// a second attempt would report a success that does not last.
func (s *Store) update(fn func(tx *bbolt.Tx) error) error {
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	err := s.guard(func() error { return s.db.Update(fn) })
	if err != nil {
		var panicked *unreadableError
		s.stuck = errors.As(err, &panicked)
		return s.fail(err)
	}
	return nil
}

func hasSweep(tx *bbolt.Tx) bool {
	k, _ := tx.Bucket(bucketSweep).Cursor().First()
	return k != nil
}

// buckets are those that a group changes, looked up once.
type buckets struct {
	tx                                      *bbolt.Tx
	namespaces, actors, entries, due, sweep *bbolt.Bucket
	key                                     []byte
	// deleteAtOnce is the size of an actor up to which deleting all its entries is
	// done in the commit itself.
	deleteAtOnce int
}

func openBuckets(tx *bbolt.Tx, bounds *limits.Set) *buckets {
	b := &buckets{
		tx:         tx,
		namespaces: tx.Bucket(bucketNamespaces),
		actors:     tx.Bucket(bucketActors),
		entries:    tx.Bucket(bucketEntries),
		due:        tx.Bucket(bucketDue),
		sweep:      tx.Bucket(bucketSweep),

		deleteAtOnce: limits.StorageDelete.In(bounds),
	}
	// Bodies are numbered upwards, so new entries arrive in order and pages that
	// were split in the middle would stay half empty.
	b.entries.FillPercent = 0.8
	return b
}

// write applies one actor's changes.
func (b *buckets) write(w *storage.Write) error {
	space, err := b.space(w.Actor.Namespace)
	if err != nil {
		return err
	}
	if w.DelFacets {
		if err := b.deleteFacets(space, w.Actor); err != nil {
			return err
		}
	}
	key := actorKey(space, w.Actor.Key)
	stored := b.actors.Get(key)
	r, err := decodeRecord(stored)
	if err != nil {
		return err
	}
	before := r
	if err := b.writeEntries(w, &r); err != nil {
		return err
	}
	if err := b.writeAlarm(w, &r, space); err != nil {
		return err
	}
	switch {
	case r == before:
		return nil
	case r.isEmpty():
		return b.actors.Delete(key)
	default:
		return b.actors.Put(key, r.encode())
	}
}

func (b *buckets) writeEntries(w *storage.Write, r *record) error {
	if w.DelAll && r.body != 0 {
		whole, err := b.deleteEntries(r.body)
		if err != nil {
			return err
		}
		if !whole {
			r.body = 0
		}
	}
	if !w.Copy.IsZero() {
		if err := b.copyFrom(w, r); err != nil {
			return err
		}
	}
	if r.body != 0 {
		for _, k := range w.Del {
			b.key = appendEntryKey(b.key, r.body, k)
			if err := b.entries.Delete(b.key); err != nil {
				return err
			}
		}
	}
	for _, kv := range w.Put {
		if r.body == 0 {
			body, err := b.entries.NextSequence()
			if err != nil {
				return err
			}
			r.body = body
		}
		b.key = appendEntryKey(b.key, r.body, kv.Key)
		if err := b.entries.Put(b.key, kv.Value); err != nil {
			return err
		}
	}
	if r.body != 0 && (w.DelAll || len(w.Del) > 0) && len(w.Put) == 0 {
		prefix := bodyPrefix(r.body)
		if k, _ := b.entries.Cursor().Seek(prefix); !hasPrefix(k, prefix) {
			r.body = 0
		}
	}
	return nil
}

// deleteEntries deletes few entries here; many are left to the sweeper, whose the body is
// then.
func (b *buckets) deleteEntries(body uint64) (whole bool, err error) {
	keys, whole := keysUnder(b.entries, bodyPrefix(body), b.deleteAtOnce)
	if whole {
		return true, deleteKeys(b.entries, keys)
	}
	return false, b.sweep.Put(sweepBodyKey(body), nil)
}

func (b *buckets) writeAlarm(w *storage.Write, r *record, space uint32) error {
	c := &w.Alarm
	switch c.Op {
	case storage.AlarmKeep:
		return nil
	case storage.AlarmClearIf, storage.AlarmCountIf:
		if !r.hasAlarm() || !r.time.Equal(c.Time) {
			return nil
		}
		if c.Op == storage.AlarmCountIf {
			r.retries = uint32(c.Retries)
			return nil
		}
	}
	shard := w.Actor.Shard()
	if r.hasAlarm() {
		if err := b.due.Delete(dueKey(shard, r.time, space, w.Actor.Key)); err != nil {
			return err
		}
	}
	if c.Op != storage.AlarmSet {
		r.time, r.retries, r.name = time.Time{}, 0, ""
		return nil
	}
	r.time, r.retries = c.Time.Round(0).UTC(), uint32(c.Retries)
	if c.Name != "" {
		r.name = c.Name
	}
	return b.due.Put(dueKey(shard, r.time, space, w.Actor.Key), nil)
}

// space returns the number of a namespace and gives a new one its number.
func (b *buckets) space(namespace string) (uint32, error) {
	name := nameKey(namespace)
	if v := b.namespaces.Get(name); len(v) == spaceBytes {
		return binary.BigEndian.Uint32(v), nil
	} else if v != nil {
		return 0, damagedf("the number of namespace %q has %d bytes", namespace, len(v))
	}
	n, err := b.namespaces.NextSequence()
	if err != nil {
		return 0, err
	}
	space := uint32(n)
	if uint64(space) != n {
		return 0, fmt.Errorf("too many namespaces were created")
	}
	if err := b.namespaces.Put(name, binary.BigEndian.AppendUint32(nil, space)); err != nil {
		return 0, err
	}
	return space, b.namespaces.Put(spaceKey(space), []byte(namespace))
}
