package clone

import (
	"math"
	"math/big"
	"strconv"
)

// builder makes values of one representation: goja values or trees. V's zero value stands for the hole of an array.
// Errors of a builder are reported as undecodable data unless they are of this package's types.
type builder[V any] interface {
	undefined() V
	null() V
	boolean(bool) V
	number(float64) V
	integer(int32) V
	bigInt(*big.Int) V
	latin1([]byte) V   // the argument aliases the input
	utf16le([]byte) V  // likewise
	utf8([]byte) V     // likewise
	isString(V) bool   // primitive strings only
	text(V) string     // of a primitive string, as WTF-8
	isNumber(V) bool   // primitive numbers only
	float(v V) float64 // of a primitive number

	object() V
	array(elements []V) (V, error)                    // elements are copied; zero values are holes
	setElement(arr V, i int, v V) error               // i is at least the length so far
	setLength(arr V, length uint32, dense bool) error // never shorter than the elements
	setProperty(o V, key string, v V) error           // key is WTF-8; must become an own property

	date(ms float64) (V, error)
	primitive(v V) (V, error) // a wrapper object
	regExp(source V, flags string) (V, error)
	newMap() (V, error)
	mapSet(m, k, v V) error
	newSet() (V, error)
	setAdd(s, v V) error
	buffer([]byte) V // the argument aliases the input
	resizable(raw []byte, maxBytes uint32) V
	view(buffer V, kind int, offset, length uint32, tracking bool) (V, error)
	newError(tag byte, message V) (V, error) // message is the zero value if there is none
	errorType(e V, tag byte) error           // changes the type of an error made before it was known
	errorCause(e, cause V) error
	errorStack(e, stack V) error // stack is the zero value if there is none
	host(d *decoder[V]) (V, error)
}

// slot is one entry of the table of objects.
type slot[V any] struct {
	v     V
	state slotState
	base  int    // slotPending: where the elements begin on the stack
	size  uint32 // of a buffer
	kind  slotKind
}

type slotState uint8

const (
	slotMissing slotState = iota // being read, cannot be referred to yet
	slotPending                  // a dense array that is made when it is complete, or when it is referred to before
	slotReady
)

type slotKind uint8

const (
	slotObject slotKind = iota
	slotBuffer
	slotResizable
)

// recentKeys holds property names that were read, so that equal objects share them. It may be lossy: a name
// pushes out another one.
type recentKeys [64]string

func (r *recentKeys) intern(raw []byte) string {
	if len(raw) == 0 || len(raw) > 32 {
		return string(raw)
	}
	recent := &r[(uint(raw[0])+uint(raw[len(raw)-1])*7+uint(raw[len(raw)/2])*3+uint(len(raw))*5)%uint(len(r))]
	if *recent != string(raw) {
		*recent = string(raw)
	}
	return *recent
}

// decoder reads one value. It is the only reader of the format; builders decide what comes out.
type decoder[V any] struct {
	in      input
	opts    *Options
	b       builder[V]
	depth   *int
	version uint32
	// viewFlags: views carry flags. True from version 14, and for data of V8 builds that wrote them as version 13.
	viewFlags   bool
	sawView     bool
	transferred []V
	byID        map[uint32]V // transferred, too; by any numbers

	slots  []slot[V]
	stack  []V // elements of the pending arrays
	recent *recentKeys
}

// decode reads data with b. depth may be shared with other decoders of the same runtime.
func decode[V any](data []byte, o *Options, b builder[V], rm *realm, transferred []V) (V, error) {
	var zero V
	if o.MaxBytes > 0 && len(data) > o.MaxBytes {
		return zero, bytesError(o.MaxBytes)
	}
	depth, recent := new(int), (*recentKeys)(nil)
	if rm != nil {
		depth, recent = &rm.depth, &rm.recent
	}
	before := *depth
	d := &decoder[V]{in: input{data: data}, opts: o, b: b, depth: depth, version: oldestVersion, transferred: transferred,
		recent: recent}
	if err := d.header(); err != nil {
		return zero, err
	}
	d.viewFlags = d.version >= 14
	start := d.in.pos
	v, err := d.value()
	if _, malformed := err.(*DecodeError); malformed && d.sawView && !d.viewFlags {
		// Some V8 builds wrote views with flags and called it version 13.
		*depth = before
		again := &decoder[V]{in: input{data, start}, opts: o, b: b, depth: depth, version: d.version, viewFlags: true,
			transferred: transferred}
		if v2, err2 := again.value(); err2 == nil {
			return v2, nil
		}
	}
	if err != nil {
		return zero, err
	}
	return v, nil
}

func (d *decoder[V]) header() error {
	if len(d.in.data) == 0 {
		return d.in.fail("there is no data")
	}
	if d.in.data[0] != tagVersion {
		return nil
	}
	d.in.pos = 1
	v, err := d.in.varint()
	if err != nil {
		return err
	}
	d.version = v
	return d.checkVersion()
}

func (d *decoder[V]) checkVersion() error {
	if d.version < oldestVersion || d.version > Version {
		return d.in.fail("format version " + strconv.FormatUint(uint64(d.version), 10) + " is not supported (13 to 15 are)")
	}
	return nil
}

// wrap makes a builder's refusal an error about the data, unless it says more by itself.
func (d *decoder[V]) wrap(err error) error {
	switch err.(type) {
	case nil, *DecodeError, *LimitError, *DataCloneError, *hostError:
		return err
	}
	if isStop(err) {
		return err
	}
	return d.in.fail(err.Error())
}

// newSlot gives the object that begins here its id.
func (d *decoder[V]) newSlot() (uint32, error) {
	if len(d.slots) >= d.opts.maxObjects() {
		return 0, objectsError(d.opts.maxObjects())
	}
	d.slots = append(d.slots, slot[V]{})
	return uint32(len(d.slots) - 1), nil
}

func (d *decoder[V]) ready(id uint32, v V) V {
	d.slots[id].v, d.slots[id].state = v, slotReady
	return v
}

// value reads one value, and the view on it if it is a buffer that a view follows.
func (d *decoder[V]) value() (V, error) {
	var zero V
	tag, err := d.in.tag()
	if err != nil {
		return zero, err
	}
	for tag == tagVerifyCount {
		if _, err := d.in.varint(); err != nil {
			return zero, err
		}
		if tag, err = d.in.tag(); err != nil {
			return zero, err
		}
	}
	switch tag {
	case tagUndefined:
		return d.b.undefined(), nil
	case tagNull:
		return d.b.null(), nil
	case tagTrue:
		return d.b.boolean(true), nil
	case tagFalse:
		return d.b.boolean(false), nil
	case tagInt32:
		n, err := d.in.varint()
		return d.b.integer(int32(n>>1) ^ -int32(n&1)), err
	case tagUint32:
		n, err := d.in.varint()
		return d.b.number(float64(n)), err
	case tagDouble:
		n, err := d.in.double()
		return d.b.number(n), err
	case tagBigInt:
		n, err := d.in.bigInt()
		if err != nil {
			return zero, err
		}
		return d.b.bigInt(n), nil
	case tagOneByteString, tagUTF8String, tagTwoByteString:
		return d.string(tag)
	case tagReference, tagBuffer, tagResizable, tagTransferred:
		return d.bufferOrReference(tag)
	}
	if *d.depth >= d.opts.maxDepth() {
		return zero, depthError(d.opts.maxDepth())
	}
	id, err := d.newSlot()
	if err != nil {
		return zero, err
	}
	*d.depth++
	v, err := d.object(tag, id)
	*d.depth--
	return v, d.wrap(err)
}

func (d *decoder[V]) string(tag byte) (V, error) {
	raw, err := d.in.lengthBytes()
	if err != nil {
		var zero V
		return zero, err
	}
	switch {
	case tag == tagOneByteString:
		return d.b.latin1(raw), nil
	case tag == tagUTF8String:
		return d.b.utf8(raw), nil
	case len(raw)%2 != 0:
		var zero V
		return zero, d.in.fail("a two-byte string has an odd length")
	}
	return d.b.utf16le(raw), nil
}

// stringValue reads a value that must be a primitive string.
func (d *decoder[V]) stringValue() (V, error) {
	v, err := d.value()
	if err == nil && !d.b.isString(v) {
		err = d.in.fail("expected a string")
	}
	return v, err
}

// object reads what follows the tag of an object whose id is known.
func (d *decoder[V]) object(tag byte, id uint32) (V, error) {
	var zero V
	switch tag {
	case tagBeginObject:
		o := d.ready(id, d.b.object())
		n, err := d.properties(o, tagEndObject, 0)
		if err != nil {
			return zero, err
		}
		return o, d.expect(n, "properties")
	case tagBeginDense:
		return d.denseArray(id)
	case tagBeginSparse:
		return d.sparseArray(id)
	case tagDate:
		ms, err := d.in.double()
		if err != nil {
			return zero, err
		}
		return d.made(id)(d.b.date(ms))
	case tagTrueObject, tagFalseObject:
		return d.made(id)(d.b.primitive(d.b.boolean(tag == tagTrueObject)))
	case tagNumberObject:
		n, err := d.in.double()
		if err != nil {
			return zero, err
		}
		return d.made(id)(d.b.primitive(d.b.number(n)))
	case tagBigIntObject:
		n, err := d.in.bigInt()
		if err != nil {
			return zero, err
		}
		return d.made(id)(d.b.primitive(d.b.bigInt(n)))
	case tagStringObject:
		s, err := d.stringValue()
		if err != nil {
			return zero, err
		}
		return d.made(id)(d.b.primitive(s))
	case tagRegExp:
		return d.regExp(id)
	case tagBeginMap:
		return d.mapEntries(id)
	case tagBeginSet:
		return d.setEntries(id)
	case tagError:
		return d.error(id)
	case tagHost:
		return d.made(id)(d.b.host(d))
	case tagSharedBuffer, tagWasmMemory:
		return zero, &DataCloneError{Message: "A SharedArrayBuffer could not be cloned."}
	case tagWasmModule:
		return zero, &DataCloneError{Message: "A WebAssembly.Module could not be cloned."}
	case tagSharedObject:
		return zero, &DataCloneError{Message: "A shared object could not be cloned."}
	}
	return zero, &DecodeError{Offset: d.in.pos - 1, Reason: "unknown tag " + strconv.QuoteRune(rune(tag))}
}

// made registers the object that a builder made.
func (d *decoder[V]) made(id uint32) func(V, error) (V, error) {
	return func(v V, err error) (V, error) {
		if err != nil {
			return v, err
		}
		return d.ready(id, v), nil
	}
}

// expect reads a count and compares it with what was read.
func (d *decoder[V]) expect(n uint32, what string) error {
	count, err := d.in.varint()
	if err == nil && count != n {
		err = d.in.fail("the number of " + what + " is " + strconv.Itoa(int(n)) + ", not " + strconv.Itoa(int(count)))
	}
	return err
}

// atEnd reads the end tag if it is next.
func (d *decoder[V]) atEnd(end byte) bool {
	tag, ok := d.in.peek()
	if !ok || tag != end {
		return false
	}
	_, err := d.in.tag()
	return err == nil
}

// properties reads keys and values up to the end tag and returns how many. Those of an array must lie
// within its length.
func (d *decoder[V]) properties(o V, end byte, length uint32) (uint32, error) {
	for n := uint32(0); ; n++ {
		if d.atEnd(end) {
			return n, nil
		}
		key, err := d.key()
		if err != nil {
			return 0, err
		}
		if end != tagEndObject {
			if i, isIndex := arrayIndex(key); isIndex && i >= length || key == "length" {
				return 0, d.in.fail("an array of length " + strconv.FormatUint(uint64(length), 10) + " has a property " + key)
			}
		}
		v, err := d.value()
		if err != nil {
			return 0, err
		}
		if err := d.b.setProperty(o, key, v); err != nil {
			return 0, err
		}
	}
}

// key reads a property key as WTF-8.
func (d *decoder[V]) key() (string, error) {
	if d.in.pos < len(d.in.data) && d.in.data[d.in.pos] == tagOneByteString {
		d.in.pos++
		raw, err := d.in.lengthBytes()
		if err != nil {
			return "", err
		}
		if !isASCII(raw) {
			return string(latin1ToWTF8(nil, raw)), nil
		}
		if d.recent == nil {
			d.recent = new(recentKeys)
		}
		return d.recent.intern(raw), nil
	}
	v, err := d.value()
	if err != nil {
		return "", err
	}
	if d.b.isString(v) {
		return d.b.text(v), nil
	}
	if d.b.isNumber(v) {
		return numberKey(d.b.float(v)), nil
	}
	return "", d.in.fail("a property key is neither a string nor a number")
}

// numberKey is JavaScript's Number::toString for the numbers that occur as keys.
func numberKey(f float64) string {
	switch abs := math.Abs(f); {
	case f != f:
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		return "0"
	case abs >= 1e21 || abs < 1e-6:
		s := strconv.FormatFloat(f, 'e', -1, 64)
		for i := range s { // JavaScript writes no leading zero in the exponent
			if s[i] == 'e' && s[i+2] == '0' {
				return s[:i+2] + s[i+3:]
			}
		}
		return s
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
