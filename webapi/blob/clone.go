package blob

import (
	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/global"
)

// setup makes blobs cloneable: a type and bytes, as workerd writes them.
func setup(js *isolate.JS) error {
	return global.AddCloneable(js, global.Cloneable{
		Class: "Blob", Tag: 15,
		Write: func(_ *isolate.JS, w *clone.Writer, v any) error {
			b := v.(*Blob)
			w.String(b.typ)
			w.Bytes(b.data)
			return nil
		},
		Read: func(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
			typ, err := r.String()
			if err != nil {
				return nil, err
			}
			data, err := r.Bytes()
			if err != nil {
				return nil, err
			}
			return Class.Wrap(js, New(data, typ)), nil
		},
	})
}
