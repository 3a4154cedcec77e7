package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/websocket"
)

// ExternalOptions configure a server at a fixed address.
type ExternalOptions struct {
	// Address is "host:port", "host", "unix:/path" or "unix-abstract:name".
	Address string
	// TLS makes it HTTPS.
	TLS *tls.Config
	// Proxy sends whole URLs in the request line.
	Proxy bool
	// ForwardedProto is the header that tells the original scheme; "" for none.
	ForwardedProto string
	// CF is the header that carries request.cf; "" for none.
	CF                              string
	RequestHeaders, ResponseHeaders []event.HeaderRule
	// WebSockets has the connections that become WebSockets; nil means that none may.
	WebSockets *websocket.Set
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
}

// External sends every request to one server.
type External struct {
	o         ExternalOptions
	transport *http.Transport
}

var _ event.Service = (*External)(nil)

// NewExternal returns the service. It connects when the first request comes. The
// certificate must be that of TLS.ServerName, or of the address where that is empty.
func NewExternal(o ExternalOptions) *External {
	d := &net.Dialer{Timeout: limits.FetchConnect.In(o.Bounds)}
	network, addr, host := target(o.Address, o.TLS != nil)
	t := o.TLS
	if t != nil && t.ServerName == "" && network == "tcp" {
		t = t.Clone()
		t.ServerName = host
	}
	// HTTP/2 has no request line to put a whole URL in.
	return &External{o, newTransport(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, addr)
	}, t, !o.Proxy, o.Bounds)}
}

// target splits an address into what net.Dial takes, and its host.
func target(address string, tls bool) (network, addr, host string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", path, ""
	}
	if name, ok := strings.CutPrefix(address, "unix-abstract:"); ok {
		return "unix", "@" + name, ""
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		return "tcp", address, host
	}
	port := "80"
	if tls {
		port = "443"
	}
	host = strings.Trim(address, "[]")
	return "tcp", net.JoinHostPort(host, port), host
}

// Fetch is event.Service's.
func (e *External) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	u, err := url.Parse(req.URL)
	if err != nil || u.Host == "" {
		req.Body.Close()
		return nil, exception.TypeErrorf("Fetch API cannot load: %s", req.URL)
	}
	host := req.Header.Get("Host")
	if req.WantsWebSocket() {
		return e.webSocket(ctx, u, req, host)
	}
	resp, err := exchange(ctx, e.transport, e.onWire(u), req, func(out *http.Request) { e.edit(out, req, u, host) })
	if err != nil {
		return nil, err
	}
	event.ApplyHeaders(resp.Header, e.o.ResponseHeaders)
	return resp, nil
}

// onWire is the URL that net/http is given: its scheme decides about TLS, and
// Opaque is what a proxy finds in the request line.
func (e *External) onWire(u *url.URL) *url.URL {
	w := *u
	w.User, w.Fragment = nil, ""
	if e.o.Proxy {
		whole := w
		whole.RawQuery, whole.ForceQuery = "", false
		if whole.Path == "" {
			whole.Path = "/"
		}
		w.Opaque = whole.String()
	}
	w.Scheme = "http"
	if e.o.TLS != nil {
		w.Scheme = "https"
	}
	return &w
}

// edit makes what the configuration says of a request; host is its Host header,
// which only a proxy is told.
func (e *External) edit(out *http.Request, req *event.Request, u *url.URL, host string) {
	if e.o.Proxy && host != "" {
		out.Host = host
	}
	if e.o.ForwardedProto != "" {
		out.Header.Set(e.o.ForwardedProto, u.Scheme)
	}
	if e.o.CF != "" {
		if req.CF != nil {
			out.Header.Set(e.o.CF, string(req.CF))
		} else {
			out.Header.Del(e.o.CF)
		}
	}
	event.ApplyHeaders(out.Header, e.o.RequestHeaders)
	if v := out.Header.Get("Host"); v != "" {
		out.Host = v
		out.Header.Del("Host")
	}
}

// Deliver is event.Service's; a server elsewhere takes no events.
func (e *External) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// Close drops the connections that are idle.
func (e *External) Close() { e.transport.CloseIdleConnections() }
