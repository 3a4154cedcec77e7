package script

import (
	"fmt"
	"testing"

	"github.com/dop251/goja"
)

func BenchmarkCompileHello(b *testing.B) {
	for i := range b.N {
		// Each source differs, so that no cache helps.
		src := modules(fmt.Sprintf("export default { fetch() { return new Response(%d) } }", i))
		if _, err := Compile(b.Context(), src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileCached(b *testing.B) {
	src := modules("export default { fetch() { return new Response('hi') } }")
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			if _, err := Compile(b.Context(), src); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("disk", func(b *testing.B) {
		src.CacheDir = b.TempDir()
		for b.Loop() {
			programs().Purge()
			if _, err := Compile(b.Context(), src); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEvaluateHello(b *testing.B) {
	s, err := Compile(b.Context(), modules("export default { fetch() { return 1 } }"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Evaluate(goja.New(), Host{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRegExpProperty(b *testing.B) {
	rt := goja.New()
	if err := Install(rt); err != nil {
		b.Fatal(err)
	}
	v, err := rt.RunString(`const r = new RegExp("^\\p{L}+$", "u"); () => r.test("hello")`)
	if err != nil {
		b.Fatal(err)
	}
	f, _ := goja.AssertFunction(v)
	for b.Loop() {
		if _, err := f(nil); err != nil {
			b.Fatal(err)
		}
	}
}
