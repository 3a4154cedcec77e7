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

// classNames are what ClassOf says; a kind without one cannot be cloned.
var classNames = map[kind]string{
	kindPlain: "Object", kindLazy: "Object", kindArray: "Array", kindOtherArray: "Array", kindPrimitive: "Primitive", kindString: "Primitive",
	kindDate: "Date", kindRegExp: "RegExp", kindMap: "Map", kindSet: "Set", kindError: "Error", kindBuffer: "ArrayBuffer",
	kindTyped: "TypedArray", kindDataView: "DataView", kindProxy: "Proxy", kindFunction: "Function", kindHalf: "TypedArray",
}

// ClassOf says what an object is, whatever its prototype and its properties are: "Object", "Array", "Map", "Set",
// "Date", "RegExp", "Error", "ArrayBuffer", "TypedArray", "DataView", "Proxy", "Function", "Primitive" for Number,
// String, Boolean, BigInt and Symbol objects, and "" for what has no clone. No code of a script runs.
func ClassOf(o *goja.Object) string {
	eng, err := theEngine()
	if err != nil {
		return ""
	}
	return classNames[eng.kindOf(o)]
}
