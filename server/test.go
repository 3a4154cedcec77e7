package server

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"workerd.local/config"
	"workerd.local/event"
	"workerd.local/loop"
)

// TestFilter chooses tests: globs for the service and the entrypoint; empty means
// all.
type TestFilter struct{ Service, Entrypoint string }

// ParseTestFilter reads "service" or "service:entrypoint".
func ParseTestFilter(s string) (TestFilter, error) {
	parts := strings.Split(s, ":")
	f := TestFilter{Service: parts[0]}
	switch {
	case len(parts) > 2:
		return f, fmt.Errorf("Too many colons.")
	case len(parts) == 2:
		f.Entrypoint = parts[1]
	}
	for _, g := range parts {
		if _, err := path.Match(g, ""); err != nil {
			return f, fmt.Errorf("%q is not a glob: %w", g, err)
		}
	}
	return f, nil
}

func (f TestFilter) matches(service, entrypoint string) bool {
	ok := func(glob, s string) bool {
		if glob == "" {
			return true
		}
		m, err := path.Match(glob, s)
		return err == nil && m
	}
	return ok(f.Service, service) && ok(f.Entrypoint, entrypoint)
}

// TestResult is the outcome of one test() export.
type TestResult struct {
	// Name is the service, or service:entrypoint.
	Name   string
	Passed bool
	Took   time.Duration
	// Err is why it failed, where that is known.
	Err error
}

// testTails is how long tail workers may take to end before the next test begins anyway.
const testTails = time.Second

// Test runs the test() exports that the filter chooses, one after the other in the order
// of the configuration's services, and reports each: started before it runs, then its
// result. Before the next one begins, and when it returns, tail workers have been told of
// what the tests did.
func (s *Server) Test(ctx context.Context, f TestFilter, started func(name string), report func(TestResult)) error {
	if err := s.startTCP(); err != nil {
		return err
	}
	s.crons.end() // tests fire their own
	w := s.turn.now()
	for i := range w.cfg.Services {
		name := w.cfg.Services[i].Name
		svc := w.services[name]
		if svc.pool == nil {
			continue
		}
		wk := svc.pool.Workers()[0]
		var entries []string
		err := loop.Do(ctx, wk.Isolate().Loop(), func() {
			for _, e := range wk.Entrypoints() {
				if wk.HasHandler(e, "test") {
					entries = append(entries, e)
				}
			}
		})
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !f.matches(name, e) {
				continue
			}
			full := name
			if e != "default" {
				full += ":" + e
			}
			// A test of a tail worker waits for what other events of it settle, and would have
			// hung where these have not begun.
			if _, err := w.tailing.wait(ctx, testTails); err != nil {
				return err
			}
			started(full)
			begin := time.Now()
			o, err := svc.pool.Service(e).Deliver(ctx, event.Test{})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			report(TestResult{Name: full, Passed: err == nil && o.Status == event.OK, Took: time.Since(begin), Err: err})
		}
	}
	return w.drainTails(ctx)
}

// startTCP opens the sockets of TCP, which tests connect to.
func (s *Server) startTCP() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := *s.cfg
	cfg.Sockets = slices.DeleteFunc(slices.Clone(cfg.Sockets), func(c config.Socket) bool {
		return c.Kind != config.SocketTCP || strings.HasPrefix(c.Address.Value, config.Loopback)
	})
	opened, err := s.open(s.turn.now(), &cfg)
	if err != nil {
		return err
	}
	s.sockets = append(s.sockets, opened...)
	s.serve(opened)
	return nil
}
