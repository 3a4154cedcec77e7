package threads

import (
	"sync"

	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// Port is one end of a channel, wherever it is: attached to a realm, or on its way in a message. What is posted into
// one end comes out of the other, in that order. Both ends close together: each gets a last mark behind what it was
// sent. A port holds nothing of a realm while nobody is attached, and no goroutine at any time. Any goroutine.
type Port struct {
	mu    *sync.Mutex // of the channel; guards everything below, of both ends
	other *Port       // nil once the channel is closed
	inbox queue       // what waits for this end
	at    *loop.Loop  // where it is delivered; nil where nobody is attached
	tell  func()      // to be posted there
	rung  bool        // tell has been posted, and Take has not come to the end yet
	open  bool        // messages are delivered; otherwise only a mark that nothing stands before
}

// NewChannel returns two ports that belong together; nobody is attached to them.
func NewChannel(bounds *limits.Set) (a, b *Port) {
	mu := &sync.Mutex{}
	make := func() *Port {
		p := &Port{mu: mu}
		p.inbox.maxMessages, p.inbox.maxBytes = limits.ThreadsMessages.In(bounds), limits.ThreadsBytes.In(bounds)
		return p
	}
	a, b = make(), make()
	a.other, b.other = b, a
	return a, b
}

// Post sends a message to the other end. One for a channel that is closed is lost, which is no error; neither is one
// that holds the other end itself, which closes both. The error is ErrFull.
func (p *Port) Post(m Message) error { return p.send(item{message: m}) }

// PostFrom is Post for the script that runs, whose actor's writes are durable before the message arrives (hold).
func (p *Port) PostFrom(js *isolate.JS, m Message) error {
	o := p.opposite()
	if o == nil {
		Drop(m)
		return nil
	}
	h, lost := holdFor(js, &o.inbox, o)
	if lost {
		Drop(m)
		return nil
	}
	err := p.send(item{message: m, hold: h})
	if err == nil {
		h.wait()
	}
	return err
}

// opposite is the other end; nil where the channel is closed.
func (p *Port) opposite() *Port {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.other
}

func (p *Port) send(i item) error {
	m := i.message
	p.mu.Lock()
	o := p.other
	if o == nil || holds(m, o) {
		p.mu.Unlock()
		Drop(m)
		return nil
	}
	_, err := o.inbox.push(i)
	if err == nil {
		o.ringLocked()
	}
	p.mu.Unlock()
	if err != nil {
		Drop(m)
	}
	return err
}

// Fill puts messages before those that wait for this end, whatever the bounds: they are what waited for it in a realm that
// it leaves. Nobody is attached.
func (p *Port) Fill(list []Message) {
	if len(list) == 0 {
		return
	}
	p.mu.Lock()
	err := p.inbox.prepend(list)
	p.mu.Unlock()
	if err != nil {
		Drop(list...)
	}
}

// ringLocked tells who is attached that there is something to take.
func (p *Port) ringLocked() {
	if p.at == nil || p.rung || !p.readyLocked(false) {
		return
	}
	p.rung = true
	// A loop that is closed has ended what was attached.
	_ = p.at.Post(p.tell)
}

// ring is ringer's.
func (p *Port) ring() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ringLocked()
}

// readyLocked reports whether there is something to take.
func (p *Port) readyLocked(any bool) bool {
	i, ok := p.inbox.front()
	if any {
		return ok && !i.exit
	}
	return ok && (p.open || i.exit)
}

// Attach has tell run on a loop whenever there may be something to take; the port is not open.
func (p *Port) Attach(at *loop.Loop, tell func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.tell, p.open, p.rung = at, tell, false, false
	p.ringLocked()
}

// Detach takes back Attach.
func (p *Port) Detach() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.tell, p.open, p.rung = nil, nil, false, false
}

// Open says whether messages are delivered, or wait.
func (p *Port) Open(open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open = open; open {
		p.ringLocked()
	}
}

// Take is what comes next: a message, or the end. ok is false where there is nothing. Who asks for any gets a message
// also where the port is not open, and never the end.
func (p *Port) Take(any bool) (m Message, end, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.readyLocked(any) {
		p.rung = p.rung && any
		return nil, false, false
	}
	i, _ := p.inbox.pop()
	if any {
		p.ringLocked() // the end may be next
	}
	return i.message, i.exit, true
}

// Waits reports whether Take would give something; where it would not, who is attached is told of the next.
func (p *Port) Waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ready := p.readyLocked(false)
	p.rung = p.rung && ready
	return ready
}

// Close closes both ends. What waits for the other end is delivered there first, and what waits here too where the port
// is open and it is not held.
func (p *Port) Close() { p.close(nil) }

// CloseFrom is Close for the script of an actor, whose writes are durable before the other end hears of it (hold).
func (p *Port) CloseFrom(c *iocontext.Context) {
	o := p.opposite()
	if o == nil || !c.IsActor() {
		p.Close()
		return
	}
	h, _ := newHold(c, c.WaitForOutput(), &o.inbox, o)
	p.close(h)
	h.wait()
}

// close is Close, where the mark of the other end has a hold, which may be nil.
func (p *Port) close(h *hold) {
	p.mu.Lock()
	o := p.other
	var dropped []Message
	if p.open {
		dropped = p.inbox.refuseHeld()
	} else {
		dropped = p.inbox.empty()
	}
	if o == nil {
		p.ringLocked() // for the mark that has come already
	} else {
		p.other, o.other = nil, nil
		for _, end := range []*Port{p, o} {
			i := item{exit: true}
			if end == o {
				i.hold = h
			}
			if _, err := end.inbox.push(i); err == nil {
				end.ringLocked()
			}
		}
	}
	p.mu.Unlock()
	Drop(dropped...)
}

// shut closes the channel of an end that is lost, and gives what waited for it.
func (p *Port) shut() []Message {
	p.Detach()
	p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inbox.close()
}

// End is the end of who is attached: the other end hears of it.
func (p *Port) End() { Drop(p.shut()...) }

// Closed reports whether the channel is closed.
func (p *Port) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.other == nil
}

// Holder is a Message that has ports, which are closed where it is lost.
type Holder interface {
	// Ports are those that nobody has taken.
	Ports() []*Port
}

func holds(m Message, p *Port) bool {
	if h, ok := m.(Holder); ok {
		for _, in := range h.Ports() {
			if in == p {
				return true
			}
		}
	}
	return false
}

// Drop closes the ports of messages that nobody will get, and those of what waited for these, and so on.
func Drop(list ...Message) {
	for len(list) > 0 {
		last := len(list) - 1
		m := list[last]
		list[last] = nil
		list = list[:last]
		if h, ok := m.(Holder); ok {
			for _, p := range h.Ports() {
				list = append(list, p.shut()...)
			}
		}
	}
}
