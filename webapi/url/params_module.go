package url

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// ParamsClass is URLSearchParams.
var ParamsClass = &bind.Class[Params]{Name: "URLSearchParams"}

func defineParams() *bind.Class[Params] {
	*ParamsClass = bind.Class[Params]{
		Name:    ParamsClass.Name,
		Lengths: map[string]int{"append": 2, "delete": 1, "get": 1, "getAll": 1, "has": 1, "set": 2, "forEach": 1},
		New:     newParams,
		Getters: map[string]bind.Getter[Params]{
			"size": func(p *Params, _ *bind.Call) (any, error) { return p.Len(), nil },
		},
		Methods: map[string]bind.Method[Params]{
			"append": func(p *Params, c *bind.Call) (any, error) {
				var name, value string
				if err := c.Unpack("name:USVString", &name, "value:USVString", &value); err != nil {
					return nil, err
				}
				p.Append(name, value)
				return nil, nil
			},
			"delete": func(p *Params, c *bind.Call) (any, error) {
				name, value, err := unpackName(c)
				if err == nil {
					p.Delete(name, value)
				}
				return nil, err
			},
			"get": func(p *Params, c *bind.Call) (any, error) {
				var name string
				if err := c.Unpack("name:USVString", &name); err != nil {
					return nil, err
				}
				if v, ok := p.Get(name); ok {
					return v, nil
				}
				return bind.Null, nil
			},
			"getAll": func(p *Params, c *bind.Call) (any, error) {
				var name string
				if err := c.Unpack("name:USVString", &name); err != nil {
					return nil, err
				}
				return p.All(name), nil
			},
			"has": func(p *Params, c *bind.Call) (any, error) {
				name, value, err := unpackName(c)
				if err != nil {
					return nil, err
				}
				return p.Has(name, value), nil
			},
			"set": func(p *Params, c *bind.Call) (any, error) {
				var name, value string
				if err := c.Unpack("name:USVString", &name, "value:USVString", &value); err != nil {
					return nil, err
				}
				p.Set(name, value)
				return nil, nil
			},
			"sort":     func(p *Params, _ *bind.Call) (any, error) { p.Sort(); return nil, nil },
			"toString": func(p *Params, _ *bind.Call) (any, error) { return p.String(), nil },
			"forEach":  (*Params).jsForEach,
			"entries": iterate(func(js *isolate.JS, q Pair) goja.Value {
				return js.Runtime().NewArray(q.Name, q.Value)
			}),
			"keys":   iterate(func(js *isolate.JS, q Pair) goja.Value { return js.Runtime().ToValue(q.Name) }),
			"values": iterate(func(js *isolate.JS, q Pair) goja.Value { return js.Runtime().ToValue(q.Value) }),
		},
		Iterator: "entries",
		// Noted before a script can replace it.
		Init: func(js *isolate.JS, _, _ *goja.Object) error { ownEntries.Get(js); return nil },
	}
	return ParamsClass
}

func unpackName(c *bind.Call) (name string, value *string, err error) {
	err = c.Unpack("name:USVString", &name, "value?", &value)
	return name, value, err
}

var iterator = bind.NewIterator("URLSearchParams Iterator")

// iterate walks the list as it is at each step (WebIDL, "value pairs to iterate
// over"), so changes on the way show.
func iterate(item func(js *isolate.JS, q Pair) goja.Value) bind.Method[Params] {
	return func(p *Params, c *bind.Call) (any, error) {
		i := 0
		return iterator.Of(c.JS(), func(js *isolate.JS) (goja.Value, bool) {
			if i >= len(p.pairs) {
				return nil, false
			}
			q := p.pairs[i]
			i++
			return item(js, q), true
		}), nil
	}
}

func (p *Params) jsForEach(c *bind.Call) (any, error) {
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return nil, err
	}
	js := c.JS()
	rt := js.Runtime()
	for i := 0; i < len(p.pairs); i++ {
		q := p.pairs[i]
		if _, err := js.Call(fn.Value, c.Arg(1), rt.ToValue(q.Value), rt.ToValue(q.Name), c.This()); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// newParams takes a sequence of pairs, a record or a string.
func newParams(c *bind.Call) (*Params, error) {
	init := c.Arg(0)
	if goja.IsUndefined(init) {
		return &Params{}, nil
	}
	obj, ok := init.(*goja.Object)
	if !ok {
		s, err := c.String(1, init)
		if err != nil {
			return nil, err
		}
		return ParseParams(s), nil
	}
	var method goja.Value
	if err := c.JS().Try(func() { method = obj.GetSymbol(goja.SymIterator) }); err != nil {
		return nil, err
	}
	if other, ok := ParamsClass.Unwrap(c.JS(), obj); ok && method != nil && method.SameAs(*ownEntries.Get(c.JS())) {
		return NewParams(other.Pairs()), nil // nobody could tell
	}
	if method != nil && !goja.IsUndefined(method) && !goja.IsNull(method) {
		return paramsFromSequence(c, obj)
	}
	return paramsFromRecord(c, obj)
}

func paramsFromSequence(c *bind.Call, seq *goja.Object) (*Params, error) {
	p := &Params{}
	var bad error
	err := c.JS().Try(func() {
		c.JS().Runtime().ForOf(seq, func(item goja.Value) bool {
			var q Pair
			if q, bad = pairOf(c, item); bad != nil {
				return false
			}
			p.pairs = append(p.pairs, q)
			return true
		})
	})
	if bad != nil {
		err = bad
	}
	return p, err
}

func pairOf(c *bind.Call, item goja.Value) (q Pair, err error) {
	obj, ok := item.(*goja.Object)
	if !ok {
		return q, exception.TypeErrorf("Incorrect type: the provided value is not of type 'Sequence'.")
	}
	n := 0
	var bad error
	err = c.JS().Try(func() {
		c.JS().Runtime().ForOf(obj, func(v goja.Value) bool {
			switch n {
			case 0:
				q.Name, bad = c.String(1, v)
			case 1:
				q.Value, bad = c.String(1, v)
			}
			n++
			return bad == nil && n <= 2
		})
	})
	switch {
	case bad != nil:
		return q, bad
	case err != nil:
		return q, err
	case n != 2:
		return q, exception.TypeErrorf("Invalid URL search params sequence.")
	}
	return q, nil
}

func paramsFromRecord(c *bind.Call, record *goja.Object) (*Params, error) {
	p := &Params{}
	entries, err := bind.Record(c.JS(), record)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(entries))
	for _, e := range entries {
		value, err := c.String(1, e.Value)
		if err != nil {
			return nil, err
		}
		// Names that differ only in lone surrogates become one (WebIDL, record).
		if i, dup := at[e.Name]; dup {
			p.pairs[i].Value = value
			continue
		}
		at[e.Name] = len(p.pairs)
		p.pairs = append(p.pairs, Pair{e.Name, value})
	}
	return p, nil
}

// ownEntries is the iteration that the class has, which a script may have replaced.
var ownEntries = isolate.NewSlot(func(js *isolate.JS) *goja.Value {
	fn := ParamsClass.Prototype(js).GetSymbol(goja.SymIterator)
	return &fn
})
