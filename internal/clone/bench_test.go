package clone_test

import (
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

var benchmarks = []struct{ name, source string }{
	{"number", `12345`},
	{"object", `{a: 1, b: "two", c: true}`},
	{"string1KB", `"x".repeat(1024)`},
	{"unicode1KB", `"é日".repeat(512)`},
	{"ints1000", `Array.from({length: 1000}, (_, i) => i * 7)`},
	{"rows100", `Array.from({length: 100}, (_, i) => ({id: i, name: "row " + i, tags: ["a", "b"], nested: {x: 1.5}}))`},
	{"map100", `new Map(Array.from({length: 100}, (_, i) => ["key" + i, i]))`},
	{"bytes64KB", `new Uint8Array(65536)`},
}

func BenchmarkSerialize(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			rt := goja.New()
			v := run(b, rt, c.source)
			data, err := clone.Serialize(rt, v, clone.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := clone.Serialize(rt, v, clone.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDeserialize(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			rt := goja.New()
			data, err := clone.Serialize(rt, run(b, rt, c.source), clone.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := clone.Deserialize(rt, data, clone.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeTree(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			rt := goja.New()
			data, err := clone.Serialize(rt, run(b, rt, c.source), clone.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := clone.Decode(data, clone.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPrepare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := clone.Prepare(goja.New()); err != nil {
			b.Fatal(err)
		}
	}
}
