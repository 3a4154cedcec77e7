package clone

import (
	"math"
	"math/big"
	"reflect"
	"slices"
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
	if (k == kindTyped || k == kindDataView || k == kindHalf) && !w.isSeen(o) {
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

func (w *writer) primitiveObject(o *goja.Object) error {
	switch v := o.Export().(type) {
	case bool:
		if v {
			w.enc.tag(tagTrueObject)
		} else {
			w.enc.tag(tagFalseObject)
		}
	case int64:
		w.enc.tag(tagNumberObject)
		w.enc.double(float64(v))
	case float64:
		w.enc.tag(tagNumberObject)
		w.enc.double(v)
	case *big.Int:
		w.enc.tag(tagBigIntObject)
		w.enc.bigInt(v)
	default: // a Symbol object
		return w.refuse(o)
	}
	return nil
}

func (w *writer) regExp(o *goja.Object) error {
	source, err := w.rm.regExpSource(o)
	if err != nil {
		return err
	}
	var flags uint32
	for i, has := range w.rm.flags() {
		if has == nil {
			continue
		}
		v, err := has(o)
		if err != nil {
			return err
		}
		if v.ToBoolean() {
			flags |= regExpFlags[i].bit
		}
	}
	w.enc.tag(tagRegExp)
	text, ok := source.(goja.String)
	if !ok {
		return w.refuse(o)
	}
	if strings.Contains(text.String(), `\u002f`) {
		text = goja.StringFromUTF16(plainSlashes(text))
	}
	if err := w.value(text); err != nil {
		return err
	}
	w.enc.varint(uint64(flags))
	return nil
}

// plainSlashes writes a slash in the source of a regular expression as other engines do. goja's source escapes it as
// \u002f; they have \/, and / alone within a class.
func plainSlashes(source goja.String) []uint16 {
	u := make([]uint16, source.Length())
	for i := range u {
		u[i] = source.CharAt(i)
	}
	slash := []uint16{'\\', 'u', '0', '0', '2', 'f'}
	out := u[:0]
	inClass := false
	for i := 0; i < len(u); i++ {
		switch {
		case u[i] == '\\' && i+len(slash) <= len(u) && slices.Equal(u[i:i+len(slash)], slash):
			if !inClass {
				out = append(out, '\\')
			}
			out = append(out, '/')
			i += len(slash) - 1
			continue
		case u[i] == '\\' && i+1 < len(u):
			out = append(out, u[i])
			i++
		case u[i] == '[':
			inClass = true
		case u[i] == ']':
			inClass = false
		}
		out = append(out, u[i])
	}
	return out
}

func (w *writer) mapEntries(o *goja.Object) error {
	// All entries are taken first: getters of the values may change the map.
	calls, err := w.rm.collect(func() error {
		_, err := w.rm.mapForEach(o, w.rm.take())
		return err
	})
	if err != nil {
		return err
	}
	w.enc.tag(tagBeginMap)
	for i := 0; i+2 < len(calls); i += 3 { // value, key, map
		if err := w.value(calls[i+1]); err != nil {
			return err
		}
		if err := w.value(calls[i]); err != nil {
			return err
		}
	}
	w.enc.tag(tagEndMap)
	w.enc.varint(uint64(len(calls) / 3 * 2))
	return nil
}

func (w *writer) setEntries(o *goja.Object) error {
	calls, err := w.rm.collect(func() error {
		_, err := w.rm.setForEach(o, w.rm.take())
		return err
	})
	if err != nil {
		return err
	}
	w.enc.tag(tagBeginSet)
	for i := 0; i+2 < len(calls); i += 3 {
		if err := w.value(calls[i]); err != nil {
			return err
		}
	}
	w.enc.tag(tagEndSet)
	w.enc.varint(uint64(len(calls) / 3))
	return nil
}

var errorTags = map[string]byte{
	"EvalError": errorEval, "RangeError": errorRange, "ReferenceError": errorReference,
	"SyntaxError": errorSyntax, "TypeError": errorType, "URIError": errorURI,
}

func (w *writer) error(o *goja.Object) error {
	rt := w.rm.rt
	message, hasMessage, err := w.rm.ownData(o, rt.ToValue("message"))
	if err != nil {
		return err
	}
	cause, hasCause, err := w.rm.ownData(o, rt.ToValue("cause"))
	if err != nil {
		return err
	}
	w.ranJS = true // name, message and stack may be getters or objects with a toString
	w.enc.tag(tagError)
	if name, ok := orUndefined(o.Get("name")).ToString().(goja.String); ok {
		if tag, known := errorTags[name.String()]; known {
			w.enc.tag(tag)
		}
	}
	if hasMessage {
		text, ok := message.ToString().(goja.String)
		if !ok {
			return w.refuse(message)
		}
		w.enc.tag(errorMessage)
		if err := w.value(text); err != nil {
			return err
		}
	}
	if hasCause {
		w.enc.tag(errorCause)
		if err := w.value(cause); err != nil {
			return err
		}
	}
	if stack, ok := o.Get("stack").(goja.String); ok {
		w.enc.tag(errorStack)
		if err := w.value(stack); err != nil {
			return err
		}
	}
	w.enc.tag(errorEnd)
	return nil
}

func orUndefined(v goja.Value) goja.Value {
	if v == nil {
		return goja.Undefined()
	}
	return v
}

// moves writes the number of an object that is transferred.
func (w *writer) moves(o *goja.Object) bool {
	if w.transfers == nil {
		return false
	}
	id, ok := w.transfers[o]
	if ok {
		w.enc.tag(tagTransferred)
		w.enc.varint(uint64(id))
	}
	return ok
}

var errDetached = &DataCloneError{Message: "An ArrayBuffer is detached and could not be cloned."}

func (w *writer) buffer(o *goja.Object) error {
	if w.moves(o) {
		return nil
	}
	if again := w.share(o); again != nil {
		w.enc.tag(tagTransferred)
		w.enc.varint(uint64(len(w.transfers) + len(w.shared)))
		w.shared = append(w.shared, again)
		return nil
	}
	if memory := w.memory(o); memory != nil {
		w.enc.tag(tagTransferred)
		w.enc.varint(uint64(len(w.transfers) + len(w.memories)))
		w.memories = append(w.memories, memory)
		return nil
	}
	buffer, ok := o.Export().(goja.ArrayBuffer)
	if !ok {
		return w.refuse(o)
	}
	if buffer.Detached() {
		return errDetached
	}
	data := buffer.Bytes()
	if uint64(len(data)) > math.MaxUint32 {
		return w.refuse(o)
	}
	if err := w.checkSize(len(data)); err != nil {
		return err
	}
	if most, ok := w.resizable(o); ok {
		w.enc.tag(tagResizable)
		w.enc.varint(uint64(len(data)))
		w.enc.varint(uint64(most))
	} else {
		w.enc.tag(tagBuffer)
		w.enc.varint(uint64(len(data)))
	}
	w.enc.buf = append(w.enc.buf, data...)
	return nil
}

// resizable tells how long a resizable buffer may become.
func (w *writer) resizable(o *goja.Object) (maxBytes int, ok bool) {
	if w.opts.Resizable == nil {
		return 0, false
	}
	return w.opts.Resizable.MaxByteLength(o)
}

// share is Options.Share for a copy within one runtime.
func (w *writer) share(o *goja.Object) *goja.Object {
	if !w.sharing || w.opts.Share == nil {
		return nil
	}
	return w.opts.Share(o)
}

// memory is Options.Memory for a copy that leaves the runtime.
func (w *writer) memory(o *goja.Object) any {
	if !w.packing || w.opts.Memory == nil {
		return nil
	}
	return w.opts.Memory(o)
}

func (w *writer) viewBuffer(k kind, o *goja.Object) (*goja.Object, error) {
	if k == kindHalf {
		o = w.opts.Half(o)
	}
	get := w.rm.typedBuffer
	if k == kindDataView {
		get = w.rm.dataViewBuffer
	}
	v, err := get(o)
	if err != nil {
		return nil, err
	}
	buffer, ok := v.(*goja.Object)
	if !ok {
		return nil, w.refuse(o)
	}
	return buffer, nil
}

func (w *writer) view(k kind, o *goja.Object) error {
	offset, length, name := w.rm.typedOffset, w.rm.typedLength, "DataView"
	if k == kindDataView {
		offset, length = w.rm.dataViewOffset, w.rm.dataViewLength
	} else if k == kindHalf {
		o, name = w.opts.Half(o), halfArray
	} else {
		v, err := w.rm.typedName(o)
		if err != nil {
			return err
		}
		name = v.String()
	}
	from, err := offset(o)
	if err != nil {
		return err
	}
	size, err := length(o)
	if err != nil {
		return err
	}
	for _, view := range viewKinds {
		if view.name == name {
			w.enc.tag(tagView)
			w.enc.varint(uint64(view.tag))
			w.enc.varint(uint64(from.ToInteger()))
			w.enc.varint(uint64(size.ToInteger()))
			flags := uint64(0)
			if w.opts.Resizable != nil && k != kindHalf {
				if buffer, err := w.viewBuffer(k, o); err != nil {
					return err
				} else if _, ok := w.resizable(buffer); ok {
					flags = viewOnResizable
					if w.opts.Resizable.IsTracking(o) {
						flags |= viewLengthTracked
					}
				}
			}
			w.enc.varint(flags)
			return nil
		}
	}
	return w.refuse(o)
}
