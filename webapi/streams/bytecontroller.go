package streams

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// byteController is a ReadableByteStreamController: it feeds a stream that a
// script made with type "bytes".
type byteController struct {
	stream         *Readable
	obj            *goja.Object
	queue          [][]byte
	total          int
	hwm            float64
	auto           int // autoAllocateChunkSize, 0 for none
	alg            algorithms
	pending        []*pullInto
	request        *byobRequest
	started        bool
	pulling        bool
	pullAgain      bool
	closeRequested bool
}

// pullInto is a view that waits to be filled (Streams, "pull-into descriptor").
type pullInto struct {
	view   view
	buf    goja.ArrayBuffer // detached while somebody else has it
	size   int              // of buf
	filled int
	least  int
	kind   pullKind
}

type pullKind uint8

const (
	ofDefault pullKind = iota // made for a default reader by autoAllocateChunkSize
	ofBYOB
	ofNobody // its reader let go
)

// defaultAllocate is what autoAllocateChunkSize is where a source does not say.
const defaultAllocate = 4096

func startBytes(js *isolate.JS, s *Readable, u *underlying, st strategy) error {
	c := &byteController{stream: s, hwm: st.hwm}
	if !FlagsOf(js).NoAutoAllocate {
		c.auto = defaultAllocate
	}
	if u.auto != nil && !goja.IsUndefined(u.auto) {
		if c.auto = int(u.auto.ToInteger()); c.auto <= 0 {
			return exception.TypeErrorf("The autoAllocateChunkSize option cannot be zero.")
		}
		if limit := js.Isolate().Limits().BufferBytes; c.auto > limit {
			return exception.RangeErrorf("autoAllocateChunkSize is %d, but a buffer cannot be larger than %d bytes.", c.auto, limit)
		}
	}
	s.ctrl = c
	c.alg = u.algorithms(js, func(js *isolate.JS) goja.Value { return c.object(js) })
	p, err := u.start(js, func() goja.Value { return c.object(js) })
	if err != nil {
		return err
	}
	after(js, p, func(js *isolate.JS, _ goja.Value) {
		c.started = true
		c.pullIfNeeded(js)
	}, c.fail)
	return nil
}

func (c *byteController) object(js *isolate.JS) *goja.Object {
	if c.obj == nil {
		c.obj = byteControllerClass.Wrap(js, c)
	}
	return c.obj
}

func (c *byteController) ready() bool { return c.total > 0 }

func (c *byteController) pull(js *isolate.JS, r readRequest) {
	if c.total > 0 {
		b := c.pop()
		c.drained(js)
		r.chunk(js, chunk{bytes: b})
		return
	}
	if c.auto > 0 {
		c.pending = append(c.pending, &pullInto{
			view: view{ctor: intrinsicsOf.Get(js).uint8Array, length: c.auto, elem: 1},
			buf:  js.Runtime().NewArrayBuffer(make([]byte, c.auto)), size: c.auto, least: 1, kind: ofDefault,
		})
	}
	c.stream.reader.requests = append(c.stream.reader.requests, r)
	c.pullIfNeeded(js)
}

// pop takes what one read of a default reader gets: the oldest bytes, and with
// autoAllocateChunkSize as many as fill a buffer of that size.
func (c *byteController) pop() []byte {
	b := c.queue[0]
	switch {
	case c.auto > 0 && len(b) > c.auto:
		c.queue[0] = b[c.auto:]
		c.total -= c.auto
		return b[:c.auto:c.auto]
	case c.auto == 0 || len(b) == c.auto || len(c.queue) == 1:
		c.queue = c.queue[1:]
		c.total -= len(b)
		return b
	}
	out := make([]byte, min(c.auto, c.total))
	c.take(out)
	return out
}

// take moves queued bytes into dst, as many as it takes.
func (c *byteController) take(dst []byte) {
	for len(dst) > 0 {
		head := c.queue[0]
		n := copy(dst, head)
		if n == len(head) {
			c.queue = c.queue[1:]
		} else {
			c.queue[0] = head[n:]
		}
		c.total -= n
		dst = dst[n:]
	}
}

// drained is called when bytes have left the queue.
func (c *byteController) drained(js *isolate.JS) {
	if c.total == 0 && c.closeRequested {
		c.alg = algorithms{}
		c.stream.becomeClosed(js)
		return
	}
	c.pullIfNeeded(js)
}

func (c *byteController) pullInto(js *isolate.JS, w view, least int, r *intoRequest) {
	p := &pullInto{view: w, buf: w.transfer(js), least: least, kind: ofBYOB}
	p.size = len(p.buf.Bytes())
	rd := c.stream.reader
	switch {
	case len(c.pending) > 0:
		c.pending = append(c.pending, p)
		rd.into = append(rd.into, r)
		return
	case c.stream.state == closed:
		r.close(js, w.make(js, p.buf, 0))
		return
	case c.total > 0:
		if c.fill(p) {
			v := c.finished(js, p)
			c.drained(js)
			r.chunk(js, v)
			return
		}
		if c.closeRequested {
			p.filled -= p.filled % p.view.elem
			v := c.finished(js, p)
			c.drained(js)
			r.chunk(js, v)
			return
		}
	}
	c.pending = append(c.pending, p)
	rd.into = append(rd.into, r)
	c.pullIfNeeded(js)
}

// fill moves bytes from the queue into p; it reports whether p has enough, in
// whole elements. What does not make a whole element stays queued.
func (c *byteController) fill(p *pullInto) bool {
	if p.buf.Detached() { // the script has taken the view that it was to fill
		return false
	}
	room := min(c.total, p.view.length-p.filled)
	end := p.filled + room
	enough := end >= p.least
	if enough {
		room -= end % p.view.elem
	}
	c.take(p.dst()[:room])
	p.filled += room
	return enough
}

// dst is the memory of p that is not filled yet.
func (p *pullInto) dst() []byte {
	return p.buf.Bytes()[p.view.offset+p.filled : p.view.offset+p.view.length]
}

func (c *byteController) finished(js *isolate.JS, p *pullInto) goja.Value {
	if p.buf.Detached() {
		p.buf, p.filled = js.Runtime().NewArrayBuffer(make([]byte, p.size)), 0
	}
	return p.view.make(js, p.buf, p.filled)
}

// commit answers the reader with p.
func (c *byteController) commit(js *isolate.JS, p *pullInto) {
	rd := c.stream.reader
	if rd == nil {
		return
	}
	done := c.stream.state == closed
	v := c.finished(js, p)
	if p.kind == ofBYOB {
		if len(rd.into) == 0 {
			return
		}
		r := rd.into[0]
		rd.into = rd.into[1:]
		if done {
			r.close(js, v)
		} else {
			r.chunk(js, v)
		}
		return
	}
	if len(rd.requests) > 0 {
		r := rd.take()
		if done {
			r.close(js)
		} else {
			r.chunk(js, chunk{value: v})
		}
	}
}

func (c *byteController) invalidate() {
	if c.request != nil {
		c.request.ctrl = nil
		c.request = nil
	}
}

// enqueue adds the bytes of v, whose buffer is taken away from the script.
func (c *byteController) enqueue(call *bind.Call, v goja.Value) error {
	js := call.JS()
	w, ok, err := viewOf(js, v)
	if err != nil {
		return err
	}
	if !ok {
		return call.BadArg(1, "BufferSource")
	}
	if w.length == 0 {
		return exception.TypeErrorf("Cannot enqueue a zero-length ArrayBuffer.")
	}
	if c.closeRequested || c.stream.state != readable {
		return exception.TypeErrorf("Unable to enqueue")
	}
	if c.request != nil {
		p := c.request.p
		if p.buf.Detached() {
			return exception.TypeErrorf("The byobRequest.view is zero-length or was detached")
		}
		p.renew(js)
	}
	mem := w.buf.Bytes()[w.offset : w.offset+w.length : w.offset+w.length]
	w.buf.Detach()
	c.invalidate()
	if len(c.pending) > 0 && c.pending[0].kind == ofNobody {
		p := c.pending[0]
		c.pending = c.pending[1:]
		if p.filled > 0 {
			c.push(append([]byte(nil), p.buf.Bytes()[p.view.offset:p.view.offset+p.filled]...))
		}
	}
	rd := c.stream.reader
	switch {
	case rd != nil && !rd.byob && len(rd.requests) > 0 && c.total == 0:
		if len(c.pending) > 0 && c.pending[0].kind == ofDefault {
			c.pending = c.pending[1:]
		}
		rd.take().chunk(js, chunk{bytes: mem})
	case rd != nil && rd.byob && len(rd.into) > 0 && rd.into[0].whole != nil && c.total == 0 && len(c.pending) > 0 && c.pending[0].filled == 0:
		p, r := c.pending[0], rd.into[0]
		c.pending, rd.into = c.pending[1:], rd.into[1:]
		r.whole(js, p.buf, mem)
	case rd != nil && rd.byob:
		c.push(mem)
		c.serve(js)
	default:
		c.push(mem)
		c.deliver(js)
	}
	c.pullIfNeeded(js)
	return nil
}

// deliver answers the reads that wait with what is queued.
func (c *byteController) deliver(js *isolate.JS) {
	rd := c.stream.reader
	if rd != nil && rd.byob {
		c.serve(js)
		return
	}
	for rd != nil && len(rd.requests) > 0 && c.total > 0 {
		rd.take().chunk(js, chunk{bytes: c.pop()})
	}
}

// finish closes the stream and answers all that waits.
func (c *byteController) finish(js *isolate.JS) {
	if c.closeRequested {
		return
	}
	// A view that was filled in part fails its stream.
	_ = c.close(js)
}

func (c *byteController) canEnqueue() bool { return !c.closeRequested && c.stream.state == readable }

func (c *byteController) push(b []byte) {
	c.queue = append(c.queue, b)
	c.total += len(b)
}

// serve fills the waiting views from the queue.
func (c *byteController) serve(js *isolate.JS) {
	for len(c.pending) > 0 && c.total > 0 {
		p := c.pending[0]
		if !c.fill(p) {
			return
		}
		c.pending = c.pending[1:]
		c.commit(js, p)
	}
}

// renew takes the buffer away from those who saw it.
func (p *pullInto) renew(js *isolate.JS) {
	mem := p.buf.Bytes()
	p.buf.Detach()
	p.buf = js.Runtime().NewArrayBuffer(mem)
}

// respond says that n more bytes of p, the oldest view, are filled.
func (c *byteController) respond(js *isolate.JS, p *pullInto, n int) error {
	if c.stream.state != readable || c.closeRequested {
		if n != 0 {
			return exception.TypeErrorf("The bytesWritten must be zero after the stream is closed.")
		}
		c.invalidate()
		return nil
	}
	if n == 0 {
		return exception.TypeErrorf("The bytesWritten must be more than zero while the stream is open.")
	}
	if p.filled+n > p.view.length {
		return exception.RangeErrorf("Too many bytes [%d] in response to a BYOB read request.", n)
	}
	c.invalidate()
	p.renew(js)
	p.filled += n
	switch {
	case p.kind == ofNobody:
		c.pending = c.pending[1:]
		c.push(append([]byte(nil), p.buf.Bytes()[p.view.offset:p.view.offset+p.filled]...))
		c.deliver(js)
	case p.filled >= p.least:
		c.pending = c.pending[1:]
		if rest := p.filled % p.view.elem; rest > 0 {
			end := p.view.offset + p.filled
			c.push(append([]byte(nil), p.buf.Bytes()[end-rest:end]...))
			p.filled -= rest
		}
		c.commit(js, p)
		c.serve(js)
	default:
		if rd := c.stream.reader; rd != nil && len(rd.into) > 0 && rd.into[0].progress != nil {
			end := p.view.offset + p.filled
			rd.into[0].progress(js, p.buf.Bytes()[end-n:end])
		}
	}
	c.pullIfNeeded(js)
	return nil
}

// close ends the stream once what is queued was read. As in workerd, a view that is
// filled in part is what its read gets, and no read waits for respond(0).
func (c *byteController) close(js *isolate.JS) error {
	if len(c.pending) > 0 && c.pending[0].filled > 0 && c.pending[0].view.elem > 1 && c.pending[0].kind != ofNobody {
		reason := typeError(js, "This ReadableStream was closed with a partial read pending.")
		c.fail(js, reason)
		return thrown{reason}.error(js)
	}
	c.closeRequested = true
	for c.total > 0 && len(c.pending) > 0 {
		p := c.pending[0]
		p.least = 1
		if c.fill(p); p.filled < p.view.elem {
			break
		}
		c.pending = c.pending[1:]
		c.commit(js, p)
	}
	if c.total > 0 {
		return nil
	}
	c.alg = algorithms{}
	waiting := c.pending
	c.pending = nil
	for len(waiting) > 0 && waiting[0].filled > 0 {
		c.commit(js, waiting[0])
		waiting = waiting[1:]
	}
	c.stream.becomeClosed(js)
	for _, p := range waiting {
		c.commit(js, p)
	}
	return nil
}

func (c *byteController) fail(js *isolate.JS, reason goja.Value) {
	if c.stream.state != readable {
		return
	}
	c.invalidate()
	c.pending, c.queue, c.total = nil, nil, 0
	c.alg = algorithms{}
	c.stream.becomeErrored(js, reason)
}

func (c *byteController) cancel(js *isolate.JS, reason goja.Value) *goja.Object {
	c.invalidate()
	c.pending, c.queue, c.total = nil, nil, 0
	cancel := c.alg.cancel
	c.alg = algorithms{}
	if cancel == nil {
		return resolved(js)
	}
	return cancel(js, reason)
}

func (c *byteController) release(*isolate.JS) {
	if len(c.pending) > 0 {
		c.pending[0].kind = ofNobody
		c.pending = c.pending[:1]
	}
}

func (c *byteController) desired() (float64, bool) {
	switch c.stream.state {
	case errored:
		return 0, false
	case closed:
		return 0, true
	}
	return c.hwm - float64(c.total), true
}

func (c *byteController) shouldPull() bool {
	if c.stream.state != readable || c.closeRequested || !c.started {
		return false
	}
	if rd := c.stream.reader; rd != nil && (len(rd.requests) > 0 || len(rd.into) > 0) {
		return true
	}
	size, _ := c.desired()
	return size > 0
}

func (c *byteController) pullIfNeeded(js *isolate.JS) {
	if !c.shouldPull() {
		return
	}
	if c.pulling {
		c.pullAgain = true
		return
	}
	if c.alg.pull == nil {
		return
	}
	c.pulling = true
	after(js, c.alg.pull(js), func(js *isolate.JS, _ goja.Value) {
		c.pulling = false
		if c.pullAgain {
			c.pullAgain = false
			c.pullIfNeeded(js)
		}
	}, c.fail)
}

var byteControllerClass = &bind.Class[byteController]{
	Name:    "ReadableByteStreamController",
	Lengths: map[string]int{"enqueue": 1},
	Getters: map[string]bind.Getter[byteController]{
		"desiredSize": func(c *byteController, _ *bind.Call) (any, error) {
			if size, ok := c.desired(); ok {
				return size, nil
			}
			return bind.Null, nil
		},
		"byobRequest": (*byteController).jsRequest,
	},
	Methods: map[string]bind.Method[byteController]{
		"close": func(c *byteController, call *bind.Call) (any, error) {
			if c.closeRequested || c.stream.state != readable {
				return nil, exception.TypeErrorf("This ReadableStream is closed.")
			}
			return nil, c.close(call.JS())
		},
		"enqueue": func(c *byteController, call *bind.Call) (any, error) {
			return nil, c.enqueue(call, call.Arg(0))
		},
		"error": func(c *byteController, call *bind.Call) (any, error) {
			c.fail(call.JS(), call.Arg(0))
			return nil, nil
		},
	},
}

func (c *byteController) adopt(s *Readable) { c.stream = s }
