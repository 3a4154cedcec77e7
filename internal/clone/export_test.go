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

// Pack is that of a Copier which makes nothing of simple values.
func Pack(rt *goja.Runtime, v goja.Value, transfer []goja.Value, o Options) (*Packed, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	w := newWriter(rm, &o)
	defer w.release()
	w.packing = true
	return w.pack(v, transfer)
}

// Unpack is that of such a Copier.
func (p *Packed) Unpack(rt *goja.Runtime, o Options) (goja.Value, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	return p.unpack(rm, &o)
}
