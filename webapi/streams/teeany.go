package streams

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// tee feeds two streams from one that nobody held (Streams, ReadableStreamDefaultTee
// and ReadableByteStreamTee). As in workerd the source is read when a branch wants
// something, and canceling one branch is nothing to wait for; the reason of the
// second is the source's.
type tee struct {
	src       *Readable
	rd        *reader
	branches  [2]*Readable
	copies    bool // the second branch of a stream of values gets copies of buffers
	canceled  [2]bool
	reading   bool
	given     int // bytes of the present read that the other branch has already
	readAgain bool
	// reasons and settled are the standard's cancellation: the source hears of it with both
	// reasons, and both branches hear what it answers.
	reasons [2]goja.Value
	settled *deferred
}

// teeAny is Tee for any stream. The branches of a stream of bytes are such, too; the
// second one gets copies.
func (s *Readable) teeAny(js *isolate.JS, copies bool) (a, b *Readable) {
	t := &tee{src: s, copies: copies}
	if FlagsOf(js).Standard {
		t.settled = newDeferred(js)
	}
	t.rd, _ = s.acquire() // nobody holds it
	_, values := s.ctrl.(*defaultController)
	for i := range t.branches {
		br := &Readable{}
		t.branches[i] = br
		alg := algorithms{
			pull:   func(js *isolate.JS) *goja.Object { t.pull(js); return nil },
			cancel: func(js *isolate.JS, reason goja.Value) *goja.Object { return t.cancel(js, i, reason) },
		}
		if values {
			newDefault(js, br, strategy{}, alg).started = true
		} else {
			br.ctrl = &byteController{stream: br, alg: alg, started: true}
		}
	}
	switch s.state {
	case closed:
		t.close(js)
	case errored:
		t.fail(js, s.err)
	default:
		then(js, t.rd.closedPromise(js), nil, t.fail)
	}
	return t.branches[0], t.branches[1]
}

// live calls fn with the branches that nobody has canceled.
func (t *tee) live(fn func(i int, br *Readable)) {
	for i, br := range t.branches {
		if !t.canceled[i] && br.state == readable {
			fn(i, br)
		}
	}
}

func (t *tee) cancel(js *isolate.JS, i int, reason goja.Value) *goja.Object {
	t.canceled[i] = true
	if t.settled != nil {
		t.reasons[i] = reason
		if t.canceled[1-i] {
			t.settled.resolve(js, t.src.cancel(js, js.Runtime().NewArray(t.reasons[0], t.reasons[1])))
		}
		return t.settled.promise
	}
	if !t.canceled[1-i] {
		return resolved(js)
	}
	return t.src.cancel(js, reason)
}

// over lets branches that were canceled hear that the source needs no cancellation.
func (t *tee) over(js *isolate.JS) {
	if t.settled != nil && (!t.canceled[0] || !t.canceled[1]) {
		t.settled.resolve(js, nil)
	}
}

func (t *tee) fail(js *isolate.JS, reason goja.Value) {
	defer t.over(js)
	t.live(func(_ int, br *Readable) { br.ctrl.(scripted).fail(js, reason) })
}

// scripted is what the two controllers of the standard have in common.
type scripted interface {
	canEnqueue() bool
	fail(js *isolate.JS, reason goja.Value)
}

func (t *tee) close(js *isolate.JS) {
	defer t.over(js)
	t.live(func(_ int, br *Readable) {
		switch c := br.ctrl.(type) {
		case *defaultController:
			if c.canEnqueue() {
				c.close(js)
			}
		case *byteController:
			c.finish(js)
		}
	})
}

// pull reads the next chunk for both, into the view of a branch that asks so.
func (t *tee) pull(js *isolate.JS) {
	if t.reading {
		t.readAgain = true
		return
	}
	t.reading = true
	for i, br := range t.branches {
		c, ok := br.ctrl.(*byteController)
		if !ok || t.canceled[i] || len(c.pending) == 0 || c.pending[0].kind != ofBYOB {
			continue
		}
		p := c.pending[0]
		t.rd.byob = true
		t.given = 0
		w := view{ctor: intrinsicsOf.Get(js).uint8Array, buf: p.buf, offset: p.view.offset + p.filled, length: p.view.length - p.filled, elem: 1}
		t.src.readInto(js, w, max(p.least-p.filled, 1), &intoRequest{
			chunk: func(js *isolate.JS, v goja.Value) { t.arrivedInto(js, i, p, v) },
			close: func(js *isolate.JS, v goja.Value) {
				if w, ok, err := viewOf(js, v); ok && err == nil {
					p.buf = w.transfer(js)
				}
				t.reading = false
				t.close(js)
			},
			fail: func(*isolate.JS, goja.Value) { t.reading = false },
			progress: func(js *isolate.JS, data []byte) {
				t.given += len(data)
				t.others(js, i, data)
			},
			whole: func(js *isolate.JS, buf goja.ArrayBuffer, data []byte) {
				p.buf = buf
				t.arrived(js, chunk{bytes: data})
			},
		})
		return
	}
	t.rd.byob = false
	t.src.read(js, readRequest{
		chunk: t.arrived,
		close: func(js *isolate.JS) { t.reading = false; t.close(js) },
		fail:  func(*isolate.JS, goja.Value) { t.reading = false },
	})
}

// arrived gives a chunk to both branches.
func (t *tee) arrived(js *isolate.JS, c chunk) {
	t.reading = false
	t.readAgain = false
	var data []byte
	var v goja.Value
	t.live(func(i int, br *Readable) {
		switch ctrl := br.ctrl.(type) {
		case *defaultController:
			if v == nil {
				v = c.js(js)
			}
			if i == 1 && t.copies {
				v = copyOf(js, v)
			}
			_ = ctrl.enqueue(js, v) // there is no size function
		case *byteController:
			if data == nil {
				data, _ = c.data(js) // a stream of bytes gives nothing else
				ctrl.push(data)
			} else {
				ctrl.push(append([]byte(nil), data...))
			}
			ctrl.deliver(js)
		}
	})
	t.again(js)
}

// copyOf is a buffer or a view with memory of its own; other values, and memory that is
// shared anyway, are themselves.
func copyOf(js *isolate.JS, v goja.Value) goja.Value {
	rt := js.Runtime()
	if bind.ViewName(js, v) == "ArrayBuffer" {
		data, _ := bind.Bytes(js, v)
		return rt.ToValue(rt.NewArrayBuffer(append([]byte{}, data...)))
	}
	w, ok, err := viewOf(js, v)
	if !ok || err != nil {
		return v
	}
	return w.make(js, rt.NewArrayBuffer(append([]byte{}, w.buf.Bytes()...)), w.length)
}

// arrivedInto gives what was read into the view of branch i to it, and a copy to the
// other one.
func (t *tee) arrivedInto(js *isolate.JS, i int, p *pullInto, v goja.Value) {
	t.reading = false
	t.readAgain = false
	w, ok, err := viewOf(js, v)
	if err != nil || !ok || w.length == 0 {
		return
	}
	data := w.buf.Bytes()[w.offset+t.given : w.offset+w.length]
	t.others(js, i, data)
	buf := w.transfer(js)
	if c := t.branches[i].ctrl.(*byteController); !t.canceled[i] && len(c.pending) > 0 && c.pending[0] == p {
		p.buf = buf
		// It cannot fail: the view has room for what was read into it. At the end there
		// may be less than its read asked for.
		p.least = min(p.least, p.filled+w.length)
		_ = c.respond(js, p, w.length)
	}
	t.again(js)
}

// others gives a copy of data to the branch that is not i.
func (t *tee) others(js *isolate.JS, i int, data []byte) {
	if len(data) == 0 {
		return
	}
	t.live(func(j int, br *Readable) {
		if j != i {
			c := br.ctrl.(*byteController)
			c.push(append([]byte(nil), data...))
			c.deliver(js)
		}
	})
}

// again reads on where a branch wants more than it got.
func (t *tee) again(js *isolate.JS) {
	t.live(func(_ int, br *Readable) {
		switch c := br.ctrl.(type) {
		case *defaultController:
			c.pullIfNeeded(js)
		case *byteController:
			c.pullIfNeeded(js)
		}
	})
}
