package serialize

import (
	"context"
	"fmt"
	"time"

	"workerd.local/isolate"
)

// Sleeper is a Host whose time does not pass by itself.
type Sleeper interface {
	// Sleep returns once the time is at, or earlier when wake or done has a value.
	Sleep(at time.Time, wake, arrived <-chan struct{}, done <-chan struct{})
}

// drive runs turns until until says so, the worker ends, its run diverges, or nothing is
// left to do: then it reports true. Background work that completed comes before timers.
func (w *Worker) drive(ctx context.Context, until func() bool) (idle bool) {
	l := w.iso.Loop()
	for {
		for l.Backlog() > 0 && !w.over() {
			w.timed(l.RunTasks)
		}
		if e := w.killed.Load(); e != nil {
			w.end(*e)
		}
		switch {
		case ctx.Err() != nil:
			w.end(Exit{Code: ExitFailed, Failed: ctx.Err()})
			return false
		case w.exit != nil || w.tape.Broken() != nil || until():
			return false
		case w.tape.Deliver():
			continue
		}
		if at, seq, ok := l.NextTimer(); ok && !at.After(w.o.Host.Now()) {
			w.tape.Timer(seq)
			w.timed(l.FireTimer)
			continue
		}
		if l.Backlog() > 0 {
			continue
		}
		if w.ioc.Quiet() && w.waits == 0 {
			return true
		}
		w.sleep(ctx)
	}
}

// timed warns of a turn that takes long.
func (w *Worker) timed(turn func()) {
	if w.o.LongTask <= 0 {
		turn()
		return
	}
	began := w.o.Host.Now()
	turn()
	if took := w.o.Host.Now().Sub(began); took > w.o.LongTask {
		fmt.Fprintf(w.err, "A task ran for %d ms, longer than %d ms\n", took.Milliseconds(), w.o.LongTask.Milliseconds())
	}
}

// sleep waits for the next thing to do.
func (w *Worker) sleep(ctx context.Context) {
	l := w.iso.Loop()
	if w.tape.IsLive() {
		began := w.o.Host.Now()
		defer func() { w.idle += w.o.Host.Now().Sub(began) }()
	}
	at, _, timed := l.NextTimer()
	if s, ok := w.o.Host.(Sleeper); ok && timed {
		s.Sleep(at, l.Wake(), w.tape.Arrived, ctx.Done())
		return
	}
	w.tape.Sleep(ctx, l)
}

// follow runs the turns of a log.
func (w *Worker) follow(ctx context.Context, s *Snapshot, first func(js *isolate.JS)) error {
	w.turn(first)
	if err := w.tape.Follow(ctx, w.iso.Loop(), w.over); err != nil {
		return err
	}
	return w.arrived(s)
}

// arrived compares the worker with the one that parked.
func (w *Worker) arrived(s *Snapshot) error {
	if err := w.tape.AtEnd(s.work); err != nil {
		return err
	}
	if n := w.net.Unasked(); n > 0 {
		return w.tape.Differs(fmt.Sprintf("did not ask for %d of what it had fetched before", n))
	}
	if at, seq, ok := w.iso.Loop().NextTimer(); w.iso.Loop().Timers() != s.timers || ok && (seq != s.timer || at.UnixMilli() != s.due) {
		return w.tape.Differs("has other timers than before where it parks")
	}
	if w.parked == s.forced {
		return w.tape.Differs("parks elsewhere than before")
	}
	if w.state < s.state {
		w.state.become(s.state) // as the worker did that parked because nothing was left to do
	}
	return nil
}
