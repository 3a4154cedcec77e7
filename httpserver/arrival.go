package httpserver

import (
	"context"
	"net/http"
	"time"

	"workerd.local/event"
	"workerd.local/websocket"
)

// arrival is a connection of the system's that has asked for a WebSocket in a usual way, and
// whose service is at it. It has no goroutine, no timer and no place in Go's poller: where
// the answer is a WebSocket, its Set has the connection next. It becomes a guest where that
// takes long, so that somebody sees whether the client is still there, or where the answer
// is another one.
type arrival struct {
	d    *door
	r    *http.Request
	head string // of the request
	read []byte // behind it
	ctx  event.Exchange

	// The door's lock guards these.
	fd         int    // 0 where somebody else has it
	guest      *guest // what it became
	over       bool   // it was answered, or the client is gone
	since      time.Time
	prev, next *arrival
}

// arrivals is a list, the oldest first, of those that wait for their answer.
type arrivals struct {
	first, last *arrival
	answering   int  // those that were in it and are given their answer
	looks       bool // a timer runs that calls look
}

func (l *arrivals) add(a *arrival) {
	if a.prev = l.last; a.prev != nil {
		a.prev.next = a
	} else {
		l.first = a
	}
	l.last = a
}

func (l *arrivals) remove(a *arrival) {
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		l.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	} else {
		l.last = a.prev
	}
	a.prev, a.next = nil, nil
}

func (l *arrivals) all() (list []*arrival) {
	for a := l.first; a != nil; a = a.next {
		list = append(list, a)
	}
	return list
}

// begin asks the service, unless the door is closing: then the connection is over.
func (a *arrival) begin(svc event.AsyncService, req *event.Request) {
	d := a.d
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		closeFile(a.fd)
		return
	}
	d.arrivals.add(a)
	if !d.arrivals.looks {
		d.arrivals.looks = true
		time.AfterFunc(goneAfter, d.look)
	}
	d.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			a.end()
			panic(v)
		}
	}()
	svc.Start(&a.ctx, req, a.answered)
}

// look makes guests of the arrivals that have waited long. It lets go of the lock after
// each: the system is asked several times for one, and there may be many.
func (d *door) look() {
	for g := d.late(); g != nil; g = d.late() {
		go g.watch()
	}
}

// late is a guest made of the arrival that has waited longest. Where none has waited long
// it is nil, and look is called again when one will have, or with the next arrival.
func (d *door) late() *guest {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.arrivals.first
	if d.arrivals.looks = a != nil; a == nil {
		return nil
	}
	if waited := time.Since(a.since); waited < goneAfter {
		time.AfterFunc(goneAfter-waited, d.look)
		return nil
	}
	d.arrivals.remove(a)
	g := a.become()
	g.watching.Add(1)
	return g
}

// become makes a guest of the arrival. Where its connection cannot be had, the guest has one
// that is over. The door's lock is held.
func (a *arrival) become() *guest {
	d := a.d
	g := &guest{d: d, c: d.l.(*listener).adopt(a.fd), cancel: a.end}
	a.fd, a.guest = 0, g
	d.guests[g] = struct{}{}
	return g
}

// answered is told what the service says, once, on any goroutine.
func (a *arrival) answered(resp *event.Response, err error) {
	d := a.d
	d.mu.Lock()
	if a.over {
		d.mu.Unlock()
		if resp != nil {
			_ = resp.Discard() // nobody waits for it
		}
		return
	}
	a.over = true
	g := a.guest
	if g == nil {
		d.arrivals.remove(a)
		d.arrivals.answering++
	}
	d.mu.Unlock()
	watched := g != nil
	if !watched {
		if a.accept(resp, err) {
			return
		}
		d.mu.Lock()
		d.arrivals.answering--
		g = a.become()
		d.mu.Unlock()
	}
	// It may have to wait, and who answers must not.
	go func() {
		defer g.out()
		if watched {
			g.unwatch()
		}
		g.conclude(a.r, append([]byte(a.head), a.read...), len(a.head), resp, err)
	}()
}

// accept makes a WebSocket of the connection where that is the answer.
func (a *arrival) accept(resp *event.Response, err error) bool {
	if err != nil || resp.WebSocket == nil || resp.Status != http.StatusSwitchingProtocols {
		return false
	}
	s, d := a.d.s, a.d
	c, err := s.o.WebSockets.Adopt(a.fd, a.r, a.read, websocket.Accepted{Header: s.handshakeHeader(resp), Owner: s})
	if err != nil {
		return false
	}
	a.ctx.End(context.Canceled)
	_ = resp.Body.Close()
	event.Splice(c, resp.WebSocket, nil)
	d.mu.Lock()
	d.arrivals.answering--
	d.left()
	d.mu.Unlock()
	return true
}

// end cancels the request. Where it was not answered yet, nobody waits for that any more, and
// the connection is closed before the service hears of it.
func (a *arrival) end() {
	d := a.d
	d.mu.Lock()
	over := a.over
	a.over = true
	g, fd := a.guest, a.fd
	if !over {
		if a.fd = 0; g == nil {
			d.arrivals.remove(a)
			d.arrivals.answering++
		}
	}
	d.mu.Unlock()
	switch {
	case over:
		a.ctx.End(context.Canceled)
	case g != nil:
		g.c.Close()
		a.ctx.End(context.Canceled)
		d.leave(g)
	default:
		closeFile(fd)
		a.ctx.End(context.Canceled)
		d.mu.Lock()
		d.arrivals.answering--
		d.left()
		d.mu.Unlock()
	}
}
