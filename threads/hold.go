package threads

import (
	"slices"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
)

// hold keeps an item in its place of a queue, and all behind it, until what the actor that sent it had written before is
// durable: a thread is the outside, since it can tell anybody what it hears. Where the writes fail, or the actor ends
// before, the item is as good as never sent.
type hold struct {
	sender *sender
	gate   loop.Result[struct{}] // sender's goroutine
	to     *queue
	at     ringer

	// Guarded by to.mu.
	on   bool // since the item is in the queue
	lost bool // and it is to be taken out
}

// ringer is told that its queue may have something to take; any goroutine.
type ringer interface{ ring() }

// holdFor is the hold of what the running script sends; nil where that goes at once. lost says that it is never to
// arrive, since the actor is broken.
func holdFor(js *isolate.JS, to *queue, at ringer) (h *hold, lost bool) {
	c, durable := iocontext.Leaving(js)
	if c == nil {
		return nil, false
	}
	return newHold(c, durable, to, at)
}

func newHold(c *iocontext.Context, durable loop.Result[struct{}], to *queue, at ringer) (h *hold, lost bool) {
	if _, err, ready := durable.Ready(); ready {
		return nil, err != nil
	}
	return &hold{sender: senderOf(c), gate: durable, to: to, at: at}, false
}

// wait begins to wait for the gate, once the item is in its queue. A nil hold is none.
func (h *hold) wait() {
	if h != nil {
		h.sender.add(h)
	}
}

// release lets the item be taken.
func (h *hold) release() {
	h.to.mu.Lock()
	h.on = false
	h.to.mu.Unlock()
	h.at.ring()
}

// waiting reports whether the item is still in its queue.
func (h *hold) waiting() bool {
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	return h.on
}

// lose says that the item is not to arrive; queue.sweep takes it out.
func (h *hold) lose() {
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	h.to.loseLocked(h)
}

// loseLocked is hold.lose.
func (q *queue) loseLocked(h *hold) {
	if h.on && !h.lost {
		h.lost = true
		q.lost++
	}
}

// sweep takes out what is lost. Marks stay, and may be taken.
func (q *queue) sweep() (dropped []Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.sweepLocked()
}

func (q *queue) sweepLocked() (dropped []Message) {
	if q.lost == 0 {
		return nil
	}
	kept := make([]item, 0, len(q.items)-q.head)
	for _, i := range q.items[q.head:] {
		if i.hold != nil && i.hold.lost {
			i.hold.on, i.hold.lost = false, false
			if i.message != nil {
				q.bytes -= i.size()
				dropped = append(dropped, i.message)
				continue
			}
		}
		kept = append(kept, i)
	}
	q.items, q.head, q.lost = kept, 0, 0
	return dropped
}

// refuseHeld takes out what is held, since the receiver does not wait for it any more.
func (q *queue) refuseHeld() (dropped []Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, i := range q.items[q.head:] {
		if i.hold != nil {
			q.loseLocked(i.hold)
		}
	}
	return q.sweepLocked()
}

// sender has what the code of one actor has sent that is held; the goroutine of its isolate.
type sender struct {
	c       *iocontext.Context
	list    []*hold // in the order of sending, which is that of their gates
	pumping bool    // release waits for a gate
	crowded int     // how long the list is when it is looked through for what has left its queue
}

// leastCrowded is the least that sender.crowded is.
const leastCrowded = 256

type senderKey struct{}

func senderOf(c *iocontext.Context) *sender {
	return iocontext.Local(c, senderKey{}, func() *sender { return &sender{c: c, crowded: leastCrowded} })
}

// add begins to wait. The list has a bound because queues have: what has left its queue otherwise does not stay.
func (s *sender) add(h *hold) {
	if len(s.list) >= s.crowded {
		s.list = slices.DeleteFunc(s.list, func(h *hold) bool { return !h.waiting() })
		s.crowded = max(leastCrowded, 2*len(s.list))
	}
	s.list = append(s.list, h)
	if len(s.list) == 1 {
		s.c.Tie(s)
	}
	if !s.pumping {
		s.release()
	}
}

// release releases what may be taken, in the order of sending, and waits for the rest.
func (s *sender) release() {
	for len(s.list) > 0 {
		h := s.list[0]
		_, err, ready := h.gate.Ready()
		switch {
		case !ready:
			s.pumping = true
			h.gate.Then(func(struct{}, error) {
				s.pumping = false
				s.release()
			})
			return
		case err != nil:
			s.c.Untie(s)
			s.ContextEnded()
			return
		}
		s.list[0] = nil
		s.list = s.list[1:]
		h.release()
	}
	s.list, s.crowded = nil, leastCrowded
	s.c.Untie(s)
}

// ContextEnded is iocontext.Ending's: the writes have failed, or the actor ends before they are durable.
func (s *sender) ContextEnded() {
	list := s.list
	s.list = nil
	for _, h := range list {
		h.lose()
	}
	for _, h := range list {
		dropped := h.to.sweep()
		h.at.ring()
		Drop(dropped...)
	}
}
