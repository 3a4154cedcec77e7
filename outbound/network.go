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
	"time"

	"workerd.local/event"
	"workerd.local/exception"
)

// Timeouts of outbound connections. There is no limit on how long an answer takes:
// the caller's context decides.
const (
	dialTimeout = 30 * time.Second
	idleTimeout = 90 * time.Second
)

// Network connects to whatever a request's URL names, as far as its policy allows.
type Network struct{ transport *http.Transport }

var _ event.Service = (*Network)(nil)

// NewNetwork returns the service; tlsConfig may be nil.
func NewNetwork(p Policy, tlsConfig *tls.Config) *Network {
	d := &net.Dialer{
		Timeout: dialTimeout,
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
	return &Network{newTransport(d.DialContext, tlsConfig)}
}

var errForbidden = errors.New("the configuration does not allow connections to this address")

func newTransport(dial func(ctx context.Context, network, addr string) (net.Conn, error), tlsConfig *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     tlsConfig,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     idleTimeout,
		TLSHandshakeTimeout: dialTimeout,
	}
}

// Fetch is event.Service's.
func (n *Network) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	u, err := url.Parse(req.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		req.Body.Close()
		return nil, exception.TypeErrorf("Fetch API cannot load: %s", req.URL)
	}
	return exchange(ctx, n.transport, u, req, nil)
}

// Deliver is event.Service's; a network takes no events.
func (n *Network) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// Close drops the connections that are idle.
func (n *Network) Close() { n.transport.CloseIdleConnections() }

// exchange makes one HTTP exchange.
func exchange(ctx context.Context, rt http.RoundTripper, u *url.URL, req *event.Request, edit func(*http.Request)) (*event.Response, error) {
	out := &http.Request{Method: req.Method, URL: u, Header: req.Header, Host: req.Header.Get("Host"), ProtoMajor: 1, ProtoMinor: 1}
	if out.Header == nil {
		out.Header = http.Header{}
	}
	if out.Host == "" {
		out.Host = u.Host
	}
	out.Header.Del("Host")
	for _, h := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Content-Length"} {
		out.Header.Del(h)
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = []string{""} // net/http would add its own
	}
	if !req.Body.IsNull() {
		out.ContentLength = req.Body.Size()
		out.Body = req.Body.Reader()
		if out.ContentLength == 0 {
			out.Body.Close()
			out.Body = http.NoBody
		}
	}
	if edit != nil {
		edit(out)
	}
	resp, err := rt.RoundTrip(out.WithContext(ctx))
	if err != nil {
		return nil, lost(err)
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

func reason(resp *http.Response) string {
	_, text, _ := strings.Cut(resp.Status, " ")
	return text
}

// lost is what a script sees of a connection that failed; the cause is for the log.
func lost(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, errForbidden) {
		return exception.Errorf("Connection refused: the network of this worker does not allow the address.").WithCause(err)
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
