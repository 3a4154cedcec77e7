package clone

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
)

// Tags of the format. Each value begins with one.
const (
	tagVersion        = 0xFF
	tagPadding        = 0x00
	tagVerifyCount    = '?'
	tagHole           = '-'
	tagUndefined      = '_'
	tagNull           = '0'
	tagTrue           = 'T'
	tagFalse          = 'F'
	tagInt32          = 'I' // zigzag varint
	tagUint32         = 'U' // varint
	tagDouble         = 'N' // 8 bytes, little endian
	tagBigInt         = 'Z' // varint (byte length << 1 | sign), digits, little endian
	tagUTF8String     = 'S' // varint byte length, bytes
	tagOneByteString  = '"' // varint length, Latin-1
	tagTwoByteString  = 'c' // varint byte length, UTF-16LE, at an even offset
	tagReference      = '^' // varint object id
	tagBeginObject    = 'o'
	tagEndObject      = '{' // varint properties
	tagBeginSparse    = 'a' // varint length
	tagEndSparse      = '@' // varint properties, varint length
	tagBeginDense     = 'A' // varint length
	tagEndDense       = '$' // varint properties, varint length
	tagDate           = 'D' // double
	tagTrueObject     = 'y'
	tagFalseObject    = 'x'
	tagNumberObject   = 'n' // double
	tagBigIntObject   = 'z'
	tagStringObject   = 's' // a string value
	tagRegExp         = 'R' // a string value, varint flags
	tagBeginMap       = ';'
	tagEndMap         = ':' // varint keys plus values
	tagBeginSet       = '\''
	tagEndSet         = ',' // varint values
	tagBuffer         = 'B' // varint length, bytes
	tagResizable      = '~' // varint length, varint maximum, bytes
	tagTransferred    = 't' // varint transfer id
	tagView           = 'V' // follows its buffer: varint kind, offset, length, and from version 14 flags
	tagSharedBuffer   = 'u'
	tagSharedObject   = 'p'
	tagWasmModule     = 'w'
	tagWasmMemory     = 'm'
	tagHost           = '\\'
	tagError          = 'r' // error tags up to errorEnd
	errorEval         = 'E'
	errorRange        = 'R'
	errorReference    = 'F'
	errorSyntax       = 'S'
	errorType         = 'T'
	errorURI          = 'U'
	errorMessage      = 'm' // a string value
	errorCause        = 'c' // a value
	errorStack        = 's' // a string value
	errorEnd          = '.'
	viewLengthTracked = 1 // view flag: the length follows the buffer's
	viewOnResizable   = 2 // view flag: the buffer is resizable
)

// regExpFlags lists the flags in the order of their bits.
var regExpFlags = [...]struct {
	bit    uint32
	letter byte
	name   string // the property of RegExp.prototype that tells
}{
	{1, 'g', "global"},
	{2, 'i', "ignoreCase"},
	{4, 'm', "multiline"},
	{8, 'y', "sticky"},
	{16, 'u', "unicode"},
	{32, 's', "dotAll"},
	{128, 'd', "hasIndices"},
	{256, 'v', "unicodeSets"},
}

// halfArray is the kind of view that goja lacks; see Options.Half.
const halfArray = "Float16Array"

// viewKinds lists the kinds of views on a buffer.
var viewKinds = [...]struct {
	tag  byte
	name string
	size uint32
}{
	{'b', "Int8Array", 1},
	{'B', "Uint8Array", 1},
	{'C', "Uint8ClampedArray", 1},
	{'w', "Int16Array", 2},
	{'W', "Uint16Array", 2},
	{'h', "Float16Array", 2},
	{'d', "Int32Array", 4},
	{'D', "Uint32Array", 4},
	{'f', "Float32Array", 4},
	{'F', "Float64Array", 8},
	{'q', "BigInt64Array", 8},
	{'Q', "BigUint64Array", 8},
	{'?', "DataView", 1},
}

// quietNaN is the one NaN that is written: payloads are not part of a JavaScript value.
const quietNaN = 0x7FF8_0000_0000_0000

// encoder appends the format's primitives.
type encoder struct {
	buf []byte
}

func (e *encoder) header() { e.buf = append(e.buf, tagVersion, Version) }

func (e *encoder) tag(t byte) { e.buf = append(e.buf, t) }

func (e *encoder) varint(v uint64) { e.buf = binary.AppendUvarint(e.buf, v) }

func (e *encoder) int32(v int32) {
	e.buf = append(e.buf, tagInt32)
	e.buf = binary.AppendUvarint(e.buf, uint64(uint32(v)<<1^uint32(v>>31)))
}

// number writes v with the shortest tag; -0 stays a double.
func (e *encoder) number(v float64) {
	if i := int32(v); float64(i) == v && (i != 0 || !math.Signbit(v)) {
		e.int32(i)
		return
	}
	e.tag(tagDouble)
	e.double(v)
}

func (e *encoder) double(v float64) {
	bits := math.Float64bits(v)
	if v != v {
		bits = quietNaN
	}
	e.buf = binary.LittleEndian.AppendUint64(e.buf, bits)
}

func (e *encoder) bigInt(v *big.Int) {
	words := v.Bits()
	n := uint64(len(words)*bits.UintSize+63) / 64 * 8
	field := n << 1
	if v.Sign() < 0 {
		field |= 1
	}
	e.varint(field)
	end := len(e.buf) + int(n)
	for _, word := range words {
		if bits.UintSize == 64 {
			e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(word))
		} else {
			e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(word))
		}
	}
	for len(e.buf) < end {
		e.buf = append(e.buf, 0)
	}
}

// ascii writes a string that holds only bytes below 0x80.
func (e *encoder) ascii(s string) {
	e.tag(tagOneByteString)
	e.varint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// utf16 writes code units, as Latin-1 when they fit.
func (e *encoder) utf16(u []uint16) {
	for _, c := range u {
		if c > 0xFF {
			e.twoByte(u)
			return
		}
	}
	e.tag(tagOneByteString)
	e.varint(uint64(len(u)))
	for _, c := range u {
		e.buf = append(e.buf, byte(c))
	}
}

func (e *encoder) twoByte(u []uint16) {
	n := uint64(len(u)) * 2
	if (len(e.buf)+1+varintLen(n))&1 != 0 {
		e.tag(tagPadding) // readers want the code units at an even offset
	}
	e.tag(tagTwoByteString)
	e.varint(n)
	for _, c := range u {
		e.buf = append(e.buf, byte(c), byte(c>>8))
	}
}

// boxed writes the object of a primitive value, and reports false where it has no such object.
func (e *encoder) boxed(v any) bool {
	switch p := v.(type) {
	case bool:
		if p {
			e.tag(tagTrueObject)
		} else {
			e.tag(tagFalseObject)
		}
	case int:
		e.tag(tagNumberObject)
		e.double(float64(p))
	case int64:
		e.tag(tagNumberObject)
		e.double(float64(p))
	case float64:
		e.tag(tagNumberObject)
		e.double(p)
	case *big.Int:
		e.tag(tagBigIntObject)
		e.bigInt(p)
	case string:
		e.tag(tagStringObject)
		e.wtf8(p)
	default:
		return false
	}
	return true
}

// wtf8 writes a Go string as a JavaScript string.
func (e *encoder) wtf8(s string) {
	if isASCII(s) {
		e.ascii(s)
		return
	}
	e.utf16(wtf8ToUTF16(s))
}

// key writes a property name: array indices as numbers, as V8 does.
func (e *encoder) key(s string) {
	if i, ok := arrayIndex(s); ok {
		e.number(float64(i))
		return
	}
	e.wtf8(s)
}

func varintLen(v uint64) int {
	return (bits.Len64(v|1) + 6) / 7
}

// arrayIndex reports whether s is the canonical form of an array index (0 to 2^32-2).
func arrayIndex(s string) (uint32, bool) {
	if len(s) == 0 || len(s) > 10 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	if n >= math.MaxUint32 {
		return 0, false
	}
	return uint32(n), true
}

// input reads the format's primitives. Every method reports a *DecodeError when the bytes run out.
type input struct {
	data []byte
	pos  int
}

func (in *input) fail(reason string) error {
	return &DecodeError{Offset: in.pos, Reason: reason}
}

func (in *input) remaining() int { return len(in.data) - in.pos }

// peek returns the next tag that is not padding, without reading it.
func (in *input) peek() (byte, bool) {
	for i := in.pos; i < len(in.data); i++ {
		if in.data[i] != tagPadding {
			return in.data[i], true
		}
	}
	return 0, false
}

func (in *input) tag() (byte, error) {
	for in.pos < len(in.data) {
		t := in.data[in.pos]
		in.pos++
		if t != tagPadding {
			return t, nil
		}
	}
	return 0, in.fail("the data ends where a value should begin")
}

func (in *input) byte() (byte, error) {
	if in.pos >= len(in.data) {
		return 0, in.fail("the data ends too early")
	}
	b := in.data[in.pos]
	in.pos++
	return b, nil
}

// varint reads 32 bits. Like V8 it drops bits that do not fit and stops after five bytes.
func (in *input) varint() (uint32, error) {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b, err := in.byte()
		if err != nil {
			return 0, err
		}
		v |= uint32(b&0x7F) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return v, nil
}

func (in *input) varint64() (uint64, error) {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		b, err := in.byte()
		if err != nil {
			return 0, err
		}
		v |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return v, nil
}

func (in *input) double() (float64, error) {
	b, err := in.bytes(8)
	if err != nil {
		return 0, err
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if v != v {
		v = math.NaN()
	}
	return v, nil
}

// bytes returns the next n bytes; they alias the input.
func (in *input) bytes(n uint64) ([]byte, error) {
	if n > uint64(in.remaining()) {
		return nil, in.fail("a length is larger than the data that remains")
	}
	b := in.data[in.pos : in.pos+int(n)]
	in.pos += int(n)
	return b, nil
}

func (in *input) lengthBytes() ([]byte, error) {
	n, err := in.varint()
	if err != nil {
		return nil, err
	}
	return in.bytes(uint64(n))
}

func (in *input) bigInt() (*big.Int, error) {
	field, err := in.varint()
	if err != nil {
		return nil, err
	}
	raw, err := in.bytes(uint64(field >> 1))
	if err != nil {
		return nil, err
	}
	be := make([]byte, len(raw))
	for i, b := range raw {
		be[len(raw)-1-i] = b
	}
	v := new(big.Int).SetBytes(be)
	if field&1 != 0 {
		v.Neg(v)
	}
	return v, nil
}
