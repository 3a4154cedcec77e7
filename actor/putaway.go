package actor

import (
	"context"
	"errors"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/storage"
	"workerd.local/worker"
)

// What workerd says to tests that put actors away.
var (
	errPinned     = exception.Errorf("Cannot evict Durable Object: its namespace has preventEviction set.")
	errNotRunning = exception.Errorf("Cannot evict Durable Object: it is not currently running.")
	errStillUsed  = exception.Errorf("Timed out waiting to evict Durable Object: it still has active references.")
)

// Eviction that was asked for waits this long for a busy actor, and looks this often.
const (
	evictPatience = 30 * time.Second
	evictPause    = 10 * time.Millisecond
)

// AbortAll resets every live actor with err, as ctx.abort() does from within; a
// namespace that prevents eviction keeps them. Their storage stays.
func (n *Namespace) AbortAll(ctx context.Context, err *exception.Exception) error {
	if n.o.PreventEviction {
		return nil
	}
	return n.onEveryHost(ctx, func(h *host, done func()) {
		for _, c := range h.all() {
			if a := c.actor; a != nil {
				a.ioc.Abort(err)
			} else {
				c.becomeBroken(err) // it has WebSockets, and they end
			}
		}
		done()
	})
}

// DeleteAll is AbortAll that deletes what the actors have stored, and their alarms.
func (n *Namespace) DeleteAll(ctx context.Context, err *exception.Exception) error {
	if n.o.PreventEviction {
		return nil
	}
	if err := n.AbortAll(ctx, err); err != nil || n.o.Store == nil {
		return err
	}
	roots := map[actorid.ID]bool{} // an actor may have facets alone
	for info, err := range n.o.Store.Actors(ctx, n.ids.Namespace(), actorid.ID{}) {
		if err != nil {
			return err
		}
		roots[info.Actor.Root()] = true
	}
	for id := range roots {
		err := n.Replace(ctx, id, func() error {
			gone := storage.Write{Actor: id, DelFacets: true, DelAll: true, Alarm: storage.AlarmChange{Op: storage.AlarmClear}}
			_, err := n.o.Store.Commit(ctx, map[storage.Token][]storage.Write{n.o.Token(id.Shard()): {gone}})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// EvictAll puts every live actor away as if it had been idle for long enough, and
// waits for those that are busy. closeSockets ends their WebSockets, too.
func (n *Namespace) EvictAll(ctx context.Context, closeSockets bool) error {
	if n.o.PreventEviction {
		return nil
	}
	var failure error
	err := n.onEveryHost(ctx, func(h *host, done func()) {
		left := 1
		finished := func(err error) {
			if err != nil {
				failure = err
			}
			if left--; left == 0 {
				done()
			}
		}
		for _, c := range h.all() {
			if c.actor != nil || c.facets != nil {
				left++
				c.evictTree(closeSockets, finished)
			}
		}
		finished(nil)
	})
	return errors.Join(err, failure)
}

// EvictionAsked is when Evict was asked for.
func (s *Stub) EvictionAsked() uint64 { return s.h.n.clock.Add(1) }

// Evict is EvictAll for one actor, which was live when the eviction was asked for: two at the
// same time both put it away.
func (s *Stub) Evict(ctx context.Context, asked uint64, closeSockets bool) error {
	var failure error
	_, err := s.ask(ctx, func(answer func(bool)) {
		c := s.h.containers[s.id.Key]
		switch {
		case s.h.n.o.PreventEviction:
			failure = errPinned
		case (c == nil || c.actor == nil) && s.h.evicted.key == s.id.Key && s.h.evicted.at > asked:
		case c == nil || c.actor == nil:
			failure = errNotRunning
		default:
			c.evictTree(closeSockets, func(err error) {
				if failure = err; err == nil {
					s.h.evicted.key, s.h.evicted.at = s.id.Key, s.h.n.clock.Add(1)
				}
				answer(true)
			})
			return
		}
		answer(true)
	})
	return errors.Join(err, failure)
}

// evictTree evicts the facets, each with its own, and then the actor.
func (c *container) evictTree(closeSockets bool, done func(error)) {
	c.overFacets(func(child *container, done func(error)) { child.evictTree(closeSockets, done) }, func(failure error) {
		done := closing(c, closeSockets, func(err error) { done(errors.Join(failure, err)) })
		if c.actor == nil {
			done(nil)
			return
		}
		c.actor.evictOnceIdle(done)
	})
}

// closing is done, after it has closed the container's WebSockets where that is wanted.
func closing(c *container, wanted bool, done func(error)) func(error) {
	return func(err error) {
		if err == nil && wanted && c.sockets != nil {
			c.sockets.drop(event.ErrDisconnected)
			if c.actor == nil && c.broken == nil {
				c.evicted() // it stayed for its sockets only
			}
		}
		done(err)
	}
}

// evictOnceIdle waits until nothing keeps the actor and puts it away; done is told
// errStillUsed where that takes too long.
func (a *Actor) evictOnceIdle(done func(error)) {
	deadline := a.c.h.loop.Now().Add(evictPatience)
	var try func()
	try = func() {
		if a.c.actor != a {
			done(nil) // it is away, for whatever reason
			return
		}
		again := func() {
			if a.c.h.loop.Now().After(deadline) {
				done(errStillUsed)
				return
			}
			a.c.h.loop.After(evictPause, try)
		}
		if a.active() {
			again()
			return
		}
		a.evict(a.active, func(away bool) {
			if away {
				done(nil)
			} else {
				again()
			}
		})
	}
	try()
}

// onEveryHost runs fn on each isolate's loop, one after the other, and waits for done.
func (n *Namespace) onEveryHost(ctx context.Context, fn func(h *host, done func())) error {
	for _, h := range n.hosts {
		done := make(chan struct{})
		if err := h.loop.Post(func() { fn(h, func() { close(done) }) }); err != nil {
			return worker.Closed(err)
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
