package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// When memory is given back.
const (
	quietEvery = 5 * time.Second
	// quietAllocates is what a server may allocate in that time and still be quiet.
	quietAllocates = 8 << 20
	// quietWorth is how much must have been allocated since the last time, at least; so
	// must be a quarter of what lives.
	quietWorth = 16 << 20
	// quietAgain is after how many times it is given back once more: actors leave the memory
	// ten seconds after their last event, and that was five before the first time.
	quietAgain = 2
)

// quiet gives memory back to the system once a burst is over, until ctx ends. The
// collector leaves a heap several times as large as what lives in it (gcPercent), and
// starts only when that is full: a server that has accepted ten thousand sockets, which
// then only wait, would keep ten times the memory that they need.
func quiet(ctx context.Context, release func()) {
	ticks := time.NewTicker(quietEvery)
	defer ticks.Stop()
	allocated, _ := heapNumbers()
	c := calm{last: allocated} // the start was a burst, if it was a large one
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if c.tick(heapNumbers()) {
			release()
			c.last, _ = heapNumbers()
			c.released = c.last
		}
	}
}

// calm decides when memory is given back: when a burst is over, and once more when actors
// that are idle since then have left the memory, which allocates nothing.
type calm struct {
	last, released uint64 // allocated at the last tick, and when memory was given back
	ticks          int    // for which it has been quiet
	again          bool
}

// tick is told heapNumbers, and says whether to give memory back now.
func (c *calm) tick(allocated, live uint64) bool {
	lately := allocated - c.last
	c.last = allocated
	if lately > quietAllocates {
		c.ticks, c.again = 0, false
		return false
	}
	c.ticks++
	switch {
	case allocated-c.released > max(quietWorth, live/4):
		c.ticks, c.again = 0, true
		return true
	case c.again && c.ticks >= quietAgain:
		c.again = false
		return true
	}
	return false
}

// heapNumbers are how much was ever allocated, and what lived when the collector last
// looked.
func heapNumbers() (allocated, live uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}

// releaseHeap collects, and gives back what is free.
func releaseHeap() { debug.FreeOSMemory() }
