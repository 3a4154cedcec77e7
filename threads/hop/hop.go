package hop

import (
	"fmt"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

// Options say what Hop is a part of.
type Options struct {
	// Hostname is hop.hostname.
	Hostname string
	// Version is hop.version.
	Version string
	// Listen begins to serve HTTP for the System and returns the port; it is called at the first service. Any goroutine.
	Listen func(svc event.Service) (port int, err error)
	// Port is hop.port before anything listens.
	Port int
}

// System is all of Hop in one program.
type System struct {
	o   Options
	reg *registry

	mu     sync.Mutex // guards what follows
	tried  bool
	port   int
	failed error
}

// New returns a system without services.
func New(o Options) *System {
	defineClasses()
	if o.Hostname == "" {
		o.Hostname = "localhost"
	}
	return &System{o: o, reg: newRegistry(), port: o.Port}
}

// listen begins to serve, at the first call.
func (s *System) listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tried || s.o.Listen == nil {
		return s.failed
	}
	s.tried = true
	port, err := s.o.Listen(s)
	if err != nil {
		s.failed = fmt.Errorf("serve the program's services: %w", err)
		return s.failed
	}
	s.port = port
	return nil
}

// Port is where services are, or will be, served; any goroutine.
func (s *System) Port() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.port
}

// base is the URL in front of the paths of services.
func (s *System) base() string { return fmt.Sprintf("http://%s:%d", s.o.Hostname, s.Port()) }

// Module is what scripts of the program see: Worker, Service, HopFrame, hop and the
// module of that name; in threads that a Worker runs also postMessage, onmessage and
// close.
func (s *System) Module() bind.Module {
	return bind.Module{
		Name: "hop",
		Globals: []bind.Global{
			workerClass,
			frameClass,
			bind.Var{Name: "Service", Make: func(js *isolate.JS) (goja.Value, error) { return *services.Get(js), nil }},
			bind.Var{Name: "hop", Make: hopModule},
		},
		Builtins: map[string]func(js *isolate.JS) (goja.Value, error){"hop": hopModule},
		Setup: func(js *isolate.JS) error {
			realms.Get(js).sys = s
			return setUp(js)
		},
	}
}

func hopModule(js *isolate.JS) (goja.Value, error) { return set.Load(js, "hop") }

// setUp is what a realm has from its beginning: the ways of messages, and what rewritten
// sources call.
func setUp(js *isolate.JS) error {
	if err := global.AddCloneable(js, cloneable); err != nil {
		return err
	}
	return defineServices(js)
}
