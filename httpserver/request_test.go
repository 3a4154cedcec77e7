package httpserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/httpserver"
)

func newRequest() *event.Request {
	return &event.Request{Method: "GET", URL: "http://a/", Header: http.Header{}}
}

// lines turns a request written with plain newlines into HTTP.
func lines(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestRequestsBecomeEvents(t *testing.T) {
	_, addr := start(t, httpserver.Options{Health: "/healthz"}, service(describe))
	for _, c := range []struct{ request, want string }{
		{"GET / HTTP/1.1\nHost: a\n\n", "GET http://a/\nbody none\n"},
		{"GET //x//y/%2F?a=%zz&b HTTP/1.1\nHost: a:99\n\n", "GET http://a:99//x//y/%2F?a=%zz&b\nbody none\n"},
		{"GET /a/../b/./c;d HTTP/1.1\nHost: a\n\n", "GET http://a/a/../b/./c;d\n"},
		{"GET /?x=http://y/ HTTP/1.1\nHost: [::1]:8\n\n", "GET http://[::1]:8/?x=http://y/\n"},
		{"OPTIONS * HTTP/1.1\nHost: a\n\n", "OPTIONS http://a/*\n"},
		{"GET http://b.example/x?y HTTP/1.1\nHost: a\n\n", "GET http://b.example/x?y\n"},
		{"GET http://b.example HTTP/1.1\nHost: a\n\n", "GET http://b.example/\n"},
		{"POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc", "body \"abc\" of 3\n"},
		{"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabc\n2\nde\n0\n\n", "body \"abcde\" of -1\n"},
		{"POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", "body \"\" of 0\n"},
		{"POST / HTTP/1.1\nHost: a\n\n", "body none\n"},
		{"GET / HTTP/1.1\nHost: a\nContent-Length: 2\n\nxx", "body \"xx\" of 2\n"},
		{"GET / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", "body none\n"},
		{"PROPFIND /dav HTTP/1.1\nHost: a\n\n", "PROPFIND http://a/dav\n"},
		{"GET / HTTP/1.1\nHost: a\nX: 1\nx: 2\nCookie: c\n\n", "Cookie: c\r\nHost: a\r\nX: 1\r\nX: 2\r\n"},
		{"GET / HTTP/1.0\nHost: a\n\n", "GET http://a/\n"},
		{"POST /healthz HTTP/1.1\nHost: a\n\n", "POST http://a/healthz\n"},
		{"GET /healthz/x HTTP/1.1\nHost: a\n\n", "GET http://a/healthz/x\n"},
	} {
		resp, got := ask(t, addr, lines(c.request))
		if resp.StatusCode != 200 || !strings.Contains(got, c.want) {
			t.Errorf("%q: %s\n%s\nwant %q", c.request, resp.Status, got, c.want)
		}
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	called := false
	_, addr := start(t, httpserver.Options{ForwardedProto: "X-Proto", CF: "X-CF"}, service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		called = true
		return describe(ctx, req)
	}))
	_, proxy := start(t, httpserver.Options{Proxy: true}, service(describe))
	for _, c := range []struct {
		addr, request string
		status        int
		want          string
	}{
		{addr, "GET / HTTP/1.1\n\n", 400, "Host"},
		{addr, "GET / HTTP/1.0\n\n", 400, "no Host header"},
		{addr, "GET / HTTP/1.1\nHost:\n\n", 400, "no Host header"},
		{addr, "GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400, ""},
		{addr, "GET / HTTP/1.1\nHost: a b\n\n", 400, "Host"},
		{addr, "CONNECT a:80 HTTP/1.1\nHost: a:80\n\n", 501, "CONNECT"},
		{addr, "BREW /pot HTTP/1.1\nHost: a\n\n", 501, "BREW"},
		{addr, "GET x HTTP/1.1\nHost: a\n\n", 400, ""},
		{addr, "GET / HTTP/1.1\nHost: a\nX-Proto: gopher\n\n", 400, "X-Proto"},
		{addr, "GET / HTTP/1.1\nHost: a\nX-CF: {bad\n\n", 400, "X-CF"},
		{addr, "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nContent-Length: 4\n\nabcd", 400, ""},
		{addr, "POST / HTTP/1.1\nHost: a\nContent-Length: -3\n\n", 400, ""},
		{addr, "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip\n\n", 501, ""},
		{addr, "GET / HTTP/1.1\nHost: a\nBad Header: x\n\n", 400, ""},
		{addr, "GET / HTTP/3.1\nHost: a\n\n", 505, ""},
		{addr, "GET / HTTP/1.1\nHost: a\nX: " + strings.Repeat("x", 80<<10) + "\n\n", 431, ""},
		{proxy, "GET /x HTTP/1.1\nHost: a\n\n", 400, "whole URL"},
	} {
		called = false
		resp, got := ask(t, c.addr, lines(c.request))
		if resp.StatusCode != c.status || !strings.Contains(got, c.want) || called {
			t.Errorf("%.80q: %s %q, called %v; want %d %q", c.request, resp.Status, got, called, c.status, c.want)
		}
	}
	resp, got := ask(t, proxy, lines("GET https://b/x?y HTTP/1.1\nHost: a\n\n"))
	if resp.StatusCode != 200 || !strings.HasPrefix(got, "GET https://b/x?y\n") {
		t.Errorf("proxy: %s %s", resp.Status, got)
	}
}

func TestWithoutAServiceThereIs404(t *testing.T) {
	_, addr := start(t, httpserver.Options{}, nil)
	if resp, got := ask(t, addr, lines("GET / HTTP/1.1\nHost: a\n\n")); resp.StatusCode != 404 || !strings.Contains(got, "No service") {
		t.Errorf("%s %s", resp.Status, got)
	}
}

func TestHeadersOfTheConfiguration(t *testing.T) {
	_, addr := start(t, httpserver.Options{
		ForwardedProto: "X-Proto", CF: "X-CF",
		RequestHeaders:  []event.HeaderRule{{Name: "x-a", Value: "1"}, {Name: "X-B", Remove: true}},
		ResponseHeaders: []event.HeaderRule{{Name: "X-R", Value: "2"}, {Name: "Content-Type", Remove: true}},
	}, service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		resp, err := describe(ctx, req)
		resp.Header.Set("Content-Type", "text/html")
		return resp, err
	}))
	resp, got := ask(t, addr, lines("GET / HTTP/1.1\nHost: a\nX-Proto: HTTPS\nX-CF: {\"colo\": 1}\nX-A: 0\nX-B: 0\n\n"))
	if want := "GET https://a/\nbody none\ncf {\"colo\": 1}\nHost: a\r\nX-A: 1\r\n"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if resp.Header.Get("X-R") != "2" || resp.Header["Content-Type"] != nil || resp.Header["Date"] != nil {
		t.Errorf("response headers %v", resp.Header)
	}
}

func TestFullDuplexEcho(t *testing.T) {
	_, addr := start(t, httpserver.Options{}, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		return &event.Response{Status: 200, Header: http.Header{}, Body: event.StreamBody(req.Body.Reader(), -1)}, nil
	}))
	c := dial(t, addr)
	fmt.Fprint(c, lines("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n"))
	r := bufio.NewReader(c)
	fmt.Fprint(c, "5\r\nhello\r\n")
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	for i := range 100 { // each piece comes back before the next one is sent
		want := fmt.Sprintf("%05d", i)
		if i == 0 {
			want = "hello"
		} else {
			fmt.Fprintf(c, "5\r\n%s\r\n", want)
		}
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != want {
			t.Fatalf("piece %d: %q, %v", i, buf, err)
		}
	}
	fmt.Fprint(c, "0\r\n\r\n")
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) != 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestExpectContinue(t *testing.T) {
	_, addr := start(t, httpserver.Options{}, service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		if strings.HasSuffix(req.URL, "/no") {
			return text("refused")(ctx, req)
		}
		return describe(ctx, req)
	}))
	c := dial(t, addr)
	r := bufio.NewReader(c)
	fmt.Fprint(c, lines("POST /yes HTTP/1.1\nHost: a\nContent-Length: 3\nExpect: 100-continue\n\n"))
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%q, %v", line, err)
	}
	if line, err := r.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	fmt.Fprint(c, "abc")
	if _, got := answer(t, r, "POST"); !strings.Contains(got, `body "abc" of 3`) {
		t.Error(got)
	}
	// A body that nobody reads is not asked for, and the connection ends.
	fmt.Fprint(c, lines("POST /no HTTP/1.1\nHost: a\nContent-Length: 3\nExpect: 100-continue\n\n"))
	if resp, got := answer(t, r, "POST"); got != "refused" || !resp.Close {
		t.Errorf("%q, close %v", got, resp.Close)
	}
}

// TestAnUnreadBodyIsNeverTheNextRequest sends bodies that look like requests.
func TestAnUnreadBodyIsNeverTheNextRequest(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	var all struct {
		sync.Mutex
		paths []string
	}
	svc := service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		path := strings.TrimPrefix(req.URL, "http://a")
		all.Lock()
		all.paths = append(all.paths, path)
		all.Unlock()
		switch path {
		case "/read":
			_, _ = io.ReadAll(req.Body.Reader())
			req.Body.Close()
		case "/part":
			_, _ = req.Body.Reader().Read(make([]byte, 1))
		case "/close":
			req.Body.Close()
		case "/fail":
			req.Body.Close()
			return nil, errors.New("failed")
		}
		return &event.Response{Status: 200, Header: http.Header{}, Body: event.BytesBody([]byte("ok"))}, nil
	})
	_, patient := start(t, httpserver.Options{}, svc)
	// For bodies of which no more comes.
	_, hasty := start(t, httpserver.Options{Limits: httpserver.Limits{BodyIdle: 200 * time.Millisecond}}, svc)
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(smuggled), smuggled)
	for name, c := range map[string]struct {
		head, body string
		whole      bool // well formed and all there
	}{
		"length":       {fmt.Sprintf("Content-Length: %d", len(smuggled)), smuggled, true},
		"chunked":      {"Transfer-Encoding: chunked", chunk + "0\r\n\r\n", true},
		"long":         {"Content-Length: 1000000", strings.Repeat(" ", 1000000-len(smuggled)) + smuggled, true},
		"bad chunk":    {"Transfer-Encoding: chunked", "zz\r\n" + smuggled, false},
		"bad end":      {"Transfer-Encoding: chunked", "1\r\nxyz\r\n" + smuggled, false},
		"not complete": {"Content-Length: 1000", "x", false},
		"stalled":      {"Transfer-Encoding: chunked", "5\r\nab", false},
	} {
		for _, path := range []string{"/read", "/part", "/close", "/fail", "/ignore"} {
			all.Lock()
			all.paths = nil
			all.Unlock()
			seen := func() []string {
				all.Lock()
				defer all.Unlock()
				return slices.Clone(all.paths)
			}
			addr := patient
			if !c.whole {
				addr = hasty
			}
			conn := dial(t, addr)
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", path, c.head)
			go io.WriteString(conn, c.body)
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Errorf("%s %s: %v", name, path, err)
				continue
			}
			if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode == 200 && string(b) != "ok" {
				t.Errorf("%s %s: %q, %v", name, path, b, err)
			}
			if !c.whole {
				if !resp.Close {
					t.Errorf("%s %s: the connection goes on after a body that is not whole", name, path)
				}
				_, _ = io.ReadAll(r)
			} else if !resp.Close {
				fmt.Fprint(conn, "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				answer(t, r, "GET")
				if paths := seen(); len(paths) != 2 || paths[1] != "/next" {
					t.Errorf("%s %s: requests %q", name, path, paths)
				}
			} else if path == "/read" {
				t.Errorf("%s: the connection ends although the body was read", name)
			}
			conn.Close()
			for _, p := range seen() {
				if p == "/smuggled" {
					t.Errorf("%s %s: a body became a request", name, path)
				}
			}
		}
	}
}

func TestABodyThatIsCutShortIsAnError(t *testing.T) {
	failed := make(chan error, 1)
	_, addr := start(t, httpserver.Options{}, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		_, err := io.ReadAll(req.Body.Reader())
		failed <- err
		return nil, err
	}))
	for _, head := range []string{"Content-Length: 10", "Transfer-Encoding: chunked"} {
		c := dial(t, addr)
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n3\r\nx", head)
		c.Close()
		var e *exception.Exception
		if err := <-failed; !errors.As(err, &e) || !e.Retryable() || e.Message != "Network connection lost." {
			t.Errorf("%s: %v", head, err)
		}
	}
}

func TestSlowClients(t *testing.T) {
	failed := make(chan error, 1)
	closed := make(chan struct{})
	svc := service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		if req.Body.IsNull() {
			return &event.Response{Status: 200, Body: event.StreamBody(endless{closed}, -1)}, nil
		}
		_, err := io.ReadAll(req.Body.Reader())
		failed <- err
		return nil, err
	})
	_, addr := start(t, httpserver.Options{Limits: httpserver.Limits{HeaderTimeout: 50 * time.Millisecond, Idle: 50 * time.Millisecond}}, svc)
	// A header that does not end.
	c := dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\nX: ")
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("slow header: %v", err)
	}
	// A connection that says nothing.
	if _, err := io.ReadAll(dial(t, addr)); err != nil {
		t.Errorf("no request: %v", err)
	}
	// A body that stands still.
	_, addr = start(t, httpserver.Options{Limits: httpserver.Limits{BodyIdle: 50 * time.Millisecond}}, svc)
	c = dial(t, addr)
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	var e *exception.Exception
	if err := <-failed; !errors.As(err, &e) || !e.Retryable() {
		t.Errorf("slow body: %v", err)
	}
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("slow body: %v", err)
	}
	// A client that does not read its response: the server gives up, which the test
	// sees as a transfer that ends.
	c = dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-closed
	if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("slow reader: %v", err)
	}
}

// endless is a body that never ends.
type endless struct{ closed chan struct{} }

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func (e endless) Close() error { close(e.closed); return nil }
