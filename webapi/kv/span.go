package kv

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
)

// traced runs a method within a span, which ends with the promise that it returns.
func (n *Namespace) traced(js *isolate.JS, name, operation string, do func(s *trace.Span) (any, error)) (any, error) {
	s := iocontext.Span(js).Open(name)
	if s.Traced() {
		s.Set("db.system.name", "cloudflare-kv")
		s.Set("db.operation.name", operation)
		s.Set("cloudflare.binding.name", n.Binding)
		s.Set("cloudflare.binding.type", "KV")
	}
	v, err := do(s)
	if p, ok := v.(*goja.Object); ok && err == nil && s.Traced() {
		js.OnSettled(p, func(*isolate.JS, goja.Value, error) { s.End() })
	} else {
		s.End()
	}
	return v, err
}

// keysShown is the longest text that a span has of the keys that are asked for.
const keysShown = 512

func setKeys(s *trace.Span, keys ...string) {
	if !s.Traced() {
		return
	}
	text := strings.Join(keys, ", ")
	if len(text) > keysShown {
		text = text[:keysShown-3] + "..."
	}
	s.Set("cloudflare.kv.query.keys", text)
	s.Set("cloudflare.kv.query.keys.count", int64(len(keys)))
}

func setInt(s *trace.Span, name string, n *int32) {
	if n != nil {
		s.Set("cloudflare.kv.query."+name, int64(*n))
	}
}

func (o *getOptions) describe(s *trace.Span) {
	if o.typ != nil {
		s.Set("cloudflare.kv.query.type", *o.typ)
	}
	setInt(s, "cache_ttl", o.cacheTTL)
}

// describe says in a span what an answer is.
func describe(s *trace.Span, resp *event.Response) {
	if status := resp.Header.Get("Cf-Cache-Status"); status != "" {
		s.Set("cloudflare.kv.response.cache_status", status)
	}
	if size := resp.Body.Size(); size >= 0 && !resp.Body.IsNull() {
		s.Set("cloudflare.kv.response.size", size)
	}
}

// describeListing says in a span what is in a list.
func describeListing(s *trace.Span, list *goja.Object) {
	const p = "cloudflare.kv.response."
	if !s.Traced() {
		return
	}
	if v := list.Get("list_complete"); v != nil && v.ExportType() != nil && v.ExportType().Kind().String() == "bool" {
		s.Set(p+"list_complete", v.ToBoolean())
	}
	if v, ok := list.Get("cursor").(goja.String); ok {
		s.Set(p+"cursor", v.String())
	}
	if v := list.Get("expiration"); v != nil && v.ExportType() != nil && (v.ExportType().Kind().String() == "int64" || v.ExportType().Kind().String() == "float64") {
		s.Set(p+"expiration", v.ToInteger())
	}
	if keys, ok := list.Get("keys").(*goja.Object); ok && keys.ClassName() == "Array" {
		s.Set(p+"returned_rows", keys.Get("length").ToInteger())
	}
}
