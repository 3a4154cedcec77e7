package httpserver_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/httpserver"
	"workerd.local/websocket"
)

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func TestHealth(t *testing.T) {
	_, addr := start(t, httpserver.Options{Health: "/healthz"}, text("service"))
	for _, c := range []struct{ request, want string }{
		{"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "ok\n"},
		{"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"GET /healthz?x HTTP/1.1\r\nHost: a\r\n\r\n", "ok\n"},
		{"DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "service"},
		{"GET /healthz/ HTTP/1.1\r\nHost: a\r\n\r\n", "service"},
		{get, "service"},
	} {
		if resp, got := ask(t, addr, c.request); resp.StatusCode != 200 || got != c.want {
			t.Errorf("%q: %s %q", c.request, resp.Status, got)
		}
	}
	_, addr = start(t, httpserver.Options{}, text("service"))
	if _, got := ask(t, addr, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"); got != "service" {
		t.Errorf("without a health check: %q", got)
	}
}

func TestShutdownFinishesWhatHasBegun(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s, addr := start(t, httpserver.Options{Health: "/healthz"}, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		next := make(chan string)
		go func() {
			next <- "one "
			begun <- struct{}{}
			<-finish
			next <- "two"
			next <- ""
		}()
		return &event.Response{Status: 200, Body: event.StreamBody(live{next}, -1)}, nil
	}))
	idle := dial(t, addr)
	fmt.Fprint(idle, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	idleReader := bufio.NewReader(idle)
	answer(t, idleReader, "GET")
	busy := dial(t, addr)
	fmt.Fprint(busy, get)
	<-begun
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	// The idle connection is closed, and nobody gets a new one.
	if b, err := io.ReadAll(idleReader); err != nil || len(b) != 0 {
		t.Errorf("the idle connection: %q, %v", b, err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("a new connection was accepted")
	}
	// The health check tells those who hold a connection.
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	if w.Code != 503 || w.Body.String() != "draining\n" {
		t.Errorf("health while draining: %d %q", w.Code, w.Body)
	}
	close(finish)
	if _, body := answer(t, bufio.NewReader(busy), "GET"); body != "one two" {
		t.Errorf("the request under way: %q", body)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	closed := make(chan struct{})
	s, addr := start(t, httpserver.Options{}, service(func(context.Context, *event.Request) (*event.Response, error) {
		return &event.Response{Status: 200, Body: event.StreamBody(&forever{shut: closed}, -1)}, nil
	}))
	c := dial(t, addr)
	fmt.Fprint(c, get)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("a shutdown that cut a request says nothing")
	}
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a cut response looks whole: %d bytes", len(b))
	}
	<-closed
}

func TestSetDropsNoRequest(t *testing.T) {
	s, addr := start(t, httpserver.Options{}, text("0"))
	var stop atomic.Bool
	var wg sync.WaitGroup
	var served atomic.Int64
	for range 8 {
		c := dial(t, addr)
		r := bufio.NewReader(c)
		wg.Go(func() {
			last := ""
			for !stop.Load() {
				fmt.Fprint(c, get)
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != 200 || string(b) < last {
					t.Errorf("%s %q after %q, %v", resp.Status, b, last, err)
					return
				}
				last = string(b)
				served.Add(1)
			}
		})
	}
	for i := range 9 {
		for want := served.Load() + 50; served.Load() < want && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		s.Set(httpserver.Target{Default: text(fmt.Sprint(i + 1))})
	}
	stop.Store(true)
	wg.Wait()
	if _, got := ask(t, addr, get); got != "9" {
		t.Errorf("the last target answered %q", got)
	}
}

func TestRoutesBeforeTheDefault(t *testing.T) {
	routes, err := httpserver.NewRoutes([]httpserver.Route{{Pattern: "a/api/*", Service: text("api")}})
	if err != nil {
		t.Fatal(err)
	}
	s, addr := start(t, httpserver.Options{}, nil)
	s.Set(httpserver.Target{Routes: routes, Default: text("default")})
	for path, want := range map[string]string{"/api/x": "api", "/": "default", "/api%2Fx": "default"} {
		if _, got := ask(t, addr, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	s.Set(httpserver.Target{Routes: routes})
	if resp, _ := ask(t, addr, get); resp.StatusCode != 404 {
		t.Errorf("no default: %s", resp.Status)
	}
}

func TestTLSAndHTTP2(t *testing.T) {
	// httptest knows a certificate for 127.0.0.1.
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	cert, authority := lender.TLS.Certificates[0], lender.Certificate()
	lender.Close()
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	_, addr := start(t, httpserver.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, service(describe))
	_, plain := start(t, httpserver.Options{}, service(describe))
	for _, c := range []struct {
		proto  string
		scheme string
		addr   string
		client *http.Client
	}{
		{"HTTP/1.1", "https", addr, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}},
		{"HTTP/2.0", "https", addr, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}},
		{"HTTP/2.0", "http", plain, h2cClient(t)},
		{"HTTP/1.1", "http", plain, h1Client(t)},
	} {
		defer c.client.CloseIdleConnections()
		for _, body := range []io.Reader{nil, strings.NewReader("hello"), io.MultiReader(strings.NewReader("hel"), strings.NewReader("lo"))} {
			resp, err := c.client.Post(c.scheme+"://"+c.addr+"/p?q", "text/plain", body)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			got, wantURL := string(b), "POST "+c.scheme+"://"+c.addr+"/p?q\n"
			if err != nil || resp.Proto != c.proto || !strings.HasPrefix(got, wantURL) || body != nil && !strings.Contains(got, `body "hello"`) || !strings.Contains(got, "Host: "+c.addr) {
				t.Errorf("%s %s: %s, %v\n%s", c.scheme, c.proto, resp.Proto, err, got)
			}
		}
	}
	// HTTP on the HTTPS socket is told so.
	if resp, _ := ask(t, addr, get); resp.StatusCode != 400 {
		t.Errorf("HTTP to an HTTPS socket: %s", resp.Status)
	}
}

func TestUnixSockets(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets in the file system are not used on Windows")
	}
	dir, err := os.MkdirTemp("", "sock") // t.TempDir's names are too long for some systems
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	l, err := httpserver.Listen("unix:"+path, 80)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := httpserver.Listen("unix:"+path, 80); err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), path) {
		t.Errorf("a socket in use: %v", err)
	}
	// A process that was killed leaves its socket's file.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	l, err = httpserver.Listen("unix:"+path, 80)
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	s := httpserver.New(httpserver.Options{}, httpserver.Target{Default: text("unix")})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, get)
	if _, got := answer(t, bufio.NewReader(c), "GET"); got != "unix" {
		t.Errorf("%q", got)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := httpserver.Listen("unix:"+file, 80); err == nil {
		t.Error("a file was taken for a stale socket")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file: %q, %v", b, err)
	}
	if _, err := httpserver.Listen("unix:"+filepath.Join(dir, "missing", "s"), 80); err == nil {
		t.Error("a socket in a directory that is not there was opened")
	}
}

func TestListenErrorsSayWhatToDo(t *testing.T) {
	l, err := httpserver.Listen("127.0.0.1:0", 80)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	_, err = httpserver.Listen(addr, 80)
	if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("in use: %v", err)
	}
	for _, bad := range []string{"127.0.0.1:http_", "127.0.0.1:99999", "256.0.0.1.invalid:1", "a:b:c"} {
		if l, err := httpserver.Listen(bad, 80); err == nil {
			l.Close()
			t.Errorf("%s was opened", bad)
		} else if !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, good := range []string{"*:0", "localhost:0"} {
		l, err := httpserver.Listen(good, 80)
		if err != nil {
			t.Errorf("%s: %v", good, err)
			continue
		}
		l.Close()
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	fmt.Sscan(port, &n)
	if _, err := httpserver.Listen("127.0.0.1", n); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the default port is not used: %v", err)
	}
}

func TestNothingIsLeftAfterShutdown(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, set := range []*websocket.Set{nil, websocket.NewSet(nil)} {
		testNothingIsLeft(t, set)
	}
	settled(t, before)
}

func testNothingIsLeft(t *testing.T, set *websocket.Set) {
	s := httpserver.New(httpserver.Options{WebSockets: set}, httpserver.Target{Default: service(describe)})
	l, err := httpserver.Listen("127.0.0.1:0", 80)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	for _, client := range []*http.Client{h1Client(t), h2cClient(t)} {
		for range 5 {
			resp, err := client.Post("http://"+l.Addr().String(), "", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		client.CloseIdleConnections()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := s.Serve(l); err != nil {
		t.Errorf("serve after shutdown: %v", err)
	}
}

// A server may be shut down before the goroutine that serves has come to it.
func TestServeThatComesLateEnds(t *testing.T) {
	for _, set := range []*websocket.Set{nil, websocket.NewSet(nil)} {
		s := httpserver.New(httpserver.Options{WebSockets: set}, httpserver.Target{Default: service(describe)})
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		l, err := httpserver.Listen("127.0.0.1:0", 80)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		select {
		case err := <-served:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			l.Close()
			t.Fatal("it serves on")
		}
	}
}
