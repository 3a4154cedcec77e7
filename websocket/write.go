package websocket

import (
	"fmt"

	"github.com/gobwas/ws"

	"workerd.local/event"
)

// chunk is how much is written at once where several frames wait.
const chunk = 64 << 10

// Send is event.WebSocket's.
func (c *Conn) Send(m event.Message, sent func()) error {
	o := outgoing{frame: c.encode(m), sent: sent}
	size := int64(len(o.frame))
	c.mu.Lock()
	if c.closedOut || c.gone {
		c.mu.Unlock()
		if sent != nil {
			sent()
		}
		return event.ErrClosed
	}
	if waits := c.queued + int64(len(c.out))*event.FrameCost; waits > 0 && (waits+size > c.set.queueBytes || c.set.queued.Load()+size > c.set.totalBytes) {
		c.mu.Unlock()
		if sent != nil {
			sent()
		}
		c.fail(event.CloseOverload, "The connection reads too slowly.", event.ErrSlowReader)
		return event.ErrSlowReader
	}
	c.enqueue(o)
	c.mu.Unlock()
	return nil
}

// Buffered is event.WebSocket's.
func (c *Conn) Buffered() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// enqueue puts a frame behind the others. The lock is held.
func (c *Conn) enqueue(o outgoing) {
	c.wait(o)
	switch {
	case c.nc != nil:
		c.write()
	case !c.blocked:
		c.schedule()
	}
}

// wait counts a frame and lets it wait. The lock is held.
func (c *Conn) wait(o outgoing) {
	c.out = append(c.out, o)
	c.queued += int64(len(o.frame))
	c.set.queued.Add(int64(len(o.frame)) + event.FrameCost)
}

// answer queues the answer to a ping. While one waits, later pings get none: nobody
// makes this side queue without bound.
func (c *Conn) answer(ping []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pong || c.closedOut || c.gone {
		return
	}
	c.pong = true
	c.enqueue(outgoing{frame: c.control(ws.OpPong, ping), pong: true})
}

// gather moves what is to be written next to pending, of which the last call's must be
// written: one large frame, or as many small ones as fit into room. The lock is held.
func (c *Conn) gather(room []byte) {
	n := 0
	first := c.out[0]
	taken := 1
	if len(c.out) == 1 || len(first.frame) >= chunk/4 {
		c.pending = first.frame
		c.leaves(first)
	} else {
		taken = 0
		for _, o := range c.out {
			if n+len(o.frame) > len(room) {
				break
			}
			n += copy(room[n:], o.frame)
			c.leaves(o)
			taken++
		}
		c.pending = room[:n]
	}
	if rest := copy(c.out, c.out[taken:]); rest > 0 || cap(c.out) <= 4 {
		clear(c.out[rest:])
		c.out = c.out[:rest]
	} else {
		c.out = nil
	}
}

// leaves notes that a frame is in pending now.
func (c *Conn) leaves(o outgoing) {
	c.set.queued.Add(-event.FrameCost)
	if o.sent != nil {
		c.sents = append(c.sents, o.sent)
	}
	if o.pong {
		c.pong = false
	}
}

// written notes that n bytes of pending have left; it returns who is to be told. The lock
// is held.
func (c *Conn) written(n int) (sents []func()) {
	c.pending = c.pending[n:]
	if !c.gone {
		c.queued -= int64(n)
		c.set.queued.Add(-int64(n))
	}
	if len(c.pending) == 0 {
		c.pending = nil
		sents, c.sents = c.sents, nil
	}
	return sents
}

// flush writes what fits. A worker calls it.
func (c *Conn) flush(w *worker) {
	for {
		c.mu.Lock()
		if c.blocked || c.gone {
			c.mu.Unlock()
			return
		}
		if len(c.pending) == 0 {
			if len(c.out) == 0 {
				c.mu.Unlock()
				if c.seal == nil || c.sealFlushed() {
					c.flushed()
				}
				return
			}
			c.gather(w.room)
		}
		b := c.pending
		c.mu.Unlock()
		n, err := c.put(b)
		c.mu.Lock()
		sents := c.written(n)
		if err == nil && len(c.pending) > 0 {
			err = errAgain // a part: the rest would not fit either
		}
		c.blocked = err == errAgain
		if len(c.pending) > 0 && &b[0] == &w.room[0] {
			c.pending = append([]byte(nil), c.pending...)
		}
		c.mu.Unlock()
		tell(sents)
		if err == errAgain {
			if err = c.set.poll.writable(c); err == nil {
				return
			}
		}
		if err != nil {
			c.broken(err)
			return
		}
	}
}

// sealFlushed writes what crypto/tls has written, and reports whether that is all.
func (c *Conn) sealFlushed() bool {
	err := c.seal.flush()
	if err == nil {
		return true
	}
	if err == errAgain {
		c.mu.Lock()
		c.blocked = true
		c.mu.Unlock()
		if err = c.set.poll.writable(c); err == nil {
			return false
		}
	}
	c.broken(err)
	return false
}

// broken is told that nothing can be written any more. What the other side sent before
// may still be read.
func (c *Conn) broken(err error) {
	c.mu.Lock()
	c.readable, c.blocked = true, true
	reads := c.wantsRead() && !c.lingering
	dropped := append(c.sents, c.drop()...)
	c.set.queued.Add(-c.queued)
	c.pending, c.sents, c.queued = nil, nil, 0
	c.closedOut = c.closedOut || !reads
	c.mu.Unlock()
	tell(dropped)
	if !reads {
		c.lost(disconnected(err))
	}
}

// flushed is told that everything was written.
func (c *Conn) flushed() {
	c.mu.Lock()
	if c.gone || c.queued > 0 {
		c.mu.Unlock()
		return
	}
	over := c.closedIn && c.closedOut
	if over && c.client && !c.lingering {
		// The server ends the connection (RFC 6455, 7.1.1).
		c.lingering, over = true, false
		c.arm()
		c.schedule1()
	}
	half := c.lingering && c.closedOut && !c.halfClosed
	c.halfClosed = c.halfClosed || half
	c.mu.Unlock()
	switch {
	case over && !c.client:
		c.finish()
	case half:
		if c.seal != nil {
			c.seal.closeWrite()
			c.sealFlushed()
		} else if c.nc == nil {
			c.file.closeWrite()
		} else if h, ok := c.nc.(interface{ CloseWrite() error }); ok {
			// Where it fails, reading tells why.
			_ = h.CloseWrite()
		}
	}
}

// write makes a goroutine write, where there is none. The lock is held.
func (c *Conn) write() {
	if c.writing || c.gone {
		return
	}
	c.writing = true
	c.set.tasks.Add(1)
	go func() {
		defer c.set.tasks.Done()
		c.writeLoop()
	}()
}

// writeLoop writes until nothing is left.
func (c *Conn) writeLoop() {
	var room []byte
	for {
		c.mu.Lock()
		if len(c.out) == 0 || c.gone {
			c.writing = false
			c.mu.Unlock()
			c.flushed()
			return
		}
		if room == nil && len(c.out) > 1 {
			room = make([]byte, chunk)
		}
		c.gather(room)
		b := c.pending
		c.mu.Unlock()
		n, err := c.nc.Write(b)
		c.mu.Lock()
		sents := c.written(n)
		if err != nil {
			c.writing = false
		}
		c.mu.Unlock()
		tell(sents)
		if err != nil {
			c.broken(err)
			return
		}
	}
}

// closeBody is what a close frame carries.
func closeBody(code int, reason string) []byte {
	if code == event.CloseNoCode {
		return nil
	}
	return ws.NewCloseFrameBody(ws.StatusCode(code), reason)
}

// control is a control frame.
func (c *Conn) control(op ws.OpCode, body []byte) []byte {
	return c.frame(ws.Header{Fin: true, OpCode: op, Length: int64(len(body))}, body)
}

// frame is a frame as it is sent; body stays as it is.
func (c *Conn) frame(h ws.Header, body []byte) []byte {
	if c.client {
		h.Masked, h.Mask = true, ws.NewMask()
	}
	b := frameBuffer{b: make([]byte, 0, ws.HeaderSize(h)+len(body))}
	var scratch [ws.MaxHeaderSize]byte
	if err := ws.WriteHeaderBuffer(&b, h, scratch[:]); err != nil {
		panic(fmt.Sprintf("websocket: a frame of %d bytes: %v", len(body), err)) // no slice is that long
	}
	at := len(b.b)
	b.b = append(b.b, body...)
	if h.Masked {
		ws.Cipher(b.b[at:], h.Mask, 0)
	}
	return b.b
}

type frameBuffer struct{ b []byte }

func (f *frameBuffer) Write(p []byte) (int, error) {
	f.b = append(f.b, p...)
	return len(p), nil
}
