package server

import (
	"cmp"
	"fmt"

	"workerd.local/actor"
	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/supervise"
	"workerd.local/worker"
)

// class resolves a designator of a class of actors; where says who refers to it.
func (w *world) class(d config.ServiceDesignator, where string) (event.ActorClass, error) {
	svc := w.services[d.Name]
	if svc == nil || svc.plain != nil {
		return nil, at(d.Pos, "%s refers to service %q, which has no Durable Object classes.", where, d.Name)
	}
	return svc.class(d.Entrypoint, propsOf(d), false), nil
}

// propsOf are the props that a designator gives; nil for none.
func propsOf(d config.ServiceDesignator) *event.Props {
	if d.Props == "" {
		return nil
	}
	return &event.Props{JSON: []byte(d.Props)}
}

// class is a class of actors that the worker exports. Services may name each other in
// circles, so the pool is looked up when it is needed. lasting says that the class may be
// stored.
func (s *service) class(name string, props *event.Props, lasting bool) event.ActorClass {
	var fixed error
	if s.cfg.Worker == nil {
		fixed = errDynamicTransfer // a script has made it
	}
	return &actor.Class{Name: name, Service: s.cfg.Name, Lasting: lasting, Props: props, Fixed: fixed, Open: func(done func(*worker.Pool, func(), error)) {
		done(s.pool, func() {}, nil)
	}}
}

// checkClasses finds bindings of classes that their worker does not export.
func (w *world) checkClasses(svc *service) error {
	for i := range svc.cfg.Worker.Bindings {
		b := &svc.cfg.Worker.Bindings[i]
		target := w.services[b.Service.Name]
		if b.Kind != config.BindingDurableObjectClass || target == nil {
			continue
		}
		if _, err := w.s.refusal(supervise.Subject{Worker: target.cfg.Name}); err != nil {
			continue // it has not been started
		}
		name := cmp.Or(b.Service.Entrypoint, "default")
		has, wk := make(chan bool, 1), target.pool.Workers()[0]
		if err := wk.Isolate().Loop().Post(func() { has <- wk.HasActorClass(name) }); err != nil {
			return err
		}
		where := fmt.Sprintf("service %s: binding %q refers to service %q", svc.cfg.Name, b.Name, target.cfg.Name)
		switch found := <-has; {
		case found:
		case b.Service.Entrypoint != "":
			return at(b.Pos, "%s with a Durable Object entrypoint %q, but %q has no such exported entrypoint class.", where, name, target.cfg.Name)
		default:
			return at(b.Pos, "%s, but does not specify an entrypoint, and the service does not export a Durable Object class as its default entrypoint.", where)
		}
	}
	return nil
}
