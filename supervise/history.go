package supervise

import (
	"slices"
	"strings"
	"time"

	"workerd.local/internal/limits"
)

// History decides what follows a death. It has no clock of its own, and forgets what no
// decision needs any more.
type History struct {
	bounds *limits.Set
	deaths []death // within the window, oldest first
	held   map[Subject]*sentence
}

type death struct {
	at       time.Time
	subjects []Subject
}

// sentence is the last quarantine of a subject.
type sentence struct {
	length time.Duration
	until  time.Time
}

// NewHistory returns an empty history.
func NewHistory(bounds *limits.Set) *History {
	return &History{bounds: bounds, held: map[Subject]*sentence{}}
}

// Died notes a death. pause is how long to wait before the next start: none after the
// first death within the window, then twice as long each time. fresh is who is
// quarantined for it.
//
// Who dies on which isolate is not known, only who was running: so a death counts for
// all of them. Whoever brings it about is running each time, so that of several who
// reach the limit those count who were running most often.
func (h *History) Died(now time.Time, suspects []Suspect) (pause time.Duration, fresh []Quarantine) {
	h.forget(now)
	d := death{at: now}
	var workers []Subject
	for _, s := range suspects {
		if !slices.Contains(d.subjects, s.Subject) {
			d.subjects = append(d.subjects, s.Subject)
		}
		if w := s.whole(); !slices.Contains(workers, w) {
			workers = append(workers, w)
		}
	}
	h.deaths = append(h.deaths, d)
	if n := len(h.deaths); n > 1 {
		most := limits.SupervisePauseMost.In(h.bounds)
		pause = limits.SupervisePause.In(h.bounds)
		for range n - 2 {
			if pause *= 2; pause >= most {
				break
			}
		}
		pause = min(pause, most)
	}
	return pause, h.sentences(now, d.subjects, workers)
}

// sentences quarantines those of the last death who are to blame for it.
func (h *History) sentences(now time.Time, subjects, workers []Subject) (fresh []Quarantine) {
	most := 0
	for _, who := range subjects {
		most = max(most, h.count(who, Subject.is))
	}
	guilty := slices.DeleteFunc(slices.Clone(subjects), func(who Subject) bool {
		if h.held[who] != nil && len(subjects) == 1 {
			return false // it has been quarantined before, and is the only suspect
		}
		n := h.count(who, Subject.is)
		return n < most || n < limits.SuperviseCrashes.In(h.bounds)
	})
	for _, w := range workers {
		// Its actors are quarantined one by one, and the whole when there seems to be no
		// end of them.
		if h.count(w, Subject.in) >= limits.SuperviseWorkerCrashes.In(h.bounds) && !slices.Contains(guilty, w) {
			guilty = append(guilty, w)
		}
	}
	for _, who := range guilty {
		fresh = append(fresh, h.sentence(now, who))
	}
	return fresh
}

func (s Subject) is(other Subject) bool { return s == other }
func (s Subject) in(other Subject) bool { return s.Worker == other.Worker }

// count is the number of deaths within the window at which a matching subject was
// running. Those before the end of who's last quarantine are paid for.
func (h *History) count(who Subject, matches func(running, who Subject) bool) (n int) {
	for _, d := range h.deaths {
		if s := h.held[who]; s != nil && d.at.Before(s.until) {
			continue
		}
		if slices.ContainsFunc(d.subjects, func(s Subject) bool { return matches(s, who) }) {
			n++
		}
	}
	return n
}

// sentence quarantines a subject, for twice as long as the last time.
func (h *History) sentence(now time.Time, who Subject) Quarantine {
	length := limits.SuperviseQuarantine.In(h.bounds)
	if last := h.held[who]; last != nil {
		length = 2 * last.length
	}
	length = min(length, limits.SuperviseQuarantineMost.In(h.bounds))
	h.held[who] = &sentence{length, now.Add(length)}
	return Quarantine{who, now.Add(length)}
}

// Quarantined is who is to be refused now, in a fixed order.
func (h *History) Quarantined(now time.Time) (list []Quarantine) {
	for who, s := range h.held {
		if s.until.After(now) {
			list = append(list, Quarantine{who, s.until})
		}
	}
	slices.SortFunc(list, func(a, b Quarantine) int { return strings.Compare(a.String(), b.String()) })
	return list
}

// forget drops deaths that have left the window, and quarantines that ended so long ago
// that the next one is a first one.
func (h *History) forget(now time.Time) {
	window := limits.SuperviseWindow.In(h.bounds)
	h.deaths = slices.DeleteFunc(h.deaths, func(d death) bool { return now.Sub(d.at) > window })
	for who, s := range h.held {
		if now.Sub(s.until) > max(window, limits.SuperviseQuarantineMost.In(h.bounds)) {
			delete(h.held, who)
		}
	}
}
