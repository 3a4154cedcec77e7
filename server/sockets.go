package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"

	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/httpserver"
	"workerd.local/internal/limits"
	"workerd.local/supervise"
)

// socket is one listening address.
type socket struct {
	cfg *config.Socket
	srv acceptor
	l   net.Listener
}

func (k *socket) close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // at once
	if err := k.srv.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Listening says where a socket listens.
type Listening struct {
	// Name is the socket's name in the configuration.
	Name string
	// URL is http://host:port, https://host:port, tcp://host:port or unix:path.
	URL  string
	Addr net.Addr
}

// Start opens the sockets of the configuration and serves them in the background.
// Where one of them cannot be opened, none stays open.
func (s *Server) Start() ([]Listening, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened, err := s.open(s.turn.now(), s.cfg)
	if err != nil {
		return nil, err
	}
	var list []Listening
	for _, k := range opened {
		list = append(list, Listening{Name: k.cfg.Name, URL: address(k), Addr: k.l.Addr()})
	}
	s.sockets = append(s.sockets, opened...)
	if err := s.keep(); err != nil {
		for _, k := range opened {
			err = errors.Join(err, k.l.Close())
		}
		s.sockets = slices.DeleteFunc(s.sockets, func(k *socket) bool { return slices.Contains(opened, k) })
		return nil, err
	}
	s.serve(opened)
	return list, nil
}

// serve serves sockets in the background until they are shut down.
func (s *Server) serve(sockets []*socket) {
	for _, k := range sockets {
		s.bg.Go(func() {
			if err := k.srv.Serve(k.l); err != nil && !errors.Is(err, net.ErrClosed) {
				s.log.Error("socket failed", "socket", k.cfg.Name, "error", err)
			}
		})
	}
}

func address(k *socket) string {
	a := k.l.Addr()
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	if k.cfg.Kind == config.SocketTCP {
		return "tcp://" + a.String()
	}
	if k.cfg.Kind == config.SocketHTTPS {
		return "https://" + a.String()
	}
	return "http://" + a.String()
}

// Sockets are listening sockets that outlive the server, such as those of a process that
// supervises this one (supervise.Child).
type Sockets interface {
	// Take returns a listening socket for an address (httpserver.Address, or "fd:" with a
	// number), or nil. It is the server's from there on.
	Take(name, address string) net.Listener
	// Keep is told all sockets that listen, each time that they change.
	Keep(open []supervise.Socket) error
}

// keep tells Options.Sockets what listens now. The caller holds s.mu.
func (s *Server) keep() error {
	if s.o.Sockets == nil {
		return nil
	}
	var open []supervise.Socket
	for _, k := range s.sockets {
		if k.l != nil {
			open = append(open, supervise.Socket{Name: k.cfg.Name, Address: socketAddress(k.cfg), Listener: k.l})
		}
	}
	return s.o.Sockets.Keep(open)
}

// socketAddress names what a socket listens on, in the same way after a restart.
func socketAddress(c *config.Socket) string {
	if c.FD != nil {
		return fmt.Sprintf("fd:%d", *c.FD)
	}
	return httpserver.Address(c.Address.Value, defaultPort(c))
}

func defaultPort(c *config.Socket) int {
	if c.Kind == config.SocketHTTPS {
		return 443
	}
	return 80
}

func listen(c *config.Socket) (net.Listener, error) {
	if c.FD != nil {
		f := os.NewFile(uintptr(*c.FD), "socket "+c.Name)
		if f == nil {
			return nil, fmt.Errorf("file descriptor %d is not open", *c.FD)
		}
		defer f.Close()
		l, err := net.FileListener(f)
		if err != nil {
			return nil, fmt.Errorf("file descriptor %d is no listening socket: %w", *c.FD, err)
		}
		return l, nil
	}
	return httpserver.Listen(c.Address.Value, defaultPort(c))
}

func (s *Server) newSocket(c *config.Socket) (*socket, error) {
	if c.Kind == config.SocketTCP {
		t, err := newTCPServer(c, &front{s: s, socket: c.Name}, s.log, s.o.Limits.Bounds)
		if err != nil {
			return nil, &config.Error{Pos: c.Pos, Msg: fmt.Sprintf("socket %q: %s", c.Name, err)}
		}
		return &socket{cfg: c, srv: t}, nil
	}
	o := httpserver.Options{
		Name: c.Name, Proxy: c.HTTP.Style == config.StyleProxy, ForwardedProto: c.HTTP.ForwardedProtoHeader, CF: c.HTTP.CfBlobHeader,
		Health: s.o.Health, Log: s.log, WebSockets: s.webSockets,
		Limits: httpserver.Limits{HeaderBytes: s.o.HTTP.HeaderBytes, HeaderTimeout: s.o.HTTP.HeaderTimeout, BodyIdle: s.o.HTTP.BodyIdle, Idle: s.o.HTTP.Idle, Bounds: s.o.Limits.Bounds},
	}
	for _, h := range c.HTTP.InjectRequestHeaders {
		o.RequestHeaders = append(o.RequestHeaders, event.HeaderRule{Name: h.Name, Value: h.Value, Remove: h.Remove})
	}
	for _, h := range c.HTTP.InjectResponseHeaders {
		o.ResponseHeaders = append(o.ResponseHeaders, event.HeaderRule{Name: h.Name, Value: h.Value, Remove: h.Remove})
	}
	if c.Kind == config.SocketHTTPS {
		t, err := serverTLS(c.TLS)
		if err != nil {
			return nil, &config.Error{Pos: c.Pos, Msg: fmt.Sprintf("socket %q: %s", c.Name, err)}
		}
		o.TLS = t
	}
	return &socket{cfg: c, srv: httpserver.New(o, httpserver.Target{Default: &front{s: s, socket: c.Name}})}, nil
}

// target is where a socket's requests go in this world: routes of wrangler projects
// first where several services have some, else the socket's own service.
func (w *world) target(c *config.Socket) (httpserver.Target, error) {
	svc, err := w.service(c.Service, fmt.Sprintf("Socket %q", c.Name))
	if err != nil {
		return httpserver.Target{}, err
	}
	t := httpserver.Target{Default: svc}
	var routes []httpserver.Route
	for i := range w.cfg.Services {
		sc := &w.cfg.Services[i]
		if sc.Worker == nil {
			continue
		}
		for _, r := range sc.Worker.Routes {
			routes = append(routes, httpserver.Route{Pattern: r.Pattern, Service: &lazyService{svc: w.services[sc.Name], files: true}})
		}
	}
	t.Routes, err = httpserver.NewRoutes(routes)
	return t, err
}

// Drain stops accepting and waits for the requests and cron triggers that have begun,
// until ctx ends; then Close.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	sockets := s.sockets
	s.mu.Unlock()
	var wg sync.WaitGroup
	errs := make([]error, len(sockets)+1)
	wg.Go(func() { errs[len(sockets)] = s.crons.drain(ctx) })
	for i, k := range sockets {
		wg.Go(func() { errs[i] = k.srv.Shutdown(ctx) })
	}
	wg.Wait()
	// What was accepted is flushed even where the drain ran out of time.
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.StopFlush.In(s.o.Limits.Bounds))
	defer cancel()
	return errors.Join(append(errs, s.Close(flush))...)
}
