package durable

import (
	"time"

	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/exception"
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
	// Abort resets the actor.
	Abort func(err error)
	// WaitUntil keeps the actor alive until the value settles.
	WaitUntil func(js *isolate.JS, v goja.Value)
	// HasAlarm reports whether the class has an alarm() handler.
	HasAlarm func() bool
	// AlarmSet is told of the alarm's new time, the zero time where it was cleared,
	// at once: before it is durable.
	AlarmSet func(t time.Time)
	// DeleteAllDeletesAlarm is the compatibility flag delete_all_deletes_alarm.
	DeleteAllDeletesAlarm bool
	// SharedTransactions makes direct calls on storage part of the transaction that is
	// open, nested transactions included, as SQLite does it.
	SharedTransactions bool
	// SQL says that the class was made with enableSql.
	SQL bool
}

// State is a DurableObjectState: the ctx of an actor class.
type State struct {
	o       Options
	id      goja.Value
	storage goja.Value
	props   *goja.Object
}

var stateClass = &bind.Class[State]{
	Name: "DurableObjectState",
	Getters: map[string]bind.Getter[State]{
		"id":      (*State).getID,
		"storage": (*State).getStorage,
		"props":   (*State).getProps,
	},
	Methods: map[string]bind.Method[State]{
		"waitUntil":             (*State).waitUntil,
		"blockConcurrencyWhile": (*State).blockConcurrencyWhile,
		"abort":                 (*State).abort,
	},
}

// NewState makes the state object of an actor.
func NewState(js *isolate.JS, o Options) *goja.Object {
	s := &State{o: o, id: goja.Undefined(), storage: goja.Undefined()}
	name := o.Name
	if name != nil && len(*name) > actorid.MaxNameBytes {
		name = nil
	}
	s.id = idClass.Wrap(js, &ID{id: o.ID, name: name})
	if o.Cache != nil {
		s.storage = storageClass.Wrap(js, &Storage{ops: o.Cache, cache: o.Cache, o: &s.o})
	}
	return stateClass.Wrap(js, s)
}

func (s *State) getID(*bind.Call) (any, error)      { return s.id, nil }
func (s *State) getStorage(*bind.Call) (any, error) { return s.storage, nil }

func (s *State) getProps(c *bind.Call) (any, error) {
	if s.props == nil {
		s.props = c.JS().Runtime().NewObject()
	}
	return s.props, nil
}

func (s *State) waitUntil(c *bind.Call) (any, error) {
	if c.Len() == 0 {
		return nil, c.TypeError("1 argument required, but only 0 present.")
	}
	s.o.WaitUntil(c.JS(), c.Arg(0))
	return nil, nil
}

func (s *State) blockConcurrencyWhile(c *bind.Call) (any, error) {
	var fn bind.Function
	if err := c.Unpack("callback", &fn); err != nil {
		return nil, err
	}
	p, err := s.o.Context.BlockConcurrencyWhile(c.JS(), func(js *isolate.JS) (goja.Value, error) {
		return js.Call(fn.Value, nil)
	}, nil)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s *State) abort(c *bind.Call) (any, error) {
	text := "Application called abort() to reset Durable Object."
	var reason *string
	if err := c.Unpack("reason?", &reason); err != nil {
		return nil, err
	}
	if reason != nil {
		text = *reason
	}
	err := exception.Errorf("%s", text).WithBroken(exception.OutputGateBroken)
	s.o.Abort(err)
	return nil, err
}
