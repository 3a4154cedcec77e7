package bolt_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"workerd.local/actorid"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

func tokenOf(b testing.TB, s *bolt.Store, shard uint32) storage.Token {
	b.Helper()
	_, token, err := s.Placement().Owner(b.Context(), shard)
	if err != nil {
		b.Fatal(err)
	}
	return token
}

func commit(b testing.TB, s *bolt.Store, w storage.Write) {
	_, err := s.Commit(b.Context(), map[storage.Token][]storage.Write{tokenOf(b, s, w.Actor.Shard()): {w}})
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkCommitOne is one caller who writes one key at a time: two syncs each.
func BenchmarkCommitOne(b *testing.B) {
	s := mustOpen(b, newPath(b), bolt.Options{})
	defer s.Close()
	a := storagetest.Actor("ns", 1)
	for i := 0; b.Loop(); i++ {
		commit(b, s, storage.Write{Actor: a, Put: []storage.KV{{Key: "k", Value: fmt.Append(nil, i)}}})
	}
}

// BenchmarkCommitMany is 64 callers with an actor each; commits/tx shows how many
// share a transaction.
func BenchmarkCommitMany(b *testing.B) {
	var groups, commits atomic.Int64
	s := mustOpen(b, newPath(b), bolt.Options{Hooks: bolt.Hooks{Group: func(g bolt.GroupInfo) {
		groups.Add(1)
		commits.Add(int64(g.Operations))
	}}})
	defer s.Close()
	var caller atomic.Int64
	b.SetParallelism(64 / max(1, min(64, runtime.GOMAXPROCS(0))))
	b.RunParallel(func(pb *testing.PB) {
		a := storagetest.Actor("ns", int(caller.Add(1)))
		for i := 0; pb.Next(); i++ {
			commit(b, s, storage.Write{Actor: a, Put: []storage.KV{{Key: "k", Value: fmt.Append(nil, i)}}})
		}
	})
	b.ReportMetric(float64(commits.Load())/float64(max(1, groups.Load())), "commits/tx")
}

// fill stores n actors of two small entries each.
func fill(b testing.TB, path string, n int) *bolt.Store {
	b.Helper()
	s := mustOpen(b, path, bolt.Options{NoSync: true})
	batch := map[storage.Token][]storage.Write{}
	for i := range n {
		a := storagetest.Actor("ns", i)
		t := tokenOf(b, s, a.Shard())
		batch[t] = append(batch[t], storage.Write{Actor: a, Put: []storage.KV{{Key: "count", Value: []byte("12345")}, {Key: "name", Value: []byte("some name")}}})
		if i%10_000 == 9999 || i == n-1 {
			if _, err := s.Commit(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			clear(batch)
		}
	}
	return s
}

func BenchmarkGet(b *testing.B) {
	s := fill(b, newPath(b), 100_000)
	defer s.Close()
	keys := []string{"count"}
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			a := storagetest.Actor("ns", i%1000)
			if got, err := s.Get(b.Context(), tokenOf(b, s, a.Shard()), a, keys); err != nil || len(got) != 1 {
				b.Error(got, err)
			}
		}
	})
}

func BenchmarkScan1000(b *testing.B) {
	s := mustOpen(b, newPath(b), noSync)
	defer s.Close()
	a := storagetest.Actor("ns", 1)
	w := storage.Write{Actor: a}
	for i := range 1000 {
		w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("key%04d", i), Value: []byte("a value of twenty b.")})
	}
	commit(b, s, w)
	token := tokenOf(b, s, a.Shard())
	for b.Loop() {
		n := 0
		for _, err := range s.Scan(b.Context(), token, a, storage.Range{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 1000 {
			b.Fatal(n)
		}
	}
}

// actorsOnDisk is how many actors the big file has; WORKERD_BENCH_ACTORS=1000000 is
// the size that the promises are about, and takes a while to fill.
func actorsOnDisk(b *testing.B) int {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	if v := os.Getenv("WORKERD_BENCH_ACTORS"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 1000 {
			b.Fatalf("WORKERD_BENCH_ACTORS=%s: must be a number of actors, 1000 or more", v)
		}
	}
	return n
}

// BenchmarkActorsOnDisk is about a file of many actors: opening it, and reading
// from it, beside reading from one of 1,000. bytes/actor is the space that two small
// entries take.
func BenchmarkActorsOnDisk(b *testing.B) {
	n := actorsOnDisk(b)
	small := fill(b, newPath(b), 1000)
	defer small.Close()
	path := filepath.Join(b.TempDir(), bolt.FileName)
	if err := fill(b, path, n).Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			if err := mustOpen(b, path, bolt.Options{}).Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/open")
		b.ReportMetric(float64(n), "actors")
		b.ReportMetric(float64(info.Size())/float64(n), "bytes/actor")
	})
	b.Run("ReadOf1000", func(b *testing.B) { readAnywhere(b, small, 1000) })
	b.Run("Read", func(b *testing.B) {
		big := mustOpen(b, path, bolt.Options{})
		defer big.Close()
		readAnywhere(b, big, n)
	})
}

// readAnywhere reads one key of actors that are chosen by chance among the first n.
func readAnywhere(b *testing.B, s *bolt.Store, n int) {
	type place struct {
		actor actorid.ID
		token storage.Token
	}
	random := rand.New(rand.NewPCG(1, 2))
	places := make([]place, 4096)
	for i := range places {
		a := storagetest.Actor("ns", random.IntN(n))
		places[i] = place{a, tokenOf(b, s, a.Shard())}
	}
	keys := []string{"count"}
	read := func(i int) {
		p := &places[i%len(places)]
		if got, err := s.Get(b.Context(), p.token, p.actor, keys); err != nil || len(got) != 1 {
			b.Fatal(got, err)
		}
	}
	for i := range places {
		read(i) // maps the pages
	}
	for i := 0; b.Loop(); i++ {
		read(i)
	}
}
