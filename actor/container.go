package actor

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/worker"
)

// container is the place of one id. It leaves the namespace when its actor breaks:
// stubs that hold it keep failing, a new stub gets a new one (workerd, "Broken
// actors").
type container struct {
	h      *host
	id     actorid.ID
	name   *string
	actor  *Actor
	broken *exception.Exception
	used   time.Time    // when a request last began or ended
	stubs  atomic.Int32 // that hold it; any goroutine
	child  *childOf     // nil unless it is that of a facet
	facets *facets      // of its actor; nil before the first
	// sockets are the WebSockets that the actor accepted for good; nil before the first
	// actor.
	sockets *sockets
}

// touch says that the container is in use now.
func (c *container) touch() { c.used = c.h.loop.Now() }

// hasClients reports whether anybody may call the actor, or waits for it.
func (c *container) hasClients() bool {
	return c.stubs.Load() > 0 || c.actor != nil && c.actor.called()
}

// dropStub is told that a stub which held the container is garbage.
func (c *container) dropStub() { c.stubs.Add(-1) }

// unusedAfter is how long a container without clients may stay unused, whatever its
// code still waits for, and how often the host looks (workerd).
const unusedAfter = 70 * time.Second

// watch starts to look for unused containers.
func (h *host) watch() {
	if h.sweeper == nil && !h.n.o.PreventEviction {
		h.sweeper = h.loop.After(unusedAfter, h.sweep)
	}
}

// sweep puts away the actors that nobody can call any more, those too that timers or
// tasks keep: nobody would ever see what these do. Containers that remember something
// for an actor that nobody calls are forgotten, too.
func (h *host) sweep() {
	h.sweeper = nil
	if h.closed != nil {
		return
	}
	for _, c := range h.all() {
		switch a := c.actor; {
		case !c.unused():
		case a != nil:
			a.evict(func() bool { return !c.unused() }, nil)
		case !c.hasSockets():
			c.forget()
		}
	}
	if len(h.containers) > 0 {
		h.watch()
	}
}

// unused reports whether nobody has called the actor for a while, and nobody can.
func (c *container) unused() bool {
	return c.h.loop.Now().Sub(c.used) > unusedAfter && !c.hasClients()
}

// activate returns the live actor, made where there is none.
func (c *container) activate() (*Actor, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	if c.h.closed != nil {
		return nil, c.h.closed
	}
	if c.h.replacing[c.id.Key] {
		if c.actor == nil {
			c.evicted()
		}
		return nil, errReplacing
	}
	if c.actor != nil {
		return c.actor, nil
	}
	if _, err := c.h.n.o.Refused(c.root()); err != nil {
		c.evicted()
		return nil, err
	}
	if c.child != nil {
		c.h.containers[c.id.Key] = c
	}
	c.touch()
	c.h.watch()
	a, err := newActor(c)
	if err != nil && c.broken == nil {
		c.evicted() // there is nothing to remember: the worker itself did not start
	}
	return a, err
}

// becomeBroken is the only way out of the namespace for a container that failed.
func (c *container) becomeBroken(cause *exception.Exception) {
	if c.broken != nil {
		return
	}
	// Without the thrown value: what a stub tells later is a new error.
	reason := *cause
	reason.Value = nil
	c.broken = &reason
	c.actor = nil
	c.facets.endAll(&reason)
	c.tell()
	if c.sockets != nil {
		c.sockets.drop(&reason)
		c.sockets = nil
	}
	if c.h.containers[c.id.Key] == c {
		delete(c.h.containers, c.id.Key)
	}
}

// evicted drops the actor of a container that is not broken: the next event makes
// a new one. Its WebSockets stay.
func (c *container) evicted() {
	c.actor = nil
	c.facets.leaveIdle()
	c.tell()
	if c.hasSockets() {
		c.sockets.hibernate()
		return
	}
	if c.sockets != nil && c.sockets.configured() || c.facets.staying() {
		return // until nobody has called the actor, or its facets, for a while
	}
	c.forget()
}

// forget takes a container without actor and sockets out of the namespace. It holds
// nothing any more that its id does not say, except for stubs that point to it; they
// find their way back through activate.
func (c *container) forget() {
	if c.h.containers[c.id.Key] == c {
		delete(c.h.containers, c.id.Key)
	}
}

// interrupted is told that a turn was stopped and its realm condemned: what the turn
// wrote is taken back, in whichever actors.
func (h *host) interrupted(cause error) {
	for _, c := range h.all() {
		if a := c.actor; a != nil && a.cache != nil && a.ioc.Realm().Condemned() != nil {
			a.cache.Rollback(stopped(cause))
		}
	}
}

// reset is told that the worker's realm was condemned: every actor on it breaks, once
// what its finished turns wrote is durable. Their answers leave before.
func (h *host) reset(cause error, culprit *iocontext.Context) {
	for _, c := range h.all() {
		a := c.actor
		if a == nil || a.ioc.Realm().Condemned() == nil {
			continue
		}
		var err error = exception.Errorf("The Durable Object's code was reset because another part of the worker failed: %s", cause).
			WithKind(exception.Disconnected).WithBroken(exception.Dropped)
		if a.ioc == culprit {
			h.n.o.Log.Error("actor stopped", "class", c.className(), "actor", c.id.String(), "cause", cause)
			err = stopped(cause)
			if a.running != nil {
				a.running.failed(err) // counts, and is stored with what else is left
			}
		}
		a.flushThen(func() { a.ioc.Abort(err) })
	}
}

// all is the containers as they are now, so that the map may change meanwhile.
func (h *host) all() []*container {
	list := make([]*container, 0, len(h.containers))
	for _, c := range h.containers {
		list = append(list, c)
	}
	return list
}

// closeAll breaks every actor once its writes are durable, then calls done.
func (h *host) closeAll(err error, done func()) {
	e, _ := exception.From(err)
	h.closed = e
	left := 1
	finished := func() {
		if left--; left == 0 {
			done()
		}
	}
	h.alarms.close()
	h.sweeper.Stop()
	for _, c := range h.all() {
		left++
		c.closeTree(e, func(error) { finished() })
	}
	finished()
}

// Stub is a caller's channel to one actor. Requests started on it are delivered in
// order. Once its actor has broken it fails for ever with the reason; a new Stub
// reaches a new actor. Any goroutine.
type Stub struct {
	h    *host
	id   actorid.ID
	name *string
	// lasting says that the stub may be stored.
	lasting bool
	// place is the container of a facet, which the stub is bound to; nil for others.
	place *container

	// The host's loop only.
	c    *container
	held runtime.Cleanup
}

var _ event.AsyncService = (*Stub)(nil)

// Start is event.AsyncService's.
func (s *Stub) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	if err := s.h.w.Post(func() { s.begin(ctx, req, done) }); err != nil {
		req.Body.Close()
		done(nil, worker.Closed(err))
	}
}

// begin is Start on the host's loop.
func (s *Stub) begin(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	if s.c != nil && s.c.broken != nil {
		// Not remote: the stub itself knows it.
		req.Body.Close()
		done(nil, s.c.broken)
		return
	}
	v := s.follow(ctx, func() trace.Info { return worker.FetchInfo(req) })
	a, err := s.activateFor(v)
	if err != nil {
		req.Body.Close()
		done(nil, s.h.remote(err))
		return
	}
	a.fetch(ctx, req, v, done)
}

func (s *Stub) activate() (*Actor, error) {
	if s.h.closed != nil {
		return nil, s.h.closed
	}
	if s.place != nil {
		s.c = s.place
	} else if s.c == nil || (s.c.broken == nil && s.c.actor == nil) {
		s.hold(s.h.container(s.id, s.name))
	}
	return s.c.activate()
}

// hold makes the stub a client of the container until it is garbage: as in workerd,
// where the collector of JavaScript decides.
func (s *Stub) hold(c *container) {
	if s.c == c {
		return
	}
	if s.c != nil {
		s.held.Stop()
		s.c.dropStub()
	}
	c.stubs.Add(1)
	s.c, s.held = c, runtime.AddCleanup(s, (*container).dropStub, c)
}

// Fetch is event.Service's.
func (s *Stub) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) { s.Start(ctx, req, done) })
}

// Deliver is event.Service's: Alarm and QueueBatch.
func (s *Stub) Deliver(ctx context.Context, ev event.Event) (event.Outcome, error) {
	if b, ok := ev.(event.QueueBatch); ok {
		return event.WaitOutcome(ctx, func(done func(event.Outcome, error)) { s.deliverBatch(ctx, b, done) })
	}
	if t, ok := ev.(event.Traces); ok {
		return event.WaitOutcome(ctx, func(done func(event.Outcome, error)) { s.deliverTraces(ctx, t, done) })
	}
	alarm, ok := ev.(event.Alarm)
	if !ok {
		return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
	}
	return event.WaitOutcome(ctx, func(done func(event.Outcome, error)) {
		err := s.h.w.Post(func() {
			var v *invocation
			if s.c == nil || s.c.actor == nil || !s.c.actor.rings(alarm.Time) {
				v = s.follow(ctx, func() trace.Info { return &trace.Alarm{Time: alarm.Time} })
			}
			a, err := s.activateFor(v)
			if err != nil {
				done(event.Outcome{Status: event.Exception, Retry: true}, s.h.remote(err))
				return
			}
			a.alarm(alarm, true, v, func(o event.Outcome, err error, _ bool) { done(o, err) })
		})
		if err != nil {
			done(event.Outcome{Status: event.Canceled}, worker.Closed(err))
		}
	})
}

// Hibernate puts the actor away as soon as it is idle, without waiting for the idle
// time; it reports false where the actor is busy. The next event, or Resume, makes
// it again from what is durable.
func (s *Stub) Hibernate(ctx context.Context) (bool, error) {
	return s.ask(ctx, func(answer func(bool)) {
		c := s.h.containers[s.id.Key]
		if c == nil || c.actor == nil {
			answer(true)
			return
		}
		a := c.actor
		if a.active() {
			answer(false)
			return
		}
		a.evict(a.active, answer)
	})
}

// Resume makes the actor where it is not in memory, and returns when it would take its
// next event: its constructor has run, with what that blocked for.
func (s *Stub) Resume(ctx context.Context) error {
	var failure error
	_, err := s.ask(ctx, func(answer func(bool)) {
		a, err := s.activate()
		if err != nil {
			failure = s.h.remote(err)
			answer(false)
			return
		}
		a.ioc.RunIn(iocontext.Entry{}, func(*isolate.JS) { answer(true) }, func(err error) { failure = s.h.remote(err); answer(false) })
	})
	if err == nil {
		err = failure
	}
	return err
}

// ask runs fn on the actor's loop and waits for its first answer.
func (s *Stub) ask(ctx context.Context, fn func(answer func(bool))) (bool, error) {
	ch := make(chan bool, 2)
	sent := false
	err := s.h.w.Post(func() {
		fn(func(ok bool) {
			if !sent {
				sent = true
				ch <- ok
			}
		})
	})
	if err != nil {
		return false, worker.Closed(err)
	}
	select {
	case ok := <-ch:
		return ok, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// remote is an error as the caller sees it; what the caller may not see is logged.
func (h *host) remote(err error) error {
	e, hidden := exception.From(err)
	if hidden {
		h.n.o.Log.Error("actor cannot be reached", "class", h.n.o.Class, "exception", e.Error(), "cause", err)
	}
	return e.AsRemote()
}

// cutOff is remote for a call that an actor's end has cut off: nobody has thrown anything
// there, as workerd sees it.
func (h *host) cutOff(err error) error {
	e, _ := exception.From(h.remote(err))
	local := *e
	local.Remote = false
	return &local
}
