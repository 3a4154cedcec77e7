package core

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/octets"
)

func jsIsUTF8(c *bind.Call) (any, error)  { return utf8.Valid(memory(c, 0)), nil }
func jsIsASCII(c *bind.Call) (any, error) { return octets.IsASCII(memory(c, 0)), nil }

// numberKind is one family of read and write methods of Buffer.
type numberKind struct {
	name     string
	size     int
	low      string // the range as errors print it
	high     string
	min, max float64
	big      bool
	get      func(b []byte, o binary.ByteOrder) any
	put      func(b []byte, o binary.ByteOrder, f float64)
	putBig   func(b []byte, o binary.ByteOrder, u uint64)
}

var numberKinds = []numberKind{
	{name: "UInt8", size: 1, low: ">= 0", high: "<= 255", max: 255,
		get: func(b []byte, _ binary.ByteOrder) any { return int64(b[0]) },
		put: func(b []byte, _ binary.ByteOrder, f float64) { b[0] = byte(integer(f)) }},
	{name: "Int8", size: 1, low: ">= -128", high: "<= 127", min: -128, max: 127,
		get: func(b []byte, _ binary.ByteOrder) any { return int64(int8(b[0])) },
		put: func(b []byte, _ binary.ByteOrder, f float64) { b[0] = byte(integer(f)) }},
	{name: "UInt16", size: 2, low: ">= 0", high: "<= 65535", max: 65535,
		get: func(b []byte, o binary.ByteOrder) any { return int64(o.Uint16(b)) },
		put: func(b []byte, o binary.ByteOrder, f float64) { o.PutUint16(b, uint16(integer(f))) }},
	{name: "Int16", size: 2, low: ">= -32768", high: "<= 32767", min: -32768, max: 32767,
		get: func(b []byte, o binary.ByteOrder) any { return int64(int16(o.Uint16(b))) },
		put: func(b []byte, o binary.ByteOrder, f float64) { o.PutUint16(b, uint16(integer(f))) }},
	{name: "UInt32", size: 4, low: ">= 0", high: "<= 4294967295", max: math.MaxUint32,
		get: func(b []byte, o binary.ByteOrder) any { return int64(o.Uint32(b)) },
		put: func(b []byte, o binary.ByteOrder, f float64) { o.PutUint32(b, uint32(integer(f))) }},
	{name: "Int32", size: 4, low: ">= -2147483648", high: "<= 2147483647", min: math.MinInt32, max: math.MaxInt32,
		get: func(b []byte, o binary.ByteOrder) any { return int64(int32(o.Uint32(b))) },
		put: func(b []byte, o binary.ByteOrder, f float64) { o.PutUint32(b, uint32(integer(f))) }},
	{name: "BigUInt64", size: 8, low: ">= 0n", high: "< 2n ** 64n", big: true,
		get:    func(b []byte, o binary.ByteOrder) any { return new(big.Int).SetUint64(o.Uint64(b)) },
		putBig: func(b []byte, o binary.ByteOrder, u uint64) { o.PutUint64(b, u) }},
	{name: "BigInt64", size: 8, low: ">= -(2n ** 63n)", high: "< 2n ** 63n", big: true, min: -1,
		get:    func(b []byte, o binary.ByteOrder) any { return big.NewInt(int64(o.Uint64(b))) },
		putBig: func(b []byte, o binary.ByteOrder, u uint64) { o.PutUint64(b, u) }},
	{name: "Float", size: 4, min: math.Inf(-1), max: math.Inf(1),
		get: func(b []byte, o binary.ByteOrder) any { return float64(math.Float32frombits(o.Uint32(b))) },
		put: func(b []byte, o binary.ByteOrder, f float64) { o.PutUint32(b, math.Float32bits(float32(f))) }},
	{name: "Double", size: 8, min: math.Inf(-1), max: math.Inf(1),
		get: func(b []byte, o binary.ByteOrder) any { return math.Float64frombits(o.Uint64(b)) },
		put: func(b []byte, o binary.ByteOrder, f float64) { o.PutUint64(b, doubleBits(f)) }},
}

// doubleBits are the bits that V8 has; Go's NaN is another one.
func doubleBits(f float64) uint64 {
	if math.IsNaN(f) {
		return 0x7FF8 << 48
	}
	return math.Float64bits(f)
}

// integer is f without its fraction; what is no number is 0.
func integer(f float64) int64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return int64(f)
}

// offsetIn checks the offset of a read or write of size bytes.
func offsetIn(js *isolate.JS, v goja.Value, size, length int) (int, error) {
	if goja.IsUndefined(v) {
		v = js.Runtime().ToValue(0)
	}
	if !goja.IsNumber(v) {
		return 0, Error(js, "ERR_INVALID_ARG_TYPE", "offset", "number", v)
	}
	f := v.ToFloat()
	if f >= 0 && f <= float64(length-size) && f == math.Trunc(f) {
		return int(f), nil
	}
	return 0, boundsError(js, v, length-size, "offset")
}

// boundsError says why a position is wrong.
func boundsError(js *isolate.JS, v goja.Value, most int, name string) error {
	if f := v.ToFloat(); f != math.Floor(f) || math.IsNaN(f) {
		return Error(js, "ERR_OUT_OF_RANGE", name, "an integer", v)
	}
	if most < 0 {
		return Error(js, "ERR_BUFFER_OUT_OF_BOUNDS")
	}
	low := 0
	if name == "byteLength" {
		low = 1
	}
	return Error(js, "ERR_OUT_OF_RANGE", name, fmt.Sprintf(">= %d and <= %d", low, most), v)
}

// jsNumberFunctions puts readInt16LE and its relatives on a prototype.
func jsNumberFunctions(c *bind.Call) (any, error) {
	js := c.JS()
	proto := c.Arg(0).(*goja.Object)
	define := func(name string, length int, fn bind.Static) (err error) {
		f := bind.NewFunction(js, name, length, fn)
		return proto.DefineDataProperty(name, f, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	for _, k := range numberKinds {
		orders := []struct {
			suffix string
			order  binary.ByteOrder
		}{{"LE", binary.LittleEndian}, {"BE", binary.BigEndian}}
		if k.size == 1 {
			orders = orders[:1]
			orders[0].suffix = ""
		}
		for _, o := range orders {
			if err := define("read"+k.name+o.suffix, 0, func(c *bind.Call) (any, error) { return k.read(c, o.order) }); err != nil {
				return nil, err
			}
			if err := define("write"+k.name+o.suffix, 1, func(c *bind.Call) (any, error) { return k.write(c, o.order) }); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// ownBytes are the bytes of the receiver.
func ownBytes(c *bind.Call) ([]byte, error) {
	b, ok := bind.Bytes(c.JS(), c.This())
	if !ok {
		return nil, exception.TypeErrorf("this is not a typed array.")
	}
	return b, nil
}

func (k *numberKind) read(c *bind.Call, o binary.ByteOrder) (any, error) {
	b, err := ownBytes(c)
	if err != nil {
		return nil, err
	}
	at, err := offsetIn(c.JS(), c.Arg(0), k.size, len(b))
	if err != nil {
		return nil, err
	}
	return c.JS().Runtime().ToValue(k.get(b[at:], o)), nil
}

func (k *numberKind) write(c *bind.Call, o binary.ByteOrder) (any, error) {
	js := c.JS()
	v := c.Arg(0)
	if k.big {
		return k.writeBig(c, o)
	}
	f := 0.0
	if err := js.Try(func() { f = v.ToNumber().ToFloat() }); err != nil {
		return nil, err
	}
	b, err := ownBytes(c)
	if err != nil {
		return nil, err
	}
	if f < k.min || f > k.max {
		if k.size == 1 {
			// The offset's type is looked at first.
			if _, err := offsetIn(js, c.Arg(1), k.size, len(b)); err != nil && !goja.IsNumber(c.Arg(1)) && !goja.IsUndefined(c.Arg(1)) {
				return nil, err
			}
		}
		return nil, Error(js, "ERR_OUT_OF_RANGE", "value", k.low+" and "+k.high, f)
	}
	at, err := offsetIn(js, c.Arg(1), k.size, len(b))
	if err != nil {
		return nil, err
	}
	k.put(b[at:], o, f)
	return at + k.size, nil
}

func (k *numberKind) writeBig(c *bind.Call, o binary.ByteOrder) (any, error) {
	js := c.JS()
	n, ok := c.Arg(0).Export().(*big.Int)
	if !ok {
		// The engine words what comparing it with a BigInt would have said.
		return nil, Error(js, "ERR_INVALID_ARG_TYPE", "value", "bigint", c.Arg(0))
	}
	if k.min == 0 && (n.Sign() < 0 || n.BitLen() > 64) || k.min != 0 && !n.IsInt64() {
		return nil, Error(js, "ERR_OUT_OF_RANGE", "value", k.low+" and "+k.high, c.Arg(0))
	}
	b, err := ownBytes(c)
	if err != nil {
		return nil, err
	}
	at, err := offsetIn(js, c.Arg(1), k.size, len(b))
	if err != nil {
		return nil, err
	}
	u := n.Uint64()
	if n.Sign() < 0 {
		u = uint64(n.Int64())
	}
	k.putBig(b[at:], o, u)
	return at + k.size, nil
}

// noByteLength says that a length is no number.
func noByteLength(js *isolate.JS, v goja.Value) error {
	if bind.ProgramOf(js).Worker {
		return Error(js, "ERR_OUT_OF_RANGE", "byteLength", "an integer", v)
	}
	return Error(js, "ERR_INVALID_ARG_TYPE", "byteLength", "number", v)
}

// variable checks offset and byteLength of readIntLE(offset, byteLength) and its
// relatives.
func variable(c *bind.Call, b []byte, offset, byteLength goja.Value) (at, size int, err error) {
	js := c.JS()
	if !goja.IsNumber(byteLength) {
		return 0, 0, noByteLength(js, byteLength)
	}
	f := byteLength.ToFloat()
	if f != math.Trunc(f) || f < 1 || f > 6 {
		return 0, 0, boundsError(js, byteLength, 6, "byteLength")
	}
	if !goja.IsNumber(offset) {
		return 0, 0, Error(js, "ERR_INVALID_ARG_TYPE", "offset", "number", offset)
	}
	at, err = offsetIn(js, offset, int(f), len(b))
	return at, int(f), err
}

// jsReadVariable is readVariable(buffer, offset, byteLength, signed, little).
func jsReadVariable(c *bind.Call) (any, error) {
	b := memory(c, 0)
	if goja.IsUndefined(c.Arg(1)) {
		return nil, Error(c.JS(), "ERR_INVALID_ARG_TYPE", "offset", "number", c.Arg(1))
	}
	at, size, err := variable(c, b, c.Arg(1), c.Arg(2))
	if err != nil {
		return nil, err
	}
	var u uint64
	for i := range size {
		j := i
		if c.Arg(4).ToBoolean() {
			j = size - 1 - i
		}
		u = u<<8 | uint64(b[at+j])
	}
	n := int64(u)
	if shift := 64 - 8*size; c.Arg(3).ToBoolean() {
		n = n << shift >> shift
	}
	return n, nil
}

// jsWriteVariable is writeVariable(buffer, value, offset, byteLength, signed, little).
func jsWriteVariable(c *bind.Call) (any, error) {
	js, b := c.JS(), memory(c, 0)
	if !goja.IsNumber(c.Arg(3)) {
		return nil, noByteLength(js, c.Arg(3))
	}
	size := c.Arg(3).ToFloat()
	if size != math.Trunc(size) || size < 1 || size > 6 {
		return nil, boundsError(js, c.Arg(3), 6, "byteLength")
	}
	f := 0.0
	if err := js.Try(func() { f = c.Arg(1).ToNumber().ToFloat() }); err != nil {
		return nil, err
	}
	bits := int(size) * 8
	low, high := 0.0, math.Ldexp(1, bits)-1
	if c.Arg(4).ToBoolean() {
		low, high = -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)-1
	}
	if f < low || f > high {
		span := fmt.Sprintf(">= %.0f and <= %.0f", low, high)
		if size > 4 {
			if span = fmt.Sprintf(">= 0 and < 2 ** %d", bits); low < 0 {
				span = fmt.Sprintf(">= -(2 ** %d) and < 2 ** %d", bits-1, bits-1)
			}
		}
		return nil, Error(js, "ERR_OUT_OF_RANGE", "value", span, f)
	}
	at, n, err := variable(c, b, c.Arg(2), c.Arg(3))
	if err != nil {
		return nil, err
	}
	u := uint64(integer(f))
	for i := range n {
		j := i
		if !c.Arg(5).ToBoolean() {
			j = n - 1 - i
		}
		b[at+j] = byte(u >> (8 * i))
	}
	return at + n, nil
}
