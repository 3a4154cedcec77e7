package clone

import (
	"github.com/dop251/goja"
)

// Packed is a value on its way from one runtime to another: no part of it belongs to a runtime. It may be handed from
// goroutine to goroutine, and is unpacked once.
type Packed struct {
	// Data is the value, in which what moved and shared memory are numbers.
	Data []byte
	// Moved is what was transferred: the contents of buffers, which are not copied, and what Movables gave.
	Moved []Moved
	// Memories are what the SharedArrayBuffers of the value stand on, as Options.Memory gave it.
	Memories []any
}

// Moved is what a buffer, or another object, was that has been transferred.
type Moved struct {
	Bytes []byte
	// MaxBytes is how long a resizable buffer may become; -1 where it is not resizable.
	MaxBytes int
	// What is what Movables.Move gave; nil for a buffer.
	What any
}

// Size is how many bytes the value holds. Memory that is shared does not count.
func (p *Packed) Size() int {
	n := len(p.Data)
	for _, m := range p.Moved {
		n += len(m.Bytes)
	}
	return n
}

// pack is Copier.Pack for any value.
func (w *writer) pack(v goja.Value, transfer []goja.Value) (*Packed, error) {
	moving, err := w.rootAndTransfers(v, transfer)
	if err != nil {
		return nil, err
	}
	p := &Packed{}
	if len(moving) > 0 {
		p.Moved = make([]Moved, len(moving))
	}
	for id, m := range moving {
		if !m.isBuffer {
			p.Moved[id] = Moved{What: w.opts.Movable.Move(m.source)}
			continue
		}
		most := -1
		if n, ok := w.resizable(m.source); ok {
			most = n
		}
		p.Moved[id] = Moved{Bytes: m.buffer.Bytes(), MaxBytes: most}
		m.buffer.Detach()
	}
	p.Data, p.Memories = append([]byte(nil), w.enc.buf...), w.memories
	return p, nil
}

func (p *Packed) unpack(rm *realm, o *Options) (goja.Value, error) {
	rt := rm.rt
	var given []goja.Value
	for _, m := range p.Moved {
		if m.What != nil {
			if o.Movable == nil {
				return nil, &DataCloneError{Message: "What was transferred cannot be used here."}
			}
			obj, err := o.Movable.Arrive(m.What)
			if err != nil {
				return nil, err
			}
			given = append(given, obj)
		} else if m.MaxBytes >= 0 && o.Resizable != nil {
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
	return deserialize(rm, p.Data, o, given)
}
