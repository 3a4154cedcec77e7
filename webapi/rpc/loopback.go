package rpc

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/fetch"
)

// Loopback is a service binding of ctx.exports: called with { props }, it makes another
// binding whose receiver finds these in ctx.props.
type Loopback struct {
	fetcher fetch.FetcherObject
	with    func(props *event.Props) event.Service
}

var loopbackClass = &bind.Class[Loopback]{
	Name:   "LoopbackServiceStub",
	Parent: bind.Extends(fetch.Fetcher, func(l *Loopback) *fetch.FetcherObject { return &l.fetcher }),
}

// NewLoopback makes the binding; with makes the service with these props, nil for none.
func NewLoopback(js *isolate.JS, with func(props *event.Props) event.Service) *goja.Object {
	l := &Loopback{fetcher: fetch.FetcherObject{Service: with(nil)}, with: with}
	return loopbackClass.Callable(js, l, l.call)
}

func (l *Loopback) call(c *bind.Call) (any, error) {
	props, err := loopbackProps(c, "LoopbackServiceStub")
	if err != nil {
		return nil, err
	}
	return fetch.Fetcher.Wrap(c.JS(), &fetch.FetcherObject{Service: l.with(props)}), nil
}

// loopbackProps reads what a binding of ctx.exports is called with.
func loopbackProps(c *bind.Call, class string) (*event.Props, error) {
	js := c.JS()
	o, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("Failed to execute '(called as function)' on '%s': parameter 1 is not of type 'Options'.", class)
	}
	var v goja.Value
	if err := js.Try(func() { v = o.Get("props") }); err != nil {
		return nil, err
	}
	if v == nil || goja.IsUndefined(v) {
		return nil, nil
	}
	if _, ok := v.(*goja.Object); !ok {
		return nil, exception.TypeErrorf("Incorrect type for the 'props' field on 'Options': the provided value is not of type 'Object'.")
	}
	p, err := WriteProps(js, v)
	if err != nil {
		return nil, err
	}
	return &event.Props{Value: p}, nil
}

// LoopbackActors is a class of actors in ctx.exports, and their namespace where there is
// one: called with { props }, it makes the class whose facets find these in ctx.props.
type LoopbackActors struct {
	class     durable.Class
	namespace durable.Namespace
	with      func(props *event.Props) event.ActorClass
}

var (
	loopbackActorClass = &bind.Class[LoopbackActors]{
		Name:   "LoopbackDurableObjectClass",
		Parent: bind.Extends(durable.ClassClass, func(l *LoopbackActors) *durable.Class { return &l.class }),
	}
	loopbackEphemeralClass = &bind.Class[LoopbackActors]{
		Name:   "LoopbackColoLocalActorNamespace",
		Parent: bind.Extends(durable.NamespaceClass, func(l *LoopbackActors) *durable.Namespace { return &l.namespace }),
	}
	loopbackNamespaceClass = &bind.Class[LoopbackActors]{
		Name:   "LoopbackDurableObjectNamespace",
		Parent: bind.Extends(durable.NamespaceClass, func(l *LoopbackActors) *durable.Namespace { return &l.namespace }),
	}
)

// NewLoopbackActors makes the binding; actors is nil for a class that has no namespace, and
// with makes the class with these props, nil for none. lasting says that stubs of the namespace
// may be stored.
func NewLoopbackActors(js *isolate.JS, actors durable.Actors, lasting bool, with func(props *event.Props) event.ActorClass) *goja.Object {
	l := &LoopbackActors{class: durable.Class{Class: with(nil)}, with: with}
	if actors == nil {
		return loopbackActorClass.Callable(js, l, l.call)
	}
	l.namespace = durable.Namespace{Actors: actors, Class: l.class.Class, Lasting: lasting}
	if actors.IDs() == nil {
		return loopbackEphemeralClass.Callable(js, l, l.call)
	}
	return loopbackNamespaceClass.Callable(js, l, l.call)
}

func (l *LoopbackActors) call(c *bind.Call) (any, error) {
	class := loopbackActorClass.Name
	switch actors := l.namespace.Actors; {
	case actors == nil:
	case actors.IDs() == nil:
		class = loopbackEphemeralClass.Name
	default:
		class = loopbackNamespaceClass.Name
	}
	props, err := loopbackProps(c, class)
	if err != nil {
		return nil, err
	}
	return durable.ClassClass.Wrap(c.JS(), &durable.Class{Class: l.with(props)}), nil
}
