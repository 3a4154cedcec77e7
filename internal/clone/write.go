package clone

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// writer serializes the values of one Serialize call.
type writer struct {
	rm   *realm
	eng  *engine
	opts *Options
	enc  encoder

	few       [12]*goja.Object        // the first objects written: their index is their id
	many      map[*goja.Object]uint32 // the ids of all of them, once there are more
	count     uint32
	transfers map[*goja.Object]uint32
	sharing   bool         // the copy is for the same runtime
	shared    []goja.Value // SharedArrayBuffers of the copy, whose ids follow those of transfers
	packing   bool         // the copy is for any runtime
	plainOnly bool         // arrays are no simple values
	memories  []any        // what its SharedArrayBuffers stand on; their ids follow those of transfers

	// ranJS is set once script may have run (a getter, toString): from then on nothing read earlier is trusted.
	ranJS bool

	names  []unistring.String // stacks of what the objects under way had when they were begun
	values []goja.Value
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// A pooled writer keeps buffers and stacks up to these sizes.
const (
	keepBytes = 256 << 10
	keepNames = 1024
)

func newWriter(rm *realm, o *Options) *writer {
	w := writers.Get().(*writer)
	w.rm, w.eng, w.opts = rm, rm.eng, o
	return w
}

// release forgets everything the writer saw and returns it to the pool.
func (w *writer) release() {
	w.dropStacks(0)
	if w.transfers == nil && w.many == nil && w.shared == nil && w.memories == nil && !w.ranJS && cap(w.enc.buf) <= keepBytes && cap(w.names) <= keepNames && cap(w.values) <= keepNames {
		// What most writers were.
		clear(w.few[:w.count])
		w.rm, w.eng, w.opts, w.enc.buf, w.count = nil, nil, nil, w.enc.buf[:0], 0
		w.sharing, w.packing, w.plainOnly = false, false, false
		writers.Put(w)
		return
	}
	fresh := writer{enc: encoder{w.enc.buf[:0]}, names: w.names[:0], values: w.values[:0]}
	if cap(fresh.enc.buf) > keepBytes {
		fresh.enc.buf = nil
	}
	if cap(fresh.names) > keepNames {
		fresh.names = nil
	}
	if cap(fresh.values) > keepNames {
		fresh.values = nil
	}
	*w = fresh
	writers.Put(w)
}

func (w *writer) root(v goja.Value) error {
	w.enc.header()
	if err := w.value(v); err != nil {
		return err
	}
	return w.checkSize(0)
}

// checkSize reports whether n more bytes may be written.
func (w *writer) checkSize(n int) error {
	if limit := w.opts.MaxBytes; limit > 0 && len(w.enc.buf)+n > limit {
		return bytesError(limit)
	}
	return nil
}

func (w *writer) value(v goja.Value) error {
	if o, ok := v.(*goja.Object); ok {
		return w.object(o)
	}
	switch t := reflect.TypeOf(v); t {
	case nil:
		w.enc.tag(tagUndefined)
	case w.eng.typeInt:
		w.integer(v)
	case w.eng.typeASCII:
		s := v.String()
		if err := w.checkSize(len(s)); err != nil {
			return err
		}
		w.enc.ascii(s)
	case w.eng.typeFloat:
		w.enc.number(v.ToFloat())
	case w.eng.typeBool:
		if v.ToBoolean() {
			w.enc.tag(tagTrue)
		} else {
			w.enc.tag(tagFalse)
		}
	case w.eng.typeBigInt:
		return w.bigInt(tagBigInt, v)
	default:
		switch s := v.(type) {
		case goja.String:
			return w.string(s)
		case *goja.Symbol:
			if w.opts.Lenient {
				w.enc.tag(tagUndefined)
				return nil
			}
			return w.refuse(v)
		}
		switch {
		case goja.IsUndefined(v):
			w.enc.tag(tagUndefined)
		case goja.IsNull(v):
			w.enc.tag(tagNull)
		case goja.IsNumber(v): // -0 and the other numbers goja keeps as special values
			w.enc.number(v.ToFloat())
		default:
			return w.refuse(v)
		}
	}
	return nil
}

func (w *writer) integer(v goja.Value) {
	i := v.ToInteger()
	if int64(int32(i)) == i {
		w.enc.int32(int32(i))
		return
	}
	w.enc.tag(tagDouble)
	w.enc.double(float64(i))
}

func (w *writer) bigInt(tag byte, v goja.Value) error {
	b, ok := v.Export().(*big.Int)
	if !ok {
		return w.refuse(v)
	}
	if err := w.checkSize(b.BitLen() / 8); err != nil {
		return err
	}
	w.enc.tag(tag)
	w.enc.bigInt(b)
	return nil
}

func (w *writer) string(s goja.String) error {
	if err := w.checkSize(s.Length()); err != nil {
		return err
	}
	if t := reflect.TypeOf(s); t == w.eng.typeUnicode {
		u := reflect.ValueOf(s).Convert(reflect.TypeFor[[]uint16]()).Interface().([]uint16)
		w.enc.utf16(u[1:]) // the first unit is goja's mark of a UTF-16 string
		return nil
	}
	// A string from Go (or one this goja represents in an unknown way) gives its text as UTF-8. That is exact
	// only if no code unit is a lone surrogate, which UTF-8 would have turned into U+FFFD.
	text := s.String()
	if isASCII(text) {
		w.enc.ascii(text)
		return nil
	}
	if !strings.ContainsRune(text, '\uFFFD') {
		w.enc.wtf8(text)
		return nil
	}
	u := make([]uint16, s.Length())
	for i := range u {
		u[i] = s.CharAt(i)
	}
	w.enc.utf16(u)
	return nil
}

// seen returns the id of an object that was begun before; otherwise it gives o the next id.
func (w *writer) seen(o *goja.Object) (uint32, bool) {
	if w.many == nil {
		for i := range w.count {
			if w.few[i] == o {
				return i, true
			}
		}
		if int(w.count) < len(w.few) {
			w.few[w.count] = o
			w.count++
			return 0, false
		}
		w.many = make(map[*goja.Object]uint32, 4*len(w.few))
		for i, f := range w.few {
			w.many[f] = uint32(i)
		}
	}
	if id, ok := w.many[o]; ok {
		return id, true
	}
	w.many[o] = w.count
	w.count++
	return 0, false
}

func (w *writer) isSeen(o *goja.Object) bool {
	if w.many != nil {
		_, ok := w.many[o]
		return ok
	}
	for _, f := range w.few[:w.count] {
		if f == o {
			return true
		}
	}
	return false
}

func (w *writer) object(o *goja.Object) error {
	k := w.eng.kindOf(o)
	if k == kindFunction && w.opts.Lenient {
		w.enc.tag(tagUndefined)
		return nil
	}
	if k == kindProxy && w.opts.Half != nil && w.opts.Half(o) != nil {
		k = kindHalf
	}
	hosted := w.opts.ViewsAsHost && (k == kindTyped || k == kindDataView)
	if (k == kindTyped || k == kindDataView || k == kindHalf) && !hosted && !w.isSeen(o) {
		// A view follows its buffer, which is written first and so has the lower id.
		buffer, err := w.viewBuffer(k, o)
		if err != nil {
			return err
		}
		if err := w.object(buffer); err != nil {
			return err
		}
	}
	if id, ok := w.seen(o); ok {
		w.enc.tag(tagReference)
		w.enc.varint(uint64(id))
		return nil
	}
	if int(w.count) > w.opts.maxObjects() {
		return objectsError(w.opts.maxObjects())
	}
	if err := w.checkSize(0); err != nil {
		return err
	}
	if w.rm.depth >= w.opts.maxDepth() {
		return depthError(w.opts.maxDepth())
	}
	w.rm.depth++
	err := w.begun(k, o)
	w.rm.depth--
	return err
}

// begun writes an object that has just got its id.
func (w *writer) begun(k kind, o *goja.Object) error {
	switch k {
	case kindPlain, kindLazy:
		if w.moves(o) {
			return nil
		}
		if w.opts.Host != nil {
			if handled, err := w.host(o); handled || err != nil {
				return err
			}
		}
		if o == w.rm.rt.GlobalObject() {
			return w.refuse(o)
		}
		if w.opts.RefuseClassInstances && o.Prototype() != w.rm.objectProto {
			return w.refuseInstance(o)
		}
		return w.plain(o)
	case kindArray, kindOtherArray:
		return w.array(o)
	case kindDate:
		w.enc.tag(tagDate)
		ms := math.NaN()
		if t, ok := o.Export().(time.Time); ok {
			ms = float64(t.UnixMilli())
		}
		w.enc.double(ms)
	case kindPrimitive:
		return w.primitiveObject(o)
	case kindString:
		v, err := w.rm.stringValue(o)
		if err != nil {
			return err
		}
		w.enc.tag(tagStringObject)
		return w.value(v)
	case kindRegExp:
		return w.regExp(o)
	case kindMap:
		return w.mapEntries(o)
	case kindSet:
		return w.setEntries(o)
	case kindError:
		if w.opts.Host != nil && w.opts.ErrorsAsHost {
			if handled, err := w.host(o); handled || err != nil {
				return err
			}
		}
		return w.error(o)
	case kindBuffer:
		return w.buffer(o)
	case kindTyped, kindDataView, kindHalf:
		if w.opts.ViewsAsHost && k != kindHalf {
			if handled, err := w.host(o); handled || err != nil {
				return err
			}
			return w.refuse(o)
		}
		return w.view(k, o)
	default:
		if w.opts.Host != nil {
			if handled, err := w.host(o); handled || err != nil {
				return err
			}
		}
		return w.refuse(o)
	}
	return nil
}
