package clone

import (
	"math"
)

// bufferOrReference reads what a view may follow.
func (d *decoder[V]) bufferOrReference(tag byte) (V, error) {
	var zero V
	var id uint32
	var err error
	if tag == tagReference {
		if id, err = d.in.varint(); err != nil {
			return zero, err
		}
		if int64(id) >= int64(len(d.slots)) || d.slots[id].state == slotMissing {
			return zero, d.in.fail("a reference to an object that does not exist")
		}
		if _, err := d.materialize(id); err != nil {
			return zero, d.wrap(err)
		}
	} else {
		if id, err = d.newSlot(); err != nil {
			return zero, err
		}
		if err := d.newBuffer(tag, id); err != nil {
			return zero, err
		}
	}
	if d.slots[id].kind == slotObject || !d.atEnd(tagView) {
		return d.slots[id].v, nil
	}
	d.sawView = true
	v, err := d.view(id)
	return v, d.wrap(err)
}

func (d *decoder[V]) newBuffer(tag byte, id uint32) error {
	n, err := d.in.varint()
	if err != nil {
		return err
	}
	s := &d.slots[id]
	s.kind = slotBuffer
	switch tag {
	case tagTransferred:
		moved, ok := d.byID[n]
		if int64(n) < int64(len(d.transferred)) {
			moved, ok = d.transferred[n], true
		}
		if !ok {
			return d.in.fail("a transferred buffer that was not passed along")
		}
		s.kind, s.size = slotResizable, math.MaxUint32 // the builder checks views against the buffer itself
		d.ready(id, moved)
		return nil
	case tagResizable:
		limit, err := d.in.varint()
		if err != nil {
			return err
		}
		if n > limit {
			return d.in.fail("a resizable buffer is larger than its maximum")
		}
		raw, err := d.in.bytes(uint64(n))
		if err != nil {
			return err
		}
		s.kind, s.size = slotResizable, n
		d.ready(id, d.b.resizable(raw, limit))
		return nil
	}
	raw, err := d.in.bytes(uint64(n))
	if err != nil {
		return err
	}
	s.size = n
	d.ready(id, d.b.buffer(raw))
	return nil
}

func (d *decoder[V]) view(buffer uint32) (V, error) {
	var zero V
	tag, err := d.in.varint()
	if err != nil {
		return zero, err
	}
	offset, err := d.in.varint()
	if err != nil {
		return zero, err
	}
	length, err := d.in.varint()
	if err != nil {
		return zero, err
	}
	var flags uint32
	if d.viewFlags {
		if flags, err = d.in.varint(); err != nil {
			return zero, err
		}
	}
	b := d.slots[buffer]
	if offset > b.size || length > b.size-offset {
		return zero, d.in.fail("a view reaches beyond its buffer")
	}
	kind := -1
	for i, k := range viewKinds {
		if uint32(k.tag) == tag&0xFF {
			kind = i
		}
	}
	if kind < 0 {
		return zero, d.in.fail("unknown kind of view")
	}
	size := viewKinds[kind].size
	if flags&(viewLengthTracked|viewOnResizable) != 0 && b.kind != slotResizable {
		return zero, d.in.fail("a view expects a resizable buffer")
	}
	if flags&viewLengthTracked != 0 {
		length = (b.size - offset) / size * size
	}
	if offset%size != 0 || length%size != 0 {
		return zero, d.in.fail("a view is not aligned to its elements")
	}
	id, err := d.newSlot()
	if err != nil {
		return zero, err
	}
	return d.made(id)(d.b.view(b.v, kind, offset, length, flags&viewLengthTracked != 0))
}
