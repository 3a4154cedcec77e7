// Package storagetest is the contract of storage.Store as tests: Run drives any
// store through it, and every store's own tests call Run.
package storagetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// Options says what a store can do besides storing.
type Options struct {
	// Token returns the current token of a shard. nil asks the placement that the
	// store's method Placement returns.
	Token func(t testing.TB, s storage.Store, shard uint32) storage.Token
	// Reopen closes the store, if it is not closed yet, and opens the same bytes
	// again. nil leaves out the tests of what lasts.
	Reopen func(t testing.TB, s storage.Store) storage.Store
	// Restore opens what Backup wrote.
	Restore func(t testing.TB, backup []byte) storage.Store
}

// Run runs the contract. open returns a new, empty store; Run closes it.
func Run(t *testing.T, open func(t testing.TB) storage.Store, o Options) {
	for _, c := range slices.Concat(entryTests, commitTests, alarmTests, actorTests, facetTests, lifeTests, concurrencyTests, asyncTests) {
		t.Run(c.name, func(t *testing.T) { c.run(newKit(t, open, o)) })
	}
	t.Run("Model", func(t *testing.T) { runModel(t, open, o) })
}

type test struct {
	name string
	run  func(k *kit)
}

// kit is one test's store and short ways to use it.
type kit struct {
	testing.TB
	t     *testing.T
	ctx   context.Context
	open  func(t testing.TB) storage.Store
	o     Options
	store storage.Store
}

func newKit(t *testing.T, open func(t testing.TB) storage.Store, o Options) *kit {
	if o.Token == nil {
		o.Token = placementToken
	}
	k := &kit{TB: t, t: t, ctx: t.Context(), open: open, o: o, store: open(t)}
	t.Cleanup(func() {
		if err := k.store.Close(); err != nil && !errors.Is(err, storage.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
	return k
}

func placementToken(t testing.TB, s storage.Store, shard uint32) storage.Token {
	t.Helper()
	p, ok := s.(interface{ Placement() storage.Placement })
	if !ok {
		t.Fatalf("%T has no method Placement; set Options.Token", s)
	}
	_, token, err := p.Placement().Owner(context.Background(), shard)
	if err != nil {
		t.Fatalf("owner of shard %d: %v", shard, err)
	}
	return token
}

// Actor returns an actor of a namespace whose key is derived from a number.
func Actor(namespace string, n int) actorid.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "actor %d", n))
	return actorid.ID{Namespace: namespace, Key: string(sum[:])}
}

func (k *kit) token(a actorid.ID) storage.Token { return k.o.Token(k, k.store, a.Shard()) }

// batch puts writes under the current tokens of their actors.
func (k *kit) batch(writes ...storage.Write) map[storage.Token][]storage.Write {
	b := map[storage.Token][]storage.Write{}
	for _, w := range writes {
		t := k.token(w.Actor)
		b[t] = append(b[t], w)
	}
	return b
}

func (k *kit) commit(writes ...storage.Write) {
	k.Helper()
	fenced, err := k.store.Commit(k.ctx, k.batch(writes...))
	if err != nil || len(fenced) > 0 {
		k.Fatalf("commit: fenced %v, error %v", fenced, err)
	}
}

func (k *kit) put(a actorid.ID, pairs ...string) {
	k.Helper()
	k.commit(storage.Write{Actor: a, Put: kvs(pairs...)})
}

func kvs(pairs ...string) (list []storage.KV) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, storage.KV{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return list
}

func (k *kit) scan(a actorid.ID, r storage.Range) (list []storage.KV) {
	k.Helper()
	for kv, err := range k.store.Scan(k.ctx, k.token(a), a, r) {
		if err != nil {
			k.Fatalf("scan %+v: %v", r, err)
		}
		list = append(list, kv)
	}
	return list
}

func (k *kit) get(a actorid.ID, keys ...string) []storage.KV {
	k.Helper()
	list, err := k.store.Get(k.ctx, k.token(a), a, keys)
	if err != nil {
		k.Fatalf("get %q: %v", keys, err)
	}
	return list
}

func (k *kit) alarm(a actorid.ID) storage.Due {
	k.Helper()
	d, err := k.store.Alarm(k.ctx, k.token(a), a)
	if err != nil {
		k.Fatalf("alarm: %v", err)
	}
	return d
}

func (k *kit) alarms(shard uint32, limit int) []storage.Due {
	k.Helper()
	list, err := k.store.Alarms(k.ctx, k.o.Token(k, k.store, shard), limit)
	if err != nil {
		k.Fatalf("alarms: %v", err)
	}
	return list
}

func (k *kit) actors(namespace string, after actorid.ID) (list []storage.ActorInfo) {
	k.Helper()
	for info, err := range k.store.Actors(k.ctx, namespace, after) {
		if err != nil {
			k.Fatalf("actors of %q: %v", namespace, err)
		}
		list = append(list, info)
	}
	return list
}

func (k *kit) namespaces() (list []string) {
	k.Helper()
	for name, err := range k.store.Namespaces(k.ctx) {
		if err != nil {
			k.Fatalf("namespaces: %v", err)
		}
		list = append(list, name)
	}
	return list
}

func (k *kit) check() {
	k.Helper()
	if err := k.store.Check(k.ctx); err != nil {
		k.Fatalf("check: %v", err)
	}
}

// reopen skips the rest of the test for a store that does not last.
func (k *kit) reopen() {
	k.Helper()
	if k.o.Reopen == nil {
		k.Skip("the store does not outlive its process")
	}
	k.store = k.o.Reopen(k, k.store)
}

// wantKVs compares keys, values and order.
func (k *kit) wantKVs(what string, got []storage.KV, pairs ...string) {
	k.Helper()
	if want := kvs(pairs...); !equalKVs(got, want) {
		k.Fatalf("%s: got %s, want %s", what, show(got), show(want))
	}
}

func equalKVs(a, b []storage.KV) bool {
	return slices.EqualFunc(a, b, func(x, y storage.KV) bool {
		return x.Key == y.Key && string(x.Value) == string(y.Value)
	})
}

func show(list []storage.KV) string {
	s := fmt.Sprintf("%d:[", len(list))
	for i, kv := range list {
		if i == 12 {
			return s + " ...]"
		}
		s += fmt.Sprintf(" %q=%.20q", kv.Key, kv.Value)
	}
	return s + " ]"
}

func (k *kit) wantDue(what string, got, want storage.Due) {
	k.Helper()
	if !equalDue(got, want) {
		k.Fatalf("%s: got %+v, want %+v", what, got, want)
	}
}

func equalDue(a, b storage.Due) bool {
	return a.Actor == b.Actor && a.Time.Equal(b.Time) && a.Time.IsZero() == b.Time.IsZero() && a.Name == b.Name && a.Retries == b.Retries
}

// at is a fixed moment, so many milliseconds later.
func at(ms int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(ms)) }

func setAlarm(a actorid.ID, t time.Time, name string, retries int) storage.Write {
	return storage.Write{Actor: a, Alarm: storage.AlarmChange{Op: storage.AlarmSet, Time: t, Name: name, Retries: retries}}
}
