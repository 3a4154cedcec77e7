package server

import (
	"runtime"
	"testing"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// realms makes realms with all web APIs and no script.
func realms(t testing.TB) func() *isolate.Realm {
	iso := isolate.New(isolate.Options{})
	modules := Modules()
	return func() *isolate.Realm {
		r, err := iso.NewRealm(isolate.RealmOptions{Setup: []func(*isolate.JS) error{func(js *isolate.JS) error { return bind.Install(js, modules) }}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// What is made when a realm is, every tenant pays for: most of it belongs where a script
// first comes near it (isolate/natives, parts.go). A realm took 50 KiB when this was
// written, and 530 KiB when it made all at once.
func TestRealmMakesLittle(t *testing.T) {
	newRealm := realms(t)
	newRealm() // what is made once for the process
	const n, most = 20, 120 << 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		newRealm()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > most {
		t.Errorf("a realm takes %d bytes; at most %d", each, most)
	}
}

// BenchmarkRealm is a realm with all web APIs and no script: its time, and what it
// keeps. It keeps 35 KiB.
func BenchmarkRealm(b *testing.B) {
	newRealm := realms(b)
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
