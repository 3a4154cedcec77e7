package cache

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"workerd.local/actorid"
	"workerd.local/gates"
	"workerd.local/internal/limits"
	"workerd.local/loop"
	"workerd.local/storage"
)

// fakeStore keeps one actor's keys in a map; any goroutine.
type fakeStore struct {
	storage.Store // what an actor does not use

	mu      sync.Mutex
	keys    map[string]string
	alarm   storage.Due
	commits []storage.Write
	err     error
	fenced  bool
	panics  bool
	slow    time.Duration
	scanned int
	most    int // keys of one Get
	calls   int // of Commit
}

func (s *fakeStore) enter() func() {
	if s.slow > 0 {
		time.Sleep(s.slow)
	}
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *fakeStore) Get(_ context.Context, _ storage.Token, _ actorid.ID, keys []string) ([]storage.KV, error) {
	defer s.enter()()
	if s.panics {
		panic("bad page")
	}
	s.most = max(s.most, len(keys))
	var out []storage.KV
	for _, k := range keys {
		if v, ok := s.keys[k]; ok {
			out = append(out, storage.KV{Key: k, Value: []byte(v)})
		}
	}
	return out, s.err
}

func (s *fakeStore) Scan(_ context.Context, _ storage.Token, _ actorid.ID, r storage.Range) iter.Seq2[storage.KV, error] {
	s.mu.Lock()
	st := state{keys: maps.Clone(s.keys)}
	err := s.err
	s.mu.Unlock()
	return func(yield func(storage.KV, error) bool) {
		for _, kv := range st.list(r) {
			s.mu.Lock()
			s.scanned++
			s.mu.Unlock()
			if !yield(kv, nil) {
				return
			}
		}
		if err != nil {
			yield(storage.KV{}, err)
		}
	}
}

func (s *fakeStore) Alarm(context.Context, storage.Token, actorid.ID) (storage.Due, error) {
	defer s.enter()()
	return s.alarm, s.err
}

func (s *fakeStore) Commit(_ context.Context, batch map[storage.Token][]storage.Write) ([]storage.Token, error) {
	defer s.enter()()
	s.calls++
	if s.fenced {
		return slices.Collect(maps.Keys(batch)), nil
	}
	if s.err != nil {
		return nil, s.err
	}
	for _, ws := range batch {
		for _, w := range ws {
			s.commits = append(s.commits, w)
			if w.DelAll {
				clear(s.keys)
			}
			for _, k := range w.Del {
				delete(s.keys, k)
			}
			for _, kv := range w.Put {
				s.keys[kv.Key] = string(kv.Value)
			}
			if w.Alarm.Op == storage.AlarmSet {
				s.alarm = storage.Due{Time: w.Alarm.Time}
			}
		}
	}
	return nil, nil
}

// instantStore answers reads at once.
type instantStore struct{ *fakeStore }

func (instantStore) InstantReads() bool { return true }

// asyncStore takes commits without a goroutine of the caller.
type asyncStore struct {
	*fakeStore
	asked int
}

func (s *asyncStore) CommitAsync(t storage.Token, ws []storage.Write, done func(bool, error)) {
	s.asked++
	go func() {
		fenced, err := s.Commit(context.Background(), map[storage.Token][]storage.Write{t: ws})
		done(len(fenced) > 0, err)
	}()
}

type instantAsyncStore struct{ *asyncStore }

func (instantAsyncStore) InstantReads() bool { return true }

// withStore runs fn with a cache on a store, in turns of a loop that runs, in a
// bubble with its own time.
func withStore(t *testing.T, s storage.Store, fn func(t *testing.T, r *storeRun)) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New(loop.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		r := &storeRun{t: t, l: l, out: gates.NewOutputGate(l)}
		id := actorid.ID{Namespace: "N", Key: "actor"}
		r.b = NewStoreBackend(ctx, l, s, storage.Token{Shard: id.Shard(), Epoch: 1}, id, StoreOptions{})
		r.c = New(l, r.b, NewSharedLRU(LRUOptions{}), r.out, Options{})
		ended := make(chan error)
		go func() { ended <- l.Run(context.Background()) }()
		fn(t, r)
		r.do(func() { r.c.Shutdown(nil) })
		l.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		cancel()
		time.Sleep(time.Minute) // whoever is not gone by then never will be
	})
}

type storeRun struct {
	t   *testing.T
	l   *loop.Loop
	b   *StoreBackend
	c   *Cache
	out *gates.OutputGate
}

func (r *storeRun) do(fn func()) {
	r.t.Helper()
	if err := loop.Do(context.Background(), r.l, fn); err != nil {
		r.t.Fatal(err)
	}
}

// wait runs an operation in a turn and waits for its result; at says whether it
// was there at once.
func wait[T any](r *storeRun, op func() loop.Result[T]) (v T, err error, at bool) {
	r.t.Helper()
	done := make(chan struct{})
	r.do(func() {
		res := op()
		_, _, at = res.Ready()
		res.Then(func(got T, e error) { v, err = got, e; close(done) })
	})
	<-done
	return v, err, at
}

func full(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("k%05d", i)] = "v"
	}
	return m
}

func TestStoreBackendKinds(t *testing.T) {
	for name, kind := range map[string]struct {
		wrap    func(*fakeStore) storage.Store
		instant bool
	}{
		"blocking":          {func(s *fakeStore) storage.Store { return s }, false},
		"instant":           {func(s *fakeStore) storage.Store { return instantStore{s} }, true},
		"async":             {func(s *fakeStore) storage.Store { return &asyncStore{fakeStore: s} }, false},
		"instant and async": {func(s *fakeStore) storage.Store { return instantAsyncStore{&asyncStore{fakeStore: s}} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &fakeStore{keys: map[string]string{"a": "1", "b": "2", "c": "3"}, alarm: storage.Due{Time: time.UnixMilli(7)}}
			withStore(t, kind.wrap(s), func(t *testing.T, r *storeRun) {
				v, err, at := wait(r, func() loop.Result[[]byte] { return r.c.Get("a", ReadOptions{}) })
				if string(v) != "1" || err != nil || at != kind.instant {
					t.Errorf("get: %q, %v, at once %v", v, err, at)
				}
				kvs, err, at := wait(r, func() loop.Result[[]storage.KV] {
					return r.c.List(storage.Range{Limit: 2, Reverse: true}, ReadOptions{})
				})
				if showKVs(kvs) != "c=3 b=2" || err != nil || at != kind.instant {
					t.Errorf("list: %s, %v, at once %v", showKVs(kvs), err, at)
				}
				due, err, at := wait(r, func() loop.Result[time.Time] { return r.c.Alarm(ReadOptions{}) })
				if due.UnixMilli() != 7 || err != nil || at != kind.instant {
					t.Errorf("alarm: %v, %v, at once %v", due, err, at)
				}
				n, err, at := wait(r, func() loop.Result[int] {
					r.c.Put([]storage.KV{{Key: "d", Value: []byte("4")}}, WriteOptions{})
					return r.c.Delete([]string{"a", "A0", "b", "A1", "a"}, WriteOptions{})
				})
				if n != 2 || err != nil || at != kind.instant {
					t.Errorf("delete: %d, %v, at once %v", n, err, at)
				}
				if _, err, _ := wait(r, func() loop.Result[struct{}] { return r.out.Wait() }); err != nil {
					t.Error(err)
				}
				if want := (map[string]string{"c": "3", "d": "4"}); !maps.Equal(s.keys, want) {
					t.Errorf("the store has %v, want %v", s.keys, want)
				}
				if len(s.commits) != 1 {
					t.Errorf("%d commits", len(s.commits))
				}
				if !kind.instant && asked(r.b.store) > 0 {
					t.Error("a commit that has to count first was sent from the loop")
				}
				if _, err, _ := wait(r, func() loop.Result[struct{}] {
					r.c.Put([]storage.KV{{Key: "e"}}, WriteOptions{})
					return r.c.Sync()
				}); err != nil {
					t.Error(err)
				}
				if r.b.async != nil && asked(r.b.store) == 0 {
					t.Error("CommitAsync was not used")
				}
			})
		})
	}
}

func asked(s storage.Store) int {
	switch s := s.(type) {
	case *asyncStore:
		return s.asked
	case instantAsyncStore:
		return s.asked
	}
	return 0
}

func TestStoreBackendLongLists(t *testing.T) {
	for _, instant := range []bool{false, true} {
		for _, reverse := range []bool{false, true} {
			for _, limit := range []int{0, 1, listInline, listInline + 1, 3000} {
				t.Run(fmt.Sprint(instant, reverse, limit), func(t *testing.T) {
					s := &fakeStore{keys: full(2500)}
					s.keys[""] = "first"
					var store storage.Store = s
					if instant {
						store = instantStore{s}
					}
					want := state{keys: s.keys}.list(storage.Range{Limit: limit, Reverse: reverse})
					withStore(t, store, func(t *testing.T, r *storeRun) {
						got, err, at := wait(r, func() loop.Result[[]storage.KV] {
							return r.c.List(storage.Range{Limit: limit, Reverse: reverse}, ReadOptions{})
						})
						if err != nil || !equalKVs(got, want) {
							t.Errorf("%d entries, %v; want %d", len(got), err, len(want))
						}
						if at != (instant && limit > 0 && limit <= listInline) {
							t.Errorf("at once: %v", at)
						}
						if _, _, at := wait(r, func() loop.Result[[]storage.KV] {
							return r.c.List(storage.Range{Limit: limit, Reverse: reverse}, ReadOptions{})
						}); !at {
							t.Error("the second time it is not in the cache")
						}
					})
				})
			}
		}
	}
}

// A loop that is busy is not flooded with what it has not asked for yet.
func TestStoreBackendListIsBounded(t *testing.T) {
	s := &fakeStore{keys: full(20 * limits.ListKeys.In(nil))}
	withStore(t, s, func(t *testing.T, r *storeRun) {
		var res loop.Result[[]storage.KV]
		r.do(func() {
			res = r.c.List(storage.Range{}, ReadOptions{})
			time.Sleep(time.Hour) // in the bubble: until everybody else waits
			s.mu.Lock()
			defer s.mu.Unlock()
			if most := (limits.ListAhead.In(nil) + 1) * limits.ListKeys.In(nil); s.scanned > most {
				t.Errorf("%d entries were read ahead, want at most %d", s.scanned, most)
			}
		})
		if v, err, _ := wait(r, func() loop.Result[[]storage.KV] { return res }); err != nil || len(v) != 20*limits.ListKeys.In(nil) {
			t.Errorf("%d entries, %v", len(v), err)
		}
	})
}

// A read that nobody wants any more is not read to its end.
func TestStoreBackendStopsCanceledReads(t *testing.T) {
	for name, stop := range map[string]func(r *storeRun, res loop.Result[[]storage.KV]){
		"canceled": func(_ *storeRun, res loop.Result[[]storage.KV]) { res.Cancel() },
		"closed":   func(r *storeRun, _ loop.Result[[]storage.KV]) { r.c.Close(nil) },
		"overflow": func(r *storeRun, _ loop.Result[[]storage.KV]) { r.c.lru.o.SoftBytes, r.c.lru.o.HardBytes = 1, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := &fakeStore{keys: full(50 * limits.ListKeys.In(nil))}
			withStore(t, s, func(t *testing.T, r *storeRun) {
				var res loop.Result[[]storage.KV]
				r.do(func() {
					res = r.c.List(storage.Range{}, ReadOptions{})
					time.Sleep(time.Hour) // until everybody else waits
					stop(r, res)
				})
				if _, err, _ := wait(r, func() loop.Result[[]storage.KV] { return res }); err == nil {
					t.Error("it was read to its end")
				}
				time.Sleep(time.Minute)
				s.mu.Lock()
				defer s.mu.Unlock()
				if most := (2*limits.ListAhead.In(nil) + 2) * limits.ListKeys.In(nil); s.scanned > most {
					t.Errorf("%d entries were read, want at most %d", s.scanned, most)
				}
			})
		})
	}
}

// What a store is handed at a time is bounded; a commit is one all the same.
func TestStoreBackendBoundsWhatItHands(t *testing.T) {
	for _, async := range []bool{false, true} {
		s := &fakeStore{keys: full(1000)}
		var store storage.Store = s
		if async {
			store = &asyncStore{fakeStore: s}
		}
		withStore(t, store, func(t *testing.T, r *storeRun) {
			deleted, err, _ := wait(r, func() loop.Result[int] {
				var puts []storage.KV
				var dels []string
				for i := range 300 {
					puts = append(puts, storage.KV{Key: fmt.Sprintf("new%05d", i), Value: []byte("x")})
					dels = append(dels, fmt.Sprintf("k%05d", 800+i))
				}
				r.c.Put(puts, WriteOptions{})
				return r.c.Delete(dels, WriteOptions{})
			})
			if deleted != 200 || err != nil {
				t.Errorf("%d keys were deleted, want 200; %v", deleted, err)
			}
			if len(s.keys) != 1000-200+300 {
				t.Errorf("the store has %d keys", len(s.keys))
			}
			if s.calls != 1 || s.most > limits.CommitKeys.In(nil) {
				t.Errorf("%d commits, want 1; up to %d keys were asked for at a time", s.calls, s.most)
			}
			for _, w := range s.commits {
				if len(w.Del) > limits.CommitKeys.In(nil) || len(w.Put) > limits.CommitKeys.In(nil) {
					t.Errorf("one write has %d deletes and %d puts", len(w.Del), len(w.Put))
				}
			}
		})
	}
}

func TestStoreBackendFailures(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*fakeStore)
		read   string
		write  error
	}{
		"errors": {func(s *fakeStore) { s.err = errDisk }, "disk on fire", errDisk},
		"panics": {func(s *fakeStore) { s.panics = true }, "storage panicked: bad page", nil},
		"fenced": {func(s *fakeStore) { s.fenced = true }, "", storage.ErrFenced},
	} {
		for _, async := range []bool{false, true} {
			t.Run(fmt.Sprint(name, async), func(t *testing.T) {
				s := &fakeStore{keys: map[string]string{}}
				c.damage(s)
				var store storage.Store = s
				if async {
					store = &asyncStore{fakeStore: s}
				}
				withStore(t, store, func(t *testing.T, r *storeRun) {
					_, err, _ := wait(r, func() loop.Result[[]byte] { return r.c.Get("a", ReadOptions{}) })
					if c.read == "" && err != nil || c.read != "" && (err == nil || !strings.Contains(err.Error(), c.read)) {
						t.Errorf("get: %v", err)
					}
					_, err, _ = wait(r, func() loop.Result[struct{}] {
						r.c.Put([]storage.KV{{Key: "b"}}, WriteOptions{})
						return r.out.Wait()
					})
					if !errors.Is(err, c.write) || c.write == nil && err != nil {
						t.Errorf("put: %v, want %v", err, c.write)
					}
				})
			})
		}
	}
}

// A loop that ends while storage works leaves no goroutine behind: the bubble
// would not end.
func TestStoreBackendOutlivesItsLoop(t *testing.T) {
	s := &fakeStore{keys: full(20 * limits.ListKeys.In(nil)), slow: time.Second}
	withStore(t, s, func(t *testing.T, r *storeRun) {
		r.do(func() {
			r.c.Get("a", ReadOptions{})
			r.c.List(storage.Range{}, ReadOptions{})
			r.c.Put([]storage.KV{{Key: "a"}}, WriteOptions{})
		})
	})
}

// handedStore notes when a commit reaches it.
type handedStore struct {
	*fakeStore
	events *[]string
}

func (s handedStore) CommitAsync(_ storage.Token, _ []storage.Write, done func(bool, error)) {
	*s.events = append(*s.events, "store")
	done(false, nil)
}

// Actors that one turn made dirty hand their commits over together, so that the store
// finds all of them when it wakes up.
func TestCommitsOfATurnReachTheStoreTogether(t *testing.T) {
	var events []string
	s := handedStore{&fakeStore{}, &events}
	l := loop.New(loop.Options{})
	gate := gates.NewOutputGate(l)
	lru := NewSharedLRU(LRUOptions{})
	l.Turn(func() {
		for i := range 3 {
			id := actorid.ID{Namespace: "N", Key: fmt.Sprint("actor", i)}
			b := NewStoreBackend(t.Context(), l, s, storage.Token{Shard: id.Shard(), Epoch: 1}, id, StoreOptions{})
			c := New(l, b, lru, gate, Options{})
			if _, err, ok := c.Put([]storage.KV{{Key: "k", Value: []byte("v")}}, WriteOptions{}).Ready(); !ok || err != nil {
				t.Fatal(ok, err)
			}
			l.AtTurnEnd(func() { events = append(events, "flushed") })
		}
	})
	want := []string{"flushed", "flushed", "flushed", "store", "store", "store"}
	if !slices.Equal(events, want) {
		t.Errorf("got %q, want %q", events, want)
	}
	l.RunPending()
	l.Turn(func() {
		if _, err, ok := gate.Wait().Ready(); !ok || err != nil {
			t.Errorf("the gate is not open: %v", err)
		}
	})
}
