package clone

import (
	"github.com/dop251/goja"
)

// StructuredClone copies v within rt as the HTML standard's structured clone does, and transfers the ArrayBuffers of
// transfer: they (or the buffers of the views in it) move to the copy and are detached in the original.
//
// Errors are those of Serialize and Deserialize, and *TransferError for an entry that is not a buffer or a view. On any
// error nothing is detached.
func StructuredClone(rt *goja.Runtime, v goja.Value, transfer []goja.Value, o Options) (goja.Value, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	if len(transfer) == 0 && isPrimitive(v) {
		return v, nil
	}
	w := newWriter(rm, &o)
	defer w.release()
	w.sharing = true
	var buffers []goja.ArrayBuffer
	var moved []goja.Value
	err = rm.protect(func() (err error) {
		if buffers, err = w.takeTransfers(transfer); err != nil {
			return err
		}
		if err := w.root(v); err != nil {
			return err
		}
		sources := make([]*goja.Object, len(buffers))
		for o, id := range w.transfers {
			sources[id] = o
		}
		for i, b := range buffers {
			if b.Detached() { // by a getter
				return errDetached
			}
			// The bytes move; nobody else sees them until the original is detached below.
			moved = append(moved, w.newBuffer(sources[i], b.Bytes()))
		}
		moved = append(moved, w.shared...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	result, err := deserialize(rm, w.enc.buf, &o, moved)
	if err != nil {
		return nil, err
	}
	for _, b := range buffers {
		b.Detach()
	}
	return result, nil
}

// Pinned marks a buffer that cannot be transferred, because it is a view of memory that somebody else has. It is for
// code of ours only: who marks hides it from scripts.
var Pinned = goja.NewSymbol("workerd.pinned")

// IsPinned reports whether v is a buffer so marked.
func IsPinned(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	return ok && o.GetSymbol(Pinned) != nil
}

// isPrimitive reports whether v is its own copy. Symbols are not: they are refused.
func isPrimitive(v goja.Value) bool {
	switch v.(type) {
	case nil:
		return false
	case *goja.Object, *goja.Symbol:
		return false
	}
	return true
}

// newBuffer makes a buffer on the bytes of another one, resizable as that is.
func (w *writer) newBuffer(source *goja.Object, bytes []byte) goja.Value {
	if w.opts.Resizable != nil {
		if most, ok := w.opts.Resizable.MaxByteLength(source); ok {
			return w.opts.Resizable.NewResizable(bytes, most)
		}
	}
	return w.rm.rt.ToValue(w.rm.rt.NewArrayBuffer(bytes))
}

// takeTransfers gives each buffer of the list its transfer id.
func (w *writer) takeTransfers(transfer []goja.Value) ([]goja.ArrayBuffer, error) {
	var buffers []goja.ArrayBuffer
	for _, v := range transfer {
		o, ok := v.(*goja.Object)
		if ok {
			if k := w.eng.kindOf(o); k == kindTyped || k == kindDataView {
				var err error
				if o, err = w.viewBuffer(k, o); err != nil {
					return nil, err
				}
			}
			ok = w.eng.kindOf(o) == kindBuffer && !IsPinned(o) && w.share(o) == nil && w.memory(o) == nil
		}
		if !ok {
			return nil, &TransferError{Message: "Object is not transferable"}
		}
		if _, twice := w.transfers[o]; twice {
			continue
		}
		b, ok := o.Export().(goja.ArrayBuffer)
		if !ok || b.Detached() {
			return nil, errDetached
		}
		if w.transfers == nil {
			w.transfers = make(map[*goja.Object]uint32)
		}
		w.transfers[o] = uint32(len(buffers))
		buffers = append(buffers, b)
	}
	return buffers, nil
}
