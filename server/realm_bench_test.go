package server

import (
	"runtime"
	"testing"

	"workerd.local/isolate"
	"workerd.local/script"
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

// A realm keeps what its clones are made of when it first clones, and a script may have
// been there before.
func TestClonesAfterAScriptThatChangedIntrinsics(t *testing.T) {
	const src = `(() => {
		const value = [new Map([[1, new Set([2])]]), new Date(5), /x/gi, new Error("e"), new Uint8Array([1, 2]), new DataView(new ArrayBuffer(3), 1), new Float64Array([1.5]), Object("s"), { a: [1n] }];
		const show = (v) => [v[0].get(1).has(2), v[1].getTime(), v[2].source + v[2].flags, v[3].message, v[4].join(), v[5].byteLength, v[6][0], v[7] + "", v[8].a[0] === 1n].join(" ");
		const kept = [Object.keys, Map.prototype.set], bad = () => { throw 1 };
		Object.keys = Map.prototype.set = Map.prototype.forEach = Set.prototype.add = Set.prototype.forEach = Reflect.get = Reflect.apply = Reflect.defineProperty = bad;
		for (const p of [Object.getPrototypeOf(Uint8Array.prototype), DataView.prototype]) for (const k of ["buffer", "byteOffset"]) Object.defineProperty(p, k, { get: bad });
		globalThis.Uint8Array = globalThis.DataView = globalThis.Date = globalThis.Map = globalThis.Error = bad;
		return show(structuredClone(value));
	})()`
	r := realms(t)()
	err := r.Run(nil, func(js *isolate.JS) {
		v, err := script.RunText(js.Runtime(), "test", src)
		if err != nil {
			t.Error(err)
		} else if got, want := v.String(), "true 5 xgi e 1,2 2 1.5 s true"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	if err != nil {
		t.Error(err)
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
