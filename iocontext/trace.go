package iocontext

import (
	"reflect"

	"github.com/dop251/goja"

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

var promiseType = reflect.TypeFor[*goja.Promise]()

// EndWith ends a span when v is settled, or now where it is no promise that waits, and
// returns what stands for v.
func EndWith(js *isolate.JS, s *trace.Span, v goja.Value) goja.Value {
	if s == nil {
		return v
	}
	obj, ok := v.(*goja.Object)
	// Export would read all properties of an ordinary object.
	if ok = ok && obj.ExportType() == promiseType; ok {
		ok = obj.Export().(*goja.Promise).State() == goja.PromiseStatePending
	}
	if !ok {
		s.End()
		return v
	}
	promise, resolve, reject := js.NewPromise()
	js.OnSettled(v, func(_ *isolate.JS, v goja.Value, err error) {
		s.End()
		if err != nil {
			reject(err)
			return
		}
		resolve(v)
	})
	return promise
}
