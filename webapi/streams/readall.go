package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// ReadAll reads a stream that nobody has read from into memory, up to limit bytes,
// and returns a promise for what conv makes of them. A native stream is read on a
// goroutine, as a pending event of the current context; the stream of a script
// needs no context, and is no pending event, as only scripts move it on.
func (s *Readable) ReadAll(js *isolate.JS, limit int64, conv func(js *isolate.JS, data []byte) (goja.Value, error)) (*goja.Object, error) {
	switch {
	case s.disturbed:
		return nil, exception.TypeErrorf(UsedText)
	case s.reader != nil:
		return nil, exception.TypeErrorf(lockedText)
	}
	body, ok, err := s.Take(js)
	if err != nil {
		return nil, err
	}
	if ok && body.Stream == nil {
		v, err := conv(js, body.Bytes)
		if err != nil {
			return nil, err
		}
		return js.Resolved(v), nil
	}
	if ok {
		// A stream with a reader belongs to the current context, or Take had failed.
		c, err := iocontext.Current(js)
		if err != nil {
			return nil, err
		}
		return iocontext.Await(js, c, ReadBody(c, body, limit), conv), nil
	}
	rd, err := s.acquire()
	if err != nil {
		return nil, err
	}
	g := &gather{rd: rd, limit: limit, conv: conv, d: newDeferred(js)}
	g.step(js)
	return g.d.promise, nil
}

// gather collects the chunks of a stream.
type gather struct {
	rd    *reader
	all   []byte
	limit int64
	conv  func(js *isolate.JS, data []byte) (goja.Value, error)
	d     *deferred
}

// step reads on until it has to wait.
func (g *gather) step(js *isolate.JS) {
	// A chunk that is there at once comes back inside read: loop, not recurse.
	for again := true; again; {
		again = false
		inside := true
		g.rd.stream.read(js, readRequest{
			chunk: func(js *isolate.JS, c chunk) {
				if !g.add(js, c) {
					return
				}
				if inside {
					again = true
					return
				}
				g.step(js)
			},
			close: g.finish,
			fail:  g.d.reject,
		})
		inside = false
	}
}

// add keeps a chunk; it reports whether there may be more.
func (g *gather) add(js *isolate.JS, c chunk) bool {
	data, err := c.data(js)
	if err == nil && int64(len(g.all)+len(data)) > g.limit {
		err = tooLarge(g.limit)
	}
	if err != nil {
		reason := js.Error(err)
		g.all = nil
		handled(js, g.rd.stream.cancel(js, reason))
		g.d.reject(js, reason)
		return false
	}
	if g.all == nil {
		g.all = data
	} else {
		g.all = append(g.all, data...)
	}
	return true
}

func (g *gather) finish(js *isolate.JS) {
	v, err := g.conv(js, g.all)
	if err != nil {
		check(js, err)
		g.d.reject(js, js.Error(err))
		return
	}
	g.d.resolve(js, v)
}
