package caches

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/iocontext"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// spanned runs an operation that tail workers see as a span; it is nil where nobody is
// told.
func spanned(c *bind.Call, name string, op func(c *bind.Call, span *trace.Span) (any, error)) (any, error) {
	span := iocontext.Span(c.JS()).Open(name)
	v, err := op(c, span)
	if p, ok := v.(goja.Value); ok && err == nil {
		return iocontext.EndWith(c.JS(), span, p), nil
	}
	span.End()
	return v, err
}

// about says which request is looked for.
func about(span *trace.Span, r *fetch.Request) {
	if span != nil {
		span.Set("cache.request.url", r.URL())
		span.Set("cache.request.method", r.Method())
	}
}

// answered says what the cache had.
func answered(span *trace.Span, resp *event.Response) {
	if span == nil {
		return
	}
	span.Set("cache.response.status_code", int64(resp.Status))
	if n := resp.Body.Size(); n >= 0 {
		span.Set("cache.response.body.size", n)
	}
	status := resp.Header.Get("Cf-Cache-Status")
	if status != "" {
		span.Set("cache.response.cache_status", status)
	}
	span.Set("cache.response.success", status == "HIT")
}
