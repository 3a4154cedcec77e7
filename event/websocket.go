package event

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Message is one message of a WebSocket. Data does not change any more; where Text is
// set it is valid UTF-8.
type Message struct {
	Text bool
	Data []byte
	// Shared is where ends keep what they make of a message that goes to many; nil where
	// it goes to one, as far as the sender knows.
	Shared *Shared
}

// Shared keeps the forms of one message, so that a broadcast is encoded and compressed
// once. Any goroutine.
type Shared struct {
	mu    sync.Mutex
	forms [SharedForms][]byte
}

// SharedForms is how many forms of a message may be kept.
const SharedForms = 2

// Form is a form of the message, made at the first call for it. It does not change.
func (s *Shared) Form(n int, encode func() []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forms[n] == nil {
		s.forms[n] = encode()
	}
	return s.forms[n]
}

// CloseNoCode stands for a close frame without a code, in both directions.
const CloseNoCode = 1005

// Close codes that this side sends of itself.
const (
	CloseGoingAway = 1001
	CloseTooBig    = 1009
	CloseOverload  = 1013
)

// WebSocket is one end of a WebSocket: of a connection of the network, or of a pair
// within the process (NewWebSocketPair).
//
// An end has one owner at a time: a JavaScript object, a splice, or Go code such as
// what parks a hibernating actor's sockets. Who is given an end that was not started
// owns it, starts it or aborts it. It outlives the ctx of the Fetch that brought it.
//
// Methods may be called from any goroutine, at any time, and none blocks. They may call
// handlers before they return, their own among them: no lock that a handler takes may
// be held.
type WebSocket interface {
	// Start begins to read; before it nothing is delivered, and the other side is held
	// back. It is called once. A message with more than maxMessage bytes ends the
	// WebSocket with the code CloseTooBig and ErrTooBig; 0 means no bound but the
	// end's own.
	Start(h WebSocketHandler, maxMessage int64)
	// Send queues a message; it may be called before Start. sent, which may be nil, is
	// called once: when the message has left the queue, or never will. Where Send
	// returns an error, it is called before. The errors are ErrClosed, after Close or
	// the end, and ErrSlowReader where the queue is full: then the WebSocket ends, with
	// the code CloseOverload as far as that can still be told.
	Send(m Message, sent func()) error
	// Close queues the close frame behind the messages: nothing may be sent after it,
	// while what the other side sends is still delivered. reason is cut
	// to 123 bytes where it goes over a network, and has none with CloseNoCode. The second one returns ErrClosed. The
	// WebSocket is over, and its connection closed, when both sides have closed.
	Close(code int, reason string) error
	// Abort ends the WebSocket at once, and drops what was not sent. The other side
	// learns that it was disconnected. The handler is told nothing any more, but what
	// runs may run to its end. err says why, for a log.
	Abort(err error)
	// Buffered is how many bytes of messages wait to be sent.
	Buffered() int64
}

// WebSocketHandler is told what an end receives: one call at a time, in order. The calls
// come on any goroutine, and must not block.
type WebSocketHandler interface {
	// Message is a message. The next call comes when done was called, on any goroutine
	// and perhaps before Message returns: that is how a reader holds back the other
	// side. Not calling it holds back Closed, too, but not Failed.
	Message(m Message, done func())
	// Closed is the close frame of the other side, CloseNoCode where it had no code.
	// No message follows. This side may still send, and must Close or Abort.
	Closed(code int, reason string)
	// Failed says that the WebSocket is over without a close frame of the other side,
	// or after it: ErrDisconnected, ErrTooBig, ErrSlowReader or a ProtocolError; other
	// errors are failures of the connection. It is the last call, and does not come
	// where both sides have closed, or after Abort.
	Failed(err error)
}

// Limited is what knows how big a message may be for who gets it in the end, so that an end
// of the network need not read a bigger one; 0 means that nothing is known.
type Limited interface{ MaxMessage() int64 }

// Errors of WebSockets.
var (
	// ErrDisconnected: the other side went away without a close frame.
	ErrDisconnected = errors.New("the other side of the WebSocket is gone")
	// ErrSlowReader: the other side reads too slowly, and the queue is full.
	ErrSlowReader = errors.New("the other side of the WebSocket reads too slowly")
	// ErrTooBig: a message is bigger than the receiver takes. Handlers get a ProtocolError
	// that Is this.
	ErrTooBig = errors.New("the message is too big")
	// ErrClosed: the end was closed.
	ErrClosed = errors.New("the WebSocket is closed")
)

// ProtocolError is a violation of RFC 6455 by the other side, which was sent Code.
type ProtocolError struct {
	Code   int // 1002, 1007, ...
	Reason string
}

func (e *ProtocolError) Error() string { return e.Reason }

// Is makes the one with the code CloseTooBig an ErrTooBig.
func (e *ProtocolError) Is(target error) bool { return target == ErrTooBig && e.Code == CloseTooBig }

// TooBig is the error for a message of size bytes where the receiver takes most.
func TooBig(size, most int64) *ProtocolError {
	return &ProtocolError{Code: CloseTooBig, Reason: fmt.Sprintf("Message is too large: %d > %d", size, most)}
}

// WantsWebSocket reports whether the request asks for a WebSocket: it has the header
// "Upgrade: websocket". A service answers with Status 101 and WebSocket set, or with any
// other response. Sec-WebSocket-Protocol and Sec-WebSocket-Extensions, in both
// directions, are headers of the request and of the response; the headers of the
// handshake itself (Connection, Sec-WebSocket-Key and so on) belong to who speaks to the
// network.
func (r *Request) WantsWebSocket() bool { return WantsWebSocket(r.Header) }

// WantsWebSocket is Request's, for a header alone.
func WantsWebSocket(h http.Header) bool {
	v := h["Upgrade"]
	return len(v) == 1 && strings.EqualFold(v[0], "websocket")
}

// Discard releases a response that nobody wants: its body and its WebSocket. It may block.
func (r *Response) Discard() error {
	if r.WebSocket != nil {
		r.WebSocket.Abort(ErrDisconnected)
	}
	return r.Body.Close()
}
