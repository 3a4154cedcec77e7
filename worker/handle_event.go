package worker

import (
	"context"
	"errors"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/queue"
	"workerd.local/webapi/sockets"
)

// HandleEvent delivers an event that is not HTTP; any goroutine. done is called
// once, when the handler and everything it left to waitUntil has finished.
func (w *Worker) HandleEvent(ctx context.Context, entrypoint string, ev event.Event, done func(event.Outcome, error)) {
	w.inflight.Add(1)
	d := &delivery{invocation: invocation{w: w, ctx: ctx, entrypoint: entrypoint}, ev: ev, done: done}
	if err := w.Post(d.begin); err != nil {
		w.inflight.Add(-1)
		done(event.Outcome{Status: event.Canceled}, Closed(err))
	}
}

// delivery is one event at a worker.
type delivery struct {
	invocation
	ev       event.Event
	done     func(event.Outcome, error)
	ctl      *controller
	neuter   func(error) // closes the connection that is the event
	batch    *queue.Batch
	returned bool
	told     bool // done was called
	finished bool
}

func (d *delivery) begin() {
	realm, err := d.ready()
	if err != nil {
		d.finish(event.Outcome{Status: event.Exception}, err)
		return
	}
	parent := event.Anew(d.ctx)
	_, isQueue := d.ev.(event.QueueBatch)
	if isQueue {
		parent = d.w.o.Context // what waitUntil has may outlive the sender
	}
	d.open(realm, iocontext.Options{
		Parent:  parent,
		OnAbort: func(err error) { d.finish(outcomeOf(err), err) },
		OnHang:  func() { err := iocontext.Hung(); d.fail(err); d.ioc.Abort(err) },
		OnIdle:  d.idle,
	}, func(t *trace.Tracer) { t.Event(infoOf(d.ev)) })
	d.ioc.RunIn(iocontext.Entry{}, d.run, d.fail)
	if isQueue && !d.told {
		d.watch(d.senderGone)
	}
}

func (d *delivery) run(js *isolate.JS) {
	if d.w.exports.service {
		if _, isTest := d.ev.(event.Test); isTest {
			d.fail(exception.Errorf("Tests are not currently supported with Service Workers syntax."))
			return
		}
		if batch, ok := d.ev.(event.QueueBatch); ok {
			d.w.dispatchQueue(js, d, batch)
			return
		}
		d.w.dispatchScheduled(js, d)
		return
	}
	name := handlerName(d.ev)
	traces, isTraces := d.ev.(event.Traces)
	stream, isStream := d.ev.(event.TailStream)
	batch, isBatch := d.ev.(event.QueueBatch)
	if name == "" {
		d.finish(event.Outcome{Status: event.NotFound}, event.ErrUnsupported)
		return
	}
	if isTraces && orDefault(d.entrypoint) == "default" && !d.w.hasDefault() {
		d.w.dispatchTraces(js, d, traces.List) // modules may have listeners, too
		return
	}
	obj, ctx, err := d.target(js, nil)
	if err != nil {
		d.fail(err)
		return
	}
	switch {
	case isTraces:
		d.runTraces(js, obj, ctx, traces.List)
		return
	case isStream:
		d.runStream(js, obj, ctx, stream.Stream)
		return
	case isBatch:
		d.runQueue(js, obj, ctx, batch)
		return
	}
	handler := obj.Get(name)
	if _, ok := d.ev.(event.Scheduled); ok && !isFunction(handler) {
		d.ctl = &controller{ev: d.ev, noRetry: true}
		d.w.warnOnce(js, "Received a ScheduledEvent but we lack a handler for ScheduledEvents (a.k.a. Cron Triggers). Did you remember to export a scheduled() function?")
		d.fail(exception.Errorf("Handler does not export a scheduled() function"))
		return
	}
	if _, ok := goja.AssertFunction(handler); !ok {
		d.finish(event.Outcome{Status: event.NotFound}, exception.Errorf("Entrypoint does not export a %s() function.", name))
		return
	}
	var first *goja.Object
	if conn, ok := d.ev.(event.Connection); ok {
		first, d.neuter = sockets.Accept(js, d.ioc, conn)
	} else {
		d.ctl = &controller{ev: d.ev}
		first = d.ctl.object(js)
	}
	env, last := d.w.trailing(d.entrypoint, ctx)
	v, err := js.Call(handler, obj, first, env, last)
	if err != nil {
		d.fail(err)
		return
	}
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			d.fail(err)
			return
		}
		if _, isTest := d.ev.(event.Test); !isTest {
			d.tracer.Return(0)
		}
		d.returned = true
		if d.neuter != nil {
			d.neuter(nil)
			d.neuter = nil
		}
		d.idle()
	})
}

func handlerName(ev event.Event) string {
	switch ev.(type) {
	case event.Scheduled:
		return "scheduled"
	case event.Test:
		return "test"
	case event.Connection:
		return "connect"
	case event.Traces:
		return "tail"
	case event.TailStream:
		return "tailStream"
	case event.QueueBatch:
		return "queue"
	}
	return ""
}

// idle finishes the event once its handler has returned and no task is left.
func (d *delivery) idle() {
	if !d.returned || d.ioc.Tasks() > 0 {
		return
	}
	if err := d.ioc.TaskError(); err != nil {
		d.finish(outcomeOf(err), err)
		return
	}
	d.finish(event.Outcome{Status: event.OK}, nil)
}

func (d *delivery) fail(err error) {
	if d.finished {
		return
	}
	e := toException(d.ioc, err)
	d.w.Report(e, "Uncaught")
	iocontext.TraceException(d.tracer, e)
	if _, isStream := d.ev.(event.TailStream); isStream {
		d.tracer.Return(0)
	}
	d.finish(outcomeOf(e), e)
}

func (d *delivery) finish(o event.Outcome, err error) {
	if d.finished {
		return
	}
	d.finished, d.outcome = true, o.Status
	if d.neuter != nil {
		d.neuter(err)
		d.neuter = nil
	}
	d.w.inflight.Add(-1)
	if _, ok := d.ev.(event.Scheduled); ok {
		// It may be delivered again unless the handler says no.
		o.Retry = d.ctl == nil || !d.ctl.noRetry
	}
	d.tell(o, err)
	if d.ioc != nil {
		d.ioc.Loop().Turn(func() { d.ioc.Loop().AtTurnEnd(d.ioc.End) })
	}
}

// tell gives the sender the outcome; what the handler left to waitUntil may go on.
func (d *delivery) tell(o event.Outcome, err error) {
	if d.told {
		return
	}
	d.told = true
	d.unwatch()
	if _, ok := d.ev.(event.QueueBatch); ok {
		o.Queue = &event.QueueResult{}
		if d.batch != nil {
			o.Queue = d.batch.Result()
		}
	}
	if e, ok := err.(*exception.Exception); ok {
		err = e.AsRemote()
	}
	d.done(o, err)
}

// outcomeOf names the way an event failed.
func outcomeOf(err error) event.Outcome {
	var e *exception.Exception
	if errors.As(err, &e) {
		switch e.Broken {
		case exception.ExceededCPU:
			return event.Outcome{Status: event.ExceededCPU}
		case exception.ExceededMemory:
			return event.Outcome{Status: event.ExceededMemory}
		}
	}
	return event.Outcome{Status: event.Exception}
}

// controller is the first argument of scheduled() and test().
type controller struct {
	ev      event.Event
	noRetry bool
}

var controllerClass = &bind.Class[controller]{
	Name:    "ScheduledController",
	Methods: map[string]bind.Method[controller]{"noRetry": (*controller).setNoRetry},
}

// object is the controller as scripts see it: what fired is in properties of its own, as in
// workerd.
func (t *controller) object(js *isolate.JS) *goja.Object {
	o := controllerClass.Wrap(js, t)
	if s, ok := t.ev.(event.Scheduled); ok {
		constant := func(name string, v any) {
			// A fresh object of ours takes any property.
			_ = o.DefineDataProperty(name, js.Runtime().ToValue(v), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
		constant("cron", s.Cron)
		constant("scheduledTime", float64(s.Time.UnixMilli()))
	}
	return o
}

func (t *controller) scheduledTime(*bind.Call) (any, error) {
	if s, ok := t.ev.(event.Scheduled); ok {
		return float64(s.Time.UnixMilli()), nil
	}
	return nil, nil
}

func (t *controller) cron(*bind.Call) (any, error) {
	if s, ok := t.ev.(event.Scheduled); ok {
		return s.Cron, nil
	}
	return nil, nil
}

func (t *controller) setNoRetry(*bind.Call) (any, error) {
	t.noRetry = true
	return nil, nil
}
