package htmlrewriter

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// elementObject is an Element as one handler sees it.
type elementObject struct{ held[element] }

func (e *elementObject) set(c *bind.Call, do func(u *element) error) (any, error) {
	u, err := e.get()
	if err == nil {
		err = do(u)
	}
	return c.This(), err
}

func elementPut(do func(u *element, x content)) bind.Method[elementObject] {
	apply := put(true, do)
	return func(e *elementObject, c *bind.Call) (any, error) {
		return e.set(c, func(u *element) error { return apply(u, c) })
	}
}

func elementDo(do func(u *element)) bind.Method[elementObject] {
	return func(e *elementObject, c *bind.Call) (any, error) {
		return e.set(c, func(u *element) error { do(u); return nil })
	}
}

func elementGet(get func(u *element) any) bind.Getter[elementObject] {
	return func(e *elementObject, _ *bind.Call) (any, error) {
		u, err := e.get()
		if err != nil {
			return nil, err
		}
		return get(u), nil
	}
}

var elementClass = &bind.Class[elementObject]{
	Name: "Element",
	Getters: map[string]bind.Getter[elementObject]{
		"tagName":      elementGet(func(u *element) any { return u.tagName() }),
		"namespaceURI": elementGet(func(u *element) any { return u.ns.String() }),
		"removed":      elementGet(func(u *element) any { return u.removed }),
		"attributes": func(e *elementObject, c *bind.Call) (any, error) {
			if _, err := e.get(); err != nil {
				return nil, err
			}
			return e.iterate(c.JS()), nil
		},
	},
	Setters: map[string]bind.Setter[elementObject]{
		"tagName": func(e *elementObject, c *bind.Call) error {
			name, err := c.String(1, c.Arg(0))
			if err != nil {
				return err
			}
			_, err = e.set(c, func(u *element) error { return u.setTagName(name) })
			return err
		},
	},
	Methods: map[string]bind.Method[elementObject]{
		"getAttribute": func(e *elementObject, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			u, err := e.get()
			if err != nil {
				return nil, err
			}
			if a := u.attr(name); a != nil {
				return a.value, nil
			}
			return bind.Null, nil
		},
		"hasAttribute": func(e *elementObject, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			u, err := e.get()
			if err != nil {
				return nil, err
			}
			return u.attr(name) != nil, nil
		},
		"setAttribute": func(e *elementObject, c *bind.Call) (any, error) {
			var name, value string
			if err := c.Unpack("name", &name, "value", &value); err != nil {
				return nil, err
			}
			return e.set(c, func(u *element) error { return u.setAttr(name, value) })
		},
		"removeAttribute": func(e *elementObject, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			return e.set(c, func(u *element) error { u.removeAttr(name); return nil })
		},
		"before":               elementPut(func(u *element, x content) { u.putBefore(x) }),
		"after":                elementPut((*element).putAfterEnd),
		"prepend":              elementPut((*element).putPrepend),
		"append":               elementPut((*element).putAppend),
		"replace":              elementPut((*element).replaceAll),
		"setInnerContent":      elementPut((*element).setInner),
		"remove":               elementDo((*element).remove),
		"removeAndKeepContent": elementDo((*element).removeTags),
		"onEndTag": func(e *elementObject, c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("callback", &fn); err != nil {
				return nil, err
			}
			_, err := e.set(c, func(u *element) error { return u.onEnd(fn.Value) })
			return nil, err
		},
	},
}

var attributesIterator = bind.NewIterator("AttributesIterator")

var errAttrsChanged = exception.Errorf("The attributes of this element have been modified during iteration. You must create a new iterator after modifying attributes.")

// iterate is the attributes of the element, as they are now.
func (e *elementObject) iterate(js *isolate.JS) *goja.Object {
	at, version := 0, -1
	return attributesIterator.Of(js, func(js *isolate.JS) (goja.Value, bool) {
		u, err := e.get()
		if err != nil {
			js.Panic(err)
		}
		if version < 0 {
			version = u.version
			u.readAttrs()
		}
		if version != u.version {
			js.Panic(errAttrsChanged)
		}
		if at == len(u.attrs) {
			return nil, false
		}
		a := &u.attrs[at]
		at++
		return js.Runtime().NewArray(a.name, a.value), true
	})
}

var endTagClass = &bind.Class[held[endTagUnit]]{
	Name: "EndTag",
	Getters: map[string]bind.Getter[held[endTagUnit]]{
		"name": getter(func(u *endTagUnit, _ *bind.Call) any { return u.getName() }),
	},
	Setters: map[string]bind.Setter[held[endTagUnit]]{
		"name": setter((*endTagUnit).setName),
	},
	Methods: map[string]bind.Method[held[endTagUnit]]{
		"before": method(put(true, func(u *endTagUnit, x content) { u.putBefore(x) })),
		"after":  method(put(true, func(u *endTagUnit, x content) { u.putAfter(x) })),
		"remove": method(func(u *endTagUnit, _ *bind.Call) error { u.removed = true; return nil }),
	},
}

var commentClass = &bind.Class[held[commentUnit]]{
	Name: "Comment",
	Getters: map[string]bind.Getter[held[commentUnit]]{
		"text":    getter(func(u *commentUnit, _ *bind.Call) any { return u.text }),
		"removed": getter(func(u *commentUnit, _ *bind.Call) any { return u.removed }),
	},
	Setters: map[string]bind.Setter[held[commentUnit]]{
		"text": setter((*commentUnit).setText),
	},
	Methods: map[string]bind.Method[held[commentUnit]]{
		"before":  method(put(false, func(u *commentUnit, x content) { u.putBefore(x) })),
		"after":   method(put(false, func(u *commentUnit, x content) { u.putAfter(x) })),
		"replace": method(put(false, func(u *commentUnit, x content) { u.replace(x) })),
		"remove":  method(func(u *commentUnit, _ *bind.Call) error { u.removed = true; return nil }),
	},
}

var textClass = &bind.Class[held[chunk]]{
	Name: "Text",
	Getters: map[string]bind.Getter[held[chunk]]{
		"text":           getter(func(u *chunk, _ *bind.Call) any { return u.text }),
		"lastInTextNode": getter(func(u *chunk, _ *bind.Call) any { return u.last }),
		"removed":        getter(func(u *chunk, _ *bind.Call) any { return u.removed }),
	},
	Methods: map[string]bind.Method[held[chunk]]{
		"before":  method(put(true, func(u *chunk, x content) { u.putBefore(x) })),
		"after":   method(put(true, func(u *chunk, x content) { u.putAfter(x) })),
		"replace": method(put(true, func(u *chunk, x content) { u.replace(x) })),
		"remove":  method(func(u *chunk, _ *bind.Call) error { u.removed = true; return nil }),
	},
}

var doctypeClass = &bind.Class[held[doctypeUnit]]{
	Name: "Doctype",
	Getters: map[string]bind.Getter[held[doctypeUnit]]{
		"name":     getter(func(u *doctypeUnit, _ *bind.Call) any { return u.name }),
		"publicId": getter(func(u *doctypeUnit, _ *bind.Call) any { return u.public }),
		"systemId": getter(func(u *doctypeUnit, _ *bind.Call) any { return u.system }),
	},
}

var docEndClass = &bind.Class[held[docEnd]]{
	Name: "DocumentEnd",
	Methods: map[string]bind.Method[held[docEnd]]{
		"append": method(put(false, func(u *docEnd, x content) { u.content = append(u.content, x) })),
	},
}
