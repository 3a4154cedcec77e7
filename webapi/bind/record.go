package bind

import (
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Entry is one property of a record.
type Entry struct {
	Name  string
	Value goja.Value
}

// Record returns the own enumerable properties of obj, in order, as WebIDL reads a
// record: each name and its value before the next. Properties whose name is a symbol are
// none of them. Names that Go's strings cannot hold have U+FFFD for what they cannot.
func Record(js *isolate.JS, obj *goja.Object) ([]Entry, error) {
	v, err := js.Call(*objectEntries.Get(js), nil, obj)
	if err != nil {
		return nil, err
	}
	list := v.(*goja.Object)
	out := make([]Entry, int(list.Get("length").ToInteger()))
	for i := range out {
		entry := list.Get(strconv.Itoa(i)).(*goja.Object)
		out[i] = Entry{entry.Get("0").String(), entry.Get("1")}
	}
	return out, nil
}

// objectEntries is Object.entries as it was when it was first needed; it sees names that
// Go's strings cannot hold.
var objectEntries = isolate.NewSlot(func(js *isolate.JS) *goja.Value {
	fn := js.Runtime().GlobalObject().Get("Object").(*goja.Object).Get("entries")
	return &fn
})
