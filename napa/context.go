package napa

import (
	"runtime"
	"sync"
	"weak"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Context is a transport context: the objects that payloads name by their handles.
type Context struct {
	*contents
	handle uint64
}

// contents is the part of a context that its cleanup needs.
type contents struct {
	mu    sync.Mutex // guards saved
	saved map[uint64]*object
	most  int
}

func (s *System) newContext() *Context {
	c := &Context{contents: &contents{most: limits.NapaShared.In(s.o.Bounds)}, handle: s.nextHandle()}
	s.mu.Lock()
	s.contexts[c.handle] = weak.Make(c)
	s.mu.Unlock()
	h := c.handle
	runtime.AddCleanup(c, func(in *contents) {
		in.release()
		s.mu.Lock()
		delete(s.contexts, h)
		s.mu.Unlock()
	}, c.contents)
	return c
}

// context finds a context by its handle; nil where there is none any more.
func (s *System) context(h uint64) *Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contexts[h].Value()
}

func (in *contents) release() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, o := range in.saved {
		o.refs.Add(-1)
	}
	in.saved = nil
}

// save keeps o for as long as the context lives.
func (in *contents) save(o *object) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.saved[o.handle] != nil {
		return nil
	}
	if len(in.saved) >= in.most {
		return exception.RangeErrorf("A transport context cannot hold more than %d objects.", in.most)
	}
	if in.saved == nil {
		in.saved = map[uint64]*object{}
	}
	in.saved[o.handle] = o
	o.refs.Add(1)
	return nil
}

// load is the object with the handle; nil where the context does not hold it.
func (in *contents) load(h uint64) *object {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.saved[h]
}

func (in *contents) count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.saved)
}

// unwrapContext is the context that v stands for.
func unwrapContext(js *isolate.JS, v goja.Value) (*Context, bool) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	x, _, _ := bind.ValueOf(js, obj)
	c, ok := x.(*Context)
	return c, ok
}

var contextClass = &bind.Class[Context]{
	Name: "TransportContextWrap",
	Getters: map[string]bind.Getter[Context]{
		"sharedCount": func(x *Context, _ *bind.Call) (any, error) { return x.count(), nil },
		"handle":      func(x *Context, c *bind.Call) (any, error) { return handleValue(c.JS(), x.handle), nil },
	},
	Methods: map[string]bind.Method[Context]{
		"saveShared": func(x *Context, c *bind.Call) (any, error) {
			w, ok := unwrapShareable(c.JS(), c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "Shareable")
			}
			if w.object == nil {
				return nil, nil
			}
			return nil, x.save(w.object)
		},
		"loadShared": func(x *Context, c *bind.Call) (any, error) {
			h, ok := handleOf(c.JS(), c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "Handle")
			}
			if o := x.load(h); o != nil {
				return newWrap(c.JS(), o.kind, o)
			}
			return newWrap(c.JS(), kindMemory, nil)
		},
	},
}

// createContext is transport.createTransportContext(owning = true, handle?).
func createContext(c *bind.Call) (any, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	if v := c.Arg(0); !goja.IsUndefined(v) {
		if _, ok := v.Export().(bool); !ok {
			return nil, c.BadArg(1, "boolean")
		}
	}
	if goja.IsUndefined(c.Arg(1)) {
		return contextClass.Wrap(c.JS(), p.System.newContext()), nil
	}
	h, ok := handleOf(c.JS(), c.Arg(1))
	if !ok {
		return nil, c.BadArg(2, "Handle")
	}
	x := p.System.context(h)
	if x == nil {
		return nil, exception.Errorf("No transport context has the handle [%d,%d].", uint32(h), h>>32)
	}
	return contextClass.Wrap(c.JS(), x), nil
}

// carrier is the transport context of one journey of values. It is made where something
// needs one, which most journeys do not.
type carrier struct {
	system  *System
	context *Context
	value   goja.Value // what scripts of the realm see of it
	none    bool       // there is no context, and what needs one fails
}

// carrierOf is the carrier of a context that a script gave.
func carrierOf(s *System, js *isolate.JS, v goja.Value) (*carrier, bool) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return &carrier{system: s, none: true}, true
	}
	x, ok := unwrapContext(js, v)
	return &carrier{system: s, context: x, value: v}, ok
}

// get is the context, or an error that names what needs it.
func (k *carrier) get(what, name string) (*Context, error) {
	if k.none {
		return nil, exception.Errorf("Cannot transport type %s%q without a transport context.", what, name)
	}
	if k.context == nil {
		k.context = k.system.newContext()
	}
	return k.context, nil
}

// script is the context as scripts see it; get was called before.
func (k *carrier) script(js *isolate.JS) goja.Value {
	if k.value == nil {
		k.value = contextClass.Wrap(js, k.context)
	}
	return k.value
}
