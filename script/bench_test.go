package script

import (
	"fmt"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/megabyte"
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

// BenchmarkStartOfAMegabyte is what a start does with a worker of a megabyte, whole and
// in its steps.
func BenchmarkStartOfAMegabyte(b *testing.B) {
	src := modules(megabyte.Source())
	evaluate := func(b *testing.B, s *Script) {
		rt := goja.New()
		if err := Install(rt); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Evaluate(rt, Host{}); err != nil {
			b.Fatal(err)
		}
	}
	start := func(b *testing.B, src Source) {
		programs().Purge()
		s, err := Compile(b.Context(), src)
		if err != nil {
			b.Fatal(err)
		}
		evaluate(b, s)
	}
	b.Run("without", func(b *testing.B) {
		for b.Loop() {
			start(b, src)
		}
	})
	b.Run("cached", func(b *testing.B) {
		src := src
		src.CacheDir = b.TempDir()
		start(b, src)
		for b.Loop() {
			start(b, src)
		}
	})
	bundled, _, err := compileFresh(b.Context(), &src)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bundle", func(b *testing.B) {
		for b.Loop() {
			if _, err := makeBundle(b.Context(), &src, false); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			if _, err := compileBundle(bundled, false, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("evaluate", func(b *testing.B) {
		s, err := Compile(b.Context(), src)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			evaluate(b, s)
		}
	})
}
