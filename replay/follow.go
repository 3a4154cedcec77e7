package replay

import (
	"context"
	"fmt"
	"time"

	"workerd.local/loop"
)

// completionTime is how long a replayed run waits for background work of its own, which
// is computing: what comes from outside is in the log.
const completionTime = 30 * time.Second

// Follow runs the turns of a log on the loop of a run whose first turn has been, up to the
// log's end. over reports whether nothing of the run counts any more: then it has diverged.
func (t *Tape) Follow(ctx context.Context, l *loop.Loop, over func() bool) error {
	for {
		for l.Backlog() > 0 && !over() && t.Broken() == nil {
			l.RunTasks()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.Broken(); err != nil {
			return err
		}
		if over() {
			t.Diverged("ended")
			return t.Broken()
		}
		switch o, n := t.next(); o {
		case 0:
			return nil
		case opComplete:
			deliver, err := t.await(ctx, l, n)
			if err != nil {
				return err
			}
			deliver()
		case opTimer:
			_, seq, ok := l.NextTimer()
			if !ok || seq != n {
				return t.Differs(fmt.Sprintf("has no timer %d that fires next", n))
			}
			l.FireTimer()
		default:
			t.Diverged("waits")
			return t.Broken()
		}
	}
}

// Sleep waits until the loop of a run that follows no log has something to do: something was
// posted, background work completed, or a timer is due. It may return before.
func (t *Tape) Sleep(ctx context.Context, l *loop.Loop) {
	var due <-chan time.Time
	if at, _, ok := l.NextTimer(); ok {
		timer := time.NewTimer(max(at.Sub(t.base.Now()), 0))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-l.Wake():
	case <-t.Arrived:
	case <-due:
	case <-ctx.Done():
	}
}

// await is what brings the outcome of a piece of background work back.
func (t *Tape) await(ctx context.Context, l *loop.Loop, id uint64) (func(), error) {
	limit := time.NewTimer(completionTime)
	defer limit.Stop()
	for {
		if deliver := t.takeReady(id); deliver != nil {
			return deliver, nil
		}
		if err := t.Broken(); err != nil {
			return nil, err
		}
		select {
		case <-t.Arrived:
		case <-l.Wake():
			l.RunTasks() // such as reads of a body that a script makes
		case <-limit.C:
			return nil, t.Differs(fmt.Sprintf("does not finish its background work %d", id))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
