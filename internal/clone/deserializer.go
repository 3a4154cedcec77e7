package clone

import (
	"github.com/dop251/goja"
)

// Deserializer reads what a Serializer wrote, one thing after the other. It belongs to the goroutine of its runtime, and
// what it has read stays in memory as long as it does. Each of its methods may be called while Options.Host reads an
// object; an error leaves it somewhere behind what could be read.
type Deserializer struct {
	d    decoder[goja.Value]
	rm   *realm
	opts Options
}

// NewDeserializer makes a Deserializer of a copy of data.
func NewDeserializer(rt *goja.Runtime, data []byte, o Options) (*Deserializer, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	if o.MaxBytes > 0 && len(data) > o.MaxBytes {
		return nil, bytesError(o.MaxBytes)
	}
	s := &Deserializer{rm: rm, opts: o}
	s.d = decoder[goja.Value]{
		in: input{data: append([]byte(nil), data...)}, opts: &s.opts, b: &valueBuilder{rm: rm, opts: &s.opts}, depth: &rm.depth, recent: &rm.recent,
		byID: map[uint32]goja.Value{},
	}
	return s, nil
}

// Version is that of the header; zero before it was read.
func (s *Deserializer) Version() uint32 { return s.d.version }

// Header reads the version. It must be one that can be read.
func (s *Deserializer) Header() error {
	if tag, ok := s.d.in.peek(); !ok || tag != tagVersion {
		return s.d.in.fail("there is no header")
	}
	if _, err := s.d.in.tag(); err != nil {
		return err
	}
	v, err := s.d.in.varint()
	if err != nil {
		return err
	}
	s.d.version = v
	s.d.viewFlags = v >= 14
	return s.d.checkVersion()
}

// Uint32 reads a varint.
func (s *Deserializer) Uint32() (uint32, error) { return s.d.in.varint() }

// Uint64 reads a varint.
func (s *Deserializer) Uint64() (uint64, error) { return s.d.in.varint64() }

// Double reads eight bytes.
func (s *Deserializer) Double() (float64, error) { return s.d.in.double() }

// Skip passes n bytes over and tells where in the data they begin.
func (s *Deserializer) Skip(n uint64) (at int, err error) {
	at = s.d.in.pos
	_, err = s.d.in.bytes(n)
	return at, err
}

// Transfer makes the number id the buffer wherever it is read from now on.
func (s *Deserializer) Transfer(id uint32, buffer goja.Value) error {
	if len(s.d.byID) >= s.opts.maxObjects() {
		return objectsError(s.opts.maxObjects())
	}
	s.d.byID[id] = buffer
	return nil
}

// Value reads a value. Errors are those of Deserialize.
func (s *Deserializer) Value() (v goja.Value, err error) {
	base, slots := len(s.d.stack), len(s.d.slots)
	err = s.rm.protect(func() (err error) {
		v, err = s.d.value()
		return err
	})
	if err != nil {
		// What was begun and will not be complete cannot be referred to.
		for i := slots; i < len(s.d.slots); i++ {
			if s.d.slots[i].state == slotPending {
				s.d.slots[i] = slot[goja.Value]{}
			}
		}
		clear(s.d.stack[base:])
		s.d.stack = s.d.stack[:base]
		return nil, unwrapHost(err)
	}
	return v, nil
}
