package worker

import (
	"context"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/rpc"
)

var _ event.Caller = (*Service)(nil)

// StartCall is event.Caller's.
func (s *Service) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	if err := s.pool.refused(); err != nil {
		call.Release()
		done(nil, err)
		return
	}
	s.pool.near(call.Near).HandleCall(ctx, s.entrypoint, call, done)
}

// HandleCall starts a session on an entrypoint ("" is the default one) with its first
// call; any goroutine. done is called once, on any goroutine.
func (w *Worker) HandleCall(ctx context.Context, entrypoint string, call *event.Call, done func(*event.Result, error)) {
	w.inflight.Add(1)
	s := &session{invocation: invocation{w: w, ctx: ctx, entrypoint: entrypoint}, call: call, done: done}
	if err := w.Post(s.begin); err != nil {
		w.inflight.Add(-1)
		call.Release()
		done(nil, Closed(err))
	}
}

// session is a call at a worker, and what follows from it: its context lasts until
// nothing of the result is held any more.
type session struct {
	invocation
	call     *event.Call
	done     func(*event.Result, error)
	held     *rpc.Session
	answered bool
	cutOff   bool // by the runtime: the answer is nothing that the receiver threw
}

func (s *session) begin() {
	realm, err := s.ready()
	if err == nil && s.ctx.Err() != nil {
		err = Canceled(s.ctx.Err())
	}
	if err != nil {
		s.call.Release()
		s.answer(nil, err)
		return
	}
	s.held = rpc.NewSession(s.w.iso.Loop(), s.idle)
	s.open(realm, iocontext.Options{
		Parent:  s.w.o.Context,
		OnAbort: func(err error) { s.answer(nil, err) },
		OnHang:  s.hung,
		OnIdle:  s.idle,
	}, func(t *trace.Tracer) { traceCall(t, s.call) })
	s.ioc.RunIn(iocontext.Entry{}, s.run, s.fail)
	if !s.answered {
		s.watch(s.callerGone)
	}
}

// traceCall tells the tails of a call.
func traceCall(t *trace.Tracer, call *event.Call) {
	if call.Restore != nil {
		t.Event(&trace.Custom{})
		return
	}
	t.Event(&trace.RPC{})
	t.Method(nil, rpc.TraceName(call.Path))
}

func (s *session) run(js *isolate.JS) {
	receiver, err := s.receiver(js)
	if err != nil {
		s.call.Release()
		s.answer(nil, js.Sent(err))
		return
	}
	rpc.Dispatch(js, s.ioc, receiver, s.held, s.call, s.answer)
}

// receiver is the export that is called: an instance of a class, or an object of
// handlers.
func (s *session) receiver(js *isolate.JS) (rpc.Receiver, error) {
	if s.w.exports.service && s.call.Restore != nil {
		return rpc.Receiver{}, exception.Errorf("This worker previously implemented a [restore]() method, but is now a Service Worker, which can't.")
	}
	if s.w.exports.service {
		return rpc.Receiver{}, exception.TypeErrorf("The receiver is not an RPC object")
	}
	obj, ctx, err := s.target(js, s.call.Props)
	if err != nil {
		return rpc.Receiver{}, err
	}
	r := rpc.Receiver{Object: obj, Entrypoint: true}
	if s.w.exports.handlers[orDefault(s.entrypoint)] != nil {
		r.Own, r.Env, r.Ctx = true, s.w.env, ctx
	}
	return r, nil
}

func (s *session) fail(err error) {
	s.call.Release()
	s.answer(nil, toException(s.ioc, err))
}

func (s *session) answer(r *event.Result, err error) {
	if s.answered {
		r.Release()
		return
	}
	s.answered = true
	s.w.inflight.Add(-1)
	s.unwatch()
	if err != nil {
		e, _ := exception.From(err)
		if s.ioc == nil || s.ioc.Aborted() == nil && !s.cutOff {
			err = e.AsRemote()
		} else {
			// Nobody has thrown it: the session was cut off (workerd).
			err = e
		}
	} else if s.ioc.Tasks() > 0 {
		r.After = s.after
	}
	if err == nil {
		s.tracer.Return(0)
	}
	s.done(r, err)
	s.idle()
}

// after tells ended, once, when the context has ended.
func (s *session) after(ended func()) {
	if err := s.ioc.Loop().Post(func() { s.ioc.OnEnd(ended) }); err != nil {
		ended()
	}
}

// idle ends the context once it has answered and nothing keeps it.
func (s *session) idle() {
	if s.ioc == nil || s.kept() {
		return
	}
	s.ioc.Loop().Turn(func() {
		s.ioc.Loop().AtTurnEnd(func() {
			if !s.kept() {
				s.ioc.End()
			}
		})
	})
}

func (s *session) kept() bool { return !s.answered || s.ioc.Tasks() > 0 || s.held.Held() }

func (s *session) hung() {
	if s.answered && s.ioc.Tasks() == 0 {
		return
	}
	err := iocontext.Hung()
	if s.answered {
		e, _ := exception.From(err)
		s.w.Report(e, "waitUntil")
	}
	s.broke(err)
	s.cutOff = true
	s.answer(nil, err)
	s.ioc.Abort(err)
}

// broke tells the tails that the context ends before its time.
func (s *session) broke(err error) {
	if s.tracer != nil {
		e, _ := exception.From(err)
		iocontext.TraceException(s.tracer, e)
		s.outcome = outcomeOf(e).Status
	}
}

// callerGone ends a session that nobody waits for any more, unless it asked to be kept
// with waitUntil.
func (s *session) callerGone() {
	if s.answered {
		return
	}
	cause := Canceled(s.ctx.Err())
	s.outcome = event.Canceled
	s.answer(nil, cause)
	if s.ioc != nil && !s.ioc.Ended() && s.ioc.Tasks() == 0 {
		s.ioc.Abort(cause)
	}
}
