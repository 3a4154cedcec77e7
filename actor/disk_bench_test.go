package actor_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"workerd.local/actor"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
)

const reader = `
	export class Obj extends DurableObject {
		async fetch() { return new Response(await this.ctx.storage.get("count", { noCache: true })); }
	}`

// five is the number 5 as storage keeps it.
var five = []byte("\xff\x0fI\x0a")

// manyActors is how many actors the big file has, as in storage/bolt.
func manyActors(b *testing.B) int {
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

// BenchmarkReadFromDisk is a request to an actor that is live and reads one key, which
// its cache does not have: of 1,000 actors on disk, and of many.
func BenchmarkReadFromDisk(b *testing.B) {
	b.Run("Of1000", func(b *testing.B) { readFromDisk(b, 1000) })
	b.Run("OfMany", func(b *testing.B) {
		n := manyActors(b)
		readFromDisk(b, n)
		b.ReportMetric(float64(n), "actors")
	})
}

func readFromDisk(b *testing.B, n int) {
	store, err := bolt.Open(filepath.Join(b.TempDir(), bolt.FileName), bolt.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	k := newKit(b, reader, kitOptions{store: store, idle: time.Hour})
	ids, epoch := k.ns.IDs(), epochOf(b, store)
	batch := map[storage.Token][]storage.Write{}
	for i := range n {
		id := ids.FromName(fmt.Sprint("actor ", i))
		t := storage.Token{Shard: id.Shard(), Epoch: epoch}
		batch[t] = append(batch[t], storage.Write{Actor: id, Put: []storage.KV{{Key: "count", Value: five}, {Key: "name", Value: five}}})
		if i%10_000 == 9999 || i == n-1 {
			if _, err := store.Commit(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			clear(batch)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	stubs := make([]*actor.Stub, 4096)
	for i := range stubs {
		stubs[i] = k.stub(fmt.Sprint("actor ", random.IntN(n)))
		if got := ask(b, stubs[i], "/"); got != "5" {
			b.Fatalf("got %q, want 5", got)
		}
	}
	for i := 0; b.Loop(); i++ {
		if got := ask(b, stubs[i%len(stubs)], "/"); got != "5" {
			b.Fatalf("got %q, want 5", got)
		}
	}
}
