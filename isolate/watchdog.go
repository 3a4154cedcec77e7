package isolate

import (
	"sync"
	"time"
)

// tick is how often a running turn is looked at. An isolate that is idle has no
// timer at all.
const tick = 20 * time.Millisecond

// watchdog interrupts a turn that runs for longer than its limit. The loop calls
// begin and end; a timer on a goroutine of the Go runtime looks in between.
type watchdog struct {
	mu    sync.Mutex // guards everything below
	realm *Realm     // whose turn runs; nil between turns
	start time.Time
	limit time.Duration
	armed bool
	busy  bool // a turn ran since the last look
}

func (d *watchdog) begin(r *Realm, limit time.Duration) {
	now := time.Now()
	d.mu.Lock()
	d.realm, d.start, d.limit, d.busy = r, now, limit, true
	if !d.armed {
		d.armed = true
		time.AfterFunc(tick, d.look)
	}
	d.mu.Unlock()
}

func (d *watchdog) end() {
	d.mu.Lock()
	d.realm = nil
	d.mu.Unlock()
}

func (d *watchdog) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.realm == nil && !d.busy {
		d.armed = false
		return
	}
	d.busy = d.realm != nil
	if d.realm != nil && time.Since(d.start) > d.limit {
		d.realm.interrupt(ErrCPULimit)
	}
	time.AfterFunc(tick, d.look)
}

// stop interrupts the turn that runs now, if any, for another reason.
func (d *watchdog) stop(reason error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.realm == nil {
		return false
	}
	d.realm.interrupt(reason)
	return true
}

// running is how long the present turn has run; 0 between turns.
func (d *watchdog) running() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.realm == nil {
		return 0
	}
	return max(time.Since(d.start), 1)
}
