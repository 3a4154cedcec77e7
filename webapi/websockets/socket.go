package websockets

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/events"
)

// stage is where a socket is in its life:
// connecting -> accepted; waiting -> accepted, parked or released; all -> released.
type stage uint8

const (
	connecting stage = iota // new WebSocket(), until the other side has answered
	waiting                 // for accept(), or for being given away
	accepted                // what comes is told to listeners
	parked                  // what comes is told to Go code; scripts may send
	released                // given away, or over
)

// Ready states, as scripts see them.
const (
	readyConnecting = 0
	readyOpen       = 1
	readyClosing    = 2
	readyClosed     = 3
)

// Socket is a WebSocket.
type Socket struct {
	events.Target
	state State
	io    iocontext.Own[*native]
	obj   *goja.Object // nil until somebody asks for it
	// blob says that binary messages become Blobs, not ArrayBuffers.
	blob bool
	// Keeper is what the Go code that the socket was parked for keeps of it. Where it is a
	// handler, it is told of an end that this side makes.
	Keeper any
}

// State is what a socket is beside its end and its listeners: all that is left of it
// while it is parked and no JavaScript object exists.
type State struct {
	// URL, Protocol and Extensions are the attributes; nil is null.
	URL, Protocol, Extensions *string
	// Attachment is what serializeAttachment() has kept; nil for nothing.
	Attachment []byte
	// ClosedOut says that close() was called.
	ClosedOut bool
	// HalfOpen says that a close frame is not answered of itself.
	HalfOpen bool
}

// native is the part of a socket that only the context that made it may use.
type native struct {
	s     *Socket
	c     *iocontext.Context
	stage stage
	end   event.WebSocket // nil while connecting
	peer  *native         // the other one of a pair; nil where the other side is elsewhere

	closedIn bool
	aborted  bool // nothing can be sent any more
	failed   goja.Value

	out        []outgoing
	outBytes   int64
	queueBytes int64
	pumping    bool // the first of out waits for its gate

	started bool
	entry   iocontext.Entry
	// early is what came before accept(), where the end was started to learn of its end.
	early    func()
	max      int64
	task     func(error)
	pending  func()
	coming   int    // frames that the peer has sent and listeners have not been told of
	arriving func() // ends the pending event for them
	owned    bool   // it ends with the context
	onEnd    func() // what Take's caller is told
	unsignal func() // forgets the signal that would end it
	cancel   func(error)
}

// empty is what attributes begin with. It does not change.
var empty = ""

// whole is a socket and its native part, in one piece of memory.
type whole struct {
	Socket
	native native
}

func newSocket(js *isolate.JS, c *iocontext.Context, at stage, end event.WebSocket) *Socket {
	how := behaviours.Get(js)
	w := &whole{native: native{c: c, stage: at, end: end, max: how.max, queueBytes: how.queue}}
	s, n := &w.Socket, &w.native
	s.state = State{Protocol: &empty, Extensions: &empty, HalfOpen: how.halfOpen}
	s.io, s.blob, n.s = iocontext.OwnedBy(c, "Native", n), how.blob, s
	if at != parked {
		n.own()
	}
	return s
}

// behaviour is what a realm's flags and bounds say of its sockets.
type behaviour struct {
	halfOpen, blob bool
	max, queue     int64
}

var behaviours = isolate.NewSlot(func(js *isolate.JS) *behaviour {
	return &behaviour{
		halfOpen: !has(js, "web_socket_auto_reply_to_close"),
		blob:     has(js, "websocket_standard_binary_type"),
		max:      maxMessage(js),
		queue:    limits.WebSocketQueue.Bytes(js.Bounds()),
	}
})

func has(js *isolate.JS, flag string) bool { return js.Compat() != nil && js.Compat().Has(flag) }

// maxMessage is how many bytes a message may have that a script is told of.
func maxMessage(js *isolate.JS) int64 {
	if has(js, "increase_websocket_message_size") {
		return limits.WebSocketMessage.Bytes(js.Bounds())
	}
	return limits.WebSocketReceived.Bytes(js.Bounds())
}

// New makes the socket for an end that a service has answered with, in the current
// context c. It waits for accept().
func New(js *isolate.JS, c *iocontext.Context, end event.WebSocket) *Socket {
	return newSocket(js, c, waiting, end)
}

// Revive makes the socket for an end that is parked, in the current context c.
func Revive(js *isolate.JS, c *iocontext.Context, end event.WebSocket, st State) *Socket {
	s := newSocket(js, c, parked, end)
	s.state = st
	return s
}

// newPair makes the two sockets of a pair.
func newPair(js *isolate.JS, c *iocontext.Context) (a, b *Socket) {
	x, y := event.NewWebSocketPair(behaviours.Get(js).queue)
	a, b = New(js, c, x), New(js, c, y)
	a.io.Value().peer, b.io.Value().peer = b.io.Value(), a.io.Value()
	return a, b
}

// Object is the JavaScript object, made at the first call: a socket that passes through a
// worker in a Response needs none.
func (s *Socket) Object(js *isolate.JS) *goja.Object {
	if s.obj == nil {
		s.obj = Class.Wrap(js, s)
		s.Watch(s.obj, nil)
	}
	return s.obj
}

// State is what is left of a parked socket when its object is gone.
func (s *Socket) State() State { return s.state }

// native is the part that belongs to the context, where that is current.
func (s *Socket) native(js *isolate.JS) (*native, error) { return s.io.Get(js) }

// Texts of workerd.
var (
	errCoupleNew      = exception.TypeErrorf("Can't return WebSocket in a Response if it was created with `new WebSocket()`")
	errCoupleUsed     = exception.TypeErrorf("Can't return WebSocket that was already used in a response.")
	errCoupleParked   = exception.TypeErrorf("Can't return WebSocket in a Response after calling acceptWebSocket().")
	errCoupleAccepted = exception.TypeErrorf("Can't return WebSocket in a Response after calling accept().")

	errAcceptNew    = exception.TypeErrorf("Websockets obtained from the 'new WebSocket()' constructor cannot call accept")
	errAcceptUsed   = exception.TypeErrorf("Can't accept() WebSocket that was already used in a response.")
	errAcceptParked = exception.TypeErrorf("Can't accept() WebSocket after enabling hibernation.")

	errParkAccepted = exception.Errorf("Cannot call `acceptWebSocket()` if the WebSocket was already accepted via `accept()`")
	errParkUsed     = exception.Errorf("Cannot call `acceptWebSocket()` on this WebSocket because its pair has already been accepted or used in a Response.")
	errParkState    = exception.TypeErrorf("Tried to make an api::WebSocket hibernatable when it was in an incompatible state.")
)

// OfPair reports whether the other side is a socket of the same context.
func (s *Socket) OfPair() bool { return s.io.Value().peer != nil }

// Take gives the end away, for a Response: whoever gets it starts it. The socket is of no
// use from then on; its peer's context lives until the WebSocket is over. coupled, which
// may be nil, is asked where there is such a peer, unless that is parked, and what it
// returns is called when the WebSocket is over.
func (s *Socket) Take(js *isolate.JS, coupled func() (over func())) (event.WebSocket, error) {
	n, err := s.native(js)
	if err != nil {
		return nil, err
	}
	switch n.stage {
	case connecting:
		return nil, errCoupleNew
	case released:
		return nil, errCoupleUsed
	case parked:
		return nil, errCoupleParked
	case accepted:
		return nil, errCoupleAccepted
	}
	n.stage = released
	n.disown()
	if p := n.peer; p != nil {
		n.peer, p.peer = nil, nil
		if coupled != nil && (p.stage == waiting || p.stage == accepted) {
			p.onEnd = coupled()
		}
		p.remote()
	}
	return n.end, nil
}

// MayPark says why Park would fail.
func (s *Socket) MayPark(js *isolate.JS) error {
	n, err := s.native(js)
	switch {
	case err != nil:
		return err
	case n.stage == accepted || n.stage == parked:
		return errParkAccepted
	case n.peer == nil || n.peer.stage != waiting:
		return errParkUsed
	case n.stage != waiting:
		return errParkState
	}
	return nil
}

// Park gives what comes to Go code, which starts the end: the socket stays what scripts
// send with. It is acceptWebSocket() of actors.
func (s *Socket) Park(js *isolate.JS) (event.WebSocket, error) {
	if err := s.MayPark(js); err != nil {
		return nil, err
	}
	n := s.io.Value()
	n.stage = parked
	n.disown()
	n.drain() // nothing counts what comes any more
	return n.end, nil
}

// Accepted reports whether accept() was called, and whether the socket was parked.
func (s *Socket) Accepted(js *isolate.JS) (plain, isParked bool, err error) {
	n, err := s.native(js)
	if err != nil {
		return false, false, err
	}
	return n.stage == accepted, n.stage == parked, nil
}

// accept is accept().
func (s *Socket) accept(js *isolate.JS, halfOpen *bool) error {
	n, err := s.native(js)
	if err != nil {
		return err
	}
	switch n.stage {
	case connecting:
		return errAcceptNew
	case released:
		return errAcceptUsed
	case parked:
		return errAcceptParked
	case accepted:
		return nil
	}
	if halfOpen != nil {
		s.state.HalfOpen = *halfOpen
	}
	n.begin(js)
	return nil
}

func (s *Socket) readyState(js *isolate.JS) (int, error) {
	n, err := s.native(js)
	switch {
	case err != nil:
		return 0, err
	case n.closedIn && s.state.ClosedOut || n.failed != nil:
		return readyClosed, nil
	case n.closedIn || s.state.ClosedOut:
		return readyClosing, nil
	case n.stage == connecting:
		return readyConnecting, nil
	}
	return readyOpen, nil
}

// own makes the end end with the context.
func (n *native) own() {
	n.owned = true
	n.c.Tie(n)
}

// disown lets the end outlive the context.
func (n *native) disown() {
	if n.owned {
		n.owned = false
		n.c.Untie(n)
	}
	if n.unsignal != nil {
		n.unsignal()
		n.unsignal = nil
	}
}

// ContextEnded is iocontext.Ending's: it ends the socket with its context.
func (n *native) ContextEnded() { n.over(event.ErrDisconnected) }

// over ends the socket: what it had not sent is lost.
func (n *native) over(err error) {
	if n.cancel != nil {
		n.cancel(err)
		n.cancel = nil
	}
	if n.end != nil && n.stage != released {
		n.end.Abort(err)
	}
	n.stage, n.aborted = released, true
	n.out, n.outBytes = nil, 0
	n.readEnded()
	n.disown()
}
