package fetch

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
)

// FormDataClass is FormData.
var FormDataClass = &bind.Class[FormData]{
	Name:    "FormData",
	Lengths: map[string]int{"append": 2, "delete": 1, "get": 1, "getAll": 1, "has": 1, "set": 2, "forEach": 1},
	New:     func(*bind.Call) (*FormData, error) { return &FormData{}, nil },
	Methods: map[string]bind.Method[FormData]{
		"append": func(f *FormData, c *bind.Call) (any, error) {
			e, err := entryOf(c)
			if err != nil {
				return nil, err
			}
			f.entries = append(f.entries, e)
			return nil, nil
		},
		"set": func(f *FormData, c *bind.Call) (any, error) {
			e, err := entryOf(c)
			if err != nil {
				return nil, err
			}
			f.set(e)
			return nil, nil
		},
		"delete": func(f *FormData, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("name", &name); err != nil {
				return nil, err
			}
			f.delete(name)
			return nil, nil
		},
		"get": func(f *FormData, c *bind.Call) (any, error) {
			all, err := f.all(c, 1)
			if err != nil || len(all) == 0 {
				return bind.Null, err
			}
			return all[0], nil
		},
		"getAll": func(f *FormData, c *bind.Call) (any, error) {
			all, err := f.all(c, -1)
			return all, err
		},
		"has": func(f *FormData, c *bind.Call) (any, error) {
			all, err := f.all(c, 1)
			return len(all) > 0, err
		},
		"forEach": func(f *FormData, c *bind.Call) (any, error) {
			var fn bind.Function
			if err := c.Unpack("callback", &fn); err != nil {
				return nil, err
			}
			for i := 0; i < len(f.entries); i++ {
				e := &f.entries[i]
				if _, err := c.JS().Call(fn.Value, c.Arg(1), e.value(c.JS()), c.Value(e.name), c.This()); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
		"entries": func(f *FormData, c *bind.Call) (any, error) {
			return f.iterate(c.JS(), func(js *isolate.JS, e *formEntry) goja.Value {
				return js.Runtime().NewArray(e.name, e.value(js))
			}), nil
		},
		"keys": func(f *FormData, c *bind.Call) (any, error) {
			return f.iterate(c.JS(), func(js *isolate.JS, e *formEntry) goja.Value { return js.Runtime().ToValue(e.name) }), nil
		},
		"values": func(f *FormData, c *bind.Call) (any, error) {
			return f.iterate(c.JS(), func(js *isolate.JS, e *formEntry) goja.Value { return e.value(js) }), nil
		},
	},
	Iterator: "entries",
}

var formDataIterator = bind.NewIterator("FormData Iterator")

// iterate walks the entries as they are when it gets there.
func (f *FormData) iterate(js *isolate.JS, conv func(*isolate.JS, *formEntry) goja.Value) *goja.Object {
	i := 0
	return formDataIterator.Open(js, func(js *isolate.JS) (goja.Value, bool) {
		if i >= len(f.entries) {
			return nil, false
		}
		i++
		return conv(js, &f.entries[i-1]), true
	})
}

// value is the entry as scripts see it, always the same object for a file.
func (e *formEntry) value(js *isolate.JS) goja.Value {
	if e.file == nil {
		return js.Runtime().ToValue(e.text)
	}
	if e.obj == nil {
		e.obj = blob.FileClass.Wrap(js, e.file)
	}
	return e.obj
}

// all is the values of the name given as the first argument, at most limit unless
// that is negative.
func (f *FormData) all(c *bind.Call, limit int) ([]any, error) {
	var name string
	if err := c.Unpack("name", &name); err != nil {
		return nil, err
	}
	out := []any{}
	for i := range f.entries {
		if len(out) == limit {
			break
		}
		if e := &f.entries[i]; e.name == name {
			out = append(out, e.value(c.JS()))
		}
	}
	return out, nil
}

// entryOf reads the arguments (name, value, filename).
func entryOf(c *bind.Call) (e formEntry, err error) {
	js := c.JS()
	if err := c.Unpack("name", &e.name); err != nil {
		return e, err
	}
	if c.Len() < 2 {
		return e, c.BadArg(2, "File or Blob or string")
	}
	if b, ok := blob.Of(js, c.Arg(1)); ok {
		file, isFile := blob.FileClass.Unwrap(js, c.Arg(1))
		switch {
		case !goja.IsUndefined(c.Arg(2)):
			name, err := c.String(3, c.Arg(2))
			if err != nil {
				return e, err
			}
			e.file = blob.NewFile(b, name, js.Host().Now().UnixMilli())
		case isFile:
			e.file, e.obj = file, c.Arg(1).(*goja.Object)
		default:
			e.file = blob.NewFile(b, e.name, js.Host().Now().UnixMilli())
		}
		return e, nil
	}
	if e.text, err = c.String(2, c.Arg(1)); err != nil {
		return e, err
	}
	if limit := js.Isolate().Limits().BodyBytes; int64(len(e.text)) > limit {
		return e, exception.RangeErrorf("The value is larger than %d bytes, the most that a body may have in memory.", limit)
	}
	return e, nil
}
