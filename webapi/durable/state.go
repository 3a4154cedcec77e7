package durable

import (
	"maps"

	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Options are what a state object stands for.
type Options struct {
	Context *iocontext.Context
	ID      actorid.ID
	// Name is what the id was made from, nil when that is not known.
	Name *string
	// Text takes the place of the id for a facet that was given one; nil for none.
	Text *string
	// Props makes ctx.props; nil is an empty object.
	Props func(js *isolate.JS) (goja.Value, error)
	// Exports makes ctx.exports; nil leaves it out.
	Exports func(js *isolate.JS) *goja.Object
	// Facets are the actor's; nil for one that has none.
	Facets Facets
	// RefuseAlarm, which may be nil, is told that an alarm was set where there can be none.
	RefuseAlarm func()
	// Cache is the actor's storage; nil for an actor that keeps nothing.
	Cache *cache.Cache
	// Sockets has the WebSockets that the actor gives away, made on first use.
	Sockets func() Sockets
	// WaitUntil keeps the actor alive until the value settles.
	WaitUntil func(js *isolate.JS, v goja.Value)
	// Restore is ctx.restore().
	Restore func(c *bind.Call) (any, error)
	// HasAlarm reports whether the class has an alarm() handler.
	HasAlarm func() bool
	// DeleteAllDeletesAlarm is the compatibility flag delete_all_deletes_alarm.
	DeleteAllDeletesAlarm bool
	// SQLite says that the storage is what workerd keeps in SQLite: direct calls on it are
	// part of the transaction that is open, transactions nest, and there is
	// transactionSync().
	SQLite bool
	// SQL says that the class was made with enableSql, for storage.kv and storage.sql.
	SQL bool
	// Experimental and Replicas are the compatibility flags experimental and
	// replica_routing.
	Experimental, Replicas bool
}

// flagSet is a set of the compatibility flags that add members to classes.
type flagSet uint8

const (
	plain        flagSet = 0
	experimental flagSet = 1
	replicas     flagSet = 2
	flagSets             = 4
)

func (o *Options) flags() flagSet {
	f := plain
	if o.Experimental {
		f |= experimental
	}
	if o.Replicas {
		f |= replicas
	}
	return f
}

// state is a DurableObjectState: the ctx of an actor class.
type state struct{ o Options }

// The class by the compatibility flags that add members.
var stateClass = [flagSets]*bind.Class[state]{
	plain:                   newStateClass(plain),
	experimental:            newStateClass(experimental),
	replicas:                newStateClass(replicas),
	experimental | replicas: newStateClass(experimental | replicas),
}

func newStateClass(f flagSet) *bind.Class[state] {
	cl := &bind.Class[state]{
		Name:     "DurableObjectState",
		Captured: true,
		Methods: map[string]bind.Method[state]{
			"waitUntil": (*state).waitUntil,
			"abort":     (*state).abort,
		},
		Async: map[string]bind.Method[state]{
			"blockConcurrencyWhile": (*state).blockConcurrencyWhile,
			"restore":               func(s *state, c *bind.Call) (any, error) { return s.o.Restore(c) },
		},
		Init: func(js *isolate.JS, _, proto *goja.Object) error {
			if js.Compat().Has("allow_irrevocable_stub_storage") {
				return nil
			}
			return proto.Delete("restore")
		},
	}
	maps.Copy(cl.Methods, socketMethods())
	if f&replicas != 0 {
		cl.Async["configureReadReplication"] = (*state).configureReadReplication
	}
	return cl
}

// NewState makes the state object of an actor. Its id, storage and props are
// properties of its own that code may replace.
func NewState(js *isolate.JS, o Options) (*goja.Object, error) {
	s := &state{o: o}
	id := &ID{id: o.ID, name: o.Name}
	// Longer names still address it.
	if o.Name != nil && len(*o.Name) > limits.ActorName.In(js.Bounds()) {
		id.name = nil
	}
	// Setting a plain property of a new object cannot fail.
	obj := stateClass[o.flags()].Wrap(js, s)
	if o.Experimental {
		constant(obj, "primaryStub", goja.Undefined()) // there are no replicas
	}
	own := lazyOwn.Get(js)
	if err := own.facets.define(obj); err != nil {
		return nil, err
	}
	_ = obj.Set("container", goja.Undefined())
	_ = obj.Set("storage", newStorage(js, &s.o))
	if o.Text != nil {
		_ = obj.Set("id", *o.Text)
	} else {
		_ = obj.Set("id", id.object(js))
	}
	if o.Props == nil {
		if err := own.props.define(obj); err != nil {
			return nil, err
		}
	} else {
		props, err := o.Props(js)
		if err != nil {
			return nil, err
		}
		_ = obj.Set("props", props)
	}
	if o.Exports != nil && js.Compat().Has("enable_ctx_exports") {
		if err := own.exports.define(obj); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// lazy is a property of ctx of its own that becomes a plain one when it is first read:
// few actors read it, and each would have an object for it.
type lazy struct {
	name     string
	get, set goja.Value
}

// lazies are a realm's.
type lazies struct{ exports, facets, props lazy }

var lazyOwn = isolate.NewSlot(func(js *isolate.JS) *lazies {
	return &lazies{
		exports: newLazy(js, "exports", func(js *isolate.JS, s *state) goja.Value { return s.o.Exports(js) }),
		facets:  newLazy(js, "facets", func(js *isolate.JS, s *state) goja.Value { return facetsClass.Wrap(js, &facets{s.o.Facets}) }),
		props:   newLazy(js, "props", func(js *isolate.JS, _ *state) goja.Value { return js.Runtime().NewObject() }),
	}
})

func (l *lazy) define(obj *goja.Object) error {
	return obj.DefineAccessorProperty(l.name, l.get, l.set, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

func newLazy(js *isolate.JS, name string, make func(js *isolate.JS, s *state) goja.Value) lazy {
	become := func(c *bind.Call, v goja.Value) (any, error) {
		obj, ok := c.This().(*goja.Object)
		if !ok {
			return nil, nil
		}
		return v, obj.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	get := bind.NewFunction(js, "get "+name, 0, func(c *bind.Call) (any, error) {
		for _, cl := range stateClass {
			if s, ok := cl.Unwrap(c.JS(), c.This()); ok {
				return become(c, make(c.JS(), s))
			}
		}
		return nil, nil
	})
	bind.MarkLazy(js, get)
	return lazy{name, get, bind.NewFunction(js, "set "+name, 1, func(c *bind.Call) (any, error) { return become(c, c.Arg(0)) })}
}

// newStorage makes the storage object of an actor; undefined where it has none.
func newStorage(js *isolate.JS, o *Options) goja.Value {
	if o.Cache == nil {
		return goja.Undefined()
	}
	s := &Storage{a: &shared{cache: iocontext.OwnedBy(o.Context, "ActorCacheInterface", o.Cache), o: o}}
	obj := storageClass[o.flags()].Wrap(js, s)
	if o.Experimental {
		constant(obj, "primary", goja.Undefined())
	}
	_ = obj.Set("kv", syncKVClass.Wrap(js, &syncKV{s: s}))
	_ = obj.Set("sql", sqlStorageClass.Wrap(js, &sqlStorage{s}))
	return obj
}

// configureReadReplication fails: nothing is replicated.
func (s *state) configureReadReplication(c *bind.Call) (any, error) {
	var mode *string
	if goja.IsUndefined(c.Arg(0)) || goja.IsNull(c.Arg(0)) {
		return nil, c.BadArg(1, "ReadReplicationOptions")
	}
	if err := c.Options(1, "ReadReplicationOptions", "mode", &mode); err != nil {
		return nil, err
	}
	switch {
	case mode == nil:
		return nil, exception.TypeErrorf("Incorrect type for the 'mode' field on 'ReadReplicationOptions': the provided value is not of type 'string'.")
	case s.o.Cache == nil:
		return nil, exception.TypeErrorf("This actor does not support read replication.")
	case *mode != "auto" && *mode != "disabled":
		return nil, exception.TypeErrorf("configureReadReplication() called with unknown mode setting: %s.", *mode)
	}
	return nil, errNoReplication
}

func (s *state) waitUntil(c *bind.Call) (any, error) {
	if c.Len() == 0 {
		return nil, c.BadArg(1, "Promise")
	}
	s.o.WaitUntil(c.JS(), c.Arg(0))
	return nil, nil
}

func (s *state) blockConcurrencyWhile(c *bind.Call) (any, error) {
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return nil, err
	}
	p, err := s.o.Context.BlockConcurrencyWhile(c.JS(), func(js *isolate.JS) (goja.Value, error) {
		// workerd calls with the global object for this.
		return js.Call(fn.Value, js.Runtime().GlobalObject())
	}, nil)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// abort resets the object: its storage first, so that nothing of this turn is written,
// then the context whose code this is, which stops here.
func (s *state) abort(c *bind.Call) (any, error) {
	text := "Application called abort() to reset Durable Object."
	var reason *string
	if err := c.Unpack("reason?", &reason); err != nil {
		return nil, err
	}
	o, err := dictionary(c, 2, "AbortOptions")
	if err != nil {
		return nil, err
	}
	retry := true
	if o != nil {
		terr := c.JS().Try(func() {
			if v := o.Get("retryAlarm"); v != nil && !goja.IsUndefined(v) {
				retry = v.ToBoolean()
			}
		})
		if terr != nil {
			return nil, terr
		}
	}
	if reason != nil {
		text = *reason
	}
	e := exception.Errorf("%s", text).WithBroken(exception.OutputGateBroken)
	e.User, e.Aborted, e.NoAlarmRetry = true, true, !retry
	if s.o.Cache != nil {
		s.o.Cache.Shutdown(e)
	}
	return nil, iocontext.Terminate(c.JS(), e)
}
