package glue

import (
	"maps"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// natives is the object native of one module: a function is made when it is first asked
// for, since a realm calls few of those that its modules could.
type natives struct {
	js      *isolate.JS
	methods map[string]bind.Static
	made    map[string]goja.Value
}

var _ goja.DynamicObject = (*natives)(nil)

// newNative makes the object native; it inherits nothing.
func newNative(js *isolate.JS, methods map[string]bind.Static) (*goja.Object, error) {
	o := js.Runtime().NewDynamicObject(&natives{js: js, methods: methods})
	return o, o.SetPrototype(nil)
}

// Get is goja.DynamicObject's.
func (n *natives) Get(key string) goja.Value {
	if v := n.made[key]; v != nil {
		return v
	}
	fn := n.methods[key]
	if fn == nil {
		return nil
	}
	if n.made == nil {
		n.made = map[string]goja.Value{}
	}
	v := bind.NewFunction(n.js, key, 0, fn)
	n.made[key] = v
	return v
}

// Set and Delete are goja.DynamicObject's: the functions stay as they are.
func (n *natives) Set(string, goja.Value) bool { return false }
func (n *natives) Delete(string) bool          { return false }

// Has is goja.DynamicObject's.
func (n *natives) Has(key string) bool { return n.methods[key] != nil }

// Keys is goja.DynamicObject's.
func (n *natives) Keys() []string { return slices.Sorted(maps.Keys(n.methods)) }
