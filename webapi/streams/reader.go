package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// reader holds the lock of a stream: behind a ReadableStreamDefaultReader, a
// ReadableStreamBYOBReader, or Go code that consumes the stream.
type reader struct {
	stream   *Readable // nil after release
	requests []readRequest
	into     []*intoRequest // of a BYOB reader of a script's byte stream
	closed   *deferred      // made when first asked for
	byob     bool
}

const (
	releasedText = "This ReadableStream reader has been released."
	lockedText   = "This ReadableStream is currently locked to a reader."
)

// acquire locks the stream.
func (s *Readable) acquire() (*reader, error) {
	if s.reader != nil {
		return nil, exception.TypeErrorf(lockedText)
	}
	s.reader = &reader{stream: s}
	return s.reader, nil
}

// release unlocks the stream; reads that still wait are rejected.
func (r *reader) release(js *isolate.JS) {
	s := r.stream
	if s == nil {
		return
	}
	reason := typeError(js, releasedText)
	if r.closed != nil {
		if r.closed.settled {
			r.closed = newDeferred(js)
		}
		handled(js, r.closed.promise)
		r.closed.reject(js, reason)
	}
	s.ctrl.release(js)
	s.reader, r.stream = nil, nil
	r.failAll(js, reason)
}

func (r *reader) failAll(js *isolate.JS, reason goja.Value) {
	waiting, into := r.requests, r.into
	r.requests, r.into = nil, nil
	for _, w := range waiting {
		w.fail(js, reason)
	}
	for _, w := range into {
		w.fail(js, reason)
	}
}

func (r *reader) becomeClosed(js *isolate.JS) {
	if r.closed != nil {
		r.closed.resolve(js, nil)
	}
	waiting := r.requests
	r.requests = nil
	for _, w := range waiting {
		w.close(js)
	}
}

func (r *reader) becomeErrored(js *isolate.JS, reason goja.Value) {
	if r.closed != nil {
		handled(js, r.closed.promise)
		r.closed.reject(js, reason)
	}
	r.failAll(js, reason)
}

// cancelInto answers the BYOB reads of a stream that was canceled.
func (r *reader) cancelInto(js *isolate.JS) {
	into := r.into
	r.into = nil
	for _, w := range into {
		w.close(js, nil)
	}
}

// take removes the oldest waiting request.
func (r *reader) take() readRequest {
	first := r.requests[0]
	r.requests[0] = readRequest{}
	r.requests = r.requests[1:]
	return first
}

// closedPromise is the reader's closed attribute.
func (r *reader) closedPromise(js *isolate.JS) *goja.Object {
	if r.closed == nil {
		r.closed = newDeferred(js)
		switch {
		case r.stream == nil:
			handled(js, r.closed.promise)
			r.closed.reject(js, typeError(js, releasedText))
		case r.stream.state == closed:
			r.closed.resolve(js, nil)
		case r.stream.state == errored:
			handled(js, r.closed.promise)
			r.closed.reject(js, r.stream.err)
		}
	}
	return r.closed.promise
}

// jsRelease is releaseLock().
func (r *reader) jsRelease(js *isolate.JS) error {
	if r.stream != nil && r.stream.oneAtATime() != nil {
		return exception.TypeErrorf("Cannot call releaseLock() on a reader with outstanding read promises.")
	}
	r.release(js)
	return nil
}

// oneAtATime is workerd's error about a second read of a native stream.
func (s *Readable) oneAtATime() error {
	if n, ok := s.ctrl.(*native); ok && s.state == readable && len(n.waiting) > 0 {
		return exception.TypeErrorf("This ReadableStream only supports a single pending read request at a time.")
	}
	return nil
}

// readPromise is the reader's read().
func (r *reader) readPromise(js *isolate.JS) *goja.Object {
	if err := r.stream.oneAtATime(); err != nil {
		return rejected(js, js.Error(err))
	}
	d := newDeferred(js)
	r.stream.read(js, readRequest{
		chunk: func(js *isolate.JS, c chunk) { d.answer(js, c.js(js), false) },
		close: func(js *isolate.JS) { d.answer(js, goja.Undefined(), true) },
		fail:  d.reject,
	})
	return d.promise
}

// defaultReader is a ReadableStreamDefaultReader.
type defaultReader struct{ *reader }

var defaultReaderClass = &bind.Class[defaultReader]{
	Name:   "ReadableStreamDefaultReader",
	Length: 1,
	New: func(c *bind.Call) (*defaultReader, error) {
		s, ok := Of(c.JS(), c.Arg(0))
		if !ok {
			return nil, c.BadArg(1, "ReadableStream")
		}
		r, err := s.acquire()
		return &defaultReader{r}, err
	},
	Promises: []string{"closed"},
	Getters: map[string]bind.Getter[defaultReader]{
		"closed": func(r *defaultReader, c *bind.Call) (any, error) { return r.closedPromise(c.JS()), nil },
	},
	Methods: map[string]bind.Method[defaultReader]{
		"releaseLock": func(r *defaultReader, c *bind.Call) (any, error) { return nil, r.jsRelease(c.JS()) },
	},
	Async: map[string]bind.Method[defaultReader]{
		"read": func(r *defaultReader, c *bind.Call) (any, error) {
			if r.stream == nil {
				return nil, exception.TypeErrorf(releasedText)
			}
			return r.readPromise(c.JS()), nil
		},
		"cancel": func(r *defaultReader, c *bind.Call) (any, error) {
			if r.stream == nil {
				return nil, exception.TypeErrorf(releasedText)
			}
			return r.stream.cancel(c.JS(), c.Arg(0)), nil
		},
	},
}
