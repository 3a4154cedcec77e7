package clone_test

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

//go:embed testdata/canonical.js
var canonicalSource string

// Each line is an expression and, unless it is long, the bytes that node 20 serializes it to.
//
//go:embed testdata/values.txt
var valuesText string

type sample struct {
	source string
	wire   []byte // nil if not recorded
}

func samples(t testing.TB) []sample {
	t.Helper()
	var out []sample
	for line := range strings.Lines(valuesText) {
		source, digits, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			t.Fatalf("testdata/values.txt: no tab in %q", line)
		}
		s := sample{source: source}
		if digits != "" {
			var err error
			if s.wire, err = hex.DecodeString(digits); err != nil {
				t.Fatalf("testdata/values.txt: %q: %v", source, err)
			}
		}
		out = append(out, s)
	}
	return out
}

func run(t testing.TB, rt *goja.Runtime, source string) goja.Value {
	t.Helper()
	v, err := rt.RunString("(" + source + "\n)")
	if err != nil {
		t.Fatalf("run %s: %v", source, err)
	}
	return v
}

// canonical prints v as testdata/canonical.js does.
func canonical(t testing.TB, rt *goja.Runtime, v goja.Value) string {
	t.Helper()
	f, ok := goja.AssertFunction(run(t, rt, canonicalSource))
	if !ok {
		t.Fatal("testdata/canonical.js is not a function")
	}
	text, err := f(goja.Undefined(), v)
	if err != nil {
		t.Fatalf("canonical: %v", err)
	}
	return text.String()
}

func runtimes(t *testing.T, f func(t *testing.T, rt *goja.Runtime)) {
	t.Run("in place", func(t *testing.T) {
		if !clone.ReadsInPlace(t) {
			t.Fatal("the layout of this goja's objects is not the expected one: every clone takes the slow way")
		}
		f(t, goja.New())
	})
	t.Run("public API", func(t *testing.T) { f(t, clone.NewSlowRuntime(t)) })
}

func TestSerializeWritesTheBytesOfV8(t *testing.T) {
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		for _, s := range samples(t) {
			if s.wire == nil {
				continue
			}
			got, err := clone.Serialize(rt, run(t, rt, s.source), clone.Options{})
			if err != nil {
				t.Errorf("%s: %v", s.source, err)
			} else if !bytes.Equal(got, s.wire) && !(t.Name() == slowName && accessorArray(s.source)) {
				t.Errorf("%s:\n got %x\nwant %x", s.source, got, s.wire)
			}
		}
	})
}

const slowName = "TestSerializeWritesTheBytesOfV8/public_API"

// accessorArray reports a sample whose array V8 writes as a sparse one because of an accessor or a hidden element, which
// only reading in place can see.
func accessorArray(source string) bool {
	return strings.Contains(source, "Object.defineProperty(a,1,{get")
}

func TestDeserializeReadsTheBytesOfV8(t *testing.T) {
	runtimes(t, func(t *testing.T, rt *goja.Runtime) {
		for _, s := range samples(t) {
			if s.wire == nil {
				continue
			}
			v, err := clone.Deserialize(rt, s.wire, clone.Options{})
			if err != nil {
				t.Errorf("%s: %v", s.source, err)
				continue
			}
			again, err := clone.Serialize(rt, v, clone.Options{})
			if err != nil || !bytes.Equal(again, s.wire) && !accessorArray(s.source) { // it comes back complete
				t.Errorf("%s: read and written again:\n got %x (%v)\nwant %x", s.source, again, err, s.wire)
			}
		}
	})
}

func TestTreeKeepsTheBytesOfV8(t *testing.T) {
	for _, s := range samples(t) {
		if s.wire == nil {
			continue
		}
		tree, err := clone.Decode(s.wire, clone.Options{})
		if err != nil {
			t.Errorf("%s: %v", s.source, err)
			continue
		}
		again, err := clone.Encode(tree, clone.Options{})
		if err != nil || !bytes.Equal(again, s.wire) {
			t.Errorf("%s: read and written again:\n got %x (%v)\nwant %x", s.source, again, err, s.wire)
		}
	}
}
