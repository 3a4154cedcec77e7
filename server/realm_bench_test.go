package server

import (
	"runtime"
	"testing"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// BenchmarkRealm is a realm with all web APIs and no script: its time, and what it
// keeps.
func BenchmarkRealm(b *testing.B) {
	iso := isolate.New(isolate.Options{})
	newRealm := func() *isolate.Realm {
		r, err := iso.NewRealm(isolate.RealmOptions{Setup: []func(*isolate.JS) error{func(js *isolate.JS) error { return bind.Install(js, Modules()) }}})
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	newRealm()
	kept := make([]*isolate.Realm, 0, b.N)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		kept = append(kept, newRealm())
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N)/1024, "KiB/realm")
	runtime.KeepAlive(kept)
}
