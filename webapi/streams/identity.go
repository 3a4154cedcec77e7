package streams

import (
	"io"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Identity is an IdentityTransformStream or a FixedLengthStream of workerd's:
// bytes that are written come out of the other side, nothing is kept in between, a
// write settles when its bytes were read. A native stream that is piped in takes
// its place: who reads from the other side then reads from that stream.
//
// With a coder (NewCoded) it is a CompressionStream or the like: what is written
// comes out changed, and a write settles when the coder has taken it.
type Identity struct {
	readable *Readable
	writable *Writable
	left     int64  // bytes still to come; -1 where there is no fixed length
	coded    *coded // nil where the bytes stay as they are

	ended bool       // written to the end
	err   goja.Value // failed
	read  *identityRead
	write *identityWrite
	piped *splice
	// canceled is told when the reader of a Pipe gives up; such a stream has no
	// writable side.
	canceled func(js *isolate.JS, reason goja.Value)
}

type identityRead struct {
	limit int
	done  func(js *isolate.JS, b []byte, err error)
}

type identityWrite struct {
	data []byte
	d    *deferred // nil for a Pipe, whose write is told through done
	done func(js *isolate.JS, ok bool)
}

func (w *identityWrite) settle(js *isolate.JS, reason goja.Value) {
	switch {
	case w.d == nil:
		w.done(js, reason == nil)
	case reason != nil:
		w.d.reject(js, reason)
	default:
		w.d.resolve(js, nil)
	}
}

const (
	tooManyText = "Attempt to write too many bytes through a FixedLengthStream."
	tooFewText  = "FixedLengthStream did not see all expected bytes before close()."
)

// NewIdentity makes the two sides; length is -1 where it is not fixed. hwm is how
// many bytes the writer should be ahead; without one (-1) it always wants more.
func NewIdentity(js *isolate.JS, length int64, hwm float64) *Identity {
	p := &Identity{left: length}
	p.readable = newNative(identitySource{p})
	p.writable = &Writable{identity: p}
	st := strategy{hwm: 1, kind: nothing}
	if hwm >= 0 {
		if st = (strategy{hwm: hwm, kind: inBytes}); length >= 0 {
			st.hwm = min(hwm, float64(length))
		}
	}
	newWritable(p.writable, st, sink{check: checkBytes, write: p.sinkWrite, close: p.sinkClose, abort: p.sinkAbort}).start(js, resolved(js))
	return p
}

var errNoBytes = exception.TypeErrorf("This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.")

// checkBytes refuses what writtenBytes does not know.
func checkBytes(js *isolate.JS, v goja.Value) error {
	if _, ok := v.(goja.String); ok {
		return nil
	}
	if _, ok := bind.Bytes(js, v); !ok {
		return errNoBytes
	}
	return nil
}

// writtenBytes is the bytes of a chunk that a script wrote; text counts as UTF-8.
func writtenBytes(js *isolate.JS, v goja.Value) ([]byte, error) {
	if s, ok := v.(goja.String); ok {
		return []byte(s.String()), nil
	}
	b, ok := bind.Bytes(js, v)
	if !ok {
		return nil, errNoBytes
	}
	return append([]byte(nil), b...), nil
}

func (p *Identity) sinkWrite(js *isolate.JS, v goja.Value) *goja.Object {
	data, err := writtenBytes(js, v)
	if err == nil && p.left >= 0 {
		if p.left -= int64(len(data)); p.left < 0 {
			err = exception.TypeErrorf(tooManyText)
		}
	}
	if err != nil {
		reason := js.Error(err)
		p.fail(js, reason)
		return rejected(js, reason)
	}
	if p.err != nil {
		return rejected(js, p.err)
	}
	if p.coded != nil {
		return p.coded.write(js, data)
	}
	if len(data) == 0 {
		return resolved(js)
	}
	p.write = &identityWrite{data: data, d: newDeferred(js)}
	d := p.write.d
	p.meet(js)
	return d.promise
}

func (p *Identity) sinkClose(js *isolate.JS) *goja.Object {
	if p.left > 0 {
		reason := typeError(js, tooFewText)
		p.fail(js, reason)
		return rejected(js, reason)
	}
	if p.coded != nil {
		return p.coded.end(js)
	}
	p.ended = true
	p.meet(js)
	return resolved(js)
}

func (p *Identity) sinkAbort(js *isolate.JS, reason goja.Value) *goja.Object {
	p.fail(js, reason)
	return resolved(js)
}

// meet lets the waiting write and the waiting read meet.
func (p *Identity) meet(js *isolate.JS) {
	r := p.read
	if r == nil {
		return
	}
	switch {
	case p.err != nil:
		p.read = nil
		r.done(js, nil, thrown{p.err}.error(js))
	case p.coded != nil:
		p.coded.meet(js)
	case p.write != nil:
		w := p.write
		n := min(r.limit, len(w.data))
		out := w.data[:n:n]
		p.read = nil
		if w.data = w.data[n:]; len(w.data) > 0 {
			r.done(js, out, nil)
			return
		}
		p.write = nil
		if w.d != nil {
			w.settle(js, nil)
			r.done(js, out, nil)
			return
		}
		// The next write of Go code may come at once: behind these bytes.
		r.done(js, out, nil)
		w.settle(js, nil)
	case p.ended:
		p.read = nil
		r.done(js, nil, io.EOF)
	}
}

// fail ends both sides with a reason.
func (p *Identity) fail(js *isolate.JS, reason goja.Value) {
	if p.err != nil {
		return
	}
	p.err = reason
	if p.coded != nil {
		p.coded.fail(js, reason)
	}
	if w := p.write; w != nil {
		p.write = nil
		w.settle(js, reason)
	}
	p.meet(js)
}

// identitySource is an Identity as what feeds its readable side.
type identitySource struct{ p *Identity }

func (s identitySource) read(js *isolate.JS, limit int, done func(*isolate.JS, []byte, error)) {
	if s.p.piped != nil {
		s.p.piped.read(js, limit, done)
		return
	}
	s.p.read = &identityRead{limit, done}
	s.p.meet(js)
}

func (s identitySource) cancel(js *isolate.JS, reason goja.Value) *goja.Object {
	if s.p.piped != nil {
		return s.p.piped.cancel(js, reason)
	}
	if s.p.canceled != nil {
		s.p.canceled(js, reason)
	}
	reason = cancelReason(js, reason)
	s.p.fail(js, reason)
	if s.p.writable != nil {
		s.p.writable.ctrl.errorIfNeeded(js, reason)
	}
	return resolved(js)
}

// cancelReason is what the writer hears when the reader cancels: always an error, as
// the reason crosses from one side to the other in workerd.
func cancelReason(js *isolate.JS, reason goja.Value) goja.Value {
	if _, ok := reason.(*goja.Object); ok {
		return reason
	}
	text := "Stream was cancelled."
	if !goja.IsUndefined(reason) {
		text = reason.String()
	}
	return js.Error(exception.Errorf("%s", text))
}

func (s identitySource) take(js *isolate.JS) (event.Body, bool, error) {
	if s.p.piped != nil {
		return s.p.piped.take(js)
	}
	return event.Body{}, false, nil
}

// tee is left to the algorithm for any stream.
func (s identitySource) tee(*isolate.JS) (event.Body, event.Body, bool, error) {
	return event.Body{}, event.Body{}, false, nil
}

// fixedLength is the length that the stream will have, -1 where it is not known.
func (s *Readable) fixedLength() int64 {
	if s.expected != nil {
		return *s.expected
	}
	if n, ok := s.ctrl.(*native); ok {
		if src, ok := n.src.(identitySource); ok && src.p.left >= 0 {
			left := src.p.left
			if src.p.write != nil {
				left += int64(len(src.p.write.data))
			}
			return left
		}
	}
	return -1
}

// Transform is the stream as an instance of the base class.
func (p *Identity) Transform() *Transform {
	return &Transform{readable: p.readable, writable: p.writable}
}

// IdentityClass is IdentityTransformStream.
var IdentityClass = &bind.Class[Identity]{
	Name:   "IdentityTransformStream",
	Parent: bind.Extends(TransformClass, (*Identity).Transform),
	New: func(c *bind.Call) (*Identity, error) {
		hwm, err := hwmOf(c, 1)
		if err != nil {
			return nil, err
		}
		return NewIdentity(c.JS(), -1, hwm), nil
	},
}

// fixedLength is a FixedLengthStream.
type fixedLength struct{ *Identity }

var fixedLengthClass = &bind.Class[fixedLength]{
	Name:   "FixedLengthStream",
	Parent: bind.Extends(IdentityClass, func(f *fixedLength) *Identity { return f.Identity }),
	Length: 1,
	New: func(c *bind.Call) (*fixedLength, error) {
		if c.Len() == 0 {
			return nil, c.BadArg(1, "bigint")
		}
		n, err := lengthOf(c, c.Arg(0))
		if err != nil {
			return nil, err
		}
		hwm, err := hwmOf(c, 2)
		if err != nil {
			return nil, err
		}
		return &fixedLength{NewIdentity(c.JS(), n, hwm)}, nil
	},
}

// lengthOf is a number or a bigint that counts bytes.
func lengthOf(c *bind.Call, v goja.Value) (int64, error) {
	f, err := integerOf(c.JS(), v)
	if err == nil && f >= 1<<53 {
		err = exception.TypeErrorf("FixedLengthStream requires an integer expected length less than 2^53.")
	}
	return int64(f), err
}

// hwmOf is the highWaterMark of the nth argument (from 1), -1 where it has none.
func hwmOf(c *bind.Call, n int) (float64, error) {
	st, err := strategyOf(c, n, -1)
	return st.hwm, err
}
