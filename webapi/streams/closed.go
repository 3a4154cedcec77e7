package streams

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// ends tells who wants to know how a stream ended.
type ends []*deferred

func (e *ends) settle(js *isolate.JS, failed bool, reason goja.Value) {
	for _, d := range *e {
		if failed {
			d.reject(js, reason)
		} else {
			d.resolve(js, nil)
		}
	}
	*e = nil
}

// Closed is a promise that is fulfilled when the ReadableStream or WritableStream is
// closed and rejected when it fails, whoever holds its lock; ok is false for anything
// else.
func Closed(js *isolate.JS, v goja.Value) (promise *goja.Object, ok bool) {
	d := newDeferred(js)
	handled(js, d.promise)
	switch s, isReadable := Of(js, v); {
	case isReadable && s.state == closed:
		d.resolve(js, nil)
	case isReadable && s.state == errored:
		d.reject(js, s.err)
	case isReadable:
		s.ends = append(s.ends, d)
	default:
		w, isWritable := WritableOf(js, v)
		switch {
		case !isWritable:
			return nil, false
		case w.state == writeClosed:
			d.resolve(js, nil)
		case w.state == writeErrored:
			d.reject(js, w.err)
		default:
			w.ends = append(w.ends, d)
		}
	}
	return d.promise, true
}
