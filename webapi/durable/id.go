// Package durable is what scripts see of actors: namespaces, ids, stubs, the
// state object and its storage.
//
// It knows actors only as event.Service and through small interfaces that package
// actor satisfies.
package durable

import (
	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// ID is a DurableObjectId.
type ID struct {
	id   actorid.ID
	name *string // the name it was made from, if any
}

var idClass = &bind.Class[ID]{
	Name: "DurableObjectId",
	Methods: map[string]bind.Method[ID]{
		"toString": (*ID).toString,
		"equals":   (*ID).equals,
	},
}

// unwrapID is the ID of a DurableObjectId.
func unwrapID(js *isolate.JS, v goja.Value) (*ID, bool) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	value, _, _ := bind.ValueOf(js, obj)
	id, ok := value.(*ID)
	return id, ok
}

// object is a new DurableObjectId. Its name and jurisdiction are properties of its
// own, so that they are seen by JSON.stringify.
func (i *ID) object(js *isolate.JS) *goja.Object {
	obj := idClass.Wrap(js, i)
	name := goja.Undefined()
	if i.name != nil {
		name = js.Runtime().ToValue(*i.name)
	}
	constant(obj, "jurisdiction", goja.Undefined())
	constant(obj, "name", name)
	return obj
}

// constant gives a new object a property that can be listed and deleted, but not
// assigned to.
func constant(obj *goja.Object, name string, v goja.Value) {
	// It can only fail on an object that is not extensible.
	_ = obj.DefineDataProperty(name, v, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

func (i *ID) toString(*bind.Call) (any, error) { return i.id.String(), nil }

// equals compares the bytes only, not the name.
func (i *ID) equals(c *bind.Call) (any, error) {
	other, ok := unwrapID(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "DurableObjectId")
	}
	return i.id.Key == other.id.Key, nil
}
