package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// chunk is one value in a stream: bytes in a native stream, any value in one that
// a script made.
type chunk struct {
	value goja.Value // set in a script's stream
	bytes []byte     // set in a native one; the receiver owns them
}

// js is the chunk as scripts see it: bytes are a Uint8Array over the same memory.
func (c chunk) js(js *isolate.JS) goja.Value {
	if c.value != nil {
		return c.value
	}
	return bind.NewUint8Array(js, c.bytes)
}

// data is the bytes of the chunk, which the caller owns.
func (c chunk) data(js *isolate.JS) ([]byte, error) {
	if c.value == nil {
		return c.bytes, nil
	}
	b, ok := bind.Bytes(js, c.value)
	if !ok {
		return nil, errNotBytes
	}
	return append([]byte(nil), b...), nil
}

// sent is what a consumer of the host takes: data, and the UTF-8 of a string.
func (c chunk) sent(js *isolate.JS) ([]byte, error) {
	if s, ok := c.value.(goja.String); ok {
		return []byte(s.String()), nil
	}
	b, err := c.data(js)
	if err != nil {
		return nil, errNotSendable
	}
	return b, nil
}

// errNotSendable is workerd's error about a stream of other values that the host reads.
var errNotSendable = exception.TypeErrorf("Draining read encountered a value that cannot be converted to bytes")

// errNotBytes is workerd's error about a stream of other values used as a body.
var errNotBytes = exception.TypeErrorf("This ReadableStream did not return bytes.")
