package serialize

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
)

// extendable is an ExtendableEvent: serialize, deserialize, install, activate, uninstall,
// and those that scripts make.
type extendable struct {
	events.Event
	open     int  // extensions that have not settled
	ended    bool // the dispatch is over
	settled  bool
	err      error
	onSettle func(js *isolate.JS, err error) // nil until somebody waits
}

var extendableClass = &bind.Class[extendable]{
	Name:    "ExtendableEvent",
	Length:  1,
	Parent:  bind.Extends(events.EventClass, func(e *extendable) *events.Event { return &e.Event }),
	Lengths: map[string]int{"constructor": 1, "waitUntil": 1},
	New: func(c *bind.Call) (_ *extendable, err error) {
		e := &extendable{}
		e.Event, err = events.FromInit(c)
		return e, err
	},
	// In the original it is an async function: it does not throw.
	Async: map[string]bind.Method[extendable]{"waitUntil": (*extendable).jsWaitUntil},
}

func newExtendable(typ string) *extendable { return &extendable{Event: events.New(typ, false)} }

func (e *extendable) jsWaitUntil(c *bind.Call) (any, error) {
	if err := e.extend(c.JS(), c.Arg(0)); err != nil {
		return nil, err
	}
	return c.JS().Resolved(nil), nil
}

// extend makes the event last until v has settled.
func (e *extendable) extend(js *isolate.JS, v goja.Value) error {
	if !e.Trusted() {
		return exception.DOM("InvalidStateError", "Failed to execute 'waitUntil' on 'ExtendableEvent': the event was not dispatched by the runtime.")
	}
	e.open++ // where the event is over already it is too late, and no error
	// A value that is no promise settles in a microtask, too: one more may follow first.
	p, resolve, _ := js.NewPromise()
	resolve(v)
	js.OnSettled(p, func(js *isolate.JS, _ goja.Value, err error) {
		e.open--
		if err != nil {
			e.settle(js, err)
		} else if e.open == 0 && e.ended {
			e.settle(js, nil)
		}
	})
	return nil
}

// end says that the listeners have run.
func (e *extendable) end(js *isolate.JS) {
	e.ended = true
	if e.open == 0 {
		e.settle(js, nil)
	}
}

func (e *extendable) settle(js *isolate.JS, err error) {
	if e.settled {
		return
	}
	e.settled, e.err = true, err
	if fn := e.onSettle; fn != nil {
		e.onSettle = nil
		fn(js, err)
	}
}

// whenSettled calls fn once, in a turn or a microtask, when the event is over.
func (e *extendable) whenSettled(js *isolate.JS, fn func(js *isolate.JS, err error)) {
	if e.settled {
		js.Later(func(js *isolate.JS) { fn(js, e.err) })
		return
	}
	e.onSettle = fn
}

// fetchEvent is a FetchEvent.
type fetchEvent struct {
	extendable
	request                                       goja.Value
	clientID, resultingClientID, replacesClientID string
	preload                                       goja.Value
	response                                      goja.Value // what respondWith was given; nil is nothing
}

var fetchEventClass = &bind.Class[fetchEvent]{
	Name:    "FetchEvent",
	Length:  2,
	Parent:  bind.Extends(extendableClass, func(e *fetchEvent) *extendable { return &e.extendable }),
	Lengths: map[string]int{"constructor": 2, "respondWith": 1},
	New: func(c *bind.Call) (_ *fetchEvent, err error) {
		e := &fetchEvent{}
		e.Event, err = events.FromInit(c, "request", &e.request, "clientId", &e.clientID,
			"resultingClientId", &e.resultingClientID, "replacesClientId", &e.replacesClientID, "preloadResponse", &e.preload)
		if err != nil {
			return nil, err
		}
		if _, ok := fetch.RequestClass.Unwrap(c.JS(), orUndefined(e.request)); !ok {
			return nil, c.TypeError("member request is required and must be of type 'Request'.")
		}
		return e, nil
	},
	Getters: map[string]bind.Getter[fetchEvent]{
		"request":           func(e *fetchEvent, _ *bind.Call) (any, error) { return e.request, nil },
		"clientId":          func(e *fetchEvent, _ *bind.Call) (any, error) { return e.clientID, nil },
		"resultingClientId": func(e *fetchEvent, _ *bind.Call) (any, error) { return e.resultingClientID, nil },
		"replacesClientId":  func(e *fetchEvent, _ *bind.Call) (any, error) { return e.replacesClientID, nil },
		"preloadResponse": func(e *fetchEvent, c *bind.Call) (any, error) {
			if e.preload == nil {
				e.preload = c.JS().Resolved(nil)
			}
			return e.preload, nil
		},
	},
	Methods: map[string]bind.Method[fetchEvent]{"respondWith": (*fetchEvent).respondWith},
}

func (e *fetchEvent) respondWith(c *bind.Call) (any, error) {
	const where = "Failed to execute 'respondWith' on 'FetchEvent': "
	switch {
	case e.ended || !e.Trusted():
		return nil, exception.DOM("InvalidStateError", where+"the event is not being dispatched by the runtime.")
	case e.response != nil:
		return nil, exception.DOM("InvalidStateError", where+"the event was responded to already.")
	}
	e.response = c.Arg(0)
	e.StopImmediately()
	return nil, e.extend(c.JS(), e.response)
}

func orUndefined(v goja.Value) goja.Value {
	if v == nil {
		return goja.Undefined()
	}
	return v
}
