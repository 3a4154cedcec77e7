package streams

import (
	"errors"
	"io"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// readSize is how much one read of a native stream asks for, in bytes.
const readSize = 64 << 10

// source is where the bytes of a native stream come from.
type source interface {
	// read gives the next bytes, at most limit and at least one, or io.EOF or
	// another error, to done: inside the call or in a later turn of the context.
	// The receiver owns the bytes. There is one read at a time.
	read(js *isolate.JS, limit int, done func(js *isolate.JS, b []byte, err error))
	// cancel gives up the rest; a read that waits may still answer.
	cancel(js *isolate.JS, reason goja.Value) *goja.Object
	// take gives the rest away as a body, or reports that it cannot.
	take(js *isolate.JS) (b event.Body, ok bool, err error)
	// tee makes two bodies of the rest, or reports that it cannot.
	tee(js *isolate.JS) (a, b event.Body, ok bool, err error)
}

// native feeds a stream from a source.
type native struct {
	stream  *Readable
	src     source
	busy    bool
	waiting []nativeRead
	left    []byte // arrived after its reader had let go
}

type nativeRead struct {
	limit, least int
	got          []byte
	req          readRequest
}

func newNative(src source) *Readable {
	s := &Readable{}
	s.ctrl = &native{stream: s, src: src}
	return s
}

// NewBody is a native stream over a body of the context c, which is current.
func NewBody(js *isolate.JS, c *iocontext.Context, b event.Body) (*Readable, error) {
	src, err := newBodySource(js, c, b)
	if err != nil {
		return nil, err
	}
	return newNative(src), nil
}

// NewHostReadable is the ReadableStream over r; length is -1 where it is not
// known. r is closed when it has been read, when the stream is canceled, or when
// c ends; Close may be called while a Read waits. c is the current context.
func NewHostReadable(js *isolate.JS, c *iocontext.Context, r io.ReadCloser, length int64) *goja.Object {
	s, err := NewBody(js, c, event.StreamBody(r, length))
	if err != nil {
		js.Panic(err)
	}
	return s.Object(js)
}

// Take gives away the bytes of a native stream that nobody has read from and
// nobody holds; the stream is locked and disturbed from then on. ok is false for
// any other stream. The error says that the stream belongs to another context.
func (s *Readable) Take(js *isolate.JS) (b event.Body, ok bool, err error) {
	n, isNative := s.ctrl.(*native)
	if !isNative || s.disturbed || s.reader != nil || s.state != readable {
		return event.Body{}, false, nil
	}
	if b, ok, err = n.src.take(js); ok && err == nil {
		s.disturbed = true
		s.reader = &reader{stream: s}
	}
	return b, ok, err
}

func (n *native) pull(js *isolate.JS, r readRequest) {
	n.pullInto(js, nativeRead{limit: readSize, least: 1, req: r})
}

func (n *native) pullInto(js *isolate.JS, r nativeRead) {
	n.waiting = append(n.waiting, r)
	n.next(js)
}

// next starts the read of the oldest request.
func (n *native) next(js *isolate.JS) {
	for !n.busy && len(n.waiting) > 0 && n.stream.state == readable {
		limit := n.waiting[0].limit - len(n.waiting[0].got)
		if len(n.left) > 0 {
			b := n.left[:min(limit, len(n.left))]
			n.left = n.left[len(b):]
			n.arrived(js, append([]byte(nil), b...), nil)
			continue
		}
		n.busy = true
		n.src.read(js, limit, func(js *isolate.JS, b []byte, err error) {
			n.busy = false
			n.arrived(js, b, err)
			n.next(js)
		})
	}
}

func (n *native) arrived(js *isolate.JS, b []byte, err error) {
	if n.stream.state != readable {
		return
	}
	switch {
	case errors.Is(err, io.EOF):
		waiting := n.waiting
		n.waiting = nil
		n.stream.becomeClosed(js)
		for _, w := range waiting {
			if len(w.got) > 0 {
				w.req.chunk(js, chunk{bytes: w.got})
			} else {
				w.req.close(js)
			}
		}
	case err != nil:
		reason := js.Error(err)
		waiting := n.waiting
		n.waiting = nil
		n.stream.becomeErrored(js, reason)
		for _, w := range waiting {
			w.req.fail(js, reason)
		}
	case len(n.waiting) == 0:
		n.left = append(n.left, b...)
	default:
		w := &n.waiting[0]
		if len(w.got) > 0 {
			b = append(w.got, b...)
		}
		if len(b) < w.least {
			w.got = b
			return
		}
		req := w.req
		n.waiting[0] = nativeRead{}
		n.waiting = n.waiting[1:]
		req.chunk(js, chunk{bytes: b})
	}
}

func (n *native) cancel(js *isolate.JS, reason goja.Value) *goja.Object {
	waiting := n.waiting
	n.waiting, n.left = nil, nil
	src, ok := n.src.(identitySource)
	coded := ok && src.p.coded != nil
	for _, w := range waiting {
		if coded { // as workerd has it
			w.req.fail(js, reason)
		} else {
			w.req.close(js)
		}
	}
	return n.src.cancel(js, reason)
}

func (n *native) release(js *isolate.JS) {
	waiting := n.waiting
	n.waiting = nil
	for _, w := range waiting {
		n.left = append(n.left, w.got...)
		w.req.fail(js, typeError(js, releasedText))
	}
}

func (n *native) ready() bool { return len(n.left) > 0 }

func (n *native) adopt(s *Readable) { n.stream = s }
