package durable

import (
	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
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
	// id was made from, or nil.
	Stub(id actorid.ID, name *string) event.AsyncService
}

// Namespace is a DurableObjectNamespace: a binding.
type Namespace struct{ Actors Actors }

// NamespaceClass is the class of bindings: Wrap makes one for env. It is filled in
// by defineNamespace: its methods name the class.
var NamespaceClass = &bind.Class[Namespace]{Name: "DurableObjectNamespace"}

func defineNamespace() *bind.Class[Namespace] {
	*NamespaceClass = bind.Class[Namespace]{
		Name: "DurableObjectNamespace",
		Methods: map[string]bind.Method[Namespace]{
			"newUniqueId":  (*Namespace).newUniqueID,
			"idFromName":   (*Namespace).idFromName,
			"idFromString": (*Namespace).idFromString,
			"get":          (*Namespace).get,
			"getByName":    (*Namespace).getByName,
			"getExisting":  (*Namespace).getExisting,
			"jurisdiction": (*Namespace).jurisdiction,
		},
	}
	return NamespaceClass
}

const (
	jurisdictionText = "Jurisdiction restrictions are not implemented in workerd."
	existingText     = "workerd only supports GET_OR_CREATE mode for getting actor stubs"
	ephemeralText    = "Actor ID length must be in the range [1, 2048]."
	maxEphemeralID   = 2048
)

// Module is the family's table.
var Module = bind.Module{
	Name: "durable",
	Globals: []bind.Global{
		defineID(), defineNamespace(), stubClass, stateClass, storageClass, transactionClass,
	},
	Setup: func(js *isolate.JS) error { return clone.Prepare(js.Runtime()) },
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
	if o, ok := c.Arg(0).(*goja.Object); ok {
		var j goja.Value
		if err := c.JS().Try(func() { j = o.Get("jurisdiction") }); err != nil {
			return nil, err
		}
		if j != nil && !goja.IsUndefined(j) && !goja.IsNull(j) {
			return nil, exception.Errorf(jurisdictionText)
		}
	}
	return idClass.Wrap(c.JS(), &ID{id: f.Unique()}), nil
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
	return idClass.Wrap(c.JS(), &ID{id: f.FromName(name), name: &name}), nil
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
	return idClass.Wrap(c.JS(), &ID{id: id}), nil
}

func (n *Namespace) get(c *bind.Call) (any, error) {
	if n.Actors.IDs() == nil {
		var name string
		if err := c.Unpack("id", &name); err != nil {
			return nil, err
		}
		if name == "" || len(name) > maxEphemeralID {
			return nil, exception.TypeErrorf(ephemeralText)
		}
		return n.stub(c.JS(), &ID{id: actorid.ID{Key: name}, name: &name}), nil
	}
	id, ok := idClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "DurableObjectId")
	}
	if id.id.Namespace != n.Actors.IDs().Namespace() {
		return nil, exception.TypeErrorf("Durable Object ID is not valid for this namespace.")
	}
	if err := checkRouting(c, c.Arg(1)); err != nil {
		return nil, err
	}
	return n.stub(c.JS(), id), nil
}

func checkRouting(c *bind.Call, options goja.Value) error {
	o, ok := options.(*goja.Object)
	if !ok {
		return nil
	}
	var mode goja.Value
	if err := c.JS().Try(func() { mode = o.Get("routingMode") }); err != nil {
		return err
	}
	if mode != nil && !goja.IsUndefined(mode) && mode.String() != "primary-only" {
		return exception.RangeErrorf("unknown routingMode: %s", mode)
	}
	return nil
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
	return n.stub(c.JS(), &ID{id: f.FromName(name), name: &name}), nil
}

func (n *Namespace) getExisting(*bind.Call) (any, error) { return nil, exception.Errorf(existingText) }

func (n *Namespace) jurisdiction(c *bind.Call) (any, error) {
	if v := c.Arg(0); !goja.IsUndefined(v) && !goja.IsNull(v) {
		return nil, exception.Errorf(jurisdictionText)
	}
	return NamespaceClass.Wrap(c.JS(), &Namespace{n.Actors}), nil
}

// Stub is what get returns: a Fetcher with id and name of its own.
type Stub struct {
	n       *Namespace
	id      *ID
	channel event.AsyncService // made by the first call
}

var stubClass = &bind.Class[Stub]{
	Name:    "DurableObject",
	Methods: map[string]bind.Method[Stub]{"fetch": (*Stub).fetch},
}

func (n *Namespace) stub(js *isolate.JS, id *ID) *goja.Object {
	obj := stubClass.Wrap(js, &Stub{n: n, id: id})
	idObject := goja.Value(idClass.Wrap(js, id))
	if n.Actors.IDs() == nil {
		idObject = js.Runtime().ToValue(*id.name)
	}
	// id and name are own properties that can be listed but not changed.
	_ = obj.DefineDataProperty("id", idObject, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	name := goja.Undefined()
	if id.name != nil {
		name = js.Runtime().ToValue(*id.name)
	}
	_ = obj.DefineDataProperty("name", name, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	return obj
}

func (s *Stub) fetch(c *bind.Call) (any, error) {
	if s.channel == nil {
		s.channel = s.n.Actors.Stub(s.id.id, s.id.name)
	}
	return fetch.Dispatch(c, s.channel, c.Arg(0), c.Arg(1), fetch.DispatchOptions{})
}
