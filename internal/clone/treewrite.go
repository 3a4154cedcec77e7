package clone

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
)

// treeWriter writes one tree.
type treeWriter struct {
	opts  *Options
	enc   encoder
	ids   map[any]uint32 // by pointer
	depth int
}

func (w *treeWriter) checkSize() error {
	if limit := w.opts.MaxBytes; limit > 0 && len(w.enc.buf) > limit {
		return bytesError(limit)
	}
	return nil
}

func (w *treeWriter) value(v any) error {
	switch v := v.(type) {
	case nil:
		w.enc.tag(tagNull)
	case Undefined:
		w.enc.tag(tagUndefined)
	case bool:
		if v {
			w.enc.tag(tagTrue)
		} else {
			w.enc.tag(tagFalse)
		}
	case int:
		w.enc.number(float64(v))
	case float64:
		w.enc.number(v)
	case string:
		w.enc.wtf8(v)
	case *big.Int:
		w.enc.tag(tagBigInt)
		w.enc.bigInt(v)
	case *View:
		if v == nil || v.Buffer == nil || uint64(v.Offset)+uint64(v.Length) > uint64(len(v.Buffer.Data)) {
			return &DataCloneError{Message: "a View reaches beyond its Buffer and could not be cloned."}
		}
		if _, seen := w.ids[v]; !seen {
			if err := w.value(v.Buffer); err != nil {
				return err
			}
		}
		return w.object(v)
	case *Object, *Array, *Date, *RegExp, *Map, *Set, *Boxed, *Error, *Buffer:
		return w.object(v)
	default:
		return &DataCloneError{Message: fmt.Sprintf("a Go value of type %T could not be cloned.", v)}
	}
	return nil
}

// object writes an object that is identified by its pointer.
func (w *treeWriter) object(v any) error {
	if reflect.ValueOf(v).IsNil() {
		return &DataCloneError{Message: fmt.Sprintf("a nil %T could not be cloned.", v)}
	}
	if id, seen := w.ids[v]; seen {
		w.enc.tag(tagReference)
		w.enc.varint(uint64(id))
		return nil
	}
	if len(w.ids) >= w.opts.maxObjects() {
		return objectsError(w.opts.maxObjects())
	}
	if err := w.checkSize(); err != nil {
		return err
	}
	if w.depth >= w.opts.maxDepth() {
		return depthError(w.opts.maxDepth())
	}
	w.ids[v] = uint32(len(w.ids))
	w.depth++
	err := w.contents(v)
	w.depth--
	return err
}

func (w *treeWriter) contents(v any) error {
	switch v := v.(type) {
	case *Object:
		w.enc.tag(tagBeginObject)
		if err := w.properties(v.Properties); err != nil {
			return err
		}
		w.enc.tag(tagEndObject)
		w.enc.varint(uint64(len(v.Properties)))
	case *Array:
		return w.array(v)
	case *Date:
		w.enc.tag(tagDate)
		w.enc.double(v.Milliseconds)
	case *RegExp:
		return w.regExp(v)
	case *Map:
		w.enc.tag(tagBeginMap)
		for _, e := range v.Entries {
			if err := w.value(e.Key); err != nil {
				return err
			}
			if err := w.value(e.Value); err != nil {
				return err
			}
		}
		w.enc.tag(tagEndMap)
		w.enc.varint(uint64(len(v.Entries)) * 2)
	case *Set:
		w.enc.tag(tagBeginSet)
		for _, e := range v.Values {
			if err := w.value(e); err != nil {
				return err
			}
		}
		w.enc.tag(tagEndSet)
		w.enc.varint(uint64(len(v.Values)))
	case *Boxed:
		return w.boxed(v)
	case *Error:
		return w.error(v)
	case *Buffer:
		if uint64(len(v.Data)) > math.MaxUint32 {
			return &DataCloneError{Message: "a Buffer of more than 4 GiB could not be cloned."}
		}
		w.enc.tag(tagBuffer)
		w.enc.varint(uint64(len(v.Data)))
		w.enc.buf = append(w.enc.buf, v.Data...)
	case *View:
		for _, k := range viewKinds {
			if k.name == v.Kind {
				w.enc.tag(tagView)
				w.enc.varint(uint64(k.tag))
				w.enc.varint(uint64(v.Offset))
				w.enc.varint(uint64(v.Length))
				w.enc.varint(0)
				return nil
			}
		}
		return &DataCloneError{Message: fmt.Sprintf("a View of kind %q could not be cloned.", v.Kind)}
	}
	return nil
}

func (w *treeWriter) properties(properties []Property) error {
	for _, p := range properties {
		w.enc.key(p.Key)
		if err := w.value(p.Value); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWriter) array(a *Array) error {
	begin, end := byte(tagBeginDense), byte(tagEndDense)
	if a.Sparse {
		begin, end = tagBeginSparse, tagEndSparse
	}
	if !a.Sparse && uint64(len(a.Elements)) != uint64(a.Length) || a.Sparse && len(a.Elements) > 0 {
		return &DataCloneError{Message: fmt.Sprintf("an Array of length %d with %d elements could not be cloned.",
			a.Length, len(a.Elements))}
	}
	w.enc.tag(begin)
	w.enc.varint(uint64(a.Length))
	for _, e := range a.Elements {
		if _, hole := e.(Hole); hole {
			w.enc.tag(tagHole)
		} else if err := w.value(e); err != nil {
			return err
		}
	}
	if err := w.properties(a.Properties); err != nil {
		return err
	}
	w.enc.tag(end)
	w.enc.varint(uint64(len(a.Properties)))
	w.enc.varint(uint64(a.Length))
	return nil
}

func (w *treeWriter) regExp(v *RegExp) error {
	var flags uint32
	for _, letter := range []byte(v.Flags) {
		bit := uint32(0)
		for _, f := range regExpFlags {
			if f.letter == letter {
				bit = f.bit
			}
		}
		if bit == 0 || flags&bit != 0 {
			return &DataCloneError{Message: fmt.Sprintf("a RegExp with the flags %q could not be cloned.", v.Flags)}
		}
		flags |= bit
	}
	w.enc.tag(tagRegExp)
	w.enc.wtf8(v.Source)
	w.enc.varint(uint64(flags))
	return nil
}

func (w *treeWriter) boxed(v *Boxed) error {
	if !w.enc.boxed(v.Value) {
		return &DataCloneError{Message: fmt.Sprintf("a Boxed value of type %T could not be cloned.", v.Value)}
	}
	return nil
}

func (w *treeWriter) error(v *Error) error {
	w.enc.tag(tagError)
	if tag, known := errorTags[v.Name]; known {
		w.enc.tag(tag)
	}
	if v.HasMessage {
		w.enc.tag(errorMessage)
		w.enc.wtf8(v.Message)
	}
	if v.HasCause {
		w.enc.tag(errorCause)
		if err := w.value(v.Cause); err != nil {
			return err
		}
	}
	if v.HasStack {
		w.enc.tag(errorStack)
		w.enc.wtf8(v.Stack)
	}
	w.enc.tag(errorEnd)
	return nil
}
