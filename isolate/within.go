package isolate

import (
	"sync"
	"time"
)

// expiry is one call of Within, as its timer sees it.
type expiry struct {
	mu      sync.Mutex // guards the rest
	over    bool
	expired bool
}

// Within runs fn as code of the frame, whose owner is Stoppable, and stops it where it runs for longer than
// d: neither catch nor finally of the script runs, expire is told, after which the owner must have stopped, and
// Within returns the owner's reason. Other code of the realm goes on, and what waits in other frames is not
// disturbed. What the owner does later, in its microtasks, is not timed; once it has stopped there is no such later.
func (js *JS) Within(frame *Frame, d time.Duration, expire func(), fn func(js *JS)) error {
	r := js.realm
	t := &expiry{}
	timer := time.AfterFunc(d, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.over {
			t.expired = true
			r.expiring.Store(true)
			r.js.rt.Interrupt(errUnwinding)
		}
	})
	return r.part(frame, func(js *JS) {
		defer func() {
			timer.Stop()
			t.mu.Lock()
			t.over = true
			expired := t.expired
			t.mu.Unlock()
			if expired {
				r.expiring.Store(false)
				expire()
				r.ending = frame.stopped()
			}
		}()
		fn(js)
	})
}
