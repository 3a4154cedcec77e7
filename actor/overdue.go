package actor

import "workerd.local/internal/priority"

// overdue are the alarms whose time had come before they were found in storage: after a
// long stop that may be those of every actor. limits.AlarmStarting of them run at a
// time; the others wait here, the earliest in front, until one of those is over. Alarms
// that are set while the server runs have nothing to do with it.
type overdue struct {
	waiting priority.Queue[*scheduled]
	started int // have a place: they run, or will in the next round of the loop
}

func newOverdue() overdue {
	return overdue{waiting: priority.New(func(a, b *scheduled) bool {
		if a.wake.Equal(b.wake) { // put off to the same time
			return a.due.Time.Before(b.due.Time)
		}
		return a.wake.Before(b.wake)
	}, func(a *scheduled) *priority.Place { return &a.place })}
}

// add makes an alarm wait for a place.
func (o *overdue) add(a *scheduled) { o.waiting.Push(a) }

// next gives the earliest one a place, nil where no more than most may have one.
func (o *overdue) next(most int) *scheduled {
	if o.waiting.Len() == 0 || o.started >= most {
		return nil
	}
	a := o.waiting.Pop()
	a.placed = true
	o.started++
	return a
}

// remove takes out an alarm that waits.
func (o *overdue) remove(a *scheduled) { o.waiting.Remove(a) }

// leave gives back the place of an alarm, and reports whether it had one.
func (o *overdue) leave(a *scheduled) bool {
	if !a.placed {
		return false
	}
	a.placed = false
	o.started--
	return true
}
