package websocket

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gobwas/ws"

	"workerd.local/event"
)

// Conn is one connection, and this side's end of its WebSocket.
//
// Reading: a worker (or the connection's goroutine) reads while somebody wants a
// message, and stops at each until the handler is done with it. What was read but not
// parsed stays in the connection, and nothing else: between two messages of a peer that
// sends one at a time there is no buffer.
//
// Writing: what is sent waits in out; one worker (or a goroutine that exists while
// there is something) writes as much of it at a time as fits into one call.
type Conn struct {
	set   *Set
	nc    net.Conn // nil where the poll watches file
	file  file
	seal  *sealed // where file is the connection below one with TLS
	owner any

	slot, generation uint32
	client           bool
	deflate          bool  // permessage-deflate was agreed on
	window           uint8 // bits of the window that this side may use

	// Whoever reads owns these: one worker at a time, or the goroutine.
	in      []byte // read, not yet parsed
	starved bool   // in is less than a frame's header, or than a control frame
	part    *part  // a message that is not complete
	// unwatched says that the poll does not know the connection yet.
	unwatched bool

	held atomic.Int64 // bytes of it, as the Set counts them

	mu         sync.Mutex // guards what follows
	handler    event.WebSocketHandler
	maxMessage int64
	failure    error // what the handler is to be told, where there is none yet
	turn       turn
	started    bool
	busy       bool // the handler is at a message
	readable   bool // the system said that there may be something to read
	blocked    bool // the system said that nothing fits
	closedIn   bool // the other side sent a close frame
	closedOut  bool // this side did, or queued it
	lingering  bool // what the other side still sends is dropped
	halfClosed bool
	gone       bool
	writing    bool // a goroutine writes
	pong       bool // an answer to a ping is in out
	out        []outgoing
	pending    []byte   // is being written, or the rest of it waits for room
	sents      []func() // to be called when pending is written
	queued     int64    // bytes in out and pending
	timer      *time.Timer
	wake       chan struct{} // for the goroutine that reads
}

// outgoing is a frame that waits.
type outgoing struct {
	frame []byte // does not change, and may be that of other connections too
	sent  func()
	pong  bool
}

// turn says who is at a connection: nobody, the queue, a worker, or a worker that
// has to look again.
type turn uint8

const (
	idle turn = iota
	waiting
	running
	again
)

var (
	errAgain = errors.New("nothing now")
	errEnd   = io.EOF
)

// options are what a handshake agreed on.
type options struct {
	client  bool
	deflate bool
	window  uint8
	owner   any
	// read is what came behind the handshake.
	read []byte
	// answer is what a server has still to write of the handshake.
	answer []byte
}

// newConn makes a WebSocket of a connection whose handshake is over, and owns it. On an
// error it is closed.
func (s *Set) newConn(nc net.Conn, o options) (*Conn, error) {
	c := &Conn{set: s, nc: nc, owner: o.owner, client: o.client, deflate: o.deflate, window: o.window}
	if len(o.read) > 0 {
		c.in = o.read
	}
	x := rawConn(nc)
	encrypted, place, below := sealable(nc)
	if encrypted != nil {
		x = below
	}
	if x != nil && s.polls() {
		if err := c.file.take(x); err != nil && c.file.there() {
			// The copy is there, and what failed is the end of the first one.
			c.file.close()
			s.release()
			return nil, err
		}
	}
	if encrypted != nil && c.file.there() {
		c.seal = &sealed{tls: encrypted, file: &c.file}
		place.Replace(c.seal)
		c.readable = true // crypto/tls may have read more than was asked for
	}
	if c.file.there() {
		c.nc = nil
	} else {
		c.wake = make(chan struct{}, 1)
	}
	if err := c.begin(o.answer); err != nil {
		s.release()
		c.cut()
		return nil, err
	}
	unwritten := c.queued > 0 || c.seal != nil && len(c.seal.rest) > 0
	if err := s.add(c); err != nil {
		c.cut()
		return nil, err
	}
	if unwritten {
		c.mu.Lock()
		c.schedule()
		c.mu.Unlock()
	}
	return c, nil
}

// begin writes the answer to the handshake. It fits into the system's buffer of a new
// connection, and what does not fit into one that has had other requests goes in front
// of the frames.
func (c *Conn) begin(answer []byte) error {
	if len(answer) == 0 {
		return nil
	}
	if c.nc != nil {
		_, err := c.nc.Write(answer)
		return err
	}
	n, err := c.put(answer)
	if err != nil && err != errAgain {
		return err
	}
	if rest := answer[n:]; len(rest) > 0 {
		c.wait(outgoing{frame: rest})
	}
	return nil
}

// put writes what fits, get reads what is there; a worker calls them.
func (c *Conn) put(b []byte) (int, error) {
	if c.seal != nil {
		return c.seal.write(b)
	}
	return c.file.write(b)
}

func (c *Conn) get(b []byte) (int, error) {
	if c.seal != nil {
		return c.seal.read(b)
	}
	return c.file.read(b)
}

// Start is event.WebSocket's.
func (c *Conn) Start(h event.WebSocketHandler, maxMessage int64) {
	c.mu.Lock()
	if c.started {
		c.mu.Unlock()
		panic("websocket: started twice")
	}
	c.started = true
	if c.maxMessage = c.set.maxMessage; maxMessage > 0 {
		c.maxMessage = min(maxMessage, c.maxMessage)
	}
	failure := c.failure
	if failure == nil && !c.gone && !c.lingering {
		c.handler = h
	}
	c.read()
	c.mu.Unlock()
	if failure != nil {
		h.Failed(failure)
	}
}

// read makes somebody read. The lock is held.
func (c *Conn) read() {
	switch {
	case c.gone:
	case c.nc == nil:
		c.schedule()
	case c.turn == idle:
		c.turn = running
		c.set.tasks.Add(1) // the connection itself counts, so Close waits already
		go func() {
			defer c.set.tasks.Done()
			defer c.letGo()
			c.readLoop()
		}()
	default:
		c.signal()
	}
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// schedule makes a worker look at the connection. The lock is held.
func (c *Conn) schedule() {
	switch c.turn {
	case idle:
		c.turn = waiting
		c.set.work.put(c)
	case running:
		c.turn = again
	}
}

// woken is told by the poll what it heard.
func (c *Conn) woken(readable, writable, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	if readable {
		c.readable = true
	}
	wanted := writable && c.blocked && (c.queued > 0 || c.seal != nil)
	if writable {
		c.blocked = false
	}
	if wanted || (readable || ended) && c.wantsRead() {
		c.schedule()
	}
}

// wantsRead reports whether somebody waits for what the other side sends. The lock is
// held.
func (c *Conn) wantsRead() bool {
	return c.lingering || c.handler != nil && !c.busy && !c.closedIn
}

// next is told by the handler that it is done with a message.
func (c *Conn) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if c.gone || !c.wantsRead() {
		return
	}
	if c.nc != nil {
		c.signal()
	} else if c.readable || len(c.unparsed()) > 0 {
		c.schedule()
	}
}

// unparsed is what was read and not parsed. While a worker runs, it looks again itself.
func (c *Conn) unparsed() []byte {
	if c.turn == running || c.turn == again {
		c.turn = again
		return nil
	}
	return c.in
}

// run is a worker's visit.
func (c *Conn) run(w *worker) {
	c.mu.Lock()
	c.turn = running
	c.mu.Unlock()
	if c.unwatched {
		c.unwatched = false
		if err := c.set.poll.add(c); err != nil {
			c.lost(disconnected(err))
		}
	}
	c.flush(w)
	more := c.readSome(w)
	c.mu.Lock()
	if c.gone {
		c.letGo() // what was read while it ended
	}
	if (more || c.turn == again) && !c.gone {
		c.turn = waiting
		c.set.work.put(c)
	} else {
		c.turn = idle
	}
	c.mu.Unlock()
}

// Close is event.WebSocket's.
func (c *Conn) Close(code int, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closedOut || c.gone {
		return event.ErrClosed
	}
	c.closedOut = true
	c.enqueue(outgoing{frame: c.control(ws.OpClose, closeBody(code, reason))})
	c.arm()
	return nil
}

// arm bounds how long the other side may take to answer a close frame. The lock is held.
func (c *Conn) arm() {
	if c.timer == nil {
		c.timer = time.AfterFunc(c.set.closeTime, func() { c.lost(event.ErrDisconnected) })
	}
}

// Abort is event.WebSocket's.
func (c *Conn) Abort(error) {
	c.mu.Lock()
	c.handler, c.failure = nil, nil
	c.mu.Unlock()
	c.finish()
}

// goAway is Abort that tells the other side, and gives it time to hear it.
func (c *Conn) goAway() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	c.handler, c.failure = nil, nil
	if !c.closedOut {
		c.closedOut = true
		c.enqueue(outgoing{frame: c.control(ws.OpClose, closeBody(event.CloseGoingAway, ""))})
	}
	c.lingering = true
	c.arm()
	c.read()
}

// fail ends the WebSocket because of what the other side did: it is sent a close frame,
// and the handler is told err. Where the other side does not read, the close frame takes
// the place of what waits.
func (c *Conn) fail(code int, reason string, err error) {
	c.mu.Lock()
	if c.gone || c.lingering {
		c.mu.Unlock()
		return
	}
	h := c.take(err)
	var dropped []func()
	if err == event.ErrSlowReader {
		dropped = c.drop()
	}
	if !c.closedOut {
		c.closedOut = true
		c.enqueue(outgoing{frame: c.control(ws.OpClose, closeBody(code, reason))})
	}
	c.lingering = true
	c.arm()
	c.schedule1()
	c.mu.Unlock()
	tell(dropped)
	if h != nil {
		h.Failed(err)
	}
}

// schedule1 makes somebody go on, whatever kind of connection it is. The lock is held.
func (c *Conn) schedule1() {
	if c.nc == nil {
		c.schedule()
	} else {
		c.signal()
		c.write()
	}
}

// take returns the handler for its last call; where there is none yet, it will be told
// err. The lock is held.
func (c *Conn) take(err error) event.WebSocketHandler {
	h := c.handler
	c.handler = nil
	if h == nil && !c.started {
		c.failure = err
	}
	return h
}

// drop forgets what waits to be sent, but for a frame that has begun. The lock is held;
// the result goes to tell.
func (c *Conn) drop() []func() {
	var sents []func()
	for _, o := range c.out {
		c.queued -= int64(len(o.frame))
		c.set.queued.Add(-int64(len(o.frame)) - event.FrameCost)
		if o.sent != nil {
			sents = append(sents, o.sent)
		}
	}
	c.out, c.pong = nil, false
	return sents
}

func tell(sents []func()) {
	for _, sent := range sents {
		sent()
	}
}

// lost ends the connection: it is over, as err says.
func (c *Conn) lost(err error) {
	c.mu.Lock()
	h := c.take(err)
	if c.gone || c.closedIn && c.closedOut {
		h, c.failure = nil, nil
	}
	c.mu.Unlock()
	c.finish()
	if h != nil {
		h.Failed(err)
	}
}

// finish closes the connection. Nothing is told to the handler.
func (c *Conn) finish() {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone, c.handler = true, nil
	sents := append(c.sents, c.drop()...)
	c.set.queued.Add(-c.queued)
	c.queued, c.sents = 0, nil
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	c.letGo()
	c.set.remove(c)
	c.cut()
	if c.nc != nil {
		c.signal()
	}
	c.set.tasks.Done()
	tell(sents)
}

// cut closes the connection without waiting for what encrypts it.
func (c *Conn) cut() {
	if c.nc == nil {
		c.file.close()
		return
	}
	nc := c.nc
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	nc.Close()
}

// disconnected is what a failure of the connection is to a handler.
func disconnected(err error) error {
	var sys syscall.Errno
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &sys) {
		return event.ErrDisconnected
	}
	return err
}
