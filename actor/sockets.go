package actor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/trace"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/websockets"
)

// sockets is the WebSockets that an actor accepted with ctx.acceptWebSocket(): they
// belong to its container, outlive its eviction, and end when it breaks. While the actor
// is not in memory, a socket is its end, its tags and what it keeps of its object; what
// it receives makes the actor again. Host's loop only, but for the handlers.
type sockets struct {
	c      *container
	all    roll
	tagged map[string]*roll // nil where no socket has a tag

	// The answer that is given without the actor, where there is one.
	auto     bool
	request  string
	response string
	// timeout is how long the promise of a handler may take, in milliseconds; 0 is for ever.
	timeout uint32
}

var _ durable.Sockets = (*sockets)(nil)

// roll is sockets in the order in which they were accepted. Those that have left stay
// until they are half of it, so that leaving costs nothing with many of them.
type roll struct {
	list []*socket
	left int
}

func (r *roll) add(s *socket) { r.list = append(r.list, s) }

func (r *roll) len() int { return len(r.list) - r.left }

// leave is told that a socket that was in the roll is gone.
func (r *roll) leave() {
	if r.left++; r.left > len(r.list)/2 {
		r.list, r.left = slices.DeleteFunc(r.list, func(s *socket) bool { return s.gone }), 0
		if cap(r.list) > 64 && cap(r.list) > 4*len(r.list) {
			r.list = slices.Clone(r.list)
		}
	}
}

// socket is one of them.
type socket struct {
	m    *sockets
	end  event.WebSocket
	tags []string

	// live is the object of the actor that is in memory; state is what is left of the
	// last one while there is none.
	live     *websockets.Socket
	state    websockets.State
	parent   *trace.SpanContext // of the events, where tails were told of who accepted it
	answered time.Time          // when the last automatic answer was given; zero for never
	told     bool               // of its close: nothing else is told
	gone     bool               // it is in no roll
}

// webSockets returns those of the container, made on first use.
func (c *container) webSockets() durable.Sockets {
	if c.sockets == nil {
		c.sockets = &sockets{c: c}
	}
	return c.sockets
}

// hasSockets reports whether the container must stay for its sockets.
func (c *container) hasSockets() bool { return c.sockets != nil && c.sockets.all.len() > 0 }

// configured reports whether the actor has said something about its sockets that the
// next one begins with, where it comes soon enough: in workerd, too, the answer and the
// timeout belong to the place of the actor, which is forgotten when nobody has called it
// for 70 seconds. An actor that breaks takes them along.
func (m *sockets) configured() bool { return m.auto || m.timeout > 0 }

// drop ends all of them, because the actor broke.
func (m *sockets) drop(why error) {
	list := m.all.list
	m.all, m.tagged = roll{}, nil
	for _, s := range list {
		if !s.gone {
			s.gone, s.live = true, nil
			s.end.Abort(why)
		}
	}
}

// hibernate lets go of the objects of an actor that leaves the memory.
func (m *sockets) hibernate() {
	for _, s := range m.all.list {
		if s.live != nil && !s.gone {
			s.state, s.live = s.live.State(), nil
		}
	}
}

// Accept is durable.Sockets'.
func (m *sockets) Accept(js *isolate.JS, ws *websockets.Socket, tags []string) error {
	if most := limits.SocketsPerActor.In(m.c.h.n.o.Bounds); m.all.len() >= most {
		return exception.Errorf("only %d websockets can be accepted on a single Durable Object instance", most)
	}
	end, err := ws.Park(js)
	if err != nil {
		return err
	}
	s := &socket{m: m, end: end, live: ws, tags: tags}
	if span := iocontext.Span(js); span != nil {
		at := span.Tracer().Root().Context()
		s.parent = &at
	}
	ws.Keeper = s
	m.all.add(s)
	for _, tag := range tags {
		r := m.tagged[tag]
		if r == nil {
			if m.tagged == nil {
				m.tagged = map[string]*roll{}
			}
			r = &roll{}
			m.tagged[tag] = r
		}
		r.add(s)
	}
	end.Start(s, limits.ParkedMessage.Bytes(m.c.h.n.o.Bounds))
	return nil
}

// List is durable.Sockets'.
func (m *sockets) List(js *isolate.JS, tag *string) ([]*websockets.Socket, error) {
	r := &m.all
	if tag != nil {
		if r = m.tagged[*tag]; r == nil {
			return nil, nil
		}
	}
	list := make([]*websockets.Socket, 0, r.len())
	for _, s := range r.list {
		if s.gone {
			continue
		}
		ws, err := s.object(js)
		if err != nil {
			return nil, err
		}
		list = append(list, ws)
	}
	if tag == nil {
		slices.Reverse(list)
	}
	return list, nil
}

// object is the socket's object in the actor that is in memory, made on first use.
func (s *socket) object(js *isolate.JS) (*websockets.Socket, error) {
	if s.live == nil {
		c, err := iocontext.Current(js)
		if err != nil {
			return nil, err
		}
		s.live = websockets.Revive(js, c, s.end, s.state)
		s.live.Keeper = s
		s.state = websockets.State{}
	}
	return s.live, nil
}

// Tags is durable.Sockets'.
func (m *sockets) Tags(ws *websockets.Socket) ([]string, bool) {
	s, ok := ws.Keeper.(*socket)
	if !ok {
		return nil, false
	}
	return s.tags, true
}

// SetAutoResponse is durable.Sockets'.
func (m *sockets) SetAutoResponse(request, response string) {
	m.auto, m.request, m.response = true, request, response
}

// UnsetAutoResponse is durable.Sockets'.
func (m *sockets) UnsetAutoResponse() { m.auto, m.request, m.response = false, "", "" }

// AutoResponse is durable.Sockets'.
func (m *sockets) AutoResponse() (request, response string, ok bool) {
	return m.request, m.response, m.auto
}

// AutoResponseTime is durable.Sockets'.
func (m *sockets) AutoResponseTime(ws *websockets.Socket) (time.Time, bool) {
	s, ok := ws.Keeper.(*socket)
	if !ok || s.answered.IsZero() {
		return time.Time{}, false
	}
	return s.answered, true
}

// SetTimeout is durable.Sockets'.
func (m *sockets) SetTimeout(ms uint32) { m.timeout = ms }

// Timeout is durable.Sockets'.
func (m *sockets) Timeout() uint32 { return m.timeout }

// Message is event.WebSocketHandler's.
func (s *socket) Message(msg event.Message, done func()) {
	s.post(func() {
		switch {
		case s.gone:
			done()
		case s.m.auto && msg.Text && string(msg.Data) == s.m.request:
			s.answer()
			done()
		default:
			s.m.deliver(&socketEvent{s: s, kind: socketMessage, message: msg, done: done})
		}
	})
}

// answer gives the automatic answer: behind what the actor has sent, but not waiting for
// its output gate.
func (s *socket) answer() {
	s.answered = s.m.c.h.loop.Now()
	msg := event.Message{Text: true, Data: []byte(s.m.response)}
	if s.live != nil {
		s.live.Answer(msg)
	} else if !s.state.ClosedOut {
		_ = s.end.Send(msg, nil) // an error is told to the handler, too
	}
}

// Closed is event.WebSocketHandler's.
func (s *socket) Closed(code int, reason string) {
	s.post(func() {
		if !s.gone && !s.told {
			s.told = true
			s.m.deliver(&socketEvent{s: s, kind: socketClose, code: code, reason: reason, clean: true})
		}
	})
}

// Failed is event.WebSocketHandler's.
func (s *socket) Failed(err error) {
	s.post(func() {
		if s.gone || s.told {
			return // whoever closes in time has nothing to be told
		}
		s.told = true
		e := &socketEvent{s: s, kind: socketError, err: err}
		if errors.Is(err, event.ErrDisconnected) {
			e = &socketEvent{s: s, kind: socketClose, code: 1006, reason: "WebSocket disconnected without sending Close frame."}
		}
		s.m.deliver(e)
	})
}

// post runs a task on the host's loop; any goroutine.
func (s *socket) post(task func()) {
	h := s.m.c.h
	h.w.Isolate().Host().Complete(func() {
		if h.w.Post(task) != nil {
			s.end.Abort(event.ErrDisconnected) // the isolate has ended
		}
	})
}

// leave takes a socket whose last event was delivered out of the rolls.
func (s *socket) leave() {
	if s.gone {
		return
	}
	s.gone = true
	m := s.m
	m.all.leave()
	for _, tag := range s.tags {
		r := m.tagged[tag]
		if r.leave(); r.len() == 0 {
			delete(m.tagged, tag)
		}
	}
	if c := m.c; c.actor == nil && c.broken == nil && !c.hasSockets() {
		c.evicted() // it stayed for its sockets only
	}
}

// socketKind is which handler an event is for.
type socketKind uint8

const (
	socketMessage socketKind = iota
	socketClose
	socketError
)

// socketHandlers are the handlers' names by kind.
var socketHandlers = [...]string{socketMessage: "webSocketMessage", socketClose: "webSocketClose", socketError: "webSocketError"}

// socketEvent is what a socket has received, on its way to the actor.
type socketEvent struct {
	s       *socket
	a       *Actor
	v       *invocation
	kind    socketKind
	message event.Message
	done    func() // the next one may come; of messages
	code    int
	reason  string
	clean   bool
	err     error
	over    bool
}

// deliver makes the actor where it is not in memory, and delivers an event behind
// everything that came before.
func (m *sockets) deliver(e *socketEvent) {
	ctx := context.Background()
	if e.s.parent != nil {
		ctx = trace.Below(ctx, *e.s.parent)
	}
	e.v = m.c.h.follow(ctx, m.c.className(), m.c.id, e.info)
	m.c.h.opening = e.v
	a, err := m.c.activate()
	m.c.h.opening = nil
	if err != nil {
		e.v.fails(err)
		// The worker does not start, or the actor's constructor failed; what broke has
		// dropped the sockets already.
		e.finish()
		if m.c.broken == nil {
			e.s.leave()
			e.s.end.Abort(err)
		}
		return
	}
	e.a = a
	a.events++
	a.idle.Stop()
	m.c.touch()
	a.in.Wait().Then(func(k *gates.Lock, err error) {
		if err != nil {
			e.finish()
			return
		}
		if room := a.room(); !isReady(room) {
			room.Then(func(_ struct{}, err error) { e.admitted(k, err) })
			return
		}
		e.admitted(k, nil)
	})
}

func (e *socketEvent) admitted(k *gates.Lock, err error) {
	if err != nil {
		k.Release()
		e.finish()
		return
	}
	e.a.ioc.RunIn(iocontext.Entry{Lock: k, Frame: e.a.enter(e.v)}, e.run, e.stopped)
}

// info is what tails are told of the event.
func (e *socketEvent) info() trace.Info {
	return &trace.Socket{Kind: [...]string{socketMessage: "message", socketClose: "close", socketError: "error"}[e.kind], Code: e.code, WasClean: e.clean}
}

// failed reports what a handler threw.
func (e *socketEvent) failed(x *exception.Exception) {
	e.a.report(x, socketHandlers[e.kind])
	if e.v != nil {
		iocontext.TraceException(e.v.t, x)
	}
}

// returned tells the tails that the handler has.
func (e *socketEvent) returned() {
	if e.v != nil {
		e.v.t.Return(0)
	}
}

// stopped is told that the event's turn could not run, or did not end well.
func (e *socketEvent) stopped(err error) {
	a := e.a
	if reason := a.ioc.Aborted(); reason != nil && !e.over {
		x, _ := exception.From(reason)
		e.v.broke(x)
	}
	e.finish()
	if a.ioc.Realm().Condemned() == nil && !a.ioc.Ended() && a.in.Broken() == nil {
		a.ioc.Abort(err) // as with a request
	}
}

// run calls the handler. The next message may come once it was called, not when its
// promise settles.
func (e *socketEvent) run(js *isolate.JS) {
	s := e.s
	if s.gone {
		e.finish()
		return
	}
	ws, err := s.object(js)
	if err == nil {
		if e.kind != socketMessage {
			ws.Ended(e.kind == socketError || !e.clean)
		}
		err = e.call(js, ws)
	}
	if isolate.Uncatchable(err) {
		return // e.stopped is told
	}
	if err != nil {
		x := js.Exception(err)
		e.failed(x)
		if e.v != nil {
			// Of one that fails later the outcome is ok (workerd).
			e.v.outcome = outcomeOf(x)
		}
	}
	e.finish()
}

func (e *socketEvent) call(js *isolate.JS, ws *websockets.Socket) error {
	a := e.a
	handler := a.socketHandlers[e.kind]
	if handler == nil {
		return nil // the event is lost, but has made the actor
	}
	args := []goja.Value{ws.Object(js)}
	switch e.kind {
	case socketMessage:
		args = append(args, websockets.Data(js, e.message))
	case socketClose:
		rt := js.Runtime()
		args = append(args, rt.ToValue(e.code), rt.ToValue(e.reason), rt.ToValue(e.clean))
	case socketError:
		args = append(args, js.Error(websockets.Visible(e.err)))
	}
	v, err := js.Call(handler, a.instance, args...)
	if err != nil {
		return err
	}
	if _, ok := v.Export().(*goja.Promise); !ok {
		e.returned()
		return nil
	}
	e.await(js, v)
	return nil
}

// await keeps the actor until the promise of a handler settles, for as long as the
// actor's timeout of events allows.
func (e *socketEvent) await(js *isolate.JS, v goja.Value) {
	a := e.a
	var timer *loop.Timer
	if ms := e.s.m.timeout; ms > 0 {
		timer = a.c.h.loop.After(time.Duration(ms)*time.Millisecond, func() { a.ioc.Abort(errEventTimeout) })
	}
	done := a.ioc.StartTask()
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		timer.Stop()
		if err != nil {
			e.failed(js.Exception(err))
		} else {
			e.returned()
		}
		done(nil)
	})
}

var errEventTimeout = exception.Errorf("Actor exceeded event execution time and was disconnected.").WithKind(exception.Disconnected).WithBroken(exception.Dropped)

// finish ends the event: a message makes room for the next one, and anything else is
// the last that is heard of the socket.
func (e *socketEvent) finish() {
	if e.over {
		return
	}
	e.over = true
	if e.kind != socketMessage {
		e.s.leave()
	}
	if a := e.a; a != nil {
		a.events--
		a.answered(e.v, nil)
		a.c.touch()
		a.checkIdle()
	}
	if e.done != nil {
		e.done()
	}
}
