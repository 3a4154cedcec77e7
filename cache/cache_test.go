package cache

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/loop"
	"workerd.local/storage"
)

// emptyStorage has nothing, answers at once and takes everything.
type emptyStorage struct{}

func (emptyStorage) Get([]string, func([]storage.KV) error) loop.Result[struct{}] {
	return loop.Now(struct{}{})
}
func (emptyStorage) List(storage.Range, func([]storage.KV) error) loop.Result[struct{}] {
	return loop.Now(struct{}{})
}
func (emptyStorage) Commit(b *Batch) loop.Result[CommitInfo] {
	return loop.Now(CommitInfo{Deleted: make([]int, len(b.Counted))})
}
func (emptyStorage) Alarm() loop.Result[storage.Due] { return loop.Now(storage.Due{}) }

func newCache(l *loop.Loop, b Backend, o Options) *Cache {
	return New(l, b, NewSharedLRU(LRUOptions{}), gates.NewOutputGate(l), o)
}

// isReady returns the outcome of a result that must be there.
func isReady[T any](t testing.TB, r loop.Result[T]) T {
	t.Helper()
	v, err, ok := r.Ready()
	if err != nil || !ok {
		t.Fatalf("ready %v, error %v", ok, err)
	}
	return v
}

func TestLimitsOfClassesOnDisk(t *testing.T) {
	key, pair := strings.Repeat("k", 3000), make([]byte, 2<<20+34-3000)
	everywhere := ActorLimits(nil)
	everywhere.Everywhere = true
	l := loop.New(loop.Options{})
	for name, tt := range map[string]struct {
		limits Limits
		key    string
		value  []byte
		want   string
	}{
		"enableSql, as much as fits": {SQLLimits(nil), key, pair, ""},
		"enableSql, a byte more": {SQLLimits(nil), key, make([]byte, len(pair)+1),
			"RangeError: A key and its value cannot be larger than 2097152 bytes together. A key of size 3000 and a value of size 2094187 were provided."},
		"enableSql, the key has the byte more": {SQLLimits(nil), key + "k", pair,
			"RangeError: A key and its value cannot be larger than 2097152 bytes together. A key of size 3001 and a value of size 2094186 were provided."},
		"no enableSql, value": {everywhere, "k", pair, "RangeError: Values cannot be larger than 131072 bytes. A value of size 2094186 was provided."},
		"no enableSql, key":   {everywhere, key, nil, "RangeError: Keys cannot be larger than 2048 bytes. A key of size 3000 was provided."},
	} {
		c := newCache(l, emptyStorage{}, Options{Limits: tt.limits})
		l.Turn(func() {
			for where, ops := range map[string]interface {
				Put([]storage.KV, WriteOptions) loop.Result[struct{}]
			}{"cache": c, "transaction": c.Begin(), "nested transaction": c.Begin().Begin()} {
				got := ""
				if err := failure(ops.Put([]storage.KV{{Key: tt.key, Value: tt.value}}, WriteOptions{})); err != nil {
					got = err.Error()
				}
				if got != tt.want {
					t.Errorf("%s, %s: got %q, want %q", name, where, got, tt.want)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	long := strings.Repeat("k", 2049)
	big := make([]byte, 131072+35)
	l := loop.New(loop.Options{})
	c := newCache(l, emptyStorage{}, Options{Limits: ActorLimits(nil)})
	l.Turn(func() {
		keyText := "RangeError: Keys cannot be larger than 2048 bytes. A key of size 2049 was provided."
		for name, try := range map[string]struct {
			err  error
			want string
		}{
			"get":    {failure(c.Get(long, ReadOptions{})), keyText},
			"delete": {failure(c.Delete([]string{"a", long}, WriteOptions{})), keyText},
			"put":    {failure(c.Put([]storage.KV{{Key: "a"}, {Key: long}}, WriteOptions{})), keyText},
			"put in a txn": {failure(c.Begin().Put([]storage.KV{{Key: strings.Repeat("k", storage.MaxKeyBytes+1)}}, WriteOptions{})),
				"RangeError: Keys cannot be larger than 16384 bytes. A key of size 16385 was provided."},
			"big value": {failure(c.Put([]storage.KV{{Key: "a"}, {Key: "b", Value: big}}, WriteOptions{})),
				"RangeError: Values cannot be larger than 131072 bytes. A value of size 131107 was provided."},
			"many keys": {failure(c.GetMany(make([]string, 129), ReadOptions{})),
				"RangeError: Maximum number of key value pairs is 128. 129 pairs were provided."},
			"many keys in a txn": {failure(c.Begin().GetMany(make([]string, 129), ReadOptions{})),
				"RangeError: Maximum number of key value pairs is 128. 129 pairs were provided."},
		} {
			var e *exception.Exception
			if !errors.As(try.err, &e) || e.Error() != try.want {
				t.Errorf("%s: got %v, want %s", name, try.err, try.want)
			}
		}
		if c.Len() != 0 || c.out.Locked() {
			t.Error("a write that was refused left something behind")
		}
		// What a transaction writes is bounded only by what storage can hold, unless the
		// limits are for everywhere.
		isReady(t, c.Begin().Put([]storage.KV{{Key: long, Value: big}}, WriteOptions{}))
		isReady(t, c.Put([]storage.KV{{Key: long[1:], Value: big[1:]}}, WriteOptions{}))
		if err := failure(c.Delete(make([]string, 1000), WriteOptions{})); err != nil {
			t.Errorf("delete of many keys: %v", err)
		}
	})
	l.Turn(func() {
		x := c.Begin()
		isReady(t, x.Put([]storage.KV{{Key: "a"}}, WriteOptions{}))
		for _, ops := range []Ops{c, x} {
			if failure(ops.List(storage.Range{Limit: -1}, ReadOptions{})) == nil {
				t.Error("a negative limit was accepted")
			}
		}
	})
	// Without limits, what storage cannot hold is still refused before it breaks
	// the actor.
	free := newCache(l, emptyStorage{}, Options{})
	l.Turn(func() {
		isReady(t, free.Put([]storage.KV{{Key: long, Value: big}}, WriteOptions{}))
		if failure(free.Put([]storage.KV{{Key: strings.Repeat("k", storage.MaxKeyBytes+1)}}, WriteOptions{})) == nil {
			t.Error("a key that storage cannot hold was accepted")
		}
	})
}

func failure[T any](r loop.Result[T]) error {
	_, err, _ := r.Ready()
	return err
}

func TestCachesShareTheLRU(t *testing.T) {
	l := loop.New(loop.Options{})
	lru := NewSharedLRU(LRUOptions{SoftBytes: 10 * (entryBytes + 4)})
	var caches []*Cache
	l.Turn(func() {
		for range 4 {
			c := New(l, emptyStorage{}, lru, gates.NewOutputGate(l), Options{})
			caches = append(caches, c)
			for k := range 5 {
				isReady(t, c.Get(fmt.Sprintf("key%d", k), ReadOptions{}))
			}
		}
	})
	for i, want := range []int{0, 0, 5, 5} {
		if got := caches[i].Len(); got != want {
			t.Errorf("cache %d has %d entries, want %d", i, got, want)
		}
	}
	// A cache that ends leaves nothing to those that stay.
	l.Turn(func() { caches[2].Shutdown(nil) })
	if got, want := lru.Bytes(), 5*(entryBytes+4); got != want {
		t.Errorf("%d bytes are in use, want %d", got, want)
	}
}

// Many entries are found as few are, while there come to be more and fewer.
func TestManyEntries(t *testing.T) {
	l := loop.New(loop.Options{})
	c := newCache(l, emptyStorage{}, Options{})
	keys := benchKeys(3 * manyEntries)
	for round := range 2 {
		for i, k := range keys {
			l.Turn(func() { isReady(t, c.Put([]storage.KV{{Key: k, Value: []byte(k)}}, WriteOptions{NoCache: i%4 > 0})) })
			if err := c.check(); err != nil {
				t.Fatal(err)
			}
		}
		l.Turn(func() {
			for i, k := range keys {
				if v := isReady(t, c.Get(k, ReadOptions{})); (string(v) == k) != (i%4 == 0) {
					t.Fatalf("round %d: %q has %q", round, k, v)
				}
			}
		})
		l.Turn(func() { isReady(t, c.DeleteAll(DeleteAllOptions{})) })
	}
}

// An actor that does nothing costs next to nothing.
func TestEmptyCacheIsSmall(t *testing.T) {
	const n = 10_000
	l := loop.New(loop.Options{})
	lru := NewSharedLRU(LRUOptions{})
	out := gates.NewOutputGate(l)
	all := make([]*Cache, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range all {
		all[i] = New(l, emptyStorage{}, lru, out, Options{})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := int(after.HeapAlloc-before.HeapAlloc) / n; each > 1024 {
		t.Errorf("an empty cache has %d bytes", each)
	}
	runtime.KeepAlive(all)
}

func TestEvictStaleGoesByTheClock(t *testing.T) {
	l := loop.New(loop.Options{})
	lru := NewSharedLRU(LRUOptions{StaleAfter: time.Minute})
	c := New(l, emptyStorage{}, lru, gates.NewOutputGate(l), Options{})
	start := time.Unix(1, 0)
	l.Turn(func() {
		lru.EvictStale(start)
		isReady(t, c.Get("a", ReadOptions{}))
		for range 100 {
			lru.EvictStale(start.Add(59 * time.Second))
		}
		lru.EvictStale(start.Add(61 * time.Second))
		if c.Len() != 1 {
			t.Error("forgotten too early")
		}
		lru.EvictStale(start.Add(122 * time.Second))
		if c.Len() != 0 {
			t.Error("not forgotten")
		}
	})
}

// What a checked build would say must be found by check.
func TestCheckFindsDamage(t *testing.T) {
	for name, damage := range map[string]func(c *Cache){
		"order":        func(c *Cache) { c.first.key = "zzz" },
		"links":        func(c *Cache) { c.first.next.prev = nil },
		"place":        func(c *Cache) { c.first.place = dirty },
		"unknown gap":  func(c *Cache) { c.first.status = unknown; c.first.value = nil; c.first.gapEmpty = true },
		"value":        func(c *Cache) { c.first.value = nil },
		"last":         func(c *Cache) { c.last = c.first },
		"owner":        func(c *Cache) { c.first.cache = nil },
		"dirty bytes":  func(c *Cache) { c.dirty.bytes++ },
		"bytes in use": func(c *Cache) { c.lru.total = 0 },
		"redundant": func(c *Cache) {
			e := c.first.next
			c.first.gapEmpty, e.gapEmpty, e.status, e.value = true, true, absent, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := loop.New(loop.Options{})
			c := newCache(l, emptyStorage{}, Options{})
			l.Turn(func() {
				isReady(t, c.Put([]storage.KV{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}, WriteOptions{}))
			})
			if err := c.check(); err != nil {
				t.Fatal(err)
			}
			damage(c)
			if c.check() == nil {
				t.Error("not found")
			}
		})
	}
}
