package worker

import (
	"context"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
)

// invocation is what requests, calls and other events at a worker have in common. It is
// made on any goroutine, and after that belongs to the loop.
type invocation struct {
	w          *Worker
	ctx        context.Context // of whoever waits for the answer
	entrypoint string          // "" is the default one
	ioc        *iocontext.Context
	tracer     *trace.Tracer
	outcome    event.OutcomeStatus // for the tails
	stopWatch  func() bool
}

// ready returns the realm, if the worker may have the event.
func (v *invocation) ready() (*isolate.Realm, error) {
	realm, err := v.w.Ready()
	if err != nil {
		return nil, err
	}
	return realm, v.w.checkStored(v.ctx)
}

// open makes the context of the invocation; told tells the tails what it is.
func (v *invocation) open(realm *isolate.Realm, o iocontext.Options, told func(*trace.Tracer)) {
	v.tracer = v.w.Trace(v.ctx, trace.Subject{Entrypoint: v.entrypoint})
	o.Tracer = v.tracer
	v.ioc = iocontext.New(realm, o)
	v.w.began(v.ioc)
	if v.tracer != nil {
		told(v.tracer)
		v.ioc.OnEnd(func() { v.tracer.End(v.outcome.String()) })
	}
}

// watch calls gone on the loop when nobody waits for the answer any more, until unwatch.
func (v *invocation) watch(gone func()) {
	if !event.Ends(v.ctx) {
		return
	}
	l := v.w.iso.Loop()
	v.stopWatch = event.AfterFunc(v.ctx, func() {
		// A closed loop has ended the invocation already.
		_ = l.Post(gone)
	})
}

func (v *invocation) unwatch() {
	if v.stopWatch != nil {
		v.stopWatch()
	}
}

// target is the object whose methods handle the invocation, and its ctx.
func (v *invocation) target(js *isolate.JS, props *event.Props) (obj, ctx *goja.Object, err error) {
	ctx, err = v.w.newExecutionContext(js, v.ioc, v.entrypoint, props)
	if err != nil {
		return nil, nil, err
	}
	obj, err = v.w.receiver(js, v.entrypoint, ctx)
	if err != nil {
		return nil, nil, err
	}
	v.w.entered(v.ctx, v.ioc, v.entrypoint, props, obj)
	return obj, ctx, nil
}
