package event

import (
	"errors"
	"sync"
)

// NewWebSocketPair is a WebSocket within the process: what one end sends the other one
// receives. queue is how many bytes of messages may wait in each direction; a message
// that finds the queue empty always fits. No goroutine belongs to it.
func NewWebSocketPair(queue int64) (a, b WebSocket) {
	p := &socketPair{queue: queue}
	p.ends[0].pair, p.ends[1].pair = p, p
	p.ends[0].peer, p.ends[1].peer = &p.ends[1], &p.ends[0]
	return &p.ends[0], &p.ends[1]
}

// FrameCost is what a message that waits counts beside its bytes: an empty one needs memory,
// too.
const FrameCost = 64

type socketPair struct {
	queue int64
	ends  [2]pairEnd

	mu sync.Mutex // guards all of both ends
}

// pairEnd is one end. What is on its way to it waits in its queue.
type pairEnd struct {
	pair *socketPair
	peer *pairEnd

	handler    WebSocketHandler // nil before Start, and when nothing is told any more
	maxMessage int64
	in         []pairFrame // on its way to this end, oldest first
	inBytes    int64       // of messages that wait, or that the handler is at
	busy       bool        // the handler is at a message
	delivering bool        // a call of deliver runs
	behind     WebSocket   // where what comes here goes on to; nil where a handler takes it
	failure    error       // what Failed is told, before whatever else waits
	started    bool
	closedOut  bool // this end sent a close frame
	gone       bool // this end is over: nothing is sent, nothing is told
}

// pairFrame is a message, a close frame, or, where err is set, the end of it all.
type pairFrame struct {
	message Message
	sent    func()
	close   bool
	code    int
	reason  string
	err     error
}

// Start is WebSocket's.
func (e *pairEnd) Start(h WebSocketHandler, maxMessage int64) {
	e.pair.mu.Lock()
	if e.started {
		e.pair.mu.Unlock()
		panic("event: a WebSocket was started twice")
	}
	e.started, e.maxMessage = true, maxMessage
	if !e.gone || e.failure != nil {
		e.handler = h
	}
	e.pair.mu.Unlock()
	e.deliver()
}

// Send is WebSocket's.
func (e *pairEnd) Send(m Message, sent func()) error {
	p, to := e.pair, e.peer
	p.mu.Lock()
	err := error(nil)
	switch size := int64(len(m.Data)); {
	case e.closedOut || e.gone:
		err = ErrClosed
	case len(to.in) > 0 && to.inBytes+size+int64(len(to.in))*FrameCost > p.queue, to.inBytes > 0 && to.inBytes+size > p.queue:
		err = ErrSlowReader
	case to.gone: // and this end will be told
	default:
		to.in = append(to.in, pairFrame{message: m, sent: sent})
		to.inBytes += size
		sent = nil
	}
	p.mu.Unlock()
	if sent != nil {
		sent()
	}
	if err == nil {
		to.deliver()
		return nil
	}
	if err == ErrSlowReader {
		e.fail(ErrSlowReader, CloseOverload, ErrSlowReader.Error())
	}
	return err
}

// Close is WebSocket's.
func (e *pairEnd) Close(code int, reason string) error {
	p := e.pair
	p.mu.Lock()
	if e.closedOut || e.gone {
		p.mu.Unlock()
		return ErrClosed
	}
	e.closedOut = true
	if !e.peer.gone {
		e.peer.in = append(e.peer.in, pairFrame{close: true, code: code, reason: reason})
	}
	p.mu.Unlock()
	e.peer.deliver()
	return nil
}

// Abort is WebSocket's. Where the end was spliced, and what it led to broke the protocol or
// sent too much, the other end is told that.
func (e *pairEnd) Abort(err error) {
	why := ErrDisconnected
	var violation *ProtocolError
	if errors.As(err, &violation) {
		why = violation
	}
	p := e.pair
	p.mu.Lock()
	if e.gone {
		e.handler, e.failure = nil, nil
		p.mu.Unlock()
		return
	}
	e.gone, e.handler, e.failure = true, nil, nil
	dropped := e.drop()
	if !e.peer.gone && !(e.closedOut && e.peer.closedOut) {
		// What was sent before arrives.
		e.peer.in = append(e.peer.in, pairFrame{err: why})
	}
	p.mu.Unlock()
	released(dropped)
	e.peer.deliver()
}

// MaxMessage is Limited's: what the other end takes.
func (e *pairEnd) MaxMessage() int64 {
	e.pair.mu.Lock()
	defer e.pair.mu.Unlock()
	return e.peer.maxMessage
}

// Buffered is WebSocket's. Where the other end is spliced, what waits behind the splice
// counts, too.
func (e *pairEnd) Buffered() int64 {
	e.pair.mu.Lock()
	n, behind := e.peer.inBytes, e.peer.behind
	e.pair.mu.Unlock()
	if behind != nil {
		n += behind.Buffered()
	}
	return n
}

// couple says that what comes to e goes on to another WebSocket.
func (e *pairEnd) couple(to WebSocket) {
	e.pair.mu.Lock()
	defer e.pair.mu.Unlock()
	e.behind = to
}

// fail ends e, which is told err; its peer gets a close frame in place of what waits.
func (e *pairEnd) fail(err error, code int, reason string) {
	p := e.pair
	p.mu.Lock()
	if e.gone {
		p.mu.Unlock()
		return
	}
	e.gone, e.failure = true, err
	dropped := e.drop()
	dropped = append(dropped, e.peer.drop()...)
	switch {
	case e.peer.gone:
	case e.closedOut:
		e.peer.in = []pairFrame{{err: ErrDisconnected}}
	default:
		e.closedOut = true
		e.peer.in = []pairFrame{{close: true, code: code, reason: reason}}
	}
	p.mu.Unlock()
	released(dropped)
	e.deliver()
	e.peer.deliver()
}

// drop forgets what waits for e. The lock is held; the result goes to released.
func (e *pairEnd) drop() []pairFrame {
	dropped := e.in
	e.in = nil
	for _, f := range dropped {
		e.inBytes -= int64(len(f.message.Data))
	}
	return dropped
}

func released(frames []pairFrame) {
	for _, f := range frames {
		if f.sent != nil {
			f.sent()
		}
	}
}

// deliver tells the handler what waits. It is called, without the lock, whenever there
// may be something to tell; one call at a time does it, in a loop, so that an end that
// answers each message with another one does not recurse.
func (e *pairEnd) deliver() {
	p := e.pair
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.delivering {
		return
	}
	e.delivering = true
	defer func() { e.delivering = false }()
	for e.handler != nil {
		h := e.handler
		if err := e.failure; err != nil {
			e.failure, e.handler = nil, nil
			p.mu.Unlock()
			h.Failed(err)
			p.mu.Lock()
			continue
		}
		if len(e.in) == 0 || e.busy && e.in[0].err == nil {
			return
		}
		f := e.in[0]
		e.in[0] = pairFrame{}
		if e.in = e.in[1:]; len(e.in) == 0 {
			e.in = nil
		}
		p.mu.Unlock()
		e.tell(h, f)
		p.mu.Lock()
	}
}

// tell hands one frame to the handler, without the lock.
func (e *pairEnd) tell(h WebSocketHandler, f pairFrame) {
	p := e.pair
	size := int64(len(f.message.Data))
	switch {
	case f.err != nil:
		p.mu.Lock()
		over := e.gone
		e.gone, e.handler = true, nil
		dropped := e.drop()
		p.mu.Unlock()
		released(dropped)
		if !over {
			h.Failed(f.err)
		}
	case f.close:
		h.Closed(f.code, f.reason)
	case e.maxMessage > 0 && size > e.maxMessage:
		p.mu.Lock()
		e.inBytes -= size
		p.mu.Unlock()
		if f.sent != nil {
			f.sent()
		}
		err := TooBig(size, e.maxMessage)
		e.fail(err, err.Code, err.Reason)
	default:
		p.mu.Lock()
		e.busy = true
		p.mu.Unlock()
		var once sync.Once
		h.Message(f.message, func() {
			once.Do(func() {
				p.mu.Lock()
				e.busy = false
				e.inBytes -= size
				p.mu.Unlock()
				if f.sent != nil {
					f.sent()
				}
				e.deliver()
			})
		})
	}
}
