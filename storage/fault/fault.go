// Package fault is a storage.Store that fails on purpose. A test runs a scenario
// with operation 1 failing, then 2, 3 ... until it passes, and checks at each stop
// that what it tests is broken or right, but never wrong.
//
// Any goroutine may call a Store; with several, which operation is the nth is up
// to the schedule.
package fault

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// ErrInjected is the error of an operation that was made to fail.
var ErrInjected = errors.New("injected fault")

// Mode says how the chosen operation fails.
type Mode uint8

const (
	// Before fails without doing anything.
	Before Mode = iota
	// After does it and fails nevertheless, as a commit does whose
	// acknowledgement is lost. A sequence fails after its last entry.
	After
)

// Plan chooses the operation that fails.
type Plan struct {
	// N is its number, from 1; 0 lets everything pass.
	N    int
	Mode Mode
	// Writes counts only Commit, SetMeta and DeleteNamespace.
	Writes bool
	// Once lets later operations pass. Otherwise every later one fails, until
	// Restart.
	Once bool
	// Err is the error of the chosen operation; nil means ErrInjected.
	Err error
	// Later is the error of the operations behind it; nil means storage.ErrFailed,
	// as of a store whose file cannot be written any more.
	Later error
	// Waits makes reads and commits those of a store that only blocks: there is no
	// InstantReads, and the goroutine of a CommitAsync is one of this package.
	Waits bool
}

// Store implements storage.Store on another one.
type Store struct {
	plan Plan

	mu    sync.Mutex // guards what follows
	inner storage.Store
	count int
	hit   bool
	down  bool
}

var (
	_ storage.Store          = (*Store)(nil)
	_ storage.AsyncCommitter = (*Store)(nil)
	_ storage.InstantReader  = (*Store)(nil)
)

// New wraps a store. Close closes it too.
func New(inner storage.Store, plan Plan) *Store {
	if plan.Err == nil {
		plan.Err = ErrInjected
	}
	if plan.Later == nil {
		plan.Later = storage.ErrFailed
	}
	return &Store{inner: inner, plan: plan}
}

// Restart goes on with another inner store, such as the old one's file opened
// again: what failed for good works from here on, and operations are counted on.
func (s *Store) Restart(inner storage.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inner, s.down = inner, false
}

func (s *Store) store() storage.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inner
}

// Hit reports whether the chosen operation was reached: a scenario that ends with
// no hit had fewer operations, and has been tried with each of them failing.
func (s *Store) Hit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hit
}

// Operations is the number of operations counted so far.
func (s *Store) Operations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// verdict is what happens to one operation.
type verdict struct{ before, after error }

func (s *Store) next(write bool) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return verdict{before: s.plan.Later}
	}
	if s.plan.Writes && !write {
		return verdict{}
	}
	s.count++
	if s.count != s.plan.N {
		return verdict{}
	}
	s.hit, s.down = true, !s.plan.Once
	if s.plan.Mode == After {
		return verdict{after: s.plan.Err}
	}
	return verdict{before: s.plan.Err}
}

func call[T any](v verdict, do func() (T, error)) (T, error) {
	var none T
	if v.before != nil {
		return none, v.before
	}
	result, err := do()
	if err == nil && v.after != nil {
		return none, v.after
	}
	return result, err
}

func run(v verdict, do func() error) error {
	_, err := call(v, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func sequence[T any](next func() verdict, inner iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		v := next()
		if v.before != nil {
			yield(none, v.before)
			return
		}
		for item, err := range inner {
			if !yield(item, err) || err != nil {
				return
			}
		}
		if v.after != nil {
			yield(none, v.after)
		}
	}
}

func (s *Store) read() verdict { return s.next(false) }

func (s *Store) Get(ctx context.Context, t storage.Token, a actorid.ID, keys []string) ([]storage.KV, error) {
	return call(s.read(), func() ([]storage.KV, error) { return s.store().Get(ctx, t, a, keys) })
}

// Scan counts when it is iterated.
func (s *Store) Scan(ctx context.Context, t storage.Token, a actorid.ID, r storage.Range) iter.Seq2[storage.KV, error] {
	return sequence(s.read, s.store().Scan(ctx, t, a, r))
}

func (s *Store) Commit(ctx context.Context, batch map[storage.Token][]storage.Write) ([]storage.Token, error) {
	return call(s.next(true), func() ([]storage.Token, error) { return s.store().Commit(ctx, batch) })
}

// CommitAsync fails as Commit does. An inner store that has only Commit is called
// on a goroutine of its own.
func (s *Store) CommitAsync(t storage.Token, writes []storage.Write, done func(fenced bool, err error)) {
	v := s.next(true)
	if v.before != nil {
		done(false, v.before)
		return
	}
	told := func(fenced bool, err error) {
		if err == nil && v.after != nil {
			fenced, err = false, v.after
		}
		done(fenced, err)
	}
	if a, ok := s.store().(storage.AsyncCommitter); ok && !s.plan.Waits {
		a.CommitAsync(t, writes, told)
		return
	}
	go func() {
		fenced, err := s.store().Commit(context.Background(), map[storage.Token][]storage.Write{t: writes})
		told(len(fenced) > 0, err)
	}()
}

// InstantReads is the inner store's, unless the plan says otherwise.
func (s *Store) InstantReads() bool {
	i, ok := s.store().(storage.InstantReader)
	return ok && !s.plan.Waits && i.InstantReads()
}

func (s *Store) Alarm(ctx context.Context, t storage.Token, a actorid.ID) (storage.Due, error) {
	return call(s.read(), func() (storage.Due, error) { return s.store().Alarm(ctx, t, a) })
}

func (s *Store) Alarms(ctx context.Context, t storage.Token, limit int) ([]storage.Due, error) {
	return call(s.read(), func() ([]storage.Due, error) { return s.store().Alarms(ctx, t, limit) })
}

// Actors counts when it is iterated.
func (s *Store) Actors(ctx context.Context, namespace string, after actorid.ID) iter.Seq2[storage.ActorInfo, error] {
	return sequence(s.read, s.store().Actors(ctx, namespace, after))
}

// Namespaces counts when it is iterated.
func (s *Store) Namespaces(ctx context.Context) iter.Seq2[string, error] {
	return sequence(s.read, s.store().Namespaces(ctx))
}

func (s *Store) Meta(ctx context.Context, name string) ([]byte, error) {
	return call(s.read(), func() ([]byte, error) { return s.store().Meta(ctx, name) })
}

func (s *Store) SetMeta(ctx context.Context, name string, value []byte) error {
	return run(s.next(true), func() error { return s.store().SetMeta(ctx, name, value) })
}

func (s *Store) DeleteNamespace(ctx context.Context, namespace string) error {
	return run(s.next(true), func() error { return s.store().DeleteNamespace(ctx, namespace) })
}

func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	return run(s.read(), func() error { return s.store().Backup(ctx, w) })
}

func (s *Store) Check(ctx context.Context) error {
	return run(s.read(), func() error { return s.store().Check(ctx) })
}

// Close always closes the inner store and is not counted.
func (s *Store) Close() error { return s.store().Close() }

// Placement is the inner store's, which must have one.
func (s *Store) Placement() storage.Placement {
	return s.store().(interface{ Placement() storage.Placement }).Placement()
}
