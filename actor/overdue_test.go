package actor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// crowd is a scheduler of many actors, of which three may be at an overdue alarm at a
// time.
type crowd struct {
	*bench
	running map[string]func(event.Outcome, bool) // by the actor's key
	began   []string                             // and at which time, in order
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{bench: newBench(t), running: map[string]func(event.Outcome, bool){}}
	bounds, err := limits.Parse("alarm.starting=3")
	if err != nil {
		t.Fatal(err)
	}
	c.s.bounds = bounds
	c.s.run = func(d storage.Due, _ bool, done func(event.Outcome, bool)) {
		c.running[d.Actor.Key] = done
		c.began = append(c.began, d.Actor.Key+"@"+c.at(d.Time))
	}
	c.s.abandon = func(_ storage.Due, done func(error)) { done(nil) }
	c.s.settle = func(d storage.Due, done func(storage.Due, error)) { done(d, nil) }
	return c
}

func dueOf(key string, n float64) storage.Due {
	return storage.Due{Actor: actorid.ID{Namespace: "ns", Key: key}, Time: when(n)}
}

func (c *crowd) load(dues ...storage.Due) {
	c.turn(func() {
		for _, d := range dues {
			c.s.load(d)
		}
	})
}

func (c *crowd) over(key string, o event.Outcome, broke bool) {
	c.t.Helper()
	done := c.running[key]
	if done == nil {
		c.t.Fatalf("%s does not run; began: %v", key, c.began)
	}
	delete(c.running, key)
	c.turn(func() { done(o, broke) })
}

// wantBegan compares which alarms have begun, and forgets them.
func (c *crowd) wantBegan(keys ...string) {
	c.t.Helper()
	if !slices.Equal(c.began, keys) {
		c.t.Errorf("began: %v, want %v", c.began, keys)
	}
	c.began = nil
}

// wantEmpty wants nothing left of the alarms.
func (c *crowd) wantEmpty() {
	c.t.Helper()
	if n, w, s := len(c.s.alarms), c.s.overdue.waiting.Len(), c.s.overdue.started; n+w+s > 0 {
		c.t.Errorf("%d alarms, %d wait, %d places are taken", n, w, s)
	}
}

func TestOverdueAlarms(t *testing.T) {
	for name, story := range map[string]func(c *crowd){
		"they begin in the order of their times, as places get free": func(c *crowd) {
			c.load(dueOf("e", -1), dueOf("b", -4), dueOf("a", -5), dueOf("d", -2), dueOf("c", -3))
			c.over("b", went, false)
			c.over("e", threw, false) // a retry is to come, but this run is over
			for _, key := range []string{"a", "c", "d"} {
				c.over(key, went, false)
			}
			c.wantBegan("a@-5s", "b@-4s", "e@-1s", "c@-3s", "d@-2s")
			c.sleep(2 * time.Second)
			c.sleep(0)
			c.over("e", went, false)
			c.wantBegan("e@-1s")
			c.wantEmpty()
		},
		"alarms that are not overdue are not held back": func(c *crowd) {
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2), dueOf("soon", 1))
			c.began = nil
			c.turn(func() { c.s.moved(dueOf("now", 0.5), true) })
			c.sleep(2 * time.Second)
			c.wantBegan("now@0.5s", "soon@1s")
			c.over("now", went, false)
			c.over("soon", went, false)
			c.wantBegan() // they had no place to give
		},
		"one that moves while it waits rings at its new time": func(c *crowd) {
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2), dueOf("e", -1))
			c.began = nil
			c.turn(func() { c.s.moved(dueOf("d", 5), false); c.s.moved(dueOf("d", 5), true) })
			c.sleep(5 * time.Second)
			c.wantBegan("d@5s")
			c.over("a", went, false)
			c.wantBegan("e@-1s")
			for _, key := range []string{"b", "c", "d", "e"} {
				c.over(key, went, false)
			}
			c.wantEmpty()
		},
		"one that moves earlier while it waits does not wait any more": func(c *crowd) {
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2))
			c.began = nil
			c.turn(func() { c.s.moved(dueOf("d", -2.5), false) })
			c.wantBegan("d@-2.5s")
			for _, key := range []string{"a", "b", "c", "d"} {
				c.over(key, went, false)
			}
			c.wantEmpty()
		},
		"one that is cleared while it waits never rings": func(c *crowd) {
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2), dueOf("e", -1))
			c.began = nil
			c.turn(func() { c.s.moved(dueOf("d", 0), false); c.s.moved(dueOf("d", 0), true) })
			c.over("a", went, false)
			c.wantBegan("e@-1s")
			for _, key := range []string{"b", "c", "e"} {
				c.over(key, went, false)
			}
			c.wantEmpty()
		},
		"one that is cleared before its turn leaves its place": func(c *crowd) {
			c.l.Turn(func() {
				for i, key := range []string{"a", "b", "c", "d"} {
					c.s.load(dueOf(key, float64(i-9)))
				}
				c.s.moved(dueOf("b", 0), true)
			})
			c.l.RunPending()
			c.wantBegan("a@-9s", "c@-7s", "d@-6s")
		},
		"one whose storage is replaced while it runs keeps its place until it is over": func(c *crowd) {
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2))
			c.began = nil
			c.turn(func() { c.s.replace(dueOf("a", -1)) })
			c.wantBegan()
			c.over("a", went, false)
			c.wantBegan("d@-2s")
			c.over("b", went, false)
			c.wantBegan("a@-1s")
			for _, key := range []string{"a", "c", "d"} {
				c.over(key, went, false)
			}
			c.wantEmpty()
		},
		"one whose actor is refused waits without a place": func(c *crowd) {
			c.refused = when(10)
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2))
			c.sleep(0)
			c.wantBegan()
			c.sleep(10 * time.Second)
			c.sleep(0) // a place first, then its turn
			c.wantBegan("a@-5s", "b@-4s", "c@-3s")
			c.over("c", went, false)
			c.wantBegan("d@-2s")
		},
		"an alarm set by one that runs is not held back": func(c *crowd) {
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2))
			c.turn(func() { c.s.moved(dueOf("a", 0.001), true) })
			c.sleep(time.Second)
			c.began = nil
			c.over("a", went, false)
			// Both at once: the next overdue one has the place, the new one needs none.
			slices.Sort(c.began)
			c.wantBegan("a@0.001s", "d@-2s")
		},
		"closed: nobody has a place any more": func(c *crowd) {
			c.load(dueOf("a", -5), dueOf("b", -4), dueOf("c", -3), dueOf("d", -2))
			c.began = nil
			c.turn(c.s.close)
			c.over("a", went, false)
			c.wantBegan()
			c.wantEmpty()
		},
	} {
		t.Run(name, func(t *testing.T) { story(newCrowd(t)) })
	}
}

// Whatever happens to them, no more than three late alarms run at a time, and in the end
// each has run as often as it should.
func TestOverdueAlarmsInAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := newCrowd(t)
		left := map[string]bool{}
		for i := range 30 {
			key := fmt.Sprint(i)
			left[key] = true
			c.load(dueOf(key, float64(-1-r.IntN(100))))
		}
		for step := 0; len(left) > 0; step++ {
			if step > 10_000 {
				t.Fatalf("seed %d: %d alarms never ran", seed, len(left))
			}
			if c.s.overdue.started > 3 || c.s.overdue.started < 0 {
				t.Fatalf("seed %d: %d places", seed, c.s.overdue.started)
			}
			key := fmt.Sprint(r.IntN(30))
			switch r.IntN(6) {
			case 0:
				c.turn(func() { c.s.moved(dueOf(key, 0), true) })
				if c.running[key] == nil {
					delete(left, key)
				}
			case 1:
				c.sleep(time.Duration(r.IntN(3)) * time.Second)
			default:
				for key := range c.running {
					o := [...]event.Outcome{went, went, threw, machine, aborted, canceled}[r.IntN(6)]
					c.over(key, o, r.IntN(4) == 0)
					if c.s.alarms[key] == nil {
						delete(left, key)
					}
					break
				}
			}
		}
		c.wantEmpty()
	}
}
