package trace

import (
	"context"
	"slices"
	"time"
)

// Span is a part of an invocation's work.
type Span struct {
	t     *Tracer
	id    SpanID
	tags  []Attribute
	ended bool
}

// Open begins a span below s.
func (s *Span) Open(name string) *Span {
	if s == nil || !s.t.open() {
		return nil
	}
	t := s.t
	child := &Span{t: t}
	if len(t.streams) == 0 {
		child.id = s.id
		return child
	}
	if len(t.spans) >= t.maxOpen {
		return nil
	}
	t.spans = append(t.spans, child)
	if t.predictable {
		t.nextSpan++
		child.id = t.nextSpan
	} else {
		child.id = t.randomSpan()
	}
	t.report(t.context(s), &SpanOpen{Name: name, Span: child.id}, t.spanTime(), len(name))
	return child
}

func (t *Tracer) spanTime() time.Time {
	if t.predictable {
		return time.Unix(0, 0)
	}
	return t.host.Now()
}

// Set sets an attribute: a string, a bool, a float64 or an int64.
func (s *Span) Set(name string, v any) {
	if s == nil || s.ended || len(s.t.streams) == 0 {
		return
	}
	for i := range s.tags {
		if s.tags[i].Name == name {
			s.tags[i].Value = v
			return
		}
	}
	s.tags = append(s.tags, Attribute{name, v})
}

// Traced reports whether anybody will hear of the span.
func (s *Span) Traced() bool { return s != nil && !s.ended }

// End closes the span.
func (s *Span) End() {
	if s == nil || s.ended {
		return
	}
	s.ended = true
	t := s.t
	if len(t.streams) == 0 {
		return
	}
	for i := len(t.spans) - 1; i >= 0; i-- { // most end in the reverse order
		if t.spans[i] == s {
			t.spans = slices.Delete(t.spans, i, i+1)
			break
		}
	}
	if !t.open() {
		return
	}
	at, size := t.spanTime(), 0
	for _, a := range s.tags {
		size += len(a.Name)
		if v, ok := a.Value.(string); ok {
			size += len(v)
		} else {
			size += 8
		}
	}
	if len(s.tags) > 0 && size <= t.limit {
		t.report(t.context(s), Attributes(s.tags), at, size)
	}
	t.report(t.context(s), &SpanClose{}, at, 0)
}

// Tracer is the one that the span belongs to.
func (s *Span) Tracer() *Tracer {
	if s == nil {
		return nil
	}
	return s.t
}

// Context is the span as the parent of an invocation elsewhere.
func (s *Span) Context() SpanContext {
	if s == nil {
		return SpanContext{}
	}
	return SpanContext{Trace: s.t.id, Span: s.id}
}

type (
	parentKey struct{}
	viaKey    struct{}
)

// WithParent returns a context under which invocations are children of the span.
func WithParent(ctx context.Context, s *Span) context.Context {
	return Below(ctx, s.Context())
}

// Below is WithParent for a span of which only the place is left.
func Below(ctx context.Context, c SpanContext) context.Context {
	if c == (SpanContext{}) {
		return ctx
	}
	return context.WithValue(ctx, parentKey{}, c)
}

func parentOf(ctx context.Context) SpanContext {
	if ctx == nil {
		return SpanContext{}
	}
	c, _ := ctx.Value(parentKey{}).(SpanContext)
	return c
}

// via is a chain of workers each of which tails the next one.
type via struct {
	service string
	next    *via
}

// Via returns a context for what a tail worker does with a trace of the service: neither
// of them is told of it as a tail worker, so that no trace leads to another one for ever.
func Via(ctx context.Context, service, tail string) context.Context {
	next, _ := ctx.Value(viaKey{}).(*via)
	return context.WithValue(ctx, viaKey{}, &via{tail, &via{service, next}})
}

func isVia(ctx context.Context, service string) bool {
	if ctx == nil {
		return false
	}
	v, _ := ctx.Value(viaKey{}).(*via)
	for ; v != nil; v = v.next {
		if v.service == service {
			return true
		}
	}
	return false
}
