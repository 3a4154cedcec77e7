package actor

import (
	"context"
	"errors"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/loop"
	"workerd.local/webapi/durable"
	"workerd.local/worker"
)

// facets are the facets of one container: actors within its actor. They stay while the
// container does, and end with it. Each has a container of its own on the isolate of its
// class, which may be another one; what the parent knows of it is here, on the parent's loop,
// and nothing here waits for the other loop.
type facets struct {
	c    *container
	live map[string]*facet
	// alive is how many of live are in memory, or on the way there: they keep the parent.
	alive   int
	emptied bool // the parent has called deleteAll()
}

var _ durable.Facets = (*facets)(nil)

// facet is one of them. It is starting until child is set; it ends failed, and is then
// forgotten, but for a start that failed: that is what its name stands for until it is
// aborted (workerd).
type facet struct {
	of      *facets
	name    string
	id      actorid.ID // where its storage is
	failed  *exception.Exception
	child   *Stub  // nil while it starts, and once it has ended
	release func() // gives the workers of its class back
	waiting []func(*Stub, error)

	alive, sockets bool // as it last said
}

// What ends a facet, and its parent's other answers.
var (
	errFacetDeleted = exception.Errorf("Facet was deleted.")
	errFacetCloned  = exception.Errorf("Facet was cloned-over.")
	errFacetAlarm   = exception.Errorf("Facets currently cannot set alarms.")
	errParentGone   = exception.Errorf("Actor aborted for unknown reason.")
)

// childOf is what a container of a facet knows of itself.
type childOf struct {
	f     *facet
	class *Class
	id    durable.Identity
	root  actorid.ID
	depth int
	self  *event.Token // that led to the last event; nil for none
}

// cameBy notes which token leads to a facet, as the sender of an event says.
func (c *container) cameBy(ctx context.Context) {
	if c.child != nil {
		c.child.self = event.Self(ctx)
	}
}

// className is the exported name of the container's class.
func (c *container) className() string {
	if c.child != nil {
		return c.child.class.export()
	}
	return c.h.n.o.Class
}

// facetsOf are the container's facets, made on first use.
func (c *container) facetsOf() *facets {
	if c.facets == nil {
		c.facets = &facets{c: c, live: map[string]*facet{}}
	}
	return c.facets
}

// identity is what the actor finds in ctx.id.
func (c *container) identity() durable.Identity {
	if c.child != nil {
		return c.child.id
	}
	if c.h.n.ids == nil {
		return durable.Identity{ID: c.id, Text: &c.id.Key}
	}
	return durable.Identity{ID: c.id, Name: c.name}
}

// root is the id of the actor that has no parent.
func (c *container) root() actorid.ID {
	if c.child != nil {
		return c.child.root
	}
	return c.id
}

// Depth is durable.Facets'.
func (fs *facets) Depth() int {
	if fs.c.child != nil {
		return fs.c.child.depth
	}
	return 0
}

// Stub is durable.Facets'.
func (fs *facets) Stub(name string, start durable.StartFunc) event.AsyncService {
	return &FacetStub{fs: fs, name: name, start: start}
}

// Abort is durable.Facets'.
func (fs *facets) Abort(name string, reason *exception.Exception) {
	if f := fs.live[name]; f != nil {
		e := *reason
		e.Value = nil
		fs.end(f, &e)
	}
}

// open is the facet of a name, which start begins where there is none.
func (fs *facets) open(name string, start durable.StartFunc) *facet {
	if f := fs.live[name]; f != nil {
		return f
	}
	c := fs.c
	f := &facet{of: fs, name: name, id: c.id.Facet(name)}
	switch most := limits.Facets.In(c.h.n.o.Bounds); {
	case c.broken != nil:
		f.failed = c.broken
		return f
	case c.facets != fs || c.actor == nil:
		f.failed = errParentGone
		return f
	case len(fs.live) >= most:
		f.failed = exception.Errorf("Maximum number of facets exceeded: at most %d may be in use.", most)
		return f
	}
	fs.live[name] = f
	f.setAlive(true)
	start(f.started)
	return f
}

// started is told what the facet is made of. It waits for what still happens to the storage
// of its parent's facets, and for the workers of the class.
func (f *facet) started(s durable.Startup, err error) {
	class, ok := s.Class.(*Class)
	if none, is := s.Class.(event.NoClass); err == nil && is {
		err = none.Err
	} else if err == nil && !ok {
		err = exception.Errorf("The class of the facet is not one of actors.")
	}
	if f.failed != nil {
		return
	}
	if err != nil {
		f.fail(err)
		return
	}
	id := f.of.c.identity()
	if s.ID != nil {
		id = *s.ID
	}
	h := f.of.c.h
	h.step(f.of.c.id.Key, func(done func()) {
		if a := f.of.c.actor; f.of.emptied && a != nil {
			// Not before deleteAll() is durable: its commit would take what the facet writes.
			a.cache.Sync().Then(func(struct{}, error) { done() })
			return
		}
		done()
	})
	h.step(f.of.c.id.Key, func(done func()) {
		done()
		class.Open(func(pool *worker.Pool, release func(), err error) {
			opened := func() { f.opened(class, id, pool, release, err) }
			if perr := h.loop.Post(opened); perr != nil && release != nil {
				release()
			}
		})
	})
}

// opened has the workers of the class: the facet's container is on that of the parent's
// isolate, where there is one.
func (f *facet) opened(class *Class, id durable.Identity, pool *worker.Pool, release func(), err error) {
	if f.failed != nil {
		if release != nil {
			release()
		}
		return
	}
	if err != nil {
		f.fail(err)
		return
	}
	f.release = release
	c := f.of.c
	w := pool.Workers()[0]
	for _, near := range pool.Workers() {
		if near.Isolate().Loop() == c.h.loop {
			w = near
		}
	}
	place := &container{h: c.h.n.facetHost(w), id: f.id, child: &childOf{f: f, class: class, id: id, root: c.root(), depth: f.of.Depth() + 1}}
	f.child = &Stub{h: place.h, id: f.id, place: place}
	f.serve()
}

// fail ends a start.
func (f *facet) fail(err error) {
	e, hidden := exception.From(err)
	if hidden {
		f.of.c.h.n.o.Log.Error("facet cannot be started", "class", f.of.c.className(), "actor", f.id.String(), "error", err)
	}
	bare := *e
	bare.Value = nil
	f.failed = &bare
	f.setAlive(false)
	f.serve()
}

// serve lets those go on that have waited for the facet, or for its end.
func (f *facet) serve() {
	if f.failed == nil && f.child == nil {
		return
	}
	waiting := f.waiting
	f.waiting = nil
	for _, fn := range waiting {
		f.with(fn)
	}
}

// with calls fn once the facet can be called, or with why it never can.
func (f *facet) with(fn func(*Stub, error)) {
	switch {
	case f.failed != nil:
		fn(nil, f.failed)
	case f.child == nil:
		if len(f.waiting) >= f.of.c.h.n.o.MaxQueued {
			fn(nil, exception.Errorf("Durable Object is overloaded. Too many requests queued.").WithKind(exception.Overloaded).AsRemote())
			return
		}
		f.waiting = append(f.waiting, fn)
	default:
		fn(f.child, nil)
	}
}

// setAlive notes whether the facet keeps its parent in memory.
func (f *facet) setAlive(alive bool) {
	if f.alive == alive {
		return
	}
	f.alive = alive
	if alive {
		f.of.alive++
		return
	}
	f.of.alive--
	if a := f.of.c.actor; a != nil {
		a.checkIdle()
	}
}

// end ends a facet for a reason, and forgets it.
func (fs *facets) end(f *facet, e *exception.Exception) {
	if fs.live[f.name] == f {
		delete(fs.live, f.name)
	}
	child, release := f.child, f.release
	f.child, f.release = nil, nil
	if f.failed == nil {
		f.failed = e
	}
	f.setAlive(false)
	f.serve()
	if child == nil {
		return
	}
	// What it still commits comes before all that happens to its storage from now on.
	gone := loop.NewFuture[struct{}](fs.c.h.loop)
	fs.ask(child.place, func(c *container, done func(error)) { c.endFor(e, done) }, func(error) { gone.Resolve(struct{}{}) })
	fs.c.h.step(fs.c.id.Key, func(done func()) {
		gone.Then(func(struct{}, error) {
			if release != nil {
				release()
			}
			done()
		})
	})
}

// endAll ends all of them.
func (fs *facets) endAll(e *exception.Exception) {
	if fs == nil {
		return
	}
	for _, f := range fs.live {
		fs.end(f, e)
	}
}

// ask runs fn on the loop of a facet's container, and then, with what that was done with, on
// this one. Neither runs in the turn of the caller.
func (fs *facets) ask(place *container, fn func(c *container, done func(error)), then func(error)) {
	home := fs.c.h.loop
	back := func(err error) { _ = home.Post(func() { then(err) }) } // a closed loop has nobody left to tell
	if err := place.h.loop.Post(func() { fn(place, back) }); err != nil {
		back(nil) // its isolate has ended, and it with it
	}
}

// told is what a facet says of itself, on the parent's loop.
func (f *facet) told(alive, sockets bool) {
	if f.child == nil {
		return // it has ended
	}
	f.sockets = sockets
	f.setAlive(alive)
	c := f.of.c
	if c.actor == nil && c.broken == nil {
		c.evicted() // it may have stayed for this facet only
	}
}

// tell says to the parent what became of a facet.
func (c *container) tell() {
	if c.child == nil {
		return
	}
	f, broken := c.child.f, c.broken
	alive, sockets := c.actor != nil || c.facets.busy(), c.hasSockets() || c.facets.staying()
	// A closed loop has nobody left to tell.
	_ = f.of.c.h.loop.Post(func() {
		if broken == nil {
			f.told(alive, sockets)
		} else if f.child != nil {
			f.of.end(f, broken)
		}
	})
}

// busy reports whether any facet keeps its parent in memory.
func (fs *facets) busy() bool { return fs != nil && fs.alive > 0 }

// staying reports whether any facet keeps the container of its parent.
func (fs *facets) staying() bool {
	if fs == nil {
		return false
	}
	for _, f := range fs.live {
		if f.alive || f.sockets {
			return true
		}
	}
	return false
}

// leaveIdle ends those that nothing keeps, because their parent leaves the memory.
func (fs *facets) leaveIdle() {
	if fs == nil {
		return
	}
	for _, f := range fs.live {
		if !f.alive && !f.sockets {
			fs.end(f, errFreed)
		}
	}
}

// endFor ends the container of a facet for a reason of its parent's, and tells when nothing
// of it is on its way to storage any more.
func (c *container) endFor(e *exception.Exception, done func(error)) {
	if c.actor != nil {
		c.actor.ioc.Abort(e)
	}
	c.becomeBroken(e)
	c.gone(done)
}

// closeTree breaks the actor once its writes, and those of its facets, are durable.
func (c *container) closeTree(e *exception.Exception, done func(error)) {
	c.overFacets(func(child *container, done func(error)) { child.closeTree(e, done) }, func(error) {
		if c.actor == nil {
			c.becomeBroken(e) // its WebSockets end
			done(nil)
			return
		}
		a := c.actor
		a.flushThen(func() { a.ioc.Abort(e); done(nil) })
	})
}

// overFacets runs fn for each facet that has started, each on its loop, and then calls then
// with what failed.
func (c *container) overFacets(fn func(c *container, done func(error)), then func(error)) {
	left := 1
	var failure error
	finished := func(err error) {
		failure = errors.Join(failure, err)
		if left--; left == 0 {
			then(failure)
		}
	}
	if c.facets != nil {
		for _, f := range c.facets.live {
			if f.child != nil {
				left++
				c.facets.ask(f.child.place, fn, finished)
			}
		}
	}
	finished(nil)
}

// facetHost is where the namespace's facets live whose class that worker runs.
func (n *Namespace) facetHost(w *worker.Worker) *host {
	h, made := worker.Local(w, facetHostKey{n}, func() *host { return newHost(n, w) })
	if made {
		// Before all that is posted for its containers; a closed loop runs none.
		_ = h.loop.Post(func() {
			w.OnInterrupted(h.interrupted)
			w.OnReset(h.reset)
		})
	}
	return h
}

type facetHostKey struct{ n *Namespace }

func newHost(n *Namespace, w *worker.Worker) *host {
	return &host{n: n, w: w, loop: w.Isolate().Loop(), containers: map[string]*container{}, replacing: map[string]bool{}, leaving: map[string]*cache.Cache{}, steps: map[string]*steps{}}
}
