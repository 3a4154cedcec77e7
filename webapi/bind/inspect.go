package bind

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Inspected is a property that printing an instance of a class shows, in brackets, and that
// scripts do not see otherwise.
type Inspected[T any] struct {
	Name string
	Get  Getter[T]
}

// Shown is an Inspected of an object.
type Shown struct {
	Name  string
	Value goja.Value
}

// InspectedOf is what printing a host object shows beside its attributes.
func InspectedOf(js *isolate.JS, obj *goja.Object) (list []Shown) {
	h := handleOf(js, obj)
	if h == nil {
		return nil
	}
	for class, v := h.class, h.value; class != nil; class, v = class.up(v) {
		list = append(list, class.inspected(js, obj, v)...)
	}
	return list
}

// EachEntry calls step for the pairs of a host object that is a list of them, until it is
// false; it reports false for any other object. No code of scripts runs.
func EachEntry(js *isolate.JS, obj *goja.Object, step func(name, value goja.Value) bool) bool {
	h := handleOf(js, obj)
	if h == nil {
		return false
	}
	for class, v := h.class, h.value; class != nil; class, v = class.up(v) {
		it := class.entriesOf(js, obj, v)
		if it == nil {
			continue
		}
		for {
			v, ok := it.next(js)
			pair, isPair := v.(*goja.Object)
			if !ok || !isPair || !step(pair.Get("0"), pair.Get("1")) {
				return true
			}
		}
	}
	return false
}

func (cl *Class[T]) inspected(js *isolate.JS, obj *goja.Object, v any) (list []Shown) {
	for _, i := range cl.Inspected {
		c := &Call{js: js, class: cl.Name, member: i.Name, this: obj}
		if got, err := i.Get(v.(*T), c); err == nil {
			list = append(list, Shown{i.Name, c.Value(got)})
		}
	}
	return list
}

// entriesOf is the iterator of the class's entries; nil where it has none.
func (cl *Class[T]) entriesOf(js *isolate.JS, obj *goja.Object, v any) *iteration {
	entries := cl.Methods["entries"]
	if cl.Iterator != "entries" || entries == nil {
		return nil
	}
	got, err := entries(v.(*T), &Call{js: js, class: cl.Name, member: "entries", this: obj})
	it, ok := got.(*goja.Object)
	if err != nil || !ok {
		return nil
	}
	h := handleOf(js, it)
	if h == nil {
		return nil
	}
	i, _ := h.value.(*iteration)
	return i
}

// inOrder is names with those of first in front.
func inOrder(first, names []string) []string {
	if len(first) == 0 {
		return names
	}
	var list []string
	for _, name := range first {
		if slices.Contains(names, name) {
			list = append(list, name)
		}
	}
	for _, name := range names {
		if !slices.Contains(first, name) {
			list = append(list, name)
		}
	}
	return list
}
