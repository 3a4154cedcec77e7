package powerloss

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rounds is how often power is lost: WORKERD_POWERLOSS_ROUNDS, or 20 in CI, or 5.
func rounds(t *testing.T) int {
	if s := os.Getenv("WORKERD_POWERLOSS_ROUNDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("WORKERD_POWERLOSS_ROUNDS: %q is not a number of rounds", s)
		}
		return n
	}
	if os.Getenv("CI") == "true" {
		return 20
	}
	return 5
}

// chance is a source that a failure can be repeated with: WORKERD_POWERLOSS_SEED. What
// the processes do meanwhile is up to the scheduler, so it will only be similar.
func chance(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("WORKERD_POWERLOSS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("WORKERD_POWERLOSS_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("WORKERD_POWERLOSS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// loseAndCheck lets processes commit to one disk, which loses power so many times, and
// returns what is wrong with what is left.
func loseAndCheck(t *testing.T, part string, rounds int) error {
	rnd := chance(t)
	d := NewDisk()
	var acked [writers]uint64
	total := 0
	for round := range rounds {
		// Most crashes come under load, some while the store opens.
		after := rnd.IntN(400)
		if rnd.IntN(5) == 0 {
			after = rnd.IntN(20)
		}
		d.FreezeAfter(after)
		m := Mount(t, d)
		c := startChild(t, part, m.Dir, d.Release)
		lines := make(chan error, 1)
		go func() {
			for {
				line, ok := c.line()
				if !ok {
					lines <- nil
					return
				}
				var writer int
				var n uint64
				if _, err := fmt.Sscanf(line, "%d %d", &writer, &n); err != nil {
					lines <- fmt.Errorf("the process says %q", line)
					return
				}
				acked[writer] = max(acked[writer], n)
				total++
			}
		}()
		var said error
		select {
		case <-d.Frozen():
		case said = <-lines:
			close(lines)
			if said == nil {
				said = fmt.Errorf("the process has ended by itself")
			}
		}
		// The process dies of what it is told first; then whatever it waits for may end.
		// What it has written to its pipe by then it has acknowledged.
		c.signal()
		d.Release()
		<-lines
		c.kill()
		if err := m.Unmount(); err != nil {
			t.Fatal(err)
		}
		kept := d.Crash(rnd)
		t.Logf("round %d: frozen after %d changes, acknowledged %v; %s", round, after, acked, kept)
		if said != nil {
			return fmt.Errorf("round %d: %w", round, said)
		}
		found, err := stored(t, d)
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		for writer, n := range found {
			// One more may be durable without its acknowledgement.
			if n < acked[writer] || n > acked[writer]+1 {
				return fmt.Errorf("round %d: writer %d: the store has commit %d, acknowledged was %d", round, writer, n, acked[writer])
			}
		}
		acked = found
	}
	if total == 0 {
		t.Error("nothing was acknowledged")
	}
	return nil
}

// TestPowerLossKeepsAcknowledgedCommits cuts the power of a store's disk at random
// moments.
func TestPowerLossKeepsAcknowledgedCommits(t *testing.T) {
	if err := loseAndCheck(t, "commit", rounds(t)); err != nil {
		t.Error(err)
	}
}

// TestPowerLossFindsAStoreThatDoesNotSync is the proof that the other test can fail:
// the same store without fsync loses something within a few crashes.
func TestPowerLossFindsAStoreThatDoesNotSync(t *testing.T) {
	err := loseAndCheck(t, "commit without sync", 20)
	if err == nil {
		t.Fatal("20 power losses took nothing from a store that never syncs")
	}
	if !strings.Contains(err.Error(), "round") {
		t.Fatal(err)
	}
	t.Logf("found: %v", err)
}
