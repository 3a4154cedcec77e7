package actor

import (
	"context"
	"errors"

	"workerd.local/actorid"
	"workerd.local/exception"
	"workerd.local/storage"
	"workerd.local/worker"
)

// errReplaced is what a live actor breaks with when its storage is replaced from
// outside, and errReplacing what its callers are told until that is done.
var (
	errReplaced  = exception.Errorf("The Durable Object was reset because its storage was replaced.").WithKind(exception.Disconnected).WithBroken(exception.Ignored)
	errReplacing = exception.Errorf("The Durable Object's storage is being replaced; try again.").WithKind(exception.Disconnected).WithBroken(exception.Ignored)
)

// Replace lets commit change the storage of an actor, or of a facet, from outside of it.
// Where the actor is live, its writes, and those of its facets, become durable and it breaks
// first, for a facet that it has, too; until commit has
// returned nobody makes it again. Its alarm is then what is stored. commit runs on the
// caller's goroutine. An error says that commit was not called, or is commit's own.
func (n *Namespace) Replace(ctx context.Context, id actorid.ID, commit func() error) error {
	h := n.hosts[int(id.Shard())%len(n.hosts)]
	ready := make(chan error, 1)
	if err := h.loop.Post(func() { h.beginReplace(id.Root(), func(err error) { ready <- err }) }); err != nil {
		return worker.Closed(err)
	}
	// Not cut short by ctx: what was begun has to be ended.
	if err := <-ready; err != nil {
		return err
	}
	err := ctx.Err()
	if err == nil {
		err = commit()
	}
	due, aerr := n.o.Store.Alarm(context.WithoutCancel(ctx), n.o.Token(id.Shard()), id)
	if perr := h.loop.Post(func() { h.endReplace(id, due, aerr == nil) }); perr != nil && err == nil {
		return nil // the isolate has ended; the alarm is read at the next start
	}
	return errors.Join(err, aerr)
}

// beginReplace puts the actor away for good, then tells ready.
func (h *host) beginReplace(id actorid.ID, ready func(error)) {
	switch {
	case h.closed != nil:
		ready(h.closed)
		return
	case h.replacing[id.Key]:
		ready(errReplacing)
		return
	}
	h.replacing[id.Key] = true
	// Nothing of its facets is on its way either.
	closed := func(error) {
		h.step(id.Key, func(done func()) {
			done()
			ready(nil)
		})
	}
	if c := h.containers[id.Key]; c != nil {
		c.closeTree(errReplaced, closed)
		return
	}
	closed(nil)
}

func (h *host) endReplace(id actorid.ID, due storage.Due, known bool) {
	delete(h.replacing, id.Root().Key)
	if known && id.Root() == id {
		due.Actor = id
		h.alarms.replace(due)
	}
}

// Keeps tells whether the namespace's actors keep their state in a store.
func (n *Namespace) Keeps(s storage.Store) bool { return n.o.Store != nil && n.o.Store == s }
