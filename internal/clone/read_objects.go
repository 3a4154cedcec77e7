package clone

func (d *decoder[V]) denseArray(id uint32) (V, error) {
	var zero V
	length, err := d.in.varint()
	if err != nil {
		return zero, err
	}
	if uint64(length) > uint64(d.in.remaining()) {
		return zero, d.in.fail("an array has more elements than the data has bytes")
	}
	base := len(d.stack)
	d.slots[id].state, d.slots[id].base = slotPending, base
	for i := range int(length) {
		var v V
		if !d.atEnd(tagHole) {
			if v, err = d.value(); err != nil {
				return zero, err
			}
			if d.slots[id].state == slotReady {
				if err := d.b.setElement(d.slots[id].v, i, v); err != nil {
					return zero, err
				}
				continue
			}
		}
		if d.slots[id].state == slotPending {
			d.stack = append(d.stack, v)
		}
	}
	arr, err := d.materialize(id)
	if err != nil {
		return zero, err
	}
	clear(d.stack[base:])
	d.stack = d.stack[:base]
	if err := d.b.setLength(arr, length, true); err != nil {
		return zero, err
	}
	n, err := d.properties(arr, tagEndDense, length)
	if err != nil {
		return zero, err
	}
	if err := d.expect(n, "properties"); err != nil {
		return zero, err
	}
	return arr, d.expect(length, "elements")
}

// materialize makes a pending array of the elements read so far.
func (d *decoder[V]) materialize(id uint32) (V, error) {
	s := &d.slots[id]
	if s.state == slotReady {
		return s.v, nil
	}
	// Arrays that began inside this one have their elements above ours, but they are complete or this is the
	// innermost: a reference to an outer array is what brings us here with others still pending.
	end := len(d.stack)
	for i := int(id) + 1; i < len(d.slots); i++ {
		if d.slots[i].state == slotPending {
			end = d.slots[i].base
			break
		}
	}
	arr, err := d.b.array(d.stack[s.base:end])
	if err != nil {
		return arr, err
	}
	return d.ready(id, arr), nil
}

func (d *decoder[V]) sparseArray(id uint32) (V, error) {
	var zero V
	length, err := d.in.varint()
	if err != nil {
		return zero, err
	}
	arr, err := d.made(id)(d.b.array(nil))
	if err != nil {
		return zero, err
	}
	if err := d.b.setLength(arr, length, false); err != nil {
		return zero, err
	}
	n, err := d.properties(arr, tagEndSparse, length)
	if err != nil {
		return zero, err
	}
	if err := d.expect(n, "properties"); err != nil {
		return zero, err
	}
	return arr, d.expect(length, "elements")
}

func (d *decoder[V]) regExp(id uint32) (V, error) {
	var zero V
	source, err := d.stringValue()
	if err != nil {
		return zero, err
	}
	raw, err := d.in.varint()
	if err != nil {
		return zero, err
	}
	flags := make([]byte, 0, len(regExpFlags))
	for _, f := range regExpFlags {
		if raw&f.bit != 0 {
			flags = append(flags, f.letter)
			raw &^= f.bit
		}
	}
	if raw != 0 {
		return zero, d.in.fail("unknown regular expression flags")
	}
	return d.made(id)(d.b.regExp(source, string(flags)))
}

func (d *decoder[V]) mapEntries(id uint32) (V, error) {
	var zero V
	m, err := d.made(id)(d.b.newMap())
	if err != nil {
		return zero, err
	}
	n := uint32(0)
	for ; !d.atEnd(tagEndMap); n += 2 {
		k, err := d.value()
		if err != nil {
			return zero, err
		}
		v, err := d.value()
		if err != nil {
			return zero, err
		}
		if err := d.b.mapSet(m, k, v); err != nil {
			return zero, err
		}
	}
	return m, d.expect(n, "map entries")
}

func (d *decoder[V]) setEntries(id uint32) (V, error) {
	var zero V
	s, err := d.made(id)(d.b.newSet())
	if err != nil {
		return zero, err
	}
	n := uint32(0)
	for ; !d.atEnd(tagEndSet); n++ {
		v, err := d.value()
		if err != nil {
			return zero, err
		}
		if err := d.b.setAdd(s, v); err != nil {
			return zero, err
		}
	}
	return s, d.expect(n, "set entries")
}

// error reads an Error. It exists from its cause on, so that the cause may refer to it.
func (d *decoder[V]) error(id uint32) (V, error) {
	var zero, message, stack V
	var kind byte
	exists := false
	create := func() error {
		if exists {
			return nil
		}
		exists = true
		_, err := d.made(id)(d.b.newError(kind, message))
		return err
	}
	for {
		raw, err := d.in.varint()
		if err != nil {
			return zero, err
		}
		switch tag := byte(raw); tag {
		case errorEval, errorRange, errorReference, errorSyntax, errorType, errorURI:
			kind = tag
			if exists {
				if err := d.b.errorType(d.slots[id].v, kind); err != nil {
					return zero, err
				}
			}
		case errorMessage:
			if message, err = d.stringValue(); err != nil {
				return zero, err
			}
			if exists {
				return zero, d.in.fail("the message of an error comes after its cause")
			}
		case errorCause:
			if err := create(); err != nil {
				return zero, err
			}
			cause, err := d.value()
			if err != nil {
				return zero, err
			}
			if err := d.b.errorCause(d.slots[id].v, cause); err != nil {
				return zero, err
			}
		case errorStack:
			if stack, err = d.stringValue(); err != nil {
				return zero, err
			}
		case errorEnd:
			if err := create(); err != nil {
				return zero, err
			}
			e := d.slots[id].v
			return e, d.b.errorStack(e, stack)
		default:
			return zero, d.in.fail("unknown part of an error")
		}
	}
}
