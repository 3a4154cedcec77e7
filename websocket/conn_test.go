package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/event"
)

// holder keeps the messages until the test takes them.
type holder struct {
	messages chan held
	failed   chan error
	closed   chan string
}

type held struct {
	event.Message
	done func()
}

func newHolder() *holder {
	return &holder{make(chan held, 1000), make(chan error, 1), make(chan string, 1)}
}

func (h *holder) Message(m event.Message, done func()) { h.messages <- held{m, done} }
func (h *holder) Closed(code int, reason string)       { h.closed <- fmt.Sprintf("%d %s", code, reason) }
func (h *holder) Failed(err error)                     { h.failed <- err }

func get[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// both runs a test with a connection that the poll watches, without TLS and with it, and
// with one that it does not.
func bothKinds(t *testing.T, test func(t *testing.T, encrypted bool)) {
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", encrypted), func(t *testing.T) { test(t, encrypted) })
	}
	t.Run("tls,watched", func(t *testing.T) {
		replaceable = true
		defer func() { replaceable = false }()
		test(t, true)
	})
}

func TestHandshakesThatAreNone(t *testing.T) {
	s := newSite(t, false)
	for headers, want := range map[string]int{
		"Connection: keep-alive":             400,
		"Connection: keep-alive, Upgrade":    101,
		"Sec-WebSocket-Version: 8":           426,
		"Sec-WebSocket-Version:":             426,
		"Sec-WebSocket-Key:":                 400,
		"Sec-WebSocket-Key: short":           400,
		"Sec-WebSocket-Key: AAAA":            400,
		"Sec-WebSocket-Key: ====":            400,
		"Sec-WebSocket-Extensions: ;;,=,\"":  101,
		"Sec-WebSocket-Extensions: unheard;": 101,
	} {
		p, status := s.try(headers)
		if status != want {
			t.Errorf("%s: status %d, want %d", headers, status, want)
		}
		p.Close()
	}
	s.header = http.Header{"Sec-Websocket-Protocol": {"chat"}, "X-Line": {"a\r\nSet-Cookie: b"}, "Connection": {"close"}, "Sec-Websocket-Accept": {"wrong"}}
	p := s.dial()
	if p.h.Get("Sec-WebSocket-Accept") != "ICX+Yqv66kxgM0FcWaLWlFLwTAI=" && p.h.Get("Sec-WebSocket-Accept") != acceptKey("AAAAAAAAAAAAAAAAAAAAAA==") {
		t.Errorf("accepted with %q", p.h.Get("Sec-WebSocket-Accept"))
	}
	if p.h.Get("Sec-WebSocket-Protocol") != "chat" || p.h.Get("Set-Cookie") != "" || len(p.h["Sec-Websocket-Accept"]) != 1 {
		t.Errorf("headers %v", p.h)
	}
}

// What RFC 6455 gives as an example.
func TestAcceptKey(t *testing.T) {
	if got := acceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Error(got)
	}
}

func TestWhatCameWithTheHandshakeIsRead(t *testing.T) {
	s := newSite(t, false)
	s.start = func(c *Conn) { c.Start(newEcho(c), 0) }
	nc := s.raw()
	fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n%s%s",
		fr(fin|text, "early"), fr(fin|ping, "p"))
	b := make([]byte, 4096)
	got := ""
	for !strings.HasSuffix(got, "\x81\x05early\x8a\x01p") {
		n, err := nc.Read(b)
		if got += string(b[:n]); err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
}

// One message at a time: while the handler is at one, the peer's next is not read.
func TestReadingWaitsForTheHandler(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		s := newSite(t, encrypted)
		h := newHolder()
		s.start = func(c *Conn) { c.Start(h, 0) }
		p := s.dial()
		p.send(fr(fin|text, "1"), fr(fin|text, "2"), fr(fin|bye, code(1000)))
		for _, want := range []string{"1", "2"} {
			m := get(t, h.messages)
			if string(m.Data) != want || !m.Text {
				t.Errorf("got %s", m.Data)
			}
			time.Sleep(20 * time.Millisecond)
			if len(h.messages) > 0 || len(h.closed) > 0 {
				t.Error("the next one came before the handler was done")
			}
			m.done()
		}
		if got := get(t, h.closed); got != "1000 " {
			t.Error(got)
		}
		c := get(t, s.conn)
		if err := c.Close(1000, "over"); err != nil {
			t.Error(err)
		}
		p.expect("close 1000 over", "end")
		if n := eventually0(s.set); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestBothSidesClose(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		s := newSite(t, encrypted)
		h := newHolder()
		s.start = func(c *Conn) { c.Start(h, 0) }
		p := s.dial()
		c := get(t, s.conn)
		sent := make(chan struct{}, 1)
		if err := c.Send(event.Message{Text: true, Data: []byte("first")}, func() { sent <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
		get(t, sent)
		if err := c.Close(4000, "mine"); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(1000, ""); err != event.ErrClosed {
			t.Error(err)
		}
		if err := c.Send(event.Message{}, func() { sent <- struct{}{} }); err != event.ErrClosed {
			t.Error(err)
		}
		get(t, sent)
		p.expect("text first", "close 4000 mine")
		// What the peer sent before it answers is still told.
		p.send(fr(fin|text, "last"), fr(fin|bye, code(4001)+"yours"))
		m := get(t, h.messages)
		m.done()
		if got := get(t, h.closed); got != "4001 yours" {
			t.Error(got)
		}
		p.expect("end")
		if len(h.failed) > 0 {
			t.Error(<-h.failed)
		}

		// A peer that does not answer.
		s = newSite(t, encrypted, "websocket.close=200ms")
		s.start = func(c *Conn) { c.Start(h, 0) }
		p = s.dial()
		c = get(t, s.conn)
		c.Close(1000, "")
		if err := get(t, h.failed); err != event.ErrDisconnected {
			t.Error(err)
		}
		p.expect("close 1000 ", "end")
	})
}

func TestPeersThatGoAway(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		for name, leave := range map[string]func(p *plain){
			"between messages": func(p *plain) { p.Close() },
			"in a header":      func(p *plain) { p.send(fr(fin|text, "abc")[:1]); p.Close() },
			"in a message":     func(p *plain) { p.send(fr(fin|text, "abc")[:7]); p.Close() },
			"in a control":     func(p *plain) { p.send(fr(fin|ping, "abc")[:7]); p.Close() },
			"in fragments":     func(p *plain) { p.send(fr(text, "abc")); p.Close() },
			"half": func(p *plain) {
				if tcp, ok := p.Conn.(*net.TCPConn); ok {
					tcp.CloseWrite()
				} else {
					p.Close()
				}
			},
			"at once": func(p *plain) {
				if tcp, ok := p.Conn.(*net.TCPConn); ok {
					tcp.SetLinger(0)
				}
				p.Close()
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newSite(t, encrypted)
				h := newHolder()
				s.start = func(c *Conn) { c.Start(h, 0) }
				p := s.dial()
				c := get(t, s.conn)
				leave(p)
				if err := get(t, h.failed); err != event.ErrDisconnected {
					t.Error(err)
				}
				if err := c.Send(event.Message{Data: []byte("x")}, nil); err != event.ErrClosed {
					t.Error(err)
				}
				if n := eventually0(s.set); n != 0 {
					t.Errorf("%d connections are left", n)
				}
			})
		}
	})
}

// What the peer does before anybody wants to hear it is told at the start.
func TestStartOfWhatIsOver(t *testing.T) {
	s := newSite(t, false)
	p := s.dial()
	c := get(t, s.conn)
	p.Close()
	h := newHolder()
	c.Start(h, 0)
	if err := get(t, h.failed); err != event.ErrDisconnected {
		t.Error(err)
	}
	p = s.dial()
	c = get(t, s.conn)
	c.Abort(nil)
	c.Start(h, 0)
	p.expect("end")
	if len(h.failed) > 0 {
		t.Error("told after Abort")
	}
}

func TestSlowReader(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		s := newSite(t, encrypted, "websocket.queue=64KiB", "websocket.close=300ms")
		h := newHolder()
		s.start = func(c *Conn) { c.Start(h, 0) }
		p, other := s.dial(), s.dial()
		c, c2 := get(t, s.conn), get(t, s.conn)
		if peerOf(c) != p.LocalAddr().String() {
			c, c2 = c2, c
		}
		big := make([]byte, 32<<20) // one message is always taken
		var told atomic.Int32
		if err := c.Send(event.Message{Data: big}, func() { told.Add(1) }); err != nil {
			t.Fatal(err)
		}
		var err error
		sent := 1
		for err == nil {
			sent++
			if sent > 1000 {
				t.Fatal("the queue has no bound")
			}
			err = c.Send(event.Message{Data: big[:32<<10]}, func() { told.Add(1) })
		}
		if err != event.ErrSlowReader {
			t.Fatal(err)
		}
		if err := get(t, h.failed); err != event.ErrSlowReader {
			t.Error(err)
		}
		if c.Send(event.Message{}, func() { told.Add(1) }) != event.ErrClosed {
			t.Error("it takes messages after its end")
		}
		// Others go on.
		if err := c2.Send(event.Message{Text: true, Data: []byte("hello")}, nil); err != nil {
			t.Fatal(err)
		}
		other.expect("text hello")
		// Whoever reads now finds the rest of the message that had begun, and why it ended.
		first, body, rerr := p.frame()
		if rerr == nil && first != fin|bye { // which comes alone where nothing had begun
			if first != fin|octets || len(body) != len(big) {
				t.Errorf("frame %x of %d", first, len(body))
			}
			if got := p.says(); !strings.HasPrefix(got, "close 1013 ") && got != "reset" && got != "end" {
				t.Error(got)
			}
		}
		for range 6000 {
			if int(told.Load()) == sent+1 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if int(told.Load()) != sent+1 {
			t.Errorf("%d of %d callbacks", told.Load(), sent+1)
		}
		c2.Abort(nil)
		if n := eventually0(s.set); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		if q := s.set.queued.Load(); q != 0 {
			t.Errorf("%d bytes are still counted", q)
		}
	})
}

func TestEmptyMessagesOfASlowReader(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		s := newSite(t, encrypted, "websocket.queue=64KiB", "websocket.close=300ms")
		h := newHolder()
		s.start = func(c *Conn) { c.Start(h, 0) }
		s.dial()
		c := get(t, s.conn)
		err := c.Send(event.Message{Data: make([]byte, 32<<20)}, nil)
		n := 0
		for ; err == nil && n < 2000; n++ {
			err = c.Send(event.Message{}, nil)
		}
		if err != event.ErrSlowReader {
			t.Errorf("%v after %d", err, n)
		}
		if err := get(t, h.failed); err != event.ErrSlowReader {
			t.Error(err)
		}
		if n := eventually0(s.set); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		if q := s.set.queued.Load(); q != 0 {
			t.Errorf("%d bytes are still counted", q)
		}
	})
}

// Who floods with messages that do not end is ended when all of them need too much.
func TestMessagesThatAreNotComplete(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		s := newSite(t, encrypted, "websocket.parts=1MiB", "websocket.close=300ms")
		h := newHolder()
		s.start = func(c *Conn) { c.Start(h, 0) }
		most := 0
		watch := func() { most = max(most, int(s.set.held.Load())) }
		begin := fr(octets, strings.Repeat("x", 200<<10)) // without its end
		a, b := s.dial(), s.dial()
		for _, p := range []*plain{a, b} {
			p.send(begin)
			for end := time.Now().Add(time.Minute); int(s.set.held.Load()) < most+200<<10 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			watch()
		}
		c := s.dial()
		_, _ = c.Write(fr(octets, strings.Repeat("x", 900<<10))) // it may end before
		if got := c.says(); !strings.HasPrefix(got, "close 1013 ") && got != "reset" && got != "end" {
			t.Error(got)
		}
		if err := get(t, h.failed); err != errParts {
			t.Error(err)
		}
		if watch(); most > 2<<20 {
			t.Errorf("%d bytes were held", most)
		}
		// The others go on.
		a.send(fr(fin|more, "end"))
		if m := get(t, h.messages); len(m.Data) != 200<<10+3 {
			t.Errorf("%d bytes", len(m.Data))
		}
		b.Close()
		if err := get(t, h.failed); err != event.ErrDisconnected {
			t.Error(err)
		}
		for end := time.Now().Add(time.Minute); s.set.held.Load() != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d bytes are still counted", s.set.held.Load())
			}
		}
	})
}

// Pings do not make this side queue without bound.
func TestPingsOfWhoDoesNotRead(t *testing.T) {
	s := newSite(t, false)
	s.start = func(c *Conn) { c.Start(newEcho(c), 0) }
	p := s.dial()
	c := get(t, s.conn)
	p.SetWriteDeadline(time.Now().Add(time.Second))
	flood := []byte(strings.Repeat(string(fr(fin|ping, strings.Repeat("x", 125))), 1000))
	for range 200 {
		if _, err := p.Write(flood); err != nil {
			break
		}
	}
	if n := c.Buffered(); n > 1000 {
		t.Errorf("%d bytes wait", n)
	}
}

func TestManySocketsEcho(t *testing.T) {
	s := newSite(t, false)
	s.start = func(c *Conn) { c.Start(newEcho(c), 0) }
	var wg sync.WaitGroup
	for i := range 50 {
		p := s.dial()
		wg.Go(func() {
			go func() {
				for j := range 200 {
					p.Write(fr(fin|text, fmt.Sprintf("%d of %d", j, i)))
				}
			}()
			for j := range 200 {
				if got := p.says(); got != fmt.Sprintf("text %d of %d", j, i) {
					t.Errorf("got %q", got)
					return
				}
			}
			p.Close()
		})
	}
	wg.Wait()
	if n := eventually0(s.set); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

func TestGoAwayEndsWithTime(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		s := newSite(t, encrypted)
		h := newHolder()
		s.start = func(c *Conn) { c.Start(h, 0) }
		nice, silent := s.dial(), s.dial()
		get(t, s.conn)
		get(t, s.conn)
		// Time is over when the one that answers has left, and the other one has heard of it.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var left sync.WaitGroup
		left.Go(func() {
			defer cancel()
			if got := nice.says(); got != "close 1001 " {
				t.Errorf("got %q", got)
			}
			if _, err := nice.Write(fr(fin|bye, code(1001))); err != nil {
				t.Error(err)
			}
			if got := nice.says(); got != "end" {
				t.Errorf("got %q", got)
			}
			if got := silent.says(); got != "close 1001 " {
				t.Errorf("got %q", got)
			}
		})
		s.set.GoAway(ctx, s)
		left.Wait()
		silent.expect("end")
		if len(h.failed)+len(h.closed) > 0 {
			t.Error("the handler was told")
		}
		if n := s.set.Len(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestSetHasABoundAndAnEnd(t *testing.T) {
	s := newSite(t, false, "websocket.connections=2")
	s.dial()
	p := s.dial()
	if _, status := s.try(); status != 503 {
		t.Errorf("status %d", status)
	}
	s.set.Close()
	p.expect("end")
	if _, status := s.try(); status != 503 {
		t.Errorf("status %d", status)
	}
	s.set.Close()
}

// dialer makes WebSockets to a URL of this process.
func dialSite(t *testing.T, set *Set, s *site, h http.Header) (*Conn, *http.Response, error) {
	t.Helper()
	nc := s.raw()
	nc.SetDeadline(time.Time{})
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	return set.Dial(within20s(t), nc, req, 64<<10)
}

func TestDial(t *testing.T) {
	for _, compress := range []bool{false, true} {
		bothKinds(t, func(t *testing.T, encrypted bool) {
			s := newSite(t, encrypted)
			s.compress = compress
			s.start = func(c *Conn) { c.Start(newEcho(c), 0) }
			mine := NewSet(nil)
			defer mine.Close()
			head := http.Header{}
			if compress {
				head.Set("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
			}
			c, resp, err := dialSite(t, mine, s, head)
			if err != nil || c == nil {
				t.Fatal(resp, err)
			}
			h := newHolder()
			c.Start(h, 0)
			for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
				want := strings.Repeat("ab", size/2) + strings.Repeat("c", size%2)
				if err := c.Send(event.Message{Text: true, Data: []byte(want)}, nil); err != nil {
					t.Fatal(err)
				}
				m := get(t, h.messages)
				if string(m.Data) != want || !m.Text {
					t.Errorf("a message of %d came back as one of %d", size, len(m.Data))
				}
				m.done()
			}
			if c.deflate != compress {
				t.Errorf("compressed %v", c.deflate)
			}
			c.Close(3000, "enough")
			if got := get(t, h.closed); got != "3000 enough" {
				t.Error(got)
			}
			for _, set := range []*Set{mine, s.set} {
				if n := eventually0(set); n != 0 {
					t.Errorf("%d connections are left", n)
				}
			}
		})
	}
}

func TestDialedServersThatAreWrong(t *testing.T) {
	good := "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	for name, c := range map[string]struct{ answer, want string }{
		"another answer":    {"HTTP/1.1 101 Switching\r\n" + good + "Sec-WebSocket-Accept: AAAA\r\n\r\n", "not one to this handshake"},
		"another protocol":  {"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "another protocol"},
		"no HTTP":           {"SSH-2.0-x\r\n\r\n", "malformed"},
		"endless headers":   {"HTTP/1.1 101 Switching\r\nX: " + strings.Repeat("x", 100<<10), "larger than"},
		"the end":           {"", "EOF"},
		"an extension":      {"HTTP/1.1 101 Switching\r\n" + good + "Sec-WebSocket-Accept: KEY\r\nSec-WebSocket-Extensions: x-mine\r\n\r\n", "not offered"},
		"compression":       {"HTTP/1.1 101 Switching\r\n" + good + "Sec-WebSocket-Accept: KEY\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n", "not offered"},
		"state is kept":     {"HTTP/1.1 101 Switching\r\n" + good + "Sec-WebSocket-Accept: KEY\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "server_no_context_takeover"},
		"a masked frame":    {"HTTP/1.1 101 Switching\r\n" + good + "Sec-WebSocket-Accept: KEY\r\n\r\n\x81\x81abcdx", "frames from server"},
		"an ordinary reply": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				b := make([]byte, 4096)
				n, _ := nc.Read(b)
				_, key, _ := strings.Cut(string(b[:n]), "Sec-Websocket-Key: ")
				key, _, _ = strings.Cut(key, "\r\n")
				io.WriteString(nc, strings.ReplaceAll(c.answer, "KEY", acceptKey(key)))
				if c.answer != "" {
					io.Copy(io.Discard, nc)
				}
			}()
			nc, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			set := NewSet(nil)
			defer set.Close()
			req, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/", nil)
			conn, resp, err := set.Dial(within20s(t), nc, req, 64<<10)
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case conn != nil:
				h := newHolder()
				conn.Start(h, 0)
				got = get(t, h.failed).Error()
			default:
				b, _ := io.ReadAll(resp.Body)
				got = fmt.Sprintf("%d %s", resp.StatusCode, b)
				resp.Body.Close()
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	set := NewSet(nil)
	defer set.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequest("GET", "http://x/", nil)
	if _, _, err := set.Dial(ctx, nc, req, 64<<10); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// Connections that come and go quickly use the same numbers of files again.
func TestNumbersAreUsedAgain(t *testing.T) {
	s := newSite(t, false)
	s.start = func(c *Conn) { c.Start(newEcho(c), 0) }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 60 {
				p := s.dial()
				p.send(fr(fin|text, "x"))
				if got := p.says(); got != "text x" {
					t.Errorf("got %q", got)
					return
				}
				<-s.conn
				if i%2 == 0 {
					for _, c := range s.set.all(nil) {
						if peerOf(c) == p.LocalAddr().String() {
							c.Abort(nil)
						}
					}
				} else {
					p.send(fr(fin|text, "gone")[:5])
				}
				p.Close()
			}
		})
	}
	wg.Wait()
	if n := eventually0(s.set); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// A parked connection has no goroutine on Linux, and no buffer anywhere.
func TestParkedConnectionsCostLittle(t *testing.T) {
	const n = 200
	for _, encrypted := range []bool{false, true} {
		s := newSite(t, encrypted)
		s.start = func(c *Conn) { c.Start(newEcho(c), 0) }
		clients := make([]*plain, n)
		goroutines := runtime.NumGoroutine()
		for i := range clients {
			clients[i] = s.dial()
			clients[i].send(fr(fin|text, strings.Repeat("x", 3000)))
			clients[i].expect("text of 3000")
			clients[i].r = nil
		}
		most := 1.1
		if runtime.GOOS == "linux" && !encrypted {
			most = 0.1
		}
		each := 0.0
		for range 6000 {
			if each = float64(runtime.NumGoroutine()-goroutines) / n; each <= most {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("tls=%v: %.2f goroutines each", encrypted, each)
		if each > most {
			t.Errorf("tls=%v: %.2f goroutines each", encrypted, each)
		}
		for range n {
			c := <-s.conn
			c.mu.Lock()
			for i := 0; i < 30_000 && len(c.pending) > 0; i++ { // what has left is noted a little later
				c.mu.Unlock()
				time.Sleep(time.Millisecond)
				c.mu.Lock()
			}
			if len(c.in) > 0 || c.part != nil || len(c.pending) > 0 || cap(c.out) > 4 {
				t.Errorf("a parked connection holds %d, %v, %d, %d", len(c.in), c.part, len(c.pending), cap(c.out))
			}
			c.mu.Unlock()
		}
	}
}

func TestAllEventsOfAnEcho(t *testing.T) {
	s := newSite(t, false)
	p := s.dial()
	c := get(t, s.conn)
	e := newEcho(c)
	c.Start(e, 0)
	p.send(fr(fin|bye, code(4321)+"why"))
	if got := e.all(t); !slices.Equal(got, []string{"closed 4321 why"}) {
		t.Error(got)
	}
}

// A message that goes to many is encoded once for all that take it in the same form.
func TestBroadcastIsEncodedOnce(t *testing.T) {
	s := newSite(t, false)
	s.compress = true
	var peers []*plain
	var conns []*Conn
	for i := range 6 {
		headers := []string{"", "Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9"}[i%3]
		peers = append(peers, s.dial(headers))
		conns = append(conns, get(t, s.conn))
	}
	m := event.Message{Text: true, Data: []byte(strings.Repeat("to all ", 100)), Shared: &event.Shared{}}
	first := map[bool]*byte{}
	for i, c := range conns {
		b := c.encode(m)
		switch {
		case i%3 == 2: // with a window of its own
		case first[c.deflate] == nil:
			first[c.deflate] = &b[0]
		case first[c.deflate] != &b[0]:
			t.Errorf("encoded again for connection %d", i)
		}
		if err := c.Send(m, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range peers {
		want := "text of 700"
		if i%3 > 0 {
			want = "small " + want
		}
		p.expect(want)
	}
}

// Who has asked for more before, and does not read it, gets the answer to the handshake
// when there is room.
func TestAnswerThatFindsNoRoom(t *testing.T) {
	set := NewSet(nil)
	t.Cleanup(set.Close)
	if !set.polls() {
		t.Skip("connections cannot be watched on this system")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	// Fill what the system keeps for both.
	before := 0
	for {
		if err := nc.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := nc.Write(make([]byte, 1<<20))
		if before += n; err != nil {
			break
		}
	}
	if err := set.reserve(); err != nil {
		t.Fatal(err)
	}
	c, err := set.accept(nc, options{window: mostWindow, answer: []byte("the answer")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(event.Message{Text: true, Data: []byte("behind")}, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, client, int64(before)); err != nil {
		t.Fatal(err)
	}
	want := "the answer\x81\x06behind"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(client, got); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	for end := time.Now().Add(time.Minute); c.Buffered() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d bytes wait", c.Buffered())
		}
	}
}
