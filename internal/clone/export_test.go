package clone

import (
	"testing"

	"github.com/dop251/goja"
)

// NewSlowRuntime returns a runtime in which nothing is read in place: what happens with a goja of unknown layout.
func NewSlowRuntime(t testing.TB) *goja.Runtime {
	eng, err := newEngine(false)
	if err != nil {
		t.Fatal(err)
	}
	rt := goja.New()
	captured, err := capture(rt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newRealm(rt, eng, func(path string) goja.Value { return captured[path] }); err != nil {
		t.Fatal(err)
	}
	return rt
}

// ReadsInPlace reports whether the layout of this goja is known.
func ReadsInPlace(t testing.TB) bool {
	eng, err := theEngine()
	if err != nil {
		t.Fatal(err)
	}
	return eng.plain != nil && eng.array != nil && eng.typeProperty != nil
}
