package worker

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
)

// HandleRequest starts an HTTP request on an entrypoint ("" is the default one);
// any goroutine. done is called once, on any goroutine.
func (w *Worker) HandleRequest(ctx context.Context, entrypoint string, req *event.Request, done func(*event.Response, error)) {
	w.inflight.Add(1)
	q := &request{invocation: invocation{w: w, ctx: ctx, entrypoint: entrypoint}, req: req, done: done}
	if err := w.Post(q.begin); err != nil {
		w.inflight.Add(-1)
		req.Body.Close()
		done(nil, Closed(err))
	}
}

// request is one HTTP request at a worker.
type request struct {
	invocation
	req      *event.Request
	done     func(*event.Response, error)
	answered bool
	signal   *events.Signal // nil where the worker did not ask for it
}

func (q *request) begin() {
	realm, err := q.ready()
	if err == nil && q.ctx.Err() != nil {
		err = Canceled(q.ctx.Err())
	}
	if err != nil {
		q.answer(nil, err)
		return
	}
	q.open(realm, iocontext.Options{
		Parent:  q.w.o.Context,
		OnAbort: func(err error) { q.answer(nil, err) },
		OnHang:  q.hung,
		OnIdle:  q.idle,
	}, func(t *trace.Tracer) { t.Event(FetchInfo(q.req)) })
	q.ioc.RunIn(iocontext.Entry{}, q.run, q.fail)
	// Most requests are answered by now, and nobody needs to know when their client
	// goes away.
	if !q.answered {
		q.watch(q.clientGone)
	}
}

func (q *request) run(js *isolate.JS) {
	if q.w.exports.service {
		q.w.dispatchFetch(js, q)
		return
	}
	obj, ctx, err := q.target(js, q.req.Props)
	if err != nil {
		q.fail(err)
		return
	}
	call, ok := goja.AssertFunction(obj.Get("fetch"))
	if !ok {
		q.fail(exception.Errorf("Handler does not export a fetch() function."))
		return
	}
	env, last := q.w.trailing(q.entrypoint, ctx)
	v, err := js.Invoke(call, obj, q.newRequest(js), env, last)
	if err != nil {
		q.fail(err)
		return
	}
	q.settle(js, v)
}

// newRequest makes the Request object. Where the worker asked for it, its signal
// tells that the client has gone.
func (q *request) newRequest(js *isolate.JS) *goja.Object {
	if !q.w.o.Compat.Has("enable_request_signal") {
		return fetch.NewRequest(js, q.ioc, q.req)
	}
	q.signal = events.NewSignal()
	if q.req.Gone != nil {
		l := q.w.iso.Loop()
		q.req.Gone.Watch(func(heard func()) {
			if l.Post(func() { q.clientGone(); heard() }) != nil {
				heard() // a closed loop has ended the request
			}
		})
	}
	return fetch.NewRequest(js, q.ioc, q.req, q.signal)
}

// settle answers with what the handler's result becomes.
func (q *request) settle(js *isolate.JS, v goja.Value) {
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		if err != nil {
			q.fail(err)
			return
		}
		resp, err := fetch.ToResponse(js, q.ioc, v, fetch.Answer{Request: q.req})
		if err != nil {
			q.fail(err)
			return
		}
		q.answer(resp, nil)
	})
}

// fail answers with an error and says so in the log, with the stack.
func (q *request) fail(err error) {
	if q.answered {
		return
	}
	e := toException(q.ioc, err)
	q.w.Report(e, "Uncaught")
	iocontext.TraceException(q.tracer, e)
	q.answer(nil, e)
}

// toException names err for the other side; the realm may be gone.
func toException(ioc *iocontext.Context, err error) *exception.Exception {
	var e *exception.Exception
	if ioc == nil || ioc.Realm().Condemned() != nil || ioc.Realm().Run(ioc.Frame(), func(js *isolate.JS) { e = js.Sent(err) }) != nil || e == nil {
		e, _ = exception.From(err)
	}
	return e
}

func (q *request) answer(resp *event.Response, err error) {
	if q.answered {
		if resp != nil {
			_ = resp.Discard() // nobody waits for it
		}
		return
	}
	q.answered = true
	if q.tracer != nil {
		TraceReturn(q.tracer, resp)
		if err != nil {
			q.outcome = outcomeOf(err).Status
		}
	}
	q.w.inflight.Add(-1)
	q.unwatch()
	if resp != nil && resp.Body.Stream != nil {
		if q.signal != nil {
			l := q.w.iso.Loop()
			// A closed loop has ended the request.
			resp.Body.Stream = event.OnAbandon(resp.Body.Stream, func() { _ = l.Post(q.abortSignal) })
		}
		KeepAlive(q.ioc, resp, nil)
	}
	if e, ok := err.(*exception.Exception); ok {
		err = e.AsRemote()
	}
	if (resp == nil || resp.Body.Stream == nil) && (q.ioc == nil || q.ioc.Quiet()) {
		// Nobody will read the request's body any more: the connection can be used
		// again. What Close returns is about a body that was not wanted.
		_ = q.req.Body.Close()
	}
	q.done(resp, err)
	if q.ioc != nil {
		q.ioc.Loop().Turn(q.idle)
	}
}

// KeepAlive keeps a context alive until a response's stream has been read or
// closed: what feeds the stream runs in the context. closed, which may be nil, is
// told on the loop.
func KeepAlive(ioc *iocontext.Context, resp *event.Response, closed func()) {
	task, pending := ioc.StartTask(), ioc.AddPending()
	l := ioc.Loop()
	resp.Body.Stream = event.OnClose(resp.Body.Stream, func() {
		// A closed loop has no context left to end.
		_ = l.Post(func() {
			if closed != nil {
				closed()
			}
			pending()
			task(nil)
		})
	})
}

// idle ends the context once it is answered and nothing keeps it.
func (q *request) idle() {
	if q.ioc == nil || !q.answered || q.ioc.Tasks() > 0 {
		return
	}
	q.ioc.Loop().AtTurnEnd(func() {
		if q.ioc.Tasks() == 0 {
			q.ioc.End()
		}
	})
}

func (q *request) hung() {
	if q.answered && q.ioc.Tasks() == 0 {
		return
	}
	err := iocontext.Hung()
	if q.answered {
		e, _ := exception.From(err)
		q.w.Report(e, "waitUntil")
		iocontext.TraceException(q.tracer, e)
	} else {
		q.fail(err)
	}
	q.ioc.Abort(err)
}

// clientGone ends a request that nobody waits for any more, unless it asked to be
// kept with waitUntil.
func (q *request) clientGone() {
	if q.answered {
		return
	}
	cause := q.ctx.Err()
	q.answer(nil, Canceled(cause))
	q.outcome = event.Canceled
	if q.ioc == nil || q.ioc.Ended() {
		return
	}
	q.abortSignal()
	if q.ioc.Tasks() == 0 {
		q.ioc.Abort(Canceled(cause))
	}
}

// abortSignal tells the handler that its client has gone, where it asked to be told.
func (q *request) abortSignal() {
	if q.signal != nil && q.ioc != nil && !q.ioc.Ended() {
		q.ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
			q.signal.Abort(js, js.Error(exception.DOM("AbortError", "The client has disconnected")))
		}, nil)
	}
}
