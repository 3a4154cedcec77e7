package actor

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/queue"
	"workerd.local/webapi/tail"
	"workerd.local/worker"
)

// deliverBatch delivers messages of a queue behind everything that came before, as calls
// are. The actor has no waitUntil of its own for them: they have their outcome when the
// handler has settled.
func (s *Stub) deliverBatch(ctx context.Context, ev event.QueueBatch, done func(event.Outcome, error)) {
	err := s.h.w.Post(func() {
		v := s.follow(ctx, func() trace.Info { return &trace.Queue{Name: ev.Queue, Batch: len(ev.Messages)} })
		a, err := s.activateFor(v)
		if err != nil {
			done(event.Outcome{Status: event.Exception}, s.h.remote(err))
			return
		}
		b := &batch{ev: ev}
		a.deliver(ctx, &event.Call{}, v, b, func(_ *event.Result, err error) {
			o := event.Outcome{Queue: &event.QueueResult{}}
			if b.batch != nil {
				o.Queue = b.batch.Result()
			}
			if err != nil {
				o.Status = event.Exception
			}
			done(o, err)
		})
	})
	if err != nil {
		done(event.Outcome{Status: event.Canceled}, worker.Closed(err))
	}
}

// deliverTraces delivers what tails are told behind everything that came before, as calls are.
func (s *Stub) deliverTraces(ctx context.Context, ev event.Traces, done func(event.Outcome, error)) {
	err := s.h.w.Post(func() {
		v := s.follow(ctx, func() trace.Info { return &trace.Tail{} })
		a, err := s.activateFor(v)
		if err != nil {
			done(event.Outcome{Status: event.Exception}, s.h.remote(err))
			return
		}
		a.deliver(ctx, &event.Call{}, v, &batch{traces: ev.List}, func(_ *event.Result, err error) {
			o := event.Outcome{}
			if err != nil {
				o.Status = event.Exception
			}
			done(o, err)
		})
	})
	if err != nil {
		done(event.Outcome{Status: event.Canceled}, worker.Closed(err))
	}
}

// batch is what a call delivers that is messages of a queue, or traces.
type batch struct {
	ev     event.QueueBatch
	batch  *queue.Batch
	traces []*trace.Trace // nil for a queue
}

func (b *batch) run(js *isolate.JS, c *call) {
	a, name := c.a, "queue"
	if b.traces != nil {
		name = "tail"
	}
	handler := a.instance.Get(name)
	if _, ok := goja.AssertFunction(handler); !ok {
		c.reply(nil, exception.Errorf("Handler does not export a %s() function.", name))
		return
	}
	var argument *goja.Object
	if b.traces != nil {
		argument = tail.Items(js, b.traces)
	} else {
		var err error
		if b.batch, err = queue.NewBatch(js, b.ev); err != nil {
			c.reply(nil, err)
			return
		}
		argument = b.batch.Object(js)
	}
	v, err := js.Call(handler, a.instance, argument, goja.Undefined(), goja.Undefined())
	settled := func(js *isolate.JS, err error) {
		if err != nil {
			e := js.Exception(err)
			a.w.Report(e, "Uncaught")
			c.v.broke(e)
		}
		c.reply(nil, err)
	}
	if err != nil {
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		settled(js, err)
		return
	}
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) { settled(js, err) })
}
