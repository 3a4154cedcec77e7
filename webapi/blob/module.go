package blob

import (
	"bytes"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/streams"
)

// Module is what scripts see of the package.
var Module = bind.Module{Name: "blob", Setup: setup, Globals: []bind.Global{defineBlob(), FileClass}}

// Class is Blob. It is filled in by defineBlob: its methods make instances of it.
var Class = &bind.Class[Blob]{Name: "Blob"}

func defineBlob() *bind.Class[Blob] {
	*Class = bind.Class[Blob]{
		Name: Class.Name,
		New: func(c *bind.Call) (*Blob, error) {
			data, err := partsOf(c)
			if err != nil {
				return nil, err
			}
			typ, _, err := options(c, 2)
			return New(data, typ), err
		},
		Getters: map[string]bind.Getter[Blob]{
			"size": func(b *Blob, _ *bind.Call) (any, error) { return b.Size(), nil },
			"type": func(b *Blob, _ *bind.Call) (any, error) { return b.typ, nil },
		},
		Methods: map[string]bind.Method[Blob]{
			"slice": func(b *Blob, c *bind.Call) (any, error) {
				start, end, typ := int64(0), int64(len(b.data)), ""
				if err := c.Unpack("start?", &start, "end?", &end, "type?", &typ); err != nil {
					return nil, err
				}
				return Class.Wrap(c.JS(), b.Slice(start, end, typ)), nil
			},
			"stream": func(b *Blob, c *bind.Call) (any, error) {
				// Bytes belong to no context, so none is needed.
				s, err := streams.NewBody(c.JS(), nil, event.BytesBody(b.data))
				if err != nil {
					return nil, err
				}
				return s.Object(c.JS()), nil
			},
		},
		Async: map[string]bind.Method[Blob]{
			"arrayBuffer": func(b *Blob, c *bind.Call) (any, error) {
				return c.JS().Resolved(c.Value(bytes.Clone(b.data))), nil
			},
			"bytes": func(b *Blob, c *bind.Call) (any, error) {
				return c.JS().Resolved(bind.NewUint8Array(c.JS(), bytes.Clone(b.data))), nil
			},
			"text": func(b *Blob, c *bind.Call) (any, error) {
				return c.JS().Resolved(c.Value(encoding.DecodeUTF8(string(b.data)))), nil
			},
		},
	}
	return Class
}

// FileClass is File.
var FileClass = &bind.Class[File]{
	Name:    "File",
	Lengths: map[string]int{"constructor": 2},
	Parent:  bind.Extends(Class, func(f *File) *Blob { return &f.Blob }),
	Length:  2,
	New: func(c *bind.Call) (*File, error) {
		data, err := partsOf(c)
		if err != nil {
			return nil, err
		}
		if c.Len() < 2 {
			return nil, c.BadArg(2, "string")
		}
		name, err := c.String(2, c.Arg(1))
		if err != nil {
			return nil, err
		}
		typ, modified, err := options(c, 3)
		if err != nil {
			return nil, err
		}
		if modified == nil {
			now := c.JS().Host().Now().UnixMilli()
			modified = &now
		}
		return NewFile(New(data, typ), name, *modified), nil
	},
	Order: []string{"name", "lastModified"},
	Getters: map[string]bind.Getter[File]{
		"name":         func(f *File, _ *bind.Call) (any, error) { return f.name, nil },
		"lastModified": func(f *File, _ *bind.Call) (any, error) { return f.lastModified, nil },
	},
}

// options reads the nth argument (from 1).
func options(c *bind.Call, n int) (typ string, modified *int64, err error) {
	err = c.Options(n, "Options",
		"type", &typ,
		"lastModified", func(f *bind.Call, v goja.Value) error {
			var ms int64
			err := c.JS().Try(func() { ms = v.ToInteger() })
			modified = &ms
			return err
		},
		"endings", func(f *bind.Call, v goja.Value) error {
			return exception.Errorf("The 'endings' field on 'Options' is not implemented.")
		})
	return typ, modified, err
}

// Of returns the Blob behind a Blob or a File.
func Of(js *isolate.JS, v goja.Value) (*Blob, bool) { return Class.Unwrap(js, v) }

// partsOf joins the parts of the first argument. All are converted before the first is
// read: the text of one may be made by code that changes another.
func partsOf(c *bind.Call) ([]byte, error) {
	if goja.IsUndefined(c.Arg(0)) {
		return []byte{}, nil
	}
	js := c.JS()
	list, ok := c.Arg(0).(*goja.Object)
	if !ok || list.GetSymbol(goja.SymIterator) == nil {
		return nil, c.BadArg(1, "Array")
	}
	limit := js.Isolate().Limits().BufferBytes
	refuseResizable := js.Compat().Has("no_resizable_array_buffer_in_blob")
	size := 0
	var parts []goja.Value // a buffer, a view, a Blob or a string
	var failed error
	add := func(v goja.Value) error {
		n := 0
		if b, ok := bind.Bytes(js, v); ok {
			if refuseResizable && bind.IsResizable(js, v) {
				return exception.TypeErrorf("Cannot create a Blob with a resizable ArrayBuffer")
			}
			n = len(b)
		} else if b, ok := Of(js, v); ok {
			n = len(b.data)
		} else {
			s, err := c.String(1, v)
			if err != nil {
				return err
			}
			v, n = js.Runtime().ToValue(s), len(s)
		}
		// What is a part twice is held once until the parts are joined.
		if size += n; size > limit {
			return exception.RangeErrorf("Blob size %d exceeds limit %d", size, limit)
		}
		parts = append(parts, v)
		return nil
	}
	err := js.Try(func() {
		js.Runtime().ForOf(list, func(v goja.Value) bool {
			failed = add(v)
			return failed == nil
		})
	})
	if failed != nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 0, size)
	for _, v := range parts {
		part := []byte(nil)
		if b, ok := bind.Bytes(js, v); ok {
			part = b
		} else if b, ok := Of(js, v); ok {
			part = b.data
		} else {
			part = []byte(v.String())
		}
		if len(buf)+len(part) > limit {
			return nil, exception.RangeErrorf("Blob size %d exceeds limit %d", len(buf)+len(part), limit)
		}
		buf = append(buf, part...)
	}
	return buf, nil
}
