package websocket

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
)

// step is what the peer does in a case: it sends bytes.
type step struct{ bytes []byte }

func sends(frames ...[]byte) []step { return []step{{bytes: bytes.Join(frames, nil)}} }

// piecemeal sends n bytes at a time.
func piecemeal(n int, frames ...[]byte) []step {
	var steps []step
	b := bytes.Join(frames, nil)
	for len(b) > 0 {
		k := min(n, len(b))
		steps = append(steps, step{bytes: b[:k]})
		b = b[k:]
	}
	return steps
}

const (
	fin    = 0x80
	rsv1   = 0x40
	text   = 0x01
	octets = 0x02
	more   = 0x00
	bye    = 0x08
	ping   = 0x09
	pong   = 0x0a
)

func code(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }

// goodbye is the end of a case in which nothing is wrong.
func goodbye(said ...string) []string { return append(said, "close 1000 ", "end") }

// wrong is the end of a case in which the peer did something wrong.
func wrong(n int, said ...string) []string { return append(said, fmt.Sprintf("close %d", n), "end") }

type suiteCase struct {
	name  string
	steps []step
	want  []string
}

// closes adds the peer's close frame.
func closes(steps []step) []step { return append(steps, step{bytes: fr(fin|bye, code(1000))}) }

// suite is what RFC 6455 asks of a server, ordered as the Autobahn test suite orders its
// cases: framing, pings, reserved bits, opcodes, fragments, UTF-8, closing, limits.
func suite() []suiteCase {
	var list []suiteCase
	add := func(name string, steps []step, want []string) { list = append(list, suiteCase{name, steps, want}) }
	good := func(name string, steps []step, said ...string) { add(name, closes(steps), goodbye(said...)) }

	// 1: messages of every form of length, in one piece and in pieces.
	for _, size := range []int{0, 125, 126, 127, 128, 65535, 65536} {
		body := strings.Repeat("*", size)
		for op, name := range map[byte]string{text: "text", octets: "binary"} {
			said := name + " " + body
			if size > 200 {
				said = fmt.Sprintf("%s of %d", name, size)
			}
			good(fmt.Sprintf("1 %s of %d", name, size), sends(fr(fin|op, body)), said)
			if size > 1000 {
				good(fmt.Sprintf("1 %s of %d in pieces", name, size), piecemeal(997, fr(fin|op, body)), said)
			}
		}
	}
	good("1 text byte by byte", piecemeal(1, fr(fin|text, "Hello")), "text Hello")

	// 2: pings are answered with what they carry.
	good("2 ping", sends(fr(fin|ping, "")), "pong ")
	good("2 ping with text", sends(fr(fin|ping, "Hello")), "pong Hello")
	good("2 ping with bytes", sends(fr(fin|ping, "\x00\xff\xfe")), "pong \x00\xff\xfe")
	good("2 largest ping", sends(fr(fin|ping, strings.Repeat("x", 125))), "pong "+strings.Repeat("x", 125))
	add("2 too large ping", sends(fr(fin|ping, strings.Repeat("x", 126))), wrong(1002))
	good("2 largest ping byte by byte", piecemeal(1, fr(fin|ping, strings.Repeat("x", 125))), "pong "+strings.Repeat("x", 125))
	good("2 pong that nobody asked for", sends(fr(fin|pong, ""), fr(fin|pong, "x"), fr(fin|ping, "y")), "pong y")

	// 3: reserved bits.
	for _, bits := range []byte{0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70} {
		add(fmt.Sprintf("3 reserved %x", bits), sends(fr(fin|bits|text, "x")), wrong(1002))
		add(fmt.Sprintf("3 reserved %x of a ping", bits), sends(fr(fin|bits|ping, "x")), wrong(1002))
		add(fmt.Sprintf("3 reserved %x after a message", bits), sends(fr(fin|text, "ok"), fr(fin|bits|octets, "x")), wrong(1002, "text ok"))
	}

	// 4: opcodes that mean nothing.
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		add(fmt.Sprintf("4 opcode %d", op), sends(fr(fin|op, "")), wrong(1002))
		add(fmt.Sprintf("4 opcode %d after a message", op), sends(fr(fin|text, "ok"), fr(fin|op, "x"), fr(fin|ping, "")), wrong(1002, "text ok"))
	}

	// 5: fragments.
	add("5 ping in fragments", sends(fr(ping, "a"), fr(fin|more, "b")), wrong(1002))
	add("5 pong in fragments", sends(fr(pong, "a"), fr(fin|more, "b")), wrong(1002))
	add("5 close in fragments", sends(fr(bye, code(1000))), wrong(1002))
	good("5 two fragments", sends(fr(text, "a"), fr(fin|more, "b")), "text ab")
	good("5 two fragments byte by byte", piecemeal(1, fr(text, "a"), fr(fin|more, "b")), "text ab")
	good("5 ping between fragments", sends(fr(text, "a"), fr(fin|ping, "p"), fr(fin|more, "b")), "pong p", "text ab")
	good("5 ping between fragments byte by byte", piecemeal(1, fr(text, "a"), fr(fin|ping, "p"), fr(fin|more, "b")), "pong p", "text ab")
	good("5 empty fragments", sends(fr(text, ""), fr(more, ""), fr(fin|more, "")), "text ")
	good("5 empty and full fragments", sends(fr(text, ""), fr(more, "mid"), fr(fin|more, "")), "text mid")
	good("5 many fragments", sends(fr(octets, "0"), bytes.Repeat(fr(more, "x"), 100), fr(fin|more, "1")), "binary 0"+strings.Repeat("x", 100)+"1")
	add("5 continuation of nothing", sends(fr(fin|more, "x"), fr(fin|text, "y")), wrong(1002))
	add("5 continuation of nothing, not the last", sends(fr(more, "x"), fr(fin|text, "y")), wrong(1002))
	add("5 continuation after a whole message", sends(fr(fin|text, "y"), fr(fin|more, "x")), wrong(1002, "text y"))
	add("5 text within fragments", sends(fr(text, "a"), fr(fin|text, "b")), wrong(1002))
	add("5 binary within fragments", sends(fr(text, "a"), fr(more, "b"), fr(octets, "c")), wrong(1002))
	good("5 message after fragments", sends(fr(text, "a"), fr(fin|more, "b"), fr(fin|octets, "c")), "text ab", "binary c")

	// 6: UTF-8.
	hello := "Hello-µ@ßöäüàá-UTF-8!!"
	good("6 text", sends(fr(fin|text, hello)), "text "+hello)
	good("6 text in fragments within characters", sends(fr(text, hello[:7]), fr(fin|more, hello[7:])), "text "+hello)
	good("6 text in fragments of a byte", fragments(hello), "text "+hello)
	for _, s := range []string{
		"κόσμε", "\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\uffff", "\U00010000", "\U0010ffff", "\ufffe", "\U0001fffe", "\U0010fffe",
		"\ufeff", "𐍈", strings.Repeat("é", 90),
	} {
		good(fmt.Sprintf("6 valid %q", s), sends(fr(fin|text, s)), "text "+s)
		good(fmt.Sprintf("6 valid %q in fragments", s), fragments(s), "text "+s)
	}
	for _, s := range []string{
		"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\x80", "\xbf", "\x80\xbf",
		"\xc0 ", "\xe0 ", "\xf0 ", "\xc0", "\xe0\x80", "\xf0\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfe", "\xff", "\xfe\xfe\xff\xff",
		"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80",
		"good \xce\xba then cut \xce",
	} {
		add(fmt.Sprintf("6 invalid %q", s), sends(fr(fin|text, s)), wrong(1007))
		add(fmt.Sprintf("6 invalid %q in fragments", s), fragments(s), wrong(1007))
	}
	add("6 invalid before its end", []step{{bytes: fr(text, "κόσμε\xf4")}, {bytes: fr(more, "\x90")}}, wrong(1007))
	add("6 invalid before the end of its frame", []step{{bytes: fr(fin|text, "κόσμε\xf4\x90\x80\x80edited")[:26]}}, wrong(1007))
	good("6 bytes need not be UTF-8", sends(fr(fin|octets, "\xff\xfe")), "binary \xff\xfe")

	// 7: closing.
	add("7 close", sends(fr(fin|bye, code(1000))), goodbye())
	add("7 close twice", sends(fr(fin|bye, code(1000)), fr(fin|bye, code(1000))), goodbye())
	add("7 ping after close", sends(fr(fin|bye, code(1000)), fr(fin|ping, "x")), goodbye())
	add("7 text after close", sends(fr(fin|bye, code(1000)), fr(fin|text, "x")), goodbye())
	add("7 close within fragments", sends(fr(text, "a"), fr(fin|bye, code(1000)), fr(fin|more, "b")), goodbye())
	add("7 close behind much", sends(fr(fin|octets, strings.Repeat("x", 256<<10)), fr(fin|bye, code(1000))), goodbye("binary of 262144"))
	add("7 close without a code", sends(fr(fin|bye, "")), []string{"close", "end"})
	add("7 close with half a code", sends(fr(fin|bye, "\x03")), wrong(1002))
	add("7 close with a reason", sends(fr(fin|bye, code(1000)+"Hello")), []string{"close 1000 Hello", "end"})
	long := strings.Repeat("*", 123)
	add("7 close with the longest reason", sends(fr(fin|bye, code(1000)+long)), []string{"close 1000 " + long, "end"})
	add("7 close with too long a reason", sends(fr(fin|bye, code(1000)+long+"*")), wrong(1002))
	add("7 close with a reason that is not UTF-8", sends(fr(fin|bye, code(1000)+"\xce\xba\xe1\xbd\xb9\xed\xa0\x80")), wrong(1007))
	for _, n := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		add(fmt.Sprintf("7 close with %d", n), sends(fr(fin|bye, code(n))), []string{fmt.Sprintf("close %d ", n), "end"})
	}
	for _, n := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		add(fmt.Sprintf("7 close with the invalid %d", n), sends(fr(fin|bye, code(n)+"x")), wrong(1002))
	}

	// 9: large messages, whole, in frames, and in small pieces.
	large := strings.Repeat("0123456789abcdef", 64<<10)
	good("9 a MiB of text", sends(fr(fin|text, large)), "text of 1048576")
	good("9 a MiB of bytes", sends(fr(fin|octets, large)), "binary of 1048576")
	for _, n := range []int{64, 1024, 64 << 10} {
		var frames [][]byte
		body := large[:256<<10]
		for i := 0; i < len(body); i += n {
			op := byte(more)
			if i == 0 {
				op = octets
			}
			if i+n >= len(body) {
				op |= fin
			}
			frames = append(frames, fr(op, body[i:min(i+n, len(body))]))
		}
		good(fmt.Sprintf("9 a message in frames of %d", n), sends(frames...), "binary of 262144")
	}
	good("9 in small pieces", piecemeal(4<<10, fr(fin|octets, large[:256<<10])), "binary of 262144")

	// 10: what no case above has: masks, lengths.
	add("10 without a mask", []step{{bytes: []byte{fin | text, 1, 'x'}}}, wrong(1002))
	add("10 a length with its highest bit set", []step{{bytes: []byte{fin | octets, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}}}, wrong(1002))
	add("10 a length that nobody has", []step{{bytes: []byte{fin | octets, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}}}, wrong(1009))
	add("10 one byte too large", []step{{bytes: fr(fin|octets, strings.Repeat("x", 4<<20+1))[:100]}}, wrong(1009))
	add("10 fragments that are too large together", sends(fr(octets, strings.Repeat("x", 3<<20)), fr(fin|more, strings.Repeat("x", 3<<20))[:50]), wrong(1009))
	return list
}

// fragments sends each byte as a frame of its own.
func fragments(s string) []step {
	var frames [][]byte
	for i := range len(s) {
		op := byte(more)
		if i == 0 {
			op = text
		}
		if i == len(s)-1 {
			op |= fin
		}
		frames = append(frames, fr(op, s[i:i+1]))
	}
	return sends(frames...)
}

func TestFramesAsTheStandardWants(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		s := newSite(t, encrypted)
		s.start = func(c *Conn) { c.Start(newEcho(c), 4<<20) }
		for _, c := range suite() {
			t.Run(fmt.Sprintf("tls=%v/%s", encrypted, c.name), func(t *testing.T) {
				p := s.dial()
				p.t = t
				defer p.Close()
				go func() {
					for _, x := range c.steps {
						if _, err := p.Write(x.bytes); err != nil {
							return // the server has said why
						}
					}
				}()
				for _, want := range c.want {
					got := p.says()
					if strings.HasPrefix(want, "close ") && !strings.HasSuffix(want, " ") && strings.HasPrefix(got, want+" ") {
						continue
					}
					if want == "end" && got == "reset" {
						continue // the system says so where something came behind the end
					}
					if got != want {
						t.Fatalf("got %.80q, want %.80q", got, want)
					}
				}
				<-s.conn
			})
		}
		if n := eventually0(s.set); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	}
}

// eventually0 waits for the last connections to be over.
func eventually0(s *Set) int {
	for range 6000 {
		if s.Len() == 0 {
			return 0
		}
		time.Sleep(10 * time.Millisecond)
	}
	return s.Len()
}

// 12 and 13 of the suite: compression, with the windows that a client may ask for.
func TestCompressedMessages(t *testing.T) {
	s := newSite(t, false)
	s.compress = true
	s.start = func(c *Conn) { c.Start(newEcho(c), 4<<20) }
	body := strings.Repeat("compress me, please; ", 2000)
	for offered, agreed := range map[string]string{
		"permessage-deflate":                                                                   "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"permessage-deflate; client_max_window_bits":                                           "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"permessage-deflate; server_max_window_bits=9":                                         "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
		"permessage-deflate; server_max_window_bits=8; client_no_context_takeover":             "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8",
		"x-other, permessage-deflate; strange, permessage-deflate; server_no_context_takeover": "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"permessage-deflate; server_max_window_bits=16":                                        "",
		"permessage-deflate; server_max_window_bits=7":                                         "",
		"permessage-deflate; server_max_window_bits":                                           "",
		"permessage-deflate; client_max_window_bits=99":                                        "",
		"permessage-deflate; server_no_context_takeover=1":                                     "",
		"permessage-deflate; server_no_context_takeover; server_no_context_takeover":           "",
		"x-webkit-deflate-frame":                                                               "",
	} {
		t.Run(offered, func(t *testing.T) {
			p := s.dial("Sec-WebSocket-Extensions: " + offered)
			p.t = t
			if got := p.h.Get("Sec-WebSocket-Extensions"); got != agreed {
				t.Fatalf("agreed on %q, want %q", got, agreed)
			}
			p.send(fr(fin|text, body))
			if agreed == "" {
				p.expect(fmt.Sprintf("text of %d", len(body)))
				p.send(fr(fin|rsv1|text, string(deflate([]byte(body), 15))))
				if got := p.says(); !strings.HasPrefix(got, "close 1002 ") {
					t.Fatal(got)
				}
				return
			}
			small := fmt.Sprintf("small text of %d", len(body))
			p.expect(small)
			packed := string(deflate([]byte(body), 15))
			p.send(fr(fin|rsv1|text, packed))
			p.expect(small)
			p.send(fr(rsv1|text, packed[:10]), fr(fin|ping, ""), fr(more, packed[10:20]), fr(fin|more, packed[20:]))
			p.expect("pong ", small)
			p.send(fr(fin|rsv1|octets, string(deflate([]byte("x"), 15))))
			p.expect("binary x")
			p.send(fr(fin|bye, code(1000)))
			p.expect("close 1000 ", "end")
		})
	}
	for name, c := range map[string]struct {
		frame []byte
		want  string
	}{
		"not deflate":               {fr(fin|rsv1|text, "\xff\xff\xff\xff\xff"), "close 1007 "},
		"not UTF-8":                 {fr(fin|rsv1|text, string(deflate([]byte("\xff"), 15))), "close 1007 "},
		"becomes too much":          {fr(fin|rsv1|octets, string(deflate(make([]byte, 5<<20), 15))), "close 1009 "},
		"goes on after its end":     {fr(fin|rsv1|octets, "\x01\x00\x00\xff\xff\x00\x00\x00\x00"), "close 1007 "},
		"a compressed continuation": {append(fr(text, "a"), fr(fin|rsv1|more, "b")...), "close 1002 "},
		"a compressed ping":         {fr(fin|rsv1|ping, "b"), "close 1002 "},
		"another reserved bit":      {fr(fin|rsv1|0x20|text, "b"), "close 1002 "},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.dial("Sec-WebSocket-Extensions: permessage-deflate")
			p.t = t
			p.send(c.frame)
			if got := p.says(); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWindowsAreKept(t *testing.T) {
	// Bytes that repeat at a distance which only a larger window sees.
	half := make([]byte, 700)
	for i := range half {
		half[i] = byte(i*i>>3 + i)
	}
	b := append(append([]byte{}, half...), half...)
	if near, far := len(deflate(b, 15)), len(deflate(b, 9)); far < near+300 {
		t.Errorf("%d bytes with a window of 512, %d with the largest", far, near)
	}
	for window := uint8(8); window <= 15; window++ {
		got, err := inflate(deflate(b, window), 1<<20)
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("window %d: %v", window, err)
		}
	}
}

var _ event.WebSocket = (*Conn)(nil)
