package iocontext

import (
	"context"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/trace"
)

// spanKey is where a frame has the span of its code.
type spanKey struct{}

// Traced says that the context works for an invocation that t follows, from here on: an
// actor's newest one. The frame is for the code of that invocation.
func (c *Context) Traced(t *trace.Tracer) *isolate.Frame {
	if t == nil {
		return c.frame
	}
	c.tracer = t
	return &isolate.Frame{Owner: c, Vars: c.frame.Vars.Bind(spanKey{}, t.Root())}
}

// Tracer follows the context's invocation, the newest one of an actor; nil where nobody
// is told of it.
func (c *Context) Tracer() *trace.Tracer { return c.tracer }

// Span is the span of the running code: that of the invocation, or one that the code
// opened; nil where nobody is told.
func Span(js *isolate.JS) *trace.Span {
	c := ownerOf(js)
	if c == nil || c.tracer == nil {
		return nil
	}
	if v, ok := js.Frame().Vars.Lookup(spanKey{}); ok {
		if s := v.(*trace.Span); !s.Tracer().Ended() {
			return s
		}
	}
	// The invocation that began this is over; the actor goes on for another one.
	return c.tracer.Root()
}

// InSpan runs fn with a span as that of the running code.
func InSpan(js *isolate.JS, s *trace.Span, fn func()) {
	f := js.Frame()
	if s == nil || f == nil {
		fn()
		return
	}
	inner := *f
	inner.Vars = inner.Vars.Bind(spanKey{}, s)
	js.In(&inner, fn)
}

// SpanContext is the context's Context for what the code within a span asks of other
// services: invocations there are its children.
func (c *Context) SpanContext(s *trace.Span) context.Context { return trace.WithParent(c.ctx, s) }

// TraceException tells the tails of an error that nobody caught.
func TraceException(t *trace.Tracer, e *exception.Exception) {
	if t == nil || e == nil {
		return
	}
	name := e.ClassName()
	if dom, ok := e.DOMName(); ok {
		name = dom
	}
	t.Exception(nil, trace.Describe(name, e.Message, e.Stack))
}
