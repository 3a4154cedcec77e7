package durable

import (
	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// spanned is an operation that tail workers see as a span.
func spanned(name string, m bind.Method[Storage]) bind.Method[Storage] {
	return func(s *Storage, c *bind.Call) (any, error) {
		at := iocontext.Span(c.JS())
		if at == nil {
			return m(s, c)
		}
		span := at.Open("durable_object_storage_" + name)
		v, err := m(s, c)
		if p, ok := v.(goja.Value); ok && err == nil {
			return iocontext.EndWith(c.JS(), span, p), nil
		}
		span.End()
		return v, err
	}
}

// kvSpanned is an operation of storage.kv that tail workers see as a span, with what it
// was asked for.
func kvSpanned(name string, m bind.Method[syncKV]) bind.Method[syncKV] {
	return func(k *syncKV, c *bind.Call) (any, error) {
		at := iocontext.Span(c.JS())
		if at == nil {
			return m(k, c)
		}
		span := at.Open("durable_object_storage_kv_" + name)
		defer span.End()
		span.Set("db.system.name", "cloudflare-durable-object-sql")
		span.Set("db.operation.name", name)
		k.span = span
		defer func() { k.span = nil }()
		if key, ok := c.Arg(0).(goja.String); ok && name != "list" {
			span.Set("cloudflare.durable_object.kv.query.keys", key.String())
			span.Set("cloudflare.durable_object.kv.query.keys.count", int64(1))
		}
		v, err := m(k, c)
		if deleted, ok := v.(bool); ok && err == nil {
			n := int64(0)
			if deleted {
				n = 1
			}
			span.Set("cloudflare.durable_object.kv.response.deleted_count", n)
		}
		return v, err
	}
}

// attributes tell the tails what a list is bounded by.
func (b *bounds) attributes(span *trace.Span) {
	const query = "cloudflare.durable_object.kv.query."
	for _, o := range []struct {
		name string
		v    *string
	}{{"start", b.start}, {"startAfter", b.startAfter}, {"end", b.end}, {"prefix", b.prefix}} {
		if o.v != nil {
			span.Set(query+o.name, *o.v)
		}
	}
	if b.hasReverse {
		span.Set(query+"reverse", b.reverse)
	}
	if b.limit != nil {
		span.Set(query+"limit", int64(*b.limit))
	}
}
