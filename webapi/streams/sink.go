package streams

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Sink takes what scripts write, at once. What a function returns as its error errors
// the stream.
type Sink struct {
	Write func(js *isolate.JS, chunk goja.Value) error
	Close func(js *isolate.JS) error
	Abort func(js *isolate.JS, reason goja.Value) error
}

// NewWritable is the stream into s that obj, an instance of a subclass of
// WritableClass, stands for.
func NewWritable(js *isolate.JS, obj *goja.Object, s Sink) *Writable {
	w := &Writable{obj: obj}
	settled := func(js *isolate.JS, err error) *goja.Object {
		if err != nil {
			check(js, err)
			return rejected(js, js.Error(err))
		}
		return resolved(js)
	}
	newWritable(w, strategy{hwm: 1}, sink{
		write: func(js *isolate.JS, v goja.Value) *goja.Object { return settled(js, s.Write(js, v)) },
		close: func(js *isolate.JS) *goja.Object { return settled(js, s.Close(js)) },
		abort: func(js *isolate.JS, reason goja.Value) *goja.Object { return settled(js, s.Abort(js, reason)) },
	}).start(js, resolved(js))
	return w
}

// WritableClass is WritableStream, for classes that extend it.
func WritableClass() *bind.Class[Writable] { return writableClass }

// CloseWritable closes a WritableStream as its owner, whoever holds its lock: what was
// written leaves first. The promise settles when the sink has closed; it is resolved
// for a stream that is closed or failed already.
func CloseWritable(js *isolate.JS, v goja.Value) *goja.Object {
	w, ok := WritableOf(js, v)
	if !ok || w.closing() || w.state != writable {
		return resolved(js)
	}
	return w.close(js)
}

// AbortWritable gives a WritableStream up, whoever holds its lock.
func AbortWritable(js *isolate.JS, v goja.Value, reason goja.Value) *goja.Object {
	w, ok := WritableOf(js, v)
	if !ok {
		return resolved(js)
	}
	return w.abort(js, reason)
}

// CancelReadable gives a ReadableStream up, whoever holds its lock.
func CancelReadable(js *isolate.JS, v goja.Value, reason goja.Value) *goja.Object {
	s, ok := Of(js, v)
	if !ok {
		return resolved(js)
	}
	return s.cancel(js, reason)
}
