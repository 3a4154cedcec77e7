package clone

import (
	"github.com/dop251/goja"
)

// StructuredClone copies v within rt as the HTML standard's structured clone does, and transfers what is in
// transfer: ArrayBuffers (or the buffers of views), and what Options.Movable knows, move to the copy and are detached in the original.
//
// Errors are those of Serialize and Deserialize, and *TransferError for an entry that is none of these. On any
// error nothing is detached, unless it is one of Movables.Arrive.
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
	moving, err := w.rootAndTransfers(v, transfer)
	if err != nil {
		return nil, err
	}
	var moved []goja.Value
	for _, m := range moving {
		if m.isBuffer {
			// The bytes move; nobody else sees them until the original is detached below.
			moved = append(moved, w.newBuffer(m.source, m.buffer.Bytes()))
			continue
		}
		obj, err := o.Movable.Arrive(o.Movable.Move(m.source))
		if err != nil {
			return nil, err
		}
		moved = append(moved, obj)
	}
	moved = append(moved, w.shared...)
	result, err := deserialize(rm, w.enc.buf, &o, moved)
	if err != nil {
		return nil, err
	}
	for _, m := range moving {
		if m.isBuffer {
			m.buffer.Detach()
		}
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

// rootAndTransfers writes v, and gives what is to move then: so far nothing has.
func (w *writer) rootAndTransfers(v goja.Value, transfer []goja.Value) (list []moving, err error) {
	err = w.rm.protect(func() (err error) {
		if list, err = w.takeTransfers(transfer); err != nil {
			return err
		}
		if err := w.root(v); err != nil {
			return err
		}
		return w.stillThere(list)
	})
	return list, err
}

// moving is one entry of a transfer list.
type moving struct {
	source   *goja.Object
	buffer   goja.ArrayBuffer
	isBuffer bool
}

// stillThere reports what a getter has detached or moved while the value was written.
func (w *writer) stillThere(list []moving) error {
	for _, m := range list {
		if m.isBuffer {
			if m.buffer.Detached() {
				return errDetached
			}
		} else if _, err := w.opts.Movable.Movable(m.source); err != nil {
			return err
		}
	}
	return nil
}

// takeTransfers gives each entry of the list its transfer id.
func (w *writer) takeTransfers(transfer []goja.Value) ([]moving, error) {
	var list []moving
	for _, v := range transfer {
		o, ok := v.(*goja.Object)
		if ok && w.opts.Movable != nil {
			if movable, err := w.opts.Movable.Movable(o); err != nil {
				return nil, err
			} else if movable {
				if _, twice := w.transfers[o]; twice {
					return nil, &DataCloneError{Message: "Transfer list contains duplicate " + w.opts.Movable.Name(o)}
				}
				list = w.take(list, moving{source: o})
				continue
			}
		}
		if ok {
			if k := w.eng.kindOf(o); k == kindTyped || k == kindDataView {
				var err error
				if o, err = w.viewBuffer(k, o); err != nil {
					return nil, err
				}
				if w.share(o) != nil || w.memory(o) != nil {
					// A view is what may be listed; V8 sees later that its buffer may not.
					return nil, &DataCloneError{Message: "Object is not transferable."}
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
		list = w.take(list, moving{source: o, buffer: b, isBuffer: true})
	}
	return list, nil
}

func (w *writer) take(list []moving, m moving) []moving {
	if w.transfers == nil {
		w.transfers = make(map[*goja.Object]uint32)
	}
	w.transfers[m.source] = uint32(len(list))
	return append(list, m)
}
