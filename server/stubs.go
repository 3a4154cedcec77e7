package server

import (
	"workerd.local/actor"
	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/webapi/rpc"
)

// resolver looks names up in this configuration.
func (w *world) resolver() event.Resolver {
	return event.Resolver{Service: w.resolve, Class: w.resolveClass}
}

// resolveClass is the class that a token names, which has to be there once it is used.
func (w *world) resolveClass(t *event.Token) event.ActorClass {
	svc, err := w.storedWorker(t.Service)
	if err != nil {
		return event.NoClass{Err: err}
	}
	return svc.class(t.Entrypoint, t.Props, t.Lasting)
}

// resolve is the service that a token names: what a stub leads to that was read from
// storage. One that leads nowhere in this configuration says so when it is used. Any
// goroutine.
func (w *world) resolve(t *event.Token) event.Service {
	if t.Kind == event.Restored {
		return rpc.NewRestored(t, w.resolve(t.Vendor), w.s.o.Limits.Bounds)
	}
	svc, err := w.named(t)
	if err != nil {
		return rpc.Unusable(err)
	}
	return svc
}

func (w *world) named(t *event.Token) (event.Service, error) {
	if t.Kind == event.Object {
		svc, ns := w.namespace(t.Namespace)
		switch {
		case ns == nil:
			return nil, exception.Errorf("Stub refers to a Durable Object namespace that doesn't exist: %s", t.Namespace)
		case len(t.Key) != actorid.Size:
			return nil, exception.Errorf("The stored stub is damaged.")
		}
		if err := svc.pool.CheckStored(); err != nil {
			return nil, err
		}
		return ns.Stub(actorid.ID{Namespace: t.Namespace, Key: t.Key}, t.Name, t.Lasting), nil
	}
	svc, err := w.storedWorker(t.Service)
	if err != nil {
		return nil, err
	}
	return &lazyService{svc: svc, entrypoint: t.Entrypoint, props: t.Props, lasting: t.Lasting}, nil
}

// storedWorker is the worker of a name in a token; it must allow that tokens lead to it.
func (w *world) storedWorker(name string) (*service, error) {
	svc := w.services[name]
	switch {
	case svc == nil:
		return nil, exception.Errorf("Stub refers to a service that doesn't exist: %s", name)
	case svc.pool == nil:
		return nil, exception.Errorf("Stub refers to a service that is not a Worker: %s", name)
	}
	if err := svc.pool.CheckStored(); err != nil {
		return nil, err
	}
	return svc, nil
}

// namespace is the namespace with a storage key.
func (w *world) namespace(key string) (*service, *actor.Namespace) {
	for _, svc := range w.services {
		for _, ns := range svc.namespaces {
			if ids := ns.IDs(); ids != nil && ids.Namespace() == key {
				return svc, ns
			}
		}
	}
	return nil, nil
}
