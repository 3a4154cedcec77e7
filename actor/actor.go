package actor

import (
	"context"
	"errors"
	"time"

	"github.com/dop251/goja"

	"workerd.local/cache"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/internal/invariants"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/rpc"
	"workerd.local/worker"
)

// Actor is one live object. It is created constructing; its class instance is there
// once the constructor has returned; it ends broken or evicted, and is then
// forgotten.
type Actor struct {
	c     *container
	w     *worker.Worker
	in    *gates.InputGate
	out   *gates.OutputGate
	cache *cache.Cache // nil for an actor that keeps nothing
	ioc   *iocontext.Context

	instance *goja.Object
	// Its handlers, as they were when the constructor returned; ring is nil without
	// alarm().
	handler        goja.Callable
	ring           goja.Value
	socketHandlers [len(socketHandlers)]goja.Value // nil where there is none
	built          bool                            // the constructor has returned

	plain bool // its class does not extend DurableObject

	queued    int // requests and calls that wait for the input gate
	inflight  map[*request]struct{}
	calls     map[*call]struct{} // until nothing of what they returned is held
	streams   int                // responses that are being read
	events    int                // what sockets have received and was not handed over
	idle      *loop.Timer
	running   *alarmRun     // its alarm
	next      *alarmRun     // the alarm that comes after that
	lingering []*invocation // answered, while tasks go on
}

// newActor makes the actor of a container: gates, cache and context now, the class
// instance under the first input lock, so that every event queues behind it.
func newActor(c *container) (*Actor, error) {
	h := c.h
	realm, err := h.w.Ready()
	if err != nil {
		return nil, err
	}
	ctor, err := h.w.ActorClass(c.className())
	if err != nil {
		if c.child != nil {
			err = c.child.class.missing()
		}
		return nil, err
	}
	a := &Actor{c: c, w: h.w, plain: !h.w.ExtendsActor(c.className()), inflight: map[*request]struct{}{}, calls: map[*call]struct{}{}}
	a.in, a.out = gates.NewInputGate(h.loop), gates.NewOutputGateWith(h.loop, gates.OutputOptions{LockLimit: limits.OutputTime.In(h.n.o.Bounds)})
	class, id := "", ""
	if h.w.Isolate().Recorded() {
		class, id = h.n.o.Class, c.root().String()
	}
	a.ioc = iocontext.New(realm, iocontext.Options{
		Class: class, Actor: id,
		Gates:   &iocontext.Gates{Input: a.in, Output: a.out},
		OnAbort: a.becomeBroken,
		OnIdle:  a.checkIdle,
	})
	if h.n.o.Store != nil {
		a.cache = a.newCache()
	}
	c.actor = a
	a.waitForPredecessor()
	a.ioc.RunIn(iocontext.Entry{Frame: a.enter(h.opening)}, func(js *isolate.JS) { a.construct(js, ctor) }, func(err error) {
		a.ioc.Fail(constructorFailed(err))
	})
	if c.broken != nil {
		return nil, c.broken
	}
	c.tell()
	a.checkIdle()
	return a, nil
}

// waitForPredecessor keeps everything out, the constructor too, while the last commit of
// an actor of the same id that broke is on its way: what it leaves is what this one
// starts from.
func (a *Actor) waitForPredecessor() {
	last := a.c.h.leaving[a.c.id.Key]
	if last == nil {
		return
	}
	lock, err, ready := a.in.Wait().Ready()
	invariants.Check(ready && err == nil, "the gate of a new actor is not open")
	// Whether the commit failed is its own actor's business.
	last.Sync().Then(func(struct{}, error) { lock.Release() })
}

// leave notes that the commit that is in flight goes on without this actor, which broke.
func (a *Actor) leave() {
	sync := a.cache.Sync()
	if _, _, ready := sync.Ready(); ready {
		return
	}
	h, key := a.c.h, a.c.id.Key
	h.leaving[key] = a.cache
	sync.Then(func(struct{}, error) {
		if h.leaving[key] == a.cache {
			delete(h.leaving, key)
		}
	})
}

func (a *Actor) newCache() *cache.Cache {
	h := a.c.h
	name := ""
	if a.c.name != nil {
		name = *a.c.name
	}
	backend := cache.NewStoreBackend(a.ioc.Context(), h.loop, h.n.o.Store, h.n.o.Token(a.c.id.Shard()), a.c.id, cache.StoreOptions{Bounds: h.n.o.Bounds})
	var onAlarm func(time.Time, bool)
	if a.c.child == nil {
		onAlarm = a.alarmMoved
	}
	return cache.New(h.loop, backend, h.sharedLRU(), a.out, cache.Options{
		Bounds:  h.n.o.Bounds,
		Name:    name,
		Limits:  h.n.o.Limits,
		OnAlarm: onAlarm,
		OnInternalError: func(reference string, err error) {
			h.n.o.Log.Error("storage failed", "class", a.c.className(), "actor", a.c.id.String(), "reference", reference, "error", err)
		},
	})
}

func (a *Actor) construct(js *isolate.JS, class *goja.Object) {
	who := a.c.identity()
	var props func(js *isolate.JS) (goja.Value, error)
	var refuse func()
	if child := a.c.child; child != nil {
		props = func(js *isolate.JS) (goja.Value, error) { return a.w.Props(js, child.class.Props) }
		refuse = a.refuseAlarm
	}
	state, err := durable.NewState(js, durable.Options{
		Context:               a.ioc,
		ID:                    who.ID,
		Name:                  who.Name,
		Text:                  who.Text,
		Props:                 props,
		Facets:                a.c.facetsOf(),
		RefuseAlarm:           refuse,
		Cache:                 a.cache,
		Sockets:               a.c.webSockets,
		WaitUntil:             a.waitUntil,
		Exports:               a.w.Exports,
		Restore:               rpc.Restore,
		HasAlarm:              func() bool { return a.ring != nil || !a.built },
		DeleteAllDeletesAlarm: a.w.Compat().Has("delete_all_deletes_alarm"),
		SQLite:                a.c.h.n.o.SQLite,
		SQL:                   a.c.h.n.o.SQL,
		Experimental:          a.w.Compat().Has("experimental"),
		Replicas:              a.w.Compat().Has("replica_routing"),
	})
	var obj *goja.Object
	if err == nil {
		obj, err = js.Construct(class, state, a.w.Env())
	}
	if err == nil {
		err = js.Try(func() {
			a.handler, _ = goja.AssertFunction(obj.Get("fetch"))
			if ring := obj.Get("alarm"); isFunction(ring) {
				a.ring = ring
			}
			for kind, name := range socketHandlers {
				if h := obj.Get(name); isFunction(h) {
					a.socketHandlers[kind] = h
				}
			}
		})
	}
	if isolate.Uncatchable(err) {
		return // newActor is told
	}
	if err != nil {
		e := js.Sent(err)
		if !a.ioc.Ended() {
			a.report(e, "constructor")
		}
		iocontext.TraceException(a.ioc.Tracer(), e)
		a.ioc.Abort(constructorFailed(e))
		return
	}
	a.instance, a.built = obj, true
	if js.Compat().Has(storableStubs) {
		rpc.SetEntrypoint(a.ioc, obj, a.c.token)
	}
}

func constructorFailed(err error) error {
	e, _ := exception.From(err)
	return e.WithBroken(exception.ConstructorFailed)
}

func isFunction(v goja.Value) bool { _, ok := goja.AssertFunction(v); return ok }

func (a *Actor) report(e *exception.Exception, source string) {
	a.w.Report(e, a.c.className()+" "+a.c.id.String()+" "+source)
}

func (a *Actor) waitUntil(js *isolate.JS, v goja.Value) {
	done := a.ioc.StartTask()
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			e := js.Exception(err)
			a.report(e, "waitUntil")
			iocontext.TraceException(a.ioc.Tracer(), e)
		}
		done(nil)
	})
}

// request is one HTTP request at an actor.
type request struct {
	a        *Actor
	v        *invocation
	ctx      context.Context
	req      *event.Request
	done     func(*event.Response, error)
	answered bool
	stop     func() bool
	queued   bool          // it has not run yet
	waiter   *gates.Waiter // while queued behind others
}

// fetch delivers a request behind everything that came before.
func (a *Actor) fetch(ctx context.Context, req *event.Request, v *invocation, done func(*event.Response, error)) {
	if a.queued >= a.c.h.n.o.MaxQueued {
		req.Body.Close()
		err := exception.Errorf("Durable Object is overloaded. Too many requests queued.").WithKind(exception.Overloaded).AsRemote()
		v.fails(err)
		done(nil, err)
		return
	}
	r := &request{a: a, v: v, ctx: ctx, req: req, done: done, queued: true}
	a.inflight[r] = struct{}{}
	a.idle.Stop()
	a.queued++
	a.c.touch()
	var lock loop.Result[*gates.Lock]
	lock, r.waiter = a.in.WaitCancelable()
	lock.Then(func(k *gates.Lock, err error) {
		r.waiter = nil
		if err != nil {
			r.admitted(k, err)
			return
		}
		if room := a.room(); !isReady(room) {
			room.Then(func(_ struct{}, err error) { r.admitted(k, err) })
			return
		}
		r.admitted(k, nil)
	})
	// Most requests are answered by now.
	if !r.answered && event.Ends(ctx) {
		l := a.c.h.loop
		r.stop = event.AfterFunc(ctx, func() {
			// A closed loop has answered already.
			_ = l.Post(func() { r.answer(nil, worker.Canceled(ctx.Err())) })
		})
	}
}

// room is ready when an event may begin: what nobody used for a while is forgotten,
// and not too much of what the actor wrote waits for storage. Whoever waits for it
// holds the input lock, so that events keep their order and no code of the actor writes
// more meanwhile; a commit needs no code of the actor to end.
func (a *Actor) room() loop.Result[struct{}] {
	if a.cache == nil {
		return loop.Now(struct{}{})
	}
	return a.cache.EvictStale(a.c.h.loop.Now())
}

func isReady(r loop.Result[struct{}]) bool { _, _, ready := r.Ready(); return ready }

// admitted runs the request under lock k, or is told why it cannot run; there may be a
// lock then too.
func (r *request) admitted(k *gates.Lock, err error) {
	r.leaveQueue()
	if err == nil && !r.answered {
		r.a.ioc.RunIn(iocontext.Entry{Lock: k, Frame: r.a.enter(r.v)}, r.run, r.stopped)
		return
	}
	if k != nil {
		k.Release()
	}
	if !r.answered {
		r.fail(err)
	}
}

// leaveQueue makes room for another request: this one runs, or is not wanted any more.
func (r *request) leaveQueue() {
	if r.queued {
		r.queued = false
		r.a.queued--
	}
}

// stopped ends a request whose turn could not run, or did not end well.
func (r *request) stopped(err error) {
	a := r.a
	if a.ioc.Realm().Condemned() != nil && !a.ioc.Ended() {
		return // the actor's end is the answer, once finished turns are durable
	}
	if !r.answered {
		r.fail(err)
	}
	if a.ioc.Realm().Condemned() == nil && !a.ioc.Ended() && a.in.Broken() == nil {
		// The engine ran out of stack in a microtask: what was waiting there is
		// lost, so the actor starts again.
		a.ioc.Abort(err)
	}
}

func (r *request) run(js *isolate.JS) {
	a := r.a
	a.c.cameBy(r.ctx)
	if a.handler == nil {
		r.fail(exception.Errorf("Handler does not export a fetch() function."))
		return
	}
	// workerd passes env and ctx as undefined.
	v, err := js.Invoke(a.handler, a.instance, fetch.NewRequest(js, a.ioc, r.req), goja.Undefined(), goja.Undefined())
	if isolate.Uncatchable(err) {
		return // r.stopped is told
	}
	if err != nil {
		r.fail(js.Sent(err))
		return
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		if err != nil {
			r.fail(js.Sent(err))
			return
		}
		resp, err := fetch.ToResponse(js, a.ioc, v, fetch.Answer{Request: r.req, Coupled: a.coupled})
		if err != nil {
			r.fail(js.Sent(err))
			return
		}
		r.afterOutput(resp, nil)
	})
}

// fail answers with an exception, which also waits for the output gate.
func (r *request) fail(err error) {
	e, _ := exception.From(err)
	if !e.Reset() {
		r.a.report(e, "fetch")
	}
	if r.v != nil {
		iocontext.TraceException(r.v.t, e)
	}
	r.afterOutput(nil, e)
}

// afterOutput answers once everything that the actor wrote so far is durable. A
// commit that failed is the answer instead.
func (r *request) afterOutput(resp *event.Response, err error) {
	r.a.out.Wait().Then(func(_ struct{}, broken error) {
		if broken != nil && !isReset(err) {
			if resp != nil {
				_ = resp.Discard() // it tells of what was not written
			}
			r.answer(nil, broken)
			return
		}
		r.answer(resp, err)
	})
}

func isReset(err error) bool {
	var e *exception.Exception
	return errors.As(err, &e) && e.Reset()
}

func (r *request) answer(resp *event.Response, err error) {
	if r.answered {
		if resp != nil {
			_ = resp.Discard() // nobody waits for it
		}
		return
	}
	r.answered = true
	if r.stop != nil {
		r.stop()
	}
	if r.queued {
		r.leaveQueue()
		r.waiter.Cancel()
		// No turn will look at its body.
		_ = r.req.Body.Close()
	}
	delete(r.a.inflight, r)
	if r.v != nil {
		worker.TraceReturn(r.v.t, resp)
	}
	r.a.c.touch()
	if (err != nil || resp.Body.Stream == nil) && r.a.ioc.Tasks() == 0 {
		// Nobody will read the request's body any more. What Close returns is about a
		// body that was not wanted.
		_ = r.req.Body.Close()
	}
	if err != nil {
		r.done(nil, r.a.c.h.remote(err))
	} else {
		if resp.Body.Stream != nil {
			r.a.streams++
			worker.KeepAlive(r.a.ioc, resp, func() { r.a.streams--; r.a.c.touch() })
		}
		r.done(resp, nil)
	}
	r.a.answered(r.v, err)
	r.a.checkIdle()
}

// coupled keeps the actor in memory while a socket that it accepted is the other side of
// somebody's WebSocket.
func (a *Actor) coupled() (over func()) {
	a.streams++
	return func() {
		a.streams--
		a.c.touch()
		a.checkIdle()
	}
}

// becomeBroken is told by the context that it was aborted, for whatever reason.
func (a *Actor) becomeBroken(cause error) {
	e, fresh := exception.From(cause)
	if fresh {
		a.c.h.n.o.Log.Error("actor broken", "class", a.c.className(), "actor", a.c.id.String(), "error", cause)
	}
	a.idle.Stop()
	a.c.becomeBroken(e)
	if a.cache != nil {
		a.cache.Close(e)
		a.leave()
	}
	if a.running != nil {
		a.running.broken(e)
	}
	for r := range a.inflight {
		r.v.broke(e)
		r.answer(nil, e)
	}
	for c := range a.calls {
		c.v.broke(e)
		c.answer(nil, e)
	}
	a.endInvocations()
}

// active reports whether anything keeps the actor: a request, a task or a timer, a
// stream that is being read.
func (a *Actor) active() bool { return a.called() || a.ioc.Tasks() > 0 }

// called reports whether somebody outside waits for the actor, or a facet of it is in memory.
func (a *Actor) called() bool {
	return len(a.inflight) > 0 || len(a.calls) > 0 || a.streams > 0 || a.events > 0 || a.running != nil || a.c.facets.busy()
}

// checkIdle starts the idle time when nothing keeps the actor any more.
func (a *Actor) checkIdle() {
	if len(a.lingering) > 0 && a.ioc.Tasks() == 0 {
		a.endInvocations()
	}
	if a.c.actor != a || a.active() || a.c.h.n.o.PreventEviction {
		return
	}
	a.idle.Stop()
	a.idle = a.c.h.loop.After(a.c.h.n.o.IdleAfter, func() {
		if a.c.actor == a && !a.active() {
			a.evict(a.active, nil)
		}
	})
}

// evict puts an actor away that nothing keeps: its state is durable, its memory is
// given back. kept is asked once more when its writes are durable, as a request may
// have come meanwhile; done, which may be nil, is told whether the actor is away.
func (a *Actor) evict(kept func() bool, done func(away bool)) {
	a.flushThen(func() {
		if a.c.actor == a && !kept() {
			a.idle.Stop()
			a.c.evicted()
			a.ioc.End()
			a.endInvocations()
			if a.cache != nil {
				a.cache.Shutdown(errFreed)
			}
		}
		if done != nil {
			done(a.c.actor != a)
		}
	})
}

// errFreed is what is left of the storage of an actor that was put away.
var errFreed = exception.Errorf("Actor freed due to inactivity").WithKind(exception.Disconnected).WithBroken(exception.Dropped)

// flushThen calls fn once no write of finished turns is on its way.
func (a *Actor) flushThen(fn func()) {
	if a.cache == nil {
		fn()
		return
	}
	// A failed flush has broken the actor already; fn is about what comes next.
	a.cache.Sync().Then(func(struct{}, error) { fn() })
}

func stopped(cause error) error { return isolate.Stopped(cause).WithKind(exception.Disconnected) }
