package clone

import (
	"reflect"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

func (w *writer) plain(o *goja.Object) error {
	w.enc.tag(tagBeginObject)
	n, err := w.properties(o, false)
	if err != nil {
		return err
	}
	w.enc.tag(tagEndObject)
	w.enc.varint(uint64(n))
	return nil
}

// properties writes the own enumerable string-keyed properties of o in JavaScript's order and returns how many.
// With namesOnly array indices are left out.
func (w *writer) properties(o *goja.Object, namesOnly bool) (int, error) {
	names, props, ok := w.eng.own(o)
	if !ok {
		return w.propertiesByKeys(o, namesOnly)
	}
	isArray := w.eng.array != nil && namesOnly
	first := len(w.names)
	for _, name := range names {
		if isArray && name == "length" {
			continue
		}
		if c := name[:min(1, len(name))]; c >= "0" && c <= "9" && !isArray {
			// Indices come first in ascending order: goja sorts when it is asked for the keys.
			w.dropStacks(first)
			return w.propertiesByKeys(o, namesOnly)
		}
		v := props[name]
		if v == nil || reflect.TypeOf(v) == w.eng.typeProperty {
			w.dropStacks(first)
			return w.propertiesByKeys(o, namesOnly)
		}
		w.names, w.values = append(w.names, name), append(w.values, v)
	}
	last := len(w.names)
	defer w.dropStacks(first)
	n := 0
	for i := first; i < last; i++ {
		name, v := w.names[i], w.values[i]
		if w.ranJS {
			_, props, ok := w.eng.own(o)
			if !ok {
				v = nil
			} else if v = props[name]; v == nil {
				continue // deleted by a getter
			}
			if v == nil || reflect.TypeOf(v) == w.eng.typeProperty {
				written, err := w.propertyByValue(o, goja.StringFromUTF16(nameUnits(name)))
				if err != nil {
					return 0, err
				}
				if written {
					n++
				}
				continue
			}
		}
		if w.leftOut(v) {
			continue
		}
		w.name(name)
		if err := w.value(v); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (w *writer) dropStacks(to int) {
	clear(w.names[to:])
	clear(w.values[to:])
	w.names, w.values = w.names[:to], w.values[:to]
}

// name writes a property name that is not an array index.
func (w *writer) name(name unistring.String) {
	if u := name.AsUtf16(); u != nil {
		w.enc.utf16(u[1:])
		return
	}
	w.enc.ascii(string(name))
}

func nameUnits(name unistring.String) []uint16 {
	if u := name.AsUtf16(); u != nil {
		return u[1:]
	}
	return wtf8ToUTF16(string(name))
}

// leftOut reports whether a property with the value is missing in the copy.
func (w *writer) leftOut(v goja.Value) bool {
	if !w.opts.Lenient {
		return false
	}
	switch v := v.(type) {
	case *goja.Symbol:
		return true
	case *goja.Object:
		return w.eng.kindOf(v) == kindFunction
	}
	return false
}

// propertiesByKeys does what properties does for objects with getters, indices or a store of their own.
func (w *writer) propertiesByKeys(o *goja.Object, namesOnly bool) (int, error) {
	keys, err := w.rm.keyValues(o)
	if err != nil {
		return 0, err
	}
	if namesOnly {
		names := keys[:0]
		for _, key := range keys {
			if _, isIndex := arrayIndex(key.String()); !isIndex {
				names = append(names, key)
			}
		}
		keys = names
	}
	return w.propertiesOf(o, keys)
}

// propertiesOf writes those of the named properties that still exist and returns how many.
func (w *writer) propertiesOf(o *goja.Object, keys []goja.Value) (int, error) {
	n := 0
	for _, key := range keys {
		written, err := w.propertyByValue(o, key)
		if err != nil {
			return 0, err
		}
		if written {
			n++
		}
	}
	return n, nil
}

// propertyByValue writes one property, running its getter, unless it is gone.
func (w *writer) propertyByValue(o *goja.Object, key goja.Value) (bool, error) {
	v, found, err := w.getOwn(o, key)
	if err != nil || !found || w.leftOut(v) {
		return false, err
	}
	if i, isIndex := arrayIndex(key.String()); isIndex {
		w.enc.number(float64(i))
	} else if err := w.value(key); err != nil {
		return false, err
	}
	return true, w.value(v)
}

func (w *writer) getOwn(o *goja.Object, key goja.Value) (goja.Value, bool, error) {
	if found, err := w.rm.hasOwnProperty(o, key); err != nil || !found {
		return nil, false, err
	}
	w.ranJS = true
	v, err := w.rm.reflectGet(goja.Undefined(), o, key)
	return v, err == nil, err
}

func (w *writer) array(o *goja.Object) error {
	elements, length, ok := w.eng.ownElements(o)
	if !ok {
		return w.arrayByKeys(o)
	}
	dense := uint64(len(elements)) == uint64(length)
	for i := 0; dense && i < len(elements); i++ {
		v := elements[i]
		dense = v != nil && reflect.TypeOf(v) != w.eng.typeProperty
	}
	if !dense {
		keys, err := w.rm.keyValues(o)
		if err != nil {
			return err
		}
		return w.sparseArray(o, uint64(length), keys)
	}
	w.enc.tag(tagBeginDense)
	w.enc.varint(uint64(length))
	for i := range int(length) {
		if w.ranJS {
			if elements, _, ok = w.eng.ownElements(o); !ok || i < len(elements) && elements[i] != nil && reflect.TypeOf(elements[i]) == w.eng.typeProperty {
				v, found, err := w.getOwn(o, w.rm.rt.ToValue(i))
				if err != nil {
					return err
				}
				if !found {
					w.enc.tag(tagHole)
				} else if err := w.value(v); err != nil {
					return err
				}
				continue
			}
			if i >= len(elements) || elements[i] == nil {
				w.enc.tag(tagHole) // too late for the sparse form
				continue
			}
		}
		v := elements[i]
		if reflect.TypeOf(v) == w.eng.typeInt {
			w.integer(v)
			continue
		}
		if err := w.value(v); err != nil {
			return err
		}
	}
	n := 0
	if names, _, ok := w.eng.own(o); !ok || len(names) > 1 { // an array has one name of its own: length
		var err error
		if n, err = w.properties(o, true); err != nil {
			return err
		}
	}
	w.enc.tag(tagEndDense)
	w.enc.varint(uint64(n))
	w.enc.varint(uint64(length))
	return w.checkSize(0)
}

// arrayByKeys writes an array that cannot be read in place: as a dense one if no index is missing.
func (w *writer) arrayByKeys(o *goja.Object) error {
	length := uint64(uint32(o.Get("length").ToInteger()))
	keys, err := w.rm.keyValues(o)
	if err != nil {
		return err
	}
	indices := 0
	for indices < len(keys) {
		if _, isIndex := arrayIndex(keys[indices].String()); !isIndex {
			break
		}
		indices++
	}
	if uint64(indices) != length {
		return w.sparseArray(o, length, keys)
	}
	w.enc.tag(tagBeginDense)
	w.enc.varint(length)
	for _, key := range keys[:indices] {
		v, found, err := w.getOwn(o, key)
		if err != nil {
			return err
		}
		if !found {
			w.enc.tag(tagHole)
		} else if err := w.value(v); err != nil {
			return err
		}
	}
	n, err := w.propertiesOf(o, keys[indices:])
	if err != nil {
		return err
	}
	w.enc.tag(tagEndDense)
	w.enc.varint(uint64(n))
	w.enc.varint(length)
	return nil
}

func (w *writer) sparseArray(o *goja.Object, length uint64, keys []goja.Value) error {
	w.enc.tag(tagBeginSparse)
	w.enc.varint(length)
	n, err := w.propertiesOf(o, keys)
	if err != nil {
		return err
	}
	w.enc.tag(tagEndSparse)
	w.enc.varint(uint64(n))
	w.enc.varint(length)
	return nil
}
