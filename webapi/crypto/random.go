package crypto

import (
	"encoding/hex"
	"fmt"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// maxRandomBytes is the most that one call of getRandomValues fills.
const maxRandomBytes = 65536

var errNotInteger = exception.DOM("TypeMismatchError", "ArrayBufferView argument to getRandomValues() must be an integer-typed view.")

// jsGetRandomValues fills an integer typed array and returns it.
func jsGetRandomValues(_ *cryptoObject, c *bind.Call) (any, error) {
	js := c.JS()
	switch kind := bind.ViewName(js, c.Arg(0)); kind {
	case "", "ArrayBuffer":
		return nil, c.BadArg(1, "ArrayBufferView")
	case "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "BigInt64Array", "BigUint64Array":
	default:
		return nil, errNotInteger
	}
	if _, err := c.Context(); err != nil {
		return nil, err
	}
	b, ok := bind.Bytes(js, c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "ArrayBufferView")
	}
	if len(b) > maxRandomBytes {
		return nil, exception.DOM("QuotaExceededError", fmt.Sprintf("getRandomValues() only accepts buffers of size <= 64K but provided %d bytes.", len(b)))
	}
	js.Host().Random(b)
	return c.Arg(0), nil
}

func jsRandomUUID(_ *cryptoObject, c *bind.Call) (any, error) {
	if _, err := c.Context(); err != nil {
		return nil, err
	}
	return RandomUUID(c.JS().Host()), nil
}

// RandomUUID is a version 4 UUID (RFC 9562).
func RandomUUID(host isolate.Host) string {
	var b [16]byte
	host.Random(b[:])
	b[6] = b[6]&0x0F | 0x40
	b[8] = b[8]&0x3F | 0x80
	var out [36]byte
	for i, at := range [...]struct{ from, to, pos int }{{0, 4, 0}, {4, 6, 9}, {6, 8, 14}, {8, 10, 19}, {10, 16, 24}} {
		hex.Encode(out[at.pos:], b[at.from:at.to])
		if i > 0 {
			out[at.pos-1] = '-'
		}
	}
	return string(out[:])
}
