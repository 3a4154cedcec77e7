package isolate

// A series is several turns in one entry into the engine, for work that comes in crowds and is short each time, as
// messages are: to enter and to leave costs more than such a turn itself. What scripts see is what they see of turns of
// their own: each has its ticks and microtasks before the next begins, and a limit that begins with it.
type series struct {
	step  func(js *JS) (more bool) // nil where none runs
	frame *Frame
	more  bool
	run   func(js *JS) // made once
}

// EnterEach is Enter for a series: fn is called again, as a turn of its own, as long as it says that there is more. It
// comes back earlier where something is to happen between two of the turns that is not the engine's: a rejection that
// is to be told, something that the loop was to do later, a result that somebody waits for. Who has more calls it
// again.
func (r *Realm) EnterEach(frame *Frame, fn func(js *JS) (more bool)) (ran bool, err error) {
	if r.inTurn {
		return r.Enter(frame, func(js *JS) { fn(js) })
	}
	s := &r.series
	if s.run == nil {
		s.run = func(js *JS) {
			s.more = false // also where it throws
			s.more = s.step(js)
		}
	}
	s.step, s.frame = fn, frame
	ran, err = r.run(frame, r.turnLimit(), s.run)
	s.step, s.frame, s.more = nil, nil, false
	return ran, err
}

// another prepares the next turn of a series, where there is one and nothing stands in its way.
func (r *Realm) another() bool {
	s := &r.series
	if !s.more {
		return false
	}
	s.more = false
	if r.refused != nil || r.cause != nil || r.halted() || len(r.awaited) > 0 || len(r.rejected.fresh) > 0 || r.iso.loop.Deferring() {
		return false
	}
	clear(r.made)
	r.made = r.made[:0]
	r.iso.dog.renew()
	r.pending, r.whose, r.owned = s.run, s.frame, true
	return true
}
