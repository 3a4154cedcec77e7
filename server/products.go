package server

import (
	"github.com/dop251/goja"

	"workerd.local/config"
	"workerd.local/disk"
	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/kvserver"
	"workerd.local/r2server"
	"workerd.local/webapi/analytics"
	"workerd.local/webapi/hyperdrive"
	"workerd.local/webapi/kv"
	"workerd.local/webapi/memorycache"
	"workerd.local/webapi/queue"
	"workerd.local/webapi/r2"
	"workerd.local/worker"
)

// product makes a binding to a product: a client of the service that the configuration
// names, or a cache.
func (w *world) product(js *isolate.JS, wk *worker.Worker, b *config.Binding, where string) (goja.Value, error) {
	if b.Kind == config.BindingMemoryCache {
		return memorycache.Class.Wrap(js, &memorycache.Binding{Use: w.caches[b]}), nil
	}
	s, err := w.productService(b, where)
	if err != nil {
		return nil, err
	}
	switch b.Kind {
	case config.BindingKVNamespace:
		return kv.Class.Wrap(js, &kv.Namespace{Service: s, Binding: b.Name}), nil
	case config.BindingAnalyticsEngine:
		return analytics.Class.Wrap(js, &analytics.Dataset{Name: b.Service.Name, Service: s, Report: func(js *isolate.JS, err error) {
			wk.Report(js.Exception(err), "Uncaught (in writeDataPoint)")
		}}), nil
	case config.BindingR2Bucket:
		return r2.Class.Wrap(js, &r2.Bucket{Service: s, Binding: b.Name, Name: b.Service.Name}), nil
	case config.BindingQueue:
		return queue.ProducerClass.Wrap(js, &queue.Producer{Service: s}), nil
	case config.BindingHyperdrive:
		h := b.Hyperdrive
		return hyperdrive.New(js, &hyperdrive.Database{Service: s, Scheme: h.Scheme, User: h.User, Password: h.Password, Database: h.Database})
	}
	return nil, at(b.Pos, "%s: bindings of the kind %s are not supported yet", where, b.Kind)
}

// productService is the service behind a binding: the one that is named, or in projects
// one of ours.
func (w *world) productService(b *config.Binding, where string) (event.Service, error) {
	if !b.Service.IsSet() {
		if s := w.local[localProduct{b.Kind, b.ID}]; s != nil {
			return s, nil
		}
	}
	return w.service(b.Service, where)
}

// localProduct names a service of ours behind bindings of a project.
type localProduct struct {
	kind config.BindingKind
	id   string
}

// openLocal opens the KV namespaces and R2 buckets of a project, which are kept where its
// state is.
func (w *world) openLocal(list []config.Binding) error {
	for i := range list {
		b := &list[i]
		if b.Wrapped != nil {
			if err := w.openLocal(b.Wrapped.Inner); err != nil {
				return err
			}
		}
		p := localProduct{b.Kind, b.ID}
		var open func(st *openStore) event.Service
		switch b.Kind {
		case config.BindingKVNamespace:
			open = func(st *openStore) event.Service { return kvserver.Open(st.store, st.tokens, b.ID, w.s.o.Host.Now) }
		case config.BindingR2Bucket:
			open = func(st *openStore) event.Service { return r2server.Open(st.store, st.tokens, b.ID, w.s.o.Host.Now) }
		default:
			continue
		}
		if b.Service.IsSet() || w.local[p] != nil {
			continue
		}
		state := w.services[config.StateService]
		if state == nil {
			return at(b.Pos, "the binding %q has no directory to be kept in", b.Name)
		}
		dir, ok := state.plain.(*disk.Directory)
		if !ok {
			return at(b.Pos, "the binding %q cannot be kept in the service %q", b.Name, config.StateService)
		}
		st, err := w.s.stores.disk(dir.Path())
		if err != nil {
			return at(b.Pos, "the binding %q: %s", b.Name, err)
		}
		w.local[p] = st.product(p, open)
	}
	return nil
}

// openCaches makes the memory caches of a worker's bindings, which all its realms share.
func (w *world) openCaches(list []config.Binding) {
	for i := range list {
		b := &list[i]
		if b.Wrapped != nil {
			w.openCaches(b.Wrapped.Inner)
		}
		if b.Kind != config.BindingMemoryCache {
			continue
		}
		var l memorycache.Limits
		if c := b.MemoryCache; c != nil {
			l = memorycache.Limits{MaxKeys: c.MaxKeys, MaxValueBytes: c.MaxValueSize, MaxTotalBytes: c.MaxTotalValueSize}
		}
		u := w.s.caches.Use(b.ID, l)
		w.caches[b] = u
		w.closers = append(w.closers, u)
	}
}
