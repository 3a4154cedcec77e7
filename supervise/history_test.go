package supervise

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"workerd.local/internal/limits"
)

var (
	killer  = Subject{"app", "Room", "killer"}
	busy    = Subject{"app", "Room", "busy"}
	another = Subject{"app", "Room", "another"}
	plain   = Subject{"site", "", ""}
)

// clock is the time of a test.
type clock struct{ now time.Time }

func (c *clock) after(d time.Duration) time.Time { c.now = c.now.Add(d); return c.now }

func running(list ...Subject) (s []Suspect) {
	for i, who := range list {
		s = append(s, Suspect{i, who})
	}
	return s
}

func names(list []Quarantine) (s []string) {
	for _, q := range list {
		s = append(s, q.String())
	}
	return s
}

func wantNames(t *testing.T, what string, list []Quarantine, want ...Subject) {
	t.Helper()
	var texts []string
	for _, s := range want {
		texts = append(texts, s.String())
	}
	if got := names(list); !slices.Equal(got, texts) {
		t.Errorf("%s: %q, want %q", what, got, texts)
	}
}

func bounds(t *testing.T, settings ...string) *limits.Set {
	t.Helper()
	b, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPausesGrowWhileTheServerKeepsDying(t *testing.T) {
	h, c := NewHistory(bounds(t, "supervise.pause-most=1s")), &clock{time.Unix(0, 0)}
	var got []time.Duration
	for range 8 {
		pause, _ := h.Died(c.after(time.Second), nil)
		got = append(got, pause/time.Millisecond)
	}
	if want := []time.Duration{0, 100, 200, 400, 800, 1000, 1000, 1000}; !slices.Equal(got, want) {
		t.Errorf("pauses of %v ms, want %v", got, want)
	}
	if pause, _ := h.Died(c.after(2*time.Minute), nil); pause != 0 {
		t.Errorf("after a quiet while the pause is %v", pause)
	}
	// No number of deaths makes the pause overflow.
	for range 200 {
		if pause, _ := h.Died(c.after(time.Millisecond), nil); pause < 0 || pause > time.Second {
			t.Fatalf("pause of %v", pause)
		}
	}
}

func TestThirdDeathWithinTheWindowQuarantines(t *testing.T) {
	h, c := NewHistory(nil), &clock{time.Unix(0, 0)}
	for i := range 2 {
		_, fresh := h.Died(c.after(time.Second), running(killer))
		wantNames(t, fmt.Sprintf("death %d", i+1), fresh)
	}
	_, fresh := h.Died(c.after(time.Second), running(killer))
	wantNames(t, "death 3", fresh, killer)
	wantNames(t, "now", h.Quarantined(c.now), killer)
	wantNames(t, "just before its end", h.Quarantined(c.after(10*time.Second-1)), killer)
	wantNames(t, "at its end", h.Quarantined(c.after(1)))
}

func TestDeathsFarApartDoNotQuarantine(t *testing.T) {
	h, c := NewHistory(nil), &clock{time.Unix(0, 0)}
	for range 20 {
		_, fresh := h.Died(c.after(31*time.Second), running(killer, plain))
		wantNames(t, "death", fresh)
	}
	if n := len(h.deaths); n > 3 {
		t.Errorf("%d deaths are remembered", n)
	}
}

func TestWhoWasThereByChanceIsNotQuarantined(t *testing.T) {
	h, c := NewHistory(nil), &clock{time.Unix(0, 0)}
	h.Died(c.after(time.Second), running(killer, plain))
	h.Died(c.after(time.Second), running(killer))
	_, fresh := h.Died(c.after(time.Second), running(busy, killer, plain))
	wantNames(t, "death 3", fresh, killer)
	// Who is always there cannot be told from who is to blame.
	h = NewHistory(nil)
	for i := range 3 {
		_, fresh = h.Died(c.after(time.Second), running(killer, plain))
		if i < 2 {
			wantNames(t, "early", fresh)
		}
	}
	wantNames(t, "both", fresh, killer, plain)
}

func TestSameSubjectOnTwoIsolatesCountsOnce(t *testing.T) {
	h, c := NewHistory(nil), &clock{time.Unix(0, 0)}
	_, fresh := h.Died(c.after(time.Second), running(plain, plain, plain))
	wantNames(t, "death", fresh)
}

func TestQuarantinesGrowAndAreForgotten(t *testing.T) {
	h, c := NewHistory(bounds(t, "supervise.quarantine-most=30s")), &clock{time.Unix(0, 0)}
	h.Died(c.after(0), running(killer))
	h.Died(c.after(0), running(killer))
	var got []time.Duration
	for range 4 {
		_, fresh := h.Died(c.now, running(killer))
		if len(fresh) != 1 {
			t.Fatalf("%v is quarantined", fresh)
		}
		got = append(got, fresh[0].Until.Sub(c.now)/time.Second)
		c.now = fresh[0].Until // it is let in and the next death is its
	}
	if want := []time.Duration{10, 20, 30, 30}; !slices.Equal(got, want) {
		t.Errorf("%v s, want %v", got, want)
	}
	// One that is seen with others after its quarantine needs three deaths again.
	_, fresh := h.Died(c.after(time.Second), running(killer, plain))
	wantNames(t, "with others", fresh)
	_, fresh = h.Died(c.after(5*time.Minute), running(killer))
	wantNames(t, "after a long quiet time", fresh)
	if len(h.held) != 0 {
		t.Errorf("%d quarantines are remembered", len(h.held))
	}
}

func TestManyActorsOfAWorkerQuarantineIt(t *testing.T) {
	h, c := NewHistory(bounds(t, "supervise.worker-crashes=5")), &clock{time.Unix(0, 0)}
	for i := range 4 {
		_, fresh := h.Died(c.after(time.Second), running(Subject{"app", "Room", fmt.Sprint(i)}))
		wantNames(t, "one of many", fresh)
	}
	_, fresh := h.Died(c.after(time.Second), running(another))
	wantNames(t, "the fifth", fresh, Subject{Worker: "app"})
}

func TestOneActorDoesNotQuarantineItsWorker(t *testing.T) {
	h, c := NewHistory(nil), &clock{time.Unix(0, 0)}
	h.Died(c.after(time.Second), running(killer))
	h.Died(c.after(time.Second), running(killer))
	// The worker itself happens to run when its actor ends the process once more.
	_, fresh := h.Died(c.after(time.Second), running(killer, Subject{Worker: "app"}))
	wantNames(t, "death 3", fresh, killer)
}
