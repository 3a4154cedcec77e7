package actor_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"workerd.local/actor"
	"workerd.local/event"
	"workerd.local/internal/invariants"
)

const idle = `
	export class Obj extends DurableObject {
		fetch() { return new Response("x"); }
	}`

// heap is what is reachable now.
func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// eachOf calls n actors, many at a time, and waits for the answers.
func (k *kit) eachOf(n int, name func(i int) string) {
	k.t.Helper()
	const atOnce = 256
	answers := make(chan error, atOnce)
	collect := func(n int) {
		for range n {
			if err := <-answers; err != nil {
				k.t.Fatal(err)
			}
		}
	}
	for i := range n {
		if i >= atOnce {
			collect(1)
		}
		k.stub(name(i)).Start(k.t.Context(), request("/"), func(resp *event.Response, err error) {
			if err == nil {
				err = resp.Body.Close()
			}
			answers <- err
		})
	}
	collect(min(n, atOnce))
}

// liveActorBytes is what one actor takes that has answered a request and is idle. Its
// instance, an object with ctx and env, is in it.
func liveActorBytes(k *kit, n int) int64 {
	k.eachOf(1, func(int) string { return "first" })
	before := heap()
	k.eachOf(n, func(i int) string { return fmt.Sprint("actor ", i) })
	per := (heap() - before) / int64(n)
	runtime.KeepAlive(k)
	return per
}

func BenchmarkLiveActor(b *testing.B) {
	for _, o := range []struct {
		name string
		kitOptions
	}{{"with storage", kitOptions{preventEviction: true}}, {"evictable", kitOptions{idle: time.Hour}}} {
		b.Run(o.name, func(b *testing.B) {
			var per int64
			for b.Loop() {
				per = liveActorBytes(newKit(b, idle, o.kitOptions), 5000)
			}
			b.ReportMetric(float64(per), "bytes/actor")
		})
	}
}

// churn makes actors and puts them away again, and returns what they leave behind.
func churn(k *kit, cycles int) int64 {
	k.t.Helper()
	const actors = 1000
	round := func(n int) {
		k.eachOf(n, func(i int) string { return fmt.Sprint("actor ", i) })
		for i := range n {
			k.away(k.stub(fmt.Sprint("actor ", i)))
		}
	}
	round(actors)
	before := heap()
	for done := 0; done < cycles; done += actors {
		round(actors)
	}
	left := heap() - before
	runtime.KeepAlive(k)
	return left
}

func (k *kit) away(s *actor.Stub) {
	k.t.Helper()
	for {
		away, err := s.Hibernate(k.t.Context())
		if err != nil {
			k.t.Fatal(err)
		}
		if away {
			return
		}
	}
}

func BenchmarkActivateAndEvict(b *testing.B) {
	const cycles = 100_000
	var left int64
	for b.Loop() {
		left = churn(newKit(b, idle, kitOptions{idle: time.Hour}), cycles)
	}
	b.ReportMetric(float64(left), "bytes-left")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/cycles, "ns/cycle")
}

// The promises that the benchmarks measure, with room for another allocator.
func TestMemoryOfActors(t *testing.T) {
	if invariants.Enabled {
		t.Skip("the race detector takes memory of its own")
	}
	t.Run("live", func(t *testing.T) {
		if per := liveActorBytes(newKit(t, idle, kitOptions{idle: time.Hour}), 2000); per > 8<<10 {
			t.Errorf("an idle actor takes %d bytes, more than 8 KiB", per)
		}
	})
	t.Run("left behind", func(t *testing.T) {
		if left := churn(newKit(t, idle, kitOptions{idle: time.Hour}), 5_000); left > 1<<20 {
			t.Errorf("5,000 actors that are gone leave %d bytes", left)
		}
	})
}
