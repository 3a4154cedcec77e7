package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/websocket"
)

// Network connects to whatever a request's URL names, as far as its policy allows.
type Network struct {
	transport *http.Transport
	dialer    *net.Dialer
	tls       *tls.Config
	sockets   *websocket.Set
	bounds    *limits.Set
}

var _ event.Service = (*Network)(nil)

// NewNetwork returns the service; tlsConfig and bounds may be nil, and sockets, without
// which it opens no WebSockets. There is no limit on how long an answer takes: the
// caller's context decides.
func NewNetwork(p Policy, tlsConfig *tls.Config, sockets *websocket.Set, bounds *limits.Set) *Network {
	d := &net.Dialer{
		Timeout: limits.FetchConnect.In(bounds),
		// Control sees the address after the name was resolved, so that a name cannot
		// lead around the policy.
		Control: func(network, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("address %s: %w", address, err)
			}
			if !p.Allows(ap.Addr()) {
				return fmt.Errorf("%w: %s", errForbidden, ap.Addr())
			}
			return nil
		},
	}
	return &Network{newTransport(d.DialContext, tlsConfig, true, bounds), d, tlsConfig, sockets, bounds}
}

var errForbidden = errors.New("the configuration does not allow connections to this address")

func newTransport(dial func(ctx context.Context, network, addr string) (net.Conn, error), tlsConfig *tls.Config, http2 bool, bounds *limits.Set) *http.Transport {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(http2)
	ping := limits.FetchPing.In(bounds)
	return &http.Transport{
		DialContext:     dial,
		TLSClientConfig: tlsConfig,
		Protocols:       p,
		// A connection that died without a word is found by a ping.
		HTTP2: &http.HTTP2Config{SendPingTimeout: ping, PingTimeout: ping},
		// Bodies and their headers stay as they are: decoding is for whoever reads.
		DisableCompression:     true,
		MaxIdleConns:           limits.FetchKept.In(bounds),
		MaxIdleConnsPerHost:    limits.FetchKeptHost.In(bounds),
		MaxResponseHeaderBytes: limits.FetchHeaders.Bytes(bounds),
		IdleConnTimeout:        limits.FetchKeptTime.In(bounds),
		TLSHandshakeTimeout:    limits.FetchConnect.In(bounds),
	}
}

// Fetch is event.Service's.
func (n *Network) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	u, err := url.Parse(req.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		req.Body.Close()
		return nil, exception.TypeErrorf("Fetch API cannot load: %s", req.URL)
	}
	u.User, u.Fragment = nil, ""
	if req.WantsWebSocket() {
		return n.webSocket(ctx, u, req)
	}
	return exchange(ctx, n.transport, u, req, nil)
}

// Deliver is event.Service's; a network takes no events.
func (n *Network) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// Close drops the connections that are idle.
func (n *Network) Close() { n.transport.CloseIdleConnections() }

// exchange makes one HTTP exchange. The Host header is that of u; edit, which may
// be nil, has the last word.
func exchange(ctx context.Context, rt http.RoundTripper, u *url.URL, req *event.Request, edit func(*http.Request)) (*event.Response, error) {
	h := req.Header
	if h == nil {
		h = http.Header{}
	}
	out := (&http.Request{Method: req.Method, URL: asWritten(u, req.URL), Header: h, Host: u.Host}).WithContext(ctx)
	for _, name := range ofConnection {
		delete(h, name)
	}
	addBody(out, req.Body)
	if edit != nil {
		edit(out)
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = []string{""} // net/http would add its own
	}
	resp, err := rt.RoundTrip(out)
	if err != nil {
		return nil, lost(err)
	}
	if resp.StatusCode < 200 {
		resp.Body.Close()
		return nil, lost(fmt.Errorf("the server answered with status %d", resp.StatusCode))
	}
	r := &event.Response{
		Status: resp.StatusCode, StatusText: reason(resp), Header: resp.Header, URL: req.URL,
		Body: event.StreamBody(body{resp.Body}, resp.ContentLength), Encoded: true,
	}
	if req.Method == http.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified {
		resp.Body.Close()
		r.Body = event.NoBody
	}
	return r, nil
}

// asWritten is u, which was read from text, with the path as text has it: net/http
// escapes more than a URL must.
func asWritten(u *url.URL, text string) *url.URL {
	if u.Opaque != "" {
		return u
	}
	_, rest, _ := strings.Cut(text, "://")
	i := strings.IndexByte(rest, '/')
	if i < 0 {
		return u
	}
	path := rest[i:]
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	// What begins with two slashes would be taken for an authority.
	if strings.HasPrefix(path, "//") || path == u.EscapedPath() {
		return u
	}
	w := *u
	w.Opaque = path
	return &w
}

// ofConnection are headers of one connection, which net/http makes itself, as
// workerd does.
var ofConnection = []string{"Host", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"}

// addBody gives a request its body. One whose bytes are there can be sent again
// where a kept connection turns out to be closed.
func addBody(out *http.Request, b event.Body) {
	n := b.Size()
	if (b.IsNull() || n == 0) && out.Method != http.MethodGet && out.Method != http.MethodHead {
		// So that the length is said: of most methods net/http leaves it out.
		out.TransferEncoding, out.Body = []string{"identity"}, http.NoBody
	}
	switch {
	case b.IsNull():
	case b.Stream != nil && n != 0:
		out.Body, out.ContentLength = b.Stream, n
	case n == 0:
		b.Close()
		out.Body = http.NoBody
	default:
		out.ContentLength = n
		out.GetBody = func() (io.ReadCloser, error) { return b.Reader(), nil }
		out.Body = b.Reader()
	}
}

func reason(resp *http.Response) string {
	_, text, _ := strings.Cut(resp.Status, " ")
	return text
}

// lost is what a script sees of an exchange that failed. What its own body threw it
// gets back; an address that is wrong by configuration, by name or by certificate is
// an internal error (as in workerd), and only what may pass is worth another try.
func lost(err error) error {
	var e *exception.Exception
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errForbidden):
		return exception.Errorf("Connection refused: the network of this worker does not allow the address.").WithCause(err)
	case errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &cert):
		return err
	}
	return exception.Errorf("Network connection lost.").WithKind(exception.Disconnected).WithCause(err)
}

// body is a response's body whose errors scripts may see.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = lost(err)
	}
	return n, err
}
