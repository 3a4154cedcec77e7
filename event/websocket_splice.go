package event

import "sync"

// spliceAhead is how many bytes a splice hands on before the messages ahead have left.
const spliceAhead = 64 << 10

// Splice makes one WebSocket of two ends that were not started, and owns both: what one
// receives the other one sends, and each is read as fast as the other one is written. An
// end of a pair is read at once: code that sends cannot be held back, and the queue of
// the other end knows best what to do about a slow reader.
// over, which may be nil, is called once, when nothing is left to hand on.
func Splice(a, b WebSocket, over func()) {
	s := &splice{over: over}
	left, right := &s.ways[0], &s.ways[1]
	*left, *right = spliced{s: s, to: b}, spliced{s: s, to: a}
	left.ahead, right.ahead = ahead(a, b), ahead(b, a)
	a.Start(left, 0)
	b.Start(right, 0)
}

// ahead reports whether what from receives is handed on without waiting.
func ahead(from, to WebSocket) bool {
	p, ok := from.(*pairEnd)
	if _, both := to.(*pairEnd); !ok || both {
		return false
	}
	p.couple(to)
	return true
}

// splice is what the two directions share.
type splice struct {
	ways [2]spliced

	mu     sync.Mutex
	closed int // directions that ended with a close frame
	ended  bool
	over   func()
}

// spliced is the handler of one end: it hands on to the other one.
type spliced struct {
	s     *splice
	to    WebSocket
	ahead bool
}

// Message is WebSocketHandler's.
func (d *spliced) Message(m Message, done func()) {
	if !d.ahead && d.to.Buffered()+int64(len(m.Data)) > spliceAhead {
		// An error comes with a call of done, and ends to, which ends all of it.
		_ = d.to.Send(m, done)
		return
	}
	_ = d.to.Send(m, nil)
	done()
}

// MaxMessage is Limited's.
func (d *spliced) MaxMessage() int64 {
	if l, ok := d.to.(Limited); ok {
		return l.MaxMessage()
	}
	return 0
}

// Closed is WebSocketHandler's.
func (d *spliced) Closed(code int, reason string) {
	// Where to is over already, its handler has been told.
	_ = d.to.Close(code, reason)
	d.s.mu.Lock()
	d.s.closed++
	last := d.s.closed == 2
	d.s.mu.Unlock()
	if last {
		d.s.end()
	}
}

// Failed is WebSocketHandler's.
func (d *spliced) Failed(err error) {
	d.to.Abort(err)
	d.s.end()
}

func (s *splice) end() {
	s.mu.Lock()
	first := !s.ended
	s.ended = true
	s.mu.Unlock()
	if first && s.over != nil {
		s.over()
	}
}
