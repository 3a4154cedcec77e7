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
}

// External sends every request to one server.
type External struct {
	o         ExternalOptions
	transport *http.Transport
}

var _ event.Service = (*External)(nil)

// NewExternal returns the service. It connects when the first request comes.
func NewExternal(o ExternalOptions) *External {
	d := &net.Dialer{Timeout: dialTimeout}
	network, addr := "tcp", o.Address
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, addr = "unix", path
	} else if name, ok := strings.CutPrefix(addr, "unix-abstract:"); ok {
		network, addr = "unix", "@"+name
	} else if _, _, err := net.SplitHostPort(addr); err != nil {
		port := "80"
		if o.TLS != nil {
			port = "443"
		}
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), port)
	}
	t := newTransport(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, addr)
	}, o.TLS)
	if o.Proxy {
		// A proxy without TLS towards the target gets the whole URL.
		t.Proxy = func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: "proxy"}, nil }
	}
	return &External{o, t}
}

// Fetch is event.Service's.
func (e *External) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	u, err := url.Parse(req.URL)
	if err != nil || u.Host == "" {
		req.Body.Close()
		return nil, exception.TypeErrorf("Fetch API cannot load: %s", req.URL)
	}
	scheme := u.Scheme
	u.Scheme = "http"
	if e.o.TLS != nil {
		u.Scheme = "https"
	}
	resp, err := exchange(ctx, e.transport, u, req, func(out *http.Request) {
		if e.o.ForwardedProto != "" {
			out.Header.Set(e.o.ForwardedProto, scheme)
		}
		if e.o.CF != "" {
			if req.CF != nil {
				out.Header.Set(e.o.CF, string(req.CF))
			} else {
				out.Header.Del(e.o.CF)
			}
		}
		event.ApplyHeaders(out.Header, e.o.RequestHeaders)
	})
	if err != nil {
		return nil, err
	}
	event.ApplyHeaders(resp.Header, e.o.ResponseHeaders)
	return resp, nil
}

// Deliver is event.Service's; a server elsewhere takes no events.
func (e *External) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// Close drops the connections that are idle.
func (e *External) Close() { e.transport.CloseIdleConnections() }
