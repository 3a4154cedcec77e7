package natives

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/dop251/goja"
)

func BenchmarkInstall(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Install(goja.New(), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInstallRetained reports the live heap of a runtime with the natives
// in, less that of a bare runtime.
func BenchmarkInstallRetained(b *testing.B) {
	const n = 200
	live := func(install bool) float64 {
		keep := make([]*goja.Runtime, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range keep {
			keep[i] = goja.New()
			if install {
				if _, err := Install(keep[i], Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(keep)
		return float64(after.HeapAlloc-before.HeapAlloc) / n
	}
	for b.Loop() {
		b.ReportMetric((live(true)-live(false))/1024, "KiB/runtime")
	}
}

// document is a JSON text of 1 MB.
func document() string {
	type row struct {
		ID     int            `json:"id"`
		Name   string         `json:"name"`
		Email  string         `json:"email"`
		Score  float64        `json:"score"`
		Active bool           `json:"active"`
		Tags   []string       `json:"tags"`
		Meta   map[string]any `json:"meta"`
		Note   string         `json:"note"`
	}
	var rows []row
	for i := range 4000 {
		rows = append(rows, row{i, fmt.Sprintf("user %d", i), fmt.Sprintf("user%d@example.com", i), float64(i) * 1.37, i%2 == 0,
			[]string{"alpha", "beta", "gamma"}, map[string]any{"a": i, "b": nil, "nested": map[string]any{"x": []int{1, 2, 3}}},
			"héllo \"wörld\"\n" + strings.Repeat("lorem ipsum ", 4)})
	}
	b, err := json.Marshal(rows)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func BenchmarkJSON(b *testing.B) {
	doc := document()
	bare := goja.New()
	ours := newRuntime(b, Limits{})
	for _, c := range []struct {
		name string
		rt   *goja.Runtime
		src  string
	}{
		{"parse/goja", bare, "JSON.parse(doc)"}, {"parse/ours", ours, "JSON.parse(doc)"},
		{"stringify/goja", bare, "JSON.stringify(obj)"}, {"stringify/ours", ours, "JSON.stringify(obj)"},
	} {
		b.Run(c.name, func(b *testing.B) {
			if err := c.rt.Set("doc", doc); err != nil {
				b.Fatal(err)
			}
			if _, err := c.rt.RunString("obj = JSON.parse(doc)"); err != nil {
				b.Fatal(err)
			}
			p := goja.MustCompile("", c.src, false)
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.rt.RunProgram(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("parse/ParseJSON", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		data := []byte(doc)
		for b.Loop() {
			if _, err := ParseJSON(ours, data, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse/encoding_json", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := json.Unmarshal([]byte(doc), &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCommon shows what the guards cost where nothing is dangerous.
func BenchmarkCommon(b *testing.B) {
	for _, c := range []struct{ name, setup, src string }{
		{"indexOf", "a = [1,2,3,4,5,6,7,8]", "a.indexOf(8)"},
		{"map", "a = [1,2,3,4,5,6,7,8]; f = x => x", "a.map(f)"},
		{"join", "a = ['a','b','c','d','e','f','g','h']", "a.join(',')"},
		{"sort", "a = Array.from({length: 100}, (_, i) => (i * 7919) % 101); f = (x, y) => x - y", "a.slice().sort(f)"},
		{"sort strings", "a = Array.from({length: 100}, (_, i) => 'k' + (i * 7919) % 101)", "a.slice().sort()"},
		{"slice", "a = [1,2,3,4]", "a.slice(1)"},
		{"replace", "s = 'hello world'", "s.replace('world', 'there')"},
		{"replace regexp", "s = 'hello world'; r = /o/g", "s.replace(r, '0')"},
		{"replace function", "s = 'hello world'; r = /o/g; f = x => x + x", "s.replace(r, f)"},
		{"split regexp", "s = 'a,b,c'", "s.split(/,/)"},
		{"match regexp", "s = 'hello world'; r = /o/g", "s.match(r)"},
		{"replaceAll 64 KB", "s = 'hello, wide world. '.repeat(3277); r = /o|wide/g", "if (i === 0) s.replaceAll(r, '0')"},
		{"replaceAll 64 KB word", "s = 'hello, wide world. '.repeat(3277); r = /\\bw(\\w+)/g", "if (i === 0) s.replaceAll(r, '<$1>')"},
		{"replaceAll 64 KB é", "s = 'héllo, wide world. '.repeat(3277); r = /o|wide/g", "if (i === 0) s.replaceAll(r, '0')"},
		{"spread", "a = [1,2,3,4,5,6,7,8]", "[...a]"},
		{"padStart", "s = '7'", "s.padStart(8, '0')"},
		{"split", "s = 'a,b,c,d'", "s.split(',')"},
		{"Object.keys", "o = {a: 1, b: 2, c: 3}", "Object.keys(o)"},
		{"apply", "f = (a, b) => a; a = [1, 2]", "f.apply(null, a)"},
		{"Uint8Array", "", "new Uint8Array(64)"},
		{"Array.from", "a = [1,2,3,4,5,6,7,8]; f = x => x", "Array.from(a, f)"},
		{"JSON.parse small", `s = '{"a":1,"b":[1,2,3],"c":"x"}'`, "JSON.parse(s)"},
		{"JSON.stringify small", "o = {a: 1, b: [1, 2, 3], c: 'x'}", "JSON.stringify(o)"},
	} {
		for _, which := range []string{"goja", "ours"} {
			b.Run(c.name+"/"+which, func(b *testing.B) {
				rt := goja.New()
				if which == "ours" {
					rt = newRuntime(b, Limits{Interrupted: func() bool { return false }})
				}
				if _, err := rt.RunString(c.setup); err != nil {
					b.Fatal(err)
				}
				p := goja.MustCompile("", "for (var i = 0; i < 100; i++) "+c.src, false)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := rt.RunProgram(p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
