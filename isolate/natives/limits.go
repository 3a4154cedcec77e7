package natives

import (
	"errors"
	"time"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// Default values of Limits, used for each field that is zero.
const (
	// DefaultMaxStringBytes is a quarter of V8's longest string (2^29-24
	// characters): a worker that has 128 MB of memory cannot hold more.
	DefaultMaxStringBytes = 128 << 20
	// DefaultMaxArrayLength holds 256 MiB of goja values.
	DefaultMaxArrayLength = 1 << 24
	// DefaultMaxBufferBytes is the memory of a whole workerd isolate.
	DefaultMaxBufferBytes = 128 << 20
	// DefaultJSONDepth is how deep JSON text or an object tree may nest.
	DefaultJSONDepth = 10_000
)

// Limits bounds what the natives of one runtime may do. The zero value means
// the defaults above and no hooks. A Limits is copied on use.
type Limits struct {
	// MaxStringBytes is the longest string, in UTF-16 code units, that a
	// native may build ("Invalid string length"); for ASCII it is bytes.
	MaxStringBytes int
	// MaxArrayLength is the longest dense array that a native may allocate
	// ("Invalid array length"). Sparse arrays may be longer.
	MaxArrayLength int
	// MaxBufferBytes is the longest ArrayBuffer, also behind typed arrays.
	MaxBufferBytes int
	// JSONDepth is how deep JSON.parse and JSON.stringify may nest
	// ("Maximum call stack size exceeded").
	JSONDepth int
	// Interrupted is polled by loops about every thousand steps; true means
	// that Runtime.Interrupt has been called and the native must stop. It
	// must be cheap. Without it the loops ask the engine, which costs about
	// a quarter of a microsecond per poll.
	Interrupted func() bool
	// Charge, if set, is called with the size in bytes before a large
	// allocation. An error becomes a RangeError with its text.
	Charge func(bytes int) error
	// ShowFrame, if set, gives the names of a function and of its file as users know them;
	// file is empty for a native. ok is false for a frame that users do not see.
	ShowFrame func(function, file string) (shownFunction, shownFile string, ok bool)
	// Agent waits for Atomics.wait and Atomics.waitAsync. Without it the one throws, and there is no other.
	Agent Agent
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
}

// Agent is who may wait, in the words of ECMA-262. Its methods are called on the runtime's goroutine.
type Agent interface {
	// Wait blocks until wake has something, until d is over, which is never where it is negative, or until Interrupted
	// reports true.
	Wait(wake <-chan struct{}, d time.Duration)
	// Promise returns a promise, and a function for any goroutine that fulfils it with a text.
	Promise() (promise goja.Value, fulfil func(text string))
	// After runs f on the runtime's goroutine in d, unless it is stopped.
	After(d time.Duration, f func()) (stop func())
}

// ErrInterrupted is what the Go functions of this package return, and what they
// interrupt the runtime with, when Limits.Interrupted reports true.
var ErrInterrupted = errors.New("natives: interrupted")

// chargeFloor is the smallest allocation in bytes that is announced to Charge.
const chargeFloor = 64 << 10

func (l Limits) withDefaults() Limits {
	if l.MaxStringBytes <= 0 {
		l.MaxStringBytes = DefaultMaxStringBytes
	}
	if l.MaxArrayLength <= 0 {
		l.MaxArrayLength = DefaultMaxArrayLength
	}
	if l.MaxBufferBytes <= 0 {
		l.MaxBufferBytes = DefaultMaxBufferBytes
	}
	if l.JSONDepth <= 0 {
		l.JSONDepth = DefaultJSONDepth
	}
	return l
}
