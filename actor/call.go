package actor

import (
	"context"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/trace"
	"workerd.local/webapi/rpc"
	"workerd.local/worker"
)

var _ event.Caller = (*Stub)(nil)

// StartCall is event.Caller's.
func (s *Stub) StartCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	if err := s.h.w.Post(func() { s.beginCall(ctx, call, done) }); err != nil {
		call.Release()
		done(nil, worker.Closed(err))
	}
}

// beginCall is StartCall on the host's loop.
func (s *Stub) beginCall(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	if s.c != nil && s.c.broken != nil {
		// Not remote: the stub itself knows it.
		call.Release()
		done(nil, s.c.broken)
		return
	}
	v := s.follow(ctx, func() trace.Info {
		if call.Restore != nil {
			return &trace.Custom{}
		}
		return &trace.RPC{}
	})
	a, err := s.activateFor(v)
	if err != nil {
		call.Release()
		done(nil, s.h.cutOff(err))
		return
	}
	a.call(ctx, call, v, done)
}

// call is one call of an actor's method, and the session that follows from it.
type call struct {
	a        *Actor
	v        *invocation
	ctx      context.Context
	call     *event.Call
	done     func(*event.Result, error)
	held     *rpc.Session
	answered bool
	stop     func() bool
	queued   bool
	waiter   *gates.Waiter
	batch    *batch // what is delivered in place of the call; nil for a call
}

// call delivers a call behind everything that came before.
func (a *Actor) call(ctx context.Context, ev *event.Call, v *invocation, done func(*event.Result, error)) {
	a.deliver(ctx, ev, v, nil, done)
}

func (a *Actor) deliver(ctx context.Context, ev *event.Call, v *invocation, b *batch, done func(*event.Result, error)) {
	if a.queued >= a.c.h.n.o.MaxQueued {
		ev.Release()
		err := exception.Errorf("Durable Object is overloaded. Too many requests queued.").WithKind(exception.Overloaded).AsRemote()
		v.fails(err)
		done(nil, err)
		return
	}
	c := &call{a: a, v: v, ctx: ctx, call: ev, batch: b, done: done, queued: true}
	c.held = rpc.NewSession(a.c.h.loop, c.ended)
	a.calls[c] = struct{}{}
	a.idle.Stop()
	a.queued++
	a.c.touch()
	var lock loop.Result[*gates.Lock]
	lock, c.waiter = a.in.WaitCancelable()
	lock.Then(func(k *gates.Lock, err error) {
		c.waiter = nil
		if err != nil {
			c.admitted(k, err)
			return
		}
		if room := a.room(); !isReady(room) {
			room.Then(func(_ struct{}, err error) { c.admitted(k, err) })
			return
		}
		c.admitted(k, nil)
	})
	if !c.answered && event.Ends(ctx) {
		l := a.c.h.loop
		c.stop = event.AfterFunc(ctx, func() {
			// A closed loop has answered already.
			_ = l.Post(func() { c.answer(nil, worker.Canceled(ctx.Err())) })
		})
	}
}

// admitted runs the call under lock k, or is told why it cannot run.
func (c *call) admitted(k *gates.Lock, err error) {
	c.leaveQueue()
	if err == nil && !c.answered {
		c.a.ioc.RunIn(iocontext.Entry{Lock: k, Frame: c.a.enter(c.v)}, c.run, c.stopped)
		return
	}
	if k != nil {
		k.Release()
	}
	if !c.answered {
		c.call.Release()
		c.reply(nil, err)
	}
}

func (c *call) leaveQueue() {
	if c.queued {
		c.queued = false
		c.a.queued--
	}
}

// stopped ends a call whose turn could not run, or did not end well; see request.stopped.
func (c *call) stopped(err error) {
	a := c.a
	c.call.Release()
	if a.ioc.Realm().Condemned() != nil && !a.ioc.Ended() {
		return
	}
	c.reply(nil, err)
	if a.ioc.Realm().Condemned() == nil && !a.ioc.Ended() && a.in.Broken() == nil {
		a.ioc.Abort(err)
	}
}

func (c *call) run(js *isolate.JS) {
	a := c.a
	a.c.cameBy(c.ctx)
	if c.batch != nil {
		c.batch.run(js, c)
		return
	}
	if c.v != nil && c.call.Restore == nil {
		c.v.t.Method(nil, rpc.TraceName(c.call.Path))
	}
	if a.plain && !a.w.Compat().Has("js_rpc") && c.call.Restore == nil {
		c.call.Release()
		c.reply(nil, errNotExtending)
		return
	}
	rpc.Dispatch(js, a.ioc, rpc.Receiver{Object: a.instance, Entrypoint: true}, c.held, c.call, c.reply)
}

var errNotExtending = exception.TypeErrorf("The receiving Durable Object does not support RPC, because its class was not declared with `extends DurableObject`. In order to enable RPC, make sure your class extends the special class `DurableObject`, which can be imported from the module \"cloudflare:workers\".")

// reply answers once everything that the actor wrote so far is durable; see
// request.afterOutput.
func (c *call) reply(r *event.Result, err error) {
	c.a.out.Wait().Then(func(_ struct{}, broken error) {
		if broken != nil && !isReset(err) {
			r.Release()
			c.answer(nil, broken)
			return
		}
		c.answer(r, err)
	})
}

func (c *call) answer(r *event.Result, err error) {
	if c.answered {
		r.Release()
		return
	}
	c.answered = true
	if c.stop != nil {
		c.stop()
	}
	if c.queued {
		c.leaveQueue()
		c.waiter.Cancel()
		c.call.Release()
	}
	a := c.a
	if err != nil {
		reason := a.ioc.Aborted()
		tell := a.c.h.remote
		if e, ok := err.(*exception.Exception); ok && reason != nil && (e.Reset() || reason == err) {
			tell = a.c.h.cutOff
		}
		c.done(nil, a.named(tell(err)))
	} else {
		if c.v != nil {
			c.v.t.Return(0)
		}
		c.done(r, nil)
	}
	c.ended()
}

// ended forgets a call of which nothing is left.
func (c *call) ended() {
	if !c.answered || c.held.Held() {
		return
	}
	delete(c.a.calls, c)
	c.a.answered(c.v, nil)
	c.a.c.touch()
	c.a.checkIdle()
}

// named says of which actor an error is.
func (a *Actor) named(err error) error {
	e, _ := exception.From(err)
	if a.c.h.n.ids == nil || a.c.child != nil || e.Broken == exception.InputGateBroken {
		return e
	}
	named := *e
	named.ActorID = a.c.id.String()
	return &named
}
