// Package httpserver is the way from sockets to a service and back: request,
// response, and what a hostile or careless client may do in between.
//
// A Server takes one socket of a configuration. It knows nothing of JavaScript or
// actors: what it serves is an event.Service, which can be replaced while it runs.
//
// # Concurrency
//
// Everything may be called from any goroutine. Requests run on the goroutines of
// net/http, one per connection (one per stream with HTTP/2).
package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/websocket"
)

// Limits bound what a client may do; zero fields take the default given with them.
type Limits struct {
	// HeaderBytes is the size of a request's line and headers: 64 KiB.
	HeaderBytes int
	// HeaderTimeout is how long they may take to arrive: 10 s.
	HeaderTimeout time.Duration
	// BodyIdle is how long a body may stand still, in either direction: 60 s.
	BodyIdle time.Duration
	// Idle is how long a connection may stay open between requests: 120 s.
	Idle time.Duration
	// Bounds are the numbers of what has no field here; nil means those of the table.
	Bounds *limits.Set
}

// DefaultLimits are the limits of a server that sets none.
var DefaultLimits = Limits{HeaderBytes: 64 << 10, HeaderTimeout: 10 * time.Second, BodyIdle: 60 * time.Second, Idle: 120 * time.Second}

func (l Limits) withDefaults() Limits {
	if l.HeaderBytes == 0 {
		l.HeaderBytes = DefaultLimits.HeaderBytes
	}
	if l.HeaderTimeout == 0 {
		l.HeaderTimeout = DefaultLimits.HeaderTimeout
	}
	if l.BodyIdle == 0 {
		l.BodyIdle = DefaultLimits.BodyIdle
	}
	if l.Idle == 0 {
		l.Idle = DefaultLimits.Idle
	}
	return l
}

// Options configure a Server.
type Options struct {
	// Name is the socket's name.
	Name string
	// TLS makes it an HTTPS socket.
	TLS *tls.Config
	// Proxy says that clients send whole URLs in the request line.
	Proxy bool
	// ForwardedProto is the header that carries the original scheme; "" for none.
	ForwardedProto string
	// CF is the header that carries request.cf as JSON; "" for none: then it tells the client's address.
	CF string
	// RequestHeaders and ResponseHeaders are set on what passes by.
	RequestHeaders, ResponseHeaders []event.HeaderRule
	// Health is the path of the health check, such as "/healthz"; "" for none.
	Health string
	// WebSockets has the connections that become WebSockets; nil means that none may.
	WebSockets *websocket.Set
	Limits     Limits
	// Log receives what no client could be told; nil means slog.Default.
	Log *slog.Logger
}

// Server serves one socket.
type Server struct {
	o        Options
	target   atomic.Pointer[Target]
	srv      *http.Server
	draining atomic.Bool

	mu    sync.Mutex // guards what follows
	doors []*door
}

// Target is where requests go. It is immutable; Set replaces it as a whole.
type Target struct {
	// Routes are tried in the order of how specific they are.
	Routes Routes
	// Default takes what no route matches; nil means 404.
	Default event.Service
}

// Pick is the service of a request for a host (with or without a port) and a path;
// nil where nothing takes it.
func (t Target) Pick(host, path string) event.Service {
	if len(t.Routes) > 0 {
		if svc := t.Routes.Match(host, path); svc != nil {
			return svc
		}
	}
	return t.Default
}

// New returns a server that listens nowhere yet.
func New(o Options, t Target) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Limits = o.Limits.withDefaults()
	s := &Server{o: o}
	s.Set(t)
	own := chi.NewRouter()
	if o.Health != "" {
		own.Get(o.Health, s.health)
		own.Head(o.Health, s.health)
	}
	own.NotFound(s.serve)
	own.MethodNotAllowed(s.serve)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(o.TLS == nil || fitsHTTP2(o.TLS))
	protocols.SetUnencryptedHTTP2(o.TLS == nil)
	s.srv = &http.Server{
		Handler:           s.handler(own),
		TLSConfig:         o.TLS,
		ReadHeaderTimeout: o.Limits.HeaderTimeout,
		IdleTimeout:       o.Limits.Idle,
		MaxHeaderBytes:    o.Limits.HeaderBytes,
		Protocols:         protocols,
		ConnContext:       connContext,
		// "OPTIONS *" is for the service.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s
}

// Set replaces the target: requests that have begun end where they began.
func (s *Server) Set(t Target) { s.target.Store(&t) }

// Handler is the server as a handler, for programs that listen themselves.
func (s *Server) Handler() http.Handler { return s.srv.Handler }

// handler sends the paths that the server itself answers to its own routes, and
// everything else straight to the service: the detour would cost every request.
func (s *Server) handler(own http.Handler) http.Handler {
	if s.o.Health == "" {
		return http.HandlerFunc(s.serve)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == s.o.Health {
			own.ServeHTTP(w, r)
		} else {
			s.serve(w, r)
		}
	})
}

// health says whether the server takes requests.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if s.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		w.Write([]byte("draining\n"))
		return
	}
	w.Write([]byte("ok\n"))
}

// fitsHTTP2 reports whether a choice of cipher suites has what HTTP/2 cannot be without
// (RFC 9113, "Use of TLS Features"); net/http refuses to serve it otherwise.
func fitsHTTP2(t *tls.Config) bool {
	return t.CipherSuites == nil || t.MinVersion >= tls.VersionTLS13 ||
		slices.Contains(t.CipherSuites, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) ||
		slices.Contains(t.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
}

// Serve accepts connections until Shutdown or Close, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	l = &listener{l, s.o.Limits.BodyIdle, limits.SocketWrite.In(s.o.Limits.Bounds)}
	var err error
	switch {
	case s.o.TLS != nil:
		err = s.srv.ServeTLS(l, "", "")
	case s.o.WebSockets != nil && !s.o.Proxy:
		d := newDoor(s, l)
		s.mu.Lock()
		late := s.draining.Load()
		s.doors = append(s.doors, d)
		s.mu.Unlock()
		if late { // Shutdown came first, and has not seen the door
			_ = d.shut(context.Background()) // nobody is behind it
		}
		if err = d.serve(); s.draining.Load() {
			d.serving.Wait()
			return nil
		}
	default:
		err = s.srv.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops accepting, closes idle connections, and waits for the requests
// that have begun, or for ctx: then the connections that are left are cut. WebSockets
// get a close frame with the code 1001 once no request can open another one.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	doors := s.doors
	s.mu.Unlock()
	var err error
	for _, d := range doors {
		err = errors.Join(err, d.shut(ctx))
	}
	if err = errors.Join(err, s.srv.Shutdown(ctx)); err != nil {
		err = errors.Join(err, s.srv.Close())
	}
	for _, d := range doors {
		d.serving.Wait()
	}
	if s.o.WebSockets != nil {
		s.o.WebSockets.GoAway(ctx, s)
	}
	return err
}

// Retire is Shutdown for a server whose listener has been closed, because another one
// has taken over its address. Shutdown drops what was accepted but not yet read; this
// serves it first. When ctx ends the connections that are left are cut.
func (s *Server) Retire(ctx context.Context) error {
	s.srv.SetKeepAlivesEnabled(false)
	select {
	case <-time.After(limits.ReloadGrace.In(s.o.Limits.Bounds)):
	case <-ctx.Done():
	}
	return s.Shutdown(ctx)
}
