package clone

import (
	"github.com/dop251/goja"
)

// Copier is both halves of structured clones that leave or reach one runtime, always with the same options: it looks up
// nothing twice, which is what copies of small values cost. It belongs to the runtime's goroutine.
type Copier struct {
	rm *realm
	o  Options
}

// NewCopier returns a copier for rt.
func NewCopier(rt *goja.Runtime, o Options) (*Copier, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	o.MaxDepth, o.MaxObjects = o.maxDepth(), o.maxObjects()
	return &Copier{rm, o}, nil
}

// SetMovable changes Options.Movable.
func (c *Copier) SetMovable(m Movables) { c.o.Movable = m }

// Pack is the first half, of which Unpack is the second, perhaps of the copier of another runtime: it writes v and takes
// what is in transfer, which is detached. Errors are those of StructuredClone, and on any error nothing is detached.
func (c *Copier) Pack(v goja.Value, transfer []goja.Value) (*Packed, error) {
	w := newWriter(c.rm, &c.o)
	defer w.release()
	w.packing = true
	if len(transfer) == 0 {
		if p := w.packSimple(v); p != nil {
			return p, nil
		}
	}
	return w.pack(v, transfer)
}

// PackPlain is Pack for what consists of primitives and few small ordinary objects without getters, and of no arrays; nil
// for everything else.
func (c *Copier) PackPlain(v goja.Value) *Packed {
	w := newWriter(c.rm, &c.o)
	defer w.release()
	w.packing, w.plainOnly = true, true
	return w.packSimple(v)
}

// packSimple is pack for a simple value; nil for any other.
func (w *writer) packSimple(v goja.Value) *Packed {
	if w.opts.RefuseClassInstances {
		return nil
	}
	w.enc.header()
	if w.simple(v, 0) && w.checkSize(0) == nil {
		return &Packed{Data: append([]byte(nil), w.enc.buf...)}
	}
	clear(w.few[:w.count])
	w.enc.buf, w.count = w.enc.buf[:0], 0
	return nil
}

// Unpack builds the value, on the buffers that moved; errors are those of Deserialize.
func (c *Copier) Unpack(p *Packed) (goja.Value, error) {
	if len(p.Moved) == 0 && len(p.Memories) == 0 && (c.o.MaxBytes <= 0 || len(p.Data) <= c.o.MaxBytes) {
		r := simpleReader{rm: c.rm, b: valueBuilder{rm: c.rm, opts: &c.o}}
		if v, ok := r.read(p.Data); ok {
			return v, nil
		}
	}
	return p.unpack(c.rm, &c.o)
}
