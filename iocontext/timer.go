package iocontext

import (
	"fmt"
	"math"
	"time"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/loop"
)

type timer struct {
	timer *loop.Timer
	done  func()
}

// timerIDs counts per realm, as ids are visible to every context of it.
var timerIDs = isolate.NewSlot(func(*isolate.JS) *int { return new(int) })

// SetTimer runs fn after delay milliseconds, again and again where repeat is set.
// fn runs in the critical section that is current now. A delay that is not a
// number or not positive counts as 0. Too many active timers give a
// QuotaExceededError.
func (c *Context) SetTimer(js *isolate.JS, delay float64, repeat bool, fn func(js *isolate.JS)) (int, error) {
	if limit := js.Isolate().Limits().Timers; len(c.timers) >= limit {
		return 0, exception.DOM("QuotaExceededError", fmt.Sprintf(
			"You have exceeded the number of active timeouts you may set. max active timeouts: %d, current active timeouts: %d, finished timeouts: %d",
			limit, len(c.timers), c.fired))
	}
	if c.Ended() {
		return 0, c.reason()
	}
	id := timerIDs.Get(js)
	*id++
	if c.timers == nil {
		c.timers = map[int]*timer{}
	}
	// A pending timer keeps an actor's newest request, and so the actor, alive.
	t := &timer{done: c.AddPending()}
	c.timers[*id] = t
	c.arm(*id, t, toDelay(delay, limits.TimerDelay.In(js.Bounds())), repeat, c.Capture(js), fn)
	return *id, nil
}

// toDelay is what a script's number of milliseconds means, at most longest (workerd,
// "Timers").
func toDelay(ms float64, longest time.Duration) time.Duration {
	if math.IsNaN(ms) || ms <= 0 {
		return 0
	}
	if ms >= float64(longest/time.Millisecond) {
		return longest
	}
	return time.Duration(ms) * time.Millisecond
}

func (c *Context) arm(id int, t *timer, d time.Duration, repeat bool, e Entry, fn func(js *isolate.JS)) {
	t.timer = c.Loop().After(d, func() {
		run := func(js *isolate.JS) {
			if c.timers[id] != t {
				return // cleared while it waited for the gate
			}
			if !repeat {
				c.drop(id, t)
			} else {
				defer func() {
					if c.timers[id] == t {
						c.arm(id, t, d, repeat, e, fn)
					}
				}()
			}
			fn(js)
		}
		c.RunIn(e, run, func(err error) {
			c.drop(id, t)
			c.Fail(err)
		})
	})
}

func (c *Context) drop(id int, t *timer) {
	t.timer.Stop() // an interval whose turn failed is armed again already
	if c.timers[id] == t {
		delete(c.timers, id)
		c.fired++
	}
	t.done()
}

// ClearTimer cancels a timer; an unknown id is ignored.
func (c *Context) ClearTimer(id int) {
	if t := c.timers[id]; t != nil {
		c.drop(id, t)
	}
}
