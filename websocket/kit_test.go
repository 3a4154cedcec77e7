package websocket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/internal/limits"
)

// site is a server whose WebSockets end at a handler of the test's, and its clients,
// which write bytes.
type site struct {
	t    *testing.T
	set  *Set
	srv  *httptest.Server
	conn chan *Conn
	// compress answers offers of compression.
	compress bool
	header   http.Header
	start    func(c *Conn)
}

// newServer is a server without anything else.
func newServer(set *Set, encrypted bool, start func(c *Conn)) *httptest.Server {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := set.Upgrade(w, r, Accepted{})
		if err != nil {
			return // the client finds out
		}
		start(c)
	})
	if encrypted {
		return newTLSServer(h)
	}
	return httptest.NewServer(h)
}

// replaceable lets the poll watch connections with TLS.
var replaceable bool

func newTLSServer(h http.Handler) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	if replaceable {
		srv.Listener = replacing{srv.Listener}
	}
	srv.StartTLS()
	return srv
}

// replacing has connections that are Replaceable.
type replacing struct{ net.Listener }

func (l replacing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &replaced{c}, err
}

type replaced struct{ net.Conn }

func (r *replaced) Unwrap() net.Conn    { return r.Conn }
func (r *replaced) Replace(nc net.Conn) { r.Conn = nc }

func newSite(t *testing.T, encrypted bool, settings ...string) *site {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, set: NewSet(bounds), conn: make(chan *Conn, 1000)}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, problem := CheckRequest(r); status != 0 {
			http.Error(w, problem, status)
			return
		}
		head := s.header.Clone()
		if head == nil {
			head = http.Header{}
		}
		if s.compress {
			head.Set("Sec-WebSocket-Extensions", deflateName)
		}
		c, err := s.set.Upgrade(w, r, Accepted{Header: head, Owner: s})
		if err != nil {
			if Answerable(err) {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
			return
		}
		if s.start != nil {
			s.start(c)
		}
		s.conn <- c
	})
	if encrypted {
		s.srv = newTLSServer(h)
	} else {
		s.srv = httptest.NewServer(h)
	}
	t.Cleanup(func() {
		s.set.Close()
		s.srv.Close()
	})
	return s
}

// plain is a client that sends and reads bytes.
type plain struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
	h http.Header // of the answer
}

func (s *site) dial(headers ...string) *plain {
	s.t.Helper()
	p, status := s.try(headers...)
	if status != 101 {
		s.t.Fatalf("status %d", status)
	}
	return p
}

func (s *site) raw() net.Conn {
	s.t.Helper()
	addr := s.srv.Listener.Addr().String()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.srv.TLS != nil {
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	s.t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(time.Minute))
	return nc
}

func (s *site) try(headers ...string) (*plain, int) {
	s.t.Helper()
	nc := s.raw()
	set := []string{"Host: test", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}
	for _, h := range headers {
		name, _, _ := strings.Cut(h, ":")
		for i, old := range set {
			if strings.HasPrefix(old, name+":") {
				set = append(set[:i:i], set[i+1:]...)
				break
			}
		}
		if !strings.HasSuffix(h, ":") {
			set = append(set, h)
		}
	}
	fmt.Fprintf(nc, "GET / HTTP/1.1\r\n%s\r\n\r\n", strings.Join(set, "\r\n"))
	r := bufio.NewReader(nc)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &plain{s.t, nc, r, resp.Header}, resp.StatusCode
}

// fr is a frame of a client: the first byte, and what it carries, masked.
func fr(first byte, body string) []byte {
	var b bytes.Buffer
	b.WriteByte(first)
	switch n := len(body); {
	case n < 126:
		b.WriteByte(0x80 | byte(n))
	case n < 1<<16:
		b.WriteByte(0x80 | 126)
		binary.Write(&b, binary.BigEndian, uint16(n))
	default:
		b.WriteByte(0x80 | 127)
		binary.Write(&b, binary.BigEndian, uint64(n))
	}
	mask := [4]byte{1, 2, 0xfe, 0x80}
	b.Write(mask[:])
	for i := range len(body) {
		b.WriteByte(body[i] ^ mask[i%4])
	}
	return b.Bytes()
}

func (p *plain) send(frames ...[]byte) {
	p.t.Helper()
	if _, err := p.Write(bytes.Join(frames, nil)); err != nil {
		p.t.Fatal(err)
	}
}

// frame reads one frame: its first byte and its body.
func (p *plain) frame() (byte, []byte, error) {
	var h [2]byte
	if _, err := io.ReadFull(p.r, h[:]); err != nil {
		return 0, nil, err
	}
	if h[1]&0x80 != 0 {
		p.t.Error("the server masked a frame")
	}
	n := uint64(h[1])
	switch n {
	case 126:
		var l uint16
		binary.Read(p.r, binary.BigEndian, &l)
		n = uint64(l)
	case 127:
		binary.Read(p.r, binary.BigEndian, &n)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(p.r, body)
	return h[0], body, err
}

// says is a frame in words.
func (p *plain) says() string {
	first, body, err := p.frame()
	switch {
	case err != nil:
		if errors.Is(err, io.EOF) {
			return "end"
		}
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			return "timeout"
		}
		return "reset"
	case first&0x0f == 8:
		if len(body) < 2 {
			return "close"
		}
		return fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(body), body[2:])
	}
	name := map[byte]string{1: "text", 2: "binary", 9: "ping", 10: "pong"}[first&0x0f]
	if first&0x40 != 0 {
		name = "small " + name
		b, err := inflate(body, 64<<20)
		if err != nil {
			return name + " broken"
		}
		body = b
	}
	if len(body) > 200 {
		return fmt.Sprintf("%s of %d", name, len(body))
	}
	return name + " " + string(body)
}

// expect reads frames until the end and compares.
func (p *plain) expect(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.says(); got != w {
			p.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

// echo answers every message with itself, and a close frame with the same code.
type echo struct {
	c      event.WebSocket
	mu     sync.Mutex
	events []string
	ended  chan struct{}
}

func newEcho(c event.WebSocket) *echo { return &echo{c: c, ended: make(chan struct{})} }

func (e *echo) note(format string, args ...any) {
	e.mu.Lock()
	e.events = append(e.events, fmt.Sprintf(format, args...))
	e.mu.Unlock()
}

func (e *echo) Message(m event.Message, done func()) {
	e.c.Send(m, nil)
	done()
}

func (e *echo) Closed(code int, reason string) {
	e.note("closed %d %s", code, reason)
	e.c.Close(code, reason)
	close(e.ended)
}

func (e *echo) Failed(err error) {
	e.note("failed %v", err)
	close(e.ended)
}

func (e *echo) all(t *testing.T) []string {
	t.Helper()
	select {
	case <-e.ended:
	case <-time.After(time.Minute):
		t.Fatal("the handler was not told of an end")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events
}

func within20s(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
