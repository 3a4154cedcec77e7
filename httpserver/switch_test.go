package httpserver_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"workerd.local/httpserver"
)

// TestSwitch asks for another protocol of servers that take the connection, refuse, cut it, or
// have no Switch.
func TestSwitch(t *testing.T) {
	const upgrade = "GET /up HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: own\r\n\r\n"
	const connect = "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n"
	before := runtime.NumGoroutine()
	t.Run("taken", func(t *testing.T) {
		took := make(chan error, 1)
		s, addr := start(t, httpserver.Options{Switch: func(r *http.Request, take func() (net.Conn, []byte, error)) bool {
			if r.URL.Path != "/up" {
				return false
			}
			c, head, err := take()
			if err != nil {
				took <- err
				return true
			}
			if _, ok := c.(*net.TCPConn); !ok {
				err = errors.New("it is not the system's connection")
			}
			if _, _, again := take(); again == nil {
				err = errors.New("it was taken twice")
			}
			head = append([]byte(nil), head...)
			go func() {
				defer c.Close()
				_, werr := c.Write(append([]byte("head "), head...))
				_, cerr := io.CopyN(c, c, 5)
				took <- errors.Join(err, werr, cerr)
			}()
			return true
		}}, text("ordinary"))
		c := dial(t, addr)
		if _, err := io.WriteString(c, upgrade+"abc"); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		got := make([]byte, len("head abc"))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "head abc" {
			t.Fatalf("%q, %v", got, err)
		}
		// The server ends without it.
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "12345"); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(r)
		if err = errors.Join(err, <-took); err != nil || string(rest) != "12345" {
			t.Fatalf("%q, %v", rest, err)
		}
	})
	var asked atomic.Int32
	refuse := func(*http.Request, func() (net.Conn, []byte, error)) bool { asked.Add(1); return false }
	for _, c := range []struct {
		name, request string
		o             httpserver.Options
		status        int
		asked         int32
	}{
		{"refused", upgrade, httpserver.Options{Switch: refuse}, 200, 1},
		{"CONNECT refused", connect, httpserver.Options{Switch: refuse}, 501, 1},
		{"no Switch", upgrade, httpserver.Options{}, 200, 0},
		{"CONNECT without a Switch", connect, httpserver.Options{}, 501, 0},
		{"no Connection", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: own\r\n\r\n", httpserver.Options{Switch: refuse}, 200, 0},
		{"no Upgrade", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", httpserver.Options{Switch: refuse}, 200, 0},
		{"malformed", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUp grade: own\r\n\r\n", httpserver.Options{Switch: refuse}, 400, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked.Store(0)
			_, addr := start(t, c.o, text("ordinary"))
			if resp, _ := ask(t, addr, c.request); resp.StatusCode != c.status || asked.Load() != c.asked {
				t.Errorf("status %d, want %d; asked %d times, want %d", resp.StatusCode, c.status, asked.Load(), c.asked)
			}
		})
	}
	t.Run("cut", func(t *testing.T) {
		_, addr := start(t, httpserver.Options{Switch: func(*http.Request, func() (net.Conn, []byte, error)) bool { return true }}, text("ordinary"))
		c := dial(t, addr)
		if _, err := io.WriteString(c, connect); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
			t.Errorf("%q, %v", b, err)
		}
	})
	settled(t, before)
}
