package isolate_test

import (
	"context"
	"errors"
	"runtime/debug"
	"testing"
	"time"

	"workerd.local/isolate"
)

// The guard stops the isolate that has been running for longest, never one that
// is between two turns.
func TestMemoryGuardStopsTheIsolateThatRuns(t *testing.T) {
	guard := isolate.NewMemoryGuard(1) // every heap is over it
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	idle := newKit(t, isolate.Options{Name: "idle", Guard: guard})
	busy := newKit(t, isolate.Options{Name: "busy", Guard: guard})
	before := debug.SetMemoryLimit(-1)
	go func() { ended <- guard.Run(ctx) }()
	guilty := frameOf("guilty")
	err := busy.run(guilty, "for (;;);")
	cancel()
	if e := <-ended; !errors.Is(e, context.Canceled) {
		t.Errorf("Run gave %v", e)
	}
	if now := debug.SetMemoryLimit(-1); now != before {
		t.Errorf("the collector's limit is left at %d", now)
	}
	if err == nil {
		t.Error("the loop ended by itself")
	}
	busy.wantCondemned(isolate.ErrMemoryLimit, guilty)
	idle.wantCondemned(nil, nil)
	idle.ok(nil, "log('fine')")
	idle.want("fine")
}

func TestMemoryGuardBelowItsLimitStopsNobody(t *testing.T) {
	guard := isolate.NewMemoryGuard(1 << 50)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	k := newKit(t, isolate.Options{Guard: guard})
	ended := make(chan error, 1)
	go func() { ended <- guard.Run(ctx) }()
	for ctx.Err() == nil {
		k.ok(nil, "[].concat(Array(1000).fill(0))")
	}
	<-ended
	k.wantCondemned(nil, nil)
}

func TestDefaultMemoryLimitIsPlausible(t *testing.T) {
	if n := isolate.DefaultMemoryLimit(); n < 64<<20 || n > 1<<50 {
		t.Errorf("%d bytes", n)
	}
}
