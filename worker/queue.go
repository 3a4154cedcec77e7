package worker

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/queue"
)

// Messages of a queue. The event has its outcome when the handler has settled, or, without
// the flag queue_consumer_no_wait_for_wait_until and in service-worker syntax, when also
// what it left to waitUntil has.

// queueEvent is a QueueEvent.
type queueEvent struct {
	extendable
	batch *queue.Batch
}

var queueEventClass = &bind.Class[queueEvent]{
	Name:   "QueueEvent",
	Parent: bind.Extends(events.ExtendableEventClass, func(e *queueEvent) *events.Extendable { return &e.Extendable }),
	Getters: map[string]bind.Getter[queueEvent]{
		"messages": func(e *queueEvent, _ *bind.Call) (any, error) { return e.batch.Messages, nil },
		"queue":    func(e *queueEvent, _ *bind.Call) (any, error) { return e.batch.Name, nil },
		"metadata": func(e *queueEvent, _ *bind.Call) (any, error) { return e.batch.Metadata, nil },
	},
	Methods: map[string]bind.Method[queueEvent]{
		"waitUntil": func(e *queueEvent, c *bind.Call) (any, error) { return e.ctx.waitUntil(c) },
		"ackAll":    func(e *queueEvent, c *bind.Call) (any, error) { return e.batch.AckAll(c) },
		"retryAll":  func(e *queueEvent, c *bind.Call) (any, error) { return e.batch.RetryAll(c) },
	},
}

// senderGone ends an event whose sender went away before it had an outcome.
func (d *delivery) senderGone() {
	if !d.told {
		d.ioc.Abort(Canceled(d.ctx.Err()))
	}
}

// runQueue gives messages to a handler.
func (d *delivery) runQueue(js *isolate.JS, obj, ctx *goja.Object, ev event.QueueBatch) {
	handler := obj.Get("queue")
	if _, ok := goja.AssertFunction(handler); !ok {
		d.fail(exception.Errorf("Handler does not export a queue() function."))
		return
	}
	b, err := queue.NewBatch(js, ev)
	if err != nil {
		d.fail(err)
		return
	}
	d.batch = b
	env, last := d.w.trailing(d.entrypoint, ctx)
	v, err := js.Call(handler, obj, b.Object(js), env, last)
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	if !d.w.o.Compat.Has("queue_consumer_no_wait_for_wait_until") {
		done := d.ioc.StartTask()
		settled := func(js *isolate.JS, err error) {
			if err == nil {
				d.tracer.Return(0)
				done(nil)
				return
			}
			e := toException(d.ioc, err)
			d.w.Report(e, "Uncaught")
			iocontext.TraceException(d.tracer, e)
			done(e)
		}
		d.returned = true
		if err != nil {
			settled(js, err)
			return
		}
		js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) { settled(js, err) })
		return
	}
	if err != nil {
		d.fail(err)
		return
	}
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			d.fail(err)
			return
		}
		d.tracer.Return(0)
		d.returned = true
		d.tell(event.Outcome{Status: event.OK}, nil)
		d.idle()
	})
}

// dispatchQueue gives messages to the listeners.
func (w *Worker) dispatchQueue(js *isolate.JS, d *delivery, ev event.QueueBatch) {
	if !events.Global(js).Has("queue") {
		d.fail(exception.Errorf("No event listener registered for queue messages."))
		return
	}
	b, err := queue.NewBatch(js, ev)
	if err != nil {
		d.fail(err)
		return
	}
	d.batch = b
	x := &executionContext{w: w, ioc: d.ioc}
	e := &queueEvent{extendable: extendable{Extendable: events.Extendable{Event: events.New("queue", false)}, ctx: x}, batch: b}
	events.Dispatch(js, events.Global(js), queueEventClass, e)
	d.tracer.Return(0)
	d.returned = true
	d.idle()
}
