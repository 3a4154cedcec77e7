package server

import (
	"context"
	"sync"
	"time"

	"workerd.local/config"
	"workerd.local/cron"
	"workerd.local/event"
	"workerd.local/internal/limits"
)

// crons fires the cron triggers of whatever world is the present one. It remembers
// when each fired last, so that a reload neither fires one twice nor leaves one out.
type crons struct {
	s     *Server
	stop  chan struct{} // closed when nothing more is to fire
	once  sync.Once     // closes stop
	ended chan struct{} // closed when the loop has ended

	firing sync.WaitGroup // the events under way

	mu      sync.Mutex // guards what follows
	running map[string]int

	timetable // the loop's
}

// timetable is when triggers fire. One goroutine at a time.
type timetable struct {
	late time.Duration        // how late a trigger may fire
	last map[string]time.Time // the minute that fired, or was passed, last; by trigger
}

// trigger is one cron trigger of a service.
type trigger struct {
	service, text string
	expr          *cron.Expression
}

func (t *trigger) key() string { return t.service + "\x00" + t.text }

// firing is a trigger whose time has come.
type firing struct {
	trigger
	at time.Time
}

// startCrons starts the loop.
func startCrons(s *Server) *crons {
	c := &crons{s: s, stop: make(chan struct{}), ended: make(chan struct{}), running: map[string]int{},
		timetable: timetable{late: limits.CronLate.In(s.o.Limits.Bounds), last: map[string]time.Time{}}}
	s.bg.Go(c.run)
	return c
}

// triggers are those of a configuration; its expressions have been checked.
func triggers(cfg *config.Config) (list []trigger) {
	for i := range cfg.Services {
		if wk := cfg.Services[i].Worker; wk != nil {
			for _, c := range wk.Crons {
				if e, err := cron.Parse(c.Value); err == nil {
					list = append(list, trigger{cfg.Services[i].Name, c.Value, e})
				}
			}
		}
	}
	return list
}

// setBack is how far the clock must have been set back for triggers to fire again that
// have fired already.
const setBack = 5 * time.Minute

// due takes what fires now, and says when to look again. What should have fired longer
// ago than late is in missed, and does not fire any more: the clock was set forward, or
// the machine slept.
func (t *timetable) due(now time.Time, list []trigger) (fire []firing, missed []firing, again time.Time) {
	keep := make(map[string]time.Time, len(list))
	for _, tr := range list {
		key := tr.key()
		if _, twice := keep[key]; twice {
			continue
		}
		last, known := t.last[key]
		if !known || last.Sub(now) > setBack {
			last = now
		}
		next, ok := tr.expr.Next(last)
		if ok && now.Sub(next) > t.late {
			missed = append(missed, firing{tr, next})
			last = now.Add(-t.late)
			next, ok = tr.expr.Next(last)
		}
		for ok && !next.After(now) {
			fire = append(fire, firing{tr, next})
			last = next
			next, ok = tr.expr.Next(last)
		}
		keep[key] = last
		if ok && (again.IsZero() || next.Before(again)) {
			again = next
		}
	}
	t.last = keep
	return fire, missed, again
}

// longestWait is how long the loop sleeps at most: timers do not notice a clock that is
// set, nor a machine that sleeps.
const longestWait = 10 * time.Second

// run fires triggers until the end.
func (c *crons) run() {
	defer close(c.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-timer.C:
		}
		now := c.s.o.Host.Now()
		fire, missed, again := c.due(now, triggers(c.s.turn.now().cfg))
		for _, f := range missed {
			c.s.log.Warn("a cron trigger was missed", "service", f.service, "cron", f.text, "time", f.at)
		}
		for _, f := range fire {
			c.fire(f)
		}
		wait := longestWait
		if !again.IsZero() {
			wait = min(wait, max(again.Sub(c.s.o.Host.Now()), 0))
		}
		timer.Reset(wait)
	}
}

// fire delivers the event beside the loop. One that comes while too many of the same
// trigger still run is left out.
func (c *crons) fire(f firing) {
	limit, key := limits.CronRunning.In(c.s.o.Limits.Bounds), f.key()
	c.mu.Lock()
	over := c.running[key] >= limit
	if !over {
		c.running[key]++
	}
	c.mu.Unlock()
	if over {
		c.s.log.Warn("a cron trigger was left out: the events before it still run", "service", f.service, "cron", f.text, "time", f.at, "running", limit)
		return
	}
	c.firing.Go(func() {
		defer func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.running[key]--; c.running[key] == 0 {
				delete(c.running, key)
			}
		}()
		o, err := c.deliver(f)
		if err != nil || o.Status != event.OK {
			c.s.log.Error("a cron trigger failed", "service", f.service, "cron", f.text, "time", f.at, "outcome", o.Status.String(), "error", err)
		}
	})
}

// deliver hands the event to the present world; a reload waits for its end, and it for
// the end of a reload.
func (c *crons) deliver(f firing) (event.Outcome, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(c.s.life, cancel)()
	w, leave, err := c.s.turn.enter(ctx)
	if err != nil {
		return event.Outcome{Status: event.Canceled}, err
	}
	defer leave()
	defer w.requests.Done()
	svc := w.services[f.service]
	if svc == nil || svc.pool == nil {
		return event.Outcome{Status: event.Canceled}, nil // it went with the reload
	}
	return svc.pool.Service("").Deliver(ctx, event.Scheduled{Time: f.at, Cron: f.text})
}

// end stops the loop.
func (c *crons) end() { c.once.Do(func() { close(c.stop) }) }

// drain stops the loop and waits for the events under way, until ctx ends.
func (c *crons) drain(ctx context.Context) error {
	c.end()
	<-c.ended
	done := make(chan struct{})
	c.s.bg.Go(func() { c.firing.Wait(); close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
