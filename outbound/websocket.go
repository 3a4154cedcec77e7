package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/websocket"
)

// sockets is how a service opens WebSockets. Each has a connection of its own, made for
// it: net/http's would keep its buffers.
type sockets struct {
	set    *websocket.Set // nil: none can be opened
	dial   func(ctx context.Context) (net.Conn, error)
	tls    *tls.Config // nil where the connection is not encrypted
	bounds *limits.Set
}

var errNoWebSockets = errors.New("this server opens no WebSockets")

// open makes the exchange of a request for a WebSocket; u, req and edit are those of exchange.
func (s sockets) open(ctx context.Context, u *url.URL, req *event.Request, edit func(*http.Request)) (*event.Response, error) {
	_ = req.Body.Close() // the request is a GET
	if s.set == nil {
		return nil, errNoWebSockets
	}
	h := req.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	for _, name := range ofConnection {
		delete(h, name)
	}
	out := (&http.Request{Method: http.MethodGet, URL: u, Header: h, Host: u.Host}).WithContext(ctx)
	if edit != nil {
		edit(out)
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = []string{""}
	}
	nc, err := s.dial(ctx)
	if err != nil {
		return nil, lost(err)
	}
	if s.tls != nil {
		t := tls.Client(nc, s.tls)
		timed, cancel := context.WithTimeout(ctx, limits.FetchConnect.In(s.bounds))
		err := t.HandshakeContext(timed)
		cancel()
		if err != nil {
			nc.Close()
			return nil, lost(err)
		}
		nc = t
	}
	c, resp, err := s.set.Dial(ctx, nc, out, limits.FetchHeaders.Bytes(s.bounds))
	switch {
	case err != nil:
		return nil, lost(err)
	case c == nil && resp.StatusCode < 200:
		resp.Body.Close()
		return nil, lost(errors.New(resp.Status))
	}
	r := &event.Response{Status: resp.StatusCode, StatusText: reason(resp), Header: resp.Header, URL: req.URL, Encoded: true}
	if c == nil {
		r.Body = event.StreamBody(body{resp.Body}, resp.ContentLength)
		return r, nil
	}
	r.WebSocket = c
	return r, nil
}

// withPort is the address of a URL's server.
func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		if port = "80"; u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// clientTLS is a configuration for connections that become WebSockets, which HTTP/2 does not.
func clientTLS(c *tls.Config, host string) *tls.Config {
	if c = c.Clone(); c == nil {
		c = &tls.Config{}
	}
	c.NextProtos = []string{"http/1.1"}
	if c.ServerName == "" {
		c.ServerName = strings.TrimSuffix(host, ".")
	}
	return c
}

// webSocket opens one on the network.
func (n *Network) webSocket(ctx context.Context, u *url.URL, req *event.Request) (*event.Response, error) {
	s := sockets{set: n.sockets, bounds: n.bounds, dial: func(ctx context.Context) (net.Conn, error) {
		return n.dialer.DialContext(ctx, "tcp", withPort(u))
	}}
	if u.Scheme == "https" {
		s.tls = clientTLS(n.tls, u.Hostname())
	}
	return s.open(ctx, u, req, nil)
}

// webSocket opens one to the server.
func (e *External) webSocket(ctx context.Context, u *url.URL, req *event.Request, host string) (*event.Response, error) {
	network, addr, name := target(e.o.Address, e.o.TLS != nil)
	d := &net.Dialer{Timeout: limits.FetchConnect.In(e.o.Bounds), KeepAlive: 15 * time.Second}
	s := sockets{set: e.o.WebSockets, bounds: e.o.Bounds, dial: func(ctx context.Context) (net.Conn, error) {
		return d.DialContext(ctx, network, addr)
	}}
	if e.o.TLS != nil {
		if name == "" {
			name = u.Hostname()
		}
		s.tls = clientTLS(e.o.TLS, name)
	}
	resp, err := s.open(ctx, e.onWire(u), req, func(out *http.Request) { e.edit(out, req, u, host) })
	if err == nil {
		event.ApplyHeaders(resp.Header, e.o.ResponseHeaders)
	}
	return resp, err
}
