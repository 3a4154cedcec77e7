package rpc

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// stub is an RpcStub.
type stub struct {
	t      *table
	target event.Target // nil once it is disposed
	group  *group       // that disposes of it; may be nil
	// channel is how the stub is made again; nil where it cannot be. A stub that is nothing
	// else belongs to no context, and has a vendor: in each context that uses it, that makes
	// another stub of it.
	channel *event.Token
	vendor  event.Service
	gone    bool // it was disposed
}

// errDisposed is for a stub that its owner has given back.
var errDisposed = exception.Errorf("RPC stub used after being disposed.")

// newStub holds a target for the context; the holder of the target is the stub from now
// on, or, with an error, nobody.
func newStub(ioc *iocontext.Context, target event.Target, g *group) (*stub, error) {
	t := tableOf(ioc)
	err := t.checkRoom()
	if err == nil && ioc.Ended() {
		err = errNotRunning
	}
	if err != nil {
		target.Release()
		return nil, err
	}
	s := &stub{t: t, target: target, group: g}
	t.stubs[s] = struct{}{}
	if g != nil {
		if g.stubs == nil {
			g.stubs = map[*stub]struct{}{}
		}
		g.stubs[s] = struct{}{}
	}
	return s, nil
}

// get is the target, where the current context may use it.
func (s *stub) get(js *isolate.JS) (event.Target, error) {
	if s.vendor != nil {
		if s.gone {
			return nil, errDisposed
		}
		h, err := s.here(js)
		if err != nil {
			return nil, err
		}
		s = h
	}
	if s.gone {
		return nil, errDisposed
	}
	target, err := iocontext.OwnedBy(s.t.ioc, "Client", s.target).Get(js)
	if err == nil && target == nil {
		err = errDisposed
	}
	return target, err
}

// hereKey names the stub that a context has made of one without a context.
type hereKey struct{ s *stub }

// here is the stub of the current context.
func (s *stub) here(js *isolate.JS) (*stub, error) {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	made := iocontext.Local(ioc, hereKey{s}, func() *stub {
		var h *stub
		h, err = newStub(ioc, newRestoredTarget(s.channel, s.vendor, js.Bounds()), nil)
		return h
	})
	if made == nil && err == nil {
		err = errNotRunning
	}
	return made, err
}

// dispose gives the stub back.
func (s *stub) dispose() {
	s.gone = true
	if s.vendor != nil {
		return
	}
	delete(s.t.stubs, s)
	if s.group != nil {
		delete(s.group.stubs, s)
		s.group = nil
	}
	s.drop()
}

func (s *stub) drop() {
	if s.target != nil {
		s.target.Release()
		s.target = nil
	}
}

// group is what is disposed of together: the stubs in arguments, or in a result.
type group struct {
	t        *table
	stubs    map[*stub]struct{}
	pipeline event.Target // whose object wants to know of the end; may be nil
}

// setPipeline makes the group the holder of a pipeline.
func (g *group) setPipeline(ioc *iocontext.Context, p event.Target) {
	g.t, g.pipeline = tableOf(ioc), p
	if g.t.groups == nil {
		g.dropPipeline()
		return
	}
	g.t.groups[g] = struct{}{}
}

// disposeAll gives everything back.
func (g *group) disposeAll() {
	for s := range g.stubs {
		s.dispose()
	}
	g.dropPipeline()
}

// disownAll leaves the stubs to whoever has them.
func (g *group) disownAll() {
	for s := range g.stubs {
		s.group = nil
	}
	clear(g.stubs)
}

func (g *group) dropPipeline() {
	if g.pipeline != nil {
		delete(g.t.groups, g)
		g.pipeline.Release()
		g.pipeline = nil
	}
}

// object is the stub as scripts see it.
func (s *stub) object(js *isolate.JS) *goja.Object {
	return stubClass.Callable(js, s, func(c *bind.Call) (any, error) { return start(c.JS(), s, nil, c.Args()) })
}

// newStubOf is new RpcStub(object).
func newStubOf(c *bind.Call) (*goja.Object, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	object, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return nil, c.BadArg(1, "Object")
	}
	own, ok, err := stubTypeOf(js, object)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, exception.TypeErrorf("RpcStubs can only wrap plain objects, functions, and RpcTarget derivatives.")
	}
	x, err := newStubExport(js, ioc, nil, object, own)
	if err != nil {
		return nil, err
	}
	s, err := newStub(ioc, x, nil)
	if err != nil {
		return nil, err
	}
	return s.object(js), nil
}

// dup is a second stub of the same object.
func (s *stub) dup(c *bind.Call) (any, error) {
	if s.vendor != nil && !s.gone {
		return (&stub{channel: s.channel, vendor: s.vendor}).object(c.JS()), nil
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	target, err := s.get(c.JS())
	if err != nil {
		return nil, err
	}
	target.Retain()
	d, err := newStub(ioc, target, nil)
	if err != nil {
		return nil, err
	}
	d.channel = s.channel
	return d.object(c.JS()), nil
}

// caller is event's side of a call of the stub.
func (s *stub) caller(js *isolate.JS, ioc *iocontext.Context) (sender, []string, error) {
	target, err := s.get(js)
	if err != nil {
		return nil, nil, err
	}
	return target.Call, nil, nil
}
