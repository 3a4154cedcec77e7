package websocket

import (
	"strings"
	"testing"

	"workerd.local/event"
)

// What is too big for who gets it in the end is not read at all, and both sides are told.
func TestTooBigBehindASplice(t *testing.T) {
	bothKinds(t, func(t *testing.T, encrypted bool) {
		s := newSite(t, encrypted)
		h := newHolder()
		s.start = func(c *Conn) {
			near, far := event.NewWebSocketPair(1 << 20)
			event.Splice(c, near, nil)
			far.Start(h, 1000)
		}
		p := s.dial()
		p.send(fr(fin|text, strings.Repeat("x", 1000)))
		if m := get(t, h.messages); len(m.Data) != 1000 {
			t.Errorf("a message of %d", len(m.Data))
		} else {
			m.done()
		}
		p.send(fr(fin|text, strings.Repeat("x", 1001))[:20]) // its beginning is enough
		p.expect("close 1009 Message is too large: 1001 > 1000")
		if err := get(t, h.failed); err.Error() != "Message is too large: 1001 > 1000" {
			t.Error(err)
		}
	})
}

func TestViolationBehindASplice(t *testing.T) {
	s := newSite(t, false)
	h := newHolder()
	s.start = func(c *Conn) {
		near, far := event.NewWebSocketPair(1 << 20)
		event.Splice(c, near, nil)
		far.Start(h, 0)
	}
	p := s.dial()
	p.send(fr(fin|0x20|text, "x"))
	p.expect("close 1002 Received frame had RSV bits 2 or 3 set")
	if err := get(t, h.failed); err.Error() != "Received frame had RSV bits 2 or 3 set" {
		t.Error(err)
	}
}
