package clone

import (
	"math"

	"github.com/dop251/goja"
)

// moves writes the number of an object that is transferred.
func (w *writer) moves(o *goja.Object) bool {
	if w.transfers == nil {
		return false
	}
	id, ok := w.transfers[o]
	if ok {
		w.enc.tag(tagTransferred)
		w.enc.varint(uint64(id))
	}
	return ok
}

var errDetached = &DataCloneError{Message: "An ArrayBuffer is detached and could not be cloned."}

func (w *writer) buffer(o *goja.Object) error {
	if w.moves(o) {
		return nil
	}
	if (w.opts.ViewsAsHost || w.opts.MemoryID != nil) && w.opts.Memory != nil && w.opts.Memory(o) != nil {
		return w.numbered(o)
	}
	if again := w.share(o); again != nil {
		w.enc.tag(tagTransferred)
		w.enc.varint(uint64(len(w.transfers) + len(w.shared)))
		w.shared = append(w.shared, again)
		return nil
	}
	if memory := w.memory(o); memory != nil {
		w.enc.tag(tagTransferred)
		w.enc.varint(uint64(len(w.transfers) + len(w.memories)))
		w.memories = append(w.memories, memory)
		return nil
	}
	buffer, ok := o.Export().(goja.ArrayBuffer)
	if !ok {
		return w.refuse(o)
	}
	if buffer.Detached() {
		return errDetached
	}
	data := buffer.Bytes()
	if uint64(len(data)) > math.MaxUint32 {
		return w.refuse(o)
	}
	if err := w.checkSize(len(data)); err != nil {
		return err
	}
	if most, ok := w.resizable(o); ok {
		w.enc.tag(tagResizable)
		w.enc.varint(uint64(len(data)))
		w.enc.varint(uint64(most))
	} else {
		w.enc.tag(tagBuffer)
		w.enc.varint(uint64(len(data)))
	}
	w.enc.buf = append(w.enc.buf, data...)
	return nil
}

// numbered writes a SharedArrayBuffer as a number.
func (w *writer) numbered(o *goja.Object) error {
	if w.opts.MemoryID != nil {
		w.ranJS = true
		id, ok, err := w.opts.MemoryID(o)
		if err != nil {
			return err
		}
		if ok {
			w.enc.tag(tagSharedBuffer)
			w.enc.varint(uint64(id))
			return nil
		}
	}
	return w.refuse(o)
}

// resizable tells how long a resizable buffer may become.
func (w *writer) resizable(o *goja.Object) (maxBytes int, ok bool) {
	if w.opts.Resizable == nil {
		return 0, false
	}
	return w.opts.Resizable.MaxByteLength(o)
}

// share is Options.Share for a copy within one runtime.
func (w *writer) share(o *goja.Object) *goja.Object {
	if !w.sharing || w.opts.Share == nil {
		return nil
	}
	return w.opts.Share(o)
}

// memory is Options.Memory for a copy that leaves the runtime.
func (w *writer) memory(o *goja.Object) any {
	if !w.packing || w.opts.Memory == nil {
		return nil
	}
	return w.opts.Memory(o)
}

func (w *writer) viewBuffer(k kind, o *goja.Object) (*goja.Object, error) {
	if k == kindHalf {
		o = w.opts.Half(o)
	}
	get := w.rm.typedBuffer
	if k == kindDataView {
		get = w.rm.dataViewBuffer
	}
	v, err := get(o)
	if err != nil {
		return nil, err
	}
	buffer, ok := v.(*goja.Object)
	if !ok {
		return nil, w.refuse(o)
	}
	return buffer, nil
}

func (w *writer) view(k kind, o *goja.Object) error {
	offset, length, name := w.rm.typedOffset, w.rm.typedLength, "DataView"
	if k == kindDataView {
		offset, length = w.rm.dataViewOffset, w.rm.dataViewLength
	} else if k == kindHalf {
		o, name = w.opts.Half(o), halfArray
	} else {
		v, err := w.rm.typedName(o)
		if err != nil {
			return err
		}
		name = v.String()
	}
	from, err := offset(o)
	if err != nil {
		return err
	}
	size, err := length(o)
	if err != nil {
		return err
	}
	for _, view := range viewKinds {
		if view.name == name {
			w.enc.tag(tagView)
			w.enc.varint(uint64(view.tag))
			w.enc.varint(uint64(from.ToInteger()))
			w.enc.varint(uint64(size.ToInteger()))
			flags := uint64(0)
			if w.opts.Resizable != nil && k != kindHalf {
				if buffer, err := w.viewBuffer(k, o); err != nil {
					return err
				} else if _, ok := w.resizable(buffer); ok {
					flags = viewOnResizable
					if w.opts.Resizable.IsTracking(o) {
						flags |= viewLengthTracked
					}
				}
			}
			w.enc.varint(flags)
			return nil
		}
	}
	return w.refuse(o)
}
