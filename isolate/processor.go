package isolate

import "time"

// waiting is how much less than time that passes a turn is charged that the machine gives no
// processor: one that waits in native code ends at last.
const waiting = 8

// processor is the clock of the limits: how much of a processor a turn may have had. It goes by
// the time that passes, and no faster than the processor time of the whole process: a turn does
// not pay for what others on the machine take. Where the system does not tell, it goes by the
// time that passes alone. Whoever uses it holds the watchdog's lock.
type processor struct {
	used func() (cpu time.Duration, ok bool) // by the process

	read   time.Duration // at the last look
	looked time.Time
	cpu    time.Duration // of the process at the last look
	spare  time.Duration // used before the last look and not read yet, at most two ticks
}

// start goes on after a time in which nobody looked.
func (p *processor) start(now time.Time) {
	p.looked, p.spare = now, 0
	p.cpu, _ = p.used()
}

// look moves the clock on. Looks are a tick apart: if more than two passed, the process
// stood still.
func (p *processor) look(now time.Time) {
	passed := now.Sub(p.looked)
	p.looked = now
	cpu, ok := p.used()
	if !ok {
		p.read += passed
		return
	}
	used := cpu - p.cpu + p.spare
	charge := min(passed, 2*tick, max(used, passed/waiting))
	p.read += charge
	p.cpu, p.spare = cpu, min(max(used-charge, 0), 2*tick)
}

// now is what the clock reads between looks; the next look may find that it was less.
func (p *processor) now(now time.Time) time.Duration {
	return p.read + min(now.Sub(p.looked), 2*tick)
}
