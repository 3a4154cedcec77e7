package main

import (
	"context"
	"testing"
	"time"
)

func TestMemoryIsGivenBackWhenItIsQuiet(t *testing.T) {
	const mib = 1 << 20
	c := calm{}
	allocated := uint64(0)
	tick := func(lately, live uint64, want bool) {
		t.Helper()
		allocated += lately
		got := c.tick(allocated, live)
		if got {
			c.released = allocated
		}
		if got != want {
			t.Errorf("%d MiB lately, %d live: %v", lately/mib, live/mib, got)
		}
	}
	tick(10*mib, 20*mib, false)
	tick(0, 20*mib, false) // not worth it
	tick(90*mib, 20*mib, false)
	tick(9*mib, 20*mib, false) // it works
	tick(8*mib, 20*mib, true)
	tick(0, 20*mib, false)
	tick(mib, 20*mib, true) // once more, for actors that have left the memory
	for range 5 {
		tick(0, 20*mib, false)
	}
	tick(200*mib, 1000*mib, false)
	tick(0, 1000*mib, false) // a collection would cost more
	tick(100*mib, 1000*mib, false)
	tick(0, 1000*mib, true)
	tick(50*mib, 1000*mib, false)
	for range 5 {
		tick(0, 1000*mib, false)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		quiet(ctx, func() {})
	}()
	cancel()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("it does not end with its context")
	}
	before, _ := heapNumbers()
	sink = make([]byte, mib)
	if after, _ := heapNumbers(); after < before+mib {
		t.Errorf("%d allocated, then %d", before, after)
	}
}

var sink []byte
