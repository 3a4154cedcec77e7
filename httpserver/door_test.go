package httpserver_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/httpserver"
	"workerd.local/internal/limits"
	"workerd.local/websocket"
)

// upgrade asks for a WebSocket; path and a header can be added.
const upgrade = "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n"

// odd makes net/http read it from the beginning.
const odd = "X: \xff\r\n"

// echoing is the service's end of a WebSocket.
type echoing struct{ ws event.WebSocket }

func (e echoing) Message(m event.Message, done func()) { _ = e.ws.Send(m, nil); done() }
func (e echoing) Closed(code int, reason string)       { _ = e.ws.Close(code, reason) }
func (e echoing) Failed(error)                         {}

// accepts answers with a WebSocket that echoes.
func accepts(_ context.Context, req *event.Request) (*event.Response, error) {
	if !req.WantsWebSocket() {
		return &event.Response{Status: 200, Body: event.BytesBody([]byte("plain"))}, nil
	}
	mine, theirs := event.NewWebSocketPair(1 << 20)
	mine.Start(echoing{mine}, 0)
	return &event.Response{Status: 101, Header: http.Header{"X-Url": {req.URL}, "X-Client": {fmt.Sprint(req.Client != "")}}, WebSocket: theirs}, nil
}

// masked is a short message of a client.
func masked(text string) string {
	return string([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}) + text
}

// wantFrames reads frames as the server sends them.
func wantFrames(t *testing.T, r io.Reader, frames ...string) {
	t.Helper()
	want := strings.Join(frames, "")
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got[:n], err, want)
	}
}

func shook(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	return resp
}

func TestHandshakesAtTheDoor(t *testing.T) { inBothWays(t, handshakesAtTheDoor) }

func handshakesAtTheDoor(t *testing.T, of func(service) event.Service) {
	_, addr := start(t, httpserver.Options{ResponseHeaders: []event.HeaderRule{{Name: "X-Rule", Value: "set"}}}, of(accepts))
	for _, header := range []string{"", odd} {
		for _, pieces := range [][]string{
			{fmt.Sprintf(upgrade, "a?b", header), masked("one")},
			{fmt.Sprintf(upgrade, "a?b", header) + masked("one")},
			{fmt.Sprintf(upgrade, "a?b", header) + masked("one")[:3], masked("one")[3:]},
			{"GE", fmt.Sprintf(upgrade, "a?b", header)[2:], masked("one")},
			{fmt.Sprintf(upgrade, "a?b", "Y: "+strings.Repeat("y", 5000)+"\r\n"+header), masked("one")},
		} {
			c := dial(t, addr)
			for _, p := range pieces {
				if _, err := io.WriteString(c, p); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Millisecond)
			}
			r := bufio.NewReader(c)
			h := shook(t, r).Header
			if h.Get("X-Url") != "http://a/a?b" || h.Get("X-Client") != "true" || h.Get("X-Rule") != "set" || h.Get("Sec-Websocket-Accept") == "" {
				t.Errorf("%q: %v", pieces, h)
			}
			wantFrames(t, r, "\x81\x03one")
		}
	}
}

// What is no WebSocket is answered as everywhere else, and the connection goes on.
func TestOtherAnswersToHandshakes(t *testing.T) { inBothWays(t, otherAnswersToHandshakes) }

func otherAnswersToHandshakes(t *testing.T, of func(service) event.Service) {
	_, addr := start(t, httpserver.Options{}, of(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		switch {
		case strings.HasSuffix(req.URL, "/stream"):
			return &event.Response{Status: 403, Body: event.StreamBody(io.NopCloser(io.MultiReader(strings.NewReader("not "), strings.NewReader("you"))), -1)}, nil
		case strings.HasSuffix(req.URL, "/bytes"):
			return &event.Response{Status: 200, Header: http.Header{"X-A": {"b"}}, Body: event.BytesBody([]byte("hello"))}, nil
		case strings.HasSuffix(req.URL, "/fails"):
			return nil, exception.Errorf("no")
		case strings.HasSuffix(req.URL, "/late"):
			time.Sleep(100 * time.Millisecond)
			return &event.Response{Status: 404}, nil
		case strings.HasSuffix(req.URL, "/odd"):
			resp, err := accepts(ctx, req)
			resp.Status = 200
			return resp, err
		}
		return accepts(ctx, req)
	}))
	for _, header := range []string{"", odd} {
		c := dial(t, addr)
		r := bufio.NewReader(c)
		for _, x := range []struct {
			path   string
			status int
			body   string
		}{{"stream", 403, "not you"}, {"bytes", 200, "hello"}, {"fails", 500, "Internal Server Error"}, {"late", 404, ""}, {"odd", 500, "Internal Server Error"}} {
			fresh := dial(t, addr)
			// On the other one it does not come in at the door.
			for _, k := range []struct {
				c net.Conn
				r *bufio.Reader
			}{{fresh, bufio.NewReader(fresh)}, {c, r}} {
				fmt.Fprintf(k.c, upgrade, x.path, header)
				if resp, body := answer(t, k.r, "GET"); resp.StatusCode != x.status || body != x.body {
					t.Errorf("%s: %d %q", x.path, resp.StatusCode, body)
				}
				fmt.Fprint(k.c, get)
				if _, body := answer(t, k.r, "GET"); body != "plain" {
					t.Errorf("after %s: %q", x.path, body)
				}
			}
		}
		fmt.Fprintf(c, upgrade, "", header)
		shook(t, r)
	}
}

func TestTooManyAtTheDoor(t *testing.T) { inBothWays(t, tooManyAtTheDoor) }

func tooManyAtTheDoor(t *testing.T, of func(service) event.Service) {
	bounds, err := limits.Parse("websocket.connections=1")
	if err != nil {
		t.Fatal(err)
	}
	set := websocket.NewSet(bounds)
	t.Cleanup(set.Close)
	_, addr := start(t, httpserver.Options{WebSockets: set}, of(accepts))
	c := dial(t, addr)
	fmt.Fprintf(c, upgrade, "", "")
	shook(t, bufio.NewReader(c))
	if resp, _ := ask(t, addr, fmt.Sprintf(upgrade, "", "")); resp.StatusCode != 503 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// What a client sends before the answer waits for it; a client that goes away ends the
// request.
func TestWhatClientsDoDuringTheHandshake(t *testing.T) {
	inBothWays(t, whatClientsDoDuringTheHandshake)
}

func whatClientsDoDuringTheHandshake(t *testing.T, of func(service) event.Service) {
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	goOn := make(chan struct{}, 1)
	_, addr := start(t, httpserver.Options{}, of(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		begun <- struct{}{}
		select {
		case <-goOn:
			return accepts(ctx, req)
		case <-ctx.Done():
			ended <- ctx.Err()
			return nil, ctx.Err()
		}
	}))
	c := dial(t, addr)
	fmt.Fprintf(c, upgrade, "", "")
	<-begun
	time.Sleep(150 * time.Millisecond) // by then somebody watches
	fmt.Fprint(c, masked("early"), masked("bird"))
	time.Sleep(50 * time.Millisecond)
	goOn <- struct{}{}
	r := bufio.NewReader(c)
	shook(t, r)
	wantFrames(t, r, "\x81\x05early", "\x81\x04bird")

	for _, wait := range []time.Duration{0, 150 * time.Millisecond} {
		c = dial(t, addr)
		fmt.Fprintf(c, upgrade, "", "")
		<-begun
		time.Sleep(wait)
		c.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestPanicAtTheDoor(t *testing.T) {
	_, addr := start(t, httpserver.Options{}, service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		if strings.HasSuffix(req.URL, "/panic") {
			panic("panic")
		}
		return accepts(ctx, req)
	}))
	c := dial(t, addr)
	fmt.Fprintf(c, upgrade, "panic", "")
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%q, %v", b, err)
	}
	if _, body := ask(t, addr, get); body != "plain" {
		t.Error(body)
	}
}

func TestWhoSaysNothingAtTheDoor(t *testing.T) { inBothWays(t, whoSaysNothingAtTheDoor) }

func whoSaysNothingAtTheDoor(t *testing.T, of func(service) event.Service) {
	_, addr := start(t, httpserver.Options{Limits: httpserver.Limits{HeaderTimeout: 50 * time.Millisecond}}, of(accepts))
	c := dial(t, addr)
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%q, %v", b, err)
	}
}

// A handshake that has begun is finished, whatever its answer is, and a WebSocket of it ends
// with the others.
func TestShutdownWaitsForTheDoor(t *testing.T) { inBothWays(t, shutdownWaitsForTheDoor) }

func shutdownWaitsForTheDoor(t *testing.T, of func(service) event.Service) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		begun, goOn := make(chan struct{}), make(chan struct{})
		s, addr := start(t, httpserver.Options{}, of(func(ctx context.Context, req *event.Request) (*event.Response, error) {
			begun <- struct{}{}
			<-goOn
			if strings.HasSuffix(req.URL, "/no") {
				return &event.Response{Status: 403, Body: event.BytesBody([]byte("no"))}, nil
			}
			return accepts(ctx, req)
		}))
		yes, no := dial(t, addr), dial(t, addr)
		fmt.Fprintf(yes, upgrade, "", "")
		<-begun
		fmt.Fprintf(no, upgrade, "no", "")
		<-begun
		down := make(chan error, 1)
		go func() { down <- s.Shutdown(context.Background()) }()
		select {
		case err := <-down:
			t.Fatalf("it did not wait: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		close(goOn)
		r := bufio.NewReader(yes)
		shook(t, r)
		wantFrames(t, r, "\x88\x02\x03\xe9")
		yes.Close()
		if resp, body := answer(t, bufio.NewReader(no), "GET"); resp.StatusCode != 403 || body != "no" {
			t.Errorf("%d %q", resp.StatusCode, body)
		}
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
	settled(t, before)
}

func TestShutdownCutsTheDoor(t *testing.T) { inBothWays(t, shutdownCutsTheDoor) }

func shutdownCutsTheDoor(t *testing.T, of func(service) event.Service) {
	begun := make(chan struct{}, 1)
	s, addr := start(t, httpserver.Options{}, of(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	c := dial(t, addr)
	fmt.Fprintf(c, upgrade, "", "")
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%q, %v", b, err)
	}
}

// With TLS a WebSocket waits without a goroutine of its own, too, where the system allows it.
func TestWebSocketsOverTLSWait(t *testing.T) {
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	cert := lender.TLS.Certificates[0]
	lender.Close()
	_, addr := start(t, httpserver.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}, service(accepts))
	big := strings.Repeat("0123456789abcdef", 64<<10)
	frame := "\x82\xff" + "\x00\x00\x00\x00\x00\x10\x00\x00" + "\x00\x00\x00\x00" + big
	open := func() (*tls.Conn, *bufio.Reader) {
		c := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if _, err := fmt.Fprintf(c, upgrade, "", ""); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		shook(t, r)
		return c, r
	}
	open()
	before := runtime.NumGoroutine()
	for range 20 {
		c, r := open()
		for _, f := range []string{masked("one"), masked("two") + masked("three"), frame, masked("four")} {
			failed := make(chan error, 1)
			go func() { _, err := io.WriteString(c, f); failed <- err }()
			switch {
			case f == frame:
				wantFrames(t, r, "\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00"+big)
			case len(f) > 12:
				wantFrames(t, r, "\x81\x03two", "\x81\x05three")
			default:
				wantFrames(t, r, "\x81"+string([]byte{f[1] &^ 0x80}), f[6:])
			}
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
		}
	}
	if runtime.GOOS == "linux" {
		settled(t, before+5)
	}
}
