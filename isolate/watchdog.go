package isolate

import (
	"sync"
	"sync/atomic"
	"time"
)

// tick is how often a running turn is looked at. An isolate that is idle has no
// timer at all.
const tick = 20 * time.Millisecond

// watchdog interrupts a turn that takes more of a processor than its limit. The loop calls
// begin and end; a timer on a goroutine of the Go runtime looks in between.
type watchdog struct {
	mu    sync.Mutex // guards everything below
	turn  watched    // the innermost turn that runs
	armed bool
	busy  bool // a turn ran since the last look
	clock processor
	// killed is why no turn begins any more; see Isolate.Kill.
	killed error

	dead chan struct{} // closed by a kill

	long atomic.Bool // the turn that runs has run for a tick or longer; written under mu
}

// watched is one turn; its realm is nil between turns.
type watched struct {
	realm *Realm
	start time.Time
	from  time.Duration // on the clock of processor time
	limit time.Duration
}

// begin watches a turn of r and returns the turn of another realm that it
// interrupts, which goes on with end. It returns an error, and watches nothing, where
// the isolate was killed.
func (d *watchdog) begin(r *Realm, limit time.Duration) (outer watched, err error) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed != nil {
		return outer, d.killed
	}
	outer = d.turn
	d.busyLocked(now)
	d.setLocked(watched{r, now, d.clock.now(now), limit})
	return outer, nil
}

// busyLocked makes somebody look from now on.
func (d *watchdog) busyLocked(now time.Time) {
	if d.busy = true; !d.armed {
		d.armed = true
		d.clock.start(now)
		time.AfterFunc(tick, d.look)
	}
}

// setLocked says which turn runs now.
func (d *watchdog) setLocked(turn watched) {
	d.turn = turn
	if d.long.Load() {
		d.long.Store(false) // the next look knows
	}
}

// renew is for a series of turns: the one that begins now has the whole limit.
func (d *watchdog) renew() {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	turn := d.turn
	turn.start, turn.from = now, d.clock.now(now)
	d.setLocked(turn)
	d.busy = true
}

func (d *watchdog) end(outer watched) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setLocked(outer)
	if d.killed != nil && outer.realm != nil {
		outer.realm.interrupt(d.killed)
	}
	d.chargeLocked()
}

// chargeLocked interrupts the turn that runs if it has taken too much.
func (d *watchdog) chargeLocked() {
	if d.turn.realm != nil && d.clock.read-d.turn.from > d.turn.limit {
		d.turn.realm.interrupt(ErrCPULimit)
	}
}

// pause is for a turn that waits: neither its limit nor the memory of the process is its
// business meanwhile. resume goes on with it.
func (d *watchdog) pause() watched {
	d.mu.Lock()
	defer d.mu.Unlock()
	turn := d.turn
	turn.limit -= d.clock.now(time.Now()) - turn.from
	d.setLocked(watched{})
	return turn
}

func (d *watchdog) resume(turn watched) {
	d.mu.Lock()
	defer d.mu.Unlock()
	turn.start = time.Now()
	d.busyLocked(turn.start)
	turn.from = d.clock.now(turn.start)
	d.setLocked(turn)
	if d.killed != nil && turn.realm != nil {
		turn.realm.interrupt(d.killed)
	}
}

// kill interrupts the turn that runs, and keeps others from beginning.
func (d *watchdog) kill(reason error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed != nil {
		return
	}
	d.killed = reason
	close(d.dead)
	if d.turn.realm != nil {
		d.turn.realm.interrupt(reason)
	}
}

func (d *watchdog) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	running := d.turn.realm != nil
	if !running && !d.busy {
		d.armed = false
		return
	}
	d.busy = running
	now := time.Now()
	d.clock.look(now)
	if running && now.Sub(d.turn.start) >= tick {
		d.long.Store(true)
	}
	d.chargeLocked()
	time.AfterFunc(tick, d.look)
}

// running is the turn that runs now, if any.
func (d *watchdog) running() (turn watched, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.turn, d.turn.realm != nil
}

// had is how much of a processor the turn that runs has had; ok is false between turns, and
// while one waits.
func (d *watchdog) had() (used time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock.read - d.turn.from, d.turn.realm != nil
}

// stop interrupts a turn for another reason, unless it is over.
func (d *watchdog) stop(turn watched, reason error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.turn == turn {
		turn.realm.interrupt(reason)
	}
}
