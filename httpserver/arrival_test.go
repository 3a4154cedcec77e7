package httpserver_test

import (
	"bufio"
	"context"
	"errors"
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
	"workerd.local/exception"
	"workerd.local/httpserver"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/websocket"
)

// asked is a connection that has asked before the server was there.
type asked struct {
	net.Conn
	*bufio.Reader
}

func (a asked) Read(b []byte) (int, error) { return a.Reader.Read(b) }

func ahead(t *testing.T, addr, text string) asked {
	t.Helper()
	c := dial(t, addr)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return asked{c, bufio.NewReader(c)}
}

// Answers to requests that came with their connections are those that others get.
func TestRequestsThatCameWithTheirConnections(t *testing.T) {
	inBothWays(t, func(t *testing.T, of func(service) event.Service) {
		cases := []struct {
			name, text string
			check      func(c asked)
		}{
			{"a handshake", fmt.Sprintf(upgrade, "a?b", ""), func(c asked) {
				h := shook(t, c.Reader).Header
				if h.Get("X-Url") != "http://a/a?b" || h.Get("X-From") != c.LocalAddr().String() || h.Get("X-Rule") != "set" {
					t.Error(h)
				}
				io.WriteString(c.Conn, masked("one"))
				wantFrames(t, c, "\x81\x03one")
			}},
			{"and a frame", fmt.Sprintf(upgrade, "", "") + masked("one"), func(c asked) {
				shook(t, c.Reader)
				wantFrames(t, c, "\x81\x03one")
			}},
			{"and a piece of one", fmt.Sprintf(upgrade, "", "") + masked("one")[:3], func(c asked) {
				shook(t, c.Reader)
				io.WriteString(c.Conn, masked("one")[3:])
				wantFrames(t, c, "\x81\x03one")
			}},
			{"a handshake that is odd", fmt.Sprintf(upgrade, "", odd) + masked("one"), func(c asked) {
				shook(t, c.Reader)
				wantFrames(t, c, "\x81\x03one")
			}},
			{"half of one", fmt.Sprintf(upgrade, "", "")[:20], func(c asked) {
				io.WriteString(c.Conn, fmt.Sprintf(upgrade, "", "")[20:])
				shook(t, c.Reader)
			}},
			{"a request", get, func(c asked) {
				if _, body := answer(t, c.Reader, "GET"); body != "plain" {
					t.Error(body)
				}
			}},
			{"a refusal, and a request", fmt.Sprintf(upgrade, "no", "") + get, func(c asked) {
				if resp, body := answer(t, c.Reader, "GET"); resp.StatusCode != 403 || body != "no" {
					t.Error(resp.StatusCode, body)
				}
				if _, body := answer(t, c.Reader, "GET"); body != "plain" {
					t.Error(body)
				}
			}},
			{"a failure", fmt.Sprintf(upgrade, "fails", ""), func(c asked) {
				if resp, _ := answer(t, c.Reader, "GET"); resp.StatusCode != 500 {
					t.Error(resp.StatusCode)
				}
			}},
			{"a late answer", fmt.Sprintf(upgrade, "late", "") + masked("on"), func(c asked) {
				io.WriteString(c.Conn, masked("e"))
				shook(t, c.Reader)
				wantFrames(t, c, "\x81\x02on", "\x81\x01e")
			}},
			{"a late refusal", fmt.Sprintf(upgrade, "late/no", ""), func(c asked) {
				if resp, body := answer(t, c.Reader, "GET"); resp.StatusCode != 403 || body != "no" {
					t.Error(resp.StatusCode, body)
				}
				fmt.Fprint(c.Conn, get)
				if _, body := answer(t, c.Reader, "GET"); body != "plain" {
					t.Error(body)
				}
			}},
			{"the path of the health check", fmt.Sprintf(upgrade, "healthz", ""), func(c asked) {
				if resp, body := answer(t, c.Reader, "GET"); resp.StatusCode != 200 || body != "ok\n" {
					t.Error(resp.StatusCode, body)
				}
			}},
		}
		conns := make([]asked, len(cases))
		o := httpserver.Options{Health: "/healthz", ResponseHeaders: []event.HeaderRule{{Name: "X-Rule", Value: "set"}}}
		startAfter(t, o, of(func(ctx context.Context, req *event.Request) (*event.Response, error) {
			if strings.Contains(req.URL, "/late") {
				time.Sleep(150 * time.Millisecond)
			}
			switch {
			case strings.HasSuffix(req.URL, "/no"):
				return &event.Response{Status: 403, Body: event.BytesBody([]byte("no"))}, nil
			case strings.HasSuffix(req.URL, "/fails"):
				return nil, exception.Errorf("no")
			}
			resp, err := accepts(ctx, req)
			if resp.WebSocket != nil {
				resp.Header["X-From"] = []string{req.Client}
			}
			return resp, err
		}), func(addr string) {
			for i, c := range cases {
				conns[i] = ahead(t, addr, c.text)
			}
		})
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) { c.check(conns[i]) })
		}
	})
}

func TestTooManyThatCameWithTheirConnections(t *testing.T) {
	bounds, err := limits.Parse("websocket.connections=1")
	if err != nil {
		t.Fatal(err)
	}
	set := websocket.NewSet(bounds)
	t.Cleanup(set.Close)
	var conns []asked
	startAfter(t, httpserver.Options{WebSockets: set}, started{accepts}, func(addr string) {
		for range 3 {
			conns = append(conns, ahead(t, addr, fmt.Sprintf(upgrade, "", "")))
		}
	})
	got := map[int]int{}
	for _, c := range conns {
		resp, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		got[resp.StatusCode]++
	}
	if got[101] != 1 || got[503] != 2 {
		t.Error(got)
	}
}

// A client that goes away ends its request, at once or when somebody looks.
func TestClientsThatGoAwayMeanwhile(t *testing.T) {
	ended := make(chan error, 2)
	var conns []asked
	startAfter(t, httpserver.Options{}, started{func(ctx context.Context, _ *event.Request) (*event.Response, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}}, func(addr string) {
		conns = append(conns, ahead(t, addr, fmt.Sprintf(upgrade, "", "")), ahead(t, addr, fmt.Sprintf(upgrade, "", "")))
		conns[0].Close()
	})
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	conns[1].Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A server that shuts down waits for requests that have begun, and cuts those that take
// longer than it may.
func TestShutdownAndConnectionsThatHaveAsked(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		for _, wait := range []time.Duration{0, 100 * time.Millisecond} {
			begun, goOn := make(chan struct{}, 2), make(chan struct{})
			var yes, no asked
			s, _ := startAfter(t, httpserver.Options{}, started{func(ctx context.Context, req *event.Request) (*event.Response, error) {
				begun <- struct{}{}
				<-goOn
				if strings.HasSuffix(req.URL, "/no") {
					return &event.Response{Status: 403, Body: event.BytesBody([]byte("no"))}, nil
				}
				return accepts(ctx, req)
			}}, func(addr string) {
				yes, no = ahead(t, addr, fmt.Sprintf(upgrade, "", "")), ahead(t, addr, fmt.Sprintf(upgrade, "no", ""))
			})
			<-begun
			<-begun
			time.Sleep(wait)
			down := make(chan error, 1)
			go func() { down <- s.Shutdown(context.Background()) }()
			select {
			case err := <-down:
				t.Fatalf("it did not wait: %v", err)
			case <-time.After(20 * time.Millisecond):
			}
			close(goOn)
			shook(t, yes.Reader)
			wantFrames(t, yes, "\x88\x02\x03\xe9")
			yes.Close()
			if resp, body := answer(t, no.Reader, "GET"); resp.StatusCode != 403 || body != "no" {
				t.Errorf("%d %q", resp.StatusCode, body)
			}
			if err := <-down; err != nil {
				t.Error(err)
			}
		}
		for _, wait := range []time.Duration{0, 100 * time.Millisecond} {
			begun := make(chan struct{})
			var c asked
			s, _ := startAfter(t, httpserver.Options{}, started{func(ctx context.Context, _ *event.Request) (*event.Response, error) {
				close(begun)
				<-ctx.Done()
				return nil, ctx.Err()
			}}, func(addr string) { c = ahead(t, addr, fmt.Sprintf(upgrade, "", "")) })
			<-begun
			time.Sleep(wait)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			// Its end may be told before the connection is cut.
			if b, err := io.ReadAll(c); len(b) > 0 && !strings.HasPrefix(string(b), "HTTP/1.1 500 ") || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%q, %v", b, err)
			}
		}
	})
	settled(t, before)
}

// panicky fails before it has begun.
type panicky struct{ started }

func (p panicky) Start(ctx context.Context, req *event.Request, done func(*event.Response, error)) {
	if strings.HasSuffix(req.URL, "/panic") {
		panic("panic")
	}
	p.started.Start(ctx, req, done)
}

func TestPanicOfAServiceThatIsStarted(t *testing.T) {
	var logged jstest.Log
	var c, other asked
	startAfter(t, httpserver.Options{Log: slog.New(slog.NewTextHandler(&logged, nil))}, panicky{started{accepts}}, func(addr string) {
		c, other = ahead(t, addr, fmt.Sprintf(upgrade, "panic", "")), ahead(t, addr, fmt.Sprintf(upgrade, "", ""))
	})
	shook(t, other.Reader)
	if runtime.GOOS != "linux" {
		t.Skip("no service is started on this system")
	}
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%q, %v", b, err)
	}
	// The log is told after the client.
	for end := time.Now().Add(time.Minute); !strings.Contains(logged.String(), "panic"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(logged.String())
		}
	}
}
