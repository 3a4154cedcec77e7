package fetch

import (
	"net/http"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// HeadersClass is Headers.
var HeadersClass = &bind.Class[Headers]{
	Name:    "Headers",
	Lengths: map[string]int{"append": 2, "delete": 1, "get": 1, "getAll": 1, "has": 1, "set": 2, "forEach": 1},
	New: func(c *bind.Call) (*Headers, error) {
		h := &Headers{h: http.Header{}}
		if goja.IsUndefined(c.Arg(0)) {
			return h, nil
		}
		ok, err := h.fill(c, c.Arg(0))
		if err == nil && !ok {
			err = c.BadArg(1, "Headers or Sequence or object")
		}
		return h, err
	},
	Methods: map[string]bind.Method[Headers]{
		"append": func(h *Headers, c *bind.Call) (any, error) {
			var name, value string
			if err := c.Unpack("name", &name, "value", &value); err != nil {
				return nil, err
			}
			return nil, h.Append(name, value)
		},
		"set": func(h *Headers, c *bind.Call) (any, error) {
			var name, value string
			if err := c.Unpack("name", &name, "value", &value); err != nil {
				return nil, err
			}
			return nil, h.Set(name, value)
		},
		"delete": func(h *Headers, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			return nil, h.Delete(name)
		},
		"get": func(h *Headers, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			return h.Get(name)
		},
		"has": func(h *Headers, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			return h.Has(name)
		},
		"getSetCookie": func(h *Headers, _ *bind.Call) (any, error) { return h.SetCookies(), nil },
		"getAll": func(h *Headers, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			if k, err := key(name); err != nil || k != setCookie {
				return nil, errGetAll
			}
			return h.SetCookies(), nil
		},
		"forEach": func(h *Headers, c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("callback", &fn); err != nil {
				return nil, err
			}
			for _, f := range h.Fields() {
				if _, err := c.JS().Call(fn.Value, c.Arg(1), c.Value(f.Value), c.Value(f.Name), c.This()); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
		"entries": func(h *Headers, c *bind.Call) (any, error) {
			return h.iterate(c.JS(), func(js *isolate.JS, f Field) goja.Value {
				return js.Runtime().NewArray(f.Name, f.Value)
			}), nil
		},
		"keys": func(h *Headers, c *bind.Call) (any, error) {
			return h.iterate(c.JS(), func(js *isolate.JS, f Field) goja.Value { return js.Runtime().ToValue(f.Name) }), nil
		},
		"values": func(h *Headers, c *bind.Call) (any, error) {
			return h.iterate(c.JS(), func(js *isolate.JS, f Field) goja.Value { return js.Runtime().ToValue(f.Value) }), nil
		},
	},
	Iterator: "entries",
	Inspected: []bind.Inspected[Headers]{
		{Name: "immutable", Get: func(h *Headers, _ *bind.Call) (any, error) { return h.immutable, nil }},
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		*ownEntries.Get(js) = proto.GetSymbol(goja.SymIterator)
		return nil
	},
}

var headersIterator = bind.NewIterator("Headers Iterator")

// iterate walks the headers as they are now, as workerd does.
func (h *Headers) iterate(js *isolate.JS, conv func(*isolate.JS, Field) goja.Value) *goja.Object {
	fields := h.Fields()
	return headersIterator.Of(js, func(js *isolate.JS) (goja.Value, bool) {
		if len(fields) == 0 {
			return nil, false
		}
		f := fields[0]
		fields = fields[1:]
		return conv(js, f), true
	})
}

// fill adds the headers of a HeadersInit: Headers, a sequence of pairs or a
// record. ok is false for any other type.
func (h *Headers) fill(c *bind.Call, v goja.Value) (ok bool, err error) {
	js := c.JS()
	obj, ok := v.(*goja.Object)
	if !ok {
		return false, nil
	}
	// Not through HeadersClass, which refers to this function.
	var method goja.Value
	if err := js.Try(func() { method = obj.GetSymbol(goja.SymIterator) }); err != nil {
		return true, err
	}
	host, _, _ := bind.ValueOf(js, obj)
	if from, ok := host.(*Headers); ok && method != nil && method.SameAs(*ownEntries.Get(js)) {
		for k, vals := range from.h {
			m := h.own()
			m[k] = append(m[k], vals...)
		}
		return true, nil
	}
	add := func(name, value goja.Value) error {
		n, err := c.String(1, name)
		if err != nil {
			return err
		}
		s, err := c.String(1, value)
		if err != nil {
			return err
		}
		return h.Append(n, s)
	}
	if method == nil || goja.IsUndefined(method) || goja.IsNull(method) {
		entries, err := bind.Record(js, obj)
		for _, e := range entries {
			if err = add(js.Runtime().ToValue(e.Name), e.Value); err != nil {
				break
			}
		}
		return true, err
	}
	var failed error
	err = js.Try(func() {
		rt := js.Runtime()
		rt.ForOf(obj, func(entry goja.Value) bool {
			var pair []goja.Value
			if e, isObj := entry.(*goja.Object); isObj {
				rt.ForOf(e, func(v goja.Value) bool { pair = append(pair, v); return len(pair) <= 2 })
			}
			if len(pair) != 2 {
				failed = exception.TypeErrorf("To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.")
				return false
			}
			failed = add(pair[0], pair[1])
			return failed == nil
		})
	})
	if failed != nil {
		err = failed
	}
	return true, err
}

// ownEntries is the iteration that Headers have, which a script may replace; set when
// the class is made, nil before.
var ownEntries = isolate.NewSlot(func(*isolate.JS) *goja.Value { return new(goja.Value) })

// headersOf makes new headers from the member of a dictionary.
func headersOf(f *bind.Call, v goja.Value) (*Headers, error) {
	h := &Headers{h: http.Header{}}
	ok, err := h.fill(f, v)
	if err == nil && !ok {
		err = f.BadArg(1, "Headers or Sequence or object")
	}
	return h, err
}
