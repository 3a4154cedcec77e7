package rpc

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// export is an object of a context that others hold.
type export struct {
	held    atomic.Int32
	dead    atomic.Bool // the context has ended
	l       *loop.Loop
	session *Session // nil for what was passed as an argument

	// The loop's.
	t       *table
	object  *goja.Object // nil once nobody holds it
	own     bool         // its own properties may be read, else those of its class
	section iocontext.Entry
	dispose goja.Value // called when nobody holds it any more; may be nil
	drops   []*stub    // disposed of then
	pending func()
}

var _ event.Target = (*export)(nil)

// newExport exports an object of the current context; it has one holder.
func newExport(js *isolate.JS, ioc *iocontext.Context, session *Session, object *goja.Object, own bool) (*export, error) {
	t := tableOf(ioc)
	if err := t.checkRoom(); err != nil {
		return nil, err
	}
	if ioc.Ended() {
		return nil, errNotRunning
	}
	x := &export{l: ioc.Loop(), session: session, t: t, object: object, own: own}
	// Calls come in where the code is now: in the same critical section.
	x.section.Section = ioc.Capture(js).Section
	x.held.Store(1)
	x.pending = ioc.AddPending()
	t.exports[x] = struct{}{}
	session.Hold()
	return x, nil
}

// newStubExport is newExport with the object's own dispose method.
func newStubExport(js *isolate.JS, ioc *iocontext.Context, session *Session, object *goja.Object, own bool) (*export, error) {
	dispose, err := disposerOf(js, object)
	if err != nil {
		return nil, err
	}
	x, err := newExport(js, ioc, session, object, own)
	if err == nil {
		x.dispose = dispose
	}
	return x, err
}

// Retain is event.Target's.
func (x *export) Retain() { x.held.Add(1) }

// Release is event.Capability's.
func (x *export) Release() {
	if x.held.Add(-1) == 0 {
		// A closed loop has ended the context.
		_ = x.l.Post(x.unhold)
	}
}

// unhold is told that nobody holds the export any more.
func (x *export) unhold() {
	if x.object == nil {
		return
	}
	object, dispose, drops := x.object, x.dispose, x.drops
	x.revoke()
	for _, s := range drops {
		s.dispose()
	}
	if dispose != nil && !x.t.ioc.Ended() {
		done := x.t.ioc.StartTask()
		x.t.ioc.RunIn(x.section, func(js *isolate.JS) {
			v, err := js.Call(dispose, object)
			if err == nil {
				// Nobody waits for it, but it may fail.
				js.OnSettled(v, func(_ *isolate.JS, _ goja.Value, err error) { done(nil) })
				return
			}
			done(nil)
			if !isolate.Uncatchable(err) {
				// Shown like every error that nobody handles.
				js.Rejected(err)
			}
		}, func(err error) { done(nil); x.t.ioc.Fail(err) })
	}
	x.session.Drop()
}

// revoke forgets the object.
func (x *export) revoke() {
	x.dead.Store(true)
	x.object, x.dispose, x.drops = nil, nil, nil
	delete(x.t.exports, x)
	x.pending()
}

// Call is event.Target's.
func (x *export) Call(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	if x.dead.Load() {
		call.Release()
		done(nil, errNotRunning)
		return
	}
	x.session.Hold()
	err := x.l.Post(func() {
		x.deliver(ctx, call, func(r *event.Result, err error) {
			done(r, remote(err))
			x.session.Drop()
		})
	})
	if err != nil {
		call.Release()
		done(nil, errNotRunning.WithCause(err))
	}
}

// deliver runs a call, unless the context has ended meanwhile or nobody waits any more.
func (x *export) deliver(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	ioc, object := x.t.ioc, x.object
	if reason := ioc.Aborted(); reason != nil {
		call.Release()
		done(nil, reason)
		return
	}
	if object == nil || ctx.Err() != nil {
		call.Release()
		done(nil, errNotRunning)
		return
	}
	in := x.t.newIncoming(done)
	ioc.RunIn(x.section, func(js *isolate.JS) {
		Dispatch(js, ioc, Receiver{Object: object, Own: x.own}, x.session, call, func(r *event.Result, err error) {
			// What the actor wrote must be durable before others may know of it.
			ioc.WaitForOutput().Then(func(_ struct{}, broken error) {
				if broken != nil {
					r.Release()
					r, err = nil, broken
				}
				in.answer(r, err)
			})
		})
	}, func(err error) {
		call.Release()
		in.answer(nil, err)
		ioc.Fail(err)
	})
}

// remote is an error as the other side sees it.
func remote(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, errNotRunning) {
		return err // nothing there has said so
	}
	e, _ := exception.From(err)
	return e.AsRemote()
}

// forward is a target of somebody else that this context hands on. It keeps the context
// waiting, as what it handed out may be all that it is there for.
type forward struct {
	inner   event.Target
	channel *event.Token // see stub
	held    atomic.Int32
	session *Session
	l       *loop.Loop
	pending func()
}

// newForward hands on a target, of which it is a holder of its own.
func newForward(ioc *iocontext.Context, session *Session, inner event.Target) *forward {
	inner.Retain()
	f := &forward{inner: inner, session: session, l: ioc.Loop(), pending: ioc.AddPending()}
	f.held.Store(1)
	session.Hold()
	return f
}

// Retain is event.Target's.
func (f *forward) Retain() { f.held.Add(1) }

// Release is event.Capability's.
func (f *forward) Release() {
	if f.held.Add(-1) == 0 {
		f.inner.Release()
		_ = f.l.Post(f.pending)
		f.session.Drop()
	}
}

// Call is event.Target's.
func (f *forward) Call(ctx context.Context, call *event.Call, done func(*event.Result, error)) {
	f.inner.Call(ctx, call, done)
}
