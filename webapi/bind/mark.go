package bind

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Mark ties Go values to objects that a script's constructor has made, which stay what they are: no instances of a
// class, neither where they are printed nor where they are copied.
type Mark[T any] struct{ symbol *goja.Symbol }

// NewMark returns a mark; keep it in a package variable.
func NewMark[T any](name string) *Mark[T] { return &Mark[T]{goja.NewSymbol(name)} }

// Put ties t to an object that is new.
func (m *Mark[T]) Put(js *isolate.JS, obj *goja.Object, t *T) {
	js.Library().Hide(m.symbol)
	_ = obj.SetSymbol(m.symbol, &handle{goja.Undefined(), nil, t, obj}) // as Class.Attach does
}

// Get is what is tied to v; nil where nothing is.
func (m *Mark[T]) Get(v goja.Value) *T {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	h := handleAt(obj, m.symbol)
	if h == nil {
		return nil
	}
	t, _ := h.value.(*T)
	return t
}
