package cache

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/btree"

	"workerd.local/gates"
	"workerd.local/internal/invariants"
	"workerd.local/loop"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

func benchKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%06d", i)
	}
	return keys
}

func fullCache(b testing.TB, l *loop.Loop, keys []string) *Cache {
	c := newCache(l, emptyStorage{}, Options{})
	l.Turn(func() {
		for _, k := range keys {
			isReady(b, c.Put([]storage.KV{{Key: k, Value: []byte("some value of a key")}}, WriteOptions{}))
		}
	})
	l.Turn(func() { isReady(b, c.List(storage.Range{}, ReadOptions{})) })
	return c
}

// What the cache is measured against: a map, and an ordered one, of the same keys and
// values.

func plainMap(keys []string) map[string][]byte {
	m := map[string][]byte{}
	for _, k := range keys {
		m[k] = []byte("some value of a key")
	}
	return m
}

func BenchmarkPlainMapGet(b *testing.B) {
	keys := benchKeys(1000)
	m := plainMap(keys)
	i := 0
	for b.Loop() {
		if m[keys[i%1000]] == nil {
			b.Fatal("missing")
		}
		i++
	}
}

func BenchmarkPlainMapPut(b *testing.B) {
	keys := benchKeys(1000)
	m := plainMap(keys)
	values := [][]byte{[]byte("one"), []byte("two")}
	i := 0
	for b.Loop() {
		m[keys[i%1000]] = values[i/1000%2]
		i++
	}
}

// BenchmarkPlainTreeWalk1000 visits what BenchmarkListCached1000 returns.
func BenchmarkPlainTreeWalk1000(b *testing.B) {
	tree := btree.NewG(32, func(a, b storage.KV) bool { return a.Key < b.Key })
	for k, v := range plainMap(benchKeys(1000)) {
		tree.ReplaceOrInsert(storage.KV{Key: k, Value: v})
	}
	for b.Loop() {
		n := 0
		tree.Ascend(func(kv storage.KV) bool {
			if kv.Value != nil {
				n++
			}
			return true
		})
		if n != 1000 {
			b.Fatal(n)
		}
	}
}

func BenchmarkGetCached(b *testing.B) {
	b.ReportAllocs()
	l := loop.New(loop.Options{})
	keys := benchKeys(1000)
	c := fullCache(b, l, keys)
	i := 0
	l.Turn(func() {
		for b.Loop() {
			if v, _, ok := c.Get(keys[i%1000], ReadOptions{}).Ready(); !ok || v == nil {
				b.Fatal("missing")
			}
			i++
		}
	})
}

func BenchmarkGetCachedSmallActor(b *testing.B) {
	b.ReportAllocs()
	l := loop.New(loop.Options{})
	keys := benchKeys(10)
	c := fullCache(b, l, keys)
	i := 0
	l.Turn(func() {
		for b.Loop() {
			if v, _, ok := c.Get(keys[i%10], ReadOptions{}).Ready(); !ok || v == nil {
				b.Fatal("missing")
			}
			i++
		}
	})
}

func BenchmarkPutDirty(b *testing.B) {
	b.ReportAllocs()
	l := loop.New(loop.Options{})
	keys := benchKeys(1000)
	c := fullCache(b, l, keys)
	values := [][]byte{[]byte("one"), []byte("two")}
	kv := make([]storage.KV, 1)
	i := 0
	l.Turn(func() {
		for b.Loop() {
			kv[0] = storage.KV{Key: keys[i%1000], Value: values[i/1000%2]}
			if _, err, ok := c.Put(kv, WriteOptions{}).Ready(); !ok || err != nil {
				b.Fatal("not ready")
			}
			i++
		}
	})
}

func BenchmarkPutTurn(b *testing.B) {
	b.ReportAllocs()
	l := loop.New(loop.Options{})
	c := fullCache(b, l, benchKeys(1000))
	values := [][]byte{[]byte("one"), []byte("two")}
	i := 0
	for b.Loop() {
		l.Turn(func() {
			isReady(b, c.Put([]storage.KV{{Key: "user:000500", Value: values[i%2]}}, WriteOptions{}))
		})
		i++
	}
}

func BenchmarkListCached1000(b *testing.B) {
	b.ReportAllocs()
	l := loop.New(loop.Options{})
	c := fullCache(b, l, benchKeys(1000))
	l.Turn(func() {
		for b.Loop() {
			if n := len(isReady(b, c.List(storage.Range{}, ReadOptions{}))); n != 1000 {
				b.Fatal(n)
			}
		}
	})
}

// BenchmarkCommitThousandActors is 1,000 actors of one isolate that have one dirty key
// each, and commit. transactions is how many the storage file needs on average until
// all of them are durable: where the turn's end finds them all, and where each becomes
// dirty in a turn of its own, as events make it, while the first ones commit already.
func BenchmarkCommitThousandActors(b *testing.B) {
	b.Run("AtOnce", func(b *testing.B) { commitThousandActors(b, true) })
	b.Run("ByTurns", func(b *testing.B) { commitThousandActors(b, false) })
}

func commitThousandActors(b *testing.B, atOnce bool) {
	const actors = 1000
	var transactions, operations atomic.Int64
	store, err := bolt.Open(filepath.Join(b.TempDir(), bolt.FileName), bolt.Options{Hooks: bolt.Hooks{Group: func(g bolt.GroupInfo) {
		transactions.Add(1)
		operations.Add(int64(g.Operations))
	}}})
	if err != nil {
		b.Fatal(err)
	}
	l := loop.New(loop.Options{})
	ended := make(chan error)
	go func() { ended <- l.Run(context.Background()) }()
	stop := sync.OnceFunc(func() {
		l.Close()
		if err := errors.Join(<-ended, store.Close()); err != nil {
			b.Error(err)
		}
	})
	defer stop()
	lru, caches := NewSharedLRU(LRUOptions{}), make([]*Cache, actors)
	for i := range caches {
		id := storagetest.Actor("bench", i)
		_, token, err := store.Placement().Owner(b.Context(), id.Shard())
		if err != nil {
			b.Fatal(err)
		}
		caches[i] = New(l, NewStoreBackend(context.Background(), l, store, token, id, StoreOptions{}), lru, gates.NewOutputGate(l), Options{})
	}
	durable := make(chan error, actors)
	round := 0
	for b.Loop() {
		round++
		write := func(caches ...*Cache) {
			err := l.Post(func() {
				for _, c := range caches {
					if _, err, ok := c.Put([]storage.KV{{Key: "n", Value: fmt.Append(nil, round)}}, WriteOptions{}).Ready(); !ok || err != nil {
						durable <- errors.Join(errors.New("not ready"), err)
						return
					}
					c.Sync().Then(func(_ struct{}, err error) { durable <- err })
				}
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		if atOnce {
			write(caches...)
		} else {
			for _, c := range caches {
				write(c)
			}
		}
		for range caches {
			if err := <-durable; err != nil {
				b.Fatal(err)
			}
		}
	}
	stop() // the hook follows the answers
	if n := operations.Load(); n != int64(round*actors) {
		b.Errorf("storage got %d commits for %d writes", n, round*actors)
	}
	b.ReportMetric(float64(transactions.Load())/float64(round), "transactions")
}

// What the benchmarks say of allocations holds everywhere.
func TestAllocationsOfCachedReadsAndWrites(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks allocate")
	}
	l := loop.New(loop.Options{})
	keys := benchKeys(1000)
	c := fullCache(t, l, keys)
	values := [][]byte{[]byte("one"), []byte("two")}
	kv := make([]storage.KV, 1)
	i := 0
	get := func() {
		isReady(t, c.Get(keys[i%len(keys)], ReadOptions{}))
		i++
	}
	put := func() {
		kv[0] = storage.KV{Key: keys[0], Value: values[i%2]}
		isReady(t, c.Put(kv, WriteOptions{}))
		i++
	}
	list := func() {
		if n := len(isReady(t, c.List(storage.Range{}, ReadOptions{}))); n != len(keys) {
			t.Errorf("%d entries listed", n)
		}
	}
	l.Turn(func() {
		put() // the first write of a turn schedules its flush
		for _, o := range []struct {
			name string
			most float64
			run  func()
		}{{"get", 0, get}, {"put of a dirty key", 0, put}, {"list", 1, list}} {
			if n := testing.AllocsPerRun(100, o.run); n > o.most {
				t.Errorf("%s: %v allocations, want %v at most", o.name, n, o.most)
			}
		}
	})
}
