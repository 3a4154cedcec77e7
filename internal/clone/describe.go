package clone

import (
	"github.com/dop251/goja"
)

// refuse makes the DataCloneError for v, in V8's words. It calls nothing of v.
func (w *writer) refuse(v goja.Value) error {
	return &DataCloneError{Message: w.rm.describe(v) + " could not be cloned."}
}

// refuseInstance makes the DataCloneError for a class instance, in workerd's words.
func (w *writer) refuseInstance(o *goja.Object) error {
	name := w.rm.constructorName(o)
	if name == "" {
		name = "Object"
	}
	return &DataCloneError{Message: `Could not serialize object of type "` + name +
		`". This type does not support serialization.`}
}

// describe names a value as V8's messages do: functions by their source, objects as #<Class> or [object Tag].
func (rm *realm) describe(v goja.Value) string {
	if sym, ok := v.(*goja.Symbol); ok {
		return "Symbol(" + sym.String() + ")"
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return orUndefined(v).String()
	}
	k := rm.eng.kindOf(o)
	for range 100 { // V8 describes the target of a proxy
		proxy, isProxy := rm.proxyTarget(k, o)
		if !isProxy {
			break
		}
		if proxy == nil {
			return "#<Object>"
		}
		o, k = proxy, rm.eng.kindOf(proxy)
	}
	if k == kindProxy {
		return "#<Object>"
	}
	if k == kindFunction {
		if source, err := rm.toString(o); err == nil {
			return source.String()
		}
		return "function () { [native code] }"
	}
	if toString, ok := rm.inherited(o, rm.rt.ToValue("toString")); ok && toString == rm.pristine("Object.prototype.toString") {
		if name := rm.constructorName(o); name != "" {
			return "#<" + name + ">"
		}
	}
	if tag, ok := rm.inherited(o, goja.SymToStringTag); ok {
		if tag, ok := tag.(goja.String); ok {
			return "[object " + tag.String() + "]"
		}
	}
	if k == kindTyped {
		if name, err := rm.typedName(o); err == nil {
			return "[object " + name.String() + "]"
		}
	}
	switch k {
	case kindArray, kindOtherArray:
		return "[object Array]"
	case kindError:
		return "[object Error]"
	case kindDate:
		return "[object Date]"
	case kindRegExp:
		return "[object RegExp]"
	case kindPrimitive:
		return "[object " + o.ClassName() + "]"
	}
	return "[object Object]"
}

func (rm *realm) proxyTarget(k kind, o *goja.Object) (target *goja.Object, isProxy bool) {
	if k != kindProxy {
		return nil, false
	}
	proxy, ok := o.Export().(goja.Proxy)
	if !ok {
		return nil, false
	}
	return proxy.Target(), true
}

// constructorName is the name of the constructor that o has or inherits, as far as that is plain data.
func (rm *realm) constructorName(o *goja.Object) string {
	v, ok := rm.inherited(o, rm.rt.ToValue("constructor"))
	if !ok {
		return ""
	}
	ctor, ok := v.(*goja.Object)
	if !ok || rm.eng.kindOf(ctor) != kindFunction {
		return ""
	}
	name, ok, err := rm.ownData(ctor, rm.rt.ToValue("name"))
	if err != nil || !ok {
		return ""
	}
	text, ok := name.(goja.String)
	if !ok {
		return ""
	}
	return text.String()
}

// inherited finds a data property along the prototypes. A getter or a proxy on the way ends the search.
func (rm *realm) inherited(o *goja.Object, key goja.Value) (goja.Value, bool) {
	for ; o != nil && rm.eng.kindOf(o) != kindProxy; o = o.Prototype() {
		if v, ok, err := rm.ownData(o, key); err != nil {
			return nil, false
		} else if ok {
			return v, true
		}
		if has, err := rm.hasOwnProperty(o, key); err != nil || has {
			return nil, false
		}
	}
	return nil, false
}
