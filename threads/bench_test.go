package threads_test

import (
	"runtime"
	"testing"

	"workerd.local/threads"
)

func BenchmarkStart(b *testing.B) {
	k := newKit(b)
	for b.Loop() {
		heard := make(chan struct{})
		t := k.start(`post(1)`, stay, func(s *threads.Spec) { s.Owner.Message = func(threads.Message) { close(heard) } })
		<-heard
		t.Kill()
		<-t.Done()
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	k := newKit(b)
	m, back := k.message(`{ n: 1 }`), make(chan struct{}, 1)
	t := k.start(`receive(v => post(v))`, stay, func(s *threads.Spec) { s.Owner.Message = func(threads.Message) { back <- struct{}{} } })
	for b.Loop() {
		if err := t.Post(m); err != nil {
			b.Fatal(err)
		}
		<-back
	}
}

// The memory of b.N threads that wait for messages.
func BenchmarkThreadsAlive(b *testing.B) {
	k := newKit(b)
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before, heard := memory(), make(chan struct{}, 1)
	b.ResetTimer()
	for range b.N {
		k.start(`receive(v => post(v)); post(1)`, stay, func(s *threads.Spec) {
			s.Owner = threads.Owner{Message: func(threads.Message) { heard <- struct{}{} }}
		})
		<-heard
	}
	b.StopTimer()
	used := memory() - before
	b.ReportMetric(float64(used)/(1<<20), "MiB")
	b.ReportMetric(float64(used)/1024/float64(b.N), "KiB/thread")
}

// The time from a kill to the end of a thread that never yields.
func BenchmarkKill(b *testing.B) {
	k := newKit(b)
	for range b.N {
		b.StopTimer()
		heard := make(chan struct{})
		t := k.start(`post(1); for (;;) try { for (;;); } finally { continue }`, func(s *threads.Spec) { s.Owner.Message = func(threads.Message) { close(heard) } })
		<-heard
		b.StartTimer()
		t.Kill()
		<-t.Done()
	}
}
