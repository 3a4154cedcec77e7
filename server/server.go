// Package server wires a configuration into running services, and is the entry
// point for programs that embed this one.
//
// It is the only package that knows all the others. Start order: isolates, scripts,
// stores with their namespaces, sockets; stop order is the reverse: sockets
// drain, actors flush, isolates end, stores close.
//
// # Concurrency
//
// A Server may be used from any goroutine. New builds, Start listens, Drain or Close
// ends it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"workerd.local/cache"
	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/httpcache"
	"workerd.local/httpserver"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/storage"
	"workerd.local/supervise"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/memorycache"
	"workerd.local/websocket"
)

// Options say how a configuration is run; the zero value is right for serving.
type Options struct {
	// Isolates is the number of isolates that share the work; 0 means one per core.
	Isolates int
	// Limits bound what scripts may do. Limits.Bounds, which ParseLimits makes, bounds all
	// of the server.
	Limits isolate.Limits
	// HTTP bounds what clients may do.
	HTTP HTTPLimits
	// MaxQueued is the number of requests that may wait for one actor; 0 means
	// 1,000.
	MaxQueued int
	// ActorIdle is how long an actor without requests stays in memory; 0 means 10 s.
	ActorIdle time.Duration
	// Cache bounds the memory in which the actors of one isolate keep what they read
	// and wrote; zero fields take their defaults.
	Cache cache.LRUOptions
	// MemoryLimit is where the memory guard steps in, in bytes; 0 means 75 % of what
	// the process may have, a negative number turns the guard off.
	MemoryLimit int64
	// Experimental allows experimental flags and bindings.
	Experimental bool
	// AllowUnknownFlags lets compatibility flags that are not known pass with a warning.
	AllowUnknownFlags bool
	// CompatDate replaces the compatibility date of every worker, for tests.
	CompatDate string
	// CacheDir keeps bundled scripts between starts; empty means that nothing is
	// kept.
	CacheDir string
	// Health is the path of the health check on every socket; empty means none.
	Health string
	// Host is the source of clock, randomness, environment and files; nil means the
	// real ones.
	Host isolate.Host
	// Modules are web APIs of the embedding program, added to the built-in ones.
	Modules []bind.Module
	// Threads are what the threads of workers may run, by the name of the service: beside
	// what a wrangler file lists, and the only way for a service of config.capnp.
	Threads map[string][]ThreadEntry
	// Snapshot makes the isolates of all workers start from a log of the first start, as
	// config.Worker.Snapshot does for one.
	Snapshot bool
	// Recorder notes for whom an isolate runs code; nil means that nobody does, and so
	// does a nil Recorder.
	Recorder func(isolate int) isolate.Recorder
	// ThreadRecorder is Recorder for the threads of workers, and for starts from snapshots,
	// which come and go: release gives it back. It may be nil, and give nil, and is called
	// on any goroutine.
	ThreadRecorder func() (r isolate.Recorder, release func())
	// Quarantine is who is refused, with 503, and until when; alarms wait.
	Quarantine []supervise.Quarantine
	// Sockets are listening sockets that outlive the server; nil means none.
	Sockets Sockets
	// OpenStore replaces the stores on disk: it is asked for the store of a directory
	// and may answer nil to leave it to bbolt. The server closes it.
	OpenStore func(dir string) (storage.Store, error)
	// Log receives what no client could be told; nil means slog.Default.
	Log *slog.Logger
}

// HTTPLimits bound what clients may do; zero fields take the defaults of package
// httpserver.
type HTTPLimits struct {
	HeaderBytes   int
	HeaderTimeout time.Duration
	BodyIdle      time.Duration
	Idle          time.Duration
}

// ParseLimits reads limits of the form name=value, as "workerd serve --limit" takes them,
// for isolate.Limits.Bounds and config.LoadOptions.Bounds. Names and ranges are in
// docs/LIMITS.md and "workerd serve --limit help".
func ParseLimits(settings ...string) (*limits.Set, error) { return limits.Parse(settings...) }

// Server is a configuration that runs.
type Server struct {
	cfg *config.Config
	o   Options
	log *slog.Logger

	isolates []*isolate.Isolate
	guard    *isolate.MemoryGuard // nil where nothing watches the memory
	running  sync.WaitGroup
	stores   *stores
	cache    *httpcache.Store // behind the Cache API of projects
	caches   *memorycache.Caches
	// webSockets are those of the network, both directions; they outlive reloads.
	webSockets *websocket.Set
	stopBg     context.CancelFunc
	closing    chan struct{} // closed when Close begins
	bg         sync.WaitGroup
	crons      *crons
	life       context.Context // ends when Close begins
	endLife    context.CancelFunc

	turn      turnstile
	reloading sync.Mutex // held by Reload, one at a time

	mu      sync.Mutex // guards what follows
	sockets []*socket
	closed  bool
}

// New builds everything that a configuration asks for and listens nowhere: scripts
// are compiled and their top level has run when it returns. The configuration must
// have passed Validate. Errors name the service and the place.
func New(ctx context.Context, cfg *config.Config, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Isolates <= 0 {
		o.Isolates = runtime.GOMAXPROCS(0)
	}
	if o.Host == nil {
		o.Host = isolate.SystemHost()
	}
	if err := script.CheckBounds(o.Limits.Bounds); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, o: o, log: o.Log, stores: newStores(o.OpenStore, o.Log, o.Limits.Bounds), closing: make(chan struct{}),
		cache: httpcache.New(httpcache.Options{Bounds: o.Limits.Bounds}), caches: memorycache.NewCaches(), webSockets: websocket.NewSet(o.Limits.Bounds)}
	bg, cancel := context.WithCancel(context.Background())
	s.stopBg = cancel
	s.life, s.endLife = context.WithCancel(context.Background())
	var guard *isolate.MemoryGuard
	if o.MemoryLimit >= 0 {
		limit := uint64(o.MemoryLimit)
		if limit == 0 {
			limit = isolate.DefaultMemoryLimit()
		}
		guard = isolate.NewMemoryGuard(limit)
		s.bg.Go(func() { guard.Run(bg) })
	}
	s.guard = guard
	for i := range o.Isolates {
		var recorder isolate.Recorder
		if o.Recorder != nil {
			recorder = o.Recorder(i)
		}
		iso := s.newIsolate(fmt.Sprintf("isolate-%d", i), recorder)
		s.isolates = append(s.isolates, iso)
		s.running.Go(func() { iso.Run(context.Background()) })
	}
	s.turn.inside = map[*world]int{}
	w, err := s.build(ctx, cfg)
	if err == nil {
		s.turn.world = w
		err = w.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(context.Background()))
	}
	s.stores.openControl(s.writer)
	s.crons = startCrons(s)
	return s, nil
}

// newIsolate makes an isolate; who asks for it runs it and closes it.
func (s *Server) newIsolate(name string, recorder isolate.Recorder) *isolate.Isolate {
	return isolate.New(isolate.Options{Name: name, Host: s.o.Host, Limits: s.o.Limits, Log: s.o.Log, Guard: s.guard, Recorder: recorder})
}

// Service returns a service by name, and an entrypoint of it ("" is the default).
func (s *Server) Service(name, entrypoint string) (event.Service, error) {
	return s.turn.now().service(config.ServiceDesignator{Name: name, Entrypoint: entrypoint}, "the program")
}

// Handler serves the requests of a socket by name, without listening; "" is the
// first one. It follows reloads.
func (s *Server) Handler(name string) (http.Handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.cfg.Sockets {
		if c := &s.cfg.Sockets[i]; name == "" || c.Name == name {
			if c.Kind == config.SocketTCP {
				return nil, fmt.Errorf("socket %q is not one of HTTP", c.Name)
			}
			sock, err := s.newSocket(c)
			if err != nil {
				return nil, err
			}
			s.sockets = append(s.sockets, sock)
			return sock.srv.(*httpserver.Server).Handler(), nil
		}
	}
	return nil, fmt.Errorf("the configuration defines no socket named %q", name)
}

// Close stops everything at once, in stop order: requests that still run fail,
// writes that were accepted become durable. ctx bounds the wait for them.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	w, sockets := s.turn.now(), s.sockets
	s.mu.Unlock()
	s.endLife()
	if s.crons != nil {
		s.crons.end()
	}
	var errs []error
	for _, sock := range sockets {
		errs = append(errs, sock.close())
	}
	errs = append(errs, s.stores.closeControl())
	if w != nil {
		errs = append(errs, w.close(ctx))
	}
	s.webSockets.Close()
	for _, i := range s.isolates {
		i.Close()
	}
	s.running.Wait()
	errs = append(errs, s.stores.close())
	s.stopBg()
	s.bg.Wait()
	if s.crons != nil {
		s.crons.firing.Wait()
	}
	return errors.Join(errs...)
}
