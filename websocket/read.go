package websocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"workerd.local/event"
	"workerd.local/exception"
)

// worker is what one reader has for all connections.
type worker struct {
	buf    []byte // what was read
	room   []byte // what is written, from several frames
	header bytes.Reader
	small  [ws.MaxHeaderSize]byte
}

func newWorker() *worker { return &worker{buf: make([]byte, chunk), room: make([]byte, chunk)} }

// part is a message that is not complete.
type part struct {
	text       bool
	compressed bool
	data       []byte
	checked    int // bytes of data that are known to be UTF-8

	// The frame that data comes from; inside says that there is one.
	inside bool
	fin    bool
	masked bool
	mask   [4]byte
	at     int   // in the frame
	left   int64 // of the frame
}

// occurrence is what a connection's bytes say.
type occurrence struct {
	kind    kind
	message event.Message
	code    int
	reason  string
	err     error
}

type kind uint8

const (
	nothing kind = iota // more bytes are needed
	message
	closing
	violation // code and reason go to the other side, err to the handler
)

// visits is how often a worker reads from one connection before the others have
// their turn.
const visits = 8

// readSome reads and tells as much as somebody wants. It reports whether there may be more.
func (c *Conn) readSome(w *worker) (more bool) {
	for range visits {
		c.mu.Lock()
		if c.gone || !c.wantsRead() {
			c.mu.Unlock()
			return false
		}
		dropping, readable := c.lingering, c.readable
		if len(c.in) > 0 && !c.starved && !dropping {
			c.mu.Unlock()
			b := c.in
			c.in = nil
			c.parse(w, b)
			continue
		}
		if !readable {
			c.mu.Unlock()
			return false
		}
		c.readable = false
		c.mu.Unlock()
		n := copy(w.buf, c.in)
		m, err := c.get(w.buf[n:])
		if c.seal != nil && len(c.seal.rest) > 0 {
			// crypto/tls has answered something of its own.
			c.mu.Lock()
			c.schedule()
			c.mu.Unlock()
		}
		if err == errAgain {
			continue // where something came meanwhile, readable says so
		}
		if err != nil {
			c.lost(disconnected(err))
			return false
		}
		// There may be more, or the end: the system says so only once.
		c.mu.Lock()
		c.readable = true
		c.mu.Unlock()
		if dropping {
			c.in = nil
			c.forget()
			continue
		}
		c.in, c.starved = nil, false
		c.parse(w, w.buf[:n+m])
	}
	return true
}

// parse tells what b says, as long as the handler wants to hear it. What is left stays
// in the connection.
func (c *Conn) parse(w *worker, b []byte) {
	for {
		rest, o := c.step(w, b)
		switch o.kind {
		case nothing:
			c.keep(w, rest, true)
			return
		case violation:
			c.in = nil
			c.forget()
			c.fail(o.code, o.reason, o.err)
			return
		case closing:
			c.in = nil
			c.forget()
			c.mu.Lock()
			h := c.handler
			c.closedIn = true
			c.mu.Unlock()
			if h != nil {
				h.Closed(o.code, o.reason)
			}
			c.flushed()
			return
		case message:
			c.mu.Lock()
			h := c.handler
			c.busy = h != nil
			c.mu.Unlock()
			if h == nil {
				return
			}
			h.Message(o.message, c.next)
			c.mu.Lock()
			wanted := !c.gone && c.wantsRead() && !c.lingering
			c.mu.Unlock()
			if !wanted {
				c.keep(w, rest, false)
				return
			}
			if b = rest; len(b) == 0 {
				c.keep(w, nil, false)
				return
			}
		}
	}
}

// keep leaves b in the connection. It may be part of the worker's buffer, which is
// used again, or of the connection's own.
func (c *Conn) keep(w *worker, b []byte, starved bool) {
	switch {
	case len(b) == 0:
		c.in, c.starved = nil, false
	case len(w.buf) > 0 && within(b, w.buf), cap(b) > 4*len(b)+4096:
		c.in, c.starved = append([]byte(nil), b...), starved
	default:
		c.in, c.starved = b, starved
	}
}

// within reports whether b is part of buf.
func within(b, buf []byte) bool {
	last := &buf[:cap(buf)][cap(buf)-1]
	return &b[:cap(b)][cap(b)-1] == last
}

// step takes frames from b until one says something, and returns what is left.
func (c *Conn) step(w *worker, b []byte) ([]byte, occurrence) {
	for {
		if p := c.part; p != nil && p.inside {
			var o occurrence
			if b, o = c.fill(p, b); o.kind != nothing || p.inside {
				return b, o
			}
			continue
		}
		size := headerSize(b)
		if size > len(b) {
			return b, occurrence{}
		}
		w.header.Reset(b[:size])
		h, err := ws.ReadHeaderBuffer(&w.header, w.small[:0])
		if err != nil {
			return nil, violates(1002, "Received a frame with an invalid length")
		}
		if o, bad := c.check(h); bad {
			return nil, o
		}
		if h.OpCode.IsControl() {
			if int64(len(b)-size) < h.Length {
				return b, occurrence{}
			}
			body := b[size : size+int(h.Length)]
			b = b[size+int(h.Length):]
			if h.Masked {
				ws.Cipher(body, h.Mask, 0)
			}
			switch h.OpCode {
			case ws.OpPing:
				c.answer(body)
			case ws.OpClose:
				return nil, closed(body)
			}
			continue
		}
		b = b[size:]
		if h.Fin && c.part == nil && int64(len(b)) >= h.Length {
			// The usual case: the whole message is here.
			body := b[:h.Length]
			b = b[h.Length:]
			if !h.Rsv1() {
				body = append(make([]byte, 0, len(body)), body...)
			}
			if h.Masked {
				ws.Cipher(body, h.Mask, 0)
			}
			return b, c.complete(h.OpCode == ws.OpText, h.Rsv1(), body, 0)
		}
		if c.part == nil {
			c.part = &part{text: h.OpCode == ws.OpText, compressed: h.Rsv1()}
		}
		p := c.part
		p.inside, p.fin, p.masked, p.mask, p.at, p.left = true, h.Fin, h.Masked, h.Mask, 0, h.Length
	}
}

// fill takes what b has of the frame that p is inside of.
func (c *Conn) fill(p *part, b []byte) ([]byte, occurrence) {
	n := int(min(int64(len(b)), p.left))
	begin := len(p.data)
	if need := begin + n; need > cap(p.data) {
		// It grows with what comes, not with what was announced.
		if !c.hold(int64(min(int64(max(2*cap(p.data), need)), int64(begin)+p.left)) - int64(cap(p.data))) {
			return nil, occurrence{kind: violation, code: event.CloseOverload, reason: "Too many messages are not complete.", err: errParts}
		}
		data := make([]byte, begin, min(int64(max(2*cap(p.data), need)), int64(begin)+p.left))
		copy(data, p.data)
		p.data = data
	}
	p.data = append(p.data, b[:n]...)
	if p.masked {
		ws.Cipher(p.data[begin:], p.mask, p.at)
		p.at = (p.at + n) & 3
	}
	p.left -= int64(n)
	b = b[n:]
	if p.text && !p.compressed && !p.validSoFar() {
		return nil, violates(1007, "Received text that is not UTF-8")
	}
	if p.left > 0 {
		return nil, occurrence{}
	}
	p.inside = false
	if !p.fin {
		return b, occurrence{}
	}
	c.forget()
	return b, c.complete(p.text, p.compressed, p.data, p.checked)
}

// errParts is what a handler is told where messages that are not complete need too much.
var errParts = exception.Errorf("The WebSocket was closed: the messages of all WebSockets that have arrived in part need too much memory.").WithKind(exception.Overloaded)

// hold counts what a message that is not complete needs more; false says that all of them
// need too much.
func (c *Conn) hold(n int64) bool {
	c.held.Add(n)
	return c.set.held.Add(n) <= c.set.partBytes
}

// forget drops the message that is not complete, or is now.
func (c *Conn) forget() {
	c.part = nil
	c.letGo()
}

// letGo takes back what was counted. Any goroutine, any number of times.
func (c *Conn) letGo() {
	if c.held.Load() != 0 {
		c.set.held.Add(-c.held.Swap(0))
	}
}

// complete makes a message of its data, of which some is known to be UTF-8.
func (c *Conn) complete(text, compressed bool, data []byte, checked int) occurrence {
	if compressed {
		var err error
		most := c.limit()
		switch data, err = inflate(data, most); {
		case errors.Is(err, event.ErrTooBig):
			return tooBig(most+1, most)
		case err != nil:
			return violates(1007, "Received a message that cannot be decompressed")
		}
	}
	if data == nil {
		data = []byte{}
	}
	if text && !utf8.Valid(data[checked:]) {
		return violates(1007, "Received text that is not UTF-8")
	}
	return occurrence{kind: message, message: event.Message{Text: text, Data: data}}
}

// limit is how big a message may be: for this end, and for whoever it is handed on to.
func (c *Conn) limit() int64 {
	c.mu.Lock()
	most, h := c.maxMessage, c.handler
	c.mu.Unlock()
	if l, ok := h.(event.Limited); ok {
		if n := l.MaxMessage(); n > 0 {
			most = min(most, n)
		}
	}
	return most
}

// check says what is wrong with a header.
func (c *Conn) check(h ws.Header) (occurrence, bool) {
	switch {
	case h.Rsv2() || h.Rsv3():
		return violates(1002, "Received frame had RSV bits 2 or 3 set"), true
	case h.Rsv1() && !c.deflate:
		return violates(1002, "Received a WebSocket frame whose compression bit was set, but the compression extension was not negotiated for this connection."), true
	case h.Rsv1() && (h.OpCode.IsControl() || h.OpCode == ws.OpContinuation):
		return violates(1002, "Received a frame whose compression bit was set that does not begin a message"), true
	}
	state := ws.StateServerSide
	if c.client {
		state = ws.StateClientSide
	}
	if c.deflate {
		state = state.Set(ws.StateExtended)
	}
	if c.part != nil {
		state = state.Set(ws.StateFragmented)
	}
	switch err := ws.CheckHeader(h, state); err {
	case nil:
	case ws.ErrProtocolOpCodeReserved:
		return violates(1002, fmt.Sprintf("Unknown opcode %d", h.OpCode)), true
	case ws.ErrProtocolControlNotFinal:
		return violates(1002, "Received fragmented control frame"), true
	case ws.ErrProtocolContinuationUnexpected:
		return violates(1002, "Unexpected continuation frame"), true
	case ws.ErrProtocolContinuationExpected:
		return violates(1002, "Missing continuation frame"), true
	default:
		return violates(1002, err.Error()), true
	}
	if h.OpCode.IsControl() {
		return occurrence{}, false
	}
	size := h.Length
	if c.part != nil {
		size += int64(len(c.part.data))
	}
	most := c.limit()
	if size > most || size < 0 {
		return tooBig(size, most), true
	}
	return occurrence{}, false
}

// validSoFar reports whether the data of a text that is not complete may still become
// UTF-8.
func (p *part) validSoFar() bool {
	end := len(p.data)
	for i := 1; i <= utf8.UTFMax-1 && i <= end-p.checked; i++ {
		if b := p.data[end-i]; utf8.RuneStart(b) {
			if !utf8.FullRune(p.data[end-i : end]) {
				end -= i
			}
			break
		}
	}
	if !utf8.Valid(p.data[p.checked:end]) {
		return false
	}
	p.checked = end
	return true
}

// headerSize is how many bytes a frame's header has, as far as b tells.
func headerSize(b []byte) int {
	if len(b) < 2 {
		return 2
	}
	n := 2
	switch b[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// closed is what the body of a close frame says.
func closed(body []byte) occurrence {
	if len(body) == 0 {
		return occurrence{kind: closing, code: event.CloseNoCode}
	}
	if len(body) == 1 {
		return violates(1002, "Received a close frame with half a code")
	}
	code, reason := int(binary.BigEndian.Uint16(body)), string(body[2:])
	if !utf8.ValidString(reason) {
		return violates(1007, "Received a close frame whose reason is not UTF-8")
	}
	if !validCode(code) {
		return violates(1002, fmt.Sprintf("Received a close frame with the invalid code %d", code))
	}
	return occurrence{kind: closing, code: code, reason: reason}
}

// validCode reports whether a close frame may have a code: those that are registered for
// that, and those of libraries and applications.
func validCode(n int) bool {
	switch n {
	case 1004, 1005, 1006:
		return false
	}
	return n >= 1000 && n <= 1014 || n >= 3000 && n <= 4999
}

func violates(code int, reason string) occurrence {
	return occurrence{kind: violation, code: code, reason: reason, err: &event.ProtocolError{Code: code, Reason: reason}}
}

func tooBig(size, most int64) occurrence {
	err := event.TooBig(size, most)
	return occurrence{kind: violation, code: err.Code, reason: err.Reason, err: err}
}

// readLoop is the goroutine of a connection that no poll watches. While it waits it has
// a buffer of a frame's header only.
func (c *Conn) readLoop() {
	w := &worker{}
	var buf []byte
	for {
		c.mu.Lock()
		gone, wants, dropping := c.gone, c.wantsRead(), c.lingering
		c.mu.Unlock()
		switch {
		case gone:
			return
		case !wants:
			<-c.wake
			continue
		}
		if len(c.in) > 0 && !c.starved && !dropping {
			b := c.in
			c.in = nil
			c.parse(w, b)
			continue
		}
		// Inside a message a buffer is worth its memory.
		room := w.small[:]
		if c.part != nil || c.starved || dropping {
			if buf == nil {
				buf = make([]byte, 16<<10)
			}
			room = buf
		} else {
			buf = nil
		}
		n, err := c.nc.Read(room)
		if n > 0 && !dropping {
			b := append(append(make([]byte, 0, len(c.in)+n), c.in...), room[:n]...)
			c.in, c.starved = nil, false
			c.parse(w, b)
		}
		if err != nil {
			c.lost(disconnected(err))
			return
		}
	}
}
