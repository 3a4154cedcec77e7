package serialize

import (
	"context"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/event"
)

// prepared is a script that has some state, and whose children are timed up to their first
// listener.
const prepared = `
console.log('preparing');
const table = new Map();
for (let i = 0; i < 100; i++) table.set('k' + i, { i, text: 'value ' + i });
addEventListener('deserialize', () => { console.log(table.size === 100 ? 'whole' : 'lost') });
`

// stopwatch notes when something is written first.
type stopwatch struct{ at time.Time }

func (s *stopwatch) Write(p []byte) (int, error) {
	if s.at.IsZero() {
		s.at = time.Now()
	}
	return len(p), nil
}

// BenchmarkForkOfATwin is the time that a child takes while twins last; us/listener is that
// from the fork to what its first deserialize listener prints.
func BenchmarkForkOfATwin(b *testing.B) {
	var toListener time.Duration
	n := 0
	bench := newBench(b, prepared)
	s := bench.seed(0)
	ready := func() *Worker {
		w, err := s.twin(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		return w
	}
	<-s.ready // the first run is no twin
	for b.Loop() {
		b.StopTimer()
		s.ready <- ready()
		b.StartTimer()
		var w stopwatch
		began := time.Now()
		e, err := s.Fork(context.Background(), ForkOptions{Child: Child{Env: []string{"A=1"}}, Options: Options{Stdout: &w}})
		if err != nil || e.Code != 0 {
			b.Fatal(err, e, bench.err.String())
		}
		toListener += w.at.Sub(began)
		n++
	}
	b.ReportMetric(float64(toListener.Microseconds())/float64(n), "us/listener")
}

// BenchmarkTwin is what one ready child costs in the background.
func BenchmarkTwin(b *testing.B) {
	bench := newBench(b, prepared)
	s := bench.seed(0)
	for b.Loop() {
		w, err := s.twin(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		w.close()
	}
}

// BenchmarkThousandForks is what a thousand children leave behind.
func BenchmarkThousandForks(b *testing.B) {
	bench := newBench(b, prepared)
	s := bench.seed(4)
	fork := func(n int) {
		for range n {
			if e, err := s.Fork(context.Background(), ForkOptions{}); err != nil || e.Code != 0 {
				b.Fatal(err, e, bench.err.String())
			}
		}
	}
	measure := func() (heap, goroutines float64) {
		bench.settled(s, 4)
		least := uint64(math.MaxUint64)
		for more := 10; more > 0; more-- { // what is cleaned up after one collection goes with a later one
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if m.HeapAlloc < least-min(least, 64<<10) {
				least, more = m.HeapAlloc, 10
			}
			time.Sleep(5 * time.Millisecond)
		}
		return float64(least), float64(runtime.NumGoroutine())
	}
	fork(50)
	heap, goroutines := measure()
	for b.Loop() {
		fork(1000)
	}
	heap2, goroutines2 := measure()
	b.ReportMetric((heap2-heap)/float64(b.N), "bytes-left")
	b.ReportMetric((goroutines2-goroutines)/float64(b.N), "goroutines-left")
}

// slow is a script whose preparation waits half a second for answers.
const slow = `
let answers = [];
addEventListener('serialize', e => e.waitUntil((async () => {
	for (let i = 0; i < 5; i++) answers.push(await (await fetch('http://slow.example/' + i)).json());
})()));
addEventListener('deserialize', () => aworker.exit(answers.length === 5 ? 0 : 9));
`

func slowService(asked *atomic.Int64) service {
	return func(ctx context.Context, _ *event.Request) (*event.Response, error) {
		asked.Add(1)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
		return answerText(`{"list":[1,2,3]}`)
	}
}

// BenchmarkRestore is a start from a blob of a script whose preparation waits 500 ms.
func BenchmarkRestore(b *testing.B) {
	var asked atomic.Int64
	bench := newBench(b, slow)
	bench.o.Outbound = slowService(&asked)
	blob := bench.snapshot(Startup).Encode()
	for b.Loop() {
		e, err := RunEncoded(context.Background(), bench.o, blob, nil)
		if err != nil || e.Code != 0 {
			b.Fatal(err, e, bench.err.String())
		}
	}
	if asked.Load() != 5 {
		b.Fatalf("the network was asked %d times", asked.Load())
	}
}

// BenchmarkColdStart is the same script without a snapshot.
func BenchmarkColdStart(b *testing.B) {
	var asked atomic.Int64
	bench := newBench(b, slow)
	bench.o.Outbound = slowService(&asked)
	for b.Loop() {
		if e := RunSeed(context.Background(), bench.o, SeedUserland, nil); e.Code != 0 {
			b.Fatal(e)
		}
	}
}
