package clone

import (
	"github.com/dop251/goja"
)

// Packed is a value on its way from one runtime to another: no part of it belongs to a runtime. It may be handed from
// goroutine to goroutine, and is unpacked once.
type Packed struct {
	// Data is the value, in which buffers that moved and shared memory are numbers.
	Data []byte
	// Moved are the contents of the buffers that were transferred. They are not copied.
	Moved []MovedBuffer
	// Memories are what the SharedArrayBuffers of the value stand on, as Options.Memory gave it.
	Memories []any
}

// MovedBuffer is the content of a buffer that was transferred.
type MovedBuffer struct {
	Bytes []byte
	// MaxBytes is how long a resizable buffer may become; -1 where it is not resizable.
	MaxBytes int
}

// Size is how many bytes the value holds. Memory that is shared does not count.
func (p *Packed) Size() int {
	n := len(p.Data)
	for _, m := range p.Moved {
		n += len(m.Bytes)
	}
	return n
}

// Pack is the first half of a structured clone, of which Unpack is the second, perhaps in another runtime: it writes v
// and takes the ArrayBuffers of transfer, which are detached. Errors are those of StructuredClone, and on any error
// nothing is detached.
func Pack(rt *goja.Runtime, v goja.Value, transfer []goja.Value, o Options) (*Packed, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	w := newWriter(rm, &o)
	defer w.release()
	w.packing = true
	var buffers []goja.ArrayBuffer
	p := &Packed{}
	err = rm.protect(func() (err error) {
		if len(transfer) > 0 {
			if buffers, err = w.takeTransfers(transfer); err != nil {
				return err
			}
		}
		if err := w.root(v); err != nil {
			return err
		}
		if len(buffers) == 0 {
			return nil
		}
		p.Moved = make([]MovedBuffer, len(buffers))
		for source, id := range w.transfers {
			if buffers[id].Detached() { // by a getter
				return errDetached
			}
			most := -1
			if n, ok := w.resizable(source); ok {
				most = n
			}
			p.Moved[id] = MovedBuffer{buffers[id].Bytes(), most}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, b := range buffers {
		b.Detach()
	}
	p.Data, p.Memories = append([]byte(nil), w.enc.buf...), w.memories
	return p, nil
}

// Unpack builds the value in rt, on the buffers that moved; errors are those of Deserialize.
func (p *Packed) Unpack(rt *goja.Runtime, o Options) (goja.Value, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	var given []goja.Value
	for _, m := range p.Moved {
		if m.MaxBytes >= 0 && o.Resizable != nil {
			given = append(given, o.Resizable.NewResizable(m.Bytes, m.MaxBytes))
		} else {
			given = append(given, rt.ToValue(rt.NewArrayBuffer(m.Bytes)))
		}
	}
	for _, memory := range p.Memories {
		var shared *goja.Object
		if o.Attach != nil {
			shared = o.Attach(memory)
		}
		if shared == nil {
			return nil, &DataCloneError{Message: "A SharedArrayBuffer cannot be used here."}
		}
		given = append(given, shared)
	}
	return deserialize(rm, p.Data, &o, given)
}
