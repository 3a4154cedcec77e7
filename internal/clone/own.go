package clone

import (
	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// HasOwn reports whether o has a property of its own of that name, as
// Object.prototype.hasOwnProperty was before a script could replace it. A proxy's trap
// may run.
func HasOwn(rt *goja.Runtime, o *goja.Object, name string) (has bool, err error) {
	rm, err := realmOf(rt)
	if err != nil {
		return false, err
	}
	if _, props, ok := rm.eng.own(o); ok && rm.eng.kindOf(o) == kindPlain {
		return props[unistring.NewFromString(name)] != nil, nil
	}
	err = rm.protect(func() (err error) {
		has, err = rm.hasOwnProperty(o, rt.ToValue(name))
		return err
	})
	return has, err
}
