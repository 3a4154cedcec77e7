package server

import (
	"time"

	"workerd.local/exception"
	"workerd.local/supervise"
)

// refusal says until when a subject is refused, and why; nil where it is not, which is
// also when its whole worker is not.
func (s *Server) refusal(who supervise.Subject) (until time.Time, err error) {
	if len(s.o.Quarantine) == 0 {
		return until, nil
	}
	now := s.o.Host.Now()
	for _, q := range s.o.Quarantine {
		if (q.Is(who) || q.Is(supervise.Subject{Worker: who.Worker})) && q.Until.After(now) && q.Until.After(until) {
			until = q.Until
		}
	}
	if until.IsZero() {
		return until, nil
	}
	what := "Worker"
	if who.Class != "" {
		what = "Durable Object"
	}
	e := exception.Errorf("%s is overloaded. The server died several times while it ran; it is let in again at %s.", what, until.UTC().Format(time.RFC3339)).
		WithKind(exception.Overloaded)
	e.RetryAfter = until.Sub(now)
	return until, e
}
