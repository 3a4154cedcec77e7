package worker

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Service-worker syntax: handlers are listeners of globalThis, and what module
// syntax passes as ctx are methods of the event.

// hasListeners reports whether the top level registered anything that can be used.
func hasListeners(js *isolate.JS) bool {
	g := events.Global(js)
	for _, t := range []string{"fetch", "scheduled", "queue", "tail", "trace"} {
		if g.Has(t) {
			return true
		}
	}
	return false
}

// extendable is what FetchEvent and ScheduledEvent have in common.
type extendable struct {
	events.Extendable
	ctx *executionContext
}

// fetchEvent is a FetchEvent.
type fetchEvent struct {
	extendable
	request  *goja.Object
	response goja.Value // what respondWith was given
	ended    bool       // the listeners have returned
}

var fetchEventClass = &bind.Class[fetchEvent]{
	Name:   "FetchEvent",
	Parent: bind.Extends(events.ExtendableEventClass, func(e *fetchEvent) *events.Extendable { return &e.Extendable }),
	Getters: map[string]bind.Getter[fetchEvent]{
		"request": func(e *fetchEvent, _ *bind.Call) (any, error) { return e.request, nil },
	},
	Methods: map[string]bind.Method[fetchEvent]{
		"respondWith": (*fetchEvent).respondWith,
		"waitUntil":   func(e *fetchEvent, c *bind.Call) (any, error) { return e.ctx.waitUntil(c) },
		"passThroughOnException": func(e *fetchEvent, c *bind.Call) (any, error) {
			return e.ctx.passThroughOnException(c)
		},
	},
}

func (e *fetchEvent) respondWith(c *bind.Call) (any, error) {
	if e.ended {
		return nil, exception.DOM("InvalidStateError", "Too late to call FetchEvent.respondWith(). It must be called synchronously in the event handler.")
	}
	if e.response != nil {
		return nil, exception.DOM("InvalidStateError", "FetchEvent.respondWith() has already been called; it can only be called once.")
	}
	e.response = c.Arg(0)
	return nil, nil
}

// dispatchFetch delivers a request to the listeners.
func (w *Worker) dispatchFetch(js *isolate.JS, q *request) {
	x := &executionContext{w: w, ioc: q.ioc}
	e := &fetchEvent{extendable: extendable{Extendable: events.Extendable{Event: events.New("fetch", false)}, ctx: x}, request: q.newRequest(js)}
	if !events.Dispatch(js, events.Global(js), fetchEventClass, e) {
		q.fail(exception.Errorf("Handler does not export a fetch() function."))
		return
	}
	e.ended = true
	if e.response == nil {
		q.fail(exception.Errorf("No event listener called respondWith(), and there is no next service to pass the request to."))
		return
	}
	q.settle(js, e.response)
}

// scheduledEvent is a ScheduledEvent.
type scheduledEvent struct {
	extendable
	ctl controller
}

var scheduledEventClass = &bind.Class[scheduledEvent]{
	Name:   "ScheduledEvent",
	Parent: bind.Extends(events.ExtendableEventClass, func(e *scheduledEvent) *events.Extendable { return &e.Extendable }),
	Getters: map[string]bind.Getter[scheduledEvent]{
		"scheduledTime": func(e *scheduledEvent, c *bind.Call) (any, error) { return e.ctl.scheduledTime(c) },
		"cron":          func(e *scheduledEvent, c *bind.Call) (any, error) { return e.ctl.cron(c) },
	},
	Methods: map[string]bind.Method[scheduledEvent]{
		"waitUntil": func(e *scheduledEvent, c *bind.Call) (any, error) { return e.ctx.waitUntil(c) },
		"noRetry":   func(e *scheduledEvent, c *bind.Call) (any, error) { return e.ctl.setNoRetry(c) },
	},
}

// dispatchScheduled delivers a cron trigger to the listeners.
func (w *Worker) dispatchScheduled(js *isolate.JS, d *delivery) {
	x := &executionContext{w: w, ioc: d.ioc}
	e := &scheduledEvent{extendable: extendable{Extendable: events.Extendable{Event: events.New("scheduled", false)}, ctx: x}, ctl: controller{ev: d.ev}}
	d.ctl = &e.ctl
	if traces, ok := d.ev.(event.Traces); ok {
		w.dispatchTraces(js, d, traces.List)
		return
	}
	if _, ok := d.ev.(event.Scheduled); !ok || !events.Dispatch(js, events.Global(js), scheduledEventClass, e) {
		d.finish(event.Outcome{Status: event.NotFound}, exception.Errorf("The script has no listener for this event."))
		return
	}
	d.tracer.Return(0)
	d.returned = true
	d.idle()
}
