package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/config"
	"workerd.local/internal/jstest"
	"workerd.local/server"
)

// project writes files into a directory and reads the configuration among them.
type project struct {
	t   testing.TB
	dir string
	log *jstest.Log
}

func newProject(t testing.TB, files map[string]string) *project {
	t.Helper()
	p := &project{t: t, dir: t.TempDir(), log: &jstest.Log{}}
	p.write(files)
	return p
}

func (p *project) write(files map[string]string) {
	p.t.Helper()
	for name, text := range files {
		path := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *project) config() *config.Config {
	p.t.Helper()
	cfg, _, err := config.Load(p.dir, config.LoadOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	if errs := cfg.Validate(config.ValidateOptions{Experimental: true}); len(errs) > 0 {
		p.t.Fatal(config.AsError(errs))
	}
	return cfg
}

func (p *project) options() server.Options {
	return server.Options{Isolates: 2, Log: slog.New(slog.NewTextHandler(p.log, nil)), MemoryLimit: -1}
}

// start runs the project until the test ends.
func (p *project) start() *running {
	p.t.Helper()
	return p.startWith(p.options())
}

// startWith is start with options of the test's.
func (p *project) startWith(o server.Options) *running {
	p.t.Helper()
	s, err := server.New(p.t.Context(), p.config(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	r := &running{t: p.t, s: s, p: p, client: &http.Client{Timeout: time.Minute}, addr: map[string]string{}}
	p.t.Cleanup(func() { r.stop() })
	list, err := s.Start()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, l := range list {
		r.url, r.addr[l.Name] = l.URL, l.Addr.String()
	}
	return r
}

// failure is the error of a project that must not start.
func (p *project) failure() string {
	p.t.Helper()
	s, err := server.New(p.t.Context(), p.config(), p.options())
	if err == nil {
		s.Close(context.Background())
		p.t.Fatal("the server started")
	}
	return err.Error()
}

type running struct {
	t      testing.TB
	s      *server.Server
	p      *project
	url    string
	addr   map[string]string // where its sockets listen
	client *http.Client
}

func (r *running) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.s.Drain(ctx); err != nil {
		r.t.Errorf("drain: %v", err)
	}
	r.client.CloseIdleConnections()
}

// request asks for a path, and leaves the answer to the caller.
func (r *running) request(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		return nil, err
	}
	return r.client.Do(req)
}

func (r *running) get(path string) (int, string) {
	r.t.Helper()
	resp, err := r.request(context.Background(), path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, "body: " + err.Error()
	}
	return resp.StatusCode, string(b)
}

func (r *running) want(path, want string) {
	r.t.Helper()
	if code, got := r.get(path); code != 200 || got != want {
		r.t.Errorf("GET %s: %d %q, want 200 %q\n%s", path, code, got, want, r.p.log)
	}
}

// one is a configuration with one worker, its further fields, and a socket on a free
// port.
func one(fields string, services ...string) string {
	return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
	services = [(name = "main", worker = .main)` + strings.Join(append([]string{""}, services...), ", ") + `],
	sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
	modules = [(name = "main.js", esModule = embed "main.js")],
	compatibilityDate = "2026-01-01",
	` + fields + `
);`
}

// nobody is an address that refuses connections until the test ends: that of the near end of a
// connection, so that nobody else gets it.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}
