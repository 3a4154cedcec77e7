package actor

import (
	"context"

	"workerd.local/actorid"
	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/internal/limits"
	"workerd.local/loop"
	"workerd.local/storage"
)

// What happens to the storage of facets: an actor of its own for each, behind that of its
// parent (actorid).

// Delete is durable.Facets'.
func (fs *facets) Delete(name string) error {
	return fs.change(name, errFacetDeleted, func(w *storage.Write, ready func(error)) { ready(nil) })
}

// Clone is durable.Facets'. What from is writing comes along; a facet cloned onto itself
// only starts again.
func (fs *facets) Clone(from, to string) error {
	if from == to {
		fs.Abort(to, errFacetCloned)
		return nil
	}
	return fs.change(to, errFacetCloned, func(w *storage.Write, ready func(error)) {
		w.Copy = fs.c.id.Facet(from)
		most := limits.FacetCopy.Bytes(fs.c.h.n.o.Bounds)
		check := func(err error) {
			if err != nil {
				ready(err)
				return
			}
			loop.Go(context.Background(), fs.c.h.loop, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, fs.c.h.n.checkSize(ctx, w.Copy, most)
			}).Then(func(_ struct{}, err error) { ready(err) })
		}
		if f := fs.live[from]; f != nil && f.child != nil {
			fs.ask(f.child.place, (*container).flushTree, check)
			return
		}
		check(nil)
	})
}

// change ends the facet of a name and writes what its storage becomes, as prepare says.
// Nothing leaves the parent before that is durable, and the next facet of the name starts
// behind it.
func (fs *facets) change(name string, why *exception.Exception, prepare func(w *storage.Write, ready func(error))) error {
	c := fs.c
	if c.h.steps[c.id.Key].len() >= c.h.n.o.MaxQueued {
		return exception.Errorf("Too many facets are being deleted or cloned.").WithKind(exception.Overloaded)
	}
	fs.Abort(name, why)
	if c.h.n.o.Store == nil || c.actor == nil {
		return nil
	}
	a := c.actor
	lock := a.out.Lock()
	c.h.step(c.id.Key, func(done func()) {
		w := storage.Write{Actor: c.id.Facet(name), DelFacets: true, DelAll: true}
		prepare(&w, func(err error) {
			if err != nil {
				a.facetFailed(lock, err)
				done()
				return
			}
			c.h.write(w).Then(func(_ struct{}, err error) {
				a.facetFailed(lock, err)
				done()
			})
		})
	})
	return nil
}

// facetFailed ends what held the output gate for a facet's storage; an error breaks the
// actor.
func (a *Actor) facetFailed(lock *gates.OutputLock, err error) {
	if err != nil && a.cache != nil {
		a.cache.Fail("facet", err)
	}
	lock.Release(nil)
}

// checkSize refuses to copy a facet that is too large.
func (n *Namespace) checkSize(ctx context.Context, id actorid.ID, most int64) error {
	var size int64
	for kv, err := range n.o.Store.Scan(ctx, n.o.Token(id.Shard()), id, storage.Range{}) {
		if err != nil {
			return err
		}
		if size += int64(len(kv.Key) + len(kv.Value)); size > most {
			return errCopyTooLarge(most)
		}
	}
	for info, err := range n.o.Store.Actors(ctx, id.Namespace, id) {
		if err != nil {
			return err
		}
		if !id.Contains(info.Actor) {
			break
		}
		if size += info.Bytes; size > most {
			return errCopyTooLarge(most)
		}
	}
	return nil
}

func errCopyTooLarge(most int64) error {
	return exception.Errorf("The facet has stored more than the %d bytes that clone() copies.", most)
}

// Emptied is durable.Facets'. The commit of deleteAll() deletes what the facets have stored;
// what they commit until they have ended goes behind it.
func (fs *facets) Emptied() {
	c := fs.c
	live := len(fs.live) > 0
	fs.endAll(errFacetDeleted)
	if c.h.n.o.Store == nil || c.actor == nil {
		return
	}
	fs.emptied = true
	if !live {
		return
	}
	a := c.actor
	lock := a.out.Lock()
	c.h.step(c.id.Key, func(done func()) {
		c.h.write(storage.Write{Actor: c.id, DelFacets: true}).Then(func(_ struct{}, err error) {
			a.facetFailed(lock, err)
			done()
		})
	})
}

// write commits past the caches.
func (h *host) write(w storage.Write) *loop.Future[struct{}] {
	return loop.Go(context.Background(), h.loop, func(ctx context.Context) (struct{}, error) {
		fenced, err := h.n.o.Store.Commit(ctx, map[storage.Token][]storage.Write{h.n.o.Token(w.Actor.Shard()): {w}})
		if err == nil && len(fenced) > 0 {
			err = storage.ErrFenced
		}
		return struct{}{}, err
	})
}

// gone tells when no commit of the container's actors and of their facets is on its way.
func (c *container) gone(done func(error)) {
	last := c.h.leaving[c.id.Key]
	c.h.step(c.id.Key, func(next func()) {
		next()
		if last == nil {
			done(nil)
			return
		}
		// Whether it failed is its own actor's business.
		last.Sync().Then(func(struct{}, error) { done(nil) })
	})
}

// flushTree tells when what the actor and its facets have written so far is durable.
func (c *container) flushTree(done func(error)) {
	c.overFacets((*container).flushTree, func(error) {
		if c.actor == nil {
			done(nil)
			return
		}
		// A flush that failed has broken the facet, which is then copied as it is stored.
		c.actor.flushThen(func() { done(nil) })
	})
}

// refuseAlarm breaks the actor of a facet that has set an alarm, as a commit that fails.
func (a *Actor) refuseAlarm() {
	lock := a.out.Lock()
	a.c.h.loop.Defer(func() {
		if a.cache != nil {
			a.cache.Shutdown(errFacetAlarm)
		}
		lock.Release(errFacetAlarm)
	})
}

// steps are what happens to the storage of the facets of one container, one after the other.
type steps struct {
	queue   []func(done func())
	running bool
}

func (s *steps) len() int {
	if s == nil {
		return 0
	}
	return len(s.queue)
}

// step runs fn behind what goes on already for the facets of the actor of that key: at once
// where there is nothing. The next step waits for done.
func (h *host) step(key string, fn func(done func())) {
	s := h.steps[key]
	if s == nil {
		s = &steps{}
		h.steps[key] = s
	}
	s.queue = append(s.queue, fn)
	if !s.running {
		h.runSteps(key, s)
	}
}

func (h *host) runSteps(key string, s *steps) {
	s.running = true
	for len(s.queue) > 0 {
		fn := s.queue[0]
		s.queue = s.queue[1:]
		ready, waits := false, false
		fn(func() {
			if ready {
				return
			}
			ready = true
			if waits {
				h.runSteps(key, s)
			}
		})
		if !ready {
			waits = true
			return
		}
	}
	s.running = false
	if h.steps[key] == s {
		delete(h.steps, key)
	}
}
