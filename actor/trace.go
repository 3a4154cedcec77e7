package actor

import (
	"context"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
)

// invocation is one event of an actor as its tails follow it. It is over when the event
// was answered and the actor has no task left, or goes on for a newer event (workerd,
// "drain"). A nil invocation is usable: nobody is told.
type invocation struct {
	t       *trace.Tracer
	frame   *isolate.Frame
	outcome event.OutcomeStatus
}

// follow begins an invocation; info is asked only where somebody is told. The actor may
// not be there yet: what its constructor does is part of it.
func (h *host) follow(ctx context.Context, class string, id actorid.ID, info func() trace.Info) *invocation {
	if !h.w.Traces() {
		return nil // before the text of the id is made, which nobody would read
	}
	t := h.w.Trace(ctx, trace.Subject{Entrypoint: class, Model: trace.DurableObject, Actor: id.String()})
	if t == nil {
		return nil
	}
	t.Event(info())
	return &invocation{t: t}
}

// follow is host's for an event on the stub.
func (s *Stub) follow(ctx context.Context, info func() trace.Info) *invocation {
	if s.place != nil {
		return s.h.follow(ctx, s.place.className(), s.id, info)
	}
	return s.h.follow(ctx, s.h.n.o.Class, s.id, info)
}

// activateFor is activate for an event that v follows.
func (s *Stub) activateFor(v *invocation) (*Actor, error) {
	s.h.opening = v
	defer func() { s.h.opening = nil }()
	a, err := s.activate()
	if err != nil {
		v.fails(err)
	}
	return a, err
}

// fails ends an invocation that never reached its actor.
func (v *invocation) fails(err error) {
	if v != nil {
		e, _ := exception.From(err)
		v.t.End(outcomeOf(e).String())
	}
}

// broke ends an invocation whose actor broke.
func (v *invocation) broke(e *exception.Exception) {
	if v != nil && !v.t.Ended() {
		iocontext.TraceException(v.t, e)
		v.t.End(outcomeOf(e).String())
	}
}

// enter makes v the actor's newest invocation. The frame is for its code.
func (a *Actor) enter(v *invocation) *isolate.Frame {
	if v == nil {
		return nil
	}
	if v.frame == nil {
		a.endInvocations()
		v.frame = a.ioc.Traced(v.t)
	}
	return v.frame
}

// answered says that the event of v was answered, with an error where e is not nil.
func (a *Actor) answered(v *invocation, e error) {
	if v == nil {
		return
	}
	if e != nil {
		x, _ := exception.From(e)
		v.outcome = outcomeOf(x)
	}
	a.lingering = append(a.lingering, v)
	if a.ioc.Tasks() == 0 || a.ioc.Ended() || a.ioc.Tracer() != v.t {
		a.endInvocations()
	}
}

// endInvocations ends those whose events were answered.
func (a *Actor) endInvocations() {
	list := a.lingering
	a.lingering = nil
	for _, v := range list {
		v.t.End(v.outcome.String())
	}
}

// outcomeOf names the way an event failed.
func outcomeOf(e *exception.Exception) event.OutcomeStatus {
	switch {
	case e.Broken == exception.ExceededCPU:
		return event.ExceededCPU
	case e.Broken == exception.ExceededMemory:
		return event.ExceededMemory
	}
	return event.Exception
}
