package websockets

import (
	"bytes"
	"errors"
	"fmt"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

// outgoing is a message, or a close frame, that waits until it may leave.
type outgoing struct {
	gate    loop.Result[struct{}]
	message event.Message
	close   bool
	code    int
	reason  string
}

var (
	errSendClosed = exception.TypeErrorf("Can't call WebSocket send() after close().")
	errSendEarly  = exception.TypeErrorf("You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.")
)

// errClosedEarly ends an attempt to connect that nobody wants any more.
var errClosedEarly = exception.Errorf("Network connection lost.").WithKind(exception.Disconnected).WithCause(errors.New("close() was called before the connection was established"))

// repeatable is the sizes of messages for which it is worth to find out that the last
// one is sent again.
const repeatableLeast, repeatableMost = 128, 64 << 10

// lastSent is the last such message of the realm.
var lastSent = isolate.NewSlot(func(*isolate.JS) *event.Message { return &event.Message{} })

// message converts what send() is given. A broadcast sends the same to one socket after the
// other: it shares the bytes, and what the ends make of them.
func message(c *bind.Call) (event.Message, error) {
	if c.Len() == 0 {
		return event.Message{}, c.BadArg(1, "ArrayBuffer or ArrayBufferView or string")
	}
	if b, ok := bind.Bytes(c.JS(), c.Arg(0)); ok {
		m, again := sentLast(c.JS(), false, len(b), func(last []byte) bool { return bytes.Equal(last, b) })
		if !again {
			m = event.Message{Data: append([]byte(nil), b...)}
			keepSent(c.JS(), m)
		}
		return m, nil
	}
	text, err := c.String(1, c.Arg(0))
	if err != nil {
		return event.Message{}, err
	}
	m, again := sentLast(c.JS(), true, len(text), func(last []byte) bool { return string(last) == text })
	if !again {
		m = event.Message{Text: true, Data: []byte(text)}
		keepSent(c.JS(), m)
	}
	return m, nil
}

// sentLast returns the last message where it is the same one again.
func sentLast(js *isolate.JS, text bool, size int, same func(last []byte) bool) (event.Message, bool) {
	if size < repeatableLeast || size > repeatableMost {
		return event.Message{}, false
	}
	last := lastSent.Get(js)
	if last.Text != text || len(last.Data) != size || !same(last.Data) {
		return event.Message{}, false
	}
	if last.Shared == nil {
		last.Shared = &event.Shared{}
	}
	return *last, true
}

func keepSent(js *isolate.JS, m event.Message) {
	if n := len(m.Data); n >= repeatableLeast && n <= repeatableMost {
		*lastSent.Get(js) = m
	}
}

// send is send().
func (s *Socket) send(js *isolate.JS, m event.Message) error {
	n, err := s.native(js)
	switch {
	case err != nil:
		return err
	case s.state.ClosedOut:
		return errSendClosed
	case n.aborted || n.stage == released:
		return nil // the specification: what is sent after the end is ignored
	case n.stage != accepted && n.stage != parked:
		return errSendEarly
	}
	n.queue(outgoing{message: m})
	return nil
}

// close is close(); code 0 is none.
func (s *Socket) close(js *isolate.JS, code *int, reason *string) error {
	n, err := s.native(js)
	if err != nil {
		return err
	}
	if err := checkClose(js, code, reason); err != nil {
		return err
	}
	if n.stage == connecting {
		n.stage = released
		if n.cancel != nil {
			n.cancel(errClosedEarly)
			n.cancel = nil
		}
		return nil
	}
	if s.state.ClosedOut || n.aborted || n.stage == released {
		return nil
	}
	if n.stage != accepted && n.stage != parked {
		return errSendEarly
	}
	f := outgoing{close: true, code: event.CloseNoCode}
	if code != nil {
		f.code = *code
	}
	if reason != nil {
		f.reason = *reason
	}
	n.queue(f)
	s.state.ClosedOut = true
	return nil
}

// reasonBytes is how long the reason of a close frame may be (RFC 6455, 5.5).
const reasonBytes = 123

func checkClose(js *isolate.JS, code *int, reason *string) error {
	if code != nil {
		c := *code
		valid := c >= 1000 && c < 5000 && c != 1004 && c != 1005 && c != 1006 && c != 1015
		if has(js, "pedantic_wpt") {
			valid = c == 1000 || c >= 3000 && c < 5000
		}
		if !valid {
			return exception.DOM("InvalidAccessError", fmt.Sprintf("Invalid WebSocket close code: %d.", c))
		}
	}
	if reason != nil && len(*reason) > reasonBytes && has(js, "websocket_close_reason_byte_limit") {
		return exception.DOM("SyntaxError", "WebSocket close reason must not be longer than 123 bytes when UTF-8 encoded.")
	}
	if reason != nil && code == nil {
		return exception.DOM("InvalidAccessError", "If you specify a WebSocket close reason, you must also specify a code.")
	}
	return nil
}

// queue lets a frame leave as soon as what the actor wrote before is durable, and after
// the frames ahead.
func (n *native) queue(f outgoing) {
	f.gate = n.c.WaitForOutput()
	size := int64(len(f.message.Data))
	if !n.fits(size) {
		return
	}
	n.out = append(n.out, f)
	n.outBytes += size
	if !n.pumping {
		n.pump()
	}
}

// fits reports whether a message may wait behind the others; where it may not, that is the
// end of the WebSocket.
func (n *native) fits(size int64) bool {
	if len(n.out) == 0 || n.outBytes+size+int64(len(n.out))*event.FrameCost <= n.queueBytes {
		return true
	}
	n.end.Abort(event.ErrSlowReader)
	if h, ok := n.s.Keeper.(event.WebSocketHandler); ok && n.stage == parked {
		h.Failed(event.ErrSlowReader)
	} else {
		n.Failed(event.ErrSlowReader)
	}
	n.aborted, n.out, n.outBytes = true, nil, 0
	return false
}

// pump sends what may leave.
func (n *native) pump() {
	for len(n.out) > 0 {
		f := n.out[0]
		if _, err, ready := f.gate.Ready(); !ready {
			n.pumping = true
			f.gate.Then(func(_ struct{}, err error) {
				n.pumping = false
				if err == nil && len(n.out) > 0 {
					n.out[0].gate = loop.Now(struct{}{})
				}
				n.pump()
			})
			return
		} else if err != nil {
			// The gate is broken, and the actor with it: its end is the socket's.
			n.out, n.outBytes = nil, 0
			return
		}
		n.out[0] = outgoing{}
		n.out = n.out[1:]
		n.outBytes -= int64(len(f.message.Data))
		if n.peer != nil {
			n.peer.expect()
		}
		// An error is told to the handler, too.
		if f.close {
			_ = n.end.Close(f.code, f.reason)
		} else {
			_ = n.end.Send(f.message, nil)
		}
	}
	n.out = nil
	n.settle()
}
