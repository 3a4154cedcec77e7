package server

import (
	"context"

	"golang.org/x/sync/errgroup"

	"workerd.local/actor"
	"workerd.local/actorid"
	"workerd.local/internal/limits"
	"workerd.local/storage"
	"workerd.local/storage/admin"
	"workerd.local/storage/bolt"
)

// writer is what imports into a store go through: actors of the present configuration
// are put away first, the storage of all others is written as it is.
func (s *Server) writer(o *openStore, store *bolt.Store) admin.Writer {
	commit := admin.Commit(store)
	return func(ctx context.Context, writes []storage.Write) error {
		// The configuration stays as it is meanwhile.
		s.reloading.Lock()
		defer s.reloading.Unlock()
		namespaces := s.turn.now().namespacesOf(o)
		var rest []storage.Write
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(limits.ImportReplace.In(s.o.Limits.Bounds))
		// An actor and its facets are put away together: one after the other of them.
		roots := map[actorid.ID][]storage.Write{}
		for _, w := range writes {
			if namespaces[w.Actor.Namespace] == nil {
				rest = append(rest, w)
				continue
			}
			root := w.Actor.Root()
			roots[root] = append(roots[root], w)
		}
		for root, list := range roots {
			ns := namespaces[root.Namespace]
			g.Go(func() error {
				for _, w := range list {
					if err := ns.Replace(ctx, w.Actor, func() error { return commit(ctx, []storage.Write{w}) }); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil || len(rest) == 0 {
			return err
		}
		return commit(ctx, rest)
	}
}

// namespacesOf are the namespaces that keep their state in a store, by storage key.
func (w *world) namespacesOf(o *openStore) map[string]*actor.Namespace {
	all := map[string]*actor.Namespace{}
	for _, svc := range w.services {
		for _, ns := range svc.namespaces {
			if ns.Keeps(o.store) {
				all[ns.IDs().Namespace()] = ns
			}
		}
	}
	return all
}
