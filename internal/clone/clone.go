// Package clone turns JavaScript values into bytes and back, and copies them from one place to another.
//
// The bytes are V8's serialization format, version 15: what workerd stores for every Durable Object value, what
// node's v8.Serializer writes, and what structuredClone is defined on. Versions 13, 14 and 15 are read. Data that does
// not begin with the version byte 0xFF is read as version 13, as workerd reads values stored before it wrote headers.
//
// Words. A *value* is a goja value of one runtime. A *tree* is the same information as plain Go values
// (see [Object], [Array] and their neighbours), for code that has no JavaScript engine at hand. A *host object* is one
// that only the embedder understands (Blob, Headers, an RPC stub); it is written and read by [HostObjects].
//
// Promises. Input is never trusted: every length is checked against the bytes that remain before anything of that size
// is allocated, depth and object count are capped, and malformed bytes give a [*DecodeError]. Objects are built with
// own properties only, so setters on polluted prototypes never run and a key "__proto__" is an ordinary key.
// Strings keep every UTF-16 code unit, lone surrogates included; where a Go string stands for a JavaScript string it is
// WTF-8 (UTF-8 that may also encode surrogates).
//
// Goroutines: functions that take a *goja.Runtime must be called on the goroutine that owns it. [Encode] and [Decode]
// may be called from anywhere. Returned bytes are never shared with anything.
package clone

import (
	"errors"
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// Version is the format version that is written.
const Version = 15

// oldestVersion is the oldest format version that is read, and the version of data without a header.
const oldestVersion = 13

// Options bound and adjust one operation. The zero value is what storage and structuredClone use.
type Options struct {
	// MaxBytes limits the encoded size, written or read. Zero means no limit beyond the format's own 4 GiB per item.
	MaxBytes int
	// MaxDepth limits nesting. A getter that clones again continues at the depth of the clone that called it.
	// Zero means limits.CloneDepth.
	MaxDepth int
	// MaxObjects limits how many objects one value may hold. Zero means limits.CloneObjects.
	MaxObjects int
	// Bounds are the numbers of what is zero here; nil means those of the table.
	Bounds *limits.Set

	// Host writes and reads host objects. Nil means that there are none.
	Host HostObjects
	// HostBySymbol says that ordinary objects which are host objects have a property of their own whose name is a
	// symbol: the others need not be offered to Host.
	HostBySymbol bool
	// ViewsAsHost offers typed arrays and DataViews to Host, too: they are written without their buffers, and those
	// that it does not take are refused. So is a SharedArrayBuffer that Memory knows.
	ViewsAsHost bool
	// Half gives the Uint16Array with the bits of a Float16Array, nil for any other value. Without it these are proxies,
	// which cannot be cloned.
	Half func(v goja.Value) *goja.Object
	// Share gives another SharedArrayBuffer on the memory of o, nil where o is none. Only StructuredClone asks.
	Share func(o *goja.Object) *goja.Object
	// Memory gives what a SharedArrayBuffer stands on, nil where o is none; Attach makes a SharedArrayBuffer on it.
	// Pack asks for the one and Unpack for the other.
	Memory func(o *goja.Object) any
	Attach func(memory any) *goja.Object
	// MemoryID gives the number that stands for a SharedArrayBuffer which Memory knows; those without one are refused. Only
	// a Serializer asks.
	MemoryID func(o *goja.Object) (id uint32, ok bool, err error)
	// Movable knows the objects beside buffers that can be transferred. Nil means that there are none.
	Movable Movables
	// Resizable knows the resizable buffers of the runtime. Nil means that buffers keep the size that they have.
	Resizable Resizables
	// Lenient leaves functions and symbols out, as JSON does: a property with one is missing, and elsewhere they are
	// undefined.
	Lenient bool
	// RefuseClassInstances makes an object whose prototype is not Object.prototype a DataCloneError unless Host takes
	// it; workerd does so for RPC. When false such objects lose their prototype, as in V8.
	RefuseClassInstances bool
	// ErrorsAsHost offers Error objects to Host before they are written in V8's own form
	// (workerd's enhanced_error_serialization).
	ErrorsAsHost bool
}

func (o *Options) maxDepth() int {
	if o.MaxDepth > 0 {
		return o.MaxDepth
	}
	return limits.CloneDepth.In(o.Bounds)
}

func (o *Options) maxObjects() int {
	if o.MaxObjects > 0 {
		return o.MaxObjects
	}
	return limits.CloneObjects.In(o.Bounds)
}

// Resizables knows resizable buffers and the views whose length is that of the rest of theirs; *natives.Library does.
type Resizables interface {
	MaxByteLength(buffer *goja.Object) (maxBytes int, ok bool)
	NewResizable(bytes []byte, maxBytes int) *goja.Object
	IsTracking(view *goja.Object) bool
}

// Movables knows the objects, other than buffers, that can be transferred: what they stand for moves, and arrives as
// another object. Its methods run on the runtime's goroutine.
type Movables interface {
	// Movable reports whether o is one of them; the error says why it cannot move now.
	Movable(o *goja.Object) (bool, error)
	// Name is what o is called in errors.
	Name(o *goja.Object) string
	// Move takes what o stands for, which belongs to no runtime any more.
	Move(o *goja.Object) any
	// Arrive makes an object of what Move gave, in this runtime or another.
	Arrive(moved any) (*goja.Object, error)
}

// HostObjects knows the objects that only the embedder understands. Its methods run on the runtime's goroutine.
type HostObjects interface {
	// WriteHost is asked for every ordinary object, class instance, function and proxy. If obj is a host object it
	// writes whatever ReadHost needs and reports true. If it reports false it must have written nothing.
	WriteHost(w *Writer, obj *goja.Object) (handled bool, err error)
	// ReadHost reads exactly what WriteHost wrote and returns the object.
	ReadHost(r *Reader) (*goja.Object, error)
}

// DataCloneError says that a value cannot be cloned. It becomes a DOMException named "DataCloneError".
type DataCloneError struct {
	// Message is V8's text, such as `function f() {} could not be cloned.`
	Message string
}

func (e *DataCloneError) Error() string { return "DataCloneError: " + e.Message }

// TransferError says that an entry of a transfer list is not transferable. It becomes a TypeError.
type TransferError struct {
	Message string
}

func (e *TransferError) Error() string { return "TypeError: " + e.Message }

// LimitError says that a limit of Options was passed. JavaScript sees a RangeError with Message.
type LimitError struct {
	What    string // "depth", "bytes" or "objects"
	Limit   int
	Message string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("RangeError: %s (limit on %s is %d)", e.Message, e.What, e.Limit)
}

// DecodeError says that bytes are not a value of this format.
type DecodeError struct {
	Offset int    // where reading stopped
	Reason string // what was wrong there
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("unable to deserialize cloned data: %s (at byte %d)", e.Reason, e.Offset)
}

func depthError(limit int) error {
	return &LimitError{What: "depth", Limit: limit, Message: "Maximum call stack size exceeded"}
}

func bytesError(limit int) error {
	return &LimitError{What: "bytes", Limit: limit, Message: "Serialized value is too large"}
}

func objectsError(limit int) error {
	return &LimitError{What: "objects", Limit: limit, Message: "Too many objects in one value"}
}

// Serialize writes v. Getters of v run and may throw.
//
// Errors: *DataCloneError for a value that cannot be cloned, *LimitError, *goja.Exception for what a getter threw,
// *goja.InterruptedError or *goja.StackOverflowError if the runtime was stopped, and errors of Options.Host as they are.
func Serialize(rt *goja.Runtime, v goja.Value, o Options) ([]byte, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	w := newWriter(rm, &o)
	defer w.release()
	if err := rm.protect(func() error { return w.root(v) }); err != nil {
		return nil, err
	}
	return append([]byte(nil), w.enc.buf...), nil
}

// Deserialize builds the value that data holds in rt. No JavaScript of the script runs, except where Options.Host runs
// it. The result shares no memory with data.
//
// Errors: *DecodeError, *LimitError, *DataCloneError for kinds that cannot cross (shared memory, WebAssembly),
// and errors of Options.Host as they are.
func Deserialize(rt *goja.Runtime, data []byte, o Options) (goja.Value, error) {
	rm, err := realmOf(rt)
	if err != nil {
		return nil, err
	}
	return deserialize(rm, data, &o, nil)
}

func deserialize(rm *realm, data []byte, o *Options, transferred []goja.Value) (v goja.Value, err error) {
	b := &valueBuilder{rm: rm, opts: o}
	err = rm.protect(func() (err error) {
		v, err = decode[goja.Value](data, o, b, rm, transferred)
		return err
	})
	if err != nil {
		return nil, unwrapHost(err)
	}
	return v, nil
}

// unwrapHost gives an error of the host as it was.
func unwrapHost(err error) error {
	var host *hostError
	if errors.As(err, &host) {
		return host.error
	}
	return err
}

// isStop reports whether err says that the runtime was stopped from outside or ran out of stack.
func isStop(err error) bool {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	return errors.As(err, &interrupted) || errors.As(err, &overflow)
}

// protect runs f so that JavaScript exceptions and a stopped runtime come back as errors. Other Go panics pass
// through: they are bugs.
func (rm *realm) protect(f func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			stopped, ok := x.(error)
			if !ok || !isStop(stopped) {
				panic(x)
			}
			err = stopped
		}
	}()
	depth := rm.depth
	defer func() { rm.depth = depth }()
	if ex := rm.rt.Try(func() { err = f() }); ex != nil {
		return ex
	}
	return err
}
