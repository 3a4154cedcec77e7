package fetch

import (
	"net/http"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
)

// spans are those of one fetch(): the exchange, and the call of an actor where it goes
// to one. A nil spans is usable: nobody is told.
type spans struct {
	exchange, actor *trace.Span
}

// openSpans tells the tails of a request that is about to leave.
func (r *Request) openSpans(js *isolate.JS, o *DispatchOptions) *spans {
	at := iocontext.Span(js)
	if at == nil {
		return nil
	}
	s := &spans{}
	if o.Actor != nil {
		s.actor = at.Open("durable_object_subrequest")
		s.actor.Set("objectId", o.Actor.String())
		return s // it is the exchange, too
	}
	s.exchange = at.Open("fetch")
	s.exchange.Set("network.protocol.name", "http")
	s.exchange.Set("network.protocol.version", "HTTP/1.1")
	s.exchange.Set("http.request.method", r.method)
	s.exchange.Set("url.full", r.href())
	for _, h := range []struct{ attribute, header string }{
		{"user_agent.original", "User-Agent"}, {"http.request.header.content-type", "Content-Type"},
		{"http.request.header.content-length", "Content-Length"}, {"http.request.header.accept", "Accept"},
		{"http.request.header.accept-encoding", "Accept-Encoding"},
	} {
		if v := http.Header(r.raw.h).Get(h.header); v != "" {
			s.exchange.Set(h.attribute, v)
		}
	}
	return s
}

// leaves notes the body of the request.
func (s *spans) leaves(req *event.Request) {
	if s == nil || req.Body.IsNull() {
		return
	}
	if n := req.Body.Size(); n >= 0 {
		s.exchange.Set("http.request.body.size", n)
	}
}

// answered notes the response.
func (s *spans) answered(resp *event.Response) {
	if s == nil || resp.Status == http.StatusSwitchingProtocols {
		return
	}
	s.exchange.Set("http.response.status_code", int64(resp.Status))
	if n := resp.Body.Size(); n >= 0 {
		s.exchange.Set("http.response.body.size", n)
	}
	if ray := resp.Header.Get("Cf-Ray"); ray != "" {
		s.exchange.Set("cloudflare.ray_id", ray)
	}
}

// parent is the span below which the service works.
func (s *spans) parent() *trace.Span {
	if s == nil {
		return nil
	}
	if s.actor != nil {
		return s.actor
	}
	return s.exchange
}

// end ends the spans when the promise is settled.
func (s *spans) end(js *isolate.JS, p goja.Value) goja.Value {
	if s == nil {
		return p
	}
	return iocontext.EndWith(js, s.actor, iocontext.EndWith(js, s.exchange, p))
}

// fail ends the spans of a request that did not leave.
func (s *spans) fail() {
	if s != nil {
		s.exchange.End()
		s.actor.End()
	}
}
