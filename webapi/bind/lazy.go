package bind

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

var lazyGetters = isolate.NewSlot(func(*isolate.JS) *map[*goja.Object]struct{} { return &map[*goja.Object]struct{}{} })

// MarkLazy says that a getter stands for a plain property whose value is made when it is
// first read: whoever prints the object reads it.
func MarkLazy(js *isolate.JS, getter *goja.Object) { (*lazyGetters.Get(js))[getter] = struct{}{} }

// IsLazy reports whether a getter was marked.
func IsLazy(js *isolate.JS, getter *goja.Object) bool {
	_, lazy := (*lazyGetters.Get(js))[getter]
	return lazy
}
