package actor

import (
	"time"

	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/internal/priority"
	"workerd.local/loop"
	"workerd.local/storage"
)

// attempts is how often an alarm was tried in vain.
type attempts struct {
	counted     int // retries that the script is to blame for
	backoff     int // doublings of the next pause
	lastCounted bool
}

// failed says what comes after one more failure: a pause before the next try, or
// none, where the alarm is given up (workerd, "Alarms"). Without other bounds the
// pauses are 2 s, 4 s, 8 s ... up to 1,024 s. Failures of the script count, and after
// six counted retries there is no other; failures of the machine do not count.
func (a *attempts) failed(counts bool, bounds *limits.Set) (pause time.Duration, again bool) {
	// The limit comes first: once it is reached any failure is the last one.
	if a.counted >= limits.AlarmRetries.In(bounds) {
		return 0, false
	}
	if counts {
		a.counted++
		if !a.lastCounted {
			a.backoff = 0 // another kind of failure than before
		}
	}
	a.lastCounted = counts
	a.backoff = min(a.backoff, limits.AlarmDoublings.In(bounds))
	pause = limits.AlarmPause.In(bounds) << a.backoff
	a.backoff++
	return pause, true
}

// alarmPhase is where an alarm is: waiting to started, started to waiting (a
// retry, or a newer alarm), abandoning, or gone; abandoning to waiting or gone.
type alarmPhase uint8

const (
	alarmWaiting alarmPhase = iota // for its time, for its next try, or for a place
	alarmStarted
	alarmAbandoning
)

// scheduled is the alarm of one actor.
type scheduled struct {
	due   storage.Due // Retries as they will be told to the handler
	phase alarmPhase
	tries attempts
	wake  time.Time // waiting: when it is started
	timer *loop.Timer
	// durable says that due is known to be, or to have been, what is stored.
	durable bool
	// queued replaces this alarm as soon as it is over: it was set meanwhile. stored
	// says that it is durable.
	queued time.Time
	stored bool
	// late says that its time had come when it was found in storage (overdue).
	late   bool
	placed bool
	place  priority.Place // in overdue.waiting
}

// scheduler wakes the actors of a host at the times of their alarms. It keeps
// nothing: what counts is the alarm that is stored, and a wake-up that finds
// another one there moves on to that. Its times are never later than the stored
// ones, so that no failed commit delays an alarm: an alarm that moves earlier is
// moved here at once, one that moves later or goes away only once that is durable.
// Only on the host's loop.
type scheduler struct {
	l *loop.Loop
	// run delivers an alarm; done is called once. durable says that it was stored, if only
	// for a while: what was never stored may have been set and cleared in one turn. broke
	// says that the actor broke: what
	// it had set is not sure to be stored.
	run func(due storage.Due, durable bool, done func(o event.Outcome, broke bool))
	// abandon deletes the alarm where it is still the stored one; done is called once.
	abandon func(due storage.Due, done func(error))
	// settle stores the number of retries where the alarm is still the stored one, and
	// tells what is stored; done is called once.
	settle func(due storage.Due, done func(storage.Due, error))
	// refused says until when an actor takes no alarms; it has passed where it does.
	refused func(due storage.Due) (until time.Time)
	// bounds are those of retries.
	bounds *limits.Set
	// jitter returns a number from 0 up to, not including, 1.
	jitter func() float64
	// failed is told of what went wrong and has no other ear.
	failed func(due storage.Due, what string, err error)

	alarms  map[string]*scheduled // by the actor's key
	overdue overdue
	closed  bool
}

// load schedules an alarm that was found in storage, unless the actor has one here
// already.
func (s *scheduler) load(d storage.Due) {
	if s.alarms[d.Actor.Key] == nil {
		s.found(d)
	}
}

// found schedules an alarm that is in storage and that nobody here has set.
func (s *scheduler) found(d storage.Due) { s.schedule(d, true, !d.Time.After(s.l.Now())) }

// moved is told that an actor's alarm has changed: its time, zero for none, and
// whether that is durable.
func (s *scheduler) moved(d storage.Due, stored bool) {
	a := s.alarms[d.Actor.Key]
	switch {
	case s.closed:
	case a == nil:
		if !d.Time.IsZero() {
			s.fresh(d, stored)
		}
	case a.phase != alarmWaiting:
		if d.Time.IsZero() && !stored {
			return // what is stored may still come back
		}
		a.queued, a.stored = d.Time, stored && !d.Time.IsZero()
		a.rename(d)
	case d.Time.IsZero():
		if stored {
			s.forget(a)
		}
	case stored && !(d.Time.Equal(a.due.Time) && a.wake.Equal(a.due.Time)), !stored && d.Time.Before(a.wake):
		// Set anew, it starts afresh, even where it has the time of one that failed.
		a.rename(d)
		d.Name = a.due.Name
		s.fresh(d, stored)
	case stored:
		a.durable = true
	}
}

// replace schedules the alarm, if any, of an actor whose storage is another one now.
func (s *scheduler) replace(d storage.Due) {
	if old := s.alarms[d.Actor.Key]; old != nil {
		s.forget(old)
	}
	if !d.Time.IsZero() {
		s.found(d)
	}
}

// rename keeps the name of an actor that is not always told (workerd, "Alarms").
func (a *scheduled) rename(d storage.Due) {
	if d.Name != "" {
		a.due.Name = d.Name
	}
}

// fresh schedules an alarm without failures, or with those that its Due tells of.
func (s *scheduler) fresh(d storage.Due, durable bool) { s.schedule(d, durable, false) }

func (s *scheduler) schedule(d storage.Due, durable, late bool) {
	if s.closed {
		return
	}
	if old := s.alarms[d.Actor.Key]; old != nil {
		s.cancel(old)
	}
	a := &scheduled{due: d, durable: durable, late: late, tries: attempts{counted: d.Retries, backoff: d.Retries, lastCounted: d.Retries > 0}}
	s.alarms[d.Actor.Key] = a
	s.wakeAt(a, d.Time)
}

func (s *scheduler) wakeAt(a *scheduled, t time.Time) {
	a.phase, a.wake = alarmWaiting, t
	if a.late && !t.After(s.l.Now()) {
		s.await(a)
		return
	}
	a.timer = s.l.At(t, func() {
		if a.late {
			s.await(a)
			return
		}
		s.start(a)
	})
}

// await starts a late alarm as soon as there is a place for it.
func (s *scheduler) await(a *scheduled) {
	s.overdue.add(a)
	s.startOverdue()
}

// startOverdue starts late alarms while there are places, each in a turn of its own.
func (s *scheduler) startOverdue() {
	for most := limits.AlarmStarting.In(s.bounds); ; {
		a := s.overdue.next(most)
		if a == nil {
			return
		}
		a.timer = s.l.At(a.wake, func() { s.start(a) })
	}
}

// crowded reports whether overdue alarms wait for a place.
func (s *scheduler) crowded() bool { return s.overdue.waiting.Len() > 0 }

// leave gives the place of a late alarm to the next one.
func (s *scheduler) leave(a *scheduled) {
	if s.overdue.leave(a) {
		s.startOverdue()
	}
}

// cancel sees to it that an alarm is not started. One that runs keeps its place until
// it is over.
func (s *scheduler) cancel(a *scheduled) {
	a.timer.Stop()
	s.overdue.remove(a)
	if a.phase == alarmWaiting {
		s.leave(a)
	}
}

func (s *scheduler) forget(a *scheduled) {
	s.cancel(a)
	delete(s.alarms, a.due.Actor.Key)
}

func (s *scheduler) start(a *scheduled) {
	if until := s.refused(a.due); until.After(s.l.Now()) {
		s.leave(a)
		s.wakeAt(a, until) // no try, and so no retry
		return
	}
	a.phase, a.queued, a.stored = alarmStarted, time.Time{}, false
	s.run(a.due, a.durable, func(o event.Outcome, broke bool) {
		if s.closed {
			return
		}
		s.leave(a)
		if s.alarms[a.due.Actor.Key] == a {
			s.over(a, o, broke)
		}
	})
}

// over decides what comes after a run.
func (s *scheduler) over(a *scheduled, o event.Outcome, broke bool) {
	switch {
	case broke:
		if !a.stored {
			a.queued = time.Time{} // and so is what the actor had set
		}
		s.compare(a, o)
	case !a.queued.IsZero():
		s.next(a)
	default:
		s.conclude(a, o)
	}
}

// next goes on with the alarm that was set meanwhile.
func (s *scheduler) next(a *scheduled) {
	d := a.due
	d.Time, d.Retries = a.queued, 0
	s.fresh(d, a.stored)
}

// conclude is for a run that nothing has replaced.
func (s *scheduler) conclude(a *scheduled, o event.Outcome) {
	if !o.Retry {
		if o.Status == event.Aborted {
			s.giveUp(a)
			return
		}
		s.forget(a)
		return
	}
	pause, again := a.tries.failed(o.Counted, s.bounds)
	if !again {
		s.giveUp(a)
		return
	}
	a.due.Retries = a.tries.counted
	pause += time.Duration(s.jitter() * float64(pause) / 4)
	s.wakeAt(a, s.l.Now().Add(pause))
}

// compare asks storage what has become of the alarm of an actor that broke.
func (s *scheduler) compare(a *scheduled, o event.Outcome) {
	asked := a.due
	if o.Retry && o.Counted {
		asked.Retries = min(a.tries.counted+1, limits.AlarmRetries.In(s.bounds))
	}
	s.settle(asked, func(now storage.Due, err error) {
		if s.closed || s.alarms[a.due.Actor.Key] != a {
			return
		}
		switch {
		case err != nil:
			s.failed(a.due, "what is stored is not known", err)
			if a.stored {
				s.next(a)
				return
			}
			s.conclude(a, o)
		case a.stored:
			s.next(a)
		case now.Time.Equal(a.due.Time):
			s.conclude(a, o)
		case !now.Time.IsZero():
			now.Retries = 0
			s.fresh(now, true)
		case !a.queued.IsZero():
			s.next(a)
		default:
			s.forget(a)
		}
	})
}

// giveUp has the alarm deleted. Where that fails it stays stored, to be tried
// after a restart.
func (s *scheduler) giveUp(a *scheduled) {
	a.phase = alarmAbandoning
	s.abandon(a.due, func(err error) {
		switch {
		case s.closed || s.alarms[a.due.Actor.Key] != a:
		case !a.queued.IsZero():
			s.next(a)
		default:
			if err != nil {
				s.failed(a.due, "it was given up and could not be deleted", err)
			}
			s.forget(a)
		}
	})
}

// close stops every timer: nothing is delivered any more.
func (s *scheduler) close() {
	s.closed = true
	for _, a := range s.alarms {
		a.timer.Stop()
	}
	clear(s.alarms)
	s.overdue = newOverdue()
}
