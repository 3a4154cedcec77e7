package script

import (
	"fmt"
	"strings"
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

// megabyte is the source of a worker of about that size: small functions and classes with
// strings, as bundled libraries are, of which the first lines are what one calls.
func megabyte() string {
	var b strings.Builder
	b.WriteString("const registry = new Map();\n")
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, `
// Shape%[1]d is one of many.
class Shape%[1]d {
	#sides = %[1]d;
	constructor(name, options = {}) { this.name = name; this.options = { colour: 'red', ...options }; }
	get area() { return this.#sides * (this.options.scale ?? 1); }
	describe(prefix) {
		const { colour, ...rest } = this.options;
		for (const [key, value] of Object.entries(rest)) if (typeof value === 'string' && value.length > 3) prefix += key + '=' + value + ';';
		return `+"`${prefix} ${this.name} is ${colour} with ${this.#sides} sides`"+`;
	}
	async load(url) {
		try {
			const response = await fetch(url, { headers: { accept: 'application/json' } });
			if (!response.ok) throw new Error('status ' + response.status);
			return await response.json();
		} catch (error) {
			return { error: error.message, retry: (attempt) => this.load(url + '?attempt=' + attempt) };
		}
	}
}
function make%[1]d(list, filter = (x) => x?.name?.startsWith('s')) {
	const found = list.filter(filter).map((x, index) => ({ ...x, index, kind: 'shape%[1]d' }));
	switch (found.length) {
		case 0: return null;
		case 1: return found[0];
		default: return found.reduce((sum, { index }) => sum + index, 0);
	}
}
registry.set('shape%[1]d', { Shape: Shape%[1]d, make: make%[1]d, pattern: /^shape-(\d+)-%[1]d$/, tags: ['a', 'b', %[1]d] });
`, i)
	}
	b.WriteString("export default { fetch() { return new Response(String(registry.size)) } };\n")
	return b.String()
}

// BenchmarkStartOfAMegabyte is what a start does with a worker of a megabyte, whole and
// in its steps.
func BenchmarkStartOfAMegabyte(b *testing.B) {
	src := modules(megabyte())
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
			if _, err := compileBundle(bundled, nil); err != nil {
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
