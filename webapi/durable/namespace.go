package durable

import (
	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// Actors is what this package needs of a namespace of actors; any goroutine.
type Actors interface {
	// IDs makes and checks ids; nil for a namespace that keeps nothing, whose ids
	// are strings.
	IDs() *actorid.Factory
	// Stub returns a new channel to an actor: calls on it are delivered in order,
	// and once the actor has broken it fails for ever. name is the name that the
	// id was made from, or nil; lasting says that the stub may be stored.
	Stub(id actorid.ID, name *string, lasting bool) event.AsyncService
}

// Namespace is a DurableObjectNamespace: a binding.
type Namespace struct {
	Actors Actors
	// Lasting says that stubs of it may be stored.
	Lasting bool
	// Class is what the binding stands for where a class is wanted, as those of ctx.exports
	// do; nil for none.
	Class event.ActorClass
}

// NamespaceClass is the class of bindings: Wrap makes one for env.
var NamespaceClass = &bind.Class[Namespace]{
	Name: "DurableObjectNamespace",
	Methods: map[string]bind.Method[Namespace]{
		"newUniqueId":  (*Namespace).newUniqueID,
		"idFromName":   (*Namespace).idFromName,
		"idFromString": (*Namespace).idFromString,
		"get":          (*Namespace).get,
		"getByName":    (*Namespace).getByName,
		"jurisdiction": (*Namespace).jurisdiction,
	},
}

const jurisdictionText = "Jurisdiction restrictions are not implemented in workerd."

// Module is the family's table. The classes of namespaces and storage are no global names,
// as in workerd.
var Module = bind.Module{
	Name:    "durable",
	Globals: []bind.Global{PairClass},
	Setup:   func(js *isolate.JS) error { return clone.PrepareWith(js.Runtime(), js.Library().Pristine) },
}

func (n *Namespace) ids() (*actorid.Factory, error) {
	if f := n.Actors.IDs(); f != nil {
		return f, nil
	}
	return nil, exception.TypeErrorf("This namespace keeps nothing: its objects are named by strings, with get(name).")
}

func (n *Namespace) newUniqueID(c *bind.Call) (any, error) {
	// A random id is I/O: not in the global scope.
	if _, err := c.Context(); err != nil {
		return nil, err
	}
	f, err := n.ids()
	if err != nil {
		return nil, err
	}
	o, err := dictionary(c, 1, "NewUniqueIdOptions")
	if err != nil {
		return nil, err
	}
	if o != nil {
		var j goja.Value
		if err := c.JS().Try(func() { j = o.Get("jurisdiction") }); err != nil {
			return nil, err
		}
		if j != nil && !goja.IsUndefined(j) && !goja.IsNull(j) {
			return nil, exception.Errorf(jurisdictionText)
		}
	}
	id := &ID{id: f.Unique()}
	return id.object(c.JS()), nil
}

func (n *Namespace) idFromName(c *bind.Call) (any, error) {
	var name string
	if err := c.Unpack("name", &name); err != nil {
		return nil, err
	}
	f, err := n.ids()
	if err != nil {
		return nil, err
	}
	id := &ID{id: f.FromName(name), name: &name}
	return id.object(c.JS()), nil
}

func (n *Namespace) idFromString(c *bind.Call) (any, error) {
	var text string
	if err := c.Unpack("id", &text); err != nil {
		return nil, err
	}
	f, err := n.ids()
	if err != nil {
		return nil, err
	}
	id, err := f.Parse(text)
	if err != nil {
		return nil, err
	}
	return (&ID{id: id}).object(c.JS()), nil
}

func (n *Namespace) get(c *bind.Call) (any, error) {
	if n.Actors.IDs() == nil {
		var name string
		if err := c.Unpack("id", &name); err != nil {
			return nil, err
		}
		if most := limits.ActorEphemeral.In(c.JS().Bounds()); name == "" || len(name) > most {
			return nil, exception.TypeErrorf("Actor ID length must be in the range [1, %d].", most)
		}
		return n.stub(c.JS(), &ID{id: actorid.ID{Key: name}, name: &name}, c.JS().Runtime().ToValue(name)), nil
	}
	id, ok := unwrapID(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "DurableObjectId")
	}
	if id.id.Namespace != n.Actors.IDs().Namespace() {
		return nil, exception.TypeErrorf("Durable Object ID is not valid for this namespace.")
	}
	if err := checkOptions(c); err != nil {
		return nil, err
	}
	return n.stub(c.JS(), id, c.Arg(0)), nil
}

// checkOptions reads the second argument of get and getByName. There is one place
// that objects can be, whatever the hint says.
func checkOptions(c *bind.Call) error {
	o, err := dictionary(c, 2, "GetDurableObjectOptions")
	if o == nil || err != nil {
		return err
	}
	var mode goja.Value
	terr := c.JS().Try(func() {
		if hint := o.Get("locationHint"); hint != nil && !goja.IsUndefined(hint) {
			if _, err = c.String(2, hint); err != nil {
				return
			}
		}
		mode = o.Get("routingMode")
	})
	if err == nil {
		err = terr
	}
	if err != nil || mode == nil || goja.IsUndefined(mode) {
		return err
	}
	text, err := c.String(2, mode)
	if err == nil && text != "primary-only" {
		err = exception.RangeErrorf("unknown routingMode: %s", text)
	}
	return err
}

func (n *Namespace) getByName(c *bind.Call) (any, error) {
	var name string
	if err := c.Unpack("name", &name); err != nil {
		return nil, err
	}
	f, err := n.ids()
	if err != nil {
		return nil, err
	}
	if err := checkOptions(c); err != nil {
		return nil, err
	}
	id := &ID{id: f.FromName(name), name: &name}
	return n.stub(c.JS(), id, id.object(c.JS())), nil
}

func (n *Namespace) jurisdiction(c *bind.Call) (any, error) {
	if v := c.Arg(0); !goja.IsUndefined(v) && !goja.IsNull(v) {
		return nil, exception.Errorf(jurisdictionText)
	}
	return c.This(), nil
}

// stub is what get returns: a Fetcher with id and name of its own.
type stub struct{ fetcher fetch.FetcherObject }

var stubClass = &bind.Class[stub]{
	Name:   "DurableObject",
	Parent: bind.Extends(fetch.Fetcher, func(s *stub) *fetch.FetcherObject { return &s.fetcher }),
}

// stub makes one; idValue is the id as scripts see it.
func (n *Namespace) stub(js *isolate.JS, id *ID, idValue goja.Value) *goja.Object {
	obj := stubClass.Wrap(js, &stub{fetch.FetcherObject{Service: n.Actors.Stub(id.id, id.name, n.Lasting), Options: fetch.DispatchOptions{Actor: id.id}}})
	name := goja.Undefined()
	if id.name != nil {
		name = js.Runtime().ToValue(*id.name)
	}
	constant(obj, "name", name)
	constant(obj, "id", idValue)
	return obj
}
