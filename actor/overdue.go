package actor

import "container/heap"

// overdue are the alarms whose time had come before they were found in storage: after a
// long stop that may be those of every actor. limits.AlarmStarting of them run at a
// time; the others wait here, the earliest in front, until one of those is over. Alarms
// that are set while the server runs have nothing to do with it.
type overdue struct {
	waiting wakeHeap
	started int // have a place: they run, or will in the next round of the loop
}

// add makes an alarm wait for a place.
func (o *overdue) add(a *scheduled) { heap.Push(&o.waiting, a) }

// next gives the earliest one a place, nil where no more than most may have one.
func (o *overdue) next(most int) *scheduled {
	if len(o.waiting) == 0 || o.started >= most {
		return nil
	}
	a := heap.Pop(&o.waiting).(*scheduled)
	a.placed = true
	o.started++
	return a
}

// remove takes out an alarm that waits.
func (o *overdue) remove(a *scheduled) {
	if a.index >= 0 {
		heap.Remove(&o.waiting, a.index)
	}
}

// leave gives back the place of an alarm, and reports whether it had one.
func (o *overdue) leave(a *scheduled) bool {
	if !a.placed {
		return false
	}
	a.placed = false
	o.started--
	return true
}

// wakeHeap orders alarms by the time at which they were to start.
type wakeHeap []*scheduled

func (h wakeHeap) Len() int { return len(h) }

func (h wakeHeap) Less(i, j int) bool {
	if h[i].wake.Equal(h[j].wake) { // put off to the same time
		return h[i].due.Time.Before(h[j].due.Time)
	}
	return h[i].wake.Before(h[j].wake)
}

func (h wakeHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *wakeHeap) Push(x any) {
	a := x.(*scheduled)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *wakeHeap) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	a.index = -1
	return a
}
