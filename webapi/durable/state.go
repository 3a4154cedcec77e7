package durable

import (
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
	// WaitUntil keeps the actor alive until the value settles.
	WaitUntil func(js *isolate.JS, v goja.Value)
	// HasAlarm reports whether the class has an alarm() handler.
	HasAlarm func() bool
	// DeleteAllDeletesAlarm is the compatibility flag delete_all_deletes_alarm.
	DeleteAllDeletesAlarm bool
	// SharedTransactions makes direct calls on storage part of the transaction that is
	// open, nested transactions included, as SQLite does it.
	SharedTransactions bool
	// SQL says that the class was made with enableSql.
	SQL bool
}

// state is a DurableObjectState: the ctx of an actor class.
type state struct{ o Options }

var stateClass = &bind.Class[state]{
	Name: "DurableObjectState",
	Methods: map[string]bind.Method[state]{
		"waitUntil": (*state).waitUntil,
		"abort":     (*state).abort,
	},
	Async: map[string]bind.Method[state]{"blockConcurrencyWhile": (*state).blockConcurrencyWhile},
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
	storage := goja.Undefined()
	if o.Cache != nil {
		storage = storageClass.Wrap(js, &Storage{ops: o.Cache, cache: o.Cache, o: &s.o})
	}
	obj := stateClass.Wrap(js, s)
	// Setting a plain property of a new object cannot fail.
	_ = obj.Set("storage", storage)
	_ = obj.Set("id", id.object(js))
	_ = obj.Set("props", js.Runtime().NewObject())
	return obj
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
