package clone

import (
	"github.com/dop251/goja"
)

// Serializer writes values, numbers and bytes one after the other, as V8's ValueSerializer: an object that was written
// before is a reference, whichever call wrote it. It belongs to the goroutine of its runtime, and what it was given to
// write stays in memory as long as it does. Each of its methods may be called while Options.Host writes an object.
type Serializer struct {
	w    writer
	opts Options
}

// NewSerializer makes a Serializer that has written nothing, not even the header.
func NewSerializer(rt *goja.Runtime, o Options) (*Serializer, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	s := &Serializer{opts: o}
	s.w = writer{rm: rm, eng: rm.eng, opts: &s.opts}
	return s, nil
}

// ViewsAsHost changes the option of that name.
func (s *Serializer) ViewsAsHost(on bool) { s.opts.ViewsAsHost = on }

// Header writes the version.
func (s *Serializer) Header() error { return s.add(func(e *encoder) { e.header() }, 2) }

// Uint32 writes a varint.
func (s *Serializer) Uint32(v uint32) error { return s.Uint64(uint64(v)) }

// Uint64 writes a varint.
func (s *Serializer) Uint64(v uint64) error {
	return s.add(func(e *encoder) { e.varint(v) }, varintLen(v))
}

// Double writes eight bytes.
func (s *Serializer) Double(v float64) error { return s.add(func(e *encoder) { e.double(v) }, 8) }

// Raw writes bytes without their length.
func (s *Serializer) Raw(b []byte) error {
	return s.add(func(e *encoder) { e.buf = append(e.buf, b...) }, len(b))
}

func (s *Serializer) add(write func(e *encoder), size int) error {
	if err := s.w.checkSize(size); err != nil {
		return err
	}
	write(&s.w.enc)
	return nil
}

// Value writes a value. Errors are those of Serialize; what was written before an error stays.
func (s *Serializer) Value(v goja.Value) error {
	first := len(s.w.names)
	err := s.w.rm.protect(func() error { return s.w.value(v) })
	s.w.dropStacks(first)
	return err
}

// Transfer makes buffer, an ArrayBuffer, the number id wherever it is written from now on. It stays what it is.
func (s *Serializer) Transfer(id uint32, buffer *goja.Object) error {
	if s.w.transfers == nil {
		s.w.transfers = map[*goja.Object]uint32{}
	}
	if len(s.w.transfers) >= s.opts.maxObjects() {
		return objectsError(s.opts.maxObjects())
	}
	s.w.transfers[buffer] = id
	return nil
}

// Release gives what was written so far, which is the caller's, and begins anew; objects keep their numbers.
func (s *Serializer) Release() []byte {
	b := s.w.enc.buf
	s.w.enc.buf = nil
	return b
}
