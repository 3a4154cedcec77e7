package websockets

import (
	"errors"
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/events"
)

// begin tells listeners what comes from now on.
func (n *native) begin(js *isolate.JS) {
	n.stage = accepted
	n.entry = iocontext.Entry{Section: n.c.Capture(js).Section}
	n.keep()
	if n.coming > 0 {
		n.arriving = n.c.AddPending()
	}
	if early := n.early; early != nil {
		n.early = nil
		n.c.Loop().Defer(early)
	}
	n.start()
}

func (n *native) start() {
	if !n.started {
		n.started = true
		n.end.Start(n, n.max)
	}
}

// remote says that the other side of a pair has left for elsewhere.
func (n *native) remote() {
	n.drain()
	switch n.stage {
	case waiting:
		// Its accept() may come later: until then the context lives, and the end is
		// watched, so that it need not live longer than the other side.
		n.keep()
		n.start()
	case accepted:
		n.keep()
	}
}

// keep keeps the context alive until reading ends. Where the other side is a socket of
// the same context, nothing is pending: if both wait for each other, they hang.
func (n *native) keep() {
	if n.task == nil {
		n.task = n.c.StartTask()
	}
	if n.pending == nil && n.peer == nil {
		n.pending = n.c.AddPending()
	}
}

// readEnded lets the context end: nothing comes any more.
func (n *native) readEnded() {
	n.early = nil
	n.drain()
	if n.pending != nil {
		n.pending()
		n.pending = nil
	}
	if n.task != nil {
		n.task(nil)
		n.task = nil
	}
	if n.onEnd != nil {
		n.onEnd()
		n.onEnd = nil
	}
}

// expect counts a frame that the peer has sent.
func (n *native) expect() {
	n.coming++
	if n.stage == accepted && n.arriving == nil {
		n.arriving = n.c.AddPending()
	}
}

// arrived says that listeners were told of a frame.
func (n *native) arrived() {
	if n.coming > 0 {
		n.coming--
	}
	if n.coming == 0 {
		n.drain()
	}
}

func (n *native) drain() {
	n.coming = 0
	if n.arriving != nil {
		n.arriving()
		n.arriving = nil
	}
}

// Message is event.WebSocketHandler's.
func (n *native) Message(m event.Message, done func()) {
	n.post(func() {
		n.deliver(done, func(js *isolate.JS) { n.received(js, m) })
	})
}

// Closed is event.WebSocketHandler's.
func (n *native) Closed(code int, reason string) {
	n.post(func() {
		n.deliver(func() {}, func(js *isolate.JS) { n.closed(js, code, reason) })
	})
}

// Failed is event.WebSocketHandler's.
func (n *native) Failed(err error) {
	n.post(func() {
		if n.stage == waiting {
			n.aborted = true
			n.out, n.outBytes = nil, 0
		}
		n.deliver(func() {}, func(js *isolate.JS) { n.lost(js, err) })
		if n.stage == waiting {
			// accept() has something to tell, but the context need not live for it.
			early := n.early
			n.readEnded()
			n.early = early
		}
	})
}

// post runs a task on the isolate's loop; any goroutine.
func (n *native) post(task func()) {
	l := n.c.Loop()
	n.c.Realm().Isolate().Host().Complete(func() {
		if l.Post(task) != nil {
			// The loop is closed, and the context with it.
			n.end.Abort(event.ErrDisconnected)
		}
	})
}

// deliver runs fn as an event of the context, and then done. Before accept() it waits.
func (n *native) deliver(done func(), fn func(js *isolate.JS)) {
	switch {
	case n.stage == waiting:
		before := n.early
		n.early = func() {
			if before != nil {
				before()
			}
			n.deliver(done, fn)
		}
		return
	case n.stage != accepted || n.c.Ended():
		done()
		return
	}
	n.c.RunIn(n.entry, func(js *isolate.JS) {
		if n.stage == accepted {
			fn(js)
		}
		done()
	}, func(err error) {
		done()
		n.c.Fail(err)
	})
}

// received tells of a message.
func (n *native) received(js *isolate.JS, m event.Message) {
	defer n.arrived()
	e := &events.MessageEvent{Event: events.New("message", false), NullOrigin: true}
	switch {
	case m.Text:
		e.Data = js.Runtime().ToValue(string(m.Data))
	case n.s.blob:
		e.Data = blob.Class.Wrap(js, blob.New(m.Data, ""))
	default:
		// The bytes may be another end's, too, and scripts may change a buffer.
		e.Data = bind.Value(js, append([]byte(nil), m.Data...))
	}
	if _, err := events.Deliver(js, &n.s.Target, events.MessageEventClass, e); err != nil {
		n.threw(js, err)
	}
}

// threw ends the socket because a listener threw.
func (n *native) threw(js *isolate.JS, err error) {
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	events.Log(js, "uncaught exception", js.Exception(err))
	n.closedIn = true
	n.report(js, err)
	n.over(event.ErrDisconnected)
}

// closed tells of the close frame of the other side.
func (n *native) closed(js *isolate.JS, code int, reason string) {
	defer n.arrived()
	n.closedIn = true
	if !n.s.state.HalfOpen && !n.s.state.ClosedOut && !n.aborted {
		n.queue(outgoing{close: true, code: code, reason: reason})
		n.s.state.ClosedOut = true
	}
	n.dispatchClose(js, code, reason, true)
	n.readEnded()
	n.settle()
}

func (n *native) dispatchClose(js *isolate.JS, code int, reason string, clean bool) {
	_, err := events.Deliver(js, &n.s.Target, events.CloseEventClass,
		&events.CloseEvent{Event: events.New("close", false), Code: code, Reason: reason, WasClean: clean})
	if err != nil {
		n.threw(js, err)
	}
}

// lost tells of an end without a close frame.
func (n *native) lost(js *isolate.JS, err error) {
	defer n.arrived()
	n.aborted = true
	n.out, n.outBytes = nil, 0
	defer n.settle()
	if n.closedIn {
		return // the other side had said all it wanted to
	}
	if errors.Is(err, event.ErrDisconnected) {
		// While the listener runs the socket still looks open, as in workerd.
		n.dispatchClose(js, 1006, "WebSocket disconnected without sending Close frame.", false)
		n.closedIn = true
	} else {
		n.closedIn = true
		n.report(js, visible(err))
	}
	n.readEnded()
}

// settle forgets a socket that is over: nothing is left to be ended with the context.
func (n *native) settle() {
	if n.closedIn && (n.aborted || n.s.state.ClosedOut && len(n.out) == 0) {
		n.disown()
	}
}

// FailOn ends the socket with the reason of a signal that fires.
func (s *Socket) FailOn(js *isolate.JS, signal *events.Signal) {
	n := s.io.Value()
	n.unsignal = signal.OnAbort(js, func(js *isolate.JS, reason goja.Value) {
		if n.stage != accepted && n.stage != waiting || n.closedIn {
			return
		}
		n.end.Abort(event.ErrDisconnected)
		n.Failed(js.Thrown(reason))
	})
}

// visible is a failure as scripts see it.
func visible(err error) error {
	var p *event.ProtocolError
	var e *exception.Exception
	switch {
	case errors.As(err, &p):
		return exception.Errorf("WebSocket protocol error; protocolError.statusCode = %d; protocolError.description = %s", p.Code, p.Reason).WithCause(err)
	case errors.As(err, &e):
		return err
	case errors.Is(err, event.ErrSlowReader):
		return exception.Errorf("The WebSocket was closed: more messages waited to be sent than may wait, because the other side reads too slowly.").WithCause(err)
	}
	return exception.Errorf("Network connection lost.").WithKind(exception.Disconnected).WithCause(err)
}

// report dispatches an error event, the first time.
func (n *native) report(js *isolate.JS, err error) {
	if n.failed != nil {
		return
	}
	v := js.Error(err)
	n.failed = v
	n.aborted = true
	e := &events.ErrorEvent{Event: events.New("error", false), Message: fmt.Sprintf("Uncaught %s", js.Exception(err).Error()), Error: v}
	events.Dispatch(js, &n.s.Target, events.ErrorEventClass, e)
}
