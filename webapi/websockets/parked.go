package websockets

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

// Answer sends what Go code says on a parked socket: behind what waits for the output
// gate, but without waiting for the gate itself.
func (s *Socket) Answer(m event.Message) {
	n := s.io.Value()
	switch {
	case s.state.ClosedOut || n.aborted || n.stage == released:
	case len(n.out) > 0:
		if !n.fits(int64(len(m.Data))) {
			return
		}
		n.out = append(n.out, outgoing{gate: loop.Now(struct{}{}), message: m})
		n.outBytes += int64(len(m.Data))
	default:
		_ = n.end.Send(m, nil) // an error is told to the handler, too
	}
}

// Ended gives a parked socket back to its context, because nothing comes any more: it
// ends with the context. gone says that nothing can be sent either.
func (s *Socket) Ended(gone bool) {
	n := s.io.Value()
	n.closedIn = true
	if gone {
		n.aborted = true
		n.out, n.outBytes = nil, 0
	}
	n.own()
	n.settle()
}

// Data is a message as a handler of an actor is given it: text, or an ArrayBuffer.
func Data(js *isolate.JS, m event.Message) goja.Value {
	if m.Text {
		return js.Runtime().ToValue(string(m.Data))
	}
	// The bytes may be another end's, too, and scripts may change a buffer.
	return bind.Value(js, append([]byte(nil), m.Data...))
}

// Visible is a failure of a WebSocket as scripts see it.
func Visible(err error) error { return visible(err) }
