package streams

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// standardTee is ReadableStreamDefaultTee of the standard: the branches read ahead as
// streams of their own do, and the source hears of a cancellation when both were
// canceled, with both reasons.
type standardTee struct {
	src       *Readable
	rd        *reader
	branches  [2]*defaultController
	canceled  [2]bool
	reasons   [2]goja.Value
	cancel    *deferred // what the cancellation of a branch settles with
	copies    bool      // see tee
	reading   bool
	readAgain bool
}

func (s *Readable) teeStandard(js *isolate.JS, copies bool) (a, b *Readable) {
	t := &standardTee{src: s, cancel: newDeferred(js), copies: copies}
	t.rd, _ = s.acquire() // nobody holds it
	var streams [2]*Readable
	for i := range streams {
		streams[i] = &Readable{}
		t.branches[i] = newDefault(js, streams[i], strategy{hwm: 1}, algorithms{
			pull:   func(js *isolate.JS) *goja.Object { t.pull(js); return resolved(js) },
			cancel: func(js *isolate.JS, reason goja.Value) *goja.Object { return t.canceledBy(js, i, reason) },
		})
		t.branches[i].start(js, resolved(js))
	}
	then(js, t.rd.closedPromise(js), nil, func(js *isolate.JS, reason goja.Value) {
		for _, c := range t.branches {
			c.fail(js, reason)
		}
		t.over(js)
	})
	return streams[0], streams[1]
}

// over lets branches that were canceled, and whose source nobody needs to cancel, hear
// that all is well.
func (t *standardTee) over(js *isolate.JS) {
	if !t.canceled[0] || !t.canceled[1] {
		t.cancel.resolve(js, nil)
	}
}

func (t *standardTee) canceledBy(js *isolate.JS, i int, reason goja.Value) *goja.Object {
	t.canceled[i], t.reasons[i] = true, reason
	if t.canceled[1-i] {
		both := js.Runtime().NewArray(t.reasons[0], t.reasons[1])
		t.cancel.resolve(js, t.src.cancel(js, both))
	}
	return t.cancel.promise
}

func (t *standardTee) pull(js *isolate.JS) {
	if t.reading {
		t.readAgain = true
		return
	}
	t.reading = true
	t.src.read(js, readRequest{
		chunk: func(js *isolate.JS, c chunk) {
			// In a microtask, so that who enqueued has returned and a failure of the source that
			// came with the chunk is known.
			then(js, resolved(js), func(js *isolate.JS, _ goja.Value) { t.arrived(js, c.js(js)) }, nil)
		},
		close: func(js *isolate.JS) {
			t.reading = false
			for i, c := range t.branches {
				if !t.canceled[i] && c.canEnqueue() {
					c.close(js)
				}
			}
			t.over(js)
		},
		fail: func(*isolate.JS, goja.Value) { t.reading = false },
	})
}

func (t *standardTee) arrived(js *isolate.JS, v goja.Value) {
	t.readAgain = false
	for i, c := range t.branches {
		if t.canceled[i] || !c.canEnqueue() {
			continue
		}
		out := v
		if i == 1 && t.copies {
			out = copyOf(js, v)
		}
		_ = c.enqueue(js, out) // there is no size function
	}
	t.reading = false
	if t.readAgain {
		t.pull(js)
	}
}
