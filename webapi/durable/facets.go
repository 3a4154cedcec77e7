package durable

import (
	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// maxFacetName bounds the name of a facet, maxFacetDepth how deep they nest, with the actor
// that has no parent (workerd).
const (
	maxFacetName  = actorid.MaxFacetName
	maxFacetDepth = 4
)

// Facets is what this package needs of the facets of an actor; its isolate's goroutine.
type Facets interface {
	// Stub is a channel to the facet of that name. The first event on it asks start what the
	// facet is made of, unless it is there.
	Stub(name string, start StartFunc) event.AsyncService
	// Depth is how many parents the actor has.
	Depth() int
	// Abort ends a facet, whose stubs fail with reason from then on.
	Abort(name string, reason *exception.Exception)
	// Delete is Abort that deletes what the facet has stored, and its facets.
	Delete(name string) error
	// Clone gives the facet to what from has stored, in place of its own.
	Clone(from, to string) error
	// Emptied is told that deleteAll() was called, which deletes the facets too.
	Emptied()
}

// StartFunc asks what a facet is made of. It is called on the isolate's goroutine, where it
// calls done once.
type StartFunc func(done func(Startup, error))

// Startup is what a facet is made of.
type Startup struct {
	Class event.ActorClass
	// ID is what the facet finds in ctx.id; nil for that of its parent.
	ID *Identity
}

// Identity is what an actor finds in ctx.id: an id, and what it was made from if that is
// known; or a text in their place.
type Identity struct {
	ID   actorid.ID
	Name *string
	Text *string
}

// facets is a DurableObjectFacets, ctx.facets.
type facets struct{ f Facets }

var facetsClass = &bind.Class[facets]{
	Name: "DurableObjectFacets",
	Methods: map[string]bind.Method[facets]{
		"get":    (*facets).get,
		"abort":  (*facets).abort,
		"delete": (*facets).delete,
		"clone":  (*facets).clone,
	},
}

// get is get(name, getStartupOptions).
func (f *facets) get(c *bind.Call) (any, error) {
	var name string
	var start bind.Function
	if err := f.unpack(c, []*string{&name}, "name", &name, "getStartupOptions", &start); err != nil {
		return nil, err
	}
	if f.f.Depth()+1 >= maxFacetDepth {
		return nil, exception.Errorf("Facet nesting depth limit exceeded. The maximum depth including the root Durable Object is %d.", maxFacetDepth)
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	stub := f.f.Stub(name, startFunc(c.JS(), ioc, start.Value))
	return fetch.Fetcher.Wrap(c.JS(), &fetch.FetcherObject{Service: stub}), nil
}

func (f *facets) abort(c *bind.Call) (any, error) {
	var name string
	var reason goja.Value
	if err := f.unpack(c, []*string{&name}, "name", &name, "reason", &reason); err != nil {
		return nil, err
	}
	f.f.Abort(name, c.JS().Thrown(reason))
	return nil, nil
}

func (f *facets) delete(c *bind.Call) (any, error) {
	var name string
	if err := f.unpack(c, []*string{&name}, "name", &name); err != nil {
		return nil, err
	}
	return nil, f.f.Delete(name)
}

func (f *facets) clone(c *bind.Call) (any, error) {
	var from, to string
	if err := f.unpack(c, []*string{&from, &to}, "src", &from, "dst", &to); err != nil {
		return nil, err
	}
	return nil, f.f.Clone(from, to)
}

func (f *facets) unpack(c *bind.Call, names []*string, arguments ...any) error {
	if err := c.Unpack(arguments...); err != nil {
		return err
	}
	for _, name := range names {
		if len(*name) > maxFacetName {
			return exception.TypeErrorf("Facet name is too long (max %d characters).", maxFacetName)
		}
	}
	if f.f == nil {
		return exception.Errorf("This Durable Object does not support creating facets.")
	}
	return nil
}

// errCallbackOver is for a facet that nobody can be asked about any more.
var errCallbackOver = exception.Errorf("The execution context which hosts this callback is no longer running.")

// startFunc asks a function of the script, in the context and the critical section that are
// current now. What it returned may never settle; then nobody waits for longer than the
// context is there.
func startFunc(js *isolate.JS, ioc *iocontext.Context, fn goja.Value) StartFunc {
	back := ioc.Capture(js)
	return func(done func(Startup, error)) {
		if ioc.Ended() {
			done(Startup{}, errCallbackOver)
			return
		}
		pending := ioc.AddPending()
		answered := false
		var cancel func()
		answer := func(s Startup, err error) {
			if answered {
				return
			}
			answered = true
			cancel()
			pending()
			done(s, err)
		}
		cancel = ioc.OnEnd(func() { answer(Startup{}, errCallbackOver) })
		// Not in the turn that asks: it is in the middle of a call.
		ioc.Loop().Defer(func() {
			ioc.RunIn(back, func(js *isolate.JS) { callStart(js, fn, answer) }, func(error) { answer(Startup{}, errCallbackOver) })
		})
	}
}

func callStart(js *isolate.JS, fn goja.Value, done func(Startup, error)) {
	v, err := js.Call(fn, goja.Undefined())
	if isolate.Uncatchable(err) {
		return // the end of the context answers
	}
	if err != nil {
		done(Startup{}, js.Exception(err))
		return
	}
	if _, ok := v.(*goja.Object); !ok && !goja.IsUndefined(v) && !goja.IsNull(v) {
		done(Startup{}, exception.TypeErrorf("Callback returned incorrect type; expected 'Promise'"))
		return
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		var s Startup
		if err == nil {
			s, err = readStartup(js, v)
		}
		if err != nil {
			err = js.Exception(err)
		}
		done(s, err)
	})
}

// readStartup reads a StartupOptions.
func readStartup(js *isolate.JS, v goja.Value) (s Startup, err error) {
	obj, ok := v.(*goja.Object)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return s, exception.TypeErrorf("Cannot initialize StartupOptions with required members from an undefined or null value.")
	}
	if !ok {
		return s, exception.TypeErrorf("Incorrect type for Promise: the Promise did not resolve to 'StartupOptions'.")
	}
	var class, id goja.Value
	if err := js.Try(func() { class, id = obj.Get("class"), obj.Get("id") }); err != nil {
		return s, err
	}
	if class != nil {
		s.Class, ok = classOf(js, class)
	}
	if class == nil || !ok {
		return s, exception.TypeErrorf("Incorrect type for the 'class' field on 'StartupOptions': the provided value is not of type 'DurableObjectClass or LoopbackDurableObjectNamespace or LoopbackColoLocalActorNamespace'.")
	}
	if id == nil || goja.IsUndefined(id) {
		return s, nil
	}
	if i, ok := unwrapID(js, id); ok {
		s.ID = &Identity{ID: i.id, Name: i.name}
		return s, nil
	}
	var text string
	if err := js.Try(func() { text = id.ToString().String() }); err != nil {
		return s, err
	}
	s.ID = &Identity{Text: &text}
	return s, nil
}
