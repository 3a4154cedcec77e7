package clone

import (
	"github.com/dop251/goja"
)

// Writer is what HostObjects.WriteHost writes to. It must not be kept.
type Writer struct {
	w     *writer
	begun bool
}

// start writes the host tag before the first thing a host writes.
func (w *Writer) start() {
	if !w.begun {
		w.begun = true
		w.w.enc.tag(tagHost)
	}
}

// Begin begins the object, whose content a host writes past w.
func (w *Writer) Begin() { w.start() }

// Uint32 writes a varint, such as workerd's tag of a type.
func (w *Writer) Uint32(v uint32) { w.start(); w.w.enc.varint(uint64(v)) }

// Uint64 writes a varint.
func (w *Writer) Uint64(v uint64) { w.start(); w.w.enc.varint(v) }

// Double writes eight bytes.
func (w *Writer) Double(v float64) { w.start(); w.w.enc.double(v) }

// Raw writes bytes without their length.
func (w *Writer) Raw(b []byte) { w.start(); w.w.enc.buf = append(w.w.enc.buf, b...) }

// Bytes writes the length and the bytes.
func (w *Writer) Bytes(b []byte) { w.Uint64(uint64(len(b))); w.Raw(b) }

// String writes the length in bytes and the bytes.
func (w *Writer) String(s string) { w.Uint64(uint64(len(s))); w.w.enc.buf = append(w.w.enc.buf, s...) }

// Value writes a JavaScript value; objects keep their identity within the whole clone. Its error must be returned.
func (w *Writer) Value(v goja.Value) error { w.start(); return w.w.value(v) }

// host offers o to the host.
func (w *writer) host(o *goja.Object) (bool, error) {
	hw := Writer{w: w}
	handled, err := w.opts.Host.WriteHost(&hw, o)
	if err != nil {
		return false, err
	}
	if handled {
		hw.start() // a host object may have no content
		w.ranJS = true
	}
	return handled, nil
}

// Reader is what HostObjects.ReadHost reads from. It must not be kept.
type Reader struct {
	d *decoder[goja.Value]
}

// Uint32 reads what Writer.Uint32 wrote.
func (r *Reader) Uint32() (uint32, error) { return r.d.in.varint() }

// Uint64 reads what Writer.Uint64 wrote.
func (r *Reader) Uint64() (uint64, error) { return r.d.in.varint64() }

// Double reads what Writer.Double wrote.
func (r *Reader) Double() (float64, error) { return r.d.in.double() }

// Raw reads n bytes; they are a copy.
func (r *Reader) Raw(n uint64) ([]byte, error) {
	b, err := r.d.in.bytes(n)
	return append([]byte(nil), b...), err
}

// Bytes reads what Writer.Bytes wrote; the bytes are a copy.
func (r *Reader) Bytes() ([]byte, error) {
	n, err := r.Uint64()
	if err != nil {
		return nil, err
	}
	return r.Raw(n)
}

// String reads what Writer.String wrote.
func (r *Reader) String() (string, error) {
	b, err := r.Bytes()
	return string(b), err
}

// Value reads what Writer.Value wrote.
func (r *Reader) Value() (goja.Value, error) { return r.d.value() }
