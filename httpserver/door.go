package httpserver

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"workerd.local/event"
	"workerd.local/websocket"
)

// door is where the connections of a plain socket come in. It reads once from each. What
// asks for a WebSocket in a usual way (usualHandshake) is served here: a goroutine that
// ends with the handshake, and nothing of what net/http keeps for a connection that may
// have many requests. Everything else goes on to net/http with what was read, and what is
// odd in any way, too: net/http alone decides about it.
//
// Where the system and the listener allow it, connections do not even come to Go's poller
// before net/http needs them; see arrival.
type door struct {
	s *Server
	l net.Listener
	// intake accepts, where it can be done without Go's poller; else nil.
	intake *intake
	// in takes connections to net/http, which accepts them; closed says that it does not
	// any more.
	in     chan *conn
	closed chan struct{}
	once   sync.Once

	serving sync.WaitGroup // net/http

	mu       sync.Mutex // guards what follows
	guests   map[*guest]struct{}
	arrivals arrivals
	closing  bool
	empty    chan struct{} // closed when there is nobody any more; made while closing
}

// guest is a connection at the door.
type guest struct {
	d *door
	c *conn

	// The door's lock guards these.
	cancel context.CancelFunc // of its request; nil before it
	waits  bool               // for its first bytes

	handed bool // net/http has it, with an answer: it leaves when that is given

	// What watch does: a client that goes away, or one that sends more.
	watching sync.WaitGroup
	more     [1]byte
	n        int
	gone     error
}

// headBytes is how large the head of a usual handshake may be. With the byte of watch, what
// is handed on fits into one read of net/http.
const headBytes = 4<<10 - 1

var heads = sync.Pool{New: func() any { b := make([]byte, headBytes); return &b }}

// newDoor is a door behind which net/http serves, until the server shuts down.
func newDoor(s *Server, l net.Listener) *door {
	d := &door{s: s, l: l, intake: newIntake(l), in: make(chan *conn), closed: make(chan struct{}), guests: map[*guest]struct{}{}}
	d.serving.Go(func() {
		// It says that the server was shut down.
		_ = s.srv.Serve(d)
		d.Close()
	})
	return d
}

// serve accepts until the door is shut.
func (d *door) serve() error {
	accept := d.accept
	if l, ok := d.l.(*listener); ok && d.intake != nil {
		accept = func() error { return d.takeIn(l) }
	}
	pause := time.Duration(0)
	for {
		err := accept()
		if err == nil {
			pause = 0
			continue
		}
		// As net/http does it: the system may be out of files.
		if te, ok := err.(interface{ Temporary() bool }); !ok || !te.Temporary() {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		d.s.o.Log.Warn("accept", "error", err, "again", pause)
		select {
		case <-time.After(pause):
		case <-d.closed:
			return net.ErrClosed
		}
	}
}

// accept takes one connection.
func (d *door) accept() error {
	nc, err := d.l.Accept()
	if err != nil {
		return err
	}
	d.receive(nc.(*conn))
	return nil
}

// receive gives a connection a goroutine that reads once from it.
func (d *door) receive(c *conn) {
	g := &guest{d: d, c: c, waits: true}
	if !d.enter(g) {
		c.Close()
		return
	}
	go g.serve()
}

func (d *door) enter(g *guest) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		return false
	}
	d.guests[g] = struct{}{}
	return true
}

// leave may be called more than once.
func (d *door) leave(g *guest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.guests)
	delete(d.guests, g)
	if before > len(d.guests) {
		d.left()
	}
}

// left is told, with the lock, that somebody has left.
func (d *door) left() {
	if d.closing && len(d.guests) == 0 && d.arrivals.first == nil && d.arrivals.answering == 0 {
		close(d.empty)
	}
}

// shut accepts nothing more and waits for the guests, or for ctx: then they are cut. Those
// of whom nothing was read yet go on to net/http, which has rules for them.
func (d *door) shut(ctx context.Context) error {
	_ = d.l.Close() // it may be closed
	if d.intake != nil {
		d.intake.close()
	}
	d.mu.Lock()
	if !d.closing {
		d.closing, d.empty = true, make(chan struct{})
		d.left()
	}
	for g := range d.guests {
		if g.waits {
			_ = g.c.SetReadDeadline(time.Unix(1, 0)) // where it fails, so does the read
		}
	}
	empty := d.empty
	d.mu.Unlock()
	select {
	case <-empty:
		return nil
	default:
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	d.mu.Lock()
	left, early := slices.Collect(maps.Keys(d.guests)), d.arrivals.all()
	d.mu.Unlock()
	// First the connections, so that no answer to the end of a request is sent any more.
	for _, g := range left {
		g.c.Close()
		g.end()
	}
	for _, a := range early {
		a.end()
	}
	d.Close() // nobody waits for net/http any more
	<-empty
	return ctx.Err()
}

// Accept is net.Listener's, for net/http.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.in:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	if err := d.l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // it was closed before, by who shuts the server down
}

// Addr is net.Listener's.
func (d *door) Addr() net.Addr { return d.l.Addr() }

// handOn gives a connection to net/http, with what was read of it.
func (d *door) handOn(c *conn, read []byte) {
	c.read = bytes.Clone(read)
	select {
	case d.in <- c:
	case <-d.closed:
		c.Close()
	}
}

// serve is the goroutine of a guest.
func (g *guest) serve() {
	defer g.out()
	head := heads.Get().(*[]byte)
	defer heads.Put(head)
	n, ok := g.first(*head)
	if !ok {
		g.c.Close()
		return
	}
	read := (*head)[:n]
	r, line := usualHandshake(read)
	if r == nil {
		g.d.handOn(g.c, read)
		return
	}
	g.handshake(r, read, len(line))
}

// out ends a goroutine of the guest, also where it panics.
func (g *guest) out() {
	if v := recover(); v != nil {
		g.d.s.o.Log.Error("panic", "client", g.c.RemoteAddr(), "value", v, "stack", string(debug.Stack()))
		g.c.Close()
	}
	if !g.handed {
		g.d.leave(g)
	}
}

// first reads the first bytes; none came where the door closes.
func (g *guest) first(b []byte) (n int, ok bool) {
	if err := g.c.SetReadDeadline(time.Now().Add(g.d.s.o.Limits.HeaderTimeout)); err != nil {
		return 0, false
	}
	g.d.mu.Lock()
	closing := g.d.closing
	g.d.mu.Unlock()
	var err error
	if !closing {
		n, err = g.c.Read(b)
	}
	g.d.mu.Lock()
	g.waits = false
	closing = g.d.closing
	g.d.mu.Unlock()
	var ne net.Error
	if err != nil && !(closing && errors.As(err, &ne) && ne.Timeout()) {
		return 0, false
	}
	return n, g.c.SetReadDeadline(time.Time{}) == nil
}

// handshake answers a request, of which size bytes of read are the head.
func (g *guest) handshake(r *http.Request, read []byte, size int) {
	r.RemoteAddr = g.c.RemoteAddr().String()
	svc, req := g.d.s.usual(r)
	if svc == nil {
		g.d.handOn(g.c, read)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.d.mu.Lock()
	g.cancel = cancel
	g.d.mu.Unlock()
	stop := g.watchLater()
	resp, err := svc.Fetch(ctx, req)
	stop()
	g.conclude(r, read, size, resp, err)
}

// usual is where a usual handshake goes, and as what; nil leaves it to net/http. The headers
// of r may be changed then: it is asked once for each.
func (s *Server) usual(r *http.Request) (event.Service, *event.Request) {
	svc := s.service(r)
	if svc == nil || r.URL.Path == s.o.Health {
		return nil, nil
	}
	x := exchange{s: s, r: r}
	req, status, _ := x.request()
	if status != 0 {
		return nil, nil
	}
	return svc, req
}

// conclude gives the client what the service has answered, once nobody watches any more.
func (g *guest) conclude(r *http.Request, read []byte, size int, resp *event.Response, err error) {
	s := g.d.s
	if g.gone != nil {
		g.end()
		if err == nil {
			_ = resp.Discard() // nobody waits for it
		}
		g.c.Close()
		return
	}
	read = append(read, g.more[:g.n]...)
	if err == nil && resp.WebSocket != nil && resp.Status == http.StatusSwitchingProtocols {
		c, err := s.o.WebSockets.Take(g.c, r, read[size:], websocket.Accepted{Header: s.handshakeHeader(resp), Owner: s})
		if err == nil {
			g.end()
			_ = resp.Body.Close()
			event.Splice(c, resp.WebSocket, nil)
			return
		}
		if !websocket.Answerable(err) {
			g.end()
			s.o.Log.Debug("websocket", "url", r.URL.Path, "error", err)
			_ = resp.Discard() // its end is aborted, and it has no body
			return
		}
	}
	// Whatever else the answer is, net/http has the means to give it: it reads the request
	// once more, and finds the answer with the connection.
	g.handed = true
	g.c.answer.Store(&answer{resp: resp, err: err, g: g})
	g.d.handOn(g.c, read)
}

// end cancels the request of the guest, where it has one.
func (g *guest) end() {
	g.d.mu.Lock()
	cancel := g.cancel
	g.d.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// goneAfter is how long an answer may take before somebody looks whether the client is
// still there.
const goneAfter = 50 * time.Millisecond

// watchLater watches after a while; stop ends that.
func (g *guest) watchLater() (stop func()) {
	g.watching.Add(1)
	t := time.AfterFunc(goneAfter, g.watch)
	return func() {
		if t.Stop() {
			g.watching.Done()
			return
		}
		g.unwatch()
	}
}

// watch cancels the request when its client goes away.
func (g *guest) watch() {
	defer g.watching.Done()
	var err error
	if g.n, err = g.c.Read(g.more[:]); err == nil {
		return
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return // unwatch
	}
	g.gone = err
	g.end()
}

// unwatch ends watch; then n bytes of more came meanwhile, or gone says that the client went
// away.
func (g *guest) unwatch() {
	err := g.c.SetReadDeadline(time.Unix(1, 0))
	g.watching.Wait()
	if err = errors.Join(err, g.c.SetReadDeadline(time.Time{})); err != nil && g.gone == nil {
		g.gone = err
	}
}

// answer is what a service has said to the first request of a connection, before net/http
// has it. A server that shuts down waits for a request once net/http is at it: until then
// it is the door that waits.
type answer struct {
	resp *event.Response
	err  error
	g    *guest
}

func (a *answer) discard() {
	a.g.end()
	a.g.d.leave(a.g)
	if a.resp != nil {
		_ = a.resp.Discard() // nobody is there
	}
}

// answerKey is the key of a connection's *atomic.Pointer[answer] in the contexts of its
// requests.
type answerKey struct{}

// connContext is http.Server's ConnContext: the context knows the answer that there is.
func connContext(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*conn); ok && c.answer.Load() != nil {
		return context.WithValue(ctx, answerKey{}, &c.answer)
	}
	return ctx
}

// fetch asks the service, unless the answer is there.
// done is called when the answer was given.
func (x *exchange) fetch(svc event.Service, req *event.Request) (resp *event.Response, done func(), err error) {
	if p, ok := x.r.Context().Value(answerKey{}).(*atomic.Pointer[answer]); ok {
		if a := p.Swap(nil); a != nil {
			a.g.d.leave(a.g)
			return a.resp, a.g.end, a.err
		}
	}
	resp, err = svc.Fetch(x.r.Context(), req)
	return resp, func() {}, err
}
