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
	// Cache is the actor's storage; nil for an actor that keeps nothing.
	Cache *cache.Cache
	// Sockets has the WebSockets that the actor gives away, made on first use.
	Sockets func() Sockets
	// WaitUntil keeps the actor alive until the value settles.
	WaitUntil func(js *isolate.JS, v goja.Value)
	// Exports is ctx.exports.
	Exports func(js *isolate.JS) *goja.Object
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
		Getters: map[string]bind.Getter[state]{
			"exports": func(s *state, c *bind.Call) (any, error) { return s.o.Exports(c.JS()), nil },
		},
		Init: func(js *isolate.JS, _, proto *goja.Object) error {
			for flag, name := range map[string]string{"allow_irrevocable_stub_storage": "restore", "enable_ctx_exports": "exports"} {
				if js.Compat().Has(flag) {
					continue
				}
				if err := proto.Delete(name); err != nil {
					return err
				}
			}
			return nil
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
func NewState(js *isolate.JS, o Options) *goja.Object {
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
	_ = obj.Set("facets", facetsClass.Wrap(js, &facets{}))
	_ = obj.Set("container", goja.Undefined())
	_ = obj.Set("storage", newStorage(js, &s.o))
	_ = obj.Set("id", id.object(js))
	_ = obj.Set("props", js.Runtime().NewObject())
	return obj
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
