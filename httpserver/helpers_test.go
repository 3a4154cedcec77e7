package httpserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/httpserver"
	"workerd.local/websocket"
)

// service is a Service made of one function.
type service func(ctx context.Context, req *event.Request) (*event.Response, error)

func (s service) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return s(ctx, req)
}

func (s service) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

// started is a service that takes no goroutine of its caller's.
type started struct{ service }

func (s started) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	go func() {
		done(event.Wait(ctx, func(done func(*event.Response, error)) { go func() { done(s.service(ctx, req)) }() }))
	}()
}

// inBothWays runs a test with a service that blocks, and with one that does not.
func inBothWays(t *testing.T, test func(t *testing.T, of func(service) event.Service)) {
	t.Run("blocking", func(t *testing.T) { test(t, func(s service) event.Service { return s }) })
	t.Run("started", func(t *testing.T) { test(t, func(s service) event.Service { return started{s} }) })
}

// text answers with a fixed text.
func text(s string) service {
	return func(_ context.Context, req *event.Request) (*event.Response, error) {
		req.Body.Close()
		return &event.Response{Status: 200, Header: http.Header{}, Body: event.BytesBody([]byte(s))}, nil
	}
}

// describe answers with what it was asked.
func describe(_ context.Context, req *event.Request) (*event.Response, error) {
	body := "none"
	if !req.Body.IsNull() {
		b, err := io.ReadAll(req.Body.Reader())
		if err != nil {
			return nil, err
		}
		body = fmt.Sprintf("%q of %d", b, req.Body.Size())
	}
	var h strings.Builder
	_ = req.Header.Write(&h)
	return &event.Response{Status: 200, Header: http.Header{}, Body: event.BytesBody(
		fmt.Appendf(nil, "%s %s\nbody %s\ncf %s\n%s", req.Method, req.URL, body, req.CF, h.String()))}, nil
}

// start serves on a free port until the test ends.
func start(t testing.TB, o httpserver.Options, svc event.Service) (s *httpserver.Server, addr string) {
	t.Helper()
	return startAfter(t, o, svc, func(string) {})
}

// startAfter is start for what comes before the server does: it finds connections with what
// was written already.
func startAfter(t testing.TB, o httpserver.Options, svc event.Service, before func(addr string)) (s *httpserver.Server, addr string) {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.WebSockets == nil {
		o.WebSockets = websocket.NewSet(nil) // what comes in goes through the door
		t.Cleanup(o.WebSockets.Close)
	}
	s = httpserver.New(o, httpserver.Target{Default: svc})
	l, err := httpserver.Listen("127.0.0.1:0", 80)
	if err != nil {
		t.Fatal(err)
	}
	before(l.Addr().String())
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s, l.Addr().String()
}

// dial opens a connection that fails the test rather than hang.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends bytes on a new connection and reads one response with its body.
func ask(t testing.TB, addr, request string) (*http.Response, string) {
	t.Helper()
	c := dial(t, addr)
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	return answer(t, bufio.NewReader(c), method)
}

func answer(t testing.TB, r *bufio.Reader, method string) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("body: %v after %q", err, b)
	}
	return resp, string(b)
}

// settled waits until there are no more goroutines than before. It ends by the
// test's own time limit.
func settled(t testing.TB, before int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines became %d:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(5 * time.Millisecond)
	}
}
