package napa

import (
	"slices"

	"workerd.local/internal/limits"
)

// told are the broadcasts of a zone, in their order: a worker that takes the place of a lost one is told all of them
// before it takes calls. Once limits.NapaTold is reached later ones are not remembered, so that what is there has no gaps.
// Guarded by the zone's lock.
type told struct {
	list  []*news
	bytes int
	full  bool
}

// news is one broadcast that is remembered.
type news struct {
	newCall func() *call
	bytes   int
	losses  int // workers that were lost while they were at it
}

// newsOverhead is what a broadcast counts for beside its text.
const newsOverhead = 128

// mostLosses is how many workers a broadcast may be at when they are lost before it is forgotten: it may be why they are, and
// they would be started without end.
const mostLosses = 3

// note remembers a broadcast; nil where it is not remembered.
func (t *told) note(z *Zone, newCall func() *call) *news {
	if t.full || z.id == NodeZone {
		return nil
	}
	c := newCall()
	n := &news{newCall: newCall, bytes: newsOverhead + len(c.function)}
	for _, a := range c.args {
		n.bytes += len(a)
	}
	if t.bytes+n.bytes > limits.NapaTold.In(z.system.o.Bounds) {
		t.full = true
		return nil
	}
	t.bytes += n.bytes
	t.list = append(t.list, n)
	return n
}

// again are the calls that tell a worker all of it. Nobody hears how they end: who broadcast has heard of what fails
// there.
func (t *told) again() (calls []*call) {
	for _, n := range t.list {
		c := n.newCall()
		c.done, c.news = func(outcome) {}, n
		calls = append(calls, c)
	}
	return calls
}

// blame counts a worker that was lost while it was at a broadcast.
func (t *told) blame(n *news) {
	if n == nil {
		return
	}
	if n.losses++; n.losses == mostLosses {
		t.bytes -= n.bytes
		t.list = slices.DeleteFunc(t.list, func(other *news) bool { return other == n })
	}
}

// blame is told's, for the call in whose turn the worker was lost.
func (w *Worker) blame(c *call) {
	w.zone.mu.Lock()
	defer w.zone.mu.Unlock()
	w.blamed = true
	w.zone.told.blame(c.news)
}
