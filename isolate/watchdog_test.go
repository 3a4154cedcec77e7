package isolate

import (
	"testing"
	"testing/synctest"
	"time"
)

// An isolate that is idle has no timer.
func TestIdleIsolateIsNotLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iso := New(Options{})
		r, err := iso.NewRealm(RealmOptions{})
		if err != nil {
			t.Fatal(err)
		}
		armed := func() bool {
			iso.dog.mu.Lock()
			defer iso.dog.mu.Unlock()
			return iso.dog.armed
		}
		for range 3 {
			if err := r.Run(nil, func(*JS) {}); err != nil {
				t.Fatal(err)
			}
			if !armed() {
				t.Error("nobody looks at a turn")
			}
			time.Sleep(3 * tick)
			if armed() {
				t.Error("an idle isolate has a timer")
			}
		}
	})
}

// The limit is the turn's own, not the time since the isolate became busy.
func TestEveryTurnStartsItsLimitAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := limited(t, 5*tick, untold)
		for range 10 {
			if err := r.Run(nil, func(*JS) { time.Sleep(4 * tick) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Run(nil, func(*JS) {
			time.Sleep(7 * tick)
			if !r.Interrupted() {
				t.Error("natives are not told")
			}
		}); err != ErrCPULimit {
			t.Errorf("a turn over the limit gave %v", err)
		}
	})
}

// What a turn that was stopped has allocated may be there until it has ended.
func TestGuardKnowsWhetherTheTurnThatItStoppedHasEnded(t *testing.T) {
	guard := NewMemoryGuard(1)
	iso := New(Options{})
	guard.add(iso)
	r, err := iso.NewRealm(RealmOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if guard.relieve(); guard.stopping() {
		t.Error("nothing runs")
	}
	if err := r.Run(nil, func(*JS) {
		if guard.stopping() {
			t.Error("nothing was stopped")
		}
		if guard.relieve(); !guard.stopping() {
			t.Error("it still runs")
		}
	}); err != ErrMemoryLimit {
		t.Errorf("the turn gave %v", err)
	}
	if guard.stopping() {
		t.Error("it has ended")
	}
}

// The guard chooses a turn and stops it later: a turn that began in between is not
// the one it chose.
func TestStopMissesATurnThatIsOver(t *testing.T) {
	iso := New(Options{})
	r, err := iso.NewRealm(RealmOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var chosen watched
	if err := r.Run(nil, func(*JS) { chosen, _ = iso.dog.running() }); err != nil {
		t.Fatal(err)
	}
	if _, ok := iso.dog.running(); ok {
		t.Error("a turn runs between turns")
	}
	if err := r.Run(nil, func(*JS) { iso.dog.stop(chosen, ErrMemoryLimit) }); err != nil {
		t.Errorf("a later turn was stopped: %v", err)
	}
	if err := r.Run(nil, func(*JS) {
		now, _ := iso.dog.running()
		iso.dog.stop(now, ErrMemoryLimit)
	}); err != ErrMemoryLimit {
		t.Errorf("the chosen turn gave %v", err)
	}
}
