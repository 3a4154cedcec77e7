package clone

import (
	"reflect"

	"github.com/dop251/goja"
)

// A simple value is what most messages are: primitives, and few small ordinary objects and dense arrays of them, with
// nothing that could run a script. What this file does for them writer and decoder do for all values, with the same
// bytes; it says no where they must.

// What a simple value may have: levels, and properties or elements of one object. Its objects are as many as a writer and
// a reader have place for.
const (
	simpleDepth  = 8
	simpleFields = 64
)

// simple writes a value and reports whether it is a simple one; where it is none the encoder holds some of it.
func (w *writer) simple(v goja.Value, depth int) bool {
	o, ok := v.(*goja.Object)
	if !ok {
		if _, symbol := v.(*goja.Symbol); symbol {
			return false
		}
		return w.value(v) == nil
	}
	if depth >= simpleDepth || w.rm.depth+depth >= w.opts.maxDepth() {
		return false
	}
	if w.count == uint32(len(w.few)) && !w.isSeen(o) {
		return false
	}
	switch k := w.eng.kindOf(o); k {
	case kindPlain, kindArray:
		if id, again := w.seen(o); again {
			w.enc.tag(tagReference)
			w.enc.varint(uint64(id))
			return true
		}
		if int(w.count) > w.opts.maxObjects() {
			return false
		}
		if k == kindArray {
			return w.simpleArray(o, depth)
		}
		return w.simpleObject(o, depth)
	}
	return false
}

func (w *writer) simpleObject(o *goja.Object, depth int) bool {
	names, props, ok := w.eng.own(o)
	if !ok || len(names) > simpleFields || w.opts.Host != nil && !(w.opts.HostBySymbol && w.eng.withoutSymbols(o)) || o == w.rm.rt.GlobalObject() {
		return false
	}
	w.enc.tag(tagBeginObject)
	for _, name := range names {
		v := props[name]
		if v == nil || name == "" || name[0] >= '0' && name[0] <= '9' || reflect.TypeOf(v) == w.eng.typeProperty {
			return false
		}
		w.name(name)
		if !w.simple(v, depth+1) {
			return false
		}
	}
	w.enc.tag(tagEndObject)
	w.enc.varint(uint64(len(names)))
	return true
}

func (w *writer) simpleArray(o *goja.Object, depth int) bool {
	elements, length, ok := w.eng.ownElements(o)
	names, _, _ := w.eng.own(o)
	if !ok || w.plainOnly || len(names) > 1 || len(elements) > simpleFields || uint64(len(elements)) != uint64(length) {
		return false
	}
	w.enc.tag(tagBeginDense)
	w.enc.varint(uint64(length))
	for _, v := range elements {
		if v == nil || reflect.TypeOf(v) == w.eng.typeProperty || !w.simple(v, depth+1) {
			return false
		}
	}
	w.enc.tag(tagEndDense)
	w.enc.varint(0)
	w.enc.varint(uint64(length))
	return true
}

// simpleReader builds simple values.
type simpleReader struct {
	in    input
	rm    *realm
	b     valueBuilder
	few   [12]*goja.Object
	count int
}

// read reads the whole of data, and reports false where it is more than a simple value.
func (r *simpleReader) read(data []byte) (goja.Value, bool) {
	if len(data) < 2 || data[0] != tagVersion || data[1] != Version {
		return nil, false
	}
	r.in = input{data, 2}
	v, ok := r.value(0)
	return v, ok && r.in.remaining() == 0
}

func (r *simpleReader) value(depth int) (goja.Value, bool) {
	tag, err := r.in.tag()
	if err != nil {
		return nil, false
	}
	switch tag {
	case tagUndefined:
		return goja.Undefined(), true
	case tagNull:
		return goja.Null(), true
	case tagTrue, tagFalse:
		return r.b.boolean(tag == tagTrue), true
	case tagInt32:
		n, err := r.in.varint()
		return r.b.integer(int32(n>>1) ^ -int32(n&1)), err == nil
	case tagDouble:
		n, err := r.in.double()
		return r.b.number(n), err == nil
	case tagOneByteString, tagTwoByteString:
		raw, err := r.in.lengthBytes()
		switch {
		case err != nil || tag == tagTwoByteString && len(raw)%2 != 0:
			return nil, false
		case tag == tagTwoByteString:
			return r.b.utf16le(raw), true
		}
		return r.b.latin1(raw), true
	case tagReference:
		id, err := r.in.varint()
		if err != nil || int64(id) >= int64(r.count) || r.few[id] == nil {
			return nil, false
		}
		return r.few[id], true
	}
	if depth >= simpleDepth || r.rm.depth+depth >= r.b.opts.maxDepth() || r.count == len(r.few) || r.count >= r.b.opts.maxObjects() {
		return nil, false
	}
	id := r.count
	r.count++
	switch tag {
	case tagBeginObject:
		return r.object(id, depth)
	case tagBeginDense:
		return r.array(id, depth)
	}
	return nil, false
}

func (r *simpleReader) object(id, depth int) (goja.Value, bool) {
	// Without a prototype nothing stands in the way of plain properties, which cost less than those that are defined.
	o := r.rm.rt.CreateObject(nil)
	r.few[id] = o
	for n := uint32(0); ; n++ {
		tag, err := r.in.tag()
		if err != nil {
			return nil, false
		}
		if tag == tagEndObject {
			count, err := r.in.varint()
			return o, err == nil && count == n && o.SetPrototype(r.rm.objectProto) == nil
		}
		raw, err := r.in.lengthBytes()
		if err != nil || tag != tagOneByteString || !isASCII(raw) {
			return nil, false
		}
		name := r.rm.recent.intern(raw)
		v, ok := r.value(depth + 1)
		if !ok || o.Set(name, v) != nil {
			return nil, false
		}
	}
}

// array does not know arrays that hold themselves.
func (r *simpleReader) array(id, depth int) (goja.Value, bool) {
	length, err := r.in.varint()
	if err != nil || length > simpleFields {
		return nil, false
	}
	items := make([]any, length)
	for i := range items {
		v, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		items[i] = v
	}
	tag, err := r.in.tag()
	if err != nil || tag != tagEndDense {
		return nil, false
	}
	properties, err1 := r.in.varint()
	again, err2 := r.in.varint()
	r.few[id] = r.rm.rt.NewArray(items...)
	return r.few[id], err1 == nil && err2 == nil && properties == 0 && again == length
}
