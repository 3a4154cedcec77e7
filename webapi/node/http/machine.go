package http

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/outbound"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/node/sockets"
)

// network is the connections of requests of node:https with the same options.
type network struct {
	*outbound.Network
	handle *glue.Handle
}

// Close closes those that are idle.
func (n *network) Close() {
	n.Network.Close()
	n.handle.Close()
}

var networkClass = &bind.Class[network]{
	Name:    "HTTPSNetwork",
	Methods: map[string]bind.Method[network]{"close": func(n *network, _ *bind.Call) (any, error) { n.Close(); return nil, nil }},
}

// mostSessions is how many sessions of TLS an agent may keep, whatever it asks for.
const mostSessions = 1000

func onMachine(c *bind.Call) (any, error) { return glue.MachineOf(c.JS()) != nil, nil }

// agentNatives are what js/_http_agent.js gets.
var agentNatives = map[string]bind.Static{"machine": onMachine}

// wireNatives are what js/internal/http_sockets.js gets: response(method, maxHeaderSize) parses
// the answers to a request.
var wireNatives = map[string]bind.Static{
	"response": func(c *bind.Call) (any, error) {
		most := min(c.Arg(1).ToInteger(), math.MaxInt32)
		if most <= 0 {
			most = mostHead
		}
		return responseClass.Wrap(c.JS(), newResponse(c.Arg(0).String(), int(most))), nil
	},
}

// clientNatives are what js/_http_client.js gets.
var clientNatives = map[string]bind.Static{
	"machine": onMachine,
	// network(secrets, servername, trusts, sessions): trusts(session) says whether a server is to be
	// trusted. A servername of undefined is that of each request; sessions is how many are kept to be resumed.
	"network": func(c *bind.Call) (any, error) {
		js := c.JS()
		everywhere, err := outbound.NewPolicy([]string{"public", "private", "local"}, nil)
		if err != nil {
			return nil, err
		}
		secrets := sockets.SecretsOf(js, c.Arg(0))
		cfg := secrets.Config(false)
		if name, ok := c.Arg(1).(goja.String); ok {
			cfg.ServerName = name.String()
		}
		if most := min(c.Arg(3).ToInteger(), mostSessions); most > 0 {
			cfg.ClientSessionCache = tls.NewLRUClientSessionCache(int(most))
		}
		n := &network{}
		if n.handle, err = glue.NewHandle(js, func() { n.Network.Close() }); err != nil {
			return nil, err
		}
		n.handle.Unref()
		secrets.Verify(cfg, n.handle, c.Arg(2), nil)
		n.Network = outbound.NewNetwork(everywhere, cfg, nil, js.Bounds())
		return networkClass.Wrap(js, n), nil
	},
	// exchange(url, init, network) is fetch() with node's errors.
	"exchange": func(c *bind.Call) (any, error) {
		js := c.JS()
		svc := fetch.Outbound(js)
		if n, ok := networkClass.Unwrap(js, c.Arg(2)); ok {
			svc = n
		}
		host, port := "", 0
		if u, err := url.Parse(c.Arg(0).String()); err == nil {
			if host = u.Hostname(); u.Port() != "" {
				port, _ = strconv.Atoi(u.Port())
			} else if port = 80; u.Scheme == "https" {
				port = 443
			}
		}
		return fetch.Dispatch(c, svc, c.Arg(0), c.Arg(1), fetch.DispatchOptions{Error: func(err error) error { return glue.Thrown(js, failure(err, host, port)) }})
	},
}

// failure is why an exchange failed, as node tells of it; what is not known to node stays.
func failure(err error, host string, port int) error {
	var own *exception.Exception
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled), errors.As(err, &own) && own.Internal == nil:
		return err
	case errors.As(err, &dns), errors.As(err, &op) && op.Op == "dial":
		if op != nil {
			if a, ok := op.Addr.(*net.TCPAddr); ok && a != nil {
				host = a.IP.String()
			}
		}
		return sockets.Failed(err, "connect", host, port, "")
	case strings.Contains(err.Error(), "malformed HTTP"), own != nil && own.Internal != nil && strings.Contains(own.Internal.Error(), "malformed HTTP"):
		return &glue.SystemError{Code: "HPE_INVALID_CONSTANT", Bare: true, Text: "Parse Error: Expected HTTP/"}
	case sockets.Gone(err), errors.Is(err, syscall.ECONNABORTED):
		return &glue.SystemError{Code: "ECONNRESET", Bare: true, Text: "socket hang up"}
	}
	if own != nil {
		err = own.Internal
	}
	var known *glue.SystemError
	if t := sockets.Problem(err, "write"); errors.As(t, &known) {
		return t
	}
	if own != nil {
		return own
	}
	return err
}

// secure is the configuration of a server of TLS, as options say: {context, request,
// reject, hello, trusts, failed}.
func (l *listener) secure(js *isolate.JS, o sockets.Options) *tls.Config {
	secrets, trusts := sockets.SecretsOf(js, o.Get("context")), o.Function("trusts")
	l.failed = o.Function("failed")
	return sockets.ServerConfig(js, l.handle, secrets, []string{"http/1.1"}, o, func(client net.Addr, s *sockets.Session) error {
		l.mu.Lock()
		l.sessions[client.String()] = s
		l.mu.Unlock()
		if trusts == nil {
			return nil
		}
		return sockets.Trusted(l.handle, trusts, s)
	})
}

// session is that of a client's address; nil for a connection without TLS.
func (l *listener) session(client string) *sockets.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[client]
}

// sessionValue is what scripts get of session; undefined for a connection without TLS.
func (l *listener) sessionValue(js *isolate.JS, client string) goja.Value {
	if s := l.session(client); s != nil {
		return sockets.SessionClass.Wrap(js, s)
	}
	return goja.Undefined()
}

// remembering is a listener whose connections forget their sessions as they are closed.
type remembering struct {
	net.Listener
	l *listener
}

// Accept is net.Listener's.
func (r remembering) Accept() (net.Conn, error) {
	c, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &remembered{Conn: c, l: r.l}, nil
}

type remembered struct {
	net.Conn
	l    *listener
	once sync.Once
}

// Unwrap is the connection of the system.
func (r *remembered) Unwrap() net.Conn { return r.Conn }

// Close is net.Conn's.
func (r *remembered) Close() error {
	r.once.Do(func() {
		r.l.mu.Lock()
		delete(r.l.sessions, r.RemoteAddr().String())
		r.l.mu.Unlock()
	})
	return r.Conn.Close()
}

// handshakes is a log in which net/http tells of handshakes that failed: these are events
// of the server.
type handshakes struct {
	slog.Handler
	l *listener
}

const handshakePrefix = "http: TLS handshake error from "

// Handle is slog.Handler's.
func (h handshakes) Handle(ctx context.Context, r slog.Record) error {
	rest, ok := strings.CutPrefix(r.Message, handshakePrefix)
	if !ok {
		return h.Handler.Handle(ctx, r)
	}
	_, text, _ := strings.Cut(rest, ": ")
	var err error = &glue.SystemError{Code: "ECONNRESET", Bare: true, Text: "socket hang up"}
	switch {
	case strings.Contains(text, "client sent an HTTP request to an HTTPS server"):
		err = sockets.Problem(tls.RecordHeaderError{RecordHeader: [5]byte{'G', 'E', 'T', ' ', '/'}}, "read")
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		err = sockets.Problem(tls.RecordHeaderError{}, "read")
	case text != "EOF" && !strings.Contains(text, "connection reset") && !strings.Contains(text, "closed network connection"):
		err = sockets.Problem(errors.New(text), "read")
	}
	if h.l.failed != nil {
		h.l.handle.Post(func(js *isolate.JS) { glue.Tell(js, h.l.failed, glue.Failure(js, err)) })
	}
	return nil
}

var _ event.Service = (*network)(nil)
