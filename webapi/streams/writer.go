package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// writer holds the lock of a writable stream; it is a WritableStreamDefaultWriter
// where a script has it.
type writer struct {
	stream        *Writable // nil after release
	ready, closed *deferred
}

func (r *writer) rejectReady(js *isolate.JS, reason goja.Value) {
	r.ready = rejectNow(js, r.ready, reason)
}

func (r *writer) rejectClosed(js *isolate.JS, reason goja.Value) {
	r.closed = rejectNow(js, r.closed, reason)
}

// rejectNow rejects d, or a new deferred in its place; nobody has to listen.
func rejectNow(js *isolate.JS, d *deferred, reason goja.Value) *deferred {
	if d.settled {
		d = newDeferred(js)
	}
	handled(js, d.promise)
	d.reject(js, reason)
	return d
}

// write queues a chunk; the promise settles when the sink has taken it.
func (r *writer) write(js *isolate.JS, v goja.Value) *goja.Object {
	w := r.stream
	if w == nil {
		return rejected(js, typeError(js, writeReleasedText))
	}
	size := 1.0
	if w.ctrl.strategy.size != nil || w.ctrl.strategy.kind != oneEach {
		size = w.ctrl.measure(js, v)
	}
	switch {
	case r.stream == nil: // the size function released it
		return rejected(js, typeError(js, writeReleasedText))
	case w.state == writeErrored:
		return rejected(js, w.err)
	case w.closing() || w.state == writeClosed:
		return rejected(js, typeError(js, writeClosedText))
	case w.state == erroring:
		return rejected(js, w.err)
	}
	if check := w.ctrl.alg.check; check != nil && w.pipe == nil {
		if err := check(js, v); err != nil {
			return rejected(js, js.Error(err))
		}
	}
	d := newDeferred(js)
	w.writes = append(w.writes, d)
	w.ctrl.write(js, v, size)
	return d.promise
}

func (r *writer) release(js *isolate.JS) {
	if r.stream == nil {
		return
	}
	reason := typeError(js, writeReleasedText)
	r.rejectReady(js, reason)
	r.rejectClosed(js, reason)
	if w := r.stream; w.pipe == nil && w.identity == nil && !FlagsOf(js).Standard {
		w.dropWrites(js, reason)
	}
	r.stream.writer = nil
	r.stream = nil
}

// desired is how much more the stream wants; ok is false where it has failed.
func (r *writer) desired() (n float64, ok bool) {
	switch r.stream.state {
	case erroring, writeErrored:
		return 0, false
	case writeClosed:
		return 0, true
	}
	return r.stream.ctrl.desired(), true
}

var writerClass = &bind.Class[writer]{
	Name:   "WritableStreamDefaultWriter",
	Length: 1,
	New: func(c *bind.Call) (*writer, error) {
		w, ok := WritableOf(c.JS(), c.Arg(0))
		if !ok {
			return nil, c.BadArg(1, "WritableStream")
		}
		return w.acquire(c.JS())
	},
	Promises: []string{"closed", "ready"},
	Getters: map[string]bind.Getter[writer]{
		"closed": func(r *writer, _ *bind.Call) (any, error) { return r.closed.promise, nil },
		"ready":  func(r *writer, _ *bind.Call) (any, error) { return r.ready.promise, nil },
		"desiredSize": func(r *writer, _ *bind.Call) (any, error) {
			if r.stream == nil {
				return nil, exception.TypeErrorf(writeReleasedText)
			}
			if n, ok := r.desired(); ok {
				return n, nil
			}
			return bind.Null, nil
		},
	},
	Methods: map[string]bind.Method[writer]{
		"releaseLock": func(r *writer, c *bind.Call) (any, error) { r.release(c.JS()); return nil, nil },
	},
	Async: map[string]bind.Method[writer]{
		"write": func(r *writer, c *bind.Call) (any, error) { return r.write(c.JS(), c.Arg(0)), nil },
		"close": func(r *writer, c *bind.Call) (any, error) {
			if r.stream == nil {
				return nil, exception.TypeErrorf(writeReleasedText)
			}
			return r.stream.close(c.JS()), nil
		},
		"abort": func(r *writer, c *bind.Call) (any, error) {
			if r.stream == nil {
				return nil, exception.TypeErrorf(writeReleasedText)
			}
			return r.stream.abort(c.JS(), c.Arg(0)), nil
		},
	},
}
