package ports

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Bytes is a message of bytes, which arrive as a Uint8Array. Nobody else has them.
type Bytes []byte

// Size is threads.Message's.
func (b Bytes) Size() int { return len(b) }

// Value is threads.Message's.
func (b Bytes) Value(js *isolate.JS) (goja.Value, error) { return bind.NewUint8Array(js, b), nil }
